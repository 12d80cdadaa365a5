//! The value of `RUN --mount=`: `type=cache,target=/x,…`.

use super::{
    flags::switch,
    instruction::{Look, Mount, Sharing},
    parse::Problem,
};

/// Reads the value of `RUN --mount=`.
pub(super) fn mount(text: &str) -> Result<Mount, Problem> {
    let mut options = Options::read(text);
    let kind = options.take(&["type"]).unwrap_or_else(|| "bind".to_owned());
    let mount = match kind.as_str() {
        "cache" => cache(&mut options)?,
        "bind" => bind(&mut options)?,
        "tmpfs" => {
            let target = options.target()?;
            let size = options.take(&["size"]).map(|text| bytes(&text)).transpose()?;
            Mount::Tmpfs { target, size }
        }
        "secret" => secret(&mut options)?,
        "ssh" => {
            let instead = "pass a deploy token with `RUN --mount=type=secret` instead";
            return Err(Problem::unsupported("RUN --mount=type=ssh", instead));
        }
        other => {
            let message = format!("`{other}` is none of bind, cache, secret and tmpfs");
            return Err(Problem::malformed(format!("--mount=type={message}")));
        }
    };
    // What changes who sees what, or what is kept, is refused rather than left out.
    match options.0.first() {
        None => Ok(mount),
        Some((name, _)) => Err(Problem::unsupported(
            &format!("RUN --mount=type={kind},{name}"),
            "leave the option away",
        )),
    }
}

fn cache(options: &mut Options) -> Result<Mount, Problem> {
    let target = options.target()?;
    let sharing = match options.take(&["sharing"]).as_deref() {
        None | Some("shared") => Sharing::Shared,
        Some("private") => Sharing::Private,
        Some("locked") => Sharing::Locked,
        Some(other) => {
            let message = format!("`sharing={other}` is none of shared, private and locked");
            return Err(Problem::malformed(message));
        }
    };
    let id = options.take(&["id"]).unwrap_or_else(|| target.clone());
    let read_only = options.read_only()?.unwrap_or(false);
    Ok(Mount::Cache { target, id, read_only, sharing, look: options.look()? })
}

fn bind(options: &mut Options) -> Result<Mount, Problem> {
    let target = options.target()?;
    let source = options.take(&["source", "src"]).unwrap_or_else(|| "/".to_owned());
    let from = options.take(&["from"]);
    let writable = !options.read_only()?.unwrap_or(true);
    Ok(Mount::Bind { target, source, from, writable })
}

fn secret(options: &mut Options) -> Result<Mount, Problem> {
    let (id, target) = (options.take(&["id"]), options.take(&["target", "dst", "destination"]));
    let env = options.take(&["env"]);
    let named = |target: &String| target.rsplit('/').next().map(str::to_owned);
    let Some(id) = id.or_else(|| target.as_ref().and_then(named)).filter(|id| !id.is_empty())
    else {
        return Err(Problem::malformed("--mount=type=secret needs an id or a target"));
    };
    let target = match (&env, target) {
        (Some(_), None) => None,
        (_, Some(target)) => Some(target),
        (None, None) => Some(format!("/run/secrets/{id}")),
    };
    let required = match options.take(&["required"]) {
        Some(value) => switch("required", &value)?,
        None => false,
    };
    Ok(Mount::Secret { id, target, env, required, look: options.look()? })
}

/// Pairs that were not asked for yet.
struct Options(Vec<(String, String)>);

impl Options {
    fn read(text: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.trim().to_ascii_lowercase(), value.to_owned())
        };
        Self(text.split(',').filter(|text| !text.is_empty()).map(pair).collect())
    }

    /// Takes the option out; the last one of several counts.
    fn take(&mut self, names: &[&str]) -> Option<String> {
        let mut found = None;
        self.0.retain(|(name, value)| {
            let ours = names.contains(&name.as_str());
            if ours {
                found = Some(value.clone());
            }
            !ours
        });
        found
    }

    fn target(&mut self) -> Result<String, Problem> {
        let target = self.take(&["target", "dst", "destination"]);
        target
            .filter(|target| !target.is_empty())
            .ok_or_else(|| Problem::malformed("--mount needs a target"))
    }

    fn read_only(&mut self) -> Result<Option<bool>, Problem> {
        let reads = self.take(&["ro", "readonly"]);
        let reads = reads.map(|value| switch("readonly", &value)).transpose()?;
        let writes = self.take(&["rw", "readwrite"]);
        let writes = writes.map(|value| switch("readwrite", &value)).transpose()?;
        Ok(reads.or(writes.map(|writes| !writes)))
    }

    fn look(&mut self) -> Result<Look, Problem> {
        let mode = self.take(&["mode"]);
        let mode = mode.map(|text| match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(mode),
            _ => Err(Problem::malformed(format!("`mode={text}` is no octal mode"))),
        });
        let mut number = |name: &'static str| match self.take(&[name]) {
            None => Ok(0),
            Some(text) => text
                .parse()
                .map_err(|_| Problem::malformed(format!("`{name}={text}` is no number"))),
        };
        Ok(Look { mode: mode.transpose()?, uid: number("uid")?, gid: number("gid")? })
    }
}

/// A size such as `64m`, in bytes.
fn bytes(text: &str) -> Result<u64, Problem> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.trim_end_matches('b');
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1 << 10),
        Some(b'm') => (&lower[..lower.len() - 1], 1 << 20),
        Some(b'g') => (&lower[..lower.len() - 1], 1_u64 << 30),
        _ => (lower, 1),
    };
    let size = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    size.ok_or_else(|| Problem::malformed(format!("`size={text}` is no size such as 64m")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_their_other_names_and_defaults() {
        let text = str::to_owned;
        let look = Look::default();
        for (option, expected) in [
            (
                "type=cache,dst=/c",
                Mount::Cache {
                    target: text("/c"),
                    id: text("/c"),
                    read_only: false,
                    sharing: Sharing::Shared,
                    look,
                },
            ),
            (
                "type=cache,target=/c,id=x,ro,sharing=locked,mode=0700,uid=5",
                Mount::Cache {
                    target: text("/c"),
                    id: text("x"),
                    read_only: true,
                    sharing: Sharing::Locked,
                    look: Look { mode: Some(0o700), uid: 5, gid: 0 },
                },
            ),
            (
                "target=/b,src=x,from=y,rw",
                Mount::Bind {
                    target: text("/b"),
                    source: text("x"),
                    from: Some(text("y")),
                    writable: true,
                },
            ),
            (
                "type=tmpfs,target=/t,size=2m",
                Mount::Tmpfs { target: text("/t"), size: Some(2 << 20) },
            ),
            (
                "type=secret,id=k",
                Mount::Secret {
                    id: text("k"),
                    target: Some(text("/run/secrets/k")),
                    env: None,
                    required: false,
                    look,
                },
            ),
            (
                "type=secret,id=k,env=K,required",
                Mount::Secret {
                    id: text("k"),
                    target: None,
                    env: Some(text("K")),
                    required: true,
                    look,
                },
            ),
        ] {
            assert_eq!(mount(option).unwrap(), expected, "{option}");
        }
    }

    #[test]
    fn what_makes_no_sense_or_is_not_done_is_refused() {
        for option in [
            "type=cache",
            "type=ssh",
            "type=nope,target=/x",
            "type=secret",
            "type=cache,target=/x,sharing=x",
            "type=cache,target=/x,from=y",
            "type=tmpfs,target=/x,size=much",
            "type=bind,target=/x,mode=8",
            "type=secret,id=x,uid=ann",
        ] {
            assert!(mount(option).is_err(), "{option}");
        }
    }
}
