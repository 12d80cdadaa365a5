//! What the rules of delivery are told of a target: what it says of itself, and nothing else.

use edk_extension::check::{TargetChart, TargetProfile};
use edk_model::Monitor;
use edk_target::{Client, Extension, Generation};

use crate::{Engine, EngineError, target::SANDBOX};

impl Engine {
    /// Asks a target for what the rules of delivery look at. What no call of a platform tells, such
    /// as which images its registry has, stays unknown, and no rule tells of it.
    pub(super) fn target_profile(
        &self,
        name: &str,
        monitor: &Monitor,
    ) -> Result<TargetProfile, EngineError> {
        let monitor = monitor.stage("check");
        self.with_target(name, &monitor, async |client: Client| {
            let target = client.target();
            let known = |text: &String| (!text.is_empty()).then(|| text.clone());
            let rows = client.extensions(&monitor).await?;
            let asks = target.project.is_some() && target.generation != Generation::V0_4;
            let allowed = if asks { client.allowed_dags(&monitor).await.ok() } else { None };
            Ok(TargetProfile {
                name: target.name.clone(),
                platform_version: known(&target.build_version),
                registry_url: known(&target.registry_url),
                build_version: known(&target.build_version),
                charts: rows.iter().map(chart).collect(),
                allowed,
                pull_policy: target.pull_policy.map(|it| it.word().to_owned()),
                project: target.project.as_ref().map(|project| project.name.clone()),
                // The page of a platform shows stable extensions until it is told otherwise.
                hides_experimental: name != SANDBOX,
                ..TargetProfile::default()
            })
        })
    }
}

fn chart(row: &Extension) -> TargetChart {
    TargetChart {
        name: row.name.clone(),
        versions: row.versions.clone(),
        release: row.deployments.first().map(|it| it.helm_status.clone()),
    }
}
