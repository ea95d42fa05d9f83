//! The tissue as a reader of sections knows it: layers, fat cells, vessels in true width with their state, mineral,
//! dead tissue, hypoxia, ulcer. What is finer than a voxel (fibres, nuclei) is texture from a hash of the place and
//! carries no data.

use super::canvas::{Canvas, Point, Rgb, mix};
use super::colours::{self, INK, WHITE};
use super::field::{self, Stroke};
use super::texture::{grain, noise};
use super::{View, contour};
use crate::math;
use crate::state::snapshot::{CellKind, SegmentView};
use crate::state::{Class, Kind, Snapshot, Species, Vitality};

/// Wall mineral from which a segment counts as calcified (definition of the column).
pub const CALCIFIED: f64 = 0.05;
/// Wall mineral from which the deposit is drawn coarse instead of stippled.
pub const COARSE: f64 = 0.3;
/// Thrombus from which a segment counts as closed (definition of the column).
pub const THROMBOSED: f64 = 0.9;
/// Neo-intima from which a segment is drawn as narrowed.
pub const NARROWED: f64 = 0.3;
/// Share of the first flow below which a segment is drawn hollow (definition of «perfused»).
pub const NO_FLOW: f64 = 0.1;
/// Interstitial mineral from which dots appear, one to four a voxel.
pub const INTERSTITIAL: [f64; 4] = [0.002, 0.006, 0.02, 0.06];

const KINDS: [Kind; 6] = [
    Kind::Epidermis,
    Kind::Papillary,
    Kind::Reticular,
    Kind::Septum,
    Kind::Fat,
    Kind::Membrane,
];

/// Scale of a drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Pixels in a micrometre of tissue.
    pub px_per_um: f64,
    /// Pixels in a point of ink: widths of lines and sizes of signs.
    pub px_per_pt: f64,
}

impl Scale {
    /// Pixels in a point of what must stay visible when it is drawn to scale: finer on a small map.
    fn hair(self) -> f64 {
        self.px_per_pt * math::clamp(10.0 * self.px_per_um / self.px_per_pt, 0.45, 1.0)
    }
}

/// Draws a snapshot, its hypoxic border at a tension.
pub fn draw(snapshot: &Snapshot, view: &View, scale: Scale, hypoxia_mmhg: f64) -> Canvas {
    draw_over(ground(snapshot, view, scale), snapshot, view, scale, hypoxia_mmhg)
}

/// Tissue and fat cells alone: what does not change in a run, so that an animation draws it once.
pub fn ground(snapshot: &Snapshot, view: &View, scale: Scale) -> Canvas {
    let [width, height] = view.extent_um();
    let mut canvas = Canvas::new(
        (width * scale.px_per_um).round() as usize,
        (height * scale.px_per_um).round() as usize,
        WHITE,
    );
    tissue(&mut canvas, snapshot, view, scale);
    fat_cells(&mut canvas, snapshot, view, scale);
    canvas
}

/// Draws a snapshot over its ground.
pub fn draw_over(mut canvas: Canvas, snapshot: &Snapshot, view: &View, scale: Scale, hypoxia_mmhg: f64) -> Canvas {
    fate(&mut canvas, snapshot, view, scale);
    interstitial_mineral(&mut canvas, snapshot, view, scale);
    vessels(&mut canvas, snapshot, view, scale);
    cells(&mut canvas, snapshot, view, scale);
    borders(&mut canvas, snapshot, view, scale, hypoxia_mmhg);
    thrombi(&mut canvas, snapshot, view, scale);
    canvas
}

/// Tone of a tissue at a place [µm].
pub fn tone(kind: Kind, place_um: Point) -> Rgb {
    let [x, y] = place_um;
    let ground = colours::tissue(kind);
    let fibres = |long: f64, short: f64, strength: f64| {
        let wave = 30.0 * noise(x / 140.0, y / 140.0);
        let streak = noise(x / long + 9.0, (y + wave) / short);
        mix(ground, colours::rgb(0xcf7f9c), strength * streak)
    };
    match kind {
        Kind::Epidermis => mix(
            ground,
            colours::rgb(0x5c3f86),
            0.55 * math::positive(noise(x / 7.0, y / 7.0) - 0.45),
        ),
        Kind::Papillary => fibres(34.0, 12.0, 0.28),
        Kind::Reticular => fibres(95.0, 17.0, 0.62),
        Kind::Septum => fibres(28.0, 60.0, 0.45),
        Kind::Fat => ground,
        Kind::Membrane => fibres(60.0, 60.0, 0.22),
    }
}

/// For each voxel of the plane, what holds of it and its neighbours.
fn around(view: &View, holds: impl Fn(&[usize]) -> bool) -> Vec<bool> {
    (0..view.nx * view.ny)
        .map(|i| {
            let (x, y) = (i % view.nx, i / view.nx);
            let mut near = vec![i];
            for y in y.saturating_sub(1)..(y + 2).min(view.ny) {
                for x in x.saturating_sub(1)..(x + 2).min(view.nx) {
                    near.push(x + view.nx * y);
                }
            }
            holds(&near)
        })
        .collect()
}

/// Index in the plane of the voxel that holds a place in voxels.
fn nearest(view: &View, voxel: Point) -> usize {
    (voxel[0] as usize).min(view.nx - 1) + view.nx * (voxel[1] as usize).min(view.ny - 1)
}

/// Ground tones, with borders smoothed over half a voxel.
fn tissue(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    let shares: Vec<(Kind, Vec<f64>)> = KINDS
        .into_iter()
        .filter_map(|kind| {
            let mask = view.flat(|v| snapshot.kind[v] == kind);
            let any = mask.contains(&true);
            any.then(|| (kind, contour::smooth(&mask, view.nx, view.ny, 1)))
        })
        .collect();
    // Away from borders there is nothing to weigh.
    let kinds = view.flat(|v| snapshot.kind[v]);
    let pure = around(view, |near| near.iter().all(|&i| kinds[i] == kinds[near[0]]));
    canvas.shade(|x, y| {
        let place = [(x as f64 + 0.5) / scale.px_per_um, (y as f64 + 0.5) / scale.px_per_um];
        let voxel = [place[0] / view.voxel_um, place[1] / view.voxel_um];
        let here = nearest(view, voxel);
        if pure[here] {
            return Some((tone(kinds[here], place), 1.0));
        }
        let mut first = (Kind::Fat, -1.0);
        let mut second = first;
        for (kind, share) in &shares {
            let here = contour::at(share, view.nx, view.ny, voxel);
            if here > first.1 {
                second = first;
                first = (*kind, here);
            } else if here > second.1 {
                second = (*kind, here);
            }
        }
        let colour = tone(first.0, place);
        let lead = first.1 - second.1;
        let soft = if lead < 0.1 && second.1 > 0.0 {
            mix(tone(second.0, place), colour, 0.5 + 5.0 * lead)
        } else {
            colour
        };
        Some((soft, 1.0))
    });
}

/// Fat cells as rounded cells with a thin membrane, from the centre and size of their footprints.
fn fat_cells(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    const NONE: u32 = u32::MAX;
    let cell = view.flat(|v| snapshot.adipocyte[v]);
    let width_um = view.extent_um()[0];
    let unwrap = |dx: f64| {
        if snapshot.grid.periodic {
            dx - (dx / width_um).round() * width_um
        } else {
            dx
        }
    };
    // Centre and radius of each cell, by its number; sums are relative to the first voxel because x may wrap.
    struct Round {
        anchor: Point,
        sum: Point,
        voxels: f64,
    }
    let mut order: Vec<u32> = cell.iter().copied().filter(|&c| c != NONE).collect();
    order.sort_unstable();
    order.dedup();
    if order.is_empty() {
        return;
    }
    let slot = |c: u32| order.binary_search(&c).unwrap_or(0);
    let mut rounds: Vec<Option<Round>> = order.iter().map(|_| None).collect();
    let centre = |i: usize| {
        [
            ((i % view.nx) as f64 + 0.5) * view.voxel_um,
            ((i / view.nx) as f64 + 0.5) * view.voxel_um,
        ]
    };
    for (i, &c) in cell.iter().enumerate().filter(|&(_, &c)| c != NONE) {
        let here = centre(i);
        let round = rounds[slot(c)].get_or_insert(Round {
            anchor: here,
            sum: [0.0; 2],
            voxels: 0.0,
        });
        round.sum[0] += unwrap(here[0] - round.anchor[0]);
        round.sum[1] += here[1] - round.anchor[1];
        round.voxels += 1.0;
    }
    let rounds: Vec<(Point, f64)> = rounds
        .into_iter()
        .map(|round| match round {
            Some(r) => (
                [r.anchor[0] + r.sum[0] / r.voxels, r.anchor[1] + r.sum[1] / r.voxels],
                (r.voxels / std::f64::consts::PI).sqrt() * view.voxel_um,
            ),
            None => ([0.0; 2], 0.0),
        })
        .collect();
    // Cells within two voxels of each voxel.
    let near: Vec<Vec<u32>> = (0..cell.len())
        .map(|i| {
            let (x, y) = ((i % view.nx) as i64, (i / view.nx) as i64);
            if cell[i] == NONE {
                return Vec::new();
            }
            let mut list: Vec<u32> = (-2..=2)
                .flat_map(|dy| (-2..=2).map(move |dx| (x + dx, y + dy)))
                .filter_map(|(x, y)| {
                    let x = if snapshot.grid.periodic {
                        x.rem_euclid(view.nx as i64)
                    } else {
                        x
                    };
                    let inside = (0..view.nx as i64).contains(&x) && (0..view.ny as i64).contains(&y);
                    inside.then(|| cell[x as usize + view.nx * y as usize])
                })
                .filter(|&c| c != NONE)
                .map(|c| slot(c) as u32)
                .collect();
            list.sort_unstable();
            list.dedup();
            list
        })
        .collect();
    let membrane_um = math::max(2.2, 0.55 * scale.px_per_pt / scale.px_per_um);
    canvas.shade(|x, y| {
        let place = [(x as f64 + 0.5) / scale.px_per_um, (y as f64 + 0.5) / scale.px_per_um];
        let (vx, vy) = (
            ((place[0] / view.voxel_um) as usize).min(view.nx - 1),
            ((place[1] / view.voxel_um) as usize).min(view.ny - 1),
        );
        let mut gaps = [f64::INFINITY; 3];
        for &c in &near[vx + view.nx * vy] {
            let (centre, radius) = rounds[c as usize];
            let (dx, dy) = (unwrap(place[0] - centre[0]), place[1] - centre[1]);
            let gap = (dx * dx + dy * dy).sqrt() - radius;
            if gap < gaps[0] {
                gaps = [gap, gaps[0], gaps[1]];
            } else if gap < gaps[1] {
                gaps = [gaps[0], gap, gaps[1]];
            } else if gap < gaps[2] {
                gaps[2] = gap;
            }
        }
        if gaps[0].is_infinite() {
            return None;
        }
        // Distance to the common wall, pulled in at corners where three cells meet: cells look round.
        let wall = (gaps[1] - gaps[0]) / 2.0;
        let corner = (gaps[2] - gaps[0]) / 2.0;
        let rounding = 9.0;
        let depth = if corner < rounding {
            wall - (rounding - corner) * (rounding - corner) / (4.0 * rounding)
        } else {
            wall
        };
        let soft = 1.0 / scale.px_per_um;
        let share = math::unit((membrane_um / 2.0 - depth) / soft + 0.5);
        (share > 0.0).then_some((colours::FAT_MEMBRANE, 0.9 * share))
    });
}

/// Dead tissue: brown wash and hatch. Open bed, granulation, lost epidermis.
fn fate(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    let mask = |vitality: Vitality| {
        let voxels = view.flat(|v| snapshot.vitality[v] == vitality);
        voxels
            .contains(&true)
            .then(|| contour::smooth(&voxels, view.nx, view.ny, 2))
    };
    let [dead, gone, healed] = [mask(Vitality::Necrotic), mask(Vitality::Gone), mask(Vitality::Healed)];
    let open = bare_epidermis(snapshot, view);
    let touched = around(view, |near| {
        near.iter().any(|&i| {
            open[i]
                || [&dead, &gone, &healed]
                    .iter()
                    .any(|m| m.as_ref().is_some_and(|m| m[i] > 0.0))
        })
    });
    let pt = scale.px_per_pt;
    canvas.shade(|x, y| {
        let voxel = [
            (x as f64 + 0.5) / scale.px_per_um / view.voxel_um,
            (y as f64 + 0.5) / scale.px_per_um / view.voxel_um,
        ];
        let here = nearest(view, voxel);
        if !touched[here] {
            return None;
        }
        let inside = |mask: &Option<Vec<f64>>| {
            mask.as_ref()
                .is_some_and(|m| contour::at(m, view.nx, view.ny, voxel) >= 0.5)
        };
        if open[here] || inside(&gone) {
            return Some((colours::OPEN_BED, 0.94));
        }
        if inside(&dead) {
            return Some(hatch(x, y, pt));
        }
        inside(&healed).then(|| granulation(x, y, pt))
    });
}

/// Wash and hatch of dead tissue at a pixel.
pub fn hatch(x: usize, y: usize, px_per_pt: f64) -> (Rgb, f64) {
    let period = 6.5 * px_per_pt;
    let along = (x as f64 + y as f64) * std::f64::consts::FRAC_1_SQRT_2;
    let off = (along - (along / period).floor() * period - period / 2.0).abs();
    let line = math::unit(0.45 * px_per_pt + 0.5 - off);
    (mix(colours::NECROSIS, colours::NECROSIS_LINE, line), 0.36 + 0.26 * line)
}

/// Wash and dots of granulation tissue at a pixel.
pub fn granulation(x: usize, y: usize, px_per_pt: f64) -> (Rgb, f64) {
    let period = 4.0 * px_per_pt;
    let row = (y as f64 / period).floor();
    let shift = if row as i64 % 2 == 0 { 0.0 } else { period / 2.0 };
    let dx = x as f64 + shift - (((x as f64 + shift) / period).floor() + 0.5) * period;
    let dy = y as f64 - (row + 0.5) * period;
    let dot = math::unit(0.7 * px_per_pt + 0.5 - (dx * dx + dy * dy).sqrt());
    (mix(colours::GRANULATION, colours::rgb(0x8e2f2a), dot), 0.45 + 0.4 * dot)
}

/// Epidermis voxels of columns that are open now.
fn bare_epidermis(snapshot: &Snapshot, view: &View) -> Vec<bool> {
    (0..view.nx * view.ny)
        .map(|i| {
            let (x, y) = (i % view.nx, i / view.nx);
            view.depth_down
                && snapshot.kind[view.voxel(x, y)] == Kind::Epidermis
                && snapshot.covered.get(view.column(x)) == Some(&0)
        })
        .collect()
}

/// Runs of open columns: first and end voxel in x.
pub fn ulcers(snapshot: &Snapshot, view: &View) -> Vec<[usize; 2]> {
    let mut runs: Vec<[usize; 2]> = Vec::new();
    if !view.depth_down {
        return runs;
    }
    for x in 0..view.nx {
        if snapshot.covered.get(view.column(x)) != Some(&0) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run[1] == x => run[1] = x + 1,
            _ => runs.push([x, x + 1]),
        }
    }
    runs
}

/// Mineral between the vessels as black dots, one to four a voxel.
fn interstitial_mineral(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    let values = field::values(snapshot, view, Species::Mineral);
    let radius = math::max(0.09 * view.voxel_um * scale.px_per_um, 0.28 * scale.hair());
    for (i, &value) in values.iter().enumerate() {
        let dots = INTERSTITIAL.iter().filter(|&&level| value >= level).count();
        let (x, y) = (i % view.nx, i / view.nx);
        for dot in 0..dots {
            let (gx, gy) = (4 * x as i64 + dot as i64, 7919 + y as i64);
            let place = [
                (x as f64 + 0.1 + 0.8 * grain(gx, gy)) * view.voxel_um * scale.px_per_um,
                (y as f64 + 0.1 + 0.8 * grain(gy, gx)) * view.voxel_um * scale.px_per_um,
            ];
            canvas.disc(place, radius, colours::MINERAL, 0.9);
        }
    }
}

/// Segments from thin to wide, so that wide ones lie on top.
pub fn by_radius(snapshot: &Snapshot) -> Vec<&SegmentView> {
    let mut segments: Vec<&SegmentView> = snapshot.segments.iter().collect();
    segments.sort_by(|a, b| a.radius_um.total_cmp(&b.radius_um).then(a.id.cmp(&b.id)));
    segments
}

/// Whether the tissue around the middle of a segment is no more: a blade, a punch or shedding took the vessel with it.
fn is_taken(snapshot: &Snapshot, segment: &SegmentView) -> bool {
    let [a, b] = segment.ends_um.map(|p| p.map(f64::from));
    let way = snapshot.grid.offset_um(a, b);
    let middle = std::array::from_fn(|i| a[i] + way[i] / 2.0);
    snapshot.vitality[snapshot.grid.voxel_at(middle)] == Vitality::Gone
}

/// The straight pieces of a segment in pixels.
pub fn pieces_px(segment: &SegmentView, view: &View, px_per_um: f64) -> Vec<[Point; 2]> {
    view.pieces_um(segment)
        .into_iter()
        .map(|ends| ends.map(|p| [p[0] * px_per_um, p[1] * px_per_um]))
        .collect()
}

/// The network: mineral around walls, then walls, then lumens, so that lumens join at branches.
fn vessels(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    let drawn: Vec<_> = by_radius(snapshot)
        .into_iter()
        .filter(|s| !is_taken(snapshot, s))
        .map(|s| (s, pieces_px(s, view, scale.px_per_um)))
        .collect();
    for layer in [Layer::Mineral, Layer::Wall, Layer::Lumen] {
        for (segment, pieces) in &drawn {
            for &[a, b] in pieces {
                vessel(canvas, segment, a, b, scale, layer);
            }
        }
    }
}

/// A layer of a vessel, from below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Black edge of a calcified wall.
    Mineral,
    /// Wall, which is also the dark halo of the lumen.
    Wall,
    /// What fills the vessel.
    Lumen,
}

/// One layer of one straight piece of a vessel.
pub fn vessel(canvas: &mut Canvas, segment: &SegmentView, a: Point, b: Point, scale: Scale, layer: Layer) {
    let pt = scale.hair();
    let bore = math::max(2.0 * f64::from(segment.radius_um) * scale.px_per_um, 0.55 * pt);
    let wall = match segment.class {
        // Media: a quarter of the radius on each side.
        Class::Arteriole => math::max(0.25 * bore, 0.7 * pt),
        Class::Capillary => 0.18 * pt,
        Class::Venule => 0.4 * pt,
    };
    let mineral = f64::from(segment.mineral);
    let blood = colours::lumen(segment.class);
    match layer {
        Layer::Mineral if mineral >= CALCIFIED => {
            let edge = wall + (0.8 + 0.9 * math::unit(mineral)) * pt;
            let dash: &[f64] = if mineral < COARSE {
                &[0.6, bore + 2.0 * edge + 0.2 * pt]
            } else {
                &[]
            };
            canvas.polyline(&[a, b], bore + 2.0 * edge, colours::MINERAL, dash);
        }
        Layer::Mineral => {}
        Layer::Wall => {
            let colour = match segment.class {
                Class::Arteriole => colours::rgb(0x8a2a4a),
                Class::Capillary => mix(blood, INK, 0.25),
                Class::Venule => mix(blood, INK, 0.45),
            };
            canvas.line(a, b, bore + 2.0 * wall, colour, 1.0);
        }
        Layer::Lumen => {
            let still = f64::from(segment.relative_flow) < NO_FLOW;
            let fill = if f64::from(segment.thrombus) >= THROMBOSED {
                colours::rgb(0x6b4a3a)
            } else if still {
                colours::rgb(0xfbf6f2)
            } else {
                blood
            };
            let neointima = f64::from(segment.neointima);
            if neointima >= NARROWED {
                canvas.line(a, b, bore, colours::rgb(0xf3d9e2), 1.0);
                let core = math::max(bore * (1.0 - math::unit(neointima)), 0.3 * pt);
                canvas.line(a, b, core, fill, 1.0);
            } else {
                canvas.line(a, b, bore, fill, 1.0);
            }
        }
    }
}

/// Orange crosses with a white halo on closed segments. A cross that would cover another is left out.
fn thrombi(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    let mut closed: Vec<&SegmentView> = by_radius(snapshot)
        .into_iter()
        .filter(|s| f64::from(s.thrombus) >= THROMBOSED && !is_taken(snapshot, s))
        .collect();
    closed.reverse();
    let mut placed: Vec<(Point, f64)> = Vec::new();
    for segment in closed {
        let size = if segment.class == Class::Capillary { 1.7 } else { 2.9 } * scale.hair();
        for [a, b] in pieces_px(segment, view, scale.px_per_um) {
            let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
            let free = placed.iter().all(|(p, s)| {
                let (dx, dy) = (p[0] - middle[0], p[1] - middle[1]);
                let apart = 1.4 * (size + s);
                dx * dx + dy * dy >= apart * apart
            });
            if free {
                placed.push((middle, size));
            }
        }
    }
    for (centre, size) in placed {
        cross(canvas, centre, size, scale.hair());
    }
}

/// An orange cross with a white halo.
pub fn cross(canvas: &mut Canvas, centre: Point, size: f64, px_per_pt: f64) {
    let arms = [[[-size, -size], [size, size]], [[-size, size], [size, -size]]];
    let width = math::max(0.36 * size, 0.7 * px_per_pt);
    for (colour, width) in [(WHITE, width + 1.5 * px_per_pt), (colours::THROMBUS, width)] {
        for [a, b] in arms {
            canvas.line(
                [centre[0] + a[0], centre[1] + a[1]],
                [centre[0] + b[0], centre[1] + b[1]],
                width,
                colour,
                1.0,
            );
        }
    }
}

/// Moving cells: small dots, larger dots, outlined triangles; size and shape tell them apart.
fn cells(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale) {
    for cell in &snapshot.cells {
        if !view.shows(cell.place_um) {
            continue;
        }
        let place = view.project(cell.place_um).map(|x| x * scale.px_per_um);
        mover(canvas, cell.kind, place, scale);
    }
}

/// One moving cell.
pub fn mover(canvas: &mut Canvas, kind: CellKind, place: Point, scale: Scale) {
    let pt = scale.hair();
    match kind {
        CellKind::Neutrophil => {
            let radius = math::max(5.0 * scale.px_per_um, 0.5 * pt);
            canvas.disc(place, radius, colours::NEUTROPHIL, 0.9);
        }
        CellKind::Macrophage => {
            let radius = math::max(9.0 * scale.px_per_um, 0.95 * pt);
            canvas.disc(place, radius, colours::MACROPHAGE, 0.95);
            canvas.ring(place, radius, 0.35 * pt, WHITE);
        }
        CellKind::Msc => {
            let size = math::max(12.0 * scale.px_per_um, 2.3 * pt);
            let corners = |size: f64| {
                [
                    [place[0], place[1] - size],
                    [place[0] + 0.87 * size, place[1] + 0.5 * size],
                    [place[0] - 0.87 * size, place[1] + 0.5 * size],
                ]
            };
            canvas.polygon(&corners(size + 1.3 * pt), WHITE, 1.0);
            canvas.polygon(&corners(size + 0.3 * pt), INK, 1.0);
            canvas.polygon(&corners(size - 0.8 * pt), colours::MSC, 1.0);
        }
    }
}

/// Borders: challenge radius (dotted), hypoxia (dashed), dead tissue (solid).
fn borders(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, scale: Scale, hypoxia_mmhg: f64) {
    let pt = scale.px_per_pt;
    let oxygen = field::values(snapshot, view, Species::Oxygen);
    field::trace(canvas, &oxygen, view, hypoxia_mmhg, scale.px_per_um, hypoxia_stroke(pt));
    field::trace(
        canvas,
        &contour::smooth(
            &view.flat(|v| snapshot.vitality[v] == Vitality::Necrotic),
            view.nx,
            view.ny,
            2,
        ),
        view,
        0.5,
        scale.px_per_um,
        necrosis_stroke(pt),
    );
    let challenged = view.flat(|v| snapshot.challenged[v]);
    if challenged.contains(&true) {
        let mask = contour::smooth(&challenged, view.nx, view.ny, 2);
        field::trace(canvas, &mask, view, 0.5, scale.px_per_um, challenge_stroke(pt));
    }
}

/// Line around a challenge.
pub fn challenge_stroke(pt: f64) -> Stroke<'static> {
    Stroke {
        width: 1.2 * pt,
        colour: INK,
        halo: 0.7 * pt,
        dash: if pt < 2.0 { &[0.01, 6.0] } else { &[0.01, 11.0] },
    }
}

/// Line around hypoxic tissue.
pub fn hypoxia_stroke(pt: f64) -> Stroke<'static> {
    Stroke {
        width: 1.1 * pt,
        colour: colours::HYPOXIA_LINE,
        halo: 0.5 * pt,
        dash: if pt < 2.0 { &[7.0, 5.0] } else { &[14.0, 10.0] },
    }
}

/// Line around dead tissue.
pub fn necrosis_stroke(pt: f64) -> Stroke<'static> {
    Stroke {
        width: 1.4 * pt,
        colour: colours::NECROSIS_LINE,
        halo: 0.6 * pt,
        dash: &[],
    }
}
