//! Stem cell product: living cells, their medium, their carrier alone, or the same cells dead.
//!
//! | route            | what is given                                                                                   |
//! |------------------|-------------------------------------------------------------------------------------------------|
//! | `iv`             | cells to the lung pool, a systemic repair signal, tissue factor; cells in skin only by homing (0 by default) |
//! | `intradermal`, `intramuscular` | needles into the lesion's edge, then agents round their tips                       |
//! | `supernatant`    | repair signal on open columns; little of it through intact skin                                   |
//! | `vehicle`        | everything but the active: the needles of a dose per cm², nothing of a dose per kg               |
//! | `dead_cells`     | tissue factor, no secretion: dead agents after a needle, a pulse in plasma after an infusion     |
//!
//! Numbers: cells = dose per cm² × surface of the slab × retention at 24 h; one agent stands for `cells_per_agent`; a rest is one
//! more agent with its probability. Cells that are not alive at injection (viability) count as dead product.
//! Writes `cells.msc`, `cells.supernatant`, `host.msc_*`, the books of cells, and what the needle writes.
//! Dice: `MscPlacement` by dose and by cell, `MscHoming` by dose; ids come from the treatment's name, the dose, the cell.
//!
//! Source: fate after infusion PMC4154377, PMC3458305; tissue factor doi 10.1186/s13287-023-03582-3; doses are borrowed
//! (no dose for calciphylaxis was found). We assume: signal and tissue factor in proportion to the dose; the readers of
//! `msc_signal` and `msc_tissue_factor` apply the switches `msc_immune` and `msc_tf`.

use serde::Deserialize;

use super::needle::{self, Layer};
use super::{Order, count_visit};
use crate::math;
use crate::parameters::{Arrows, DoseUnit, Route, TherapyEntry};
use crate::random::{Purpose, id_from};
use crate::state::cells::{DEAD_PRODUCT, INJECTED};
use crate::state::{EventKind, Now, Tissue};

/// Registry section `msc_product`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Cells for which one agent stands.
    pub cells_per_agent: f64,
    /// Share of injected cells still there after 24 h.
    pub retention: f64,
    /// Spread of cells round the needle's tip [µm].
    pub spread_um: f64,
    /// Oxygen tension below which tissue counts as lesion for the needle [mmHg].
    pub hypoxia_mmhg: f64,
    /// Systemic repair signal of 1e6 infused cells/kg [a.u.].
    pub signal_per_1e6_per_kg: f64,
    /// Tissue factor of 1e6 infused cells/kg; clotting is multiplied by 1 + this.
    pub tissue_factor_per_1e6_per_kg: f64,
    /// Share of infused cells that reach the skin as cells.
    pub homing_fraction: f64,
    /// Skin over which homing cells spread [cm²].
    pub skin_area_cm2: f64,
    /// Repair signal of the medium of 1e6 cells/cm², per column of open surface [a.u.·h].
    pub supernatant_au_h_per_1e6_per_cm2: f64,
    /// Share of a medium on intact skin that enters.
    pub intact_skin_share: f64,
}

/// A stem cell product.
#[derive(Clone, Debug, PartialEq)]
pub struct MscProduct {
    order: Order,
    route: Route,
    per_kg: f64,
    per_cm2: f64,
    viability: f64,
}

impl MscProduct {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&entry.viability) {
            return Err(format!("viability = {}: expected 0 to 1", entry.viability));
        }
        Ok(Self {
            order,
            route: entry.route,
            per_kg: entry.amount(DoseUnit::CellsPerKg),
            per_cm2: entry.amount(DoseUnit::CellsPerCm2),
            viability: entry.viability,
        })
    }

    pub(super) fn apply(&self, p: &super::Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
        if self.per_kg <= 0.0 && self.per_cm2 <= 0.0 {
            return;
        }
        for ordinal in self.order.doses(now) {
            if self.per_kg > 0.0 {
                self.infuse(&p.msc_product, tissue, now, ordinal);
            } else if self.route == Route::Supernatant {
                self.pour(&p.msc_product, tissue, now);
            } else {
                self.inject(p, arrows, tissue, now, ordinal);
            }
        }
    }

    /// Living and dead share of what is given.
    fn shares(&self) -> (f64, f64) {
        match self.route {
            Route::Vehicle => (0.0, 0.0),
            Route::DeadCells => (0.0, 1.0),
            _ => (self.viability, 1.0 - self.viability),
        }
    }

    fn infuse(&self, p: &Parameters, tissue: &mut Tissue, now: Now, ordinal: u32) {
        let (living, dead) = self.shares();
        let event = self
            .order
            .record_systemic(tissue, now, &[("cells_per_kg", self.per_kg)]);
        count_visit(tissue, true);
        if living + dead > 0.0 {
            tissue.events.latest_trigger = Some(event);
        }
        let million = self.per_kg / 1e6;
        let cells = self.per_kg * tissue.host.profile.weight_kg;
        tissue.host.msc_lung += cells * living;
        tissue.host.msc_signal += p.signal_per_1e6_per_kg * million * living;
        tissue.host.msc_tissue_factor += p.tissue_factor_per_1e6_per_kg * million * (living + dead);

        let skin_share = surface_cm2(tissue) / p.skin_area_cm2;
        let expected = cells * living * p.homing_fraction * skin_share / p.cells_per_agent;
        let perfused: Vec<usize> = (0..tissue.vessels.len())
            .filter(|&s| tissue.vessels.is_perfused(s))
            .collect();
        if expected <= 0.0 || perfused.is_empty() {
            return;
        }
        let key = self.order.key(ordinal);
        let arrivals = now.dice.roll(Purpose::MscHoming, key).poisson(expected);
        for n in 0..arrivals {
            let id = id_from(key, u64::from(n));
            let mut roll = now.dice.roll(Purpose::MscHoming, id);
            let segment = perfused[roll.below(perfused.len() as u32) as usize];
            let pieces = tissue.vessels.pieces(segment);
            let piece = pieces.start + roll.below(pieces.len() as u32) as usize;
            let place = tissue.grid.centre_um(tissue.vessels.piece_voxel[piece] as usize);
            tissue.cells.msc.push(id, place, INJECTED);
        }
        tissue.ledger.cells.book(f64::from(arrivals));
    }

    fn inject(&self, p: &super::Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now, ordinal: u32) {
        let layer = if self.route == Route::Intramuscular {
            Layer::Deep
        } else {
            Layer::Dermis
        };
        let hypoxia = p.msc_product.hypoxia_mmhg;
        let sites = needle::sites(&p.needle, tissue, layer, self.order.place_um, hypoxia);
        let values = [("cells_per_cm2", self.per_cm2), ("needles", sites.len() as f64)];
        let event = self.order.record(tissue, now, EventKind::Dose, sites[0], &values);
        needle::puncture(&p.needle, arrows, tissue, &sites, event);

        let (living, dead) = self.shares();
        let key = self.order.key(ordinal);
        let kept = self.per_cm2 * surface_cm2(tissue) * p.msc_product.retention / p.msc_product.cells_per_agent;
        let mut roll = now.dice.roll(Purpose::MscPlacement, key);
        let mut whole = |expected: f64| {
            let rest = expected - expected.floor();
            expected.floor() as u64 + u64::from(roll.chance(rest))
        };
        let (alive, dead) = (whole(kept * living), whole(kept * dead));
        if alive + dead > 0 {
            tissue.events.latest_trigger = Some(event);
        }
        for n in 0..alive + dead {
            let id = id_from(key, n);
            let site = sites[(n % sites.len() as u64) as usize];
            let place = scattered(&p.msc_product, tissue, now, id, site);
            let state = if n < alive { INJECTED } else { DEAD_PRODUCT };
            tissue.cells.msc.push(id, place, state);
        }
        tissue.ledger.cells.book((alive + dead) as f64);
    }

    fn pour(&self, p: &Parameters, tissue: &mut Tissue, now: Now) {
        let surface = tissue.grid.extent_um();
        let place = [surface[0] / 2.0, surface[1] / 2.0, 0.0];
        self.order
            .record(tissue, now, EventKind::Dose, place, &[("cells_per_cm2", self.per_cm2)]);
        count_visit(tissue, false);
        let amount = p.supernatant_au_h_per_1e6_per_cm2 * self.per_cm2 / 1e6;
        let covered = &tissue.cells.keratinocytes.covered;
        let columns = tissue.grid.nx * tissue.grid.ny;
        let still = &mut tissue.cells.supernatant;
        still.resize(columns, 0.0);
        for (column, still) in still.iter_mut().enumerate() {
            let intact = covered.get(column).is_some_and(|&c| c != 0);
            let enters = if intact { p.intact_skin_share } else { 1.0 };
            *still += (amount * enters) as f32;
        }
    }
}

/// Surface of the slab [cm²].
fn surface_cm2(tissue: &Tissue) -> f64 {
    let extent = tissue.grid.extent_um();
    extent[0] * extent[1] / 1e8
}

/// A place near the needle's tip in living tissue; the tip itself where the cell would land elsewhere.
fn scattered(p: &Parameters, tissue: &Tissue, now: Now, id: u64, site: [f64; 3]) -> [f64; 3] {
    let grid = &tissue.grid;
    let mut roll = now.dice.roll(Purpose::MscPlacement, id);
    let mut place = site;
    for (axis, n) in [grid.nx, grid.ny, grid.nz].into_iter().enumerate() {
        if n == 1 {
            continue;
        }
        let wide = n as f64 * grid.voxel_um;
        let moved = site[axis] + p.spread_um * roll.normal();
        place[axis] = if axis < 2 && grid.periodic {
            moved - (moved / wide).floor() * wide
        } else {
            math::clamp(moved, 0.0, wide - 1e-3)
        };
    }
    let voxel = grid.voxel_at(place);
    if tissue.anatomy.lives(voxel) && tissue.anatomy.kind[voxel].is_deep() {
        place
    } else {
        site
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, parameters, picture, treated};
    use super::*;
    use crate::parameters::TherapyKind;
    use crate::state::fixture;

    fn local(route: Route) -> TherapyEntry {
        entry(TherapyKind::Msc, route, Some((1e6, DoseUnit::CellsPerCm2)))
    }

    fn after(entry: &TherapyEntry) -> Tissue {
        treated(fixture::tissue(fixture::healthy()), entry, &Arrows::default(), 30)
    }

    #[test]
    fn a_local_dose_places_its_retained_cells_and_books_them() {
        let tissue = after(&local(Route::Intradermal));
        // 0.4 mm × 0.15 mm = 6e-4 cm²; 1e6/cm² × 0.4 kept / 10 per agent.
        assert_eq!(tissue.cells.msc.len(), 24);
        assert_eq!(tissue.ledger.cells.booked, 24.0);
        let mut ids = tissue.cells.msc.id.clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 24);
        for i in 0..24 {
            let voxel = tissue.grid.voxel_at(tissue.cells.msc.place_um(i));
            assert!(tissue.anatomy.kind[voxel].is_deep());
        }
    }

    #[test]
    fn the_vehicle_is_the_same_dose_without_the_cells() {
        let at_the_vessel = |route| TherapyEntry {
            x_mm: Some(0.1),
            depth_mm: Some(0.25),
            ..local(route)
        };
        let mut cells = after(&at_the_vessel(Route::Intradermal));
        let vehicle = after(&at_the_vessel(Route::Vehicle));
        assert!(!cells.cells.msc.is_empty());
        assert!(vehicle.cells.msc.is_empty());
        assert!(vehicle.vessels.integrity.iter().any(|&e| e < 1.0));
        assert_eq!(vehicle.burden.procedures, 1);
        cells.cells.msc = Default::default();
        cells.ledger.cells = Default::default();
        assert_eq!(picture(&cells), picture(&vehicle));
    }

    #[test]
    fn dead_cells_bring_tissue_factor_and_no_signal() {
        let dead = after(&local(Route::DeadCells));
        assert!(dead.cells.msc.state.iter().all(|&s| s == DEAD_PRODUCT));
        assert_eq!(dead.cells.msc.len(), 24);
        let infused = after(&entry(
            TherapyKind::Msc,
            Route::DeadCells,
            Some((1e6, DoseUnit::CellsPerKg)),
        ));
        assert_eq!(infused.host.msc_signal, 0.0);
        assert_eq!(infused.host.msc_tissue_factor, 1.0);
        assert_eq!(infused.host.msc_lung, 0.0);
    }

    #[test]
    fn an_infusion_reaches_lung_and_plasma_and_not_the_skin() {
        let tissue = after(&entry(TherapyKind::Msc, Route::Iv, Some((1e6, DoseUnit::CellsPerKg))));
        assert_eq!(tissue.host.msc_lung, 7e7);
        assert!(tissue.host.msc_signal > 0.0);
        assert_eq!(tissue.host.msc_tissue_factor, 1.0);
        assert!(tissue.cells.msc.is_empty());
        assert!(tissue.vessels.integrity.iter().all(|&e| e == 1.0));
    }

    #[test]
    fn homing_cells_land_in_perfused_vessels_and_are_booked() {
        let mut tissue = fixture::tissue(fixture::healthy());
        let mut p = parameters();
        p.msc_product.homing_fraction = 0.01;
        p.msc_product.skin_area_cm2 = 100.0;
        let e = entry(TherapyKind::Msc, Route::Iv, Some((1e8, DoseUnit::CellsPerKg)));
        let therapy = super::super::Therapy::from_entry(&e, &tissue.grid, &tissue.host.profile).unwrap();
        super::super::apply(&p, &[therapy], &Arrows::default(), &mut tissue, fixture::now(24, 1.0));
        let n = tissue.cells.msc.len() as f64;
        // Expected: 7e9 × 0.01 × 6e-6 / 10 = 42, five standard deviations.
        assert!((n - 42.0).abs() < 5.0 * 42.0f64.sqrt(), "{n}");
        assert_eq!(tissue.ledger.cells.booked, n);
    }

    #[test]
    fn a_medium_acts_on_open_skin_and_little_through_a_closed_one() {
        let mut tissue = fixture::tissue(fixture::healthy());
        tissue.cells.keratinocytes.covered[3] = 0;
        let tissue = treated(tissue, &local(Route::Supernatant), &Arrows::default(), 30);
        assert!(tissue.cells.supernatant[3] > 10.0 * tissue.cells.supernatant[4]);
        assert!(tissue.cells.msc.is_empty());
    }

    #[test]
    fn needles_do_no_harm_when_trauma_is_off() {
        let off = Arrows {
            trauma: 0.0,
            ..Arrows::default()
        };
        let tissue = treated(
            fixture::tissue(fixture::healthy()),
            &local(Route::Intramuscular),
            &off,
            30,
        );
        assert!(tissue.vessels.integrity.iter().all(|&e| e == 1.0));
        assert_eq!(tissue.cells.msc.len(), 24);
    }
}
