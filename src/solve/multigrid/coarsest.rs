//! The coarsest level, at most three voxels long each way: solved outright, in f64, by a Cholesky factor. So the sum of
//! what goes in and out holds there, and fields almost without a sink find their level at once.

use super::level::Level;

/// Factor of the coarsest operator.
#[derive(Clone, Debug, Default)]
pub(super) struct Direct {
    /// Rows of the lower factor, full length each.
    factor: Vec<f64>,
    right: Vec<f64>,
}

/// Pivots below this share of the diagonal are the constant that a problem without any sink leaves free.
const FREE: f64 = 1e-13;

impl Direct {
    /// Factors the operator of a level.
    pub(super) fn prepare(&mut self, level: &Level) {
        let n = level.len();
        let [nx, ny, nz] = level.n();
        let index = |x: usize, y: usize, z: usize| x + nx * (y + ny * z);
        self.factor.clear();
        self.factor.resize(n * n, 0.0);
        let a = &mut self.factor;
        let [ax, ay, az] = &level.axes;
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let here = index(x, y, z);
                    let (colour, i) = level.cell(x, y, z);
                    a[here * n + here] += f64::from(level.colours[colour].sink[level.dense_at(y, z) + i]);
                    let (wx, wy, wz) = (f64::from(ax.width[x]), f64::from(ay.width[y]), f64::from(az.width[z]));
                    // Each face once, from its left cell.
                    let faces = [
                        (ax.behind(x).map(|x| index(x, y, z)), f64::from(ax.right[x]) * wy * wz),
                        (ay.behind(y).map(|y| index(x, y, z)), f64::from(ay.right[y]) * wx * wz),
                        (az.behind(z).map(|z| index(x, y, z)), f64::from(az.right[z]) * wx * wy),
                    ];
                    for (there, coupling) in faces {
                        if let Some(there) = there.filter(|&there| there != here) {
                            a[here * n + here] += coupling;
                            a[there * n + there] += coupling;
                            a[here * n + there] -= coupling;
                            a[there * n + here] -= coupling;
                        }
                    }
                }
            }
        }
        for j in 0..n {
            let whole = a[j * n + j];
            let pivot = (0..j).fold(whole, |sum, k| sum - a[j * n + k] * a[j * n + k]);
            let root = if pivot > FREE * whole { pivot.sqrt() } else { 0.0 };
            a[j * n + j] = root;
            for i in j + 1..n {
                let rest = (0..j).fold(a[i * n + j], |sum, k| sum - a[i * n + k] * a[j * n + k]);
                a[i * n + j] = if root > 0.0 { rest / root } else { 0.0 };
            }
        }
    }

    /// Solves for the level's unknown.
    pub(super) fn solve(&mut self, level: &mut Level) {
        let n = level.len();
        let [nx, ny, nz] = level.n();
        self.right.clear();
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let (colour, i) = level.cell(x, y, z);
                    let source = level.colours[colour].source[level.dense_at(y, z) + i];
                    self.right.push(f64::from(source));
                }
            }
        }
        let (a, b) = (&self.factor, &mut self.right);
        let over = |value: f64, pivot: f64| if pivot > 0.0 { value / pivot } else { 0.0 };
        for i in 0..n {
            let rest = (0..i).fold(b[i], |sum, k| sum - a[i * n + k] * b[k]);
            b[i] = over(rest, a[i * n + i]);
        }
        for i in (0..n).rev() {
            let rest = (i + 1..n).fold(b[i], |sum, k| sum - a[k * n + i] * b[k]);
            b[i] = over(rest, a[i * n + i]);
        }
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let (colour, i) = level.cell(x, y, z);
                    let at = level.at(y, z);
                    level.colours[colour].u[at + i] = b[x + nx * (y + ny * z)] as f32;
                }
                level.close_row(0, y, z);
                level.close_row(1, y, z);
            }
        }
    }
}
