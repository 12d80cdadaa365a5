//! The contract of kube-helm as a table: a request, the status and the words of its answer.
//!
//! It runs against the sandbox, as every release of the platform and with each fault. With the
//! address of a real kube-helm in `EDK_KUBE_HELM_URL` (such as `http://host:5000`, whose folder of
//! extensions should be empty) it runs against that as well, as the release in
//! `EDK_KUBE_HELM_PROFILE`. Which faults it saw there is written to `contract-real.txt` in the folder
//! of the build for temporary files; against the sandbox they have to be those that are on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

mod faults;
mod table;
mod world;

use edk_sandbox::{Faults, Profile};
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_keeps_the_contract_without_faults() {
    for profile in Profile::ALL {
        let world = World::sandbox(profile, Faults::default()).await;
        table::check(&world, profile, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_keeps_the_contract_with_all_faults() {
    for profile in Profile::ALL {
        let world = World::sandbox(profile, world::quick(Faults::strict())).await;
        table::check(&world, profile, true).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faults_that_are_seen_are_those_that_are_on() {
    let one = |name: &'static str| async move {
        let mut faults = Faults::default();
        faults.switch_on(name);
        if faults.install_timeout.is_some() {
            faults.install_timeout = Some(std::time::Duration::ZERO);
        }
        faults.list_cache = faults.list_cache.map(|_| std::time::Duration::from_secs(3));
        let world = World::sandbox(Profile::V06, faults).await;
        // Some can be seen only from elsewhere.
        let expected = faults::SEEN.iter().filter(|seen| **seen == name).copied();
        assert_eq!(faults::seen(&world).await, expected.collect::<Vec<_>>(), "{name}");
    };
    let names = Faults::ALL.iter().map(|fault| fault.name).chain(["none"]);
    let all: Vec<_> = names.map(|name| tokio::spawn(one(name))).collect();
    for check in all {
        check.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_kube_helm_keeps_the_contract() {
    // The test's own switch: without an address there is nothing real to be asked.
    let Ok(url) = std::env::var("EDK_KUBE_HELM_URL") else { return };
    let profile = std::env::var("EDK_KUBE_HELM_PROFILE").unwrap_or_default();
    let profile = Profile::named(&profile).unwrap_or_default();
    let world = World::real(&url);
    let seen = faults::seen(&world).await;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract-real.txt");
    std::fs::write(path, seen.join("\n")).unwrap();
    table::check(&world, profile, seen.contains(&"terse")).await;
}
