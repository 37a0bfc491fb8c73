//! The forkserver: a process with one thread and the owner's modules loaded, from which workers fork.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::message_socket::{MessageSocket, Received};
use crate::process::signals::SignalMaskGuard;
use crate::process::system::{HAS_FORKSERVER, Process};

/// How to start the process that workers are forked from. Its standard input is the socket to its owner.
#[derive(Clone, Debug)]
pub struct ForkserverCommand {
    /// The interpreter.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Changes to our environment: a value, or `None` to leave a variable out.
    pub environment: Vec<(OsString, Option<OsString>)>,
}

/// How long a forkserver that was killed is waited for.
const END: Duration = Duration::from_secs(1);
/// The thread that starts a forkserver does nothing else but wait for its end.
const STACK: usize = 128 << 10;

#[derive(Debug)]
pub(crate) struct Forkserver {
    /// Where we have started it.
    child: Option<Process>,
    socket: MessageSocket,
    /// What it still has to be told; it may be busy loading modules.
    unsent: Vec<(Vec<u8>, Vec<OwnedFd>)>,
    pub(crate) pid: u32,
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A worker runs.
    Forked { worker: u64, pid: i32 },
    /// A worker could not be forked, for this number of errno(3).
    NotForked { worker: u64, error: i32 },
    /// A worker ended, with this status of `wait(2)` and largest resident memory in bytes.
    Exited { worker: u64, status: i32, peak: u64 },
}

impl Forkserver {
    pub(crate) fn start(command: &ForkserverCommand) -> io::Result<Forkserver> {
        if !HAS_FORKSERVER {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "workers cannot be forked on this system"));
        }
        let (ours, its) = MessageSocket::pair()?;
        #[allow(clippy::disallowed_methods)] // This is the place.
        let mut process = Command::new(&command.program);
        process.args(&command.arguments).stdin(Stdio::from(its.into_fd()));
        for (name, value) in &command.environment {
            match value {
                Some(value) => process.env(name, value),
                None => process.env_remove(name),
            };
        }
        let (pid, child) = start(process)?;
        Ok(Forkserver { pid, child: Some(child), socket: ours, unsent: Vec::new() })
    }

    /// A forkserver that somebody else started: its socket was inherited.
    pub(crate) fn inherited(socket: OwnedFd) -> Forkserver {
        Forkserver { child: None, socket: MessageSocket::from_fd(socket), unsent: Vec::new(), pid: 0 }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.fd()
    }

    /// Has it load modules.
    pub(crate) fn prepare(&mut self, modules: &[u8]) -> io::Result<()> {
        let message = [&[1u8], modules].concat();
        self.tell(message, Vec::new())
    }

    /// Has it fork a worker that gets these files.
    pub(crate) fn fork(&mut self, worker: u64, files: Vec<OwnedFd>) -> io::Result<()> {
        let message = [&[2u8], worker.to_ne_bytes().as_slice()].concat();
        self.tell(message, files)
    }

    fn tell(&mut self, message: Vec<u8>, files: Vec<OwnedFd>) -> io::Result<()> {
        self.unsent.push((message, files));
        self.flush()
    }

    /// Sends what there was no room for.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while let Some((message, files)) = self.unsent.first() {
            let files: Vec<BorrowedFd<'_>> = files.iter().map(|file| file.as_fd()).collect();
            if !self.socket.send(message, &files, false)? {
                break;
            }
            self.unsent.remove(0);
        }
        Ok(())
    }

    /// What it says, with the files that came along; `Err` when it is gone.
    pub(crate) fn listen(&mut self, buffer: &mut [u8]) -> io::Result<Option<(News, Vec<OwnedFd>)>> {
        self.flush()?;
        let (came, files) = self.socket.receive_files(buffer)?;
        let n = match came {
            Received::Message(n) => n,
            Received::WouldBlock => return Ok(None),
            Received::Closed => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the process is gone")),
        };
        parse(&buffer[..n])
            .map(|news| Some((news, files)))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the process talks nonsense"))
    }

    /// Whether it still has to be told something.
    pub(crate) fn is_behind(&self) -> bool {
        !self.unsent.is_empty()
    }
}

impl Drop for Forkserver {
    fn drop(&mut self) {
        // It ends its workers and itself when the socket closes; if it hangs, it is killed.
        if let Some(child) = self.child.take() {
            child.signal(Signal::KILL);
            child.wait(END);
        }
    }
}

/// Starts a process from a thread that lives as long as the process does: the system tells a process of the end of the
/// *thread* that has started it, and any other thread may end before this process ends.
fn start(mut process: Command) -> io::Result<(u32, Process)> {
    let (tell, told) = mpsc::channel();
    let builder = std::thread::Builder::new().name("bakusoku-forkserver".into()).stack_size(STACK);
    let blocked = SignalMaskGuard::all();
    let before = blocked.before();
    #[allow(clippy::disallowed_methods)] // This is the place.
    builder.spawn(move || {
        // The new process inherits the mask of signals that it would have from the program's own threads.
        let spawned = before.set_while(|| process.spawn());
        drop(process);
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => return drop(tell.send(Err(error))),
        };
        let gone = |error| io::Error::other(format!("the forkserver cannot be followed: {error}"));
        let _ = tell.send(Process::open(child.id() as i32, true).map(|process| (child.id(), process)).map_err(gone));
        let _ = child.wait();
    })?;
    drop(blocked);
    told.recv().map_err(io::Error::other)?
}

fn parse(bytes: &[u8]) -> Option<News> {
    let (kind, rest) = bytes.split_first()?;
    let mut at = 0;
    let mut word = || {
        let word = rest.get(at..at + 8)?;
        at += 8;
        word.try_into().ok().map(i64::from_ne_bytes)
    };
    match kind {
        1 => Some(News::Forked { worker: word()? as u64, pid: i32::try_from(word()?).ok()? }),
        2 => Some(News::Exited {
            worker: word()? as u64,
            status: i32::try_from(word()?).ok()?,
            peak: u64::try_from(word()?).ok()?,
        }),
        3 => Some(News::NotForked { worker: word()? as u64, error: i32::try_from(word()?).ok()? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_parsed_and_nonsense_is_not() {
        let words = |kind: u8, words: &[i64]| {
            let mut bytes = vec![kind];
            words.iter().for_each(|w| bytes.extend_from_slice(&w.to_ne_bytes()));
            bytes
        };
        assert_eq!(parse(&words(1, &[7, 1234])), Some(News::Forked { worker: 7, pid: 1234 }));
        assert_eq!(parse(&words(3, &[7, 11])), Some(News::NotForked { worker: 7, error: 11 }));
        assert_eq!(parse(&words(2, &[7, 9, 4096])), Some(News::Exited { worker: 7, status: 9, peak: 4096 }));
        for wrong in [vec![], vec![9], words(1, &[7]), words(1, &[7, i64::MAX]), words(2, &[1, 2, -3])] {
            assert_eq!(parse(&wrong), None);
        }
    }
}
