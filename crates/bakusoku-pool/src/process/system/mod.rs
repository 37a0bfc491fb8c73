//! The platform layer: polling, processes, sockets, shared memory.
//!
//! Linux has the best calls, and falls back to the portable ones at run time. The portable layer is for macOS, and is tested
//! on Linux too: `RUSTFLAGS="--cfg bakusoku_portable" cargo test -p bakusoku-pool`.

mod libraries;
pub(super) mod limits;
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
mod linux;
mod named;
#[cfg(not(all(target_os = "linux", not(bakusoku_portable))))]
mod portable;
mod process_tree;

pub(super) use libraries::{libraries, loads};
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
pub(super) use linux::*;
#[cfg(not(all(target_os = "linux", not(bakusoku_portable))))]
pub(super) use portable::*;
pub(super) use process_tree::{TreeProcess, descendants, kill_tree};

use super::chunk::Exit;

/// How a child of this process ended, which nobody knows from then on; `None` when it has not, or is not ours.
fn reap(pid: i32, wait: bool) -> Option<Exit> {
    loop {
        let mut status = 0;
        // SAFETY: plain data that the call fills in.
        #[allow(unsafe_code)]
        let (ended, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let how = if wait { 0 } else { libc::WNOHANG };
            (libc::wait4(pid, &raw mut status, how, &raw mut usage), usage)
        };
        if ended == pid {
            // getrusage(2): bytes on macOS, KiB elsewhere.
            let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
            return Some(Exit::from_status(status, usage.ru_maxrss.unsigned_abs() * unit));
        }
        let again = ended < 0 && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted;
        if !again {
            return None;
        }
    }
}

/// Files that may become ready in one turn; the rest in the next.
pub(super) const EVENTS: usize = 64;
