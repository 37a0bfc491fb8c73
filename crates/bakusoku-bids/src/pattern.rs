//! Recordings without a BIDS layout: `data/{subject}/{run}_raw.fif`.

use crate::{DataType, Entities, Error, RecordingFile, Result};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A pattern with fields `{subject}`, `{session}`, `{task}`, `{run}`, `{acq}`; `*` matches anything within a name; a
/// leading `~/` is the home folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePattern {
    pattern: String,
    components: Vec<Vec<Piece>>,
    absolute: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(&'static str),
    Any,
}

const FIELDS: [(&str, &str); 5] =
    [("subject", "sub"), ("session", "ses"), ("task", "task"), ("run", "run"), ("acq", "acq")];

impl FilePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When a brace is open or a field unknown.
    pub fn parse(pattern: &str) -> Result<Self> {
        let bad = |message: String| Error::Pattern { pattern: pattern.to_owned(), message };
        let mut components = Vec::new();
        for component in pattern.split('/').filter(|component| !component.is_empty() && *component != ".") {
            let (mut pieces, mut rest) = (Vec::new(), component);
            while let Some(at) = rest.find(['{', '*', '}']) {
                if at > 0 {
                    pieces.push(Piece::Text(rest[..at].to_owned()));
                }
                match rest.as_bytes()[at] {
                    b'*' => {
                        pieces.push(Piece::Any);
                        rest = &rest[at + 1..];
                    }
                    b'{' => {
                        let Some(end) = rest[at..].find('}') else { return Err(bad("a `{` is not closed".into())) };
                        let name = &rest[at + 1..at + end];
                        let Some((_, short)) = FIELDS.iter().find(|(field, _)| *field == name) else {
                            let known = FIELDS.map(|(field, _)| format!("{{{field}}}")).join(", ");
                            return Err(bad(format!("`{{{name}}}` is not a field, expected one of {known}")));
                        };
                        pieces.push(Piece::Field(short));
                        rest = &rest[at + end + 1..];
                    }
                    _ => return Err(bad("a `}` has no `{`".into())),
                }
            }
            if !rest.is_empty() {
                pieces.push(Piece::Text(rest.to_owned()));
            }
            components.push(pieces);
        }
        if components.is_empty() {
            return Err(bad("it is empty".into()));
        }
        let mut absolute = pattern.starts_with('/');
        if pattern.starts_with("~/")
            && let Some(home) = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok())
        {
            let of_home = home.split('/').filter(|name| !name.is_empty());
            components.splice(..1, of_home.map(|name| vec![Piece::Text(name.to_owned())]));
            absolute = true;
        }
        Ok(Self { pattern: pattern.to_owned(), components, absolute })
    }

    /// The one path, below `base`, that these entities make of it.
    ///
    /// # Errors
    /// When a field has no value there, or the pattern means several files.
    pub fn fill(&self, base: &Path, entities: &Entities) -> Result<PathBuf> {
        let bad = |message: String| Error::Pattern { pattern: self.pattern.clone(), message };
        let mut path = if self.absolute { PathBuf::from("/") } else { base.to_owned() };
        for pieces in &self.components {
            let mut name = String::new();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => name.push_str(text),
                    Piece::Any => return Err(bad("`*` can't be used here: one file is meant".into())),
                    Piece::Field(short) => match entities.get(short) {
                        Some(value) => name.push_str(value),
                        None => {
                            let field = FIELDS.iter().find(|(_, other)| other == short).map_or("", |(field, _)| field);
                            return Err(bad(format!("`{{{field}}}` has no value for `{entities}`")));
                        }
                    },
                }
            }
            path.push(name);
        }
        Ok(path)
    }

    /// The files that match below `base`, with what their fields say; sorted.
    ///
    /// # Errors
    /// When a folder can't be read.
    pub fn find(&self, base: &Path, data_type: DataType) -> Result<Vec<RecordingFile>> {
        let base = if self.absolute { Path::new("/") } else { base };
        let mut here: Vec<(PathBuf, Entities)> = vec![(base.to_owned(), Entities::default())];
        for (index, pieces) in self.components.iter().enumerate() {
            let last = index + 1 == self.components.len();
            let mut next = Vec::new();
            for (folder, entities) in here {
                if let [Piece::Text(name)] = pieces.as_slice() {
                    let path = folder.join(name);
                    if if last { is_recording(&path) } else { path.is_dir() } {
                        next.push((path, entities));
                    }
                    continue;
                }
                for entry in fs_err::read_dir(&folder)? {
                    let path = entry?.path();
                    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
                    if name.starts_with('.') || (if last { !is_recording(&path) } else { !path.is_dir() }) {
                        continue;
                    }
                    if let Some(entities) = matches(pieces, name, entities.clone()) {
                        next.push((path.clone(), entities));
                    }
                }
            }
            here = next;
        }
        let mut found: Vec<RecordingFile> = here
            .into_iter()
            .map(|(path, entities)| RecordingFile { entities, data_type, parts: vec![path.clone()], path })
            .collect();
        found.sort_by(|a, b| a.entities.cmp(&b.entities).then_with(|| a.path.cmp(&b.path)));
        for pair in found.windows(2) {
            if pair[0].entities == pair[1].entities {
                return Err(Error::Pattern {
                    pattern: self.pattern.clone(),
                    message: format!(
                        "`{}` and `{}` have the same subject, session, task and run; add a field that tells them apart",
                        pair[0].path.display(),
                        pair[1].path.display()
                    ),
                });
            }
        }
        Ok(found)
    }
}

/// How names of recordings end that are folders.
const FOLDERS: [&str; 1] = [".ds"];

/// A file, a link to one that was not fetched, or a folder that is a recording.
fn is_recording(path: &Path) -> bool {
    let is_folder = || FOLDERS.iter().any(|end| path.to_string_lossy().ends_with(end)) && path.is_dir();
    path.is_file() || is_folder() || bakusoku_files::missing_target(path).is_some()
}

/// Matches one name; a field that is used twice must have the same value.
fn matches(pieces: &[Piece], name: &str, entities: Entities) -> Option<Entities> {
    let mut search = Search { pieces, name, entities, failed: HashSet::new() };
    search.matches(0, 0).then_some(search.entities)
}

struct Search<'p> {
    pieces: &'p [Piece],
    name: &'p str,
    /// With the fields matched so far.
    entities: Entities,
    /// Pieces and positions from which the rest does not match; without them the search is exponential in the pieces.
    failed: HashSet<(usize, usize)>,
}

impl Search<'_> {
    fn matches(&mut self, piece: usize, at: usize) -> bool {
        let rest = &self.name[at..];
        let Some(this) = self.pieces.get(piece) else { return rest.is_empty() };
        // What follows a field depends on its value where it is used again.
        let used_again = self.pieces[piece..]
            .iter()
            .any(|next| matches!(next, Piece::Field(_)) && self.pieces[..piece].contains(next));
        if !used_again && self.failed.contains(&(piece, at)) {
            return false;
        }
        let found = match this {
            Piece::Text(text) => rest.starts_with(text.as_str()) && self.matches(piece + 1, at + text.len()),
            Piece::Any => {
                (0..=rest.len()).filter(|&len| rest.is_char_boundary(len)).any(|len| self.matches(piece + 1, at + len))
            }
            Piece::Field(short) => match self.entities.get(short).map(str::to_owned) {
                Some(known) => rest.starts_with(known.as_str()) && self.matches(piece + 1, at + known.len()),
                // The longest value first, so that the text behind the field is its last occurrence.
                None => (1..=rest.len()).rev().filter(|&len| rest.is_char_boundary(len)).any(|len| {
                    self.entities.set(short, Some(rest[..len].to_owned()));
                    let found = self.matches(piece + 1, at + len);
                    if !found {
                        self.entities.set(short, None);
                    }
                    found
                }),
            },
        };
        if !found && !used_again {
            self.failed.insert((piece, at));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = std::env::home_dir().unwrap();
        let path = FilePattern::parse("~/cal/sss.dat").unwrap().fill(Path::new("/data"), &Entities::default()).unwrap();
        assert_eq!(path, home.join("cal/sss.dat"));
    }

    #[test]
    fn fields_are_found() {
        let pattern = FilePattern::parse("data/{subject}/{subject}_{run}_raw.fif").unwrap();
        let name = matches(&pattern.components[2], "ab_1_2_raw.fif", Entities::unit("ab", None)).unwrap();
        assert_eq!(name.run.as_deref(), Some("1_2"));
        assert!(matches(&pattern.components[2], "xy_1_raw.fif", Entities::unit("ab", None)).is_none());
    }

    #[test]
    fn many_fields_do_not_take_forever() {
        let pattern = FilePattern::parse("{subject}_{session}_{task}_{run}_{acq}_*_*_*_*_*_*.fif").unwrap();
        let name = format!("{}.fix", "a_".repeat(100));
        let start = std::time::Instant::now();
        assert!(matches(&pattern.components[0], &name, Entities::default()).is_none());
        assert!(start.elapsed().as_secs() < 5);
        let twice = FilePattern::parse("{subject}_{run}_{subject}.fif").unwrap();
        let found = matches(&twice.components[0], "a_b_1_a_b.fif", Entities::default()).unwrap();
        assert_eq!((found.subject.as_deref(), found.run.as_deref()), (Some("a_b"), Some("1")));
    }

    #[test]
    fn fields_are_filled() {
        let entities = Entities { run: Some("02".into()), ..Entities::unit("ab", None) };
        let fill = |pattern: &str| FilePattern::parse(pattern).unwrap().fill(Path::new("base"), &entities);
        assert_eq!(fill("pos/{subject}_{run}.pos").unwrap(), Path::new("base/pos/ab_02.pos"));
        assert_eq!(fill("/pos/all.pos").unwrap(), Path::new("/pos/all.pos"));
        assert!(
            fill("{session}.pos").unwrap_err().to_string().contains("`{session}` has no value for `sub-ab_run-02`")
        );
        assert!(fill("*.pos").is_err());
    }

    #[test]
    fn wrong_patterns_say_what_is_wrong() {
        let message = |pattern: &str| FilePattern::parse(pattern).unwrap_err().to_string();
        assert!(message("{subjekt}.fif").contains("`{subjekt}` is not a field, expected one of {subject}, {session}"));
        assert!(message("{subject.fif").contains("not closed"));
    }
}
