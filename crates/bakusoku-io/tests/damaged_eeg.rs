//! EEG recordings that are broken in any way are an error or a result, in bounded memory: cut at every hundredth, each field
//! of a header changed, and some thousand more. For hours of it see `fuzz/README.md`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../../fuzz/chance.rs"]
mod chance;
#[path = "../../../fuzz/eeg/exercise.rs"]
mod exercise;
#[path = "../../../fuzz/fiff/guard.rs"]
mod guard;
#[path = "../../../fuzz/eeg/mutate.rs"]
mod mutate;
#[path = "../../../fuzz/pieces.rs"]
mod pieces;
#[path = "../../../fuzz/eeg/seeds.rs"]
mod seeds;

use std::path::Path;

#[global_allocator]
static GUARD: guard::Guard = guard::Guard;

/// Reads `bytes` in every way; `name` is what a failure names.
fn read(bytes: &[u8], folder: &Path, name: &str) {
    let path = exercise::unpack(bytes, folder).unwrap();
    let outcome = std::panic::catch_unwind(|| guard::most_held(|| exercise::everything(&path)));
    let most = outcome.unwrap_or_else(|_| panic!("{name} panicked, see above"));
    assert!(most <= exercise::allowed(bytes.len()), "{name}: {most} bytes were held at once for {}", bytes.len());
}

// One test: memory is counted for the process as a whole.
#[test]
fn broken_files_are_an_error_or_a_result() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    for (name, bytes) in seeds::all() {
        assert!(bakusoku_io::open(exercise::unpack(&bytes, folder.path()).unwrap()).is_ok(), "{name}");
        for part in 0..100 {
            let len = bytes.len() * part / 100;
            read(&bytes[..len], folder.path(), &format!("{name}, cut to {len} bytes,"));
        }
        // Every byte of the header, made a digit, a space, a letter and a zero.
        for at in (0..bytes.len().min(256 * 6)).step_by(3) {
            for byte in [b'9', b' ', b'-', 0] {
                let mut broken = bytes.clone();
                broken[at] = byte;
                read(&broken, folder.path(), &format!("{name}, byte {at} made {byte:#04x},"));
            }
        }
        for seed in 0..1000 {
            let mut broken = bytes.clone();
            mutate::mutate(&mut broken, &mut chance::Chance(seed));
            read(&broken, folder.path(), &format!("{name}, broken with seed {seed},"));
        }
    }
}
