//! `COPY` and `ADD`: flags, sources, destination.

use super::{
    flags::{switch, take_flags},
    heredoc::Heredoc,
    instruction::{Command, Copy, Inline},
    parse::{Problem, command, words},
};

/// Reads the arguments of `keyword`, which is `COPY` or `ADD`.
pub(super) fn copy(keyword: &str, rest: &str, heredocs: &[Heredoc]) -> Result<Copy, Problem> {
    let (flags, rest) = take_flags(rest);
    let mut copy = Copy::default();
    for (name, value) in flags {
        flag(&mut copy, keyword, name, value)?;
    }
    let mut sources = match command(rest) {
        Command::Exec(list) => list,
        Command::Shell(text) => words(&text),
    };
    let destination = sources.pop();
    let document = |heredoc: &Heredoc| Inline {
        name: heredoc.word.clone(),
        content: heredoc.content.clone(),
        expand: heredoc.expand,
    };
    copy.inline = heredocs.iter().map(document).collect();
    sources.retain(|source| heredocs.iter().all(|heredoc| heredoc.marker != *source));
    match destination {
        Some(destination) if !(sources.is_empty() && copy.inline.is_empty()) => {
            Ok(Copy { sources, destination, ..copy })
        }
        _ => Err(Problem::malformed(format!(
            "{keyword} needs at least one source and a destination"
        ))),
    }
}

fn flag(copy: &mut Copy, keyword: &str, name: &str, value: &str) -> Result<(), Problem> {
    let text = || value.to_owned();
    match (keyword, name) {
        ("COPY", "from") => copy.from = Some(text()),
        (_, "chown") => copy.chown = Some(text()),
        (_, "chmod") => copy.chmod = Some(text()),
        (_, "link") => copy.link = switch("--link", value)?,
        ("COPY", "parents") => copy.parents = switch("--parents", value)?,
        (_, "exclude") => copy.exclude.push(text()),
        ("ADD", "checksum") => copy.checksum = Some(text()),
        ("ADD", "unpack") => copy.unpack = Some(switch("--unpack", value)?),
        ("ADD", "keep-git-dir") => {
            let instead = "clone the repository in a RUN step";
            return Err(Problem::unsupported("ADD --keep-git-dir (of a git repository)", instead));
        }
        _ => {
            let what = format!("{keyword} --{name}");
            return Err(Problem::unsupported(&what, "leave the flag away"));
        }
    }
    Ok(())
}
