//! Reads broken sets of EEGLAB. See `fuzz/README.md`.
#![no_main]

#[path = "../binary.rs"]
mod binary;
#[path = "../chance.rs"]
mod chance;
#[path = "../eeglab/exercise.rs"]
mod exercise;
#[path = "../fiff/guard.rs"]
mod guard;
#[path = "../eeglab/mat.rs"]
mod mat;
#[path = "../pieces.rs"]
mod pieces;
#[path = "../eeglab/seeds.rs"]
mod seeds;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::path::Path;
use std::sync::LazyLock;

#[global_allocator]
static GUARD: guard::Guard = guard::Guard;

/// A folder in memory.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    tempfile::Builder::new().prefix("bakusoku-fuzz-").tempdir_in("/dev/shm").expect("/dev/shm is there")
});

/// Sound files, where the fuzzer looks for files to start from.
fn plant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/eeglab");
    std::fs::create_dir_all(&corpus).expect("the folder can be made");
    for (name, bytes) in seeds::all() {
        std::fs::write(corpus.join(name), bytes).expect("the folder can be written");
    }
}

fuzz_target!(init: plant(), |data: &[u8]| {
    let path = exercise::unpack(data, FOLDER.path()).expect("the folder can be written");
    let most = guard::most_held(|| exercise::everything(&path));
    assert!(most <= exercise::allowed(data), "{most} bytes were held at once for {} bytes", data.len());
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut chance = chance::Chance(seed.into());
    if chance.below(4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    binary::mutate(&mut bytes, &mut chance, 124, 4);
    bytes.truncate(max_size);
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
});
