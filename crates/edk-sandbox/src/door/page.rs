//! The pages of the front door; they are for people, so they are short.

/// Answers who has no right.
pub(super) const FORBIDDEN: &str = "<!doctype html><title>Forbidden</title>\
     <h1>403</h1><p>You are not allowed to see this.";

/// Asks for a name and a password; `hidden` are fields that come back with them.
pub(super) fn form(title: &str, hidden: &[(&str, &str)], problem: &str) -> String {
    let field = |(name, value): &(&str, &str)| {
        format!("<input type=hidden name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
    };
    let hidden: String = hidden.iter().map(field).collect();
    format!(
        "<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p role=alert>{problem}\
         <form method=post>{hidden}<label>User <input name=username autofocus></label> \
         <label>Password <input name=password type=password></label> <button>Log in</button></form>"
    )
}

/// Says something.
pub(super) fn message(text: &str) -> String {
    format!("<!doctype html><html lang=en><title>{text}</title><p>{text}")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
