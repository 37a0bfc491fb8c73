//! Reads broken FIFF files in every way there is. See `fuzz/README.md`.
#![no_main]

#[path = "../chance.rs"]
mod chance;
#[path = "../fiff/exercise.rs"]
mod exercise;
#[path = "../fiff/guard.rs"]
mod guard;
#[path = "../fiff/mutate.rs"]
mod mutate;
#[path = "../pieces.rs"]
mod pieces;
#[path = "../fiff/seeds.rs"]
mod seeds;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[global_allocator]
static GUARD: guard::Guard = guard::Guard;

/// Two folders in memory: of the file, under two names (a recording may say that it goes on in the other one), and of
/// what is written.
static FOLDERS: LazyLock<(tempfile::TempDir, tempfile::TempDir)> = LazyLock::new(|| {
    let folder =
        || tempfile::Builder::new().prefix("bakusoku-fuzz-").tempdir_in("/dev/shm").expect("/dev/shm is there");
    let (input, scratch) = (folder(), folder());
    std::fs::write(input.path().join("input.fif"), []).expect("the folder can be written");
    std::fs::hard_link(input.path().join("input.fif"), input.path().join("input-1.fif")).expect("as before");
    (input, scratch)
});

/// Sound files, where the fuzzer looks for files to start from.
fn plant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/fiff");
    std::fs::create_dir_all(&corpus).expect("the folder can be made");
    seeds::write(&corpus).expect("the folder can be written");
}

fuzz_target!(init: plant(), |data: &[u8]| {
    let path: PathBuf = FOLDERS.0.path().join("input.fif");
    std::fs::write(&path, data).expect("the folder can be written");
    let most = guard::most_held(|| exercise::everything(&path, FOLDERS.1.path()));
    assert!(most <= exercise::allowed(data.len()), "{most} bytes were held at once for {} bytes", data.len());
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut chance = chance::Chance(seed.into());
    if chance.below(4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    mutate::mutate(&mut bytes, &mut chance);
    bytes.truncate(max_size);
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
});
