//! Design of Morris' screening: trajectories on which each factor moves once (Morris 1991).

use super::{Design, Distribution, draws, kind};

/// One step of a trajectory: from a row to the next, one factor moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    /// Trajectory, from 0.
    pub trajectory: usize,
    /// Row before the step; the row after it is the next.
    pub before: usize,
    /// Factor that moved, from 0.
    pub factor: usize,
    /// By how much of the factor's range of levels, with its sign.
    pub by: f64,
}

/// Trajectories of k + 1 rows over `levels` (even, at least 2) levels per factor, steps of levels / (2·(levels − 1)).
/// With more `candidates` than trajectories those that spread most are chosen among so many (Campolongo 2007), one after
/// another as in Ruano 2012. Levels lie as [`Distribution::at_level`] says. Roles `t3` (start), `t3:x5+4/6`.
pub fn morris(
    factors: &[Distribution],
    trajectories: usize,
    levels: usize,
    candidates: usize,
    seed: u64,
) -> Result<Design, String> {
    if levels < 2 || levels % 2 == 1 {
        return Err(format!("an even number of levels, at least 2, not {levels}"));
    }
    let k = factors.len();
    let all: Vec<Trajectory> = (0..candidates.max(trajectories))
        .map(|t| Trajectory::drawn(k, levels, seed, t as u64))
        .collect();
    let chosen = if candidates > trajectories {
        spread(&all, trajectories, levels)
    } else {
        (0..trajectories).collect()
    };
    let mut design = Design::default();
    for (t, &candidate) in chosen.iter().enumerate() {
        let trajectory = &all[candidate];
        let value = |row: &[usize]| -> Vec<f64> {
            let level = |l: usize| l as f64 / (levels - 1) as f64;
            row.iter()
                .zip(factors)
                .map(|(&l, factor)| factor.at_level(level(l)))
                .collect()
        };
        let rows = trajectory.rows(levels);
        design.push(value(&rows[0]), format!("t{t}"));
        for (row, &factor) in rows[1..].iter().zip(&trajectory.order) {
            let sign = if trajectory.rises[factor] { '+' } else { '-' };
            let step = format!("{levels}/{}", 2 * (levels - 1));
            design.push(value(row), format!("t{t}:x{}{sign}{step}", factor + 1));
        }
    }
    Ok(design)
}

/// A trajectory before it is laid over distributions.
struct Trajectory {
    /// Lower of the two levels of each factor.
    base: Vec<usize>,
    rises: Vec<bool>,
    /// Which factor moves when.
    order: Vec<usize>,
}

impl Trajectory {
    fn drawn(k: usize, levels: usize, seed: u64, case: u64) -> Self {
        let mut roll = draws(seed, kind::MORRIS, case);
        let base = (0..k).map(|_| roll.below(levels as u32 / 2) as usize).collect();
        let rises = (0..k).map(|_| roll.chance(0.5)).collect();
        let mut order: Vec<usize> = (0..k).collect();
        for i in (1..k).rev() {
            order.swap(i, roll.below(i as u32 + 1) as usize);
        }
        Self { base, rises, order }
    }

    /// Levels of all rows.
    fn rows(&self, levels: usize) -> Vec<Vec<usize>> {
        let start = |factor: usize| self.base[factor] + if self.rises[factor] { 0 } else { levels / 2 };
        let mut row: Vec<usize> = (0..self.base.len()).map(start).collect();
        let mut rows = vec![row.clone()];
        for &factor in &self.order {
            row[factor] = self.base[factor] + if self.rises[factor] { levels / 2 } else { 0 };
            rows.push(row.clone());
        }
        rows
    }
}

/// Trajectories far from each other: first the two farthest, then always the one with most squared distance to the chosen.
fn spread(all: &[Trajectory], wanted: usize, levels: usize) -> Vec<usize> {
    let rows: Vec<Vec<Vec<usize>>> = all.iter().map(|t| t.rows(levels)).collect();
    let distance = |a: usize, b: usize| -> f64 {
        let pairs = rows[a].iter().flat_map(|x| rows[b].iter().map(move |y| (x, y)));
        pairs
            .map(|(x, y)| {
                let squares: usize = x.iter().zip(y).map(|(p, q)| p.abs_diff(*q) * p.abs_diff(*q)).sum();
                (squares as f64).sqrt()
            })
            .sum()
    };
    let n = all.len();
    let mut table = vec![0.0; n * n];
    let (mut first, mut farthest) = ((0, 0), -1.0);
    for a in 0..n {
        for b in 0..a {
            let gap = distance(a, b);
            (table[a * n + b], table[b * n + a]) = (gap * gap, gap * gap);
            if gap > farthest {
                (first, farthest) = ((b, a), gap);
            }
        }
    }
    let mut chosen = match wanted {
        0 => return Vec::new(),
        1 => vec![first.0],
        _ => vec![first.0, first.1],
    };
    while chosen.len() < wanted {
        let gain = |c: usize| chosen.iter().map(|&d| table[c * n + d]).sum::<f64>();
        let mut next: Option<(usize, f64)> = None;
        for c in (0..n).filter(|c| !chosen.contains(c)) {
            let gain = gain(c);
            if next.is_none_or(|(_, most)| gain > most) {
                next = Some((c, gain));
            }
        }
        match next {
            Some((c, _)) => chosen.push(c),
            None => break,
        }
    }
    chosen
}

/// The moves that the roles of a Morris design tell, in the order of the rows; rows that were left out break nothing.
pub fn moves_of_roles(roles: &[String]) -> Result<Vec<Move>, String> {
    let mut moves = Vec::new();
    for (row, role) in roles.iter().enumerate() {
        let fault = || format!("row {row}: `{role}` is no role of a Morris design");
        let (start, step) = match role.split_once(':') {
            None => (role.as_str(), None),
            Some((start, step)) => (start, Some(step)),
        };
        let number = start.strip_prefix('t').and_then(|n| n.parse::<usize>().ok());
        let trajectory = number.ok_or_else(fault)?;
        let Some(step) = step else { continue };
        let at = step.find(['+', '-']).ok_or_else(fault)?;
        let factor = step[..at].strip_prefix('x').and_then(|n| n.parse::<usize>().ok());
        let factor = factor.and_then(|f| f.checked_sub(1)).ok_or_else(fault)?;
        let (up, down) = step[at + 1..].split_once('/').ok_or_else(fault)?;
        let (Ok(up), Ok(down)) = (up.parse::<f64>(), down.parse::<f64>()) else {
            return Err(fault());
        };
        let by = if step[at..].starts_with('-') {
            -up / down
        } else {
            up / down
        };
        // The row before must belong to the same trajectory.
        let before = row.checked_sub(1).ok_or_else(fault)?;
        if roles[before].split(':').next() != Some(start) || by == 0.0 || !by.is_finite() {
            return Err(fault());
        }
        moves.push(Move {
            trajectory,
            before,
            factor,
            by,
        });
    }
    Ok(moves)
}

/// The moves of a design from elsewhere, rows in the unit cube, k + 1 a trajectory: two rows in which not exactly one
/// factor differs are a fault.
pub fn moves_of_units(rows: &[Vec<f64>]) -> Result<Vec<Move>, String> {
    let k = rows.first().map_or(0, Vec::len);
    if !rows.len().is_multiple_of(k + 1) {
        return Err(format!(
            "{} rows are no whole trajectories of {} rows",
            rows.len(),
            k + 1
        ));
    }
    let mut moves = Vec::new();
    for before in (0..rows.len()).filter(|row| row % (k + 1) < k) {
        let moved: Vec<usize> = (0..k).filter(|&i| rows[before][i] != rows[before + 1][i]).collect();
        let [factor] = moved[..] else {
            return Err(format!(
                "between rows {before} and {} one factor moves, not {}",
                before + 1,
                moved.len()
            ));
        };
        moves.push(Move {
            trajectory: before / (k + 1),
            before,
            factor,
            by: rows[before + 1][factor] - rows[before][factor],
        });
    }
    Ok(moves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_each_trajectory_each_factor_moves_once_by_one_step() -> Result<(), String> {
        let factors = vec![Distribution::dummy(); 5];
        let design = morris(&factors, 7, 4, 0, 2)?;
        assert_eq!(design.len(), 7 * 6);
        let told = moves_of_roles(&design.roles)?;
        let seen = moves_of_units(&design.rows)?;
        assert_eq!(told.len(), 35);
        for (told, seen) in told.iter().zip(&seen) {
            assert_eq!(
                (told.trajectory, told.before, told.factor),
                (seen.trajectory, seen.before, seen.factor)
            );
            assert!((told.by - seen.by).abs() < 1e-15 && (told.by.abs() - 2.0 / 3.0).abs() < 1e-15);
        }
        for t in 0..7 {
            let mut factors: Vec<usize> = told.iter().filter(|m| m.trajectory == t).map(|m| m.factor).collect();
            factors.sort_unstable();
            assert_eq!(factors, [0, 1, 2, 3, 4]);
        }
        let levels = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
        assert!(
            design
                .rows
                .iter()
                .flatten()
                .all(|x| levels.iter().any(|l| (x - l).abs() < 1e-15))
        );
        Ok(())
    }

    #[test]
    fn chosen_trajectories_spread_more_than_the_first_ones() -> Result<(), String> {
        let drawn: Vec<Trajectory> = (0..40).map(|t| Trajectory::drawn(4, 4, 8, t)).collect();
        let sum = |chosen: &[usize]| -> f64 {
            let rows: Vec<Vec<usize>> = chosen.iter().flat_map(|&c| drawn[c].rows(4)).collect();
            let mut sum = 0.0;
            for a in &rows {
                for b in &rows {
                    let squares: usize = a.iter().zip(b).map(|(p, q)| p.abs_diff(*q) * p.abs_diff(*q)).sum();
                    sum += (squares as f64).sqrt();
                }
            }
            sum
        };
        let chosen = spread(&drawn, 6, 4);
        assert!(sum(&chosen) > sum(&[0, 1, 2, 3, 4, 5]));
        let design = morris(&vec![Distribution::dummy(); 4], 6, 4, 40, 8)?;
        assert_eq!(moves_of_roles(&design.roles)?.len(), 24);
        Ok(())
    }

    #[test]
    fn levels_of_a_wide_prior_stay_in_its_middle() -> Result<(), String> {
        let wide = Distribution::LogNormal { median: 1.0, gsd: 2.0 }.truncated(0.0, 1e6);
        let design = morris(&[wide], 20, 4, 0, 1)?;
        // 2^±1.96
        assert!(design.rows.iter().all(|row| row[0] > 0.256 && row[0] < 3.90));
        assert!(morris(&[Distribution::dummy()], 1, 3, 0, 1).is_err());
        Ok(())
    }

    #[test]
    fn a_role_from_elsewhere_is_refused() {
        for role in ["A", "t1:x0+4/6", "t1:x2+0/6", "t1:y2+4/6", "t:x1+4/6"] {
            let roles = ["t1".to_owned(), role.to_owned()];
            assert!(moves_of_roles(&roles).is_err(), "{role}");
        }
        let torn = ["t0".to_owned(), "t1:x1+4/6".to_owned()];
        assert!(moves_of_roles(&torn).is_err(), "a step without the row before it");
    }
}
