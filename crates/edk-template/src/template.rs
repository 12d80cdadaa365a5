use std::{borrow::Cow, collections::BTreeMap};

use edk_model::Finding;

use crate::{
    Answer, Answers, Error, Hardware, Kind, Parameter, Plan, PlannedFile, answer,
    manifest::{FILE, Manifest},
    plan,
    render::Renderer,
};

/// A template: what it asks for, and the files it makes.
#[derive(Debug, Clone)]
pub struct Template {
    manifest: Manifest,
    content: Vec<Content>,
}

/// A file of a template's `content/`.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Its path below `content/`, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) bytes: Cow<'static, [u8]>,
}

/// Ending of the files that are rendered.
const RENDERED: &str = ".jinja";

impl Template {
    /// Returns the template with the text of its manifest and its `content`; findings are placed
    /// in `folder`.
    ///
    /// # Errors
    /// [`Error::Broken`] if the manifest is.
    pub(crate) fn new(folder: &str, manifest: &str, content: Vec<Content>) -> Result<Self, Error> {
        let broken = |findings| Error::Broken { template: folder.to_owned(), findings };
        let file = format!("{folder}/{FILE}");
        let manifest = Manifest::read(&file, manifest).map_err(broken)?;
        let there = |path: &String| content.iter().any(|content| content.path == *path);
        let missing = manifest.executable.iter().filter(|path| !there(path));
        let missing = missing.map(|path| {
            let message = format!("`{path}` is listed as executable but is not in content/");
            Finding::error("template/executable", message).in_file(&file)
        });
        let missing: Vec<Finding> = missing.collect();
        if missing.is_empty() { Ok(Self { manifest, content }) } else { Err(broken(missing)) }
    }

    /// Returns the name by which the template is found.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Returns the name that is shown.
    pub fn title(&self) -> &str {
        &self.manifest.title
    }

    /// Returns what it is for, one or two sentences.
    pub fn description(&self) -> &str {
        &self.manifest.description
    }

    /// Returns what it makes.
    pub fn kind(&self) -> Kind {
        self.manifest.kind
    }

    /// Returns what its containers run on.
    pub fn hardware(&self) -> Hardware {
        self.manifest.hardware
    }

    /// Returns what comes of it, each a phrase.
    pub fn makes(&self) -> &[String] {
        &self.manifest.makes
    }

    /// Returns its questions, in the order to ask them.
    pub fn parameters(&self) -> &[Parameter] {
        &self.manifest.parameters
    }

    /// Returns checked answers: those `given` as texts by parameter id, and defaults for the
    /// others.
    ///
    /// # Errors
    /// [`Error::Answers`] with every refusal at once.
    pub fn answer(&self, given: &BTreeMap<String, String>) -> Result<Answers, Error> {
        answer::answer(&self.manifest.parameters, given)
    }

    /// Returns the files that the template makes of `answers`, sorted by path. Nothing is written.
    ///
    /// # Errors
    /// [`Error::Render`] if a file of the template is broken; [`Error::Path`] if a name becomes
    /// one that can't be written or that another file has.
    pub fn plan(&self, answers: &Answers) -> Result<Plan, Error> {
        let renderer = Renderer::new(&self.values(answers)?);
        let files = self.content.iter().map(|content| self.file(content, &renderer));
        plan::assemble(files)
    }

    /// Returns the answers and the names derived from them.
    fn values(&self, answers: &Answers) -> Result<BTreeMap<String, Answer>, Error> {
        let renderer = Renderer::new(&answers.0);
        let mut values = answers.0.clone();
        for (name, source) in &self.manifest.derived {
            let value = renderer.text(FILE, source).map_err(|error| unrendered(FILE, error))?;
            values.insert(name.clone(), Answer::Text(value));
        }
        Ok(values)
    }

    fn file(&self, content: &Content, renderer: &Renderer) -> Result<(String, PlannedFile), Error> {
        let shown = format!("content/{}", content.path);
        let (path, rendered) = match content.path.strip_suffix(RENDERED) {
            Some(path) => (path, true),
            None => (content.path.as_str(), false),
        };
        let path = plan::path(&shown, path, renderer)?;
        let bytes = if rendered {
            let source = String::from_utf8_lossy(&content.bytes);
            let text = renderer.text(&shown, &source);
            text.map_err(|error| unrendered(&shown, error))?.into_bytes()
        } else {
            content.bytes.to_vec()
        };
        let executable = self.manifest.executable.contains(&content.path);
        Ok((shown, PlannedFile { path, bytes, executable }))
    }
}

/// Tells that the file `file` of a template could not be rendered.
pub(crate) fn unrendered(file: &str, error: minijinja::Error) -> Error {
    Error::Render { file: file.to_owned(), line: error.line(), source: Box::new(error) }
}
