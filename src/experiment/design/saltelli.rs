//! Design of variance-based sensitivity: two independent matrices and their crosses (Saltelli 2002, 2010).

use super::space::{DIMENSIONS, sobol_point};
use super::{Design, Distribution, values};

/// Most factors: each needs a column of A and one of B.
pub const MOST_FACTORS: usize = DIMENSIONS / 2;

/// Runs of a design of n base rows: n·(k + 2), with second order n·(2k + 2).
pub fn saltelli_size(k: usize, n: usize, second_order: bool) -> Option<usize> {
    let crosses = k.checked_mul(if second_order { 2 } else { 1 })?;
    n.checked_mul(crosses.checked_add(2)?)
}

/// Rows by base row: A, then A with column i from B (`AB_i`), with second order B with column i from A (`BA_i`), then B:
/// the order of SALib's `sample.sobol`. A and B are scrambled Sobol points; n is best a power of two.
pub fn saltelli(factors: &[Distribution], n: usize, second_order: bool, seed: u64) -> Result<Design, String> {
    let k = factors.len();
    if k > MOST_FACTORS {
        return Err(format!("at most {MOST_FACTORS} factors for a Saltelli design, not {k}"));
    }
    let mut design = Design::default();
    for row in 0..n {
        let point = sobol_point(row, 2 * k, seed);
        let (a, b) = (values(factors, &point[..k]), values(factors, &point[k..]));
        design.push(a.clone(), "A");
        let crosses = |design: &mut Design, of: &[f64], from: &[f64], name: &str| {
            for i in 0..k {
                let mut crossed = of.to_vec();
                crossed[i] = from[i];
                design.push(crossed, format!("{name}_{}", i + 1));
            }
        };
        crosses(&mut design, &a, &b, "AB");
        if second_order {
            crosses(&mut design, &b, &a, "BA");
        }
        design.push(b, "B");
    }
    Ok(design)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cross_differs_from_its_matrix_in_one_column() -> Result<(), String> {
        let factors = vec![Distribution::dummy(); 3];
        let design = saltelli(&factors, 4, true, 1)?;
        assert_eq!(Some(design.len()), saltelli_size(3, 4, true));
        assert_eq!(
            design.roles[..8],
            ["A", "AB_1", "AB_2", "AB_3", "BA_1", "BA_2", "BA_3", "B"]
        );
        let block = &design.rows[8..16];
        for i in 0..3 {
            for j in 0..3 {
                let (ab, ba) = (block[1 + i][j], block[4 + i][j]);
                let (mine, other) = (block[0][j], block[7][j]);
                assert_eq!((ab, ba), if i == j { (other, mine) } else { (mine, other) });
            }
        }
        assert_eq!(saltelli(&factors, 4, false, 1)?.len(), 4 * 5);
        assert_eq!(saltelli_size(3, usize::MAX, false), None);
        assert!(saltelli(&vec![Distribution::dummy(); 129], 1, false, 1).is_err());
        Ok(())
    }
}
