//! Kinds of experiments with a design and an analysis of their own: which points to run, and which tables come out.
//!
//! Pure: values in the order of a plan in, text of tables out.

pub mod calibrate;
pub mod trial;

use crate::experiment::analysis::Estimate;
use crate::output::cell;

/// A number as a cell; empty when it is not one.
fn number(x: f64) -> String {
    cell(Some(x).filter(|x| !x.is_nan()))
}

/// `value,low,high`.
fn cells(estimate: &Estimate) -> String {
    let (low, high) = estimate.interval.map_or((f64::NAN, f64::NAN), |i| (i.low, i.high));
    format!("{},{},{}", number(estimate.value), number(low), number(high))
}
