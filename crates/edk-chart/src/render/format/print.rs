//! One value under one verb.

use super::{
    super::{
        functions::times,
        value::Value,
    },
    float::general,
    quote,
};

/// How deep values are printed: those that hold themselves would never end.
const MAX_DEPTH: usize = 1000;

/// Flags of a verb, and what has been printed.
#[derive(Default)]
pub(super) struct Printer {
    pub(super) out: Vec<u8>,
    pub(super) plus: bool,
    /// Whether the names of fields are printed.
    pub(super) names: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

impl Printer {
    pub(super) fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match verb {
            'T' => return self.padded(value.type_of().as_bytes()),
            'v' if self.sharp => return self.syntax(value, depth),
            _ => {}
        }
        match value {
            Value::Invalid | Value::Null => match verb {
                'v' => self.padded(b"<nil>"),
                _ => self.bad(value, verb),
            },
            Value::Bool(flag) => match verb {
                't' | 'v' => self.padded(flag.to_string().as_bytes()),
                _ => self.bad(value, verb),
            },
            Value::Int(kind, number) => match times::name_of(*kind, *number) {
                Some(name) if matches!(verb, 'v' | 's' | 'q' | 'x' | 'X') => {
                    self.string(name.as_bytes(), value, verb);
                }
                _ => self.whole(value, i128::from(*number), verb),
            },
            Value::Uint(_, number) => self.whole(value, i128::from(*number), verb),
            Value::Float(number) => self.float(value, *number, verb),
            Value::Text(text) => self.string(text, value, verb),
            Value::Bytes(bytes) => match verb {
                's' | 'q' | 'x' | 'X' => self.string(bytes, value, verb),
                _ => self.items(bytes.iter(), verb, depth, |byte| {
                    Value::Uint(super::super::value::Uint::Uint8, u64::from(*byte))
                }),
            },
            Value::List(list) => {
                let items = list.items.borrow().clone();
                self.items(items.iter(), verb, depth, Value::clone);
            }
            Value::Map(map) => {
                let entries = map.entries.borrow().clone();
                self.out.extend(b"map[");
                for (at, (key, item)) in entries.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b' ');
                    }
                    self.string(key, &Value::Text(key.clone()), verb);
                    self.out.push(b':');
                    self.value(item, verb, depth + 1);
                }
                self.out.push(b']');
            }
            Value::Thing(thing) => self.thing(thing, value, verb, depth),
        }
    }

    fn thing(&mut self, thing: &super::super::thing::Thing, value: &Value, verb: char, depth: usize) {
        use super::super::thing::Thing;
        match thing {
            Thing::Struct { pointer, .. } => {
                let fields = thing.fields();
                if *pointer {
                    self.out.push(b'&');
                }
                self.out.push(b'{');
                for (at, (name, field)) in fields.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b' ');
                    }
                    if self.names {
                        self.out.extend(format!("{name}:").bytes());
                    }
                    self.value(field, verb, depth + 1);
                }
                self.out.push(b'}');
            }
            Thing::Apis(apis) => {
                self.items(apis.iter(), verb, depth, Value::text);
            }
            Thing::Files(files) => {
                let map = files.iter().map(|(name, data)| (name, Value::Bytes(data.as_slice().into())));
                self.value(&Value::map_of(map), verb, depth);
            }
            _ => self.string(times::text_of(thing).as_bytes(), value, verb),
        }
    }

    fn items<'v, T: 'v>(
        &mut self,
        items: impl Iterator<Item = &'v T>,
        verb: char,
        depth: usize,
        value: impl Fn(&'v T) -> Value,
    ) {
        self.out.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(b' ');
            }
            self.value(&value(item), verb, depth + 1);
        }
        self.out.push(b']');
    }

    /// Writes `value` as the source text of a Go program would have it.
    fn syntax(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Text(text) => self.padded(quote::quoted(text).as_bytes()),
            Value::List(list) if !list.nil => {
                self.out.extend(format!("{}{{", list.go).bytes());
                for (at, item) in list.items.borrow().iter().enumerate() {
                    self.out.extend(if at > 0 { &b", "[..] } else { b"" });
                    self.inner_syntax(item, depth);
                }
                self.out.push(b'}');
            }
            Value::Map(map) if !map.nil => {
                self.out.extend(format!("{}{{", map.go).bytes());
                for (at, (key, item)) in map.entries.borrow().iter().enumerate() {
                    self.out.extend(if at > 0 { &b", "[..] } else { b"" });
                    self.out.extend(format!("{}:", quote::quoted(key)).bytes());
                    self.inner_syntax(item, depth);
                }
                self.out.push(b'}');
            }
            Value::List(_) | Value::Map(_) => {
                self.padded(format!("{}(nil)", value.type_of()).as_bytes());
            }
            Value::Uint(_, number) => self.padded(format!("{number:#x}").as_bytes()),
            Value::Int(_, number) => self.padded(number.to_string().as_bytes()),
            Value::Float(number) => self.float(value, *number, 'v'),
            Value::Bytes(bytes) => {
                let items: Vec<String> = bytes.iter().map(|byte| format!("{byte:#x}")).collect();
                self.padded(format!("[]byte{{{}}}", items.join(", ")).as_bytes());
            }
            other => {
                self.sharp = false;
                self.value(other, 'v', depth + 1);
                self.sharp = true;
            }
        }
    }

    fn inner_syntax(&mut self, item: &Value, depth: usize) {
        match item {
            _ if depth > MAX_DEPTH => {}
            Value::Null | Value::Invalid => self.out.extend(b"interface {}(nil)"),
            other => self.syntax(other, depth + 1),
        }
    }

    /// Says that `verb` does not fit.
    pub(super) fn bad(&mut self, value: &Value, verb: char) {
        self.out.extend(format!("%!{verb}(").bytes());
        match value {
            Value::Invalid | Value::Null => self.out.extend(b"<nil>"),
            value => {
                self.out.extend(format!("{}=", value.type_of()).bytes());
                let mut plain = Self { plus: self.plus, sharp: self.sharp, ..Self::default() };
                plain.width = self.width;
                plain.precision = self.precision;
                plain.minus = self.minus;
                plain.zero = self.zero;
                plain.value(value, 'v', 1);
                self.out.extend(plain.out);
            }
        }
        self.out.push(b')');
    }

    fn string(&mut self, text: &[u8], value: &Value, verb: char) {
        match verb {
            'v' | 's' => {
                let cut = self.cut(text);
                self.padded(&cut);
            }
            'q' => {
                let cut = self.cut(text);
                let raw = self.sharp
                    && std::str::from_utf8(&cut).is_ok_and(|text| {
                        !text.contains('`') && text.chars().all(|c| c == '\t' || quote::printable(c))
                    });
                let shown = match raw {
                    true => format!("`{}`", String::from_utf8_lossy(&cut)),
                    false => quote::with_quotes(&cut, '"', self.plus),
                };
                self.padded(shown.as_bytes());
            }
            'x' | 'X' => self.hexadecimal(text, verb),
            _ => self.bad(value, verb),
        }
    }

    /// Returns as many letters of `text` as the precision allows.
    fn cut(&self, text: &[u8]) -> Vec<u8> {
        let Some(count) = self.precision else { return text.to_vec() };
        let mut out = Vec::new();
        for letter in quote::letters(text).take(count) {
            match letter {
                quote::Letter::Char(c) => {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                quote::Letter::Broken(byte) => out.push(byte),
            }
        }
        out
    }

    fn hexadecimal(&mut self, text: &[u8], verb: char) {
        let count = self.precision.map_or(text.len(), |count| count.min(text.len()));
        let digits = |byte: &u8| match verb {
            'x' => format!("{byte:02x}"),
            _ => format!("{byte:02X}"),
        };
        let prefix = if self.sharp { format!("0{verb}") } else { String::new() };
        let bytes: Vec<String> = text[..count].iter().map(digits).collect();
        let shown = match self.space {
            true => bytes.iter().map(|byte| format!("{prefix}{byte}")).collect::<Vec<_>>().join(" "),
            false if bytes.is_empty() => String::new(),
            false => format!("{prefix}{}", bytes.concat()),
        };
        self.padded(shown.as_bytes());
    }

    fn whole(&mut self, value: &Value, number: i128, verb: char) {
        let magnitude = number.unsigned_abs();
        let (digits, prefix) = match verb {
            'v' | 'd' => (magnitude.to_string(), ""),
            'b' => (format!("{magnitude:b}"), if self.sharp { "0b" } else { "" }),
            'o' => (format!("{magnitude:o}"), if self.sharp { "0" } else { "" }),
            'O' => (format!("{magnitude:o}"), "0o"),
            'x' => (format!("{magnitude:x}"), if self.sharp { "0x" } else { "" }),
            'X' => (format!("{magnitude:X}"), if self.sharp { "0X" } else { "" }),
            'c' | 'q' | 'U' => return self.letter(number, verb),
            'e' | 'f' | 'g' | 't' | 's' => return self.bad(value, verb),
            _ => return self.bad(value, verb),
        };
        let sign = match (number < 0, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let least = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero && !self.minus => width - sign.len().min(width),
            _ => 0,
        };
        if self.precision == Some(0) && number == 0 {
            return self.padded(b"");
        }
        let body = format!("{sign}{prefix}{digits:0>least$}");
        let zero = std::mem::replace(&mut self.zero, false);
        self.padded(body.as_bytes());
        self.zero = zero;
    }

    fn letter(&mut self, number: i128, verb: char) {
        let letter = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        let text = letter.to_string();
        let shown = match verb {
            'c' => text,
            'q' => quote::with_quotes(text.as_bytes(), '\'', self.plus),
            _ if self.sharp && quote::printable(letter) => format!("U+{number:04X} '{letter}'"),
            _ => format!("U+{number:04X}"),
        };
        self.padded(shown.as_bytes());
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) {
        let shown = match verb {
            'v' => general(number, 'g', self.precision),
            'e' => general(number, 'e', self.precision.or(Some(6))),
            'E' => general(number, 'e', self.precision.or(Some(6))).to_uppercase(),
            'f' | 'F' => general(number, 'f', self.precision.or(Some(6))),
            'b' => binary(number),
            'g' => general(number, 'g', self.precision),
            'G' => general(number, 'g', self.precision).to_uppercase(),
            'x' => general(number, 'x', self.precision),
            'X' => general(number, 'x', self.precision).to_uppercase(),
            _ => return self.bad(value, verb),
        };
        let (sign, digits) = match shown.strip_prefix(['-', '+']) {
            Some(digits) => (&shown[..1], digits),
            None => ("+", shown.as_str()),
        };
        let sign = match (sign, self.plus, self.space) {
            ("-", ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ if number.is_infinite() => "+",
            _ => "",
        };
        let zero = self.zero && !self.minus && number.is_finite();
        let width = self.width.unwrap_or(0);
        let body = match zero {
            true => format!("{sign}{digits:0>least$}", least = width.saturating_sub(sign.len())),
            false => format!("{sign}{digits}"),
        };
        let zero = std::mem::replace(&mut self.zero, false);
        self.padded(body.as_bytes());
        self.zero = zero;
    }

    /// Writes `text`, filled up to the width.
    pub(super) fn padded(&mut self, text: &[u8]) {
        let missing = self.width.unwrap_or(0).saturating_sub(quote::letters(text).count());
        let fill = if self.zero && !self.minus { b'0' } else { b' ' };
        if !self.minus {
            self.out.extend(std::iter::repeat_n(fill, missing));
        }
        self.out.extend(text);
        if self.minus {
            self.out.extend(std::iter::repeat_n(b' ', missing));
        }
    }
}


/// Returns `number` as a whole number times a power of two.
fn binary(number: f64) -> String {
    let bits = number.to_bits();
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let (raw, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
    let mantissa = if raw == 0 { fraction } else { fraction | 1 << 52 };
    let exponent = i64::try_from(raw.max(1)).unwrap_or(0) - 1075;
    format!("{sign}{mantissa}p{exponent:+}")
}
