//! CTF folders that are broken in any way are an error or a result, in bounded memory: each file cut at every hundredth, each
//! word of the header changed, and some thousand more. For hours of it see `fuzz/README.md`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../../../fuzz/binary.rs"]
mod binary;
#[path = "../../../fuzz/chance.rs"]
mod chance;
#[path = "../../../fuzz/ctf/exercise.rs"]
mod exercise;
#[path = "../../../fuzz/fiff/guard.rs"]
mod guard;
#[path = "../../../fuzz/pieces.rs"]
mod pieces;
#[path = "../../../fuzz/ctf/seeds.rs"]
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
fn broken_folders_are_an_error_or_a_result() {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let files = seeds::files();
    for (index, name) in seeds::ENDINGS.iter().enumerate() {
        for part in 0..100 {
            let mut cut = files.clone();
            let len = cut[index].len() * part / 100;
            cut[index].truncate(len);
            read(&cut.join(exercise::BETWEEN), folder.path(), &format!("{name}, cut to {len} bytes,"));
        }
    }
    let all = exercise::sound();
    // Numbers of two, four and eight bytes: settings, names, the first channel's record, and the start of compensation.
    let compensation = files[0].len() - 4 * 1992;
    for at in (0..3500).chain(compensation - 2..compensation + 80).step_by(2) {
        for word in [[0; 8], [0xff; 8], [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], [0x7f, 0xf8, 0, 0, 0, 0, 0, 0]] {
            for len in [2, 4, 8] {
                let mut broken = all.clone();
                broken[at..at + len].copy_from_slice(&word[..len]);
                read(&broken, folder.path(), &format!("{len} bytes from {at} made {word:?}"));
            }
        }
    }
    for seed in 0..3000 {
        let mut broken = all.clone();
        binary::mutate(&mut broken, &mut chance::Chance(seed), 0, 2);
        read(&broken, folder.path(), &format!("broken with seed {seed}"));
    }
}
