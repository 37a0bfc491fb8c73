//! A socket between two processes: it keeps messages apart, carries file descriptors, and closes when one side dies.

pub(super) use super::system::MessageSocket;

/// Files in one message.
pub(super) const FILES: usize = 8;

/// What came.
#[derive(Debug)]
pub(crate) enum Received {
    /// A message of this many bytes.
    Message(usize),
    /// Nothing now (only without waiting).
    WouldBlock,
    /// The other side is gone.
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_apart_carry_files_and_end() {
        let (a, b) = MessageSocket::pair().unwrap();
        let mut buffer = vec![0; 200_000];
        assert!(matches!(b.receive(&mut buffer, false).unwrap(), Received::WouldBlock));
        a.send(b"one", &[], true).unwrap();
        a.send(&vec![7; 150_000], &[], true).unwrap();
        assert!(matches!(b.receive(&mut buffer, true).unwrap(), Received::Message(3)));
        assert!(matches!(b.receive(&mut buffer, true).unwrap(), Received::Message(150_000)));
        let (c, d) = MessageSocket::pair().unwrap();
        a.send(b"f", &[c.fd(), d.fd()], true).unwrap();
        let (came, files) = b.receive_files(&mut buffer).unwrap();
        assert!(matches!(came, Received::Message(1)) && files.len() == 2);
        drop((c, d));
        let c = MessageSocket::from_fd(files.into_iter().next().unwrap());
        assert!(matches!(c.receive(&mut buffer, true).unwrap(), Received::Closed));
        let mut sent = 0;
        while a.send(&[0; 10_000], &[], false).unwrap() {
            sent += 1;
        }
        assert!(sent > 10, "a full line says so");
        drop(b);
        assert!(a.send(b"x", &[], true).is_err());
        assert!(matches!(a.receive(&mut buffer, true).unwrap(), Received::Closed));
    }
}
