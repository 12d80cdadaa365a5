//! What a collection takes and what it spares, over a real folder.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use edk_model::{Descriptor, Digest, Monitor, media};
use edk_store::{Kept, Plan, Reason, Removal, Rules, Store, Subject};
use serde_json::{Value, json};

/// All that is written was last used an hour ago, unless a test says otherwise.
const HOUR: Duration = Duration::from_secs(3600);

struct World {
    store: Store,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Store::open(&folder.path().join("store")).unwrap(), _folder: folder }
    }

    fn blob(&self, content: &str) -> Descriptor {
        self.store.put(media::LAYER, content.as_bytes()).unwrap()
    }

    fn document(&self, kind: &str, value: &Value) -> Descriptor {
        self.store.put(kind, value.to_string().as_bytes()).unwrap()
    }

    fn manifest(&self, layers: &[&Descriptor]) -> Descriptor {
        let value = json!({ "config": self.blob("config"), "layers": layers });
        self.document(media::MANIFEST, &value)
    }

    fn step(&self, key: &str, result: &Value) -> Digest {
        let key = Digest::of(key.as_bytes());
        self.store.put_step(&key, result).unwrap();
        key
    }

    fn plan(&self, rules: Rules<'_>) -> Plan {
        self.store.census(&Monitor::silent()).unwrap().plan(rules)
    }

    /// Plans, collects, and returns what went.
    fn collect(&self, rules: Rules<'_>) -> Vec<Removal> {
        let plan = self.plan(rules);
        let done = self.store.collect(&plan, &Monitor::silent()).unwrap();
        assert_eq!((done.removed, done.freed), (plan.removals.len(), plan.freed()));
        plan.removals
    }

    fn age(&self) {
        age(self.store.root(), HOUR);
    }

    fn has(&self, descriptor: &Descriptor) -> bool {
        self.store.size(&descriptor.digest).is_some()
    }
}

fn age(path: &Path, by: Duration) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| age(&entry.unwrap().path(), by));
    } else {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }
}

fn rules() -> Rules<'static> {
    let (keep_untagged, can_be_had_again) = (&["pulled/"], &["mirrored/"]);
    Rules { grace: Duration::ZERO, budget: None, keep_untagged, can_be_had_again }
}

fn reasons(removals: &[Removal]) -> Vec<Reason> {
    let mut reasons: Vec<_> = removals.iter().map(|removal| removal.reason).collect();
    reasons.sort();
    reasons
}

#[test]
fn what_a_tag_an_index_a_referrer_or_a_step_needs_stays() {
    let world = World::new();
    let layers: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|it| world.blob(it)).collect();
    let tagged = world.manifest(&[&layers[0]]);
    world.store.tag("app", "1", &tagged).unwrap();
    let child = world.manifest(&[&layers[1]]);
    world.store.add_manifest("app", &child).unwrap();
    let index = world.document(media::INDEX, &json!({ "manifests": [child] }));
    world.store.tag("app", "all", &index).unwrap();
    let about = json!({ "config": layers[2], "layers": [], "subject": tagged });
    let about = world.document(media::MANIFEST, &about);
    world.store.add_manifest("app", &about).unwrap();
    // A signature of the signature.
    let second = json!({ "config": layers[2], "layers": [], "subject": about });
    let second = world.document(media::MANIFEST, &second);
    world.store.add_manifest("app", &second).unwrap();
    world.step("layer", &json!({ "descriptor": layers[3], "diff_id": Digest::of(b"raw") }));
    let built = world.manifest(&[&layers[4]]);
    world.step("image", &json!(built));
    world.store.add_manifest("pulled/x", &world.manifest(&[&layers[0], &layers[1]])).unwrap();
    world.age();
    assert_eq!(world.collect(rules()), []);
}

#[test]
fn what_nobody_needs_any_more_goes_with_its_reason() {
    let world = World::new();
    let (one, two, shared) = (world.blob("one"), world.blob("two!"), world.blob("shared"));
    let old = world.manifest(&[&one, &shared]);
    world.store.tag("app", "1", &old).unwrap();
    let new = world.manifest(&[&two, &shared]);
    world.store.tag("app", "1", &new).unwrap();
    let about = world.document(media::MANIFEST, &json!({ "layers": [one], "subject": old }));
    world.store.add_manifest("app", &about).unwrap();
    let orphan = world.blob("orphan");
    let step =
        world.step("gone", &json!({ "descriptor": Descriptor::new("x", Digest::of(b"no"), 2) }));
    world.age();
    let gone = world.collect(rules());
    use Reason::{Stale, Unreferenced, Untagged};
    let blobs = [Unreferenced; 4];
    assert_eq!(reasons(&gone), [&[Untagged, Untagged, Stale][..], &blobs].concat());
    assert!(gone.iter().any(|it| it.subject == Subject::Step(step.hex())));
    for (descriptor, stays) in [
        (&one, false),
        (&two, true),
        (&shared, true),
        (&old, false),
        (&about, false),
        (&orphan, false),
    ] {
        assert_eq!(world.has(descriptor), stays, "{descriptor:?}");
    }
    assert_eq!(world.store.manifests("app").unwrap(), [new]);
    assert_eq!(world.collect(rules()), []);
}

#[test]
fn what_was_used_within_the_grace_stays() {
    let world = World::new();
    world.store.add_manifest("app", &world.manifest(&[&world.blob("layer")])).unwrap();
    world.blob("orphan");
    world.age();
    let of = |grace| world.plan(Rules { grace, ..rules() });
    assert_eq!(of(2 * HOUR).removals, []);
    assert_eq!(of(2 * HOUR).kept.recent, 6);
    assert_eq!(reasons(&of(HOUR / 2).removals).len(), 5);
}

#[test]
fn what_was_written_or_claimed_since_the_oldest_lease_began_stays() {
    let world = World::new();
    let (claimed, forgotten) = (world.blob("claimed"), world.blob("forgotten"));
    let (found, tagged) = (world.blob("found"), world.manifest(&[&world.blob("deep")]));
    let step = world.step("step", &json!({ "descriptor": found, "diff_id": "x" }));
    world.age();
    // The oldest counts, not the last.
    let lease = world.store.lease().unwrap();
    let other = world.store.lease().unwrap();
    drop(world.store.lease().unwrap());
    let written = world.blob("written");
    assert_eq!(world.store.claim(&claimed.digest).unwrap(), Some(7));
    assert_eq!(world.store.claim(&Digest::of(b"none")).unwrap(), None);
    assert!(world.store.step::<Value>(&step).is_some());
    world.store.add_manifest("app", &tagged).unwrap();
    drop(other);
    let budget = Some(0);
    let gone = world.collect(Rules { budget, ..rules() });
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(!world.has(&forgotten));
    for kept in [&claimed, &written, &found, &tagged] {
        assert!(world.has(kept));
    }
    drop(lease);
    world.age();
    world.collect(Rules { budget, ..rules() });
    assert_eq!(fs::read_dir(world.store.root().join("blobs/sha256")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(world.store.root().join("leases")).unwrap().count(), 0);
}

#[test]
fn the_lease_of_a_process_that_was_killed_counts_no_more() {
    let world = World::new();
    let orphan = world.blob("orphan");
    drop(world.store.lease().unwrap());
    fs::write(world.store.root().join("leases/.dead"), b"").unwrap();
    age(world.store.root(), 2 * HOUR);
    age(&world.store.root().join("blobs"), HOUR);
    assert_eq!(world.collect(rules()).len(), 1);
    assert!(!world.has(&orphan));
}

#[test]
fn what_is_used_between_plan_and_removal_is_spared() {
    let world = World::new();
    let layer = world.blob("layer");
    let manifest = world.manifest(&[&layer]);
    world.store.add_manifest("app", &manifest).unwrap();
    world.blob("orphan");
    world.age();
    let plan = world.plan(rules());
    assert_eq!(plan.removals.len(), 5);
    world.store.tag("app", "late", &manifest).unwrap();
    let done = world.store.collect(&plan, &Monitor::silent()).unwrap();
    assert_eq!((done.removed, done.spared, done.freed), (1, 4, 6));
    assert!(world.has(&layer));
    assert_eq!(world.store.resolve("app", "late").unwrap(), Some(manifest));
}

#[test]
fn a_budget_takes_the_least_recently_used_of_the_build_cache_first() {
    let world = World::new();
    let image = world.manifest(&[&world.blob("image layer")]);
    world.store.tag("app", "1", &image).unwrap();
    let mirrored = world.manifest(&[&world.blob("from elsewhere")]);
    world.store.tag("mirrored/x", "1", &mirrored).unwrap();
    let big = "b".repeat(1000);
    let steps: Vec<_> = (0..3)
        .map(|n| {
            let layer = world.blob(&format!("{n}{big}"));
            (world.step(&n.to_string(), &json!({ "descriptor": layer, "diff_id": n })), layer)
        })
        .collect();
    // A step whose layer is part of an image gives nothing back, so it stays.
    let free = world.step("free", &json!({ "descriptor": world.blob("image layer") }));
    world.age();
    for (age_of, at) in [(3, 1), (2, 0)] {
        age(&world.store.root().join("steps").join(steps[at].0.hex()), HOUR * age_of);
    }
    let total = world.store.census(&Monitor::silent()).unwrap().usage().total;
    let with = |budget| world.plan(Rules { budget: Some(budget), ..rules() });
    let gone = |plan: &Plan| -> Vec<bool> {
        let has = |digest| plan.removals.iter().any(|it| it.subject == Subject::Blob(digest));
        steps.iter().map(|(_, layer)| has(layer.digest)).collect()
    };
    assert_eq!(gone(&with(total)), [false; 3]);
    assert_eq!(gone(&with(total - 1)), [false, true, false]);
    assert_eq!(gone(&with(total - 1500)), [true, true, false]);
    let all = with(0);
    assert_eq!(gone(&all), [true; 3]);
    assert!(all.removals.iter().all(|it| it.subject != Subject::Step(free.hex())));
    let again: Vec<_> =
        all.removals.iter().filter(|it| it.reason == Reason::CanBeHadAgain).collect();
    assert_eq!(again.len(), 3, "its record, itself and its layer: {again:?}");
    let Kept { images, steps: cache, recent } = all.kept;
    assert_eq!((all.over_budget, recent), (images + cache, 0));
    assert_eq!(total - all.freed(), all.over_budget);
    world.store.collect(&all, &Monitor::silent()).unwrap();
    assert_eq!(world.store.resolve("mirrored/x", "1").unwrap(), None);
    assert_eq!(world.store.resolve("app", "1").unwrap(), Some(image));
}

#[test]
fn usage_tells_what_is_shared_from_what_one_image_alone_needs() {
    let world = World::new();
    let (shared, own, other) = (world.blob("shared"), world.blob("own"), world.blob("other-"));
    let (one, two) = (world.manifest(&[&shared, &own]), world.manifest(&[&shared, &other]));
    world.store.tag("app", "1", &one).unwrap();
    world.store.tag("app", "2", &two).unwrap();
    world.blob("orphan");
    let cached = world.blob("cached");
    world.step("step", &json!({ "descriptor": cached, "diff_id": 1 }));
    let usage = world.store.census(&Monitor::silent()).unwrap().usage();
    let row =
        |at: usize| (usage.tags[at].tag.as_deref(), usage.tags[at].total, usage.tags[at].unique);
    let config = 6;
    assert_eq!(row(0), (Some("1"), one.size + config + 9, one.size + 3));
    assert_eq!(row(1), (Some("2"), two.size + config + 12, two.size + 6));
    assert_eq!(usage.unique_to["app"], one.size + two.size + config + 15);
    assert_eq!((usage.unreferenced, usage.step_count), (6, 1));
    let sum = usage.unique_to["app"] + usage.unreferenced + usage.steps;
    assert_eq!(usage.total, sum);
}
