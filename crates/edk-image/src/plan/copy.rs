//! `COPY` and `ADD` -> what is copied where.

use std::{path::PathBuf, rc::Rc};

use edk_model::{Digest, Finding, Reference};

use super::{Action, Destination, Origin, Planner, State};
use crate::{
    Image, ImageError,
    context::{Content, Entry, Problem, Source},
    dockerfile::{Copy, Inline, Instruction, Located, expand_document},
    value::{Owner, parse_mode},
};

impl Planner<'_> {
    /// Finds the image that an instruction copies from, unless that is a stage.
    pub(super) fn find_origin(
        &mut self,
        number: usize,
        located: &Located<Instruction>,
        find_base: &mut dyn FnMut(&Reference, &str) -> Result<Image, ImageError>,
    ) -> Result<(), ImageError> {
        let Instruction::Copy(Copy { from: Some(from), .. }) = &located.value else {
            return Ok(());
        };
        if self.planned_stage(number, from, true).is_some() || self.images.contains_key(from) {
            return Ok(());
        }
        // What is no reference is told as a finding by `origin`.
        if let Ok(reference) = from.parse::<Reference>() {
            let place = format!("{}:{}", self.request.file, located.span.line);
            let image = find_base(&reference, &place)?;
            self.images.insert(from.clone(), image);
        }
        Ok(())
    }

    pub(super) fn copy(
        &self,
        number: usize,
        state: &State,
        copy: &Copy,
    ) -> Result<Action, Finding> {
        let word = |text: &str| state.expand(text);
        let patterns = copy.sources.iter().map(|text| word(text)).collect::<Result<Vec<_>, _>>()?;
        let mut count = patterns.len() + copy.inline.len();
        let from = match &copy.from {
            Some(from) => self.origin(number, from, patterns)?,
            None => {
                let mut sources = Vec::new();
                for pattern in &patterns {
                    let found = self.context.sources(pattern);
                    sources.extend(found.map_err(|problem| self.source_finding(pattern, problem))?);
                }
                for inline in &copy.inline {
                    sources.push(document(state, inline)?);
                }
                count = sources.len();
                Origin::Context(sources)
            }
        };
        let path = word(&copy.destination)?;
        let into_folder = path.ends_with('/') || path == ".";
        if count > 1 && !into_folder {
            let message = format!("several sources need a folder, and `{path}` does not end in /");
            let finding = Finding::error("dockerfile/copy-destination", message);
            return Err(finding.fix(format!("write `{path}/`")));
        }
        let owner = copy.chown.as_deref().map(|text| Owner::parse(&word(text)?)).transpose()?;
        let mode = copy.chmod.as_deref().map(|text| parse_mode(&word(text)?)).transpose()?;
        let to = Destination { path: state.absolute(&path), into_folder, owner, mode };
        Ok(Action::Copy { from, to })
    }

    fn origin(&self, number: usize, from: &str, patterns: Vec<String>) -> Result<Origin, Finding> {
        if let Some(at) = self.planned_stage(number, from, true) {
            return Ok(Origin::Stage { at, patterns });
        }
        match self.images.get(from) {
            Some(image) => Ok(Origin::Image { image: Box::new(image.clone()), patterns }),
            None => {
                let message = format!("`--from={from}` names neither a stage above nor an image");
                let fix = "name a stage with FROM … AS name, or an image";
                Err(Finding::error("dockerfile/unknown-stage", message).fix(fix))
            }
        }
    }

    pub(super) fn source_finding(&self, pattern: &str, problem: Problem) -> Finding {
        let context = self.request.context.display();
        let (rule, message, fix) = match problem {
            Problem::Missing => (
                "dockerfile/missing-source",
                format!("source `{pattern}` is not in the build context"),
                format!("sources are looked up below {context}"),
            ),
            Problem::Ignored => (
                "dockerfile/ignored-source",
                format!("source `{pattern}` is hidden by .dockerignore"),
                format!("add the line `!{pattern}` to the .dockerignore"),
            ),
            Problem::Outside => (
                "dockerfile/outside-context",
                format!("source `{pattern}` lies outside the build context"),
                format!("move it below {context}"),
            ),
            Problem::Pattern(reason) => (
                "dockerfile/malformed",
                format!("source `{pattern}` is a malformed pattern: {reason}"),
                "close every [ with a ]".to_owned(),
            ),
            Problem::Io(path, error) => (
                "dockerfile/unreadable-source",
                format!("`{}` can't be read: {error}", path.display()),
                "check the file's permissions".to_owned(),
            ),
        };
        Finding::error(rule, message).fix(fix)
    }
}

/// A here-document as a source.
fn document(state: &State, inline: &Inline) -> Result<Source, Finding> {
    let content = match inline.expand {
        true => expand_document(&inline.content, &|name| state.look_up(name))
            .map_err(|reason| Finding::error("dockerfile/variable", reason))?,
        false => inline.content.clone(),
    };
    let bytes: Rc<[u8]> = content.into_bytes().into();
    let digest = Digest::of(&bytes);
    let content = Content::Memory { bytes, digest };
    let (relative, path) = (PathBuf::new(), PathBuf::from(&inline.name));
    let entry = Entry { relative, path, mode: 0o644, content };
    Ok(Source { name: inline.name.clone(), entries: vec![entry], is_dir: false })
}

/// What `ADD` does beyond `COPY` is refused by name.
pub(super) fn refuse_remote(copy: &Copy) -> Result<(), Finding> {
    const ARCHIVES: [&str; 9] =
        [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".gz"];
    for source in &copy.sources {
        let remote =
            ["http://", "https://", "git@", "ftp://"].iter().any(|p| source.starts_with(p));
        let archive = ARCHIVES.iter().any(|ending| source.ends_with(ending));
        if remote || archive {
            let what = if remote { "ADD from a URL" } else { "ADD of an archive" };
            let message = format!("{what} is not supported by the embedded builder yet (issue #8)");
            return Err(Finding::error("dockerfile/unsupported", message)
                .fix("fetch or unpack it in a RUN step, or COPY its content"));
        }
    }
    Ok(())
}
