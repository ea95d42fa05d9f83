//! A generated network of skin: septal vessels, deep plexus, ascending arterioles and descending venules,
//! superficial plexus, papillary loops, capillaries of dermis and fat lobules with their terminal arterioles and venules.
//!
//! A `section` has lines in its plane, a `block` sheets and nets in space; `septa` says where vessels rise. Capillary beds are
//! three-way meshes with missing edges: redundant, without direction. No more than three segments meet anywhere. What carries
//! no flow is taken away before the run (`finish`).
//! Source: two plexuses joined by ascending arterioles and descending venules (doi 10.3109/10739689709146797), loops at the
//! density of skin capillaries (PMID 21414968). Diameters, spacings of taps and shares of the slab are assumed (registry).

mod block;
mod section;
mod septa;

use serde::Deserialize;

use super::Space;
use crate::grid::{Grid, Plane};
use crate::math;
use crate::random::{Dice, Purpose};
use crate::solve::graph;
use crate::state::vessels::{Bed, Boundary, Class, NewSegment};
use crate::state::{Profile, Vessels};
pub use septa::Septa;

/// Numbers of the network. Registry section `network`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// `skin` or `csv`.
    pub kind: String,
    /// Folder of a measured network.
    pub dir: String,
    /// Whether a generated network is judged before day 0.
    pub judge: bool,
    /// Networks drawn before the run is refused.
    pub max_attempts: u32,
    /// Distance between ascending arterioles [mm].
    pub arteriole_pitch_mm: f64,
    /// Distance between papillary loops [µm].
    pub capillary_spacing_um: f64,
    /// Calibre of the links between neighbouring arteriolar territories, 0-1.
    pub anastomosis_index: f64,
    /// Edge of the honeycomb of the dermis [µm].
    pub dermal_mesh_um: f64,
    /// Edge of the honeycomb of the fat [µm].
    pub fat_mesh_um: f64,
    /// Share of honeycomb edges that are missing.
    pub missing_share: f64,
    /// Depth of the superficial plexus [µm].
    pub superficial_plexus_um: f64,
    /// Distance in depth between lobular arterioles [µm].
    pub lobular_pitch_um: f64,
    /// Distance between taps along a trunk [µm].
    pub tap_spacing_um: f64,
    /// Mean radius of capillaries [µm].
    pub capillary_radius_um: f64,
    /// Radius of the rising limb of a papillary loop [µm]; its apex is 1.2 times as wide, its falling limb 1.35 times.
    pub loop_radius_um: f64,
    /// Radius of a venule over that of the arteriole of its rank.
    pub venule_ratio: f64,
    /// Radius of septal arterioles [µm].
    pub septal_radius_um: f64,
    /// Radius of the deep arteriolar plexus [µm].
    pub deep_plexus_radius_um: f64,
    /// Radius of ascending arterioles [µm].
    pub ascending_radius_um: f64,
    /// Radius of the superficial arteriolar plexus [µm].
    pub superficial_radius_um: f64,
    /// Radius of lobular arterioles [µm].
    pub lobular_radius_um: f64,
    /// Radius of terminal arterioles before calibration by perfusion [µm].
    pub tap_radius_um: f64,
    /// Calibre of the ways from a section to healthy tissue outside its plane, share of the conductance of its capillaries.
    pub out_of_plane_supply: f64,
    /// Out-of-plane distance between septal or ascending vessels [µm].
    pub trunk_pitch_um: f64,
    /// Out-of-plane distance between plexus lines [µm].
    pub plexus_pitch_um: f64,
    /// Out-of-plane distance between capillaries [µm].
    pub capillary_pitch_um: f64,
    /// Perfusion of epidermis and dermis [mL/mL/min].
    pub skin_perfusion_per_min: f64,
    /// Perfusion of fat and its septa [mL/mL/min].
    pub fat_perfusion_per_min: f64,
    /// Largest relative departure from it after calibration.
    pub perfusion_band: f64,
    /// Lowest oxygen tension of a living point at day 0 [mmHg].
    pub lowest_po2_mmhg: f64,
    /// Length of an endothelial patch [µm].
    pub patch_um: f64,
    /// Standard deviation of the logarithm of mineral growth between branches.
    pub branch_mineral_sd_log: f64,
    /// Standard deviation of the logarithm of endothelial susceptibility between patches.
    pub patch_susceptibility_sd_log: f64,
}

/// A segment as planned.
#[derive(Clone, Copy, Debug)]
struct Plan {
    from: u32,
    to: u32,
    class: Class,
    bed: Bed,
    branch: u32,
    radius_um: f64,
    share: f64,
}

/// The network while it grows.
struct Draft {
    nodes: Vec<[f64; 3]>,
    boundary: Vec<(u32, bool)>,
    plans: Vec<Plan>,
    branches: u32,
    grid: Grid,
}

impl Draft {
    fn new(grid: &Grid) -> Self {
        Self {
            nodes: Vec::new(),
            boundary: Vec::new(),
            plans: Vec::new(),
            branches: 0,
            grid: grid.clone(),
        }
    }

    fn node(&mut self, place: [f64; 3]) -> u32 {
        self.nodes.push(place);
        self.nodes.len() as u32 - 1
    }

    fn branch(&mut self) -> u32 {
        self.branches += 1;
        self.branches
    }

    /// Share of a vessel with this out-of-plane distance to the next that belongs to the slab. A block has it whole.
    fn share(&self, pitch_um: f64) -> f64 {
        if self.grid.plane == Plane::Block {
            1.0
        } else {
            self.grid.slab_um / pitch_um
        }
    }

    fn join(&mut self, from: u32, to: u32, class: Class, bed: Bed, branch: u32, radius_um: f64, pitch_um: f64) {
        let share = self.share(pitch_um);
        self.plans.push(Plan {
            from,
            to,
            class,
            bed,
            branch,
            radius_um,
            share,
        });
    }

    /// A papillary loop between two feet: up, across, down, wider on the way; `apex` and `turn` are its highest points.
    fn papillary_loop(
        &mut self,
        p: &Parameters,
        foot: u32,
        apex: [f64; 3],
        turn: [f64; 3],
        drain: u32,
        radius_um: f64,
    ) {
        let branch = self.branch();
        let (apex, turn) = (self.node(apex), self.node(turn));
        for (from, to, wider) in [(foot, apex, 1.0), (apex, turn, 1.2), (turn, drain, 1.35)] {
            self.join(
                from,
                to,
                Class::Capillary,
                Bed::Loop,
                branch,
                radius_um * wider,
                p.capillary_pitch_um,
            );
        }
    }

    /// A place with x and y brought back into the block.
    fn wrapped(&self, mut place: [f64; 3]) -> [f64; 3] {
        let h = self.grid.voxel_um;
        for (axis, n) in [(0, self.grid.nx), (1, self.grid.ny)] {
            let wide = n as f64 * h;
            if self.grid.periodic {
                place[axis] -= (place[axis] / wide).floor() * wide;
            } else {
                place[axis] = math::clamp(place[axis], 1.0, wide - 1.0);
            }
        }
        place
    }
}

/// Draws a network. `attempt` gives another one from the same seed.
pub fn generate(
    p: &Parameters,
    space: &Space,
    grid: &Grid,
    septa: &Septa,
    host: &Profile,
    dice: Dice,
    attempt: u64,
) -> Vessels {
    let draft = if grid.plane == Plane::Block {
        block::draw(p, space, grid, septa, dice, attempt)
    } else {
        section::draw(p, space, grid, septa, dice, attempt)
    };
    finish(draft, p, grid, host, dice, attempt)
}

/// A sheet of honeycomb: where it lies and what it is made of.
struct Sheet {
    class: Class,
    bed: Bed,
    branch: u32,
    /// Median and spread (standard deviation of the logarithm) of the radius [µm].
    radius_um: f64,
    radius_sd_log: f64,
    edge_um: f64,
    /// Axes along and across the rows.
    axes: [usize; 2],
    /// Extent along both.
    ranges: [[f64; 2]; 2],
    /// Whether it closes around the edge.
    rings: [bool; 2],
    /// A point of the sheet: its place on the third axis.
    at: [f64; 3],
    /// Share of edges that are missing.
    missing: f64,
    pitch_um: f64,
}

/// Lays a honeycomb with jitter; returns the nodes with two edges, open to taps.
fn honeycomb(d: &mut Draft, sheet: &Sheet, dice: Dice, attempt: u64) -> Vec<u32> {
    let ([u, v], edge_um) = (sheet.axes, sheet.edge_um);
    let [along, across] = sheet.ranges;
    let [ring, tube] = sheet.rings;
    let span = along[1] - along[0];
    // Zigzag rows (two nodes a period), rungs between rows. Around an edge: as many up as down.
    let periods = math::max((span / (3.0f64.sqrt() * edge_um)).round(), 2.0) as usize;
    let half = span / (2 * periods) as f64;
    let deep = across[1] - across[0];
    let rows = if tube {
        2 * math::max((deep / (3.0 * edge_um)).round(), 2.0) as usize
    } else {
        math::max((deep / (1.5 * edge_um)).floor(), 1.0) as usize
    };
    let height = deep / rows as f64;
    let columns = if ring { 2 * periods } else { 2 * periods + 1 };
    let lines = if tube { rows } else { rows + 1 };
    let who = attempt << 32 | u64::from(sheet.branch) << 8;
    let mut roll = dice.roll(Purpose::NetworkLayout, who | 2);
    let first = d.nodes.len();
    let mut grid_nodes = vec![vec![0u32; columns]; lines];
    for (r, row) in grid_nodes.iter_mut().enumerate() {
        for (c, slot) in row.iter_mut().enumerate() {
            let zig = if (r + c) % 2 == 0 {
                0.25 * edge_um
            } else {
                -0.25 * edge_um
            };
            let mut place = sheet.at;
            place[u] = along[0] + c as f64 * half + roll.between(-0.12, 0.12) * edge_um;
            let level = across[0] + r as f64 * height + zig + roll.between(-0.12, 0.12) * edge_um;
            place[v] = if tube {
                level
            } else {
                math::clamp(level, across[0], across[1])
            };
            *slot = d.node(d.wrapped(place));
        }
    }
    let mut degree = vec![0u8; d.nodes.len() - first];
    let mut radius = dice.roll(Purpose::NetworkDiameter, who);
    let mut edge = |d: &mut Draft, a: u32, b: u32| {
        let r = radius.log_normal(sheet.radius_um, sheet.radius_sd_log);
        if roll.chance(sheet.missing) {
            return;
        }
        d.join(a, b, sheet.class, sheet.bed, sheet.branch, r, sheet.pitch_um);
        degree[a as usize - first] += 1;
        degree[b as usize - first] += 1;
    };
    for r in 0..lines {
        for c in 0..columns {
            if c + 1 < columns || ring {
                edge(d, grid_nodes[r][c], grid_nodes[r][(c + 1) % columns]);
            }
            if (r + 1 < lines || tube) && (r + c) % 2 == 0 {
                edge(d, grid_nodes[r][c], grid_nodes[(r + 1) % lines][c]);
            }
        }
    }
    grid_nodes
        .into_iter()
        .flatten()
        .filter(|&n| degree[n as usize - first] == 2)
        .collect()
}

/// Drops what cannot flow and fills the columns of the state.
fn finish(d: Draft, p: &Parameters, grid: &Grid, host: &Profile, dice: Dice, attempt: u64) -> Vessels {
    let ends: Vec<[u32; 2]> = d.plans.iter().map(|s| [s.from, s.to]).collect();
    let mut is_boundary = vec![false; d.nodes.len()];
    d.boundary.iter().for_each(|&(n, _)| is_boundary[n as usize] = true);
    let carries = graph::flowing(&ends, &vec![true; ends.len()], &is_boundary, &is_boundary);
    let mut number = vec![None; d.nodes.len()];
    let mut v = Vessels {
        first_patch: vec![0],
        first_piece: vec![0],
        solved_pressure_factor: 1.0,
        ..Vessels::default()
    };
    for (plan, _) in d.plans.iter().zip(&carries).filter(|&(_, &flows)| flows) {
        for end in [plan.from, plan.to] {
            if number[end as usize].is_none() {
                number[end as usize] = Some(v.nodes.id.len() as u32);
                let (boundary, inlet) = match d.boundary.iter().find(|b| b.0 == end) {
                    Some(&(_, true)) => (Boundary::Pressure(host.inlet_pressure_mmhg), true),
                    Some(_) => (Boundary::Pressure(host.outlet_pressure_mmhg), false),
                    None => (Boundary::Inner, false),
                };
                let node = v.push_node(v.nodes.id.len() as u64 + 1, d.nodes[end as usize]) as usize;
                v.nodes.boundary[node] = boundary;
                v.nodes.is_inlet[node] = inlet;
            }
        }
        let (Some(from), Some(to)) = (number[plan.from as usize], number[plan.to as usize]) else {
            continue;
        };
        let id = v.len() as u64 + 1;
        let mineral = dice
            .roll(Purpose::BranchMineral, attempt << 32 | u64::from(plan.branch))
            .log_normal(1.0, p.branch_mineral_sd_log);
        let (pieces, patch_voxels) = path(grid, d.nodes[plan.from as usize], d.nodes[plan.to as usize], p.patch_um);
        let s = v.push_segment(NewSegment {
            id,
            from,
            to,
            class: plan.class,
            bed: plan.bed,
            branch: plan.branch,
            radius_um: plan.radius_um,
            slab_share: plan.share,
            opens_at_step: 0,
            patch_voxels,
            pieces,
        });
        v.mineral_factor[s] = mineral;
        v.haematocrit[s] = host.haematocrit;
    }
    v.initial_count = v.len() as u32;
    draw_susceptibility(&mut v, p.patch_susceptibility_sd_log, dice);
    v
}

/// Susceptibility of every patch, by segment id and patch.
pub fn draw_susceptibility(v: &mut Vessels, sd_log: f64, dice: Dice) {
    for s in 0..v.len() {
        let first = v.first_patch[s] as usize;
        for patch in v.patches(s) {
            let who = v.id[s] << 12 | (patch - first) as u64;
            v.susceptibility[patch] = dice.roll(Purpose::PatchSusceptibility, who).log_normal(1.0, sd_log) as f32;
        }
    }
}

/// The way from one point to another through the voxels: pieces (voxel, length [µm]) in order, and the voxel of each
/// endothelial patch. Takes the short way round where x wraps.
pub fn path(grid: &Grid, from: [f64; 3], to: [f64; 3], patch_um: f64) -> (Vec<(u32, f64)>, Vec<u32>) {
    let way = grid.offset_um(from, to);
    let length = math::max((way[0] * way[0] + way[1] * way[1] + way[2] * way[2]).sqrt(), 1e-3);
    let point = |t: f64| [from[0] + t * way[0], from[1] + t * way[1], from[2] + t * way[2]];
    // Crossings of voxel faces, as shares of the way.
    let mut cuts = vec![0.0, 1.0];
    for axis in 0..3 {
        if way[axis].abs() < 1e-9 || [grid.nx, grid.ny, grid.nz][axis] == 1 {
            continue;
        }
        let (a, b) = (from[axis] / grid.voxel_um, (from[axis] + way[axis]) / grid.voxel_um);
        let (low, high) = (math::min(a, b), math::max(a, b));
        let mut face = low.ceil();
        while face < high {
            let t = (face - a) / (b - a);
            if t > 0.0 && t < 1.0 {
                cuts.push(t);
            }
            face += 1.0;
        }
    }
    cuts.sort_by(f64::total_cmp);
    let mut pieces: Vec<(u32, f64)> = Vec::new();
    for pair in cuts.windows(2) {
        let um = (pair[1] - pair[0]) * length;
        if um > 1e-9 {
            let voxel = grid.voxel_at(point((pair[0] + pair[1]) / 2.0)) as u32;
            match pieces.last_mut() {
                Some(last) if last.0 == voxel => last.1 += um,
                _ => pieces.push((voxel, um)),
            }
        }
    }
    if pieces.is_empty() {
        pieces.push((grid.voxel_at(from) as u32, length));
    }
    let patches = math::max((length / patch_um).round(), 1.0) as usize;
    let patch_voxels = (0..patches)
        .map(|i| grid.voxel_at(point((i as f64 + 0.5) / patches as f64)) as u32)
        .collect();
    (pieces, patch_voxels)
}
