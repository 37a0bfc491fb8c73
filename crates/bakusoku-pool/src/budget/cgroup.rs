//! Limits that a container, a batch system or systemd puts on us: cgroup v1 and v2.
//!
//! Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/{memory,cpusets}.rst`,
//! `proc(5)` on `/proc/self/{cgroup,mountinfo}`. A limit of any parent counts, so the walk goes up to the mount.
//! Everything is read below a `root`, so that tests can lay out trees of their own.

use std::path::{Path, PathBuf};

use crate::Bytes;

/// The tightest limits on the way up, each with the file that said so.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Limits {
    /// Cores' worth of time per period; may be a fraction.
    pub(super) cores: Option<(f64, PathBuf)>,
    pub(super) memory: Option<(Bytes, PathBuf)>,
}

impl Limits {
    fn cap_cores(&mut self, cores: f64, file: PathBuf) {
        if cores > 0.0 && self.cores.as_ref().is_none_or(|(old, _)| cores < *old) {
            self.cores = Some((cores, file));
        }
    }

    fn cap_memory(&mut self, memory: Bytes, file: PathBuf) {
        if self.memory.as_ref().is_none_or(|(old, _)| memory < *old) {
            self.memory = Some((memory, file));
        }
    }
}

/// The limits on the process whose `/proc/self` lies below `root` (`/` outside of tests).
pub(super) fn limits(root: &Path) -> Limits {
    let read = |path: &str| fs_err::read_to_string(root.join(path)).unwrap_or_default();
    let groups = read("proc/self/cgroup");
    let mounts = read("proc/self/mountinfo");
    let mut limits = Limits::default();
    for line in groups.lines() {
        // `hierarchy-id:controllers:path`; v2 is `0::path`.
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(group)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        if id == "0" && controllers.is_empty() {
            for dir in way_up(root, &mounts, "cgroup2", None, group) {
                v2(&dir, &mut limits);
            }
            continue;
        }
        for controller in controllers.split(',').filter(|c| matches!(*c, "cpu" | "memory")) {
            for dir in way_up(root, &mounts, "cgroup", Some(controller), group) {
                v1(&dir, controller, &mut limits);
            }
        }
    }
    limits
}

/// Processes that were killed for lack of memory in our group or a parent, so far.
pub(super) fn oom_kills(root: &Path) -> u64 {
    let read = |path: &str| fs_err::read_to_string(root.join(path)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let mut most = 0;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(group)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let (kind, controller, file) = match id {
            "0" if controllers.is_empty() => ("cgroup2", None, "memory.events"),
            _ if controllers.split(',').any(|c| c == "memory") => ("cgroup", Some("memory"), "memory.oom_control"),
            _ => continue,
        };
        for dir in way_up(root, &mounts, kind, controller, group) {
            // A line `oom_kill 3` in both.
            let text = fs_err::read_to_string(dir.join(file)).unwrap_or_default();
            let count = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
            most = most.max(count.unwrap_or(0));
        }
    }
    most
}

/// The folders from our group up to the mount point of its hierarchy.
fn way_up(root: &Path, mounts: &str, kind: &str, controller: Option<&str>, group: &str) -> Vec<PathBuf> {
    for line in mounts.lines() {
        // `id parent major:minor root mountpoint options … - type source superoptions`
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let (Some(shown), Some(mountpoint), Some(&fstype)) = (left.get(3), left.get(4), right.first()) else {
            continue;
        };
        let options = right.get(2).copied().unwrap_or_default();
        if fstype != kind || controller.is_some_and(|c| !options.split(',').any(|o| o == c)) {
            continue;
        }
        let mountpoint = root.join(unescaped(mountpoint).trim_start_matches('/'));
        // Inside a container the mount may show a part of the tree only, or our path may lie outside of what it shows.
        let inside = Path::new(group).strip_prefix(unescaped(shown)).unwrap_or(Path::new(""));
        let inside = if inside.components().all(|c| matches!(c, std::path::Component::Normal(_))) {
            inside
        } else {
            Path::new("")
        };
        return inside.ancestors().map(|part| mountpoint.join(part)).collect();
    }
    Vec::new()
}

/// `mountinfo` writes blanks and backslashes as `\040`.
fn unescaped(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

fn number(file: &Path) -> Option<i64> {
    fs_err::read_to_string(file).ok()?.trim().parse().ok()
}

fn v2(dir: &Path, limits: &mut Limits) {
    let file = dir.join("cpu.max");
    if let Ok(text) = fs_err::read_to_string(&file) {
        // `$QUOTA $PERIOD`, the quota may be `max`.
        let mut fields = text.split_whitespace().map(|field| field.parse::<f64>().ok());
        if let (Some(Some(quota)), Some(Some(period))) = (fields.next(), fields.next()) {
            limits.cap_cores(quota / period, file);
        }
    }
    // Above `memory.high` the kernel stalls us, above `memory.max` it kills us.
    for name in ["memory.max", "memory.high"] {
        let file = dir.join(name);
        if let Some(bytes) = number(&file).and_then(|n| u64::try_from(n).ok()) {
            limits.cap_memory(Bytes(bytes), file);
        }
    }
}

fn v1(dir: &Path, controller: &str, limits: &mut Limits) {
    if controller == "cpu" {
        let file = dir.join("cpu.cfs_quota_us");
        // -1: no quota.
        if let (Some(quota), Some(period)) = (number(&file), number(&dir.join("cpu.cfs_period_us")))
            && period > 0
        {
            limits.cap_cores(quota as f64 / period as f64, file);
        }
    } else {
        let file = dir.join("memory.limit_in_bytes");
        // No limit is said by the largest multiple of the page size below 2⁶³.
        if let Some(bytes) = number(&file).and_then(|n| u64::try_from(n).ok()).filter(|n| *n < 1 << 62) {
            limits.cap_memory(Bytes(bytes), file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        root
    }

    const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn v2_takes_the_tightest_limit_on_the_way_up() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/slurm/job_7/step_0\n"),
            ("proc/self/mountinfo", V2),
            ("sys/fs/cgroup/slurm/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/slurm/job_7/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/slurm/job_7/memory.max", "4294967296\n"),
            ("sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "400000 100000\n"),
            ("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n"),
            ("sys/fs/cgroup/memory.high", "8000000000\n"),
        ]);
        let found = limits(root.path());
        let job = root.path().join("sys/fs/cgroup/slurm/job_7");
        assert_eq!(found.cores, Some((1.5, job.join("cpu.max"))));
        assert_eq!(found.memory, Some((Bytes(4 << 30), job.join("memory.max"))));
    }

    #[test]
    fn v1_and_hybrid_trees_are_read_by_controller() {
        let root = tree(&[
            ("proc/self/cgroup", "5:memory:/docker/abc\n3:cpuacct,cpu:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n"),
            (
                "proc/self/mountinfo",
                "31 30 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
                 32 30 0:28 / /sys/fs/cgroup/cpu\\040acct ro - cgroup cgroup rw,cpu,cpuacct\n\
                 33 30 0:29 / /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw\n",
            ),
            // The container sees its own part of the memory tree as the whole.
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n"),
            ("sys/fs/cgroup/cpu acct/docker/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu acct/docker/cpu.cfs_period_us", "50000\n"),
            ("sys/fs/cgroup/cpu acct/docker/abc/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu acct/docker/abc/cpu.cfs_period_us", "100000\n"),
        ]);
        let found = limits(root.path());
        assert_eq!(found.cores.unwrap().0, 4.0);
        assert_eq!(found.memory.unwrap().0, Bytes(2 << 30));
    }

    #[test]
    fn no_limit_is_no_limit() {
        let root = tree(&[
            ("proc/self/cgroup", "5:memory:/\n0::/a\nnonsense\n"),
            ("proc/self/mountinfo", "31 30 0:27 / /cg/memory ro - cgroup cgroup rw,memory\nnonsense\n"),
            ("cg/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        assert_eq!(limits(root.path()), Limits::default());
        assert_eq!(limits(Path::new("/nowhere/at/all")), Limits::default());
        // A path that climbs out of the mount (a cgroup namespace entered from outside) stays at the mount.
        let root = tree(&[
            ("proc/self/cgroup", "0::/../other\n"),
            ("proc/self/mountinfo", V2),
            ("sys/fs/cgroup/cpu.max", "100000 100000\n"),
        ]);
        assert_eq!(limits(root.path()).cores.unwrap().0, 1.0);
    }
}
