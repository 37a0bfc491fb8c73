//! Shared memory of systems without files in memory: it is given a name and loses it at once.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::Mode;
use rustix::io::FdFlags;
use rustix::shm;

/// Shared memory with less room is not worth having: a container's is 64 MiB.
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
pub(super) const ENOUGH: u64 = 1 << 30;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// POSIX shared memory whose name is gone before anybody else can know it.
pub(super) fn shared_memory() -> io::Result<OwnedFd> {
    loop {
        let name = format!("/bakusoku-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let how = shm::OFlags::RDWR | shm::OFlags::CREATE | shm::OFlags::EXCL;
        match shm::open(&name, how, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                shm::unlink(&name)?;
                close_on_exec(&file)?;
                return Ok(file);
            }
            // Of a process of this number that was killed between the two lines above.
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn close_on_exec(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(file, FdFlags::CLOEXEC)?)
}

/// A file whose name is gone before anybody else can know it.
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
pub(super) fn temporary_file() -> io::Result<OwnedFd> {
    loop {
        let name = format!("bakusoku-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let file = fs_err::OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        match file {
            Ok(file) => {
                fs_err::remove_file(&path)?;
                return Ok(file.into_file().into());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes that are free where a file is.
#[cfg(all(target_os = "linux", not(bakusoku_portable)))]
pub(super) fn room(file: impl AsFd) -> io::Result<u64> {
    let at = rustix::fs::fstatvfs(file)?;
    Ok(at.f_bavail.saturating_mul(at.f_frsize))
}
