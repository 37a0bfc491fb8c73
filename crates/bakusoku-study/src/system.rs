//! What the operating system says about this process and host.

/// Name of the host.
pub(crate) fn host() -> String {
    bakusoku_files::ProcessTag::current().host().to_owned()
}

/// Peak memory of this process (bytes); 0 where it can't be known.
pub(crate) fn peak_memory() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}

/// A moment as `2026-11-25T03:20:00Z`.
pub(crate) fn iso_time(seconds: u64) -> String {
    let moment = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map(|moment| moment.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_written() {
        assert_eq!(super::iso_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(super::iso_time(1_795_577_400), "2026-11-25T03:30:00Z");
        assert!(super::peak_memory() > 0);
    }
}
