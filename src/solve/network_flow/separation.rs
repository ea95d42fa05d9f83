//! Red cells part unequally where a vessel divides.
//!
//! ```text
//! h = (1 − H0)/D0,  A = −13.29 h (Da²/Db² − 1)/(Da²/Db² + 1),  B = 1 + 6.98 h,  X0 = 0.964 h
//! t = (Qa/Q0 − X0)/(1 − 2 X0),  Ea = 1/(1 + exp(−A − B ln(t/(1 − t)))), 0 for t ≤ 0, 1 for t ≥ 1
//! ```
//!
//! D in µm, not corrected for the size of red cells. Ea is the share of red cells that enters branch a.
//! Source: Pries et al. 1989 (Microvasc Res 38:81) in the form of Pries & Secomb 2008 (Handbook of Physiology:
//! Microcirculation).
//! We assume: a vessel with more than two outflows divides one outflow after another, in the order of their ids, what
//! remains counting as one vessel of the same total cross-section; no branch gets more than [`DENSEST`], the rest
//! goes with the other.

use crate::math;

/// Highest haematocrit that a branch takes.
pub const DENSEST: f64 = 0.95;

/// Share of red cells that enters branch a.
pub fn cell_share(parent_um: f64, a_um: f64, b_um: f64, haematocrit: f64, flow_share: f64) -> f64 {
    let h = (1.0 - haematocrit) / parent_um;
    let area = math::square(a_um / b_um);
    let a = -13.29 * (area - 1.0) / (area + 1.0) * h;
    let b = 1.0 + 6.98 * h;
    let x0 = math::min(0.964 * h, 0.49);
    let t = (flow_share - x0) / (1.0 - 2.0 * x0);
    if t <= 0.0 {
        0.0
    } else if t >= 1.0 {
        1.0
    } else {
        1.0 / (1.0 + math::exp(-a - b * math::ln(t / (1.0 - t))))
    }
}

/// One outflow of a node.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outflow {
    /// Diameter [µm].
    pub diameter_um: f64,
    /// Flow, positive [nl/min].
    pub flow: f64,
    /// Haematocrit that it takes.
    pub haematocrit: f64,
}

/// Parts blood from a vessel of diameter `parent_um` among outflows in order. What flows in beyond the outflows leaves
/// before, unseparated.
pub fn part(parent_um: f64, haematocrit: f64, outflows: &mut [Outflow]) {
    let (mut parent_um, mut haematocrit) = (parent_um, haematocrit);
    let densest = math::max(DENSEST, haematocrit);
    let mut area = outflows.iter().fold(0.0, |sum, o| sum + math::square(o.diameter_um));
    let mut flow = outflows.iter().fold(0.0, |sum, o| sum + o.flow);
    let last = outflows.len().saturating_sub(1);
    for i in 0..outflows.len() {
        if i == last {
            outflows[i].haematocrit = haematocrit;
            return;
        }
        let branch = outflows[i];
        area -= math::square(branch.diameter_um);
        // With one outflow left its own diameter counts, not what rounding left of a sum.
        let rest_um = if i + 1 == last {
            outflows[last].diameter_um
        } else {
            area.sqrt()
        };
        let rest = if i + 1 == last {
            outflows[last].flow
        } else {
            flow - branch.flow
        };
        let share = branch.flow / flow;
        let cells = cell_share(parent_um, branch.diameter_um, rest_um, haematocrit, share);
        let all = haematocrit * flow;
        let mut into_branch = math::min(cells * all, densest * branch.flow);
        into_branch = math::max(into_branch, all - densest * rest);
        outflows[i].haematocrit = math::clamp(into_branch / branch.flow, 0.0, densest);
        haematocrit = math::clamp((all - into_branch) / rest, 0.0, densest);
        (parent_um, flow) = (rest_um, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values computed from the published constants.
    #[test]
    fn red_cells_part_as_published() {
        for (d0, da, db, h0, share, expected) in [
            (20.0, 15.0, 15.0, 0.45, 0.3, 0.254606),
            (10.0, 8.0, 6.0, 0.4, 0.3, 0.167014),
            (10.0, 6.0, 8.0, 0.4, 0.3, 0.238595),
            (8.0, 6.0, 6.0, 0.45, 0.08, 0.002210),
            (8.0, 6.0, 6.0, 0.45, 0.05, 0.0),
        ] {
            let found = cell_share(d0, da, db, h0, share);
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn no_red_cell_is_lost_and_no_branch_is_all_cells() {
        for h in [0.0, 0.2, 0.6, 0.94] {
            for split in [0.001, 0.05, 0.4, 0.93] {
                let mut out = [(3.0, 0.3 * split), (12.0, 0.7 * split), (5.0, 1.0 - split)].map(|(d, q)| Outflow {
                    diameter_um: d,
                    flow: q,
                    haematocrit: 0.0,
                });
                part(4.0, h, &mut out);
                let cells = out.iter().fold(0.0, |sum, o| sum + o.flow * o.haematocrit);
                assert!((cells - h).abs() < 1e-12);
                assert!(out.iter().all(|o| (0.0..1.0).contains(&o.haematocrit)), "{out:?}");
            }
        }
    }

    #[test]
    fn the_order_of_two_branches_does_not_matter() {
        let branch = |d, q| Outflow {
            diameter_um: d,
            flow: q,
            haematocrit: 0.0,
        };
        let (mut one, mut other) = (
            [branch(8.0, 0.3), branch(6.0, 0.7)],
            [branch(6.0, 0.7), branch(8.0, 0.3)],
        );
        part(10.0, 0.4, &mut one);
        part(10.0, 0.4, &mut other);
        assert!((one[0].haematocrit - other[1].haematocrit).abs() < 1e-14);
    }
}
