//! Angiogenesis: hypoxic tissue calls sprouts out of perfused vessels; they follow VEGF, join and mature.
//!
//! ```text
//! starts/h = k · length · (V > V*) · (hypoxia within reach)         from perfused capillaries and venules
//! speed    = v₀ · (1 + g·H(V; K, 1))
//! direction → persistence e^(−dt/τ) of the old one, the rest up the gradient of V, and noise
//! ```
//!
//! | symbol | meaning                                        | unit   | in code                       |
//! |--------|------------------------------------------------|--------|-------------------------------|
//! | V, V*  | VEGF, threshold of sprouting                   | ng/mL  | `fields.vegf`, `vegf_ng_per_ml` |
//! | v₀     | speed of a tip without VEGF                    | µm/h   | `tip_um_per_h`                |
//! | τ      | time for which a tip keeps its direction       | h      | `persistence_h`               |
//!
//! A sprout starts at a node of degree ≤ 2 of its vessel or where it cuts the vessel in two, so that no node ever has
//! more than three vessels. Every `segment_um` of growth becomes a segment (bed `Sprout`, radius 4 µm, no blood). A tip
//! that comes within `join_um` of another capillary or venule joins it, again at a node of degree ≤ 2 or by a cut;
//! 72 h later the new way carries blood (`opens_at_step`). Its first flow becomes its «healthy» flow and shear. A tip
//! that never joined is taken away with its segments after `regress_d`. Tips enter living dermis and fat only and do
//! not cross the sides. A cut leaves the upper part of an initial segment under its old index; the rest is new in the
//! list but keeps bed, wall, clot, blood and its mural cells.
//!
//! Reads `fields.{vegf,oxygen}`, `anatomy`. Writes `vessels`, `cells.sprouts`, `cells.mural.segment`, events. Dice:
//! start by segment, direction by sprout. Owned wholly by arrow `angiogenesis`, which scales starts.
//! Source: PMC2672076 table 3 (threshold, speed). We assume: maturation, radius at birth, start rate, limits.

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::parameters::Arrows;
use crate::random::{Purpose, id_from};
use crate::state::cells::{Cells, Sprouts};
use crate::state::ledger::wall_mineral_ug;
use crate::state::motion;
use crate::state::vessels::{Bed, NewSegment};
use crate::state::{Class, EventKind, Kind, Now, Tissue, Vessels};

/// Registry section `angiogenesis`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// VEGF above which vessels sprout [ng/mL].
    pub vegf_ng_per_ml: f64,
    /// Oxygen tension below which tissue calls [mmHg].
    pub hypoxia_mmhg: f64,
    /// Distance from the vessel at which it is felt [µm].
    pub hypoxia_reach_um: f64,
    /// Starts of sprouts where called [1/mm/d].
    pub starts_per_mm_d: f64,
    /// Most growing tips in the block [1/mm³].
    pub most_tips_per_mm3: f64,
    /// Most new vessel in the block [mm/mm³].
    pub most_length_mm_per_mm3: f64,
    /// Speed of a tip without VEGF [µm/h].
    pub tip_um_per_h: f64,
    /// Gain of speed at full VEGF.
    pub tip_vegf_gain: f64,
    /// VEGF at half of the gain [ng/mL].
    pub tip_vegf_half_ng_per_ml: f64,
    /// Time for which a tip keeps its direction [h].
    pub persistence_h: f64,
    /// Noise of the direction [rad per square root of an hour].
    pub noise_rad: f64,
    /// Length of the segments of a sprout [µm].
    pub segment_um: f64,
    /// Distance at which a tip joins another vessel [µm].
    pub join_um: f64,
    /// Time from joining to blood [h].
    pub maturation_h: f64,
    /// Radius at birth [µm].
    pub radius_um: f64,
    /// Age at which a tip that never joined is taken away [d].
    pub regress_d: f64,
}

/// Speed of a tip [µm/h].
fn tip_speed(p: &Parameters, vegf: f64) -> f64 {
    let gain = p.tip_vegf_gain * math::hill(vegf, p.tip_vegf_half_ng_per_ml, 1.0);
    p.tip_um_per_h * (1.0 + gain)
}

/// Growth, joining, regression and new starts.
pub(crate) fn apply(p: &Parameters, wall_share: f64, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    if tissue.vessels.len() > tissue.vessels.initial_count as usize {
        remember_first_flow(&mut tissue.vessels);
    }
    if !tissue.cells.sprouts.id.is_empty() {
        grow(p, tissue, now);
        regress(p, wall_share, tissue);
    }
    start(p, arrows, tissue, now);
}

/// A sprout's first flow is what it is measured by later.
fn remember_first_flow(vessels: &mut Vessels) {
    for s in 0..vessels.len() {
        let flow = vessels.flow_nl_per_min[s].abs();
        if vessels.bed[s] == Bed::Sprout && vessels.healthy_flow_nl_per_min[s] == 0.0 && flow > 0.0 {
            vessels.healthy_flow_nl_per_min[s] = flow;
            vessels.healthy_shear_pa[s] = vessels.shear_pa[s];
        }
    }
}

fn start(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        vessels,
        cells,
        ..
    } = tissue;
    let vegf = |v: usize| f64::from(fields.vegf[v]);
    let block_mm3 = grid.voxel_volume_um3() * grid.len() as f64 * 1e-9;
    let most_tips = (p.most_tips_per_mm3 * block_mm3).ceil() as usize;
    let mut chosen: Vec<(usize, [f64; 3])> = Vec::new();
    for s in 0..vessels.len() {
        if vessels.class[s] == Class::Arteriole || !vessels.is_perfused(s) {
            continue;
        }
        let pieces = vessels.pieces(s);
        let voxel = vessels.piece_voxel[(pieces.start + pieces.end) / 2] as usize;
        if vegf(voxel) <= p.vegf_ng_per_ml || !anatomy.kind[voxel].is_deep() {
            continue;
        }
        let Some(up) = motion::unit_vector(motion::gradient(grid, voxel, &vegf), 1e-9) else {
            continue;
        };
        let here = grid.centre_um(voxel);
        let there = [0, 1, 2].map(|a| here[a] + p.hypoxia_reach_um * up[a]);
        let target = grid.voxel_at(motion::inside(grid, there));
        if f64::from(fields.oxygen[target]) >= p.hypoxia_mmhg || !anatomy.lives(voxel) {
            continue;
        }
        let rate = arrows.angiogenesis * p.starts_per_mm_d / 24.0 * vessels.length_um[s] * 1e-3 * vessels.slab_share[s];
        let mut roll = now.dice.roll(Purpose::Sprout, vessels.id[s]);
        if roll.chance(math::chance_of(rate, now.hours)) {
            chosen.push((s, up));
        }
    }
    if chosen.is_empty() || grown_mm(vessels) >= p.most_length_mm_per_mm3 * block_mm3 {
        return;
    }
    // One after another in the order of identity: a cut appends to the list, so chosen indices stay good.
    chosen.sort_by_key(|&(s, _)| vessels.id[s]);
    for (s, up) in chosen {
        if cells.sprouts.id.len() >= most_tips {
            break;
        }
        let id = id_from(vessels.id[s], now.step);
        if let Some(node) = junction(grid, vessels, cells, s, 0.5, id) {
            let sprouts = &mut cells.sprouts;
            sprouts.id.push(id);
            sprouts.node.push(node);
            sprouts.direction.push(up.map(|x| x as f32));
            sprouts.age_h.push(0.0);
            sprouts.length_um.push(0.0);
        }
    }
}

/// Length of all sprouts [mm].
fn grown_mm(vessels: &Vessels) -> f64 {
    (0..vessels.len())
        .filter(|&s| vessels.bed[s] == Bed::Sprout)
        .fold(0.0, |sum, s| sum + vessels.length_um[s] * 1e-3)
}

/// A node of segment s that can take one more vessel, near a share of its length: an end of degree ≤ 2 when that is
/// as near as a cut, else a cut. `None` when neither is possible.
fn junction(grid: &Grid, vessels: &mut Vessels, cells: &mut Cells, s: usize, share: f64, cause: u64) -> Option<u32> {
    let degrees = vessels.degrees();
    let (from, to) = (vessels.from[s], vessels.to[s]);
    let patches = vessels.patches(s).len();
    let cut = math::clamp((share * patches as f64).round(), 0.0, patches as f64) as usize;
    let is_free = |node: u32| degrees[node as usize] <= 2;
    match cut {
        0 if is_free(from) => return Some(from),
        c if c == patches && is_free(to) => return Some(to),
        _ if patches >= 2 => {}
        _ if is_free(from) => return Some(from),
        _ if is_free(to) => return Some(to),
        _ => return None,
    }
    let kept = if cut == 0 {
        1
    } else if cut == patches {
        patches - 1
    } else {
        cut
    };
    let ends = [from, to].map(|n| vessels.nodes.place_um[n as usize]);
    let along = grid.offset_um(ends[0], ends[1]);
    let at = kept as f64 / patches as f64;
    let place = [0, 1, 2].map(|a| ends[0][a] + at * along[a]);
    let node = vessels.push_node(id_from(cause, 1), motion::inside(grid, place));
    let rest = vessels.split_segment(s, kept, node, id_from(cause, 2));
    // Mural cells beyond the cut belong to the rest.
    let kept_voxels: Vec<u32> = vessels.pieces(s).map(|p| vessels.piece_voxel[p]).collect();
    for i in 0..cells.mural.segment.len() {
        if cells.mural.segment[i] == s as u32 && !kept_voxels.contains(&cells.mural.voxel[i]) {
            cells.mural.segment[i] = rest as u32;
        }
    }
    Some(node)
}

fn grow(p: &Parameters, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        vessels,
        cells,
        events,
        ..
    } = tissue;
    let mut sprouts = std::mem::take(&mut cells.sprouts);
    let mut order: Vec<usize> = (0..sprouts.id.len()).collect();
    order.sort_by_key(|&i| sprouts.id[i]);
    let mut joined = vec![false; sprouts.id.len()];
    for i in order {
        sprouts.age_h[i] += now.hours as f32;
        let here = vessels.nodes.place_um[sprouts.node[i] as usize];
        let voxel = grid.voxel_at(here);
        let vegf = |v: usize| f64::from(fields.vegf[v]);
        let heading = steer(p, grid, &sprouts, i, voxel, &vegf, now);
        sprouts.direction[i] = heading.map(|x| x as f32);

        let before = f64::from(sprouts.length_um[i]);
        let built = (before / p.segment_um + 1e-3).floor();
        let after = before + tip_speed(p, vegf(voxel)) * now.hours;
        // At most one segment a step: the rest of the way waits for the next.
        let most = (built + 2.0) * p.segment_um - 1e-2 * p.segment_um;
        let after = math::min(after, most);
        if after < (built + 1.0) * p.segment_um {
            sprouts.length_um[i] = after as f32;
            continue;
        }
        let next = [0, 1, 2].map(|a| here[a] + p.segment_um * heading[a]);
        let target = grid.voxel_at(motion::inside(grid, next));
        let living = anatomy.kind[target] != Kind::Epidermis && anatomy.lives(target);
        if !living || !is_within(grid, next) {
            // The tip waits and turns.
            continue;
        }
        let first = built == 0.0;
        let parent = incident(vessels, sprouts.node[i]);
        // A node that another sprout has taken meanwhile carries no fourth vessel.
        let Some(&origin) = parent.first().filter(|_| parent.len() <= 2) else {
            continue;
        };
        let branch = if first {
            vessels.branch.iter().fold(0, |most, &b| most.max(b)) + 1
        } else {
            let own = parent.iter().find(|&&s| is_growing(vessels, s));
            vessels.branch[own.copied().unwrap_or(origin)]
        };
        let share = vessels.slab_share[origin];
        let ordinal = built as u64;
        let node = vessels.push_node(id_from(sprouts.id[i], 16 + 2 * ordinal), next);
        let id = id_from(sprouts.id[i], 17 + 2 * ordinal);
        lay(p, grid, vessels, id, [sprouts.node[i], node], branch, share);
        sprouts.node[i] = node;
        sprouts.length_um[i] = after as f32;

        if let Some((s, share)) = neighbour(p, grid, vessels, node, branch) {
            let cause = id_from(sprouts.id[i], 8);
            let Some(there) = junction(grid, vessels, cells, s, share, cause) else {
                continue;
            };
            let last = id_from(sprouts.id[i], 9);
            lay(p, grid, vessels, last, [node, there], branch, vessels.slab_share[s]);
            // A way through another blind sprout opens with it.
            let opens = now.step + (p.maturation_h / now.hours).ceil() as u64;
            let other = vessels.branch[s];
            for t in 0..vessels.len() {
                if is_growing(vessels, t) && (vessels.branch[t] == branch || vessels.branch[t] == other) {
                    vessels.opens_at_step[t] = opens;
                }
            }
            joined[i] = true;
            let target = vessels.id[s];
            events.add(
                now.step,
                EventKind::Anastomosis,
                format!("segment:{target}"),
                next,
                vessels.latest_event[s],
                &[("length_um", after), ("age_h", f64::from(sprouts.age_h[i]))],
            );
        }
    }
    cells.sprouts = sprouts;
    keep_sprouts(&mut cells.sprouts, |i| !joined[i]);
}

/// New direction of a tip, of length 1 in the plane.
fn steer(
    p: &Parameters,
    grid: &Grid,
    sprouts: &Sprouts,
    i: usize,
    voxel: usize,
    vegf: &impl Fn(usize) -> f64,
    now: Now,
) -> [f64; 3] {
    let old = sprouts.direction[i].map(f64::from);
    let up = motion::unit_vector(motion::gradient(grid, voxel, vegf), 1e-9).unwrap_or(old);
    let turn = math::one_minus_exp(now.hours / p.persistence_h);
    let mut roll = now.dice.roll(Purpose::SproutMove, sprouts.id[i]);
    let noise = p.noise_rad * now.hours.sqrt() * roll.normal();
    let any = motion::any_direction(grid, &mut roll);
    let new = [0, 1, 2].map(|a| old[a] + turn * (up[a] - old[a]) + noise * any[a]);
    motion::unit_vector(new, 1e-6).unwrap_or(old)
}

/// Whether a point lies inside the block without wrapping, half a voxel from its sides.
fn is_within(grid: &Grid, point: [f64; 3]) -> bool {
    let margin = grid.voxel_um / 2.0;
    let inside = |x: f64, n: usize| n == 1 || (margin..=n as f64 * grid.voxel_um - margin).contains(&x);
    inside(point[0], grid.nx) && inside(point[1], grid.ny) && inside(point[2], grid.nz)
}

/// A segment of a sprout that has not joined.
fn is_growing(vessels: &Vessels, s: usize) -> bool {
    vessels.bed[s] == Bed::Sprout && vessels.opens_at_step[s] == u64::MAX
}

/// Segments at a node, latest first.
fn incident(vessels: &Vessels, node: u32) -> Vec<usize> {
    (0..vessels.len())
        .rev()
        .filter(|&s| vessels.from[s] == node || vessels.to[s] == node)
        .collect()
}

/// Adds a straight segment of a sprout between two nodes.
fn lay(
    p: &Parameters,
    grid: &Grid,
    vessels: &mut Vessels,
    id: u64,
    [from, to]: [u32; 2],
    branch: u32,
    slab_share: f64,
) {
    let start = vessels.nodes.place_um[from as usize];
    let along = grid.offset_um(start, vessels.nodes.place_um[to as usize]);
    let length = math::max(
        (along[0] * along[0] + along[1] * along[1] + along[2] * along[2]).sqrt(),
        1.0,
    );
    let at = |share: f64| {
        let point = [0, 1, 2].map(|a| start[a] + share * along[a]);
        grid.voxel_at(motion::inside(grid, point)) as u32
    };
    let samples = (length / grid.voxel_um * 8.0).ceil();
    let mut pieces: Vec<(u32, f64)> = Vec::new();
    for k in 0..samples as usize {
        let voxel = at((k as f64 + 0.5) / samples);
        match pieces.last_mut() {
            Some(piece) if piece.0 == voxel => piece.1 += length / samples,
            _ => pieces.push((voxel, length / samples)),
        }
    }
    let patches = math::max((length / PATCH_UM).round(), 1.0);
    vessels.push_segment(NewSegment {
        id,
        from,
        to,
        class: Class::Capillary,
        bed: Bed::Sprout,
        branch,
        radius_um: p.radius_um,
        slab_share,
        opens_at_step: u64::MAX,
        patch_voxels: (0..patches as usize).map(|k| at((k as f64 + 0.5) / patches)).collect(),
        pieces,
    });
}

/// Length of an endothelial patch, as at the start [µm].
const PATCH_UM: f64 = 25.0;

/// The vessel that a tip touches: the nearest capillary or venule within reach that is neither the sprout itself nor
/// the vessel from which it comes, and the share of its length at which it is touched.
fn neighbour(p: &Parameters, grid: &Grid, vessels: &Vessels, node: u32, branch: u32) -> Option<(usize, f64)> {
    let tip = vessels.nodes.place_um[node as usize];
    let base = (0..vessels.len())
        .find(|&s| vessels.branch[s] == branch && vessels.bed[s] == Bed::Sprout)
        .map(|s| vessels.from[s])?;
    let mut best: Option<(f64, usize, f64)> = None;
    for s in 0..vessels.len() {
        let ends = [vessels.from[s], vessels.to[s]];
        let own = vessels.branch[s] == branch && vessels.bed[s] == Bed::Sprout;
        if vessels.class[s] == Class::Arteriole || own || ends.contains(&base) {
            continue;
        }
        let [a, b] = ends.map(|n| vessels.nodes.place_um[n as usize]);
        let (along, away) = (grid.offset_um(a, b), grid.offset_um(a, tip));
        let dot = |u: [f64; 3], v: [f64; 3]| u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
        let share = math::unit(dot(along, away) / math::max(dot(along, along), 1e-12));
        let gap = [0, 1, 2].map(|i| away[i] - share * along[i]);
        let distance = dot(gap, gap).sqrt();
        if distance <= p.join_um && best.is_none_or(|(least, ..)| distance < least) {
            best = Some((distance, s, share));
        }
    }
    best.map(|(_, s, share)| (s, share))
}

fn keep_sprouts(sprouts: &mut Sprouts, keep: impl Fn(usize) -> bool) {
    let kept: Vec<usize> = (0..sprouts.id.len()).filter(|&i| keep(i)).collect();
    if kept.len() == sprouts.id.len() {
        return;
    }
    *sprouts = Sprouts {
        id: kept.iter().map(|&i| sprouts.id[i]).collect(),
        node: kept.iter().map(|&i| sprouts.node[i]).collect(),
        direction: kept.iter().map(|&i| sprouts.direction[i]).collect(),
        age_h: kept.iter().map(|&i| sprouts.age_h[i]).collect(),
        length_um: kept.iter().map(|&i| sprouts.length_um[i]).collect(),
    };
}

/// Tips that never joined go, with the segments that only they made.
fn regress(p: &Parameters, wall_share: f64, tissue: &mut Tissue) {
    let Tissue {
        vessels, cells, ledger, ..
    } = tissue;
    let is_old = |i: usize| f64::from(cells.sprouts.age_h[i]) >= p.regress_d * 24.0;
    let old: Vec<usize> = (0..cells.sprouts.id.len()).filter(|&i| is_old(i)).collect();
    if old.is_empty() {
        return;
    }
    let mut keep = vec![true; vessels.len()];
    for &i in &old {
        let own = incident(vessels, cells.sprouts.node[i])
            .into_iter()
            .find(|&s| is_growing(vessels, s) && vessels.to[s] == cells.sprouts.node[i]);
        if let Some(own) = own {
            let branch = vessels.branch[own];
            for (s, kept) in keep.iter_mut().enumerate() {
                *kept &= !(is_growing(vessels, s) && vessels.branch[s] == branch);
            }
        }
    }
    keep_sprouts(&mut cells.sprouts, |i| !old.contains(&i));
    if keep.contains(&false) {
        // Mineral of the walls that vanish is cleared with them, and booked.
        for s in (0..vessels.len()).filter(|&s| !keep[s]) {
            ledger.mineral_ug.book(-wall_mineral_ug(vessels, s, wall_share));
        }
        let (segments, nodes) = vessels.retain_segments(&keep);
        for s in &mut cells.mural.segment {
            *s = segments[*s as usize];
        }
        for node in &mut cells.sprouts.node {
            *node = nodes[*node as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Vitality;
    use crate::state::fixture_cells::{self, now};

    fn parameters() -> Parameters {
        Parameters {
            starts_per_mm_d: 10.0,
            ..fixture_cells::parameters("angiogenesis")
        }
    }

    /// VEGF rises from the capillary row at 310 µm to the venule at 550 µm; hypoxia in between.
    fn hypoxic() -> Tissue {
        let mut tissue = fixture_cells::section();
        for v in 0..tissue.grid.len() {
            let z = tissue.grid.place(v)[2];
            tissue.fields.vegf[v] = if z > 12 { 0.5 + 0.05 * z as f32 } else { 0.1 };
            if (17..25).contains(&z) {
                tissue.fields.oxygen[v] = 4.0;
            }
        }
        tissue
    }

    fn run(tissue: &mut Tissue, steps: std::ops::Range<u64>) {
        let p = parameters();
        for step in steps {
            apply(&p, 0.5, &Arrows::default(), tissue, now(step));
        }
    }

    fn check(tissue: &Tissue) {
        let v = &tissue.vessels;
        assert!(v.degrees().iter().all(|&d| d <= 3));
        assert_eq!(*v.first_patch.last().expect("ranges") as usize, v.integrity.len());
        assert_eq!(*v.first_piece.last().expect("ranges") as usize, v.piece_um.len());
        for s in 0..v.len() {
            assert!(!v.patches(s).is_empty() && !v.pieces(s).is_empty());
            let um = v.pieces(s).fold(0.0, |sum, p| sum + v.piece_um[p]);
            assert!((um - v.length_um[s]).abs() < 1e-6);
        }
        let mut ids = v.id.clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), v.len());
    }

    #[test]
    fn nothing_sprouts_in_health_or_without_vegf_or_without_hypoxia() {
        let mut healthy = fixture_cells::section();
        healthy.fields.vegf.fill(0.1);
        let mut no_vegf = hypoxic();
        no_vegf.fields.vegf.fill(0.4);
        let mut no_hypoxia = hypoxic();
        no_hypoxia.fields.oxygen.fill(60.0);
        for mut tissue in [healthy, no_vegf, no_hypoxia] {
            let before = tissue.vessels.clone();
            run(&mut tissue, 0..200);
            assert_eq!(tissue.vessels, before);
        }
    }

    #[test]
    fn a_tip_grows_between_5_and_12_um_an_hour() {
        let p = parameters();
        assert_eq!(tip_speed(&p, 0.0), 6.2);
        assert!(tip_speed(&p, 1e6) < 12.0);
    }

    #[test]
    fn sprouts_start_grow_join_and_open_after_72_hours() {
        let mut tissue = hypoxic();
        let before = tissue.vessels.length_um.iter().sum::<f64>();
        let mut joined_at = None;
        for step in 0..400 {
            run(&mut tissue, step..step + 1);
            check(&tissue);
            let joined = tissue.events.pending.iter().any(|e| e.kind == EventKind::Anastomosis);
            if joined && joined_at.is_none() {
                joined_at = Some(step);
                let v = &tissue.vessels;
                let opens = (0..v.len()).filter(|&s| v.opens_at_step[s] == step + 72).count();
                assert!(opens >= 2);
            }
        }
        assert!(joined_at.is_some_and(|step| step > 20), "{joined_at:?}");
        assert!(tissue.vessels.length_um.iter().sum::<f64>() > before + 100.0);
        let v = &tissue.vessels;
        let initial = (0..v.len()).filter(|&s| v.bed[s] != Bed::Sprout);
        assert!((initial.map(|s| v.length_um[s]).sum::<f64>() - before).abs() < 1e-6);
    }

    #[test]
    fn the_number_of_tips_and_the_length_are_limited() {
        let mut tissue = hypoxic();
        let p = Parameters {
            starts_per_mm_d: 1e4,
            join_um: 0.0,
            ..parameters()
        };
        for step in 0..200 {
            apply(&p, 0.5, &Arrows::default(), &mut tissue, now(step));
            let mm3 = 0.6 * 0.6 * 0.15;
            assert!(tissue.cells.sprouts.id.len() as f64 <= (p.most_tips_per_mm3 * mm3).ceil());
        }
        check(&tissue);
    }

    #[test]
    fn a_tip_that_never_joins_is_taken_away_with_its_vessel() {
        let mut tissue = hypoxic();
        let p = Parameters {
            join_um: 0.0,
            regress_d: 3.0,
            ..parameters()
        };
        for step in 0..20 {
            apply(&p, 0.5, &Arrows::default(), &mut tissue, now(step));
        }
        assert!(tissue.vessels.bed.contains(&Bed::Sprout));
        tissue.fields.vegf.fill(0.1);
        for step in 20..120 {
            apply(&p, 0.5, &Arrows::default(), &mut tissue, now(step));
        }
        assert!(tissue.cells.sprouts.id.is_empty());
        assert!(!tissue.vessels.bed.contains(&Bed::Sprout));
        check(&tissue);
    }

    #[test]
    fn a_tip_waits_before_dead_tissue() {
        let mut tissue = hypoxic();
        for v in 0..tissue.grid.len() {
            if (18..26).contains(&tissue.grid.place(v)[2]) {
                tissue.anatomy.vitality[v] = Vitality::Necrotic;
            }
        }
        run(&mut tissue, 0..300);
        let v = &tissue.vessels;
        for s in (0..v.len()).filter(|&s| v.bed[s] == Bed::Sprout) {
            let end = tissue.grid.voxel_at(v.nodes.place_um[v.to[s] as usize]);
            assert!(tissue.anatomy.lives(end));
        }
    }
}
