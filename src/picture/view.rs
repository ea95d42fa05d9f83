//! A snapshot laid flat: a section and a plan as they are, a block as its middle x–z slice.

use crate::grid::Plane;
use crate::math;
use crate::state::Snapshot;
use crate::state::snapshot::SegmentView;

/// Half the thickness of the slice of a block whose vessels and cells are shown [µm].
const HALF_SLICE_UM: f64 = 75.0;

/// The plane that a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Voxels across.
    pub nx: usize,
    /// Voxels down.
    pub ny: usize,
    /// Edge of a voxel [µm].
    pub voxel_um: f64,
    /// Whether «down» is depth below the surface.
    pub depth_down: bool,
    plane: Plane,
    periodic: bool,
    row_y: usize,
    stride: [usize; 2],
    start: usize,
}

impl View {
    /// The plane of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let grid = &snapshot.grid;
        let row_y = if grid.plane == Plane::Block { grid.ny / 2 } else { 0 };
        let plan = grid.plane == Plane::Plan;
        Self {
            nx: grid.nx,
            ny: if plan { grid.ny } else { grid.nz },
            voxel_um: grid.voxel_um,
            depth_down: !plan,
            plane: grid.plane,
            periodic: grid.periodic,
            row_y,
            stride: [1, if plan { grid.nx } else { grid.nx * grid.ny }],
            start: grid.nx * row_y,
        }
    }

    /// Width and height [µm].
    pub fn extent_um(&self) -> [f64; 2] {
        [self.nx as f64 * self.voxel_um, self.ny as f64 * self.voxel_um]
    }

    /// Voxel of the snapshot at a place of the plane.
    pub fn voxel(&self, x: usize, y: usize) -> usize {
        self.start + x * self.stride[0] + y * self.stride[1]
    }

    /// Values of the plane, row after row.
    pub fn flat<T>(&self, value: impl Fn(usize) -> T) -> Vec<T> {
        (0..self.nx * self.ny)
            .map(|i| value(self.voxel(i % self.nx, i / self.nx)))
            .collect()
    }

    /// Column of the surface at x, an index of `Snapshot::covered`.
    pub fn column(&self, x: usize) -> usize {
        x + self.nx * self.row_y
    }

    /// Place in the plane [µm].
    pub fn project(&self, place_um: [f32; 3]) -> [f64; 2] {
        let [x, y, z] = place_um.map(f64::from);
        [x, if self.plane == Plane::Plan { y } else { z }]
    }

    /// Whether something at a place is part of the picture: all of a slab, but only the middle of a block.
    pub fn shows(&self, place_um: [f32; 3]) -> bool {
        let middle = (self.row_y as f64 + 0.5) * self.voxel_um;
        self.plane != Plane::Block || (f64::from(place_um[1]) - middle).abs() <= HALF_SLICE_UM
    }

    /// The straight pieces with which a segment appears: none, one, or two when it crosses a side that wraps around.
    pub fn pieces_um(&self, segment: &SegmentView) -> Vec<[[f64; 2]; 2]> {
        let [a, b] = segment.ends_um;
        let middle = std::array::from_fn(|i| (a[i] + b[i]) / 2.0);
        if !self.shows(middle) {
            return Vec::new();
        }
        let (a, mut b) = (self.project(a), self.project(b));
        if !self.periodic {
            return vec![[a, b]];
        }
        let extent = self.extent_um();
        let mut pieces = vec![];
        let mut shift = [0.0; 2];
        for axis in 0..2 {
            // Depth never wraps.
            if axis == 1 && self.depth_down {
                continue;
            }
            let turns = ((b[axis] - a[axis]) / extent[axis]).round();
            b[axis] -= turns * extent[axis];
            let low = math::min(a[axis], b[axis]);
            let high = math::max(a[axis], b[axis]);
            if low < 0.0 {
                shift[axis] = extent[axis];
            } else if high > extent[axis] {
                shift[axis] = -extent[axis];
            }
        }
        pieces.push([a, b]);
        if shift != [0.0; 2] {
            pieces.push([[a[0] + shift[0], a[1] + shift[1]], [b[0] + shift[0], b[1] + shift[1]]]);
        }
        pieces
    }
}
