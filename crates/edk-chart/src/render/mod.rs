//! From a chart and values to the objects that Kubernetes gets.

mod coalesce;
mod engine;
mod exec;
mod fault;
mod format;
mod functions;
mod manifest;
mod options;
mod scope;
mod template;
mod thing;
mod value;

use std::{collections::BTreeMap, rc::Rc, thread};

use engine::{Engine, Machine, Set};
pub use manifest::{Hook, Manifest};
pub use options::{Capabilities, Options, Release, Selection};
use serde_json::Value;
pub(crate) use value::floats;

use crate::{Chart, Error, Result, schema, version::satisfies};

/// What a chart renders to.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The objects without hooks in the order of installation, then the hooks.
    pub manifests: Vec<Manifest>,
    /// Documents that have nothing but comments: Helm prints them, and installs nothing for them.
    pub comments: Vec<Manifest>,
    /// What lies in `crds/` of the chart and the charts in it; installed before all else, and not
    /// rendered.
    pub crds: Vec<Manifest>,
    /// The text of `templates/NOTES.txt`, if there is one.
    pub notes: Option<String>,
    /// What is odd about the values, in Helm's words.
    pub warnings: Vec<String>,
}

/// Renders `chart` for `release` with the values of the user over its own; see [`render_with`].
///
/// Random functions give the same texts for the same release, and `now` is
/// [`edk_model::SOURCE_DATE_EPOCH`], so that rendering twice gives the same.
///
/// # Errors
/// As [`render_with`].
pub fn render(
    chart: &Chart,
    release: &Release,
    user_values: &Value,
    capabilities: &Capabilities,
) -> Result<Rendered> {
    let mut options = Options::new(release.clone());
    options.capabilities = capabilities.clone();
    render_with(chart, &options, user_values)
}

/// Renders `chart` with the values of the user over its own, as `helm template` does.
///
/// The chart must hold the charts it declares, those that are switched off included (see
/// [`crate::resolve`]); of charts in it Helm does not ask so much, and neither is it asked here. Whole numbers in
/// `user_values` are whole numbers to the templates, as after `--set`; what comes from files has
/// floating-point numbers only (see [`crate::user_values`]). `lookup` finds nothing.
///
/// # Errors
/// [`Error::Template`] with the place of what can't be parsed or executed, [`Error::Output`] for a
/// template that renders to something which is not YAML, [`Error::Values`] if a schema does not take
/// the values, [`Error::Unrenderable`] for a chart that
/// can't be installed at all.
pub fn render_with(chart: &Chart, options: &Options, user_values: &Value) -> Result<Rendered> {
    with_stack(chart, || on_this_thread(chart, options, user_values))
}

/// Runs `work` on a thread with the stack that deep templates need.
fn with_stack<T: Send>(chart: &Chart, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let started = thread::Builder::new().stack_size(engine::STACK).spawn_scoped(scope, work);
        let ended = started.map(thread::ScopedJoinHandle::join);
        ended.ok().and_then(std::result::Result::ok).unwrap_or_else(|| {
            Err(unrenderable(chart, "the thread that renders it could not be started or died"))
        })
    })
}

/// Returns the text of every template by name, where `fail` and `required` let it go on: Helm's
/// linter does the same.
///
/// # Errors
/// [`Error::Template`] with the place of what can't be parsed or executed.
pub(crate) fn forgiving(
    chart: &Chart,
    options: &Options,
    user_values: &Value,
) -> Result<BTreeMap<String, String>> {
    with_stack(chart, || {
        let (chart, values) = seen(chart, user_values)?;
        let mut engine = Engine::new(&options.seed, options.now);
        engine.goes_on = true;
        execute(&engine, &chart, options, &values)
    })
}

/// Returns what the schemas of `chart` and of the charts in it refuse in the values of the user over
/// its own. `texts` are the files of the user's values, the weakest first: name and text; findings
/// name the one in which the value stands.
///
/// # Errors
/// [`Error::Unrenderable`] if the values can't be put together.
pub fn check_values(
    chart: &Chart,
    user_values: &Value,
    texts: &[(String, String)],
) -> Result<Vec<edk_model::Finding>> {
    let texts: Vec<_> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let (chart, values) = seen(chart, user_values)?;
    Ok(schema::check(&chart, &values, &texts))
}

/// Returns `chart` with the subcharts that conditions and tags leave on, under their names, and the
/// values that its templates see, with a map for each of them.
pub(crate) fn seen(chart: &Chart, user_values: &Value) -> Result<(Chart, Value)> {
    let mut chart = chart.clone();
    with_floats(&mut chart);
    let mut warnings = Vec::new();
    let refused = |reason: String| unrenderable(&chart, reason);
    let enabled = coalesce::enabled(&chart, user_values, &mut warnings).map_err(refused)?;
    let values = coalesce::coalesced(&enabled, user_values, &mut warnings).map_err(refused)?;
    Ok((enabled, values))
}

fn unrenderable(chart: &Chart, reason: impl Into<String>) -> Error {
    Error::Unrenderable { chart: chart.name().to_owned(), reason: reason.into() }
}

fn on_this_thread(chart: &Chart, options: &Options, user_values: &Value) -> Result<Rendered> {
    check(chart, options)?;
    let mut warnings = Vec::new();
    let mut chart = chart.clone();
    with_floats(&mut chart);
    let refused = |reason: String| unrenderable(&chart, reason);
    let chart = coalesce::enabled(&chart, user_values, &mut warnings).map_err(refused)?;
    warnings.clear();
    let refused = |reason: String| unrenderable(&chart, reason);
    let values = coalesce::coalesced(&chart, user_values, &mut warnings).map_err(refused)?;
    let misfits = schema::check(&chart, &values, &[]);
    if !misfits.is_empty() {
        return Err(Error::Values { chart: chart.name().to_owned(), findings: misfits });
    }
    let engine = Engine::new(&options.seed, options.now);
    let mut texts = execute(&engine, &chart, options, &values)?;
    let notes = texts.remove(&format!("{}/templates/NOTES.txt", chart.name()));
    texts.retain(|name, _| !name.ends_with("NOTES.txt"));
    let mut manifests = Vec::new();
    for (name, text) in &texts {
        manifests.extend(manifest::objects(name, text)?);
    }
    manifests.retain(|manifest| !manifest.is_unknown_hook());
    let (comments, mut manifests): (Vec<_>, Vec<_>) =
        manifests.into_iter().partition(|manifest| manifest.object.is_null());
    manifest::sort(&mut manifests);
    manifests.sort_by_key(|manifest| manifest.hook.is_some());
    let mut crds = Vec::new();
    collect_crds(&chart, chart.name(), &mut crds)?;
    Ok(Rendered { manifests, comments, crds, notes, warnings })
}

/// Says whether the chart can be installed there at all.
fn check(chart: &Chart, options: &Options) -> Result<()> {
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        let kind = &chart.metadata.kind;
        return Err(unrenderable(chart, format!("{kind} charts are not installable")));
    }
    let missing = chart.missing();
    if !missing.is_empty() {
        // Helm's words, which people look for.
        let reason = "found in Chart.yaml, but missing in charts/ directory";
        return Err(unrenderable(chart, format!("{reason}: {}", missing.join(", "))));
    }
    let (wanted, given) = (&chart.metadata.kube_version, &options.capabilities.kube_version);
    if !wanted.is_empty() && satisfies(wanted, given) != Some(true) {
        let message = format!("chart requires kubeVersion: {wanted} which is incompatible with");
        return Err(unrenderable(chart, format!("{message} Kubernetes {given}")));
    }
    Ok(())
}

fn with_floats(chart: &mut Chart) {
    floats(&mut chart.values);
    chart.subcharts.iter_mut().for_each(with_floats);
}

fn collect_crds(chart: &Chart, path: &str, crds: &mut Vec<Manifest>) -> Result<()> {
    for file in &chart.files {
        let extension = file.name.rsplit('.').next().unwrap_or_default();
        if file.name.starts_with("crds/") && matches!(extension, "yaml" | "yml" | "json") {
            let text = String::from_utf8_lossy(&file.data);
            crds.extend(manifest::whole(&format!("{path}/{}", file.name), &text)?);
        }
    }
    for subchart in &chart.subcharts {
        collect_crds(subchart, &format!("{path}/charts/{}", subchart.name()), crds)?;
    }
    Ok(())
}

/// Returns the text of every template that is executed, by name.
fn execute(
    engine: &Engine,
    chart: &Chart,
    options: &Options,
    values: &Value,
) -> Result<BTreeMap<String, String>> {
    let templates = scope::templates(chart, &options.release, values, &options.capabilities);
    let mut set = Set::new();
    for template in &templates {
        engine::parse(&mut set, &template.name, &template.text).map_err(fault::of_parser)?;
        engine.tie(template.root());
    }
    let machine = Machine { engine, set: Rc::new(set) };
    let mut texts = BTreeMap::new();
    for template in templates.iter().filter(|template| !template.is_partial()) {
        let text = machine.execute(&template.name, &template.dot());
        let text = text.map_err(|fault| fault.into_error(&template.name))?;
        let text = functions::without_no_value(&text);
        texts.insert(template.name.clone(), String::from_utf8_lossy(&text).into_owned());
    }
    Ok(texts)
}

impl Rendered {
    /// Returns what `helm template` prints: the chosen documents, each under the name of its
    /// template.
    ///
    /// # Errors
    /// As [`Rendered::selected`].
    pub fn text(&self, selection: &Selection) -> Result<String> {
        let mut out = String::new();
        self.selected(selection)?.iter().for_each(|manifest| manifest.write(&mut out));
        Ok(out)
    }

    /// Returns the chosen objects in the order in which they are printed.
    ///
    /// # Errors
    /// [`Error::Unrenderable`] if a name in `show_only` fits no template that gave something.
    pub fn selected(&self, selection: &Selection) -> Result<Vec<&Manifest>> {
        let shown = |manifest: &&Manifest| {
            manifest.hook.is_none() || (selection.hooks && (selection.tests || !manifest.is_test()))
        };
        let mut all: Vec<&Manifest> =
            self.comments.iter().chain(&self.manifests).filter(shown).collect();
        manifest::sort(&mut all);
        all.sort_by_key(|manifest| manifest.hook.is_some());
        let crds = self.crds.iter().filter(|_| selection.crds);
        let all: Vec<&Manifest> = crds.chain(all).collect();
        if selection.show_only.is_empty() {
            return Ok(all);
        }
        let mut chosen = Vec::new();
        for pattern in &selection.show_only {
            let before = chosen.len();
            chosen.extend(all.iter().filter(|manifest| manifest.is_from(pattern)).copied());
            if chosen.len() == before {
                let chart = all.first().and_then(|it| it.source.split('/').next());
                return Err(Error::Unrenderable {
                    chart: chart.unwrap_or_default().to_owned(),
                    reason: format!("could not find template {pattern} in chart"),
                });
            }
        }
        Ok(chosen)
    }
}
