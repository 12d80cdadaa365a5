//! Which stages have to be built.

use std::collections::{BTreeMap, BTreeSet};

use edk_model::Finding;

use crate::dockerfile::{Dockerfile, Instruction, Mount, Stage, expand};

/// The stage that is wanted and those it needs, as a base, to copy from or to mount; each with its
/// number in the file, in the order of the file.
pub(crate) fn needed<'a>(
    dockerfile: &'a Dockerfile,
    target: Option<&str>,
    global: &BTreeMap<String, String>,
) -> Result<Vec<(usize, &'a Stage)>, Finding> {
    let stages = &dockerfile.stages;
    let last = match target {
        None => stages.len().checked_sub(1),
        Some(name) => Some(stage_called(stages, name, true).ok_or_else(|| unknown(stages, name))?),
    };
    let mut wanted = BTreeSet::new();
    let mut todo: Vec<usize> = last.into_iter().collect();
    while let Some(at) = todo.pop() {
        if !wanted.insert(at) {
            continue;
        }
        let base = expand(&stages[at].base, dockerfile.escape, &|name| global.get(name).cloned());
        todo.extend(stage_called(&stages[..at], &base.unwrap_or_default(), false));
        for located in &stages[at].instructions {
            for name in names(&located.value) {
                todo.extend(stage_called(&stages[..at], name, true));
            }
        }
    }
    Ok(wanted.into_iter().map(|at| (at, &stages[at])).collect())
}

/// What an instruction takes files from.
pub(super) fn names(instruction: &Instruction) -> Vec<&str> {
    match instruction {
        Instruction::Copy(copy) => copy.from.as_deref().into_iter().collect(),
        Instruction::Run(run) => {
            let from = run.mounts.iter().filter_map(|mount| match mount {
                Mount::Bind { from, .. } => from.as_deref(),
                _ => None,
            });
            from.collect()
        }
        _ => Vec::new(),
    }
}

/// The last of `stages` with this name; its number will do where `by_number` says so.
pub(super) fn stage_called(stages: &[Stage], name: &str, by_number: bool) -> Option<usize> {
    let named =
        |stage: &Stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let number = name.parse().ok().filter(|&at: &usize| by_number && at < stages.len());
    stages.iter().rposition(named).or(number)
}

fn unknown(stages: &[Stage], name: &str) -> Finding {
    let names: Vec<&str> = stages.iter().filter_map(|stage| stage.name.as_deref()).collect();
    let finding = Finding::error("dockerfile/unknown-stage", format!("there is no stage `{name}`"));
    match names.as_slice() {
        [] => finding.fix("name a stage with `FROM … AS name`, or leave the target away"),
        names => finding.fix(format!("there are {}", names.join(", "))),
    }
}
