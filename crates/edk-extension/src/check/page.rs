//! The page of the rules, made of the rules.

use std::fmt::Write as _;

use edk_model::Severity;

use super::{
    Profile,
    rule::{Example, Rule},
    rules::FAMILIES,
};

/// Returns what a severity is called.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "info",
    }
}

/// Returns the page `docs/check.md`.
pub fn page() -> String {
    let profile = Profile::get();
    let mut text = HEAD.to_owned();
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "\nNames of the platform's own images, charts, DAGs and bases are data of this program (lists of \
         {}, for Kaapana {}). A name that is missing there makes a rule silent.\n",
        profile.version,
        profile.covers.join(", ")
    );
    let _ = writeln!(text, "| rule | severity | what has to hold |\n| --- | --- | --- |");
    for rule in FAMILIES.iter().flat_map(|family| family.rules) {
        let id = rule.id.to_lowercase();
        let (severity, title) = (severity(rule.severity), rule.title);
        let _ = writeln!(text, "| [{}](#{id}) | {severity} | {title} |", rule.id);
    }
    for family in FAMILIES {
        let _ = write!(text, "\n## {}\n", family.title);
        for rule in family.rules {
            text.push_str(&section(rule));
        }
    }
    text
}

const HEAD: &str = "# What `edk check` finds

Made of the rules themselves; `EDK_BLESS=1 cargo test -p edk-extension --test check page` makes it anew.
The examples are the projects that the rules are tested with: each shows the files in which it differs
from a project that is in order.

`edk check` exits with 1 when it finds an error (`--fail-on warning` is stricter). `edk check --explain
D06` shows one rule, `--fix` mends what can be mended safely, and a comment allows what has to be:

```dockerfile
# edk: allow D06 the vendor publishes no other tag
FROM vendor.example/viewer:latest
```

The comment stands on the line or above it, names one rule, and needs a reason. A finding about a whole
file is allowed by a comment anywhere in it. What is allowed but not found is told.
";

/// Returns what the page says about one rule.
pub fn section(rule: &Rule) -> String {
    let mut text = format!("\n### {}\n\n", rule.id);
    let _ = writeln!(text, "**{}** ({})\n", rule.title, severity(rule.severity));
    let _ = writeln!(text, "{}.\n", sentence(rule.why));
    let _ = writeln!(text, "Do: {}.\n", rule.fix);
    let _ = writeln!(text, "Says: {}\n", rule.says);
    let _ = writeln!(text, "Not so:\n\n{}", example(&rule.bad));
    let _ = write!(text, "But so:\n\n{}", example(&rule.good));
    text
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

fn example(example: &Example) -> String {
    let mut text = String::new();
    if example.files.is_empty() {
        return "The project that is in order.\n".to_owned();
    }
    for (path, content) in example.files {
        let kind = path.rsplit('.').next().filter(|it| it.len() < 5).unwrap_or("dockerfile");
        let kind = match kind {
            "yaml" => "yaml",
            "py" => "python",
            "json" => "json",
            "dockerfile" => "dockerfile",
            _ => "text",
        };
        let content: String = content
            .chars()
            .map(|it| if it.is_control() && it != '\n' { '.' } else { it })
            .collect();
        let _ = writeln!(text, "`{path}`\n\n```{kind}\n{}\n```\n", content.trim_end());
    }
    text.trim_end().to_owned() + "\n\n"
}
