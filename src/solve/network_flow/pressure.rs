//! Pressures and flows of given conductances.
//!
//! The first solve factors the matrix. Between sweeps conductances change by little, so the old factor is a good
//! preconditioner: conjugate gradients bring the flows to balance in a few steps, each the cost of one back-substitution.
//! When that takes long, the matrix is factored anew. Flows are carried along with the pressures: where little flows
//! through wide vessels, a flow taken from the difference of two pressures would be lost in their rounding.

use super::Edge;
use super::pattern::Pattern;
use crate::math;
use crate::solve::sparse::Factor;

/// Steps after which the matrix is factored anew for the next sweep, and at once.
const MANY: u32 = 8;
const MOST: u32 = 30;
/// Loss of blood at a node, as a share of the strongest flow, at which the steps end: this times the square of the latest change
/// of a haematocrit, so that early sweeps cost little and the last are exact, and at least the limit of the last sweeps.
const BALANCE: [f64; 2] = [1e-4, 1e-12];

/// The linear problem of one network, with what it remembers between sweeps.
pub(super) struct Pressures<'a> {
    pattern: &'a Pattern,
    ends: &'a [[u32; 2]],
    edge: &'a [Edge],
    factor: Option<Factor>,
    pressure: Vec<f64>,
}

/// One matrix: Σ G (p − p_other) = inflow at every node that holds no pressure.
struct Matrix {
    diagonal: Vec<f64>,
    coupling: Vec<f64>,
    load: Vec<f64>,
    /// Conductance of each node to a pressure outside.
    outside: Vec<f64>,
    /// Nodes that must balance: joined to something, and without a pressure of their own.
    free: Vec<bool>,
}

impl<'a> Pressures<'a> {
    pub fn new(pattern: &'a Pattern, ends: &'a [[u32; 2]], edge: &'a [Edge]) -> Self {
        Self {
            pattern,
            ends,
            edge,
            factor: None,
            pressure: Vec::new(),
        }
    }

    /// Pressures and flows, as close as the latest change of a haematocrit asks for; `None` when the matrix is not positive
    /// definite.
    pub fn solve(&mut self, conductance: &[f64], change: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        let matrix = self.matrix(conductance);
        let balance = math::max(BALANCE[0] * math::square(change), BALANCE[1]);
        if self.factor.is_none() {
            self.start_anew(&matrix)?;
        }
        let (mut flow, mut from_outside) = self.flows(conductance, &matrix);
        let (steps, balanced) = self.descend(conductance, &matrix, balance, &mut flow, &mut from_outside)?;
        if !balanced {
            self.start_anew(&matrix)?;
            (flow, from_outside) = self.flows(conductance, &matrix);
            self.descend(conductance, &matrix, balance, &mut flow, &mut from_outside)?;
        } else if steps > MANY {
            self.factor = None;
        }
        Some((self.pressure.clone(), flow))
    }

    fn start_anew(&mut self, matrix: &Matrix) -> Option<()> {
        let factor = Factor::new(&self.pattern.symbolic, &matrix.diagonal, &matrix.coupling)?;
        self.pressure = factor.solve(&self.pattern.symbolic, &matrix.load);
        self.factor = Some(factor);
        Some(())
    }

    fn matrix(&self, conductance: &[f64]) -> Matrix {
        let mut diagonal = vec![0.0; self.edge.len()];
        let mut load = self.inflows();
        let mut coupling = vec![0.0; self.ends.len()];
        for (s, &[a, b]) in self.ends.iter().enumerate() {
            for (here, other) in [(a, b), (b, a)] {
                diagonal[here as usize] += conductance[s];
                if let Edge::Pressure(level) = self.edge[other as usize] {
                    load[here as usize] += conductance[s] * level;
                }
            }
            if !self.is_held(a) && !self.is_held(b) {
                coupling[s] = conductance[s];
            }
        }
        let mut outside = vec![0.0; self.edge.len()];
        let mut free = vec![false; self.edge.len()];
        for n in 0..self.edge.len() {
            match self.edge[n] {
                Edge::Pressure(level) => (diagonal[n], load[n]) = (1.0, level),
                _ if diagonal[n] <= 0.0 => (diagonal[n], load[n]) = (1.0, 0.0),
                Edge::Behind {
                    pressure_mmhg,
                    conductance,
                } => {
                    diagonal[n] += conductance;
                    load[n] += conductance * pressure_mmhg;
                    outside[n] = conductance;
                    free[n] = true;
                }
                _ => free[n] = true,
            }
        }
        Matrix {
            diagonal,
            coupling,
            load,
            outside,
            free,
        }
    }

    fn inflows(&self) -> Vec<f64> {
        let inflow = |edge: &Edge| if let Edge::Inflow(q) = edge { *q } else { 0.0 };
        self.edge.iter().map(inflow).collect()
    }

    fn is_held(&self, node: u32) -> bool {
        matches!(self.edge[node as usize], Edge::Pressure(_))
    }

    /// Flows of the segments, and what comes to each node from outside, at the pressures at hand.
    fn flows(&self, conductance: &[f64], matrix: &Matrix) -> (Vec<f64>, Vec<f64>) {
        let fall = |&[a, b]: &[u32; 2]| self.pressure[a as usize] - self.pressure[b as usize];
        let flow = self
            .ends
            .iter()
            .zip(conductance)
            .map(|(ends, g)| g * fall(ends))
            .collect();
        let from_outside = (0..self.edge.len())
            .map(|n| match self.edge[n] {
                Edge::Inflow(q) => q,
                Edge::Behind { pressure_mmhg, .. } => matrix.outside[n] * (pressure_mmhg - self.pressure[n]),
                _ => 0.0,
            })
            .collect();
        (flow, from_outside)
    }

    /// What nodes gain that they should not.
    fn surplus(&self, matrix: &Matrix, flow: &[f64], from_outside: &[f64]) -> Vec<f64> {
        let mut surplus = from_outside.to_vec();
        for (&[a, b], q) in self.ends.iter().zip(flow) {
            surplus[a as usize] -= q;
            surplus[b as usize] += q;
        }
        for (surplus, free) in surplus.iter_mut().zip(&matrix.free) {
            if !free {
                *surplus = 0.0;
            }
        }
        surplus
    }

    /// Conjugate gradients from the pressures at hand; at least one step. Steps taken, and whether blood balances.
    fn descend(
        &mut self,
        conductance: &[f64],
        matrix: &Matrix,
        balance: f64,
        flow: &mut [f64],
        from_outside: &mut [f64],
    ) -> Option<(u32, bool)> {
        let symbolic = &self.pattern.symbolic;
        let factor = self.factor.as_ref()?;
        let mut rest = self.surplus(matrix, flow, from_outside);
        let mut direction = factor.solve(symbolic, &rest);
        let mut slope = dot(&rest, &direction);
        for step in 1..=MOST {
            let along: Vec<f64> = (self.ends.iter().zip(conductance))
                .map(|(&[a, b], g)| g * (direction[a as usize] - direction[b as usize]))
                .collect();
            // dᵀ A d = Σ G (d_a − d_b)²: nothing is lost to cancellation.
            let curve = (self.ends.iter().zip(&along)).fold(0.0, |sum, (&[a, b], q)| {
                sum + q * (direction[a as usize] - direction[b as usize])
            });
            let curve = (matrix.outside.iter().zip(&direction)).fold(curve, |sum, (g, d)| sum + g * d * d);
            if slope == 0.0 || curve == 0.0 {
                return Some((step, true));
            }
            let far = slope / curve;
            if !far.is_finite() {
                return None;
            }
            for (p, d) in self.pressure.iter_mut().zip(&direction) {
                *p += far * d;
            }
            for (q, more) in flow.iter_mut().zip(&along) {
                *q += far * more;
            }
            for (q, (g, d)) in from_outside.iter_mut().zip(matrix.outside.iter().zip(&direction)) {
                *q -= far * g * d;
            }
            rest = self.surplus(matrix, flow, from_outside);
            let worst = rest.iter().fold(0.0, |most, x| math::max(most, x.abs()));
            let strongest = flow.iter().fold(0.0, |most, q| math::max(most, q.abs()));
            if worst <= balance * strongest {
                return Some((step, true));
            }
            let near = factor.solve(symbolic, &rest);
            let next = dot(&rest, &near);
            for (d, z) in direction.iter_mut().zip(&near) {
                *d = z + next / slope * *d;
            }
            slope = next;
        }
        Some((MOST, false))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}
