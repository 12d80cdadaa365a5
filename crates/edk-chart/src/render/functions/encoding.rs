//! Texts of other formats: YAML, JSON, base 64, digests.

use base64::{Engine, engine::general_purpose::STANDARD};
use edk_model::Digest;
use gotmpl::Value;
use serde_json::Value as Json;

use super::{Outcome, Table, args};
use crate::{
    render::{
        fault::Fault,
        value::{from_json, list, map_of, string, to_json},
    },
    yaml,
};

pub(super) const TABLE: Table = &[
    ("toYaml", |_, args| {
        let text = yaml::emit(&to_json(args::any(args, 0)?));
        Ok(string(text.strip_suffix('\n').unwrap_or(&text)))
    }),
    ("mustToYaml", |_, args| {
        let text = yaml::emit(&to_json(args::any(args, 0)?));
        Ok(string(text.strip_suffix('\n').unwrap_or(&text)))
    }),
    ("toYamlPretty", |_, args| {
        let text = yaml::emit(&to_json(args::any(args, 0)?));
        Ok(string(text.strip_suffix('\n').unwrap_or(&text)))
    }),
    ("fromYaml", |_, args| {
        let parsed = yaml::parse(args::string(args, 0)?, "fromYaml").map_err(|f| f.message);
        Ok(map_or_error(parsed))
    }),
    ("fromYamlArray", |_, args| {
        let parsed = yaml::parse(args::string(args, 0)?, "fromYamlArray").map_err(|f| f.message);
        Ok(list_or_error(parsed))
    }),
    ("toJson", |_, args| json(args, true, false)),
    ("mustToJson", |_, args| json(args, true, false)),
    ("toRawJson", |_, args| json(args, false, false)),
    ("mustToRawJson", |_, args| json(args, false, false)),
    ("toPrettyJson", |_, args| json(args, true, true)),
    ("mustToPrettyJson", |_, args| json(args, true, true)),
    ("fromJson", |_, args| {
        let parsed = serde_json::from_str(args::string(args, 0)?).map_err(|e| e.to_string());
        Ok(map_or_error(parsed))
    }),
    ("mustFromJson", |_, args| {
        let parsed = serde_json::from_str(args::string(args, 0)?).map_err(|e| e.to_string());
        parsed.map(|json| from_json(&json)).map_err(Fault::from)
    }),
    ("fromJsonArray", |_, args| {
        let parsed = serde_json::from_str(args::string(args, 0)?).map_err(|e| e.to_string());
        Ok(list_or_error(parsed))
    }),
    ("b64enc", |_, args| Ok(string(STANDARD.encode(args::string(args, 0)?)))),
    ("b64dec", |_, args| {
        let text = args::string(args, 0)?;
        Ok(match STANDARD.decode(text) {
            Ok(bytes) => string(String::from_utf8_lossy(&bytes)),
            Err(error) => string(error.to_string()),
        })
    }),
    ("sha256sum", |_, args| Ok(string(Digest::of(args::string(args, 0)?.as_bytes()).hex()))),
    ("adler32sum", |_, args| Ok(string(adler32(args::string(args, 0)?).to_string()))),
];

/// Helm gives a map with the key `Error` for a text that is no map.
fn map_or_error(parsed: Result<Json, String>) -> Value {
    match parsed {
        Ok(map @ Json::Object(_)) => from_json(&map),
        Ok(Json::Null) => map_of::<&str>([]),
        Ok(_) => map_of([("Error", string("the text is not a map"))]),
        Err(message) => map_of([("Error", string(message))]),
    }
}

fn list_or_error(parsed: Result<Json, String>) -> Value {
    match parsed {
        Ok(items @ Json::Array(_)) => from_json(&items),
        Ok(Json::Null) => list([]),
        Ok(_) => list([string("the text is not a list")]),
        Err(message) => list([string(message)]),
    }
}

/// Writes JSON as Go does: keys sorted; `escaped` replaces what HTML would read.
fn json(args: &[Value], escaped: bool, pretty: bool) -> Outcome {
    let value = to_json(args::any(args, 0)?);
    let text =
        if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
    let mut text = text.map_err(|error| error.to_string())?;
    for (sign, code) in [("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")] {
        text = text.replace(sign, code);
    }
    if escaped {
        for (sign, code) in [("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")] {
            text = text.replace(sign, code);
        }
    }
    Ok(string(text))
}

/// The checksum of RFC 1950, section 8.2.
fn adler32(text: &str) -> u32 {
    let (a, b) = text.bytes().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}
