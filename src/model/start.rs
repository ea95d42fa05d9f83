//! The tissue before day 0: a network drawn, set to its perfusion, judged, given its walls.
//!
//! A generated network is calibrated (radii of terminal arterioles, so that perfusion meets its target), evened out (capillary
//! radii), and judged: a living point below the lowest tension, or perfusion outside its band, means another draw from
//! (seed, attempt). A measured network is taken as it is: the healthy state is solved with its own boundaries, then its
//! inflows become the pressures that they had, so that closing a segment cannot drive pressures up.

use serde::{Deserialize, Serialize};

use super::{Parameters, Workspace};
use crate::error::{Error, Result};
use crate::grid::{Grid, Plane};
use crate::initial::{measured, skin, vessels};
use crate::math;
use crate::mechanisms::{blood_flow, challenge, host_chemistry, oxygen, transport};
use crate::random::{Dice, Purpose};
use crate::state::cells::{CONTRACTILE, Mural};
use crate::state::vessels::{Bed, Boundary, Class, Collateral};
use crate::state::{Burden, EventLog, Fields, Host, Ledger, Now, Site, Tissue, Vessels};

/// What is said of the network in `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Networks drawn.
    pub attempts: u32,
    /// Segments.
    pub segments: u32,
    /// Nodes.
    pub nodes: u32,
    /// Statistics, by name with unit.
    pub statistics: Vec<(String, f64)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Builds and judges the tissue of a seed.
pub fn tissue(p: &Parameters, seed: u64, work: &mut Workspace) -> Result<(Tissue, NetworkReport)> {
    let dice = Dice::new(seed);
    let grid = p.space.grid();
    let mut refusals = Vec::new();
    let attempts = if p.network.kind == "csv" || !p.network.judge {
        1
    } else {
        p.network.max_attempts
    };
    for attempt in 0..attempts {
        *work = Workspace::default();
        let mut tissue = bare(p, &grid, dice, u64::from(attempt))?;
        let perfusion = if p.tables.is_some() {
            take_measured(p, &mut tissue, work)
        } else {
            calibrate(p, &mut tissue, work)
        };
        oxygen::solve(&p.mechanisms.oxygen, &mut tissue, &mut work.oxygen);
        let lowest = lowest_po2(&tissue);
        let off = (perfusion / p.network.perfusion_per_min - 1.0).abs();
        let starved = lowest < p.network.lowest_po2_mmhg;
        if p.tables.is_none() && p.network.judge && (starved || off > p.network.perfusion_band) {
            refusals.push(format!(
                "attempt {attempt}: lowest PO2 {lowest:.1} mmHg, perfusion {perfusion:.4} /min"
            ));
            continue;
        }
        let mut report = finish(p, &mut tissue, work, dice, perfusion, lowest);
        report.attempts = attempt + 1;
        return Ok((tissue, report));
    }
    Err(Error::input(
        "network",
        format!(
            "no network of seed {seed} passed the judgement before day 0 in {attempts} attempts ({}); raise \
             network.perfusion_per_min or host.haematocrit, or set network.judge = false and say so",
            refusals.last().map_or("", String::as_str)
        ),
    ))
}

/// Layers, cells and vessels, with no flow yet.
fn bare(p: &Parameters, grid: &Grid, dice: Dice, attempt: u64) -> Result<Tissue> {
    let septa = match grid.plane {
        Plane::Plan => Vec::new(),
        _ => vessels::septa_um(&p.network, &p.space, dice, attempt),
    };
    let mut anatomy = skin::layers(&p.skin, &p.space, grid, &septa, dice);
    let ischaemia = &p.mechanisms.ischaemia;
    let tolerance = skin::Tolerance {
        stroma_h: ischaemia.stroma_tolerance_h,
        adipocyte_h: ischaemia.adipocyte_tolerance_h,
        sd_log: ischaemia.tolerance_sd_log,
    };
    let mut cells = skin::populate(&p.skin, grid, &mut anatomy, tolerance, dice);
    let vessels = match &p.tables {
        Some(tables) => measured::read(tables, &p.network, grid, dice)?,
        None => vessels::generate(&p.network, &p.space, grid, &p.host, dice, attempt)?,
    };
    cells.mural = mural_cells(&vessels, p.mural_per_um);
    let mut site = dice.roll(Purpose::Site, 0);
    let mut host = Host::at_rest(p.host.clone());
    host.inhibition = host_chemistry::inhibition(&p.mechanisms.host_chemistry, &host, p.arrows.inhibitor);
    Ok(Tissue {
        fields: Fields::zeros(grid.len()),
        grid: grid.clone(),
        host,
        site: Site {
            mineral: site.log_normal(1.0, math::ln(p.host.mineral_site_gsd)),
            repair: site.log_normal(1.0, p.site.repair_sd_log),
            lysis: site.log_normal(1.0, p.site.lysis_sd_log),
            clotting: site.log_normal(1.0, p.site.clotting_sd_log),
        },
        anatomy,
        vessels,
        cells,
        burden: Burden::default(),
        ledger: Ledger::default(),
        events: EventLog::default(),
    })
}

/// Mural cells along arterioles, evenly.
fn mural_cells(v: &Vessels, per_um: f64) -> Mural {
    let mut mural = Mural::default();
    for s in (0..v.len()).filter(|&s| v.class[s] == Class::Arteriole) {
        let n = math::max((v.length_um[s] * per_um).round(), 1.0) as usize;
        let patches = v.patches(s);
        for i in 0..n {
            let patch = patches.start + i * patches.len() / n;
            mural.id.push(v.id[s] << 16 | i as u64);
            mural.segment.push(s as u32);
            mural.voxel.push(v.patch_voxel[patch]);
            mural.state.push(CONTRACTILE);
        }
    }
    mural
}

/// Solves the flow with the walls as they are.
fn solve_flow(p: &Parameters, tissue: &mut Tissue, work: &mut Workspace) {
    let open = blood_flow::open_diameters_um(&p.mechanisms.blood_flow, &p.arrows, &tissue.vessels, 0);
    blood_flow::solve(&p.mechanisms.blood_flow, tissue, open, &mut work.flow);
}

/// Perfusion of the block [mL/mL/min].
fn perfusion(tissue: &Tissue) -> f64 {
    // nl/min per µm³: 1 nl = 10⁶ µm³.
    tissue.vessels.inflow_nl_per_min() * 1e6 / (tissue.grid.len() as f64 * tissue.grid.voxel_volume_um3())
}

/// Sets terminal arterioles so that perfusion meets its target, evening out capillaries on the way.
fn calibrate(p: &Parameters, tissue: &mut Tissue, work: &mut Workspace) -> f64 {
    let drawn = tissue.vessels.radius_um.clone();
    let target = p.network.perfusion_per_min;
    let is_tap = |v: &Vessels, s: usize| v.bed[s] == Bed::Tap && v.class[s] == Class::Arteriole;
    for round in 0..4 {
        if round > 0 {
            even_out(&mut tissue.vessels);
        }
        // Perfusion grows with the factor: halve the interval in its logarithm.
        let (mut low, mut high) = (0.45_f64, 3.0);
        for _ in 0..14 {
            let factor = (low * high).sqrt();
            for s in 0..drawn.len() {
                if is_tap(&tissue.vessels, s) {
                    tissue.vessels.radius_um[s] = math::max(drawn[s] * factor, 1.7);
                }
            }
            solve_flow(p, tissue, work);
            if perfusion(tissue) > target {
                high = factor;
            } else {
                low = factor;
            }
        }
    }
    perfusion(tissue)
}

/// Structural adaptation in one stroke: capillaries with little flow are a little wider, those with much a little narrower.
fn even_out(v: &mut Vessels) {
    for bed in [Bed::Loop, Bed::Dermal, Bed::Fat] {
        let mut flows: Vec<f64> = (0..v.len())
            .filter(|&s| v.bed[s] == bed)
            .map(|s| v.flow_nl_per_min[s].abs())
            .collect();
        if flows.is_empty() {
            continue;
        }
        flows.sort_by(f64::total_cmp);
        let median = flows[flows.len() / 2];
        for s in 0..v.len() {
            if v.bed[s] == bed {
                let ratio = math::clamp(median / math::max(v.flow_nl_per_min[s].abs(), 1e-6), 0.2, 5.0);
                v.radius_um[s] = math::clamp(v.radius_um[s] * math::pow(ratio, 0.08), 2.3, 4.6);
            }
        }
    }
}

/// A measured network: healthy flow with its own boundaries, then pressures; classes by pressure.
fn take_measured(p: &Parameters, tissue: &mut Tissue, work: &mut Workspace) -> f64 {
    for s in 0..tissue.vessels.len() {
        tissue.vessels.haematocrit[s] = tissue.host.profile.haematocrit;
    }
    solve_flow(p, tissue, work);
    let v = &mut tissue.vessels;
    for n in 0..v.nodes.id.len() {
        if matches!(v.nodes.boundary[n], Boundary::Inflow(_)) {
            v.nodes.boundary[n] = Boundary::Pressure(v.nodes.pressure_mmhg[n]);
        }
    }
    let mut into = vec![0.0; v.nodes.id.len()];
    for s in 0..v.len() {
        into[v.from[s] as usize] += v.flow_nl_per_min[s];
        into[v.to[s] as usize] -= v.flow_nl_per_min[s];
    }
    for n in 0..into.len() {
        v.nodes.is_inlet[n] = v.nodes.boundary[n] != Boundary::Inner && into[n] > 0.0;
    }
    // Capillaries are the narrow ones; of the others, the upper half of pressures is arteriolar.
    let mut wide: Vec<f64> = (0..v.len())
        .filter(|&s| v.radius_um[s] > 5.0)
        .map(|s| mean_pressure(v, s))
        .collect();
    wide.sort_by(f64::total_cmp);
    let split = wide.get(wide.len() / 2).copied().unwrap_or(0.0);
    for s in 0..v.len() {
        v.class[s] = match (v.radius_um[s] > 5.0, mean_pressure(v, s) >= split) {
            (false, _) => Class::Capillary,
            (true, true) => Class::Arteriole,
            (true, false) => Class::Venule,
        };
    }
    tissue.cells.mural = mural_cells(&tissue.vessels, p.mural_per_um);
    perfusion(tissue)
}

fn mean_pressure(v: &Vessels, s: usize) -> f64 {
    (v.nodes.pressure_mmhg[v.from[s] as usize] + v.nodes.pressure_mmhg[v.to[s] as usize]) / 2.0
}

/// Lowest oxygen tension of the block [mmHg].
fn lowest_po2(tissue: &Tissue) -> f64 {
    tissue
        .fields
        .oxygen
        .iter()
        .fold(f64::INFINITY, |low, &x| math::min(low, f64::from(x)))
}

/// Walls, healthy references, first fields, report.
fn finish(
    p: &Parameters,
    tissue: &mut Tissue,
    work: &mut Workspace,
    dice: Dice,
    perfusion: f64,
    lowest: f64,
) -> NetworkReport {
    let mut report = statistics(p, tissue, perfusion, lowest);
    burn_in(p, tissue, dice);
    solve_flow(p, tissue, work);
    let v = &mut tissue.vessels;
    v.healthy_flow_nl_per_min = v.flow_nl_per_min.iter().map(|q| q.abs()).collect();
    v.healthy_shear_pa.clone_from(&v.shear_pa);
    let now = Now {
        step: 0,
        day: 0.0,
        hours: 1.0,
        dice,
    };
    join_outside(p, tissue);
    oxygen::apply(&p.mechanisms.oxygen, tissue, now, &mut work.oxygen);
    transport::apply(&p.mechanisms.transport, &p.arrows, tissue, now, &mut work.transport);
    challenge::prepare(tissue, &p.challenges(&tissue.grid.clone()).unwrap_or_default());
    let after = lowest_po2(tissue);
    if after < p.network.lowest_po2_mmhg {
        report.warnings.push(format!(
            "wall mineral at the start leaves a point at {after:.1} mmHg (below {} mmHg) on day 0",
            p.network.lowest_po2_mmhg
        ));
    }
    report
}

/// Joins the capillaries of a section to what lies at their place, in health, outside its plane: their mesh goes on there,
/// larger vessels cross the plane once.
fn join_outside(p: &Parameters, tissue: &mut Tissue) {
    let v = &mut tissue.vessels;
    if tissue.grid.plane != Plane::Section || p.network.out_of_plane_supply <= 0.0 {
        return;
    }
    let around = v.incidence();
    for (n, segments) in around.iter().enumerate() {
        let in_mesh = segments.iter().all(|&s| v.class[s as usize] == Class::Capillary);
        if v.nodes.boundary[n] != Boundary::Inner || segments.is_empty() || !in_mesh {
            continue;
        }
        let (mut conductance, mut arriving, mut bound, mut cells) = (0.0, 0.0, 0.0, 0.0);
        for &s in segments {
            let s = s as usize;
            let [a, b] = [v.from[s], v.to[s]].map(|n| v.nodes.pressure_mmhg[n as usize]);
            let q = v.slab_share[s] * v.flow_nl_per_min[s].abs();
            conductance += if a == b { 0.0 } else { q / (a - b).abs() };
            if (v.from[s] as usize == n) != (v.flow_nl_per_min[s] > 0.0) {
                arriving += q;
                bound += q * v.po2_mmhg[s];
                cells += q * v.haematocrit[s];
            }
        }
        if arriving > 0.0 {
            v.nodes.boundary[n] = Boundary::Collateral(Collateral {
                pressure_mmhg: v.nodes.pressure_mmhg[n],
                conductance: p.network.out_of_plane_supply * conductance / segments.len() as f64,
                po2_mmhg: bound / arriving,
                haematocrit: cells / arriving,
            });
        }
    }
}

/// Wall mineral of chronic disease: a share of arteriolar branches carries a log-normal amount.
fn burn_in(p: &Parameters, tissue: &mut Tissue, dice: Dice) {
    let burn_in = &p.host.burn_in;
    let v = &mut tissue.vessels;
    for s in 0..v.len() {
        if v.class[s] != Class::Arteriole || burn_in.share <= 0.0 || burn_in.wall_mineral_median <= 0.0 {
            continue;
        }
        let mut branch = dice.roll(Purpose::BurnIn, u64::from(v.branch[s]));
        if branch.chance(burn_in.share) {
            let level = branch.log_normal(burn_in.wall_mineral_median, math::ln(burn_in.gsd));
            let patchy = dice.roll(Purpose::BurnIn, v.id[s] | 1 << 40).log_normal(1.0, 0.3);
            v.mineral[s] = math::min(level * patchy * math::min(tissue.site.mineral, 3.0), 0.3);
            v.nidus[s] = p.burn_in_nidus;
        }
    }
}

/// Numbers of the healthy network, and what the acute loop would do in it.
fn statistics(p: &Parameters, tissue: &Tissue, perfusion: f64, lowest: f64) -> NetworkReport {
    let v = &tissue.vessels;
    let volume_mm3 = tissue.grid.len() as f64 * tissue.grid.voxel_volume_um3() * 1e-9;
    let sum = |f: &dyn Fn(usize) -> f64| (0..v.len()).fold(0.0, |total, s| total + f(s));
    let length = sum(&|s| v.length_um[s] * v.slab_share[s]) / 1000.0;
    let mut statistics = vec![
        ("perfusion_per_min".to_owned(), perfusion),
        ("lowest_po2_mmhg".to_owned(), lowest),
        ("length_density_mm_per_mm3".to_owned(), length / volume_mm3),
        (
            "share_without_flow".to_owned(),
            sum(&|s| f64::from(u8::from(v.flow_nl_per_min[s] == 0.0))) / v.len() as f64,
        ),
        ("oxygen_balance".to_owned(), tissue.ledger.oxygen_gap),
        ("flow_balance".to_owned(), tissue.ledger.flow_gap),
        ("red_cell_balance".to_owned(), tissue.ledger.red_cell_gap),
    ];
    for (name, class) in [
        ("arterioles", Class::Arteriole),
        ("capillaries", Class::Capillary),
        ("venules", Class::Venule),
    ] {
        statistics.push((name.to_owned(), sum(&|s| f64::from(u8::from(v.class[s] == class)))));
    }
    let mean_of = |bed: Bed, f: &dyn Fn(usize) -> f64| {
        let members: Vec<usize> = (0..v.len()).filter(|&s| v.bed[s] == bed).collect();
        members.iter().fold(0.0, |total, &s| total + f(s)) / math::max(members.len() as f64, 1.0)
    };
    let velocity = |s: usize| {
        v.flow_nl_per_min[s].abs() * 1e6 / 60.0 / (std::f64::consts::PI * math::square(v.radius_um[s])) / 1000.0
    };
    statistics.push((
        "loop_pressure_mmhg".to_owned(),
        mean_of(Bed::Loop, &|s| mean_pressure(v, s)),
    ));
    statistics.push(("loop_velocity_mm_per_s".to_owned(), mean_of(Bed::Loop, &velocity)));
    statistics.push((
        "fat_capillary_pressure_mmhg".to_owned(),
        mean_of(Bed::Fat, &|s| mean_pressure(v, s)),
    ));
    let mean_po2 = tissue.fields.oxygen.iter().fold(0.0, |total, &x| total + f64::from(x)) / tissue.grid.len() as f64;
    statistics.push(("mean_po2_mmhg".to_owned(), mean_po2));
    let mut warnings = Vec::new();
    let (reach, rim, supply) = loop_reach(p);
    statistics.push(("loop_reach_um".to_owned(), reach));
    statistics.push(("loop_occluded_rim_um".to_owned(), rim));
    statistics.push(("oxygen_reach_um".to_owned(), supply));
    statistics.push(("loop_gain".to_owned(), rim / supply));
    if rim > supply && p.host.repair_factor >= 1.0 {
        warnings.push(format!(
            "in this host the acute loop runs away by itself: damage clots a rim of {rim:.0} µm, oxygen reaches {supply:.0} µm"
        ));
    }
    NetworkReport {
        attempts: 1,
        segments: v.len() as u32,
        nodes: v.nodes.id.len() as u32,
        statistics,
        warnings,
    }
}

/// How far damage of a dead region strips vessels, and how far oxygen reaches from a perfused edge [µm]:
/// (reach ℓ of the signal, occluded rim w, oxygen reach L). A lesion spreads by itself when w > L.
fn loop_reach(p: &Parameters) -> (f64, f64, f64) {
    let t = &p.mechanisms.transport;
    let reach = (t.damage_diffusivity_um2_per_s / (t.damage_decay_per_min / 60.0)).sqrt();
    let e = &p.mechanisms.endothelial_injury;
    // Half of the patches are lost where the hazard is 2 ln 2 k_rep: the rim ends there. Damage falls from ½ at the edge.
    let repair = e.repair_rate_per_h * p.host.repair_factor * 0.5;
    let share = math::min(
        2.0 * repair / math::max(p.arrows.damp_loop * e.damage_rate_per_h, 1e-12),
        0.99,
    );
    let level = e.damage_half * (share / (1.0 - share)).sqrt();
    let rim = reach * math::positive(math::ln(0.5 / level));
    let o = &p.mechanisms.oxygen;
    let supply = (2.0 * o.diffusivity_um2_per_s * 40.0 / o.use_fat_mmhg_per_s).sqrt();
    (reach, rim, supply)
}
