use serde_json::Value;

/// What came back for a [`crate::Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// Whether the body calls itself HTML.
    pub html: bool,
    /// Where the answer sends the client, for a redirect.
    pub location: Option<String>,
    /// What the server's clock says (HTTP header `Date`), if it tells.
    pub date: Option<String>,
    /// The cookies it sets, each as `name=value`.
    pub cookies: Vec<String>,
    /// The body as text.
    pub body: String,
}

/// What a reply says about the login, before its content is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The API itself answered.
    Answered,
    /// The front door wants a login: 401, or a redirect to one.
    NotLoggedIn,
    /// A redirect to anywhere else.
    Redirected,
    /// A page of HTML with a status of success: of a proxy, a login, or another server.
    Page,
    /// The login is known but has no right to this call: the front door's 403 page.
    Forbidden,
}

impl Reply {
    /// Returns an answer of the API itself.
    #[cfg(test)]
    pub(crate) fn plain(status: u16, body: &str) -> Self {
        let (location, date, cookies) = (None, None, Vec::new());
        Self { status, html: false, location, date, cookies, body: body.to_owned() }
    }

    /// Returns whether the API answered or the front door did.
    pub fn standing(&self) -> Standing {
        match self.status {
            // Airflow's own, behind the front door.
            300..=399 if self.leads_to("/flow/") => Standing::Answered,
            300..=399 if !self.leads_to_login() => Standing::Redirected,
            401 | 300..=399 => Standing::NotLoggedIn,
            403 => Standing::Forbidden,
            200..=299 if self.html => Standing::Page,
            _ => Standing::Answered,
        }
    }

    /// Says whether it sends the client to a login: Keycloak's behind the same door, or that of
    /// another provider (RFC 6749, 4.1.1: with the client's name). A place that is not told is none
    /// to go to, so it counts.
    fn leads_to_login(&self) -> bool {
        let asks = |location: &String| location.contains("client_id=");
        self.location.as_ref().is_none_or(asks)
            || self.leads_to("/auth/")
            || self.leads_to("/oauth2/")
    }

    /// Says whether it sends the client to a path of that beginning, on whatever host.
    fn leads_to(&self, path: &str) -> bool {
        let Some(location) = &self.location else { return false };
        let own = match location.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => location,
        };
        own.starts_with(path)
    }

    /// Says whether the call succeeded.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Says whether the answer leaves open what happened: the API's own 500, or a front door that
    /// did not want to wait.
    pub fn is_unclear(&self) -> bool {
        matches!(self.status, 500 | 502..=504)
    }

    /// Returns the reason inside an error body.
    ///
    /// A platform has four shapes: plain text, `{"detail": "..."}`, a list of invalid fields under
    /// `detail`, and the web server's own `Internal Server Error`. HTML pages are not repeated.
    pub fn reason(&self) -> String {
        let text = self.body.trim();
        if let Ok(Value::Object(body)) = serde_json::from_str::<Value>(text) {
            match body.get("detail") {
                Some(Value::String(detail)) => return detail.clone(),
                Some(Value::Array(fields)) => return invalid_fields(fields),
                _ => {}
            }
        }
        if text.is_empty() || self.html || text.starts_with('<') {
            return format!("status {} without a reason", self.status);
        }
        text.chars().take(500).collect()
    }
}

/// Reads `[{"type", "loc": [..], "msg", "input"}]`.
fn invalid_fields(fields: &[Value]) -> String {
    let one = |field: &Value| {
        let place: Vec<_> = field["loc"].as_array().into_iter().flatten().map(plain).collect();
        format!("{}: {}", place.join("."), plain(&field["msg"]))
    };
    fields.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            html: body.starts_with('<'),
            location: None,
            date: None,
            cookies: Vec::new(),
            body: body.to_owned(),
        }
    }

    #[test]
    fn every_shape_of_an_error_gives_its_reason() {
        let check = |body: &str, expected: &str| assert_eq!(reply(500, body).reason(), expected);
        check("Chart install command failed for x", "Chart install command failed for x");
        check(r#"{"detail":"Failed to get extensions"}"#, "Failed to get extensions");
        check(
            r#"{"detail":[{"type":"missing","loc":["query","patch"],"msg":"Field required","input":null}]}"#,
            "query.patch: Field required",
        );
        check("Internal Server Error", "Internal Server Error");
        check("<html>proxy</html>", "status 500 without a reason");
        check("", "status 500 without a reason");
    }

    #[test]
    fn a_login_page_is_not_taken_for_an_answer() {
        let check = |status, body, expected| assert_eq!(reply(status, body).standing(), expected);
        check(200, "[]", Standing::Answered);
        check(200, "<html>log in</html>", Standing::Page);
        check(302, "", Standing::NotLoggedIn);
        check(401, "", Standing::NotLoggedIn);
        let to = |location: &str| Reply { location: Some(location.into()), ..reply(302, "") };
        let standing = |location| to(location).standing();
        assert_eq!(standing("https://h/flow/home"), Standing::Answered);
        assert_eq!(standing("/flow/home"), Standing::Answered);
        assert_eq!(standing("https://h/auth/realms/k?next=/flow/"), Standing::NotLoggedIn);
        assert_eq!(standing("/oauth2/start?rd=%2F"), Standing::NotLoggedIn);
        assert_eq!(standing("https://id.example/authorize?client_id=k"), Standing::NotLoggedIn);
        assert_eq!(standing("https://other.example/kube-helm-api/"), Standing::Redirected);
        check(403, "<html>no</html>", Standing::Forbidden);
        check(502, "<html>bad gateway</html>", Standing::Answered);
    }
}
