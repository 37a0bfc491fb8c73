//! What this process may use: [`Budget`], found and not guessed.
//!
//! - **cores**: the least of CPU affinity, cgroup quota (rounded up) and `SLURM_CPUS_PER_TASK`;
//!   `BAKUSOKU_NUM_THREADS` wins over these, an argument over all. `OMP_NUM_THREADS` and its kin say nothing about
//!   cores: half the field exports `OMP_NUM_THREADS=1` to keep BLAS quiet.
//! - **memory**: 80 % of the least of `MemAvailable`, cgroup limit, `SLURM_MEM_PER_NODE` and `SLURM_MEM_PER_CPU`;
//!   `BAKUSOKU_MEMORY` and an argument are taken as they are.
//! - **disk**: 90 % of what is free where spill files go.

mod cgroup;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Bytes, Need, PoolError, SpillDir};

/// The rest is for the file cache, the other programs, and what no estimate counts.
const SHARE_OF_MEMORY: f64 = 0.8;
const SHARE_OF_DISK: f64 = 0.9;

/// Assumed where the system does not say what memory is available.
const UNKNOWN_MEMORY: Bytes = Bytes(4_000_000_000);

/// Cores, memory and disk for everything that runs in one [`Pool`](crate::Pool).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Budget {
    /// How many threads compute at once.
    pub cores: usize,
    /// What the tasks that run at once may need together.
    pub memory: Bytes,
    /// What their spill files may take together.
    pub disk: Bytes,
    /// Where spill files go, when it was said; else [`SpillDir::find`] decides.
    pub tmpdir: Option<PathBuf>,
    /// How many tasks run at once at most; `None`: as many as cores, so that all cores are busy with few tasks begun.
    pub max_concurrent_tasks: Option<usize>,
    found: Vec<Found>,
}

/// One thing that was found out, for `bakusoku info` and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `cores`, `memory` or `disk`.
    pub what: &'static str,
    /// The value, as people read it.
    pub value: String,
    /// Where it comes from.
    pub source: String,
    /// Whether it is the one that counts.
    pub decides: bool,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.decides { "*" } else { " " };
        write!(f, "{mark} {}: {} ({})", self.what, self.value, self.source)
    }
}

impl Budget {
    /// Finds out what this process may use. Fails where a variable that the user set cannot be understood.
    pub fn detect() -> Result<Budget, PoolError> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let mut budget = Budget::detect_in(Path::new("/"), affinity(), &env)?;
        match SpillDir::find(None).and_then(|dir| Ok((dir.free()?, dir))) {
            Ok((free, dir)) => {
                budget.disk = free.scale(SHARE_OF_DISK);
                let source = format!("90 % of {free} free in `{}`, {}", dir.path().display(), dir.source());
                budget.decide("disk", budget.disk.to_string(), source);
            }
            // Only tasks that spill need it, and they will say so.
            Err(error) => budget.decide("disk", budget.disk.to_string(), error.to_string()),
        }
        Ok(budget)
    }

    /// Two numbers that the caller knows.
    pub fn new(cores: usize, memory: Bytes) -> Budget {
        let none = Budget {
            cores: 1,
            memory: Bytes::ZERO,
            disk: Bytes::MAX,
            tmpdir: None,
            max_concurrent_tasks: None,
            found: Vec::new(),
        };
        none.with_cores(cores).with_memory(memory)
    }

    fn detect_in(
        root: &Path,
        affinity: (usize, &str),
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Budget, PoolError> {
        let mut budget = Budget {
            cores: affinity.0,
            memory: Bytes::MAX,
            disk: Bytes::ZERO,
            tmpdir: None,
            max_concurrent_tasks: None,
            found: Vec::new(),
        };
        let limits = cgroup::limits(root);

        let mut cores = vec![(affinity.0, affinity.1.to_owned())];
        if let Some((quota, file)) = &limits.cores {
            cores.push((quota.ceil() as usize, format!("cgroup quota {quota:.2} in `{}`", file.display())));
        }
        if let Some(n) = cores_in(env, "SLURM_CPUS_PER_TASK")? {
            cores.push((n, "SLURM_CPUS_PER_TASK".to_owned()));
        }
        let said = cores_in(env, "BAKUSOKU_NUM_THREADS")?.map(|n| (n, "BAKUSOKU_NUM_THREADS".to_owned()));
        budget.cores = budget.choose("cores", cores, said, |n| n.to_string()).max(1);

        let mut memory = Vec::new();
        match available(&fs_err::read_to_string(root.join("proc/meminfo")).unwrap_or_default()) {
            Some(bytes) => memory.push((bytes, "MemAvailable".to_owned())),
            None => memory.push(match physical() {
                Some(bytes) => (bytes, "all there is".to_owned()),
                None => (UNKNOWN_MEMORY, "assumed: the system does not say".to_owned()),
            }),
        }
        if let Some((bytes, file)) = limits.memory {
            memory.push((bytes, format!("cgroup limit in `{}`", file.display())));
        }
        // Slurm counts in MiB; 0 is all memory of the node.
        if let Some(mib) = mib_in(env, "SLURM_MEM_PER_NODE")? {
            memory.push((mib, "SLURM_MEM_PER_NODE".to_owned()));
        }
        if let Some(mib) = mib_in(env, "SLURM_MEM_PER_CPU")? {
            let cpus = cores_in(env, "SLURM_CPUS_PER_TASK")?.or(cores_in(env, "SLURM_CPUS_ON_NODE")?).unwrap_or(1);
            memory.push((mib * cpus as u64, format!("SLURM_MEM_PER_CPU × {cpus}")));
        }
        for (bytes, source) in &mut memory {
            *source = format!("80 % of {bytes}, {source}");
            *bytes = bytes.scale(SHARE_OF_MEMORY);
        }
        let said = match env("BAKUSOKU_MEMORY") {
            Some(given) => match given.parse() {
                Ok(bytes) if bytes > Bytes::ZERO => Some((bytes, "BAKUSOKU_MEMORY".to_owned())),
                _ => return Err(PoolError::NotMemory { name: "BAKUSOKU_MEMORY".to_owned(), given }),
            },
            None => None,
        };
        budget.memory = budget.choose("memory", memory, said, |b| b.to_string());
        Ok(budget)
    }

    /// The least of `candidates`, or what was `said`; everything is kept for `found`.
    fn choose<T: Copy + Ord>(
        &mut self,
        what: &'static str,
        candidates: Vec<(T, String)>,
        said: Option<(T, String)>,
        show: impl Fn(T) -> String,
    ) -> T {
        let least = candidates.iter().enumerate().min_by_key(|(_, c)| c.0).map_or(0, |(i, _)| i);
        let said_by_user = said.is_some();
        let value = said.as_ref().map_or_else(|| candidates[least].0, |s| s.0);
        for (i, (candidate, source)) in candidates.into_iter().enumerate() {
            let decides = !said_by_user && i == least;
            self.found.push(Found { what, value: show(candidate), source, decides });
        }
        if let Some((value, source)) = said {
            self.found.push(Found { what, value: show(value), source, decides: true });
        }
        value
    }

    fn decide(&mut self, what: &'static str, value: String, source: String) {
        for found in self.found.iter_mut().filter(|found| found.what == what) {
            found.decides = false;
        }
        self.found.push(Found { what, value, source, decides: true });
    }

    /// This many cores, whatever was found.
    pub fn with_cores(mut self, cores: usize) -> Budget {
        self.cores = cores;
        self.decide("cores", cores.to_string(), "argument".to_owned());
        self
    }

    /// This much memory, whatever was found.
    pub fn with_memory(mut self, memory: Bytes) -> Budget {
        self.memory = memory;
        self.decide("memory", memory.to_string(), "argument".to_owned());
        self
    }

    /// Spill files here.
    pub fn with_tmpdir(mut self, dir: PathBuf) -> Budget {
        if let Ok(free) = SpillDir::at(&dir).and_then(|dir| dir.free()) {
            self.disk = free.scale(SHARE_OF_DISK);
            let source = format!("90 % of {free} free in `{}`, argument", dir.display());
            self.decide("disk", self.disk.to_string(), source);
        }
        self.tmpdir = Some(dir);
        self
    }

    /// At most this many tasks at once. More than cores is of use when tasks wait for slow disks; less saves memory.
    pub fn with_at_once(mut self, tasks: usize) -> Budget {
        self.max_concurrent_tasks = Some(tasks.max(1));
        self
    }

    /// Where spill files go: the folder that was said, else the search of [`SpillDir::find`].
    pub fn spill_dir(&self, beside: Option<&Path>) -> Result<SpillDir, PoolError> {
        match &self.tmpdir {
            Some(dir) => SpillDir::at(dir),
            None => SpillDir::find(beside),
        }
    }

    /// Where each number came from; those that count are marked.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    pub(crate) fn capacity(&self) -> Need {
        Need { memory: self.memory, disk: self.disk }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.cores == 1 { "core" } else { "cores" };
        write!(f, "{} {plural}, {} of memory, {} of disk", self.cores, self.memory, self.disk)
    }
}

/// All memory of the machine, where no more than that is known.
fn physical() -> Option<Bytes> {
    #[cfg(target_vendor = "apple")]
    {
        let (mut bytes, mut len) = (0u64, size_of::<u64>());
        // SAFETY: a name, and a number of the size that is said for its value.
        #[allow(unsafe_code)]
        let failed = unsafe {
            let value = (&raw mut bytes).cast();
            libc::sysctlbyname(c"hw.memsize".as_ptr(), value, &raw mut len, std::ptr::null_mut(), 0)
        };
        (failed == 0).then_some(Bytes(bytes))
    }
    #[cfg(not(target_vendor = "apple"))]
    None
}

/// The cores that the scheduler lets this process use.
fn affinity() -> (usize, &'static str) {
    #[cfg(target_os = "linux")]
    if let Ok(set) = rustix::thread::sched_getaffinity(None)
        && set.count() > 0
    {
        return (set.count() as usize, "CPU affinity");
    }
    // Machines with more than 1024 cores, and other systems.
    (std::thread::available_parallelism().map_or(1, usize::from), "CPUs of the system")
}

/// Processes of our cgroup that the kernel killed for lack of memory so far; zero where it does not count them.
pub(crate) fn oom_kills() -> u64 {
    cgroup::oom_kills(Path::new("/"))
}

fn cores_in(env: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<Option<usize>, PoolError> {
    let Some(given) = env(name) else { return Ok(None) };
    match given.trim().parse() {
        Ok(n) if n > 0 => Ok(Some(n)),
        _ => Err(PoolError::NotCores { name: name.to_owned(), given }),
    }
}

fn mib_in(env: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<Option<Bytes>, PoolError> {
    let Some(given) = env(name) else { return Ok(None) };
    match given.trim().parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(mib) => Ok(Some(Bytes(1 << 20) * mib)),
        Err(_) => Err(PoolError::NotMemory { name: name.to_owned(), given }),
    }
}

/// `MemAvailable` of `/proc/meminfo`.
fn available(meminfo: &str) -> Option<Bytes> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kib: u64| Bytes(1024) * kib)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn detect(env: &[(&str, &str)]) -> Result<Budget, PoolError> {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        write("proc/meminfo", &format!("MemTotal: 999 kB\nMemAvailable:   {} kB\n", 16 << 20));
        write("proc/self/cgroup", "0::/job\n");
        write("proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
        write("cg/job/cpu.max", "550000 100000");
        write("cg/job/memory.max", &(10 * GIB).to_string());
        let env = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Budget::detect_in(root.path(), (8, "CPU affinity"), &env)
    }

    #[test]
    fn the_least_counts_and_says_where_it_came_from() {
        let budget = detect(&[("OMP_NUM_THREADS", "1")]).unwrap();
        assert_eq!((budget.cores, budget.memory), (6, Bytes(10 * GIB).scale(0.8)));
        let deciding: Vec<&Found> = budget.found().iter().filter(|f| f.decides).collect();
        assert!(deciding[0].source.contains("cpu.max") && deciding[1].source.contains("memory.max"), "{deciding:?}");
        assert_eq!(budget.found().len(), 4);
    }

    #[test]
    fn slurm_caps_and_the_users_word_wins() {
        let slurm = [("SLURM_CPUS_PER_TASK", "4"), ("SLURM_MEM_PER_CPU", "2048")];
        let budget = detect(&slurm).unwrap();
        assert_eq!((budget.cores, budget.memory), (4, Bytes(8 * GIB).scale(0.8)));
        assert_eq!(detect(&[("SLURM_MEM_PER_NODE", "1024")]).unwrap().memory, Bytes(GIB).scale(0.8));
        assert_eq!(detect(&[("SLURM_MEM_PER_NODE", "0")]).unwrap().memory, Bytes(10 * GIB).scale(0.8));
        let said = [slurm[0], slurm[1], ("BAKUSOKU_NUM_THREADS", "12"), ("BAKUSOKU_MEMORY", "20GB")];
        let budget = detect(&said).unwrap();
        assert_eq!((budget.cores, budget.memory), (12, Bytes(20_000_000_000)));
        let budget = budget.with_cores(3).with_memory(Bytes(5));
        assert_eq!((budget.cores, budget.memory), (3, Bytes(5)));
        assert_eq!(budget.found().iter().filter(|f| f.decides).count(), 2);
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_that_names_the_variable() {
        for (name, value) in [
            ("BAKUSOKU_NUM_THREADS", "0"),
            ("BAKUSOKU_NUM_THREADS", "all"),
            ("BAKUSOKU_MEMORY", "much"),
            ("SLURM_MEM_PER_NODE", "1x"),
        ] {
            let error = detect(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn this_machine_has_a_budget() {
        let budget = Budget::detect().unwrap();
        assert!(budget.cores >= 1 && budget.memory > Bytes(1 << 20), "{budget}");
        assert!(["cores", "memory", "disk"].iter().all(|w| budget.found().iter().any(|f| f.what == *w && f.decides)));
    }
}
