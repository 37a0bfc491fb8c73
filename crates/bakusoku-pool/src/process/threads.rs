//! The thread counts of numerical libraries in a worker: OpenBLAS, MKL and OpenMP.
//!
//! Libraries that are already loaded are set by a call; libraries that a task loads later read the environment variables of
//! the process. Python's `os.environ` is a copy and keeps the user's values.

use std::collections::HashSet;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::memory::shared_state::SharedState;
use super::system::{libraries, loads};

/// What libraries read when they are loaded, and what we and an inner pool read.
const VARIABLES: [&CStr; 7] = [
    c"OMP_NUM_THREADS",
    c"OPENBLAS_NUM_THREADS",
    c"GOTO_NUM_THREADS",
    c"MKL_NUM_THREADS",
    c"BLIS_NUM_THREADS",
    c"VECLIB_MAXIMUM_THREADS",
    c"BAKUSOKU_NUM_THREADS",
];

/// ChunkResult of file names, and functions that such a library may have. OpenMP's holds for the calling thread only.
const LIBRARIES: [(&str, &[&CStr], bool); 6] = [
    (
        "openblas",
        &[
            c"openblas_set_num_threads",
            c"openblas_set_num_threads64_",
            c"scipy_openblas_set_num_threads",
            c"scipy_openblas_set_num_threads64_",
        ],
        true,
    ),
    ("mkl_rt", &[c"MKL_Set_Num_Threads"], true),
    ("flexiblas", &[c"flexiblas_set_num_threads"], true),
    ("libgomp", &[c"omp_set_num_threads"], false),
    ("libomp", &[c"omp_set_num_threads"], false),
    ("libiomp5", &[c"omp_set_num_threads"], false),
];

/// How often a worker looks whether its running task may use more threads, or should use fewer.
const POLL_INTERVAL: rustix::time::Timespec =
    rustix::time::Timespec { tv_sec: 0, tv_nsec: Duration::from_millis(20).as_nanos() as _ };
const STACK: usize = 128 << 10;

type Set = unsafe extern "C" fn(c_int);

#[derive(Debug)]
struct Setter {
    set: Set,
    /// Whether another thread may call it.
    anywhere: bool,
    asleep: Option<OpenBlas>,
}

/// Set to 0, the thread counts of OpenBLAS are set by its own function alone.
const SWITCH: &str = "BAKUSOKU_OPENBLAS_INTERNALS";
/// Releases whose `driver/others/blas_server.c` and `memory.c` are known: in all of them the three variables below are plain
/// `int`s with the meaning that is used here.
const OPENBLAS_RELEASES: std::ops::RangeInclusive<u32> = 20..=31;
/// What these releases name the function that tells their version.
const OPENBLAS_VERSION: [&CStr; 4] =
    [c"openblas_get_config", c"openblas_get_config64_", c"scipy_openblas_get_config", c"scipy_openblas_get_config64_"];

/// What OpenBLAS knows of its threads. After a fork there are none, until a call needs them; its own function would start
/// all that there were in the parent, and each would spin for 2^26 cycles.
#[derive(Debug)]
struct OpenBlas {
    runs: &'static AtomicI32,
    threads: &'static AtomicI32,
    used: &'static AtomicI32,
}

impl OpenBlas {
    fn of(library: *mut c_void) -> Option<OpenBlas> {
        let off = std::env::var_os(SWITCH).is_some_and(|value| value == "0");
        if off || !is_known(&version(library)?) {
            return None;
        }
        let variable = |name: &CStr| {
            // SAFETY: an `int` of a library that stays loaded.
            #[allow(unsafe_code)]
            unsafe {
                let at = libc::dlsym(library, name.as_ptr()).cast::<i32>();
                (!at.is_null()).then(|| AtomicI32::from_ptr(at))
            }
        };
        Some(OpenBlas {
            runs: variable(c"blas_server_avail")?,
            threads: variable(c"blas_num_threads")?,
            used: variable(c"blas_cpu_number")?,
        })
    }

    /// Whether there were none, so that the number is all that had to be set.
    fn set(&self, threads: c_int) -> bool {
        let asleep = self.runs.load(Ordering::Relaxed) == 0;
        if asleep {
            self.threads.store(threads, Ordering::Relaxed);
            self.used.store(threads, Ordering::Relaxed);
        }
        asleep
    }
}

/// As OpenBLAS tells it: `OpenBLAS 0.3.31 …`.
fn version(library: *mut c_void) -> Option<String> {
    type Config = unsafe extern "C" fn() -> *const c_char;
    OPENBLAS_VERSION.iter().find_map(|name| {
        // SAFETY: a function of a library that stays loaded; those of these names return a text that lives as long.
        #[allow(unsafe_code)]
        unsafe {
            let config = std::mem::transmute::<*mut c_void, Option<Config>>(libc::dlsym(library, name.as_ptr()))?;
            let text = config();
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    })
}

/// Whether what is known of OpenBLAS holds for this version.
fn is_known(version: &str) -> bool {
    let Some(release) = version.strip_prefix("OpenBLAS 0.3.") else { return false };
    let digits = release.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().is_ok_and(|release| OPENBLAS_RELEASES.contains(&release))
}

/// The libraries of this process.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    now: usize,
    /// Changed in mid-task.
    meanwhile: Option<usize>,
    /// How many libraries had been loaded when we last looked.
    loads: u64,
    seen: HashSet<CString>,
    setters: Vec<Setter>,
}

impl Threads {
    /// From now on this many. Cheap when nothing changes.
    pub(crate) fn set(&mut self, threads: usize) {
        let loads = loads();
        let same = threads == self.now && self.meanwhile.take().is_none();
        let known = if same { self.setters.len() } else { 0 };
        if loads != self.loads {
            self.loads = loads;
            self.find();
        }
        for setter in &self.setters[known..] {
            setter.call(threads);
        }
        if threads != self.now {
            self.now = threads;
            tell_environment(threads);
        }
    }

    /// Writes the environment anew; the number.
    pub(crate) fn tell(&self) -> usize {
        tell_environment(self.now);
        self.now
    }

    /// In mid-task, from another thread.
    fn change(&mut self, threads: usize) {
        if threads != self.meanwhile.unwrap_or(self.now) {
            self.meanwhile = Some(threads);
            self.setters.iter().filter(|setter| setter.anywhere).for_each(|setter| setter.call(threads));
        }
    }

    fn find(&mut self) {
        for path in libraries() {
            let text = path.to_string_lossy();
            let name = text.rsplit('/').next().unwrap_or_default();
            let Some((_, functions, anywhere)) = LIBRARIES.iter().find(|(part, ..)| name.contains(part)) else {
                continue;
            };
            if !self.seen.insert(path.clone()) {
                continue;
            }
            // SAFETY: gives a handle of a library that is loaded already, and keeps it loaded.
            #[allow(unsafe_code)]
            let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
            if library.is_null() {
                continue;
            }
            for function in *functions {
                // SAFETY: a symbol of a library that stays loaded; all of these take one C int and return nothing.
                #[allow(unsafe_code)]
                let set = unsafe {
                    let symbol = libc::dlsym(library, function.as_ptr());
                    std::mem::transmute::<*mut c_void, Option<Set>>(symbol)
                };
                if let Some(set) = set {
                    self.setters.push(Setter { set, anywhere: *anywhere, asleep: OpenBlas::of(library) });
                }
            }
        }
    }
}

impl Setter {
    fn call(&self, threads: usize) {
        let threads = c_int::try_from(threads).unwrap_or(1);
        if self.asleep.as_ref().is_some_and(|library| library.set(threads)) {
            return;
        }
        // SAFETY: a function of this type in a library that stays loaded.
        #[allow(unsafe_code)]
        unsafe {
            (self.set)(threads);
        }
    }
}

fn tell_environment(threads: usize) {
    let Ok(value) = CString::new(threads.to_string()) else { return };
    for name in VARIABLES {
        // SAFETY: between two tasks nobody else of this process reads or writes the environment.
        #[allow(unsafe_code)]
        unsafe {
            libc::setenv(name.as_ptr(), value.as_ptr(), 1);
        }
    }
}

/// Follows what the owner says while a task runs, from now to the end of the process.
pub(crate) fn follow(shared_state: SharedState, threads: Arc<Mutex<Threads>>) -> std::io::Result<()> {
    let builder = std::thread::Builder::new().name("bakusoku-threads".into()).stack_size(STACK);
    let blocked = super::signals::SignalMaskGuard::all();
    #[allow(clippy::disallowed_methods)] // This is the place.
    builder.spawn(move || {
        loop {
            let _ = rustix::thread::nanosleep(&POLL_INTERVAL);
            // Under the lock, so that what was said for one task is not done in the next.
            let mut threads = threads.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(wanted) = shared_state.elastic() {
                threads.change(wanted);
                shared_state.set_took(wanted);
            }
        }
    })?;
    drop(blocked);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_releases_that_are_known_are_touched() {
        assert!(is_known("OpenBLAS 0.3.31.188.0  USE64BITINT DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64"));
        assert!(is_known("OpenBLAS 0.3.20 DYNAMIC_ARCH"));
        for other in ["OpenBLAS 0.3.99", "OpenBLAS 0.4.1", "OpenBLAS 0.3", "BLIS 0.3.31", ""] {
            assert!(!is_known(other), "{other}");
        }
    }

    #[test]
    fn libraries_are_seen_and_looked_at_once() {
        assert!(loads() > 0);
        assert!(libraries().iter().any(|path| path.to_string_lossy().contains("lib")));
        let mut threads = Threads::default();
        threads.set(3);
        let found = threads.setters.len();
        threads.find();
        assert_eq!((threads.now, threads.setters.len()), (3, found));
        assert_eq!(std::env::var("OMP_NUM_THREADS").as_deref(), Ok("3"));
    }
}
