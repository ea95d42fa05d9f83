//! Attribution: which mechanisms carry an outcome. Points are subsets of mechanisms that are on, all of them run with the
//! same seeds.

use super::analysis::shapley;
use super::factors::Factor;
use super::points::Points;
use super::sampled::Analysis;
use super::text::Section;
use crate::parameters::{Arrows, nearest_word};
use crate::scenario::Faults;

/// Reads `[design] mechanisms = […]` with `method = "all"` or `"orders"`.
pub(super) fn read(
    section: Option<Section>,
    default_seed: u64,
    top: &crate::scenario::Place,
    faults: &mut Faults,
) -> Option<(Vec<Factor>, Points, Analysis)> {
    let Some(mut section) = section else {
        let mut fault = top.fault("design", "");
        fault.expected = "[design] mechanisms = [\"thrombosis\", …]".into();
        fault.message = "an attribution says which mechanisms share the outcome".into();
        faults.push(top, fault);
        return None;
    };
    let before = faults.len();
    let mut names: Vec<String> = Vec::new();
    let mut factors = Vec::new();
    for item in section.list("mechanisms").map(|(list, _)| list).unwrap_or_default() {
        let name = item.word().unwrap_or_default().to_owned();
        if !Arrows::names().contains(&name.as_str()) || names.contains(&name) {
            let mut fault = item.fault("design.mechanisms", "the name of a switch, each once");
            if !names.contains(&name) {
                let near = nearest_word(&name, Arrows::names().iter().copied());
                fault.suggestion = near.map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
            }
            faults.push(&item.place, fault);
            continue;
        }
        factors.push(Factor::bare(
            &format!("mechanisms.{name}"),
            Vec::new(),
            item.place.clone(),
        ));
        names.push(name);
    }
    let method = section.choice("method", &["all", "orders"], faults);
    let orders = section.whole("orders", 1, 100_000, faults).map(|(n, _)| n as usize);
    let pairs = section.flag("pairs", faults).is_none_or(|(yes, _)| yes);
    let seed = section
        .whole("seed", 0, i64::MAX as u64, faults)
        .map_or(default_seed, |(seed, _)| seed);
    let place = section.place.clone();
    section.done(
        faults,
        &[("switches", "mechanisms"), ("players", "mechanisms"), ("n", "orders")],
    );
    if names.len() < 2 && faults.len() == before {
        let mut fault = place.fault("design.mechanisms", "");
        fault.expected = "at least two switches: `calcisim list switches` shows them".into();
        faults.push(&place, fault);
    }
    if faults.len() > before {
        return None;
    }
    let is_sampled = method.is_some_and(|(word, _)| word == "orders") || orders.is_some();
    let orders = is_sampled.then(|| orders.unwrap_or(50));
    match subsets(names.len(), orders, pairs, seed) {
        Ok(plan) => {
            let cell = |mask: u64, i: usize| f64::from(u8::from(mask >> i & 1 == 1));
            let rows = plan
                .subsets
                .iter()
                .map(|&mask| (0..names.len()).map(|i| cell(mask, i)).collect());
            let roles = plan.subsets.iter().map(|mask| format!("subset_{mask}")).collect();
            let points = Points {
                rows: rows.collect(),
                roles,
            };
            Some((factors, points, Analysis::Shapley { orders, pairs, seed }))
        }
        Err(expected) => {
            let mut fault = place.fault("design", "");
            fault.expected = expected;
            faults.push(&place, fault);
            None
        }
    }
}

/// The subsets of a plan, the same each time.
pub fn subsets(players: usize, orders: Option<usize>, pairs: bool, seed: u64) -> Result<shapley::Plan, String> {
    match orders {
        None => shapley::Plan::all(players),
        Some(orders) => shapley::Plan::sampled(players, orders, pairs, seed),
    }
}
