//! Limits of this process, for errors that they cause.

use std::io;

use rustix::process::{Resource, getrlimit};

/// What is left of the address space, where it has a limit (`ulimit -v`).
pub(in crate::process) fn free_address_space() -> Option<u64> {
    let limit = getrlimit(Resource::As).current?;
    // proc(5): the first number is the size of the address space in pages.
    let statm = fs_err::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(pages * rustix::param::page_size() as u64))
}

/// An error, and the limit that it may come from.
pub(in crate::process) fn explain(error: &io::Error) -> String {
    let text = error.to_string();
    let limit = |which| getrlimit(which).current;
    let hint = match error.raw_os_error().or_else(|| number_in(&text)) {
        Some(libc::ENOMEM) => limit(Resource::As)
            .map(|bytes| format!("`ulimit -v` allows this process {} MiB of address space", bytes >> 20)),
        Some(libc::EAGAIN) => {
            limit(Resource::Nproc).map(|n| format!("`ulimit -u` allows {n} processes and threads of this user"))
        }
        Some(libc::EMFILE) => limit(Resource::Nofile)
            .map(|n| format!("`ulimit -n` allows this process {n} open files, and each worker needs five")),
        _ => None,
    };
    match hint {
        Some(hint) => format!("{text}; {hint}"),
        None => text,
    }
}

/// Python's errors come as text: `[Errno 11] …`.
fn number_in(text: &str) -> Option<i32> {
    text.split_once("[Errno ")?.1.split_once(']')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_errors_of_python() {
        assert_eq!(number_in("BlockingIOError: [Errno 11] Resource temporarily unavailable"), Some(11));
        assert_eq!(number_in("nothing"), None);
        assert_eq!(explain(&io::Error::other("x")), "x");
    }
}
