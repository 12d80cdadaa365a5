use edk_model::Failure;
use serde_json::{Value, json};

use crate::Response;

/// Version of the JSON document; raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// Returns the one JSON document of a command:
/// `{"schema": 1, "command": "build", "ok": true, "result": …}`, or with `"ok": false` and
/// `"failure"` instead of `"result"`.
pub fn document(command: &str, result: &Result<Response, Failure>) -> Value {
    let mut document = json!({"schema": SCHEMA_VERSION, "command": command, "ok": result.is_ok()});
    match result {
        Ok(response) => document["result"] = json!(response),
        Err(failure) => document["failure"] = json!(failure),
    }
    document
}

#[cfg(test)]
mod tests {
    use edk_model::Code;

    use super::*;

    #[test]
    fn a_failure_is_a_document_too() {
        let failure = Failure::new(Code::NotFound, "it is not there").hint("look elsewhere");
        let expected = json!({
            "schema": 1, "command": "build", "ok": false,
            "failure": {"code": "not-found", "what": "it is not there", "hints": ["look elsewhere"]},
        });
        assert_eq!(document("build", &Err(failure)), expected);
        assert_eq!(document("x", &Ok(Response::Stopped))["result"], Value::Null);
    }
}
