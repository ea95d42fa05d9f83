//! Layers of the skin: epidermis, papillary and reticular dermis, fat lobules between septa, and the cells in them.
//!
//! Septa stand where the feeding vessels rise; between them lie lobules, filled with fat cells as the Voronoi cells of a
//! jittered lattice. A plan is one sheet of membrane.
//! Source: thickness of skin at the thigh 1.9 mm, viable epidermis 20-79 µm (see `parameters.toml`).

use serde::Deserialize;

use super::Space;
use super::vessels::Septa;
use crate::grid::{Grid, Plane};
use crate::math;
use crate::random::{Dice, Purpose};
use crate::state::anatomy::NONE;
use crate::state::cells::{Adipocytes, Cells, Keratinocytes, Stroma};
use crate::state::{Anatomy, Kind};

/// Numbers of the layers. Registry section `skin`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Depth of the papillary dermis below the surface [µm].
    pub papillary_um: f64,
    /// Thickness of a septum [µm].
    pub septum_um: f64,
    /// Diameter of a fat cell [µm].
    pub adipocyte_um: f64,
}

/// Layers of a grid with these septa.
pub fn layers(p: &Parameters, space: &Space, grid: &Grid, septa: &Septa, dice: Dice) -> Anatomy {
    let n = grid.len();
    let phase = dice.roll(Purpose::Anatomy, 0).uniform() * 6.0;
    let dermis_um = space.skin_mm * 1000.0;
    let kind: Vec<Kind> = (0..n)
        .map(|voxel| {
            let [x, y, z] = grid.centre_um(voxel);
            if grid.plane == Plane::Plan {
                Kind::Membrane
            } else if space.epidermis && z < space.epidermis_um {
                Kind::Epidermis
            } else if z < p.papillary_um {
                Kind::Papillary
            } else if z < dermis_um {
                Kind::Reticular
            } else {
                // Septa waver a little with depth.
                let waver = 60.0 * math::sin(z / 700.0 + phase);
                let inside = septa.holds(grid, [x - waver, y], p.septum_um / 2.0);
                if inside { Kind::Septum } else { Kind::Fat }
            }
        })
        .collect();
    let epidermis_voxels = (0..grid.nz)
        .take_while(|&z| kind[grid.index(0, 0, z)] == Kind::Epidermis)
        .count();
    Anatomy {
        vitality: vec![crate::state::Vitality::Alive; n],
        ever_died: vec![false; n],
        death_step: vec![NONE; n],
        challenged: vec![false; n],
        adipocyte: vec![NONE; n],
        stromal_cell: vec![NONE; n],
        debris: vec![0.0; n],
        epidermis_voxels,
        kind,
    }
}

/// Tolerance of cells to ischaemia: median of stroma, of fat [h], spread of the logarithm.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Median of stromal cells [h].
    pub stroma_h: f64,
    /// Median of fat cells [h].
    pub adipocyte_h: f64,
    /// Standard deviation of the logarithm.
    pub sd_log: f64,
}

/// Fills the layers with fat cells, stromal cells and keratinocyte columns.
pub fn populate(p: &Parameters, grid: &Grid, anatomy: &mut Anatomy, tolerance: Tolerance, dice: Dice) -> Cells {
    let adipocytes = fat_cells(p, grid, anatomy, tolerance, dice);
    let mut stroma = Stroma::default();
    for voxel in 0..grid.len() {
        if matches!(
            anatomy.kind[voxel],
            Kind::Papillary | Kind::Reticular | Kind::Septum | Kind::Membrane
        ) {
            anatomy.stromal_cell[voxel] = stroma.voxel.len() as u32;
            stroma.voxel.push(voxel as u32);
            stroma.dose.push(0.0);
            let mut roll = dice.roll(Purpose::Tolerance, voxel as u64);
            stroma
                .tolerance_h
                .push(roll.log_normal(tolerance.stroma_h, tolerance.sd_log) as f32);
            stroma.dead.push(0);
        }
    }
    let columns = if anatomy.epidermis_voxels > 0 {
        grid.nx * grid.ny
    } else {
        0
    };
    let keratinocytes = Keratinocytes {
        covered: vec![1; columns],
        unsupported_h: vec![0.0; columns],
        open_h: vec![0.0; columns],
        creep: vec![0.0; columns],
    };
    Cells {
        adipocytes,
        stroma,
        keratinocytes,
        ..Cells::default()
    }
}

/// Voronoi cells of a jittered lattice, cut by septa and layers.
fn fat_cells(p: &Parameters, grid: &Grid, anatomy: &mut Anatomy, tolerance: Tolerance, dice: Dice) -> Adipocytes {
    let pitch = p.adipocyte_um;
    let [wide, _, deep] = grid.extent_um();
    let columns = math::max((wide / pitch).round(), 1.0);
    let step = [wide / columns, pitch * 0.9];
    let rows = (deep / step[1]).ceil() as i64 + 1;
    let (columns, row_of) = (columns as i64, |z: f64| (z / step[1]).floor() as i64);
    let broad = grid.ny > 1;
    let broad_um = grid.ny as f64 * grid.voxel_um;
    let layers = if broad {
        math::max((broad_um / pitch).round(), 1.0) as i64
    } else {
        1
    };
    let thick = broad_um / layers as f64;
    let draw = |i: i64, j: i64, k: i64| {
        let who = ((i.rem_euclid(columns) * 100_003 + j) * 10_007 + k.rem_euclid(layers)) as u64 + 1;
        let mut roll = dice.roll(Purpose::Anatomy, who);
        let shift = if j % 2 == 0 { 0.0 } else { 0.5 };
        let x = (i as f64 + shift + 0.5 + roll.between(-0.25, 0.25)) * step[0];
        let z = (j as f64 + 0.5 + roll.between(-0.25, 0.25)) * step[1];
        let y = if broad {
            (k as f64 + 0.5 + roll.between(-0.25, 0.25)) * thick
        } else {
            0.0
        };
        ([x, y, z], who)
    };
    // Every centre is drawn once: a block asks for each of them hundreds of times.
    let mut centres = Vec::with_capacity((columns * (rows + 1) * layers) as usize);
    for j in 0..=rows {
        for k in 0..layers {
            centres.extend((0..columns).map(|i| draw(i, j, k)));
        }
    }
    let centre = |i: i64, j: i64, k: i64| {
        centres[((j * layers + k.rem_euclid(layers)) * columns + i.rem_euclid(columns)) as usize]
    };
    let mut members: std::collections::BTreeMap<u64, Vec<u32>> = std::collections::BTreeMap::new();
    for voxel in 0..grid.len() {
        if anatomy.kind[voxel] != Kind::Fat {
            continue;
        }
        let mut place = grid.centre_um(voxel);
        if !broad {
            place[1] = 0.0;
        }
        let home = [
            (place[0] / step[0]).floor() as i64,
            row_of(place[2]),
            (place[1] / thick).floor() as i64,
        ];
        let mut best = (f64::INFINITY, 0);
        for j in (home[1] - 1).max(0)..=(home[1] + 1).min(rows) {
            for i in home[0] - 2..=home[0] + 2 {
                for k in if broad { home[2] - 1..=home[2] + 1 } else { 0..=0 } {
                    let (point, who) = centre(i, j, k);
                    let d = grid.distance_um(place, point);
                    if d < best.0 {
                        best = (d, who);
                    }
                }
            }
        }
        members.entry(best.1).or_default().push(voxel as u32);
    }
    let mut cells = Adipocytes {
        first: vec![0],
        ..Adipocytes::default()
    };
    for (who, voxels) in members {
        for &voxel in &voxels {
            anatomy.adipocyte[voxel as usize] = cells.id.len() as u32;
        }
        cells.id.push(who);
        cells.voxels.extend(&voxels);
        cells.first.push(cells.voxels.len() as u32);
        cells.dose.push(0.0);
        let mut roll = dice.roll(Purpose::Tolerance, who | 1 << 40);
        cells
            .tolerance_h
            .push(roll.log_normal(tolerance.adipocyte_h, tolerance.sd_log) as f32);
        cells.calcifying.push(0);
        cells.dead.push(0);
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_follow_each_other_and_every_fat_voxel_has_one_cell() {
        let space = Space {
            plane: Plane::Section,
            width_mm: 2.0,
            depth_mm: 4.0,
            breadth_mm: 1.0,
            voxel_um: 20.0,
            slab_thickness_um: 150.0,
            sides: "periodic".into(),
            epidermis: true,
            epidermis_um: 60.0,
            skin_mm: 2.0,
        };
        let grid = space.grid();
        let p = Parameters {
            papillary_um: 300.0,
            septum_um: 120.0,
            adipocyte_um: 80.0,
        };
        let dice = Dice::new(1);
        let mut anatomy = layers(&p, &space, &grid, &Septa::at_x(&[500.0, 1500.0]), dice);
        assert_eq!(anatomy.epidermis_voxels, 3);
        let tolerance = Tolerance {
            stroma_h: 9.0,
            adipocyte_h: 6.0,
            sd_log: 0.3,
        };
        let cells = populate(&p, &grid, &mut anatomy, tolerance, dice);
        let fat = anatomy.kind.iter().filter(|&&k| k == Kind::Fat).count();
        assert_eq!(cells.adipocytes.voxels.len(), fat);
        let mean = fat as f64 / cells.adipocytes.len() as f64;
        assert!((8.0..25.0).contains(&mean), "voxels of a fat cell: {mean}");
        for i in 0..cells.adipocytes.len() {
            assert!(
                cells
                    .adipocytes
                    .footprint(i)
                    .iter()
                    .all(|&v| anatomy.adipocyte[v as usize] == i as u32)
            );
        }
    }
}
