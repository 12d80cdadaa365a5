use std::{
    fs::Permissions,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// How the names of files begin that are being written.
const UNFINISHED: &str = ".unfinished-";

/// Who may read a file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody: what is meant to be carried elsewhere.
    Everybody,
}

/// Writes `bytes` to `path`, making its folder: beside its place first, then by renaming, so that
/// under this name there is all of it or what was there before, whatever dies meanwhile.
///
/// # Errors
/// What the disk said.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Everybody => 0o644,
    };
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_data()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Removes what a killed process left of files it was writing into `folder`.
///
/// Only for who alone writes there: it can't tell a file that was left from one being written now.
///
/// # Errors
/// What the disk said.
pub fn sweep_unfinished(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/a.json");
        for (bytes, readers, mode) in
            [("first, longer", Readers::Owner, 0o600), ("second", Readers::Everybody, 0o644)]
        {
            write_whole(&path, bytes.as_bytes(), readers).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), bytes);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let taken = folder.path().join("made/a.json/below");
        assert!(write_whole(&taken, b"", Readers::Owner).is_err());
        // A folder in its place is an error that leaves nothing behind either.
        assert!(write_whole(&folder.path().join("made"), b"", Readers::Owner).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a.json", ".unfinished-ab", ".hidden"];
        for name in names {
            fs::write(folder.path().join(name), "{").unwrap();
        }
        sweep_unfinished(folder.path()).unwrap();
        let left = names.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [true, false, true]);
    }
}
