//! Arguments of `edk deploy`.

use clap::Args as ClapArgs;
use edk_api::{Command, DeployPlanRequest, DeployRequest, Engine, Failure};

use crate::{
    args::{BuildArg, ProjectArg, TargetArg, map, pair},
    chart::ForceArg,
    check::AllowArg,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    allow: AllowArg,
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    args: BuildArg,
    /// Version of the extension [default: its chart's].
    #[arg(long)]
    version: Option<String>,
    /// A value for an extension parameter; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Name of the chart, when the extension has several.
    #[arg(long)]
    chart: Option<String>,
    /// Leave out the clean-up jobs of the release that is replaced, when they hang.
    #[arg(long)]
    no_hooks: bool,
    /// Let the platform pull the DAG image from the registry of this machine, at this address; see
    /// `edk registry serve --listen`.
    #[arg(long, value_name = "HOST:PORT")]
    pull_from: Option<String>,
    /// Send images in archives, which the platform imports, when its registry is out of reach from
    /// here: layers it has are left out, and everything is sent when it lacks one.
    #[arg(long, conflicts_with = "pull_from")]
    archives: bool,
    /// Send images of this machine that the chart asks for and the target never got, without asking.
    #[arg(long)]
    yes: bool,
    /// Tell what would be done, and do nothing.
    #[arg(long, conflicts_with_all = ["param", "build_arg"])]
    dry_run: bool,
    #[command(flatten)]
    force: ForceArg,
}

impl DeployArgs {
    pub(crate) fn command(&self, engine: &Engine) -> Result<Command, Failure> {
        let (project, target) = (self.project.project.clone(), self.target.name(engine)?);
        let (version, chart) = (self.version.clone(), self.chart.clone());
        let (pull_from, force) = (self.pull_from.clone(), self.force.rules.clone());
        let builder = self.args.engine.clone();
        if self.dry_run {
            return Ok(Command::DeployPlan(DeployPlanRequest {
                project,
                target,
                version,
                chart,
                force,
                engine: builder,
                pull_from,
                archives: self.archives,
            }));
        }
        Ok(Command::Deploy(DeployRequest {
            project,
            target,
            version,
            params: map(&self.param),
            args: map(&self.args.build_arg),
            engine: builder,
            chart,
            allow: self.allow.allow.clone(),
            force,
            no_hooks: self.no_hooks,
            pull_from,
            archives: self.archives,
            send_missing: self.yes,
        }))
    }
}
