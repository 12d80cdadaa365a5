//! `edk new`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use edk_api::{Command, Engine, Failure, NewRequest};

use crate::{
    args::{map, pair},
    ask,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct NewArgs {
    /// Name of the template.
    #[arg(required_unless_present = "list")]
    template: Option<String>,
    /// Folder of the new extension [default: the answer to `name`].
    folder: Option<PathBuf>,
    /// An answer; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Show the files and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Replace files that are in the way without asking.
    #[arg(long)]
    overwrite: bool,
    /// Take the defaults for everything that is not set; ask nothing.
    #[arg(long, short)]
    yes: bool,
    /// List the templates and what they ask.
    #[arg(long)]
    list: bool,
}

impl NewArgs {
    /// Returns the command, asking for the answers that were not given where somebody can be asked.
    pub(crate) fn command(&self, engine: &Engine, interactive: bool) -> Result<Command, Failure> {
        if self.list {
            return Ok(Command::Templates);
        }
        let template = self.template.clone().unwrap_or_default();
        let mut answers = map(&self.set);
        if !self.yes && interactive {
            ask::answers(engine, &template, &mut answers)?;
        }
        let (folder, overwrite, dry_run) = (self.folder.clone(), self.overwrite, self.dry_run);
        Ok(Command::New(NewRequest { template, folder, answers, overwrite, dry_run }))
    }
}
