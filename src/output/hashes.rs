//! `hashes.csv`: the hash of the state at every row of the series, so that a replay can prove itself.

use std::collections::BTreeMap;

use super::summary::hex;

/// The header line.
pub const HEADER: &str = "step,state_hash\n";

/// One hash as a line.
pub fn line(step: u64, hash: u64) -> String {
    format!("{step},{}\n", hex(hash))
}

/// The hashes of a text, by step; lines that are not whole are left out.
pub fn parse(text: &str) -> BTreeMap<u64, u64> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let (step, hash) = line.split_once(',')?;
            if hash.len() != 16 {
                return None;
            }
            Some((step.parse().ok()?, u64::from_str_radix(hash, 16).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_not_a_hash() {
        let text = format!("{HEADER}{}{}48,00ff", line(0, 7), line(24, u64::MAX));
        let found = parse(&text);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(0, 7), (24, u64::MAX)]);
    }
}
