//! Every target over its seeds, over what once failed, and over seeds that were changed: a sample of
//! what `scripts/fuzz` does for hours, the same one every time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    fs, panic,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use edk_fuzz::{TARGETS, Target};

/// How many changed seeds each target gets.
const CHANGED: usize = 150;

/// Panics of all threads: some rooms answer for a thread that dies.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Numbers without order that are the same every time (Marsaglia, "Xorshift RNGs").
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % most.max(1)
    }

    fn range(&mut self, data: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(data.len());
        start..start + self.below((data.len() - start).min(64) + 1)
    }

    /// Returns a seed with a few changes, or parts of two.
    fn changed(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut data = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let range = self.range(&data);
            match self.below(6) {
                0 => data.truncate(range.start),
                1 => drop(data.drain(range)),
                2 => {
                    let part = data[range].to_vec();
                    let at = self.below(data.len() + 1);
                    data.splice(at..at, part);
                }
                3 => {
                    if let Some(byte) = data.get_mut(range.start) {
                        *byte = u8::try_from(self.below(256)).unwrap();
                    }
                }
                4 => {
                    let signs = b"\0\n\"'{}[]()$-: \\%\xff\xe4/.*&!|>#";
                    data.insert(range.start, signs[self.below(signs.len())]);
                }
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    let part = other[self.range(other)].to_vec();
                    data.splice(range, part);
                }
            }
        }
        data
    }
}

fn check(target: &Target, data: &[u8]) {
    let before = PANICS.load(Ordering::SeqCst);
    let ended = panic::catch_unwind(|| (target.run)(data));
    let panicked = ended.is_err() || PANICS.load(Ordering::SeqCst) > before;
    assert!(!panicked, "{}: {:?}", target.name, String::from_utf8_lossy(data));
}

/// What once broke a target, as far as it is text.
fn failures(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures").join(target.name);
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_target_takes_what_it_gets() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        if !edk_fuzz::is_known(what) {
            PANICS.fetch_add(1, Ordering::SeqCst);
            tell(what);
        }
    }));
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for data in seeds.iter().chain(&failures(target)) {
            check(target, data);
        }
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..CHANGED {
            check(target, &dice.changed(&seeds));
        }
    }
}
