//! Reading a FIFF file by position: its tags, its tree of blocks, the data of single tags.

use crate::constants::*;
use crate::directory::{self, Directory};
use crate::error::{Error, Result, Wrong};
use crate::source::{FileSource, ReadAt, Window};
use crate::tag::{Entry, FileId, HEADER, RawTag};
use crate::tree::{self, Branch, Node};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// An open FIFF file.
///
/// Nothing but the places of the tags is held; several threads can read at once. Whatever the file says, no more
/// memory is asked for than the file is long.
pub struct Fiff {
    path: PathBuf,
    source: Box<dyn ReadAt>,
    entries: Vec<Entry>,
    root: Node,
    directory: Directory,
    /// What was read ahead, and from where: the tags of a header are small, and stand one behind the other.
    ahead: Mutex<(u64, Vec<u8>)>,
}

/// Bytes that are read ahead; a tag that is longer is read by itself.
const AHEAD: usize = 1 << 15;

impl std::fmt::Debug for Fiff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fiff").field("path", &self.path).field("tags", &self.entries.len()).finish_non_exhaustive()
    }
}

impl Fiff {
    /// Opens a file (one that is not compressed).
    ///
    /// # Errors
    /// When it can't be read, is no FIFF file, or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let source = FileSource::open(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            what: "opening",
            at: 0,
            source,
        })?;
        Self::from_source(path, Box::new(source))
    }

    /// Reads from any bytes; `path` is what errors name.
    ///
    /// # Errors
    /// When they are no FIFF file, or a damaged one.
    pub fn from_source(path: &Path, source: Box<dyn ReadAt>) -> Result<Self> {
        let len = source.len();
        let mut window = Window::new(&*source);
        let pointer = directory::check_start(path, &mut window, len)?;
        if let Some(pos) = pointer
            && let Some(entries) = directory::read_directory(&mut window, pos, len)
            && let Ok(Some(root)) = tree::build(path, &mut window, &entries, false)
        {
            return Ok(Self {
                path: path.to_owned(),
                source,
                entries,
                root,
                directory: Directory::Pointer,
                ahead: Mutex::default(),
            });
        }
        let entries = directory::walk(path, &mut window, len, pointer)?;
        let root = tree::build(path, &mut window, &entries, true)?.unwrap_or_default();
        let directory = if pointer.is_some() { Directory::Repaired } else { Directory::Walked };
        Ok(Self { path: path.to_owned(), source, entries, root, directory, ahead: Mutex::default() })
    }

    /// The file's name, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// All tags, in the file's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
    /// The tree of blocks.
    pub fn root(&self) -> &Node {
        &self.root
    }
    /// How the list of tags was found.
    pub fn directory(&self) -> Directory {
        self.directory
    }
    /// Length of the file (bytes).
    pub fn len(&self) -> u64 {
        self.source.len()
    }
    /// Whether it has no byte; never so.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// Fills `buf` with the bytes from `at` on.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn read_at(&self, buf: &mut [u8], at: u64) -> Result<()> {
        self.source.read_exact_at(buf, at).map_err(|source| Error::Io {
            path: self.path.clone(),
            what: "reading",
            at,
            source,
        })
    }

    /// Checks that the tag stands where the directory says.
    ///
    /// # Errors
    /// When another one stands there.
    pub fn check_header(&self, entry: &Entry) -> Result<()> {
        let mut bytes = [0; HEADER as usize];
        self.read_at(&mut bytes, entry.pos)?;
        self.compare(entry, bytes)
    }

    fn compare(&self, entry: &Entry, bytes: [u8; 16]) -> Result<()> {
        let (found, size, _) = directory::header(bytes, entry.pos);
        if (found.kind, found.type_, size) == (entry.kind, entry.type_, i64::from(entry.size)) {
            return Ok(());
        }
        let show = |kind, size, type_| format!("{} of {size} bytes of {}", tag_name(kind), type_name(type_));
        let expected = show(entry.kind, i64::from(entry.size), entry.type_);
        Err(self.wrong(entry, Wrong::new(expected, show(found.kind, size, found.type_))))
    }

    /// An error about a tag of this file.
    pub fn wrong(&self, entry: &Entry, wrong: Wrong) -> Error {
        Error::tag(&self.path, entry.kind, entry.pos, wrong)
    }
    /// An error about something missing in a block of this file.
    pub fn missing(&self, what: &str, node: &Node) -> Error {
        Error::Missing { path: self.path.clone(), what: what.to_owned(), block: node.name(), at: node.pos }
    }

    /// A tag with its data.
    ///
    /// # Errors
    /// When it can't be read, or another tag stands there.
    pub fn tag(&self, entry: &Entry) -> Result<RawTag> {
        if entry.end() > self.len() {
            let tag = format!("tag {}", tag_name(entry.kind));
            let need = HEADER + u64::from(entry.size);
            return Err(Error::Truncated { path: self.path.clone(), tag, at: entry.pos, need, len: self.len() });
        }
        let mut bytes = [0; HEADER as usize];
        let mut data = vec![0; entry.size as usize];
        self.read_small_at(&mut bytes, entry.pos)?;
        self.compare(entry, bytes)?;
        self.read_small_at(&mut data, entry.data_pos())?;
        Ok(RawTag { kind: entry.kind, type_: entry.type_, data })
    }

    /// Reads from what was read ahead, or reads ahead.
    fn read_small_at(&self, buf: &mut [u8], at: u64) -> Result<()> {
        if buf.len() > AHEAD / 4 {
            return self.read_at(buf, at);
        }
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, bytes) = &mut *ahead;
        let is_there = *start <= at && at + buf.len() as u64 <= *start + bytes.len() as u64;
        if !is_there {
            let left = usize::try_from(self.len().saturating_sub(at)).unwrap_or(usize::MAX);
            bytes.clear();
            bytes.resize(AHEAD.min(left).max(buf.len()), 0);
            *start = at;
            if let Err(error) = self.read_at(bytes, at) {
                bytes.clear();
                return Err(error);
            }
        }
        let from = (at - *start) as usize;
        buf.copy_from_slice(&bytes[from..from + buf.len()]);
        Ok(())
    }

    /// What a tag says.
    ///
    /// # Errors
    /// When it can't be read, or says something else than expected.
    pub fn get<T>(&self, entry: &Entry, decode: impl FnOnce(&RawTag) -> Result<T, Wrong>) -> Result<T> {
        decode(&self.tag(entry)?).map_err(|wrong| self.wrong(entry, wrong))
    }

    /// What the first tag of that kind directly inside a block says; `None` when there is none.
    ///
    /// # Errors
    /// When it can't be read, or says something else than expected.
    pub fn find<T>(
        &self,
        node: &Node,
        kind: i32,
        decode: impl FnOnce(&RawTag) -> Result<T, Wrong>,
    ) -> Result<Option<T>> {
        node.entry(kind).map(|entry| self.get(entry, decode)).transpose()
    }

    /// As [`find`](Self::find), but the tag must be there.
    ///
    /// # Errors
    /// Also when there is none.
    pub fn need<T>(&self, node: &Node, kind: i32, decode: impl FnOnce(&RawTag) -> Result<T, Wrong>) -> Result<T> {
        self.find(node, kind, decode)?.ok_or_else(|| self.missing(&tag_name(kind), node))
    }

    /// The file's identifier.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn id(&self) -> Result<FileId> {
        self.need(&self.root, FIFF_FILE_ID, RawTag::id)
    }

    /// A block with all it holds.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn branch(&self, node: &Node) -> Result<Branch> {
        let tags = node.entries.iter().map(|entry| self.tag(entry)).collect::<Result<_>>()?;
        let children = node.children.iter().map(|child| self.branch(child)).collect::<Result<_>>()?;
        Ok(Branch { kind: node.kind, tags, children })
    }
}
