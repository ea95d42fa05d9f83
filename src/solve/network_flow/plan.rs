//! The flowing part of a network, and one sweep over it: pressures, flows, haematocrits.

use super::fixed_point;
use super::pattern::Pattern;
use super::pressure::Pressures;
use super::rheology::{POISEUILLE, Tube, Tubes};
use super::separation::{DENSEST, Outflow, part};
use super::{Edge, Network, Settings, Solution, Status};
use crate::math;
use crate::solve::graph;

/// Haematocrit of the first state when nothing is known.
const START: f64 = 0.4;

/// What stays while haematocrits change. Segments and nodes that do not flow keep their numbers and conduct nothing.
pub(super) struct Plan<'a> {
    pattern: &'a Pattern,
    network: &'a Network<'a>,
    settings: &'a Settings,
    status: Vec<Status>,
    /// Whether each node lies on a flowing segment.
    wet: Vec<bool>,
    tube: Vec<Tube>,
    /// Conductance times viscosity, with the share that counts; 0 where nothing flows.
    reach: Vec<f64>,
}

/// One sweep: the flows that some haematocrits make, and the haematocrits that these flows make.
#[derive(Clone, Debug, Default)]
pub(super) struct Sweep {
    pressure: Vec<f64>,
    pub flow: Vec<f64>,
    viscosity: Vec<f64>,
    pub haematocrit: Vec<f64>,
    /// Flow up to which a vessel is still, and its haematocrit without a say.
    pub least: f64,
    /// Largest gap of red cells at a node with the haematocrits of the start, as a share of the inflow.
    pub rbc_imbalance: f64,
    node_imbalance: f64,
    /// Blood that enters.
    pub inflow: f64,
}

impl Sweep {
    /// Whether hardly anything flows through a vessel.
    pub fn is_still(&self, s: usize) -> bool {
        self.flow[s].abs() <= self.least
    }
}

impl<'a> Plan<'a> {
    pub fn new(pattern: &'a Pattern, tubes: &mut Tubes, network: &'a Network<'a>, settings: &'a Settings) -> Self {
        let open: Vec<bool> = (network.open.iter().zip(network.diameter_um))
            .map(|(&open, &diameter)| open && diameter >= settings.closing_diameter_um)
            .collect();
        let is_edge: Vec<bool> = network.edge.iter().map(|edge| *edge != Edge::Inner).collect();
        let has_level: Vec<bool> = network
            .edge
            .iter()
            .map(|edge| matches!(edge, Edge::Pressure(_) | Edge::Behind { .. }))
            .collect();
        let flows = graph::flowing(network.ends, &open, &is_edge, &has_level);
        let status: Vec<Status> = (flows.iter().zip(&open))
            .map(|(&flows, &open)| match (flows, open) {
                (true, _) => Status::Flow,
                (_, true) => Status::NoFlow,
                _ => Status::Occluded,
            })
            .collect();
        let mut wet = vec![false; network.edge.len()];
        for (ends, _) in network.ends.iter().zip(&flows).filter(|&(_, &flows)| flows) {
            ends.iter().for_each(|&n| wet[n as usize] = true);
        }
        let share = |s: usize| network.share.map_or(1.0, |share| share[s]);
        let reach = (0..flows.len())
            .map(|s| {
                if flows[s] {
                    let bore = math::square(math::square(network.diameter_um[s]));
                    share(s) * (POISEUILLE * bore / network.length_um[s])
                } else {
                    0.0
                }
            })
            .collect();
        let tube = (0..flows.len())
            .map(|s| {
                if flows[s] {
                    tubes.of(settings.blood, s, network.diameter_um[s])
                } else {
                    Tube::Same(1.0)
                }
            })
            .collect();
        Self {
            pattern,
            network,
            settings,
            status,
            wet,
            tube,
            reach,
        }
    }

    fn flows(&self, s: usize) -> bool {
        self.status[s] == Status::Flow
    }

    pub fn solve(&self, start: Option<&[Option<f64>]>) -> Option<Solution> {
        let settings = self.settings;
        let uniform = settings.haematocrit.unwrap_or(START);
        let first: Vec<f64> = (0..self.status.len())
            .map(|s| match start.and_then(|known| known[s]) {
                Some(h) if settings.haematocrit.is_none() => math::clamp(h, 0.0, DENSEST),
                _ => uniform,
            })
            .collect();
        let mut pressures = Pressures::new(self.pattern, self.network.ends, self.network.edge);
        let limits = [settings.red_cell_tolerance, settings.haematocrit_tolerance];
        let found = fixed_point::find(first, limits, settings.most_iterations, |h, change| {
            self.sweep(&mut pressures, h, change)
        })?;
        let sweep = found.sweep;
        let of_segment = |column: &[f64]| -> Vec<Option<f64>> {
            (0..column.len()).map(|s| self.flows(s).then_some(column[s])).collect()
        };
        let flow_nl_per_min = match self.network.share {
            Some(share) => sweep.flow.iter().zip(share).map(|(q, share)| q / share).collect(),
            None => sweep.flow,
        };
        let pressure_mmhg = (self.wet.iter().zip(&sweep.pressure))
            .map(|(wet, &p)| wet.then_some(p))
            .collect();
        Some(Solution {
            status: self.status.clone(),
            flow_nl_per_min,
            haematocrit: of_segment(&sweep.haematocrit),
            viscosity_cp: of_segment(&sweep.viscosity),
            pressure_mmhg,
            inflow_nl_per_min: sweep.inflow,
            converged: found.converged,
            iterations: found.iterations,
            rbc_imbalance: sweep.rbc_imbalance,
            haematocrit_change: found.change,
            node_imbalance: sweep.node_imbalance,
            boundary_switched: false,
        })
    }

    /// Flows for these haematocrits, and the haematocrits that these flows make. `None` when a number is not finite.
    fn sweep(&self, pressures: &mut Pressures, haematocrit: &[f64], change: f64) -> Option<Sweep> {
        let viscosity: Vec<f64> = (self.tube.iter().zip(haematocrit))
            .map(|(tube, &h)| tube.viscosity_cp(h))
            .collect();
        let conductance: Vec<f64> = self.reach.iter().zip(&viscosity).map(|(g, mu)| g / mu).collect();
        let (pressure, flow) = pressures.solve(&conductance, change)?;
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
        if self.settings.haematocrit.is_none() {
            self.carry_cells(&mut sweep);
        }
        Some(sweep)
    }

    /// Blood and red cells that nodes gain, as a share of the inflow.
    fn balance(&self, sweep: &mut Sweep) {
        let (mut blood, mut cells) = (vec![0.0; self.wet.len()], vec![0.0; self.wet.len()]);
        for (s, &[a, b]) in self.network.ends.iter().enumerate() {
            let (q, h) = (sweep.flow[s], sweep.haematocrit[s]);
            blood[a as usize] -= q;
            blood[b as usize] += q;
            cells[a as usize] -= q * h;
            cells[b as usize] += q * h;
        }
        let (mut inflow, mut blood_gap, mut cell_gap) = (0.0, 0.0, 0.0);
        for (n, edge) in self.network.edge.iter().enumerate() {
            let entering = math::positive(-blood[n]);
            match edge {
                Edge::Inner => {
                    blood_gap = math::max(blood_gap, blood[n].abs());
                    cell_gap = math::max(cell_gap, cells[n].abs());
                }
                Edge::Inflow(q) => blood_gap = math::max(blood_gap, (blood[n] + q).abs()),
                // A pressure takes what comes; behind a conductance flows what is found at the end.
                Edge::Pressure(_) | Edge::Behind { .. } => {}
            }
            if *edge != Edge::Inner {
                inflow += entering;
                if entering > 0.0 && self.settings.haematocrit.is_none() {
                    cell_gap = math::max(
                        cell_gap,
                        (cells[n] + entering * self.network.inflow_haematocrit[n]).abs(),
                    );
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
        let many = self.wet.len();
        let mut awaited = vec![0u32; many];
        let goes_to = |s: usize| {
            if flow[s] > 0.0 {
                self.network.ends[s][1]
            } else {
                self.network.ends[s][0]
            }
        };
        let flowing = |s: usize| flow[s].abs() > least;
        for s in (0..self.network.ends.len()).filter(|&s| flowing(s)) {
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
            for &s in self.pattern.at(n) {
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
        let strongest = sweep.flow.iter().fold(0.0, |most, q| math::max(most, q.abs()));
        let least = math::max(1e-9 * strongest, sweep.node_imbalance * sweep.inflow);
        sweep.least = least;
        let Sweep {
            pressure,
            flow,
            haematocrit,
            ..
        } = sweep;
        let (mut leaving, mut outflows, mut still) = (Vec::new(), Vec::new(), Vec::new());
        for n in self.downstream(pressure, flow, least) {
            let (mut blood, mut cells, mut out, mut widest) = (0.0, 0.0, 0.0, 0.0);
            leaving.clear();
            outflows.clear();
            still.clear();
            for &s in self.pattern.at(n) {
                let i = s as usize;
                let from_here = if self.network.ends[i][0] == n {
                    flow[i]
                } else {
                    -flow[i]
                };
                if from_here.abs() <= least {
                    // Whoever is upstream gives it its haematocrit.
                    let [a, b] = self.network.ends[i];
                    let other = if a == n { b } else { a };
                    let here = (pressure[n as usize], std::cmp::Reverse(n));
                    if here > (pressure[other as usize], std::cmp::Reverse(other)) {
                        still.push(i);
                    }
                } else if from_here > 0.0 {
                    leaving.push(i);
                    outflows.push(Outflow {
                        diameter_um: self.network.diameter_um[i],
                        flow: from_here,
                        haematocrit: 0.0,
                    });
                    out += from_here;
                } else {
                    blood -= from_here;
                    cells -= from_here * haematocrit[i];
                    widest = math::max(widest, self.network.diameter_um[i]);
                }
            }
            let is_edge = self.network.edge[n as usize] != Edge::Inner;
            let entering = if is_edge { math::positive(out - blood) } else { 0.0 };
            blood += entering;
            cells += entering * self.network.inflow_haematocrit[n as usize];
            if blood <= 0.0 {
                continue;
            }
            let mixed = math::clamp(cells / blood, 0.0, 1.0 - 1e-9);
            // Without a vessel that leads here, or with a source in it, there is no profile to skim.
            if self.settings.separation && leaving.len() > 1 && widest > 0.0 && entering <= least {
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
