//! Infection: bacteria settle on an open surface, grow, creep over dead tissue, and are killed.
//!
//! ```text
//! dB/dt = r·B·(1 − B) − k·B,    k = k_n·n + k_m·m + antibiotic        (solved exactly over the step)
//! settling hazard of a voxel = seeding (open longer than 48 h) + spread/voxel · (a face neighbour has B > 0.1)
//! ```
//!
//! | symbol | meaning                                               | unit          | in code                     |
//! |--------|-------------------------------------------------------|---------------|-----------------------------|
//! | B      | bacteria, share of carrying capacity                  | 0-1           | `fields.bacteria`           |
//! | r      | ln 2 / doubling time; 0 where bacteria cannot live    | 1/h           | `doubling_h`                |
//! | n, m   | neutrophils, stem cells among the voxel and its Moore neighbours | 1000/mm³ | `cells`               |
//! | k_n    | kill by neutrophils                                   | 1/h per 1000/mm³ | `neutrophil_kill`        |
//! | k_m    | kill by stem cells (LL-37; arrow `msc_antibact`)      | 1/h per 1000/mm³ | `msc_kill`               |
//!
//! Bacteria live in the uppermost voxel of an open column and in dead tissue; elsewhere they only decay.
//! Clearance wins where k > r: about 1700 neutrophils per mm³ at the values of the registry.
//!
//! Reads `cells`, `host`, `anatomy`. Writes `fields.bacteria`; an event when bacteria first settle on a clean site.
//! Dice: settling, by voxel. Owned wholly by arrow `infection`, which scales settling.
//! Source: github.com/stanbot8/skin-bdm (doubling, delay, inoculum). We assume: the kill, the spread, the seeding
//! hazard after the delay.

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::parameters::Arrows;
use crate::random::Purpose;
use crate::state::cells::{ACTIVE, IN_TISSUE, INJECTED, LICENSED, Movers};
use crate::state::fields::is_clear;
use crate::state::{EventKind, Now, Tissue, Vitality};

/// Registry section `infection`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Doubling time far below capacity [h].
    pub doubling_h: f64,
    /// Time for which a column must be open before bacteria settle [h].
    pub seeding_delay_h: f64,
    /// Hazard of settling after that [1/d].
    pub seeding_per_d: f64,
    /// Bacteria that settle, share of capacity.
    pub inoculum: f64,
    /// Speed at which bacteria creep to a neighbour [µm/h].
    pub spread_um_per_h: f64,
    /// Bacteria from which they do so.
    pub spread_from: f64,
    /// Kill by 1000 neutrophils per mm³ [1/h].
    pub neutrophil_kill: f64,
    /// Kill by 1000 stem cells per mm³ [1/h].
    pub msc_kill: f64,
    /// Decay where bacteria cannot live [1/h].
    pub tissue_kill_per_h: f64,
}

/// Bacteria after some hours of logistic growth at rate r and kill at rate k: exact for any step.
fn grown(bacteria: f64, r: f64, k: f64, hours: f64) -> f64 {
    let net = r - k;
    // (e^{net·t} − 1)/net, continuous at net = 0.
    let gain = if (net * hours).abs() < 1e-9 {
        hours
    } else {
        -math::one_minus_exp(-net * hours) / net
    };
    bacteria * (1.0 + net * gain) / (1.0 + r * bacteria * gain)
}

/// Less than this is none [share of capacity].
const NONE_BELOW: f64 = 1e-6;

/// Settling, growth and clearance.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        host,
        anatomy,
        fields,
        cells,
        events,
        ..
    } = tissue;
    let k = &cells.keratinocytes;
    let open: Vec<usize> = (0..k.covered.len()).filter(|&c| k.covered[c] == 0).collect();
    let bacteria = &fields.bacteria;
    if open.is_empty() && is_clear(bacteria) {
        return;
    }
    let settled: Vec<usize> = (0..bacteria.len()).filter(|&v| bacteria[v] > 0.0).collect();

    // Where bacteria can live, and the hazard of settling of each clean place.
    let surface: Vec<(usize, usize)> = open
        .iter()
        .filter_map(|&c| anatomy.surface_voxel(grid, c).map(|v| (v, c)))
        .collect();
    let mut homes: Vec<usize> = surface.iter().map(|&(v, _)| v).collect();
    homes.sort_unstable();
    let can_live = |v: usize| anatomy.vitality[v] == Vitality::Necrotic || homes.binary_search(&v).is_ok();
    let mut hazards: Vec<(usize, f64)> = surface
        .iter()
        .filter(|&&(v, c)| bacteria[v] == 0.0 && f64::from(k.open_h[c]) >= p.seeding_delay_h)
        .map(|&(v, _)| (v, p.seeding_per_d / 24.0))
        .collect();
    let by_contact = p.spread_um_per_h / grid.voxel_um;
    for &v in settled.iter().filter(|&&v| f64::from(bacteria[v]) > p.spread_from) {
        let clean = |&w: &usize| bacteria[w] == 0.0 && can_live(w);
        hazards.extend(grid.faces(v).filter(clean).map(|w| (w, by_contact)));
    }
    hazards.sort_by_key(|&(v, _)| v);
    let newly: Vec<usize> = hazards
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|same| {
            let hazard = same.iter().fold(0.0, |sum, h| sum + h.1) * arrows.infection;
            let mut roll = now.dice.roll(Purpose::BacteriaSeed, same[0].0 as u64);
            roll.chance(math::chance_of(hazard, now.hours))
        })
        .map(|same| same[0].0)
        .collect();

    // Growth and kill, each voxel by itself.
    let rate = std::f64::consts::LN_2 / p.doubling_h;
    let neutrophils = places(grid, &cells.neutrophils, |s| s == IN_TISSUE);
    let stem_cells = places(grid, &cells.msc, |s| matches!(s, INJECTED | ACTIVE | LICENSED));
    let next: Vec<f32> = settled
        .iter()
        .map(|&v| {
            let kill = p.neutrophil_kill * density_around(grid, v, &neutrophils)
                + arrows.msc_antibact * p.msc_kill * density_around(grid, v, &stem_cells)
                + host.antibiotic_kill_per_h;
            let (r, kill) = if can_live(v) {
                (rate, kill)
            } else {
                (0.0, kill + p.tissue_kill_per_h)
            };
            let left = grown(f64::from(bacteria[v]), r, kill, now.hours);
            if left < NONE_BELOW { 0.0 } else { left as f32 }
        })
        .collect();
    for (&v, b) in settled.iter().zip(next) {
        fields.bacteria[v] = b;
    }
    for &v in &newly {
        fields.bacteria[v] = p.inoculum as f32;
    }
    if settled.is_empty()
        && let Some(&first) = newly.first()
    {
        events.add(
            now.step,
            EventKind::Infection,
            format!("voxel:{first}"),
            grid.centre_um(first),
            events.latest_trigger,
            &[("open_columns", open.len() as f64)],
        );
    }
}

/// Voxels of the cells in the named states, sorted.
fn places(grid: &Grid, movers: &Movers, is_active: impl Fn(u8) -> bool) -> Vec<usize> {
    let mut places: Vec<usize> = (0..movers.len())
        .filter(|&i| is_active(movers.state[i]))
        .map(|i| grid.voxel_at(movers.place_um(i)))
        .collect();
    places.sort_unstable();
    places
}

/// Thousands of cells per mm³ among a voxel and its Moore neighbours.
fn density_around(grid: &Grid, voxel: usize, places: &[usize]) -> f64 {
    if places.is_empty() {
        return 0.0;
    }
    let reach = |n: usize| if n > 1 { -1..=1 } else { 0..=0 };
    let (mut cells, mut voxels) = (0usize, 0u32);
    for dz in reach(grid.nz) {
        for dy in reach(grid.ny) {
            for dx in reach(grid.nx) {
                if let Some(v) = grid.neighbour(voxel, dx, dy, dz) {
                    voxels += 1;
                    cells += places.partition_point(|&q| q <= v) - places.partition_point(|&q| q < v);
                }
            }
        }
    }
    cells as f64 * 1e6 / (f64::from(voxels) * grid.voxel_volume_um3())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture_cells::{self, now};

    fn parameters() -> Parameters {
        fixture_cells::parameters("infection")
    }

    fn infect(tissue: &mut Tissue, steps: std::ops::Range<u64>) {
        let p = parameters();
        for step in steps {
            apply(&p, &Arrows::default(), tissue, now(step));
        }
    }

    #[test]
    fn closed_skin_stays_clean() {
        let mut tissue = fixture_cells::section();
        infect(&mut tissue, 0..500);
        assert!(tissue.fields.bacteria.iter().all(|&b| b == 0.0));
    }

    #[test]
    fn growth_is_exact_for_any_step_and_ends_at_capacity() {
        let (r, k) = (0.347, 0.1);
        let once = grown(0.01, r, k, 8.0);
        let often = (0..80).fold(0.01, |b, _| grown(b, r, k, 0.1));
        assert!((once - often).abs() < 1e-12);
        assert!((grown(0.01, r, 0.0, 2.0) / 0.01 - 2.0).abs() < 0.02);
        assert!((grown(0.3, r, 0.0, 1e3) - 1.0).abs() < 1e-9);
        assert!((grown(0.3, r, k, 1e3) - (1.0 - k / r)).abs() < 1e-9);
        assert!((grown(0.3, r, r, 10.0) - 0.3 / (1.0 + r * 0.3 * 10.0)).abs() < 1e-9);
        assert!(grown(1.0, r, 2.0 * r, 1e3) < 1e-9);
    }

    #[test]
    fn nothing_settles_in_the_first_48_hours_and_then_it_does() {
        let mut tissue = fixture_cells::section();
        for column in 5..15 {
            fixture_cells::open_column(&mut tissue, column, 0);
            tissue.cells.keratinocytes.open_h[column] = 47.0;
        }
        infect(&mut tissue, 0..100);
        assert!(tissue.fields.bacteria.iter().all(|&b| b == 0.0));
        tissue.cells.keratinocytes.open_h.fill(48.0);
        infect(&mut tissue, 100..300);
        assert!((5..15).all(|c| tissue.fields.bacteria[c] > 0.9));
        assert_eq!(tissue.events.pending.len(), 1);
    }

    #[test]
    fn enough_neutrophils_clear_a_full_infection() {
        let mut tissue = fixture_cells::section();
        fixture_cells::open_column(&mut tissue, 5, 0);
        tissue.fields.bacteria[5] = 1.0;
        let place = tissue.grid.centre_um(5);
        for id in 0..4 {
            tissue.cells.neutrophils.push(id, place, IN_TISSUE);
        }
        infect(&mut tissue, 0..48);
        assert!(tissue.fields.bacteria[5] < 0.01);
    }

    #[test]
    fn an_antibiotic_clears_and_stem_cells_help_only_through_their_arrow() {
        let left = |antibiotic: f64, msc: usize, msc_antibact: f64| {
            let mut tissue = fixture_cells::section();
            fixture_cells::open_column(&mut tissue, 5, 0);
            tissue.fields.bacteria[5] = 0.5;
            tissue.host.antibiotic_kill_per_h = antibiotic;
            let place = tissue.grid.centre_um(5);
            for id in 0..msc as u64 {
                tissue.cells.msc.push(id, place, ACTIVE);
            }
            let arrows = Arrows {
                msc_antibact,
                ..Arrows::default()
            };
            let p = parameters();
            for step in 0..24 {
                apply(&p, &arrows, &mut tissue, now(step));
            }
            tissue.fields.bacteria[5]
        };
        assert!(left(1.0, 0, 1.0) < 1e-3);
        assert!(left(0.0, 3, 1.0) < left(0.0, 0, 1.0));
        assert_eq!(left(0.0, 3, 0.0), left(0.0, 0, 0.0));
    }

    #[test]
    fn bacteria_die_out_under_closed_living_skin() {
        let mut tissue = fixture_cells::section();
        tissue.fields.bacteria[200] = 0.5;
        infect(&mut tissue, 0..100);
        assert_eq!(tissue.fields.bacteria[200], 0.0);
    }
}
