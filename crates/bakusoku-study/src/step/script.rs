//! An MNE-Python script that does what a study does, as its steps write it.

/// A script for one recording, as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    imports: Vec<&'static str>,
    lines: Vec<String>,
}

impl Script {
    /// Adds an import; one that is there already stays one.
    pub fn import(&mut self, line: &'static str) -> &mut Self {
        if !self.imports.contains(&line) {
            self.imports.push(line);
        }
        self
    }
    /// Adds a line. `raw`, `events`, `event_id`, `epochs`, `evokeds` and `noise_cov` are the names that steps share.
    pub fn line(&mut self, line: impl Into<String>) -> &mut Self {
        self.lines.push(line.into());
        self
    }
    /// The script.
    pub fn text(&self) -> String {
        let imports = self.imports.iter().map(|line| (*line).to_owned());
        let lines = imports.chain(self.lines.iter().cloned()).collect::<Vec<_>>();
        lines.join("\n") + "\n"
    }
}

/// A number, or Python's `None`.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "None".into(), |value| value.to_string())
}
