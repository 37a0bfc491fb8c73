//! Text of headers and markers: code pages, sections, `key=value`.

use crate::{Error, Result};
use std::io::Read;
use std::path::Path;

/// Largest text that is read (bytes): a million markers take less.
const MAX_TEXT: u64 = 1 << 28;

/// A header's or marker file's lines by section.
#[derive(Debug)]
pub(super) struct Settings<'a> {
    path: &'a Path,
    /// The first line, which says what the file is.
    pub(super) first: String,
    sections: Vec<Section>,
    /// What stands below `[Comment]`, line by line.
    pub(super) comment: Vec<String>,
}

#[derive(Debug)]
struct Section {
    name: String,
    line: usize,
    entries: Vec<Entry>,
}

/// A line `key=value`.
#[derive(Debug)]
pub(super) struct Entry {
    /// What stands before the first `=`, or the whole line.
    pub(super) key: String,
    /// What stands behind it.
    pub(super) value: String,
    /// The line's number, from 1.
    pub(super) line: usize,
}

impl<'a> Settings<'a> {
    /// Reads a file.
    pub(super) fn read(path: &'a Path) -> Result<Self> {
        let file = fs_err::File::open(path).map_err(Error::io(path, "opening"))?;
        let mut bytes = Vec::new();
        file.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(Error::io(path, "reading"))?;
        if bytes.len() as u64 > MAX_TEXT {
            let got = format!("more than {MAX_TEXT} bytes");
            return Err(Error::Content { path: path.to_owned(), expected: "a header as text".into(), got });
        }
        Ok(Self::parse(path, &decode(path, &bytes)))
    }

    fn parse(path: &'a Path, text: &str) -> Self {
        let mut out = Self { path, first: String::new(), sections: Vec::new(), comment: Vec::new() };
        let mut lines = text.lines().enumerate();
        for (index, line) in &mut lines {
            let trimmed = line.trim();
            if index == 0 && !trimmed.starts_with('[') {
                out.first = trimmed.to_owned();
                continue;
            }
            if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                if name.eq_ignore_ascii_case("comment") {
                    break;
                }
                out.sections.push(Section { name: name.trim().to_owned(), line: index + 1, entries: Vec::new() });
                continue;
            }
            let (key, value) = trimmed.split_once('=').unwrap_or((trimmed, ""));
            if let Some(section) = out.sections.last_mut() {
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                section.entries.push(Entry { key, value, line: index + 1 });
            }
        }
        out.comment = lines.map(|(_, line)| line.to_owned()).collect();
        out
    }

    fn of(&self, section: &str) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |s| s.name.eq_ignore_ascii_case(section))
    }
    /// Whether there is such a section.
    pub(super) fn has(&self, section: &str) -> bool {
        self.of(section).next().is_some()
    }
    /// The lines of a section.
    pub(super) fn entries(&self, section: &str) -> impl Iterator<Item = &Entry> {
        self.of(section).flat_map(|s| &s.entries)
    }
    /// One line of a section, if it is there.
    pub(super) fn find(&self, section: &str, key: &str) -> Result<Option<&Entry>> {
        let mut found = self.entries(section).filter(|entry| entry.key.eq_ignore_ascii_case(key));
        let first = found.next();
        match found.next() {
            Some(again) => Err(self.wrong(again.line, format!("`{key}` once"), "it for the second time".into())),
            None => Ok(first),
        }
    }
    /// One line of a section that must be there.
    pub(super) fn need(&self, section: &str, key: &str) -> Result<&Entry> {
        let line = self.of(section).next().map_or(1, |s| s.line);
        self.find(section, key)?.ok_or_else(|| {
            let got =
                if self.has(section) { format!("a section [{section}] without it") } else { "no such line".into() };
            self.wrong(line, format!("`{key}=` in the section [{section}]"), got)
        })
    }
    /// A line that is not what it should be.
    pub(super) fn wrong(&self, line: usize, expected: impl Into<String>, got: String) -> Error {
        Error::Line { path: self.path.to_owned(), line, expected: expected.into(), got }
    }
    /// A value that is not what it should be.
    pub(super) fn wrong_value(&self, entry: &Entry, expected: impl Into<String>) -> Error {
        self.wrong(entry.line, expected, format!("`{}`", shorten(&entry.value)))
    }
}

/// A text as it can be shown in a message.
pub(super) fn shorten(text: &str) -> String {
    let mut out: String = text.chars().take(60).map(|c| if c.is_control() { '.' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}

/// The code page that a text names, if it does; its line is ASCII in all of them.
fn code_page(bytes: &[u8]) -> Option<String> {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| line.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"codepage=")))?;
    Some(String::from_utf8_lossy(&line[9..]).trim().to_owned())
}

/// Decodes by the code page that the text names; UTF-8 where it names none, and Latin-1 where neither fits, as MNE does.
fn decode(path: &Path, bytes: &[u8]) -> String {
    let plain = || bakusoku_files::decode(bytes).text;
    let Some(name) = code_page(bytes) else { return plain() };
    // The recorder's word for the code page of Western Windows.
    let label = if name.eq_ignore_ascii_case("ansi") { "windows-1252" } else { name.as_str() };
    match encoding_rs::Encoding::for_label(label.as_bytes()) {
        Some(encoding) if encoding != encoding_rs::UTF_8 => {
            let (text, _, failed) = encoding.decode(bytes);
            if failed { plain() } else { text.trim_start_matches('\u{feff}').to_owned() }
        }
        Some(_) => plain(),
        None => {
            tracing::warn!(
                "`{}`: the code page `{}` is not known; read as UTF-8 or Latin-1",
                path.display(),
                shorten(&name)
            );
            plain()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        decode(Path::new("x.vhdr"), bytes)
    }

    #[test]
    fn code_pages_decide_how_a_text_is_read() {
        assert_eq!(text("Codepage=UTF-8\nµV".as_bytes()), "Codepage=UTF-8\nµV");
        assert_eq!(text(b"Codepage=ANSI\r\n\x80 \xb5V"), "Codepage=ANSI\r\n€ µV");
        assert_eq!(text(b"codepage=windows-1251\n\xc0"), "codepage=windows-1251\nА");
        assert_eq!(text(b"Codepage=shift_jis\n\x94\x5d\x94\x67"), "Codepage=shift_jis\n脳波");
        assert_eq!(text(b"\xb5V"), "µV");
        assert_eq!(text(b"Codepage=klingon\n\xb5V"), "Codepage=klingon\nµV");
        assert_eq!(text(b"Codepage=UTF-8\n\xb5V"), "Codepage=UTF-8\nµV");
    }

    #[test]
    fn sections_and_comments_are_told_apart() {
        let text = "Brain Vision …\n; no\n[Common infos]\nA = 1=2\nb\n\n[Comment]\n[x]\nA=3\n";
        let settings = Settings::parse(Path::new("x.vhdr"), text);
        assert_eq!(settings.first, "Brain Vision …");
        assert_eq!(settings.need("Common Infos", "a").unwrap().value, "1=2");
        assert_eq!(settings.entries("common infos").count(), 2);
        assert_eq!(settings.comment, ["[x]", "A=3"]);
        let error = settings.need("Binary Infos", "BinaryFormat").unwrap_err().to_string();
        assert_eq!(error, "`x.vhdr` line 1 has no such line, expected `BinaryFormat=` in the section [Binary Infos]");
    }
}
