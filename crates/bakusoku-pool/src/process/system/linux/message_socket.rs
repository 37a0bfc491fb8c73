//! A socket between two processes: a pair of sockets that keep messages apart.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

use crate::process::message_socket::{FILES, Received};

/// One end.
#[derive(Debug)]
pub(in crate::process) struct MessageSocket(OwnedFd);

impl MessageSocket {
    pub(in crate::process) fn pair() -> io::Result<(MessageSocket, MessageSocket)> {
        let flags = SocketFlags::CLOEXEC;
        let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // The default holds one message of the largest size; where the system does not allow more, that is enough.
        for end in [&a, &b] {
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(end, 1 << 20);
        }
        Ok((MessageSocket(a), MessageSocket(b)))
    }

    pub(in crate::process) fn from_fd(fd: OwnedFd) -> MessageSocket {
        MessageSocket(fd)
    }

    pub(in crate::process) fn into_fd(self) -> OwnedFd {
        self.0
    }

    pub(in crate::process) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Whether the rest of a message waits to be sent: it goes as a whole.
    pub(in crate::process) fn is_behind(&self) -> bool {
        false
    }

    /// Sends what there was no room for.
    pub(in crate::process) fn flush(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Sends a message; false when there is no room for it now (only without waiting).
    pub(in crate::process) fn send(&self, bytes: &[u8], files: &[BorrowedFd<'_>], wait: bool) -> io::Result<bool> {
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
    pub(in crate::process) fn receive(&self, buffer: &mut [u8], wait: bool) -> io::Result<Received> {
        let flags = if wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        loop {
            return match rustix::net::recv(&self.0, &mut *buffer, flags) {
                Ok((0, _)) => Ok(Received::Closed),
                Ok((n, _)) => Ok(Received::Message(n)),
                Err(rustix::io::Errno::AGAIN) => Ok(Received::WouldBlock),
                // Said once when the other side died with unread messages; its own last ones come after it.
                Err(rustix::io::Errno::CONNRESET) => continue,
                Err(error) => Err(error.into()),
            };
        }
    }

    /// Receives a message and the files that came with it.
    pub(in crate::process) fn receive_files(&self, buffer: &mut [u8]) -> io::Result<(Received, Vec<OwnedFd>)> {
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
                Ok((if message.bytes == 0 { Received::Closed } else { Received::Message(message.bytes) }, files))
            }
            Err(rustix::io::Errno::AGAIN) => Ok((Received::WouldBlock, Vec::new())),
            Err(rustix::io::Errno::CONNRESET) => Ok((Received::Closed, Vec::new())),
            Err(error) => Err(error.into()),
        }
    }
}
