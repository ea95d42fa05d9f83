//! Designs: which values the factors take in which run. Arrays in, arrays out: no files, no clock; the same design for
//! the same seed on every machine.

mod correlated;
mod distribution;
mod morris;
mod plain;
mod saltelli;
mod space;
mod special;
mod wording;

pub use correlated::{copula, iman_conover};
pub use distribution::Distribution;
pub use morris::{Move, morris, moves_of_roles, moves_of_units};
pub use plain::{grid, grid_size, list, one_at_a_time, spaced};
pub use saltelli::{MOST_FACTORS, saltelli, saltelli_size};
pub use space::{lhs, sobol};
pub use special::{normal_cdf, normal_quantile};

use crate::random::{Dice, Purpose, Roll, id_from};

/// Rows of factor values in plan order, and what each row is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Design {
    /// One row per run, one value per factor. The value of a factor of words is the place of a word in its list.
    pub rows: Vec<Vec<f64>>,
    /// What the row is in its design: `grid`, `A`, `AB_3`, `t0:x2+4/6` …; factors are counted from 1, trajectories from 0.
    pub roles: Vec<String>,
}

impl Design {
    fn push(&mut self, row: Vec<f64>, role: impl Into<String>) {
        self.rows.push(row);
        self.roles.push(role.into());
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// No rows at all?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows of numbers in (0, 1) as values of the factors, all with one role.
    fn of_units(factors: &[Distribution], units: &[Vec<f64>], role: &str) -> Self {
        let mut design = Self::default();
        for unit in units {
            design.push(values(factors, unit), role);
        }
        design
    }
}

/// Quantiles of a row of numbers in (0, 1).
pub fn values(factors: &[Distribution], unit: &[f64]) -> Vec<f64> {
    factors
        .iter()
        .zip(unit)
        .map(|(factor, &u)| factor.quantile(u))
        .collect()
}

/// Draws of a design: a function of seed, kind of draw and case.
pub(in crate::experiment) fn draws(seed: u64, kind: u64, case: u64) -> Roll {
    Dice::new(seed).at(kind).roll(Purpose::Design, case)
}

/// Puts items into an order by chance. A roll holds enough draws for a block of swaps, so each block has its own.
pub(in crate::experiment) fn shuffle<T>(items: &mut [T], seed: u64, kind: u64, case: u64) {
    const BLOCK: usize = 4096;
    let mut roll = draws(seed, kind, case);
    for i in (1..items.len()).rev() {
        if i % BLOCK == 0 {
            roll = draws(seed, kind, id_from(case, (i / BLOCK) as u64));
        }
        items.swap(i, roll.below(i as u32 + 1) as usize);
    }
}

/// Kinds of draws, so that no two designs share dice.
pub(in crate::experiment) mod kind {
    pub const LHS_ORDER: u64 = 1;
    pub const LHS_PLACE: u64 = 2;
    pub const SOBOL: u64 = 3;
    pub const MORRIS: u64 = 4;
    pub const COPULA: u64 = 5;
    pub const SCORES: u64 = 6;
    pub const PERMUTATION: u64 = 7;
    pub const CANDIDATE: u64 = 8;
    pub const WALK: u64 = 9;
    pub const ABC: u64 = 10;
    pub const TRIAL: u64 = 11;
}
