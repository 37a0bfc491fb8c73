//! Messages between owner and worker, as bytes. Both are one version of bakusoku on one machine: native byte order, no
//! versions. Reading checks every length, so that a broken message is an error and never a panic.

use crate::process::memory::Extent;

/// What travels inside of the message up to this size; the rest lies in a block.
pub const INLINE: usize = 32 << 10;
/// The largest message: what stands inside of it, and its blocks.
pub(crate) const LARGEST: usize = 192 << 10;
/// Blocks in one message.
pub const MOST_BLOCKS: usize = 1024;

/// A message that is not what it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a message between a worker and its owner is broken")]
pub(crate) struct Broken;

/// Bytes in a message, or in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body<B> {
    Inline(Vec<u8>),
    Block(B),
}

/// A function that a task calls; known to the worker after the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) body: Body<Extent>,
    pub(crate) blocks: Vec<Extent>,
}

/// Owner to worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Run items.
    Task {
        slot: u16,
        /// How the items are called; the language binding decides.
        mode: u8,
        start: u64,
        items: u32,
        function: u64,
        definition: Option<Definition>,
        body: Body<Extent>,
        blocks: Vec<Extent>,
        /// Functions that are not needed any more.
        forget: Vec<u64>,
    },
    /// Look for blocks that were given back.
    Look {
        /// Keep this much free memory warm.
        keep: Option<u64>,
        /// Functions that are not needed any more.
        forget: Vec<u64>,
    },
    /// End.
    Stop,
}

/// Worker to owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Items were run.
    Done {
        slot: u16,
        /// What came of them; the language binding decides.
        status: u8,
        wall_ns: u64,
        cpu_ns: u64,
        /// Largest resident memory while they ran, in bytes.
        peak: u64,
        body: Body<(u64, u64)>,
        blocks: Vec<(u64, u64)>,
    },
    /// Something to say meanwhile (a log record); the language binding decides.
    Message { body: Vec<u8> },
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, v: u8) {
        self.0.push(v);
    }

    fn u32(&mut self, v: u32) {
        self.0.extend_from_slice(&v.to_ne_bytes());
    }

    fn u64(&mut self, v: u64) {
        self.0.extend_from_slice(&v.to_ne_bytes());
    }

    fn bytes(&mut self, v: &[u8]) {
        self.u32(v.len() as u32);
        self.0.extend_from_slice(v);
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.u32(items.len() as u32);
        for item in items {
            write(self, item);
        }
    }

    fn extent(&mut self, e: &Extent) {
        self.u64(e.offset);
        self.u64(e.len);
        self.u64(e.id);
        self.u8(u8::from(e.shared));
    }

    fn pair(&mut self, p: &(u64, u64)) {
        self.u64(p.0);
        self.u64(p.1);
    }

    fn body<B>(&mut self, body: &Body<B>, write: impl FnOnce(&mut Self, &B)) {
        match body {
            Body::Inline(bytes) => {
                self.u8(0);
                self.bytes(bytes);
            }
            Body::Block(block) => {
                self.u8(1);
                write(self, block);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, Broken> {
        self.take(4)?.try_into().map(u32::from_ne_bytes).map_err(|_| Broken)
    }

    fn u64(&mut self) -> Result<u64, Broken> {
        self.take(8)?.try_into().map(u64::from_ne_bytes).map_err(|_| Broken)
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Broken> {
        let n = self.u32()? as usize;
        Ok(self.take(n)?.to_vec())
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T, Broken>) -> Result<Vec<T>, Broken> {
        let n = self.u32()? as usize;
        // Every item takes a byte at least, so a wild count ends here.
        if n > self.0.len() {
            return Err(Broken);
        }
        (0..n).map(|_| read(self)).collect()
    }

    fn extent(&mut self) -> Result<Extent, Broken> {
        Ok(Extent { offset: self.u64()?, len: self.u64()?, id: self.u64()?, shared: self.u8()? != 0 })
    }

    fn pair(&mut self) -> Result<(u64, u64), Broken> {
        Ok((self.u64()?, self.u64()?))
    }

    fn body<B>(&mut self, read: impl FnOnce(&mut Self) -> Result<B, Broken>) -> Result<Body<B>, Broken> {
        match self.u8()? {
            0 => Ok(Body::Inline(self.bytes()?)),
            1 => Ok(Body::Block(read(self)?)),
            _ => Err(Broken),
        }
    }

    fn end<T>(self, value: T) -> Result<T, Broken> {
        if self.0.is_empty() { Ok(value) } else { Err(Broken) }
    }
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Request::Task { slot, mode, start, items, function, definition, body, blocks, forget } => {
                w.u8(1);
                w.u32(u32::from(*slot));
                w.u8(*mode);
                w.u64(*start);
                w.u32(*items);
                w.u64(*function);
                match definition {
                    None => w.u8(0),
                    Some(definition) => {
                        w.u8(1);
                        w.body(&definition.body, Writer::extent);
                        w.list(&definition.blocks, Writer::extent);
                    }
                }
                w.body(body, Writer::extent);
                w.list(blocks, Writer::extent);
                w.list(forget, |w, v| w.u64(*v));
            }
            Request::Look { keep, forget } => {
                w.u8(2);
                w.u64(keep.unwrap_or(u64::MAX));
                w.list(forget, |w, v| w.u64(*v));
            }
            Request::Stop => w.u8(3),
        }
        w.0
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Request, Broken> {
        let mut r = Reader(bytes);
        let request = match r.u8()? {
            1 => Request::Task {
                slot: u16::try_from(r.u32()?).map_err(|_| Broken)?,
                mode: r.u8()?,
                start: r.u64()?,
                items: r.u32()?,
                function: r.u64()?,
                definition: match r.u8()? {
                    0 => None,
                    _ => Some(Definition { body: r.body(Reader::extent)?, blocks: r.list(Reader::extent)? }),
                },
                body: r.body(Reader::extent)?,
                blocks: r.list(Reader::extent)?,
                forget: r.list(Reader::u64)?,
            },
            2 => Request::Look { keep: Some(r.u64()?).filter(|keep| *keep != u64::MAX), forget: r.list(Reader::u64)? },
            3 => Request::Stop,
            _ => return Err(Broken),
        };
        r.end(request)
    }
}

impl Reply {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        match self {
            Reply::Done { slot, status, wall_ns, cpu_ns, peak, body, blocks } => {
                w.u8(1);
                w.u32(u32::from(*slot));
                w.u8(*status);
                w.u64(*wall_ns);
                w.u64(*cpu_ns);
                w.u64(*peak);
                w.body(body, Writer::pair);
                w.list(blocks, Writer::pair);
            }
            Reply::Message { body } => {
                w.u8(2);
                w.bytes(body);
            }
        }
        w.0
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Reply, Broken> {
        let mut r = Reader(bytes);
        let reply = match r.u8()? {
            1 => Reply::Done {
                slot: u16::try_from(r.u32()?).map_err(|_| Broken)?,
                status: r.u8()?,
                wall_ns: r.u64()?,
                cpu_ns: r.u64()?,
                peak: r.u64()?,
                body: r.body(Reader::pair)?,
                blocks: r.list(Reader::pair)?,
            },
            2 => Reply::Message { body: r.bytes()? },
            _ => return Err(Broken),
        };
        r.end(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> Vec<Request> {
        let extent = Extent { offset: 1 << 33, len: 77, id: 5, shared: true };
        let task = |definition, body, forget| Request::Task {
            slot: 63,
            mode: 2,
            start: u64::MAX,
            items: 9,
            function: 4,
            definition,
            body,
            blocks: vec![extent; 3],
            forget,
        };
        let definition = Definition { body: Body::Inline(vec![1, 2, 3]), blocks: vec![extent] };
        vec![
            task(Some(definition), Body::Block(extent), vec![1, 2]),
            task(None, Body::Inline(Vec::new()), vec![]),
            Request::Look { keep: None, forget: vec![] },
            Request::Look { keep: Some(0), forget: vec![7] },
            Request::Stop,
        ]
    }

    fn reports() -> Vec<Reply> {
        let done = |body| Reply::Done {
            slot: 1,
            status: 200,
            wall_ns: 3,
            cpu_ns: 2,
            peak: u64::MAX,
            body,
            blocks: vec![(4096, 1 << 40)],
        };
        vec![done(Body::Inline(b"abc".to_vec())), done(Body::Block((1, 2))), Reply::Message { body: vec![0; 300] }]
    }

    #[test]
    fn what_is_written_is_read() {
        for request in orders() {
            assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
        for reply in reports() {
            assert_eq!(Reply::decode(&reply.encode()), Ok(reply));
        }
    }

    #[test]
    fn broken_messages_are_errors() {
        let all: Vec<Vec<u8>> =
            orders().iter().map(Request::encode).chain(reports().iter().map(Reply::encode)).collect();
        for bytes in all {
            for cut in 0..bytes.len() {
                let _ = (Request::decode(&bytes[..cut]), Reply::decode(&bytes[..cut]));
            }
            for at in 0..bytes.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut wrong = bytes.clone();
                    wrong[at] = value;
                    let _ = (Request::decode(&wrong), Reply::decode(&wrong));
                }
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert!(Request::decode(&longer).is_err() && Reply::decode(&longer).is_err());
        }
    }
}
