//! Steady flow of blood with red cells through a network of tubes: arrays in, arrays out.
//!
//! ```text
//! q = c D⁴ Δp / (µ(D, H) L),   Σ q = 0 and Σ q H = 0 at every inner node,   H parts as in `separation`
//! ```
//!
//! Pressures follow from haematocrits through one sparse solve; haematocrits follow from flows by one walk
//! downstream, which has no circles because pressures fall along it. The state is where both agree (`fixed_point`); there may be several, and the start
//! decides which one is found. What cannot flow (dead ends, hanging loops, parts that are cut off or hold no pressure)
//! is taken out first (`graph`).
//! We assume: rigid walls; blood that enters at a boundary node with several vessels goes unseparated into them, and
//! blood that leaves there takes the mixture; a flow below 1e-9 of the largest or below the imbalance of nodes takes the
//! haematocrit of its node and has no say in it.

mod fixed_point;
mod pattern;
mod plan;
mod pressure;
pub mod rheology;
pub mod separation;

pub use pattern::Pattern;
use plan::Plan;
pub use rheology::{Blood, Law, Tubes};

/// What holds at a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge {
    /// Nothing: what flows in flows out.
    Inner,
    /// A pressure [mmHg].
    Pressure(f64),
    /// An inflow [nl/min], positive into the network.
    Inflow(f64),
    /// A pressure [mmHg] behind a conductance [nl/min/mmHg]: a way out of the network that is not drawn.
    Behind {
        /// The pressure.
        pressure_mmhg: f64,
        /// The conductance; counts as it is, whatever share of the vessels does.
        conductance: f64,
    },
}

/// A network of tubes.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// Id of each segment: settles the order where a vessel divides in more than two.
    pub segment_id: &'a [u64],
    /// Nodes of each segment.
    pub ends: &'a [[u32; 2]],
    /// Length of each segment [µm].
    pub length_um: &'a [f64],
    /// Diameter of each segment [µm].
    pub diameter_um: &'a [f64],
    /// Whether each segment is open.
    pub open: &'a [bool],
    /// What holds at each node.
    pub edge: &'a [Edge],
    /// Haematocrit of blood that enters at each node.
    pub inflow_haematocrit: &'a [f64],
    /// Share of each vessel that counts in the balances of nodes, if not all of it: the share inside the slab of a
    /// section. Flows are of the whole vessel all the same.
    pub share: Option<&'a [f64]>,
}

impl Network<'_> {
    /// What follows from the graph alone.
    pub fn pattern(&self) -> Pattern {
        Pattern::new(self.segment_id, self.ends, self.edge.len())
    }
}

/// How to solve.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The blood.
    pub blood: Blood,
    /// Whether red cells part unequally; else every branch takes the haematocrit of its node.
    pub separation: bool,
    /// One haematocrit everywhere, if there is one: then nothing is iterated.
    pub haematocrit: Option<f64>,
    /// Narrowest open diameter [µm]: narrower segments are closed. The law in vivo has a pole at 1.1 µm.
    pub closing_diameter_um: f64,
    /// Loss of red cells at a node of a converged state, as a share of the inflow of blood.
    pub red_cell_tolerance: f64,
    /// Largest change of a haematocrit by one more sweep of a converged state.
    pub haematocrit_tolerance: f64,
    /// Sweeps after which the best state is returned as it is.
    pub most_iterations: u32,
}

impl Settings {
    /// Human blood, red cells that part unequally.
    pub const HUMAN: Self = Self {
        blood: Blood::HUMAN,
        separation: true,
        haematocrit: None,
        closing_diameter_um: 3.0,
        red_cell_tolerance: 1e-6,
        haematocrit_tolerance: 1e-6,
        most_iterations: 500,
    };
}

/// Why a segment flows or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Blood flows.
    Flow,
    /// Closed.
    Occluded,
    /// Open, but on no way between two boundary nodes, or without a pressure.
    NoFlow,
}

/// A state of the network.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Status of each segment.
    pub status: Vec<Status>,
    /// Flow of each segment, positive from its first to its second node [nl/min].
    pub flow_nl_per_min: Vec<f64>,
    /// Discharge haematocrit of each segment; `None` where nothing flows.
    pub haematocrit: Vec<Option<f64>>,
    /// Apparent viscosity of each segment [cP]; `None` where nothing flows.
    pub viscosity_cp: Vec<Option<f64>>,
    /// Pressure of each node [mmHg]; `None` where nothing flows.
    pub pressure_mmhg: Vec<Option<f64>>,
    /// Blood that enters [nl/min].
    pub inflow_nl_per_min: f64,
    /// Whether flows and haematocrits agree to the tolerance.
    pub converged: bool,
    /// Sweeps made.
    pub iterations: u32,
    /// Largest loss or gain of red cells at a node, as a share of the inflow of blood, between the flows and the
    /// haematocrits that they were calculated with.
    pub rbc_imbalance: f64,
    /// Largest change of a haematocrit in one more sweep.
    pub haematocrit_change: f64,
    /// Largest loss or gain of blood at a node, as a share of the inflow.
    pub node_imbalance: f64,
    /// Whether boundary inflows became the pressures of the open network.
    pub boundary_switched: bool,
}

/// Solves a network as it is. `start` gives haematocrits to start from. `None` when no finite state exists.
pub fn solve(network: &Network, settings: &Settings, start: Option<&[Option<f64>]>) -> Option<Solution> {
    solve_with(&network.pattern(), &mut Tubes::default(), network, settings, start)
}

/// As `solve`, with the pattern of the network at hand, and the tubes of an earlier state of it.
pub fn solve_with(
    pattern: &Pattern,
    tubes: &mut Tubes,
    network: &Network,
    settings: &Settings,
    start: Option<&[Option<f64>]>,
) -> Option<Solution> {
    Plan::new(pattern, tubes, network, settings).solve(start)
}

/// Solves a network with closed segments. While something is closed and a boundary holds an inflow, the open network is
/// solved first and inflows become the pressures it gives them: an inflow cannot be forced through what is closed.
pub fn solve_closed(network: &Network, settings: &Settings, start: Option<&[Option<f64>]>) -> Option<Solution> {
    let closes = (network.open.iter().zip(network.diameter_um))
        .any(|(open, &diameter)| !open || diameter < settings.closing_diameter_um);
    let holds_inflow = network.edge.iter().any(|edge| matches!(edge, Edge::Inflow(_)));
    if !closes || !holds_inflow {
        return solve(network, settings, start);
    }
    let (pattern, mut tubes) = (network.pattern(), Tubes::default());
    let open = vec![true; network.open.len()];
    // A segment that is narrowed shut has no open bore to go back to, and stays closed.
    let whole = solve_with(
        &pattern,
        &mut tubes,
        &Network {
            open: &open,
            ..*network
        },
        settings,
        None,
    )?;
    let edge: Vec<Edge> = (network.edge.iter().zip(&whole.pressure_mmhg))
        .map(|(edge, pressure)| match (edge, pressure) {
            (Edge::Inflow(_), Some(p)) => Edge::Pressure(*p),
            _ => *edge,
        })
        .collect();
    let start = start.unwrap_or(&whole.haematocrit);
    let mut closed = solve_with(
        &pattern,
        &mut tubes,
        &Network {
            edge: &edge,
            ..*network
        },
        settings,
        Some(start),
    )?;
    closed.converged &= whole.converged;
    closed.iterations += whole.iterations;
    closed.boundary_switched = true;
    Some(closed)
}
