//! `edk build`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::Args as ClapArgs;
use edk_api::{BuildChoices, BuildRequest, Command, Content, Failure};
use edk_model::Code;

use crate::{
    args::{BuildArg, ProjectArg, map, pair},
    check::AllowArg,
};

/// The platform that images are built for.
const PLATFORM: &str = "linux/amd64";
/// The largest secret: far above any key, far below what would have to go another way.
const MAX_SECRET: usize = 512 << 10;

#[derive(Debug, ClapArgs)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    args: BuildArg,
    #[command(flatten)]
    allow: AllowArg,
    /// Build the image of this Dockerfile only, with the extension's own bases it needs.
    #[arg(long, short, value_name = "DOCKERFILE")]
    file: Option<PathBuf>,
    /// Build this stage, by name or number, instead of the last one.
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// A label to add to the images; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// A secret for RUN --mount=type=secret: id=ID,src=FILE or id=ID,env=VARIABLE.
    #[arg(long, value_name = "SECRET")]
    secret: Vec<String>,
    /// The platform to build for; linux/amd64 is the one there is.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Carry every step out, whatever is there.
    #[arg(long)]
    no_cache: bool,
    /// Tell of every step whether it was reused, and what caused it if not.
    #[arg(long)]
    explain: bool,
}

impl BuildArgs {
    /// Returns the command; secrets are read here.
    pub(crate) fn command(&self) -> Result<Command, Failure> {
        if let Some(platform) = self.platform.as_deref().filter(|it| *it != PLATFORM) {
            let what = format!("images for `{platform}` can't be built here");
            let failure = Failure::new(Code::Unsupported, what);
            return Err(failure.hint(format!("leave `--platform` away to build for {PLATFORM}")));
        }
        let secrets = self.secret.iter().map(|text| secret(text));
        let choices = BuildChoices {
            file: self.file.clone(),
            target: self.target.clone(),
            labels: map(&self.label),
            secrets: secrets.collect::<Result<BTreeMap<_, _>, _>>()?,
            no_cache: self.no_cache,
            explain: self.explain,
        };
        let (project, args) = (self.project.project.clone(), map(&self.args.build_arg));
        let (engine, allow) = (self.args.engine.clone(), self.allow.allow.clone());
        Ok(Command::Build(BuildRequest { project, args, allow, engine, choices }))
    }
}

/// Reads what one `--secret` names.
fn secret(text: &str) -> Result<(String, Content), Failure> {
    let malformed = |what: String| {
        let hint = "write `--secret id=ID,src=FILE` or `--secret id=ID,env=VARIABLE`";
        Failure::new(Code::InvalidInput, what).hint(hint)
    };
    let (mut id, mut file, mut variable, mut kind) = (None, None, None, None);
    for part in text.split(',') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let place = match name {
            "id" => &mut id,
            "src" | "source" => &mut file,
            "env" => &mut variable,
            "type" if matches!(value, "file" | "env") => &mut kind,
            _ => return Err(malformed(format!("`{part}` of `--secret` is not understood"))),
        };
        *place = Some(value.to_owned());
    }
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return Err(malformed("a secret has no id".to_owned()));
    };
    // Without a source it is the variable or the file of that name, as with other builders.
    if file.is_none() && variable.is_none() {
        match (kind.as_deref(), std::env::var_os(&id)) {
            (Some("file"), _) | (_, None) => file = Some(id.clone()),
            _ => variable = Some(id.clone()),
        }
    }
    let bytes = match (file, variable) {
        (Some(file), None) => fs::read(&file).map_err(|error| {
            let what = format!("could not read `{file}` for the secret `{id}`");
            Failure::new(Code::of_io(&error), what).because(error)
        })?,
        (None, Some(name)) => match std::env::var_os(&name) {
            Some(value) => value.into_encoded_bytes(),
            None => {
                let what = format!("the variable `{name}` for the secret `{id}` is not set");
                return Err(malformed(what));
            }
        },
        _ => return Err(malformed(format!("the secret `{id}` has two sources"))),
    };
    if bytes.len() > MAX_SECRET {
        return Err(malformed(format!("the secret `{id}` is larger than {MAX_SECRET} bytes")));
    }
    Ok((id, Content(bytes)))
}
