//! Bad channels: from `channels.tsv`, else the recording, and `study.toml`; those of all runs are united.

use super::Step;

pub(crate) const STEP: Step = Step {
    name: "bads",
    revision: 1,
    keys: &["annotations"],
    doc: "Takes bad channels from channels.tsv (else the recording) and study.toml; unites those of all runs.",
};
