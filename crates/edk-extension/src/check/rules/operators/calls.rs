//! Looks at calls of operators.

use super::IGNORED;

use super::super::dags::change;
use crate::check::{
    facts::{
        expr::{Call, Expr, Kind},
        python::{Class, Python},
    },
    model::{ImageUse, Model, image_name},
    profile::Profile,
    rule::{Finds, remove_line},
};

/// The label that lets a pod out of the platform.
const OUTSIDE: &str = "network-access-external-ips";
/// Airflow's own operators that do their work where Airflow runs.
const AIRFLOW: [&str; 4] =
    ["PythonOperator", "BashOperator", "PythonVirtualenvOperator", "ExternalPythonOperator"];

pub(super) fn is_default(it: &ImageUse) -> bool {
    it.registry.starts_with('{') && !it.registry.contains('/')
}

pub(super) fn classes<'m>(m: &'m Model<'_>) -> impl Iterator<Item = (&'m Python, &'m Class)> {
    m.dag_code().into_iter().flat_map(|file| file.classes.iter().map(move |it| (&**file, it)))
}

/// Says whether an operator runs a container, through the classes of the project.
pub(super) fn is_container(m: &Model<'_>, class: &Class, depth: usize) -> bool {
    class.bases.iter().any(|base| {
        let base = base.rsplit('.').next().unwrap_or(base);
        base == "KaapanaBaseOperator"
            || (depth < 10
                && m.classes().get(base).is_some_and(|(_, it)| is_container(m, it, depth + 1)))
    })
}

/// Calls of `super().__init__` of container operators, and calls of such operators in DAGs.
pub(super) fn container_calls<'m>(m: &'m Model<'_>) -> Vec<(&'m Python, &'m Call)> {
    let own: Vec<(&Python, &Class)> = classes(m).filter(|(_, it)| is_container(m, it, 0)).collect();
    let names: Vec<&str> = own.iter().map(|(_, it)| it.name.as_str()).collect();
    let supers = own.iter().filter_map(|(file, it)| Some((*file, it.super_call.as_ref()?)));
    let made = m
        .dag_code()
        .into_iter()
        .flat_map(|file| file.calls.iter().map(move |it| (&**file, &it.call)));
    let made =
        made.filter(|(_, it)| it.name() == "KaapanaBaseOperator" || names.contains(&it.name()));
    supers.chain(made).collect()
}

/// Calls of all operators, and of `super().__init__` in their classes.
pub(super) fn all_calls<'m>(m: &'m Model<'_>) -> Vec<(&'m Python, &'m Call)> {
    let supers = classes(m).filter_map(|(file, it)| Some((file, it.super_call.as_ref()?)));
    let made = m
        .dag_code()
        .into_iter()
        .flat_map(|file| file.calls.iter().map(move |it| (&**file, &it.call)));
    supers.chain(made.filter(|(_, it)| it.name().ends_with("Operator"))).collect()
}

/// Says whether an argument is None, or the name of a parameter that is passed on.
pub(super) fn is_nothing(call: &Call, name: &str) -> bool {
    call.arg(name)
        .is_some_and(|it| it.is_none() || matches!(&it.kind, Kind::Name(it) if it == name))
}

pub(super) fn seen(m: &Model<'_>, f: &mut Finds) {
    for it in m.operator_images() {
        let Some(name) = it.name.as_ref().filter(|name| is_default(&it) && m.image(name).is_some())
        else {
            continue;
        };
        let line =
            m.text(&it.file).lines().nth(it.place.start.0.saturating_sub(1)).unwrap_or_default();
        let file = it.file.rsplit('/').next().unwrap_or(&it.file).to_lowercase();
        let found = line.trim_start().starts_with("image=")
            && line.contains("{DEFAULT_REGISTRY}")
            && line.contains("{KAAPANA_BUILD_VERSION}")
            && file.contains("operator");
        if !found {
            let message = format!("the platform's build script does not see the image `{name}`");
            f.at(&it.file, it.place, message);
        }
    }
}

pub(super) fn heeded(m: &Model<'_>, f: &mut Finds) {
    let version = m.platform_version();
    for (file, call) in container_calls(m) {
        let more = (version == (0, 6, 0)).then_some("image_pull_policy");
        for name in IGNORED.into_iter().chain(more) {
            let Some(place) = call.place_of(name).filter(|_| !is_nothing(call, name)) else {
                continue;
            };
            let line = m.text(&file.path).lines().nth(place.start.0 - 1).unwrap_or_default();
            let found = f.at(&file.path, place, format!("`{name}` is ignored by the platform"));
            let alone = line.trim_start().starts_with(name)
                && place.start.0 == place.end.0
                && line.chars().skip(place.end.1 - 1).collect::<String>().trim() == ",";
            if alone {
                found.edits.push(remove_line(&file.path, place.start.0));
            }
        }
    }
}

pub(super) fn texts(m: &Model<'_>, f: &mut Finds) {
    for (file, call) in all_calls(m) {
        let Some(vars) = call.arg("env_vars").map(|it| file.followed(it)) else { continue };
        for (key, value) in vars.entries() {
            let name = key.text().unwrap_or_default();
            let written = match &value.kind {
                Kind::Number(it) => Some(it.clone()),
                Kind::Bool(it) => Some(if *it { "True" } else { "False" }.to_owned()),
                Kind::None | Kind::List(_) | Kind::Dict(_) => None,
                _ => continue,
            };
            let found = f.at(
                &file.path,
                value.place,
                format!("the value of `{name}` in env_vars is no text"),
            );
            found.edits.extend(written.map(|it| change(&file.path, value, &format!("\"{it}\""))));
        }
    }
}

/// The image of an operator's class, by name.
pub(super) fn image_of(class: &Class) -> Option<String> {
    let pieces = class.passed("image")?.pieces()?;
    let text: String = pieces
        .into_iter()
        .map(|it| match it {
            crate::check::facts::expr::Piece::Text(text) => text,
            crate::check::facts::expr::Piece::Name(_) => String::new(),
        })
        .collect();
    image_name(&text).map(str::to_owned)
}

pub(super) fn wants_gpu(class: &Class) -> bool {
    let wanted = class.passed("gpu_mem_mb");
    wanted.is_some_and(|it| matches!(&it.kind, Kind::Number(it) if it != "0"))
}

pub(super) fn gpus(m: &Model<'_>, f: &mut Finds) {
    for (file, class) in classes(m).filter(|(_, it)| wants_gpu(it)) {
        let name = image_of(class).unwrap_or_default();
        let Some(docker) = m.image(&name) else { continue };
        let chain = m.chain(docker);
        let has = chain.iter().any(|base| {
            let name = image_name(base).unwrap_or_default();
            // A base that is not ours may bring CUDA of its own.
            Profile::has(&m.profile.gpu_bases, name) || !base.starts_with("local-only/")
        });
        if !has {
            let message =
                format!("`{}` asks for a GPU, but `{name}` stands on no base for one", class.name);
            f.at(&file.path, class.place, message);
        }
    }
    for (chart, docker) in m.workflows() {
        let prefix = format!("{}/", docker.context());
        let own = classes(m).filter(|(file, _)| file.path.starts_with(&prefix)).collect::<Vec<_>>();
        let wants = own.iter().any(|(_, it)| wants_gpu(it));
        let unknown = own.iter().any(|(_, it)| {
            it.passed("gpu_mem_mb")
                .is_some_and(|it| !matches!(it.kind, Kind::Number(_) | Kind::None))
        });
        let keywords = super::super::layout::key(m, chart, "keywords");
        let file = chart.path("Chart.yaml");
        if wants && !chart.has("gpurequired") {
            f.at(
                &file,
                keywords,
                "operators ask for a GPU, but the chart lacks the keyword gpurequired",
            );
        } else if !wants && !unknown && chart.has("gpurequired") && !own.is_empty() {
            f.at(
                &file,
                keywords,
                "the chart has the keyword gpurequired, but no operator asks for a GPU",
            );
        }
    }
}

/// Limits of memory: of operators that have none, and those below what is asked for.
pub(super) fn memory(m: &Model<'_>, f: &mut Finds) {
    let number = |call: &Call, name: &str| match &call.arg(name)?.kind {
        Kind::Number(it) => it.replace('_', "").parse::<f64>().ok(),
        _ => None,
    };
    let has = |call: &Call| call.arg("ram_mem_mb_lmt").or(call.arg("ram_mem_mb")).is_some();
    let lacks = |call: &Call| call.arg("image").is_some() && !has(call);
    for (file, class) in classes(m).filter(|(_, it)| is_container(m, it, 0)) {
        if class.super_call.as_ref().is_some_and(lacks) {
            let name = &class.name;
            let message = format!("`{name}` has no limit of memory of its own; it gets 600 MiB");
            f.at(&file.path, class.place, message);
        }
    }
    for (file, call) in container_calls(m) {
        if call.name() == "KaapanaBaseOperator" && lacks(call) {
            let message = "the operator has no limit of memory of its own; it gets 600 MiB";
            f.at(&file.path, call.place, message);
        }
        if let (Some(limit), Some(asked)) =
            (number(call, "ram_mem_mb_lmt"), number(call, "ram_mem_mb"))
            && limit < asked
        {
            let message = format!("the limit of {limit} MB is below the {asked} MB it asks for");
            f.at(&file.path, call.place_of("ram_mem_mb_lmt"), message);
        }
    }
}

/// Says whether an operator runs in Airflow itself, through the classes of the project.
fn is_python(m: &Model<'_>, class: &Class, depth: usize) -> bool {
    class.bases.iter().any(|base| {
        let base = base.rsplit('.').next().unwrap_or(base);
        base.ends_with("KaapanaPythonBaseOperator")
            || AIRFLOW.contains(&base)
            || (depth < 10
                && m.classes().get(base).is_some_and(|(_, it)| is_python(m, it, depth + 1)))
    })
}

pub(super) fn in_airflow(m: &Model<'_>, f: &mut Finds) {
    for (file, class) in classes(m).filter(|(_, it)| is_python(m, it, 0)) {
        f.at(&file.path, class.place, format!("`{}` runs inside Airflow", class.name));
    }
    for file in m.dag_code() {
        for it in file.calls.iter().filter(|it| AIRFLOW.contains(&it.call.name())) {
            let message = format!("`{}` runs inside Airflow", it.call.name());
            f.at(&file.path, it.call.place, message);
        }
    }
}

pub(super) fn network(m: &Model<'_>, f: &mut Finds) {
    let clients = ["requests", "urllib.request", "httpx", "aiohttp", "huggingface_hub"];
    for (file, class) in classes(m).filter(|(_, it)| is_container(m, it, 0)) {
        let Some(docker) = image_of(class).and_then(|it| m.image(&it)) else { continue };
        // Labels that are made elsewhere may be the right ones.
        let right = |it: &Expr| match file.followed(it).kind {
            Kind::Dict(_) => {
                let labels = file.followed(it).entries();
                labels.iter().any(|(key, _)| key.text().is_none_or(|it| it == OUTSIDE))
            }
            _ => true,
        };
        let let_out = |call: &Call| {
            call.arg("enable_proxy").is_some() || call.arg("labels").is_some_and(right)
        };
        let made = m
            .dag_code()
            .into_iter()
            .flat_map(|it| &it.calls)
            .filter(|it| it.call.name() == class.name);
        if class.super_call.as_ref().is_some_and(let_out) || made.map(|it| &it.call).any(let_out) {
            continue;
        }
        let prefix = format!("{}/", docker.context());
        let code = m
            .python
            .iter()
            .filter(|it| it.path.starts_with(&prefix) && !it.path.contains("/tests/"));
        let asks =
            code.filter(|it| it.imports.iter().any(|it| clients.contains(&it.module.as_str())));
        let host = asks.filter_map(|it| host_in(m.text(&it.path))).next();
        if let Some(host) = host {
            let message =
                format!("`{}` runs code that asks {host}, but is not let out", class.name);
            f.at(&file.path, class.place, message);
        }
    }
}

/// The first host outside of a platform that a text names.
pub(super) fn host_in(text: &str) -> Option<&str> {
    let starts = text.match_indices("https://").map(|(at, it)| &text[at + it.len()..]);
    let hosts = starts.map(|it| {
        it.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-')
            .next()
            .unwrap_or_default()
    });
    hosts.into_iter().find(|it| it.contains('.') && !it.contains(".svc") && !it.starts_with("127."))
}

pub(super) fn servers(m: &Model<'_>, f: &mut Finds) {
    for (file, class) in classes(m) {
        let Some(call) = class
            .super_call
            .as_ref()
            .filter(|it| it.arg("dev_server").is_some_and(|it| it.text().is_some()))
        else {
            continue;
        };
        let name = image_of(class).unwrap_or_default();
        let Some(docker) = m.image(&name) else { continue };
        let chain = m.chain(docker);
        let has = chain
            .iter()
            .any(|it| Profile::has(&m.profile.python_bases, image_name(it).unwrap_or_default()));
        if let (false, Some(base)) = (has, chain.last()) {
            let message = format!("`{name}` stands on {base}, which has no code server");
            f.at(&file.path, call.place_of("dev_server"), message);
        }
    }
}

pub(super) fn launched(m: &Model<'_>, f: &mut Finds) {
    let version = m.options.target.as_ref().and_then(|it| it.build_version.as_deref());
    for (file, call) in all_calls(m) {
        let Some(name) = call.arg("launch_application_chart").and_then(|it| file.text(it)) else {
            continue;
        };
        let place = call.place_of("launch_application_chart");
        match m.chart(name) {
            None if !Profile::has(&m.profile.charts, name) => {
                f.at(&file.path, place, format!("nobody has the chart `{name}`"));
            }
            Some(chart) => {
                let own =
                    chart.chart.as_ref().map(|it| it.version().to_owned()).unwrap_or_default();
                if let Some(version) = version.filter(|it| *it != own) {
                    let message =
                        format!("chart `{name}` has version {own}, but is launched as {version}");
                    f.at(&file.path, place, message);
                }
            }
            None => {}
        }
    }
}
