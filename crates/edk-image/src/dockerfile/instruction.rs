use edk_model::Span;

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The character that takes the meaning off the next one.
    pub escape: char,
    /// `ARG`s before the first `FROM`: name and default.
    pub global_args: Vec<(String, Option<String>)>,
    /// The stages, each from one `FROM` to the next.
    pub stages: Vec<Stage>,
}

/// One stage: a base and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The image after `FROM`, variables not yet replaced.
    pub base: String,
    /// `--platform=`, variables not yet replaced.
    pub platform: Option<String>,
    /// The name after `AS`.
    pub name: Option<String>,
    /// Where `FROM` stands.
    pub span: Span,
    /// What follows, in order.
    pub instructions: Vec<Located<Instruction>>,
}

/// A value with its place in the file and its source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// Where it starts.
    pub span: Span,
    /// The instruction as written, on one line.
    pub text: String,
    /// The value.
    pub value: T,
}

/// One instruction after `FROM`. Words still hold quotes and variables, except where noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// `COPY`.
    Copy(Copy),
    /// `ADD`.
    Add(Copy),
    /// `RUN`; the text is not expanded, the shell does that.
    Run(Run),
    /// `ENV`, both forms.
    Env(Vec<(String, String)>),
    /// `ARG`: names and defaults.
    Arg(Vec<(String, Option<String>)>),
    /// `WORKDIR`.
    Workdir(String),
    /// `USER`.
    User(String),
    /// `CMD`.
    Cmd(Command),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `EXPOSE`.
    Expose(Vec<String>),
    /// `LABEL`.
    Label(Vec<(String, String)>),
    /// `VOLUME`.
    Volume(Vec<String>),
    /// `STOPSIGNAL`.
    StopSignal(String),
    /// `SHELL`.
    Shell(Vec<String>),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `ONBUILD`: an instruction for those who take this image as their base, as written.
    Onbuild(String),
    /// `MAINTAINER` (deprecated, still legal).
    Maintainer(String),
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The command; a here-document is part of its text.
    pub command: Command,
    /// `--mount=`, each.
    pub mounts: Vec<Mount>,
    /// Scripts that the command starts: a here-document which names its interpreter.
    pub scripts: Vec<Inline>,
    /// Whether the network is taken away (`--network=none`).
    pub offline: bool,
}

/// `RUN --mount=`; words still hold variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// A folder that outlives builds, shared by all that name the same id.
    Cache {
        /// Where it shows.
        target: String,
        /// Its id; the target when none is given.
        id: String,
        /// Whether the command may only read it.
        read_only: bool,
        /// Who else may use it at the same time.
        sharing: Sharing,
        /// Mode and owner of the folder when it is made.
        look: Look,
    },
    /// Files of the build context, of a stage or of an image.
    Bind {
        /// Where they show.
        target: String,
        /// Which of them.
        source: String,
        /// `from=`: a stage or an image; the build context without it.
        from: Option<String>,
        /// Whether the command may write to them; what it writes is thrown away.
        writable: bool,
    },
    /// An empty folder in memory.
    Tmpfs {
        /// Where it shows.
        target: String,
        /// `size=`: how many bytes it holds at most.
        size: Option<u64>,
    },
    /// A file or variable whose content is no part of the image.
    Secret {
        /// Its id.
        id: String,
        /// Where the file shows, if it does.
        target: Option<String>,
        /// The variable that holds it, if one does.
        env: Option<String>,
        /// Whether the build fails without it.
        required: bool,
        /// Mode and owner of the file.
        look: Look,
    },
}

/// Who may use a cache at the same time as another command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody.
    Shared,
    /// Others get a cache of their own meanwhile.
    Private,
    /// Others wait.
    Locked,
}

/// Mode and owner of a mounted file or folder, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Permission bits.
    pub mode: Option<u32>,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A file whose content stands in the Dockerfile, as a here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: String,
    /// Whether variables in it are replaced.
    pub expand: bool,
}

/// A command in shell form or exec form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A line for the shell.
    Shell(String),
    /// Program and arguments.
    Exec(Vec<String>),
}

/// `COPY` and `ADD`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copy {
    /// `--from=`: a stage or an image, when given.
    pub from: Option<String>,
    /// `--chown=`, when given.
    pub chown: Option<String>,
    /// `--chmod=`, when given.
    pub chmod: Option<String>,
    /// `--link`: the layer is made without looking at those below.
    pub link: bool,
    /// `--parents`: sources keep their folders.
    pub parents: bool,
    /// `--exclude=`, each: what of the sources is left out.
    pub exclude: Vec<String>,
    /// `--checksum=` of `ADD`: what a remote source has to be.
    pub checksum: Option<String>,
    /// `--unpack=` of `ADD`, when given.
    pub unpack: Option<bool>,
    /// What to copy: paths or patterns in the context, or in `from`.
    pub sources: Vec<String>,
    /// Here-documents, copied like sources.
    pub inline: Vec<Inline>,
    /// Where to.
    pub destination: String,
}

/// `HEALTHCHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`.
    None,
    /// `CMD`, with its options (name without dashes, value).
    Command {
        /// Options such as `interval` = `30s`.
        options: Vec<(String, String)>,
        /// The command.
        command: Command,
    },
}

impl Default for Dockerfile {
    fn default() -> Self {
        Self { escape: '\\', global_args: Vec::new(), stages: Vec::new() }
    }
}

impl Dockerfile {
    /// Returns the value of a label of the last stage, quotes taken off; the last one of the same
    /// name counts.
    pub fn label(&self, name: &str) -> Option<String> {
        let last = self.stages.last()?;
        let labels = last.instructions.iter().filter_map(|located| match &located.value {
            Instruction::Label(labels) => Some(labels),
            _ => None,
        });
        let found = labels.flatten().rfind(|(key, _)| self.unquoted(key) == name);
        found.map(|(_, value)| self.unquoted(value))
    }

    /// The word without its quotes; variables stay.
    fn unquoted(&self, word: &str) -> String {
        super::expand(word, self.escape, &|name| Some(format!("${name}")))
            .unwrap_or_else(|_| word.to_owned())
    }
}
