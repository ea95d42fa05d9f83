//! Observation: what a run writes down. One file = one kind of record; `observe/` = instruments.

pub mod observe;
pub mod series;
pub mod summary;

#[cfg(feature = "cli")]
pub mod cost;
#[cfg(feature = "cli")]
pub mod events;
#[cfg(feature = "cli")]
pub mod files;
#[cfg(feature = "cli")]
pub mod hashes;
#[cfg(feature = "cli")]
pub mod records;
#[cfg(feature = "cli")]
pub mod run_json;
#[cfg(feature = "cli")]
pub mod seal;
#[cfg(feature = "cli")]
pub mod snapshots;

/// A number as text: short, exact (reading it back gives the same bits), without long rows of zeros.
pub fn number(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 || (1e-5..1e15).contains(&size) {
        format!("{x}")
    } else {
        format!("{x:e}")
    }
}

/// A number or nothing: an empty cell means «not applicable» or «did not happen».
pub fn cell(x: Option<f64>) -> String {
    x.map_or_else(String::new, number)
}

/// A text as one CSV cell: quoted where it has to be.
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"").replace(['\n', '\r'], " "))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_number_reads_back_to_the_same_bits() {
        for x in [0.0, 0.1, 1.0 / 3.0, 1e-300, 123_456_789.125, 6.02e23, -2.5e-7] {
            assert_eq!(number(x).parse::<f64>().map(f64::to_bits), Ok(x.to_bits()));
            assert!(number(x).len() < 25, "{}", number(x));
        }
        assert_eq!(number(7.0), "7");
        assert_eq!(cell(None), "");
    }

    #[test]
    fn a_comma_in_a_text_stays_inside_its_cell() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}
