//! Images from uploaded archives: what a platform's container runtime takes them for.

use std::{path::Path, sync::Arc};

use edk_image::ImageArchive;
use edk_model::{Descriptor, Failure, Monitor, Reference, Silent};
use edk_store::StoreError;

use crate::{Sandbox, disk};

/// What became of an import.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Import {
    /// Charts can use its images.
    Done,
    /// There is no such file.
    Missing,
    /// The reason.
    Failed(String),
}

impl Sandbox {
    /// Imports the uploaded archive `file_name`: afterwards charts find its images by their names.
    /// The file goes, unless it stays as on a platform.
    pub(crate) fn import(&self, file_name: &str) -> Import {
        let bare = !file_name.contains(['/', '\\', '\0']);
        let path = self.disk.extensions().join(file_name);
        if !bare || !path.is_file() {
            return Import::Missing;
        }
        let monitor = Monitor::new(Arc::new(Silent), self.closing.child_token(), "import");
        let taken = self.take(&path, &monitor).map_err(|failure| {
            std::iter::once(failure.what).chain(failure.why).collect::<Vec<_>>().join(": ")
        });
        if !self.settings.faults.keep_archives {
            // One that can't be removed takes up space, no more.
            let _ = disk::remove(&path);
        }
        taken.map_or_else(Import::Failed, |()| Import::Done)
    }

    fn take(&self, path: &Path, monitor: &Monitor) -> Result<(), Failure> {
        let kept = |error: StoreError| Failure::explain(&error);
        // Until the images are tagged, only the lease keeps their blobs.
        let _lease = self.store.lease().map_err(kept)?;
        let images = ImageArchive::open(path).and_then(|it| it.import(&self.store, monitor));
        for image in images.map_err(|error| Failure::explain(&error))? {
            for name in &image.names {
                self.tag(name, &image.image.descriptor).map_err(kept)?;
            }
        }
        Ok(())
    }

    fn tag(&self, name: &Reference, manifest: &Descriptor) -> Result<(), StoreError> {
        let repository = repository(name, &self.settings.registry_url);
        match name.tag_or_latest() {
            Some(tag) => self.store.tag(&repository, tag, manifest),
            None => self.store.add_manifest(&repository, manifest),
        }
    }
}

/// The repository of the store in which the image `name` is: that of the sandbox's own registry, or
/// one for images which came in archives under the names of other registries.
pub(crate) fn repository(name: &Reference, registry_url: &str) -> String {
    if is_own(name, registry_url) {
        return name.repository.clone();
    }
    let registry = name.registry.as_deref().unwrap_or("docker.io").replace(':', "_");
    match (registry.as_str(), name.repository.contains('/')) {
        ("docker.io", false) => format!("imported/docker.io/library/{}", name.repository),
        _ => format!("imported/{registry}/{}", name.repository),
    }
}

/// Says whether an image belongs to the sandbox's own registry (with its path, if it has one).
pub(crate) fn is_own(name: &Reference, registry_url: &str) -> bool {
    let name = name.to_string();
    name.strip_prefix(registry_url).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_kept_under_the_name_by_which_charts_ask_for_it() {
        let check = |name: &str, expected: &str| {
            let name: Reference = name.parse().unwrap();
            assert_eq!(repository(&name, "127.0.0.1:5000/k"), expected, "{name}");
        };
        check("127.0.0.1:5000/k/dag-x:0.1.0", "k/dag-x");
        check("127.0.0.1:5000/kaapana/x:1", "imported/127.0.0.1_5000/kaapana/x");
        check("example.org/a/b:1", "imported/example.org/a/b");
        check("x:1", "imported/docker.io/library/x");
        check("docker.io/library/x:1", "imported/docker.io/library/x");
        check("a/b", "imported/docker.io/a/b");
    }
}
