//! Designs without chance: all combinations, one factor at a time, a list.

use super::Design;
use crate::math;

/// Values from `low` to `high`, both included; evenly, or evenly in the logarithm. One step is `low` alone.
pub fn spaced(low: f64, high: f64, steps: usize, logarithmic: bool) -> Vec<f64> {
    let last = steps.saturating_sub(1);
    (0..steps)
        .map(|i| match i {
            0 => low,
            _ if i == last => high,
            _ => {
                let share = i as f64 / last as f64;
                if logarithmic {
                    low * math::pow(high / low, share)
                } else {
                    low + (high - low) * share
                }
            }
        })
        .collect()
}

/// Number of combinations; nothing when it is beyond counting.
pub fn grid_size(levels: &[usize]) -> Option<usize> {
    levels.iter().try_fold(1usize, |size, &n| size.checked_mul(n))
}

/// All combinations of levels; the last factor changes fastest. Role `grid`.
pub fn grid(levels: &[Vec<f64>]) -> Design {
    let size = grid_size(&levels.iter().map(Vec::len).collect::<Vec<_>>()).unwrap_or(0);
    let mut design = Design::default();
    for number in 0..size {
        let mut left = number;
        let mut row = vec![0.0; levels.len()];
        for (value, of) in row.iter_mut().zip(levels).rev() {
            *value = of[left % of.len()];
            left /= of.len();
        }
        design.push(row, "grid");
    }
    design
}

/// The centre, then every level of each factor with the others at the centre. A level that is the centre's is not run
/// twice. Roles `centre` and `x3`.
pub fn one_at_a_time(centre: &[f64], levels: &[Vec<f64>]) -> Design {
    let mut design = Design::default();
    design.push(centre.to_vec(), "centre");
    for (factor, of) in levels.iter().enumerate() {
        for &level in of.iter().filter(|&&level| level != centre[factor]) {
            let mut row = centre.to_vec();
            row[factor] = level;
            design.push(row, format!("x{}", factor + 1));
        }
    }
    design
}

/// Rows from elsewhere. Role `list`.
pub fn list(rows: Vec<Vec<f64>>) -> Design {
    let roles = vec!["list".to_owned(); rows.len()];
    Design { rows, roles }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_holds_every_combination_once() {
        let design = grid(&[vec![1.0, 2.0], vec![10.0, 20.0, 30.0]]);
        assert_eq!(
            design.rows,
            [
                [1.0, 10.0],
                [1.0, 20.0],
                [1.0, 30.0],
                [2.0, 10.0],
                [2.0, 20.0],
                [2.0, 30.0]
            ]
        );
        assert_eq!(grid(&[]).rows, [Vec::<f64>::new()], "nothing varies: one run");
        assert!(grid(&[vec![1.0], vec![]]).is_empty());
        assert_eq!(grid_size(&[usize::MAX, 2]), None);
    }

    #[test]
    fn one_at_a_time_leaves_the_others_at_the_centre() {
        let design = one_at_a_time(&[1.0, 10.0], &[vec![0.0, 1.0, 2.0], vec![20.0]]);
        assert_eq!(design.rows, [[1.0, 10.0], [0.0, 10.0], [2.0, 10.0], [1.0, 20.0]]);
        assert_eq!(design.roles, ["centre", "x1", "x1", "x2"]);
    }

    #[test]
    fn levels_are_even_or_even_in_the_logarithm() {
        assert_eq!(spaced(0.0, 1.0, 3, false), [0.0, 0.5, 1.0]);
        let decades = spaced(1e-3, 1.0, 4, true);
        for (found, wanted) in decades.iter().zip([1e-3, 1e-2, 1e-1, 1.0]) {
            assert!((found - wanted).abs() < 1e-15, "{decades:?}");
        }
        assert_eq!(spaced(2.0, 3.0, 1, false), [2.0]);
    }
}
