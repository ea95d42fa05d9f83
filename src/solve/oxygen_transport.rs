//! Oxygen in blood and tissue at once: arrays in, arrays out.
//!
//! ```text
//! −D ∇²P = Σ_pieces φ k l (P_b − P)/V − M P/(P + K_m)      in the tissue
//! Q dc(P_b)/ds = −α k (P_b − P)                             along each vessel
//! c(P) = b S(P) + α_b P,  S = Pⁿ/(Pⁿ + P50ⁿ)                in its blood
//! ```
//!
//! | symbol | meaning                               | unit         | in code                      |
//! |--------|---------------------------------------|--------------|------------------------------|
//! | P      | tension of the tissue                 | mmHg         | `oxygen`                     |
//! | P_b    | tension of the blood                  | mmHg         | `Work::piece_po2`            |
//! | D, α   | diffusivity, solubility of tissue     | µm²/s, mL/mL/mmHg | `Medium`                |
//! | M, K_m | largest use, tension at half of it    | mmHg/s, mmHg | `largest_use`, `Medium`      |
//! | k l    | exchange of a piece                   | µm³/s        | `Network::exchange`          |
//! | b, α_b | oxygen bound when saturated, dissolved| mL/mL, mL/mL/mmHg | `Network::bound`, curve |
//! | φ      | share of the vessel that counts       | 0-1          | `Network::share`             |
//!
//! Blood and tissue take turns: blood runs down the network past the tissue as it is; each piece answers with what it
//! gives and how much more it would give to poorer tissue; then the tissue meets that answer in one multigrid cycle,
//! its use re-linearised. A kernel of several voxels gives by weight alone, but nothing to a voxel that has reached the
//! highest tension that enters, and takes up in proportion to each voxel's P: so 0 ≤ P ≤ that tension, and nothing is
//! lost on the way.

use super::anderson::Anderson;
use super::multigrid::{Multigrid, Pool};
use super::oxygen_kernel::Spread;
use crate::grid::Grid;
use crate::math;

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

/// Resistance inside a vessel, linear in the table and constant beyond its ends [mmHg µm s/µm³ O2].
pub fn inside_resistance(diameter_um: f64) -> f64 {
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

/// What tissue is to oxygen.
#[derive(Clone, Copy, Debug)]
pub struct Medium {
    /// D [µm²/s].
    pub diffusivity_um2_per_s: f64,
    /// α [mL/mL/mmHg].
    pub solubility: f64,
    /// K_m [mmHg].
    pub michaelis_mmhg: f64,
}

impl Medium {
    /// Exchange per length between blood and the tissue at a distance [µm²/s].
    pub fn exchange_um2_per_s(&self, radius_um: f64, reach_um: f64) -> f64 {
        let inside = inside_resistance(2.0 * radius_um) * self.solubility;
        let outside =
            math::positive(math::ln(reach_um / radius_um)) / (std::f64::consts::TAU * self.diffusivity_um2_per_s);
        1.0 / (inside + outside)
    }
}

/// Haemoglobin and dissolved oxygen of blood: content by tension, tabled.
///
/// The table is linear between its points (error of the saturation below 1e-5), so that a vessel piece costs no power
/// function. `bound` is what the blood of a vessel binds when saturated [mL/mL]: capacity of red cells × haematocrit.
#[derive(Clone, Debug)]
pub struct Haemoglobin {
    saturation: Vec<f64>,
    /// Dissolved oxygen [mL/mL/mmHg].
    dissolved: f64,
    /// Half saturation [mmHg] and Hill's exponent, of which the table was made.
    p50_mmhg: f64,
    n: f64,
}

/// Distance of the points of the table [mmHg].
const TABLE_STEP: f64 = 0.25;
/// Points of the table: up to 700 mmHg.
const TABLE_POINTS: usize = 2801;

impl Haemoglobin {
    /// Blood that is half saturated at `p50_mmhg`, with Hill's exponent, dissolving `dissolved` mL/mL/mmHg.
    pub fn new(dissolved: f64, p50_mmhg: f64, n: f64) -> Self {
        let saturation = (0..TABLE_POINTS)
            .map(|i| math::hill(i as f64 * TABLE_STEP, p50_mmhg, n))
            .collect();
        Self {
            saturation,
            dissolved,
            p50_mmhg,
            n,
        }
    }

    /// Whether it is the blood of these numbers.
    pub fn is_of(&self, dissolved: f64, p50_mmhg: f64, n: f64) -> bool {
        (self.dissolved, self.p50_mmhg, self.n) == (dissolved, p50_mmhg, n)
    }

    /// Content at a tension [mL/mL].
    pub fn content(&self, bound: f64, po2: f64) -> f64 {
        self.content_and_slope(bound, po2).0
    }

    /// Interval i of the table: content at its lower end and slope; beyond the table blood only dissolves more.
    #[inline]
    fn interval(&self, bound: f64, i: usize) -> (f64, f64) {
        let low = bound * self.saturation[i] + self.dissolved * (i as f64 * TABLE_STEP);
        if i + 1 >= TABLE_POINTS {
            return (low, self.dissolved);
        }
        let rise = bound * (self.saturation[i + 1] - self.saturation[i]);
        (low, rise / TABLE_STEP + self.dissolved)
    }

    /// Interval of a tension.
    #[inline]
    fn place(po2: f64) -> usize {
        // A cast cuts off, and takes what is below 0 for 0.
        ((po2 / TABLE_STEP) as usize).min(TABLE_POINTS - 1)
    }

    /// Content and its slope at a tension.
    fn content_and_slope(&self, bound: f64, po2: f64) -> (f64, f64) {
        let po2 = math::positive(po2);
        let i = Self::place(po2);
        let (low, slope) = self.interval(bound, i);
        (low + (po2 - i as f64 * TABLE_STEP) * slope, slope)
    }

    /// Tension at a content.
    pub fn tension(&self, bound: f64, content: f64, guess: f64) -> f64 {
        self.tension_with_exchange(bound, content, 0.0, 0.0, guess).0
    }

    /// The tension P with content(P) + e (P − outside) = content_in, and the slope of the content there.
    ///
    /// Both sides are linear in an interval of the table, so only the interval is searched, by Newton's steps between
    /// bounds; what is found does not depend on the guess: at a point of the table both its intervals give that point.
    #[inline]
    fn tension_with_exchange(&self, bound: f64, content_in: f64, e: f64, outside: f64, guess: f64) -> (f64, f64) {
        /// So near a point of the table counts as there [mmHg].
        const NEAR: f64 = 1e-9;
        if content_in <= 0.0 && e == 0.0 {
            return (0.0, self.dissolved);
        }
        // The answer lies in one of the intervals first..=last.
        let (mut first, mut last) = (0, TABLE_POINTS - 1);
        let mut i = Self::place(guess);
        loop {
            let (low, slope) = self.interval(bound, i);
            let start = i as f64 * TABLE_STEP;
            let further = 1.0 / (slope + e);
            let into = (content_in - (low + e * (start - outside))) * further;
            let is_low = into < -NEAR && i > first;
            let is_high = into > TABLE_STEP + NEAR && i < last;
            if !is_low && !is_high {
                // Where blood is worth no more than a point of the table the slope is that above it.
                if into < NEAR {
                    return (start, slope);
                }
                if (into - TABLE_STEP).abs() <= NEAR && i + 1 < TABLE_POINTS {
                    return (start + TABLE_STEP, self.interval(bound, i + 1).1);
                }
                return (start + into, slope);
            }
            if is_low {
                last = i - 1;
            } else {
                first = i + 1;
            }
            let next = Self::place(start + into);
            i = if next >= first && next <= last {
                next
            } else {
                (first + last) / 2
            };
        }
    }
}

/// Below the highest tension that enters by so much, a voxel has room for all that a kernel gives [mmHg].
const FULL_WITHIN_MMHG: f64 = 0.5;

/// Where a piece meets the tissue.
#[derive(Clone, Copy, Debug)]
pub enum Reach<'a> {
    /// In one voxel.
    Voxel(&'a [u32]),
    /// Through a kernel.
    Spread(&'a Spread),
}

impl Reach<'_> {
    /// Tension of the tissue that a piece feels.
    fn outside(&self, piece: usize, oxygen: &[f32]) -> f64 {
        match self {
            Self::Voxel(voxel) => f64::from(oxygen[voxel[piece] as usize]),
            Self::Spread(spread) => {
                let (voxels, weights) = spread.of(piece);
                let mean = voxels
                    .iter()
                    .zip(weights)
                    .fold(0.0, |sum, (&v, w)| sum + w * f64::from(oxygen[v as usize]));
                math::positive(mean)
            }
        }
    }
}

/// Blood that enters at a node from outside.
#[derive(Clone, Copy, Debug)]
pub struct Inlet {
    /// Which node.
    pub node: u32,
    /// How much [nl/min], > 0.
    pub flow_nl_per_min: f64,
    /// Its tension [mmHg].
    pub po2_mmhg: f64,
}

/// A network as oxygen sees it.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// Nodes in all.
    pub nodes: usize,
    /// First node of each segment.
    pub from: &'a [u32],
    /// Last node of each segment.
    pub to: &'a [u32],
    /// Flow, positive from -> to [nl/min].
    pub flow_nl_per_min: &'a [f64],
    /// Share of each segment's flow and exchange that belongs to the tissue.
    pub share: &'a [f64],
    /// Oxygen that the blood of each segment binds when saturated [mL/mL].
    pub bound: &'a [f64],
    /// Segments with flow, upstream first.
    pub order: &'a [u32],
    /// Pieces of segment s are `first_piece[s]..first_piece[s + 1]`, in order from -> to.
    pub first_piece: &'a [u32],
    /// Exchange of each piece, of the whole vessel [µm³/s].
    pub exchange: &'a [f64],
    /// Where each piece meets the tissue.
    pub reach: Reach<'a>,
    /// Blood from outside. A node that nothing reaches gets blood of `arterial_mmhg`.
    pub inlets: &'a [Inlet],
    /// Tension of blood where nothing else is said [mmHg].
    pub arterial_mmhg: f64,
}

impl Network<'_> {
    fn pieces(&self, segment: usize) -> std::ops::Range<usize> {
        self.first_piece[segment] as usize..self.first_piece[segment + 1] as usize
    }

    /// Highest tension that blood brings [mmHg]: that of the inlets, where there are any.
    fn highest_mmhg(&self) -> f64 {
        let first = self.inlets.first().map_or(self.arterial_mmhg, |inlet| inlet.po2_mmhg);
        self.inlets
            .iter()
            .fold(first, |most, inlet| math::max(most, inlet.po2_mmhg))
    }

    /// Upstream and downstream node of a segment.
    fn ends(&self, segment: usize) -> (usize, usize) {
        if self.flow_nl_per_min[segment] > 0.0 {
            (self.from[segment] as usize, self.to[segment] as usize)
        } else {
            (self.to[segment] as usize, self.from[segment] as usize)
        }
    }
}

/// Segments with flow, upstream first by the flows alone, and how many of them go round in a circle (these come last,
/// by index: no pressure can drive them, but tables of measured flows may hold some).
pub fn downstream(nodes: usize, from: &[u32], to: &[u32], flow_nl_per_min: &[f64]) -> (Vec<u32>, usize) {
    let mut waiting = vec![0u32; nodes];
    let mut leaving: Vec<Vec<u32>> = vec![Vec::new(); nodes];
    let mut flowing = Vec::new();
    for (s, &q) in flow_nl_per_min.iter().enumerate() {
        if q != 0.0 {
            let (up, down) = if q > 0.0 { (from[s], to[s]) } else { (to[s], from[s]) };
            waiting[down as usize] += 1;
            leaving[up as usize].push(s as u32);
            flowing.push(s as u32);
        }
    }
    let mut ready: Vec<u32> = (0..nodes as u32).filter(|&n| waiting[n as usize] == 0).collect();
    let mut order = Vec::with_capacity(flowing.len());
    let mut placed = vec![false; flow_nl_per_min.len()];
    let mut next = 0;
    while next < ready.len() {
        for &s in &leaving[ready[next] as usize] {
            order.push(s);
            placed[s as usize] = true;
            let q = flow_nl_per_min[s as usize];
            let down = if q > 0.0 { to[s as usize] } else { from[s as usize] };
            waiting[down as usize] -= 1;
            if waiting[down as usize] == 0 {
                ready.push(down);
            }
        }
        next += 1;
    }
    let circling = flowing.len() - order.len();
    order.extend(flowing.into_iter().filter(|&s| !placed[s as usize]));
    (order, circling)
}

/// Tissue and network of one solve.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The voxels.
    pub grid: &'a Grid,
    /// Constants of tissue.
    pub medium: Medium,
    /// Largest use of each voxel [mmHg/s].
    pub largest_use: &'a [f32],
    /// Scaled exchange of each surface voxel with the air; empty for a closed box.
    pub surface: &'a [f32],
    /// Tension of the air [mmHg].
    pub air_mmhg: f64,
    /// The vessels.
    pub network: Network<'a>,
    /// Its blood.
    pub curve: &'a Haemoglobin,
}

impl Problem<'_> {
    /// Highest tension that enters, with blood or through the surface [mmHg]: no voxel can have more. Under dead skin the
    /// air's counts, and a vessel there brings it further.
    fn highest_mmhg(&self) -> f64 {
        let blood = self.network.highest_mmhg();
        if self.surface.is_empty() {
            blood
        } else {
            math::max(blood, self.air_mmhg)
        }
    }

    /// K = κ h²/D, so an exchange e [µm³/s] in a voxel of volume V is e/V · h²/D.
    fn scale(&self) -> f64 {
        self.grid.voxel_um * self.grid.voxel_um / self.medium.diffusivity_um2_per_s
    }

    /// Use of oxygen around a field as K P − S: the tangent where oxygen is plenty (there use hardly depends on it,
    /// and a proportional law would creep to the answer), the proportional law, which never turns negative, where it
    /// is scarce.
    fn linear_uses(&self, oxygen: &[f32], sink: &mut Vec<f32>, source: &mut Vec<f32>) {
        let n = oxygen.len();
        sink.resize(n, 0.0);
        source.resize(n, 0.0);
        let (scale, michaelis) = (self.scale() as f32, self.medium.michaelis_mmhg as f32);
        let (sink, source, largest) = (&mut sink[..n], &mut source[..n], &self.largest_use[..n]);
        for i in 0..n {
            // Both laws, then a choice: without branches a loop takes several voxels at a time.
            let po2 = oxygen[i];
            let share = 1.0 / (po2 + michaelis);
            let proportional = scale * largest[i] * share;
            let is_plenty = po2 > 4.0 * michaelis;
            sink[i] = proportional * if is_plenty { michaelis * share } else { 1.0 };
            source[i] = proportional * if is_plenty { -(po2 * po2 * share) } else { 0.0 };
        }
    }
}

/// When a solve may end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest gap between supply and use, share of the use.
    pub balance: f64,
    /// Largest change of a tension by the last pass [mmHg].
    pub change_mmhg: f64,
    /// Most passes.
    pub passes: u32,
}

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Passes of blood and tissue.
    pub passes: u32,
    /// (supply + surface − use)/use.
    pub gap: f64,
    /// Largest change of a tension by the last pass [mmHg].
    pub change_mmhg: f64,
    /// Whether both limits were met.
    pub converged: bool,
}

/// Supply by blood, supply through the surface and use [mmHg µm³/s].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    /// Given by blood.
    pub supply: f64,
    /// Come through the surface.
    pub surface: f64,
    /// Used by tissue.
    pub consumption: f64,
    /// What the air would give to a tissue without any oxygen.
    pub air: f64,
}

/// Where hardly anything is left to use oxygen, the balance is a share of this much of what the air could give: tensions of
/// single precision near that of the air hold no more.
const AIR_SHARE: f64 = 1e-3;

impl Balance {
    /// (supply + surface − use)/use; 0 where nothing is used.
    pub fn gap(&self) -> f64 {
        let whole = math::max(self.consumption, AIR_SHARE * self.air);
        if whole > 0.0 {
            (self.supply + self.surface - self.consumption) / whole
        } else {
            0.0
        }
    }
}

/// Work space; what a solve leaves behind for a reader.
#[derive(Clone, Debug, Default)]
pub struct Work {
    solvers: Pool,
    solver: Option<Multigrid>,
    sink: Vec<f32>,
    source: Vec<f32>,
    /// The field before a pass, and what the pass changed.
    before: Vec<f32>,
    change: Vec<f32>,
    /// Linear supply of each piece: strength [µm³/s] …
    strength: Vec<f64>,
    /// … and what it would give to a tissue without oxygen [mmHg µm³/s].
    offer: Vec<f64>,
    /// Oxygen that reached each node, blood that reached it, a first guess of its tension.
    content: Vec<f64>,
    arrived: Vec<f64>,
    warm_start: Vec<f64>,
    node_bound: Vec<f64>,
    /// Tension of the blood at the end of each piece [mmHg].
    pub piece_po2: Vec<f64>,
    /// Mean tension of the blood of each segment; 0 without flow [mmHg].
    pub segment_po2: Vec<f64>,
}

impl Work {
    /// Oxygen that each piece gives to a tissue [mmHg µm³/s of the whole vessel].
    pub fn given(&self, network: &Network, piece: usize, oxygen: &[f32]) -> f64 {
        self.offer[piece] - self.strength[piece] * network.reach.outside(piece, oxygen)
    }

    /// Solvers that others may share while it rests.
    pub fn solvers(&self) -> &Pool {
        &self.solvers
    }

    /// Gives the solver and the columns of voxels back: they are large, and needed in a solve alone.
    fn rest(&mut self) {
        if let Some(solver) = self.solver.take() {
            self.solvers.give(solver);
        }
        for column in [&mut self.sink, &mut self.source, &mut self.before, &mut self.change] {
            *column = Vec::new();
        }
    }

    fn prepare(&mut self, problem: &Problem) {
        let network = &problem.network;
        let pieces = network.exchange.len();
        for column in [&mut self.strength, &mut self.offer] {
            column.clear();
            column.resize(pieces, 0.0);
        }
        // What is left of an earlier solve is a guess.
        self.piece_po2.resize(pieces, network.arterial_mmhg);
        self.segment_po2.clear();
        self.segment_po2.resize(network.flow_nl_per_min.len(), 0.0);
        self.node_bound = node_bound(network);
    }
}

/// Oxygen that the blood leaving each node binds when saturated: exactly that of its segments where they agree, else
/// their mean by flow.
fn node_bound(network: &Network) -> Vec<f64> {
    let mut bound = vec![-1.0; network.nodes];
    let mut mixed = vec![(0.0, 0.0); network.nodes];
    let mut differs = vec![false; network.nodes];
    for &s in network.order {
        let s = s as usize;
        let (up, _) = network.ends(s);
        let q = network.flow_nl_per_min[s].abs() * network.share[s];
        if bound[up] < 0.0 {
            bound[up] = network.bound[s];
        } else if bound[up] != network.bound[s] {
            differs[up] = true;
        }
        mixed[up].0 += q * network.bound[s];
        mixed[up].1 += q;
    }
    for n in 0..network.nodes {
        if differs[n] && mixed[n].1 > 0.0 {
            bound[n] = mixed[n].0 / mixed[n].1;
        }
    }
    bound
}

/// Passes before the first mixture, and after one that failed: they take away what is rough.
const PLAIN: u32 = 2;
/// Differences that a mixture is made of.
const MEMORY: usize = 3;

/// Solves tissue and blood together until the balance holds. `oxygen` is the start and the answer; `cold` says that the
/// start is a guess.
pub fn solve(problem: &Problem, oxygen: &mut [f32], work: &mut Work, cold: bool, limits: &Limits) -> Outcome {
    work.solver = Some(work.solvers.take(problem.grid));
    let outcome = repeat(problem, oxygen, work, cold, limits);
    work.rest();
    outcome
}

/// Passes of blood and tissue until the limits hold.
fn repeat(problem: &Problem, oxygen: &mut [f32], work: &mut Work, cold: bool, limits: &Limits) -> Outcome {
    work.prepare(problem);
    let mut outcome = Outcome {
        passes: 0,
        gap: f64::INFINITY,
        change_mmhg: f64::INFINITY,
        converged: false,
    };
    // Blood carries what upstream tissue did one pass ago: alone, passes would creep.
    let mut mixer = Anderson::new(MEMORY);
    let mut plain_until = PLAIN;
    let highest = problem.highest_mmhg();
    loop {
        // Blood meets the tissue as it is: what it gives now is what is judged …
        run_blood(problem, oxygen, work);
        let is_still = outcome.change_mmhg < limits.change_mmhg;
        if is_still || outcome.passes >= limits.passes {
            outcome.gap = balance(problem, oxygen, work).gap();
            if is_still && outcome.gap.abs() > limits.balance {
                outcome.gap = set_level(problem, oxygen, work, outcome.gap, highest, limits);
            }
            outcome.converged = is_still && outcome.gap.abs() <= limits.balance;
        }
        if outcome.converged || outcome.passes >= limits.passes {
            return outcome;
        }
        // … and the tissue meets that blood, with its use re-linearised.
        let cycles = if outcome.passes == 0 && cold { 4 } else { 1 };
        let change = f64::from(meet_blood(problem, oxygen, work, cycles, None));
        outcome.passes += 1;
        if change > outcome.change_mmhg {
            // A mixture led astray, or the tissue changed its ways: forget, and repeat plainly for a while.
            mixer.forget();
            plain_until = outcome.passes + PLAIN;
        }
        outcome.change_mmhg = change;
        if outcome.passes > plain_until {
            mixer.step(&mut work.before, &work.change, 1.0);
            let highest = highest as f32;
            for (to, &from) in oxygen.iter_mut().zip(&work.before) {
                let above = if from > 0.0 { from } else { 0.0 };
                *to = if above < highest { above } else { highest };
            }
        }
    }
}

/// Brings the balance of the whole to 0 by one factor on all tensions, found by a trial: each pass overrates how much
/// blood gives to a tissue that is poorer everywhere, as what it gives upstream is lacking downstream, so the level of the
/// whole is what settles last. Answers the gap that is left; a factor that would move a tension by more than a pass may is
/// not taken.
fn set_level(problem: &Problem, oxygen: &mut [f32], work: &mut Work, gap: f64, highest: f64, limits: &Limits) -> f64 {
    const TRIAL: f64 = 1e-3;
    let by_factor = |work: &mut Work, factor: f64| {
        let mut trial = std::mem::take(&mut work.before);
        trial.clear();
        trial.extend(oxygen.iter().map(|&po2| {
            let po2 = f64::from(po2) * factor;
            (if po2 < highest { po2 } else { highest }) as f32
        }));
        run_blood(problem, &trial, work);
        let gap = balance(problem, &trial, work).gap();
        work.before = trial;
        gap
    };
    let slope = (by_factor(work, 1.0 + TRIAL) - gap) / TRIAL;
    let more = -gap / slope;
    let is_small = slope < 0.0 && more.abs() * highest <= limits.change_mmhg;
    if !is_small {
        run_blood(problem, oxygen, work);
        return gap;
    }
    let left = by_factor(work, 1.0 + more);
    oxygen.copy_from_slice(&work.before);
    left
}

/// What blood would give to a tissue as it is: fills the work space for [`Work::given`].
pub fn meet_tissue(problem: &Problem, oxygen: &[f32], work: &mut Work) {
    work.prepare(problem);
    run_blood(problem, oxygen, work);
}

/// One pass of the tissue; answers the largest change [mmHg]. `step` is (Δt [s], the field at its start).
fn meet_blood(problem: &Problem, oxygen: &mut [f32], work: &mut Work, cycles: u32, step: Option<(f64, &[f32])>) -> f32 {
    let network = &problem.network;
    let volume = problem.grid.voxel_volume_um3();
    let scale = problem.scale();
    let highest = problem.highest_mmhg();
    problem.linear_uses(oxygen, &mut work.sink, &mut work.source);
    if let Some((seconds, start)) = step {
        let inertia = (scale / seconds) as f32;
        for ((sink, source), start) in work.sink.iter_mut().zip(&mut work.source).zip(start) {
            *sink += inertia;
            *source += inertia * start;
        }
    }
    for s in 0..network.flow_nl_per_min.len() {
        let share = network.share[s] / volume * scale;
        for piece in network.pieces(s) {
            if work.strength[piece] == 0.0 {
                continue;
            }
            let strength = share * work.strength[piece];
            match network.reach {
                Reach::Voxel(voxel) => {
                    let voxel = voxel[piece] as usize;
                    work.sink[voxel] += strength as f32;
                    work.source[voxel] += (share * work.offer[piece]) as f32;
                }
                Reach::Spread(spread) => {
                    let mean = network.reach.outside(piece, oxygen);
                    let tension = work.offer[piece] / work.strength[piece];
                    let (voxels, weights) = spread.of(piece);
                    let gives = tension >= mean || mean <= 0.0;
                    // Room for oxygen: all of it until a voxel comes close to the highest tension.
                    let room = |here: f64| math::unit((highest - here) / FULL_WITHIN_MMHG);
                    let all_room = voxels
                        .iter()
                        .zip(weights)
                        .fold(0.0, |sum, (&v, w)| sum + w * room(f64::from(oxygen[v as usize])));
                    let given = math::positive(tension - mean) / math::max(all_room, 1e-6);
                    for (&voxel, &weight) in voxels.iter().zip(weights) {
                        let voxel = voxel as usize;
                        let strength = strength * weight;
                        let here = f64::from(oxygen[voxel]);
                        // The voxel's own term is implicit; how the piece's exchange is shared out lags by a pass.
                        let (sink, source) = if gives && room(here) >= 1.0 {
                            (strength, strength * (here + given))
                        } else if gives {
                            let slope = strength * given / FULL_WITHIN_MMHG;
                            (slope, slope * highest)
                        } else if tension >= 0.0 {
                            // Takes up by weight and tension: an empty voxel gives nothing.
                            (strength, strength * here * tension / mean)
                        } else {
                            (strength * (mean - tension) / mean, 0.0)
                        };
                        work.sink[voxel] += sink as f32;
                        work.source[voxel] += source as f32;
                    }
                }
            }
        }
    }
    for (column, &k) in problem.surface.iter().enumerate() {
        work.sink[column] += k;
        work.source[column] += k * problem.air_mmhg as f32;
    }
    work.before.clear();
    work.before.extend_from_slice(oxygen);
    if let Some(solver) = &mut work.solver {
        solver.improve(&work.sink, &work.source, oxygen, cycles);
    }
    work.change.resize(oxygen.len(), 0.0);
    difference(oxygen, &work.before, &mut work.change)
}

/// a − b, and the largest of it.
fn difference(a: &[f32], b: &[f32], out: &mut [f32]) -> f32 {
    let larger = |worst: f32, d: f32| if d > worst { d } else { worst };
    let mut worst = [0.0f32; 8];
    for ((a, b), out) in a.chunks(8).zip(b.chunks(8)).zip(out.chunks_mut(8)) {
        for (k, ((out, a), b)) in out.iter_mut().zip(a).zip(b).enumerate() {
            *out = a - b;
            worst[k] = larger(worst[k], out.abs());
        }
    }
    worst.into_iter().fold(0.0, larger)
}

/// One pass of blood down the network. Each piece loses what its tissue takes; the linear response of the piece
/// (how much more it would give to poorer tissue) goes to `strength` and `offer`, so that a slow capillary does not
/// pretend to be a reservoir.
///
/// At a node blood mixes; where daughters carry blood of different haematocrit, all leave with one tension.
fn run_blood(problem: &Problem, oxygen: &[f32], work: &mut Work) {
    let (network, curve) = (&problem.network, problem.curve);
    let Work {
        strength,
        offer,
        content,
        arrived,
        warm_start,
        node_bound,
        piece_po2,
        segment_po2,
        ..
    } = work;
    // Oxygen and blood that reach each node.
    for (column, start) in [
        (&mut *content, 0.0),
        (&mut *arrived, 0.0),
        (&mut *warm_start, network.arterial_mmhg),
    ] {
        column.clear();
        column.resize(network.nodes, start);
    }
    for inlet in network.inlets {
        let node = inlet.node as usize;
        let flow = inlet.flow_nl_per_min * 1e6 / 60.0;
        content[node] += flow * curve.content(math::positive(node_bound[node]), inlet.po2_mmhg);
        arrived[node] += flow;
    }
    strength.fill(0.0);
    offer.fill(0.0);
    segment_po2.fill(0.0);
    for &s in network.order {
        let s = s as usize;
        let q = network.flow_nl_per_min[s];
        let (up, down) = network.ends(s);
        let bound = network.bound[s];
        // µm³/s of the whole vessel.
        let flow = q.abs() * 1e6 / 60.0;
        let mut c = if arrived[up] > 0.0 {
            content[up] / arrived[up]
        } else {
            curve.content(node_bound[up], network.arterial_mmhg)
        };
        let mut po2 = curve.tension(node_bound[up], c, warm_start[up]);
        if bound != node_bound[up] {
            c = curve.content(bound, po2);
        }
        let pieces = network.pieces(s);
        let count = pieces.len();
        // content in blood volume units; exchange turns mmHg µm³/s into mL/mL · µm³/s by α.
        let per_flow = problem.medium.solubility / flow;
        let mut sum = 0.0;
        for k in 0..count {
            let piece = if q > 0.0 { pieces.start + k } else { pieces.end - 1 - k };
            let outside = network.reach.outside(piece, oxygen);
            let exchange = network.exchange[piece];
            let e = per_flow * exchange;
            // The blood that was here last is the best guess.
            let (after, slope) = curve.tension_with_exchange(bound, c, e, outside, piece_po2[piece]);
            po2 = after;
            // What the tissue gains is what the blood loses, to the last digit.
            let fall = po2 - outside;
            c = math::positive(c - e * fall);
            // Exchange = e (P − outside), and P answers to `outside` with e/(slope + e).
            let answers = exchange * (slope / (slope + e));
            strength[piece] = answers;
            offer[piece] = exchange * fall + answers * outside;
            piece_po2[piece] = po2;
            sum += po2;
        }
        segment_po2[s] = if count > 0 { sum / count as f64 } else { po2 };
        let counted = flow * network.share[s];
        content[down] += c * counted;
        arrived[down] += counted;
        warm_start[down] = po2;
    }
}

/// Supply and use of a field with the blood of the last pass.
pub fn balance(problem: &Problem, oxygen: &[f32], work: &Work) -> Balance {
    let network = &problem.network;
    let volume = problem.grid.voxel_volume_um3();
    let scale = problem.scale();
    let supply = (0..network.flow_nl_per_min.len()).fold(0.0, |sum, s| {
        network.pieces(s).fold(sum, |sum, piece| {
            let outside = network.reach.outside(piece, oxygen);
            sum + network.share[s] * (work.offer[piece] - work.strength[piece] * outside)
        })
    });
    let surface = problem.surface.iter().enumerate().fold(0.0, |sum, (column, &k)| {
        sum + f64::from(k) * (problem.air_mmhg - f64::from(oxygen[column])) / scale * volume
    });
    let air = (problem.surface.iter()).fold(0.0, |sum, &k| sum + f64::from(k) * problem.air_mmhg / scale * volume);
    let consumption = used(problem, oxygen) * volume;
    Balance {
        supply,
        surface,
        consumption,
        air,
    }
}

/// Sum of what the voxels use [mmHg/s], eight sums side by side, in a fixed order.
fn used(problem: &Problem, oxygen: &[f32]) -> f64 {
    let michaelis = problem.medium.michaelis_mmhg as f32;
    let mut sums = [0.0f64; 8];
    for (po2, largest) in oxygen.chunks(8).zip(problem.largest_use.chunks(8)) {
        for (sum, (&po2, &largest)) in sums.iter_mut().zip(po2.iter().zip(largest)) {
            *sum += f64::from(largest * (po2 / (po2 + michaelis)));
        }
    }
    sums.iter().sum()
}

/// Blood and tissue after the heart, or a clot, has stopped the flow: implicit Euler steps of the same equations.
///
/// The blood stays where it is and gives what it holds; `lumen_um3` is the volume of each piece. Starts from a solve of
/// the same problem (its field and its work space) and returns `watch` of the field after each step.
pub fn decay_after_arrest<T>(
    problem: &Problem,
    oxygen: &mut [f32],
    work: &mut Work,
    lumen_um3: &[f64],
    seconds_per_step: f64,
    steps: u32,
    mut watch: impl FnMut(&[f32]) -> T,
) -> Vec<T> {
    let (network, curve) = (&problem.network, problem.curve);
    let mut held = vec![0.0; lumen_um3.len()];
    for s in 0..network.flow_nl_per_min.len() {
        for piece in network.pieces(s) {
            held[piece] = curve.content(network.bound[s], work.piece_po2[piece]);
        }
    }
    let mut seen = Vec::new();
    work.solver = Some(work.solvers.take(problem.grid));
    for _ in 0..steps {
        let start = oxygen.to_vec();
        for _ in 0..20 {
            for s in 0..network.flow_nl_per_min.len() {
                let bound = network.bound[s];
                for piece in network.pieces(s) {
                    // A piece at rest is a piece whose lumen is filled once in a step.
                    let filling = lumen_um3[piece] / seconds_per_step;
                    let outside = network.reach.outside(piece, oxygen);
                    let e = problem.medium.solubility * network.exchange[piece] / filling;
                    let guess = work.piece_po2[piece];
                    let (po2, slope) = curve.tension_with_exchange(bound, held[piece], e, outside, guess);
                    let given = (held[piece] - curve.content(bound, po2)) * filling / problem.medium.solubility;
                    work.piece_po2[piece] = po2;
                    work.strength[piece] = network.exchange[piece] * slope / (slope + e);
                    work.offer[piece] = work.strength[piece] * outside + given;
                }
            }
            let change = meet_blood(problem, oxygen, work, 1, Some((seconds_per_step, &start)));
            if change < 1e-3 {
                break;
            }
        }
        for s in 0..network.flow_nl_per_min.len() {
            for piece in network.pieces(s) {
                held[piece] = curve.content(network.bound[s], work.piece_po2[piece]);
            }
        }
        seen.push(watch(oxygen));
    }
    work.rest();
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: f64 = 0.21;

    fn blood() -> Haemoglobin {
        Haemoglobin::new(3.1e-5, 26.8, 2.83)
    }

    #[test]
    fn tension_inverts_content() {
        for po2 in [0.5, 5.0, 26.8, 60.0, 95.0, 600.0] {
            let back = blood().tension(BOUND, blood().content(BOUND, po2), 40.0);
            assert!((back - po2).abs() < 1e-6 * po2, "{po2} -> {back}");
        }
        assert_eq!(blood().tension(BOUND, 0.0, 40.0), 0.0);
    }

    /// A guess that is the answer already must stay: rounding must not push the search off it.
    #[test]
    fn no_guess_changes_the_tension() {
        for bound in [0.0, 0.01, BOUND, 0.3] {
            for i in 0..400 {
                let po2 = 0.37 + 0.25 * f64::from(i);
                for guess in [po2, po2 + 1e-9, 0.0, 25.0, 95.0, 2000.0] {
                    let back = blood().tension(bound, blood().content(bound, po2), guess);
                    assert!((back - po2).abs() < 1e-6 * po2, "{bound} {po2} from {guess}: {back}");
                }
            }
        }
    }

    #[test]
    fn blood_never_falls_below_its_tissue() {
        for e in [1e-6, 1e-3, 1.0] {
            let (po2, _) = blood().tension_with_exchange(BOUND, blood().content(BOUND, 95.0), e, 20.0, 95.0);
            assert!((20.0..=95.0).contains(&po2), "{po2}");
        }
    }

    #[test]
    fn a_wider_vessel_exchanges_more() {
        assert!(inside_resistance(3.0) > inside_resistance(60.0));
        assert!((inside_resistance(7.0) - 1.59).abs() < 1e-12);
    }

    #[test]
    fn upstream_comes_first_and_circles_are_counted() {
        // 0 -> 1 -> 2 -> 3 with the middle one listed backwards, and a circle 4 -> 5 -> 4.
        let (from, to) = ([2, 2, 0, 4, 5], [3, 1, 1, 5, 4]);
        let (order, circling) = downstream(6, &from, &to, &[1.0, -1.0, 1.0, 1.0, 1.0]);
        assert_eq!((order, circling), (vec![2, 1, 0, 3, 4], 2));
    }
}
