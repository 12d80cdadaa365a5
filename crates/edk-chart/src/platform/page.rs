//! The rules as a page of the documentation.

use std::fmt::Write as _;

use edk_model::Severity;

use super::{Class, PREFLIGHT_RULES, Platform};

const HEAD: &str = "\
# What a platform does with a chart

Made from the rules of the preflight; `EDK_BLESS=1 cargo test -p edk-chart --test preflight` makes it
anew. `edk chart preflight CHART --platform 0.6` looks at a chart with them, and so do `edk package`,
`edk deploy` and `edk ext upload`: an error stops them before anything is sent. `--force RULE` lets one
rule pass, named by its id; it may be given several times. Rules without a mark in the last column
can't be forced: what breaks them would be run by a shell of the platform, or could only be repaired
by its administrator.

The platform checks less than it should: it keeps the file of a chart that it rejected and lists it
all the same, and one bad chart can take the list of extensions down for every user. So the checks
are made here, before. They were measured on the backends of the releases named in the columns.

";

/// Returns the page.
pub fn preflight_page() -> String {
    let mut page = HEAD.to_owned();
    let classes = [
        Class::Rejected,
        Class::BreaksList,
        Class::Invisible,
        Class::AdminNamespace,
        Class::ParameterIgnored,
        Class::Advice,
    ];
    for class in classes {
        let _ = writeln!(page, "## {}\n", capitalised(class.words()));
        let names = Platform::ALL.map(Platform::name).join(" | ");
        let _ = writeln!(page, "| rule | asks | otherwise | {names} | `--force` |");
        let _ = writeln!(page, "| --- | --- | --- | --- | --- | --- | --- | --- |");
        for rule in PREFLIGHT_RULES.iter().filter(|rule| rule.class == class) {
            let severities = rule.severity.map(word).join(" | ");
            let forced = if rule.can_be_forced { "yes" } else { "" };
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {severities} | {forced} |",
                rule.id, rule.title, rule.why
            );
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn word(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Error) => "error",
        Some(Severity::Warning) => "warning",
        Some(Severity::Hint) => "hint",
        None => "",
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
