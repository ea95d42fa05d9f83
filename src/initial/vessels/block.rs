//! The network in a block: skin in three dimensions.
//!
//! Plexuses are flat honeycombs at four depths, closed around the sides where these wrap. Capillary beds are the net of
//! Laves, (10,3)-a: three-way, the same in all directions, with missing edges; its edge is chosen so that it has as much
//! length in a volume as the honeycombs of a section with their out-of-plane distance. Whatever joins a vessel splits
//! it, so that no more than three segments meet.
//! Source: recipe of the reference network (layered meshes with ascending arterioles, loops, tapped beds).
//! We assume: vessels between the layers are straight; one ascending arteriole and one venule for a territory.

use super::{Draft, Parameters, Plan, Septa, Sheet, honeycomb};
use crate::grid::Grid;
use crate::initial::Space;
use crate::math;
use crate::random::{Dice, Purpose, Roll};
use crate::state::vessels::{Bed, Class};

/// Segments by place, so that the nearest is found without asking all of them.
struct Index {
    cells: [usize; 3],
    step: [f64; 3],
    periodic: bool,
    /// Half of the longest segment [µm].
    half_um: f64,
    plans: Vec<Vec<u32>>,
}

impl Index {
    /// Of the plans of a draft from `first` on, in cells of about this size.
    fn of(d: &Draft, first: usize, step_um: f64) -> Self {
        let g = &d.grid;
        let extent = [g.nx, g.ny, g.nz].map(|n| n as f64 * g.voxel_um);
        let cells = extent.map(|um| math::max((um / step_um).floor(), 1.0) as usize);
        let mut index = Self {
            cells,
            step: [0, 1, 2].map(|a| extent[a] / cells[a] as f64),
            periodic: g.periodic,
            half_um: 0.0,
            plans: vec![Vec::new(); cells.iter().product()],
        };
        for plan in first..d.plans.len() {
            index.insert(d, plan as u32);
        }
        index
    }

    fn home(&self, place: [f64; 3]) -> [i64; 3] {
        [0, 1, 2].map(|a| ((place[a] / self.step[a]).floor() as i64).clamp(0, self.cells[a] as i64 - 1))
    }

    fn insert(&mut self, d: &Draft, plan: u32) {
        let Plan { from, to, .. } = d.plans[plan as usize];
        let (a, b) = (d.nodes[from as usize], d.nodes[to as usize]);
        let way = d.grid.offset_um(a, b);
        self.half_um = math::max(self.half_um, length(way) / 2.0);
        let middle = d.wrapped([0, 1, 2].map(|i| a[i] + way[i] / 2.0));
        let [x, y, z] = self.home(middle).map(|i| i as usize);
        self.plans[x + self.cells[0] * (y + self.cells[1] * z)].push(plan);
    }

    /// The segment nearest to a place within reach, and how far along it: distance, plan, share of its way.
    fn nearest(&self, d: &Draft, place: [f64; 3], reach_um: f64) -> Option<(f64, u32, f64)> {
        let home = self.home(place);
        let least_step = math::min(math::min(self.step[0], self.step[1]), self.step[2]);
        let last = ((reach_um + self.half_um) / least_step).ceil() as i64 + 1;
        let mut best: Option<(f64, u32, f64)> = None;
        for shell in 0..=last {
            // What lies in this shell cannot be nearer than that.
            let bound = (shell - 1) as f64 * least_step - self.half_um;
            if best.is_some_and(|(least, ..)| least < bound) {
                break;
            }
            for dz in -shell..=shell {
                for dy in -shell..=shell {
                    let inside = dz.abs() < shell && dy.abs() < shell;
                    let step = if inside {
                        math::max(2.0 * shell as f64, 1.0) as usize
                    } else {
                        1
                    };
                    for dx in (-shell..=shell).step_by(step) {
                        let Some(cell) = self.cell(home, [dx, dy, dz]) else {
                            continue;
                        };
                        for &plan in &self.plans[cell] {
                            let (distance, share) = closest(d, plan, place);
                            let better = best.is_none_or(|(least, known, _)| {
                                distance < least || (distance == least && plan < known)
                            });
                            if distance < reach_um && better {
                                best = Some((distance, plan, share));
                            }
                        }
                    }
                }
            }
        }
        best
    }

    /// A cell by steps from another; each cell once, also around the edge.
    fn cell(&self, home: [i64; 3], offset: [i64; 3]) -> Option<usize> {
        let mut at = [0usize; 3];
        for a in 0..3 {
            let n = self.cells[a] as i64;
            let i = home[a] + offset[a];
            at[a] = if self.periodic && a < 2 {
                if 2 * offset[a] > n || 2 * offset[a] <= -n {
                    return None;
                }
                i.rem_euclid(n) as usize
            } else if (0..n).contains(&i) {
                i as usize
            } else {
                return None;
            };
        }
        Some(at[0] + self.cells[0] * (at[1] + self.cells[1] * at[2]))
    }
}

fn length(way: [f64; 3]) -> f64 {
    (way[0] * way[0] + way[1] * way[1] + way[2] * way[2]).sqrt()
}

/// Distance of a place from a planned segment, and the share of its way to the nearest point.
fn closest(d: &Draft, plan: u32, place: [f64; 3]) -> (f64, f64) {
    let Plan { from, to, .. } = d.plans[plan as usize];
    let a = d.nodes[from as usize];
    let way = d.grid.offset_um(a, d.nodes[to as usize]);
    let off = d.grid.offset_um(a, place);
    let square = math::max(way[0] * way[0] + way[1] * way[1] + way[2] * way[2], 1e-9);
    let t = math::unit((way[0] * off[0] + way[1] * off[1] + way[2] * off[2]) / square);
    (length([0, 1, 2].map(|i| off[i] - t * way[i])), t)
}

/// Puts a node on a planned segment: its first part keeps the number, the rest is a new plan, which is returned too.
fn split(d: &mut Draft, plan: u32, share: f64) -> (u32, u32) {
    let whole = d.plans[plan as usize];
    let a = d.nodes[whole.from as usize];
    let way = d.grid.offset_um(a, d.nodes[whole.to as usize]);
    // No part is so short that its resistance means nothing.
    let margin = math::min(10.0 / math::max(length(way), 1.0), 0.5);
    let t = math::clamp(share, margin, 1.0 - margin);
    let node = d.node(d.wrapped([0, 1, 2].map(|i| a[i] + t * way[i])));
    d.plans[plan as usize].to = node;
    d.plans.push(Plan { from: node, ..whole });
    (node, d.plans.len() as u32 - 1)
}

/// A joint on the nearest segment of an index; `None` where none is in reach.
fn joint(d: &mut Draft, index: &mut Index, place: [f64; 3], reach_um: f64) -> Option<u32> {
    let (_, plan, share) = index.nearest(d, place, reach_um)?;
    let (node, rest) = split(d, plan, share);
    index.insert(d, rest);
    Some(node)
}

/// A long straight vessel that branches leave: its parts.
struct Stem {
    parts: Vec<u32>,
    class: Class,
    branch: u32,
}

impl Stem {
    fn new(d: &mut Draft, from: u32, to: u32, class: Class, bed: Bed, radius_um: f64) -> Self {
        let branch = d.branch();
        d.join(from, to, class, bed, branch, radius_um, 1.0);
        Self {
            parts: vec![d.plans.len() as u32 - 1],
            class,
            branch,
        }
    }

    /// A joint on the part nearest to a place.
    fn joint(&mut self, d: &mut Draft, place: [f64; 3]) -> u32 {
        let mut best = (f64::INFINITY, self.parts[0], 0.5);
        for &part in &self.parts {
            let (distance, share) = closest(d, part, place);
            if distance < best.0 {
                best = (distance, part, share);
            }
        }
        let (node, rest) = split(d, best.1, best.2);
        self.parts.push(rest);
        node
    }
}

/// Eight nodes of a cell of the net, and its twelve edges: node, node, cell of the second.
const NET: [[f64; 3]; 8] = [
    [0.125, 0.125, 0.125],
    [0.375, 0.875, 0.625],
    [0.875, 0.625, 0.375],
    [0.625, 0.375, 0.875],
    [0.625, 0.625, 0.625],
    [0.875, 0.375, 0.125],
    [0.375, 0.125, 0.875],
    [0.125, 0.875, 0.375],
];

/// The edges of the net, found by their length: neighbours lie √2/4 of a cell apart.
fn net_edges() -> Vec<(usize, usize, [i64; 3])> {
    let mut edges = Vec::new();
    for (a, from) in NET.iter().enumerate() {
        for (b, to) in NET.iter().enumerate() {
            for cell in 0..27i64 {
                let shift = [cell % 3 - 1, cell / 3 % 3 - 1, cell / 9 - 1];
                let way = [0, 1, 2].map(|i| to[i] + shift[i] as f64 - from[i]);
                let close = (length(way) - 0.125f64.sqrt()).abs() < 1e-6;
                // Each edge once: from the lower number, or upward.
                if close && (a < b || (a == b && shift > [0, 0, 0])) {
                    edges.push((a, b, shift));
                }
            }
        }
    }
    edges
}

/// A capillary bed in space.
struct Net<'a> {
    bed: Bed,
    edge_um: f64,
    z_range: [f64; 2],
    /// Branch of a place; `None` where the bed does not reach.
    branch_at: &'a dyn Fn([f64; 3]) -> Option<u32>,
}

impl Net<'_> {
    /// Lays the net and returns an index of it.
    fn lay(&self, d: &mut Draft, p: &Parameters, dice: Dice, who: u64) -> Index {
        let first = d.plans.len();
        // As much length in a volume as honeycombs of this edge, one every capillary pitch.
        let edge_um = (0.5303 * 0.866 * self.edge_um * p.capillary_pitch_um).sqrt();
        let cell_um = edge_um / 0.125f64.sqrt();
        let g = d.grid.clone();
        let extent = [
            g.nx as f64 * g.voxel_um,
            g.ny as f64 * g.voxel_um,
            self.z_range[1] - self.z_range[0],
        ];
        let n = extent.map(|um| math::max((um / cell_um).round(), 1.0) as i64);
        // Around an edge a net of one cell would meet itself.
        let n = [n[0].max(2), n[1].max(2), n[2]];
        let step = [0, 1, 2].map(|a| extent[a] / n[a] as f64);
        let mut node_of = vec![None; (n[0] * n[1] * n[2] * 8) as usize];
        let number = |[x, y, z]: [i64; 3], k: usize| ((x + n[0] * (y + n[1] * z)) * 8) as usize + k;
        for z in 0..n[2] {
            for y in 0..n[1] {
                for x in 0..n[0] {
                    for (k, at) in NET.iter().enumerate() {
                        let slot = number([x, y, z], k);
                        let mut roll = dice.roll(Purpose::NetworkLayout, who | slot as u64);
                        let cell = [x, y, z];
                        let mut place =
                            [0, 1, 2].map(|a| (cell[a] as f64 + at[a]) * step[a] + roll.between(-0.12, 0.12) * edge_um);
                        place[2] = math::clamp(place[2] + self.z_range[0], self.z_range[0], self.z_range[1]);
                        let place = d.wrapped(place);
                        node_of[slot] = (self.branch_at)(place).map(|branch| (d.node(place), branch));
                    }
                }
            }
        }
        let edges = net_edges();
        for z in 0..n[2] {
            for y in 0..n[1] {
                for x in 0..n[0] {
                    for (e, &(a, b, shift)) in edges.iter().enumerate() {
                        let mut there = [x + shift[0], y + shift[1], z + shift[2]];
                        let crosses = (0..2).any(|i| !(0..n[i]).contains(&there[i]));
                        if !(0..n[2]).contains(&there[2]) || (crosses && !g.periodic) {
                            continue;
                        }
                        for i in 0..2 {
                            there[i] = there[i].rem_euclid(n[i]);
                        }
                        let ends = (node_of[number([x, y, z], a)], node_of[number(there, b)]);
                        let (Some((from, branch)), Some((to, other))) = ends else {
                            continue;
                        };
                        let edge = (who | number([x, y, z], 0) as u64) << 4 | e as u64;
                        let mut roll = dice.roll(Purpose::NetworkDiameter, edge);
                        let radius = roll.log_normal(p.capillary_radius_um, 0.08);
                        if branch == other && !roll.chance(p.missing_share) {
                            d.join(from, to, Class::Capillary, self.bed, branch, radius, 1.0);
                        }
                    }
                }
            }
        }
        Index::of(d, first, edge_um)
    }
}

/// Places on a jittered lattice, as many in an area as this distance allows: x, y [µm].
fn scatter(grid: &Grid, pitch_um: f64, roll: &mut Roll) -> Vec<[f64; 2]> {
    let extent = [grid.nx, grid.ny].map(|n| n as f64 * grid.voxel_um);
    let n = extent.map(|um| math::max((um / pitch_um).round(), 1.0));
    let mut places = Vec::new();
    for j in 0..n[1] as usize {
        for i in 0..n[0] as usize {
            places.push([
                (i as f64 + 0.5 + roll.between(-0.3, 0.3)) / n[0] * extent[0],
                (j as f64 + 0.5 + roll.between(-0.3, 0.3)) / n[1] * extent[1],
            ]);
        }
    }
    places
}

/// A bed and the vessels that may be joined to it.
struct Taps<'a> {
    p: &'a Parameters,
    bed: Index,
}

impl Taps<'_> {
    /// A terminal vessel from a joint to the bed nearest to `aim`.
    fn join(&mut self, d: &mut Draft, root: u32, aim: [f64; 3], class: Class, branch: u32, reach_um: f64) {
        let wider = if class == Class::Venule {
            self.p.venule_ratio
        } else {
            1.0
        };
        if let Some(end) = joint(d, &mut self.bed, aim, reach_um) {
            d.join(root, end, class, Bed::Tap, branch, self.p.tap_radius_um * wider, 1.0);
        }
    }
}

/// Draws a network for a block.
pub(super) fn draw(p: &Parameters, space: &Space, grid: &Grid, septa: &Septa, dice: Dice, attempt: u64) -> Draft {
    let extent = grid.extent_um();
    let deep = extent[2];
    // A block shallower than skin and some fat keeps its order of layers.
    let junction = math::max(math::min(space.skin_mm * 1000.0, deep - 400.0), 0.5 * deep);
    let top = math::min(p.superficial_plexus_um, 0.5 * junction);
    let mut roll = dice.roll(Purpose::NetworkLayout, attempt << 32 | 1);
    let mut d = Draft::new(grid);
    let ratio = |class: Class| if class == Class::Venule { p.venule_ratio } else { 1.0 };

    // The plexuses, arteriolar and venular at two depths.
    let rings = [grid.periodic; 2];
    let plexus = |d: &mut Draft, class, bed, z, radius_um: f64| {
        let first = d.plans.len();
        let sheet = Sheet {
            class,
            bed,
            branch: d.branch(),
            radius_um: radius_um * ratio(class),
            radius_sd_log: 0.0,
            // A honeycomb of this edge has as much length in an area as lines at the pitch.
            edge_um: 1.1547 * p.plexus_pitch_um,
            axes: [0, 1],
            ranges: [[0.0, extent[0]], [0.0, extent[1]]],
            rings,
            at: [0.0, 0.0, z],
            missing: 0.0,
            pitch_um: 1.0,
        };
        honeycomb(d, &sheet, dice, attempt);
        if class == Class::Arteriole {
            choke(d, first, septa, p.anastomosis_index);
        }
        Index::of(d, first, 0.5 * p.plexus_pitch_um)
    };
    let deep_z = [junction - 60.0, junction + 20.0];
    let upper_z = [top, top + math::min(80.0, 0.2 * (junction - top))];
    let kinds = [Class::Arteriole, Class::Venule];
    let mut deep_plexus: Vec<Index> = Vec::new();
    let mut upper_plexus: Vec<Index> = Vec::new();
    for (k, class) in kinds.into_iter().enumerate() {
        deep_plexus.push(plexus(
            &mut d,
            class,
            Bed::DeepPlexus,
            deep_z[k],
            p.deep_plexus_radius_um,
        ));
        upper_plexus.push(plexus(
            &mut d,
            class,
            Bed::SuperficialPlexus,
            upper_z[k],
            p.superficial_radius_um,
        ));
    }
    let across = math::max(extent[0], extent[1]);
    let fat_z = [junction + 150.0, deep - 40.0];
    let fat_radius_um = p.septal_radius_um * fat_calibre(p, junction, deep);

    // Septal vessels rise from below and feed the deep plexus; ascending arterioles and descending venules join the two.
    let (mut fatty, mut rising): (Vec<Stem>, Vec<Stem>) = (Vec::new(), Vec::new());
    let territory = [0, 1].map(|a| {
        let n = math::max((extent[a] / (p.arteriole_pitch_mm * 1000.0)).round(), 1.0);
        extent[a] / n
    });
    for &[x, y] in septa.feeding() {
        for (k, class) in kinds.into_iter().enumerate() {
            let side = if k == 0 { -35.0 } else { 35.0 };
            let foot = d.node(d.wrapped([x + side, y, deep - 1.0]));
            d.boundary.push((foot, k == 0));
            let crown = d.wrapped([x + side, y, deep_z[k]]);
            if let Some(crown) = joint(&mut d, &mut deep_plexus[k], crown, across) {
                let radius_um = p.septal_radius_um * ratio(class);
                let mut trunk = Stem::new(&mut d, foot, crown, class, Bed::Septal, radius_um);
                let root = trunk.joint(&mut d, [x + side, y, fat_z[1]]);
                let end = d.node(d.wrapped([x + 1.5 * side, y, fat_z[0]]));
                fatty.push(Stem::new(
                    &mut d,
                    root,
                    end,
                    class,
                    Bed::Septal,
                    fat_radius_um * ratio(class),
                ));
            }
            let off = if k == 0 { [0.10, 0.25] } else { [0.60, 0.75] };
            let at = [
                x + territory[0] * roll.between(off[0], off[1]),
                y + territory[1] * roll.between(off[0], off[1]),
            ];
            let low = d.wrapped([at[0], at[1], deep_z[k]]);
            let high = d.wrapped([at[0], at[1], upper_z[k]]);
            let ends = (
                joint(&mut d, &mut deep_plexus[k], low, across),
                joint(&mut d, &mut upper_plexus[k], high, across),
            );
            if let (Some(low), Some(high)) = ends {
                rising.push(Stem::new(
                    &mut d,
                    low,
                    high,
                    class,
                    Bed::Ascending,
                    p.ascending_radius_um * ratio(class),
                ));
            }
        }
    }

    // Papillary loops.
    let highest = math::min(space.epidermis_um + 35.0, 0.6 * top);
    for [x, y] in scatter(grid, p.capillary_spacing_um, &mut roll) {
        let z = highest + roll.between(0.0, math::min(15.0, 0.1 * top));
        let angle = roll.between(0.0, std::f64::consts::TAU);
        let narrow = roll.log_normal(p.loop_radius_um, 0.06);
        let apex = [x, y, z];
        let turn = d.wrapped([x + 22.0 * math::cos(angle), y + 22.0 * math::sin(angle), z]);
        let feet = (
            joint(&mut d, &mut upper_plexus[0], [x, y, upper_z[0]], across),
            joint(&mut d, &mut upper_plexus[1], [turn[0], turn[1], upper_z[1]], across),
        );
        if let (Some(foot), Some(drain)) = feet {
            d.papillary_loop(p, foot, apex, turn, drain, narrow);
        }
    }

    // Capillary bed of the dermis, tapped from the vessels around it.
    let z_range = [upper_z[1] + 140.0, junction - 150.0];
    if z_range[1] - z_range[0] > 50.0 {
        let branch = d.branch();
        let net = Net {
            bed: Bed::Dermal,
            edge_um: p.dermal_mesh_um,
            z_range,
            branch_at: &|_| Some(branch),
        };
        let bed = net.lay(&mut d, p, dice, attempt << 32 | 1 << 30);
        let mut taps = Taps { p, bed };
        let span = z_range[1] - z_range[0];
        for stem in &mut rising {
            let n = math::max((span / p.tap_spacing_um).floor(), 1.0) as usize;
            for k in 0..n {
                let z = z_range[0] + (k as f64 + roll.between(0.2, 0.8)) / n as f64 * span;
                if k % 2 == 0 || stem.class == Class::Venule {
                    let aim = d.nodes[d.plans[stem.parts[0] as usize].from as usize];
                    let root = stem.joint(&mut d, [aim[0], aim[1], z]);
                    let aim = beside(&d, root, &mut roll);
                    taps.join(&mut d, root, aim, stem.class, stem.branch, 450.0);
                }
            }
        }
        for (k, class) in kinds.into_iter().enumerate() {
            for (index, z) in [(&mut deep_plexus[k], deep_z[k]), (&mut upper_plexus[k], upper_z[k])] {
                for [x, y] in scatter(grid, 2.2 * p.tap_spacing_um, &mut roll) {
                    if let Some(root) = joint(&mut d, index, [x, y, z], across) {
                        let branch = d.plans[d.plans.len() - 1].branch;
                        taps.join(&mut d, root, [x, y, z], class, branch, 600.0);
                    }
                }
            }
        }
    }

    // Fat lobules, one bed each, fed and drained by lobular vessels from the septa around them.
    let z_range = fat_z;
    let span = z_range[1] - z_range[0];
    if span > 50.0 {
        let lobules = septa.feeding().len();
        let first = d.branches + 1;
        d.branches += lobules as u32;
        let branch_at = |place: [f64; 3]| match septa.border([place[0], place[1]]) {
            Some((lobule, away, _)) if away > 60.0 => Some(first + lobule),
            Some(_) => None,
            None => Some(first),
        };
        let net = Net {
            bed: Bed::Fat,
            edge_um: p.fat_mesh_um,
            z_range,
            branch_at: &branch_at,
        };
        let bed = net.lay(&mut d, p, dice, attempt << 32 | 2 << 30);
        let mut taps = Taps { p, bed };
        let levels = math::max((span / p.lobular_pitch_um).round(), 1.0) as usize;
        let mean_um = (extent[0] * extent[1] / lobules as f64).sqrt();
        let lines = math::max((mean_um / p.plexus_pitch_um).round(), 1.0) as usize;
        for lobule in 0..lobules {
            for level in 0..levels {
                for line in 0..lines {
                    // Arterioles above venules and venules above arterioles in turn: no depth has one kind alone.
                    let offsets = if (line + level).is_multiple_of(2) {
                        [0.10, 0.60]
                    } else {
                        [0.60, 0.10]
                    };
                    for (k, offset) in offsets.into_iter().enumerate() {
                        let share = level as f64 + offset + roll.between(0.0, 0.3);
                        let z = z_range[0] + share / levels as f64 * span;
                        let turn = level + line + 2 * k;
                        lobular(&mut d, p, septa, &mut fatty, lobule, z, turn, k, &mut taps, &mut roll);
                    }
                }
            }
        }
    }
    d
}

/// Calibre of the branch of a septal vessel that serves the fat, share of the trunk: by Murray's law, the cube root of its
/// share of the blood.
///
/// The lobules leave this branch, not the trunk that goes on to the skin: beside so much blood a lobular arteriole would
/// take a thousandth, and below a threshold red cells do not turn into a side branch (Pries and others 1989).
fn fat_calibre(p: &Parameters, junction_um: f64, deep_um: f64) -> f64 {
    let skin = p.skin_perfusion_per_min * junction_um;
    let fat = p.fat_perfusion_per_min * math::max(deep_um - junction_um, 0.0);
    math::pow(fat / math::max(skin + fat, 1e-12), 1.0 / 3.0)
}

/// Chokes the links between arteriolar territories: a segment belongs to the feeding vessel nearest to each of its ends.
fn choke(d: &mut Draft, first: usize, septa: &Septa, calibre: f64) {
    let owner = |place: [f64; 3]| {
        let feeds = septa.feeding().iter().enumerate();
        let distances = feeds.map(|(i, f)| (d.grid.distance_um([place[0], place[1], 0.0], [f[0], f[1], 0.0]), i));
        distances
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map(|(_, i)| i)
    };
    let links: Vec<bool> = d.plans[first..]
        .iter()
        .map(|plan| owner(d.nodes[plan.from as usize]) != owner(d.nodes[plan.to as usize]))
        .collect();
    let mut links = links.into_iter();
    let mut i = 0;
    d.plans.retain_mut(|plan| {
        i += 1;
        let link = i > first && links.next().unwrap_or(false);
        if link {
            plan.radius_um *= calibre;
        }
        !(link && calibre <= 0.0)
    });
}

/// A place some way to the side of a node, where a terminal vessel meets its bed.
fn beside(d: &Draft, node: u32, roll: &mut Roll) -> [f64; 3] {
    let [x, y, z] = d.nodes[node as usize];
    let (angle, away) = (roll.between(0.0, std::f64::consts::TAU), roll.between(60.0, 300.0));
    d.wrapped([x + away * math::cos(angle), y + away * math::sin(angle), z])
}

/// A lobular vessel: from a branch of a septal vessel beside the lobule past its middle, with terminal vessels into the bed.
fn lobular(
    d: &mut Draft,
    p: &Parameters,
    septa: &Septa,
    fatty: &mut [Stem],
    lobule: usize,
    z: f64,
    turn: usize,
    kind: usize,
    taps: &mut Taps,
    roll: &mut Roll,
) {
    // The septal vessels around the lobule take turns; those of a small block stand on several sides of it.
    let mut around: Vec<(f64, usize, [f64; 2])> = Vec::new();
    for (i, feed) in septa.feeding().iter().enumerate() {
        for image in septa.lobules().iter().filter(|image| image.0 as usize == lobule) {
            let way = [image.1[0] - feed[0], image.1[1] - feed[1]];
            around.push(((way[0] * way[0] + way[1] * way[1]).sqrt(), i, way));
        }
    }
    around.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    around.truncate(4);
    let Some(&(far, feed, way)) = around.get(turn % math::max(around.len() as f64, 1.0) as usize) else {
        return;
    };
    let Some(stem) = fatty.get_mut(2 * feed + kind) else {
        return;
    };
    let (class, radius_um) = (
        stem.class,
        p.lobular_radius_um * if kind == 0 { 1.0 } else { p.venule_ratio },
    );
    let [x, y] = septa.feeding()[feed];
    let root = stem.joint(d, [x, y, z]);
    let from = d.nodes[root as usize];
    // Aside of the middle, in turn to the left and to the right; nearly to the far border.
    let side = if (turn / 4 + turn + kind).is_multiple_of(2) {
        1.0
    } else {
        -1.0
    };
    let aside = roll.between(0.05, 0.65);
    let lean = aside * side;
    let (c, s) = (math::cos(lean), math::sin(lean));
    let ahead = [
        (c * way[0] - s * way[1]) / math::max(far, 1.0),
        (s * way[0] + c * way[1]) / math::max(far, 1.0),
    ];
    let reach = far * (1.5 - 0.55 * aside) * roll.between(0.9, 1.1);
    // Fewer terminal arterioles than first venules: what they lack in number they have in bore.
    let spacing = if kind == 0 { 0.8 } else { 0.5 } * p.tap_spacing_um;
    let n = math::max(((reach - 120.0) / spacing).round(), 1.0) as usize;
    let branch = d.branch();
    let mut last = root;
    for k in 0..n {
        let along = 120.0 + (k as f64 + roll.between(0.3, 0.9)) / n as f64 * (reach - 120.0);
        let node = d.node(d.wrapped([from[0] + along * ahead[0], from[1] + along * ahead[1], from[2]]));
        d.join(last, node, class, Bed::Tap, branch, radius_um, 1.0);
        last = node;
        let mut aim = beside(d, node, roll);
        aim[2] += roll.between(-150.0, 150.0);
        taps.join(d, node, aim, class, branch, 320.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_of_the_net_has_three_edges() {
        let edges = net_edges();
        assert_eq!(edges.len(), 12);
        for node in 0..8 {
            let ends = edges.iter().filter(|e| e.0 == node || e.1 == node).count();
            assert_eq!(ends, 3, "node {node}");
        }
    }
}
