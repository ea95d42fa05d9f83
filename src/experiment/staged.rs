//! Staged plans: a point is dropped when a stated bound puts its criterion out of reach.
//!
//! The replicates of a point run in order. After each one, the values that are still to come can at best be as good as
//! `bound` allows; when even then the criterion cannot be met, the later replicates are `dropped`. What is dropped is a
//! function of the earlier results alone, so it does not depend on shards, threads or crashes.

use serde::{Deserialize, Serialize};

use super::outputs::{Endpoint, endpoint, nearest};
use super::text::Section;
use crate::scenario::Faults;

/// A criterion with the bound of its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// Whether it counts the share of replicates in which it happened, in place of its mean.
    pub is_share: bool,
    /// Whether the mean must be at most `limit`; at least otherwise.
    pub at_most: bool,
    /// What the mean over all replicates must keep.
    pub limit: f64,
    /// Lowest and highest value that a replicate can have.
    pub bound: (f64, f64),
}

impl Staged {
    /// Value of one replicate for the criterion; a date that did not come counts as the end of the run.
    pub fn value(&self, found: Option<f64>, days: f64) -> f64 {
        match (self.is_share, found) {
            (true, found) => f64::from(u8::from(found.is_some())),
            (false, Some(x)) => x,
            (false, None) => days,
        }
    }

    /// Whether the criterion is out of reach after some of `replicates` values.
    pub fn is_out_of_reach(&self, so_far: &[f64], replicates: u64) -> bool {
        let left = replicates as f64 - so_far.len() as f64;
        let best = if self.at_most { self.bound.0 } else { self.bound.1 };
        let mean = (so_far.iter().sum::<f64>() + left * best) / replicates as f64;
        // Rounding of the sum must not drop a point that just meets its criterion.
        let slack = 1e-12 * (self.limit.abs() + mean.abs());
        if self.at_most {
            mean > self.limit + slack
        } else {
            mean < self.limit - slack
        }
    }

    /// How many replicates of a point run, given their values in order.
    pub fn kept(&self, values: impl Iterator<Item = f64>, replicates: u64) -> u64 {
        let mut so_far = Vec::new();
        for value in values {
            if self.is_out_of_reach(&so_far, replicates) {
                break;
            }
            so_far.push(value);
        }
        so_far.len() as u64
    }
}

/// Reads `[staged]`.
pub(super) fn read(section: Option<Section>, days: f64, at_days: &[f64], faults: &mut Faults) -> Option<Staged> {
    let mut section = section?;
    let criterion = section.word("criterion", faults);
    let bound = section.list("bound");
    let place = section.place.clone();
    section.done(faults, &[("bounds", "bound"), ("drop_when", "criterion")]);
    const FORM: &str = "mean(ENDPOINT) or share(DATE), then <= or >=, then a number: \"share(t_ulcer_d) <= 0.2\"";
    let Some((text, item)) = criterion else {
        let mut fault = place.fault("staged.criterion", "");
        fault.expected = FORM.into();
        faults.push(&place, fault);
        return None;
    };
    let parts = parsed(&text);
    let Some((is_share, name, at_most, limit)) = parts else {
        faults.push(&item.place, item.fault("staged.criterion", FORM));
        return None;
    };
    let Some(endpoint) = endpoint(name, at_days) else {
        let mut fault = item.fault("staged.criterion", "an endpoint inside the brackets");
        fault.suggestion = nearest(name)
            .map(|near| format!("did you mean {near}?"))
            .unwrap_or_default();
        faults.push(&item.place, fault);
        return None;
    };
    let given = bound.as_ref().map(|(list, item)| {
        let pair: Vec<f64> = list.iter().filter_map(super::text::Item::number).collect();
        match pair[..] {
            [low, high] if low < high && list.len() == 2 => Some((low, high)),
            _ => {
                faults.push(
                    &item.place,
                    item.fault("staged.bound", "[lowest, highest] value that a run can have"),
                );
                None
            }
        }
    });
    let natural = match () {
        () if is_share || endpoint.name.ends_with("_fraction") => Some((0.0, 1.0)),
        () if endpoint.is_date() => Some((0.0, days)),
        () => None,
    };
    let bound = match given {
        Some(pair) => pair?,
        None => match natural {
            Some(pair) => pair,
            None => {
                let mut fault = item.fault("staged.criterion", "bound = [lowest, highest] below it");
                fault.message = format!("what values {} can have is not known", endpoint.name);
                faults.push(&item.place, fault);
                return None;
            }
        },
    };
    Some(Staged {
        endpoint,
        is_share,
        at_most,
        limit,
        bound,
    })
}

/// `mean(name) <= 0.1` in its parts.
fn parsed(text: &str) -> Option<(bool, &str, bool, f64)> {
    let (head, rest) = text.split_once('(')?;
    let (name, rest) = rest.split_once(')')?;
    let is_share = match head.trim() {
        "mean" => false,
        "share" => true,
        _ => return None,
    };
    let rest = rest.trim();
    let (at_most, number) = match (rest.strip_prefix("<="), rest.strip_prefix(">=")) {
        (Some(number), _) => (true, number),
        (_, Some(number)) => (false, number),
        _ => return None,
    };
    let limit: f64 = number.trim().parse().ok()?;
    limit.is_finite().then_some((is_share, name.trim(), at_most, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulcers(limit: f64) -> Staged {
        let Some(endpoint) = endpoint("t_ulcer_d", &[]) else {
            panic!("the date of an ulcer is an endpoint");
        };
        Staged {
            endpoint,
            is_share: true,
            at_most: true,
            limit,
            bound: (0.0, 1.0),
        }
    }

    #[test]
    fn a_point_is_dropped_as_soon_as_its_criterion_cannot_be_met_and_not_before() {
        let staged = ulcers(0.2);
        // Two ulcers of ten are allowed; the third ends it.
        let values = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(staged.kept(values.into_iter(), 10), 4);
        assert_eq!(staged.kept([0.0; 10].into_iter(), 10), 10);
        assert_eq!(staged.value(None, 90.0), 0.0);
        assert_eq!(staged.value(Some(3.0), 90.0), 1.0);
    }

    #[test]
    fn a_criterion_is_read_in_its_two_forms() {
        assert_eq!(parsed("mean(a) <= 0.1"), Some((false, "a", true, 0.1)));
        assert_eq!(parsed("share( t_ulcer_d ) >= 1"), Some((true, "t_ulcer_d", false, 1.0)));
        for wrong in ["a <= 1", "mean(a) < 1", "mean(a) <= x", "sum(a) <= 1"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
