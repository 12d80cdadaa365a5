//! What a platform has, and which generation it is when its version does not tell.

use edk_model::Monitor;
use serde_json::Value;

use crate::{Client, Extension, Generation, TargetError, request};

/// What a platform has that older ones have not; `None` where it does not show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// Lists for other platforms than itself, and DAGs that have to be allowed in a project: from
    /// 0.5.0 on.
    pub platforms: Option<bool>,
    /// Names for display in the list: from 0.5.1 on.
    pub display_names: Option<bool>,
    /// The workflow API, and extensions for who manages a project: from 0.6.0 on.
    pub workflow_api: Option<bool>,
}

impl Features {
    /// Returns the generation they tell; `None` when they show too little, as an old platform
    /// without a single extension does.
    pub fn generation(&self) -> Option<Generation> {
        match (self.platforms, self.workflow_api, self.display_names) {
            // Only administrators are told of the workflow API, and before 0.6.0 only they are told
            // of anything else.
            (_, Some(true), _) | (Some(true), None, _) => Some(Generation::V0_6),
            (Some(false), ..) => Some(Generation::V0_4),
            (Some(true), _, Some(true)) => Some(Generation::V0_5_1),
            (Some(true), _, Some(false)) => Some(Generation::V0_5_0),
            _ => None,
        }
    }

    /// Returns in words what is there.
    pub fn words(&self) -> Vec<&'static str> {
        self.named().filter(|(_, _, has)| *has == Some(true)).map(|(words, ..)| words).collect()
    }

    /// Returns in words what is not there and should be, in a platform of that generation.
    pub fn lacks(&self, generation: Generation) -> Vec<&'static str> {
        let lacking = |since, has| since <= generation && has == Some(false);
        let named = self.named().filter(|(_, since, has)| lacking(*since, *has));
        named.map(|(words, ..)| words).collect()
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, Generation, Option<bool>)> {
        [
            ("DAGs allowed by project", Generation::V0_5_0, self.platforms),
            ("names for display", Generation::V0_5_1, self.display_names),
            ("the workflow API", Generation::V0_6, self.workflow_api),
        ]
        .into_iter()
    }
}

impl Client {
    /// Looks at what the platform has.
    ///
    /// # Errors
    /// As every call; an answer in the negative is none.
    pub async fn features(&self, monitor: &Monitor) -> Result<Features, TargetError> {
        let action = "describe itself";
        let workflow_api = match self.call(&request::workflow_api(), action, monitor).await {
            Ok(reply) => Some(reply.is_success()),
            Err(TargetError::Forbidden { .. }) => None,
            // Where there is no such API, the start page answers.
            Err(TargetError::Page { .. }) => Some(false),
            Err(error) => return Err(error),
        };
        let description = self.call(&request::description(), action, monitor).await;
        let platforms = match description {
            Ok(reply) if reply.is_success() => describes(&reply.body, "/available-platforms"),
            Ok(_) | Err(TargetError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        };
        let display_names = match self.extensions(monitor).await {
            Ok(rows) => named(&rows),
            Err(TargetError::Forbidden { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Features { platforms, display_names, workflow_api })
    }
}

/// Says whether the API describes a path; `None` for what is no description.
fn describes(body: &str, path: &str) -> Option<bool> {
    let description: Value = serde_json::from_str(body).ok()?;
    Some(description.get("paths")?.get(path).is_some())
}

/// Says whether rows have names for display; without one it stays open.
fn named(rows: &[Extension]) -> Option<bool> {
    Some(rows.first()?.raw.contains_key("display_name"))
}
