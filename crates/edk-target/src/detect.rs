//! Which generation a platform is when its version does not tell: by what it has.

use edk_model::Monitor;
use serde_json::Value;

use crate::{Client, Extension, Generation, TargetError, request};

impl Client {
    /// Finds the generation by what the platform has: `/available-platforms` came with 0.5.0, the
    /// display name of extensions with 0.5.1, the workflow API with 0.6.0. `None` when it shows too
    /// little, as an old platform without a single extension does.
    ///
    /// # Errors
    /// As every call; an answer in the negative is none.
    pub async fn detect(&self, monitor: &Monitor) -> Result<Option<Generation>, TargetError> {
        let ask = async |request| match self.call(&request, "describe itself", monitor).await {
            Ok(reply) if reply.is_success() => Ok(Some(reply.body)),
            Ok(_) | Err(TargetError::Forbidden { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        if ask(request::workflow_api()).await?.is_some() {
            return Ok(Some(Generation::V0_6));
        }
        let description = ask(request::description()).await?;
        let description = description.and_then(|body| serde_json::from_str::<Value>(&body).ok());
        let Some(description) = description else { return Ok(None) };
        if description["paths"].get("/available-platforms").is_none() {
            return Ok(Some(Generation::V0_4));
        }
        let extensions = self.extensions(monitor).await?;
        Ok(of_rows(&extensions))
    }
}

/// Tells 0.5.0 from what followed by a row; without one it stays open.
fn of_rows(rows: &[Extension]) -> Option<Generation> {
    let row = rows.first()?;
    Some(match row.raw.contains_key("display_name") {
        true => Generation::V0_5_1,
        false => Generation::V0_5_0,
    })
}
