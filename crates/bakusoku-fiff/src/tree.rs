//! Blocks as trees: [`Node`] says where things stand, [`Branch`] holds them verbatim.

use crate::constants::*;
use crate::directory::MAX_DEPTH;
use crate::error::{Error, Result};
use crate::source::Window;
use crate::tag::{Entry, HEADER, RawTag};
use std::path::Path;

/// A block of a file: where its tags and blocks stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Kind of the block (`FIFFB_*`; the file itself is `FIFFB_ROOT`).
    pub kind: i32,
    /// Byte at which its `FIFF_BLOCK_START` stands.
    pub pos: u64,
    /// Tags directly inside, in the file's order.
    pub entries: Vec<Entry>,
    /// Blocks directly inside, in the file's order.
    pub children: Vec<Node>,
}

impl Node {
    /// Every block of that kind at any depth, itself included, in the file's order.
    pub fn find_all(&self, kind: i32) -> Vec<&Node> {
        let (mut out, mut stack) = (Vec::new(), vec![self]);
        while let Some(node) = stack.pop() {
            if node.kind == kind {
                out.push(node);
            }
            stack.extend(node.children.iter().rev());
        }
        out
    }
    /// The first block of that kind at any depth.
    pub fn find(&self, kind: i32) -> Option<&Node> {
        self.find_all(kind).into_iter().next()
    }
    /// The first tag of that kind directly inside.
    pub fn entry(&self, kind: i32) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.kind == kind)
    }
    /// Its name.
    pub fn name(&self) -> String {
        block_name(self.kind)
    }
}

/// The number in a block's start or end tag.
fn number(path: &Path, window: &mut Window<'_>, entry: &Entry) -> Result<Option<i32>> {
    if entry.size != 4 {
        return Ok(None);
    }
    let io = |source| Error::Io { path: path.to_owned(), what: "reading", at: entry.pos, source };
    let bytes: [u8; 20] = window.get(entry.pos).map_err(io)?;
    let word = |i: usize| i32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
    let sound = word(0) == entry.kind && entry.type_ == FIFFT_INT && word(4) as u32 == FIFFT_INT && word(8) == 4;
    Ok(sound.then(|| word(16)))
}

/// Sorts tags into blocks. `Ok(None)`: the entries are not what stands in the file (a broken directory).
pub(crate) fn build(path: &Path, window: &mut Window<'_>, entries: &[Entry], trusted: bool) -> Result<Option<Node>> {
    let mut stack = vec![Node { kind: FIFFB_ROOT, ..Node::default() }];
    for entry in entries {
        match entry.kind {
            FIFF_BLOCK_START => {
                let Some(kind) = number(path, window, entry)? else {
                    if !trusted {
                        return Ok(None);
                    }
                    let got = format!("{} bytes of {}", entry.size, type_name(entry.type_));
                    let wrong = crate::error::Wrong::new("the number of a block", got);
                    return Err(Error::tag(path, entry.kind, entry.pos, wrong));
                };
                if stack.len() == MAX_DEPTH {
                    return Err(Error::Limit {
                        path: path.to_owned(),
                        what: "the depth of blocks",
                        at: entry.pos,
                        limit: MAX_DEPTH as u64,
                    });
                }
                stack.push(Node { kind, pos: entry.pos, ..Node::default() });
            }
            FIFF_BLOCK_END => {
                if !trusted && number(path, window, entry)?.is_none() {
                    return Ok(None);
                }
                // As MNE: what the end says is not compared; old writers got it wrong.
                if stack.len() > 1
                    && let Some(node) = stack.pop()
                    && let Some(parent) = stack.last_mut()
                {
                    parent.children.push(node);
                }
            }
            _ => {
                if let Some(node) = stack.last_mut() {
                    node.entries.push(*entry);
                }
            }
        }
    }
    if stack.len() > 1
        && let Some(open) = stack.last()
    {
        return Err(Error::Unclosed { path: path.to_owned(), block: open.name(), at: open.pos });
    }
    Ok(stack.pop())
}

/// A block of a FIFF file with all it holds, kept as it stood in the file (big-endian bytes): for what is carried
/// through without being understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// Kind of the block (`FIFFB_*`).
    pub kind: i32,
    /// Tags directly inside, in order.
    pub tags: Vec<RawTag>,
    /// Blocks directly inside, in order.
    pub children: Vec<Branch>,
}

impl Branch {
    /// An empty block.
    pub fn new(kind: i32) -> Self {
        Self { kind, tags: Vec::new(), children: Vec::new() }
    }
    /// The first tag of that kind directly inside.
    pub fn tag(&self, kind: i32) -> Option<&RawTag> {
        self.tags.iter().find(|tag| tag.kind == kind)
    }
    /// Every block of that kind at any depth, itself included, in the file's order.
    pub fn find(&self, kind: i32) -> Vec<&Branch> {
        let (mut out, mut stack) = (Vec::new(), vec![self]);
        while let Some(branch) = stack.pop() {
            if branch.kind == kind {
                out.push(branch);
            }
            stack.extend(branch.children.iter().rev());
        }
        out
    }
    /// Bytes that it takes in a file.
    pub fn file_bytes(&self) -> u64 {
        let tags: u64 = self.tags.iter().map(|tag| HEADER + tag.data.len() as u64).sum();
        2 * (HEADER + 4) + tags + self.children.iter().map(Self::file_bytes).sum::<u64>()
    }
}
