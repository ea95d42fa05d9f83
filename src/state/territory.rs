//! Territories: which inlet the blood of each vessel comes from.
//!
//! Blood mixes at every joint in proportion to the flows that meet there, so a share travels downstream like a dye.

use super::Vessels;
use super::vessels::Boundary;

/// Where blood enters the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Inlet {
    /// Its node.
    pub node: u32,
    /// Blood that enters there, as the slab counts it [nl/min].
    pub inflow_nl_per_min: f64,
}

/// Inlets of a network, and for each segment the inlet that most of its blood comes from with that share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Territories {
    /// Inlets, by node.
    pub inlets: Vec<Inlet>,
    /// For each segment: index of its inlet and share of its blood from there; `None` without flow.
    pub feeder: Vec<Option<(u32, f64)>>,
}

/// Follows the blood from each inlet. Costs segments × inlets.
pub fn territories(v: &Vessels) -> Territories {
    let nodes = v.nodes.id.len();
    let flow = |s: usize| v.slab_share[s] * v.flow_nl_per_min[s];
    let mut lacking = vec![0.0; nodes];
    for s in 0..v.len() {
        lacking[v.from[s] as usize] += flow(s);
        lacking[v.to[s] as usize] -= flow(s);
    }
    let total = (0..nodes)
        .filter(|&n| lacking[n] > 0.0)
        .map(|n| lacking[n])
        .sum::<f64>();
    let inlets: Vec<Inlet> = (0..nodes)
        .filter(|&n| v.nodes.boundary[n] != Boundary::Inner && lacking[n] > 1e-6 * total)
        .map(|n| Inlet {
            node: n as u32,
            inflow_nl_per_min: lacking[n],
        })
        .collect();
    let ends = |s: usize| {
        if flow(s) > 0.0 {
            (v.from[s] as usize, v.to[s] as usize)
        } else {
            (v.to[s] as usize, v.from[s] as usize)
        }
    };
    let mut order: Vec<usize> = (0..v.len()).filter(|&s| flow(s) != 0.0).collect();
    let head = |s: usize| v.nodes.pressure_mmhg[ends(s).0];
    order.sort_by(|&a, &b| head(b).total_cmp(&head(a)).then(a.cmp(&b)));
    let mut blood = vec![0.0; nodes];
    for inlet in &inlets {
        blood[inlet.node as usize] += inlet.inflow_nl_per_min;
    }
    for &s in &order {
        blood[ends(s).1] += flow(s).abs();
    }
    let mut feeder: Vec<Option<(u32, f64)>> = vec![None; v.len()];
    for (i, inlet) in inlets.iter().enumerate() {
        let mut dyed = vec![0.0; nodes];
        dyed[inlet.node as usize] = inlet.inflow_nl_per_min;
        for &s in &order {
            let (up, down) = ends(s);
            let share = if blood[up] > 0.0 { dyed[up] / blood[up] } else { 0.0 };
            dyed[down] += share * flow(s).abs();
            if share > feeder[s].map_or(0.0, |known| known.1) {
                feeder[s] = Some((i as u32, share));
            }
        }
    }
    Territories { inlets, feeder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::vessels::{Bed, Class, NewSegment};

    /// Two inlets (nodes 0, 1) that meet at node 2 and leave by 3; a dead end 2–4.
    fn fork(first: f64, second: f64) -> Vessels {
        let mut v = Vessels::default();
        for n in 0..5 {
            v.push_node(n, [n as f64, 0.0, 0.0]);
        }
        for (n, level) in [(0, 60.0), (1, 59.0), (3, 10.0)] {
            v.nodes.boundary[n] = Boundary::Pressure(level);
        }
        v.nodes.pressure_mmhg = vec![60.0, 59.0, 30.0, 10.0, 30.0];
        for (from, to, flow) in [(0, 2, first), (2, 1, -second), (2, 3, first + second), (2, 4, 0.0)] {
            let s = v.push_segment(NewSegment {
                id: v.len() as u64 + 1,
                from,
                to,
                class: Class::Capillary,
                bed: Bed::Fat,
                branch: 0,
                radius_um: 3.0,
                slab_share: 0.5,
                opens_at_step: 0,
                patch_voxels: vec![0],
                pieces: vec![(0, 10.0)],
            });
            v.flow_nl_per_min[s] = flow;
        }
        v
    }

    #[test]
    fn blood_is_named_after_the_inlet_that_most_of_it_comes_from() {
        let found = territories(&fork(3.0, 1.0));
        assert_eq!(found.inlets.iter().map(|i| i.node).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(found.inlets[0].inflow_nl_per_min, 1.5);
        assert_eq!(found.feeder, [Some((0, 1.0)), Some((1, 1.0)), Some((0, 0.75)), None]);
        assert_eq!(territories(&fork(1.0, 3.0)).feeder[2], Some((1, 0.75)));
    }

    #[test]
    fn without_flow_there_is_no_territory() {
        let found = territories(&fork(0.0, 0.0));
        assert!(found.inlets.is_empty() && found.feeder.iter().all(Option::is_none));
    }
}
