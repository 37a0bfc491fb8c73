//! Blocks as trees, kept verbatim.

use crate::RawTag;

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
}
