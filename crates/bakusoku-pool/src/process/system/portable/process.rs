//! Children of this process: a thread waits for each.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::super::reap;
use super::Poll;
use super::poll::Inner;
use crate::process::chunk::Exit;
use crate::process::signals::SignalMaskGuard;

const STACK: usize = 64 << 10;

/// A child of this process.
#[derive(Debug)]
pub(in crate::process) struct Process {
    pid: Pid,
    end: Arc<End>,
}

#[derive(Debug, Default)]
struct End {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    exit: Option<Exit>,
    /// Who wants to know, under which number.
    watch: Option<(Arc<Inner>, u64)>,
}

impl Process {
    /// A child of this process.
    pub(in crate::process) fn open(pid: i32, _watched: bool) -> io::Result<Process> {
        let number = Pid::from_raw(pid).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let end = Arc::new(End::default());
        let told = Arc::clone(&end);
        let blocked = SignalMaskGuard::all();
        let builder = std::thread::Builder::new().name("bakusoku-child".into()).stack_size(STACK);
        #[allow(clippy::disallowed_methods)] // This is the place.
        let waiting = builder.spawn(move || {
            // Should somebody else have waited for it, nothing is known.
            let exit = reap(pid, true).unwrap_or_default();
            let watch = {
                let mut state = told.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.exit = Some(exit);
                state.watch.take()
            };
            told.ended.notify_all();
            if let Some((poll, key)) = watch {
                poll.fire(key);
            }
        });
        drop(blocked);
        waiting?;
        Ok(Process { pid: number, end })
    }

    /// There is no file that stands for a process; this one only says that it is not a child.
    pub(in crate::process) fn from_fd(_: OwnedFd) -> Process {
        let end = Arc::new(End::default());
        end.state.lock().unwrap_or_else(PoisonError::into_inner).exit = Some(Exit::default());
        Process { pid: rustix::process::getpid(), end }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.end.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(in crate::process) fn watch(&self, poll: &Poll, key: u64) {
        let ended = self.with(|state| {
            state.watch = Some((Arc::clone(poll.inner()), key));
            state.exit.is_some()
        });
        if ended {
            poll.inner().fire(key);
        }
    }

    pub(in crate::process) fn unwatch(&self, _: &Poll) {
        self.with(|state| state.watch = None);
    }

    pub(in crate::process) fn signal(&self, signal: Signal) {
        // Under the lock, and not when it has ended: its number may be another's by then.
        self.with(|state| {
            if state.exit.is_none() {
                let _ = rustix::process::kill_process(self.pid, signal);
            }
        });
    }

    /// Waits for its end.
    pub(in crate::process) fn wait(&self, longest: Duration) {
        let state = self.end.state.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.end.ended.wait_timeout_while(state, longest, |state| state.exit.is_none());
    }

    /// Whether something tells when it has ended: a thread does.
    pub(in crate::process) fn is_watched(&self) -> bool {
        true
    }

    /// Whether it has ended.
    pub(in crate::process) fn has_ended(&self) -> bool {
        self.with(|state| state.exit.is_some())
    }

    /// How it ended.
    pub(in crate::process) fn exit(&self) -> Exit {
        self.with(|state| state.exit).unwrap_or_default()
    }
}
