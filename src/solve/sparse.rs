//! A sparse symmetric solve for networks: LDLᵀ with a minimum-degree order.
//!
//! Plain f64, one order of operations, no wide instructions: the same bits on every machine and in wasm,
//! which general libraries with run-time dispatch do not promise (`docs/decisions/0001-flow-solver.md`).
//! Source: Davis, «Direct Methods for Sparse Linear Systems» (2006), ch. 4; George & Liu 1989 for minimum degree.

/// Pattern and order of a symmetric matrix given by a graph; reused while the graph stays.
#[derive(Clone, Debug, Default)]
pub struct Symbolic {
    n: usize,
    /// Position of each node in the elimination order.
    position: Vec<u32>,
    /// Elimination tree, in positions.
    parent: Vec<u32>,
    /// Start of each column of L.
    starts: Vec<usize>,
    /// Upper pattern: for each position, the edges (index, position of the earlier end).
    upper: Vec<Vec<(u32, u32)>>,
}

/// No parent in the elimination tree.
const ROOT: u32 = u32::MAX;

impl Symbolic {
    /// Order and pattern of a graph with `n` nodes and these edges.
    pub fn new(n: usize, ends: &[[u32; 2]]) -> Self {
        let order = minimum_degree(n, ends);
        let mut position = vec![0u32; n];
        for (k, &node) in order.iter().enumerate() {
            position[node as usize] = k as u32;
        }
        let mut upper = vec![Vec::new(); n];
        for (e, &[a, b]) in ends.iter().enumerate() {
            let (a, b) = (position[a as usize], position[b as usize]);
            if a != b {
                upper[a.max(b) as usize].push((e as u32, a.min(b)));
            }
        }
        let mut parent = vec![ROOT; n];
        let mut count = vec![0usize; n];
        let mut seen = vec![ROOT; n];
        for k in 0..n {
            seen[k] = k as u32;
            for &(_, earlier) in &upper[k] {
                let mut i = earlier as usize;
                while seen[i] != k as u32 {
                    if parent[i] == ROOT {
                        parent[i] = k as u32;
                    }
                    count[i] += 1;
                    seen[i] = k as u32;
                    i = parent[i] as usize;
                }
            }
        }
        let mut starts = vec![0usize; n + 1];
        for k in 0..n {
            starts[k + 1] = starts[k] + count[k];
        }
        Self {
            n,
            position,
            parent,
            starts,
            upper,
        }
    }

    /// Entries of the factor below the diagonal.
    pub fn fill(&self) -> usize {
        self.starts[self.n]
    }
}

/// A numeric factor.
#[derive(Clone, Debug, Default)]
pub struct Factor {
    rows: Vec<u32>,
    values: Vec<f64>,
    diagonal: Vec<f64>,
}

impl Factor {
    /// Factors A = diag(`diagonal`) − Σ_edges `weight`·(e_a e_bᵀ + e_b e_aᵀ). Returns `None` when a pivot is not positive.
    pub fn new(symbolic: &Symbolic, diagonal: &[f64], weight: &[f64]) -> Option<Self> {
        let n = symbolic.n;
        let mut rows = vec![0u32; symbolic.fill()];
        let mut values = vec![0.0f64; symbolic.fill()];
        let mut pivot = vec![0.0f64; n];
        let mut filled = symbolic.starts[..n].to_vec();
        let mut y = vec![0.0f64; n];
        let mut seen = vec![ROOT; n];
        let mut path = vec![0usize; n];
        let mut by_position = vec![0.0f64; n];
        for (node, &p) in symbolic.position.iter().enumerate() {
            by_position[p as usize] = diagonal[node];
        }
        for k in 0..n {
            let mut top = n;
            seen[k] = k as u32;
            for &(edge, earlier) in &symbolic.upper[k] {
                let mut i = earlier as usize;
                y[i] -= weight[edge as usize];
                let mut length = 0;
                while seen[i] != k as u32 {
                    path[length] = i;
                    length += 1;
                    seen[i] = k as u32;
                    i = symbolic.parent[i] as usize;
                }
                while length > 0 {
                    length -= 1;
                    top -= 1;
                    path[top] = path[length];
                }
            }
            let mut d = by_position[k];
            for &i in &path[top..n] {
                let yi = y[i];
                y[i] = 0.0;
                for p in symbolic.starts[i]..filled[i] {
                    y[rows[p] as usize] -= values[p] * yi;
                }
                let l = yi / pivot[i];
                d -= l * yi;
                rows[filled[i]] = k as u32;
                values[filled[i]] = l;
                filled[i] += 1;
            }
            if d <= 0.0 || !d.is_finite() {
                return None;
            }
            pivot[k] = d;
        }
        Some(Self {
            rows,
            values,
            diagonal: pivot,
        })
    }

    /// Solves A x = b.
    pub fn solve(&self, symbolic: &Symbolic, b: &[f64]) -> Vec<f64> {
        let n = symbolic.n;
        let mut x = vec![0.0; n];
        for (node, &p) in symbolic.position.iter().enumerate() {
            x[p as usize] = b[node];
        }
        let column = |k: usize| {
            let of = symbolic.starts[k]..symbolic.starts[k + 1];
            self.rows[of.clone()].iter().zip(&self.values[of])
        };
        for k in 0..n {
            let known = x[k];
            for (&row, value) in column(k) {
                x[row as usize] -= value * known;
            }
        }
        for k in (0..n).rev() {
            let mut own = x[k] / self.diagonal[k];
            for (&row, value) in column(k) {
                own -= value * x[row as usize];
            }
            x[k] = own;
        }
        symbolic.position.iter().map(|&p| x[p as usize]).collect()
    }
}

/// Elimination order: always a node of least degree, the smallest index among equals.
fn minimum_degree(n: usize, ends: &[[u32; 2]]) -> Vec<u32> {
    let mut neighbours: Vec<Vec<u32>> = vec![Vec::new(); n];
    for &[a, b] in ends {
        if a != b {
            neighbours[a as usize].push(b);
            neighbours[b as usize].push(a);
        }
    }
    for list in &mut neighbours {
        list.sort_unstable();
        list.dedup();
    }
    let mut queue: std::collections::BTreeSet<(u32, u32)> = (0..n as u32)
        .map(|node| (neighbours[node as usize].len() as u32, node))
        .collect();
    let mut order = Vec::with_capacity(n);
    let mut merged = Vec::new();
    while let Some((_, node)) = queue.pop_first() {
        order.push(node);
        let clique = std::mem::take(&mut neighbours[node as usize]);
        for &a in &clique {
            // The neighbours of an eliminated node become neighbours of each other.
            let list = &mut neighbours[a as usize];
            let before = list.len() as u32;
            merged.clear();
            merge_sorted(list, &clique, &mut merged, |x| x != a && x != node);
            std::mem::swap(list, &mut merged);
            let after = list.len() as u32;
            if before != after {
                queue.remove(&(before, a));
                queue.insert((after, a));
            }
        }
    }
    order
}

fn merge_sorted(a: &[u32], b: &[u32], out: &mut Vec<u32>, keep: impl Fn(u32) -> bool) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let next = match (a.get(i), b.get(j)) {
            (Some(&x), Some(&y)) if x == y => {
                i += 1;
                j += 1;
                x
            }
            (Some(&x), Some(&y)) if x < y => {
                i += 1;
                x
            }
            (Some(&x), None) => {
                i += 1;
                x
            }
            (_, Some(&y)) => {
                j += 1;
                y
            }
            (None, None) => break,
        };
        if keep(next) {
            out.push(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    #[test]
    fn it_solves_random_networks_to_rounding() {
        for seed in 0..20 {
            let mut roll = Dice::new(seed).roll(Purpose::Custom, 0);
            let n = 5 + roll.below(60) as usize;
            let mut ends: Vec<[u32; 2]> = (1..n as u32).map(|i| [roll.below(i), i]).collect();
            for _ in 0..n {
                ends.push([roll.below(n as u32), roll.below(n as u32)]);
            }
            let weight: Vec<f64> = ends.iter().map(|_| roll.log_normal(1.0, 2.0)).collect();
            let mut diagonal = vec![0.0; n];
            diagonal[0] += 1.0;
            for (e, &[a, b]) in ends.iter().enumerate() {
                if a != b {
                    diagonal[a as usize] += weight[e];
                    diagonal[b as usize] += weight[e];
                }
            }
            let b: Vec<f64> = (0..n).map(|_| roll.normal()).collect();
            let symbolic = Symbolic::new(n, &ends);
            let x = Factor::new(&symbolic, &diagonal, &weight)
                .expect("positive definite")
                .solve(&symbolic, &b);
            let mut back: Vec<f64> = (0..n).map(|i| diagonal[i] * x[i]).collect();
            for (e, &[i, j]) in ends.iter().enumerate() {
                if i != j {
                    back[i as usize] -= weight[e] * x[j as usize];
                    back[j as usize] -= weight[e] * x[i as usize];
                }
            }
            let size = x.iter().fold(1.0, |a: f64, v| a + v.abs());
            assert!(
                (0..n).all(|i| (back[i] - b[i]).abs() < 1e-10 * size * diagonal[i]),
                "seed {seed}"
            );
        }
    }
}
