use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig, value::ValueKind};

use crate::Answer;

/// Renders texts over answers.
///
/// Beyond the filters of Jinja there are `quote` (a text in double quotes as YAML, JSON and
/// Python all read it), `python` (a value as Python writes it), `snake` and `camel` (a name as
/// Python names modules and classes).
pub(crate) struct Renderer {
    environment: Environment<'static>,
    context: Value,
}

impl Renderer {
    /// Returns a renderer that knows `answers`.
    pub(crate) fn new(answers: &BTreeMap<String, Answer>) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true);
        // Only delimiters can be refused, and these are the usual ones.
        environment.set_syntax(syntax.build().unwrap_or_default());
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("quote", |text: String| quote(&text));
        environment.add_filter("python", |value: Value| python(&value));
        environment.add_filter("snake", |text: String| snake(&text));
        environment.add_filter("camel", |text: String| camel(&text));
        let values = answers.iter().map(|(id, answer)| (id.clone(), value(answer)));
        let context = Value::from(values.collect::<BTreeMap<_, _>>());
        Self { environment, context }
    }

    /// Returns `source`, which errors call `name`, with the answers filled in.
    ///
    /// # Errors
    /// The renderer's, for a broken text or a name without an answer.
    pub(crate) fn text(&self, name: &str, source: &str) -> Result<String, minijinja::Error> {
        self.environment.render_named_str(name, source, self.context.clone())
    }
}

fn value(answer: &Answer) -> Value {
    match answer {
        Answer::Text(text) => Value::from(text.clone()),
        Answer::Bool(flag) => Value::from(*flag),
        Answer::List(items) => Value::from(items.clone()),
    }
}

/// Returns `text` in double quotes: a JSON string, which is also a YAML and a Python one.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn python(value: &Value) -> String {
    match value.kind() {
        ValueKind::Bool => (if value.is_true() { "True" } else { "False" }).to_owned(),
        ValueKind::Seq => {
            let items = value.try_iter().into_iter().flatten();
            format!("[{}]", items.map(|item| python(&item)).collect::<Vec<_>>().join(", "))
        }
        ValueKind::String => quote(&value.to_string()),
        _ => value.to_string(),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// A Python name starts with no digit.
fn named(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn snake(text: &str) -> String {
    named(words(text).map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_"))
}

fn camel(text: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    };
    named(words(text).map(capital).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let answers = BTreeMap::from([
            ("name".to_owned(), Answer::Text("my-3d.net".to_owned())),
            ("odd".to_owned(), Answer::Text("\"a\\ & <é>'".to_owned())),
            ("digit".to_owned(), Answer::Text("3d".to_owned())),
            ("yes".to_owned(), Answer::Bool(true)),
            ("list".to_owned(), Answer::List(vec!["a".to_owned(), "b".to_owned()])),
        ]);
        assert_eq!(Renderer::new(&answers).text("test", source).unwrap(), expected, "{source}");
    }

    #[test]
    fn answers_are_filled_in_as_they_are() {
        check("{{ odd }}\n", "\"a\\ & <é>'\n");
        check("{{ odd | quote }}", r#""\"a\\ & <é>'""#);
        check("{{ yes | python }} {{ list | python }}", r#"True ["a", "b"]"#);
        check("{{ name | snake }} {{ name | camel }}", "my_3d_net My3dNet");
        check("{{ digit | snake }} {{ digit | camel }}", "_3d _3d");
        check("a\n{% if yes %}\nb\n{% endif %}\nc\n", "a\nb\nc\n");
    }

    #[test]
    fn a_name_without_an_answer_is_an_error() {
        let renderer = Renderer::new(&BTreeMap::new());
        for source in ["{{ x }}", "{% if x %}{% endif %}", "{{ 'a' | unknown }}", "{{"] {
            assert!(renderer.text("test", source).is_err(), "{source}");
        }
    }
}
