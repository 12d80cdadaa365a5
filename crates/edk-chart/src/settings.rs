//! The values of the user: from files, and from `--set` and its like (Helm: "The Format and
//! Limitations of --set").

use std::io;

use serde_json::{Map, Number, Value};

use crate::{Error, Result, render::floats};

/// The largest index of a list, and how deep names may be nested: Helm's limits.
const MAX_INDEX: usize = 65536;
const MAX_NESTING: usize = 30;

type Object = Map<String, Value>;

/// A value that is set on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// `--set a.b=1,c={x,y}`: numbers, booleans and null are what they look like.
    Typed(String),
    /// `--set-string a=1`: everything is a text.
    Text(String),
    /// `--set-json 'a=[1,2]'`, or one JSON object.
    Json(String),
    /// `--set-file a=path`: the content of a file.
    File(String),
    /// `--set-literal a=b,c`: everything behind the first `=` is one text.
    Literal(String),
}

impl Setting {
    /// In which order Helm takes the options, whatever their order on the command line.
    fn place(&self) -> usize {
        match self {
            Self::Json(_) => 0,
            Self::Typed(_) => 1,
            Self::Text(_) => 2,
            Self::File(_) => 3,
            Self::Literal(_) => 4,
        }
    }
}

/// Returns the values of the user: `files` are the contents of values files in their order, over
/// them come the `settings`; `read` reads the file that a [`Setting::File`] names.
///
/// Numbers of files become floating-point numbers, as in Helm. Null stays: it deletes a value of
/// the chart.
///
/// # Errors
/// [`Error::Setting`] with the place in a setting that can't be understood, or with what `read`
/// says.
pub fn user_values(
    files: &[Value],
    settings: &[Setting],
    read: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<Value> {
    let mut all = Object::new();
    for file in files {
        let mut file = file.clone();
        floats(&mut file);
        if let Value::Object(file) = file {
            merge(&mut all, file);
        }
    }
    let mut settings: Vec<&Setting> = settings.iter().collect();
    settings.sort_by_key(|setting| setting.place());
    for setting in settings {
        apply(&mut all, setting, read)?;
    }
    Ok(Value::Object(all))
}

/// Puts `upper` over `lower`.
fn merge(lower: &mut Object, upper: Object) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Object(lower)), Value::Object(upper)) => merge(lower, upper),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

fn apply(
    all: &mut Object,
    setting: &Setting,
    read: &dyn Fn(&str) -> io::Result<Vec<u8>>,
) -> Result<()> {
    let (text, form) = match setting {
        Setting::Json(text) if text.trim_start().starts_with('{') => {
            let object: Object = serde_json::from_str(text.trim()).map_err(|error| {
                failed(text, error.column().saturating_sub(1), &error.to_string())
            })?;
            let mut object = Value::Object(object);
            floats(&mut object);
            if let Value::Object(object) = object {
                merge(all, object);
            }
            return Ok(());
        }
        Setting::Typed(text) => (text, Form::Typed),
        Setting::Text(text) => (text, Form::Text),
        Setting::Json(text) => (text, Form::Json),
        Setting::File(text) => (text, Form::File(read)),
        Setting::Literal(text) => (text, Form::Literal),
    };
    let letters: Vec<char> = text.chars().collect();
    let mut parser = Parser { letters: &letters, at: 0, form };
    while parser.at < letters.len() {
        parser.entry(all, 0).map_err(|reason| failed(text, parser.at, &reason))?;
    }
    Ok(())
}

fn failed(text: &str, at: usize, reason: &str) -> Error {
    Error::Setting { text: text.to_owned(), position: at + 1, reason: reason.to_owned() }
}

/// What stands behind `=`.
#[derive(Clone, Copy)]
enum Form<'s> {
    Typed,
    Text,
    Json,
    File(&'s dyn Fn(&str) -> io::Result<Vec<u8>>),
    Literal,
}

struct Parser<'s> {
    letters: &'s [char],
    at: usize,
    form: Form<'s>,
}

type Done<T> = std::result::Result<T, String>;

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    /// Takes letters up to one of `stops`, which is taken too and returned; `\` takes the next
    /// letter as it is.
    fn until(&mut self, stops: &str) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            self.at += 1;
            if letter == '\\' && !matches!(self.form, Form::Literal) {
                if let Some(next) = self.peek() {
                    text.push(next);
                    self.at += 1;
                }
            } else if stops.contains(letter) {
                return (text, Some(letter));
            } else {
                text.push(letter);
            }
        }
        (text, None)
    }

    fn stops(&self) -> &'static str {
        if matches!(self.form, Form::Literal) { "=[." } else { "=[.," }
    }

    /// Reads one name and its value into `map`.
    fn entry(&mut self, map: &mut Object, depth: usize) -> Done<()> {
        let (key, stop) = self.until(self.stops());
        match stop {
            None if key.is_empty() => Ok(()),
            None => Err(format!("key {key:?} has no value")),
            Some('=') => {
                if let Some(value) = self.value()? {
                    set(map, &key, value);
                }
                Ok(())
            }
            Some('.') => {
                deeper(depth)?;
                let mut inner = match map.get(&key) {
                    None | Some(Value::Null) => Object::new(),
                    Some(Value::Object(inner)) => inner.clone(),
                    Some(_) => return Err(format!("{key:?} is not a map, and can't get entries")),
                };
                self.entry(&mut inner, depth + 1)?;
                if inner.is_empty() {
                    return Err(format!("key map {key:?} has no value"));
                }
                set(map, &key, Value::Object(inner));
                Ok(())
            }
            Some('[') => {
                let index = self.index()?;
                let list = match map.get(&key) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(list)) => list.clone(),
                    Some(_) => return Err(format!("{key:?} is not a list, and can't get items")),
                };
                let list = self.item(list, index, depth)?;
                set(map, &key, Value::Array(list));
                Ok(())
            }
            Some(_) => Err(format!("key {key:?} has no value (cannot end with ,)")),
        }
    }

    fn index(&mut self) -> Done<usize> {
        let (text, stop) = self.until("]");
        if stop.is_none() {
            return Err("error parsing index: the `]` is missing".to_owned());
        }
        let number: i64 = text
            .parse()
            .map_err(|_| format!("error parsing index: {text:?} is not a whole number"))?;
        let index = usize::try_from(number).map_err(|_| format!("negative {number} index not allowed"))?;
        if index > MAX_INDEX {
            let most = format!("maximum supported index of {MAX_INDEX}");
            return Err(format!("index of {index} is greater than {most}"));
        }
        Ok(index)
    }

    /// Reads what follows `name[index]`.
    fn item(&mut self, mut list: Vec<Value>, index: usize, depth: usize) -> Done<Vec<Value>> {
        let stops = if matches!(self.form, Form::Literal) { "[.=" } else { "[.=," };
        let (rest, stop) = self.until(stops);
        if !rest.is_empty() {
            return Err(format!("unexpected data at end of array index: {rest:?}"));
        }
        match stop {
            None | Some(',') => Err(format!("key index [{index}] has no value")),
            Some('=') => {
                if let Some(value) = self.value()? {
                    put(&mut list, index, value);
                }
                Ok(list)
            }
            Some('[') => {
                deeper(depth)?;
                let next = self.index()?;
                let inner = match list.get(index) {
                    Some(Value::Array(inner)) => inner.clone(),
                    _ => Vec::new(),
                };
                let inner = self.item(inner, next, depth + 1)?;
                put(&mut list, index, Value::Array(inner));
                Ok(list)
            }
            Some(_) => {
                deeper(depth)?;
                let mut inner = match list.get(index) {
                    Some(Value::Object(inner)) => inner.clone(),
                    _ => Object::new(),
                };
                self.entry(&mut inner, depth + 1)?;
                put(&mut list, index, Value::Object(inner));
                Ok(list)
            }
        }
    }

    /// Reads what stands behind `=`; `None` if it sets nothing.
    fn value(&mut self) -> Done<Option<Value>> {
        match self.form {
            Form::Literal => {
                let text: String = self.letters[self.at..].iter().collect();
                self.at = self.letters.len();
                Ok(Some(Value::String(text)))
            }
            Form::Json => self.json().map(Some),
            Form::File(read) => {
                let (path, _) = self.until(",");
                let bytes = read(&path).map_err(|error| format!("{path}: {error}"))?;
                Ok(Some(Value::String(String::from_utf8_lossy(&bytes).into_owned())))
            }
            Form::Typed | Form::Text => match self.peek() {
                None => Ok(Some(Value::String(String::new()))),
                Some(',') => {
                    self.at += 1;
                    Ok(Some(Value::String(String::new())))
                }
                Some('{') => {
                    self.at += 1;
                    self.list().map(Some)
                }
                Some(_) => {
                    let text = self.until(",").0;
                    Ok(Some(self.typed(text)))
                }
            },
        }
    }

    fn list(&mut self) -> Done<Value> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(",}");
            match stop {
                None => return Err("list must terminate with '}'".to_owned()),
                Some('}') => {
                    if !(text.is_empty() && items.is_empty()) {
                        items.push(self.typed(text));
                    }
                    if self.peek() == Some(',') {
                        self.at += 1;
                    }
                    return Ok(Value::Array(items));
                }
                Some(_) => items.push(self.typed(text)),
            }
        }
    }

    fn json(&mut self) -> Done<Value> {
        let rest: String = self.letters[self.at..].iter().collect();
        if rest.trim().is_empty() || rest.starts_with(',') {
            self.at += usize::from(rest.starts_with(','));
            return Ok(Value::Null);
        }
        let mut stream = serde_json::Deserializer::from_str(&rest).into_iter::<Value>();
        let mut value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("unexpected end of JSON input".to_owned()),
        };
        let taken = rest[..stream.byte_offset()].chars().count();
        self.at += taken;
        let blanks = self.letters[self.at..].iter().take_while(|c| c.is_whitespace()).count();
        self.at += blanks;
        match self.peek() {
            None => {}
            Some(',') => self.at += 1,
            Some(other) => return Err(format!("unexpected {other:?} behind a JSON value")),
        }
        floats(&mut value);
        Ok(value)
    }

    fn typed(&self, text: String) -> Value {
        if matches!(self.form, Form::Text) {
            return Value::String(text);
        }
        match text.to_ascii_lowercase().as_str() {
            "true" => return Value::Bool(true),
            "false" => return Value::Bool(false),
            "null" => return Value::Null,
            "0" => return Value::Number(Number::from(0)),
            _ => {}
        }
        if !text.starts_with('0')
            && let Ok(number) = text.parse::<i64>()
        {
            return Value::Number(number.into());
        }
        Value::String(text)
    }
}

fn deeper(depth: usize) -> Done<()> {
    match depth >= MAX_NESTING {
        true => Err(format!(
            "value name nested level is greater than maximum supported nested level of {MAX_NESTING}"
        )),
        false => Ok(()),
    }
}

fn set(map: &mut Object, key: &str, value: Value) {
    if !key.is_empty() {
        map.insert(key.to_owned(), value);
    }
}

fn put(list: &mut Vec<Value>, index: usize, value: Value) {
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    list[index] = value;
}
