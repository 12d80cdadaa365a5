use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use edk_chart::Chart;
use edk_image::dockerfile::{Dockerfile, parse};
use edk_model::{Explain as _, Finding, Reference, Severity, names};
use walkdir::{DirEntry, WalkDir};

use crate::{ChartDir, ExtensionError, ImageDir, Project, Role};

/// Folders that never hold a part of an extension.
const SKIPPED: [&str; 6] = ["node_modules", "__pycache__", "dist", "target", "venv", "build"];

impl Project {
    /// Finds the charts and images below `root`.
    ///
    /// # Errors
    /// [`ExtensionError::NoFolder`], [`ExtensionError::Empty`] if there is nothing, and
    /// [`ExtensionError::Findings`] with all that is wrong in Dockerfiles and charts.
    pub fn discover(root: &Path) -> Result<Self, ExtensionError> {
        let (project, findings) = Self::survey(root)?;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(ExtensionError::Findings { path: project.root, findings });
        }
        Ok(project)
    }

    /// Finds the charts and images below `root` as far as they can be read, and what is wrong with
    /// them. Only what was discovered without errors can be built.
    ///
    /// # Errors
    /// [`ExtensionError::NoFolder`], and [`ExtensionError::Empty`] if there is nothing.
    pub fn survey(root: &Path) -> Result<(Self, Vec<Finding>), ExtensionError> {
        if !root.is_dir() {
            return Err(ExtensionError::NoFolder { path: root.to_owned() });
        }
        let root = root.canonicalize().map_err(|source| io(root, source))?;
        let mut project = Self { root: root.clone(), charts: Vec::new(), images: Vec::new() };
        let mut findings = Vec::new();
        let mut walk = WalkDir::new(&root).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|error| io(&root, error.into()))?;
            if is_skipped(&entry) {
                walk.skip_current_dir();
            } else if entry.file_type().is_dir() && entry.path().join("Chart.yaml").is_file() {
                // What lies in a chart, its subcharts included, belongs to the chart.
                walk.skip_current_dir();
                add_chart(&mut project, entry.path(), &mut findings)?;
            } else if entry.file_type().is_file() && entry.file_name() == "Dockerfile" {
                add_image(&mut project, entry.path(), &mut findings)?;
            }
        }
        findings.extend(twins(&project));
        if project.charts.is_empty() && project.images.is_empty() && findings.is_empty() {
            return Err(ExtensionError::Empty { path: root });
        }
        Ok((project, findings))
    }
}

fn io(path: &Path, source: std::io::Error) -> ExtensionError {
    ExtensionError::Io { path: path.to_owned(), source }
}

fn is_skipped(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() > 0
        && entry.file_type().is_dir()
        && (name.starts_with('.') || SKIPPED.contains(&name.as_ref()))
}

fn add_chart(
    project: &mut Project,
    folder: &Path,
    findings: &mut Vec<Finding>,
) -> Result<(), ExtensionError> {
    let chart = match Chart::load(folder) {
        Ok(chart) => chart,
        Err(error) if error.findings().is_empty() => {
            let file = relative(&project.root, &folder.join("Chart.yaml"));
            findings.push(Finding::error("chart/unreadable", error.to_string()).in_file(file));
            return Ok(());
        }
        Err(error) => {
            // The chart names its files by the folder it was given.
            findings.extend(error.findings().into_iter().map(|mut finding| {
                finding.file = finding.file.map(|file| relative(&project.root, Path::new(&file)));
                finding
            }));
            return Ok(());
        }
    };
    let file = relative(&project.root, &folder.join("Chart.yaml"));
    if let Err(reason) = names::dns_label(chart.name(), names::MAX_CHART_NAME) {
        let message = format!("chart name `{}` {reason}", chart.name());
        let fix = "the platform makes the release's name of it: choose a shorter or simpler one";
        findings.push(Finding::error("chart/name", message).in_file(&file).fix(fix));
    }
    let dag_image = chart.values["global"]["image"].as_str().map(str::to_owned);
    project.charts.push(ChartDir {
        name: chart.name().to_owned(),
        version: chart.version().to_owned(),
        keywords: chart.metadata.keywords.clone(),
        folder: folder.to_owned(),
        dag_image,
    });
    Ok(())
}

fn add_image(
    project: &mut Project,
    path: &Path,
    findings: &mut Vec<Finding>,
) -> Result<(), ExtensionError> {
    let text = fs::read_to_string(path).map_err(|source| io(path, source))?;
    let display = relative(&project.root, path);
    let (dockerfile, found) = parse(&text, &display);
    let broken = found.iter().any(|finding| finding.severity == Severity::Error);
    findings.extend(found);
    let Some(name) = dockerfile.label("IMAGE") else {
        if broken {
            return Ok(());
        }
        let finding = Finding::error("dockerfile/no-image-label", "there is no LABEL IMAGE");
        findings.push(finding.in_file(&display).fix("add a line such as LABEL IMAGE=\"my-image\""));
        return Ok(());
    };
    if let Err(reason) = names::image_name(&name) {
        let finding =
            Finding::error("dockerfile/image-name", format!("image name `{name}` {reason}"));
        findings.push(place_of_label(&text, finding.in_file(&display)));
    }
    let bases = local_bases(&dockerfile);
    let role = if dockerfile.label("REGISTRY").as_deref() == Some("local-only") {
        Role::Base
    } else if bases.iter().any(|base| base == "base-installer") {
        Role::Dag
    } else {
        Role::Container
    };
    if role == Role::Dag
        && let Err(reason) = names::dns_label(&name, names::MAX_DAG_IMAGE_NAME)
    {
        let message = format!("DAG image name `{name}` {reason}");
        let finding = Finding::error("dockerfile/dag-image-name", message)
            .in_file(&display)
            .fix("the platform names a Job after it; use lower-case letters, digits and -");
        findings.push(place_of_label(&text, finding));
    }
    let context = path.parent().unwrap_or(&project.root).to_owned();
    // The words which the platform's build script takes for a yes.
    let ignored = dockerfile.label("BUILD_IGNORE").unwrap_or_default().to_ascii_lowercase();
    let ignored = matches!(ignored.as_str(), "true" | "yes" | "1");
    let dockerfile = path.to_owned();
    project.images.push(ImageDir { name, role, dockerfile, display, context, bases, ignored });
    Ok(())
}

fn place_of_label(text: &str, finding: Finding) -> Finding {
    match text.lines().position(|line| line.contains("IMAGE=") || line.contains("IMAGE ")) {
        Some(at) => finding.at(at + 1, 1),
        None => finding,
    }
}

/// The bases `local-only/<name>` of all stages.
fn local_bases(dockerfile: &Dockerfile) -> Vec<String> {
    let references =
        dockerfile.stages.iter().filter_map(|stage| stage.base.parse::<Reference>().ok());
    references.filter_map(|reference| reference.local_only().map(str::to_owned)).collect()
}

/// Two images or charts of one name would overwrite each other.
fn twins(project: &Project) -> Vec<Finding> {
    let images = project.images.iter().map(|image| ("image", &image.name, image.display.clone()));
    let charts = project.charts.iter().map(|chart| {
        let file: PathBuf = chart.folder.join("Chart.yaml");
        ("chart", &chart.name, relative(&project.root, &file))
    });
    let mut first: HashMap<(&str, &String), String> = HashMap::new();
    let mut findings = Vec::new();
    for (what, name, file) in images.chain(charts) {
        if let Some(other) = first.get(&(what, name)) {
            let message = format!("{what} `{name}` is also made by {other}");
            let finding = Finding::error("project/twin", message).in_file(file);
            findings.push(finding.fix(format!("give the {what} another name")));
        } else {
            first.insert((what, name), file);
        }
    }
    findings
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
