//! Flags of instructions: `--name=value` before their arguments.

use super::{instruction::Mount, parse::Problem};

/// Takes the flags off the front of an instruction's text.
pub(super) fn take_flags(mut rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut flags = Vec::new();
    while let Some(flag) = rest.strip_prefix("--") {
        let end = flag.find(char::is_whitespace).unwrap_or(flag.len());
        let (flag, after) = flag.split_at(end);
        flags.push(flag.split_once('=').unwrap_or((flag, "")));
        rest = after.trim_start();
    }
    (flags, rest)
}

/// Reads the value of `RUN --mount=`: `type=cache,target=/x,...`.
pub(super) fn mount(text: &str) -> Result<Mount, Problem> {
    let pairs: Vec<(&str, &str)> =
        text.split(',').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let find = |names: &[&str]| {
        pairs.iter().find(|(name, _)| names.contains(name)).map(|(_, value)| (*value).to_owned())
    };
    let unsupported = |what: &str, instead: &str| {
        Err(Problem::unsupported(&format!("RUN --mount={what}"), instead))
    };
    let kind = find(&["type"]).unwrap_or_else(|| "bind".to_owned());
    let target = find(&["target", "dst", "destination"]);
    let Some(target) = target.filter(|target| !target.is_empty()) else {
        return match kind.as_str() {
            "cache" | "bind" | "tmpfs" => Err(Problem::malformed("--mount needs a target")),
            other => unsupported(
                &format!("type={other}"),
                "pass what it brings as a file of the build context",
            ),
        };
    };
    // What changes who sees what, or what is kept, is refused rather than left out.
    let known: &[&str] = match kind.as_str() {
        "cache" => &["type", "target", "dst", "destination", "id", "sharing"],
        "bind" => &["type", "target", "dst", "destination", "source", "src", "ro", "readonly"],
        "tmpfs" => &["type", "target", "dst", "destination"],
        other => {
            return unsupported(
                &format!("type={other}"),
                "pass what it brings as a file of the build context",
            );
        }
    };
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(name)) {
        return unsupported(&format!("…,{name}"), "leave the option away");
    }
    Ok(match kind.as_str() {
        "cache" => Mount::Cache { id: find(&["id"]).unwrap_or_else(|| target.clone()), target },
        "tmpfs" => Mount::Tmpfs { target },
        _ => Mount::Bind {
            source: find(&["source", "src"]).unwrap_or_else(|| ".".to_owned()),
            target,
        },
    })
}
