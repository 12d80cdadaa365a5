//! What is foreseen of a build is what the build then does.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::Path};

use edk_container::Containers;
use edk_image::{Builder, Built, Foreseen, HostSettings, ImageError, PlanRequest};
use edk_model::Monitor;
use edk_store::Store;

const TEXT: &str = "FROM scratch AS first\nCOPY a /a\nCOPY b /b\n\
                    FROM scratch\nCOPY --from=first /a /x\nCOPY c /c\nENV KEY=value\n";

struct Bench {
    folder: tempfile::TempDir,
    store: Store,
    containers: Containers,
    host: HostSettings,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let helper = Path::new(env!("CARGO_BIN_EXE_edk-image-helper"));
        let containers = Containers::open(&folder.path().join("containers"), helper).unwrap();
        fs::create_dir(folder.path().join("context")).unwrap();
        let bench = Self { folder, store, containers, host: HostSettings::default() };
        ["a", "b", "c"].into_iter().for_each(|name| bench.write(name, "1"));
        bench
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("context").join(name), text).unwrap();
    }

    fn builder(&self) -> Builder<'_> {
        Builder { store: &self.store, containers: &self.containers, host: &self.host }
    }

    fn foresee(&self, text: &str) -> Result<Foreseen, ImageError> {
        let (context, args) = (self.folder.path().join("context"), BTreeMap::new());
        let request = PlanRequest::new(text, "Dockerfile", &context, &args);
        Ok(self.builder().foresee(&self.builder().plan_offline(&request)?))
    }

    fn build(&self, text: &str) -> Built {
        let (context, args) = (self.folder.path().join("context"), BTreeMap::new());
        let request = PlanRequest::new(text, "Dockerfile", &context, &args);
        let plan = self.builder().plan(&request, &Monitor::silent()).unwrap();
        self.builder().build(&plan, &Monitor::silent()).unwrap()
    }

    /// Foresees, then builds, and holds one against the other.
    fn check(&self, text: &str, next: Option<&str>) {
        let foreseen = self.foresee(text).unwrap();
        assert_eq!(foreseen.next.as_deref(), next);
        let built = self.build(text);
        assert_eq!(foreseen.steps, built.steps);
        // A step that is done again may still come to the very image that was there.
        if foreseen.image.is_some() || foreseen.next.is_none() {
            assert_eq!(foreseen.image.is_some(), built.unchanged);
        }
        if let Some(image) = foreseen.image {
            assert_eq!(image, built.image.descriptor.digest);
        }
        // What comes after a missing step may be found when it is made: same bytes, same layer.
        assert!(foreseen.reused <= built.reused);
        assert_eq!(foreseen.reused == foreseen.steps, foreseen.next.is_none());
    }
}

#[test]
fn what_is_foreseen_is_what_the_build_does() {
    let bench = Bench::new();
    bench.check(TEXT, Some("COPY a /a"));
    bench.check(TEXT, None);
    bench.write("c", "2");
    bench.check(TEXT, Some("COPY c /c"));
    bench.write("b", "2");
    bench.check(TEXT, Some("COPY b /b"));
    // Another configuration makes another image of the same layers.
    bench.check(&TEXT.replace("value", "other"), None);
    bench.write("c", "1");
    bench.write("b", "1");
    bench.check(TEXT, None);
    assert!(bench.foresee(TEXT).unwrap().image.is_some());
}

#[test]
fn a_base_that_would_be_pulled_is_told_and_not_pulled() {
    let bench = Bench::new();
    // Nobody listens there: a pull would tell of the network.
    for reference in ["localhost:1/some/image:1", "local-only/some"] {
        let error = bench.foresee(&format!("FROM {reference}\nCOPY a /a\n")).unwrap_err();
        assert!(matches!(error, ImageError::NoBase { .. }), "{reference}: {error}");
    }
}
