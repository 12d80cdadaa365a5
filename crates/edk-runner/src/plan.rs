use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use edk_image::Image;

use crate::{RunnerError, Series, series};

/// Where the data shows in a container of the platform.
pub(crate) const DATA_FOLDER: &str = "/kaapana/mounted/data";
/// Name of the batch folder.
pub(crate) const BATCH_NAME: &str = "batch";
/// What the run's own variables are called: a form value of such a name is overwritten.
const RESERVED: [&str; 9] = [
    "RUN_ID",
    "DAG_ID",
    "TASK_ID",
    "WORKFLOW_DIR",
    "BATCH_NAME",
    "OPERATOR_IN_DIR",
    "OPERATOR_OUT_DIR",
    "BATCHES_INPUT_DIR",
    "PATH",
];

/// What is to be run on what.
#[derive(Debug, Clone)]
pub struct RunRequest<'a> {
    /// Name of the processing container's image; also the name of the task.
    pub name: &'a str,
    /// The image.
    pub image: &'a Image,
    /// Folder with the input.
    pub input: &'a Path,
    /// Folder in which the run's own folder is made.
    pub output: &'a Path,
    /// Id of the run; names its folder.
    pub run_id: &'a str,
    /// Values of the workflow's form.
    pub form: &'a BTreeMap<String, String>,
}

/// A run, ready to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) user: String,
    pub(crate) cwd: String,
    /// The series of the batch.
    pub series: Vec<Series>,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) run_id: String,
    /// Folder that shows as `/kaapana/mounted/data`.
    pub(crate) data: PathBuf,
    pub(crate) in_dir: String,
    pub(crate) out_dir: String,
}

/// Plans a run: finds the series and puts the environment of the v1 contract together.
///
/// The variables are those which a platform's operator sets: `RUN_ID`, `DAG_ID`, `TASK_ID`,
/// `WORKFLOW_DIR`, `BATCH_NAME`, `BATCHES_INPUT_DIR`, `OPERATOR_IN_DIR`, `OPERATOR_OUT_DIR`, and
/// every form value under its name in upper case.
///
/// # Errors
/// [`RunnerError::NoInput`], [`RunnerError::EmptyInput`], [`RunnerError::NoCommand`],
/// [`RunnerError::FormValue`], [`RunnerError::OutputExists`]; nothing was written.
pub fn plan(request: &RunRequest<'_>) -> Result<Plan, RunnerError> {
    let config = request.image.config();
    let argv = config.command();
    if argv.is_empty() {
        return Err(RunnerError::NoCommand { image: request.name.to_owned() });
    }
    let data = request.output.to_owned();
    let workflow = data.join(request.run_id);
    if workflow.exists() {
        return Err(RunnerError::OutputExists { path: workflow });
    }
    let form = form_variables(request.form)?;
    let (in_dir, out_dir) = ("get-input-data".to_owned(), request.name.to_owned());
    let workflow_dir = format!("{DATA_FOLDER}/{}", request.run_id);
    let own = [
        ("RUN_ID", request.run_id.to_owned()),
        ("DAG_ID", request.name.to_owned()),
        ("TASK_ID", request.name.to_owned()),
        ("WORKFLOW_DIR", workflow_dir.clone()),
        ("BATCH_NAME", BATCH_NAME.to_owned()),
        ("BATCHES_INPUT_DIR", format!("{workflow_dir}/{BATCH_NAME}")),
        ("OPERATOR_IN_DIR", in_dir.clone()),
        ("OPERATOR_OUT_DIR", out_dir.clone()),
    ];
    let mut env = config.env.clone();
    env.extend(form);
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let cwd = if config.working_dir.is_empty() { "/" } else { &config.working_dir };
    Ok(Plan {
        name: request.name.to_owned(),
        argv,
        env,
        user: config.user.clone(),
        cwd: cwd.to_owned(),
        series: series::find(request.input)?,
        form: request.form.clone(),
        run_id: request.run_id.to_owned(),
        data,
        in_dir,
        out_dir,
    })
}

fn form_variables(form: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, RunnerError> {
    let variable = |(name, value): (&String, &String)| {
        let refuse =
            |reason: &str| RunnerError::FormValue { name: name.clone(), reason: reason.to_owned() };
        let upper = name.to_uppercase();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if upper.is_empty()
            || !upper.chars().all(word)
            || upper.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(refuse(
                "its name must be letters, digits and _, for it becomes an environment variable",
            ));
        }
        if RESERVED.contains(&upper.as_str()) {
            return Err(refuse("the platform sets a variable of this name itself"));
        }
        if value.contains('\0') {
            return Err(refuse("its value holds a NUL character"));
        }
        Ok((upper, value.clone()))
    };
    form.iter().map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_values_become_variables_in_upper_case() {
        let form = |name: &str| BTreeMap::from([(name.to_owned(), "v".to_owned())]);
        assert_eq!(form_variables(&form("bin_width")).unwrap()[0].0, "BIN_WIDTH");
        for bad in ["run_id", "a b", "1a", "", "ä"] {
            assert!(form_variables(&form(bad)).is_err(), "{bad}");
        }
    }
}
