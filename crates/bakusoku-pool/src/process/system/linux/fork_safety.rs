//! Whether a fork of this process is as safe as that of a single-threaded one.
//!
//! Threads do not exist in a fork, and locks that they held stay locked. OpenBLAS ends its threads before each fork and
//! starts new ones on demand; our own threads hold no lock that a child uses. Nothing is known of any other thread.

use std::ffi::{CStr, c_int, c_void};
use std::time::Duration;

use super::super::libraries;

/// How many threads OpenBLAS has, the caller among them, by the names that its builds give this function.
const GETTERS: [&CStr; 4] = [
    c"openblas_get_num_threads",
    c"openblas_get_num_threads64_",
    c"scipy_openblas_get_num_threads",
    c"scipy_openblas_get_num_threads64_",
];

/// Whether all other threads of this process are known not to mind a fork.
pub(in crate::process) fn fork_is_safe() -> bool {
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    // A thread of ours that has just begun may not have its name yet.
    for pause in [0, 100, 200, 400, 800, 1600, 3200] {
        std::thread::sleep(Duration::from_micros(pause));
        let Some(others) = others(own) else { return false };
        if others == 0 || others == openblas() {
            return true;
        }
    }
    false
}

/// Threads that are neither the caller nor ours; `None` where the system does not say.
fn others(own: i32) -> Option<usize> {
    let mut found = 0;
    for entry in fs_err::read_dir("/proc/self/task").ok()? {
        let entry = entry.ok()?;
        if entry.file_name().to_str()?.parse() == Ok(own) {
            continue;
        }
        match fs_err::read_to_string(entry.path().join("comm")) {
            Ok(name) if name.starts_with("bakusoku") => {}
            Ok(_) => found += 1,
            // It has ended meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    Some(found)
}

fn openblas() -> usize {
    type Get = unsafe extern "C" fn() -> c_int;
    let mut threads = 0;
    for path in libraries() {
        if !path.to_string_lossy().rsplit('/').next().is_some_and(|name| name.contains("openblas")) {
            continue;
        }
        // SAFETY: gives a handle of a library that is loaded already, and keeps it loaded; functions of this type in it.
        #[allow(unsafe_code)]
        let here = unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD);
            if library.is_null() {
                continue;
            }
            let mut found = GETTERS.iter().filter_map(|getter| {
                std::mem::transmute::<*mut c_void, Option<Get>>(libc::dlsym(library, getter.as_ptr()))
            });
            found.next().map_or(1, |get| get())
        };
        threads += usize::try_from(here).unwrap_or(0).saturating_sub(1);
    }
    threads
}
