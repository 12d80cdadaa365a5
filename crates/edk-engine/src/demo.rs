use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use edk_container::{Bind, Network, RunSpec};
use edk_model::{Monitor, Reference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    BaseRequest, BuildRequest, DeployRequest, Engine, EngineError, NewRequest, PackageRequest,
    RunRequest, StatusRequest, UninstallRequest, target::SANDBOX,
};

/// Where pydicom, which the demo's processing container installs, keeps real DICOM files.
const SAMPLES: &str = "/opt/venv/lib/python3*/site-packages/pydicom/data/test_files";
/// Those the demo runs on, each a series of its own: a CT, an MR and a compressed image.
const SAMPLE_NAMES: &str = "CT_small.dcm MR_small.dcm JPEG2000.dcm";

/// Go the whole way once, from an empty folder to an installed extension.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct DemoRequest {
    /// Folder for the demo's files; must be new or empty.
    pub folder: PathBuf,
    /// A registry image to take as base, instead of making it from Debian packages.
    pub base: Option<Reference>,
    /// Address of a Debian mirror.
    pub mirror: Option<String>,
}

/// What the demo did.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DemoOutcome {
    /// Where its files are.
    pub folder: PathBuf,
    /// What was done, in order.
    pub stages: Vec<DemoStage>,
    /// Wall time of all of it, in seconds.
    pub seconds: f64,
}

/// A stage of the demo.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DemoStage {
    /// The command that does the same.
    pub command: String,
    /// What came of it.
    pub result: String,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// Runs and times the stages.
struct Show<'a> {
    engine: &'a Engine,
    monitor: &'a Monitor,
    project: PathBuf,
    stages: Vec<DemoStage>,
}

impl Engine {
    /// Goes the whole way: new, base, build, build again, package, deploy, status, run, uninstall.
    ///
    /// # Errors
    /// Those of every stage, and [`EngineError::Demo`] if a stage did not do what it should.
    pub fn demo(
        &self,
        request: &DemoRequest,
        monitor: &Monitor,
    ) -> Result<DemoOutcome, EngineError> {
        let started = Instant::now();
        let project = request.folder.join("my-radiomics");
        let mut show = Show { engine: self, monitor, project, stages: Vec::new() };
        show.new_and_base(request)?;
        show.build_and_package()?;
        show.deploy_and_status()?;
        show.run(&request.folder)?;
        show.uninstall()?;
        let seconds = started.elapsed().as_secs_f64();
        Ok(DemoOutcome { folder: request.folder.clone(), stages: show.stages, seconds })
    }
}

impl Show<'_> {
    fn stage(
        &mut self,
        command: &str,
        body: impl FnOnce(&Engine, &Monitor, &Path) -> Result<String, EngineError>,
    ) -> Result<(), EngineError> {
        self.monitor.check()?;
        self.monitor.stage("demo").line(command);
        let started = Instant::now();
        let result = body(self.engine, self.monitor, &self.project)?;
        let seconds = started.elapsed().as_secs_f64();
        self.stages.push(DemoStage { command: command.to_owned(), result, seconds });
        Ok(())
    }

    fn new_and_base(&mut self, request: &DemoRequest) -> Result<(), EngineError> {
        self.stage("edk new radiomics my-radiomics", |engine, monitor, project| {
            let made = engine.create(
                &NewRequest {
                    template: "radiomics".to_owned(),
                    folder: Some(project.to_owned()),
                    answers: BTreeMap::new(),
                    overwrite: false,
                    dry_run: false,
                },
                monitor,
            )?;
            Ok(format!("{} files in {}", made.files.len(), made.folder.display()))
        })?;
        let (from, mirror) = (request.base.clone(), request.mirror.clone());
        self.stage("edk base base-python-cpu", |engine, monitor, _| {
            let name = "base-python-cpu".to_owned();
            let made = engine.base(
                &BaseRequest { name, from, mirror, checkout: None, refresh: false },
                monitor,
            )?;
            let how = if made.reused { "was there" } else { "made" };
            Ok(format!("{} {how}, {} MB", made.reference, made.size / 1_000_000))
        })
    }

    fn build_and_package(&mut self) -> Result<(), EngineError> {
        let build = |engine: &Engine, monitor: &Monitor, project: &Path| {
            let request = BuildRequest { project: project.to_owned(), ..BuildRequest::default() };
            engine.build(&request, monitor)
        };
        self.stage("edk build", |engine, monitor, project| {
            let built = build(engine, monitor, project)?;
            let images = built.images.iter();
            let images =
                images.map(|image| format!("{} ({} MB)", image.name, image.size / 1_000_000));
            Ok(images.collect::<Vec<_>>().join(", "))
        })?;
        self.stage("edk build", |engine, monitor, project| {
            match build(engine, monitor, project)?.unchanged {
                true => Ok("nothing to do: unchanged".to_owned()),
                false => Err(failed("the second build did something")),
            }
        })?;
        self.stage("edk package", |engine, monitor, project| {
            let (project, version, output) = (project.to_owned(), None, None);
            let made = engine.package(
                &PackageRequest { project, version, output, allow: Vec::new(), force: Vec::new() },
                monitor,
            )?;
            let names = made.iter().map(|chart| chart.path.display().to_string());
            Ok(names.collect::<Vec<_>>().join(", "))
        })
    }

    fn deploy_and_status(&mut self) -> Result<(), EngineError> {
        self.stage("edk deploy --target sandbox", |engine, monitor, project| {
            let request = DeployRequest {
                project: project.to_owned(),
                target: SANDBOX.to_owned(),
                version: None,
                params: BTreeMap::new(),
                args: BTreeMap::new(),
                engine: None,
                chart: None,
                allow: Vec::new(),
                force: Vec::new(),
                no_hooks: false,
                pull_from: None,
                archives: false,
                send_missing: false,
            };
            let done = engine.deploy(&request, monitor)?;
            let pods: Vec<_> = done.pods.values().map(String::as_str).collect();
            let dags = done.dags.unwrap_or_default();
            let files = count_files(&dags);
            if files == 0 {
                return Err(failed("no DAG file arrived in the sandbox"));
            }
            let (release, status) = (done.release, done.helm_status);
            Ok(format!(
                "{release}: {status}, {}; {files} DAG files in {}",
                pods.join(", "),
                dags.display()
            ))
        })?;
        self.stage("edk status", |engine, monitor, project| {
            let request =
                StatusRequest { project: Some(project.to_owned()), target: SANDBOX.to_owned() };
            let status = engine.status(&request, monitor)?;
            match status.extensions.first() {
                Some(row) if row.ready => Ok(format!("{} is ready", row.chart)),
                _ => Err(failed("the extension is not ready")),
            }
        })
    }

    fn run(&mut self, folder: &Path) -> Result<(), EngineError> {
        let (input, output) = (folder.join("dicom"), folder.join("runs"));
        let project = self.project.clone();
        fetch_samples(self.engine, &project, &input, self.monitor)?;
        self.stage("edk run --input dicom", |engine, monitor, project| {
            let request = RunRequest {
                project: project.to_owned(),
                container: None,
                input,
                output: Some(output),
                form: BTreeMap::from([(
                    "feature_classes".to_owned(),
                    "firstorder,shape,glcm".to_owned(),
                )]),
            };
            let run = engine.run(&request, monitor)?.report;
            if run.exit_code != 0 || run.outputs.is_empty() {
                return Err(failed(&format!(
                    "the container ended with exit code {}",
                    run.exit_code
                )));
            }
            let numbers = run.outputs.iter().map(|it| finite_numbers(&run.folder.join(&it.path)));
            let numbers: usize = numbers.collect::<Result<Vec<_>, _>>()?.iter().sum();
            let (files, memory) = (run.outputs.len(), run.peak_memory / 1_000_000);
            Ok(format!(
                "{} series -> {files} files with {numbers} finite numbers, {memory} MB, in {}",
                run.series,
                run.folder.display()
            ))
        })
    }

    fn uninstall(&mut self) -> Result<(), EngineError> {
        self.stage("edk uninstall", |engine, monitor, project| {
            let request = UninstallRequest {
                project: project.to_owned(),
                target: SANDBOX.to_owned(),
                chart: None,
                no_hooks: false,
            };
            let gone = engine.uninstall(&request, monitor)?;
            let left = count_files(&engine.sandbox_folder().join("workflows/dags"));
            Ok(format!("{} is gone; {left} DAG files are left", gone.release))
        })
    }
}

fn failed(reason: &str) -> EngineError {
    EngineError::Demo { reason: reason.to_owned() }
}

/// Copies DICOM files out of the processing container, which has them from a Python package.
fn fetch_samples(
    engine: &Engine,
    project: &Path,
    to: &Path,
    monitor: &Monitor,
) -> Result<(), EngineError> {
    fs::create_dir_all(to).map_err(|source| EngineError::io(to, source))?;
    let project = engine.project(project)?;
    let name = &project.container(None)?.name;
    let chosen = engine.chosen(None, &project.root)?;
    let built = engine.build_images(&project, &BTreeMap::new(), &chosen, &Monitor::silent())?;
    let image = built.image(name)?;
    let source = to.canonicalize().map_err(|source| EngineError::io(to, source))?;
    let spec = RunSpec {
        layers: image.prepare(engine.store()?, engine.containers()?, monitor)?,
        argv: ["/bin/sh", "-c", &format!("cd {SAMPLES} && cp {SAMPLE_NAMES} /samples/")]
            .map(str::to_owned)
            .to_vec(),
        env: image.config().env.clone(),
        cwd: "/".to_owned(),
        user: String::new(),
        binds: vec![Bind { source, target: "/samples".into(), read_only: false }],
        mounts: Vec::new(),
        network: Network::None,
    };
    let mut output = |line: &str| monitor.stage("demo").line(line);
    match engine.containers()?.run(&spec, &mut output, monitor)?.code {
        0 => Ok(()),
        code => Err(failed(&format!("copying DICOM samples ended with exit code {code}"))),
    }
}

/// Counts the numbers in a JSON file; one that is not finite can't be in JSON.
fn finite_numbers(path: &Path) -> Result<usize, EngineError> {
    let text = fs::read(path).map_err(|source| EngineError::io(path, source))?;
    let value: Value = serde_json::from_slice(&text)
        .map_err(|error| failed(&format!("{} is no JSON: {error}", path.display())))?;
    Ok(count_numbers(&value["labels"]))
}

fn count_numbers(value: &Value) -> usize {
    match value {
        Value::Number(_) => 1,
        Value::Array(items) => items.iter().map(count_numbers).sum(),
        Value::Object(map) => map.values().map(count_numbers).sum(),
        _ => 0,
    }
}

fn count_files(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |entry: fs::DirEntry| {
        let path = entry.path();
        if path.is_dir() { count_files(&path) } else { 1 }
    };
    entries.flatten().map(count).sum()
}
