use std::{collections::BTreeMap, path::PathBuf};

use edk_template::{Catalog, Error, Obstacle, Refusal};
use serde::{Deserialize, Serialize};

use crate::{Engine, EngineError};

/// Larger files are not shown.
const TEXT_LIMIT: usize = 256 << 10;

/// Look at what a template makes, before anything is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PreviewRequest {
    /// Name of the template.
    pub template: String,
    /// Answers by parameter.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(as = "Option<_>", optional))]
    pub answers: BTreeMap<String, String>,
    /// Folder to compare with; without one every file counts as new.
    pub folder: Option<PathBuf>,
}

/// What a template makes of some answers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Preview {
    /// The files, sorted; empty while answers are refused.
    pub files: Vec<PreviewFile>,
    /// The answers that were not taken.
    pub refusals: Vec<PreviewRefusal>,
}

/// A file which a template makes.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PreviewFile {
    /// Path relative to the extension.
    pub path: String,
    /// What is in it, when it is text of at most 256 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its size in bytes.
    pub size: u64,
    /// How it stands to the folder.
    pub state: PreviewState,
    /// Whether it is executable.
    pub executable: bool,
}

/// How a file of a template stands to the folder it would be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum PreviewState {
    /// It is not there.
    New,
    /// It is there with the same bytes.
    Unchanged,
    /// Something else is in its place.
    InTheWay,
}

/// An answer that was not taken.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct PreviewRefusal {
    /// The parameter, by its id.
    pub parameter: String,
    /// The answer, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong: the end of a sentence that starts with parameter and answer.
    pub reason: String,
}

impl Engine {
    /// Tells what a template makes of some answers; nothing is written.
    ///
    /// # Errors
    /// [`EngineError::Template`] for an unknown or a broken template. Refused answers are part of
    /// the result.
    pub fn preview(&self, request: &PreviewRequest) -> Result<Preview, EngineError> {
        let catalog = Catalog::shipped()?;
        let template = catalog.find(&request.template)?;
        let answers = match template.answer(&request.answers) {
            Ok(answers) => answers,
            Err(Error::Answers(refusals)) => {
                let refusals = refusals.into_iter().map(PreviewRefusal::from).collect();
                return Ok(Preview { files: Vec::new(), refusals });
            }
            Err(error) => return Err(error.into()),
        };
        let plan = template.plan(&answers)?;
        let folder = request.folder.as_deref();
        let in_the_way = folder.map(|folder| plan.compare(folder)).unwrap_or_default();
        let files = plan.files.iter().map(|file| {
            let there = folder.is_some_and(|folder| folder.join(&file.path).is_file());
            let obstacle = in_the_way.iter().find(|it| it.path == file.path);
            let state = match (obstacle.map(|it| it.obstacle), there) {
                (Some(Obstacle::Differs | Obstacle::Link | Obstacle::NotAFile), _) => {
                    PreviewState::InTheWay
                }
                (None, true) => PreviewState::Unchanged,
                (None, false) => PreviewState::New,
            };
            PreviewFile {
                path: file.path.clone(),
                text: text_of(&file.bytes),
                size: file.bytes.len() as u64,
                state,
                executable: file.executable,
            }
        });
        Ok(Preview { files: files.collect(), refusals: Vec::new() })
    }
}

fn text_of(bytes: &[u8]) -> Option<String> {
    if bytes.len() > TEXT_LIMIT {
        return None;
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

impl From<Refusal> for PreviewRefusal {
    fn from(refusal: Refusal) -> Self {
        let Refusal { parameter, value, reason, .. } = refusal;
        Self { parameter, value, reason }
    }
}
