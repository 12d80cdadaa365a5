//! HTML escaping, which a platform does to all texts that are sent to it.

/// Returns `text` with `& < > " '` escaped.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_gives_a_meaning_is_escaped() {
        assert_eq!(html(r#"a&b<c>"d'"#), "a&amp;b&lt;c&gt;&quot;d&#x27;");
        assert_eq!(html("plain, {text}"), "plain, {text}");
    }
}
