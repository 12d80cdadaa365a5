use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use edk_model::Finding;
use include_dir::{Dir, include_dir};

use crate::{Error, Template, manifest::FILE, nearest::nearest, template::Content};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../templates");

/// Templates to choose from, sorted by name.
#[derive(Debug, Clone)]
pub struct Catalog {
    templates: Vec<Template>,
}

impl Catalog {
    /// Returns the templates that are part of the program.
    ///
    /// # Errors
    /// [`Error::Broken`] if one of them is, which a test rules out.
    pub fn shipped() -> Result<Self, Error> {
        let folders =
            SHIPPED.dirs().filter(|folder| folder.get_file(folder.path().join(FILE)).is_some());
        let templates = folders.map(|folder| {
            let manifest = folder.get_file(folder.path().join(FILE));
            let manifest = manifest.and_then(|file| file.contents_utf8()).unwrap_or_default();
            let root = folder.path().join("content");
            let mut content = Vec::new();
            if let Some(folder) = folder.get_dir(&root) {
                collect(folder, &root, &mut content);
            }
            Template::new(&folder.path().to_string_lossy(), manifest, content)
        });
        Ok(Self::sorted(templates.collect::<Result<_, _>>()?))
    }

    /// Returns the templates in the folder `dir`: each folder in it with a `template.toml`, or
    /// `dir` itself if it has one.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder can't be read, [`Error::Broken`] if a template is broken.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        if dir.join(FILE).is_file() {
            return Ok(Self { templates: vec![open(dir)?] });
        }
        let mut templates = Vec::new();
        for path in entries(dir)? {
            if path.join(FILE).is_file() {
                templates.push(open(&path)?);
            }
        }
        Ok(Self::sorted(templates))
    }

    fn sorted(mut templates: Vec<Template>) -> Self {
        templates.sort_by(|a, b| a.name().cmp(b.name()));
        Self { templates }
    }

    /// Returns all templates.
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// Returns the template called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`], with the names there are and the one most like it.
    pub fn find(&self, name: &str) -> Result<&Template, Error> {
        let names = || self.templates.iter().map(Template::name);
        let found = self.templates.iter().find(|template| template.name() == name);
        found.ok_or_else(|| Error::UnknownTemplate {
            name: name.to_owned(),
            known: names().map(str::to_owned).collect(),
            nearest: nearest(name, names()).map(str::to_owned),
        })
    }
}

fn collect(folder: &Dir<'static>, root: &Path, content: &mut Vec<Content>) {
    for file in folder.files() {
        let path = file.path().strip_prefix(root).unwrap_or(file.path());
        content.push(Content { path: slashed(path), bytes: Cow::Borrowed(file.contents()) });
    }
    for folder in folder.dirs() {
        collect(folder, root, content);
    }
}

fn open(folder: &Path) -> Result<Template, Error> {
    let file = folder.join(FILE);
    let manifest = fs::read_to_string(&file).map_err(Error::io("read", &file))?;
    let (mut content, mut links) = (Vec::new(), Vec::new());
    let root = folder.join("content");
    if root.is_dir() {
        visit(&root, &root, &mut content, &mut links)?;
    }
    let template = folder.to_string_lossy();
    if links.is_empty() {
        return Template::new(&template, &manifest, content);
    }
    Err(Error::Broken { template: template.into_owned(), findings: links })
}

fn visit(
    root: &Path,
    folder: &Path,
    content: &mut Vec<Content>,
    links: &mut Vec<Finding>,
) -> Result<(), Error> {
    for path in entries(folder)? {
        let kind = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?.file_type();
        if kind.is_dir() {
            visit(root, &path, content, links)?;
        } else if kind.is_file() {
            let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            content.push(Content { path: slashed(name), bytes: Cow::Owned(bytes) });
        } else {
            let finding =
                Finding::error("template/link", "a template holds only files and folders");
            let finding = finding.in_file(path.to_string_lossy());
            links.push(finding.fix("Replace it by the file which it stands for."));
        }
    }
    Ok(())
}

/// Returns what lies in `folder`, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    let mut entries = entries.map_err(Error::io("read", folder))?;
    entries.sort();
    Ok(entries)
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "title='T'\ndescription='d'\nkind='application'\n";

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn names(catalog: &Catalog) -> Vec<&str> {
        catalog.templates().iter().map(Template::name).collect()
    }

    #[test]
    fn a_folder_of_templates_or_one_template_is_opened() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "b/template.toml", &format!("name='one'\n{MANIFEST}"));
        write(root.path(), "a/template.toml", &format!("name='two'\n{MANIFEST}"));
        write(root.path(), "c/readme", "");
        assert_eq!(names(&Catalog::open(root.path()).unwrap()), ["one", "two"]);
        assert_eq!(names(&Catalog::open(&root.path().join("b")).unwrap()), ["one"]);
        assert!(matches!(Catalog::open(&root.path().join("d")), Err(Error::Io { .. })));
    }

    #[test]
    fn a_name_that_nobody_has_is_answered_with_the_nearest() {
        let catalog = Catalog::shipped().unwrap();
        let Err(Error::UnknownTemplate { known, nearest, .. }) = catalog.find("radiomcs") else {
            panic!("found");
        };
        assert!(known.contains(&"radiomics".to_owned()));
        assert_eq!(nearest.as_deref(), Some("radiomics"));
    }

    #[test]
    fn a_link_in_a_template_is_a_finding() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "template.toml", &format!("name='t'\n{MANIFEST}"));
        write(root.path(), "content/a", "");
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("content/b")).unwrap();
        let Err(Error::Broken { findings, .. }) = Catalog::open(root.path()) else {
            panic!("opened");
        };
        assert_eq!(findings.len(), 1);
    }
}
