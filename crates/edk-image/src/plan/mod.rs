//! Instructions -> steps: everything that can be known, and found wrong, before anything starts.

mod copy;
mod needed;
mod planned;
mod run;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use edk_model::{Descriptor, Digest, Finding, Reference};

use crate::{
    Compression, Config, DEFAULT_PATH, Image, ImageError,
    context::{Context, Problem},
    dockerfile::{Command, Dockerfile, Instruction, Located, Stage, expand, parse},
    patterns::Rules,
    value::{Owner, healthcheck, port},
};

pub(crate) use needed::needed;
pub use planned::Plan;
pub(crate) use planned::{
    Action, BindFrom, Destination, Origin, PlannedBase, PlannedMount, PlannedRun, PlannedStage,
    Step,
};

/// What is to be built.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The text of the Dockerfile.
    pub text: &'a str,
    /// Its name as the user would write it; used in findings.
    pub file: &'a str,
    /// The folder whose files may be copied.
    pub context: &'a Path,
    /// Values for `ARG`s.
    pub args: &'a BTreeMap<String, String>,
    /// What else the user asks for.
    pub options: &'a PlanOptions,
}

/// What a user may ask for beside the Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// The stage to build, by name or number; the last one without it.
    pub target: Option<String>,
    /// Labels that are added to those of the Dockerfile.
    pub labels: BTreeMap<String, String>,
    /// Ids of the secrets that there are.
    pub secrets: BTreeSet<String>,
    /// How layers are compressed.
    pub compression: Compression,
}

impl<'a> PlanRequest<'a> {
    /// Returns a request without options.
    pub fn new(
        text: &'a str,
        file: &'a str,
        context: &'a Path,
        args: &'a BTreeMap<String, String>,
    ) -> Self {
        static NONE: PlanOptions = PlanOptions {
            target: None,
            labels: BTreeMap::new(),
            secrets: BTreeSet::new(),
            compression: Compression::Gzip,
        };
        Self { text, file, context, args, options: &NONE }
    }
}

/// Where a plan finds what is not in the build context.
pub trait Sources {
    /// Returns the image for a reference after `FROM`, `--from=` or `from=`, which stands at
    /// `place`.
    ///
    /// # Errors
    /// [`ImageError::NoBase`] when it is not there, and what keeps it from being fetched.
    fn image(&mut self, reference: &Reference, place: &str) -> Result<Image, ImageError>;

    /// Returns the blob of what `ADD` takes from an address; with a checksum it is that blob.
    ///
    /// # Errors
    /// [`ImageError::Fetch`] if it can't be fetched or is another one.
    fn fetch(
        &mut self,
        address: &str,
        checksum: Option<&Digest>,
        place: &str,
    ) -> Result<Descriptor, ImageError>;
}

/// Plans a build; `sources` finds images and what lies at addresses.
///
/// # Errors
/// [`ImageError::Findings`] with all that is wrong in the Dockerfile, and the errors of `sources`;
/// nothing was changed.
pub fn plan(request: &PlanRequest<'_>, sources: &mut dyn Sources) -> Result<Plan, ImageError> {
    let (dockerfile, findings) = parse(request.text, request.file);
    refuse(request.file, findings)?;
    let name = Path::new(request.file).file_name().unwrap_or_default().to_string_lossy();
    let context = Context::open(request.context, &name);
    let context = context.map_err(|problem| context_error(problem, request.context))?;
    let global = global_args(&dockerfile, request)?;
    let target = request.options.target.as_deref();
    let needed = needed(&dockerfile, target, &global)
        .map_err(|finding| findings_error(request.file, finding.in_file(request.file)))?;
    let mut planner = Planner {
        request,
        context,
        global,
        dockerfile: &dockerfile,
        stages: Vec::new(),
        numbers: Vec::new(),
        images: BTreeMap::new(),
        findings: Vec::new(),
    };
    for (number, stage) in needed {
        planner.stage(number, stage, sources)?;
    }
    refuse(request.file, std::mem::take(&mut planner.findings))?;
    let (file, context) = (request.file.to_owned(), Arc::clone(planner.context.root()));
    let mut stages = planner.stages;
    if let Some(last) = stages.last_mut()
        && !request.options.labels.is_empty()
    {
        add_labels(&mut last.config, &request.options.labels);
    }
    let identity = format!("{}\0{file}\0{}", context.path().display(), target.unwrap_or_default());
    let compression = request.options.compression;
    Ok(Plan { file, context, identity, stages, compression })
}

fn refuse(file: &str, findings: Vec<Finding>) -> Result<(), ImageError> {
    if findings.is_empty() {
        return Ok(());
    }
    Err(ImageError::Findings { subject: file.to_owned(), findings })
}

fn findings_error(file: &str, finding: Finding) -> ImageError {
    ImageError::Findings { subject: file.to_owned(), findings: vec![finding] }
}

/// Labels of the command line come last, as one more instruction.
fn add_labels(config: &mut Config, labels: &BTreeMap<String, String>) {
    let pairs = labels.iter().map(|(name, value)| format!("{name:?}={value:?}"));
    let text = format!("LABEL {}", pairs.collect::<Vec<_>>().join(" "));
    config.labels.extend(labels.clone());
    config.record(&text, true);
}

/// What every build knows of the platform it is for (Dockerfile reference, "Automatic platform
/// ARGs in the global scope").
const PLATFORM: [(&str, &str); 6] = [
    ("TARGETPLATFORM", "linux/amd64"),
    ("TARGETOS", "linux"),
    ("TARGETARCH", "amd64"),
    ("BUILDPLATFORM", "linux/amd64"),
    ("BUILDOS", "linux"),
    ("BUILDARCH", "amd64"),
];

/// The `ARG`s that `FROM` sees.
fn global_args(
    dockerfile: &Dockerfile,
    request: &PlanRequest<'_>,
) -> Result<BTreeMap<String, String>, ImageError> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut global: BTreeMap<String, String> = PLATFORM.into_iter().map(own).collect();
    for (name, default) in &dockerfile.global_args {
        let given = request.args.get(name).cloned();
        let value = match (given, default) {
            (Some(value), _) => Some(value),
            (None, Some(default)) => {
                let value = expand(default, dockerfile.escape, &|name| global.get(name).cloned());
                let finding = |reason| {
                    let finding = Finding::error("dockerfile/variable", reason);
                    findings_error(request.file, finding.in_file(request.file))
                };
                Some(value.map_err(finding)?)
            }
            (None, None) => None,
        };
        global.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(global)
}

fn context_error(problem: Problem, context: &Path) -> ImageError {
    match problem {
        Problem::Io(path, source) => ImageError::Io { path, source },
        Problem::Rule(name, line, reason) => {
            let file = context.join(name).display().to_string();
            let message = format!("the pattern is malformed: {reason}");
            let finding = Finding::error("dockerignore/malformed", message);
            findings_error(&file, finding.in_file(&file).at(line, 1).fix("correct the pattern"))
        }
        other => ImageError::Unsupported { what: format!("the build context ({other:?})") },
    }
}

struct Planner<'a> {
    request: &'a PlanRequest<'a>,
    context: Context,
    global: BTreeMap<String, String>,
    dockerfile: &'a Dockerfile,
    stages: Vec<PlannedStage>,
    /// The number in the file of each planned stage.
    numbers: Vec<usize>,
    /// Images that are copied from.
    images: BTreeMap<String, Image>,
    findings: Vec<Finding>,
}

/// The state of one stage while it is planned.
struct State {
    config: Config,
    args: BTreeMap<String, String>,
    steps: Vec<Step>,
    escape: char,
    /// Whether this Dockerfile set `CMD`, so that a later `ENTRYPOINT` leaves it alone.
    own_cmd: bool,
}

impl State {
    fn look_up(&self, name: &str) -> Option<String> {
        let env = self.config.env.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        env.or_else(|| self.args.get(name)).cloned()
    }

    /// `text` without quotes, its variables replaced.
    fn expand(&self, text: &str) -> Result<String, Finding> {
        expand(text, self.escape, &|name| self.look_up(name))
            .map_err(|reason| Finding::error("dockerfile/variable", reason))
    }

    fn shell(&self, command: &Command) -> Vec<String> {
        match command {
            Command::Exec(argv) => argv.clone(),
            Command::Shell(text) => {
                let shell = match self.config.shell.as_slice() {
                    [] => vec!["/bin/sh".to_owned(), "-c".to_owned()],
                    shell => shell.to_vec(),
                };
                shell.into_iter().chain([text.clone()]).collect()
            }
        }
    }

    /// `path` as it is meant in the present working directory, without `.` and `..`.
    fn absolute(&self, path: &str) -> String {
        let start = if path.starts_with('/') { "" } else { self.config.working_dir.as_str() };
        let mut parts: Vec<&str> = Vec::new();
        for part in start.split('/').chain(path.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }
}

impl Planner<'_> {
    fn stage(
        &mut self,
        number: usize,
        stage: &Stage,
        sources: &mut dyn Sources,
    ) -> Result<(), ImageError> {
        let place = format!("{}:{}", self.request.file, stage.span.line);
        let (base, mut config) = self.base(number, stage, &place, sources)?;
        let triggers = self.triggers(stage, std::mem::take(&mut config.on_build))?;
        let (args, steps, escape) = (BTreeMap::new(), Vec::new(), self.dockerfile.escape);
        let mut state = State { config, args, steps, escape, own_cmd: false };
        for located in triggers.iter().chain(&stage.instructions) {
            self.find_origins(number, located, sources)?;
            if let Err(fault) = self.instruction(number, &mut state, located, sources) {
                let span = located.span;
                match fault {
                    Fault::Finding(finding) => self
                        .findings
                        .push(finding.in_file(self.request.file).at(span.line, span.column)),
                    Fault::Error(error) => return Err(*error),
                }
            }
        }
        self.numbers.push(number);
        let name = stage.name.clone().unwrap_or_else(|| number.to_string());
        self.stages.push(PlannedStage { base, steps: state.steps, config: state.config, name });
        Ok(())
    }

    /// The instructions which the base has for those who take it (`ONBUILD`).
    fn triggers(
        &self,
        stage: &Stage,
        texts: Vec<String>,
    ) -> Result<Vec<Located<Instruction>>, ImageError> {
        let mut all = Vec::new();
        for text in texts {
            let name = format!("{}: ONBUILD of {}", self.request.file, stage.base);
            let (parsed, findings) = parse(&format!("FROM scratch\n{text}"), &name);
            refuse(self.request.file, findings)?;
            let instructions = parsed.stages.into_iter().flat_map(|stage| stage.instructions);
            all.extend(instructions.map(|located| Located { span: stage.span, ..located }));
        }
        Ok(all)
    }

    /// The planned stage called `name` before the stage `number` of the file.
    fn planned_stage(&self, number: usize, name: &str, by_number: bool) -> Option<usize> {
        let found = needed::stage_called(&self.dockerfile.stages[..number], name, by_number)?;
        self.numbers.iter().position(|planned| *planned == found)
    }

    fn base(
        &self,
        number: usize,
        stage: &Stage,
        place: &str,
        sources: &mut dyn Sources,
    ) -> Result<(PlannedBase, Config), ImageError> {
        let at = |finding: Finding| {
            let finding = finding.in_file(self.request.file);
            findings_error(self.request.file, finding.at(stage.span.line, stage.span.column))
        };
        let malformed = |reason: String| at(Finding::error("dockerfile/base", reason));
        let word = |text: &str| {
            expand(text, self.dockerfile.escape, &|name| self.global.get(name).cloned())
                .map_err(malformed)
        };
        if let Some(platform) = &stage.platform {
            let platform = word(platform)?;
            if platform != "linux/amd64" {
                let message = format!("`FROM --platform={platform}` can't be built here");
                let finding = Finding::error("dockerfile/unsupported", message);
                return Err(at(
                    finding.fix("images are built for linux/amd64: leave the flag away")
                ));
            }
        }
        let text = word(&stage.base)?;
        if text == "scratch" {
            // As with every builder, so that a shell copied there finds its programs.
            let mut config = Config::default();
            config.set_env("PATH", DEFAULT_PATH.to_owned());
            return Ok((PlannedBase::Scratch, config));
        }
        if let Some(at) = self.planned_stage(number, &text, false) {
            return Ok((PlannedBase::Stage(at), self.stages[at].config.clone()));
        }
        if text.is_empty() {
            let message = format!("`{}` is empty here", stage.base);
            return Err(at(Finding::error("dockerfile/base", message)
                .fix("give its ARG a default before FROM, or a value with --build-arg")));
        }
        let reference = text.parse::<Reference>().map_err(|error| malformed(error.to_string()))?;
        let image = sources.image(&reference, place)?;
        let config = image.config().clone();
        Ok((PlannedBase::Image(Box::new(image)), config))
    }

    fn instruction(
        &self,
        number: usize,
        state: &mut State,
        located: &Located<Instruction>,
        sources: &mut dyn Sources,
    ) -> Result<(), Fault> {
        let place = format!("{}:{}", self.request.file, located.span.line);
        let action = match &located.value {
            Instruction::Copy(copy) => Some(self.copy(number, state, copy)?),
            Instruction::Add(copy) => Some(self.add(state, copy, &place, sources)?),
            Instruction::Run(run) => Some(self.run(number, state, run)?),
            other => self.apply(state, other)?,
        };
        state.config.record(&located.text, action.is_none());
        if let Some(action) = action {
            state.steps.push(Step { text: located.text.clone(), place, action });
        }
        Ok(())
    }

    /// Applies an instruction to the configuration; returns the layer it makes, if any.
    fn apply(
        &self,
        state: &mut State,
        instruction: &Instruction,
    ) -> Result<Option<Action>, Finding> {
        let words = |state: &State, list: &[String]| {
            list.iter().map(|text| state.expand(text)).collect::<Result<Vec<_>, _>>()
        };
        match instruction {
            Instruction::Copy(_) | Instruction::Add(_) | Instruction::Run(_) => {}
            Instruction::Env(pairs) => {
                // All values of one instruction see the variables as they were before it.
                let values =
                    words(state, &pairs.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>())?;
                for ((name, _), value) in pairs.iter().zip(values) {
                    state.config.set_env(name, value);
                }
            }
            Instruction::Label(pairs) => {
                for (name, value) in pairs {
                    let (name, value) = (state.expand(name)?, state.expand(value)?);
                    state.config.labels.insert(name, value);
                }
            }
            Instruction::Arg(args) => self.args(state, args)?,
            Instruction::Workdir(path) => {
                let path = state.absolute(&state.expand(path)?);
                state.config.working_dir = path.clone();
                let owner = Some(state.config.user.as_str()).filter(|user| !user.is_empty());
                let owner = owner.map(Owner::parse).transpose()?;
                return Ok(Some(Action::Folder { path, owner }));
            }
            Instruction::User(user) => state.config.user = state.expand(user)?,
            Instruction::Cmd(command) => {
                state.config.cmd = state.shell(command);
                state.own_cmd = true;
            }
            Instruction::Entrypoint(command) => {
                state.config.entrypoint = state.shell(command);
                if !state.own_cmd {
                    state.config.cmd.clear();
                }
            }
            Instruction::Expose(ports) => {
                for text in words(state, ports)? {
                    for port in
                        text.split_whitespace().map(port).collect::<Result<Vec<_>, _>>()?.concat()
                    {
                        add_once(&mut state.config.exposed_ports, port);
                    }
                }
            }
            Instruction::Volume(volumes) => {
                for volume in words(state, volumes)? {
                    add_once(&mut state.config.volumes, volume);
                }
            }
            Instruction::StopSignal(signal) => state.config.stop_signal = state.expand(signal)?,
            Instruction::Shell(shell) => state.config.shell.clone_from(shell),
            Instruction::Healthcheck(check) => {
                state.config.healthcheck = Some(healthcheck(check)?);
            }
            Instruction::Onbuild(text) => state.config.on_build.push(text.clone()),
            Instruction::Maintainer(_) => {}
        }
        Ok(None)
    }

    fn args(&self, state: &mut State, args: &[(String, Option<String>)]) -> Result<(), Finding> {
        for (name, default) in args {
            let given = self.request.args.get(name).cloned();
            let value = match (given, default) {
                (Some(value), _) => Some(value),
                (None, _) if is_platform(name) => self.global.get(name).cloned(),
                (None, Some(default)) => Some(state.expand(default)?),
                (None, None) => self.global.get(name).cloned(),
            };
            state.args.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(())
    }
}

fn is_platform(name: &str) -> bool {
    PLATFORM.iter().any(|(own, _)| *own == name)
}

/// What stops an instruction.
#[allow(clippy::large_enum_variant, reason = "a fault is rare, and lives for a moment")]
enum Fault {
    /// It is wrong; what follows is looked at too.
    Finding(Finding),
    /// Something outside of the file failed.
    Error(Box<ImageError>),
}

impl From<Finding> for Fault {
    fn from(finding: Finding) -> Self {
        Self::Finding(finding)
    }
}

fn add_once(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}
