//! Linux: epoll, pidfd, sockets that keep messages apart, files in memory.

mod fork_safety;
mod message_socket;
mod process;

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::time::Duration;

use rustix::event::{EventfdFlags, Timespec, epoll};
use rustix::fs::{FallocateFlags, MemfdFlags};
use rustix::mm::Advice;
use rustix::pipe::PipeFlags;
use rustix::process::Signal;

use super::EVENTS;
use crate::process::memory::free_list::PAGE;

pub(in crate::process) use fork_safety::fork_is_safe;
pub(in crate::process) use message_socket::MessageSocket;
pub(in crate::process) use process::Process;

/// Whether workers can be forked from a process of their own.
pub(in crate::process) const HAS_FORKSERVER: bool = true;

/// Whether parts of a file in memory can be given back.
pub(in crate::process) const GIVES_BACK: bool = true;

/// What ends a wait, not a file.
const WAKE: u64 = 0;

/// Files to wait for, each under a number that is not zero.
#[derive(Debug)]
pub(in crate::process) struct Poll {
    epoll: OwnedFd,
    wake: OwnedFd,
}

impl Poll {
    pub(in crate::process) fn new() -> io::Result<Poll> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
        Ok(Poll { epoll, wake })
    }

    pub(in crate::process) fn add(&self, file: impl AsFd, key: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, file, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?)
    }

    pub(in crate::process) fn remove(&self, file: impl AsFd) {
        let _ = epoll::delete(&self.epoll, file);
    }

    /// Ends the wait that goes on.
    pub(in crate::process) fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// Waits until files can be read, or are at their end; how many, and whether a signal came.
    pub(in crate::process) fn wait(&self, ready: &mut [u64; EVENTS], longest: Duration) -> (usize, bool) {
        let timeout = Timespec { tv_sec: longest.as_secs() as i64, tv_nsec: i64::from(longest.subsec_nanos()) };
        let mut space = [MaybeUninit::<epoll::Event>::uninit(); EVENTS];
        let events = match epoll::wait(&self.epoll, &mut space, Some(&timeout)) {
            Ok((events, _)) => &*events,
            Err(error) => return (0, error == rustix::io::Errno::INTR),
        };
        let mut n = 0;
        for event in events {
            match event.data.u64() {
                WAKE => {
                    let mut count = [0u8; 8];
                    let _ = rustix::io::read(&self.wake, &mut count);
                }
                key => {
                    ready[n] = key;
                    n += 1;
                }
            }
        }
        (n, false)
    }
}

/// Its end to read, and its end to write.
pub(in crate::process) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?)
}

/// Has a file's number stand for another file.
pub(in crate::process) fn put_in_place(file: BorrowedFd<'_>, number: i32) {
    // SAFETY: the number stays taken, so that who closes it later closes what is put here.
    #[allow(unsafe_code)]
    unsafe {
        libc::dup3(file.as_raw_fd(), number, libc::O_CLOEXEC);
    }
}

/// Has the system send this process a signal when the thread that started it ends.
pub(in crate::process) fn end_with_parent(signal: Signal) -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(signal))?)
}

/// Has orphaned descendants of this process become its children, where the system can.
pub(in crate::process) fn adopt_orphans() {
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// A file in memory, without a name.
///
/// Kernels before 3.17 and some container profiles have no `memfd_create`: then it is POSIX shared memory or, where that is
/// small, a temporary file, without a name in either case.
pub(in crate::process) fn memory_file() -> io::Result<OwnedFd> {
    let refused = match rustix::fs::memfd_create("bakusoku", MemfdFlags::CLOEXEC) {
        Ok(file) => return Ok(file),
        Err(error) => io::Error::from(error),
    };
    if !matches!(refused.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::EACCES | libc::EINVAL)) {
        return Err(refused);
    }
    let file = super::named::shared_memory().and_then(|file| match super::named::room(&file)? {
        room if room >= super::named::ENOUGH => Ok(file),
        room => Err(io::Error::other(format!("only {} MiB are free", room >> 20))),
    });
    let shared = match file {
        Ok(file) => return Ok(file),
        Err(error) => error,
    };
    super::named::temporary_file().map_err(|error| {
        let folder = std::env::temp_dir();
        let text = format!(
            "no shared memory: `memfd_create` says \"{refused}\", `shm_open` in /dev/shm \"{shared}\", and a file in `{}` \"{error}\"",
            folder.display()
        );
        io::Error::new(error.kind(), text)
    })
}

/// Large pages where the system has them for shared memory; and arrays do not belong into core dumps. Advice: where it
/// is not known, nothing is lost.
///
/// # Safety
///
/// A whole mapping.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn advise(base: NonNull<u8>, len: usize) {
    let base = base.as_ptr().cast();
    // SAFETY: as above.
    let _ = unsafe { rustix::mm::madvise(base, len, Advice::LinuxHugepage) };
    // SAFETY: as above.
    let _ = unsafe { rustix::mm::madvise(base, len, Advice::LinuxDontDump) };
}

/// Makes sure that there is memory behind a range, so that its lack is an error here and not a signal later.
pub(in crate::process) fn reserve(file: BorrowedFd<'_>, offset: u64, len: u64) -> io::Result<()> {
    Ok(rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, offset, len)?)
}

/// Copies bytes to a range that has no pages yet.
///
/// Writing through the file makes a page and fills it at once, at half the cost of a page fault and a copy; and where
/// memory runs out, that is an error and not a signal.
///
/// # Safety
///
/// Nobody else reads or writes the range.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn fill(
    file: BorrowedFd<'_>,
    _to: NonNull<u8>,
    offset: u64,
    bytes: &[u8],
) -> io::Result<()> {
    write_unmapped(file, offset, bytes)
}

/// Whether memory may run out when a file in memory is written: one that is not of `memfd_create` has a size.
pub(in crate::process) fn is_bounded(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatvfs(file).is_ok_and(|at| at.f_blocks > 0)
}

/// Copies bytes to a range that is not mapped.
pub(in crate::process) fn write_unmapped(file: BorrowedFd<'_>, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        match rustix::io::pwrite(file, &bytes[at..], offset + at as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => at += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Gives the pages of a range back; it reads as zeros from then on.
pub(in crate::process) fn punch(file: BorrowedFd<'_>, offset: u64, len: u64) {
    // What cannot be given back stays.
    let _ = rustix::fs::fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len);
}

/// Whether a mapping can do all that its file could.
pub(in crate::process) const MAPPINGS_STAND_FOR_FILES: bool = true;

/// The same part of a file mapped once more.
///
/// # Safety
///
/// The range is mapped, shared, and belongs to the caller.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn map_again(at: NonNull<u8>, len: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: mremap(2): with an old size of 0 a shared mapping is doubled, at an address of the kernel's choice.
    let again = unsafe { rustix::mm::mremap(at.as_ptr().cast(), 0, len, rustix::mm::MremapFlags::MAYMOVE)? };
    NonNull::new(again.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// Moves a mapping over another one.
///
/// # Safety
///
/// Both belong to the caller, and nobody looks at them.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn move_mapping(from: usize, to: NonNull<u8>, len: usize) {
    let from = std::ptr::with_exposed_provenance_mut(from);
    // SAFETY: as above.
    let _ = unsafe { rustix::mm::mremap_fixed(from, len, len, rustix::mm::MremapFlags::MAYMOVE, to.as_ptr().cast()) };
}

/// Gives the pages of a file back by a mapping of it; they read as zeros from then on.
///
/// # Safety
///
/// A shared mapping of the caller's, whose content nobody needs.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn remove(at: NonNull<u8>, len: usize) {
    // SAFETY: as above.
    let _ = unsafe { rustix::mm::madvise(at.as_ptr().cast(), len, Advice::LinuxRemove) };
}

/// Private memory with the same bytes takes the place of a mapped range.
///
/// # Safety
///
/// The range is mapped and belongs to the caller.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn make_private(at: NonNull<u8>, len: usize) -> io::Result<()> {
    use rustix::mm::{MapFlags, MremapFlags, ProtFlags};
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping, filled, and then moved over a range whose bytes it has: in no moment are they not there.
    unsafe {
        let new = rustix::mm::mmap_anonymous(std::ptr::null_mut(), len, prot, MapFlags::PRIVATE)?;
        new.cast::<u8>().copy_from_nonoverlapping(at.as_ptr(), len);
        rustix::mm::mremap_fixed(new, len, len, MremapFlags::MAYMOVE, at.as_ptr().cast())?;
    }
    Ok(())
}

/// Drops the pages that were written in a private mapping of a file; false where that cannot be done.
///
/// # Safety
///
/// A whole mapping that nobody uses.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn forget_writes(base: NonNull<u8>, len: u64) -> bool {
    for (page, count) in written(base.as_ptr().addr(), len) {
        // SAFETY: pages of this mapping: reading them again shows the file.
        let _ = unsafe {
            let at = base.as_ptr().add((page * PAGE) as usize);
            rustix::mm::madvise(at.cast(), (count * PAGE) as usize, Advice::LinuxDontNeed)
        };
    }
    true
}

/// Ranges of pages that were written, counted from the mapping's first: copies, no longer pages of the file.
fn written(address: usize, len: u64) -> Vec<(u64, u64)> {
    // proc(5), pagemap: a word per page; bit 63 present, 62 swapped, 61 a page of a file or shared memory.
    let pages = len.div_ceil(PAGE);
    let all = || vec![(0, pages)];
    let Ok(file) = fs_err::File::open("/proc/self/pagemap") else { return all() };
    let mut words = vec![0u8; (pages * 8) as usize];
    let at = address as u64 / PAGE * 8;
    if std::os::unix::fs::FileExt::read_exact_at(file.file(), &mut words, at).is_err() {
        return all();
    }
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for (page, word) in words.chunks_exact(8).enumerate() {
        let word = u64::from_ne_bytes(word.try_into().unwrap_or_default());
        if word >> 62 != 0 && word >> 61 & 1 == 0 {
            match ranges.last_mut() {
                Some((first, count)) if *first + *count == page as u64 => *count += 1,
                _ => ranges.push((page as u64, 1)),
            }
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_were_written_are_told_from_those_that_were_read() {
        let file = memory_file().unwrap();
        rustix::fs::ftruncate(&file, 10 * PAGE).unwrap();
        // SAFETY: a new mapping that this test alone uses.
        #[allow(unsafe_code)]
        unsafe {
            use rustix::mm::{MapFlags, ProtFlags};
            let prot = ProtFlags::READ | ProtFlags::WRITE;
            let len = (10 * PAGE) as usize;
            let base = rustix::mm::mmap(std::ptr::null_mut(), len, prot, MapFlags::PRIVATE, &file, 0).unwrap();
            let base = NonNull::new(base.cast::<u8>()).unwrap();
            base.as_ptr().write_volatile(1);
            base.as_ptr().add(7 * PAGE as usize).write_volatile(2);
            assert_eq!(base.as_ptr().add(3 * PAGE as usize).read_volatile(), 0);
            assert_eq!(written(base.as_ptr().addr(), 10 * PAGE), [(0, 1), (7, 1)]);
            assert!(forget_writes(base, 10 * PAGE));
            assert_eq!(base.as_ptr().read_volatile(), 0);
        }
    }
}
