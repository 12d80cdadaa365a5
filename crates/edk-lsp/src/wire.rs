//! Messages in a stream, as the protocol frames them ("Base Protocol").

use std::io::{self, BufRead, ErrorKind, Read as _};

use lsp_server::{Message, Notification};
use lsp_types::{
    LogMessageParams, MessageType,
    notification::{LogMessage, Notification as _},
};

/// The most bytes of a header's line, the most lines, and the most bytes of a message. An editor sends
/// whole files in one.
const LINE: u64 = 4096;
const LINES: usize = 32;
const MOST: u64 = 64 << 20;

/// What came.
pub(crate) enum Incoming {
    /// A message.
    Message(Message),
    /// Something framed as one, and why it is none.
    Odd(String),
}

/// Reads the next message; `None` at the end of the stream.
///
/// # Errors
/// [`ErrorKind::InvalidData`] when where the next one begins can't be told any more,
/// [`ErrorKind::UnexpectedEof`] when the stream ends in one, and what reading says.
pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(size) = size(input)? else { return Ok(None) };
    let mut text = Vec::new();
    input.take(size).read_to_end(&mut text)?;
    if (text.len() as u64) < size {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(match serde_json::from_slice(&text) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Odd(error.to_string()),
    }))
}

/// Reads the header; returns the size of the message.
fn size(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut size = None;
    for number in 0..LINES {
        let mut line = Vec::new();
        input.take(LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() && number == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            return Err(odd("a line of the header does not end"));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            return size.map(Some).ok_or_else(|| odd("a message has no Content-Length"));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| odd("a header has no colon"))?;
        if name.eq_ignore_ascii_case("Content-Length") {
            let told: u64 = value.trim().parse().map_err(|_| odd("Content-Length is no number"))?;
            if told > MOST {
                return Err(odd("a message has more than 64 MiB"));
            }
            size = Some(told);
        }
    }
    Err(odd("a header has more lines than any should have"))
}

fn odd(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// Returns what an editor is told of something that makes no sense.
pub(crate) fn complaint(why: &str) -> Message {
    let message = format!("a message can't be understood: {why}");
    let params = LogMessageParams { typ: MessageType::ERROR, message };
    Notification::new(LogMessage::METHOD.to_owned(), params).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(bytes: &[u8], kind: ErrorKind) {
        assert_eq!(read(&mut &*bytes).err().map(|it| it.kind()), Some(kind));
    }

    #[test]
    fn a_stream_is_read_message_by_message() {
        let text = r#"{"jsonrpc":"2.0","method":"a"}"#;
        let one = format!("content-length: {}\r\nContent-Type: x\r\n\r\n{text}", text.len());
        let bytes = format!("{one}Content-Length: 3\n\nnopContent-Length: 2\r\n\r\n\u{fe}{one}");
        let mut input = bytes.as_bytes();
        let mut seen = Vec::new();
        while let Some(it) = read(&mut input).unwrap() {
            seen.push(matches!(it, Incoming::Message(_)));
        }
        assert_eq!(seen, [true, false, false, true]);
    }

    #[test]
    fn what_has_no_end_or_no_size_ends_the_conversation() {
        refused(b"Content-Length: 99999999999999\r\n\r\n", ErrorKind::InvalidData);
        refused(b"Content-Length: -1\r\n\r\n", ErrorKind::InvalidData);
        refused(b"Content-Length: 99999999999999999999999\r\n\r\n", ErrorKind::InvalidData);
        refused(b"\r\n{}", ErrorKind::InvalidData);
        refused(b"{}\r\n\r\n", ErrorKind::InvalidData);
        refused(&b"a: b\r\n".repeat(100), ErrorKind::InvalidData);
        refused(&b"x".repeat(100_000), ErrorKind::InvalidData);
        refused(b"Content-Length: 5\r\n\r\n{}", ErrorKind::UnexpectedEof);
    }
}
