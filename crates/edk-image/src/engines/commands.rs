//! Builds as commands of other builders: values, run by nobody here.

use std::{fmt, path::PathBuf};

use edk_model::Digest;

/// A builder that is not ours.
pub trait Engine: Send + Sync {
    /// Its name, as users choose it.
    fn name(&self) -> &'static str;

    /// The registry under which it looks for images without one; none when it reads bases from our
    /// store itself.
    fn registry_of_bases(&self) -> Option<&'static str>;

    /// The commands that build an image and write it to an archive, in order.
    fn commands(&self, build: &EngineBuild) -> Vec<Invocation>;
}

/// A build for another engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineBuild {
    /// The name under which the engine keeps the image.
    pub tag: String,
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// The build context.
    pub context: PathBuf,
    /// Values for `ARG`s, in order.
    pub args: Vec<(String, String)>,
    /// Labels beside those of the Dockerfile, in order.
    pub labels: Vec<(String, String)>,
    /// The stage that becomes the image, instead of the last one.
    pub target: Option<String>,
    /// Whether nothing that the engine has may be used again.
    pub no_cache: bool,
    /// Bases which only we have.
    pub bases: Vec<BaseForEngine>,
    /// Folder of the store, an OCI image layout.
    pub store: PathBuf,
    /// The archive to be written.
    pub out: PathBuf,
}

/// A base which only we have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseForEngine {
    /// Its name after `FROM`, with its tag.
    pub name: String,
    /// Digest of its manifest in the store.
    pub digest: Digest,
    /// An archive of it, when the engine wants one.
    pub archive: PathBuf,
}

/// A program and its arguments. No shell reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program.
    pub program: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Invocation {
    fn new(program: &'static str, args: &[&str]) -> Self {
        Self { program, args: args.iter().map(|&arg| arg.to_owned()).collect() }
    }

    fn and(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    fn each(mut self, option: &str, values: impl IntoIterator<Item = String>) -> Self {
        for value in values {
            self.args.extend([option.to_owned(), value]);
        }
        self
    }
}

impl fmt::Display for Invocation {
    /// As it could be typed into a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
        for arg in &self.args {
            match !arg.is_empty() && arg.chars().all(plain) {
                true => write!(f, " {arg}")?,
                false => write!(f, " '{}'", arg.replace('\'', r"'\''"))?,
            }
        }
        Ok(())
    }
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn pairs(args: &[(String, String)]) -> impl Iterator<Item = String> + '_ {
    args.iter().map(|(key, value)| format!("{key}={value}"))
}

/// Adds what buildah, podman and docker are told in the same words.
fn built(made: Invocation, build: &EngineBuild) -> Invocation {
    made.and(&["--file", &text(&build.dockerfile)])
        .each("--build-arg", pairs(&build.args))
        .each("--label", pairs(&build.labels))
        .each("--target", build.target.clone())
        .and(if build.no_cache { &["--no-cache"] } else { &[] })
        .and(&[&text(&build.context)])
}

pub(super) struct Buildah;

impl Engine for Buildah {
    fn name(&self) -> &'static str {
        "buildah"
    }

    fn registry_of_bases(&self) -> Option<&'static str> {
        Some("localhost")
    }

    fn commands(&self, build: &EngineBuild) -> Vec<Invocation> {
        let pull = |base: &BaseForEngine| {
            let from = format!("oci-archive:{}", text(&base.archive));
            Invocation::new("buildah", &["pull", "--quiet", &from])
        };
        let made = ["build", "--layers", "--format", "oci", "--tag", &build.tag];
        let made = built(Invocation::new("buildah", &made), build);
        let to = format!("oci-archive:{}:{}", text(&build.out), build.tag);
        let written = Invocation::new("buildah", &["push", "--quiet", &build.tag, &to]);
        build.bases.iter().map(pull).chain([made, written]).collect()
    }
}

pub(super) struct Podman;

impl Engine for Podman {
    fn name(&self) -> &'static str {
        "podman"
    }

    fn registry_of_bases(&self) -> Option<&'static str> {
        Some("localhost")
    }

    fn commands(&self, build: &EngineBuild) -> Vec<Invocation> {
        let load = |base: &BaseForEngine| {
            Invocation::new("podman", &["load", "--quiet", "--input", &text(&base.archive)])
        };
        let made = ["build", "--layers", "--format", "oci", "--tag", &build.tag];
        let made = built(Invocation::new("podman", &made), build);
        let saved = ["save", "--quiet", "--format", "oci-archive", "--output", &text(&build.out)];
        let saved = Invocation::new("podman", &saved).and(&[&build.tag]);
        build.bases.iter().map(load).chain([made, saved]).collect()
    }
}

pub(super) struct Docker;

impl Engine for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn registry_of_bases(&self) -> Option<&'static str> {
        Some("docker.io")
    }

    fn commands(&self, build: &EngineBuild) -> Vec<Invocation> {
        let load = |base: &BaseForEngine| {
            Invocation::new("docker", &["load", "--quiet", "--input", &text(&base.archive)])
        };
        let made = ["build", "--platform", "linux/amd64", "--tag", &build.tag];
        let made = built(Invocation::new("docker", &made), build);
        let saved = Invocation::new("docker", &["save", "--output", &text(&build.out), &build.tag]);
        build.bases.iter().map(load).chain([made, saved]).collect()
    }
}

pub(super) struct Buildkit {
    pub(super) address: Option<String>,
}

impl Engine for Buildkit {
    fn name(&self) -> &'static str {
        "buildkit"
    }

    fn registry_of_bases(&self) -> Option<&'static str> {
        None
    }

    fn commands(&self, build: &EngineBuild) -> Vec<Invocation> {
        let folder = build.dockerfile.parent().unwrap_or(&build.context);
        let name = build.dockerfile.file_name().unwrap_or_default().to_string_lossy();
        let address = self.address.iter().cloned();
        let mut command = Invocation::new("buildctl", &[])
            .each("--addr", address)
            .and(&["build", "--progress", "plain", "--frontend", "dockerfile.v0"])
            .each("--local", [format!("context={}", text(&build.context))])
            .each("--local", [format!("dockerfile={}", text(folder))])
            .each("--opt", [format!("filename={name}"), "platform=linux/amd64".to_owned()])
            .each("--opt", pairs(&build.args).map(|pair| format!("build-arg:{pair}")))
            .each("--opt", pairs(&build.labels).map(|pair| format!("label:{pair}")))
            .each("--opt", build.target.iter().map(|target| format!("target={target}")))
            .and(if build.no_cache { &["--no-cache"] } else { &[] });
        if !build.bases.is_empty() {
            command = command.each("--oci-layout", [format!("edk={}", text(&build.store))]);
        }
        // The front end compares names without the tag `latest`.
        let context = |base: &BaseForEngine| {
            let name = base.name.strip_suffix(":latest").unwrap_or(&base.name);
            format!("context:{name}=oci-layout://edk@{}", base.digest)
        };
        let out = format!("type=oci,dest={},name={}", text(&build.out), build.tag);
        vec![command.each("--opt", build.bases.iter().map(context)).each("--output", [out])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineChoice;

    fn lines(choice: &str) -> Vec<String> {
        let base = BaseForEngine {
            name: "local-only/base-x:latest".to_owned(),
            digest: Digest::of(b"x"),
            archive: "/t/base-0.tar".into(),
        };
        let build = EngineBuild {
            tag: "localhost/edk/app:built".to_owned(),
            dockerfile: "/p/app/Dockerfile".into(),
            context: "/p/app".into(),
            args: vec![("V".to_owned(), "it's 1".to_owned())],
            labels: vec![("L".to_owned(), "m".to_owned())],
            target: Some("last".to_owned()),
            no_cache: true,
            bases: vec![base],
            store: "/s".into(),
            out: "/t/image.tar".into(),
        };
        let engine = choice.parse::<EngineChoice>().unwrap().other().unwrap();
        assert_eq!(engine.name(), choice.split('=').next().unwrap());
        engine.commands(&build).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_engine_gets_our_bases_builds_and_writes_an_archive() {
        let file = r"--file /p/app/Dockerfile --build-arg 'V=it'\''s 1' --label L=m --target last --no-cache /p/app";
        let tag = "localhost/edk/app:built";
        assert_eq!(
            lines("buildah"),
            [
                "buildah pull --quiet oci-archive:/t/base-0.tar".to_owned(),
                format!("buildah build --layers --format oci --tag {tag} {file}"),
                format!("buildah push --quiet {tag} oci-archive:/t/image.tar:{tag}"),
            ]
        );
        assert_eq!(
            lines("podman"),
            [
                "podman load --quiet --input /t/base-0.tar".to_owned(),
                format!("podman build --layers --format oci --tag {tag} {file}"),
                format!("podman save --quiet --format oci-archive --output /t/image.tar {tag}"),
            ]
        );
        assert_eq!(
            lines("docker"),
            [
                "docker load --quiet --input /t/base-0.tar".to_owned(),
                format!("docker build --platform linux/amd64 --tag {tag} {file}"),
                format!("docker save --output /t/image.tar {tag}"),
            ]
        );
    }

    #[test]
    fn buildkit_reads_our_store_and_is_found_at_its_address() {
        let rest = format!(
            "build --progress plain --frontend dockerfile.v0 --local context=/p/app --local \
             dockerfile=/p/app --opt filename=Dockerfile --opt platform=linux/amd64 --opt \
             'build-arg:V=it'\\''s 1' --opt label:L=m --opt target=last --no-cache --oci-layout edk=/s --opt \
             context:local-only/base-x=oci-layout://edk@{} --output \
             type=oci,dest=/t/image.tar,name=localhost/edk/app:built",
            Digest::of(b"x")
        );
        assert_eq!(lines("buildkit"), [format!("buildctl {rest}")]);
        let remote = lines("buildkit=tcp://build.example:1234");
        assert_eq!(remote, [format!("buildctl --addr tcp://build.example:1234 {rest}")]);
    }
}
