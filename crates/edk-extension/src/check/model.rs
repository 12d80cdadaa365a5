//! The whole project as rules see it: what its files say, and how they refer to each other.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Options,
    content::Secrets,
    facts::{
        chart::{ChartFacts, RenderedFacts, strings},
        docker::{Docker, Placed},
        expr::{Expr, Kind, Piece},
        python::{Class, Made, Python},
        text::Place,
    },
    ignore::{DockerIgnore, glob},
    profile::Profile,
    tree::{File, Tree, join},
};

/// A project to check.
pub struct Model<'a> {
    /// Its files.
    pub tree: &'a Tree,
    /// What a platform brings along.
    pub profile: &'static Profile,
    /// How to look.
    pub options: &'a Options,
    /// Its Dockerfiles.
    pub dockers: Vec<Arc<Docker>>,
    /// Its charts with what they render to.
    pub charts: Vec<(Arc<ChartFacts>, Arc<RenderedFacts>)>,
    /// Its Python files.
    pub python: Vec<Arc<Python>>,
    /// What gets into images and charts, when a rule asks for it.
    pub(super) given: Vec<Given>,
    ignores: HashMap<String, DockerIgnore>,
    /// Whether the project holds the platform itself, whose names are then its own.
    pub is_platform: bool,
}

/// A file that gets into an image or a chart.
pub(super) struct Given {
    /// Its path.
    pub(super) path: String,
    /// The first image or chart, in words.
    pub(super) into: String,
    /// What it holds.
    pub(super) secrets: Arc<Secrets>,
}

/// A copy into an image, expanded.
pub struct Copied<'a> {
    /// The file.
    pub file: &'a Arc<File>,
    /// Where it goes, absolute.
    pub to: String,
    /// Line of the copy.
    pub line: usize,
}

/// The image an operator names.
#[derive(Debug, Clone)]
pub struct ImageUse {
    /// The file that names it.
    pub file: String,
    /// Where.
    pub place: Place,
    /// The part before the name, names in braces.
    pub registry: String,
    /// The name, when it is written out.
    pub name: Option<String>,
    /// The part behind the colon, names in braces.
    pub tag: String,
}

/// A node of a DAG.
pub struct Node<'a> {
    /// Its call.
    pub made: &'a Made,
    /// Its class, when it is of the project.
    pub class: Option<(&'a Arc<Python>, &'a Class)>,
}

/// A DAG with its nodes.
pub struct DagRef<'a> {
    /// Its file.
    pub file: &'a Arc<Python>,
    /// The call that makes it.
    pub call: &'a super::facts::expr::Call,
    /// Its id, when it is written out.
    pub id: Option<&'a str>,
    /// Its nodes: the operators called in the file.
    pub nodes: Vec<Node<'a>>,
}

impl<'a> Model<'a> {
    /// Puts a project together.
    pub(super) fn new(
        tree: &'a Tree,
        options: &'a Options,
        dockers: Vec<Arc<Docker>>,
        charts: Vec<(Arc<ChartFacts>, Arc<RenderedFacts>)>,
        python: Vec<Arc<Python>>,
    ) -> Self {
        let ignore = |docker: &Arc<Docker>| {
            let text =
                ignore_file(tree, docker).and_then(|path| tree.text(&path)).unwrap_or_default();
            (docker.path.clone(), DockerIgnore::parse(text))
        };
        let ignores = dockers.iter().map(ignore).collect();
        let is_platform = charts.iter().any(|(chart, _)| {
            chart.metadata["kaapana_type"] == "platform" || chart.name() == "kaapana-admin-chart"
        });
        let profile = Profile::get();
        let given = Vec::new();
        Self { tree, profile, options, dockers, charts, python, given, ignores, is_platform }
    }

    /// Returns the text of a file.
    pub fn text(&self, path: &str) -> &'a str {
        self.tree.text(path).unwrap_or_default()
    }

    /// Returns the place of a whole line.
    pub fn line(&self, path: &str, line: usize) -> Place {
        Place::line(self.text(path), line)
    }

    /// Returns the image of a name.
    pub fn image(&self, name: &str) -> Option<&Arc<Docker>> {
        self.dockers.iter().find(|it| it.name.as_deref() == Some(name))
    }

    /// Says whether an image is one of the project or of every platform.
    pub fn knows_image(&self, name: &str) -> bool {
        self.image(name).is_some() || Profile::has(&self.profile.images, name)
    }

    /// Returns the images with DAGs.
    pub fn dag_images(&self) -> impl Iterator<Item = &Arc<Docker>> {
        self.dockers.iter().filter(|it| it.is_dag_image())
    }

    /// Says whether something of the context is hidden from an image.
    pub fn hides(&self, docker: &Docker, below: &str) -> bool {
        self.ignores.get(&docker.path).is_some_and(|it| it.hides(below))
    }

    /// Says whether the context has a `.dockerignore` with patterns.
    pub fn has_ignore(&self, docker: &Docker) -> bool {
        self.ignores.get(&docker.path).is_some_and(|it| !it.is_empty())
    }

    /// Returns the files which a copy takes, or `None` when there are none for one of its sources.
    pub fn sources(&self, docker: &Docker, source: &str) -> Vec<(&'a Arc<File>, String)> {
        let context = docker.context();
        let Some(source) = join("", source.trim_start_matches('/')) else { return Vec::new() };
        let prefix = if context.is_empty() { String::new() } else { format!("{context}/") };
        let shown = |file: &&Arc<File>| !self.hides(docker, &file.path[prefix.len()..]);
        if source.contains(['*', '?', '[']) {
            let Some(matcher) = glob(&source) else { return Vec::new() };
            let depth = source.split('/').count();
            let all = self.tree.below(context).filter(shown).filter_map(|file| {
                let below = &file.path[prefix.len()..];
                let end = below.match_indices('/').nth(depth - 1).map_or(below.len(), |(at, _)| at);
                let rest = below[end..].trim_start_matches('/');
                let name = below[..end].rsplit('/').next().unwrap_or_default();
                let to = if rest.is_empty() { format!("/{name}") } else { format!("/{rest}") };
                matcher.is_match(&below[..end]).then_some((file, to))
            });
            return all.collect();
        }
        let path = join(context, &source).unwrap_or_default();
        if let Some(file) = self.tree.get(&path) {
            let name = format!("/{}", file.name());
            return if shown(&file) { vec![(file, name)] } else { Vec::new() };
        }
        let all = self.tree.below(&path).filter(shown);
        let cut = if path.is_empty() { 0 } else { path.len() + 1 };
        all.map(|file| (file, format!("/{}", &file.path[cut..]))).collect()
    }

    /// Returns all files that get into an image from its context.
    pub fn copied(&self, docker: &Docker) -> Vec<Copied<'a>> {
        docker.placed().iter().flat_map(|placed| self.expanded(docker, placed)).collect()
    }

    fn expanded(&self, docker: &Docker, placed: &Placed<'_>) -> Vec<Copied<'a>> {
        let mut copied = Vec::new();
        for source in &placed.sources {
            let files = self.sources(docker, source);
            let context = docker.context();
            let path = join(context, source.trim_start_matches('/')).unwrap_or_default();
            let is_one = files.len() == 1 && self.tree.get(&path).is_some();
            for (file, name) in files {
                let alone = is_one && !placed.into && placed.sources.len() == 1;
                let to = if alone {
                    placed.to.clone()
                } else {
                    format!("{}{name}", placed.to.trim_end_matches('/'))
                };
                copied.push(Copied { file, to, line: placed.line });
            }
        }
        copied
    }

    /// Returns the Python files in the contexts of DAG images: what Airflow may load.
    pub fn dag_code(&self) -> Vec<&Arc<Python>> {
        let contexts: Vec<String> =
            self.dag_images().map(|it| format!("{}/", it.context())).collect();
        let below =
            |path: &str| contexts.iter().any(|it| it == "/" || path.starts_with(it.as_str()));
        self.python.iter().filter(|it| below(&it.path)).collect()
    }

    /// Returns the classes of operators of the project by name.
    pub fn classes(&self) -> HashMap<&str, (&Arc<Python>, &Class)> {
        let mut classes = HashMap::new();
        for file in self.dag_code() {
            for class in file.classes.iter().filter(|it| it.name.ends_with("Operator")) {
                classes.entry(class.name.as_str()).or_insert((file, class));
            }
        }
        classes
    }

    /// Returns the DAGs of the project.
    pub fn dags(&self) -> Vec<DagRef<'_>> {
        let classes = self.classes();
        let mut dags = Vec::new();
        for file in self.dag_code() {
            for made in file.calls.iter().filter(|it| matches!(it.call.name(), "DAG" | "dag")) {
                let call = &made.call;
                let id = call.arg("dag_id").or(call.plain.first());
                let id = id.and_then(|id| file.text(id));
                let nodes = file.calls.iter().filter(|it| it.call.name().ends_with("Operator"));
                let nodes =
                    nodes.map(|made| Node { made, class: classes.get(made.call.name()).copied() });
                dags.push(DagRef { file, call, id, nodes: nodes.collect() });
            }
        }
        dags
    }

    /// Returns every image that an operator of the project names.
    pub fn operator_images(&self) -> Vec<ImageUse> {
        let mut uses = Vec::new();
        for file in self.dag_code() {
            for class in &file.classes {
                let image = class.super_call.as_ref().and_then(|it| Some((it.arg("image")?, it)));
                if let Some((given, call)) = image {
                    let place = call.place_of("image").unwrap_or(given.place);
                    uses.extend(image_use(file, class.passed("image").unwrap_or(given), place));
                }
            }
            for made in file.calls.iter().filter(|it| it.call.name().ends_with("Operator")) {
                if let Some(image) = made.call.arg("image") {
                    let place = made.call.place_of("image").unwrap_or(image.place);
                    uses.extend(image_use(file, file.followed(image), place));
                }
            }
        }
        uses
    }

    /// Returns the names of images that something needs: operators, charts, Task API workflows, or
    /// another Dockerfile.
    pub fn needed_images(&self) -> HashSet<String> {
        let mut needed: HashSet<String> =
            self.operator_images().into_iter().filter_map(|it| it.name).collect();
        for docker in &self.dockers {
            needed.extend(docker.bases.iter().cloned());
        }
        let own: HashSet<&str> = self.dockers.iter().filter_map(|it| it.name.as_deref()).collect();
        for (chart, rendered) in &self.charts {
            needed
                .extend(chart.global().and_then(|it| it.get("image")?.as_str()).map(str::to_owned));
            needed.extend(
                strings(&chart.values()["processingContainers"]).into_iter().map(str::to_owned),
            );
            for (_, image) in
                rendered.first.iter().flat_map(|it| super::rules::render::images(&it.object))
            {
                needed.extend(image_name(image).map(str::to_owned));
            }
            let values = chart.chart.as_ref().and_then(|it| it.values_file.as_ref());
            let values = values.map(|it| String::from_utf8_lossy(&it.data).into_owned());
            let texts = chart.template_files().map(|(_, text)| text.to_owned()).chain(values);
            for text in texts {
                needed.extend(images_in(&text, &own));
            }
        }
        needed
    }

    /// Says whether an image is one of the Task API: it has a `processing-container.json` in its
    /// context, or a chart lists it.
    pub fn is_task_image(&self, docker: &Docker) -> bool {
        let json = join(docker.context(), "processing-container.json").unwrap_or_default();
        let listed = self
            .charts
            .iter()
            .flat_map(|(chart, _)| strings(&chart.values()["processingContainers"]));
        self.tree.get(&json).is_some()
            || self
                .tree
                .get(&join(docker.context(), "files/processing-container.json").unwrap_or_default())
                .is_some()
            || listed.into_iter().any(|it| docker.name.as_deref() == Some(it))
    }

    /// Returns the bases an image stands on, down to the last known one, through the project.
    pub fn chain(&self, docker: &Docker) -> Vec<String> {
        let mut chain = Vec::new();
        let mut next = docker.last_base().map(str::to_owned);
        while let Some(base) = next.take().filter(|it| chain.len() < 20 && !chain.contains(it)) {
            let local = base.strip_prefix("local-only/");
            let name = local.map(|it| it.split([':', '@']).next().unwrap_or(it));
            next = name
                .and_then(|name| self.image(name))
                .and_then(|it| it.last_base())
                .map(str::to_owned);
            chain.push(base);
        }
        chain
    }

    /// Returns charts by name, for looking up dependencies.
    pub fn chart(&self, name: &str) -> Option<&Arc<ChartFacts>> {
        self.charts.iter().map(|(chart, _)| chart).find(|it| it.name() == name)
    }

    /// Returns the charts that install a DAG image of the project, each with it.
    pub fn workflows(&self) -> Vec<(&Arc<ChartFacts>, &Arc<Docker>)> {
        let found = self.charts.iter().filter_map(|(chart, _)| {
            let image = chart.global()?.get("image")?.as_str()?;
            Some((chart, self.image(image)?))
        });
        found.collect()
    }

    /// Returns the platform's version the rules are for, as numbers.
    pub fn platform_version(&self) -> (u64, u64, u64) {
        let version = self.options.target.as_ref().and_then(|it| it.platform_version.as_deref());
        let mut parts =
            version.unwrap_or("0.6.0").split(['.', '-']).map(|it| it.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

/// Returns the `.dockerignore` of a Dockerfile: its own wins.
fn ignore_file(tree: &Tree, docker: &Docker) -> Option<String> {
    let own = format!("{}.dockerignore", docker.path);
    let shared = join(docker.context(), ".dockerignore")?;
    [own, shared].into_iter().find(|path| tree.get(path).is_some())
}

/// Reads a reference to an image with names in braces; `None` for what is no text.
fn image_use(file: &Python, image: &Expr, place: Place) -> Option<ImageUse> {
    if let Kind::Name(_) | Kind::Other | Kind::None = image.kind {
        return None;
    }
    let words: String = image
        .pieces()?
        .into_iter()
        .map(|it| match it {
            Piece::Text(text) => text,
            Piece::Name(name) => format!("{{{name}}}"),
        })
        .collect();
    let (registry, rest) = words.rsplit_once('/').unwrap_or(("", &words));
    let (name, tag) = rest.split_once(':').unwrap_or((rest, ""));
    let name = (!name.is_empty() && !name.contains('{')).then(|| name.to_owned());
    let (registry, tag, file) = (registry.to_owned(), tag.to_owned(), file.path.clone());
    Some(ImageUse { file, place, registry, name, tag })
}

/// Returns the last component of an image reference, without tag and digest.
pub(crate) fn image_name(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    let last = image.rsplit('/').next()?;
    last.split(':').next().filter(|it| !it.is_empty())
}

/// The images of the project that a template or values file names: behind a `/`, in quotes, or
/// behind `image:`.
fn images_in(text: &str, own: &HashSet<&str>) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let mut found = Vec::new();
    for line in text.lines() {
        let is_image = line.contains("image:");
        for word in line.split(|c: char| !is_word(c)).filter(|it| own.contains(it)) {
            let at = word.as_ptr() as usize - line.as_ptr() as usize;
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            let tagged = before == Some('/') && matches!(after, Some(':' | '@' | '"' | '\''));
            let quoted =
                matches!((before, after), (Some('"'), Some('"')) | (Some('\''), Some('\'')));
            if tagged || quoted || is_image {
                found.push(word.to_owned());
            }
        }
    }
    found
}

/// Charts by name, those that could be loaded.
pub(super) fn loaded(charts: &[Arc<ChartFacts>]) -> BTreeMap<&str, &edk_chart::Chart> {
    charts.iter().filter_map(|it| it.chart.as_ref()).map(|it| (it.name(), it)).collect()
}
