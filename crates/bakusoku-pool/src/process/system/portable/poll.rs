//! Files to wait for, by `poll(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::super::EVENTS;

/// Files to wait for, each under a number that is not zero.
#[derive(Debug)]
pub(in crate::process) struct Poll(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// A byte in it ends a wait.
    wake: (OwnedFd, OwnedFd),
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<(RawFd, u64)>,
    /// Numbers of what is no file and has happened.
    fired: Vec<u64>,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // A full pipe ends the wait as well.
        let _ = rustix::io::write(&self.wake.1, &[1]);
    }

    /// Something that is no file has happened.
    pub(super) fn fire(&self, key: u64) {
        self.lock().fired.push(key);
        self.wake();
    }
}

impl Poll {
    pub(in crate::process) fn new() -> io::Result<Poll> {
        let wake = super::pipe()?;
        for end in [&wake.0, &wake.1] {
            rustix::io::ioctl_fionbio(end, true)?;
        }
        Ok(Poll(Arc::new(Inner { wake, state: Mutex::default() })))
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    pub(in crate::process) fn add(&self, file: impl AsFd, key: u64) -> io::Result<()> {
        self.0.lock().files.push((file.as_fd().as_raw_fd(), key));
        // The wait that goes on does not know of it.
        self.0.wake();
        Ok(())
    }

    pub(in crate::process) fn remove(&self, file: impl AsFd) {
        let file = file.as_fd().as_raw_fd();
        self.0.lock().files.retain(|(other, _)| *other != file);
    }

    /// Ends the wait that goes on.
    pub(in crate::process) fn wake(&self) {
        self.0.wake();
    }

    /// Waits until files can be read, or are at their end; how many, and whether a signal came.
    pub(in crate::process) fn wait(&self, ready: &mut [u64; EVENTS], longest: Duration) -> (usize, bool) {
        let files = self.0.lock().files.clone();
        let timeout = Timespec { tv_sec: longest.as_secs() as i64, tv_nsec: i64::from(longest.subsec_nanos()) };
        let mut polled: Vec<PollFd<'_>> = std::iter::once(PollFd::new(&self.0.wake.0, PollFlags::IN))
            .chain(files.iter().map(|(file, _)| {
                // SAFETY: one that is closed meanwhile is asked for in vain, and one that takes its number once too often.
                #[allow(unsafe_code)]
                PollFd::from_borrowed_fd(unsafe { BorrowedFd::borrow_raw(*file) }, PollFlags::IN)
            }))
            .collect();
        let signal = match rustix::event::poll(&mut polled, Some(&timeout)) {
            Ok(_) => false,
            Err(error) => {
                if error == rustix::io::Errno::INTR {
                    return (0, true);
                }
                false
            }
        };
        if !polled[0].revents().is_empty() {
            let mut bytes = [0u8; 256];
            while matches!(rustix::io::read(&self.0.wake.0, &mut bytes), Ok(n) if n == bytes.len()) {}
        }
        let mut state = self.0.lock();
        let n = state.fired.len().min(EVENTS);
        ready[..n].copy_from_slice(&state.fired[..n]);
        state.fired.drain(..n);
        if !state.fired.is_empty() {
            self.0.wake();
        }
        let mut n = n;
        for (poll, entry) in polled[1..].iter().zip(&files) {
            let events = poll.revents();
            if n < EVENTS && !events.is_empty() && !events.contains(PollFlags::NVAL) && state.files.contains(entry) {
                ready[n] = entry.1;
                n += 1;
            }
        }
        (n, signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_wakes_and_other_events_end_a_wait() {
        let poll = Poll::new().unwrap();
        let mut ready = [0; EVENTS];
        let soon = Duration::from_millis(1);
        assert_eq!(poll.wait(&mut ready, soon), (0, false));
        let (read, write) = crate::process::system::pipe().unwrap();
        poll.add(&read, 7).unwrap();
        rustix::io::write(&write, b"x").unwrap();
        assert_eq!((poll.wait(&mut ready, Duration::from_secs(60)), ready[0]), ((1, false), 7));
        poll.remove(&read);
        poll.inner().fire(9);
        assert_eq!((poll.wait(&mut ready, Duration::from_secs(60)), ready[0]), ((1, false), 9));
        poll.wake();
        assert_eq!(poll.wait(&mut ready, Duration::from_secs(60)), (0, false));
        assert_eq!(poll.wait(&mut ready, soon), (0, false));
    }
}
