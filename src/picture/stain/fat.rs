//! Fat cells: round, with a thin membrane and a little matrix where three of them meet. Centre and size are those of the
//! footprints that the section cuts; the roundness is texture.

use crate::math;
use crate::picture::biopsy::Cut;
use crate::picture::canvas::Point;
use crate::state::Snapshot;
use crate::state::anatomy::NONE;

/// How softly straight walls pass into round corners [µm].
const ROUNDING_UM: f64 = 12.0;

/// The fat cells of a section.
pub struct Fat {
    /// Centre [µm] and radius [µm] by cell.
    rounds: Vec<(Point, f64)>,
    /// Number of the cell in the snapshot.
    ids: Vec<u32>,
    /// Cells within two voxels of each voxel of the section.
    near: Vec<Vec<u32>>,
}

/// Where a place lies among fat cells.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Distance to the membrane [µm], positive inside a cell.
    pub depth: f64,
    /// Number of the nearest cell.
    pub cell: u32,
    /// From the centre of that cell, in its radii.
    pub from_centre: Point,
    /// Radius of that cell [µm].
    pub radius: f64,
}

impl Fat {
    /// The fat cells of a section.
    pub fn new(snapshot: &Snapshot, cut: &Cut) -> Self {
        let [nx, nz] = cut.shape;
        let cell: Vec<u32> = cut.voxels.iter().map(|&v| snapshot.adipocyte[v as usize]).collect();
        let mut ids: Vec<u32> = cell.iter().copied().filter(|&c| c != NONE).collect();
        ids.sort_unstable();
        ids.dedup();
        // A footprint that a side cuts away has its centre on the section: such a cell is small there, as on glass.
        let mut sums = vec![([0.0; 2], 0.0); ids.len()];
        let slot = |c: u32| ids.binary_search(&c).unwrap_or(0);
        for (i, &c) in cell.iter().enumerate().filter(|&(_, &c)| c != NONE) {
            let (sum, voxels): &mut ([f64; 2], f64) = &mut sums[slot(c)];
            sum[0] += cut.inset_um + ((i % nx) as f64 + 0.5) * cut.voxel_um;
            sum[1] += ((i / nx) as f64 + 0.5) * cut.voxel_um;
            *voxels += 1.0;
        }
        let rounds = sums
            .into_iter()
            .map(|(sum, n)| {
                let radius = (n / std::f64::consts::PI).sqrt() * cut.voxel_um;
                ([sum[0] / n, sum[1] / n], radius)
            })
            .collect();
        let near = (0..cell.len())
            .map(|i| {
                let (x, z) = (i % nx, i / nx);
                let mut list: Vec<u32> = (z.saturating_sub(2)..(z + 3).min(nz))
                    .flat_map(|z| (x.saturating_sub(2)..(x + 3).min(nx)).map(move |x| x + nx * z))
                    .map(|j| cell[j])
                    .filter(|&c| c != NONE)
                    .map(|c| slot(c) as u32)
                    .collect();
                list.sort_unstable();
                list.dedup();
                list
            })
            .collect();
        Self { rounds, ids, near }
    }

    /// Where a place in a voxel of the section lies; `None` far from fat cells.
    pub fn place(&self, voxel: usize, place: Point) -> Option<Place> {
        let mut gaps = [(f64::INFINITY, 0u32); 2];
        for &c in self.near.get(voxel)? {
            let (centre, radius) = self.rounds[c as usize];
            let (dx, dy) = (place[0] - centre[0], place[1] - centre[1]);
            let gap = (dx * dx + dy * dy).sqrt() - radius;
            if gap < gaps[0].0 {
                gaps = [(gap, c), gaps[0]];
            } else if gap < gaps[1].0 {
                gaps[1] = (gap, c);
            }
        }
        let (gap, c) = gaps[0];
        if gap.is_infinite() {
            return None;
        }
        let (centre, radius) = self.rounds[c as usize];
        // Half of the way to the neighbour, but no farther than a circle a little larger than the footprint: cells are
        // round and leave matrix between three of them.
        let wall = (gaps[1].0 - gap) / 2.0;
        let circle = 0.06 * radius - gap;
        // The lesser of the two with a rounded corner.
        let near = math::positive(ROUNDING_UM - (wall - circle).abs()) / ROUNDING_UM;
        Some(Place {
            depth: math::min(wall, circle) - near * near * ROUNDING_UM / 4.0,
            cell: self.ids[c as usize],
            from_centre: [(place[0] - centre[0]) / radius, (place[1] - centre[1]) / radius],
            radius,
        })
    }
}
