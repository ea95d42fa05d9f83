//! Sodium thiosulfate: slows growth of new mineral, dissolves old mineral weakly (both in `mineral_deposition`).
//!
//! By vein it enters plasma, from where `host_chemistry` clears it. Into a lesion it makes a depot round each needle, which
//! fades with one half-life. The vehicle is the needle alone; by vein it is nothing but a visit.
//!
//! Writes `host.thiosulfate`, `cells.thiosulfate_depot`, and what the needle writes. No dice.
//! Source: dose 12.5-25 g in the last hour of dialysis (edren.org handbook); intralesional 250 mg/ml
//! (doi 10.1001/jamadermatol.2013.4565). We assume: given at the start of the step; volume, radius and half-life of a depot.

use serde::Deserialize;

use super::needle::{self, Layer};
use super::{Order, count_visit};
use crate::math;
use crate::parameters::{Arrows, DoseUnit, Route, TherapyEntry};
use crate::state::{EventKind, Now, Tissue};

/// Registry section `thiosulfate`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Molar mass of the product that is weighed [g/mol].
    pub molar_mass_g_per_mol: f64,
    /// Tissue in which an injected dose spreads [ml].
    pub depot_volume_ml: f64,
    /// Radius of a depot where the scenario names none [µm].
    pub depot_radius_um: f64,
    /// Half-life of a depot [h].
    pub depot_half_life_h: f64,
}

/// A course of thiosulfate.
#[derive(Clone, Debug, PartialEq)]
pub struct Thiosulfate {
    order: Order,
    route: Route,
    dose_g: f64,
}

impl Thiosulfate {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            route: entry.route,
            dose_g: entry.amount(DoseUnit::G),
        }
    }

    pub(super) fn apply(&self, p: &super::Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
        if self.dose_g <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            let mmol = 1000.0 * self.dose_g / p.thiosulfate.molar_mass_g_per_mol;
            if self.route == Route::Iv {
                self.order.record_systemic(tissue, now, &[("dose_g", self.dose_g)]);
                count_visit(tissue, true);
                let litres = p.thiosulfate_volume_l_per_kg * tissue.host.profile.weight_kg;
                tissue.host.thiosulfate += mmol / litres;
            } else {
                self.inject(p, arrows, tissue, now, mmol);
            }
        }
    }

    fn inject(&self, p: &super::Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now, mmol: f64) {
        let hypoxia = p.msc_product.hypoxia_mmhg;
        let sites = needle::sites(&p.needle, tissue, Layer::Any, self.order.place_um, hypoxia);
        let values = [("dose_g", self.dose_g), ("needles", sites.len() as f64)];
        let event = self.order.record(tissue, now, EventKind::Dose, sites[0], &values);
        needle::puncture(&p.needle, arrows, tissue, &sites, event);
        if self.route == Route::Vehicle {
            return;
        }
        // What the needles share spreads in one volume, so a voxel near two needles holds what one near a single one holds.
        let gain = 1000.0 * mmol / p.thiosulfate.depot_volume_ml;
        let radius = self.order.radius_um.unwrap_or(p.thiosulfate.depot_radius_um);
        let mut reached = vec![false; tissue.grid.len()];
        for &site in &sites {
            for voxel in tissue.grid.within_um(site, radius) {
                reached[voxel] = true;
            }
        }
        let depot = &mut tissue.cells.thiosulfate_depot;
        depot.resize(reached.len(), 0.0);
        for (depot, reached) in depot.iter_mut().zip(reached) {
            if reached {
                *depot += gain as f32;
            }
        }
    }
}

/// A depot fades; below a nanomole per litre it is gone.
pub(crate) fn fade_depot(p: &Parameters, tissue: &mut Tissue, hours: f64) {
    let depot = &mut tissue.cells.thiosulfate_depot;
    if depot.is_empty() {
        return;
    }
    let left = math::exp(-std::f64::consts::LN_2 / p.depot_half_life_h * hours) as f32;
    for c in depot.iter_mut() {
        *c *= left;
    }
    if depot.iter().all(|&c| c < 1e-6) {
        depot.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, treated};
    use super::*;
    use crate::parameters::TherapyKind;
    use crate::state::fixture;

    fn given(route: Route, dose_g: f64, steps: u64) -> Tissue {
        let e = entry(TherapyKind::Sts, route, Some((dose_g, DoseUnit::G)));
        treated(fixture::tissue(fixture::uraemic()), &e, &Arrows::default(), steps)
    }

    #[test]
    fn twenty_five_grams_bring_about_six_millimoles_per_litre() {
        let peak = given(Route::Iv, 25.0, 25).host.thiosulfate;
        assert!((5.0..7.0).contains(&peak), "{peak}");
        assert_eq!(given(Route::Iv, 25.0, 25).burden.visits, 0);
    }

    #[test]
    fn a_depot_is_local_fades_and_is_forgotten() {
        let e = TherapyEntry {
            radius_mm: Some(0.06),
            ..entry(TherapyKind::Sts, Route::Intralesional, Some((0.25, DoseUnit::G)))
        };
        let run = |steps| treated(fixture::tissue(fixture::uraemic()), &e, &Arrows::default(), steps);
        let fresh = run(25).cells.thiosulfate_depot;
        assert!(fresh.iter().any(|&c| c > 40.0) && fresh.contains(&0.0));
        let later = run(27).cells.thiosulfate_depot;
        let top = |d: &[f32]| d.iter().fold(0.0, |m, &c| math::max(m, f64::from(c)));
        assert!((top(&later) / top(&fresh) - 0.5).abs() < 1e-5);
        assert!(run(24 * 10).cells.thiosulfate_depot.is_empty());
    }

    #[test]
    fn the_vehicle_wounds_like_the_injection_and_leaves_no_depot() {
        let drug = given(Route::Intralesional, 0.25, 25);
        let vehicle = given(Route::Vehicle, 0.25, 25);
        assert!(vehicle.cells.thiosulfate_depot.is_empty());
        assert_eq!(drug.vessels.integrity, vehicle.vessels.integrity);
    }
}
