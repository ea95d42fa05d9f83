//! `[statistics]`: what is asked of the results beyond the tables that every experiment has. Whether arms are as good as
//! equal, and how likely a treatment helps over what is believed about the parameters.

use serde::{Deserialize, Serialize};

use super::outputs::{Outputs, endpoint};
use super::text::{Item, Section};
use crate::parameters::nearest_word;
use crate::scenario::Faults;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Questions {
    /// Level of the tests of equivalence.
    pub alpha: f64,
    /// Endpoints whose arms may be as good as equal.
    pub equivalence: Vec<Margins>,
    /// Endpoints that say whether an arm helps.
    pub benefit: Vec<Better>,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            equivalence: Vec::new(),
            benefit: Vec::new(),
        }
    }
}

/// Differences that are as good as none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// Index among the endpoints.
    pub endpoint: usize,
    /// Lowest difference, arm − reference.
    pub low: f64,
    /// Highest difference.
    pub high: f64,
}

/// Which way an endpoint is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Better {
    /// Index among the endpoints.
    pub endpoint: usize,
    /// Whether less of it is better.
    pub is_lower: bool,
    /// Effects up to this size are neither benefit nor harm.
    pub margin: f64,
}

/// Reads `[statistics]`; `is_drawn` says that the points are draws from the distributions of the factors.
pub(super) fn read(
    section: Option<Section>,
    outputs: &Outputs,
    arms: usize,
    is_drawn: bool,
    faults: &mut Faults,
) -> Questions {
    let mut asked = Questions::default();
    let Some(mut section) = section else { return asked };
    if let Some((alpha, _)) = section.number("alpha", (1e-6, 0.5), faults) {
        asked.alpha = alpha;
    }
    let before = faults.len();
    for mut one in section.tables("equivalence", faults) {
        let place = one.place.clone();
        let name = one.word("endpoint", faults);
        let margin = one.number("margin", (0.0, f64::MAX), faults).map(|(x, _)| x);
        let low = one.number("low", (f64::MIN, f64::MAX), faults).map(|(x, _)| x);
        let high = one.number("high", (f64::MIN, f64::MAX), faults).map(|(x, _)| x);
        one.done(faults, &[("output", "endpoint"), ("delta", "margin")]);
        let found = named(name, outputs, "statistics.equivalence", faults);
        let ends = low.or(margin.map(|m| -m)).zip(high.or(margin));
        match (found, ends.filter(|(low, high)| low < high)) {
            (Some(endpoint), Some((low, high))) => asked.equivalence.push(Margins { endpoint, low, high }),
            _ => {
                let mut fault = place.fault("statistics.equivalence", "");
                fault.expected =
                    "{ endpoint = \"necrotic_fraction\", margin = 0.02 }, or low and high in place of margin".into();
                faults.push(&place, fault);
            }
        }
    }
    for mut one in section.tables("benefit", faults) {
        let place = one.place.clone();
        let name = one.word("endpoint", faults);
        let better = one.choice("better", &["lower", "higher"], faults);
        let margin = one.number("margin", (0.0, f64::MAX), faults).map_or(0.0, |(x, _)| x);
        one.done(faults, &[("output", "endpoint"), ("direction", "better")]);
        match (named(name, outputs, "statistics.benefit", faults), better) {
            (Some(endpoint), Some((word, _))) => asked.benefit.push(Better {
                endpoint,
                is_lower: word == "lower",
                margin,
            }),
            _ => {
                let mut fault = place.fault("statistics.benefit", "");
                fault.expected = "{ endpoint = \"necrotic_fraction\", better = \"lower\", margin = 0 }".into();
                faults.push(&place, fault);
            }
        }
    }
    let place = section.place.clone();
    section.done(
        faults,
        &[("tost", "equivalence"), ("p_benefit", "benefit"), ("level", "alpha")],
    );
    let is_asked = !asked.equivalence.is_empty() || !asked.benefit.is_empty();
    if is_asked && arms < 2 && faults.len() == before {
        let mut fault = place.fault("statistics", "");
        fault.message = "equivalence and benefit are about arms against the reference".into();
        fault.expected = "at least two [[arms]]".into();
        faults.push(&place, fault);
    }
    if !asked.benefit.is_empty() && !is_drawn && faults.len() == before {
        let mut fault = place.fault("statistics.benefit", "");
        fault.message =
            "a chance of benefit is one over the prior: this experiment does not draw points from it".into();
        fault.expected = "a sweep with method = \"lhs\" or \"sobol\" and arms, or a trial".into();
        faults.push(&place, fault);
    }
    asked
}

/// Index of the endpoint that is named.
pub(super) fn named(name: Option<(String, Item)>, outputs: &Outputs, key: &str, faults: &mut Faults) -> Option<usize> {
    let (name, item) = name?;
    let full = endpoint(&name, &outputs.at_days).map(|e| e.name);
    let found = outputs.endpoints.iter().position(|e| Some(&e.name) == full.as_ref());
    if found.is_none() {
        let mut fault = item.fault(&format!("{key}.endpoint"), "one of the endpoints of this experiment");
        let names = outputs.endpoints.iter().map(|e| e.name.as_str());
        let near = nearest_word(&name, names).map(str::to_owned);
        fault.suggestion = near.map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
        faults.push(&item.place, fault);
    }
    found
}
