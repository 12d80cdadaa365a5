//! Dockerfiles, each by itself.

use edk_image::dockerfile::Instruction;
use edk_model::Severity::{Error, Hint, Warning};

use crate::check::{
    facts::{docker::Docker, text::Place},
    model::Model,
    profile::Profile,
    rule::{Example, Finds, Rule, insert, remove_line, replace},
};

const IMAGE: &str = "processing-containers/lung-segment/Dockerfile";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "D00",
        severity: Error,
        title: "the Dockerfile can be read",
        why: "a builder stops at what it does not understand",
        fix: "see the reference of Dockerfiles",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "unknown instruction `COPPY`",
        good: Example::workflow(&[]),
        check: |m, f| {
            for found in m.dockers.iter().flat_map(|it| &it.findings) {
                let file = found.file.as_deref().unwrap_or_default();
                let place = found.span.map(|span| m.line(file, span.line));
                let it = f.at(file, place, found.message.clone());
                it.severity = found.severity;
                it.fix = found.fix.clone().or(it.fix.take());
            }
        },
    },
    Rule {
        id: "D01",
        severity: Error,
        title: "`LABEL IMAGE=` stands on a line of its own",
        why: "the platform's build script looks for a line that begins with `LABEL IMAGE=`; it sees no other form, and an image without a name is not built",
        fix: "add the line `LABEL IMAGE=\"<name>\"`",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL VERSION=\"1\" IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "the platform's build script does not see the name `lung-segment`",
        good: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nLABEL VERSION=\"1\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        check: label,
    },
    Rule {
        id: "D02",
        severity: Error,
        title: "every base has a tag or a digest",
        why: "the platform's build script stops with an exception at a base without `:`",
        fix: "write the tag, such as `python:3.12-slim`",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM python\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "base `python` has neither a tag nor a digest",
        good: Example::workflow(&[(
            IMAGE,
            "FROM python:3.12-slim\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        check: |m, f| {
            for (docker, line, base) in bases(m) {
                let plain = !base.contains([':', '@', '$']) && base != "scratch";
                if plain && !is_stage(docker, base) {
                    let message = format!("base `{base}` has neither a tag nor a digest");
                    f.at(&docker.path, m.line(&docker.path, line), message);
                }
            }
        },
    },
    Rule {
        id: "D03",
        severity: Error,
        title: "every `local-only` base can be had",
        why: "such a base is in no registry: it is made here, or the build stops with \"base image missing\"",
        fix: "take one of the platform's bases (`edk base --list`), or add a Dockerfile with that LABEL IMAGE and `LABEL REGISTRY=\"local-only\"`",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-pyton-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "nobody makes the base `local-only/base-pyton-cpu`",
        good: Example::workflow(&[]),
        check: local_bases,
    },
    Rule {
        id: "D04",
        severity: Error,
        title: "no base comes from the in-platform editor's registry",
        why: "`local-registry` and `localhost:32000` exist only inside the platform on which the Dockerfile was edited",
        fix: "stand on `local-only/<base>:latest` again",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM localhost:32000/base-python-cpu:0.5.0\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "base `localhost:32000/base-python-cpu:0.5.0` is in the registry of the in-platform editor",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (docker, line, base) in bases(m) {
                if !base.starts_with("local-registry") && !base.starts_with("localhost:32000/") {
                    continue;
                }
                let place = m.line(&docker.path, line);
                let message = format!("base `{base}` is in the registry of the in-platform editor");
                let name = crate::check::model::image_name(base).unwrap_or_default();
                let to = format!("local-only/{name}:latest");
                let edit = part(m, docker, line, base).map(|it| replace(&docker.path, it, to));
                f.at(&docker.path, place, message).edits.extend(edit);
            }
        },
    },
    Rule {
        id: "D05",
        severity: Warning,
        title: "the platform's build script understands every FROM",
        why: "the script takes the first word behind FROM for an image with a tag: a flag, the name of a stage or `scratch` stop it (`edk build` understands them)",
        fix: "stand on an image with a tag, or build with edk only",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest AS one\nFROM one\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "`FROM one` stops the platform's build script",
        good: Example::workflow(&[]),
        check: |m, f| {
            for (docker, line, base) in bases(m) {
                let text = m.text(&docker.path).lines().nth(line - 1).unwrap_or_default();
                if text.contains("#ignore") {
                    continue;
                }
                let flag = text.split_whitespace().nth(1).filter(|it| it.starts_with("--"));
                let plain = (base == "scratch" || is_stage(docker, base)).then_some(base);
                if let Some(word) = flag.or(plain) {
                    let message = format!("`FROM {word}` stops the platform's build script");
                    f.at(&docker.path, m.line(&docker.path, line), message);
                }
            }
        },
    },
    Rule {
        id: "D06",
        severity: Warning,
        title: "bases from registries are pinned",
        why: "`latest` is another image tomorrow: what was tested is not what is built, and nodes pull it again each time",
        fix: "name a version, or a digest",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM python:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "base `python:latest` is not pinned",
        good: Example::workflow(&[(
            IMAGE,
            "FROM python:3.12-slim\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        check: |m, f| {
            for (docker, line, base) in bases(m) {
                if base.ends_with(":latest")
                    && !base.starts_with("local-only/")
                    && !base.starts_with("local")
                {
                    f.at(
                        &docker.path,
                        m.line(&docker.path, line),
                        format!("base `{base}` is not pinned"),
                    );
                }
            }
        },
    },
    Rule {
        id: "D07",
        severity: Error,
        title: "what is copied is in the build context",
        why: "the build stops at the COPY, after all steps before it were done",
        fix: "correct the path; it is relative to the folder of the Dockerfile and can't leave it",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY file/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "source `file/` is not in the build context",
        good: Example::workflow(&[]),
        check: sources,
    },
    Rule {
        id: "D15",
        severity: Hint,
        title: "RUN leaves nothing behind",
        why: "lists of packages and caches of pip stay in the layer and travel with the image; an `apt-get update` of its own grows stale in the cache",
        fix: "update, install and remove the lists in one RUN; install with `--no-cache-dir` and pinned versions",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nRUN pip install numpy==2.0.0\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "`pip install` keeps its cache in the image",
        good: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nRUN pip install --no-cache-dir numpy==2.0.0\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        check: runs,
    },
    Rule {
        id: "D16",
        severity: Warning,
        title: "constraints of pip are not those of an old platform",
        why: "the file of 0.3.0 or 0.4.0 holds packages at versions which the bases of today do not have",
        fix: "take the constraints of the platform's version, or pin the packages yourself",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nRUN pip install --no-cache-dir -c https://code.example/0.4.0/constraints.txt numpy\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "these constraints are those of an old platform",
        good: Example::workflow(&[]),
        check: |m, f| {
            for docker in &m.dockers {
                let text = m.text(&docker.path);
                let old = |line: &str| {
                    line.contains("constraint")
                        && (line.contains("/0.3.0/") || line.contains("/0.4.0/"))
                };
                for (at, _) in text.lines().enumerate().filter(|(_, line)| old(line)) {
                    let place = m.line(&docker.path, at + 1);
                    f.at(&docker.path, place, "these constraints are those of an old platform");
                }
            }
        },
    },
    Rule {
        id: "D19",
        severity: Hint,
        title: "labels have readers",
        why: "nothing reads `CI_IGNORE`, and an empty VERSION says nothing",
        fix: "remove the label",
        bad: Example::workflow(&[(
            IMAGE,
            "FROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nLABEL CI_IGNORE=\"True\"\nCOPY files/ /app/\nCMD [\"true\"]\n",
        )]),
        says: "nothing reads the label `CI_IGNORE`",
        good: Example::workflow(&[]),
        check: labels,
    },
];

/// Every FROM with its line.
fn bases<'m>(m: &'m Model<'_>) -> impl Iterator<Item = (&'m Docker, usize, &'m str)> {
    m.dockers.iter().flat_map(|docker| {
        docker.file.stages.iter().map(move |it| (&**docker, it.span.line, it.base.as_str()))
    })
}

fn is_stage(docker: &Docker, name: &str) -> bool {
    docker
        .file
        .stages
        .iter()
        .any(|it| it.name.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(name)))
}

/// The place of a word on a line of a Dockerfile.
pub(super) fn part(m: &Model<'_>, docker: &Docker, line: usize, word: &str) -> Option<Place> {
    let text = m.text(&docker.path).lines().nth(line.checked_sub(1)?)?;
    let at = text[..text.find(word)?].chars().count();
    Some(Place { start: (line, at + 1), end: (line, at + 1 + word.chars().count()) })
}

fn label(m: &Model<'_>, f: &mut Finds) {
    for docker in &m.dockers {
        let broken = docker.findings.iter().any(|it| it.severity == Error);
        match (&docker.name, &docker.script_name) {
            (None, _) if !broken => {
                f.file(&docker.path, "there is no LABEL IMAGE");
            }
            (Some(name), seen) if seen.as_ref() != Some(name) => {
                let text = m.text(&docker.path);
                let message = format!("the platform's build script does not see the name `{name}`");
                let line = docker.instructions().filter_map(|(line, it)| match it {
                    Instruction::Label(pairs) => pairs
                        .iter()
                        .any(|(key, _)| key.trim_matches('"') == "IMAGE")
                        .then_some(line),
                    _ => None,
                });
                let line = line.last();
                let place = line.map(|line| Place::line(text, line));
                let found = f.at(&docker.path, place, message);
                let edit = line
                    .map(|line| insert(&docker.path, line, format!("LABEL IMAGE=\"{name}\"\n")));
                found.edits.extend(edit.filter(|_| seen.is_none()));
            }
            _ => {}
        }
    }
}

fn local_bases(m: &Model<'_>, f: &mut Finds) {
    for docker in &m.dockers {
        for base in &docker.bases {
            let own = m.image(base);
            let known = Profile::has(&m.profile.bases, base) || own.is_some_and(|it| it.is_base());
            if known {
                continue;
            }
            let message = match own {
                Some(_) => {
                    format!("image `{base}` is no base: it has no LABEL REGISTRY=\"local-only\"")
                }
                None => format!("nobody makes the base `local-only/{base}`"),
            };
            let line = docker.file.stages.iter().find(|it| it.base.contains(base.as_str()));
            let place = line.map(|it| m.line(&docker.path, it.span.line));
            f.at(&docker.path, place, message);
        }
    }
}

fn sources(m: &Model<'_>, f: &mut Finds) {
    for docker in &m.dockers {
        for (line, copy) in docker.copies().filter(|(_, it)| it.from.is_none()) {
            for source in copy.sources.iter().map(|it| it.trim_matches(['"', '\''])) {
                if source.contains(['$', ':']) || !m.sources(docker, source).is_empty() {
                    continue;
                }
                let place = m.line(&docker.path, line);
                let context = docker.context();
                let below = crate::check::tree::join("", source.trim_start_matches('/'));
                let path = below.as_ref().and_then(|it| crate::check::tree::join(context, it));
                let message = match (below, path) {
                    (None, _) => format!("source `{source}` leads out of the build context"),
                    (_, Some(path)) if m.tree.has(&path) => {
                        format!("source `{source}` is hidden by .dockerignore, or an empty folder")
                    }
                    // Folders without files are no part of what we read.
                    (_, Some(path)) if m.tree.skipped.contains(&path) => continue,
                    _ => format!("source `{source}` is not in the build context"),
                };
                f.at(&docker.path, place, message);
            }
        }
    }
}

fn runs(m: &Model<'_>, f: &mut Finds) {
    for docker in &m.dockers {
        for (line, text) in docker.runs() {
            let place = m.line(&docker.path, line);
            let installs = text.contains("apt-get install") || text.contains("apt install");
            if text.contains("apt-get update") && !installs {
                f.at(&docker.path, place, "`apt-get update` stands in a RUN of its own");
            } else if installs && !text.contains("/var/lib/apt/lists") && !text.contains("--mount")
            {
                f.at(
                    &docker.path,
                    place,
                    "`apt-get install` leaves the lists of packages in the image",
                );
            }
            if text.contains("pip install")
                && !text.contains("--no-cache-dir")
                && !text.contains("pip install .")
            {
                let edit = part(m, docker, line, "pip install")
                    .map(|it| replace(&docker.path, it, "pip install --no-cache-dir"));
                let once = text.matches("pip install").count() == 1;
                let found = f.at(&docker.path, place, "`pip install` keeps its cache in the image");
                found.edits.extend(edit.filter(|_| once));
            }
        }
        secrets(m, docker, f);
    }
}

fn secrets(m: &Model<'_>, docker: &Docker, f: &mut Finds) {
    let is_secret = |name: &str| {
        let name = name.to_uppercase();
        ["PASSWORD", "TOKEN", "SECRET", "API_KEY"].iter().any(|it| name.ends_with(it))
    };
    for (line, it) in docker.instructions() {
        let pairs: Vec<(&str, &str)> = match it {
            Instruction::Env(pairs) => {
                pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()
            }
            Instruction::Arg(pairs) => {
                pairs.iter().filter_map(|(k, v)| Some((k.as_str(), v.as_deref()?))).collect()
            }
            _ => continue,
        };
        let found = pairs.into_iter().find(|(name, value)| {
            is_secret(name) && !value.trim_matches(['"', '\'']).is_empty() && !value.contains('$')
        });
        if let Some((name, _)) = found {
            let message = format!("`{name}` stays readable in the image for everybody who has it");
            let it = f.at(&docker.path, m.line(&docker.path, line), message);
            it.severity = Warning;
            it.fix = Some("pass it when the container runs".to_owned());
        }
    }
}

fn labels(m: &Model<'_>, f: &mut Finds) {
    for docker in &m.dockers {
        for (at, line) in m.text(&docker.path).lines().enumerate() {
            let words = line.trim();
            let message = if words.starts_with("LABEL CI_IGNORE=") {
                "nothing reads the label `CI_IGNORE`"
            } else if words == "LABEL VERSION=" || words == "LABEL VERSION=\"\"" {
                "the label `VERSION` is empty"
            } else {
                continue;
            };
            let found = f.at(&docker.path, m.line(&docker.path, at + 1), message);
            if !words.ends_with('\\') && words.matches('=').count() == 1 {
                found.edits.push(remove_line(&docker.path, at + 1));
            }
        }
    }
}
