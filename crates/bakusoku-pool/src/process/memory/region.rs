//! Memory that two processes see: a file without a name, mapped once by each and kept mapped.
//!
//! Without a name there is nothing to leave behind: the kernel frees it with the last process that holds it. It counts
//! neither against the size of `/dev/shm` nor, before it is touched, against anything else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags};

use crate::process::system;

/// Address space of a region; memory is used as it is touched.
const RESERVE: u64 = 1 << 38;
/// Smaller than this and a region is of no use.
const LEAST: u64 = 64 << 20;

/// A shared mapping of a whole file in memory.
#[derive(Debug)]
pub(crate) struct Region {
    fd: OwnedFd,
    base: NonNull<u8>,
    len: u64,
}

// SAFETY: the mapping lives as long as the value, and who reads or writes which part is decided by its users.
#[allow(unsafe_code)]
unsafe impl Send for Region {}
// SAFETY: as above; the value itself has no interior state.
#[allow(unsafe_code)]
unsafe impl Sync for Region {}

impl Region {
    /// A new region with as much room as the limits on address space allow.
    pub(crate) fn create() -> io::Result<Region> {
        let fd = system::memory_file()?;
        // `ulimit -v` and `ulimit -f` bound what can be mapped: each region takes a small part of it.
        let limit = |which| rustix::process::getrlimit(which).current.unwrap_or(u64::MAX);
        let most = (limit(rustix::process::Resource::As) / 16).min(limit(rustix::process::Resource::Fsize));
        let mut len = RESERVE.min(most).max(LEAST) / LEAST * LEAST;
        loop {
            rustix::fs::ftruncate(&fd, len)?;
            match Region::mapped(fd.as_fd(), len) {
                Ok(base) => return Ok(Region { fd, base, len }),
                Err(_) if len > LEAST => len = (len / 2).max(LEAST),
                Err(error) => return Err(error),
            }
        }
    }

    /// The other side of a region.
    pub(crate) fn open(fd: OwnedFd) -> io::Result<Region> {
        let len = u64::try_from(rustix::fs::fstat(&fd)?.st_size).unwrap_or(0);
        let base = Region::mapped(fd.as_fd(), len)?;
        Ok(Region { fd, base, len })
    }

    fn mapped(fd: BorrowedFd<'_>, len: u64) -> io::Result<NonNull<u8>> {
        let size = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        #[allow(unsafe_code)]
        let base = unsafe {
            let flags = MapFlags::SHARED | MapFlags::NORESERVE;
            rustix::mm::mmap(std::ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, flags, fd, 0)?
        };
        let base = NonNull::new(base.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        // SAFETY: the mapping of the lines above, whole.
        #[allow(unsafe_code)]
        unsafe {
            system::advise(base, size);
        }
        Ok(base)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The address of `offset..offset + len`, when that lies inside.
    pub(crate) fn at(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        if offset.checked_add(len)? > self.len {
            return None;
        }
        // SAFETY: inside of the mapping, checked above.
        #[allow(unsafe_code)]
        Some(unsafe { self.base.add(usize::try_from(offset).ok()?) })
    }

    /// Where an address of this mapping lies, if it does.
    pub(crate) fn offset_of(&self, address: usize) -> Option<u64> {
        let offset = address.checked_sub(self.base.as_ptr().addr())? as u64;
        (offset < self.len).then_some(offset)
    }

    /// Makes sure that there is memory behind a range, so that its lack is an error here and not a signal later.
    pub(crate) fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        system::reserve(self.fd(), offset, len)
    }

    /// Copies bytes to `offset`. `fresh`: there are no pages yet.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8], fresh: bool) -> io::Result<()> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "a block outside of its memory");
        let to = self.at(offset, bytes.len() as u64).ok_or_else(outside)?;
        if !fresh {
            // SAFETY: inside of the mapping, and nobody else's, as the caller says by writing there.
            #[allow(unsafe_code)]
            unsafe {
                to.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            }
            return Ok(());
        }
        // SAFETY: as above.
        #[allow(unsafe_code)]
        unsafe {
            system::fill(self.fd(), to, offset, bytes)
        }
    }

    /// Before this process forks: a range becomes private memory with the same bytes at the same address, so that
    /// neither child nor parent sees what the other does to it. The file's pages of it are given back.
    pub(crate) fn make_private(&self, offset: u64, len: u64) -> io::Result<()> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "a block outside of its memory");
        let at = self.at(offset, len).ok_or_else(outside)?;
        // SAFETY: a range of ours.
        #[allow(unsafe_code)]
        unsafe {
            system::make_private(at, len as usize)?;
        }
        self.punch(offset, len);
        Ok(())
    }

    /// Undoes [`make_private`](Region::make_private), when nobody looks at the range any more.
    pub(crate) fn make_shared(&self, offset: u64, len: u64) {
        let Some(at) = self.at(offset, len) else { return };
        let flags = MapFlags::SHARED | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: a range of this mapping that nobody looks at, mapped to where it belongs.
        #[allow(unsafe_code)]
        let _ = unsafe {
            let prot = ProtFlags::READ | ProtFlags::WRITE;
            rustix::mm::mmap(at.as_ptr().cast(), len as usize, prot, flags, &self.fd, offset)
        };
    }

    /// Gives the pages of a range of the file back, where the system can: it reads as zeros from then on.
    pub(crate) fn punch(&self, offset: u64, len: u64) {
        system::punch(self.fd(), offset, len);
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped by this value with this length; nobody holds a reference into it any more.
        #[allow(unsafe_code)]
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len as usize) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_bytes() {
        let one = Region::create().unwrap();
        let other = Region::open(one.fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(one.len(), other.len());
        let (a, b) = (one.at(1 << 30, 8).unwrap(), other.at(1 << 30, 8).unwrap());
        assert_ne!(a, b);
        // SAFETY: eight bytes inside of both mappings, used by this thread alone.
        #[allow(unsafe_code)]
        unsafe {
            a.cast::<u64>().write_volatile(77);
            assert_eq!(b.cast::<u64>().read_volatile(), 77);
            if system::GIVES_BACK {
                one.punch(1 << 30, 4096);
                assert_eq!(b.cast::<u64>().read_volatile(), 0);
            }
        }
        assert!(one.at(one.len() - 4, 8).is_none() && one.at(u64::MAX, 8).is_none());
        assert_eq!(one.offset_of(a.as_ptr().addr()), Some(1 << 30));
        assert_eq!(one.offset_of(1), None);
    }
}
