//! What every Unix has: poll, a thread that waits for a child, streams, and shared memory that was given a name and lost it.
//!
//! Workers are children of their owner, each an interpreter of its own; there is no process to fork them from.

mod message_socket;
mod poll;
mod process;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use rustix::io::FdFlags;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::Signal;

pub(in crate::process) use message_socket::MessageSocket;
pub(in crate::process) use poll::Poll;
pub(in crate::process) use process::Process;

/// Whether workers can be forked from a process of their own.
pub(in crate::process) const HAS_FORKSERVER: bool = false;

/// Whether a fork of this process is as safe as that of a process with one thread: nobody knows.
pub(in crate::process) fn fork_is_safe() -> bool {
    false
}

/// Whether parts of shared memory can be given back.
pub(in crate::process) const GIVES_BACK: bool = false;

/// Its end to read, and its end to write.
pub(in crate::process) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe()?;
    close_on_exec(&read)?;
    close_on_exec(&write)?;
    Ok((read, write))
}

pub(super) fn close_on_exec(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(file, FdFlags::CLOEXEC)?)
}

/// Has a file's number stand for another file.
pub(in crate::process) fn put_in_place(file: BorrowedFd<'_>, number: i32) {
    // SAFETY: the number stays taken, so that who closes it later closes what is put here.
    #[allow(unsafe_code)]
    unsafe {
        libc::dup2(file.as_raw_fd(), number);
        libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
    }
}

/// Nothing: a worker sees that its socket closes.
pub(in crate::process) fn end_with_parent(_: Signal) -> io::Result<()> {
    Ok(())
}

/// Nothing: what tasks leave behind is the system's.
pub(in crate::process) fn adopt_orphans() {}

/// Shared memory whose name is gone before anybody else can know it.
pub(in crate::process) fn memory_file() -> io::Result<OwnedFd> {
    super::named::shared_memory()
}

/// Nothing.
///
/// # Safety
///
/// None needed.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn advise(_: NonNull<u8>, _: usize) {}

/// Nothing: a lack of memory shows when it is used.
pub(in crate::process) fn reserve(_: BorrowedFd<'_>, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}

/// Copies bytes to a range that has no pages yet.
///
/// # Safety
///
/// The range is mapped, and nobody else reads or writes it.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn fill(_: BorrowedFd<'_>, to: NonNull<u8>, _: u64, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: as above.
    unsafe { to.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    Ok(())
}

/// Whether memory may run out when shared memory is written: nobody can tell.
pub(in crate::process) fn is_bounded(_: BorrowedFd<'_>) -> bool {
    false
}

/// Copies bytes to a range of whole pages that is not mapped: by a mapping for the moment.
pub(in crate::process) fn write_unmapped(file: BorrowedFd<'_>, offset: u64, bytes: &[u8]) -> io::Result<()> {
    const PIECE: usize = 16 << 20;
    for (i, piece) in bytes.chunks(PIECE).enumerate() {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let at = offset + (i * PIECE) as u64;
        // SAFETY: a new mapping at an address of the kernel's choice, filled and taken away again.
        #[allow(unsafe_code)]
        unsafe {
            let base = rustix::mm::mmap(std::ptr::null_mut(), piece.len(), prot, MapFlags::SHARED, file, at)?;
            base.cast::<u8>().copy_from_nonoverlapping(piece.as_ptr(), piece.len());
            rustix::mm::munmap(base, piece.len())?;
        }
    }
    Ok(())
}

/// Nothing: pages stay, for the next block that needs some.
pub(in crate::process) fn punch(_: BorrowedFd<'_>, _: u64, _: u64) {}

/// Whether a mapping can do all that its file could.
pub(in crate::process) const MAPPINGS_STAND_FOR_FILES: bool = false;

/// Cannot be done.
///
/// # Safety
///
/// None needed.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn map_again(_: NonNull<u8>, _: usize) -> io::Result<NonNull<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Cannot be done.
///
/// # Safety
///
/// None needed.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn move_mapping(_: usize, _: NonNull<u8>, _: usize) {}

/// Cannot be done.
///
/// # Safety
///
/// None needed.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn remove(_: NonNull<u8>, _: usize) {}

/// Private memory with the same bytes takes the place of a mapped range. For a moment the bytes are not there: who
/// forks while another thread reads a result may show it zeros.
///
/// # Safety
///
/// The range is mapped and belongs to the caller.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn make_private(at: NonNull<u8>, len: usize) -> io::Result<()> {
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: the range is the caller's.
    let bytes = unsafe { std::slice::from_raw_parts(at.as_ptr(), len) }.to_vec();
    // SAFETY: takes the place of the range, which is the caller's.
    unsafe {
        rustix::mm::mmap_anonymous(at.as_ptr().cast(), len, prot, MapFlags::PRIVATE | MapFlags::FIXED)?;
        at.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), len);
    }
    Ok(())
}

/// Whether the pages that were written in a private mapping of a file were dropped: they cannot be.
///
/// # Safety
///
/// None needed.
#[allow(unsafe_code)]
pub(in crate::process) unsafe fn forget_writes(_: NonNull<u8>, _: u64) -> bool {
    false
}
