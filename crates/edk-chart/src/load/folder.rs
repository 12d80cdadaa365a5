//! The files of a chart in a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Budget, MAX_DEPTH, MAX_FILE, at, ignore::Ignore, without_bom};
use crate::{Error, File, Result};

/// Returns the files of the chart in `dir` in the order of Helm's walk.
pub(super) fn files(dir: &Path, origin: &str, budget: &mut Budget) -> Result<Vec<File>> {
    let ignore_file = dir.join(".helmignore");
    let text = match fs::read(&ignore_file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(at("read", &ignore_file)(error)),
    };
    let ignore = Ignore::parse(&text, &ignore_file.display().to_string())
        .map_err(|findings| Error::Broken { origin: origin.to_owned(), findings })?;
    let mut walk = Walk { ignore, budget, above: Vec::new(), files: Vec::new() };
    walk.enter(dir, "")?;
    Ok(walk.files)
}

struct Walk<'a> {
    ignore: Ignore,
    budget: &'a mut Budget,
    /// Where the folders that are being walked really lie, outermost first.
    above: Vec<PathBuf>,
    files: Vec<File>,
}

impl Walk<'_> {
    fn enter(&mut self, dir: &Path, prefix: &str) -> Result<()> {
        let place = dir.canonicalize().map_err(at("read", dir))?;
        if self.above.contains(&place) {
            let reason = format!("it is a link to {}, which it lies in", place.display());
            return Err(unusable(dir, reason));
        }
        if self.above.len() > MAX_DEPTH {
            return Err(unusable(dir, format!("it lies more than {MAX_DEPTH} folders deep")));
        }
        self.above.push(place);
        for name in names(dir)? {
            let (path, relative) = (dir.join(&name), format!("{prefix}{name}"));
            let found = fs::metadata(&path).map_err(at("read", &path))?;
            if self.ignore.ignores(&relative, found.is_dir()) {
                continue;
            }
            if found.is_dir() {
                self.enter(&path, &format!("{relative}/"))?;
            } else {
                let data = self.content(&path, &found)?;
                self.files.push(File { name: relative, data });
            }
        }
        self.above.pop();
        Ok(())
    }

    fn content(&mut self, path: &Path, found: &fs::Metadata) -> Result<Vec<u8>> {
        if !found.is_file() {
            return Err(unusable(path, "it is neither a file nor a folder".to_owned()));
        }
        if found.len() > MAX_FILE {
            let size = found.len();
            return Err(unusable(path, format!("it has {size} bytes, and {MAX_FILE} is the most")));
        }
        let data = fs::read(path).map_err(at("read", path))?;
        if !self.budget.take(data.len() as u64) {
            let reason = "with it the chart is larger than 100 MiB or has more than 20000 files";
            return Err(unusable(path, reason.to_owned()));
        }
        Ok(without_bom(data))
    }
}

fn unusable(path: &Path, reason: String) -> Error {
    Error::Unusable { path: path.to_owned(), reason }
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(at("read", dir))? {
        let entry = entry.map_err(at("read", dir))?;
        let name = entry.file_name().into_string();
        names.push(name.map_err(|_| unusable(&entry.path(), "its name is not UTF-8".into()))?);
    }
    names.sort();
    Ok(names)
}
