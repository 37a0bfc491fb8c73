//! Other processes: by pidfd where the kernel gives one, else by a thread that waits for a child.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};

use super::super::reap;
use super::Poll;
use crate::process::chunk::Exit;
use crate::process::signals::SignalMaskGuard;

const STACK: usize = 64 << 10;

/// Another process, under whose number there is never a different one.
#[derive(Debug)]
pub(in crate::process) struct Process {
    /// Readable when the process has ended; `None` where files are few.
    file: Option<OwnedFd>,
    /// Of a child of ours.
    pid: Option<i32>,
    /// Without a pidfd: whether the child has ended.
    waited: Option<Arc<AtomicBool>>,
}

impl Process {
    /// A child of this process.
    ///
    /// Kernels before 5.3 and some container profiles have no `pidfd_open`: then a thread waits for the child and writes
    /// to a pipe when it ends.
    pub(in crate::process) fn open(pid: i32, watched: bool) -> io::Result<Process> {
        let number = Pid::from_raw(pid).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        if !watched {
            return Ok(Process { file: None, pid: Some(pid), waited: None });
        }
        if let Ok(file) = rustix::process::pidfd_open(number, PidfdFlags::empty()) {
            return Ok(Process { file: Some(file), pid: Some(pid), waited: None });
        }
        let (file, end) = super::pipe()?;
        let waited = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&waited);
        let blocked = SignalMaskGuard::all();
        let builder = std::thread::Builder::new().name("bakusoku-child".into()).stack_size(STACK);
        #[allow(clippy::disallowed_methods)] // This is the place.
        let started = builder.spawn(move || {
            // It stays a zombie, so that its status is there for `exit`, and its number is nobody else's.
            let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(rustix::process::waitid(WaitId::Pid(number), how), Err(rustix::io::Errno::INTR)) {}
            ended.store(true, Ordering::Release);
            // Closing it is not enough: workers that were forked later have it open too.
            let _ = rustix::io::write(&end, &[1]);
        });
        drop(blocked);
        started?;
        Ok(Process { file: Some(file), pid: Some(pid), waited: Some(waited) })
    }

    /// From a pidfd that another process has sent.
    pub(in crate::process) fn from_fd(file: OwnedFd) -> Process {
        Process { file: Some(file), pid: None, waited: None }
    }

    pub(in crate::process) fn watch(&self, poll: &Poll, key: u64) {
        if let Some(file) = &self.file {
            let _ = poll.add(file, key);
        }
    }

    pub(in crate::process) fn unwatch(&self, poll: &Poll) {
        if let Some(file) = &self.file {
            poll.remove(file);
        }
    }

    pub(in crate::process) fn signal(&self, signal: Signal) {
        let file = self.file.as_ref().filter(|_| self.waited.is_none());
        if file.is_some_and(|file| rustix::process::pidfd_send_signal(file, signal).is_ok()) {
            return;
        }
        let ended = self.waited.as_ref().is_some_and(|ended| ended.load(Ordering::Acquire));
        if let Some(pid) = self.pid.and_then(Pid::from_raw).filter(|_| !ended) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Waits for its end.
    pub(in crate::process) fn wait(&self, longest: Duration) {
        let timeout = Timespec { tv_sec: longest.as_secs() as i64, tv_nsec: i64::from(longest.subsec_nanos()) };
        if let Some(file) = &self.file {
            let _ = rustix::event::poll(&mut [PollFd::new(&file.as_fd(), PollFlags::IN)], Some(&timeout));
        }
    }

    /// Whether a file tells when it has ended.
    pub(in crate::process) fn is_watched(&self) -> bool {
        self.file.is_some()
    }

    /// Whether it has ended, if it is a child of ours.
    pub(in crate::process) fn has_ended(&self) -> bool {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let pid = self.pid.and_then(Pid::from_raw);
        // Should somebody else have waited for it, it has ended.
        pid.is_none_or(|pid| !matches!(rustix::process::waitid(WaitId::Pid(pid), how), Ok(None)))
    }

    /// How it ended, if it was a child of ours.
    pub(in crate::process) fn exit(&self) -> Exit {
        // Should somebody else have waited for it, nothing is known.
        self.pid.and_then(|pid| reap(pid, false)).unwrap_or_default()
    }
}
