//! Formats with verbs.

use super::{super::value::Value, print::Printer};

/// The largest width and precision, as in Go.
const MAX_WIDTH: i64 = 1_000_000;

/// Returns `format` with the verbs replaced by `args`; what does not fit is told in the text.
pub(in crate::render) fn sprintf(format: &[u8], args: &[Value]) -> Vec<u8> {
    let mut run = Run { format, at: 0, args, next: 0, reordered: false, out: Vec::new() };
    run.all();
    run.out
}

struct Run<'f> {
    format: &'f [u8],
    at: usize,
    args: &'f [Value],
    next: usize,
    /// Whether an argument was named by its number: then nothing is left over.
    reordered: bool,
    out: Vec<u8>,
}

impl Run<'_> {
    fn all(&mut self) {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.out.extend(&rest[..plain]);
            self.at += plain;
            if self.at < self.format.len() {
                self.at += 1;
                self.verb();
            }
        }
        if !self.reordered && self.next < self.args.len() {
            self.out.extend(b"%!(EXTRA ");
            for (at, arg) in self.args[self.next..].iter().enumerate() {
                if at > 0 {
                    self.out.extend(b", ");
                }
                if arg.is_nil() {
                    self.out.extend(b"<nil>");
                } else {
                    self.out.extend(format!("{}=", arg.type_of()).bytes());
                    self.out.extend(super::text(arg));
                }
            }
            self.out.push(b')');
        }
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn verb(&mut self) {
        let mut printer = Printer::default();
        self.flags(&mut printer);
        let (mut good, mut after_index) = (true, false);
        self.index(&mut good, &mut after_index);
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    printer.minus |= width < 0;
                    printer.width = usize::try_from(width.abs()).ok();
                }
                None => self.out.extend(b"%!(BADWIDTH)"),
            }
            after_index = false;
        } else if let Some(width) = self.number() {
            printer.width = Some(width);
            good &= !after_index;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            good &= !after_index;
            self.index(&mut good, &mut after_index);
            if self.peek() == Some(b'*') {
                self.at += 1;
                match self.star() {
                    Some(precision) => printer.precision = usize::try_from(precision).ok(),
                    None => self.out.extend(b"%!(BADPREC)"),
                }
                after_index = false;
            } else {
                printer.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index(&mut good, &mut after_index);
        }
        self.finish(printer, good);
    }

    fn finish(&mut self, mut printer: Printer, good: bool) {
        let Some(verb) = super::letters(&self.format[self.at..]).next() else {
            self.out.extend(b"%!(NOVERB)");
            return;
        };
        let verb = match verb {
            super::quote::Letter::Char(c) => c,
            super::quote::Letter::Broken(_) => '\u{fffd}',
        };
        self.at += if verb == '\u{fffd}' { 1 } else { verb.len_utf8() };
        if verb == '%' {
            self.out.push(b'%');
        } else if !good {
            self.out.extend(format!("%!{verb}(BADINDEX)").bytes());
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            if verb == 'v' && printer.plus {
                (printer.names, printer.plus) = (true, false);
            }
            if verb == 'w' {
                printer.bad(arg, verb);
            } else {
                printer.value(arg, verb, 0);
            }
            self.out.extend(printer.out);
        } else {
            self.out.extend(format!("%!{verb}(MISSING)").bytes());
        }
    }

    fn flags(&mut self, printer: &mut Printer) {
        while let Some(flag) = self.peek() {
            match flag {
                b'#' => printer.sharp = true,
                b'0' => printer.zero = true,
                b'+' => printer.plus = true,
                b'-' => printer.minus = true,
                b' ' => printer.space = true,
                _ => break,
            }
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.format[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.format[self.at..self.at + digits]).ok()?;
        let number: i64 = text.parse().ok()?;
        self.at += digits;
        usize::try_from(number.min(MAX_WIDTH)).ok()
    }

    /// Takes a width or precision from the arguments.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Value::Int(_, number) if number.abs() <= MAX_WIDTH => Some(*number),
            _ => None,
        }
    }

    /// Reads `[n]`, the number of the next argument.
    fn index(&mut self, good: &mut bool, after_index: &mut bool) {
        *after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            *good = false;
            self.at += 1;
            return;
        };
        let number = std::str::from_utf8(&rest[1..end]).ok().and_then(|it| it.parse::<usize>().ok());
        self.at += end + 1;
        match number {
            Some(number) if (1..=self.args.len()).contains(&number) => {
                self.next = number - 1;
                *after_index = true;
            }
            _ => *good = false,
        }
    }
}
