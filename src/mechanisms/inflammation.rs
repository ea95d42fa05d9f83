//! Inflammation: neutrophils and macrophages come out of perfused vessels, crawl to the damage, act and leave.
//!
//! ```text
//! arrivals/h = ρ · length · (H(D + C; K, n)/(1 + R/K_R) + φ·B*) · adhesion(E) · flow · (1 − N/N_max)
//! M0 → M1: k·H(D; K, n)/(1 + R/K_R) + k·B + κ·(mineral voxels in contact)
//! M1 → M2, from 36 h on: k₂·(1 − H(C; K_C, 2))·(1 + R/(R + K_R)), never while B > 0.3, slower on mineral
//! ```
//!
//! | symbol  | meaning                                      | unit      | in code                       |
//! |---------|----------------------------------------------|-----------|-------------------------------|
//! | D, C, R | damage, cytokine, repair signal              | a.u.      | `fields.{damage,cytokine,repair}` |
//! | B       | bacteria                                     | 0-1       | `fields.bacteria`             |
//! | B*, φ   | most bacteria within `bacteria_reach_um`; their call for neutrophils alone | 0-1, - | `bacteria_call`         |
//! | E       | integrity of the endothelium; adhesion = floor + (1 − floor)(1 − E) | 0-1 | `vessels.integrity` |
//! | flow    | flow relative to t = 0, at most 1            | -         | `vessels.relative_flow`       |
//! | ρ       | arrivals per length at full call             | 1/mm/h    | `*_per_mm_h`                  |
//! | κ       | activation per crystal contact (arrow `crystal_infl`) | 1/h | `crystal_gain_per_h`        |
//! | N_max   | most cells of one kind in the block          | 1/mm³     | `most_per_mm3`                |
//!
//! A cell that has been called stands on the vessel wall for its arrival time (2 h, 12 h), then crawls up the
//! gradient of D + C with bias 0.91 in sub-moves of at most two voxels. A voxel holds at most `crowding_per_mm3`:
//! a cell does not enter a full one, and one that finds its vessel's voxel full does not arrive. Neutrophils draw
//! their life at arrival: 12 h and an exponential rest, at most 48 h, mean 19 h. Macrophages in a dead voxel eat its
//! debris, so that its damage signal ends sooner. What stands in tissue that is taken away goes with it.
//!
//! Reads `fields`, `vessels`, `anatomy`. Writes `cells.neutrophils`, `cells.macrophages`, `anatomy.debris`,
//! `ledger.cells`. Dice: arrival, move, state, death, by the id of the segment or cell.
//! Source: github.com/pc4covid19/COVID19 (speeds, bias, death rates), github.com/stanbot8/skin-bdm (arrival, life, M1
//! time, block by bacteria), doi 10.1161/01.res.0000171451.88616.c2 (crystals), Li et al. 2004 (J Exp Med: skin holds bacteria
//! at 4000-8000 neutrophils per mm³, which an infected dermis reaches). We assume: arrival rates, half points, crowding, what a macrophage eats; no return to the blood.

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::parameters::Arrows;
use crate::random::{Purpose, Roll, id_from};
use crate::state::cells::{AT_WALL, IN_TISSUE, M0, M1, M2, Movers};
use crate::state::fields::is_clear;
use crate::state::motion::{self, Crowd, Gait};
use crate::state::{Class, Fields, Now, Tissue, Vessels, Vitality};

/// Registry section `inflammation`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Neutrophils that arrive at full call [1/mm/h].
    pub neutrophils_per_mm_h: f64,
    /// Macrophages that arrive at full call [1/mm/h].
    pub macrophages_per_mm_h: f64,
    /// Call for neutrophils by bacteria at capacity; full call of damage and cytokine is 1.
    pub bacteria_call: f64,
    /// Distance over which bacteria call [µm].
    pub bacteria_reach_um: f64,
    /// Damage + cytokine at half call, and damage at half activation [a.u.].
    pub call_half: f64,
    /// Hill exponent of both.
    pub call_n: f64,
    /// Adhesion to intact endothelium, share of that to denuded.
    pub adhesion_floor: f64,
    /// Repair signal that halves arrival and activation [a.u.].
    pub repair_half: f64,
    /// Time of a neutrophil on the wall [h].
    pub neutrophil_arrival_h: f64,
    /// Time of a macrophage on the wall [h].
    pub macrophage_arrival_h: f64,
    /// Shortest life of a neutrophil [h].
    pub neutrophil_life_least_h: f64,
    /// Mean life of a neutrophil, before the ceiling [h].
    pub neutrophil_life_mean_h: f64,
    /// Longest life of a neutrophil [h].
    pub neutrophil_life_most_h: f64,
    /// Speed of neutrophils [µm/min].
    pub neutrophil_um_per_min: f64,
    /// Speed of resting macrophages [µm/min].
    pub macrophage_um_per_min: f64,
    /// Speed of M1 and M2 [µm/min].
    pub active_macrophage_um_per_min: f64,
    /// Share of the speed that goes up the gradient.
    pub chemotaxis_bias: f64,
    /// Time for which a cell keeps its direction [min].
    pub persistence_min: f64,
    /// Shallowest gradient that is felt [a.u./mm].
    pub felt_per_mm: f64,
    /// Most cells of one kind that a voxel holds [1/mm³].
    pub crowding_per_mm3: f64,
    /// Most cells of one kind in the block, mean [1/mm³].
    pub most_per_mm3: f64,
    /// Activation of a macrophage at full damage or bacteria [1/h].
    pub m1_per_h: f64,
    /// Activation per voxel of mineral in contact [1/h].
    pub crystal_gain_per_h: f64,
    /// Mineral that counts as a crystal, wall or interstitium [0-1].
    pub crystal_mineral: f64,
    /// Share by which crystal contact slows M1 to M2.
    pub crystal_block: f64,
    /// Shortest time in M1 [h].
    pub m1_least_h: f64,
    /// Rate M1 to M2 after that [1/h].
    pub m2_per_h: f64,
    /// Cytokine that halves it [a.u.].
    pub m2_cytokine_half: f64,
    /// Bacteria above which M1 stays M1.
    pub m2_bacteria_block: f64,
    /// Death of M0 and M1 [1/h].
    pub macrophage_death_per_h: f64,
    /// Death of M2 [1/h].
    pub m2_death_per_h: f64,
    /// Longest life of a macrophage [d].
    pub macrophage_life_most_d: f64,
    /// Dead tissue that a macrophage clears of debris [µm³/h].
    pub phagocytosis_um3_per_h: f64,
}

/// How strongly tissue calls, 0-1.
fn call(p: &Parameters, damage: f64, cytokine: f64, repair: f64) -> f64 {
    math::hill(damage + cytokine, p.call_half, p.call_n) * soothed(p, repair)
}

/// What the repair signal leaves of a call, 0-1.
fn soothed(p: &Parameters, repair: f64) -> f64 {
    1.0 / (1.0 + repair / p.repair_half)
}

/// How well leukocytes stick to endothelium of this integrity, 0-1.
fn adhesion(p: &Parameters, integrity: f64) -> f64 {
    p.adhesion_floor + (1.0 - p.adhesion_floor) * (1.0 - math::unit(integrity))
}

/// Rate M0 -> M1 [1/h].
fn activation(p: &Parameters, arrows: &Arrows, around: &Around) -> f64 {
    let damage = math::hill(around.damage, p.call_half, p.call_n) * soothed(p, around.repair);
    p.m1_per_h * (damage + around.bacteria) + arrows.crystal_infl * p.crystal_gain_per_h * around.crystals
}

/// Rate M1 -> M2 [1/h] after so many hours as M1.
fn resolution(p: &Parameters, arrows: &Arrows, around: &Around, hours_as_m1: f64) -> f64 {
    if hours_as_m1 < p.m1_least_h || around.bacteria > p.m2_bacteria_block {
        return 0.0;
    }
    // A macrophage that has dead cells to eat turns without waiting for the cytokine to fall.
    let quiet = if around.has_debris {
        1.0
    } else {
        1.0 - math::hill(around.cytokine, p.m2_cytokine_half, 2.0)
    };
    let on_crystal = if around.crystals > 0.0 {
        math::unit(1.0 - arrows.crystal_infl * p.crystal_block)
    } else {
        1.0
    };
    p.m2_per_h * quiet * on_crystal * (1.0 + around.repair / (around.repair + p.repair_half))
}

/// What a macrophage meets where it stands.
struct Around {
    damage: f64,
    cytokine: f64,
    repair: f64,
    bacteria: f64,
    crystals: f64,
    has_debris: bool,
}

/// Arrival, movement, action and death of both kinds of cell.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    age_and_leave(p, tissue, now);
    move_all(p, tissue, now);
    turn_macrophages(p, arrows, tissue, now);
    eat_debris(p, tissue, now);
    arrive(p, tissue, now);
    let Tissue { grid, cells, .. } = tissue;
    for movers in [&mut cells.neutrophils, &mut cells.macrophages] {
        if movers.len() > 1 {
            movers.sort_by_place(|m, i| grid.voxel_at(m.place_um(i)));
        }
    }
}

fn age_and_leave(p: &Parameters, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        cells,
        ledger,
        ..
    } = tissue;
    let taken_away = |m: &Movers, i: usize| anatomy.vitality[grid.voxel_at(m.place_um(i))] == Vitality::Gone;
    let neutrophils = &mut cells.neutrophils;
    for i in 0..neutrophils.len() {
        neutrophils.age_h[i] += now.hours as f32;
        if f64::from(neutrophils.age_h[i]) >= p.neutrophil_arrival_h {
            neutrophils.state[i] = IN_TISSUE;
        }
    }
    let mut gone = neutrophils.retain(|m, i| m.age_h[i] < m.clock_h[i] && !taken_away(m, i));

    let macrophages = &mut cells.macrophages;
    for i in 0..macrophages.len() {
        macrophages.age_h[i] += now.hours as f32;
        macrophages.clock_h[i] += now.hours as f32;
    }
    gone += macrophages.retain(|m, i| {
        let rate = if m.state[i] == M2 {
            p.m2_death_per_h
        } else {
            p.macrophage_death_per_h
        };
        let mut roll = now.dice.roll(Purpose::MacrophageDeath, m.id[i]);
        let dies = roll.chance(math::chance_of(rate, now.hours));
        !dies && f64::from(m.age_h[i]) < p.macrophage_life_most_d * 24.0 && !taken_away(m, i)
    });
    if gone > 0 {
        ledger.cells.book(-(gone as f64));
    }
}

fn crowd_of(p: &Parameters, grid: &Grid, movers: &Movers) -> Crowd {
    let mut crowd = Crowd::new(grid, p.crowding_per_mm3);
    for i in 0..movers.len() {
        crowd.enter(grid.voxel_at(movers.place_um(i)));
    }
    crowd
}

fn move_all(p: &Parameters, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        cells,
        ..
    } = tissue;
    let Fields { damage, cytokine, .. } = &*fields;
    let signal = |v: usize| f64::from(damage[v]) + f64::from(cytokine[v]);
    let is_open = |v: usize| anatomy.vitality[v] != Vitality::Gone;
    let gait = |um_per_min: f64| Gait {
        speed_um_per_h: um_per_min * 60.0,
        bias: p.chemotaxis_bias,
        persistence_h: p.persistence_min / 60.0,
        felt_per_um: p.felt_per_mm * 1e-3,
    };
    let kinds = [
        (&mut cells.neutrophils, Purpose::NeutrophilMove),
        (&mut cells.macrophages, Purpose::MacrophageMove),
    ];
    for (movers, purpose) in kinds {
        if movers.is_empty() {
            continue;
        }
        let mut crowd = crowd_of(p, grid, movers);
        for i in movers.in_id_order() {
            let speed = match (purpose, movers.state[i]) {
                (Purpose::NeutrophilMove, AT_WALL) => continue,
                (Purpose::NeutrophilMove, _) => p.neutrophil_um_per_min,
                (_, M0) if on_wall(p, movers, i) => continue,
                (_, M0) => p.macrophage_um_per_min,
                _ => p.active_macrophage_um_per_min,
            };
            let mut roll = now.dice.roll(purpose, movers.id[i]);
            let end = motion::walk(
                grid,
                &signal,
                &is_open,
                &mut crowd,
                movers.place_um(i),
                gait(speed),
                now.hours,
                &mut roll,
            );
            movers.put(i, end);
        }
    }
}

fn on_wall(p: &Parameters, macrophages: &Movers, i: usize) -> bool {
    f64::from(macrophages.age_h[i]) < p.macrophage_arrival_h
}

fn turn_macrophages(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        vessels,
        cells,
        ..
    } = tissue;
    let macrophages = &mut cells.macrophages;
    if macrophages.is_empty() {
        return;
    }
    let crystals = (arrows.crystal_infl > 0.0).then(|| Crystals::of(p, fields, vessels));
    for i in 0..macrophages.len() {
        let state = macrophages.state[i];
        if state == M2 || on_wall(p, macrophages, i) {
            continue;
        }
        let voxel = grid.voxel_at(macrophages.place_um(i));
        let around = Around {
            damage: f64::from(fields.damage[voxel]),
            cytokine: f64::from(fields.cytokine[voxel]),
            repair: f64::from(fields.repair[voxel]),
            bacteria: f64::from(fields.bacteria[voxel]),
            crystals: crystals.as_ref().map_or(0.0, |crystals| crystals.contacts(grid, voxel)),
            has_debris: anatomy.debris.get(voxel).is_some_and(|&d| d > 0.0),
        };
        let (rate, next) = if state == M0 {
            (activation(p, arrows, &around), M1)
        } else {
            let hours = f64::from(macrophages.clock_h[i]);
            (resolution(p, arrows, &around, hours), M2)
        };
        let mut roll = now.dice.roll(Purpose::MacrophageState, macrophages.id[i]);
        if roll.chance(math::chance_of(rate, now.hours)) {
            macrophages.state[i] = next;
            macrophages.clock_h[i] = 0.0;
        }
    }
}

/// Where mineral is met: in the interstitium, or in a wall that runs through a voxel.
struct Crystals<'a> {
    least: f64,
    interstitium: &'a [f32],
    /// Empty when no wall has enough.
    walls: Vec<bool>,
}

impl<'a> Crystals<'a> {
    fn of(p: &Parameters, fields: &'a Fields, vessels: &Vessels) -> Self {
        let mut walls = Vec::new();
        for s in (0..vessels.len()).filter(|&s| vessels.mineral[s] >= p.crystal_mineral) {
            walls.resize(fields.mineral.len(), false);
            for piece in vessels.pieces(s) {
                walls[vessels.piece_voxel[piece] as usize] = true;
            }
        }
        Self {
            least: p.crystal_mineral,
            interstitium: &fields.mineral,
            walls,
        }
    }

    fn are_at(&self, voxel: usize) -> bool {
        f64::from(self.interstitium[voxel]) >= self.least || self.walls.get(voxel).is_some_and(|&wall| wall)
    }

    /// Voxels with mineral among a voxel and its Moore neighbours.
    fn contacts(&self, grid: &Grid, voxel: usize) -> f64 {
        let reach = |n: usize| if n > 1 { -1..=1 } else { 0..=0 };
        let mut sum = 0u32;
        for dz in reach(grid.nz) {
            for dy in reach(grid.ny) {
                for dx in reach(grid.nx) {
                    let there = grid.neighbour(voxel, dx, dy, dz);
                    sum += u32::from(there.is_some_and(|v| self.are_at(v)));
                }
            }
        }
        f64::from(sum)
    }
}

fn eat_debris(p: &Parameters, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid, anatomy, cells, ..
    } = tissue;
    let macrophages = &cells.macrophages;
    if macrophages.is_empty() || anatomy.debris.is_empty() {
        return;
    }
    let mut places: Vec<usize> = (0..macrophages.len())
        .filter(|&i| !on_wall(p, macrophages, i))
        .map(|i| grid.voxel_at(macrophages.place_um(i)))
        .filter(|&v| anatomy.debris[v] > 0.0)
        .collect();
    places.sort_unstable();
    let one = p.phagocytosis_um3_per_h / grid.voxel_volume_um3();
    for eaters in places.chunk_by(|a, b| a == b) {
        let left = math::exp(-one * eaters.len() as f64 * now.hours);
        let debris = &mut anatomy.debris[eaters[0]];
        *debris = (f64::from(*debris) * left) as f32;
    }
}

/// A cell about to arrive.
struct Newborn {
    id: u64,
    voxel: usize,
    /// Of a neutrophil.
    life_h: Option<f64>,
}

fn arrive(p: &Parameters, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        fields,
        vessels,
        cells,
        ledger,
        ..
    } = tissue;
    let most = p.most_per_mm3 * grid.voxel_volume_um3() * grid.len() as f64 * 1e-9;
    let room = |present: usize| math::positive(1.0 - present as f64 / most);
    let rates = [
        p.neutrophils_per_mm_h * room(cells.neutrophils.len()),
        p.macrophages_per_mm_h * room(cells.macrophages.len()),
    ];
    let infected = (!is_clear(&fields.bacteria)).then(|| most_within(grid, &fields.bacteria, p.bacteria_reach_um));
    let mut newborns: [Vec<Newborn>; 2] = [Vec::new(), Vec::new()];
    for s in 0..vessels.len() {
        if vessels.class[s] == Class::Arteriole || !vessels.is_perfused(s) {
            continue;
        }
        // Length that is called [mm], each piece weighed by the call of its voxel.
        let called = |piece: usize| {
            let v = vessels.piece_voxel[piece] as usize;
            let (d, c) = (f64::from(fields.damage[v]), f64::from(fields.cytokine[v]));
            if d + c < 1e-3 {
                return 0.0;
            }
            call(p, d, c, f64::from(fields.repair[v])) * vessels.piece_um[piece] * 1e-3
        };
        let called_by_bacteria = |piece: usize| {
            let v = vessels.piece_voxel[piece] as usize;
            let bacteria = infected.as_ref().map_or(0.0, |near| f64::from(near[v]));
            called(piece) + p.bacteria_call * bacteria * vessels.piece_um[piece] * 1e-3
        };
        let calls: [&dyn Fn(usize) -> f64; 2] = [&called_by_bacteria, &called];
        let sticks =
            adhesion(p, vessels.mean_integrity(s)) * math::min(vessels.relative_flow(s), 1.0) * vessels.slab_share[s];
        let purposes = [Purpose::NeutrophilArrival, Purpose::MacrophageArrival];
        for (kind, purpose) in purposes.into_iter().enumerate() {
            let called_mm = vessels.pieces(s).fold(0.0, |sum, piece| sum + calls[kind](piece));
            if called_mm <= 0.0 {
                continue;
            }
            let mut roll = now.dice.roll(purpose, vessels.id[s]);
            let count = roll.poisson(rates[kind] * called_mm * sticks * now.hours);
            for n in 0..u64::from(count) {
                let target = roll.uniform() * called_mm;
                newborns[kind].push(Newborn {
                    // Fewer than 2^19 of a kind leave one segment in one step.
                    id: id_from(vessels.id[s], (now.step << 20) + ((kind as u64) << 19) + n),
                    voxel: piece_at(vessels, s, target, calls[kind]),
                    life_h: (kind == 0).then(|| life_h(p, &mut roll)),
                });
            }
        }
    }
    let [neutrophils, macrophages] = newborns;
    let kinds = [
        (&mut cells.neutrophils, neutrophils, AT_WALL),
        (&mut cells.macrophages, macrophages, M0),
    ];
    for (movers, mut newborns, state) in kinds {
        if newborns.is_empty() {
            continue;
        }
        let mut crowd = crowd_of(p, grid, movers);
        newborns.sort_by_key(|b| b.id);
        for newborn in newborns {
            if !crowd.has_room(newborn.voxel) {
                continue;
            }
            crowd.enter(newborn.voxel);
            movers.push(newborn.id, grid.centre_um(newborn.voxel), state);
            // A neutrophil carries its life span, a macrophage its hours in a state.
            if let Some(clock) = movers.clock_h.last_mut() {
                *clock = newborn.life_h.unwrap_or(0.0) as f32;
            }
            ledger.cells.book(1.0);
        }
    }
}

/// The highest value of a field within a cube of this half width about each voxel.
fn most_within(grid: &Grid, field: &[f32], reach_um: f64) -> Vec<f32> {
    let reach = (reach_um / grid.voxel_um).round() as i64;
    let mut most = field.to_vec();
    for (extent, [dx, dy, dz]) in [(grid.nx, [1, 0, 0]), (grid.ny, [0, 1, 0]), (grid.nz, [0, 0, 1])] {
        if extent == 1 {
            continue;
        }
        let along = most.clone();
        for v in (0..field.len()).filter(|&v| along[v] > 0.0) {
            for k in -reach..=reach {
                if let Some(w) = grid.neighbour(v, k * dx, k * dy, k * dz)
                    && along[v] > most[w]
                {
                    most[w] = along[v];
                }
            }
        }
    }
    most
}

/// Life of a neutrophil [h].
fn life_h(p: &Parameters, roll: &mut Roll) -> f64 {
    let mean_rest = p.neutrophil_life_mean_h - p.neutrophil_life_least_h;
    let life = p.neutrophil_life_least_h + roll.exponential(mean_rest);
    math::min(life, p.neutrophil_life_most_h)
}

/// Voxel of the piece in which the running sum of called length passes a target.
fn piece_at(vessels: &Vessels, s: usize, target: f64, called: &dyn Fn(usize) -> f64) -> usize {
    let mut sum = 0.0;
    let mut last = vessels.pieces(s).start;
    for piece in vessels.pieces(s) {
        let here = called(piece);
        if here > 0.0 {
            last = piece;
            sum += here;
            if sum >= target {
                break;
            }
        }
    }
    vessels.piece_voxel[last] as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Dice;
    use crate::state::fixture_cells::{self, now};

    fn parameters() -> Parameters {
        fixture_cells::parameters("inflammation")
    }

    fn inflame(tissue: &mut Tissue, steps: std::ops::Range<u64>) {
        let p = parameters();
        for step in steps {
            apply(&p, &Arrows::default(), tissue, now(step));
        }
    }

    fn wounded() -> Tissue {
        let mut tissue = fixture_cells::section();
        let grid = tissue.grid.clone();
        for v in 0..grid.len() {
            let [x, _, z] = grid.place(v);
            let far = ((x as f64 - 15.0).abs() + (z as f64 - 14.0).abs()) * 20.0;
            tissue.fields.damage[v] = math::exp(-far / 233.0) as f32;
        }
        tissue
    }

    #[test]
    fn nobody_is_called_in_health() {
        let mut tissue = fixture_cells::section();
        inflame(&mut tissue, 0..50);
        assert!(tissue.cells.neutrophils.is_empty() && tissue.cells.macrophages.is_empty());
        assert_eq!(tissue.ledger.cells.inflow, 0.0);
    }

    #[test]
    fn bacteria_call_neutrophils_alone_and_only_within_reach() {
        let called = |reach_um: f64, bacteria_call: f64| {
            let mut tissue = fixture_cells::section();
            tissue.fields.bacteria[15] = 1.0;
            let p = Parameters {
                bacteria_call,
                bacteria_reach_um: reach_um,
                neutrophils_per_mm_h: 10.0,
                ..parameters()
            };
            for step in 0..50 {
                apply(&p, &Arrows::default(), &mut tissue, now(step));
            }
            assert!(tissue.cells.macrophages.is_empty());
            tissue.cells.neutrophils.len()
        };
        assert!(called(400.0, 5.0) > called(400.0, 1.0));
        assert!(called(400.0, 1.0) > 0);
        assert_eq!(called(400.0, 0.0), 0);
        assert_eq!(called(20.0, 5.0), 0);
    }

    #[test]
    fn the_reach_of_bacteria_is_a_cube_of_their_highest_value() {
        let tissue = fixture_cells::section();
        let mut field = vec![0.0; tissue.grid.len()];
        let [low, high] = [(8, 10), (11, 11)].map(|(x, z)| tissue.grid.index(x, 0, z));
        field[low] = 0.2;
        field[high] = 0.7;
        let most = most_within(&tissue.grid, &field, 40.0);
        let at = |x, z| most[tissue.grid.index(x, 0, z)];
        assert_eq!(
            [at(6, 8), at(10, 12), at(13, 13), at(14, 11), at(5, 10)],
            [0.2, 0.7, 0.7, 0.0, 0.0]
        );
    }

    #[test]
    fn vessels_without_flow_and_arterioles_call_nobody() {
        let mut tissue = wounded();
        for s in 1..tissue.vessels.len() {
            tissue.vessels.flow_nl_per_min[s] = 0.0;
        }
        inflame(&mut tissue, 0..50);
        assert_eq!(tissue.ledger.cells.inflow, 0.0);
    }

    #[test]
    fn arrivals_and_departures_balance_the_books() {
        let mut tissue = wounded();
        inflame(&mut tissue, 0..120);
        let present = tissue.cells.neutrophils.len() + tissue.cells.macrophages.len();
        assert!(present > 0 && tissue.ledger.cells.outflow > 0.0);
        assert_eq!(tissue.ledger.cells.gap(present as f64), 0.0);
    }

    #[test]
    fn neutrophils_come_first_climb_to_the_damage_and_live_12_to_48_hours() {
        let mut tissue = wounded();
        inflame(&mut tissue, 0..12);
        assert!(tissue.cells.neutrophils.len() > tissue.cells.macrophages.len());
        inflame(&mut tissue, 12..60);
        let n = &tissue.cells.neutrophils;
        let settled: Vec<usize> = (0..n.len()).filter(|&i| n.age_h[i] > 4.0).collect();
        assert!(!settled.is_empty());
        let goal = tissue.grid.centre_um(15 + 30 * 14);
        for &i in &settled {
            assert!(tissue.grid.distance_um(n.place_um(i), goal) < 160.0);
        }
        assert!(n.clock_h.iter().all(|&life| (12.0..=48.0).contains(&life)));
        let p = parameters();
        let mut roll = Dice::new(1).roll(Purpose::Custom, 1);
        let mean = (0..4000).fold(0.0, |sum, _| sum + life_h(&p, &mut roll)) / 4000.0;
        // Five standard errors; the ceiling takes 0.04 h off the mean.
        assert!((mean - 19.0).abs() < 5.0 * 7.0 / 63.0 + 0.04);
    }

    #[test]
    fn a_voxel_never_holds_more_than_its_limit() {
        let mut tissue = wounded();
        inflame(&mut tissue, 0..80);
        let n = &tissue.cells.neutrophils;
        let mut places: Vec<usize> = (0..n.len()).map(|i| tissue.grid.voxel_at(n.place_um(i))).collect();
        places.sort_unstable();
        // 100 000 per mm³ in 20 × 20 × 150 µm.
        assert!(places.chunk_by(|a, b| a == b).all(|cells| cells.len() <= 6));
    }

    #[test]
    fn memory_order_changes_nothing() {
        let mut one = wounded();
        inflame(&mut one, 0..40);
        let mut other = one.clone();
        for movers in [&mut other.cells.neutrophils, &mut other.cells.macrophages] {
            movers.sort_by_place(|m, i| usize::MAX - m.id[i] as usize);
        }
        inflame(&mut one, 40..60);
        inflame(&mut other, 40..60);
        assert_eq!(one.cells, other.cells);
    }

    #[test]
    fn bacteria_hold_macrophages_in_m1_and_crystals_awake() {
        let (p, on) = (parameters(), Arrows::default());
        let off = Arrows {
            crystal_infl: 0.0,
            ..Arrows::default()
        };
        let around = |bacteria: f64, crystals: f64| Around {
            damage: 0.0,
            cytokine: 0.0,
            repair: 0.0,
            bacteria,
            crystals,
            has_debris: false,
        };
        assert_eq!(activation(&p, &on, &around(0.0, 0.0)), 0.0);
        assert!(activation(&p, &on, &around(0.0, 3.0)) > 0.0);
        assert_eq!(activation(&p, &off, &around(0.0, 3.0)), 0.0);
        assert_eq!(resolution(&p, &on, &around(0.4, 0.0), 100.0), 0.0);
        assert_eq!(resolution(&p, &on, &around(0.0, 0.0), 35.0), 0.0);
        let free = resolution(&p, &on, &around(0.0, 0.0), 37.0);
        assert!(resolution(&p, &on, &around(0.0, 1.0), 37.0) < free);
        assert_eq!(resolution(&p, &off, &around(0.0, 1.0), 37.0), free);
    }

    #[test]
    fn debris_goes_sooner_where_macrophages_eat() {
        let mut tissue = fixture_cells::section();
        for v in [400, 410] {
            tissue.anatomy.kill(v, 0);
        }
        let place = tissue.grid.centre_um(400);
        tissue.cells.macrophages.push(1, place, M1);
        tissue.cells.macrophages.age_h[0] = 20.0;
        eat_debris(&parameters(), &mut tissue, now(1));
        assert!(tissue.anatomy.debris[400] < 1.0 && tissue.anatomy.debris[410] == 1.0);
    }
}
