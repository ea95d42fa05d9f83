//! What a page draws, packed: little-endian, one writer here and one reader in `web/page/frame.js`.
//!
//! | frame `CSF1`, offset | what |
//! |---|---|
//! | 0 | `CSF1` |
//! | 4 | u32 branch |
//! | 8 | f64 day |
//! | 16 | u64 state hash |
//! | 24 | u32 step |
//! | 28, 30 | u16 voxels across, down |
//! | 32, 36 | u32 segments, cells |
//! | 40, 42 | u16 fields, columns |
//! | 44 | u32 1 at the end of the run |
//! | 48 | f64 of each column of the series, NaN where it does not apply |
//! | then | u8 of each field and voxel, row after row; u8 vitality of each voxel; u8 covered of each column |
//! | then | six u8 of each segment: mineral, neo-intima, thrombus, integrity, relative flow / 2, oxygen / 127.5 mmHg |
//! | then | six bytes of each cell: kind, state, u16 across, u16 down, both shares of the extent |
//!
//! A geometry `CSG1` has u32 branch, u16 across and down, u32 segments, f32 width and height [µm], then the kind of each voxel
//! (u8, padded to four bytes), then of each segment: u64 id, f32 x, y of both ends and radius [µm], u32 class + 4 where the
//! picture shows it + 8 · bed.

use super::Message;
use crate::grid::{Grid, Plane};
use crate::math;
use crate::output::series::{COUNT, Row};
use crate::state::cells::Movers;
use crate::state::{Species, Tissue};

/// Half of the slice of a block whose vessels and cells are shown [µm].
const HALF_SLICE_UM: f64 = 75.0;

/// The plane of a grid that a page shows: all of a section or a plan, the middle slice of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Pane {
    /// Voxels across.
    pub nx: usize,
    /// Voxels down.
    pub ny: usize,
    /// Width and height [µm].
    pub extent_um: [f64; 2],
    /// Axis that points down.
    down: usize,
    /// Middle of the slice of a block [µm].
    middle_um: Option<f64>,
    first: usize,
    stride: usize,
}

impl Pane {
    /// The plane of a grid.
    pub fn of(grid: &Grid) -> Self {
        let [wide, broad, deep] = grid.extent_um();
        let is_plan = grid.plane == Plane::Plan;
        let row = if grid.plane == Plane::Block { grid.ny / 2 } else { 0 };
        Self {
            nx: grid.nx,
            ny: if is_plan { grid.ny } else { grid.nz },
            extent_um: [wide, if is_plan { broad } else { deep }],
            down: if is_plan { 1 } else { 2 },
            middle_um: (grid.plane == Plane::Block).then_some((row as f64 + 0.5) * grid.voxel_um),
            first: row * grid.nx,
            stride: if is_plan { grid.nx } else { grid.nx * grid.ny },
        }
    }

    /// Voxels of the plane, row after row.
    pub fn voxels(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.ny).flat_map(move |y| (0..self.nx).map(move |x| self.first + x + y * self.stride))
    }

    /// Columns of the surface above the plane, as `Keratinocytes::covered` counts them.
    fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nx).map(|x| self.first + x)
    }

    /// Across and down [µm].
    pub fn project(&self, place_um: [f64; 3]) -> [f64; 2] {
        [place_um[0], place_um[self.down]]
    }

    /// Whether something there belongs to the picture.
    pub fn shows(&self, place_um: [f64; 3]) -> bool {
        self.middle_um
            .is_none_or(|middle| (place_um[1] - middle).abs() <= HALF_SLICE_UM)
    }
}

/// Power of the scale on which a field is packed: faint mineral must be told from none.
pub fn power(species: Species) -> f64 {
    match species {
        Species::Mineral | Species::Bacteria => 2.0,
        _ => 1.0,
    }
}

/// A value of a field as a byte.
fn packed(value: f32, low: f32, high: f32, root: bool) -> u8 {
    let share = (value - low) / (high - low);
    let share = if root {
        math::positive(f64::from(share)).sqrt() as f32
    } else {
        share
    };
    // A cast saturates, and takes NaN for 0.
    (share * 255.0 + 0.5) as u8
}

fn byte(share: f64) -> u8 {
    (math::unit(share) * 255.0).round() as u8
}

/// A frame of a tissue.
pub fn frame(tissue: &Tissue, row: &Row, branch: usize, hash: u64, is_last: bool) -> Message {
    let pane = Pane::of(&tissue.grid);
    let (vessels, voxels) = (&tissue.vessels, pane.nx * pane.ny);
    let cells = cells(tissue, &pane);
    let mut out = Vec::with_capacity(48 + 8 * COUNT + 10 * voxels + pane.nx + 6 * (vessels.len() + cells.len() / 6));
    out.extend_from_slice(b"CSF1");
    out.extend_from_slice(&(branch as u32).to_le_bytes());
    out.extend_from_slice(&row.t_d.to_le_bytes());
    out.extend_from_slice(&hash.to_le_bytes());
    out.extend_from_slice(&(row.step as u32).to_le_bytes());
    out.extend_from_slice(&(pane.nx as u16).to_le_bytes());
    out.extend_from_slice(&(pane.ny as u16).to_le_bytes());
    out.extend_from_slice(&(vessels.len() as u32).to_le_bytes());
    out.extend_from_slice(&((cells.len() / 6) as u32).to_le_bytes());
    out.extend_from_slice(&(Species::ALL.len() as u16).to_le_bytes());
    out.extend_from_slice(&(COUNT as u16).to_le_bytes());
    out.extend_from_slice(&u32::from(is_last).to_le_bytes());
    for value in row.values {
        out.extend_from_slice(&value.unwrap_or(f64::NAN).to_le_bytes());
    }
    for species in Species::ALL {
        let ((low, high), field) = (species.picture_range(), tissue.fields.of(species));
        let (low, high, root) = (low as f32, high as f32, power(species) != 1.0);
        out.extend(pane.voxels().map(|v| packed(field[v], low, high, root)));
    }
    out.extend(pane.voxels().map(|v| tissue.anatomy.vitality[v] as u8));
    let covered = &tissue.cells.keratinocytes.covered;
    out.extend(pane.columns().map(|c| covered.get(c).copied().unwrap_or(1)));
    for s in 0..vessels.len() {
        out.extend_from_slice(&[
            byte(vessels.mineral[s]),
            byte(vessels.neointima[s]),
            byte(vessels.thrombus[s]),
            byte(vessels.mean_integrity(s)),
            byte(vessels.relative_flow(s) / 2.0),
            byte(vessels.po2_mmhg[s] / 127.5),
        ]);
    }
    out.extend_from_slice(&cells);
    Message::Bytes(out)
}

fn cells(tissue: &Tissue, pane: &Pane) -> Vec<u8> {
    let all: [(u8, &Movers); 3] = [
        (0, &tissue.cells.neutrophils),
        (1, &tissue.cells.macrophages),
        (2, &tissue.cells.msc),
    ];
    let share = |place: f64, extent: f64| (math::unit(place / extent) * 65_535.0).round() as u16;
    let mut out = Vec::new();
    for (kind, movers) in all {
        for i in 0..movers.len() {
            let place = movers.place_um(i);
            if !pane.shows(place) {
                continue;
            }
            let [x, y] = pane.project(place);
            out.extend_from_slice(&[kind, movers.state[i]]);
            out.extend_from_slice(&share(x, pane.extent_um[0]).to_le_bytes());
            out.extend_from_slice(&share(y, pane.extent_um[1]).to_le_bytes());
        }
    }
    out
}

/// What seldom changes: tissue of each voxel, course and width of each vessel.
pub fn geometry(tissue: &Tissue, branch: usize) -> Message {
    let pane = Pane::of(&tissue.grid);
    let vessels = &tissue.vessels;
    let mut out = Vec::new();
    out.extend_from_slice(b"CSG1");
    out.extend_from_slice(&(branch as u32).to_le_bytes());
    out.extend_from_slice(&(pane.nx as u16).to_le_bytes());
    out.extend_from_slice(&(pane.ny as u16).to_le_bytes());
    out.extend_from_slice(&(vessels.len() as u32).to_le_bytes());
    for extent in pane.extent_um {
        out.extend_from_slice(&(extent as f32).to_le_bytes());
    }
    out.extend(pane.voxels().map(|v| tissue.anatomy.kind[v] as u8));
    while out.len() % 4 != 0 {
        out.push(0);
    }
    for s in 0..vessels.len() {
        out.extend_from_slice(&vessels.id[s].to_le_bytes());
        for node in [vessels.from[s], vessels.to[s]] {
            for x in pane.project(vessels.nodes.place_um[node as usize]) {
                out.extend_from_slice(&(x as f32).to_le_bytes());
            }
        }
        out.extend_from_slice(&(vessels.radius_um[s] as f32).to_le_bytes());
        let shown = u32::from(pane.shows(vessels.middle_um(s)));
        let flags = vessels.class[s] as u32 + 4 * shown + 8 * vessels.bed[s] as u32;
        out.extend_from_slice(&flags.to_le_bytes());
    }
    Message::Bytes(out)
}

/// A picture `CSP1`: u32 width and height, then red, green, blue of each pixel.
pub fn picture(canvas: &crate::picture::Canvas) -> Message {
    let mut out = Vec::with_capacity(12 + canvas.pixels.len());
    out.extend_from_slice(b"CSP1");
    out.extend_from_slice(&(canvas.width as u32).to_le_bytes());
    out.extend_from_slice(&(canvas.height as u32).to_le_bytes());
    out.extend_from_slice(&canvas.pixels);
    Message::Bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_packed_between_the_ends_of_its_range() {
        assert_eq!(
            [-3.0, 0.0, 50.0, 100.0, 900.0].map(|x| packed(x, 0.0, 100.0, false)),
            [0, 0, 128, 255, 255]
        );
        assert_eq!(packed(f32::NAN, 0.0, 1.0, false), 0);
        assert_eq!(packed(0.0025, 0.0, 1.0, true), 13);
    }

    #[test]
    fn a_block_shows_its_middle_slice() {
        let grid = Grid {
            plane: Plane::Block,
            nx: 4,
            ny: 6,
            nz: 3,
            voxel_um: 50.0,
            slab_um: 50.0,
            periodic: true,
        };
        let pane = Pane::of(&grid);
        let voxels: Vec<usize> = pane.voxels().collect();
        assert_eq!((voxels.len(), voxels[0], voxels[4]), (12, 12, 36));
        assert!(pane.shows([0.0, 175.0, 0.0]) && !pane.shows([0.0, 20.0, 0.0]));
        assert_eq!(pane.project([1.0, 2.0, 3.0]), [1.0, 3.0]);
    }
}
