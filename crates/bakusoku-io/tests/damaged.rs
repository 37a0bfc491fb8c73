//! Files that are broken in any way are an error or a result, in bounded memory: those that fuzzing found, kept in
//! `tests/damaged/`, and some thousand more, broken in the same way each time. For hours of it see `fuzz/README.md`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../../fuzz/chance.rs"]
mod chance;
#[path = "../../../fuzz/fiff/exercise.rs"]
mod exercise;
#[path = "../../../fuzz/fiff/guard.rs"]
mod guard;
#[path = "../../../fuzz/fiff/mutate.rs"]
mod mutate;
#[path = "../../../fuzz/pieces.rs"]
mod pieces;
#[path = "../../../fuzz/fiff/seeds.rs"]
mod seeds;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static GUARD: guard::Guard = guard::Guard;

/// Memory is counted for the process as a whole: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A folder in memory, where there is one: thousands of small files are written.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Reads `bytes` in every way; `name` is what a failure names.
fn read(bytes: &[u8], folder: &Path, name: &str) {
    let path = folder.join("input.fif");
    std::fs::write(&path, bytes).unwrap();
    std::fs::copy(&path, folder.join("input-1.fif")).unwrap();
    let outcome = std::panic::catch_unwind(|| guard::most_held(|| exercise::everything(&path, folder)));
    let most = outcome.unwrap_or_else(|_| panic!("{name} panicked, see above"));
    assert!(most <= exercise::allowed(bytes.len()), "{name}: {most} bytes were held at once for {}", bytes.len());
}

#[test]
fn what_fuzzing_found_stays_fixed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let temp = folder();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/damaged")) {
        read(&std::fs::read(&path).unwrap(), temp.path(), &path.display().to_string());
    }
}

#[test]
fn broken_files_are_an_error_or_a_result() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (temp, sound) = (folder(), folder());
    seeds::write(sound.path()).unwrap();
    for path in files(sound.path()) {
        let bytes = std::fs::read(&path).unwrap();
        for len in (0..bytes.len()).step_by(97) {
            read(&bytes[..len], temp.path(), &format!("{}, cut to {len} bytes,", path.display()));
        }
        for seed in 0..200 {
            let mut broken = bytes.clone();
            mutate::mutate(&mut broken, &mut chance::Chance(seed));
            read(&broken, temp.path(), &format!("{}, broken with seed {seed},", path.display()));
        }
    }
}
