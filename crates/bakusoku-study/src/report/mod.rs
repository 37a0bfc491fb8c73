//! The report: light HTML pages that open offline, from one file each.
//!
//! | file | what |
//! |---|---|
//! | [`data`] | everything that is shown, as plain data |
//! | `page` | the page, its sections and their links; tables, tiles, tags, warnings, failures |
//! | `plot` | line plots: SVG curves in HTML axes |
//! | `topomap` | topographic maps |
//! | `image` | small pictures as PNG in the page |
//! | `units` | units and numbers as people read them |
//! | `subject`, `index` | the two kinds of page |
//! | `evoked` | evoked responses, of a subject or of a group |
//!
//! Steps draw their own parts of a page ([`Step::section`](crate::step::Step::section)).
//!
//! HTML is built by `maud`, which escapes all text. Nothing is computed here but what drawing needs.

pub mod data;
pub(crate) mod evoked;
pub mod facts;
pub(crate) mod image;
mod index;
pub(crate) mod page;
pub(crate) mod plot;
mod subject;
pub(crate) mod topomap;
pub(crate) mod units;

pub use data::{Row, StudyReport, SubjectReport};
pub use index::index_html;
pub use page::Page;
pub(crate) use subject::subject_html;
