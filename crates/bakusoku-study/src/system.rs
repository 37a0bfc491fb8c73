//! What the operating system says about this process and host.

/// Name of the host, as far as it can stand in a file name.
pub(crate) fn host() -> String {
    let name = std::env::var("HOSTNAME").ok().or_else(|| fs_err::read_to_string("/proc/sys/kernel/hostname").ok());
    let name: String = name
        .unwrap_or_default()
        .trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.' || *c == '_')
        .collect();
    if name.is_empty() { "localhost".into() } else { name }
}

/// Whether a process of this host still runs. Where that can't be known it counts as running.
pub(crate) fn is_alive(pid: u32) -> bool {
    !std::path::Path::new("/proc/self").exists() || std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Peak memory of this process (bytes); 0 where it can't be known.
pub(crate) fn peak_memory() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}

/// A moment as `2026-11-25T03:20:00Z`.
pub(crate) fn iso_time(seconds: u64) -> String {
    // Howard Hinnant's `civil_from_days`.
    let (days, rest) = ((seconds / 86_400) as i64 + 719_468, seconds % 86_400);
    let era = days.div_euclid(146_097);
    let doe = days.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let y = yoe + era * 400 + i64::from(m <= 2);
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
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
