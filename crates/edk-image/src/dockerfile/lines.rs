//! Physical lines -> logical lines: comments dropped, continuations joined, here-documents taken.

use super::{
    directives::Directives,
    heredoc::{self, Heredoc},
};

/// An instruction's text on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Number of its first physical line, from 1.
    pub(crate) number: usize,
    /// Column of its first character, from 1.
    pub(crate) column: usize,
    /// The text, continuations joined, without blanks at both ends.
    pub(crate) text: String,
    /// The here-documents it opens, in order.
    pub(crate) heredocs: Vec<Heredoc>,
}

/// Returns the logical lines and the escape character of a Dockerfile.
pub(super) fn logical_lines(text: &str, directives: &Directives) -> (Vec<Line>, char) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = directives.escape;
    let mut lines: Vec<Line> = Vec::new();
    let mut open: Option<Line> = None;
    let mut physical = text.lines().enumerate();
    while let Some((index, raw)) = physical.next() {
        let trimmed = raw.trim();
        // Inside a continuation comments and empty lines are dropped too.
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let column = raw.chars().take_while(|c| c.is_whitespace()).count() + 1;
        let mut line = open.take().unwrap_or(Line {
            number: index + 1,
            column,
            text: String::new(),
            heredocs: Vec::new(),
        });
        let (part, continues) = match trimmed.strip_suffix(escape) {
            Some(part) => (part, true),
            None => (trimmed, false),
        };
        // Blanks before the text of a continued line belong to the command.
        let part = if line.text.is_empty() { part } else { part_of(raw, part) };
        line.text.push_str(part);
        if continues {
            open = Some(line);
        } else {
            line.text.truncate(line.text.trim_end().len());
            for marker in heredoc::markers(&line.text) {
                let mut rest = physical.by_ref().map(|(_, raw)| raw);
                line.heredocs.push(marker.take(&mut rest));
            }
            lines.push(line);
        }
    }
    lines.extend(open.filter(|line| !line.text.trim().is_empty()));
    (lines, escape)
}

/// `part` with the blanks that stand before it in `raw`.
fn part_of<'a>(raw: &'a str, part: &'a str) -> &'a str {
    let blanks = raw.len() - raw.trim_start().len();
    raw.get(..blanks + part.len()).unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let lines = logical_lines(text, &Directives::read(text)).0;
        let found: Vec<_> = lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn continued_lines_are_joined_and_comments_dropped() {
        check(
            "FROM a\n\n# c\nRUN b \\\n # c\n\n  && d\nCMD e",
            &[(1, "FROM a"), (4, "RUN b   && d"), (8, "CMD e")],
        );
        check("RUN a \\\n", &[(1, "RUN a ")]);
        check("\u{feff}FROM a\r\nRUN b\r\n", &[(1, "FROM a"), (2, "RUN b")]);
    }

    #[test]
    fn the_escape_character_can_be_changed_at_the_top_only() {
        check("# escape=`\nRUN a `\n b", &[(2, "RUN a  b")]);
        check("FROM a\n# escape=`\nRUN a `\n", &[(1, "FROM a"), (3, "RUN a `")]);
    }
}
