//! The store over a real folder.
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};

use edk_model::{Digest, media};
use edk_store::{Store, StoreError};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    (folder, store)
}

#[test]
fn a_blob_appears_only_when_it_is_complete() {
    let (_folder, store) = store();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"hello").unwrap();
    let digest = Digest::of(b"hello");
    assert_eq!(store.size(&digest), None);
    let descriptor = writer.commit(media::LAYER).unwrap();
    assert_eq!((descriptor.digest, descriptor.size), (digest, 5));
    let mut text = String::new();
    store.reader(&digest).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn bytes_of_another_digest_are_refused_and_not_kept() {
    let (_folder, store) = store();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"hello").unwrap();
    let wrong = Digest::of(b"other");
    let error = writer.commit_as(&wrong, media::LAYER).unwrap_err();
    assert!(matches!(error, StoreError::Mismatch { .. }));
    assert_eq!(store.size(&Digest::of(b"hello")), None);
    assert_eq!(std::fs::read_dir(store.root().join("incoming")).unwrap().count(), 0);
}

#[test]
fn a_damaged_blob_is_noticed_and_can_be_replaced() {
    let (_folder, store) = store();
    let descriptor = store.put(media::CONFIG, b"{}").unwrap();
    let path = store.root().join("blobs/sha256").join(descriptor.digest.hex());
    std::fs::write(&path, b"[]").unwrap();
    assert!(matches!(store.read(&descriptor.digest), Err(StoreError::Corrupt(_))));
    std::fs::write(&path, b"[]").unwrap();
    assert!(matches!(store.verify(&descriptor.digest), Err(StoreError::Corrupt(_))));
    store.put(media::CONFIG, b"{}").unwrap();
    store.verify(&descriptor.digest).unwrap();
}

#[test]
fn tags_name_manifests_and_can_be_taken_away() {
    let (_folder, store) = store();
    let one = store.put(media::MANIFEST, b"{\"one\":1}").unwrap();
    let two = store.put(media::MANIFEST, b"{\"two\":2}").unwrap();
    store.tag("group/image", "1", &one).unwrap();
    store.tag("group/image", "2", &two).unwrap();
    store.tag("image", "1", &one).unwrap();
    assert_eq!(store.repositories().unwrap(), ["group/image", "image"]);
    assert_eq!(store.tags("group/image").unwrap(), ["1", "2"]);
    assert_eq!(store.resolve("group/image", "2").unwrap(), Some(two.clone()));
    assert!(store.untag("group/image", "2").unwrap());
    assert!(!store.untag("group/image", "2").unwrap());
    assert_eq!(store.manifest("group/image", &two.digest).unwrap(), Some(two));
    assert!(store.remove_manifest("group/image", &one.digest).unwrap());
    assert_eq!(store.tags("group/image").unwrap(), [""; 0]);
}

#[test]
fn the_manifests_of_a_repository_are_listed_with_or_without_a_tag() {
    let (_folder, store) = store();
    let tagged = store.put(media::MANIFEST, b"{\"one\":1}").unwrap();
    let untagged = store.put(media::INDEX, b"{\"two\":2}").unwrap();
    store.tag("group/image", "1", &tagged).unwrap();
    store.add_manifest("group/image", &untagged).unwrap();
    let mut expected = vec![tagged.clone(), untagged];
    expected.sort_by_key(|descriptor| descriptor.digest);
    assert_eq!(store.manifests("group/image").unwrap(), expected);
    assert_eq!(store.manifests("group").unwrap(), []);
    store.remove_manifest("group/image", &tagged.digest).unwrap();
    assert_eq!(store.manifests("group/image").unwrap().len(), 1);
}

#[test]
fn names_that_would_leave_the_store_are_refused() {
    let (_folder, store) = store();
    let manifest = store.put(media::MANIFEST, b"{}").unwrap();
    for repository in ["../x", "a/../b", "_tags", "/a", ""] {
        assert!(store.tag(repository, "1", &manifest).is_err(), "{repository}");
    }
    for tag in ["..", "a/b", ""] {
        assert!(store.tag("a", tag, &manifest).is_err(), "{tag}");
    }
}

#[test]
fn a_sweep_removes_what_a_dead_writer_left_and_spares_a_live_one() {
    let (_folder, store) = store();
    let left = store.root().join("incoming/left-behind");
    std::fs::write(&left, b"half").unwrap();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"whole").unwrap();
    store.sweep().unwrap();
    assert!(!left.exists());
    writer.commit(media::LAYER).unwrap();
    assert!(store.size(&Digest::of(b"whole")).is_some());
}

#[test]
fn a_build_step_is_found_again_by_its_key() {
    let (_folder, store) = store();
    let key = Digest::of(b"step");
    assert_eq!(store.step::<u32>(&key), None);
    store.put_step(&key, &7_u32).unwrap();
    assert_eq!(store.step::<u32>(&key), Some(7));
}

#[test]
fn what_was_cut_goes_on_where_it_stopped_and_is_kept_only_when_it_is_right() {
    let (_folder, store) = store();
    let digest = Digest::of(b"hello");
    let cut = |bytes: &[u8]| {
        let mut writer = store.resume(&digest).unwrap();
        let before = writer.size();
        writer.write_all(bytes).unwrap();
        before
    };
    assert_eq!((cut(b"he"), cut(b"l")), (0, 2));
    store.sweep().unwrap();
    // While one works on it, another begins apart, and either may finish.
    let mut first = store.resume(&digest).unwrap();
    let mut second = store.resume(&digest).unwrap();
    assert_eq!((first.size(), second.size()), (3, 0));
    second.write_all(b"hello").unwrap();
    second.commit_as(&digest, media::LAYER).unwrap();
    first.write_all(b"lo").unwrap();
    first.commit_as(&digest, media::LAYER).unwrap();
    store.verify(&digest).unwrap();
    let left = || std::fs::read_dir(store.root().join("partial")).unwrap().count();
    assert_eq!(left(), 0);
    // What turns out to be wrong is not gone on with.
    store.remove(&digest).unwrap();
    cut(b"wrong");
    let wrong = store.resume(&digest).unwrap();
    assert!(matches!(wrong.commit_as(&digest, media::LAYER), Err(StoreError::Mismatch { .. })));
    assert_eq!((left(), store.resume(&digest).unwrap().size()), (0, 0));
}

#[test]
fn a_collection_takes_what_was_cut_and_what_nobody_works_on() {
    use std::time::Duration;
    let (_folder, store) = store();
    let collect = |grace| {
        let rules =
            edk_store::Rules { grace, budget: None, keep_untagged: &[], can_be_had_again: &[] };
        let monitor = edk_model::Monitor::silent();
        let plan = store.census(&monitor).unwrap().plan(rules);
        (plan.removals.len(), store.collect(&plan, &monitor).unwrap().freed)
    };
    let digest = Digest::of(b"hello");
    store.resume(&digest).unwrap().write_all(b"he").unwrap();
    assert_eq!(collect(Duration::from_secs(3600)), (0, 0));
    let writer = store.resume(&digest).unwrap();
    assert_eq!(collect(Duration::ZERO).1, 0, "somebody works on it");
    drop(writer);
    assert_eq!(collect(Duration::ZERO), (1, 2));
}
