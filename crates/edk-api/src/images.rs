//! Images and bases in words.

use edk_engine::{
    BaseListing, FileChange, FileFactView, HistoryLine, ImageDiff, SaveOutcome, SendOutcome,
};

use crate::text::size;

pub(crate) fn bases(bases: &[BaseListing]) -> Vec<String> {
    let line = |base: &BaseListing| {
        let state = match base.size {
            Some(bytes) => size(bytes),
            None => "not there".to_owned(),
        };
        let description = base.description.map_or(String::new(), |text| format!("  {text}"));
        format!("{:>9}  {:<6}  {}{description}", state, base.kind, base.reference)
    };
    bases.iter().map(line).collect()
}

pub(crate) fn saved(outcome: &SaveOutcome) -> Vec<String> {
    let mut lines: Vec<String> =
        outcome.images.iter().map(|it| format!("{}  {}", it.name, it.digest)).collect();
    let left = match outcome.left_out {
        0 => String::new(),
        count => format!("; {count} layers of {} left out", size(outcome.left_bytes)),
    };
    lines.push(format!("in {} ({}{left})", outcome.file.display(), size(outcome.size)));
    lines
}

pub(crate) fn sent(outcome: &SendOutcome) -> Vec<String> {
    let images = outcome.images.join(", ");
    let mut lines = vec![match outcome.confirmed {
        true => format!("{images} can be used on {}", outcome.target),
        false => format!("{} imports {images}; it does not tell how that ends", outcome.target),
    }];
    let left = size(outcome.left_bytes);
    lines.push(match outcome.repaired {
        true => format!("{} sent: all of it, for the target had lost some", size(outcome.size)),
        false => format!("{} sent, {left} were there", size(outcome.size)),
    });
    lines
}

pub(crate) fn history(lines: &[HistoryLine]) -> Vec<String> {
    let line = |it: &HistoryLine| {
        let bytes = if it.layer.is_some() { size(it.size) } else { String::new() };
        let made = if it.created_by.is_empty() { "(not told)" } else { &it.created_by };
        format!("{bytes:>9}  {made}")
    };
    lines.iter().map(line).collect()
}

pub(crate) fn diff(diff: &ImageDiff) -> Vec<String> {
    let mut lines: Vec<String> = diff.changes.iter().map(change).collect();
    let ImageDiff { added, removed, changed, .. } = diff;
    lines.push(match diff.changes.is_empty() {
        true => "no file differs".to_owned(),
        false => format!("{added} added, {removed} removed, {changed} changed"),
    });
    lines
}

fn change(change: &FileChange) -> String {
    let mark = match change.change {
        "added" => '+',
        "removed" => '-',
        _ => '~',
    };
    let length = |fact: &Option<FileFactView>| fact.as_ref().map_or(0, |fact| fact.size);
    let detail = match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            let mut details: Vec<String> = Vec::new();
            for what in &change.what {
                details.push(match *what {
                    "content" => format!("content, {} to {} bytes", before.size, after.size),
                    "mode" => format!("mode {} to {}", before.mode, after.mode),
                    "owner" => {
                        let owner = |it: &FileFactView| format!("{}:{}", it.uid, it.gid);
                        format!("owner {} to {}", owner(before), owner(after))
                    }
                    "type" => format!("{} to {}", before.kind, after.kind),
                    other => other.to_owned(),
                });
            }
            details.join(", ")
        }
        (before, after) => {
            let kind = before.as_ref().or(after.as_ref()).map_or("", |fact| fact.kind);
            match kind {
                "file" => size(length(before).max(length(after))),
                other => other.to_owned(),
            }
        }
    };
    format!("{mark} {}  {detail}", change.path)
}
