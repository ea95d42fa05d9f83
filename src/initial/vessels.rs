//! A generated network of skin in the plane: septal vessels, deep plexus, ascending arterioles and descending venules,
//! superficial plexus, papillary loops, capillaries of dermis and fat lobules with their terminal arterioles and venules.
//!
//! Trunks are lines on which branches sit at their own nodes, so that no more than three segments meet. Capillary beds are
//! honeycombs with missing edges: redundant, three-way, without direction. Crossing lines do not join.
//! What carries no flow is taken away before the run (`prune`).
//! Source: two plexuses joined by ascending arterioles and descending venules (doi 10.3109/10739689709146797), loops at the
//! density of skin capillaries (PMID 21414968). Diameters, spacings of taps and shares of the slab are assumed (registry).

use serde::Deserialize;

use super::Space;
use crate::error::Result;
use crate::grid::{Grid, Plane};
use crate::math;
use crate::random::{Dice, Purpose};
use crate::solve::graph;
use crate::state::vessels::{Bed, Boundary, Class, NewSegment};
use crate::state::{Profile, Vessels};

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
    /// Radius of septal arterioles [µm]; their venules are 1.4 times as wide, as all venules.
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
    /// Perfusion that the terminal arterioles are set to [mL/mL/min].
    pub perfusion_per_min: f64,
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

/// A line on which branches sit.
struct Trunk {
    class: Class,
    bed: Bed,
    branch: u32,
    radius_um: f64,
    share: f64,
    /// Axis along which it runs: 0 = x, 2 = z.
    axis: usize,
    /// Its place; the coordinate along `axis` is ignored.
    at: [f64; 3],
    /// Coordinates of its nodes along the axis.
    seats: Vec<(f64, u32)>,
    /// Whether it closes around the edge.
    ring: bool,
    /// Where it is choked: centre, half width, calibre.
    chokes: Vec<(f64, f64, f64)>,
}

/// The network while it grows.
struct Draft {
    nodes: Vec<[f64; 3]>,
    boundary: Vec<(u32, bool)>,
    plans: Vec<Plan>,
    trunks: Vec<Trunk>,
    branches: u32,
    slab_um: f64,
    grid: Grid,
}

impl Draft {
    fn node(&mut self, place: [f64; 3]) -> u32 {
        self.nodes.push(place);
        self.nodes.len() as u32 - 1
    }

    fn branch(&mut self) -> u32 {
        self.branches += 1;
        self.branches
    }

    fn trunk(
        &mut self,
        class: Class,
        bed: Bed,
        radius_um: f64,
        pitch_um: f64,
        axis: usize,
        at: [f64; 3],
        ring: bool,
    ) -> usize {
        let branch = self.branch();
        let share = self.slab_um / pitch_um;
        self.trunks.push(Trunk {
            class,
            bed,
            branch,
            radius_um,
            share,
            axis,
            at,
            seats: Vec::new(),
            ring,
            chokes: Vec::new(),
        });
        self.trunks.len() - 1
    }

    /// A new node on a trunk. Two branches never share one.
    fn seat(&mut self, trunk: usize, mut along: f64) -> u32 {
        let t = &self.trunks[trunk];
        while t.seats.iter().any(|&(other, _)| (other - along).abs() < 12.0) {
            along += 13.0;
        }
        let mut place = t.at;
        place[t.axis] = along;
        // Vessels waver; nearly as long as the straight line.
        let across = if t.axis == 2 { 0 } else { 2 };
        let waver = if t.bed == Bed::Tap { 25.0 } else { 18.0 };
        place[across] += waver * math::sin(along / 260.0 + 1.7 * f64::from(t.branch));
        let wide = self.grid.nx as f64 * self.grid.voxel_um;
        if self.grid.periodic {
            place[0] -= (place[0] / wide).floor() * wide;
        } else {
            place[0] = math::clamp(place[0], 1.0, wide - 1.0);
        }
        let node = self.node(place);
        self.trunks[trunk].seats.push((along, node));
        node
    }

    fn join(&mut self, from: u32, to: u32, class: Class, bed: Bed, branch: u32, radius_um: f64, pitch_um: f64) {
        let share = self.slab_um / pitch_um;
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

    /// Turns trunks into chains of segments.
    fn lay_trunks(&mut self) {
        let wide = self.grid.nx as f64 * self.grid.voxel_um;
        for t in std::mem::take(&mut self.trunks) {
            let mut seats = t.seats;
            seats.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut links: Vec<((f64, u32), (f64, u32))> = seats.windows(2).map(|w| (w[0], w[1])).collect();
            if t.ring && seats.len() > 2 {
                let (first, last) = (seats[0], seats[seats.len() - 1]);
                links.push((last, (first.0 + wide, first.1)));
            }
            for (a, b) in links {
                let middle = (a.0 + b.0) / 2.0;
                let calibre = t.chokes.iter().fold(1.0, |calibre, &(centre, half, choke)| {
                    let away = (middle - centre - ((middle - centre) / wide).round() * wide).abs();
                    if away < half {
                        math::min(calibre, choke)
                    } else {
                        calibre
                    }
                });
                if calibre <= 0.0 {
                    continue;
                }
                self.plans.push(Plan {
                    from: a.1,
                    to: b.1,
                    class: t.class,
                    bed: t.bed,
                    branch: t.branch,
                    radius_um: t.radius_um * calibre,
                    share: t.share,
                });
            }
        }
    }
}

/// Places of the septa in x [µm]: one for each arteriolar territory, with a phase and a jitter of the seed.
pub fn septa_um(p: &Parameters, space: &Space, dice: Dice, attempt: u64) -> Vec<f64> {
    let wide = space.width_mm * 1000.0;
    let n = math::max((space.width_mm / p.arteriole_pitch_mm).round(), 1.0);
    let mut roll = dice.roll(Purpose::NetworkLayout, attempt << 32);
    let phase = roll.uniform();
    (0..n as usize)
        .map(|i| {
            let at = (i as f64 + phase + roll.between(-0.12, 0.12)) / n * wide;
            at - (at / wide).floor() * wide
        })
        .collect()
}

/// Draws a network for a section. `attempt` gives another one from the same seed.
pub fn generate(
    p: &Parameters,
    space: &Space,
    grid: &Grid,
    host: &Profile,
    dice: Dice,
    attempt: u64,
) -> Result<Vessels> {
    let wide = grid.nx as f64 * grid.voxel_um;
    let deep = grid.nz as f64 * grid.voxel_um;
    let junction = math::min(space.skin_mm * 1000.0, deep - 400.0);
    let y = grid.ny as f64 * grid.voxel_um / 2.0;
    let ring = grid.periodic;
    let mut roll = dice.roll(Purpose::NetworkLayout, attempt << 32 | 1);
    let mut d = Draft {
        nodes: Vec::new(),
        boundary: Vec::new(),
        plans: Vec::new(),
        trunks: Vec::new(),
        branches: 0,
        slab_um: if grid.plane == Plane::Block {
            p.capillary_pitch_um
        } else {
            grid.slab_um
        },
        grid: grid.clone(),
    };
    let wrap = |x: f64| {
        if ring {
            x - (x / wide).floor() * wide
        } else {
            math::clamp(x, 30.0, wide - 30.0)
        }
    };
    let mut septa = septa_um(p, space, dice, attempt);
    septa.sort_by(f64::total_cmp);
    let venous = 1.4;

    // The plexus lines; ends of an open line get no node of their own.
    let deep_a = d.trunk(
        Class::Arteriole,
        Bed::DeepPlexus,
        p.deep_plexus_radius_um,
        p.plexus_pitch_um,
        0,
        [0.0, y, junction - 60.0],
        ring,
    );
    let deep_v = d.trunk(
        Class::Venule,
        Bed::DeepPlexus,
        p.deep_plexus_radius_um * venous,
        p.plexus_pitch_um,
        0,
        [0.0, y, junction + 20.0],
        ring,
    );
    let top = p.superficial_plexus_um;
    let upper_a = d.trunk(
        Class::Arteriole,
        Bed::SuperficialPlexus,
        p.superficial_radius_um,
        p.plexus_pitch_um,
        0,
        [0.0, y, top],
        ring,
    );
    let upper_v = d.trunk(
        Class::Venule,
        Bed::SuperficialPlexus,
        p.superficial_radius_um * venous,
        p.plexus_pitch_um,
        0,
        [0.0, y, top + 80.0],
        ring,
    );

    // Septal vessels rise from below and feed the deep plexus.
    let mut septal = Vec::new();
    for &x in &septa {
        let ax = wrap(x - 35.0);
        let vx = wrap(x + 35.0);
        let a = d.trunk(
            Class::Arteriole,
            Bed::Septal,
            p.septal_radius_um,
            p.trunk_pitch_um,
            2,
            [ax, y, 0.0],
            false,
        );
        let v = d.trunk(
            Class::Venule,
            Bed::Septal,
            p.septal_radius_um * venous,
            p.trunk_pitch_um,
            2,
            [vx, y, 0.0],
            false,
        );
        for (trunk, plexus, at, arterial) in [(a, deep_a, ax, true), (v, deep_v, vx, false)] {
            let inlet = d.seat(trunk, deep - 1.0);
            d.boundary.push((inlet, arterial));
            let crown = d.seat(trunk, d.trunks[plexus].at[2] + 30.0);
            let on_plexus = d.seat(plexus, at);
            let (class, branch, radius) = (d.trunks[trunk].class, d.trunks[trunk].branch, d.trunks[trunk].radius_um);
            d.join(crown, on_plexus, class, Bed::Septal, branch, radius, p.trunk_pitch_um);
        }
        septal.push((a, v));
    }

    // Ascending arterioles between the plexuses, descending venules half-way between them.
    let mut rising = Vec::new();
    let territories = septa.len();
    for (i, &x) in septa.iter().enumerate() {
        let next = if i + 1 < territories {
            septa[i + 1]
        } else {
            septa[0] + wide
        };
        let gap = if territories == 1 { wide } else { next - x };
        let ax = wrap(x + gap * roll.between(0.10, 0.25));
        let vx = wrap(x + gap * roll.between(0.60, 0.75));
        let a = d.trunk(
            Class::Arteriole,
            Bed::Ascending,
            p.ascending_radius_um,
            p.trunk_pitch_um,
            2,
            [ax, y, 0.0],
            false,
        );
        let v = d.trunk(
            Class::Venule,
            Bed::Ascending,
            p.ascending_radius_um * venous,
            p.trunk_pitch_um,
            2,
            [vx, y, 0.0],
            false,
        );
        for (trunk, low, high, at) in [(a, deep_a, upper_a, ax), (v, deep_v, upper_v, vx)] {
            for (plexus, offset) in [(low, -30.0), (high, 30.0)] {
                let end = d.seat(trunk, d.trunks[plexus].at[2] + offset);
                let seat = d.seat(plexus, at);
                let (class, branch, radius) =
                    (d.trunks[trunk].class, d.trunks[trunk].branch, d.trunks[trunk].radius_um);
                d.join(end, seat, class, Bed::Ascending, branch, radius, p.trunk_pitch_um);
            }
        }
        rising.push((a, ax, v, vx));
    }
    // Territories join at their borders, by full or choked calibre.
    if territories > 1 || ring {
        for i in 0..territories {
            let half_way = |a: f64, b: f64| (a + if b > a { b } else { b + wide }) / 2.0;
            let lower = half_way(septa[i], septa[(i + 1) % territories]);
            d.trunks[deep_a]
                .chokes
                .push((lower, 0.06 * wide / territories as f64, p.anastomosis_index));
            let upper = half_way(rising[i].1, rising[(i + 1) % territories].1);
            d.trunks[upper_a]
                .chokes
                .push((upper, 0.06 * wide / territories as f64, p.anastomosis_index));
        }
    }

    // Papillary loops.
    let loops = math::max((wide / p.capillary_spacing_um).round(), 1.0);
    for i in 0..loops as usize {
        let x = (i as f64 + 0.3 + roll.between(-0.12, 0.12)) / loops * wide;
        let branch = d.branch();
        let apex_z = space.epidermis_um + 35.0 + roll.between(0.0, 15.0);
        let foot = d.seat(upper_a, wrap(x));
        let apex = d.node([wrap(x), y, apex_z]);
        let turn = d.node([wrap(x + 22.0), y, apex_z]);
        let drain = d.seat(upper_v, wrap(x + 40.0));
        let narrow = roll.log_normal(p.capillary_radius_um, 0.06);
        d.join(
            foot,
            apex,
            Class::Capillary,
            Bed::Loop,
            branch,
            narrow,
            p.capillary_pitch_um,
        );
        d.join(
            apex,
            turn,
            Class::Capillary,
            Bed::Loop,
            branch,
            narrow * 1.2,
            p.capillary_pitch_um,
        );
        d.join(
            turn,
            drain,
            Class::Capillary,
            Bed::Loop,
            branch,
            narrow * 1.35,
            p.capillary_pitch_um,
        );
    }

    // Capillary bed of the dermis, tapped from the vessels around it.
    let bed = d.branch();
    let mesh = honeycomb(
        &mut d,
        p,
        Class::Capillary,
        Bed::Dermal,
        bed,
        p.dermal_mesh_um,
        [0.0, wide],
        [top + 220.0, junction - 150.0],
        ring,
        dice,
        attempt,
    );
    let mut free = mesh;
    for &(a, _, v, _) in &rising {
        let span = junction - top - 420.0;
        let taps = math::max((span / p.tap_spacing_um).floor(), 1.0) as usize;
        for k in 0..taps {
            let z = top + 220.0 + (k as f64 + roll.between(0.2, 0.8)) / taps as f64 * span;
            if k % 2 == 0 {
                tap(&mut d, p, a, z, &mut free, p.tap_radius_um, 450.0);
            }
            tap(&mut d, p, v, z + 60.0, &mut free, p.tap_radius_um * venous, 450.0);
        }
    }
    let across = math::max((wide / (2.0 * p.tap_spacing_um)).floor(), 1.0) as usize;
    for k in 0..across {
        for (plexus, radius, shift) in [
            (deep_a, 1.0, 0.0),
            (upper_v, venous, 0.25),
            (deep_v, venous, 0.5),
            (upper_a, 1.0, 0.75),
        ] {
            let x = wrap((k as f64 + shift + roll.between(0.0, 0.2)) / across as f64 * wide);
            tap(&mut d, p, plexus, x, &mut free, p.tap_radius_um * radius, 400.0);
        }
    }

    // Fat lobules: a bed between two septa, fed by lobular arterioles from one side, drained from both.
    for i in 0..territories {
        let next = (i + 1) % territories;
        let (left, right) = (septa[i], if next > i { septa[next] } else { septa[next] + wide });
        let branch = d.branch();
        let z_range = [junction + 150.0, deep - 60.0];
        let mut free = honeycomb(
            &mut d,
            p,
            Class::Capillary,
            Bed::Fat,
            branch,
            p.fat_mesh_um,
            [left + 110.0, right - 110.0],
            z_range,
            false,
            dice,
            attempt,
        );
        let span = z_range[1] - z_range[0];
        let levels = math::max((span / p.lobular_pitch_um).round(), 1.0) as usize;
        for k in 0..levels {
            for (side, offset) in [(0, 0.15), (1, 0.65)] {
                let z = z_range[0] + (k as f64 + offset + roll.between(0.0, 0.2)) / levels as f64 * span;
                // Arterioles enter from the left and the right in turn; venules leave opposite.
                let from_left = (k + side) % 2 == 0;
                let septum = if from_left { i } else { next };
                let (source, class, widen) = if side == 0 {
                    (septal[septum].0, Class::Arteriole, 1.0)
                } else {
                    (septal[septum].1, Class::Venule, venous)
                };
                let reach = (right - left) * roll.between(0.78, 0.9);
                let (x0, x1) = if from_left {
                    (left + 60.0, left + reach)
                } else {
                    (right - reach, right - 60.0)
                };
                lobular(
                    &mut d,
                    p,
                    source,
                    class,
                    z,
                    [x0, x1],
                    from_left,
                    widen,
                    &mut free,
                    &mut roll,
                );
            }
        }
    }
    d.lay_trunks();
    Ok(finish(d, p, grid, host, dice, attempt))
}

/// A terminal vessel inside a lobule: a short line from the septum with taps into the bed.
fn lobular(
    d: &mut Draft,
    p: &Parameters,
    source: usize,
    class: Class,
    z: f64,
    [x0, x1]: [f64; 2],
    from_left: bool,
    widen: f64,
    free: &mut Vec<u32>,
    roll: &mut crate::random::Roll,
) {
    let y = d.trunks[source].at[1];
    let root = d.seat(source, z);
    let line = d.trunk(
        class,
        Bed::Tap,
        p.lobular_radius_um * widen,
        p.plexus_pitch_um,
        0,
        [0.0, y, d.nodes[root as usize][2]],
        false,
    );
    let near = if from_left { x0 } else { x1 };
    let entry = d.seat(line, near);
    let branch = d.trunks[line].branch;
    d.join(
        root,
        entry,
        class,
        Bed::Tap,
        branch,
        p.lobular_radius_um * widen,
        p.plexus_pitch_um,
    );
    // Fewer terminal arterioles than first venules: what they lack in number they have in bore.
    let spacing = if class == Class::Arteriole {
        1.6 * p.tap_spacing_um
    } else {
        p.tap_spacing_um
    };
    let taps = math::max(((x1 - x0) / spacing).round(), 1.0) as usize;
    for k in 0..taps {
        let x = x0 + 40.0 + (k as f64 + roll.between(0.3, 0.9)) / taps as f64 * (x1 - x0 - 60.0);
        tap(d, p, line, x, free, p.tap_radius_um * widen, 320.0);
    }
}

/// Joins a trunk to the nearest free node of a bed within reach.
fn tap(d: &mut Draft, p: &Parameters, trunk: usize, along: f64, free: &mut Vec<u32>, radius_um: f64, reach_um: f64) {
    let mut place = d.trunks[trunk].at;
    place[d.trunks[trunk].axis] = along;
    let best = free
        .iter()
        .enumerate()
        .map(|(i, &node)| (d.grid.distance_um(place, d.nodes[node as usize]), i))
        .filter(|&(distance, _)| distance < reach_um)
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if let Some((_, i)) = best {
        let node = free.swap_remove(i);
        let seat = d.seat(trunk, along);
        let (class, branch) = (d.trunks[trunk].class, d.trunks[trunk].branch);
        d.join(seat, node, class, Bed::Tap, branch, radius_um, p.capillary_pitch_um);
    }
}

/// A honeycomb of capillaries; returns the nodes with fewer than three edges, open to taps.
fn honeycomb(
    d: &mut Draft,
    p: &Parameters,
    class: Class,
    bed: Bed,
    branch: u32,
    edge_um: f64,
    x_range: [f64; 2],
    z_range: [f64; 2],
    ring: bool,
    dice: Dice,
    attempt: u64,
) -> Vec<u32> {
    let span = x_range[1] - x_range[0];
    let y = d.grid.ny as f64 * d.grid.voxel_um / 2.0;
    // Zigzag rows along x (two nodes a period), rungs between rows.
    let periods = math::max((span / (3.0f64.sqrt() * edge_um)).round(), 2.0) as usize;
    let half = span / (2 * periods) as f64;
    let rows = math::max(((z_range[1] - z_range[0]) / (1.5 * edge_um)).floor(), 1.0) as usize;
    let height = (z_range[1] - z_range[0]) / rows as f64;
    let columns = if ring { 2 * periods } else { 2 * periods + 1 };
    let mut roll = dice.roll(Purpose::NetworkLayout, attempt << 32 | u64::from(branch) << 8 | 2);
    let mut grid_nodes = vec![vec![0u32; columns]; rows + 1];
    for (r, row) in grid_nodes.iter_mut().enumerate() {
        for (c, slot) in row.iter_mut().enumerate() {
            let zig = if (r + c) % 2 == 0 {
                0.25 * edge_um
            } else {
                -0.25 * edge_um
            };
            let x = x_range[0] + c as f64 * half + roll.between(-0.12, 0.12) * edge_um;
            let z = z_range[0] + r as f64 * height + zig + roll.between(-0.12, 0.12) * edge_um;
            let wide = d.grid.nx as f64 * d.grid.voxel_um;
            *slot = d.node([x - (x / wide).floor() * wide, y, math::clamp(z, z_range[0], z_range[1])]);
        }
    }
    let mut degree = vec![0u8; d.nodes.len()];
    let mut radius = dice.roll(Purpose::NetworkDiameter, attempt << 32 | u64::from(branch) << 8);
    let mut edge = |d: &mut Draft, a: u32, b: u32, degree: &mut Vec<u8>| {
        let r = radius.log_normal(p.capillary_radius_um, 0.08);
        if roll.chance(p.missing_share) {
            return;
        }
        d.join(a, b, class, bed, branch, r, p.capillary_pitch_um);
        degree[a as usize] += 1;
        degree[b as usize] += 1;
    };
    for r in 0..=rows {
        for c in 0..columns {
            if c + 1 < columns || ring {
                edge(d, grid_nodes[r][c], grid_nodes[r][(c + 1) % columns], &mut degree);
            }
            if r < rows && (r + c) % 2 == 0 {
                edge(d, grid_nodes[r][c], grid_nodes[r + 1][c], &mut degree);
            }
        }
    }
    grid_nodes
        .into_iter()
        .flatten()
        .filter(|&n| degree[n as usize] == 2)
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
