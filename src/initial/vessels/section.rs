//! The network in a section: lines in the plane, beds of honeycomb.
//!
//! Trunks are lines on which branches sit at their own nodes, so that no more than three segments meet. Crossing lines do
//! not join.

use super::{Draft, Parameters, Plan, Septa, Sheet, honeycomb};
use crate::grid::Grid;
use crate::initial::Space;
use crate::math;
use crate::random::{Dice, Purpose, Roll};
use crate::state::vessels::{Bed, Class};

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

/// The network while it grows: trunks become chains of segments at the end.
struct Lines {
    draft: Draft,
    trunks: Vec<Trunk>,
}

impl Lines {
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
        let branch = self.draft.branch();
        let share = self.draft.share(pitch_um);
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

    /// An arteriole and a venule of one rank at these places, upright.
    fn trunk_pair(&mut self, p: &Parameters, bed: Bed, radius_um: f64, x: [f64; 2], y: f64) -> [usize; 2] {
        [(Class::Arteriole, x[0], 1.0), (Class::Venule, x[1], p.venule_ratio)]
            .map(|(class, x, wider)| self.trunk(class, bed, radius_um * wider, p.trunk_pitch_um, 2, [x, y, 0.0], false))
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
        let node = self.draft.node(self.draft.wrapped(place));
        self.trunks[trunk].seats.push((along, node));
        node
    }

    /// Turns trunks into chains of segments.
    fn lay_trunks(&mut self) {
        let wide = self.draft.grid.nx as f64 * self.draft.grid.voxel_um;
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
                self.draft.plans.push(Plan {
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

/// Draws a network for a section.
pub(super) fn draw(p: &Parameters, space: &Space, grid: &Grid, septa: &Septa, dice: Dice, attempt: u64) -> Draft {
    let wide = grid.nx as f64 * grid.voxel_um;
    let deep = grid.nz as f64 * grid.voxel_um;
    let junction = math::min(space.skin_mm * 1000.0, deep - 400.0);
    let y = grid.ny as f64 * grid.voxel_um / 2.0;
    let ring = grid.periodic;
    let mut roll = dice.roll(Purpose::NetworkLayout, attempt << 32 | 1);
    let mut d = Lines {
        draft: Draft::new(grid),
        trunks: Vec::new(),
    };
    let wrap = |x: f64| {
        if ring {
            x - (x / wide).floor() * wide
        } else {
            math::clamp(x, 30.0, wide - 30.0)
        }
    };
    let mut septa: Vec<f64> = septa.feeding().iter().map(|place| place[0]).collect();
    septa.sort_by(f64::total_cmp);
    let venous = p.venule_ratio;

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
        let [a, v] = d.trunk_pair(p, Bed::Septal, p.septal_radius_um, [ax, vx], y);
        for (trunk, plexus, at, arterial) in [(a, deep_a, ax, true), (v, deep_v, vx, false)] {
            let inlet = d.seat(trunk, deep - 1.0);
            d.draft.boundary.push((inlet, arterial));
            let crown = d.seat(trunk, d.trunks[plexus].at[2] + 30.0);
            let on_plexus = d.seat(plexus, at);
            let (class, branch, radius) = (d.trunks[trunk].class, d.trunks[trunk].branch, d.trunks[trunk].radius_um);
            d.draft
                .join(crown, on_plexus, class, Bed::Septal, branch, radius, p.trunk_pitch_um);
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
        let [a, v] = d.trunk_pair(p, Bed::Ascending, p.ascending_radius_um, [ax, vx], y);
        for (trunk, low, high, at) in [(a, deep_a, upper_a, ax), (v, deep_v, upper_v, vx)] {
            for (plexus, offset) in [(low, -30.0), (high, 30.0)] {
                let end = d.seat(trunk, d.trunks[plexus].at[2] + offset);
                let seat = d.seat(plexus, at);
                let (class, branch, radius) =
                    (d.trunks[trunk].class, d.trunks[trunk].branch, d.trunks[trunk].radius_um);
                d.draft
                    .join(end, seat, class, Bed::Ascending, branch, radius, p.trunk_pitch_um);
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
        let apex_z = space.epidermis_um + 35.0 + roll.between(0.0, 15.0);
        let foot = d.seat(upper_a, wrap(x));
        let drain = d.seat(upper_v, wrap(x + 40.0));
        let narrow = roll.log_normal(p.loop_radius_um, 0.06);
        let (apex, turn) = ([wrap(x), y, apex_z], [wrap(x + 22.0), y, apex_z]);
        d.draft.papillary_loop(p, foot, apex, turn, drain, narrow);
    }

    // Capillary bed of the dermis, tapped from the vessels around it.
    let dermal = Sheet {
        class: Class::Capillary,
        bed: Bed::Dermal,
        branch: d.draft.branch(),
        radius_um: p.capillary_radius_um,
        radius_sd_log: 0.08,
        edge_um: p.dermal_mesh_um,
        axes: [0, 2],
        ranges: [[0.0, wide], [top + 220.0, junction - 150.0]],
        rings: [ring, false],
        at: [0.0, y, 0.0],
        missing: p.missing_share,
        pitch_um: p.capillary_pitch_um,
    };
    let mut free = honeycomb(&mut d.draft, &dermal, dice, attempt);
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
        let z_range = [junction + 150.0, deep - 60.0];
        let lobule = Sheet {
            bed: Bed::Fat,
            branch: d.draft.branch(),
            edge_um: p.fat_mesh_um,
            ranges: [[left + 110.0, right - 110.0], z_range],
            rings: [false, false],
            ..dermal
        };
        let mut free = honeycomb(&mut d.draft, &lobule, dice, attempt);
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
    d.draft
}

/// A terminal vessel inside a lobule: a short line from the septum with taps into the bed.
fn lobular(
    d: &mut Lines,
    p: &Parameters,
    source: usize,
    class: Class,
    z: f64,
    [x0, x1]: [f64; 2],
    from_left: bool,
    widen: f64,
    free: &mut Vec<u32>,
    roll: &mut Roll,
) {
    let y = d.trunks[source].at[1];
    let root = d.seat(source, z);
    let line = d.trunk(
        class,
        Bed::Tap,
        p.lobular_radius_um * widen,
        p.plexus_pitch_um,
        0,
        [0.0, y, d.draft.nodes[root as usize][2]],
        false,
    );
    let near = if from_left { x0 } else { x1 };
    let entry = d.seat(line, near);
    let branch = d.trunks[line].branch;
    d.draft.join(
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
fn tap(d: &mut Lines, p: &Parameters, trunk: usize, along: f64, free: &mut Vec<u32>, radius_um: f64, reach_um: f64) {
    let mut place = d.trunks[trunk].at;
    place[d.trunks[trunk].axis] = along;
    let best = free
        .iter()
        .enumerate()
        .map(|(i, &node)| (d.draft.grid.distance_um(place, d.draft.nodes[node as usize]), i))
        .filter(|&(distance, _)| distance < reach_um)
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    if let Some((_, i)) = best {
        let node = free.swap_remove(i);
        let seat = d.seat(trunk, along);
        let (class, branch) = (d.trunks[trunk].class, d.trunks[trunk].branch);
        d.draft
            .join(seat, node, class, Bed::Tap, branch, radius_um, p.capillary_pitch_um);
    }
}
