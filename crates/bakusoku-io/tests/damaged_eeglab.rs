//! Sets of EEGLAB that are broken in any way are an error or a result, in bounded memory: cut at every hundredth, each word
//! changed, and some thousand more. For hours of it see `fuzz/README.md`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr)]

#[path = "../../../fuzz/binary.rs"]
mod binary;
#[path = "../../../fuzz/chance.rs"]
mod chance;
#[path = "../../../fuzz/eeglab/exercise.rs"]
mod exercise;
#[path = "../../../fuzz/fiff/guard.rs"]
mod guard;
#[path = "../../../fuzz/eeglab/mat.rs"]
mod mat;
#[path = "../../../fuzz/pieces.rs"]
mod pieces;
#[path = "../../../fuzz/eeglab/seeds.rs"]
mod seeds;

use std::path::Path;

#[global_allocator]
static GUARD: guard::Guard = guard::Guard;

/// Reads `bytes` in every way; `name` is what a failure names.
fn read(bytes: &[u8], folder: &Path, name: &str) {
    let path = exercise::unpack(bytes, folder).unwrap();
    let outcome = std::panic::catch_unwind(|| guard::most_held(|| exercise::everything(&path)));
    let most = outcome.unwrap_or_else(|_| panic!("{name} panicked, see above"));
    assert!(most <= exercise::allowed(bytes), "{name}: {most} bytes were held at once for {}", bytes.len());
}

// One test: memory is counted for the process as a whole.
#[test]
fn broken_sets_are_an_error_or_a_result() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    for (name, bytes) in seeds::all() {
        for part in 0..100 {
            let len = bytes.len() * part / 100;
            read(&bytes[..len], folder.path(), &format!("{name}, cut to {len} bytes,"));
        }
        // Every word of the header, types, sizes, dimensions and values.
        for at in (0..bytes.len().min(6144) - 4).step_by(4) {
            for word in [0, 0x0003_0005, i32::MAX as u32, u32::MAX] {
                let mut broken = bytes.clone();
                broken[at..at + 4].copy_from_slice(&u32::to_le_bytes(word));
                read(&broken, folder.path(), &format!("{name}, word {at} made {word:#x},"));
            }
        }
        for seed in 0..500 {
            let mut broken = bytes.clone();
            binary::mutate(&mut broken, &mut chance::Chance(seed), 124, 4);
            read(&broken, folder.path(), &format!("{name}, broken with seed {seed},"));
        }
    }
}
