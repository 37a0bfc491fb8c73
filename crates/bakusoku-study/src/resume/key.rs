//! Keys: what an output depends on, as a hash.

use crate::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What an output depends on, as a hash (128 bits of BLAKE3, hexadecimal).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(String);

impl Key {
    /// The key of what a step makes of its inputs. `config` holds the step's own keys in a fixed order.
    pub fn of(step: &str, revision: u32, config: &Value, inputs: &[Key]) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            // Lengths keep neighbours apart: `ab` + `c` is not `a` + `bc`.
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add("bakusoku key 1");
        add(step);
        add(&revision.to_string());
        add(&config.to_string());
        for input in inputs {
            add(&input.0);
        }
        Self(hasher.finalize().to_hex()[..32].to_owned())
    }
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// As bytes, for identifiers inside files: the same input gives the same bytes.
    pub fn bytes(&self) -> [u8; 16] {
        let mut out = [0; 16];
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = self.0.get(2 * index..2 * index + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        }
        out
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys of an input file, under the name by which the study knows it (so that a study can be moved): one from its
/// size and time (or content, with `hash`) that says whether it changed; and one from its content only, sampled, from
/// which identifiers inside files are made, so that a copied study gives the same bytes.
///
/// # Errors
/// When the file can't be read.
pub fn input_key(name: &str, parts: &[PathBuf], hash: bool) -> Result<(Key, Key)> {
    let (mut times, mut contents) = (Vec::new(), Vec::new());
    for path in parts {
        let meta = fs_err::metadata(path)?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let sampled = sample(path, meta.len())?;
        contents.push(serde_json::json!([file, meta.len(), sampled]));
        times.push(if hash {
            serde_json::json!([file, meta.len(), hash_file(path)?])
        } else {
            let time = meta.modified()?.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
            serde_json::json!([file, meta.len(), time.to_string()])
        });
    }
    let key = |values: Vec<Value>| Key::of("input", 1, &serde_json::json!([name, values]), &[]);
    Ok((key(times), key(contents)))
}

/// BLAKE3 of a whole file, hexadecimal.
pub(super) fn hash_file(path: &Path) -> Result<String> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finalize().to_hex().to_string()),
            n => hasher.update(&buffer[..n]),
        };
    }
}

/// BLAKE3 of a file's first and last 64 KiB.
fn sample(path: &Path, len: u64) -> Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    const EDGE: u64 = 1 << 16;
    let mut file = fs_err::File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = Vec::new();
    std::io::Read::by_ref(&mut file).take(EDGE).read_to_end(&mut buffer)?;
    hasher.update(&buffer);
    if len > EDGE {
        file.seek(SeekFrom::Start(len.saturating_sub(EDGE).max(EDGE)))?;
        buffer.clear();
        file.take(EDGE).read_to_end(&mut buffer)?;
        hasher.update(&buffer);
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_counts() {
        let base = Key::of("filter", 1, &json!({"l_freq": 1.0}), &[Key("a".into())]);
        assert_eq!(base, Key::of("filter", 1, &json!({"l_freq": 1.0}), &[Key("a".into())]));
        assert_ne!(base, Key::of("filter", 2, &json!({"l_freq": 1.0}), &[Key("a".into())]));
        assert_ne!(base, Key::of("filter", 1, &json!({"l_freq": 2.0}), &[Key("a".into())]));
        assert_ne!(base, Key::of("filter", 1, &json!({"l_freq": 1.0}), &[Key("b".into())]));
        assert_ne!(base, Key::of("notch", 1, &json!({"l_freq": 1.0}), &[Key("a".into())]));
        assert_eq!(base.as_str().len(), 32);
        assert_ne!(base.bytes(), [0; 16]);
    }
}
