use edk_model::{Finding, Monitor};
use edk_target::{Client, Extension, TargetError, read_list};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Engine, EngineError, ExtensionView, deploy::LastList, extensions::view};

/// List what is on a target, with the filters of the platform's own page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ExtListRequest {
    /// Name of the target.
    pub target: String,
    /// Only of this kind.
    pub kind: Option<ExtKind>,
    /// Only of this maturity. The platform's page hides what is experimental; we don't.
    pub maturity: Option<Maturity>,
    /// Only with this need of hardware.
    pub hardware: Option<Hardware>,
    /// Only what is installed, or only what is not.
    pub installed: Option<bool>,
    /// Only what has this text in its name, description, versions or keywords.
    pub text: Option<String>,
}

/// What an extension is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtKind {
    /// It brings DAGs.
    Workflow,
    /// It brings something with a page of its own.
    Application,
}

/// What an extension says of its maturity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maturity {
    /// For everybody.
    Stable,
    /// With the keyword `kaapanaexperimental`.
    Experimental,
}

/// What an extension says of its hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hardware {
    /// Any.
    Cpu,
    /// With the keyword `gpurequired`.
    Gpu,
}

/// What is on a target.
#[derive(Debug, Clone, Serialize)]
pub struct ExtList {
    /// Name of the target.
    pub target: String,
    /// Set when the target's list is broken: these rows are the last that were whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdated: Option<Outdated>,
    /// The rows that pass the filters, as the target orders them.
    pub extensions: Vec<ExtensionView>,
    /// How many rows there are without filters.
    pub total: usize,
}

/// Why rows are not those of now.
#[derive(Debug, Clone, Serialize)]
pub struct Outdated {
    /// When they were whole (RFC 3339).
    pub at: String,
    /// What the target answers now.
    pub reason: String,
}

impl ExtListRequest {
    fn takes(&self, row: &ExtensionView) -> bool {
        let kind = match self.kind {
            None => true,
            Some(ExtKind::Workflow) => row.kind == "dag",
            Some(ExtKind::Application) => row.kind == "application",
        };
        let maturity =
            self.maturity.is_none_or(|it| row.experimental == (it == Maturity::Experimental));
        let hardware = self.hardware.is_none_or(|it| row.gpu == (it == Hardware::Gpu));
        let installed = self.installed.is_none_or(|it| row.installed == it);
        let text = self.text.as_ref().is_none_or(|text| has(row, &text.to_lowercase()));
        kind && maturity && hardware && installed && text
    }
}

fn has(row: &ExtensionView, text: &str) -> bool {
    let fields = [&row.name, &row.display_name, &row.description].into_iter();
    let mut all = fields.chain(&row.release).chain(&row.versions).chain(&row.keywords);
    all.any(|field| field.to_lowercase().contains(text))
}

impl Engine {
    /// Lists what is on a target. When its list is broken, which one bad chart of anybody's does,
    /// the last whole one is shown and called so.
    ///
    /// # Errors
    /// [`EngineError::Target`] if the target can't be reached, or its list is broken and none was
    /// kept.
    pub fn ext_list(
        &self,
        request: &ExtListRequest,
        monitor: &Monitor,
    ) -> Result<ExtList, EngineError> {
        let monitor = monitor.stage("status");
        self.with_target(&request.target, &monitor, async |client: Client| {
            let (rows, outdated) = self.rows(&client, &monitor).await?;
            let total = rows.len();
            let rows = rows.iter().map(view).filter(|row| request.takes(row)).collect();
            Ok(ExtList { target: client.target().name.clone(), outdated, extensions: rows, total })
        })
    }

    /// Returns the rows of a target, or the last whole ones and why.
    pub(crate) async fn rows(
        &self,
        client: &Client,
        monitor: &Monitor,
    ) -> Result<(Vec<Extension>, Option<Outdated>), EngineError> {
        let memory = self.memory(&client.target().name);
        match client.extensions(monitor).await {
            Ok(rows) => {
                let kept = rows.iter().map(|row| Value::Object(row.raw.clone())).collect();
                let kept = memory.keep_list(&LastList { at: self.timestamp(), rows: kept });
                if let Err(error) = kept {
                    monitor.line(&format!("the list was not kept for later: {error}"));
                }
                Ok((rows, None))
            }
            Err(error @ TargetError::Refused { status: 500.., .. }) => {
                let Some(last) = memory.last_list()? else { return Err(error.into()) };
                let reason = error.to_string();
                let message = format!("{reason}; this is its list of {}", last.at);
                let fix = "a chart of somebody's breaks it: replace that chart by a good one of \
                           the same name and version";
                monitor.found(&Finding::warning("target/list-broken", message).fix(fix));
                let rows = read_list(&Value::Array(last.rows).to_string()).unwrap_or_default();
                Ok((rows, Some(Outdated { at: last.at, reason })))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_those_of_the_platforms_page() {
        let rows = read_list(
            r#"[{"name":"seg","kind":"dag","experimental":"yes","resourceRequirement":"gpu",
                "description":"Segments Lungs","versions":["0.1.0"]},
               {"name":"web","kind":"application","experimental":"no","versions":["0.2.0"],
                "available_versions":{"0.2.0":{"deployments":[{"deployment_id":"web"}]}}},
               {"name":"bare"}]"#,
        );
        let rows: Vec<ExtensionView> = rows.unwrap().iter().map(view).collect();
        let check = |request: ExtListRequest, expected: &[&str]| {
            let names = rows.iter().filter(|row| request.takes(row)).map(|row| &row.name);
            assert_eq!(names.collect::<Vec<_>>(), expected, "{request:?}");
        };
        let all = ExtListRequest::default;
        check(all(), &["seg", "web", "bare"]);
        check(ExtListRequest { kind: Some(ExtKind::Workflow), ..all() }, &["seg"]);
        check(ExtListRequest { maturity: Some(Maturity::Stable), ..all() }, &["web", "bare"]);
        check(ExtListRequest { hardware: Some(Hardware::Gpu), ..all() }, &["seg"]);
        check(ExtListRequest { installed: Some(true), ..all() }, &["web"]);
        check(ExtListRequest { text: Some("LUNGS".into()), ..all() }, &["seg"]);
        check(ExtListRequest { text: Some("0.2".into()), ..all() }, &["web"]);
    }
}
