//! What is drawn and written for other eyes: figures, films, biopsies, reports, exports.

#[path = "../common/mod.rs"]
mod common;

mod animate;
mod biopsy;
mod exports;
mod figures;
mod report;
