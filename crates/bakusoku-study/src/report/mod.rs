//! The report: light HTML pages that open offline.

pub mod data;
