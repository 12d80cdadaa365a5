use std::path::PathBuf;

use edk_chart::{
    Chart, Packaged, Resolver, Sources,
    platform::{Preflight, preflight, rule},
};
use edk_extension::{ChartDir, Project, Role};
use edk_model::{Digest, Finding, Monitor, Outcome, Severity};
use serde::{Deserialize, Serialize};

use crate::{ChartSources, Engine, EngineError, engine::version_of};

/// Package the charts of an extension.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PackageRequest {
    /// Folder of the extension.
    pub project: PathBuf,
    /// Version of the extension; without one, its chart's.
    pub version: Option<String>,
    /// Folder for the archives; without one, `dist` in the extension.
    pub output: Option<PathBuf>,
    /// Rules of the guard (such as `G02`) whose findings may go into images and charts.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub allow: Vec<String>,
    /// Ids of rules of the preflight that may be broken.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub force: Vec<String>,
}

/// A packaged chart.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PackageOutcome {
    /// Name of the chart.
    pub chart: String,
    /// Version of it and of the charts inside.
    pub version: String,
    /// The archive.
    pub path: PathBuf,
    /// Digest of the archive.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Names of the charts inside.
    pub dependencies: Vec<String>,
}

/// A chart ready to be delivered.
pub(crate) struct ReadyChart {
    pub(crate) chart: Chart,
    pub(crate) packaged: Packaged,
    /// What a platform would make of it that is no error.
    pub(crate) findings: Vec<Finding>,
}

impl Engine {
    /// Packages every chart of an extension with its dependencies.
    ///
    /// # Errors
    /// [`EngineError::Chart`] if a dependency is not found, [`EngineError::Preflight`] if a
    /// platform would choke on it; nothing was written then.
    pub fn package(
        &self,
        request: &PackageRequest,
        monitor: &Monitor,
    ) -> Result<Vec<PackageOutcome>, EngineError> {
        let project = self.project(&request.project)?;
        self.hold_back(&project.root, &request.allow, monitor)?;
        let monitor = monitor.stage("package");
        let version = version_of(&project, request.version.as_deref())?;
        let output = request.output.clone().unwrap_or_else(|| project.root.join("dist"));
        let about = preflight_about(&request.force)?;
        let ready = project
            .charts
            .iter()
            .map(|chart| self.ready_chart(&project, chart, &version, &about, &monitor));
        let ready: Vec<_> = ready.collect::<Result<_, _>>()?;
        let mut outcomes = Vec::new();
        for ReadyChart { chart, packaged, findings } in ready {
            monitor.check()?;
            findings.iter().for_each(|finding| monitor.found(finding));
            let path = packaged.write(&output)?;
            monitor.finished(chart.name(), Outcome::Done, &packaged.file_name);
            outcomes.push(PackageOutcome {
                chart: chart.name().to_owned(),
                version: version.clone(),
                path,
                digest: packaged.digest,
                size: packaged.bytes.len() as u64,
                dependencies: chart.subcharts.iter().map(|sub| sub.name().to_owned()).collect(),
            });
        }
        Ok(outcomes)
    }

    /// Resolves, stamps, checks and packages a chart, in memory. What was healed is reported.
    pub(crate) fn ready_chart(
        &self,
        project: &Project,
        chart_dir: &ChartDir,
        version: &str,
        about: &Preflight,
        monitor: &Monitor,
    ) -> Result<ReadyChart, EngineError> {
        let chart = Chart::load(&chart_dir.folder)?;
        let workspace = project.charts.iter().map(|c| (c.name.clone(), c.folder.clone()));
        let sources = Sources::new(workspace.collect());
        let remote = self.chart_remote(&ChartSources::default())?;
        let resolver = Resolver { sources: &sources, remote: Some(&remote), monitor };
        let plan = resolver.plan(&chart)?;
        for finding in &plan.findings {
            monitor.found(finding);
        }
        let chart = resolver.complete(&chart, &plan)?.stamp(version);
        let findings = unblocked(chart.name(), preflight(&chart, about))?;
        check_dag_image(project, chart_dir)?;
        let packaged = chart.package()?;
        Ok(ReadyChart { chart, packaged, findings })
    }
}

/// What the preflight has to know when nothing is known of the platform but that it is new.
pub(crate) fn preflight_about(force: &[String]) -> Result<Preflight, EngineError> {
    for id in force {
        if !rule(id).is_some_and(|rule| rule.can_be_forced) {
            return Err(EngineError::Force { rule: id.clone(), known: rule(id).is_some() });
        }
    }
    Ok(Preflight { forced: force.to_vec(), ..Preflight::default() })
}

/// Returns the findings, unless one of them forbids to deliver the chart.
pub(crate) fn unblocked(chart: &str, findings: Vec<Finding>) -> Result<Vec<Finding>, EngineError> {
    match findings.iter().any(|finding| finding.severity == Severity::Error) {
        true => Err(EngineError::Preflight { chart: chart.to_owned(), findings }),
        false => Ok(findings),
    }
}

/// The image that the installer's job will ask for must be one of the extension's own.
fn check_dag_image(project: &Project, chart: &ChartDir) -> Result<(), EngineError> {
    let dag_images = project.images.iter().filter(|image| image.role == Role::Dag);
    let known: Vec<String> = dag_images.map(|image| image.name.clone()).collect();
    match &chart.dag_image {
        Some(image)
            if !known.contains(image) && chart.keywords.iter().any(|k| k == "kaapanaworkflow") =>
        {
            let (chart, image) = (chart.name.clone(), image.clone());
            Err(EngineError::NoDagImage { chart, image, known })
        }
        _ => Ok(()),
    }
}
