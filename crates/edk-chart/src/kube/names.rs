//! Names as Kubernetes takes them ("Object Names and IDs" and "Labels and Selectors" of its
//! documentation).

/// Says whether `name` is a DNS label (RFC 1123): the names of namespaces, containers and ports.
pub(crate) fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte != b'-');
    name.len() <= 63
        && name.bytes().all(inner)
        && edge(name.bytes().next())
        && edge(name.bytes().last())
}

/// Says whether `name` is a label of RFC 1035, which starts with a letter: the names of services.
pub(crate) fn is_service_label(name: &str) -> bool {
    is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Says whether `name` is a subdomain (RFC 1123): the names of most objects.
pub(crate) fn is_subdomain(name: &str) -> bool {
    // The limit of 63 of a label does not hold for its parts.
    let part = |part: &str| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|c| edge(c) || c == '-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// Says whether `name` can be a part of a path: the names of roles.
pub(crate) fn is_path_segment(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '%'])
}

/// Returns why `name` can't be the name of an object of kind `kind`.
pub(crate) fn wrong_name(kind: &str, name: &str) -> Option<&'static str> {
    let (fits, rule) = match kind.to_ascii_lowercase().as_str() {
        "certificatesigningrequest" => (true, ""),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => {
            (is_path_segment(name), "it is neither `.` nor `..` and holds no `/` and no `%`")
        }
        "service" => (
            is_service_label(name),
            "it has at most 63 lower-case letters, digits and `-`, and starts with a letter",
        ),
        "namespace" => {
            (is_label(name), "it has at most 63 lower-case letters, digits and `-`, and no dots")
        }
        _ => (
            is_subdomain(name),
            "it has lower-case letters, digits, `-` and `.`, a letter or digit at both ends of \
             each part",
        ),
    };
    (!fits).then_some(rule)
}

/// Says whether `key` is a key of a label or an annotation: a name, after a domain and `/` or not.
pub(crate) fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_label_name(name),
        None => is_label_name(key),
    }
}

/// Says whether `value` is the value of a label; it may be empty.
pub(crate) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_label_name(value)
}

fn is_label_name(name: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    name.len() <= 63
        && name.starts_with(edge)
        && name.ends_with(edge)
        && name.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_rules_of_their_own_for_names() {
        // (kind, the names it does not take), of: a.b a_b 1a a:b A a%b a/b "" .. 64 letters -a
        let long = "a".repeat(64);
        let names = ["a.b", "a_b", "1a", "a:b", "A", "a%b", "a/b", "", "..", &long, "-a"];
        for (kind, refused) in [
            ("ConfigMap", &["a_b", "a:b", "A", "a%b", "a/b", "", "..", "-a"][..]),
            ("Service", &["a.b", "a_b", "1a", "a:b", "A", "a%b", "a/b", "", "..", &long, "-a"]),
            ("Namespace", &["a.b", "a_b", "a:b", "A", "a%b", "a/b", "", "..", &long, "-a"]),
            ("Role", &["a%b", "a/b", ".."]),
            ("CertificateSigningRequest", &[]),
        ] {
            let found: Vec<&str> =
                names.into_iter().filter(|name| wrong_name(kind, name).is_some()).collect();
            assert_eq!(found, refused, "{kind}");
        }
    }

    #[test]
    fn keys_and_values_of_labels_are_told_from_other_texts() {
        for key in ["app", "app.kubernetes.io/name", "a_b-c.d", "1"] {
            assert!(is_qualified(key), "{key}");
        }
        for key in ["", "a b", "/a", "a/", "a/b/c", "A.b/c", "-a", &"a".repeat(64)] {
            assert!(!is_qualified(key), "{key}");
        }
        assert!(is_label_value("") && is_label_value("A.b_c-1") && !is_label_value("a/b"));
    }
}
