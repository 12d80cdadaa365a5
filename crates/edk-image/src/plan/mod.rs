//! Instructions -> steps: everything that can be known, and found wrong, before anything starts.

mod copy;
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use edk_model::{Digest, Finding, Reference};

use crate::{
    Config, DEFAULT_PATH, Image, ImageError,
    context::{Context, Problem, Source},
    dockerfile::{Command, Dockerfile, Instruction, Located, Stage, expand, parse},
    value::{Owner, healthcheck},
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
}

/// The steps of a build, ready to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The Dockerfile's name.
    pub(crate) file: String,
    /// The stages, in the order they are built; the last one is the image.
    pub(crate) stages: Vec<PlannedStage>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedStage {
    pub(crate) base: PlannedBase,
    pub(crate) steps: Vec<Step>,
    /// The configuration after all steps.
    pub(crate) config: Config,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlannedBase {
    Scratch,
    Image(Box<Image>),
    /// An earlier stage of the same plan.
    Stage(usize),
}

/// One layer to come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// The instruction as written.
    pub(crate) text: String,
    /// Where it stands, as `file:line`.
    pub(crate) place: String,
    pub(crate) action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Copy {
        from: Origin,
        to: Destination,
    },
    Run(PlannedRun),
    /// A folder that must be there.
    Folder {
        path: String,
    },
}

/// Where copied files come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Context(Vec<Source>),
    /// Paths in an earlier stage of the same plan.
    Stage {
        at: usize,
        patterns: Vec<String>,
    },
    Image {
        image: Box<Image>,
        patterns: Vec<String>,
    },
}

/// Where copied files go, and how they look there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Absolute path inside.
    pub(crate) path: String,
    pub(crate) into_folder: bool,
    /// `None`: root for files of the context, the owner they have for files of an image.
    pub(crate) owner: Option<Owner>,
    pub(crate) mode: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedRun {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) user: String,
    pub(crate) cwd: String,
    pub(crate) mounts: Vec<PlannedMount>,
    pub(crate) offline: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlannedMount {
    Cache {
        id: String,
        target: String,
    },
    /// `digest` covers the content of `source`.
    Bind {
        source: PathBuf,
        digest: Digest,
        target: String,
    },
    Tmpfs {
        target: String,
    },
}

impl Plan {
    /// Returns how many layers the build makes or reuses.
    pub fn steps(&self) -> usize {
        self.stages.iter().map(|stage| stage.steps.len()).sum()
    }
}

/// Plans a build. `find_base` returns the image for a reference after `FROM`.
///
/// # Errors
/// [`ImageError::Findings`] with all that is wrong in the Dockerfile, and the errors of
/// `find_base`; nothing was changed.
pub fn plan(
    request: &PlanRequest<'_>,
    find_base: &mut dyn FnMut(&Reference, &str) -> Result<Image, ImageError>,
) -> Result<Plan, ImageError> {
    let (dockerfile, findings) = parse(request.text, request.file);
    refuse(request.file, findings)?;
    let name = Path::new(request.file).file_name().unwrap_or_default().to_string_lossy();
    let context = Context::open(request.context, &name).map_err(context_error)?;
    let mut global = BTreeMap::new();
    for (name, default) in &dockerfile.global_args {
        let value = request.args.get(name).cloned();
        let value = value
            .or_else(|| default.as_ref().and_then(|d| expand(d, &|n| global.get(n).cloned()).ok()));
        global.extend(value.map(|value| (name.clone(), value)));
    }
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
    for (number, stage) in needed(&dockerfile) {
        planner.stage(number, stage, find_base)?;
    }
    refuse(request.file, std::mem::take(&mut planner.findings))?;
    Ok(Plan { file: request.file.to_owned(), stages: planner.stages })
}

fn refuse(file: &str, findings: Vec<Finding>) -> Result<(), ImageError> {
    if findings.is_empty() {
        return Ok(());
    }
    Err(ImageError::Findings { subject: file.to_owned(), findings })
}

/// The last stage and those it needs, as a base or to copy from; each with its number in the file.
fn needed(dockerfile: &Dockerfile) -> Vec<(usize, &Stage)> {
    let stages = &dockerfile.stages;
    let mut wanted = BTreeSet::new();
    let mut todo: Vec<usize> = stages.len().checked_sub(1).into_iter().collect();
    while let Some(at) = todo.pop() {
        if !wanted.insert(at) {
            continue;
        }
        let copies = stages[at].instructions.iter().filter_map(|located| match &located.value {
            Instruction::Copy(copy) => copy.from.as_deref(),
            _ => None,
        });
        for name in copies.chain([stages[at].base.as_str()]) {
            todo.extend(stage_called(&stages[..at], name, name != stages[at].base));
        }
    }
    wanted.into_iter().map(|at| (at, &stages[at])).collect()
}

/// The last of `stages` with this name; its number will do where `by_number` says so.
fn stage_called(stages: &[Stage], name: &str, by_number: bool) -> Option<usize> {
    let named =
        |stage: &Stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let number = name.parse().ok().filter(|&at: &usize| by_number && at < stages.len());
    stages.iter().rposition(named).or(number)
}

fn context_error(problem: Problem) -> ImageError {
    match problem {
        Problem::Io(path, source) => ImageError::Io { path, source },
        other => ImageError::Unsupported { what: format!("the .dockerignore ({other:?})") },
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
        expand(text, &|name| self.look_up(name))
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
        find_base: &mut dyn FnMut(&Reference, &str) -> Result<Image, ImageError>,
    ) -> Result<(), ImageError> {
        let place = format!("{}:{}", self.request.file, stage.span.line);
        let (base, mut config) = self.base(number, stage, &place, find_base)?;
        let triggers = self.triggers(stage, std::mem::take(&mut config.on_build))?;
        let mut state = State { config, args: BTreeMap::new(), steps: Vec::new(), own_cmd: false };
        for located in triggers.iter().chain(&stage.instructions) {
            self.find_origin(number, located, find_base)?;
            if let Err(finding) = self.instruction(number, &mut state, located) {
                let span = located.span;
                self.findings.push(finding.in_file(self.request.file).at(span.line, span.column));
            }
        }
        self.numbers.push(number);
        self.stages.push(PlannedStage { base, steps: state.steps, config: state.config });
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
        let found = stage_called(&self.dockerfile.stages[..number], name, by_number)?;
        self.numbers.iter().position(|planned| *planned == found)
    }

    fn base(
        &self,
        number: usize,
        stage: &Stage,
        place: &str,
        find_base: &mut dyn FnMut(&Reference, &str) -> Result<Image, ImageError>,
    ) -> Result<(PlannedBase, Config), ImageError> {
        let malformed = |reason: String| ImageError::Findings {
            subject: self.request.file.to_owned(),
            findings: vec![
                Finding::error("dockerfile/base", reason)
                    .in_file(self.request.file)
                    .at(stage.span.line, stage.span.column),
            ],
        };
        let text =
            expand(&stage.base, &|name| self.global.get(name).cloned()).map_err(malformed)?;
        if text == "scratch" {
            // As with every builder, so that a shell copied there finds its programs.
            let mut config = Config::default();
            config.set_env("PATH", DEFAULT_PATH.to_owned());
            return Ok((PlannedBase::Scratch, config));
        }
        if let Some(at) = self.planned_stage(number, &text, false) {
            return Ok((PlannedBase::Stage(at), self.stages[at].config.clone()));
        }
        let reference = text.parse::<Reference>().map_err(|error| malformed(error.to_string()))?;
        let image = find_base(&reference, place)?;
        let config = image.config().clone();
        Ok((PlannedBase::Image(Box::new(image)), config))
    }

    fn instruction(
        &self,
        number: usize,
        state: &mut State,
        located: &Located<Instruction>,
    ) -> Result<(), Finding> {
        let action = self.apply(number, state, &located.value)?;
        state.config.record(&located.text, action.is_none());
        if let Some(action) = action {
            let place = format!("{}:{}", self.request.file, located.span.line);
            state.steps.push(Step { text: located.text.clone(), place, action });
        }
        Ok(())
    }

    /// Applies an instruction to the configuration; returns the layer it makes, if any.
    fn apply(
        &self,
        number: usize,
        state: &mut State,
        instruction: &Instruction,
    ) -> Result<Option<Action>, Finding> {
        let words = |state: &State, list: &[String]| {
            list.iter().map(|text| state.expand(text)).collect::<Result<Vec<_>, _>>()
        };
        match instruction {
            Instruction::Copy(copy) => return self.copy(number, state, copy).map(Some),
            Instruction::Add(copy) => {
                copy::refuse_remote(copy)?;
                return self.copy(number, state, copy).map(Some);
            }
            Instruction::Run(run) => return self.run(state, run).map(Some),
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
                return Ok(Some(Action::Folder { path }));
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
                for port in words(state, ports)? {
                    let port = if port.contains('/') { port } else { format!("{port}/tcp") };
                    add_once(&mut state.config.exposed_ports, port);
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
                (None, Some(default)) => Some(state.expand(default)?),
                (None, None) => self.global.get(name).cloned(),
            };
            state.args.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(())
    }
}

fn add_once(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_text(text: &str, files: &[&str]) -> Result<Plan, ImageError> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), file).unwrap();
        }
        let args = BTreeMap::from([("GIVEN".to_owned(), "g".to_owned())]);
        let (file, context) = ("x/Dockerfile", folder.path());
        let request = PlanRequest { text, file, context, args: &args };
        plan(&request, &mut |reference, place| {
            let (reference, place) = (reference.to_string(), place.to_owned());
            Err(ImageError::NoBase { reference, place })
        })
    }

    fn config(text: &str) -> Config {
        plan_text(&format!("FROM scratch\n{text}"), &[]).unwrap().stages.pop().unwrap().config
    }

    fn findings(text: &str) -> Vec<String> {
        match plan_text(&format!("FROM scratch\n{text}"), &["a", "b"]) {
            Err(ImageError::Findings { findings, .. }) => {
                findings.iter().map(ToString::to_string).collect()
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_configuration_follows_the_instructions() {
        let config = config(
            "ARG GIVEN\nARG D=d\nENV A=1 B=$A$GIVEN$D\nENV A=2 B=$A\nWORKDIR /w\nWORKDIR x/$A\nUSER 5:6\n\
             EXPOSE 80 80/tcp\nVOLUME /v\nLABEL l=\"$B\"\nCMD run me\nSTOPSIGNAL SIGINT\n\
             HEALTHCHECK --interval=1m30s --retries=2 CMD check",
        );
        let env = [("A", "2"), ("B", "1")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(config.env[1..], env);
        assert_eq!(config.working_dir, "/w/x/2");
        assert_eq!(config.cmd, ["/bin/sh", "-c", "run me"]);
        assert_eq!((config.user.as_str(), config.stop_signal.as_str()), ("5:6", "SIGINT"));
        assert_eq!(config.exposed_ports, ["80/tcp"]);
        let check = config.healthcheck.unwrap();
        assert_eq!(
            (check["Interval"].as_u64(), check["Retries"].as_u64()),
            (Some(90_000_000_000), Some(2))
        );
    }

    #[test]
    fn values_of_one_env_see_the_variables_before_it() {
        let config = config("ENV A=1\nENV A=2 B=$A");
        assert_eq!(config.env[2], ("B".to_owned(), "1".to_owned()));
    }

    #[test]
    fn an_entrypoint_drops_the_inherited_command_but_not_its_own() {
        assert_eq!(config("CMD [\"c\"]\nENTRYPOINT [\"e\"]").command(), ["e", "c"]);
        let text = "FROM scratch AS one\nCMD [\"c\"]\nFROM one\nENTRYPOINT [\"e\"]";
        let plan = plan_text(text, &[]).unwrap();
        assert_eq!(plan.stages.last().unwrap().config.command(), ["e"]);
    }

    #[test]
    fn a_missing_source_is_named_with_file_and_line() {
        let found = findings("COPY a /x\nCOPY nope.txt /x");
        assert_eq!(
            found,
            [
                "x/Dockerfile:3:1: source `nope.txt` is not in the build context (dockerfile/missing-source)"
            ]
        );
    }

    #[test]
    fn all_that_is_wrong_is_found_at_once() {
        let found = findings(
            "COPY nope /x\nCOPY a b /x\nCOPY --from=Nope a /x\nADD http://h/x /x\nCOPY --chown=:5 a /x\n\
             COPY --chmod=9 a /x\nENV A=${B:#x}\nHEALTHCHECK --interval=x CMD a",
        );
        assert_eq!(found.len(), 8, "{found:#?}");
    }

    #[test]
    fn a_base_that_is_not_there_is_named_with_its_place() {
        let error = plan_text("ARG V=1\nFROM local-only/x:$V", &[]).unwrap_err();
        let ImageError::NoBase { reference, place } = error else { panic!("{error}") };
        assert_eq!((reference.as_str(), place.as_str()), ("local-only/x:1", "x/Dockerfile:2"));
    }
}
