//! Tables with tabs: read with line numbers, written whole or not at all.

use crate::{Error, Result};
use bakusoku_files::Encoding;
use std::path::{Path, PathBuf};

/// A table: named columns, rows of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tsv {
    /// Where it was read.
    pub path: PathBuf,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, each with its line (from 1) and one text per column.
    pub rows: Vec<(usize, Vec<String>)>,
    /// How the file is encoded.
    pub encoding: Encoding,
}

impl Tsv {
    /// Reads a table.
    ///
    /// # Errors
    /// When it can't be read, or a row has another number of columns than the first line.
    pub fn read(path: &Path) -> Result<Self> {
        let read = bakusoku_files::read_text(path)?;
        Ok(Self { encoding: read.encoding, ..Self::parse(path, &read.text)? })
    }

    /// Reads a table from its text; `path` stands in errors.
    ///
    /// # Errors
    /// When a row has another number of columns than the first line.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        // Lines end with LF, CR LF, or CR alone, which some spreadsheets still write.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
        if let Some(at) = text.find('\0') {
            let line = text[..at].matches('\n').count() + 1;
            let message = "holds NUL bytes; the file may be damaged, or UTF-16 without a byte order mark".into();
            return Err(Error::Tsv { path: path.into(), line, message });
        }
        let mut lines = text.lines().enumerate();
        let columns: Vec<String> = match lines.next() {
            Some((_, line)) => line.split('\t').map(|name| name.trim().to_owned()).collect(),
            None => {
                return Err(Error::Tsv {
                    path: path.into(),
                    line: 1,
                    message: "is empty, expected the names of columns".into(),
                });
            }
        };
        let mut rows = Vec::new();
        for (index, line) in lines {
            if line.trim().is_empty() {
                continue;
            }
            let row: Vec<String> = line.split('\t').map(|cell| cell.trim().to_owned()).collect();
            if row.len() != columns.len() {
                let message = format!("has {} columns, expected {} as in the first line", row.len(), columns.len());
                return Err(Error::Tsv { path: path.into(), line: index + 1, message });
            }
            rows.push((index + 1, row));
        }
        Ok(Self { path: path.into(), columns, rows, encoding: Encoding::Utf8 })
    }

    /// What to tell about how the file was read, if anything.
    pub fn remark(&self) -> Option<String> {
        self.encoding.remark()
    }

    /// Index of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
    /// Index of a column that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn require(&self, name: &str) -> Result<usize> {
        self.column(name)
            .ok_or_else(|| self.error(1, format!("has no column `{name}`, only {}", self.columns.join(", "))))
    }
    /// An error about a line of this table.
    pub fn error(&self, line: usize, message: String) -> Error {
        Error::Tsv { path: self.path.clone(), line, message }
    }
    /// A number from a cell; `n/a` is `None`. A decimal comma will do.
    ///
    /// # Errors
    /// When the cell is neither.
    pub fn number(&self, line: usize, name: &str, cell: &str) -> Result<Option<f64>> {
        if cell == "n/a" || cell.is_empty() {
            return Ok(None);
        }
        match cell.parse::<f64>().or_else(|_| cell.replacen(',', ".", 1).parse()) {
            Ok(x) if x.is_finite() => Ok(Some(x)),
            _ => Err(self.error(line, format!("`{name}` must be a number or n/a, got `{cell}`"))),
        }
    }

    /// The text of a table.
    pub fn format(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let mut out = columns.join("\t");
        out.push('\n');
        for row in rows {
            out.push_str(&row.join("\t"));
            out.push('\n');
        }
        out
    }
}
