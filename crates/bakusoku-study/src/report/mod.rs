//! The report: light HTML pages that open offline, from one file each.
//!
//! | file | what |
//! |---|---|
//! | [`data`] | everything that is shown, as plain data |
//! | `page` | the page, its sections and their links; tables, tiles, tags, warnings, failures |
//! | `plot` | line plots: SVG curves in HTML axes |
//! | `topomap` | topographic maps |
//! | `image` | small pictures as PNG in the page |
//! | `timeline` | events over time |
//! | `units` | units and numbers as people read them |
//! | `subject`, `index` | the two kinds of page |
//! | `evoked`, `spectra`, `maxwell`, `group` | sections of them |
//!
//! HTML is built by `maud`, which escapes all text. Nothing is computed here but what drawing needs.

pub mod data;
mod evoked;
pub mod facts;
mod group;
mod image;
mod index;
mod maxwell;
mod page;
mod plot;
mod spectra;
mod subject;
mod timeline;
mod topomap;
mod units;

pub use data::{StudyReport, SubjectReport};
pub use index::index_html;
pub use page::Page;
pub(crate) use subject::subject_html;
