//! A socket between two processes: a pair of streams, with the length of each message before it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

use crate::process::message_socket::{FILES, Received};

const HEADER: usize = 4;

/// One end.
#[derive(Debug)]
pub(in crate::process) struct MessageSocket {
    socket: OwnedFd,
    /// The rest of a message that was begun.
    unsent: Mutex<Vec<u8>>,
    coming: Mutex<Coming>,
}

/// What of a message is there.
#[derive(Debug, Default)]
struct Coming {
    header: [u8; HEADER],
    read: usize,
    body: Vec<u8>,
    files: Vec<OwnedFd>,
}

impl MessageSocket {
    pub(in crate::process) fn pair() -> io::Result<(MessageSocket, MessageSocket)> {
        let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
        for end in [&a, &b] {
            super::close_on_exec(end)?;
            #[cfg(target_vendor = "apple")]
            rustix::net::sockopt::set_socket_nosigpipe(end, true)?;
            let _ = rustix::net::sockopt::set_socket_send_buffer_size(end, 1 << 20);
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(end, 1 << 20);
        }
        Ok((MessageSocket::from_fd(a), MessageSocket::from_fd(b)))
    }

    pub(in crate::process) fn from_fd(socket: OwnedFd) -> MessageSocket {
        MessageSocket { socket, unsent: Mutex::default(), coming: Mutex::default() }
    }

    pub(in crate::process) fn into_fd(self) -> OwnedFd {
        self.socket
    }

    pub(in crate::process) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether the rest of a message waits to be sent.
    pub(in crate::process) fn is_behind(&self) -> bool {
        !self.unsent().is_empty()
    }

    fn unsent(&self) -> MutexGuard<'_, Vec<u8>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what there was no room for; false when there still is none.
    pub(in crate::process) fn flush(&self) -> io::Result<bool> {
        self.push(&mut self.unsent(), false)
    }

    fn push(&self, unsent: &mut Vec<u8>, wait: bool) -> io::Result<bool> {
        while !unsent.is_empty() {
            match rustix::net::send(&self.socket, unsent, sending()) {
                Ok(n) => drop(unsent.drain(..n)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if wait => self.await_room(),
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn await_room(&self) {
        let _ = rustix::event::poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None);
    }

    /// Sends a message; false when there is no room for it now (only without waiting).
    pub(in crate::process) fn send(&self, bytes: &[u8], files: &[BorrowedFd<'_>], wait: bool) -> io::Result<bool> {
        let mut unsent = self.unsent();
        if !self.push(&mut unsent, wait)? {
            return Ok(false);
        }
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a message of more than 4 GiB");
        let header = u32::try_from(bytes.len()).map_err(too_long)?.to_ne_bytes();
        let parts = [IoSlice::new(&header), IoSlice::new(bytes)];
        let sent = loop {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !files.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(files));
            }
            match rustix::net::sendmsg(&self.socket, &parts, &mut control, sending()) {
                Ok(sent) => break sent,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if wait => self.await_room(),
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        };
        if sent < HEADER {
            unsent.extend_from_slice(&header[sent..]);
        }
        unsent.extend_from_slice(&bytes[sent.saturating_sub(HEADER).min(bytes.len())..]);
        if wait {
            self.push(&mut unsent, true)?;
        }
        Ok(true)
    }

    /// Receives a message, without files.
    pub(in crate::process) fn receive(&self, buffer: &mut [u8], wait: bool) -> io::Result<Received> {
        loop {
            match self.receive_files(buffer)?.0 {
                Received::WouldBlock if wait => {
                    match rustix::event::poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], None) {
                        Ok(_) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                came => return Ok(came),
            }
        }
    }

    /// Receives a message and the files that came with it.
    pub(in crate::process) fn receive_files(&self, buffer: &mut [u8]) -> io::Result<(Received, Vec<OwnedFd>)> {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        let Coming { header, read, body, files } = &mut *coming;
        loop {
            // Never more than this message: who waits for the socket learns of the next one.
            let part = if *read < HEADER { &mut header[*read..] } else { &mut body[*read - HEADER..] };
            if part.is_empty() {
                let n = body.len();
                let room = buffer.get_mut(..n).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
                room.copy_from_slice(body);
                *read = 0;
                return Ok((Received::Message(n), std::mem::take(files)));
            }
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let parts = &mut [IoSliceMut::new(part)];
            let n = match rustix::net::recvmsg(&self.socket, parts, &mut control, RecvFlags::DONTWAIT) {
                Ok(message) => message.bytes,
                Err(Errno::AGAIN) => return Ok((Received::WouldBlock, Vec::new())),
                Err(Errno::INTR) => continue,
                Err(Errno::CONNRESET) => 0,
                Err(error) => return Err(error.into()),
            };
            for part in control.drain() {
                if let RecvAncillaryMessage::ScmRights(rights) = part {
                    for file in rights {
                        super::close_on_exec(&file)?;
                        files.push(file);
                    }
                }
            }
            if n == 0 {
                return Ok((Received::Closed, Vec::new()));
            }
            *read += n;
            if *read == HEADER {
                let len = u32::from_ne_bytes(*header) as usize;
                if len > buffer.len() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a message longer than there are"));
                }
                body.clear();
                body.resize(len, 0);
            }
        }
    }
}

fn sending() -> SendFlags {
    // Elsewhere the socket itself was told.
    #[cfg(not(target_vendor = "apple"))]
    return SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    #[cfg(target_vendor = "apple")]
    return SendFlags::DONTWAIT;
}
