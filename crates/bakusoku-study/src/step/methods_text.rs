//! The methods paragraph: one or more sentences of each step that ran, and the papers they cite.

/// A paragraph for a paper, as it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodsText {
    sentences: Vec<String>,
    references: Vec<&'static str>,
}

impl MethodsText {
    /// Adds a sentence, without the full stop.
    pub fn say(&mut self, sentence: impl Into<String>) -> &mut Self {
        self.sentences.push(sentence.into());
        self
    }
    /// Adds a paper to the references; one that is there already stays one.
    pub fn cite(&mut self, reference: &'static str) -> &mut Self {
        if !self.references.contains(&reference) {
            self.references.push(reference);
        }
        self
    }
    /// The paragraph.
    pub fn text(&self) -> String {
        let mut out = self.sentences.iter().map(|sentence| format!("{sentence}.")).collect::<Vec<_>>().join(" ");
        if !self.references.is_empty() {
            let mut references = self.references.clone();
            references.sort_unstable();
            out += &format!(" References: {}.", references.join("; "));
        }
        out
    }
}
