//! From a rendered object back to the template that made it.

use edk_model::Finding;

use crate::{Chart, File, Manifest, places::Places};

/// Puts a finding about the value at `pointer` of `manifest` into the template, as well as that can
/// be told: at the line that looks like the one which was rendered, else at the kind.
pub(crate) fn placed(
    chart: &Chart,
    manifest: &Manifest,
    pointer: &str,
    finding: Finding,
) -> Finding {
    let Some((owner, file)) = template(chart, &manifest.source) else {
        return finding.in_file(&manifest.source);
    };
    let finding = finding.in_file(owner.path_of(&file.name));
    let rendered = Places::of(&manifest.text).find(pointer).map(|(line, _)| line);
    let wanted = rendered.and_then(|line| manifest.text.lines().nth(line - 1)).unwrap_or_default();
    let source = String::from_utf8_lossy(&file.data);
    match line_like(&source, wanted, &manifest.kind) {
        Some(line) => finding.at(line, 1),
        None => finding,
    }
}

/// Returns the chart and the file behind the name of a template.
fn template<'a>(chart: &'a Chart, source: &str) -> Option<(&'a Chart, &'a File)> {
    let (mut owner, mut rest) = (chart, source.split_once('/')?.1);
    while let Some(inner) = rest.strip_prefix("charts/") {
        let (name, inner) = inner.split_once('/')?;
        // Under an alias a chart has no name of its own here.
        owner = owner.subchart(name).or_else(|| by_alias(owner, name))?;
        rest = inner;
    }
    let file = owner.templates.iter().find(|file| file.name == rest)?;
    Some((owner, file))
}

fn by_alias<'a>(owner: &'a Chart, alias: &str) -> Option<&'a Chart> {
    let dependency = owner.metadata.dependencies.iter().find(|it| it.alias == alias)?;
    owner.subchart(&dependency.name)
}

/// Returns the line of `source` that is most like `wanted`: the same text, else the same key, else
/// the kind of the object.
fn line_like(source: &str, wanted: &str, kind: &str) -> Option<usize> {
    let wanted = wanted.trim().trim_start_matches("- ");
    let key = wanted.split_once(':').map(|(key, _)| format!("{key}:"));
    let documents = source.split("\n---").scan(1, |at, text| {
        let first = *at;
        *at += text.matches('\n').count() + 1;
        Some((first, text))
    });
    let is_kind = |line: &str| line.trim() == format!("kind: {kind}");
    let mut nearest = None;
    for (first, text) in documents.filter(|(_, text)| text.lines().any(is_kind)) {
        let at = |found: &dyn Fn(&str) -> bool| text.lines().position(found).map(|at| first + at);
        let bare = |line: &str| line.trim().trim_start_matches("- ").to_owned();
        if let Some(line) = at(&|line| !wanted.is_empty() && bare(line) == wanted) {
            return Some(line);
        }
        let by_key = key.as_ref().and_then(|key| at(&|line| bare(line).starts_with(key.as_str())));
        nearest = nearest.or(by_key).or_else(|| at(&is_kind));
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_line_is_found_in_its_template() {
        let source =
            "# x\nkind: A\nname: {{ .Values.n }}\n---\nkind: B\nspec:\n  - name: b\n    x: 1\n";
        for (wanted, kind, line) in [
            ("name: a", "A", Some(3)),
            ("kind: B", "B", Some(5)),
            ("- name: b", "B", Some(7)),
            ("    x: 2", "B", Some(8)),
            ("y: 1", "B", Some(5)),
            ("y: 1", "C", None),
        ] {
            assert_eq!(line_like(source, wanted, kind), line, "{wanted} {kind}");
        }
    }
}
