//! `summary.json`: the outcome of a run in one flat object. The dates are watched at every step, so they do not depend
//! on how often a row is written.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::series::{COLUMNS, COUNT, Look, Row, column};
use crate::math;

/// Share of open surface columns from which the skin counts as ulcerated.
pub const ULCER: f64 = 0.02;
/// Final necrosis below which there is no course to speak of: no t10, no t90.
pub const LEAST_NECROSIS: f64 = 0.001;

/// What is remembered from step to step; part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    first_thrombosis: Option<u64>,
    first_necrosis: Option<u64>,
    ulcer: Option<u64>,
    /// Since when the ulcer has been below the mark, once there was one.
    closed_since: Option<u64>,
    /// Steps in which the necrotic fraction rose, and what it became.
    necrosis: Vec<(u64, f64)>,
    highest: [Option<f64>; COUNT],
    latest: Option<Row>,
}

impl Watch {
    /// Takes note of a moment. Each step is seen once, in order.
    pub fn see(&mut self, look: &Look, row: Row) {
        let step = row.step;
        if self.first_thrombosis.is_none() && look.any_thrombosed() {
            self.first_thrombosis = Some(step);
        }
        if self.first_necrosis.is_none() && look.any_death_outside_challenges() {
            self.first_necrosis = Some(step);
        }
        if let Some(open) = row.get("ulcer_fraction") {
            if open >= ULCER {
                self.ulcer = self.ulcer.or(Some(step));
                self.closed_since = None;
            } else if self.ulcer.is_some() {
                self.closed_since = self.closed_since.or(Some(step));
            }
        }
        let dead = row.get("necrotic_fraction").unwrap_or(0.0);
        if self.necrosis.last().is_none_or(|&(_, last)| dead > last) {
            self.necrosis.push((step, dead));
        }
        for (highest, value) in self.highest.iter_mut().zip(&row.values) {
            *highest = match (*highest, *value) {
                (Some(a), Some(b)) => Some(math::max(a, b)),
                (a, b) => a.or(b),
            };
        }
        self.latest = Some(row);
    }

    /// The latest moment seen.
    pub fn latest(&self) -> Option<&Row> {
        self.latest.as_ref()
    }

    /// The outcome so far.
    pub fn summary(&self, scenario: &str, seed: u64, step_h: f64, state_hash: u64) -> Summary {
        let day = |step: u64| step as f64 * step_h / 24.0;
        let values = self.latest.as_ref().map_or([None; COUNT], |row| row.values);
        let last_step = self.latest.as_ref().map_or(0, |row| row.step);
        let dead = column("necrotic_fraction").and_then(|c| values[c]).unwrap_or(0.0);
        let reached = |share: f64| {
            let first = self.necrosis.iter().find(|&&(_, value)| value >= share * dead);
            first.filter(|_| dead >= LEAST_NECROSIS).map(|&(step, _)| day(step))
        };
        let (t10_d, t90_d) = (reached(0.1), reached(0.9));
        Summary {
            scenario: scenario.to_owned(),
            seed,
            days: day(last_step),
            last: Values(values),
            highest: Values(self.highest),
            state_hash: hex(state_hash),
            t_first_thrombosis_d: self.first_thrombosis.map(day),
            t_first_necrosis_d: self.first_necrosis.map(day),
            t_ulcer_d: self.ulcer.map(day),
            t_closure_d: self.closed_since.map(day),
            t10_d,
            t90_d,
            delta_10_90_d: t10_d.zip(t90_d).map(|(a, b)| b - a),
        }
    }
}

/// A hash as 16 hex digits.
pub fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

/// Values of all columns, written as an object of their names.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(pub [Option<f64>; COUNT]);

impl Values {
    /// One value by the name of its column.
    pub fn get(&self, name: &str) -> Option<f64> {
        column(name).and_then(|c| self.0[c])
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(COUNT))?;
        for (column, value) in COLUMNS.iter().zip(&self.0) {
            map.serialize_entry(column.name, value)?;
        }
        map.end()
    }
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the site.
    pub seed: u64,
    /// Days simulated.
    pub days: f64,
    /// Columns of the last step.
    #[serde(rename = "final")]
    pub last: Values,
    /// Highest value of each column over all steps.
    #[serde(rename = "max")]
    pub highest: Values,
    /// Hash of the last state, 16 hex digits.
    pub state_hash: String,
    /// First day with any segment closed by thrombus (≥ 0.9).
    pub t_first_thrombosis_d: Option<f64>,
    /// First day with a dead voxel of dermis or fat outside every challenge radius.
    pub t_first_necrosis_d: Option<f64>,
    /// First day with an ulcer fraction ≥ 0.02.
    pub t_ulcer_d: Option<f64>,
    /// First day after it from which the ulcer fraction stays < 0.02 to the end.
    pub t_closure_d: Option<f64>,
    /// First day with 10 % of the final necrosis.
    pub t10_d: Option<f64>,
    /// First day with 90 % of the final necrosis.
    pub t90_d: Option<f64>,
    /// Days between the two.
    pub delta_10_90_d: Option<f64>,
}

/// Names of the dates, in the order of [`Summary::dates`].
pub const DATES: [&str; 6] = [
    "t_first_thrombosis_d",
    "t_first_necrosis_d",
    "t_ulcer_d",
    "t_closure_d",
    "t10_d",
    "t90_d",
];

impl Summary {
    /// The dates; nothing = did not happen.
    pub fn dates(&self) -> [Option<f64>; 6] {
        [
            self.t_first_thrombosis_d,
            self.t_first_necrosis_d,
            self.t_ulcer_d,
            self.t_closure_d,
            self.t10_d,
            self.t90_d,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::series::tests::{definitions, skin};
    use crate::state::Tissue;

    /// Sees a row of moments, one a step of an hour.
    fn course(moments: impl IntoIterator<Item = Tissue>) -> Summary {
        let definitions = definitions();
        let mut watch = Watch::default();
        for (step, tissue) in moments.into_iter().enumerate() {
            let look = Look::at(&tissue, &definitions);
            watch.see(&look, look.row(step as u64, step as f64 / 24.0));
        }
        watch.summary("test", 1, 1.0, 0xab)
    }

    fn with_dead(n: usize) -> Tissue {
        let mut tissue = skin();
        (100..100 + n).for_each(|v| {
            tissue.anatomy.kill(v, 0);
        });
        tissue
    }

    fn with_open(n: usize) -> Tissue {
        let mut tissue = skin();
        tissue.cells.keratinocytes.covered[..n].fill(0);
        tissue
    }

    #[test]
    fn nothing_happened_is_null() {
        let summary = course([skin(), skin()]);
        assert_eq!(summary.dates(), [None; 6]);
        assert_eq!(summary.delta_10_90_d, None);
        assert_eq!(summary.state_hash, "00000000000000ab");
    }

    #[test]
    fn t10_and_t90_are_shares_of_the_final_necrosis() {
        let summary = course([0, 4, 10, 50, 89, 90, 100].map(with_dead));
        assert_eq!(summary.t10_d, Some(2.0 / 24.0));
        assert_eq!(summary.t90_d, Some(5.0 / 24.0));
        assert_eq!(summary.delta_10_90_d, Some(5.0 / 24.0 - 2.0 / 24.0));
        assert_eq!(summary.t_first_necrosis_d, Some(1.0 / 24.0));
    }

    #[test]
    fn a_wound_that_opens_again_is_not_closed() {
        let reopened = course([0, 3, 0, 5].map(with_open));
        assert_eq!(reopened.t_ulcer_d, Some(1.0 / 24.0));
        assert_eq!(reopened.t_closure_d, None);
        let healed = course([0, 3, 0, 5, 0, 0].map(with_open));
        assert_eq!(healed.t_closure_d, Some(4.0 / 24.0));
        assert_eq!(healed.highest.get("ulcer_fraction"), Some(0.25));
    }

    #[test]
    fn what_is_remembered_survives_a_checkpoint() {
        let definitions = definitions();
        let (mut straight, mut resumed) = (Watch::default(), Watch::default());
        for (step, dead) in [0, 5, 20, 60].into_iter().enumerate() {
            let tissue = with_dead(dead);
            let look = Look::at(&tissue, &definitions);
            straight.see(&look, look.row(step as u64, 0.0));
            resumed.see(&look, look.row(step as u64, 0.0));
            #[cfg(feature = "cli")]
            {
                let bytes = postcard::to_stdvec(&resumed).unwrap_or_default();
                resumed = postcard::from_bytes(&bytes).unwrap_or_default();
            }
        }
        assert_eq!(straight, resumed);
    }
}
