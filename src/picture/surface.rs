//! The skin from above: what the columns of the surface show. Schematic, and nothing but what the model computed: cover, dead
//! tissue, the bed of a wound, flow in the vessels of the dermis, and clots in them. Redness, swelling, bleeding into the skin and
//! the net of livedo (centimetres wide) are not in the model and are not painted.
//!
//! A block has a surface. A section has a strip as thick as its slab: strips of several days are stacked, so that a picture shows
//! place across and days down. A sheet seen from above (`plan`) has no skin.

use super::canvas::{Canvas, Point, Rgb, mix};
use super::colours::{self, INK, Ramp, WHITE, rgb};
use super::contour;
use super::field::Range;
use super::section::THROMBOSED;
use super::texture::noise;
use crate::grid::Plane;
use crate::math;
use crate::state::{Kind, Snapshot, Vitality};

/// A tone of healthy skin; a picture shows all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Light.
    Light,
    /// Brown.
    Brown,
    /// Dark.
    Dark,
}

impl Tone {
    /// All tones.
    pub const ALL: [Self; 3] = [Self::Light, Self::Brown, Self::Dark];

    /// Word on the command line and on pictures.
    pub fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Brown => "brown",
            Self::Dark => "dark",
        }
    }

    fn colour(self) -> Rgb {
        match self {
            Self::Light => rgb(0xf1c9a5),
            Self::Brown => rgb(0xc68642),
            Self::Dark => rgb(0x6b3e26),
        }
    }
}

/// What a column of the surface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skin {
    /// Covered, the dermis below alive.
    Covered,
    /// Covered, half or more of the dermis below dead.
    Undermined,
    /// Dead tissue at the surface, dry and black.
    Eschar,
    /// Open, dead tissue at the bottom.
    Slough,
    /// Open, living tissue at the bottom.
    Bed,
}

impl Skin {
    /// All states, in the order of the legend.
    pub const ALL: [Self; 5] = [Self::Covered, Self::Undermined, Self::Eschar, Self::Slough, Self::Bed];

    /// Word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Undermined => "undermined",
            Self::Eschar => "eschar",
            Self::Slough => "slough",
            Self::Bed => "bed",
        }
    }

    /// Words in a legend.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Covered => "covered skin",
            Self::Undermined => "covered, dermis below dead",
            Self::Eschar => "dead surface (eschar)",
            Self::Slough => "ulcer, dead bed (slough)",
            Self::Bed => "ulcer, living bed",
        }
    }

    /// Whether the surface is open or dead.
    pub fn is_lost(self) -> bool {
        !matches!(self, Self::Covered | Self::Undermined)
    }
}

/// The columns of a surface, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// Columns across.
    pub nx: usize,
    /// Rows: places across a block, or days of a section.
    pub ny: usize,
    /// Edge of a column [µm].
    pub voxel_um: f64,
    /// State.
    pub skin: Vec<Skin>,
    /// Share of the dermis that is dead or gone, 0-1.
    pub dead_dermis: Vec<f64>,
    /// Flow in the vessels of the dermis below, relative to day 0, mean by length; not a number where no vessel lies near.
    pub perfusion: Vec<f64>,
    /// Share of their length that is closed by clot, 0-1.
    pub clotted: Vec<f64>,
}

/// How far around a column its vessels are looked for [µm].
const REACH_UM: f64 = 100.0;

impl Surface {
    /// The surface of a snapshot; nothing where there is no skin.
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let grid = &snapshot.grid;
        if grid.plane == Plane::Plan || !snapshot.kind.contains(&Kind::Epidermis) {
            return None;
        }
        let columns = grid.nx * grid.ny;
        let dermis = |v: usize| matches!(snapshot.kind[v], Kind::Papillary | Kind::Reticular);
        let lost = |v: usize| matches!(snapshot.vitality[v], Vitality::Necrotic | Vitality::Gone);
        let dead_dermis: Vec<f64> = (0..columns)
            .map(|column| {
                let below = (0..grid.nz).map(|z| column + columns * z).filter(|&v| dermis(v));
                let (dead, all) = below.fold((0.0, 0.0), |(dead, all), v| {
                    (dead + f64::from(u8::from(lost(v))), all + 1.0)
                });
                if all > 0.0 { dead / all } else { 0.0 }
            })
            .collect();
        let skin = (0..columns)
            .map(|column| state(snapshot, column, columns, dead_dermis[column]))
            .collect();
        let (perfusion, clotted) = vessels(snapshot);
        Some(Self {
            nx: grid.nx,
            ny: grid.ny,
            voxel_um: grid.voxel_um,
            skin,
            dead_dermis,
            perfusion,
            clotted,
        })
    }

    /// Strips below each other: the days of a section.
    pub fn stacked(strips: Vec<Self>) -> Option<Self> {
        strips.into_iter().reduce(|mut all, strip| {
            all.ny += strip.ny;
            all.skin.extend(strip.skin);
            all.dead_dermis.extend(strip.dead_dermis);
            all.perfusion.extend(strip.perfusion);
            all.clotted.extend(strip.clotted);
            all
        })
    }

    /// Share of the columns in a state.
    pub fn share(&self, of: impl Fn(Skin) -> bool) -> f64 {
        let count = self.skin.iter().filter(|&&s| of(s)).count();
        count as f64 / self.skin.len().max(1) as f64
    }
}

fn state(snapshot: &Snapshot, column: usize, columns: usize, dead_dermis: f64) -> Skin {
    let top = snapshot.vitality[column];
    if top == Vitality::Necrotic {
        return Skin::Eschar;
    }
    let is_open = snapshot.covered.get(column) == Some(&0);
    if is_open || top == Vitality::Gone {
        let floor = (0..snapshot.grid.nz)
            .map(|z| snapshot.vitality[column + columns * z])
            .find(|v| *v != Vitality::Gone);
        return match floor {
            Some(Vitality::Necrotic) if top == Vitality::Gone => Skin::Slough,
            Some(Vitality::Necrotic) => Skin::Eschar,
            _ => Skin::Bed,
        };
    }
    if dead_dermis >= 0.5 {
        Skin::Undermined
    } else {
        Skin::Covered
    }
}

/// Flow relative to day 0 and share of clotted length around each column, from the vessels that lie in the dermis.
fn vessels(snapshot: &Snapshot) -> (Vec<f64>, Vec<f64>) {
    let grid = &snapshot.grid;
    let columns = grid.nx * grid.ny;
    let mut sums = vec![[0.0f64; 3]; columns];
    for segment in &snapshot.segments {
        let flow = f64::from(segment.relative_flow);
        let clot = f64::from(u8::from(f64::from(segment.thrombus) >= THROMBOSED));
        for (voxel, piece) in segment.voxels(grid) {
            if matches!(snapshot.kind[voxel], Kind::Papillary | Kind::Reticular) {
                let sum = &mut sums[voxel % columns];
                *sum = [sum[0] + piece, sum[1] + flow * piece, sum[2] + clot * piece];
            }
        }
    }
    let half = (REACH_UM / grid.voxel_um).round() as i64;
    let near = |column: usize| {
        let mut all = [0.0f64; 3];
        let rows = if grid.ny > 1 { -half..=half } else { 0..=0 };
        for dy in rows {
            for dx in -half..=half {
                if let Some(other) = grid.neighbour(column, dx, dy, 0) {
                    let sum = sums[other % columns];
                    all = [all[0] + sum[0], all[1] + sum[1], all[2] + sum[2]];
                }
            }
        }
        all
    };
    (0..columns)
        .map(|column| {
            let [length, flow, clot] = near(column);
            if length > 0.0 {
                (flow / length, clot / length)
            } else {
                (f64::NAN, 0.0)
            }
        })
        .unzip()
}

/// Size of a column on a picture [px].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Width.
    pub wide: f64,
    /// Height.
    pub high: f64,
    /// Pixels in a point of ink.
    pub px_per_pt: f64,
}

impl Cell {
    fn size(self, surface: &Surface) -> [usize; 2] {
        let px = |n: usize, edge: f64| (n as f64 * edge).round() as usize;
        [px(surface.nx, self.wide), px(surface.ny, self.high)]
    }
}

/// The skin as it might look at the bedside, in a tone. Outlines, not hue, tell the states apart.
pub fn bedside(surface: &Surface, cell: Cell, tone: Tone) -> Canvas {
    let [width, height] = cell.size(surface);
    let mut canvas = Canvas::new(width, height, tone.colour());
    let pt = cell.px_per_pt;
    canvas.shade(|x, y| {
        let at = column(surface, cell, x, y);
        let grain = noise(x as f64 / (3.0 * pt), y as f64 / (3.0 * pt));
        let shade = match surface.skin[at] {
            Skin::Covered | Skin::Undermined => covered(surface, at, tone, x, y, pt),
            Skin::Eschar => mix(rgb(0x1c1512), rgb(0x40322a), 0.5 * grain),
            Skin::Slough => mix(rgb(0xc9b458), rgb(0x8f7d36), 0.6 * grain),
            Skin::Bed => mix(rgb(0xb03a3a), rgb(0xd8766a), 0.7 * math::positive(grain - 0.35)),
        };
        Some((shade, 1.0))
    });
    outline(&mut canvas, surface, cell, &|i| surface.skin[i].is_lost(), &[]);
    outline(
        &mut canvas,
        surface,
        cell,
        &|i| surface.skin[i] == Skin::Undermined,
        &[3.0 * pt, 2.0 * pt],
    );
    canvas
}

/// Covered skin: dusky where the dermis is short of blood, speckled dark where its vessels are clotted.
fn covered(surface: &Surface, at: usize, tone: Tone, x: usize, y: usize, pt: f64) -> Rgb {
    let flow = surface.perfusion[at];
    let lack = if flow.is_finite() { 1.0 - math::unit(flow) } else { 0.0 };
    let dusky = mix(tone.colour(), rgb(0x5b3a6b), 0.35 * lack);
    let dots = noise(x as f64 / (1.6 * pt) + 17.0, y as f64 / (1.6 * pt));
    let mut colour = if surface.clotted[at] > dots {
        mix(dusky, rgb(0x4a1f3d), 0.7)
    } else {
        dusky
    };
    if surface.skin[at] == Skin::Undermined {
        let period = 5.0 * pt;
        let along = (x as f64 + y as f64) * std::f64::consts::FRAC_1_SQRT_2;
        let place = along - (along / period).floor() * period;
        colour = mix(colour, rgb(0x2b1a10), if place < 1.1 * pt { 0.75 } else { 0.25 });
    }
    colour
}

fn column(surface: &Surface, cell: Cell, x: usize, y: usize) -> usize {
    let across = (((x as f64 + 0.5) / cell.wide) as usize).min(surface.nx - 1);
    let down = (((y as f64 + 0.5) / cell.high) as usize).min(surface.ny - 1);
    across + surface.nx * down
}

/// The border of columns of a kind, dark with a light halo: seen on every tone.
fn outline(canvas: &mut Canvas, surface: &Surface, cell: Cell, of: &dyn Fn(usize) -> bool, dash: &[f64]) {
    let mask: Vec<f64> = (0..surface.nx * surface.ny)
        .map(|i| f64::from(u8::from(of(i))))
        .collect();
    let pt = cell.px_per_pt;
    for line in contour::lines(&mask, surface.nx, surface.ny, 0.5) {
        let line: Vec<Point> = line.iter().map(|p| [p[0] * cell.wide, p[1] * cell.high]).collect();
        canvas.polyline(&line, 2.4 * pt, WHITE, dash);
        canvas.polyline(&line, 1.1 * pt, INK, dash);
    }
}

/// Values of the columns as colours, column by column; grey hatch where there is none. The outline is that of lost skin.
pub fn values(surface: &Surface, cell: Cell, values: &[f64], ramp: Ramp, range: Range) -> Canvas {
    let [width, height] = cell.size(surface);
    let mut canvas = Canvas::new(width, height, WHITE);
    let table = ramp.table();
    canvas.shade(|x, y| {
        let value = values[column(surface, cell, x, y)];
        if !value.is_finite() {
            let is_line = (x + y) % 9 < 2;
            return Some((if is_line { colours::GREY } else { colours::PALE }, 1.0));
        }
        let index = math::clamp(range.place(value) * 255.0, 0.0, 255.0).round() as usize;
        Some((table[index], 1.0))
    });
    outline(&mut canvas, surface, cell, &|i| surface.skin[i].is_lost(), &[]);
    canvas
}

/// A swatch of a state in a tone.
pub fn swatch(skin: Skin, tone: Tone, size: [usize; 2], px_per_pt: f64) -> Canvas {
    let mut one = plain(skin);
    one.clotted = vec![0.0];
    bedside(
        &one,
        Cell {
            wide: size[0] as f64,
            high: size[1] as f64,
            px_per_pt,
        },
        tone,
    )
}

/// A swatch of covered skin with clots, or without flow.
pub fn swatch_of_vessels(clotted: f64, perfusion: f64, tone: Tone, size: [usize; 2], px_per_pt: f64) -> Canvas {
    let mut one = plain(Skin::Covered);
    one.clotted = vec![clotted];
    one.perfusion = vec![perfusion];
    bedside(
        &one,
        Cell {
            wide: size[0] as f64,
            high: size[1] as f64,
            px_per_pt,
        },
        tone,
    )
}

fn plain(skin: Skin) -> Surface {
    Surface {
        nx: 1,
        ny: 1,
        voxel_um: 1.0,
        skin: vec![skin],
        dead_dermis: vec![0.0],
        perfusion: vec![1.0],
        clotted: vec![0.0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::biopsy::tests::{block, section};

    fn skinned() -> Snapshot {
        let mut snapshot = block();
        for kind in &mut snapshot.kind {
            if *kind == Kind::Fat {
                *kind = Kind::Reticular;
            }
        }
        snapshot
    }

    #[test]
    fn a_column_is_what_its_top_and_its_floor_are() {
        let mut snapshot = skinned();
        let columns = snapshot.grid.nx * snapshot.grid.ny;
        let at = |snapshot: &Snapshot| Surface::of(snapshot).map(|s| s.skin[7]);
        assert_eq!(at(&snapshot), Some(Skin::Covered));
        for z in 3..snapshot.grid.nz {
            snapshot.vitality[7 + columns * z] = Vitality::Necrotic;
        }
        assert_eq!(at(&snapshot), Some(Skin::Undermined));
        snapshot.vitality[7] = Vitality::Necrotic;
        assert_eq!(at(&snapshot), Some(Skin::Eschar));
        for z in 0..3 {
            snapshot.vitality[7 + columns * z] = Vitality::Gone;
        }
        snapshot.covered[7] = 0;
        assert_eq!(at(&snapshot), Some(Skin::Slough));
        for z in 3..snapshot.grid.nz {
            snapshot.vitality[7 + columns * z] = Vitality::Healed;
        }
        assert_eq!(at(&snapshot), Some(Skin::Bed));
    }

    #[test]
    fn perfusion_is_that_of_the_vessels_below_and_nothing_is_painted_without_one() {
        let mut snapshot = skinned();
        for segment in &mut snapshot.segments {
            segment.relative_flow = 0.25;
        }
        snapshot.segments[0].thrombus = 1.0;
        let Some(surface) = Surface::of(&snapshot) else {
            panic!("a block has a surface");
        };
        let grid = &snapshot.grid;
        let over = grid.voxel_at([620.0, 500.0, 10.0]);
        assert!((surface.perfusion[over] - 0.25).abs() < 1e-6);
        assert!(surface.clotted[over] > 0.9);
        assert!(surface.perfusion[grid.voxel_at([950.0, 50.0, 10.0])].is_nan());
    }

    #[test]
    fn a_section_gives_a_strip_and_strips_are_stacked() {
        let strip = Surface::of(&section());
        assert!(strip.as_ref().is_some_and(|s| s.ny == 1));
        let two = Surface::stacked(strip.clone().into_iter().chain(strip).collect());
        assert!(two.is_some_and(|s| s.ny == 2 && s.skin.len() == 200));
        let mut bare = block();
        bare.grid.plane = Plane::Plan;
        assert_eq!(Surface::of(&bare), None);
    }

    #[test]
    fn the_same_surface_gives_the_same_pixels_and_tones_differ() {
        let Some(surface) = Surface::of(&skinned()) else {
            panic!("a block has a surface");
        };
        let cell = Cell {
            wide: 3.0,
            high: 3.0,
            px_per_pt: 1.5,
        };
        assert_eq!(bedside(&surface, cell, Tone::Dark), bedside(&surface, cell, Tone::Dark));
        assert_ne!(
            bedside(&surface, cell, Tone::Dark),
            bedside(&surface, cell, Tone::Light)
        );
    }
}
