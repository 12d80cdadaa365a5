//! Here-documents: `<<WORD`, `<<-WORD`, `<<"WORD"` (Dockerfile reference, "Here-Documents").

/// Instructions that may open here-documents.
const OPENERS: [&str; 3] = ["RUN", "COPY", "ADD"];

/// The opening of a here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The whole marker as written, such as `<<-"EOF"`.
    text: String,
    word: String,
    /// Whether variables in the content are replaced: not when the word is in quotes.
    expand: bool,
    /// Whether tabs at the start of lines go (`<<-`).
    chomp: bool,
}

/// A here-document with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heredoc {
    /// The marker as written.
    pub(crate) marker: String,
    /// The word that ends it.
    pub(crate) word: String,
    /// Its lines, each with its line end.
    pub(crate) content: String,
    pub(crate) expand: bool,
    /// Whether the word that ends it was found.
    pub(crate) closed: bool,
}

/// Returns the markers in the text of a logical line.
pub(crate) fn markers(text: &str) -> Vec<Marker> {
    let keyword = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !OPENERS.contains(&keyword.as_str()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, _) in text.match_indices("<<") {
        let before = &text[..at];
        // `<<<` is another thing, and a marker starts a word.
        let starts =
            before.ends_with(char::is_whitespace) || before.ends_with(|c: char| c.is_ascii_digit());
        if starts && let Some(marker) = marker(&text[at..]) {
            found.push(marker);
        }
    }
    found
}

fn marker(text: &str) -> Option<Marker> {
    let rest = text.strip_prefix("<<")?;
    let (rest, chomp) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let rest = if quote.is_some() { &rest[1..] } else { rest };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = rest.find(|c: char| !letter(c)).unwrap_or(rest.len());
    let word = &rest[..length];
    if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let closed = quote.is_none_or(|quote| rest[length..].starts_with(quote));
    let end = text.len() - rest.len() + length + usize::from(quote.is_some());
    closed.then(|| Marker {
        text: text[..end].to_owned(),
        word: word.to_owned(),
        expand: quote.is_none(),
        chomp,
    })
}

impl Marker {
    /// Takes the lines of the content up to the word.
    pub(crate) fn take(self, lines: &mut dyn Iterator<Item = &str>) -> Heredoc {
        let (mut content, mut closed) = (String::new(), false);
        for line in lines {
            let line = if self.chomp { line.trim_start_matches('\t') } else { line };
            if line == self.word {
                closed = true;
                break;
            }
            content.push_str(line);
            content.push('\n');
        }
        Heredoc { marker: self.text, word: self.word, content, expand: self.expand, closed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        markers(text).into_iter().map(|marker| marker.word).collect()
    }

    #[test]
    fn markers_are_told_from_shifts_and_here_strings() {
        assert_eq!(words("RUN <<EOF"), ["EOF"]);
        assert_eq!(words("COPY <<-'A' <<\"B_2\" /x/"), ["A", "B_2"]);
        assert_eq!(words("RUN cat <<< word"), [""; 0]);
        assert_eq!(words("RUN python -c 'print(1 << 2)'"), [""; 0]);
        assert_eq!(words("ENV A=<<EOF"), [""; 0]);
        assert_eq!(words("RUN cat <<'EOF"), [""; 0]);
    }

    #[test]
    fn the_content_ends_at_the_word() {
        let taken = |text: &str, content: &str| {
            let marker = markers(text).remove(0);
            marker.take(&mut content.lines())
        };
        let heredoc = taken("RUN <<EOF", "a\n EOF\nEOF\nb");
        assert_eq!(
            (heredoc.content.as_str(), heredoc.closed, heredoc.expand),
            ("a\n EOF\n", true, true)
        );
        let heredoc = taken("RUN <<-'EOF'", "\ta\n\tEOF\n");
        assert_eq!(
            (heredoc.content.as_str(), heredoc.closed, heredoc.expand),
            ("a\n", true, false)
        );
        assert!(!taken("RUN <<EOF", "a\n").closed);
    }
}
