//! Oxygen: carried and depleted along vessels, diffusing, consumed, and coming through the surface.
//!
//! ```text
//! −D ∇²P = Σ_pieces φ k l (P_b − P)/V − M(tissue) P/(P + K_m)      in the tissue, every step at rest
//! Q dc(P_b)/ds = −α k (P_b − P)                                    along each vessel
//! ```
//!
//! | symbol | meaning                                     | unit      | in code                       |
//! |--------|---------------------------------------------|-----------|-------------------------------|
//! | P      | oxygen tension of the tissue                | mmHg      | `fields.oxygen`               |
//! | P_b    | oxygen tension of the blood                 | mmHg      | `vessels.po2_mmhg` (mean)     |
//! | D      | diffusivity in tissue                       | µm²/s     | `diffusivity_um2_per_s`       |
//! | M, K_m | largest use, tension at half use            | mmHg/s, mmHg | `use_*_mmhg_per_s`, `michaelis_mmhg` |
//! | k      | exchange per vessel length                  | µm²/s     | `exchange_um2_per_s`          |
//! | l, V   | vessel length in a voxel, its volume        | µm, µm³   | pieces, grid                  |
//! | c      | oxygen content, haemoglobin and dissolved   | mL/mL     | `solve::oxygen_transport`     |
//! | α      | solubility in tissue                        | mL/mL/mmHg| `tissue_solubility`           |
//! | φ      | share of the vessel inside the slab         | 0-1       | `vessels.slab_share`          |
//!
//! 1/k = resistance inside the vessel (Hellums' K(D) as tabled by GreensV4) + ln(R/r)/(2πD): a vessel thinner than a
//! voxel feeds the sheet of tissue around it, R = slab/2π (line source between mirror planes); in a block it meets the
//! tissue through a kernel of several voxels with that kernel's effective radius (`solve::oxygen_kernel`). Surface: air behind the stratum corneum, or behind half a voxel where the epidermis is lost.
//! Reads flows, vitality, epidermis. Writes `fields.oxygen`, `vessels.po2_mmhg`, the oxygen balance. No dice.
//! Source: use of dermis and air-fed rim Stücker et al. 2002 (PMC2290093); D, K_m as in `parameters.toml`.
//! We assume: quasi-steady (relaxation 35-160 s against steps of an hour); use by layer, none in dead tissue.

use serde::Deserialize;

use crate::grid::{Grid, Plane};
use crate::math;
use crate::solve::multigrid::{Pool, surface_exchange};
use crate::solve::oxygen_kernel::{Spread, effective_radius_um};
use crate::solve::oxygen_transport::{self, Haemoglobin, Inlet, Limits, Medium, Network, Problem, Reach, Work};
use crate::solve::reach::Nearby;
use crate::state::fields::OxygenMemory;
use crate::state::vessels::Boundary;
use crate::state::{Kind, Now, Tissue, Vessels, Vitality};

/// Numbers of oxygen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// D in tissue [µm²/s].
    pub diffusivity_um2_per_s: f64,
    /// D in the stratum corneum [µm²/s].
    pub corneum_diffusivity_um2_per_s: f64,
    /// Thickness of the stratum corneum [µm].
    pub corneum_um: f64,
    /// Oxygen tension of the air [mmHg].
    pub air_mmhg: f64,
    /// M of epidermis and papillary dermis [mmHg/s].
    pub use_papillary_mmhg_per_s: f64,
    /// M of reticular dermis and septa [mmHg/s].
    pub use_reticular_mmhg_per_s: f64,
    /// M of fat [mmHg/s].
    pub use_fat_mmhg_per_s: f64,
    /// M of a membrane (`plan`) [mmHg/s].
    pub use_membrane_mmhg_per_s: f64,
    /// K_m [mmHg].
    pub michaelis_mmhg: f64,
    /// α of tissue [mL/mL/mmHg].
    pub tissue_solubility: f64,
    /// α of blood [mL/mL/mmHg].
    pub blood_solubility: f64,
    /// Oxygen bound by full red cells [mL/mL].
    pub red_cell_capacity: f64,
    /// Tension below which tissue counts as hypoxic [mmHg].
    pub hypoxia_mmhg: f64,
    /// Balance to which a solve must come, share of the use.
    pub balance_tolerance: f64,
    /// Largest change of a tension by the last pass of a solve [mmHg].
    pub change_tolerance_mmhg: f64,
    /// How far a tension may have moved before oxygen is solved again [mmHg]; 0: every step.
    pub resolve_tolerance_mmhg: f64,
}

/// Largest use of a tissue [mmHg/s].
pub fn largest_use(p: &Parameters, kind: Kind) -> f64 {
    match kind {
        Kind::Epidermis | Kind::Papillary => p.use_papillary_mmhg_per_s,
        Kind::Reticular | Kind::Septum => p.use_reticular_mmhg_per_s,
        Kind::Fat => p.use_fat_mmhg_per_s,
        Kind::Membrane => p.use_membrane_mmhg_per_s,
    }
}

/// Work space and what changes rarely: not part of the state.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    transport: Work,
    largest_use: Vec<f32>,
    /// Exchange of each piece [µm³/s], of the whole vessel.
    exchange: Vec<f64>,
    /// Voxels that each piece of a block meets, and the pieces and bores for which they hold.
    spread: Spread,
    spread_of: (Vec<u32>, Vec<f64>),
    /// The table of the patient's blood.
    blood: Option<Haemoglobin>,
    nearby: Nearby,
    /// What blood does to the sums, and the solve of oxygen behind which it was looked at.
    by_blood: Nearby,
    by_blood_of: Option<u64>,
    /// Segments upstream first as they were last: nearly the order of now.
    order: Vec<u32>,
    /// Flow of red cells and arterial tension that were looked at last: nothing new, no new look.
    seen: (Vec<f64>, f64),
}

impl Workspace {
    /// Solvers that other fields may share between solves.
    pub(crate) fn solvers(&self) -> &Pool {
        self.transport.solvers()
    }
}

/// What a solve reads beside the tissue: made anew where it is asked for.
struct Supply {
    surface: Vec<f32>,
    bound: Vec<f64>,
    inlets: Vec<Inlet>,
    order: Vec<u32>,
}

/// Solves again when flow, use or the surface can have moved a tension too far.
pub(crate) fn apply(p: &Parameters, tissue: &mut Tissue, _now: Now, work: &mut Workspace) {
    let is_first = tissue.ledger.oxygen_solves == 0;
    if is_first || p.resolve_tolerance_mmhg == 0.0 || may_have_moved(p, tissue, work) {
        solve(p, tissue, work);
    }
}

/// Distance at which a point source is hardly felt among capillaries [µm].
const REACH_UM: f64 = 240.0;

/// Whether a tension can have moved too far since the last solve: by the residual of the old field with the blood, the use
/// and the surface of now.
fn may_have_moved(p: &Parameters, tissue: &Tissue, work: &mut Workspace) -> bool {
    let (grid, v, memory) = (&tissue.grid, &tissue.vessels, &tissue.fields.oxygen_memory);
    let oxygen = &tissue.fields.oxygen;
    let red_cells: Vec<f64> = (v.flow_nl_per_min.iter().zip(&v.haematocrit))
        .map(|(q, h)| q * h)
        .collect();
    let seen = (red_cells, arterial_mmhg(tissue));
    let is_same_blood = seen == work.seen;
    let fates = tissue.anatomy.vitality.iter().zip(&memory.lives);
    let is_same_tissue = fates.fold(true, |same, (&fate, &lived)| same & (lives(fate) == lived));
    let covered = &tissue.cells.keratinocytes.covered;
    if is_same_blood && is_same_tissue && *covered == memory.covered {
        return false;
    }
    work.seen = seen;
    if memory.given.len() != v.piece_voxel.len() {
        return true;
    }
    let scale = math::square(grid.voxel_um) / p.diffusivity_um2_per_s;
    let solves = tissue.ledger.oxygen_solves;
    if !is_same_blood || work.by_blood_of != Some(solves) {
        look_at_blood(p, tissue, work, scale);
        work.by_blood_of = Some(solves);
    }
    let nearby = &mut work.nearby;
    nearby.begin_with(grid, &work.by_blood);
    if !is_same_tissue {
        for (voxel, (&fate, &lived)) in tissue.anatomy.vitality.iter().zip(&memory.lives).enumerate() {
            if lives(fate) != lived {
                let po2 = f64::from(oxygen[voxel]);
                let largest = largest_use(p, tissue.anatomy.kind[voxel]);
                let used = scale * largest * po2 / (po2 + p.michaelis_mmhg);
                nearby.add(voxel, if lived { used } else { -used });
            }
        }
    }
    for (column, (&now, &before)) in covered.iter().zip(&memory.covered).enumerate() {
        if now != before {
            let change = surface(p, grid, now) - surface(p, grid, before);
            nearby.add(column, f64::from(change) * (p.air_mmhg - f64::from(oxygen[column])));
        }
    }
    work.nearby
        .exceeds(math::square(grid.voxel_um / REACH_UM), p.resolve_tolerance_mmhg)
}

/// What blood gives now beside what it gave when oxygen was solved, summed by cells.
fn look_at_blood(p: &Parameters, tissue: &Tissue, work: &mut Workspace, scale: f64) {
    let (grid, v, memory) = (&tissue.grid, &tissue.vessels, &tissue.fields.oxygen_memory);
    let oxygen = &tissue.fields.oxygen;
    let volume = grid.voxel_volume_um3();
    let supply = prepare(p, tissue, work);
    let mut transport = std::mem::take(&mut work.transport);
    let mut nearby = std::mem::take(&mut work.by_blood);
    nearby.clear(grid);
    if let Some(problem) = &problem(p, tissue, work, &supply) {
        let network = &problem.network;
        oxygen_transport::meet_tissue(problem, oxygen, &mut transport);
        for s in 0..v.len() {
            for piece in v.pieces(s) {
                let change = transport.given(network, piece, oxygen) - f64::from(memory.given[piece]);
                // A kernel gives to a few voxels around: for a sum over cells its middle is as good.
                let voxel = v.piece_voxel[piece] as usize;
                nearby.add(voxel, v.slab_share[s] * change / volume * scale);
            }
        }
    }
    work.transport = transport;
    work.by_blood = nearby;
}

fn lives(fate: Vitality) -> bool {
    matches!(fate, Vitality::Alive | Vitality::Healed)
}

fn arterial_mmhg(tissue: &Tissue) -> f64 {
    tissue.host.profile.arterial_po2_mmhg + tissue.host.added_po2_mmhg
}

/// Scaled exchange of a column with the air.
fn surface(p: &Parameters, grid: &Grid, covered: u8) -> f32 {
    let half_voxel = grid.voxel_um / 2.0 / p.diffusivity_um2_per_s;
    let barrier = if covered == 1 {
        p.corneum_um / p.corneum_diffusivity_um2_per_s
    } else {
        0.0
    };
    surface_exchange(1.0 / (half_voxel + barrier), grid.voxel_um, p.diffusivity_um2_per_s)
}

/// Lays out what the vessels are now; the use of the voxels is left to a solve.
fn prepare(p: &Parameters, tissue: &Tissue, work: &mut Workspace) -> Supply {
    let Tissue {
        grid,
        vessels: v,
        cells,
        host,
        ..
    } = tissue;
    let block = grid.plane == Plane::Block;
    if block && (work.spread_of.0 != v.piece_voxel || work.spread_of.1 != v.radius_um) {
        work.spread = spread(grid, v);
        work.spread_of = (v.piece_voxel.clone(), v.radius_um.clone());
    }
    work.exchange.clear();
    for s in 0..v.len() {
        let reach = if block {
            effective_radius_um(v.radius_um[s], grid.voxel_um)
        } else {
            grid.slab_um / std::f64::consts::TAU
        };
        let k = medium(p).exchange_um2_per_s(v.radius_um[s], reach);
        work.exchange.extend(v.pieces(s).map(|piece| k * v.piece_um[piece]));
    }
    let (dissolved, p50, hill) = (p.blood_solubility, host.profile.p50_mmhg, host.profile.hill_n);
    if !work
        .blood
        .as_ref()
        .is_some_and(|blood| blood.is_of(dissolved, p50, hill))
    {
        work.blood = Some(Haemoglobin::new(dissolved, p50, hill));
    }
    let [closed, open] = [1, 0].map(|covered| surface(p, grid, covered));
    let covered = cells.keratinocytes.covered.iter();
    Supply {
        surface: covered
            .map(|&covered| if covered == 1 { closed } else { open })
            .collect(),
        bound: v.haematocrit.iter().map(|h| p.red_cell_capacity * h).collect(),
        inlets: from_outside(v),
        order: downstream(v, &mut work.order),
    }
}

fn medium(p: &Parameters) -> Medium {
    Medium {
        diffusivity_um2_per_s: p.diffusivity_um2_per_s,
        solubility: p.tissue_solubility,
        michaelis_mmhg: p.michaelis_mmhg,
    }
}

/// The problem of now; `prepare` goes before it.
fn problem<'a>(p: &Parameters, tissue: &'a Tissue, work: &'a Workspace, supply: &'a Supply) -> Option<Problem<'a>> {
    let v = &tissue.vessels;
    Some(Problem {
        grid: &tissue.grid,
        medium: medium(p),
        largest_use: &work.largest_use,
        surface: &supply.surface,
        air_mmhg: p.air_mmhg,
        network: Network {
            nodes: v.nodes.id.len(),
            from: &v.from,
            to: &v.to,
            flow_nl_per_min: &v.flow_nl_per_min,
            share: &v.slab_share,
            bound: &supply.bound,
            order: &supply.order,
            first_piece: &v.first_piece,
            exchange: &work.exchange,
            reach: if tissue.grid.plane == Plane::Block {
                Reach::Spread(&work.spread)
            } else {
                Reach::Voxel(&v.piece_voxel)
            },
            inlets: &supply.inlets,
            arterial_mmhg: arterial_mmhg(tissue),
        },
        curve: work.blood.as_ref()?,
    })
}

/// Solves tissue and blood together until the balance holds.
pub(crate) fn solve(p: &Parameters, tissue: &mut Tissue, work: &mut Workspace) {
    let is_cold = tissue.ledger.oxygen_solves == 0;
    if is_cold {
        tissue.fields.oxygen.fill(40.0);
    }
    let mut oxygen = std::mem::take(&mut tissue.fields.oxygen);
    let mut given = std::mem::take(&mut tissue.fields.oxygen_memory.given);
    let supply = prepare(p, tissue, work);
    let of_voxel = |(&kind, &fate): (&Kind, &Vitality)| {
        if lives(fate) { largest_use(p, kind) as f32 } else { 0.0 }
    };
    let voxels = tissue.anatomy.kind.iter().zip(&tissue.anatomy.vitality);
    work.largest_use.clear();
    work.largest_use.extend(voxels.map(of_voxel));
    let mut transport = std::mem::take(&mut work.transport);
    let mut outcome = None;
    if let Some(problem) = problem(p, tissue, work, &supply) {
        let limits = Limits {
            balance: p.balance_tolerance,
            change_mmhg: p.change_tolerance_mmhg,
            passes: 200,
        };
        let network = &problem.network;
        outcome = Some(oxygen_transport::solve(
            &problem,
            &mut oxygen,
            &mut transport,
            is_cold,
            &limits,
        ));
        given.clear();
        given.extend((0..network.exchange.len()).map(|piece| transport.given(network, piece, &oxygen) as f32));
    }
    let Tissue {
        vessels: v,
        anatomy,
        fields,
        cells,
        ledger,
        ..
    } = tissue;
    fields.oxygen = oxygen;
    fields.oxygen_memory = OxygenMemory {
        given,
        lives: anatomy.vitality.iter().map(|&fate| lives(fate)).collect(),
        covered: cells.keratinocytes.covered.clone(),
    };
    v.po2_mmhg.clone_from(&transport.segment_po2);
    work.transport = transport;
    work.largest_use = Vec::new();
    let Some(outcome) = outcome else {
        return;
    };
    ledger.oxygen_passes += u64::from(outcome.passes);
    ledger.oxygen_gap = outcome.gap;
    ledger.oxygen_gap_worst = math::max(ledger.oxygen_gap_worst, outcome.gap.abs());
    ledger.oxygen_solves += 1;
}

/// Blood that collaterals bring from outside the plane.
fn from_outside(v: &Vessels) -> Vec<Inlet> {
    let joined = v.nodes.boundary.iter().any(|b| matches!(b, Boundary::Collateral(_)));
    if !joined {
        return Vec::new();
    }
    let mut lacking = vec![0.0; v.nodes.id.len()];
    for s in 0..v.len() {
        let q = v.slab_share[s] * v.flow_nl_per_min[s];
        lacking[v.from[s] as usize] += q;
        lacking[v.to[s] as usize] -= q;
    }
    let inlet = |(n, boundary): (usize, &Boundary)| match boundary {
        Boundary::Collateral(way) if lacking[n] > 0.0 => Some(Inlet {
            node: n as u32,
            flow_nl_per_min: lacking[n],
            po2_mmhg: way.po2_mmhg,
        }),
        _ => None,
    };
    v.nodes.boundary.iter().enumerate().filter_map(inlet).collect()
}

/// The kernels of every piece of a block. Segments are straight; a piece that lies elsewhere (of a sprout, whose tip
/// wandered) gives from the middle of its voxel.
fn spread(grid: &Grid, v: &Vessels) -> Spread {
    let mut spread = Spread::default();
    for s in 0..v.len() {
        let from = v.nodes.place_um[v.from[s] as usize];
        let way = grid.offset_um(from, v.nodes.place_um[v.to[s] as usize]);
        let whole = math::max(v.length_um[s], 1e-9);
        let point = |um: f64| [0, 1, 2].map(|i| from[i] + way[i] * um / whole);
        let mut run = 0.0;
        for piece in v.pieces(s) {
            let um = v.piece_um[piece];
            let voxel = v.piece_voxel[piece] as usize;
            let straight = grid.voxel_at(point(run + um / 2.0)) == voxel;
            let (start, end) = if straight {
                (point(run), point(run + um))
            } else {
                (grid.centre_um(voxel), grid.centre_um(voxel))
            };
            spread.push(grid, start, end, v.radius_um[s]);
            run += um;
        }
    }
    spread
}

/// Segments with flow, upstream first: by falling pressure of the upstream node, then index. `last` is the order of the
/// last time: what is nearly sorted is sorted quickly, and the result does not depend on it.
fn downstream(v: &Vessels, last: &mut Vec<u32>) -> Vec<u32> {
    let head = |s: usize| {
        let node = if v.flow_nl_per_min[s] > 0.0 { v.from[s] } else { v.to[s] };
        v.nodes.pressure_mmhg[node as usize]
    };
    if last.len() != v.len() {
        *last = (0..v.len() as u32).collect();
    }
    last.sort_by(|&a, &b| head(b as usize).total_cmp(&head(a as usize)).then(a.cmp(&b)));
    let flows = |&s: &u32| v.flow_nl_per_min[s as usize] != 0.0;
    last.iter().copied().filter(flows).collect()
}
