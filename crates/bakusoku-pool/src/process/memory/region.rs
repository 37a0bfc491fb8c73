//! Memory that two processes see: a file without a name, mapped once by each and kept mapped.
//!
//! Without a name there is nothing to leave behind: the kernel frees it with the last process that holds it. It counts
//! neither against the size of `/dev/shm` nor, before it is touched, against anything else.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{MapFlags, ProtFlags};

use crate::process::system;

/// Address space of a region; memory is used as it is touched.
const RESERVE: u64 = 1 << 38;
/// Where the address space is limited (`ulimit -v`), so small a part of what is free of it is mapped for good; blocks beyond
/// are mapped one by one.
const SHARE_OF_LIMIT: u64 = 32;
/// The smallest part that is mapped for good.
const LEAST: u64 = 1 << 20;

/// A file in memory and a shared mapping of its first part, which is all of it where the address space has no limit.
#[derive(Debug)]
pub(crate) struct Region {
    /// `None`: closed, since files are few; its mapping, which is all of it, stands for it.
    fd: Option<OwnedFd>,
    /// Of ranges that became private while there is no file: where else they are mapped as they are shared.
    parked: Mutex<HashMap<u64, (usize, u64)>>,
    base: NonNull<u8>,
    mapped: u64,
    len: u64,
    /// Memory may run out when the file is written, which is a signal and no error.
    bounded: bool,
}

/// A private mapping of a part of a region: what is written to it is seen by nobody else.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: u64,
}

// SAFETY: an address range that this value owns.
#[allow(unsafe_code)]
unsafe impl Send for Mapping {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by this value with this length, and used by nobody.
        #[allow(unsafe_code)]
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len as usize) };
    }
}

// SAFETY: the mapping lives as long as the value, and who reads or writes which part is decided by its users.
#[allow(unsafe_code)]
unsafe impl Send for Region {}
// SAFETY: as above; the value itself has no interior state.
#[allow(unsafe_code)]
unsafe impl Sync for Region {}

impl Region {
    /// A new region.
    pub(crate) fn create() -> io::Result<Region> {
        let fd = system::memory_file()?;
        let most = rustix::process::getrlimit(rustix::process::Resource::Fsize).current.unwrap_or(u64::MAX);
        let len = RESERVE.min(most).max(LEAST) / LEAST * LEAST;
        rustix::fs::ftruncate(&fd, len)?;
        Region::new(fd, len, system::limits::free_address_space())
    }

    fn new(fd: OwnedFd, len: u64, free: Option<u64>) -> io::Result<Region> {
        let bounded = system::is_bounded(fd.as_fd());
        let part = free.map_or(len, |free| (free / SHARE_OF_LIMIT).clamp(LEAST, len) / LEAST * LEAST);
        let mut mapped = part.min(len);
        loop {
            match Region::mapped(fd.as_fd(), mapped) {
                Ok(base) => return Ok(Region { fd: Some(fd), parked: Mutex::default(), base, mapped, len, bounded }),
                Err(_) if mapped > LEAST => mapped = (mapped / 2 / LEAST * LEAST).max(LEAST),
                Err(error) => return Err(io::Error::new(error.kind(), system::limits::explain(&error))),
            }
        }
    }

    /// The other side of a region.
    pub(crate) fn open(fd: OwnedFd) -> io::Result<Region> {
        let len = u64::try_from(rustix::fs::fstat(&fd)?.st_size).unwrap_or(0);
        Region::new(fd, len, system::limits::free_address_space())
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

    pub(crate) fn fd(&self) -> io::Result<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Its file, for another process; `few_files`: it is closed here, where its mapping can stand for it.
    pub(crate) fn file_for_other(&mut self, few_files: bool) -> io::Result<OwnedFd> {
        if few_files
            && system::MAPPINGS_STAND_FOR_FILES
            && self.mapped == self.len
            && let Some(fd) = self.fd.take()
        {
            return Ok(fd);
        }
        self.fd()?.try_clone_to_owned()
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// How much of it is mapped for good.
    pub(crate) fn mapped_len(&self) -> u64 {
        self.mapped
    }

    /// Whether `offset..offset + len` lies inside.
    pub(crate) fn contains(&self, offset: u64, len: u64) -> bool {
        offset.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// A private mapping of whole pages, for what is not mapped for good.
    pub(crate) fn map(&self, offset: u64, len: u64) -> io::Result<Mapping> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        #[allow(unsafe_code)]
        let base = unsafe { rustix::mm::mmap(std::ptr::null_mut(), len as usize, prot, flags, self.fd()?, offset) };
        let explained = |error: rustix::io::Errno| {
            let error = io::Error::from(error);
            io::Error::new(
                error.kind(),
                format!("a block of {} MiB cannot be mapped: {}", len >> 20, system::limits::explain(&error)),
            )
        };
        let base =
            NonNull::new(base.map_err(explained)?.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Mapping { base, len })
    }

    /// The address of `offset..offset + len`, when that lies inside of what is mapped for good.
    pub(crate) fn at(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        if offset.checked_add(len)? > self.mapped {
            return None;
        }
        // SAFETY: inside of the mapping, checked above.
        #[allow(unsafe_code)]
        Some(unsafe { self.base.add(usize::try_from(offset).ok()?) })
    }

    /// Where an address of this mapping lies, if it does.
    pub(crate) fn offset_of(&self, address: usize) -> Option<u64> {
        let offset = address.checked_sub(self.base.as_ptr().addr())? as u64;
        (offset < self.mapped).then_some(offset)
    }

    /// Makes sure that there is memory behind a block that has no pages yet, where a lack of it would be a signal later.
    pub(crate) fn reserve_if_bounded(&self, offset: u64, len: u64) -> io::Result<()> {
        if self.bounded { self.reserve(offset, len) } else { Ok(()) }
    }

    /// Makes sure that there is memory behind a range, so that its lack is an error here and not a signal later.
    pub(crate) fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        system::reserve(self.fd()?, offset, len)
    }

    /// Copies bytes to `offset`. `fresh`: there are no pages yet.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8], fresh: bool) -> io::Result<()> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "a block outside of its memory");
        let Some(to) = self.at(offset, bytes.len() as u64) else {
            if !self.contains(offset, bytes.len() as u64) {
                return Err(outside());
            }
            return system::write_unmapped(self.fd()?, offset, bytes);
        };
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
            system::fill(self.fd()?, to, offset, bytes)
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
            if self.fd.is_none() {
                let parked = system::map_again(at, len as usize)?;
                system::make_private(at, len as usize)?;
                system::remove(parked, len as usize);
                self.parked().insert(offset, (parked.as_ptr().expose_provenance(), len));
                return Ok(());
            }
            system::make_private(at, len as usize)?;
        }
        self.punch(offset, len);
        Ok(())
    }

    /// Undoes [`make_private`](Region::make_private), when nobody looks at the range any more.
    pub(crate) fn make_shared(&self, offset: u64, len: u64) {
        let Some(at) = self.at(offset, len) else { return };
        let Ok(fd) = self.fd() else {
            if let Some((parked, len)) = self.parked().remove(&offset) {
                // SAFETY: a mapping of ours moves to where it belongs, over a range that nobody looks at.
                #[allow(unsafe_code)]
                unsafe {
                    system::move_mapping(parked, at, len as usize);
                }
            }
            return;
        };
        let flags = MapFlags::SHARED | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: a range of this mapping that nobody looks at, mapped to where it belongs.
        #[allow(unsafe_code)]
        let _ = unsafe {
            let prot = ProtFlags::READ | ProtFlags::WRITE;
            rustix::mm::mmap(at.as_ptr().cast(), len as usize, prot, flags, fd, offset)
        };
    }

    /// Gives the pages of a range of the file back, where the system can: it reads as zeros from then on.
    pub(crate) fn punch(&self, offset: u64, len: u64) {
        match self.fd() {
            Ok(fd) => system::punch(fd, offset, len),
            Err(_) => {
                let Some(at) = self.at(offset, len) else { return };
                // SAFETY: a range of ours that nobody looks at.
                #[allow(unsafe_code)]
                unsafe {
                    system::remove(at, len as usize);
                }
            }
        }
    }

    fn parked(&self) -> MutexGuard<'_, HashMap<u64, (usize, u64)>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped by this value with this length; nobody holds a reference into it any more.
        #[allow(unsafe_code)]
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.mapped as usize) };
        for (parked, len) in self.parked().drain().map(|(_, it)| it) {
            // SAFETY: mapped by this value with this length.
            #[allow(unsafe_code)]
            let _ = unsafe { rustix::mm::munmap(std::ptr::with_exposed_provenance_mut(parked), len as usize) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_bytes() {
        let one = Region::create().unwrap();
        let other = Region::open(one.fd().unwrap().try_clone_to_owned().unwrap()).unwrap();
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

    #[test]
    fn a_mapping_stands_for_a_file_that_is_closed() {
        if !system::MAPPINGS_STAND_FOR_FILES {
            return;
        }
        let mut one = Region::create().unwrap();
        let other = Region::open(one.file_for_other(true).unwrap()).unwrap();
        assert!(one.fd().is_err());
        let (a, b) = (one.at(1 << 30, 8192).unwrap().cast::<u64>(), other.at(1 << 30, 8192).unwrap().cast::<u64>());
        // SAFETY: words inside of both mappings, used by this thread alone.
        #[allow(unsafe_code)]
        unsafe {
            b.write_volatile(77);
            assert_eq!(a.read_volatile(), 77);
            one.make_private(1 << 30, 8192).unwrap();
            assert_eq!(
                (a.read_volatile(), b.read_volatile()),
                (77, 0),
                "its own copy, and the file's pages given back"
            );
            b.write_volatile(78);
            assert_eq!(a.read_volatile(), 77);
            one.make_shared(1 << 30, 8192);
            assert_eq!(a.read_volatile(), 78);
            one.punch(1 << 30, 8192);
            assert_eq!(b.read_volatile(), 0);
        }
    }

    #[test]
    fn where_addresses_are_few_blocks_are_mapped_one_by_one() {
        let file = system::memory_file().unwrap();
        rustix::fs::ftruncate(&file, 64 << 20).unwrap();
        let region = Region::new(file, 64 << 20, Some(100 << 20)).unwrap();
        assert_eq!(region.mapped_len(), 3 << 20);
        let far = 32 << 20;
        assert!(region.at(far, 8).is_none() && region.contains(far, 8) && !region.contains(u64::MAX, 8));
        region.write(far, b"abcdefgh", true).unwrap();
        let mapping = region.map(far, 4096).unwrap();
        // SAFETY: eight bytes inside of the mapping, used by this thread alone.
        #[allow(unsafe_code)]
        let bytes = unsafe { std::slice::from_raw_parts(mapping.base().as_ptr(), 8) };
        assert_eq!((bytes, mapping.len()), (&b"abcdefgh"[..], 4096));
        assert!(region.write(64 << 20, b"x", true).is_err());
    }
}
