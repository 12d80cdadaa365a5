//! A Dockerfile in two readings: as a builder reads it, and as the platform's own build script does,
//! which looks at lines and knows no grammar.

use edk_image::dockerfile::{Command, Copy, Dockerfile, Instruction, Stage, parse};
use edk_model::{Finding, Reference};

use super::text::Place;

/// What a Dockerfile says.
#[derive(Debug)]
pub struct Docker {
    /// Its path.
    pub path: String,
    /// As a builder reads it.
    pub file: Dockerfile,
    /// What the parser found.
    pub findings: Vec<Finding>,
    /// What the platform's build script takes as the image's name.
    pub script_name: Option<String>,
    /// `LABEL IMAGE`.
    pub name: Option<String>,
    /// Bases `local-only/<name>`, of all stages and `COPY --from`.
    pub bases: Vec<String>,
}

impl Docker {
    /// Reads the Dockerfile at `path`.
    pub fn read(path: &str, text: &str) -> Self {
        let (file, findings) = parse(text, path);
        let script_name = text.lines().rev().find_map(|line| {
            let value = line.trim().strip_prefix("LABEL IMAGE=")?;
            Some(value.trim().trim_matches(['"', '\'']).to_owned())
        });
        let name = file.label("IMAGE");
        let local = |base: &str| Some(base.parse::<Reference>().ok()?.local_only()?.to_owned());
        let froms = file.stages.iter().map(|stage| stage.base.as_str());
        let copies = file.stages.iter().flat_map(|stage| copies(stage).map(|(_, copy)| copy));
        let froms = froms.chain(copies.filter_map(|copy| copy.from.as_deref()));
        let bases = froms.filter_map(local).collect();
        Self { path: path.to_owned(), file, findings, script_name, name, bases }
    }

    /// Returns the folder of the Dockerfile: its build context.
    pub fn context(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns a label of the last stage.
    pub fn label(&self, name: &str) -> Option<String> {
        self.file.label(name)
    }

    /// Says whether `LABEL BUILD_IGNORE` keeps the platform's build script from building it.
    pub fn is_build_ignored(&self) -> bool {
        let ignored = self.label("BUILD_IGNORE").unwrap_or_default().to_lowercase();
        matches!(ignored.as_str(), "true" | "yes" | "1")
    }

    /// Says whether it is a base for other images, never pushed.
    pub fn is_base(&self) -> bool {
        self.label("REGISTRY").as_deref() == Some("local-only")
    }

    /// Says whether it carries DAG files: its last stage stands on the installer.
    pub fn is_dag_image(&self) -> bool {
        let last = self.last_base();
        last.is_some_and(|base| base.contains("base-installer"))
    }

    /// Returns the image the last stage stands on, through stages of the same file.
    pub fn last_base(&self) -> Option<&str> {
        let mut stage = self.file.stages.last()?;
        for _ in 0..self.file.stages.len() {
            let named = |it: &&Stage| it.name.as_deref() == Some(stage.base.as_str());
            match self.file.stages.iter().find(named) {
                Some(other) if !std::ptr::eq(other, stage) => stage = other,
                _ => break,
            }
        }
        Some(&stage.base)
    }

    /// Returns the last stage.
    pub fn last(&self) -> Option<&Stage> {
        self.file.stages.last()
    }

    /// Says whether the last stage sets a command.
    pub fn sets_command(&self) -> bool {
        let is_command =
            |it: &Instruction| matches!(it, Instruction::Cmd(_) | Instruction::Entrypoint(_));
        let mut stages = self.file.stages.iter();
        stages.any(|stage| stage.instructions.iter().any(|it| is_command(&it.value)))
    }

    /// Returns the copies of all stages with the line of each.
    pub fn copies(&self) -> impl Iterator<Item = (usize, &Copy)> {
        self.file.stages.iter().flat_map(copies)
    }

    /// Returns the text of each `RUN` with its line.
    pub fn runs(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        self.instructions().filter_map(|(line, it)| match it {
            Instruction::Run(run) => Some((line, words(&run.command))),
            _ => None,
        })
    }

    /// Returns all instructions with their lines.
    pub fn instructions(&self) -> impl Iterator<Item = (usize, &Instruction)> {
        let all = self.file.stages.iter().flat_map(|stage| &stage.instructions);
        all.map(|it| (it.span.line, &it.value))
    }

    /// Returns where the label `IMAGE` stands.
    pub fn name_place(&self, text: &str) -> Option<Place> {
        Place::where_line(text, |line| {
            let line = line.trim_start();
            !line.starts_with('#') && (line.contains("IMAGE=") || line.contains("IMAGE "))
        })
    }

    /// Returns what a copy of the last stage puts where: sources in the context, and the folder or
    /// file they become, absolute.
    pub fn placed(&self) -> Vec<Placed<'_>> {
        let mut placed = Vec::new();
        let mut folder = "/".to_owned();
        for it in self.last().into_iter().flat_map(|stage| &stage.instructions) {
            match &it.value {
                Instruction::Workdir(path) => folder = absolute(&folder, path),
                Instruction::Copy(copy) | Instruction::Add(copy) if copy.from.is_none() => {
                    let to = absolute(&folder, &copy.destination);
                    let into = copy.destination.ends_with('/') || copy.destination == ".";
                    let sources = copy.sources.iter().map(String::as_str).collect();
                    placed.push(Placed { line: it.span.line, sources, to, into });
                }
                _ => {}
            }
        }
        placed
    }
}

/// Files on their way into an image.
#[derive(Debug)]
pub struct Placed<'a> {
    /// Line of the copy.
    pub line: usize,
    /// Paths or patterns in the context.
    pub sources: Vec<&'a str>,
    /// Where they go, absolute and without a slash at the end.
    pub to: String,
    /// Whether that is said to be a folder.
    pub into: bool,
}

fn copies(stage: &Stage) -> impl Iterator<Item = (usize, &Copy)> {
    stage.instructions.iter().filter_map(|it| match &it.value {
        Instruction::Copy(copy) | Instruction::Add(copy) => Some((it.span.line, copy)),
        _ => None,
    })
}

fn absolute(folder: &str, path: &str) -> String {
    let path = path.trim_matches(['"', '\'']);
    let base = if path.starts_with('/') { "" } else { folder };
    format!("/{}", crate::check::tree::join(base, path).unwrap_or_default())
}

fn words(command: &Command) -> String {
    match command {
        Command::Shell(text) => text.clone(),
        Command::Exec(words) => words.join(" "),
    }
}
