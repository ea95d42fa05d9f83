//! MSC behaviour: stem cells that were placed locally settle, crawl, are licensed by cytokine, and die.
//!
//! ```text
//! death/h = ln 2/t½ · (3 where O < 2.5 mmHg);   Injected → Active after 12 h
//! Active → Licensed: k·H(C; K, 2);   Licensed → Active: k₋·(1 − H(C; K, 2))
//! → Osteogenic: k_ost·H(C; K, 2)     (arrow `msc_osteogenic`; 0 by default; for good)
//! relief of hypercoagulability → r_max·S/(S + K_S), slowly       (arrow `msc_coag`)
//! ```
//!
//! | symbol | meaning                                    | unit | in code                        |
//! |--------|--------------------------------------------|------|--------------------------------|
//! | O, C   | oxygen, cytokine                           | mmHg, a.u. | `fields.{oxygen,cytokine}` |
//! | t½     | half-life of local cells; of a dead product| h    | `half_life_d`, `dead_half_life_h` |
//! | S      | systemic signal of infused cells           | a.u. | `host.msc_signal`              |
//! | r_max  | most relief, 0-1                           | -    | `coagulation_relief_most`      |
//!
//! What stem cells do to others goes through fields (repair and VEGF: process secretion), through the kill of
//! bacteria (process infection), and through what clotting counts near a vessel. An osteogenic cell adds nuclei to
//! the walls that run through its voxel and the Moore neighbours. No engraftment: nobody divides, nobody becomes
//! tissue; all die in time.
//!
//! Reads `fields`, `host.msc_signal`. Writes `cells.msc`, `vessels.nidus`, `host.msc_coagulation_relief`,
//! `ledger.cells`. Dice: death, state, move, by the id of the cell.
//! Source: PMC4541295 (signal to day 7), PMC4154377 (licensing), doi 10.1080/0886022X.2023.2218483 (slow relief of
//! hypercoagulability, one patient). We assume: every rate; a harm that is reported has rate 0 until someone asks.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::random::Purpose;
use crate::state::cells::{ACTIVE, DEAD_PRODUCT, INJECTED, LICENSED, MSC_OSTEOGENIC};
use crate::state::motion::{self, Crowd, Gait};
use crate::state::{Now, Tissue, Vitality};

/// Registry section `msc`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Half-life of local cells [d].
    pub half_life_d: f64,
    /// Half-life of a product of dead cells [h].
    pub dead_half_life_h: f64,
    /// Oxygen tension below which they die faster [mmHg].
    pub severe_hypoxia_mmhg: f64,
    /// Factor on death there.
    pub hypoxic_death_fold: f64,
    /// Time from placement to action [h].
    pub settle_h: f64,
    /// Licensing at full cytokine [1/h].
    pub licensing_per_h: f64,
    /// Loss of it without cytokine [1/h].
    pub license_loss_per_h: f64,
    /// Cytokine at half licensing [a.u.].
    pub licensing_half: f64,
    /// Speed [µm/h].
    pub speed_um_per_h: f64,
    /// Share of the speed that goes up the gradient of damage and cytokine.
    pub chemotaxis_bias: f64,
    /// Time for which a cell keeps its direction [h].
    pub persistence_h: f64,
    /// Shallowest gradient that is felt [a.u./mm].
    pub felt_per_mm: f64,
    /// Most cells that a voxel holds [1/mm³].
    pub crowding_per_mm3: f64,
    /// Osteogenic turn at full cytokine [1/d].
    pub osteogenic_per_d: f64,
    /// Nuclei that an osteogenic cell adds to a wall [1/d].
    pub osteogenic_nidus_per_d: f64,
    /// Most relief of hypercoagulability, 0-1.
    pub coagulation_relief_most: f64,
    /// Systemic signal at half of it [a.u.].
    pub coagulation_relief_half: f64,
    /// Time constant of the relief [d].
    pub coagulation_relief_d: f64,
}

/// Death of a cell [1/h].
fn death_per_h(p: &Parameters, state: u8, oxygen: f64) -> f64 {
    if state == DEAD_PRODUCT {
        return std::f64::consts::LN_2 / p.dead_half_life_h;
    }
    let fold = if oxygen < p.severe_hypoxia_mmhg {
        p.hypoxic_death_fold
    } else {
        1.0
    };
    fold * std::f64::consts::LN_2 / (p.half_life_d * 24.0)
}

/// State after a step, from one draw.
fn turned(p: &Parameters, arrows: &Arrows, state: u8, cytokine: f64, now: Now, draw: f64) -> u8 {
    let call = math::hill(cytokine, p.licensing_half, 2.0);
    let osteogenic = arrows.msc_osteogenic * p.osteogenic_per_d / 24.0 * call;
    let (other, rate) = match state {
        ACTIVE => (LICENSED, p.licensing_per_h * call),
        LICENSED => (ACTIVE, p.license_loss_per_h * (1.0 - call)),
        _ => return state,
    };
    let either = math::chance_of(rate + osteogenic, now.hours);
    if draw >= either {
        state
    } else if draw * (rate + osteogenic) < either * osteogenic {
        MSC_OSTEOGENIC
    } else {
        other
    }
}

/// Life and death of local stem cells, and the slow systemic relief.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        host,
        anatomy,
        fields,
        vessels,
        cells,
        ledger,
        ..
    } = tissue;
    if host.msc_signal > 0.0 || host.msc_coagulation_relief > 0.0 {
        let signal = host.msc_signal;
        let exposure = signal / (signal + p.coagulation_relief_half);
        let target = math::unit(arrows.msc_coag * p.coagulation_relief_most * exposure);
        let rate = 1.0 / (p.coagulation_relief_d * 24.0);
        let relief = math::relax(host.msc_coagulation_relief, target, rate, now.hours);
        host.msc_coagulation_relief = if relief < 1e-9 { 0.0 } else { relief };
    }

    let msc = &mut cells.msc;
    if msc.is_empty() {
        return;
    }
    let gone = msc.retain(|m, i| {
        let voxel = grid.voxel_at(m.place_um(i));
        let rate = death_per_h(p, m.state[i], f64::from(fields.oxygen[voxel]));
        let mut roll = now.dice.roll(Purpose::MscDeath, m.id[i]);
        let dies = roll.chance(math::chance_of(rate, now.hours));
        !dies && anatomy.vitality[voxel] != Vitality::Gone
    });
    if gone > 0 {
        ledger.cells.book(-(gone as f64));
    }

    for i in 0..msc.len() {
        msc.age_h[i] += now.hours as f32;
        msc.clock_h[i] += now.hours as f32;
        if msc.state[i] == INJECTED && f64::from(msc.age_h[i]) >= p.settle_h {
            msc.state[i] = ACTIVE;
            msc.clock_h[i] = 0.0;
        }
        let voxel = grid.voxel_at(msc.place_um(i));
        let cytokine = f64::from(fields.cytokine[voxel]);
        let draw = now.dice.roll(Purpose::MscOsteogenic, msc.id[i]).uniform();
        let state = turned(p, arrows, msc.state[i], cytokine, now, draw);
        if state != msc.state[i] {
            msc.state[i] = state;
            msc.clock_h[i] = 0.0;
        }
    }

    let mut crowd = Crowd::new(grid, p.crowding_per_mm3);
    for i in 0..msc.len() {
        crowd.enter(grid.voxel_at(msc.place_um(i)));
    }
    let gait = Gait {
        speed_um_per_h: p.speed_um_per_h,
        bias: p.chemotaxis_bias,
        persistence_h: p.persistence_h,
        felt_per_um: p.felt_per_mm * 1e-3,
    };
    let signal = |v: usize| f64::from(fields.damage[v]) + f64::from(fields.cytokine[v]);
    let is_open = |v: usize| anatomy.vitality[v] != Vitality::Gone;
    for i in msc.in_id_order() {
        if matches!(msc.state[i], ACTIVE | LICENSED) {
            let mut roll = now.dice.roll(Purpose::MscMove, msc.id[i]);
            let (start, hours) = (msc.place_um(i), now.hours);
            let end = motion::walk(grid, &signal, &is_open, &mut crowd, start, gait, hours, &mut roll);
            msc.put(i, end);
        }
    }
    if msc.len() > 1 {
        msc.sort_by_place(|m, i| grid.voxel_at(m.place_um(i)));
    }

    // Osteogenic cells beside a wall.
    if msc.state.contains(&MSC_OSTEOGENIC) {
        let mut beside = vec![0u16; grid.len()];
        for i in (0..msc.len()).filter(|&i| msc.state[i] == MSC_OSTEOGENIC) {
            let voxel = grid.voxel_at(msc.place_um(i));
            for v in moore(grid, voxel) {
                beside[v] += 1;
            }
        }
        for s in 0..vessels.len() {
            let count = vessels.pieces(s).fold(0u16, |most, piece| {
                most.max(beside[vessels.piece_voxel[piece] as usize])
            });
            if count > 0 {
                let rate = p.osteogenic_nidus_per_d / 24.0 * f64::from(count);
                vessels.nidus[s] = math::relax(vessels.nidus[s], 1.0, rate, now.hours);
            }
        }
    }
}

/// A voxel and its Moore neighbours.
fn moore(grid: &crate::grid::Grid, voxel: usize) -> Vec<usize> {
    let reach = |n: usize| if n > 1 { -1..=1 } else { 0..=0 };
    let mut found = Vec::with_capacity(27);
    for dz in reach(grid.nz) {
        for dy in reach(grid.ny) {
            for dx in reach(grid.nx) {
                found.extend(grid.neighbour(voxel, dx, dy, dz));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture_cells::{self, now};

    fn parameters() -> Parameters {
        fixture_cells::parameters("msc")
    }

    fn with_cells(count: u64, state: u8) -> Tissue {
        let mut tissue = fixture_cells::section();
        for id in 0..count {
            let place = tissue.grid.centre_um((id as usize * 7 + 100) % tissue.grid.len());
            tissue.cells.msc.push(id, place, state);
        }
        tissue.ledger.cells.book(count as f64);
        tissue
    }

    fn run(tissue: &mut Tissue, p: &Parameters, steps: std::ops::Range<u64>) {
        for step in steps {
            apply(p, &Arrows::default(), tissue, now(step));
        }
    }

    #[test]
    fn without_stem_cells_nothing_happens() {
        let mut tissue = fixture_cells::section();
        let (cells, host) = (tissue.cells.clone(), tissue.host.clone());
        run(&mut tissue, &parameters(), 0..10);
        assert_eq!((tissue.cells, tissue.host), (cells, host));
    }

    #[test]
    fn half_of_the_cells_live_after_two_days_and_a_half_and_books_balance() {
        let mut tissue = with_cells(800, ACTIVE);
        run(&mut tissue, &parameters(), 0..60);
        let left = tissue.cells.msc.len() as f64;
        // Binomial: sd = sqrt(800/4) = 14.1; five of them.
        assert!((left - 400.0).abs() < 71.0, "{left}");
        assert_eq!(tissue.ledger.cells.gap(left), 0.0);
    }

    #[test]
    fn severe_hypoxia_kills_three_times_faster() {
        let p = parameters();
        assert!((death_per_h(&p, ACTIVE, 1.0) / death_per_h(&p, ACTIVE, 40.0) - 3.0).abs() < 1e-12);
        let dead = death_per_h(&p, DEAD_PRODUCT, 1.0);
        assert_eq!(dead, death_per_h(&p, DEAD_PRODUCT, 40.0));
    }

    #[test]
    fn cytokine_licenses_and_calm_takes_it_back() {
        let p = Parameters {
            half_life_d: 1e6,
            ..parameters()
        };
        let mut tissue = with_cells(100, INJECTED);
        run(&mut tissue, &p, 0..11);
        assert!(tissue.cells.msc.state.iter().all(|&s| s == INJECTED));
        tissue.fields.cytokine.fill(2.0);
        run(&mut tissue, &p, 11..80);
        let licensed = |t: &Tissue| t.cells.msc.state.iter().filter(|&&s| s == LICENSED).count();
        assert!(licensed(&tissue) > 90);
        tissue.fields.cytokine.fill(0.0);
        run(&mut tissue, &p, 80..500);
        assert_eq!(licensed(&tissue), 0);
    }

    #[test]
    fn nobody_turns_osteogenic_unless_asked_and_then_walls_get_nuclei() {
        let p = Parameters {
            half_life_d: 1e6,
            ..parameters()
        };
        let mut tissue = with_cells(300, ACTIVE);
        tissue.fields.cytokine.fill(2.0);
        run(&mut tissue, &p, 0..100);
        assert!(!tissue.cells.msc.state.contains(&MSC_OSTEOGENIC));
        assert!(tissue.vessels.nidus.iter().all(|&n| n == 0.0));
        let harmful = Parameters {
            osteogenic_per_d: 0.5,
            ..p
        };
        run(&mut tissue, &harmful, 100..200);
        assert!(tissue.cells.msc.state.contains(&MSC_OSTEOGENIC));
        assert!(tissue.vessels.nidus.iter().any(|&n| n > 0.0 && n <= 1.0));
    }

    #[test]
    fn the_relief_of_clotting_is_slow_bounded_and_can_be_switched_off() {
        let relief = |msc_coag: f64, hours: u64| {
            let mut tissue = fixture_cells::section();
            tissue.host.msc_signal = 100.0;
            let arrows = Arrows {
                msc_coag,
                ..Arrows::default()
            };
            let p = parameters();
            for step in 0..hours {
                apply(&p, &arrows, &mut tissue, now(step));
            }
            tissue.host.msc_coagulation_relief
        };
        let most = parameters().coagulation_relief_most;
        assert_eq!(relief(0.0, 100), 0.0);
        assert!(relief(1.0, 24) < 0.05 * most);
        assert!(relief(1.0, 24 * 300) > 0.9 * most && relief(1.0, 24 * 300) <= most);
    }
}
