//! Why a step was carried out: its inputs are compared with those it had in the last build.

use edk_model::Digest;
use edk_store::Store;
use serde::{Deserialize, Serialize};

use crate::{
    ImageError,
    inputs::{BELOW, INSTRUCTION, Inputs},
    key::KeyMaker,
    plan::{Plan, Step},
};

/// What became of a step, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedStep {
    /// Name or number of its stage.
    pub stage: String,
    /// Where it stands, as `file:line`.
    pub place: String,
    /// The instruction as written.
    pub text: String,
    /// Whether its layer was there already.
    pub reused: bool,
    /// Why it was carried out, each a sentence without a full stop; nothing for one that was not.
    pub reasons: Vec<String>,
}

/// A step that was done, with what it was done of.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) stage: String,
    pub(crate) step: Step,
    pub(crate) inputs: Inputs,
    pub(crate) reused: bool,
}

/// The last build of a Dockerfile, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory(Vec<Remembered>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    stage: String,
    text: String,
    inputs: Inputs,
}

impl Memory {
    pub(crate) fn load(store: &Store, plan: &Plan) -> Option<Self> {
        store.step(&key(plan))
    }

    /// Remembers these steps, unless that is what is remembered.
    pub(crate) fn keep(store: &Store, plan: &Plan, steps: &[Told]) -> Result<(), ImageError> {
        let remembered = |told: &Told| Remembered {
            stage: told.stage.clone(),
            text: told.step.text.clone(),
            inputs: told.inputs.shortened(),
        };
        let memory = Self(steps.iter().map(remembered).collect());
        if Self::load(store, plan).as_ref() != Some(&memory) {
            store.put_step(&key(plan), &memory)?;
        }
        Ok(())
    }
}

fn key(plan: &Plan) -> Digest {
    let mut key = KeyMaker::new("last build", &[]);
    key.add(&plan.identity);
    key.finish()
}

/// Tells of every step what became of it; `memory` is of the build before, and `fresh` says that
/// nothing was to be reused.
pub(crate) fn explain(steps: &[Told], memory: Option<&Memory>, fresh: bool) -> Vec<ExplainedStep> {
    let mut before: Vec<Option<&Remembered>> =
        memory.map(|memory| memory.0.iter().map(Some).collect()).unwrap_or_default();
    let mut explained = Vec::new();
    for (at, told) in steps.iter().enumerate() {
        let known = partner(told, steps, at, &mut before);
        let reasons = match (told.reused, fresh, memory) {
            (true, ..) => Vec::new(),
            (_, true, _) => vec!["nothing was to be reused (--no-cache)".to_owned()],
            (.., None) => vec!["this Dockerfile was not built here before".to_owned()],
            (.., Some(_)) => reasons(told, known, &steps[..at]),
        };
        explained.push(ExplainedStep {
            stage: told.stage.clone(),
            place: told.step.place.clone(),
            text: told.step.text.clone(),
            reused: told.reused,
            reasons,
        });
    }
    explained
}

/// The step of the last build that this one is: the first of its stage with the same text, else the
/// one that stood where it stands. It is taken out.
fn partner<'a>(
    told: &Told,
    steps: &[Told],
    at: usize,
    before: &mut [Option<&'a Remembered>],
) -> Option<&'a Remembered> {
    let same = before.iter().position(|known| {
        known.is_some_and(|known| known.stage == told.stage && known.text == told.step.text)
    });
    if let Some(found) = same {
        return before[found].take();
    }
    // One that a later step is by its text is left to that.
    let later = |known: &Remembered| steps[at..].iter().any(|step| step.step.text == known.text);
    let left = before
        .iter_mut()
        .find(|known| known.is_some_and(|known| known.stage == told.stage && !later(known)));
    left.and_then(Option::take)
}

fn reasons(told: &Told, known: Option<&Remembered>, above: &[Told]) -> Vec<String> {
    let Some(known) = known else { return vec!["it was not there in the last build".to_owned()] };
    let now = told.inputs.shortened();
    let mut found = Vec::new();
    let mut below = false;
    for (name, value) in &now.0 {
        let then: Vec<&String> = values(&known.inputs, name);
        if then.contains(&value) {
            continue;
        }
        match name.as_str() {
            BELOW => below = true,
            INSTRUCTION if known.text == told.step.text => {
                found.push("what the instruction comes to changed".to_owned());
            }
            INSTRUCTION => found.push(format!("the instruction was `{}`", known.text)),
            name if then.is_empty() => found.push(format!("{name} is new")),
            name => found.push(format!("{name} changed")),
        }
    }
    for (name, _) in &known.inputs.0 {
        if values(&now, name).is_empty() && name != BELOW {
            found.push(format!("{name} is gone"));
        }
    }
    if below {
        let cause = above.iter().rev().find(|step| step.stage == told.stage && !step.reused);
        found.push(match cause {
            Some(cause) => format!("`{}` ({}) above it changed", cause.step.text, cause.step.place),
            None => "what it lies on changed: its base or an instruction above it".to_owned(),
        });
    }
    if found.is_empty() {
        found.push("its layer is no longer in the store".to_owned());
    }
    found.dedup();
    found
}

fn values<'a>(inputs: &'a Inputs, name: &str) -> Vec<&'a String> {
    inputs.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
}
