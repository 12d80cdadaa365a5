//! What is in the store, and what goes from it, in words.

use std::collections::BTreeMap;

use edk_engine::{
    CopyOutcome, GcOutcome, GcRemoval, ImageDetails, ImportOutcome, RepositoryUsage, UsageView,
};

use crate::{AccountView, text::size};

/// How many of a kind are named one by one.
const NAMED: usize = 20;

pub(crate) fn image(image: &ImageDetails) -> Vec<String> {
    let mut lines =
        vec![image.image.to_string(), format!("{}  {}", image.digest, image.media_type)];
    for one in &image.images {
        let platform = one.platform.as_deref().unwrap_or("unknown");
        lines.push(format!("  {}  {platform}", one.digest));
    }
    if let Some(subject) = &image.subject {
        lines.push(format!("about {subject}"));
    }
    let config = image.config.as_ref().and_then(|config| config.get("config"));
    for key in ["Entrypoint", "Cmd", "Env", "WorkingDir", "User", "ExposedPorts", "Labels"] {
        let value = config.and_then(|config| config.get(key)).filter(|value| !value.is_null());
        lines.extend(value.map(|value| format!("{key}: {value}")));
    }
    for layer in &image.layers {
        let (digest, size) = (layer.digest.short(), size(layer.size));
        let made = layer.created_by.as_deref().unwrap_or(&layer.media_type);
        let made: String = made.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push(format!("{digest}  {size:>9}  {}", cut(&made, 100)));
    }
    if image.images.is_empty() {
        lines.push(format!("{} in {} layers", size(image.size), image.layers.len()));
    }
    lines
}

/// The beginning of a text, marked when there was more.
fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

pub(crate) fn copied(it: &CopyOutcome) -> Vec<String> {
    let (moved, reused) = (size(it.moved), size(it.reused));
    vec![
        format!("{} is {}: {moved} copied, {reused} were there", it.from, it.to),
        it.digest.to_string(),
    ]
}

pub(crate) fn imported(outcome: &ImportOutcome) -> Vec<String> {
    let images = outcome.images.iter();
    let mut lines: Vec<String> = images.map(|it| format!("{}  {}", it.name, it.digest)).collect();
    lines.push(format!("{} of it were new", size(outcome.new)));
    lines
}

pub(crate) fn account(it: &AccountView) -> Vec<String> {
    let secret = it.password.as_ref().map(|text| ("password", text));
    let (kind, secret) = secret.or(it.token.as_ref().map(|text| ("token", text))).unzip();
    let (kind, secret) = (kind.unwrap_or_default(), secret.map_or("", String::as_str));
    vec![
        format!("account {} is in {}", it.name, it.file.display()),
        format!("{kind} {secret}"),
        "it is shown this once and kept nowhere; a running registry has to be started again"
            .to_owned(),
    ]
}

pub(crate) fn gc(outcome: &GcOutcome) -> Vec<String> {
    let mut groups: BTreeMap<(&str, &str), Vec<&GcRemoval>> = BTreeMap::new();
    for removal in &outcome.removed {
        groups.entry((removal.kind, removal.why)).or_default().push(removal);
    }
    let mut lines = Vec::new();
    for ((kind, why), removals) in groups {
        let bytes = removals.iter().map(|removal| removal.size).sum();
        lines.push(format!("{} {kind}s, {}: {why}", removals.len(), size(bytes)));
        let named = removals.iter().take(if outcome.dry_run { NAMED } else { 0 });
        lines.extend(named.map(|it| format!("  {:>9}  {}", size(it.size), it.name)));
    }
    let verb = if outcome.dry_run { "would be free" } else { "freed" };
    let kept = outcome.kept;
    lines.push(format!(
        "{} {verb}; {} stay for images, {} for the build cache, {} because they were used just now",
        size(outcome.freed),
        size(kept.images),
        size(kept.build_cache),
        size(kept.recent)
    ));
    if outcome.spared > 0 {
        lines.push(format!("{} were used meanwhile and stay", outcome.spared));
    }
    if outcome.over_budget > 0 {
        lines.push(format!(
            "that is {} above the budget: images need it; `edk registry usage` tells which",
            size(outcome.over_budget)
        ));
    }
    lines
}

pub(crate) fn usage(usage: &UsageView) -> Vec<String> {
    let mut lines = vec![format!("{:>10} {:>10}  image", "its own", "shared")];
    for repository in &usage.images {
        lines.extend(repository_lines(repository));
    }
    for (title, repositories) in [("bases", &usage.bases), ("mirrored", &usage.mirrored)] {
        if !repositories.is_empty() {
            lines.push(format!("{title}:"));
            lines.extend(repositories.iter().flat_map(repository_lines));
        }
    }
    lines.push(format!("{:>10}  build cache, {} steps", size(usage.build_cache), usage.steps));
    let hint = if usage.unreferenced > 0 { "; `edk registry gc` gives them back" } else { "" };
    lines.push(format!("{:>10}  nobody needs{hint}", size(usage.unreferenced)));
    lines.push(format!("{:>10}  in all", size(usage.total)));
    lines
}

fn repository_lines(repository: &RepositoryUsage) -> Vec<String> {
    let mut lines = Vec::new();
    for tag in &repository.tags {
        let name = match &tag.tag {
            Some(tag) => format!("{}:{tag}", repository.repository),
            None => format!("{}@{}", repository.repository, tag.digest),
        };
        lines.push(format!("{:>10} {:>10}  {name}", size(tag.unique), size(tag.shared)));
    }
    if repository.tags.len() > 1 {
        let unique = size(repository.unique);
        lines.push(format!("{unique:>10} {:>10}  {} in all", "", repository.repository));
    }
    lines
}
