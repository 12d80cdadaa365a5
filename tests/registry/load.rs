//! Many clients, a collection that never rests, and a server that is killed again and again.

use std::{
    collections::BTreeSet,
    fs, io,
    sync::{
        Mutex, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use edk_model::Digest;
use edk_testkit::{Signal, TestEnv, verify_store, wait_until};

use crate::client::{Image, noise, serve};

const CLIENTS: usize = 32;
const IMAGES: usize = 200;
const KILLS: usize = 20;

/// Image number `at`: three of ten shared layers, and one of its own.
fn image(at: usize, draft: bool) -> Image {
    let shared = (0..3).map(|n| noise(((at + n * 3) % 10) as u64, 50_000 + n));
    let own = noise(1000 + at as u64 * 2 + u64::from(draft), 20_000);
    Image::new(shared.chain([own]).collect())
}

fn name(at: usize) -> (String, String) {
    (format!("team-{}/app", at % 7), format!("v{at}"))
}

/// Repeats what a client does until the registry, which may be down just now, has taken part.
fn insist<T>(what: &str, mut attempt: impl FnMut() -> io::Result<Option<T>>) -> T {
    let mut done = None;
    wait_until(what, 50, || {
        done = attempt().unwrap_or(None);
        done.is_some()
    });
    done.unwrap()
}

#[test]
fn every_acknowledged_push_survives_kills_and_collections_and_no_orphan_stays() {
    let env = TestEnv::new();
    let (mut server, address) = serve(&env, 0);
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let (next, finished) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (acked, acks) = (RwLock::new(Vec::new()), Mutex::new(Vec::new()));
    let (sender, receiver) = mpsc::channel();
    acks.lock().unwrap().extend((0..CLIENTS).map(|_| sender.clone()));
    drop(sender);
    let client = || {
        let sender = acks.lock().unwrap().pop().unwrap();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= IMAGES {
                return;
            }
            let (repository, tag) = name(at);
            // A draft under the same tag, so that there is something to collect.
            for draft in [true, false] {
                let image = image(at, draft);
                let push = || Ok(image.push(&address, &repository, &tag)?.then_some(()));
                insist("a push", push);
            }
            acked.write().unwrap().push(at);
            sender.send(()).unwrap();
            let some = {
                let acked = acked.read().unwrap();
                acked[at * 7919 % acked.len()]
            };
            let (repository, tag) = name(some);
            insist("a pull", || image(some, false).check(&address, &repository, &tag).map(Some));
        }
    };
    let collector = || {
        while !finished.load(Ordering::Relaxed) {
            env.edk(&["registry", "gc", "--grace", "0", "--quiet"]).exits(0);
        }
    };
    thread::scope(|scope| {
        let collecting = scope.spawn(collector);
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let mut count = 0;
        for () in &receiver {
            count += 1;
            if count % (IMAGES / KILLS) == 0 {
                server.signal(Signal::SIGKILL);
                // Its port is free only when it is gone.
                wait_until("the end of the server", 10, || !server.runs());
                server = serve(&env, port).0;
            }
        }
        let broken = clients.into_iter().filter_map(|client| client.join().err()).count();
        finished.store(true, Ordering::Relaxed);
        collecting.join().unwrap();
        assert_eq!((count, broken), (IMAGES, 0));
    });
    for at in 0..IMAGES {
        let (repository, tag) = name(at);
        image(at, false).check(&address, &repository, &tag).unwrap();
    }
    drop(server);
    env.edk(&["registry", "gc", "--grace", "0"]).exits(0);
    let store = env.state().join("store");
    verify_store(&store);
    let list = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(store.join(folder)).unwrap();
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    };
    let images: Vec<Image> = (0..IMAGES).map(|at| image(at, false)).collect();
    let blobs = images.iter().flat_map(|it| it.blobs.iter().chain([&it.manifest]));
    let expected: BTreeSet<String> = blobs.map(|blob| Digest::of(blob).hex()).collect();
    assert_eq!(list("blobs/sha256"), expected);
    assert_eq!((list("incoming").len(), list("leases").len()), (0, 0));
}
