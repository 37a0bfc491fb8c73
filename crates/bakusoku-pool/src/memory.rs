//! How much memory this process holds, from `/proc/self`, for reports and progress (`None` where it cannot be told); and
//! large arrays on large pages.

use crate::Bytes;

/// Proportional set size: private pages, and its share of those that are shared with other processes.
pub fn pss() -> Option<Bytes> {
    field(&fs_err::read_to_string("/proc/self/smaps_rollup").ok()?, "Pss:")
}

/// Resident set size now.
pub fn resident() -> Option<Bytes> {
    field(&fs_err::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The largest resident set so far (`VmHWM`).
pub fn peak() -> Option<Bytes> {
    #[cfg(target_vendor = "apple")]
    {
        // SAFETY: plain data that the call fills in.
        #[allow(unsafe_code)]
        let (failed, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), usage)
        };
        // getrusage(2): in bytes there.
        (failed == 0).then_some(Bytes(usage.ru_maxrss.unsigned_abs()))
    }
    #[cfg(not(target_vendor = "apple"))]
    field(&fs_err::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Lets [`peak`] start again from what is held now; false where the system does not allow it.
pub fn reset_peak() -> bool {
    // proc(5), clear_refs: 5 resets the peak resident set size.
    fs_err::write("/proc/self/clear_refs", "5").is_ok()
}

/// Arrays from this size on (bytes) are worth large pages; NumPy draws the line there too.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// `len` zeros. Large ones ask for large pages, as NumPy's do: with pages of 4 KiB the system spends as long on handing
/// out the pages of a recording as a filter on its samples.
pub fn zeros(len: usize) -> Vec<f64> {
    let data = vec![0.0; len];
    #[cfg(target_os = "linux")]
    if len * size_of::<f64>() >= LARGE {
        const PAGE: usize = 4096;
        let start = data.as_ptr().cast_mut().cast::<u8>();
        let skipped = start.align_offset(PAGE);
        let bytes = (len * size_of::<f64>() - skipped) / PAGE * PAGE;
        // SAFETY: whole pages inside the allocation, and advice of this kind leaves their content as it is.
        #[allow(unsafe_code)]
        let advised =
            unsafe { rustix::mm::madvise(start.add(skipped).cast(), bytes, rustix::mm::Advice::LinuxHugepage) };
        // A system without large pages is slower, not wrong.
        let _ = advised;
    }
    data
}

fn field(text: &str, name: &str) -> Option<Bytes> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kib: u64| Bytes(1024) * kib)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn large_arrays_are_zeros_too() {
        for len in [0, 3, (8 << 20) + 5] {
            let data = zeros(len);
            assert!(data.len() == len && data.iter().all(|&x| x == 0.0));
        }
    }

    #[test]
    fn memory_that_is_touched_is_seen() {
        // Other tests of this process give memory back and take some meanwhile: much more than they do is taken, and more
        // than once.
        let seen = (0..20).any(|_| {
            let before = pss().unwrap();
            let block = std::hint::black_box(vec![1u8; 256 << 20]);
            let after = pss().unwrap();
            drop(block);
            after.0.saturating_sub(before.0) > 200 << 20
        });
        assert!(seen);
        // VmHWM is counted less often than VmRSS: they may differ by some pages.
        let now = resident().unwrap();
        assert!(peak().unwrap() + Bytes(4 << 20) >= now);
        assert_eq!(field("Rss: 7 kB\nPss:   12 kB\n", "Pss:"), Some(Bytes(12 * 1024)));
    }
}
