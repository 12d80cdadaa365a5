//! Parser directives: `# name=value` above everything else (Dockerfile reference, "Parser
//! directives").

use super::parse::Problem;

/// Frontends whose language this is.
const OURS: [&str; 2] = ["docker/dockerfile", "docker.io/docker/dockerfile"];

/// What the first lines of a Dockerfile say.
#[derive(Debug)]
pub(super) struct Directives {
    /// The character that continues lines.
    pub(super) escape: char,
    /// What is wrong with them, with the line.
    pub(super) problems: Vec<(usize, Problem)>,
}

impl Directives {
    pub(super) fn read(text: &str) -> Self {
        let mut directives = Self { escape: '\\', problems: Vec::new() };
        let mut seen = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // A line `#!` before them lets the file be started.
        let lines = text.lines().enumerate().skip(usize::from(text.starts_with("#!")));
        for (index, line) in lines {
            let Some((name, value)) =
                line.trim().strip_prefix('#').and_then(|it| it.split_once('='))
            else {
                break;
            };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let result = match name.as_str() {
                "syntax" => syntax(value),
                "escape" => directives.set_escape(value),
                // It chooses warnings of another linter.
                "check" => Ok(()),
                // Any other is a comment, and ends them.
                _ => break,
            };
            let result = result.and_then(|()| match seen.contains(&name) {
                true => Err(Problem::malformed(format!("the directive `{name}` is there twice"))),
                false => Ok(()),
            });
            directives.problems.extend(result.err().map(|problem| (index + 1, problem)));
            seen.push(name);
        }
        directives
    }

    fn set_escape(&mut self, value: &str) -> Result<(), Problem> {
        self.escape = match value {
            "`" => '`',
            "\\" => '\\',
            _ => {
                let message = format!("`# escape={value}` is neither \\ nor `");
                return Err(Problem::malformed(message));
            }
        };
        Ok(())
    }
}

fn syntax(value: &str) -> Result<(), Problem> {
    let repository = value.split('@').next().unwrap_or_default();
    let repository = repository.split(':').next().unwrap_or_default();
    // What other channels of the same frontend add is refused where it is used.
    if OURS.contains(&repository) || OURS.contains(&repository.trim_end_matches("-upstream")) {
        return Ok(());
    }
    let what = format!("`# syntax={value}`, another language,");
    Err(Problem::unsupported(&what, "leave the line away when the file is a plain Dockerfile"))
}
