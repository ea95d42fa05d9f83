//! One axis of a level: true widths and distances, in fine voxels.

/// Cells along an axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) n: usize,
    /// Whether its ends touch.
    pub(super) wraps: bool,
    pub(super) width: Vec<f32>,
    /// Coupling per area to the left neighbour of each cell; 0 at a closed side.
    pub(super) left: Vec<f32>,
    /// Coupling per area to the right neighbour of each cell.
    pub(super) right: Vec<f32>,
    centre: Vec<f64>,
    extent: f64,
}

impl Axis {
    /// An axis of cells of these widths.
    pub(super) fn new(width: Vec<f32>, periodic: bool) -> Self {
        let n = width.len();
        let mut centre = Vec::with_capacity(n);
        let mut edge = 0.0f64;
        for &w in &width {
            centre.push(edge + f64::from(w) / 2.0);
            edge += f64::from(w);
        }
        let wraps = periodic && n > 1;
        let coupling = |a: usize, b: usize| 2.0 / (width[a] + width[b]);
        let seam = if wraps { coupling(n - 1, 0) } else { 0.0 };
        let left = (0..n).map(|i| if i > 0 { coupling(i - 1, i) } else { seam }).collect();
        let right = (0..n)
            .map(|i| if i + 1 < n { coupling(i, i + 1) } else { seam })
            .collect();
        Self {
            n,
            wraps,
            width,
            left,
            right,
            centre,
            extent: edge,
        }
    }

    /// Pairs joined; a last odd cell stays alone, and a short axis as it is.
    pub(super) fn coarser(&self) -> Self {
        if self.n < 4 {
            return self.clone();
        }
        let width = self.width.chunks(2).map(|pair| pair.iter().sum()).collect();
        Self::new(width, self.wraps)
    }

    /// Whether an odd ring of cells meets itself in one colour.
    #[inline]
    pub(super) fn has_seam(&self) -> bool {
        self.wraps && self.n % 2 == 1
    }

    /// Cell behind a cell; `None` at a closed side.
    pub(super) fn behind(&self, i: usize) -> Option<usize> {
        if i + 1 < self.n {
            Some(i + 1)
        } else {
            self.wraps.then_some(0)
        }
    }

    /// Coarse cells and weights from which each cell is interpolated: (near, far, weight of near).
    pub(super) fn interpolation(&self, coarse: &Axis) -> Vec<(u32, u32, f32)> {
        if coarse.n == self.n {
            return (0..self.n as u32).map(|i| (i, i, 1.0)).collect();
        }
        (0..self.n)
            .map(|i| {
                let near = i / 2;
                let offset = self.centre[i] - coarse.centre[near];
                let step: i64 = if offset < 0.0 { -1 } else { 1 };
                let far = near as i64 + step;
                let (far, gap) = if (0..coarse.n as i64).contains(&far) {
                    (far as usize, (coarse.centre[far as usize] - coarse.centre[near]).abs())
                } else if coarse.wraps {
                    let far = far.rem_euclid(coarse.n as i64) as usize;
                    (far, coarse.extent - (coarse.centre[far] - coarse.centre[near]).abs())
                } else {
                    return (near as u32, near as u32, 1.0);
                };
                (near as u32, far as u32, (1.0 - offset.abs() / gap) as f32)
            })
            .collect()
    }
}
