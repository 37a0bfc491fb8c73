//! What the report is made from: kept beside the results, so that a study that is up to date can still be shown.

use super::Step;

pub(crate) const STEP: Step = Step {
    name: "report",
    revision: 1,
    keys: &["conditions", "contrasts", "ch_types", "psd"],
    doc: "Keeps what the report shows of a subject; the pages are made when all subjects are done.",
};
