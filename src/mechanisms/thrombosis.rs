//! Thrombosis and lysis: a clot fills the lumen where a long enough run of endothelium is lost.
//!
//! ```text
//! T = min(T_max, (TF_0 + a_C C + TF_msc) (1 + w·thrombophilia + w_L·LA) (II/PC) anticoagulation · stasis)
//! stasis = 1 + σ max(0, 1 − q/(f q_healthy))
//! L_crit = λ_c 2r / T ;  L ≥ L_crit:  dΘ/dt = k_thr T (1 − Θ)
//!                        L < L_crit:  Θ → ½ (L/L_crit)² (a mural clot that stops growing)
//! no lost patch:         dΘ/dt = −(k_lys·plasmin or, once organised, k_rec) Θ
//! ```
//!
//! | symbol | meaning                                        | unit | in code                     |
//! |--------|------------------------------------------------|------|-----------------------------|
//! | Θ      | thrombus, share of the lumen                   | 0-1  | `vessels.thrombus`          |
//! | L      | length of the connected run of lost patches    | µm   | `Runs`, across joints       |
//! | r      | healthy radius                                 | µm   | `vessels.radius_um`         |
//! | T      | procoagulant score                             | –    | `procoagulant_score`        |
//! | LA     | lupus anticoagulant                            | 0-1  | `host.lupus_anticoagulant`  |
//! | II/PC  | factor II over protein C: the warfarin dip     | –    | `host.factor_ii`, `.protein_c` |
//! | k_lys, k_rec | lysis of fresh, recanalisation of organised thrombus | 1/h | `lysis_rate_per_h`, … |
//!
//! Reads integrity, flow, cytokine, host. Writes `vessels.thrombus`, `closed_h`; events of closure and reopening. No dice.
//! Source: a critical length between arrested and occlusive clots: Belyaev et al. 2015 (arXiv 1408.5504). Values assumed.
//! We assume: coagulation acts within an hour; organised after 48 h; recanalisation needs blood near by.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::state::cells::{DEAD_PRODUCT, INJECTED};
use crate::state::{EventKind, Now, Tissue, Vessels};

/// Numbers of clotting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Integrity below which a patch counts as lost, 0-1.
    pub denuded_below: f64,
    /// λ_c: critical run, in diameters.
    pub critical_diameters: f64,
    /// TF_0.
    pub tissue_factor: f64,
    /// a_C: tissue factor by cytokine.
    pub tissue_factor_by_cytokine: f64,
    /// Tissue factor of stem cells in the tissue around a segment.
    pub tissue_factor_by_msc: f64,
    /// w.
    pub thrombophilia_gain: f64,
    /// w_L.
    pub lupus_gain: f64,
    /// σ.
    pub stasis_gain: f64,
    /// f: share of the healthy flow below which blood begins to stagnate.
    pub stasis_below: f64,
    /// T_max.
    pub score_limit: f64,
    /// k_thr [1/h].
    pub growth_rate_per_h: f64,
    /// k_lys [1/h].
    pub lysis_rate_per_h: f64,
    /// k_rec [1/h].
    pub recanalisation_rate_per_h: f64,
    /// Oxygen of the tissue around an organised thrombus at which perfused neighbours reopen it at the full rate [mmHg].
    pub recanalises_at_mmhg: f64,
    /// Age at which a closing thrombus is organised [h].
    pub organised_after_h: f64,
    /// Thrombus at which a segment counts as closed, 0-1.
    pub closed_at: f64,
    /// Thrombus below which it counts as open again, 0-1.
    pub open_below: f64,
}

/// T of a segment before the limit by stasis is applied.
fn procoagulant_score(p: &Parameters, plasma: f64, cytokine: f64, msc: f64, stasis: f64) -> f64 {
    let factor = p.tissue_factor + p.tissue_factor_by_cytokine * cytokine + p.tissue_factor_by_msc * msc;
    math::min(p.score_limit, factor * plasma * stasis)
}

/// New thrombus after some hours, for a run of length `run` against the critical length.
fn grow(p: &Parameters, thrombus: f64, score: f64, run_um: f64, critical_um: f64, hours: f64) -> f64 {
    let rate = p.growth_rate_per_h * score;
    if run_um >= critical_um {
        return math::relax(thrombus, 1.0, rate, hours);
    }
    let arrested = 0.5 * math::square(run_um / critical_um);
    if arrested > thrombus {
        math::relax(thrombus, arrested, rate, hours)
    } else {
        thrombus
    }
}

/// Length of the connected run of lost patches that each patch belongs to [µm]; 0 for an intact patch.
struct Runs {
    length_um: Vec<f64>,
}

impl Runs {
    /// Joins lost patches along segments and across joints.
    fn of(v: &Vessels, denuded_below: f64) -> Self {
        let lost = |patch: usize| f64::from(v.integrity[patch]) < denuded_below;
        let mut parent: Vec<u32> = (0..v.integrity.len() as u32).collect();
        let mut end_at_node: Vec<Option<u32>> = vec![None; v.nodes.id.len()];
        for s in 0..v.len() {
            let patches = v.patches(s);
            for patch in patches.clone().skip(1) {
                if lost(patch) && lost(patch - 1) {
                    join(&mut parent, patch as u32, patch as u32 - 1);
                }
            }
            for (node, patch) in [(v.from[s], patches.start), (v.to[s], patches.end - 1)] {
                if lost(patch) {
                    match end_at_node[node as usize] {
                        Some(other) => join(&mut parent, patch as u32, other),
                        None => end_at_node[node as usize] = Some(patch as u32),
                    }
                }
            }
        }
        let mut length_um = vec![0.0; parent.len()];
        for s in 0..v.len() {
            let um = v.patch_um(s);
            for patch in v.patches(s).filter(|&patch| lost(patch)) {
                length_um[root(&mut parent, patch as u32) as usize] += um;
            }
        }
        for patch in 0..parent.len() {
            let run = if lost(patch) {
                length_um[root(&mut parent, patch as u32) as usize]
            } else {
                0.0
            };
            // Roots keep their sum until everyone has read it: a root is its own smallest member.
            length_um[patch] = run;
        }
        Self { length_um }
    }
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

/// The smaller root wins, so a root is the first member of its run.
fn join(parent: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b) as usize] = a.min(b);
}

/// Clots and dissolves, segment by segment.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let runs = Runs::of(&tissue.vessels, p.denuded_below);
    let cells_near = msc_near_segments(tissue, arrows);
    let bathed = bathed_by_blood(&tissue.vessels, &tissue.fields.oxygen, p.recanalises_at_mmhg);
    let Tissue {
        vessels: v,
        fields,
        host,
        site,
        events,
        ..
    } = tissue;
    let relief = 1.0 - arrows.msc_coag * host.msc_coagulation_relief;
    let plasma = site.clotting
        * (1.0
            + (p.thrombophilia_gain * host.profile.thrombophilia + p.lupus_gain * host.profile.lupus_anticoagulant)
                * relief)
        * (host.factor_ii / math::max(host.protein_c, 0.05))
        * host.anticoagulation
        * (1.0 + arrows.msc_tf * host.msc_tissue_factor);
    let lysis = arrows.lysis * site.lysis * host.profile.lysis_factor * host.thrombolysis;
    for s in 0..v.len() {
        let patches = v.patches(s);
        let run = patches
            .clone()
            .fold(0.0, |longest, patch| math::max(longest, runs.length_um[patch]));
        if run == 0.0 && v.thrombus[s] == 0.0 {
            continue;
        }
        let middle = v.patch_voxel[patches.start + patches.len() / 2] as usize;
        let before = v.thrombus[s];
        let mut thrombus = before;
        if run > 0.0 {
            let healthy = v.healthy_flow_nl_per_min[s];
            // A link that hardly flowed in health cannot stagnate.
            let deficit = if healthy > 1e-4 {
                math::unit(1.0 - v.relative_flow(s) / p.stasis_below)
            } else {
                0.0
            };
            let stasis = 1.0 + arrows.stagnation * p.stasis_gain * deficit;
            let cytokine = arrows.damp_loop * f64::from(fields.cytokine[middle]);
            let score = procoagulant_score(p, plasma, cytokine, cells_near[s], stasis);
            let critical = p.critical_diameters * 2.0 * v.radius_um[s] / math::max(score, 1e-9);
            thrombus = grow(p, thrombus, arrows.thrombosis * score, run, critical, now.hours);
        }
        // Plasmin works all the time; an organised plug opens only by recanalisation, from blood near by.
        let organised = v.closed_h[s] >= p.organised_after_h;
        let rate = if organised {
            p.recanalisation_rate_per_h * bathed[s]
        } else {
            p.lysis_rate_per_h
        };
        thrombus = math::relax(thrombus, 0.0, rate * lysis, now.hours);
        v.thrombus[s] = if thrombus < 1e-6 { 0.0 } else { thrombus };
        let was_closed = v.closed_h[s] > 0.0;
        let cause = v.latest_event[s].or(events.latest_trigger);
        let entity = || format!("segment:{}", v.id[s]);
        if thrombus >= p.closed_at {
            v.closed_h[s] += now.hours;
            if !was_closed {
                let values = [
                    ("run_um", run),
                    ("mineral", v.mineral[s]),
                    ("radius_um", v.radius_um[s]),
                ];
                let id = events.add(now.step, EventKind::Closure, entity(), v.middle_um(s), cause, &values);
                v.latest_event[s] = Some(id);
                events.latest_closure = Some(id);
            }
        } else if thrombus < p.open_below && was_closed && v.flow_nl_per_min[s] != 0.0 {
            // Open is what carries blood again: a plug that dissolves and sets again without new blood is the same old one.
            let values = [("closed_h", v.closed_h[s])];
            let id = events.add(now.step, EventKind::Reopening, entity(), v.middle_um(s), cause, &values);
            v.closed_h[s] = 0.0;
            v.latest_event[s] = Some(id);
            events.latest_closure = Some(id);
        } else if was_closed {
            v.closed_h[s] += now.hours;
        }
    }
}

/// How near flowing blood is, 0-1: the share of a segment's ends that meet it, or the oxygen that perfused neighbours send.
/// Without the second, the inside of a clotted region could never open: no end of it meets blood before all of it is open.
fn bathed_by_blood(v: &Vessels, oxygen: &[f32], full_mmhg: f64) -> Vec<f64> {
    let mut flowing = vec![false; v.nodes.id.len()];
    for s in 0..v.len() {
        if v.flow_nl_per_min[s] != 0.0 {
            flowing[v.from[s] as usize] = true;
            flowing[v.to[s] as usize] = true;
        }
    }
    (0..v.len())
        .map(|s| {
            let ends = [v.from[s], v.to[s]].iter().filter(|&&n| flowing[n as usize]).count() as f64 / 2.0;
            let patches = v.patches(s);
            let middle = v.patch_voxel[patches.start + patches.len() / 2] as usize;
            math::max(ends, math::unit(f64::from(oxygen[middle]) / full_mmhg))
        })
        .collect()
}

/// Fresh or dead stem-cell product within 30 µm of each segment's patches, in agents per patch.
fn msc_near_segments(tissue: &Tissue, arrows: &Arrows) -> Vec<f64> {
    let v = &tissue.vessels;
    let mut near = vec![0.0; v.len()];
    let msc = &tissue.cells.msc;
    if msc.is_empty() || arrows.msc_tf == 0.0 {
        return near;
    }
    // Tissue factor of a product acts for about a day.
    let sticky: Vec<usize> = (0..msc.len())
        .filter(|&i| msc.age_h[i] < 24.0 && (INJECTED..=DEAD_PRODUCT).contains(&msc.state[i]))
        .collect();
    let mut count = vec![0u32; tissue.grid.len()];
    for &i in &sticky {
        count[tissue.grid.voxel_at(msc.place_um(i))] += 1;
    }
    for s in 0..v.len() {
        let patches = v.patches(s);
        let n = patches.len() as f64;
        let touching: u32 = patches
            .map(|patch| {
                let voxel = v.patch_voxel[patch] as usize;
                count[voxel] + tissue.grid.faces(voxel).map(|f| count[f]).sum::<u32>()
            })
            .sum();
        near[s] = arrows.msc_tf * f64::from(touching) / n;
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture_cells;

    fn p() -> Parameters {
        crate::parameters::Registry::embedded()
            .section("thrombosis")
            .expect("registry section")
    }

    #[test]
    fn a_run_below_the_critical_length_stops_and_a_longer_one_closes() {
        let (mut short, mut long) = (0.0, 0.0);
        for _ in 0..48 {
            short = grow(&p(), short, 1.0, 50.0, 100.0, 1.0);
            long = grow(&p(), long, 1.0, 101.0, 100.0, 1.0);
        }
        assert!((short - 0.125).abs() < 1e-6, "{short}");
        assert!(long > 0.999, "{long}");
    }

    #[test]
    fn closing_takes_hours_at_most_whatever_the_step() {
        let one = grow(&p(), 0.0, 1.0, 200.0, 100.0, 1.0);
        let six = (0..6).fold(0.0, |t, _| grow(&p(), t, 1.0, 200.0, 100.0, 1.0 / 6.0));
        assert!((one - six).abs() < 1e-12);
    }

    #[test]
    fn a_plug_that_dissolves_is_open_only_when_blood_comes() {
        let mut tissue = fixture_cells::section();
        let closed = |t: &Tissue| t.vessels.closed_h[0];
        let flow = std::mem::replace(&mut tissue.vessels.flow_nl_per_min[0], 0.0);
        tissue.vessels.thrombus[0] = 0.1;
        tissue.vessels.closed_h[0] = 100.0;
        apply(&p(), &Arrows::default(), &mut tissue, fixture_cells::now(0));
        assert_eq!((closed(&tissue), tissue.events.pending.len()), (101.0, 0));
        tissue.vessels.flow_nl_per_min[0] = flow;
        apply(&p(), &Arrows::default(), &mut tissue, fixture_cells::now(1));
        assert_eq!(closed(&tissue), 0.0);
        assert_eq!(tissue.events.pending[0].kind, EventKind::Reopening);
    }

    #[test]
    fn the_dip_of_protein_c_raises_the_score() {
        let normal = procoagulant_score(&p(), 1.0, 0.0, 0.0, 1.0);
        assert!(procoagulant_score(&p(), 1.9, 0.0, 0.0, 1.0) > 1.5 * normal);
        assert_eq!(procoagulant_score(&p(), 100.0, 1.0, 1.0, 4.0), p().score_limit);
    }
}
