//! Builds with Debian's buildah.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{flatten::Flat, ours::Ours};

pub(crate) struct Buildah {
    folder: PathBuf,
}

impl Buildah {
    /// A buildah with a store of its own that holds the base of ours.
    pub(crate) fn new(folder: &Path, ours: &Ours) -> Self {
        fs::create_dir_all(folder).unwrap();
        let buildah = Self { folder: folder.to_owned() };
        let base = folder.join("base");
        ours.write_base(&base);
        // Nothing but the base is ever to be had, and no policy file of this machine is asked.
        let policy = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;
        fs::write(folder.join("policy.json"), policy).unwrap();
        // Relative, because a name with capital letters is no reference.
        let source = "oci:base:latest";
        let id = buildah.run(&["pull", "--signature-policy", &buildah.path("policy.json"), source]);
        buildah.run(&["tag", id.unwrap().trim(), "localhost/busybox:latest"]).unwrap();
        buildah
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Runs it. Before each step it seals a copy of itself in memory, which the kernel refuses while
    /// anything on the machine holds a page of that (fcntl(2), `F_SEAL_WRITE`): no answer to the case.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        loop {
            match self.once(arguments) {
                Err(told) if told.contains("sealing memfd copy") => {}
                answer => return answer,
            }
        }
    }

    fn once(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("buildah")
            .args(["--storage-driver", "vfs", "--root", &self.path("root")])
            .args(["--runroot", &self.path("runroot")])
            .args(arguments)
            .current_dir(&self.folder)
            .env("XDG_RUNTIME_DIR", &self.folder)
            // Where it keeps the caches of mounts, which belong to whoever came first.
            .env("TMPDIR", &self.folder)
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                panic!("can't run buildah ({error}); install the Debian package `buildah`")
            }
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    pub(crate) fn build(&self, context: &Path, name: &str, flags: &[&str]) -> Result<Flat, String> {
        let (policy, folder) = (self.path("policy.json"), context.display().to_string());
        let own = ["bud", "--isolation", "chroot", "--format", "docker", "--pull-never"];
        let more = ["--identity-label=false", "--signature-policy", &policy, "--tag", name];
        self.run(&[&own[..], &more[..], flags, &[&folder]].concat())?;
        let out = self.folder.join("out").join(name);
        fs::create_dir_all(&out).unwrap();
        let target = format!("dir:out/{name}");
        self.run(&["push", "--signature-policy", &policy, name, &target])?;
        Ok(flatten(&out))
    }
}

fn flatten(folder: &Path) -> Flat {
    let blob = |value: &Value| {
        let digest = value["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
        fs::read(folder.join(digest)).unwrap()
    };
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let manifest = json(&fs::read(folder.join("manifest.json")).unwrap());
    let mut flat = Flat::new(json(&blob(&manifest["config"])));
    for layer in manifest["layers"].as_array().unwrap() {
        let bytes = blob(layer);
        match bytes.starts_with(&[0x1f, 0x8b]) {
            true => flat.apply(flate2::read::GzDecoder::new(&bytes[..])),
            false => flat.apply(&bytes[..]),
        }
    }
    flat
}
