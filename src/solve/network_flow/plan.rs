//! The flowing part of a network, and one sweep over it: pressures, flows, haematocrits.

use super::fixed_point;
use super::rheology::{POISEUILLE, Tube};
use super::separation::{DENSEST, Outflow, part};
use super::{Edge, Network, Settings, Solution, Status};
use crate::math;
use crate::solve::graph;
use crate::solve::sparse::{Factor, Symbolic};

/// Haematocrit of the first state when nothing is known.
const START: f64 = 0.4;

/// The flowing part, numbered from 0: what stays while haematocrits change.
pub(super) struct Plan {
    /// Segments and nodes of the network that flow, ascending.
    segments: Vec<usize>,
    nodes: Vec<usize>,
    status: Vec<Status>,
    ends: Vec<[u32; 2]>,
    diameter_um: Vec<f64>,
    tube: Vec<Tube>,
    /// Conductance times viscosity.
    reach: Vec<f64>,
    edge: Vec<Edge>,
    inflow_haematocrit: Vec<f64>,
    /// Segments at each node, by id.
    first: Vec<usize>,
    around: Vec<u32>,
    symbolic: Symbolic,
    separation: bool,
    haematocrit: Option<f64>,
}

/// One sweep: the flows that some haematocrits make, and the haematocrits that these flows make.
#[derive(Clone, Debug, Default)]
pub(super) struct Sweep {
    pressure: Vec<f64>,
    flow: Vec<f64>,
    viscosity: Vec<f64>,
    pub haematocrit: Vec<f64>,
    /// Largest gap of red cells at a node with the haematocrits of the start, as a share of the inflow.
    pub rbc_imbalance: f64,
    node_imbalance: f64,
    inflow: f64,
}

impl Plan {
    pub fn new(network: &Network, settings: &Settings) -> Self {
        let open: Vec<bool> = (network.open.iter().zip(network.diameter_um))
            .map(|(&open, &diameter)| open && diameter >= settings.closing_diameter_um)
            .collect();
        let is_edge: Vec<bool> = network.edge.iter().map(|edge| *edge != Edge::Inner).collect();
        let has_level: Vec<bool> = network
            .edge
            .iter()
            .map(|edge| matches!(edge, Edge::Pressure(_)))
            .collect();
        let flows = graph::flowing(network.ends, &open, &is_edge, &has_level);
        let status = (flows.iter().zip(&open))
            .map(|(&flows, &open)| match (flows, open) {
                (true, _) => Status::Flow,
                (_, true) => Status::NoFlow,
                _ => Status::Occluded,
            })
            .collect();
        let segments: Vec<usize> = (0..flows.len()).filter(|&s| flows[s]).collect();
        let mut place = vec![u32::MAX; network.edge.len()];
        for &s in &segments {
            network.ends[s].iter().for_each(|&n| place[n as usize] = 0);
        }
        let nodes: Vec<usize> = (0..place.len()).filter(|&n| place[n] == 0).collect();
        for (i, &n) in nodes.iter().enumerate() {
            place[n] = i as u32;
        }
        let ends: Vec<[u32; 2]> = (segments.iter())
            .map(|&s| network.ends[s].map(|n| place[n as usize]))
            .collect();
        let diameter_um: Vec<f64> = segments.iter().map(|&s| network.diameter_um[s]).collect();
        let reach = (segments.iter().zip(&diameter_um))
            .map(|(&s, &d)| POISEUILLE * math::square(math::square(d)) / network.length_um[s])
            .collect();

        let mut by_id: Vec<u32> = (0..segments.len() as u32).collect();
        by_id.sort_by_key(|&s| (network.segment_id[segments[s as usize]], s));
        let mut first = vec![0; nodes.len() + 1];
        for end in ends.iter().flatten() {
            first[*end as usize + 1] += 1;
        }
        for n in 0..nodes.len() {
            first[n + 1] += first[n];
        }
        let (mut next, mut around) = (first.clone(), vec![0; 2 * segments.len()]);
        for &s in &by_id {
            for n in ends[s as usize] {
                around[next[n as usize]] = s;
                next[n as usize] += 1;
            }
        }
        Self {
            symbolic: Symbolic::new(nodes.len(), &ends),
            tube: diameter_um.iter().map(|&d| settings.blood.in_tube(d)).collect(),
            edge: nodes.iter().map(|&n| network.edge[n]).collect(),
            inflow_haematocrit: nodes.iter().map(|&n| network.inflow_haematocrit[n]).collect(),
            separation: settings.separation,
            haematocrit: settings.haematocrit,
            segments,
            nodes,
            status,
            ends,
            diameter_um,
            reach,
            first,
            around,
        }
    }

    pub fn solve(&self, network: &Network, settings: &Settings, start: Option<&[Option<f64>]>) -> Option<Solution> {
        let uniform = self.haematocrit.unwrap_or(START);
        let first: Vec<f64> = (self.segments.iter())
            .map(|&s| match start.and_then(|known| known[s]) {
                Some(h) if self.haematocrit.is_none() => math::clamp(h, 0.0, DENSEST),
                _ => uniform,
            })
            .collect();
        let found = fixed_point::find(first, settings.tolerance, settings.most_iterations, |h| self.sweep(h))?;
        let Sweep {
            pressure,
            flow,
            viscosity,
            haematocrit,
            ..
        } = &found.sweep;
        let many = network.ends.len();
        let mut out = Solution {
            status: self.status.clone(),
            flow_nl_per_min: vec![0.0; many],
            haematocrit: vec![None; many],
            viscosity_cp: vec![None; many],
            pressure_mmhg: vec![None; network.edge.len()],
            inflow_nl_per_min: found.sweep.inflow,
            converged: found.converged,
            iterations: found.iterations,
            rbc_imbalance: found.sweep.rbc_imbalance,
            haematocrit_change: found.change,
            node_imbalance: found.sweep.node_imbalance,
            boundary_switched: false,
        };
        for (i, &s) in self.segments.iter().enumerate() {
            out.flow_nl_per_min[s] = flow[i];
            out.haematocrit[s] = Some(haematocrit[i]);
            out.viscosity_cp[s] = Some(viscosity[i]);
        }
        for (i, &n) in self.nodes.iter().enumerate() {
            out.pressure_mmhg[n] = Some(pressure[i]);
        }
        Some(out)
    }

    /// Flows for these haematocrits, and the haematocrits that these flows make. `None` when a number is not finite.
    fn sweep(&self, haematocrit: &[f64]) -> Option<Sweep> {
        let viscosity: Vec<f64> = (self.tube.iter().zip(haematocrit))
            .map(|(tube, &h)| tube.viscosity_cp(h))
            .collect();
        let conductance: Vec<f64> = self.reach.iter().zip(&viscosity).map(|(g, mu)| g / mu).collect();
        let (pressure, flow) = self.pressures(&conductance)?;
        if !flow.iter().chain(&viscosity).all(|x| x.is_finite()) {
            return None;
        }
        let mut sweep = Sweep {
            pressure,
            flow,
            viscosity,
            haematocrit: haematocrit.to_vec(),
            ..Sweep::default()
        };
        self.balance(&mut sweep);
        if self.haematocrit.is_none() {
            self.carry_cells(&mut sweep);
        }
        Some(sweep)
    }

    /// Σ G (p − p_other) = inflow at every node that holds no pressure: pressures and flows.
    fn pressures(&self, conductance: &[f64]) -> Option<(Vec<f64>, Vec<f64>)> {
        let held = |n: u32| match self.edge[n as usize] {
            Edge::Pressure(level) => Some(level),
            _ => None,
        };
        let mut diagonal = vec![0.0; self.nodes.len()];
        let mut load: Vec<f64> = (self.edge.iter())
            .map(|edge| if let Edge::Inflow(q) = edge { *q } else { 0.0 })
            .collect();
        let mut coupling = vec![0.0; self.ends.len()];
        for (s, &[a, b]) in self.ends.iter().enumerate() {
            for (here, other) in [(a, b), (b, a)] {
                diagonal[here as usize] += conductance[s];
                if let Some(level) = held(other) {
                    load[here as usize] += conductance[s] * level;
                }
            }
            if held(a).is_none() && held(b).is_none() {
                coupling[s] = conductance[s];
            }
        }
        for n in 0..self.nodes.len() as u32 {
            if let Some(level) = held(n) {
                (diagonal[n as usize], load[n as usize]) = (1.0, level);
            }
        }
        let factor = Factor::new(&self.symbolic, &diagonal, &coupling)?;
        let mut pressure = factor.solve(&self.symbolic, &load);
        let through = |pressure: &[f64], s: usize| {
            let [a, b] = self.ends[s].map(|n| n as usize);
            conductance[s] * (pressure[a] - pressure[b])
        };
        let mut flow: Vec<f64> = (0..self.ends.len()).map(|s| through(&pressure, s)).collect();
        // Refinement of the flows themselves: where little flows through wide vessels, a flow from the difference of two
        // pressures would be lost in their rounding.
        for _ in 0..2 {
            let mut rest: Vec<f64> = (self.edge.iter())
                .map(|edge| if let Edge::Inflow(q) = edge { *q } else { 0.0 })
                .collect();
            for (&[a, b], q) in self.ends.iter().zip(&flow) {
                rest[a as usize] -= q;
                rest[b as usize] += q;
            }
            for n in 0..self.nodes.len() as u32 {
                if held(n).is_some() {
                    rest[n as usize] = 0.0;
                }
            }
            let correction = factor.solve(&self.symbolic, &rest);
            for (s, q) in flow.iter_mut().enumerate() {
                *q += through(&correction, s);
            }
            for (p, more) in pressure.iter_mut().zip(&correction) {
                *p += more;
            }
        }
        Some((pressure, flow))
    }

    /// Blood and red cells that nodes gain, as a share of the inflow.
    fn balance(&self, sweep: &mut Sweep) {
        let (mut blood, mut cells) = (vec![0.0; self.nodes.len()], vec![0.0; self.nodes.len()]);
        for (s, &[a, b]) in self.ends.iter().enumerate() {
            let (q, h) = (sweep.flow[s], sweep.haematocrit[s]);
            blood[a as usize] -= q;
            blood[b as usize] += q;
            cells[a as usize] -= q * h;
            cells[b as usize] += q * h;
        }
        let (mut inflow, mut blood_gap, mut cell_gap) = (0.0, 0.0, 0.0);
        for (n, edge) in self.edge.iter().enumerate() {
            let entering = math::positive(-blood[n]);
            match edge {
                Edge::Inner => {
                    blood_gap = math::max(blood_gap, blood[n].abs());
                    cell_gap = math::max(cell_gap, cells[n].abs());
                }
                Edge::Inflow(q) => blood_gap = math::max(blood_gap, (blood[n] + q).abs()),
                Edge::Pressure(_) => {}
            }
            if *edge != Edge::Inner {
                inflow += entering;
                if entering > 0.0 && self.haematocrit.is_none() {
                    cell_gap = math::max(cell_gap, (cells[n] + entering * self.inflow_haematocrit[n]).abs());
                }
            }
        }
        let share = |gap: f64| if inflow > 0.0 { gap / inflow } else { 0.0 };
        sweep.inflow = inflow;
        sweep.node_imbalance = share(blood_gap);
        sweep.rbc_imbalance = share(cell_gap);
    }

    /// Nodes in the order of the flow: each after all that flow into it.
    fn downstream(&self, pressure: &[f64], flow: &[f64], least: f64) -> Vec<u32> {
        let many = self.nodes.len();
        let mut awaited = vec![0u32; many];
        let goes_to = |s: usize| {
            if flow[s] > 0.0 {
                self.ends[s][1]
            } else {
                self.ends[s][0]
            }
        };
        let flowing = |s: usize| flow[s].abs() > least;
        for s in (0..self.ends.len()).filter(|&s| flowing(s)) {
            awaited[goes_to(s) as usize] += 1;
        }
        let mut order: Vec<u32> = (0..many as u32).filter(|&n| awaited[n as usize] == 0).collect();
        let mut is_in = vec![false; many];
        order.iter().for_each(|&n| is_in[n as usize] = true);
        let mut next = 0;
        while order.len() < many {
            if next == order.len() {
                // A circle, which only rounding can make: cut it where the pressure is highest.
                let left = (0..many as u32).filter(|&n| !is_in[n as usize]);
                let top = left.max_by(|&a, &b| pressure[a as usize].total_cmp(&pressure[b as usize]).then(b.cmp(&a)));
                let Some(top) = top else {
                    break;
                };
                is_in[top as usize] = true;
                order.push(top);
            }
            let n = order[next];
            next += 1;
            for &s in &self.around[self.first[n as usize]..self.first[n as usize + 1]] {
                let to = goes_to(s as usize) as usize;
                if flowing(s as usize) && to != n as usize && !is_in[to] {
                    awaited[to] -= 1;
                    if awaited[to] == 0 {
                        is_in[to] = true;
                        order.push(to as u32);
                    }
                }
            }
        }
        order
    }

    /// Haematocrits that the flows make: a walk downstream.
    fn carry_cells(&self, sweep: &mut Sweep) {
        let Sweep {
            pressure,
            flow,
            haematocrit,
            ..
        } = sweep;
        let strongest = flow.iter().fold(0.0, |most, q| math::max(most, q.abs()));
        let least = math::max(1e-9 * strongest, sweep.node_imbalance * sweep.inflow);
        let (mut leaving, mut outflows, mut still) = (Vec::new(), Vec::new(), Vec::new());
        for n in self.downstream(pressure, flow, least) {
            let (mut blood, mut cells, mut out, mut widest) = (0.0, 0.0, 0.0, 0.0);
            leaving.clear();
            outflows.clear();
            still.clear();
            for &s in &self.around[self.first[n as usize]..self.first[n as usize + 1]] {
                let i = s as usize;
                let from_here = if self.ends[i][0] == n { flow[i] } else { -flow[i] };
                if from_here.abs() <= least {
                    // Whoever is upstream gives it its haematocrit.
                    let [a, b] = self.ends[i];
                    let other = if a == n { b } else { a };
                    let here = (pressure[n as usize], std::cmp::Reverse(n));
                    if here > (pressure[other as usize], std::cmp::Reverse(other)) {
                        still.push(i);
                    }
                } else if from_here > 0.0 {
                    leaving.push(i);
                    outflows.push(Outflow {
                        diameter_um: self.diameter_um[i],
                        flow: from_here,
                        haematocrit: 0.0,
                    });
                    out += from_here;
                } else {
                    blood -= from_here;
                    cells -= from_here * haematocrit[i];
                    widest = math::max(widest, self.diameter_um[i]);
                }
            }
            let is_edge = self.edge[n as usize] != Edge::Inner;
            let entering = if is_edge { math::positive(out - blood) } else { 0.0 };
            blood += entering;
            cells += entering * self.inflow_haematocrit[n as usize];
            if blood <= 0.0 {
                continue;
            }
            let mixed = math::clamp(cells / blood, 0.0, 1.0 - 1e-9);
            // Without a vessel that leads here, or with a source in it, there is no profile to skim.
            if self.separation && leaving.len() > 1 && widest > 0.0 && entering <= least {
                part(widest, mixed, &mut outflows);
            } else {
                outflows.iter_mut().for_each(|o| o.haematocrit = mixed);
            }
            for (&s, o) in leaving.iter().zip(&outflows) {
                haematocrit[s] = o.haematocrit;
            }
            for &s in &still {
                haematocrit[s] = mixed;
            }
        }
    }
}
