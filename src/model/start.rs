//! The tissue before day 0: a network drawn, set to its perfusion, judged, given its walls.
//!
//! A generated network is calibrated (radii of ascending and terminal arterioles, so that skin and fat have their perfusion), evened out (capillary
//! radii), and judged: a living point below the lowest tension, or perfusion outside its band, means another draw from
//! (seed, attempt). A measured network is taken as it is: the healthy state is solved with its own boundaries, then its
//! inflows become the pressures that they had, so that closing a segment cannot drive pressures up.

use super::statistics::{Part, part_perfusion};
use super::{NetworkReport, Parameters, Workspace, statistics};
use crate::error::{Error, Result};
use crate::grid::{Grid, Plane};
use crate::initial::{measured, skin, vessels};
use crate::math;
use crate::mechanisms::{blood_flow, challenge, host_chemistry, oxygen, transport};
use crate::random::{Dice, Purpose};
use crate::state::cells::{CONTRACTILE, Mural};
use crate::state::vessels::{Bed, Boundary, Class, Collateral};
use crate::state::{Burden, EventLog, Fields, Host, Ledger, Now, Site, Tissue, Vessels};

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
        let off = (perfusion / target_perfusion(p, &tissue) - 1.0).abs();
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
             network.fat_perfusion_per_min or host.haematocrit, or set network.judge = false and say so",
            refusals.last().map_or("", String::as_str)
        ),
    ))
}

/// Layers, cells and vessels, with no flow yet.
fn bare(p: &Parameters, grid: &Grid, dice: Dice, attempt: u64) -> Result<Tissue> {
    let septa = vessels::Septa::draw(&p.network, &p.space, grid, dice, attempt);
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
        None => vessels::generate(&p.network, &p.space, grid, &septa, &p.host, dice, attempt),
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

/// Perfusion that the network should have [mL/mL/min]: that of skin and of fat, by their volumes.
fn target_perfusion(p: &Parameters, tissue: &Tissue) -> f64 {
    Part::Skin.share(tissue) * p.network.skin_perfusion_per_min
        + Part::Fat.share(tissue) * p.network.fat_perfusion_per_min
}

/// The arterioles of a part that are set by its perfusion.
struct Tone {
    part: Part,
    target: f64,
    arterioles: Vec<usize>,
    /// Logarithm of the factor on their radii, and by how much the logarithm of perfusion grows with it.
    at: f64,
    slope: f64,
    /// The latest two: where it stood, and the logarithm of perfusion over its target there.
    before: Option<(f64, f64)>,
}

impl Tone {
    /// Takes the next step; whether perfusion is within a share of its target, or out of reach.
    fn settle(&mut self, tissue: &Tissue, within: f64) -> bool {
        let Some(perfusion) = part_perfusion(tissue, self.part) else {
            return true;
        };
        let excess = math::ln(math::max(perfusion / self.target, 1e-6));
        if let Some((then, was)) = self.before.filter(|&(then, _)| (then - self.at).abs() > 1e-6) {
            self.slope = math::clamp((excess - was) / (self.at - then), 0.2, 6.0);
        }
        self.before = Some((self.at, excess));
        if excess.abs() < within {
            return true;
        }
        let step = math::clamp(-excess / self.slope, -0.4, 0.4);
        let next = math::clamp(self.at + step, math::ln(0.45), math::ln(3.0));
        let stuck = next == self.at;
        self.at = next;
        stuck
    }
}

/// Sets arterioles so that skin and fat have their perfusion, evening out capillaries on the way: the ascending and the
/// terminal arterioles of the skin, the terminal arterioles of the lobules.
fn calibrate(p: &Parameters, tissue: &mut Tissue, work: &mut Workspace) -> f64 {
    let drawn = tissue.vessels.radius_um.clone();
    let v = &tissue.vessels;
    let is_fat = fed_beds(v, Bed::Fat);
    let tone = |part: Part, target: f64| Tone {
        part,
        target,
        arterioles: (0..v.len())
            .filter(|&s| v.class[s] == Class::Arteriole)
            .filter(|&s| match part {
                Part::Skin => v.bed[s] == Bed::Ascending || (v.bed[s] == Bed::Tap && !is_fat[s]),
                Part::Fat => v.bed[s] == Bed::Tap && is_fat[s],
            })
            .collect(),
        at: 0.0,
        slope: 1.5,
        before: None,
    };
    let mut tones = [
        tone(Part::Skin, p.network.skin_perfusion_per_min),
        tone(Part::Fat, p.network.fat_perfusion_per_min),
    ];
    // A secant in the logarithms of radius and perfusion for each part. A flow solve of a large block costs a second: a few
    // do, where halving an interval needs fourteen.
    for round in 0..4 {
        if round > 0 {
            even_out(&mut tissue.vessels);
        }
        let within = if round < 3 { 0.01 } else { 0.001 };
        tones.iter_mut().for_each(|tone| tone.before = None);
        for _ in 0..14 {
            for tone in &tones {
                for &s in &tone.arterioles {
                    tissue.vessels.radius_um[s] = math::max(drawn[s] * math::exp(tone.at), 1.7);
                }
            }
            solve_flow(p, tissue, work);
            let [skin, fat] = &mut tones;
            let settled = [skin.settle(tissue, within), fat.settle(tissue, within)];
            if settled == [true; 2] {
                break;
            }
        }
    }
    tissue.perfusion_per_min()
}

/// Terminal vessels that lead to the beds of a kind, directly or over others of their line.
fn fed_beds(v: &Vessels, bed: Bed) -> Vec<bool> {
    let mut reaches: Vec<bool> = vec![false; v.nodes.id.len()];
    for s in (0..v.len()).filter(|&s| v.bed[s] == bed) {
        reaches[v.from[s] as usize] = true;
        reaches[v.to[s] as usize] = true;
    }
    let mut found = vec![false; v.len()];
    loop {
        let mut more = false;
        for s in (0..v.len()).filter(|&s| v.bed[s] == Bed::Tap) {
            let [a, b] = [v.from[s] as usize, v.to[s] as usize];
            if !found[s] && (reaches[a] || reaches[b]) {
                (found[s], reaches[a], reaches[b], more) = (true, true, true, true);
            }
        }
        if !more {
            return found;
        }
    }
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
    tissue.perfusion_per_min()
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
    let mut report = statistics::report(p, tissue, perfusion, lowest);
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

/// Wall mineral of chronic disease: at a share of sites, a share of arteriolar branches carries a log-normal amount.
fn burn_in(p: &Parameters, tissue: &mut Tissue, dice: Dice) {
    let burn_in = &p.host.burn_in;
    let v = &mut tissue.vessels;
    if !dice.roll(Purpose::BurnIn, u64::MAX).chance(burn_in.sites) {
        return;
    }
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
