//! Archives of unknown origin, and the small texts that name things.

use std::fs;

use edk_archive::Limits;
use edk_model::{Digest, Glob, Monitor, Reference, names as check};
use serde_json::Value;

use crate::tars;

/// A tar -> a folder; nothing but that folder comes of it.
pub(super) fn unpack(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("dest");
    let limits = Limits { total_bytes: 1 << 20, entries: 1000 };
    let unpacked = edk_archive::unpack(&tars::mended(data)[..], &dest, &limits, &Monitor::silent());
    let beside = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
    let beside: Vec<_> = beside.collect();
    match unpacked {
        Ok(_) => assert_eq!(beside, ["dest"], "something lies beside the folder"),
        Err(_) => assert!(beside.is_empty(), "something is left: {beside:?}"),
    }
}

/// Names of images, tags, versions and patterns, a line each.
pub(super) fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.lines();
    let other = lines.next().unwrap_or_default();
    for line in lines {
        if let Ok(reference) = line.parse::<Reference>() {
            let again: Reference = reference.to_string().parse().unwrap();
            assert_eq!(
                again.to_string(),
                reference.to_string(),
                "a name changes when it is read again"
            );
            let _ = (reference.local_only(), reference.with_tag("x"), reference.tag_or_latest());
        }
        if let Ok(digest) = line.parse::<Digest>() {
            assert_eq!(digest.to_string(), line, "a digest is not the text it was read of");
        }
        if let Ok(glob) = Glob::parse(line) {
            let _ = glob.matches(other);
        }
        let _ = (check::dns_label(line, 63), check::image_name(line), check::repository(line));
        let _ = (check::tag(line), check::plain_version(line), check::is_this_machine(line));
        let _ = edk_chart::platform::compare_versions(line, other);
        let _ = edk_chart::platform::check_names(line, other);
        let _ = edk_chart::platform::chart_file(line);
        let _ = line.parse::<edk_chart::platform::Platform>();
        let _ = edk_chart::platform::escape_body(&Value::String(line.to_owned()));
    }
}
