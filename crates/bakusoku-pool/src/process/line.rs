//! A line between two processes: it keeps messages apart, carries files, and ends when one side dies.

pub(super) use super::system::Line;

/// Files in one message.
pub(super) const FILES: usize = 8;

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
