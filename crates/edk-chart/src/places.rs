//! Where in a YAML text a value stands.

use std::collections::HashMap;

use libyaml_safer::{Encoding, Event, EventData, Mark, Parser};

/// The places of all values of a document, by JSON pointer.
pub(crate) struct Places {
    all: HashMap<String, Mark>,
}

impl Places {
    /// Reads the first document of `text`, which has to be one that was parsed already. What is
    /// below an alias has no place.
    pub(crate) fn of(text: &str) -> Self {
        let mut reader = Reader { parser: Parser::new(), all: HashMap::new() };
        let ended = format!("{}\n", text.trim_end());
        let mut bytes = ended.as_bytes();
        // As the reader of values does: the first byte of some signs is that of a byte order mark.
        reader.parser.set_encoding(Encoding::Utf8);
        reader.parser.set_input(&mut bytes);
        while let Some(event) = reader.next() {
            match event.data {
                EventData::DocumentStart { .. } => {
                    if let Some(first) = reader.next() {
                        reader.value(&first, "");
                    }
                    break;
                }
                EventData::StreamEnd => break,
                _ => {}
            }
        }
        Self { all: reader.all }
    }

    /// Returns line and column, from 1, of the key or the item at `pointer`, or of the nearest
    /// value around it that is there.
    pub(crate) fn find(&self, pointer: &str) -> Option<(usize, usize)> {
        let mut pointer = pointer;
        loop {
            if let Some(mark) = self.all.get(pointer) {
                return Some((mark.line as usize + 1, mark.column as usize + 1));
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// Says whether there is a value at `pointer` itself.
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.all.contains_key(pointer)
    }
}

struct Reader<'a> {
    parser: Parser<&'a mut &'a [u8]>,
    all: HashMap<String, Mark>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Event> {
        self.parser.parse().ok()
    }

    /// Reads the value that begins with `event`; its place is that of its key, if it has one.
    fn value(&mut self, event: &Event, pointer: &str) {
        self.all.entry(pointer.to_owned()).or_insert(event.start_mark);
        match event.data {
            EventData::MappingStart { .. } => self.mapping(pointer),
            EventData::SequenceStart { .. } => self.sequence(pointer),
            _ => {}
        }
    }

    fn mapping(&mut self, pointer: &str) {
        while let Some(key) = self.next() {
            let mark = key.start_mark;
            let name = match &key.data {
                EventData::MappingEnd => return,
                EventData::Scalar { value, .. } => value.clone(),
                _ => {
                    // A key that is no text has no pointer; what is in it is read past.
                    self.value(&key, &format!("{pointer}/?"));
                    "?".to_owned()
                }
            };
            let inner = format!("{pointer}/{}", escaped(&name));
            self.all.insert(inner.clone(), mark);
            let Some(value) = self.next() else { return };
            self.value(&value, &inner);
        }
    }

    fn sequence(&mut self, pointer: &str) {
        let mut at = 0;
        while let Some(item) = self.next() {
            if item.data == EventData::SequenceEnd {
                return;
            }
            self.value(&item, &format!("{pointer}/{at}"));
            at += 1;
        }
    }
}

/// Returns `key` as a part of a JSON pointer (RFC 6901).
pub(crate) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Returns a JSON pointer as a person writes a path: `a.b[0].c`.
pub(crate) fn readable(pointer: &str) -> String {
    let mut text = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(&format!("[{part}]"));
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            text.push_str(&format!("{dot}{part}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_pointer() {
        let text = "# words\na:\n  b: [1, {c: 2}]\n  d/e: x\nf: &f\n  g: 1\nh: *f\n";
        let places = Places::of(text);
        for (pointer, place) in [
            ("", (2, 1)),
            ("/a", (2, 1)),
            ("/a/b", (3, 3)),
            ("/a/b/0", (3, 7)),
            ("/a/b/1/c", (3, 11)),
            ("/a/d~1e", (4, 3)),
            ("/a/missing/below", (2, 1)),
            ("/f/g", (6, 3)),
            ("/h/g", (7, 1)),
        ] {
            assert_eq!(places.find(pointer), Some(place), "{pointer}");
        }
        assert!(places.has("/a/b") && !places.has("/a/x"));
        assert_eq!(Places::of("").find(""), None);
    }

    #[test]
    fn a_pointer_is_written_as_a_path() {
        assert_eq!(readable("/a/b~1c/0/d"), "a.b/c[0].d");
        assert_eq!(readable(""), "");
    }
}
