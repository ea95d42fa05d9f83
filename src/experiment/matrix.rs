//! Small dense symmetric matrices: Cholesky's factor and what it answers. Sums have a fixed order.

use crate::math;

/// Sum of products, four running sums at a time.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 4];
    let whole = a.len() / 4 * 4;
    for i in (0..whole).step_by(4) {
        for k in 0..4 {
            lanes[k] += a[i + k] * b[i + k];
        }
    }
    let rest = (whole..a.len()).fold(0.0, |sum, i| sum + a[i] * b[i]);
    lanes.iter().fold(rest, |sum, lane| sum + lane)
}

/// The lower triangle L of a positive definite matrix A = L·Lᵀ, row by row.
#[derive(Clone, Debug)]
pub struct Cholesky {
    n: usize,
    rows: Vec<f64>,
}

impl Cholesky {
    /// Factor of an n × n matrix given row by row (its lower triangle is read); nothing where it is not positive definite.
    pub fn of(n: usize, matrix: &[f64]) -> Option<Self> {
        let mut rows = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let known = dot(&rows[i * n..i * n + j], &rows[j * n..j * n + j]);
                let left = matrix[i * n + j] - known;
                if i == j {
                    // Rounding alone must not pass for a positive pivot.
                    if left.is_nan() || left <= 1e-13 * matrix[i * n + i].abs() {
                        return None;
                    }
                    rows[i * n + i] = left.sqrt();
                } else {
                    rows[i * n + j] = left / rows[j * n + j];
                }
            }
        }
        Some(Self { n, rows })
    }

    /// L·x.
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        let n = self.n;
        (0..n).map(|i| dot(&self.rows[i * n..=i * n + i], &x[..=i])).collect()
    }

    /// y of L·y = b.
    pub fn forward(&self, b: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut y = vec![0.0; n];
        for i in 0..n {
            let known = dot(&self.rows[i * n..i * n + i], &y[..i]);
            y[i] = (b[i] - known) / self.rows[i * n + i];
        }
        y
    }

    /// x of Lᵀ·x = y.
    pub fn backward(&self, y: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x = y.to_vec();
        for i in (0..n).rev() {
            x[i] /= self.rows[i * n + i];
            let value = x[i];
            for j in 0..i {
                x[j] -= self.rows[i * n + j] * value;
            }
        }
        x
    }

    /// x of A·x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        self.backward(&self.forward(b))
    }

    /// Logarithm of the determinant of A.
    pub fn ln_det(&self) -> f64 {
        (0..self.n).map(|i| 2.0 * math::ln(self.rows[i * self.n + i])).sum()
    }

    /// The inverse of A, row by row.
    pub fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = Vec::with_capacity(n * n);
        for i in 0..n {
            let mut unit = vec![0.0; n];
            unit[i] = 1.0;
            inverse.extend(self.solve(&unit));
        }
        inverse
    }
}

/// Covariances of columns, row by row, with the weight of each case; means beside.
pub fn covariance(rows: &[Vec<f64>], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let k = rows.first().map_or(0, Vec::len);
    let total: f64 = weights.iter().sum();
    let mut mean = vec![0.0; k];
    for (row, w) in rows.iter().zip(weights) {
        for j in 0..k {
            mean[j] += w * row[j] / total;
        }
    }
    let mut sums = vec![0.0; k * k];
    for (row, w) in rows.iter().zip(weights) {
        for i in 0..k {
            for j in 0..=i {
                sums[i * k + j] += w / total * (row[i] - mean[i]) * (row[j] - mean[j]);
            }
        }
    }
    for i in 0..k {
        for j in 0..i {
            sums[j * k + i] = sums[i * k + j];
        }
    }
    (sums, mean)
}

/// Correlations of columns, row by row; 0 with a constant column.
pub fn correlation(rows: &[Vec<f64>]) -> Vec<f64> {
    let k = rows.first().map_or(0, Vec::len);
    let (mut sums, _) = covariance(rows, &vec![1.0; rows.len()]);
    let sd: Vec<f64> = (0..k).map(|i| sums[i * k + i].sqrt()).collect();
    for i in 0..k {
        for j in 0..k {
            let scale = sd[i] * sd[j];
            sums[i * k + j] = match (i == j, scale > 0.0) {
                (true, _) => 1.0,
                (false, true) => sums[i * k + j] / scale,
                (false, false) => 0.0,
            };
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_gives_back_its_matrix_and_its_inverse() {
        let matrix = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let Some(factor) = Cholesky::of(3, &matrix) else {
            panic!("positive definite")
        };
        let x = factor.solve(&[1.0, 2.0, 3.0]);
        for i in 0..3 {
            let back = dot(&matrix[3 * i..3 * i + 3], &x);
            assert!((back - (i + 1) as f64).abs() < 1e-14);
        }
        let inverse = factor.inverse();
        for i in 0..3 {
            for j in 0..3 {
                let entry: f64 = (0..3).map(|k| matrix[3 * i + k] * inverse[3 * k + j]).sum();
                assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        // 4·(15 − 1) − 2·(6 − 0.6) + 0.6·(2 − 3)
        assert!((factor.ln_det() - math::ln(44.6)).abs() < 1e-14);
    }

    #[test]
    fn a_matrix_that_contradicts_itself_has_no_factor() {
        assert!(Cholesky::of(2, &[1.0, 1.5, 1.5, 1.0]).is_none());
        assert!(Cholesky::of(2, &[1.0, 1.0, 1.0, 1.0]).is_none());
        assert!(Cholesky::of(1, &[f64::NAN]).is_none());
    }
}
