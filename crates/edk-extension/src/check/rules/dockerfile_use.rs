//! Dockerfiles and what their images are for.

use std::collections::{BTreeMap, BTreeSet};

use edk_image::dockerfile::Instruction;
use edk_model::Severity::{Error, Warning};

use super::dockerfile::part;
use crate::check::{
    facts::docker::Docker,
    model::Model,
    profile::Profile,
    rule::{Example, Finds, Rule, insert, remove_line, replace},
    tree::join,
};

const IMAGE: &str = "processing-containers/lung-segment/Dockerfile";
const DAG_IMAGE: &str = "extension/docker/Dockerfile";
const TASK_IMAGE: &str = "processing-containers/smooth/Dockerfile";
/// The folders that the installer of a DAG image takes below `/kaapana/tmp`.
const INSTALLED: [&str; 4] = ["dags", "plugins", "mounted_scripts", "extensions"];
const LARGE_CONTEXT: u64 = 100_000_000;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "D08",
        severity: Error,
        title: "a DAG image puts files only where its installer takes them",
        why: "the installer exits with 1 at any other folder below `/kaapana/tmp`, and the installation fails",
        fix: "copy to `/kaapana/tmp/dags/` (or plugins, mounted_scripts, extensions)",
        bad: Example::workflow(&[(
            DAG_IMAGE,
            "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/ /kaapana/tmp/dag/\n",
        )]),
        says: "`/kaapana/tmp/dag` is no folder that the installer takes",
        good: Example::workflow(&[]),
        check: installed,
    },
    Rule {
        id: "D09",
        severity: Error,
        title: "every DAG file gets into the DAG image",
        why: "a DAG that is not in the image is missing on the platform after the installation",
        fix: "copy the file to `/kaapana/tmp/dags/`, or remove it",
        bad: Example::workflow(&[(
            DAG_IMAGE,
            "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/lung/ /kaapana/tmp/dags/lung/\n",
        )]),
        says: "`files/dag_lung.py` is not copied into the image",
        good: Example::workflow(&[]),
        check: dag_files,
    },
    Rule {
        id: "D10",
        severity: Warning,
        title: "the folder of the operators is the extension's own",
        why: "the DAG folder is shared by all extensions: installing one overwrites the other's files, and removing it takes them away",
        fix: "give the folder a name of its own, and change the imports",
        bad: Example::workflow(&[(
            DAG_IMAGE,
            "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/ /kaapana/tmp/dags/\nCOPY files/lung/ /kaapana/tmp/dags/pyradiomics/\n",
        )]),
        says: "folder `pyradiomics` of the DAG folder belongs to others",
        good: Example::workflow(&[]),
        check: packages,
    },
    Rule {
        id: "D11",
        severity: Warning,
        title: "a DAG image keeps the command of its base",
        why: "the base's command is the installer; with another one nothing is installed",
        fix: "remove CMD and ENTRYPOINT",
        bad: Example::workflow(&[(
            DAG_IMAGE,
            "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/ /kaapana/tmp/dags/\nCMD [\"true\"]\n",
        )]),
        says: "`CMD` replaces the installer",
        good: Example::workflow(&[]),
        check: commands,
    },
    Rule {
        id: "D12",
        severity: Error,
        title: "a processing container has a command",
        why: "since 0.6.0 `cmds` of operators are ignored; without a command the container starts a shell without input, ends at once, and counts as succeeded although nothing was done",
        fix: "add CMD with the program, such as `CMD [\"python3\", \"-u\", \"/app/main.py\"]`",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\n",
        )]),
        says: "processing container `lung-segment` starts nothing",
        good: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"python3\", \"-u\", \"/app/segment.py\"]\n",
        )]),
        check: starts,
    },
    Rule {
        id: "D13",
        severity: Error,
        title: "an image of the Task API carries its description",
        why: "the platform reads `/processing-container.json` out of the image before it runs a task",
        fix: "copy the file: `COPY processing-container.json /`",
        bad: Example::tasks(&[(
            TASK_IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"smooth\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "image `smooth` does not bring /processing-container.json",
        good: Example::tasks(&[]),
        check: descriptions,
    },
    Rule {
        id: "D14",
        severity: Warning,
        title: "an image of the Task API has `sleep` and `tar`",
        why: "on Kubernetes the description is read by a pod that sleeps, with `tar`; a base without them fails after 60 s",
        fix: "stand on a base with a shell and tar",
        bad: Example::tasks(&[(
            TASK_IMAGE,
            "FROM gcr.example/distroless/python3:3.12\nLABEL IMAGE=\"smooth\"\nCOPY processing-container.json /\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "base `gcr.example/distroless/python3:3.12` has neither sleep nor tar",
        good: Example::tasks(&[]),
        check: |m, f| {
            for docker in m.dockers.iter().filter(|it| m.is_task_image(it)) {
                let Some(base) = m.chain(docker).pop() else { continue };
                if base == "scratch" || base.contains("distroless") {
                    let line = docker.last().map_or(1, |it| it.span.line);
                    let message = format!("base `{base}` has neither sleep nor tar");
                    f.at(&docker.path, m.line(&docker.path, line), message);
                }
            }
        },
    },
    Rule {
        id: "D17",
        severity: Warning,
        title: "an image that is needed is built",
        why: "with `BUILD_IGNORE` the platform's build script leaves the image out, and pods that ask for it end in ErrImagePull",
        fix: "set `LABEL BUILD_IGNORE=\"False\"`",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nLABEL BUILD_IGNORE=\"True\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "image `lung-segment` is needed, but BUILD_IGNORE keeps it from being built",
        good: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nLABEL BUILD_IGNORE=\"False\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        check: ignored,
    },
    Rule {
        id: "D18",
        severity: Warning,
        title: "every image is needed by something",
        why: "the image is built and pushed for nothing, or whoever should name it names another",
        fix: "name it in an operator, a chart or a Dockerfile, or remove it",
        bad: Example::workflow(&[(
            "processing-containers/old/Dockerfile",
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-old\"\nCMD [\"true\"]\n",
        )]),
        says: "nothing needs the image `lung-old`",
        good: Example::workflow(&[]),
        check: unused,
    },
    Rule {
        id: "D20",
        severity: Warning,
        title: "the build context holds what the image needs",
        why: "everything that is not ignored is read and hashed for each build, and may end up in the image",
        fix: "name it in .dockerignore",
        bad: Example::workflow(&[(
            "processing-containers/lung-segment/files/volume.raw",
            "!size 200000000",
        )]),
        says: "200 MB of the build context are copied into the image",
        good: Example::workflow(&[
            ("processing-containers/lung-segment/files/volume.raw", "!size 200000000"),
            ("processing-containers/lung-segment/.dockerignore", "**/*.raw\n"),
        ]),
        check: contexts,
    },
];

fn installed(m: &Model<'_>, f: &mut Finds) {
    for docker in m.dag_images() {
        let mut told = BTreeSet::new();
        for placed in docker.placed() {
            // Where a folder goes to the root of what is installed, its own folders decide.
            let all = m.copied(docker);
            let paths = all.iter().filter(|it| it.line == placed.line).map(|it| it.to.as_str());
            for path in paths.chain([placed.to.as_str()]) {
                let Some(below) = path.strip_prefix("/kaapana/tmp/") else { continue };
                let first = below.split('/').next().unwrap_or_default();
                if !first.is_empty() && !INSTALLED.contains(&first) && told.insert(first.to_owned())
                {
                    let message =
                        format!("`/kaapana/tmp/{first}` is no folder that the installer takes");
                    f.at(&docker.path, m.line(&docker.path, placed.line), message);
                }
            }
        }
    }
}

fn dag_files(m: &Model<'_>, f: &mut Finds) {
    for docker in m.dag_images() {
        let copied: BTreeSet<&str> =
            m.copied(docker).iter().map(|it| it.file.path.as_str()).collect();
        for file in m.tree.below(docker.context()) {
            let is_dag = file.name().starts_with("dag_") && file.name().ends_with(".py");
            if is_dag && !copied.contains(file.path.as_str()) {
                let below = file.path.strip_prefix(docker.context()).unwrap_or(&file.path);
                let below = below.trim_start_matches('/');
                let line = docker.last().map_or(1, |it| it.span.line);
                let message = format!("`{below}` is not copied into the image");
                f.at(&docker.path, m.line(&docker.path, line), message);
            }
        }
    }
}

fn packages(m: &Model<'_>, f: &mut Finds) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for docker in m.dag_images() {
        let copied = m.copied(docker);
        let mut own: BTreeMap<&str, usize> = BTreeMap::new();
        for it in &copied {
            let below = it.to.strip_prefix("/kaapana/tmp/dags/");
            if let Some((package, _)) = below.and_then(|it| it.split_once('/')) {
                own.entry(package).or_insert(it.line);
            }
        }
        for (package, line) in own {
            let place = m.line(&docker.path, line);
            if let Some(other) = owners.get(package) {
                let message =
                    format!("{other} also writes to the folder `{package}` of the DAG folder");
                f.at(&docker.path, place, message);
            } else if !m.is_platform && Profile::has(&m.profile.packages, package) {
                let message = format!("folder `{package}` of the DAG folder belongs to others");
                f.at(&docker.path, place, message);
            }
            owners.insert(package.to_owned(), &docker.path);
        }
    }
}

fn commands(m: &Model<'_>, f: &mut Finds) {
    for docker in m.dag_images() {
        for (line, it) in docker.instructions() {
            let word = match it {
                Instruction::Cmd(_) => "CMD",
                Instruction::Entrypoint(_) => "ENTRYPOINT",
                _ => continue,
            };
            let one_line = !m
                .text(&docker.path)
                .lines()
                .nth(line - 1)
                .unwrap_or_default()
                .trim_end()
                .ends_with('\\');
            let found = f.at(
                &docker.path,
                m.line(&docker.path, line),
                format!("`{word}` replaces the installer"),
            );
            if one_line {
                found.edits.push(remove_line(&docker.path, line));
            }
        }
    }
}

/// Says whether an image, or one of the project that it stands on, sets a command; `None` when it
/// stands on one that is not known.
fn has_command(m: &Model<'_>, docker: &Docker) -> Option<bool> {
    if docker.sets_command() {
        return Some(true);
    }
    let chain = m.chain(docker);
    for base in &chain {
        let name =
            base.strip_prefix("local-only/").map(|it| it.split([':', '@']).next().unwrap_or(it));
        match name {
            Some(name) if m.image(name).is_some_and(|it| it.sets_command()) => return Some(true),
            Some(name) if m.image(name).is_some() => {}
            Some("base-installer" | "base-model-installer" | "base-desktop") => return Some(true),
            Some(name) if Profile::has(&m.profile.python_bases, name) => return Some(false),
            _ => return if base == "scratch" { Some(false) } else { None },
        }
    }
    None
}

fn starts(m: &Model<'_>, f: &mut Finds) {
    let named: BTreeSet<String> =
        m.operator_images().into_iter().filter_map(|it| it.name).collect();
    for docker in &m.dockers {
        let Some(name) = docker.name.as_ref().filter(|it| named.contains(*it)) else { continue };
        if docker.is_base() || docker.is_dag_image() || m.is_task_image(docker) {
            continue;
        }
        if has_command(m, docker) == Some(false) {
            let line = docker.last().map_or(1, |it| it.span.line);
            let message = format!("processing container `{name}` starts nothing");
            f.at(&docker.path, m.line(&docker.path, line), message);
        }
    }
}

fn descriptions(m: &Model<'_>, f: &mut Finds) {
    for docker in m.dockers.iter().filter(|it| m.is_task_image(it)) {
        let copied = m.copied(docker);
        let brought = copied.iter().any(|it| it.to == "/processing-container.json");
        // Stages and bases of the project may bring it as well.
        let elsewhere = docker.copies().any(|(_, it)| {
            it.from.is_some()
                && it.sources.iter().any(|it| it.ends_with("processing-container.json"))
        });
        if brought || elsewhere {
            continue;
        }
        let name = docker.name.as_deref().unwrap_or_default();
        let line = docker.last().map_or(1, |it| it.span.line);
        let message = format!("image `{name}` does not bring /processing-container.json");
        let there = join(docker.context(), "processing-container.json").unwrap_or_default();
        let text = m.text(&docker.path);
        let end = text.lines().position(|it| it.starts_with("COPY ")).map(|at| at + 1);
        let found = f.at(&docker.path, m.line(&docker.path, line), message);
        if let (Some(end), true, 1) = (end, m.tree.get(&there).is_some(), docker.file.stages.len())
        {
            found.edits.push(insert(&docker.path, end, "COPY processing-container.json /\n"));
        }
    }
}

fn ignored(m: &Model<'_>, f: &mut Finds) {
    let needed = m.needed_images();
    for docker in m.dockers.iter().filter(|it| it.is_build_ignored()) {
        let Some(name) = docker.name.as_ref().filter(|it| needed.contains(*it)) else { continue };
        let text = m.text(&docker.path);
        let line = text.lines().position(|it| it.contains("BUILD_IGNORE")).map_or(1, |at| at + 1);
        let value = docker.label("BUILD_IGNORE").unwrap_or_default();
        let edit = part(m, docker, line, &value).map(|it| replace(&docker.path, it, "False"));
        let message =
            format!("image `{name}` is needed, but BUILD_IGNORE keeps it from being built");
        f.at(&docker.path, m.line(&docker.path, line), message).edits.extend(edit);
    }
}

fn unused(m: &Model<'_>, f: &mut Finds) {
    if m.charts.is_empty() {
        return;
    }
    let needed = m.needed_images();
    for docker in m.dockers.iter().filter(|it| !it.is_base() && !it.is_build_ignored()) {
        let Some(name) = docker.name.as_ref().filter(|it| !needed.contains(*it)) else { continue };
        let place = docker.name_place(m.text(&docker.path));
        f.at(&docker.path, place, format!("nothing needs the image `{name}`"));
    }
}

fn contexts(m: &Model<'_>, f: &mut Finds) {
    for docker in &m.dockers {
        let size: u64 = m.copied(docker).iter().map(|it| it.file.size).sum();
        if size > LARGE_CONTEXT {
            let megabytes = size / 1_000_000;
            f.file(
                &docker.path,
                format!("{megabytes} MB of the build context are copied into the image"),
            );
        }
        let whole = docker.copies().find(|(_, it)| {
            it.from.is_none() && it.sources.iter().any(|it| matches!(it.as_str(), "." | "./"))
        });
        let Some((line, _)) = whole else { continue };
        for folder in [".git", "node_modules", "__pycache__"] {
            let path = join(docker.context(), folder).unwrap_or_default();
            if m.tree.skipped.contains(&path) && !m.hides(docker, folder) {
                let message = format!("the folder `{folder}` is copied into the image");
                let found = f.at(&docker.path, m.line(&docker.path, line), message);
                let ignore = join(docker.context(), ".dockerignore").unwrap_or_default();
                found.edits.push(insert(&ignore, 1, format!("{folder}\n")));
            }
        }
    }
}
