//! `RUN`: flags, command, here-documents.

use super::{
    flags::take_flags,
    heredoc::Heredoc,
    instruction::{Command, Inline, Run},
    mount::mount,
    parse::{Problem, command},
};

/// Where a here-document that names its interpreter shows while it runs; no folder of an image.
const SCRIPTS: &str = "/dev/pipes";

/// Reads the arguments of `RUN`.
pub(super) fn run(rest: &str, heredocs: &[Heredoc]) -> Result<Run, Problem> {
    let (flags, rest) = take_flags(rest);
    let (mut mounts, mut offline) = (Vec::new(), false);
    for (name, value) in flags {
        match (name, value) {
            ("mount", value) => mounts.push(mount(value)?),
            ("network", "default" | "host") => offline = false,
            ("security", "sandbox") => {}
            ("network", "none") => offline = true,
            ("network", _) => {
                let message = format!("`--network={value}` is none of default, none and host");
                return Err(Problem::malformed(message));
            }
            _ => {
                let what = format!("RUN --{name}={value}");
                return Err(Problem::unsupported(&what, "leave the flag away"));
            }
        }
    }
    let mut scripts = Vec::new();
    let command = match heredocs {
        [] if rest.is_empty() => {
            return Err(Problem::malformed("RUN needs a command after its flags"));
        }
        [] => command(rest),
        // The document alone is a script; otherwise the shell gets the command with its documents.
        [only] if rest == only.marker => script(only, &mut scripts),
        all => {
            let mut text = format!("{rest}\n");
            for heredoc in all {
                text.push_str(&format!("{}{}\n", heredoc.content, heredoc.word));
            }
            Command::Shell(text)
        }
    };
    Ok(Run { command, mounts, scripts, offline })
}

/// A script that names its interpreter is a file that is started, any other is for the shell.
fn script(heredoc: &Heredoc, scripts: &mut Vec<Inline>) -> Command {
    let content = heredoc.content.clone();
    if !content.starts_with("#!") {
        return Command::Shell(content);
    }
    let name = format!("{SCRIPTS}/{}", heredoc.word);
    scripts.push(Inline { name: name.clone(), content, expand: false });
    Command::Exec(vec![name])
}
