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
//! | c      | oxygen content, haemoglobin and dissolved   | mL/mL     | `Blood::content`              |
//! | α      | solubility in tissue                        | mL/mL/mmHg| `tissue_solubility`           |
//! | φ      | share of the vessel inside the slab         | 0-1       | `vessels.slab_share`          |
//!
//! 1/k = resistance inside the vessel (Hellums' K(D) as tabled by GreensV4) + ln(R/r)/(2πD): a vessel thinner than a
//! voxel feeds the sheet of tissue around it, R = slab/2π (line source between mirror planes) or, in 3-D, the voxel's
//! equal-area radius. Surface: air behind the stratum corneum, or behind half a voxel where the epidermis is lost.
//! Reads flows, vitality, epidermis. Writes `fields.oxygen`, `vessels.po2_mmhg`, the oxygen balance. No dice.
//! Source: use of dermis and air-fed rim Stücker et al. 2002 (PMC2290093); D, K_m as in `parameters.toml`.
//! We assume: quasi-steady (relaxation 35-160 s against steps of an hour); use by layer, none in dead tissue.

use serde::Deserialize;

use crate::grid::Plane;
use crate::math;
use crate::solve::multigrid::{Multigrid, surface_exchange};
use crate::state::{Kind, Now, Tissue};

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
    /// Share of all flow that must have moved before oxygen is solved again.
    pub resolve_tolerance: f64,
    /// Share of a segment's own healthy flow that must have moved.
    pub resolve_jump: f64,
}

/// Resistance to oxygen inside a vessel [mmHg µm s/µm³ O2] by diameter [µm] (GreensV4, IntravascRes.dat).
const INSIDE: [(f64, f64); 16] = [
    (4.0, 2.45),
    (5.0, 2.00),
    (6.0, 1.74),
    (8.0, 1.44),
    (10.0, 1.27),
    (12.0, 1.16),
    (14.0, 1.08),
    (16.0, 1.02),
    (18.0, 0.974),
    (20.0, 0.935),
    (22.0, 0.895),
    (24.0, 0.853),
    (28.0, 0.815),
    (32.0, 0.779),
    (40.0, 0.750),
    (50.0, 0.730),
];

/// Linear in the table, constant beyond its ends.
fn inside_resistance(diameter_um: f64) -> f64 {
    let last = INSIDE.len() - 1;
    if diameter_um <= INSIDE[0].0 {
        return INSIDE[0].1;
    }
    for i in 0..last {
        let ((d0, r0), (d1, r1)) = (INSIDE[i], INSIDE[i + 1]);
        if diameter_um <= d1 {
            return r0 + (r1 - r0) * (diameter_um - d0) / (d1 - d0);
        }
    }
    INSIDE[last].1
}

/// Haemoglobin and dissolved oxygen of one patient's blood at one haematocrit: content by tension, tabled.
///
/// The table is linear between its points (error of the saturation below 1e-5), so that a vessel piece costs no power function.
#[derive(Clone, Debug)]
pub struct Blood {
    content: Vec<f64>,
    /// Slope beyond the table: dissolved oxygen alone [mL/mL/mmHg].
    dissolved: f64,
}

/// Distance of the points of the table [mmHg].
const TABLE_STEP: f64 = 0.25;
/// Points of the table: up to 700 mmHg.
const TABLE_POINTS: usize = 2801;

impl Blood {
    /// Blood that binds `bound` mL/mL when saturated and dissolves `dissolved` mL/mL/mmHg.
    pub fn new(bound: f64, dissolved: f64, p50_mmhg: f64, n: f64) -> Self {
        let content = (0..TABLE_POINTS)
            .map(|i| {
                let po2 = i as f64 * TABLE_STEP;
                bound * math::hill(po2, p50_mmhg, n) + dissolved * po2
            })
            .collect();
        Self { content, dissolved }
    }

    /// Content at a tension [mL/mL].
    pub fn content(&self, po2: f64) -> f64 {
        self.content_and_slope(po2).0
    }

    /// Content and its slope at a tension.
    fn content_and_slope(&self, po2: f64) -> (f64, f64) {
        let at = math::positive(po2) / TABLE_STEP;
        let i = at as usize;
        if i + 1 >= TABLE_POINTS {
            let last = self.content[TABLE_POINTS - 1];
            return (
                last + self.dissolved * (po2 - (TABLE_POINTS - 1) as f64 * TABLE_STEP),
                self.dissolved,
            );
        }
        let rise = self.content[i + 1] - self.content[i];
        (self.content[i] + (at - i as f64) * rise, rise / TABLE_STEP)
    }

    /// Tension at a content, by safeguarded Newton from a guess.
    pub fn tension(&self, content: f64, guess: f64) -> f64 {
        self.tension_with_exchange(content, 0.0, 0.0, guess).0
    }

    /// The tension P with content(P) + e (P − outside) = content_in, and the slope of the content there.
    fn tension_with_exchange(&self, content_in: f64, e: f64, outside: f64, guess: f64) -> (f64, f64) {
        if content_in <= 0.0 && e == 0.0 {
            return (0.0, self.dissolved);
        }
        let (mut low, mut high) = (0.0, 3000.0);
        let mut po2 = math::clamp(guess, 1e-3, 2999.0);
        let mut slope = self.dissolved;
        for _ in 0..60 {
            let (content, by) = self.content_and_slope(po2);
            slope = by;
            let excess = content + e * (po2 - outside) - content_in;
            if excess > 0.0 {
                high = po2;
            } else {
                low = po2;
            }
            let next = po2 - excess / (by + e);
            let next = if next > low && next < high {
                next
            } else {
                0.5 * (low + high)
            };
            // Inside one interval of the table the content is linear and the step exact.
            let done =
                (next / TABLE_STEP).floor() == (po2 / TABLE_STEP).floor() || (next - po2).abs() < 1e-7 * (1.0 + po2);
            po2 = next;
            if done {
                break;
            }
        }
        (po2, slope)
    }
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

/// Exchange per length between blood and the tissue of a voxel [µm²/s].
pub fn exchange_um2_per_s(p: &Parameters, radius_um: f64, reach_um: f64) -> f64 {
    let inside = inside_resistance(2.0 * radius_um) * p.tissue_solubility;
    let outside = math::positive(math::ln(reach_um / radius_um)) / (std::f64::consts::TAU * p.diffusivity_um2_per_s);
    1.0 / (inside + outside)
}

/// Work space and what changes rarely: not part of the state.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    solver: Option<Multigrid>,
    sink: Vec<f32>,
    source: Vec<f32>,
    largest_use: Vec<f32>,
    /// Exchange of each piece [µm³/s], of the whole vessel.
    exchange: Vec<f64>,
    /// Linear supply of each piece: strength [µm³/s] and tension [mmHg].
    strength: Vec<f64>,
    tension: Vec<f64>,
    previous: Vec<f32>,
}

/// What one pass of blood delivered and the tissue used.
struct Balance {
    supply: f64,
    surface: f64,
    consumption: f64,
}

/// Solves again when flow, use or the surface changed.
pub(crate) fn apply(p: &Parameters, tissue: &mut Tissue, _now: Now, work: &mut Workspace) {
    if needs_solving(p, tissue) {
        solve(p, tissue, work);
    }
}

/// Compares supply and demand with those of the last solve, voxel by voxel.
fn needs_solving(p: &Parameters, tissue: &mut Tissue) -> bool {
    let Tissue {
        vessels: v,
        anatomy,
        fields,
        cells,
        host,
        ledger,
        ..
    } = tissue;
    let arterial = host.profile.arterial_po2_mmhg + host.added_po2_mmhg;
    let memory = &mut fields.oxygen_memory;
    let flows: Vec<f32> = v.flow_nl_per_min.iter().map(|&q| q as f32).collect();
    let scale = flows
        .iter()
        .zip(&v.slab_share)
        .fold(0.0, |sum, (q, f)| sum + f64::from(q.abs()) * f);
    let change = if memory.flow.len() == flows.len() {
        (0..flows.len()).fold(0.0, |sum, s| {
            sum + v.slab_share[s] * f64::from((flows[s] - memory.flow[s]).abs())
        })
    } else {
        f64::INFINITY
    };
    // One closed capillary hardly moves the sum, but starves its place.
    let jumped = memory.flow.len() == flows.len()
        && (0..flows.len()).any(|s| {
            f64::from((flows[s] - memory.flow[s]).abs()) > p.resolve_jump * v.healthy_flow_nl_per_min[s] + 1e-4
        });
    let lives: Vec<bool> = (0..anatomy.kind.len()).map(|i| anatomy.lives(i)).collect();
    let tissue_changed = lives != memory.lives || cells.keratinocytes.covered != memory.covered;
    let blood_changed = (arterial - memory.arterial_mmhg).abs() > 0.01;
    let moved = jumped || change > p.resolve_tolerance * scale;
    if ledger.oxygen_solves > 0 && !moved && !tissue_changed && !blood_changed {
        return false;
    }
    memory.flow = flows;
    memory.lives = lives;
    memory.covered = cells.keratinocytes.covered.clone();
    memory.arterial_mmhg = arterial;
    true
}

/// Solves tissue and blood together until the balance holds.
pub(crate) fn solve(p: &Parameters, tissue: &mut Tissue, work: &mut Workspace) {
    let Tissue {
        grid,
        vessels: v,
        anatomy,
        fields,
        cells,
        host,
        ledger,
        ..
    } = tissue;
    let n = grid.len();
    let h = grid.voxel_um;
    let volume = grid.voxel_volume_um3();
    // K = κ h²/D, so an exchange e [µm³/s] in a voxel of volume V is e/V · h²/D.
    let scale = h * h / p.diffusivity_um2_per_s;
    let reach = match grid.plane {
        Plane::Block => h / std::f64::consts::PI.sqrt(),
        Plane::Section | Plane::Plan => grid.slab_um / std::f64::consts::TAU,
    };
    work.largest_use = (0..n)
        .map(|i| {
            if anatomy.lives(i) {
                largest_use(p, anatomy.kind[i]) as f32
            } else {
                0.0
            }
        })
        .collect();
    work.exchange.clear();
    for s in 0..v.len() {
        let k = exchange_um2_per_s(p, v.radius_um[s], reach);
        work.exchange.extend(v.pieces(s).map(|piece| k * v.piece_um[piece]));
    }
    work.strength = vec![0.0; work.exchange.len()];
    work.tension = vec![0.0; work.exchange.len()];
    // Air through the surface, by column.
    let surface: Vec<f32> = cells
        .keratinocytes
        .covered
        .iter()
        .map(|&covered| {
            let half_voxel = h / 2.0 / p.diffusivity_um2_per_s;
            let barrier = if covered == 1 {
                p.corneum_um / p.corneum_diffusivity_um2_per_s
            } else {
                0.0
            };
            surface_exchange(1.0 / (half_voxel + barrier), h, p.diffusivity_um2_per_s)
        })
        .collect();
    let bound = p.red_cell_capacity * host.profile.haematocrit;
    let blood = Blood::new(bound, p.blood_solubility, host.profile.p50_mmhg, host.profile.hill_n);
    let arterial = host.profile.arterial_po2_mmhg + host.added_po2_mmhg;
    let order = downstream(v);
    let mut solver = work.solver.take().unwrap_or_else(|| Multigrid::new(grid));
    let cold = ledger.oxygen_solves == 0;
    if cold {
        fields.oxygen.fill(40.0);
    }
    let mut gap = f64::INFINITY;
    let mut passes = 0;
    for pass in 0..200 {
        passes += 1;
        // Blood meets the tissue as it is …
        run_blood(
            p,
            v,
            &blood,
            arterial,
            &order,
            &fields.oxygen,
            &work.exchange,
            &mut work.strength,
            &mut work.tension,
        );
        // … and the tissue meets that blood, with its use re-linearised.
        work.sink.clear();
        work.source.clear();
        for i in 0..n {
            let (k, g) = linear_use(p, f64::from(work.largest_use[i]), f64::from(fields.oxygen[i]));
            work.sink.push((scale * k) as f32);
            work.source.push((scale * g) as f32);
        }
        for s in 0..v.len() {
            for piece in v.pieces(s) {
                let strength = v.slab_share[s] * work.strength[piece] / volume * scale;
                let voxel = v.piece_voxel[piece] as usize;
                work.sink[voxel] += strength as f32;
                work.source[voxel] += (strength * work.tension[piece]) as f32;
            }
        }
        for (column, &k) in surface.iter().enumerate() {
            work.sink[column] += k;
            work.source[column] += k * p.air_mmhg as f32;
        }
        work.previous.clone_from(&fields.oxygen);
        solver.improve(
            &work.sink,
            &work.source,
            &mut fields.oxygen,
            if pass == 0 && cold { 4 } else { 1 },
        );
        let change = (0..n).fold(0.0f32, |worst, i| {
            let d = (fields.oxygen[i] - work.previous[i]).abs();
            if d > worst { d } else { worst }
        });
        let balance = balance(p, v, &surface, &fields.oxygen, work, volume, scale);
        gap = if balance.consumption > 0.0 {
            (balance.supply + balance.surface - balance.consumption) / balance.consumption
        } else {
            0.0
        };
        if f64::from(change) < p.change_tolerance_mmhg && gap.abs() <= p.balance_tolerance {
            break;
        }
    }
    work.solver = Some(solver);
    ledger.oxygen_passes += passes;
    // Mean tension of the blood, for pictures and instruments.
    run_blood(
        p,
        v,
        &blood,
        arterial,
        &order,
        &fields.oxygen,
        &work.exchange,
        &mut work.strength,
        &mut work.tension,
    );
    ledger.oxygen_gap = gap;
    ledger.oxygen_gap_worst = math::max(ledger.oxygen_gap_worst, gap.abs());
    ledger.oxygen_solves += 1;
}

/// Use of oxygen around a tension as κ P − g: the tangent where oxygen is plenty (there use hardly depends on it, and a
/// proportional law would creep to the answer), the proportional law, which never turns negative, where it is scarce.
fn linear_use(p: &Parameters, largest: f64, po2: f64) -> (f64, f64) {
    let share = 1.0 / (po2 + p.michaelis_mmhg);
    if po2 > 4.0 * p.michaelis_mmhg {
        (
            largest * p.michaelis_mmhg * share * share,
            -largest * math::square(po2 * share),
        )
    } else {
        (largest * share, 0.0)
    }
}

/// Segments with flow, upstream first: by falling pressure of the upstream node, then index.
fn downstream(v: &crate::state::Vessels) -> Vec<u32> {
    let head = |s: usize| {
        let node = if v.flow_nl_per_min[s] > 0.0 { v.from[s] } else { v.to[s] };
        v.nodes.pressure_mmhg[node as usize]
    };
    let mut order: Vec<u32> = (0..v.len() as u32)
        .filter(|&s| v.flow_nl_per_min[s as usize] != 0.0)
        .collect();
    order.sort_by(|&a, &b| head(b as usize).total_cmp(&head(a as usize)).then(a.cmp(&b)));
    order
}

/// One pass of blood down the network. Each piece loses what its tissue takes; the linear response of the piece
/// (how much more it would give to poorer tissue) goes to `strength` and `tension`, so that a slow capillary does not
/// pretend to be a reservoir.
fn run_blood(
    p: &Parameters,
    v: &mut crate::state::Vessels,
    blood: &Blood,
    arterial: f64,
    order: &[u32],
    oxygen: &[f32],
    exchange: &[f64],
    strength: &mut [f64],
    tension: &mut [f64],
) {
    let nodes = v.nodes.id.len();
    // Oxygen and blood that reach each node, per slab.
    let mut content = vec![0.0f64; nodes];
    let mut arrived = vec![0.0f64; nodes];
    let mut warm_start = vec![arterial; nodes];
    let inlet = blood.content(arterial);
    strength.fill(0.0);
    tension.fill(0.0);
    v.po2_mmhg.fill(0.0);
    for &s in order {
        let s = s as usize;
        let q = v.flow_nl_per_min[s];
        let (up, down) = if q > 0.0 {
            (v.from[s], v.to[s])
        } else {
            (v.to[s], v.from[s])
        };
        // µm³/s of the whole vessel.
        let flow = q.abs() * 1e6 / 60.0;
        let up = up as usize;
        let mut c = if arrived[up] > 0.0 {
            content[up] / arrived[up]
        } else {
            inlet
        };
        let mut po2 = blood.tension(c, warm_start[up]);
        let pieces = v.pieces(s);
        let count = pieces.len();
        let mut sum = 0.0;
        for k in 0..count {
            let piece = if q > 0.0 { pieces.start + k } else { pieces.end - 1 - k };
            let outside = f64::from(oxygen[v.piece_voxel[piece] as usize]);
            // content in blood volume units; exchange turns mmHg µm³/s into mL/mL · µm³/s by α.
            let e = p.tissue_solubility * exchange[piece] / flow;
            let before = c;
            let (after, slope) = blood.tension_with_exchange(c, e, outside, po2);
            po2 = after;
            c = blood.content(po2);
            // Exchange = e (P − outside), and P answers to `outside` with e/(slope + e).
            let share = slope / (slope + e);
            strength[piece] = exchange[piece] * share;
            let given = (before - c) * flow / p.tissue_solubility;
            tension[piece] = outside + given / strength[piece];
            sum += po2;
        }
        v.po2_mmhg[s] = if count > 0 { sum / count as f64 } else { po2 };
        let slab_flow = flow * v.slab_share[s];
        content[down as usize] += c * slab_flow;
        arrived[down as usize] += slab_flow;
        warm_start[down as usize] = po2;
    }
}

/// Supply by blood, supply through the surface and use, in mmHg µm³/s.
fn balance(
    p: &Parameters,
    v: &crate::state::Vessels,
    surface: &[f32],
    oxygen: &[f32],
    work: &Workspace,
    volume: f64,
    scale: f64,
) -> Balance {
    let supply = (0..v.len()).fold(0.0, |sum, s| {
        v.pieces(s).fold(sum, |sum, piece| {
            let outside = f64::from(oxygen[v.piece_voxel[piece] as usize]);
            sum + v.slab_share[s] * work.strength[piece] * (work.tension[piece] - outside)
        })
    });
    let through = surface.iter().enumerate().fold(0.0, |sum, (column, &k)| {
        sum + f64::from(k) * (p.air_mmhg - f64::from(oxygen[column])) / scale * volume
    });
    let consumption = crate::par::ordered_sum(oxygen.len(), |i| {
        let po2 = f64::from(oxygen[i]);
        f64::from(work.largest_use[i]) * po2 / (po2 + p.michaelis_mmhg) * volume
    });
    Balance {
        supply,
        surface: through,
        consumption,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blood() -> Blood {
        Blood::new(0.21, 3.1e-5, 26.8, 2.83)
    }

    #[test]
    fn tension_inverts_content() {
        for po2 in [0.5, 5.0, 26.8, 60.0, 95.0, 600.0] {
            let back = blood().tension(blood().content(po2), 40.0);
            assert!((back - po2).abs() < 1e-6 * po2, "{po2} -> {back}");
        }
        assert_eq!(blood().tension(0.0, 40.0), 0.0);
    }

    #[test]
    fn blood_never_falls_below_its_tissue() {
        for e in [1e-6, 1e-3, 1.0] {
            let (po2, _) = blood().tension_with_exchange(blood().content(95.0), e, 20.0, 95.0);
            assert!((20.0..=95.0).contains(&po2), "{po2}");
        }
    }

    #[test]
    fn a_wider_vessel_exchanges_more() {
        assert!(inside_resistance(3.0) > inside_resistance(60.0));
        assert!((inside_resistance(7.0) - 1.59).abs() < 1e-12);
    }
}
