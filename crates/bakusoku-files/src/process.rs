//! Who wrote a temporary file, and whether that process still runs.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// A process, so that no other one is taken for it: process numbers repeat between hosts, boots and containers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProcessTag {
    host: String,
    boot: String,
    namespace: String,
    pid: u32,
}

/// What is known about another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It ended.
    Ended,
    /// It belongs to another host, boot or container: nobody can tell from here.
    Unknown,
}

/// Characters that a part may have: the parts are joined by `-`, and stand in file names.
fn clean(text: &str, most: usize) -> String {
    let kept = text.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    let text: String = kept.take(most).collect();
    if text.is_empty() { "0".into() } else { text }
}

impl ProcessTag {
    /// This process.
    pub fn current() -> Self {
        static HOST: OnceLock<(String, String, String)> = OnceLock::new();
        let (host, boot, namespace) = HOST
            .get_or_init(|| {
                // The kernel's name: the variable HOSTNAME travels from the login node to all nodes of a cluster.
                let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
                let boot = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
                let namespace = fs_err::read_link("/proc/self/ns/pid").unwrap_or_default();
                let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
                (clean(&host, 24), clean(&boot, 8), clean(&namespace, 12))
            })
            .clone();
        // Not kept: a fork has another number.
        Self { host, boot, namespace, pid: std::process::id() }
    }
    /// The host's name.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// The process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }
    /// Whether the process still runs, as far as this one can know.
    pub fn state(&self) -> State {
        let here = Self::current();
        let proc = std::path::Path::new("/proc");
        if *self == here {
            State::Running
        } else if (&self.host, &self.boot, &self.namespace) != (&here.host, &here.boot, &here.namespace)
            || !proc.join("self").exists()
        {
            State::Unknown
        } else if proc.join(self.pid.to_string()).exists() {
            State::Running
        } else {
            State::Ended
        }
    }
}

/// `host-boot-namespace-pid`.
impl fmt::Display for ProcessTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.host, self.boot, self.namespace, self.pid)
    }
}

/// The text is not a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a process tag, expected host-boot-namespace-pid")]
pub struct NotATag;

impl FromStr for ProcessTag {
    type Err = NotATag;
    fn from_str(text: &str) -> Result<Self, NotATag> {
        let parts: Vec<&str> = text.split('-').collect();
        let [host, boot, namespace, pid] = parts[..] else { return Err(NotATag) };
        let pid = pid.parse().map_err(|_| NotATag)?;
        Ok(Self { host: host.into(), boot: boot.into(), namespace: namespace.into(), pid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_and_read() {
        let here = ProcessTag::current();
        assert_eq!(here.to_string().parse(), Ok(here.clone()));
        assert_eq!(here.state(), State::Running);
        assert!(!here.host().contains('-'));
        assert_eq!("login01-3999999".parse::<ProcessTag>(), Err(NotATag));
    }

    #[test]
    fn only_processes_of_this_host_boot_and_container_are_known_to_have_ended() {
        let here = ProcessTag::current();
        // Above the largest number that Linux gives.
        let ended = ProcessTag { pid: (1 << 22) + 1, ..here.clone() };
        if std::path::Path::new("/proc/self").exists() {
            assert_eq!(ended.state(), State::Ended);
        }
        for other in [
            ProcessTag { host: "another".into(), ..ended.clone() },
            ProcessTag { boot: "another".into(), ..ended.clone() },
            ProcessTag { namespace: "1".into(), ..ended.clone() },
        ] {
            assert_eq!(other.state(), State::Unknown);
        }
    }
}
