use axum::http::{HeaderMap, HeaderName, header};
use edk_model::Digest;

/// Returns the entity tag of content with this digest.
pub(crate) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Says whether the client has the content already (RFC 9110, section 13.1.2).
pub(crate) fn is_known(headers: &HeaderMap, digest: &Digest) -> bool {
    let own = entity_tag(digest);
    values(headers, header::IF_NONE_MATCH).any(|tag| tag == "*" || bare(tag) == own)
}

/// Says whether a range may be served: always, unless the client wants it only of other content
/// (RFC 9110, section 13.1.5). Content is never changed under a digest, so a date says nothing.
pub(crate) fn allows_range(headers: &HeaderMap, digest: &Digest) -> bool {
    let own = entity_tag(digest);
    values(headers, header::IF_RANGE).all(|tag| tag == own)
}

fn bare(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_spared_only_what_it_names() {
        let digest = Digest::of(b"x");
        for (value, known) in [
            (entity_tag(&digest), true),
            (format!("W/{}", entity_tag(&digest)), true),
            (format!("\"a\", {}", entity_tag(&digest)), true),
            ("*".to_owned(), true),
            (digest.to_string(), false),
            (entity_tag(&Digest::of(b"y")), false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]);
            assert_eq!(is_known(&headers, &digest), known, "{value}");
        }
        assert!(!is_known(&HeaderMap::new(), &digest));
    }
}
