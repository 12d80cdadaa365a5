use std::path::PathBuf;

use serde::Serialize;

use crate::ExtensionError;

/// An extension on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// Its charts, sorted by folder.
    pub charts: Vec<ChartDir>,
    /// Its images, sorted by folder.
    pub images: Vec<ImageDir>,
}

/// A chart of an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChartDir {
    /// Name in `Chart.yaml`.
    pub name: String,
    /// Version in `Chart.yaml`.
    pub version: String,
    /// Keywords in `Chart.yaml`, by which the platform tells workflows from applications.
    pub keywords: Vec<String>,
    /// Its folder.
    pub folder: PathBuf,
    /// `global.image` of `values.yaml`: the DAG image of a workflow.
    pub dag_image: Option<String>,
}

/// An image of an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageDir {
    /// `LABEL IMAGE`.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// The Dockerfile's name as the user would write it, relative to the extension.
    pub display: String,
    /// The folder of the Dockerfile, whose files it may copy.
    pub context: PathBuf,
    /// Names of the bases `local-only/<name>` it stands on.
    pub bases: Vec<String>,
    /// Whether `LABEL BUILD_IGNORE` keeps it from being built.
    pub ignored: bool,
}

/// What an image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Role {
    /// Carries DAG files to the platform: it stands on `local-only/base-installer`.
    Dag,
    /// A base for other images, never pushed: `LABEL REGISTRY="local-only"`.
    Base,
    /// Everything else: a processing container of a workflow, or an application.
    Container,
}

impl Project {
    /// Returns the chart called `name`, or the only one.
    ///
    /// # Errors
    /// [`ExtensionError::Unknown`], [`ExtensionError::Lacking`] and [`ExtensionError::Several`].
    pub fn chart(&self, name: Option<&str>) -> Result<&ChartDir, ExtensionError> {
        choose("chart", self.charts.iter().map(|chart| (chart.name.as_str(), chart)), name)
    }

    /// Returns the processing container called `name`, or the only one.
    ///
    /// # Errors
    /// As [`Project::chart`].
    pub fn container(&self, name: Option<&str>) -> Result<&ImageDir, ExtensionError> {
        let images = self.images.iter().filter(|image| image.role == Role::Container);
        choose("processing container", images.map(|image| (image.name.as_str(), image)), name)
    }

    /// Returns the images that are pushed: all but bases.
    pub fn pushed(&self) -> impl Iterator<Item = &ImageDir> {
        self.images.iter().filter(|image| image.role != Role::Base)
    }
}

fn choose<'a, T>(
    what: &'static str,
    all: impl Iterator<Item = (&'a str, &'a T)>,
    name: Option<&str>,
) -> Result<&'a T, ExtensionError> {
    let all: Vec<_> = all.collect();
    let known = || all.iter().map(|(name, _)| (*name).to_owned()).collect();
    match name {
        Some(wanted) => match all.iter().find(|(name, _)| *name == wanted) {
            Some((_, found)) => Ok(found),
            None => {
                let name = wanted.to_owned();
                Err(ExtensionError::Unknown { what, name, known: known() })
            }
        },
        None => match all.as_slice() {
            [(_, only)] => Ok(only),
            [] => Err(ExtensionError::Lacking { what }),
            _ => Err(ExtensionError::Several { what, known: known() }),
        },
    }
}
