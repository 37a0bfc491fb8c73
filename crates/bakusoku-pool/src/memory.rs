//! How much memory this process holds, from `/proc/self`, for reports and progress. `None` where it cannot be told.

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
    field(&fs_err::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Lets [`peak`] start again from what is held now; false where the system does not allow it.
pub fn reset_peak() -> bool {
    // proc(5), clear_refs: 5 resets the peak resident set size.
    fs_err::write("/proc/self/clear_refs", "5").is_ok()
}

fn field(text: &str, name: &str) -> Option<Bytes> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(|kib: u64| Bytes(1024) * kib)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_seen() {
        let before = pss().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(pss().unwrap() - before > Bytes(48 << 20));
        // VmHWM is counted less often than VmRSS: they may differ by some pages.
        let now = resident().unwrap();
        assert!(peak().unwrap() + Bytes(4 << 20) >= now);
        drop(block);
        assert_eq!(field("Rss: 7 kB\nPss:   12 kB\n", "Pss:"), Some(Bytes(12 * 1024)));
    }
}
