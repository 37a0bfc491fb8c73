//! A line between two processes: a pair of sockets that keep messages apart, carry files, and end when one side dies.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

/// Files in one message.
const FILES: usize = 8;

/// One end of a line.
#[derive(Debug)]
pub(crate) struct Line(OwnedFd);

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    /// A message of this many bytes.
    Message(usize),
    /// Nothing now (only without waiting).
    Nothing,
    /// The other side is gone.
    End,
}

impl Line {
    pub(crate) fn pair() -> io::Result<(Line, Line)> {
        let flags = SocketFlags::CLOEXEC;
        let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // The default holds one message of the largest size; where the system does not allow more, that is enough.
        for end in [&a, &b] {
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(end, 1 << 20);
        }
        Ok((Line(a), Line(b)))
    }

    pub(crate) fn from_fd(fd: OwnedFd) -> Line {
        Line(fd)
    }

    pub(crate) fn into_fd(self) -> OwnedFd {
        self.0
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Sends a message; false when there is no room for it now (only without waiting).
    pub(crate) fn send(&self, bytes: &[u8], files: &[BorrowedFd<'_>], wait: bool) -> io::Result<bool> {
        let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
        loop {
            let sent = if files.is_empty() {
                rustix::net::send(&self.0, bytes, flags)
            } else {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                control.push(SendAncillaryMessage::ScmRights(files));
                rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, flags)
            };
            match sent {
                Ok(_) => return Ok(true),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Receives a message, without files.
    pub(crate) fn receive(&self, buffer: &mut [u8], wait: bool) -> io::Result<Came> {
        let flags = if wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        loop {
            return match rustix::net::recv(&self.0, &mut *buffer, flags) {
                Ok((0, _)) => Ok(Came::End),
                Ok((n, _)) => Ok(Came::Message(n)),
                Err(rustix::io::Errno::AGAIN) => Ok(Came::Nothing),
                // Said once when the other side died with unread messages; its own last ones come after it.
                Err(rustix::io::Errno::CONNRESET) => continue,
                Err(error) => Err(error.into()),
            };
        }
    }

    /// Receives a message and the files that came with it.
    pub(crate) fn receive_files(&self, buffer: &mut [u8]) -> io::Result<(Came, Vec<OwnedFd>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(buffer)], &mut control, flags) {
            Ok(message) => {
                let mut files = Vec::new();
                for part in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(rights) = part {
                        files.extend(rights);
                    }
                }
                Ok((if message.bytes == 0 { Came::End } else { Came::Message(message.bytes) }, files))
            }
            Err(rustix::io::Errno::AGAIN) => Ok((Came::Nothing, Vec::new())),
            Err(rustix::io::Errno::CONNRESET) => Ok((Came::End, Vec::new())),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_apart_carry_files_and_end() {
        let (a, b) = Line::pair().unwrap();
        let mut buffer = vec![0; 200_000];
        assert!(matches!(b.receive(&mut buffer, false).unwrap(), Came::Nothing));
        a.send(b"one", &[], true).unwrap();
        a.send(&vec![7; 150_000], &[], true).unwrap();
        assert!(matches!(b.receive(&mut buffer, true).unwrap(), Came::Message(3)));
        assert!(matches!(b.receive(&mut buffer, true).unwrap(), Came::Message(150_000)));
        let (c, d) = Line::pair().unwrap();
        a.send(b"f", &[c.fd(), d.fd()], true).unwrap();
        let (came, files) = b.receive_files(&mut buffer).unwrap();
        assert!(matches!(came, Came::Message(1)) && files.len() == 2);
        drop((c, d));
        let c = Line::from_fd(files.into_iter().next().unwrap());
        assert!(matches!(c.receive(&mut buffer, true).unwrap(), Came::End));
        let mut sent = 0;
        while a.send(&[0; 10_000], &[], false).unwrap() {
            sent += 1;
        }
        assert!(sent > 10, "a full line says so");
        drop(b);
        assert!(a.send(b"x", &[], true).is_err());
        assert!(matches!(a.receive(&mut buffer, true).unwrap(), Came::End));
    }
}
