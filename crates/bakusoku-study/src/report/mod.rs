//! The report: light HTML pages that open offline. Pictures are inline SVG (maps: small PNGs in the page).
//!
//! [`subject_html`] draws one subject's page from its [`SubjectReport`], [`index_html`] the study's first page. Nothing
//! is computed here but what drawing needs; everything shown stands in [`data`].

mod curves;
pub mod data;
mod group;
mod html;
mod index;
mod map;
mod maxwell;
mod png;
mod spectra;
mod subject;
mod svg;
mod units;

pub use data::{StudyReport, SubjectReport};
pub use index::index_html;
pub use subject::subject_html;
