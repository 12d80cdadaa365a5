//! `COPY` and `ADD` -> what is copied where.

use std::{path::PathBuf, sync::Arc};

use edk_model::{Digest, Finding};

use super::{Action, Destination, Fault, Origin, Planner, Rules, Sources, State, needed::names};
use crate::{
    ImageError,
    context::{Content, Entry, Problem, Source},
    dockerfile::{Copy, Inline, Instruction, Located, expand_document},
    mode::Mode,
    unpacking,
    value::Owner,
};

impl Planner<'_> {
    /// Finds the images that an instruction takes files from, unless they are stages.
    pub(super) fn find_origins(
        &mut self,
        number: usize,
        located: &Located<Instruction>,
        sources: &mut dyn Sources,
    ) -> Result<(), ImageError> {
        for from in names(&located.value) {
            if self.planned_stage(number, from, true).is_some() || self.images.contains_key(from) {
                continue;
            }
            // What is no reference is told as a finding by `origin`.
            if let Ok(reference) = from.parse() {
                let place = format!("{}:{}", self.request.file, located.span.line);
                let image = sources.image(&reference, &place)?;
                self.images.insert(from.to_owned(), image);
            }
        }
        Ok(())
    }

    pub(super) fn copy(
        &self,
        number: usize,
        state: &State,
        copy: &Copy,
    ) -> Result<Action, Finding> {
        let patterns = expanded(state, &copy.sources)?;
        let mut count = patterns.len() + copy.inline.len();
        let from = match &copy.from {
            Some(from) => self.origin(number, from, patterns)?,
            None => {
                let mut sources = self.found(copy, &patterns)?;
                for inline in &copy.inline {
                    sources.push(document(state, inline)?);
                }
                count = sources.len();
                Origin::Context(sources)
            }
        };
        let to = self.destination(state, copy, count)?;
        Ok(Action::Copy { from, to })
    }

    /// `ADD`: local archives are unpacked, addresses fetched.
    pub(super) fn add(
        &self,
        state: &State,
        copy: &Copy,
        place: &str,
        sources: &mut dyn Sources,
    ) -> Result<Action, Fault> {
        let checksum = copy.checksum.as_deref().map(|text| checksum(state, text)).transpose()?;
        let mut all = Vec::new();
        for pattern in expanded(state, &copy.sources)? {
            refuse_git(&pattern)?;
            if is_address(&pattern) {
                let blob = sources
                    .fetch(&pattern, checksum.as_ref(), place)
                    .map_err(|error| Fault::Error(Box::new(error)))?;
                all.push(remote(&pattern, &blob, copy.unpack.unwrap_or(false))?);
                continue;
            }
            if checksum.is_some() {
                let message = format!("`{pattern}` is no address, and --checksum is for these");
                return Err(Finding::error("dockerfile/malformed", message)
                    .fix("leave --checksum away")
                    .into());
            }
            let mut found = self.found(copy, &[pattern])?;
            for source in &mut found {
                source.unpack = copy.unpack.unwrap_or(true) && self.is_archive(source);
            }
            all.extend(found);
        }
        for inline in &copy.inline {
            all.push(document(state, inline)?);
        }
        let mut to = self.destination(state, copy, all.len())?;
        let remote = all
            .iter()
            .any(|it| matches!(it.entries[..], [Entry { content: Content::Blob { .. }, .. }]));
        if remote && !to.into_folder && all.len() == 1 && all[0].unpack {
            to.into_folder = true;
        }
        Ok(Action::Copy { from: Origin::Context(all), to })
    }

    fn found(&self, copy: &Copy, patterns: &[String]) -> Result<Vec<Source>, Finding> {
        let exclude = Rules::of(&copy.exclude).map_err(|(pattern, reason)| {
            Finding::error("dockerfile/malformed", format!("`--exclude={pattern}`: {reason}"))
                .fix("correct the pattern")
        })?;
        let mut sources = Vec::new();
        for pattern in patterns {
            let found = match copy.parents {
                true => self.context.sources_with_parents(pattern, &exclude),
                false => self.context.sources(pattern, &exclude),
            };
            sources.extend(found.map_err(|problem| self.source_finding(pattern, problem))?);
        }
        Ok(sources)
    }

    fn destination(
        &self,
        state: &State,
        copy: &Copy,
        count: usize,
    ) -> Result<Destination, Finding> {
        let path = state.expand(&copy.destination)?;
        let into_folder = path.ends_with('/') || path == ".";
        if count > 1 && !into_folder && !copy.parents {
            let message = format!("several sources need a folder, and `{path}` does not end in /");
            let finding = Finding::error("dockerfile/copy-destination", message);
            return Err(finding.fix(format!("write `{path}/`")));
        }
        let owner = copy.chown.as_deref().map(|text| Owner::parse(&state.expand(text)?));
        let mode = copy.chmod.as_deref().map(|text| Mode::parse(&state.expand(text)?));
        Ok(Destination {
            path: state.absolute(&path),
            into_folder: into_folder || copy.parents,
            owner: owner.transpose()?,
            mode: mode.transpose()?,
            link: copy.link,
            parents: copy.parents,
            exclude: if copy.from.is_some() { copy.exclude.clone() } else { Vec::new() },
        })
    }

    fn origin(&self, number: usize, from: &str, patterns: Vec<String>) -> Result<Origin, Finding> {
        let name = from.to_owned();
        if let Some(at) = self.planned_stage(number, from, true) {
            return Ok(Origin::Stage { at, name, patterns });
        }
        match self.images.get(from) {
            Some(image) => Ok(Origin::Image { image: Box::new(image.clone()), name, patterns }),
            None => Err(unknown_origin(from)),
        }
    }

    fn is_archive(&self, source: &Source) -> bool {
        match source.entries.as_slice() {
            [Entry { content: Content::File { .. }, path, .. }] if !source.is_dir => {
                self.context.root().file(path).is_ok_and(unpacking::is_archive)
            }
            _ => false,
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
            Problem::Special(path) => (
                "dockerfile/special-file",
                format!("`{}` is a device, pipe or socket, which no image takes", path.display()),
                "remove it, or hide it in the .dockerignore".to_owned(),
            ),
            Problem::Pattern(reason) | Problem::Rule(_, _, reason) => (
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

pub(super) fn unknown_origin(from: &str) -> Finding {
    let message = format!("`--from={from}` names neither a stage above nor an image");
    let fix = "name a stage with FROM … AS name, or an image";
    Finding::error("dockerfile/unknown-stage", message).fix(fix)
}

fn expanded(state: &State, words: &[String]) -> Result<Vec<String>, Finding> {
    words.iter().map(|text| state.expand(text)).collect()
}

fn checksum(state: &State, text: &str) -> Result<Digest, Finding> {
    let text = state.expand(text)?;
    text.parse().map_err(|_| {
        Finding::error("dockerfile/malformed", format!("--checksum={text} is no digest"))
            .fix("write --checksum=sha256: and 64 hexadecimal digits")
    })
}

fn is_address(source: &str) -> bool {
    ["http://", "https://"].iter().any(|start| source.starts_with(start))
}

/// Git repositories are known by these marks (Dockerfile reference, "Adding files from a Git
/// repository").
fn refuse_git(source: &str) -> Result<(), Finding> {
    let path = source.split(['#', '?']).next().unwrap_or_default();
    let other =
        ["git@", "git://", "ssh://", "ftp://"].iter().any(|start| source.starts_with(start));
    let git = other || (is_address(source) && path.ends_with(".git"));
    if !git {
        return Ok(());
    }
    let message = format!("ADD of `{source}` is not supported by the embedded builder");
    let fix = "clone the repository in a RUN step, or take an archive of it by https://";
    Err(Finding::error("dockerfile/unsupported", message).fix(fix))
}

/// What lies at an address, as a file: "the destination will have permissions of 600" (Dockerfile
/// reference, ADD).
fn remote(address: &str, blob: &edk_model::Descriptor, unpack: bool) -> Result<Source, Finding> {
    let path = address.split(['#', '?']).next().unwrap_or_default();
    let name = path.split("://").nth(1).and_then(|rest| rest.split_once('/'));
    let name = name.and_then(|(_, path)| path.rsplit('/').next()).unwrap_or_default().to_owned();
    if name.is_empty() && !unpack {
        let message = format!("`{address}` does not end in the name of a file");
        return Err(Finding::error("dockerfile/malformed", message)
            .fix("take an address that names a file"));
    }
    let content = Content::Blob { size: blob.size, digest: blob.digest };
    let (relative, path) = (PathBuf::new(), PathBuf::from(address));
    let entry = Entry { relative, path, mode: 0o600, xattrs: Vec::new(), content };
    Ok(Source { name, entries: vec![entry], is_dir: false, mode: 0o600, unpack })
}

/// A here-document as a source.
fn document(state: &State, inline: &Inline) -> Result<Source, Finding> {
    let content = match inline.expand {
        true => expand_document(&inline.content, state.escape, &|name| state.look_up(name))
            .map_err(|reason| Finding::error("dockerfile/variable", reason))?,
        false => inline.content.clone(),
    };
    let bytes: Arc<[u8]> = content.into_bytes().into();
    let digest = Digest::of(&bytes);
    let content = Content::Memory { bytes, digest };
    let (relative, path) = (PathBuf::new(), PathBuf::from(&inline.name));
    let entry = Entry { relative, path, mode: 0o644, xattrs: Vec::new(), content };
    let (name, entries) = (inline.name.clone(), vec![entry]);
    Ok(Source { name, entries, is_dir: false, mode: 0o644, unpack: false })
}
