//! Which DAGs a project may use: since 0.5.0 a new one is invisible until it is allowed.

use edk_model::Monitor;
use serde_json::Value;

use crate::{Client, Generation, TargetError, client::Answer, request};

/// How allowing a DAG ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowOutcome {
    /// It is allowed now.
    Allowed,
    /// It was allowed before.
    Already,
    /// The platform is older than 0.5.0 and knows no such rule.
    NotNeeded,
}

/// Reads a list of mappings: objects with `software_uuid`.
fn mappings(body: &str) -> Option<Vec<String>> {
    let rows: Vec<Value> = serde_json::from_str(body).ok()?;
    let id = |row: &Value| row.get("software_uuid").or(Some(row))?.as_str().map(str::to_owned);
    Some(rows.iter().filter_map(id).collect())
}

impl Client {
    /// Returns the DAGs which the target's project may use.
    ///
    /// # Errors
    /// [`TargetError::NoProject`] without a project, else as every call.
    pub async fn allowed_dags(&self, monitor: &Monitor) -> Result<Vec<String>, TargetError> {
        let action = "list the DAGs of the project";
        let request = request::software(&self.project_id()?);
        self.get(&request, action, mappings, monitor).await
    }

    /// Allows the DAG `dag` in the target's project, unless it is allowed.
    ///
    /// # Errors
    /// [`TargetError::NoProject`] without a project, [`TargetError::Forbidden`] for a login that
    /// may not decide it, [`TargetError::Refused`] if the mapping is not there in the end.
    pub async fn allow_dag(
        &self,
        dag: &str,
        monitor: &Monitor,
    ) -> Result<AllowOutcome, TargetError> {
        if self.target().generation == Generation::V0_4 {
            return Ok(AllowOutcome::NotNeeded);
        }
        if self.allowed_dags(monitor).await?.iter().any(|it| it == dag) {
            return Ok(AllowOutcome::Already);
        }
        let action = "allow a DAG in the project";
        let request = request::allow_software(&self.project_id()?, dag);
        match self.attempt(&request, self.target().pace.call, action, monitor).await? {
            Answer::Reply(reply) if reply.is_success() => Ok(AllowOutcome::Allowed),
            Answer::Reply(reply) if !reply.is_unclear() => Err(self.refused(action, &reply)),
            answer => match self.allowed_dags(monitor).await?.iter().any(|it| it == dag) {
                true => Ok(AllowOutcome::Allowed),
                false => Err(self.unclear(action, answer)),
            },
        }
    }

    pub(crate) fn project_id(&self) -> Result<String, TargetError> {
        let target = self.target();
        let id = target.project.as_ref().map(|project| project.id.clone());
        id.ok_or_else(|| TargetError::NoProject { target: target.name.clone() })
    }

    /// The error for a call that was looked after and had no effect.
    pub(crate) fn unclear(&self, action: &'static str, answer: Answer) -> TargetError {
        match answer {
            Answer::Reply(reply) => self.refused(action, &reply),
            Answer::Silence(source) => {
                TargetError::NoAnswer { target: self.target().name.clone(), action, source }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_ids_whatever_is_around_them() {
        let list = mappings(r#"[{"software_uuid":"a","project_id":"p"}, "b", 7, {}]"#);
        assert_eq!(list, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(mappings(r#"{"detail":"no"}"#), None);
    }
}
