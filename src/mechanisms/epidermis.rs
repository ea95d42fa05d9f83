//! Epidermis: columns of keratinocytes lose their support and open; an open surface is cleared, filled and closed.
//!
//! ```text
//! support = perfused loops within reach / loops within reach        (capillaries where there are no loops)
//! t ← t + dt      while support < 0.3 and the bed beneath is bad; else t ← t − dt, not below 0
//! t ← t + 4·dt    while D > 0.8 or B > 0.5 at the column
//! a column opens at t ≥ 24 h
//! creep/h = v/voxel · gate(O) · (1 − B) · bed  +  k · open columns / edge columns · bed
//! ```
//!
//! | symbol | meaning                                              | unit  | in code                        |
//! |--------|------------------------------------------------------|-------|--------------------------------|
//! | t      | time without support                                 | h     | `keratinocytes.unsupported_h`  |
//! | D, B   | damage signal, bacteria at the top of the column     | a.u., 0-1 | `fields.{damage,bacteria}` |
//! | bad bed| half of the dermis down to 600 µm dead or hypoxic    | -     | `bed_depth_um`, `bed_bad_share` |
//! | v      | speed of the edge of the sheet                       | mm/d  | `edge_mm_per_d`                |
//! | O      | oxygen: gate from 5 to 15 mmHg                       | mmHg  | `fields.oxygen`                |
//! | k      | contraction of the open area                         | 1/d   | `contraction_per_d`            |
//! | bed    | support of a bed that lives, is not bad and bears D and B, else 0 | 0-1 |                     |
//!
//! Under an open surface, from the top down: dead tissue older than a week is shed (eschar), one voxel at a time at
//! `eschar_um_per_d`; living tissue over a bed that is mostly dead dries out after three days, so that thin islands do
//! not lock a wound; a clean bed fills at `granulation_um_per_d` from living neighbours with oxygen and few bacteria
//! (dermis and fat only: `Gone` → `Healed`), never over what must still be shed. Dead tissue as old as eschar is replaced
//! from its living edge at the same speed, under closed skin too (`Necrotic` → `Healed`: organisation). What is shed or
//! replaced loses its debris and the crystals between its cells. Fronts move by whole voxels at fixed moments, without
//! dice. Closing by sheet, contraction and granulation are owned by arrow `reepithelialise`.
//!
//! Reads `vessels`, `fields`. Writes `cells.keratinocytes`, `cells.stroma`, `cells.adipocytes`, `anatomy`,
//! `fields.{mineral,bacteria,oxygen}`, `ledger.mineral_ug`, `burden.open_wound_days`, events at the 2 % mark. No dice. Does nothing in a plan (no epidermis).
//! Source: biology text 3.5; doi 10.1186/1471-5945-9-2 (wounds shrink exponentially). We assume: the support rule,
//! its hours and reach, both fronts, the gates; clearing takes no vessel away; granulation in fat does not starve.

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::parameters::Arrows;
use crate::state::ledger::{Ledger, voxel_capacity_ug};
use crate::state::vessels::{Bed, Class};
use crate::state::{Anatomy, Cells, EventKind, Fields, Now, Tissue, Vessels, Vitality, anatomy};

/// Registry section `epidermis`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Distance over which loops support a column [µm].
    pub support_reach_um: f64,
    /// Support below which a column suffers.
    pub support_least: f64,
    /// Time that a column bears without support [h].
    pub unsupported_h: f64,
    /// Time that it bears damage or bacteria [h].
    pub toxic_h: f64,
    /// Damage signal that a column does not bear [a.u.].
    pub damage_limit: f64,
    /// Bacteria that a column does not bear.
    pub bacteria_limit: f64,
    /// Depth of the bed that counts, below the epidermis [µm].
    pub bed_depth_um: f64,
    /// Share of that bed, dead or hypoxic, that makes it bad.
    pub bed_bad_share: f64,
    /// Oxygen tension below which the bed is hypoxic [mmHg].
    pub bed_hypoxia_mmhg: f64,
    /// Speed of the edge of the sheet [mm/d].
    pub edge_mm_per_d: f64,
    /// Oxygen tension below which keratinocytes do not divide [mmHg].
    pub divide_least_mmhg: f64,
    /// Oxygen tension at which they divide freely [mmHg].
    pub divide_full_mmhg: f64,
    /// Contraction of the open area [1/d].
    pub contraction_per_d: f64,
    /// Age at which dead tissue begins to be shed [d].
    pub eschar_delay_d: f64,
    /// Speed at which it is shed [µm/d].
    pub eschar_um_per_d: f64,
    /// Time after which an undermined open bed dries out [h].
    pub drying_h: f64,
    /// Speed at which granulation fills an open bed [µm/d].
    pub granulation_um_per_d: f64,
    /// Bacteria above which nothing granulates.
    pub granulation_bacteria_block: f64,
    /// Share of the surface from which we speak of an ulcer.
    pub ulcer_fraction: f64,
}

/// What a column of the surface stands on.
#[derive(Clone, Copy)]
struct Footing {
    /// Support by perfused vessels, 0-1.
    support: f64,
    /// Half of the bed is dead or hypoxic.
    bad: bool,
    /// The uppermost deep voxel lives.
    lives: bool,
    oxygen: f64,
    damage: f64,
    bacteria: f64,
}

/// Hours without support after a step.
fn endured(p: &Parameters, footing: &Footing, hours: f64, before: f64) -> f64 {
    if is_toxic(p, footing) {
        before + hours * p.unsupported_h / p.toxic_h
    } else if footing.support < p.support_least && footing.bad {
        before + hours
    } else {
        math::positive(before - hours)
    }
}

/// Whether damage signal or bacteria are more than keratinocytes bear.
fn is_toxic(p: &Parameters, footing: &Footing) -> bool {
    footing.damage > p.damage_limit || footing.bacteria > p.bacteria_limit
}

/// How well a bed carries the sheet, 0-1.
fn bed_gate(p: &Parameters, footing: &Footing) -> f64 {
    if footing.lives && !footing.bad && !is_toxic(p, footing) {
        footing.support
    } else {
        0.0
    }
}

/// Way that the sheet creeps over an open column from one covered neighbour [voxels/h].
fn creep_per_h(p: &Parameters, footing: &Footing, voxel_um: f64) -> f64 {
    let oxygen = (footing.oxygen - p.divide_least_mmhg) / (p.divide_full_mmhg - p.divide_least_mmhg);
    p.edge_mm_per_d * 1000.0 / 24.0 / voxel_um
        * math::unit(oxygen)
        * math::unit(1.0 - footing.bacteria)
        * bed_gate(p, footing)
}

/// Loss and healing of the surface.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    if tissue.anatomy.epidermis_voxels == 0 || tissue.cells.keratinocytes.covered.is_empty() {
        return;
    }
    let columns = tissue.cells.keratinocytes.covered.len();
    // What another process opened in this step has not been counted open yet.
    let k = &tissue.cells.keratinocytes;
    let open_before = (0..columns).filter(|&c| k.covered[c] == 0 && k.open_h[c] > 0.0).count();

    let footings = footings(p, tissue);
    lose(p, tissue, &footings, now);
    let open: Vec<usize> = (0..columns)
        .filter(|&c| tissue.cells.keratinocytes.covered[c] == 0)
        .collect();
    if !open.is_empty() {
        shed(p, tissue, &open, now);
    }
    if arrows.reepithelialise > 0.0 {
        granulate(p, arrows, tissue, now);
        close(p, arrows, tissue, &footings, &open, now);
    }
    record(p, tissue, open_before, now);
}

fn footings(p: &Parameters, tissue: &Tissue) -> Vec<Footing> {
    let Tissue {
        grid,
        anatomy,
        fields,
        vessels,
        cells,
        ..
    } = tissue;
    let columns = cells.keratinocytes.covered.len();
    let layer = grid.nx * grid.ny;
    let top = anatomy.epidermis_voxels;
    let deepest = top + (p.bed_depth_um / grid.voxel_um).round() as usize;
    let support = supports(p, grid, vessels, columns, top);
    (0..columns)
        .map(|column| {
            let bed = column + layer * top;
            let surface = anatomy.surface_voxel(grid, column).unwrap_or(bed);
            let k = &cells.keratinocytes;
            // A covered column with support and no unpaid hours: nobody asks for its bed.
            let idle = support[column] >= p.support_least && k.covered[column] == 1;
            Footing {
                support: support[column],
                bad: !idle
                    && is_bad(p, grid, column, top..deepest, |v| {
                        !anatomy.lives(v) || f64::from(fields.oxygen[v]) < p.bed_hypoxia_mmhg
                    }),
                lives: anatomy.lives(bed),
                oxygen: f64::from(fields.oxygen[bed]),
                damage: f64::from(fields.damage[bed]),
                bacteria: f64::from(fields.bacteria[surface]),
            }
        })
        .collect()
}

/// Whether the stated share of a bed's voxels is so.
fn is_bad(
    p: &Parameters,
    grid: &Grid,
    column: usize,
    depths: std::ops::Range<usize>,
    so: impl Fn(usize) -> bool,
) -> bool {
    let layer = grid.nx * grid.ny;
    let end = if depths.end < grid.nz { depths.end } else { grid.nz };
    let all = depths.start..end;
    let found = all.clone().filter(|&z| so(column + layer * z)).count();
    !all.is_empty() && found as f64 >= p.bed_bad_share * all.len() as f64
}

/// Support of every column by perfused loops; by capillaries where the network has no loops within reach.
fn supports(p: &Parameters, grid: &Grid, vessels: &Vessels, columns: usize, top: usize) -> Vec<f64> {
    let is_loop = |s: usize| vessels.bed[s] == Bed::Loop;
    let sprouted = |s: usize| vessels.bed[s] == Bed::Sprout && vessels.is_perfused(s);
    let all_well = (0..vessels.len()).all(|s| !is_loop(s) || vessels.is_perfused(s));
    if all_well && (0..vessels.len()).any(is_loop) {
        // The usual case costs one look at each segment.
        return vec![1.0; columns];
    }
    let place = |s: usize| {
        let pieces = vessels.pieces(s);
        let middle = (pieces.start + pieces.end) / 2;
        grid.centre_um(vessels.piece_voxel[middle] as usize)
    };
    let listed = |keep: &dyn Fn(usize) -> bool| -> Vec<([f64; 3], bool)> {
        (0..vessels.len())
            .filter(|&s| keep(s))
            .map(|s| (place(s), vessels.is_perfused(s)))
            .collect()
    };
    let loops = listed(&is_loop);
    let capillaries = listed(&|s| vessels.class[s] == Class::Capillary && !is_loop(s));
    let sprouts = listed(&sprouted);
    let layer = grid.nx * grid.ny;
    (0..columns)
        .map(|column| {
            let here = grid.centre_um(column + layer * top);
            // Loops count by their place on the surface, others by their distance.
            let near = |list: &[([f64; 3], bool)], flat: bool| {
                let mut count = [0u32; 2];
                for &(mut at, perfused) in list {
                    if flat {
                        at[2] = here[2];
                    }
                    if grid.distance_um(at, here) <= p.support_reach_um {
                        count[usize::from(perfused)] += 1;
                    }
                }
                count
            };
            let [closed, open] = near(&loops, true);
            let [closed, open] = if closed + open > 0 {
                // Loops do not grow again; new vessels do their work.
                [closed, open + near(&sprouts, false)[1]]
            } else {
                near(&capillaries, false)
            };
            if closed + open == 0 {
                0.0
            } else {
                f64::from(open) / f64::from(closed + open)
            }
        })
        .collect()
}

fn lose(p: &Parameters, tissue: &mut Tissue, footings: &[Footing], now: Now) {
    let Tissue {
        grid, anatomy, cells, ..
    } = tissue;
    let k = &mut cells.keratinocytes;
    for (column, footing) in footings.iter().enumerate() {
        if k.covered[column] == 0 {
            continue;
        }
        let hours = endured(p, footing, now.hours, f64::from(k.unsupported_h[column]));
        k.unsupported_h[column] = hours as f32;
        if hours >= p.unsupported_h {
            for voxel in epidermis(grid, anatomy, column) {
                anatomy.kill(voxel, now.step);
            }
            k.covered[column] = 0;
            k.unsupported_h[column] = 0.0;
            k.open_h[column] = 0.0;
            k.creep[column] = 0.0;
        }
    }
}

fn epidermis(grid: &Grid, anatomy: &Anatomy, column: usize) -> impl Iterator<Item = usize> + use<> {
    let layer = grid.nx * grid.ny;
    (0..anatomy.epidermis_voxels).map(move |z| column + layer * z)
}

/// Voxels by which a front of this speed has moved on at the end of this step.
fn front_voxels(speed_um_per_d: f64, grid: &Grid, now: Now) -> u64 {
    let per_step = speed_um_per_d / 24.0 * now.hours / grid.voxel_um;
    let (before, after) = (now.step as f64 * per_step, (now.step + 1) as f64 * per_step);
    (after.floor() - before.floor()) as u64
}

/// Dead tissue at the surface goes; living tissue at the surface of a dead bed dries out.
fn shed(p: &Parameters, tissue: &mut Tissue, open: &[usize], now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        cells,
        ledger,
        ..
    } = tissue;
    for _ in 0..front_voxels(p.eschar_um_per_d, grid, now) {
        for &column in open {
            let Some(voxel) = anatomy.surface_voxel(grid, column) else {
                continue;
            };
            if anatomy.lives(voxel) {
                let open_h = f64::from(cells.keratinocytes.open_h[column]);
                if open_h >= p.drying_h && is_undermined(p, grid, anatomy, voxel) {
                    kill_with_cells(anatomy, cells, voxel, now.step);
                }
            } else if is_old(p, anatomy, voxel, now) {
                anatomy.vitality[voxel] = Vitality::Gone;
                clear(grid, anatomy, fields, ledger, voxel);
                fields.bacteria[voxel] = 0.0;
            }
        }
    }
}

/// Whether half of what lies beneath a voxel, as deep as a bed, is dead and still there.
fn is_undermined(p: &Parameters, grid: &Grid, anatomy: &Anatomy, voxel: usize) -> bool {
    let below = grid.place(voxel)[2] + 1;
    let depth = (p.bed_depth_um / grid.voxel_um).round() as usize;
    let column = voxel % (grid.nx * grid.ny);
    is_bad(p, grid, column, below..below + depth, |v| {
        anatomy.vitality[v] == Vitality::Necrotic
    })
}

/// Whether the floor of the open bed in which a voxel lies is dead.
fn has_dead_floor(grid: &Grid, anatomy: &Anatomy, voxel: usize) -> bool {
    let column = voxel % (grid.nx * grid.ny);
    let floor = anatomy.surface_voxel(grid, column);
    floor.is_some_and(|v| anatomy.vitality[v] == Vitality::Necrotic)
}

/// A voxel dies, and the stromal or fat cell to which it belongs.
fn kill_with_cells(anatomy: &mut Anatomy, cells: &mut Cells, voxel: usize, step: u64) {
    let stromal = anatomy.stromal_cell[voxel];
    if stromal != anatomy::NONE {
        cells.stroma.dead[stromal as usize] = 1;
    }
    let fat = anatomy.adipocyte[voxel];
    // A fat cell dies once; granulation in its place is no fat.
    if fat != anatomy::NONE && cells.adipocytes.dead[fat as usize] == 0 {
        cells.adipocytes.dead[fat as usize] = 1;
        for i in cells.adipocytes.footprint(fat as usize).to_vec() {
            anatomy.kill(i as usize, step);
        }
    }
    anatomy.kill(voxel, step);
}

/// An open bed fills, and dead tissue is replaced, from living neighbours.
fn granulate(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        cells,
        ledger,
        ..
    } = tissue;
    let speed = p.granulation_um_per_d * arrows.reepithelialise;
    for _ in 0..front_voxels(speed, grid, now) {
        let feeds = |v: usize| {
            anatomy.lives(v)
                && f64::from(fields.oxygen[v]) >= p.bed_hypoxia_mmhg
                && f64::from(fields.bacteria[v]) <= p.granulation_bacteria_block
        };
        let fills = |v: usize| match anatomy.vitality[v] {
            // Nothing bridges what must still be shed, else it would dry out again.
            Vitality::Gone => !has_dead_floor(grid, anatomy, v) && !is_undermined(p, grid, anatomy, v),
            Vitality::Necrotic => {
                is_old(p, anatomy, v, now) && f64::from(fields.bacteria[v]) <= p.granulation_bacteria_block
            }
            Vitality::Alive | Vitality::Healed => false,
        };
        let filled: Vec<usize> = (0..grid.len())
            .filter(|&v| !anatomy.lives(v) && anatomy.kind[v].is_deep())
            .filter(|&v| grid.faces(v).any(|w| anatomy.kind[w].is_deep() && feeds(w)))
            .filter(|&v| fills(v))
            .collect();
        for voxel in filled {
            anatomy.vitality[voxel] = Vitality::Healed;
            clear(grid, anatomy, fields, ledger, voxel);
            let stromal = anatomy.stromal_cell[voxel];
            if stromal != anatomy::NONE {
                cells.stroma.dead[stromal as usize] = 0;
                cells.stroma.dose[stromal as usize] = 0.0;
            }
            // Granulation is fed by what feeds its neighbours until blood and oxygen are solved again.
            fields.oxygen[voxel] = oxygen_of_neighbours(grid, anatomy, fields, voxel);
        }
    }
}

/// What the dead tissue of a voxel held goes with it: debris, and the crystals between its cells.
fn clear(grid: &Grid, anatomy: &mut Anatomy, fields: &mut Fields, ledger: &mut Ledger, voxel: usize) {
    if let Some(debris) = anatomy.debris.get_mut(voxel) {
        *debris = 0.0;
    }
    if let Some(mineral) = fields.mineral.get_mut(voxel) {
        ledger.mineral_ug.book(-f64::from(*mineral) * voxel_capacity_ug(grid));
        *mineral = 0.0;
    }
}

/// Whether what is dead at a voxel has been dead long enough to be shed or replaced.
fn is_old(p: &Parameters, anatomy: &Anatomy, voxel: usize, now: Now) -> bool {
    let age_h = (now.step as f64 - f64::from(anatomy.death_step[voxel])) * now.hours;
    age_h >= p.eschar_delay_d * 24.0
}

fn oxygen_of_neighbours(grid: &Grid, anatomy: &Anatomy, fields: &Fields, voxel: usize) -> f32 {
    let mut best = fields.oxygen[voxel];
    for w in grid.faces(voxel).filter(|&w| anatomy.lives(w)) {
        if fields.oxygen[w] > best {
            best = fields.oxygen[w];
        }
    }
    best
}

/// The sheet creeps in from covered neighbours, and the wound contracts.
fn close(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, footings: &[Footing], open: &[usize], now: Now) {
    let Tissue {
        grid, anatomy, cells, ..
    } = tissue;
    let k = &mut cells.keratinocytes;
    let covered_sides = |covered: &[u8], column: usize| {
        let sides = grid.faces(column).filter(|&c| c < covered.len());
        sides.filter(|&c| covered[c] == 1).count() as f64
    };
    let edges = open.iter().filter(|&&c| covered_sides(&k.covered, c) > 0.0).count();
    if edges == 0 {
        return;
    }
    // Contraction takes its share of the whole open area from the edges; wounds share it.
    let contraction = p.contraction_per_d / 24.0 * open.len() as f64 / edges as f64;
    let mut closed: Vec<(usize, f64)> = Vec::new();
    for &column in open {
        let sides = covered_sides(&k.covered, column);
        if sides > 0.0 {
            let footing = &footings[column];
            let rate = creep_per_h(p, footing, grid.voxel_um) * sides + contraction * bed_gate(p, footing);
            let creep = f64::from(k.creep[column]) + rate * arrows.reepithelialise * now.hours;
            k.creep[column] = math::unit(creep) as f32;
            if creep >= 1.0 {
                closed.push((column, creep - 1.0));
            }
        }
    }
    // What is left of the way goes on over the next column, if that can carry it.
    while let Some((column, rest)) = closed.pop() {
        k.covered[column] = 1;
        k.unsupported_h[column] = 0.0;
        k.open_h[column] = 0.0;
        k.creep[column] = 0.0;
        for voxel in epidermis(grid, anatomy, column) {
            if !anatomy.lives(voxel) {
                anatomy.vitality[voxel] = Vitality::Healed;
                if let Some(debris) = anatomy.debris.get_mut(voxel) {
                    *debris = 0.0;
                }
            }
        }
        let next = grid.faces(column).find(|&c| c < k.covered.len() && k.covered[c] == 0);
        if let Some(next) = next
            && rest > 0.0
            && k.creep[next] < 1.0
            && bed_gate(p, &footings[next]) > 0.0
        {
            let creep = f64::from(k.creep[next]) + rest;
            k.creep[next] = math::unit(creep) as f32;
            if creep >= 1.0 {
                closed.push((next, creep - 1.0));
            }
        }
    }
}

/// Counts the open hours and reports the 2 % mark.
fn record(p: &Parameters, tissue: &mut Tissue, open_before: usize, now: Now) {
    let Tissue {
        grid,
        cells,
        burden,
        events,
        ..
    } = tissue;
    let k = &mut cells.keratinocytes;
    let columns = k.covered.len();
    let mut open_now = 0;
    let mut first = None;
    for column in 0..columns {
        if k.covered[column] == 0 {
            k.open_h[column] += now.hours as f32;
            open_now += 1;
            first = first.or(Some(column));
        } else {
            k.open_h[column] = 0.0;
        }
    }
    let share = |open: usize| open as f64 / columns as f64;
    let (before, after) = (share(open_before), share(open_now));
    if after >= p.ulcer_fraction {
        burden.open_wound_days += now.hours / 24.0;
    }
    let kind = match (before >= p.ulcer_fraction, after >= p.ulcer_fraction) {
        (false, true) => EventKind::Ulceration,
        (true, false) => EventKind::WoundClosure,
        _ => return,
    };
    let column = first.unwrap_or(0);
    events.add(
        now.step,
        kind,
        format!("column:{column}"),
        grid.centre_um(column),
        events.latest_trigger,
        &[("ulcer_fraction", after)],
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture_cells::{self, now};

    fn parameters() -> Parameters {
        fixture_cells::parameters("epidermis")
    }

    fn run(tissue: &mut Tissue, steps: std::ops::Range<u64>) {
        let p = parameters();
        for step in steps {
            apply(&p, &Arrows::default(), tissue, now(step));
        }
    }

    fn open_columns(tissue: &Tissue) -> usize {
        let covered = &tissue.cells.keratinocytes.covered;
        covered.iter().filter(|&&c| c == 0).count()
    }

    fn stop_loops(tissue: &mut Tissue) {
        for s in 4..9 {
            tissue.vessels.flow_nl_per_min[s] = 0.0;
        }
    }

    #[test]
    fn healthy_skin_stays_closed() {
        let mut tissue = fixture_cells::section();
        let before = tissue.cells.clone();
        run(&mut tissue, 0..200);
        assert_eq!(tissue.cells, before);
        assert!(tissue.events.pending.is_empty() && tissue.burden.open_wound_days == 0.0);
    }

    #[test]
    fn lost_loops_alone_do_not_open_the_skin_while_the_dermis_lives_well() {
        let mut tissue = fixture_cells::section();
        stop_loops(&mut tissue);
        run(&mut tissue, 0..200);
        assert_eq!(open_columns(&tissue), 0);
    }

    #[test]
    fn lost_loops_over_a_hypoxic_dermis_open_the_skin_after_24_hours() {
        let mut tissue = fixture_cells::section();
        stop_loops(&mut tissue);
        tissue.fields.oxygen.fill(8.0);
        run(&mut tissue, 0..23);
        assert_eq!(open_columns(&tissue), 0);
        run(&mut tissue, 23..25);
        assert_eq!(open_columns(&tissue), 30);
        assert_eq!(tissue.events.pending.len(), 1);
        assert_eq!(tissue.events.pending[0].kind, EventKind::Ulceration);
        assert!(tissue.anatomy.ever_died[0] && tissue.burden.open_wound_days > 0.0);
    }

    #[test]
    fn bacteria_and_damage_open_the_skin_within_hours() {
        for bacteria in [true, false] {
            let mut tissue = fixture_cells::section();
            if bacteria {
                tissue.fields.bacteria[5] = 0.9;
            } else {
                tissue.fields.damage[5 + 30 * 2] = 0.9;
            }
            run(&mut tissue, 0..7);
            assert_eq!(open_columns(&tissue), 1);
        }
    }

    #[test]
    fn a_clean_wound_closes_at_the_speed_of_its_edges() {
        let closed_after = |voxels: usize| {
            let mut tissue = fixture_cells::section();
            for column in 5..5 + voxels {
                fixture_cells::open_column(&mut tissue, column, 0);
            }
            (0..400)
                .find(|&step| {
                    run(&mut tissue, step..step + 1);
                    open_columns(&tissue) == 0
                })
                .expect("it closes")
        };
        // Two edges at 0.3 mm/d over 200 and 400 µm take 8 and 16 h; contraction helps a little.
        let (narrow, wide) = (closed_after(10), closed_after(20));
        assert!(
            (6..=9).contains(&narrow) && (13..=17).contains(&wide),
            "{narrow} {wide}"
        );
    }

    #[test]
    fn the_step_length_does_not_change_the_speed_of_the_sheet() {
        let open_after_8_h = |hours: f64| {
            let mut tissue = fixture_cells::section();
            for column in 2..28 {
                fixture_cells::open_column(&mut tissue, column, 0);
            }
            for step in 0..(8.0 / hours) as u64 {
                let now = Now { hours, ..now(step) };
                apply(&parameters(), &Arrows::default(), &mut tissue, now);
            }
            open_columns(&tissue)
        };
        assert!(open_after_8_h(1.0).abs_diff(open_after_8_h(0.25)) <= 2);
    }

    #[test]
    fn without_the_arrow_a_wound_stays_open() {
        let mut tissue = fixture_cells::section();
        fixture_cells::open_column(&mut tissue, 5, 0);
        let arrows = Arrows {
            reepithelialise: 0.0,
            ..Arrows::default()
        };
        let p = parameters();
        for step in 0..100 {
            apply(&p, &arrows, &mut tissue, now(step));
        }
        assert_eq!(open_columns(&tissue), 1);
        assert!((tissue.burden.open_wound_days - 100.0 / 24.0).abs() < 1e-9);
    }

    #[test]
    fn a_deep_dead_wound_is_shed_filled_and_closed_over_months() {
        let mut tissue = fixture_cells::section();
        for column in 10..20 {
            fixture_cells::open_column(&mut tissue, column, 0);
            for z in 2..25 {
                kill_with_cells(&mut tissue.anatomy, &mut tissue.cells, column + 30 * z, 0);
            }
        }
        let mut sheddings = 0;
        for step in 0..24 * 120 {
            run(&mut tissue, step..step + 1);
            let gone = tissue.anatomy.vitality.iter().filter(|&&v| v == Vitality::Gone);
            sheddings = sheddings.max(gone.count());
            if step == 24 * 3 {
                assert_eq!(open_columns(&tissue), 10, "nothing closes over a dead bed");
            }
        }
        assert!(sheddings > 0);
        assert_eq!(open_columns(&tissue), 0);
        assert!(tissue.anatomy.vitality.contains(&Vitality::Healed));
        let kinds: Vec<EventKind> = tissue.events.pending.iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [EventKind::Ulceration, EventKind::WoundClosure]);
    }

    /// A pocket of dead fat with crystals under closed living skin; what is left of its dead voxels after some days.
    fn pocket(tissue: &mut Tissue) -> Vec<usize> {
        let grid = tissue.grid.clone();
        let pocket: Vec<usize> = (0..grid.len())
            .filter(|&v| (10..20).contains(&grid.place(v)[0]) && (18..24).contains(&grid.place(v)[2]))
            .collect();
        for &v in &pocket {
            kill_with_cells(&mut tissue.anatomy, &mut tissue.cells, v, 0);
            tissue.fields.mineral[v] = 0.02;
        }
        pocket
    }

    #[test]
    fn dead_tissue_under_closed_skin_is_replaced_from_its_edge_and_its_crystals_leave_the_books() {
        let mut tissue = fixture_cells::section();
        let pocket = pocket(&mut tissue);
        let dead = |t: &Tissue| t.anatomy.vitality.iter().filter(|&&v| v == Vitality::Necrotic).count();
        let all = dead(&tissue);
        let mineral = |t: &Tissue| crate::state::ledger::interstitium_ug(&t.grid, &t.fields.mineral);
        let before = mineral(&tissue);
        run(&mut tissue, 0..24 * 7 - 1);
        assert_eq!(dead(&tissue), all, "nothing is replaced in the first week");
        // The front of 100 µm/d passes one layer of voxels in five hours.
        run(&mut tissue, 24 * 7 - 1..24 * 7 + 5);
        let edge = dead(&tissue);
        assert!(0 < edge && edge < all, "{edge} of {all}");
        run(&mut tissue, 24 * 7 + 5..24 * 30);
        assert!(pocket.iter().all(|&v| tissue.anatomy.vitality[v] == Vitality::Healed));
        assert_eq!(mineral(&tissue), 0.0);
        assert!((tissue.ledger.mineral_ug.outflow - before).abs() < 1e-6 * before);
    }

    #[test]
    fn dead_tissue_stays_without_the_arrow_without_oxygen_and_under_bacteria() {
        for hindrance in ["arrow", "oxygen", "bacteria"] {
            let mut tissue = fixture_cells::section();
            let pocket = pocket(&mut tissue);
            let mut arrows = Arrows::default();
            match hindrance {
                "arrow" => arrows.reepithelialise = 0.0,
                "oxygen" => tissue.fields.oxygen.fill(10.0),
                _ => pocket.iter().for_each(|&v| tissue.fields.bacteria[v] = 0.5),
            }
            let p = parameters();
            for step in 0..24 * 20 {
                apply(&p, &arrows, &mut tissue, now(step));
            }
            let stays = |&v: &usize| tissue.anatomy.vitality[v] == Vitality::Necrotic;
            assert!(pocket.iter().all(stays), "{hindrance}");
        }
    }

    #[test]
    fn living_islands_over_a_dead_bed_dry_out() {
        let mut tissue = fixture_cells::section();
        for column in 10..20 {
            fixture_cells::open_column(&mut tissue, column, 0);
            for z in 6..30 {
                kill_with_cells(&mut tissue.anatomy, &mut tissue.cells, column + 30 * z, 0);
                // A clean bed would be replaced from the islands.
                tissue.fields.bacteria[column + 30 * z] = 0.5;
            }
        }
        run(&mut tissue, 0..24 * 20);
        assert!(!tissue.anatomy.lives(15 + 30 * 2));
    }
}
