//! Level lines of a field (marching squares), chained so that they can be dashed.

use super::canvas::Point;
use crate::math;

/// No edge.
const NONE: usize = usize::MAX;

/// Lines along which the values of an nx × ny plane cross a level, in voxels (0.5 is the first centre).
/// Lines end at the border.
pub fn lines(values: &[f64], nx: usize, ny: usize, level: f64) -> Vec<Vec<Point>> {
    if nx < 2 || ny < 2 || values.len() != nx * ny {
        return Vec::new();
    }
    let above = |x: usize, y: usize| values[x + nx * y] >= level;
    // Edges between centres: first those along x, then those along y. Each belongs to two squares.
    let along_x = |x: usize, y: usize| x + nx * y;
    let along_y = |x: usize, y: usize| nx * ny + x + nx * y;
    let mut next = vec![[NONE; 2]; 2 * nx * ny];
    let mut join = |a: usize, b: usize| {
        for (from, to) in [(a, b), (b, a)] {
            let slot = usize::from(next[from][0] != NONE);
            next[from][slot] = to;
        }
    };
    for y in 0..ny - 1 {
        for x in 0..nx - 1 {
            let corners = [above(x, y), above(x + 1, y), above(x + 1, y + 1), above(x, y + 1)];
            let edges = [along_x(x, y), along_y(x + 1, y), along_x(x, y + 1), along_y(x, y)];
            let cut: Vec<usize> = (0..4).filter(|&i| corners[i] != corners[(i + 1) % 4]).collect();
            match cut.as_slice() {
                [a, b] => join(edges[*a], edges[*b]),
                [_, _, _, _] => {
                    // A saddle: the mean decides which corners belong together.
                    let mean = (values[along_x(x, y)]
                        + values[along_x(x + 1, y)]
                        + values[along_x(x, y + 1)]
                        + values[along_x(x + 1, y + 1)])
                        / 4.0;
                    if (mean >= level) == corners[0] {
                        join(edges[0], edges[1]);
                        join(edges[2], edges[3]);
                    } else {
                        join(edges[3], edges[0]);
                        join(edges[1], edges[2]);
                    }
                }
                _ => {}
            }
        }
    }
    let point = |edge: usize| -> Point {
        let (i, dx, dy) = if edge < nx * ny {
            (edge, 1, 0)
        } else {
            (edge - nx * ny, 0, 1)
        };
        let (x, y) = (i % nx, i / nx);
        let (a, b) = (values[i], values[x + dx + nx * (y + dy)]);
        let t = if a == b { 0.5 } else { (level - a) / (b - a) };
        [x as f64 + 0.5 + t * dx as f64, y as f64 + 0.5 + t * dy as f64]
    };
    let mut seen = vec![false; next.len()];
    let mut chains = Vec::new();
    let open = |e: usize| next[e][0] != NONE && next[e][1] == NONE;
    let starts = (0..next.len())
        .filter(|&e| open(e))
        .chain((0..next.len()).filter(|&e| next[e][0] != NONE && !open(e)));
    for start in starts {
        if seen[start] {
            continue;
        }
        let mut chain = vec![point(start)];
        seen[start] = true;
        let mut here = start;
        while let Some(&to) = next[here].iter().find(|&&e| e != NONE && !seen[e]) {
            seen[to] = true;
            chain.push(point(to));
            here = to;
        }
        if !open(start) {
            chain.push(point(start));
        }
        chains.push(chain);
    }
    chains
}

/// Value at a point of the plane in voxels, linear between centres.
pub fn at(values: &[f64], nx: usize, ny: usize, point: Point) -> f64 {
    let axis = |value: f64, n: usize| {
        let place = math::clamp(value - 0.5, 0.0, (n - 1) as f64);
        // Not negative, so that truncation is the floor.
        let low = (place as usize).min(n.saturating_sub(2));
        (low, (low + 1).min(n - 1), place - low as f64)
    };
    let ((x0, x1, tx), (y0, y1, ty)) = (axis(point[0], nx), axis(point[1], ny));
    let row = |y: usize| values[x0 + nx * y] * (1.0 - tx) + values[x1 + nx * y] * tx;
    row(y0) * (1.0 - ty) + row(y1) * ty
}

/// A mask of 0 and 1 made smooth by passes of the binomial filter (1 2 1)²: its line at 0.5 has no steps.
pub fn smooth(mask: &[bool], nx: usize, ny: usize, passes: usize) -> Vec<f64> {
    let mut values: Vec<f64> = mask.iter().map(|&m| f64::from(u8::from(m))).collect();
    let blur = |values: &[f64], step: usize, n: usize, place: &dyn Fn(usize) -> usize| {
        (0..values.len())
            .map(|i| {
                let at = place(i);
                let before = if at == 0 { i } else { i - step };
                let after = if at + 1 == n { i } else { i + step };
                (values[before] + 2.0 * values[i] + values[after]) / 4.0
            })
            .collect::<Vec<f64>>()
    };
    for _ in 0..passes {
        values = blur(&values, 1, nx, &|i| i % nx);
        values = blur(&values, nx, ny, &|i| i / nx);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_field_has_no_lines() {
        assert!(lines(&[1.0; 12], 4, 3, 0.5).is_empty());
        assert!(lines(&[1.0; 12], 4, 3, 2.0).is_empty());
    }

    #[test]
    fn a_round_hill_has_one_closed_line_of_its_radius() {
        let n = 41;
        let values: Vec<f64> = (0..n * n)
            .map(|i| {
                let (x, y) = ((i % n) as f64 - 20.0, (i / n) as f64 - 20.0);
                (x * x + y * y).sqrt()
            })
            .collect();
        let chains = lines(&values, n, n, 12.0);
        assert_eq!(chains.len(), 1);
        assert_eq!(chains[0].first(), chains[0].last());
        for p in &chains[0] {
            let (x, y) = (p[0] - 20.5, p[1] - 20.5);
            assert!(((x * x + y * y).sqrt() - 12.0).abs() < 0.05);
        }
    }

    #[test]
    fn a_slope_has_one_open_line() {
        let values: Vec<f64> = (0..20).map(|i| (i % 5) as f64).collect();
        let chains = lines(&values, 5, 4, 1.5);
        assert_eq!(chains.len(), 1);
        assert_eq!(chains[0].len(), 4);
        assert!(chains[0].iter().all(|p| (p[0] - 2.0).abs() < 1e-12));
    }
}
