//! Uploads in the FilePond protocol: an id, bytes under it, a check at the end.

use std::{fs, path::PathBuf};

use serde_json::json;
use uuid::Uuid;

use crate::{Sandbox, disk};

/// What the bytes of an upload came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// More bytes are to come.
    Partly,
    /// The file is in its place; the platform's words.
    Whole(String),
}

impl Sandbox {
    /// Begins an upload and returns its id. Only bare file names are taken.
    pub(crate) fn upload_start(&self, file_name: &str) -> Option<String> {
        if !disk::is_bare(file_name) {
            return None;
        }
        let id = Uuid::new_v4().to_string();
        let about = json!({ "filepath": file_name });
        disk::write_json(&self.disk.upload_name(&id), &about).ok()?;
        Some(id)
    }

    /// Returns the file into which the bytes of an upload go, or `None` for an unknown id.
    pub(crate) fn upload_file(&self, id: &str) -> Option<PathBuf> {
        self.file_name(id).map(|_| self.disk.upload_bytes(id))
    }

    /// Returns how many bytes of an upload are there.
    pub(crate) fn upload_size(&self, id: &str) -> u64 {
        let path = self.upload_file(id);
        path.and_then(|path| fs::metadata(path).ok()).map_or(0, |about| about.len())
    }

    /// Ends an upload when all bytes are there.
    ///
    /// # Errors
    /// The reason in the platform's words.
    pub(crate) fn upload_end(&self, id: &str, length: &str) -> Result<Uploaded, String> {
        let size = self.upload_size(id);
        let file_name = self.file_name(id).ok_or_else(|| format!("'{id}'"))?;
        if size.to_string() != length {
            let too_long = length.parse().is_ok_and(|length: u64| size > length);
            if too_long && !self.settings.faults.append_blindly {
                return Err(format!("'{id}' has {size} bytes, {length} were announced"));
            }
            return Ok(Uploaded::Partly);
        }
        let (from, to) = (self.disk.upload_bytes(id), self.disk.extensions().join(&file_name));
        let place = || {
            let file = fs::OpenOptions::new().append(true).create(true).open(&from)?;
            file.sync_data()?;
            fs::rename(&from, &to)
        };
        let whole = Uploaded::Whole(format!("{file_name} uploaded succesfully"));
        let io = |error: std::io::Error| error.to_string();
        if !file_name.ends_with("tgz") {
            return place().map(|()| whole).map_err(io);
        }
        if self.settings.faults.keep_rejected_charts {
            place().map_err(io)?;
            return self.accept(&to, &file_name).map(|()| whole);
        }
        if let Err(reason) = self.accept(&from, &file_name) {
            disk::remove(&from).map_err(io)?;
            return Err(reason);
        }
        place().map_err(io)?;
        disk::remove(&self.disk.upload_name(id)).map_err(io)?;
        Ok(whole)
    }

    /// Gives an upload up; returns the platform's words.
    pub(crate) fn upload_abort(&self, id: &str) -> String {
        let file_name = self.file_name(id);
        let removed = file_name.is_some() && fs::remove_file(self.disk.upload_bytes(id)).is_ok();
        match file_name.filter(|_| removed) {
            Some(file_name) => format!("Deleted {file_name} succesfully."),
            None => "Only removing the file in frontend, the file in the target location was already successfully uploaded".to_owned(),
        }
    }

    /// Returns the name which the upload `id` will have. An id is part of a path, so only what we
    /// gave out is looked for.
    fn file_name(&self, id: &str) -> Option<String> {
        let id = Uuid::parse_str(id).ok()?.to_string();
        let about: serde_json::Value = disk::read_json(&self.disk.upload_name(&id))?;
        about["filepath"].as_str().map(str::to_owned)
    }
}
