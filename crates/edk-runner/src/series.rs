//! The files of a folder -> the series of a batch.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use dicom_object::{OpenFileOptions, Tag};
use serde::Serialize;

use crate::RunnerError;

/// The image files of one batch element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Series {
    /// Name of its folder in the batch: the series instance UID of DICOM files, else a file's name.
    pub name: String,
    /// Its files.
    pub files: Vec<PathBuf>,
}

/// Elements of the DICOM data dictionary (PS3.6).
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);

/// Names of other image files: they have no series of their own, so each is one.
const IMAGE_ENDINGS: [&str; 5] = [".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha"];

/// Sorts the files below `folder` into series: DICOM files by their series instance UID; other
/// files by the sub-folder they lie in, or each on its own when they lie in `folder` itself.
pub(crate) fn find(folder: &Path) -> Result<Vec<Series>, RunnerError> {
    if !folder.is_dir() {
        return Err(RunnerError::NoInput { path: folder.to_owned() });
    }
    let mut series: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(current) = stack.pop() {
        for entry in fs::read_dir(&current).map_err(|e| RunnerError::io(&current, e))? {
            let path = entry.map_err(|e| RunnerError::io(&current, e))?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
                continue;
            }
            if path.is_dir() {
                stack.push(path);
            } else if let Some(name) = series_of(folder, &path) {
                series.entry(name).or_default().push(path);
            }
        }
    }
    let sorted = series.into_iter().map(|(name, mut files)| {
        files.sort();
        Series { name, files }
    });
    let sorted: Vec<Series> = sorted.collect();
    if sorted.is_empty() {
        return Err(RunnerError::EmptyInput { path: folder.to_owned() });
    }
    Ok(sorted)
}

fn series_of(folder: &Path, path: &Path) -> Option<String> {
    if let Some(uid) = dicom_text(path, SERIES_INSTANCE_UID) {
        return Some(safe_name(&uid));
    }
    let parent = path.parent().and_then(|parent| parent.strip_prefix(folder).ok())?;
    if parent != Path::new("") {
        return Some(safe_name(&parent.to_string_lossy()));
    }
    let name = path.file_name()?.to_string_lossy().into_owned();
    let ending = IMAGE_ENDINGS.iter().find(|ending| name.ends_with(*ending));
    ending.map(|ending| safe_name(name.trim_end_matches(ending)))
}

/// A text of a DICOM file, `None` for another file or without the element.
fn dicom_text(path: &Path, tag: Tag) -> Option<String> {
    let object = OpenFileOptions::new().read_until(PIXEL_DATA).open_file(path).ok()?;
    let text = object.element(tag).ok()?.to_str().ok()?;
    let text = text.trim_matches(['\0', ' ']).to_owned();
    (!text.is_empty()).then_some(text)
}

/// One folder name, whatever the text.
fn safe_name(text: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = text.chars().map(safe).take(128).collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_series_are_sorted_by_name_and_folder() {
        let folder = tempfile::tempdir().unwrap();
        for path in
            ["a.nii.gz", "b.nrrd", "notes.txt", "case/image.nrrd", "case/seg.nrrd", ".hidden"]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let found = find(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|s| (s.name.as_str(), s.files.len())).collect();
        assert_eq!(names, [("a", 1), ("b", 1), ("case", 2)]);
    }

    #[test]
    fn an_empty_and_a_missing_input_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(find(folder.path()), Err(RunnerError::EmptyInput { .. })));
        assert!(matches!(find(&folder.path().join("x")), Err(RunnerError::NoInput { .. })));
    }

    #[test]
    fn a_name_can_not_leave_the_batch() {
        for text in ["..", "../x", "a/b", "1.2.3"] {
            let name = safe_name(text);
            assert!(!name.contains('/') && !name.starts_with('.'), "{name}");
        }
    }
}
