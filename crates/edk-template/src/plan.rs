use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Error, render::Renderer, template::unrendered};

/// The files to write, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The files; no path is there twice, and none is a folder of another.
    pub files: Vec<PlannedFile>,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedFile {
    /// Its path below the destination, with `/` between the parts; it never leaves the
    /// destination.
    pub path: String,
    /// What is in it.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// Whether it is to be executable.
    pub executable: bool,
}

/// Returns the plan of `files`, each with the template file it comes of.
///
/// # Errors
/// The first error among them; [`Error::Path`] if two files would lie in one place.
pub(crate) fn assemble(
    files: impl Iterator<Item = Result<(String, PlannedFile), Error>>,
) -> Result<Plan, Error> {
    let mut sorted = BTreeMap::new();
    for file in files {
        let (source, file) = file?;
        if sorted.contains_key(&file.path) {
            let reason = "another file of the template becomes too";
            return Err(Error::Path { file: source, path: file.path, reason });
        }
        sorted.insert(file.path.clone(), (source, file));
    }
    for (path, (source, _)) in &sorted {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        for folder in folders {
            if sorted.contains_key(folder) {
                let reason = "lies below a file of the template";
                return Err(Error::Path { file: source.clone(), path: path.clone(), reason });
            }
        }
    }
    Ok(Plan { files: sorted.into_values().map(|(_, file)| file).collect() })
}

/// Returns the path that `path`, with `/` between its parts, becomes with the answers.
///
/// # Errors
/// [`Error::Render`], or [`Error::Path`] if a part becomes something other than a plain name.
pub(crate) fn path(file: &str, path: &str, renderer: &Renderer) -> Result<String, Error> {
    let parts = path.split('/').map(|part| {
        let part = renderer.text(file, part).map_err(|error| unrendered(file, error))?;
        match check_part(&part) {
            Ok(()) => Ok(part),
            Err(reason) => Err(Error::Path { file: file.to_owned(), path: part, reason }),
        }
    });
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join("/"))
}

/// Checks that `part` is the plain name of a file or folder on every system we run on.
fn check_part(part: &str) -> Result<(), &'static str> {
    match part {
        "" => Err("is empty"),
        "." | ".." => Err("names another folder"),
        _ if part.contains(['/', '\\', ':']) => Err("holds a / a \\ or a :"),
        _ if part.chars().any(char::is_control) => Err("holds a control character"),
        _ if part.len() > 200 => Err("is too long"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;
    use crate::Answer;

    fn rendered(source: &str, answer: &str) -> Result<String, Error> {
        let answers = BTreeMap::from([("x".to_owned(), Answer::Text(answer.to_owned()))]);
        path("test", source, &Renderer::new(&answers))
    }

    #[test]
    fn answers_name_files_and_folders() {
        assert_eq!(rendered("{{ x }}-workflow/a{{ x }}.py", "b").unwrap(), "b-workflow/ab.py");
    }

    #[test]
    fn a_name_that_is_not_plain_is_refused() {
        for bad in ["", ".", "..", "a/b", "../x", "/etc", "a\\b", "C:", "a\nb", "\0"] {
            assert!(matches!(rendered("{{ x }}/y", bad), Err(Error::Path { .. })), "{bad}");
        }
    }

    #[test]
    fn two_files_in_one_place_are_refused() {
        let file = |path: &str| {
            let path = path.to_owned();
            Ok((path.clone(), PlannedFile { path, bytes: Vec::new(), executable: false }))
        };
        let plan = |paths: &[&str]| assemble(paths.iter().map(|path| file(path)));
        assert!(matches!(plan(&["a", "a"]), Err(Error::Path { .. })));
        assert!(matches!(plan(&["a/b/c", "a"]), Err(Error::Path { .. })));
        let sorted = plan(&["b", "a/c", "a-b"]).unwrap();
        assert_eq!(
            sorted.files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(),
            ["a-b", "a/c", "b"]
        );
    }

    proptest! {
        #[test]
        fn a_rendered_path_never_leaves_the_destination(
            before in "[a-z./\\\\]{0,3}",
            answer in r"(\PC|[./\\:]|\.\.){0,6}",
            after in "(/[a-z.]{0,3}){0,2}",
        ) {
            if let Ok(path) = rendered(&format!("{before}{{{{ x }}}}{after}"), &answer) {
                let parts: Vec<_> = Path::new(&path).components().collect();
                prop_assert!(!parts.is_empty());
                prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))), "{path}");
            }
        }
    }
}
