//! A process and what it has started: to end a worker together with the programs of its tasks.
//!
//! Workers stay in the process group of their owner, as those of `multiprocessing` do: the terminal then stops, continues
//! and interrupts all of them, and programs that a task starts may use it. So a group cannot stand for a worker and its
//! children; the tree of processes does.

use rustix::process::{Pid, Signal};

/// A process, told from a later one of the same number by the time of its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) struct TreeProcess {
    pid: i32,
    start: u64,
}

impl TreeProcess {
    /// The process that has this number now.
    pub(in crate::process) fn find(pid: i32) -> Option<TreeProcess> {
        platform::look(pid).map(|it| TreeProcess { pid, start: it.start })
    }

    /// Sends a signal, unless the process has ended.
    pub(in crate::process) fn signal(self, signal: Signal) {
        if let Some(pid) =
            Pid::from_raw(self.pid).filter(|_| platform::look(self.pid).is_some_and(|it| it.start == self.start))
        {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// What a process has started, and what those have started.
///
/// Left out are daemons (processes of another session) and resource trackers of `multiprocessing` and loky: these end by
/// themselves when nobody uses them, and then remove what others have left behind.
pub(in crate::process) fn descendants(of: TreeProcess) -> Vec<TreeProcess> {
    let pid = of.pid;
    let Some(top) = platform::look(pid).filter(|it| it.start == of.start) else { return Vec::new() };
    let (mut found, mut next): (Vec<TreeProcess>, _) = (Vec::new(), vec![pid]);
    while let Some(parent) = next.pop() {
        for child in platform::children(parent) {
            let known = child == pid || found.iter().any(|it| it.pid == child);
            let Some(it) = platform::look(child).filter(|_| !known) else { continue };
            if it.session != top.session || platform::is_resource_tracker(child) {
                continue;
            }
            found.push(TreeProcess { pid: child, start: it.start });
            next.push(child);
        }
    }
    found
}

/// Ends a process and its descendants, now.
pub(in crate::process) fn kill_tree(pid: i32) {
    let Some(number) = Pid::from_raw(pid) else { return };
    let Some(tree) = TreeProcess::find(pid) else { return };
    let started = descendants(tree);
    let own = pid.unsigned_abs() == std::process::id();
    if !own {
        // First, so that it starts nothing in the place of what has just ended.
        let _ = rustix::process::kill_process(number, Signal::KILL);
    }
    for process in started {
        process.signal(Signal::KILL);
    }
    if own {
        let _ = rustix::process::kill_process(number, Signal::KILL);
    }
}

/// What is known of a process.
struct Look {
    start: u64,
    session: i64,
}

#[cfg(not(target_vendor = "apple"))]
mod platform {
    use super::Look;

    pub(super) fn look(pid: i32) -> Option<Look> {
        let stat = fs_err::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // proc(5): the name stands in brackets and may hold anything; session is field 6, start time field 22.
        let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
        let session = fields.nth(3)?.parse().ok()?;
        let start = fields.nth(15)?.parse().ok()?;
        Some(Look { start, session })
    }

    pub(super) fn children(pid: i32) -> Vec<i32> {
        let Ok(threads) = fs_err::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
        let mut found = Vec::new();
        for thread in threads.flatten() {
            // Kernels without this file (CONFIG_PROC_CHILDREN) are rare.
            let Ok(text) = fs_err::read_to_string(thread.path().join("children")) else { return by_parent(pid) };
            found.extend(text.split_ascii_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
        found
    }

    fn by_parent(pid: i32) -> Vec<i32> {
        let Ok(processes) = fs_err::read_dir("/proc") else { return Vec::new() };
        let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        numbers.filter(|child| parent(*child) == Some(pid)).collect()
    }

    fn parent(pid: i32) -> Option<i32> {
        let stat = fs_err::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    pub(super) fn is_resource_tracker(pid: i32) -> bool {
        let command = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains("resource_tracker")
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn both_ways_to_find_children_agree() {
            let pid = std::process::id() as i32;
            #[allow(clippy::disallowed_methods)] // To be found.
            let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            let number = child.id() as i32;
            assert!(children(pid).contains(&number) && by_parent(pid).contains(&number));
            assert_eq!(look(number).unwrap().session, look(pid).unwrap().session);
            let own = super::super::TreeProcess::find(pid).unwrap();
            assert!(super::super::descendants(own).iter().any(|it| it.pid == number));
            super::super::kill_tree(number);
            child.wait().unwrap();
            assert!(!children(pid).contains(&number));
        }
    }
}

#[cfg(target_vendor = "apple")]
mod platform {
    use super::Look;

    pub(super) fn look(pid: i32) -> Option<Look> {
        let pid_ = rustix::process::Pid::from_raw(pid)?;
        let session = rustix::process::getsid(Some(pid_)).ok()?.as_raw_nonzero().get();
        Some(Look { start: 0, session: i64::from(session) })
    }

    pub(super) fn children(pid: i32) -> Vec<i32> {
        let mut found = vec![0i32; 1024];
        let size = std::mem::size_of_val(found.as_slice()) as libc::c_int;
        // SAFETY: room for as many numbers as the size says.
        #[allow(unsafe_code)]
        let n = unsafe { libc::proc_listchildpids(pid, found.as_mut_ptr().cast(), size) };
        found.truncate(usize::try_from(n).unwrap_or(0));
        found
    }

    pub(super) fn is_resource_tracker(_: i32) -> bool {
        false
    }
}
