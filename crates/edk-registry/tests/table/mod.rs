//! Requests as rows of a table, each with what must come of it.

use reqwest::{Method, Response, header};
use serde_json::Value;

use crate::server::Server;

/// A request and what must come of it. `{location}` in its path is the last `Location` seen.
pub(crate) struct Row {
    section: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    expected: Vec<(&'static str, Option<String>)>,
    code: Option<&'static str>,
    content: Option<Vec<u8>>,
    value: Option<Value>,
}

pub(crate) fn row(
    section: &'static str,
    method: &str,
    path: impl Into<String>,
    status: u16,
) -> Row {
    Row {
        section,
        method: method.parse().unwrap(),
        path: path.into(),
        headers: Vec::new(),
        body: Vec::new(),
        status,
        expected: Vec::new(),
        code: None,
        content: None,
        value: None,
    }
}

impl Row {
    pub(crate) fn send(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self
    }

    pub(crate) fn gives(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.expected.push((name, Some(value.into())));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.expected.push((name, None));
        self
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn content(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.content = Some(bytes.into());
        self
    }

    pub(crate) fn value(mut self, value: Value) -> Self {
        self.value = Some(value);
        self
    }

    fn title(&self) -> String {
        format!("[{}] {} {}", self.section, self.method, self.path)
    }
}

/// Sends the rows one after the other to one server.
pub(crate) async fn check(server: &Server, rows: impl IntoIterator<Item = Row>) {
    let mut location = String::new();
    for row in rows {
        let path = row.path.replace("{location}", &location);
        let mut request = server.client.request(row.method.clone(), server.url(&path));
        for (name, value) in &row.headers {
            request = request.header(*name, value);
        }
        let response = request.body(row.body.clone()).send().await.unwrap();
        if let Some(found) = response.headers().get(header::LOCATION) {
            location = found.to_str().unwrap().to_owned();
        }
        compare(&row, response).await;
    }
}

async fn compare(row: &Row, response: Response) {
    let (title, status) = (row.title(), response.status().as_u16());
    let headers = response.headers().clone();
    let bytes = response.bytes().await.unwrap();
    assert_eq!(status, row.status, "{title}: {}", String::from_utf8_lossy(&bytes));
    for (name, expected) in &row.expected {
        let found = headers.get(*name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(&found, expected, "{title}: header {name}");
    }
    if let Some(code) = row.code {
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body["errors"][0]["code"], code, "{title}: {body}");
        assert!(!body["errors"][0]["message"].as_str().unwrap().is_empty(), "{title}");
    }
    if let Some(content) = &row.content {
        assert_eq!(bytes, *content, "{title}");
    }
    if let Some(value) = &row.value {
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), *value, "{title}");
    }
}
