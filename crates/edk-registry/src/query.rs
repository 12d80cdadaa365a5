use axum::{extract::Query as Extract, http::Uri};

use crate::refusal::Refusal;

/// The parameters behind the `?` of a request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters; what can't be read counts as none.
    pub(crate) fn of(uri: &Uri) -> Self {
        Extract::try_from_uri(uri).map(|Extract(pairs)| Self(pairs)).unwrap_or_default()
    }

    /// Returns the first value of the parameter `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns how many entries the client wants, when it says so.
    pub(crate) fn page_size(&self) -> Result<Option<usize>, Refusal> {
        let number =
            |text: &str| text.parse().map_err(|_| Refusal::PageSize { text: text.to_owned() });
        self.get("n").map(number).transpose()
    }
}
