//! Oxygen of a measured network in a closed box: a case read from its folders, solved, and written as tables.
//!
//! The case gives `meta.json` (box, blood, tissue; people's values of the registry where it is silent), `flow.csv`
//! segment,q_nl_min,hd · `inflow_po2.csv` node,po2_mmHg · `tissue_po2.csv` and `vessel_po2.csv`, whose points are
//! asked for again. A segment without a row in `flow.csv` carries nothing; without
//! the table the flows are those of `calcisim flow`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::error::{Diagnostic, Error, Result, Unphysical};
use crate::grid::{Grid, Plane};
use crate::initial::network_files::{self, CaseTables, Network, Tables, Text};
use crate::math;
use crate::network_folder::{self, optional, text};
use crate::parameters::Registry;
use crate::simulation::forecast::free_memory;
use crate::simulation::progress::bytes;
use crate::solve::oxygen_kernel::{Spread, effective_radius_um};
use crate::solve::oxygen_transport::{self as transport, Haemoglobin, Inlet, Limits, Medium, Problem, Reach, Work};

/// Longest piece of a vessel [µm]: blood falls by some mmHg over ten micrometres behind an inlet.
const PIECE_UM: f64 = 5.0;
/// Memory of a voxel: five columns here, three on each level of the solver [B].
const MEMORY_PER_VOXEL: f64 = 40.0;
/// Memory of a piece: its columns and about a hundred voxels of its kernel [B].
const MEMORY_PER_PIECE: f64 = 1400.0;

/// Blood and tissue of a case, in the units of its `meta.json`.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    /// Tension of half saturation [mmHg].
    pub p50_mmhg: f64,
    /// Hill's exponent.
    pub hill_n: f64,
    /// Oxygen bound by full red cells [cm³/cm³].
    pub red_cell_capacity: f64,
    /// Solubility in blood [cm³/cm³/mmHg].
    pub blood_solubility: f64,
    /// Krogh's coefficient D·α of tissue [cm³ O2/cm/s/mmHg].
    pub krogh: f64,
    /// Largest use [cm³ O2/cm³/s].
    pub largest_use: f64,
    /// Tension at half of the largest use [mmHg].
    pub michaelis_mmhg: f64,
    /// Solubility in tissue [cm³/cm³/mmHg]; without influence at rest.
    pub tissue_solubility: f64,
}

/// A case as read.
#[derive(Clone, Debug)]
pub struct Case {
    /// The network.
    pub network: Network,
    /// Flow of each segment, positive from -> to; 0 without a row [nl/min].
    pub flow_nl_per_min: Vec<f64>,
    /// Haematocrit of each segment.
    pub haematocrit: Vec<f64>,
    /// Tension of the blood that enters, by position of the node [mmHg].
    pub inflow_po2_mmhg: BTreeMap<u32, f64>,
    /// Corner and extent of the box [µm].
    pub corner_um: [f64; 3],
    /// Extent of the box [µm].
    pub box_um: [f64; 3],
    /// Blood and tissue.
    pub constants: Constants,
    /// Points at which the tissue is asked [µm].
    pub points_um: Vec<[f64; 3]>,
    /// Sub-segments of each segment at which the blood is asked; 0 for one that is not asked.
    pub asked: Vec<u32>,
    /// What the user should know.
    pub warnings: Vec<String>,
    folder: PathBuf,
}

/// What a solve found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The grid.
    pub grid: Grid,
    /// Field [mmHg].
    pub oxygen: Vec<f32>,
    /// Tension at the points of the case [mmHg].
    pub tissue_mmhg: Vec<f64>,
    /// Blood: segment, place, tension, oxygen given.
    pub vessels: Vec<VesselPoint>,
    /// Passes, gap, whether it converged.
    pub outcome: transport::Outcome,
    /// Given by blood, used by tissue [µm³ O2/s].
    pub supply_um3_per_s: f64,
    /// Used by tissue [µm³ O2/s].
    pub consumption_um3_per_s: f64,
    /// Time of the solve [s].
    pub wall_s: f64,
    /// Memory, from arithmetic [B].
    pub memory_bytes: f64,
}

/// Blood in one sub-segment.
#[derive(Clone, Copy, Debug)]
pub struct VesselPoint {
    /// Id of the segment.
    pub segment: u64,
    /// Its middle [µm].
    pub place_um: [f64; 3],
    /// Tension of the blood there [mmHg].
    pub po2_mmhg: f64,
    /// Oxygen given to tissue [µm³/s].
    pub efflux_um3_per_s: f64,
    /// Whether no blood flows.
    pub is_still: bool,
}

/// When a solve of a case ends. The balance is half of what is promised: where hardly anything is used, tensions of single
/// precision hold no more.
pub const LIMITS: Limits = Limits {
    balance: 5e-5,
    change_mmhg: 1e-3,
    passes: 1000,
};

/// Reads numbers of `meta.json` and collects what is wrong with them.
struct Meta<'a> {
    file: String,
    text: &'a str,
    value: Value,
    faults: Vec<Diagnostic>,
}

impl Meta<'_> {
    fn fault(&mut self, key: &str, value: &Value, expected: &str) {
        let leaf = format!("\"{}\"", key.rsplit('.').next().unwrap_or(key));
        let at = self
            .text
            .lines()
            .enumerate()
            .find_map(|(i, line)| Some((i + 1, line.find(&leaf)? + 1)));
        let (line, column) = at.unwrap_or_default();
        self.faults.push(Diagnostic {
            file: self.file.clone(),
            line,
            column,
            key: key.to_owned(),
            value: value.to_string(),
            expected: expected.to_owned(),
            ..Diagnostic::default()
        });
    }

    fn number(&mut self, key: &str, otherwise: f64, may_be_zero: bool) -> f64 {
        let found = key.split('.').fold(&self.value, |at, part| &at[part]).clone();
        if found.is_null() {
            return otherwise;
        }
        match found.as_f64() {
            Some(x) if x.is_finite() && (x > 0.0 || (x == 0.0 && may_be_zero)) => x,
            _ => {
                let expected = if may_be_zero {
                    "a number from 0"
                } else {
                    "a number above 0"
                };
                self.fault(key, &found, expected);
                otherwise
            }
        }
    }

    fn three(&mut self, key: &str) -> Option<[f64; 3]> {
        let found = self.value[key].clone();
        if found.is_null() {
            return None;
        }
        let numbers: Option<Vec<f64>> = found
            .as_array()
            .and_then(|list| list.iter().map(Value::as_f64).collect());
        match numbers.as_deref() {
            Some(&[x, y, z]) if [x, y, z].iter().all(|n| *n > 0.0 && n.is_finite()) => Some([x, y, z]),
            _ => {
                self.fault(key, &found, "three numbers above 0: x, y, z");
                None
            }
        }
    }
}

/// Flow [nl/min] and haematocrit of each segment, as `calcisim flow` finds them.
fn solved_flow(network: &Path, case: &Path, warnings: &mut Vec<String>) -> Result<(Vec<f64>, Vec<f64>)> {
    let loaded = network_folder::load(network, Some(case))?;
    let solution = loaded.flow(&loaded.flow_settings()?, None)?;
    warnings.push("no flow.csv: the flows are those of `calcisim flow`".into());
    if !solution.converged {
        warnings.push("flows and haematocrits do not agree to the tolerance: the best state is taken".into());
    }
    let haematocrit = solution.haematocrit.iter().map(|h| h.unwrap_or(0.0)).collect();
    Ok((solution.flow_nl_per_min, haematocrit))
}

fn default_of(key: &str) -> f64 {
    let row = Registry::embedded().row(key);
    row.and_then(|row| row.value.number()).unwrap_or(f64::NAN)
}

impl Case {
    /// Reads a network and a case on it; every fault at once.
    pub fn read(network: &Path, case: &Path) -> Result<Self> {
        for folder in [network, case] {
            if !folder.is_dir() {
                return Err(Error::files(folder.display(), "there is no such folder"));
            }
        }
        let flow = optional(Some(case), "flow.csv")?;
        let flow_file = flow
            .as_ref()
            .map_or_else(|| "boundary.csv".to_owned(), |(name, _)| name.clone());
        let mut warnings = Vec::new();
        let solved = match flow {
            Some(_) => None,
            None => Some(solved_flow(network, case, &mut warnings)?),
        };
        let tables = Tables {
            nodes: text(&network.join("nodes.csv"))?,
            segments: text(&network.join("segments.csv"))?,
            // The flows stand in for it.
            boundary: None,
        };
        let changes = CaseTables {
            boundary: None,
            occluded: optional(Some(case), "occluded.csv")?,
            diameters: optional(Some(case), "diameters.csv")?,
        };
        let mut faults = Vec::new();
        let network = network_files::collect(&tables, &changes, &mut faults);
        let given = flow.map(|table| flows(&table, &network, &tables.segments.0, &mut faults));
        let (flow_nl_per_min, haematocrit) = given.or(solved).unwrap_or_default();
        let inflow = optional(Some(case), "inflow_po2.csv")?;
        let inflow_po2_mmhg = inflow
            .as_ref()
            .map(|table| inflow_po2(table, &network, &tables.nodes.0, &mut faults))
            .unwrap_or_default();
        if inflow.is_none() {
            warnings.push(format!(
                "no inflow_po2.csv: blood enters with {} mmHg",
                default_of("host.arterial_po2_mmhg")
            ));
        }
        let meta_text = optional(Some(case), "meta.json")?;
        if meta_text.is_none() {
            warnings.push("no meta.json: people's values of the registry".into());
        }
        let mut meta = read_meta(&meta_text, &mut faults);
        let box_um = meta.three("box_um");
        let tissue_grid = meta.three("tissue_grid");
        let longest = meta.number("max_subsegment_um", 20.0, false);
        let constants = constants(&mut meta);
        faults.append(&mut meta.faults);
        let points = optional(Some(case), "tissue_po2.csv")?.map(|table| points(&table, &mut faults));
        let asked = match optional(Some(case), "vessel_po2.csv")? {
            Some(table) => asked(&table, &network, &tables.segments.0, &mut faults),
            None => (0..network.segment_id.len())
                .map(|s| {
                    let parts = (network.length_um[s] / longest).ceil() as u32;
                    if flow_nl_per_min[s] == 0.0 { 0 } else { parts }
                })
                .collect(),
        };
        if !faults.is_empty() {
            return Err(Error::Input(faults));
        }
        let (corner_um, box_um) = match box_um {
            Some(extent) => ([0.0; 3], extent),
            None => {
                warnings.push("no box_um in meta.json: the network and 50 µm around it".into());
                around(&network.place_um)
            }
        };
        let outside = network.place_um.iter().filter(|place| {
            (0..3).any(|d| place[d] < corner_um[d] - 1e-6 || place[d] > corner_um[d] + box_um[d] + 1e-6)
        });
        match outside.count() {
            0 => {}
            n => warnings.push(format!(
                "{n} nodes lie outside the box: its faces are mirrors, their vessels count inside"
            )),
        }
        let points_um = points.unwrap_or_else(|| regular(corner_um, box_um, tissue_grid));
        let case = Self {
            network,
            flow_nl_per_min,
            haematocrit,
            inflow_po2_mmhg,
            corner_um,
            box_um,
            constants,
            points_um,
            asked,
            warnings,
            folder: case.to_owned(),
        };
        case.check_inlets(&flow_file)?;
        Ok(case)
    }

    /// Blood that enters from outside, by node: what leaves and did not arrive.
    fn inlets(&self) -> Vec<(u32, f64)> {
        let mut surplus = vec![0.0; self.network.node_id.len()];
        let mut through = vec![0.0; self.network.node_id.len()];
        for (s, &[a, b]) in self.network.ends.iter().enumerate() {
            let q = self.flow_nl_per_min[s];
            surplus[a as usize] += q;
            surplus[b as usize] -= q;
            through[a as usize] += q.abs();
            through[b as usize] += q.abs();
        }
        // Flows printed with four digits miss each other by a per cent at most: that is no inlet.
        (0..surplus.len() as u32)
            .filter(|&n| {
                let least = if self.inflow_po2_mmhg.contains_key(&n) {
                    1e-4
                } else {
                    1e-2
                };
                surplus[n as usize] > least * through[n as usize]
            })
            .map(|n| (n, surplus[n as usize]))
            .collect()
    }

    /// Every node where blood enters has its tension, where the case says any.
    fn check_inlets(&self, file: &str) -> Result<()> {
        if self.inflow_po2_mmhg.is_empty() {
            return Ok(());
        }
        let missing: Vec<Diagnostic> = (self.inlets().into_iter())
            .filter(|(node, _)| !self.inflow_po2_mmhg.contains_key(node))
            .map(|(node, q)| Diagnostic {
                file: file.to_owned(),
                key: format!("node {}", self.network.node_id[node as usize]),
                message: format!("{q:.4} nl/min leave this node that did not arrive"),
                expected: format!(
                    "flows that add up, or its row in {}",
                    self.folder.join("inflow_po2.csv").display()
                ),
                ..Diagnostic::default()
            })
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::Input(missing))
        }
    }

    /// Voxels along each axis.
    fn voxels(&self, voxel_um: f64) -> [f64; 3] {
        self.box_um.map(|extent| math::max(1.0, (extent / voxel_um).round()))
    }

    /// Memory that a solve will take, from arithmetic [B].
    pub fn memory_bytes(&self, voxel_um: f64) -> f64 {
        let voxels: f64 = self.voxels(voxel_um).iter().product();
        let pieces: f64 = self
            .network
            .length_um
            .iter()
            .map(|l| l / math::min(PIECE_UM, voxel_um) + 2.0)
            .sum();
        voxels * MEMORY_PER_VOXEL + pieces * MEMORY_PER_PIECE + 32e6
    }

    /// Refuses a box larger than memory, from arithmetic.
    pub fn refuse_what_cannot_fit(&self, voxel_um: f64) -> Result<()> {
        let needed = self.memory_bytes(voxel_um);
        let voxels: f64 = self.voxels(voxel_um).iter().product();
        let free = free_memory().unwrap_or(f64::INFINITY);
        if needed <= free && voxels < f64::from(u32::MAX) {
            return Ok(());
        }
        Err(Error::Input(vec![Diagnostic {
            file: self.folder.display().to_string(),
            key: "--voxel-um".into(),
            value: crate::units::plain_number(voxel_um),
            message: format!(
                "{voxels:.3e} voxels need about {} of memory; {} are free",
                bytes(needed),
                bytes(free)
            ),
            expected: "a box that fits into the free memory, of less than 4.29e9 voxels".into(),
            suggestion: "a coarser --voxel-um".into(),
            ..Diagnostic::default()
        }]))
    }

    /// Solves tissue and blood.
    pub fn solve(&self, voxel_um: f64, limits: &Limits) -> Result<Solution> {
        self.refuse_what_cannot_fit(voxel_um)?;
        let begun = Instant::now();
        let [nx, ny, nz] = self.voxels(voxel_um).map(|n| n as usize);
        let grid = Grid {
            plane: Plane::Block,
            nx,
            ny,
            nz,
            voxel_um,
            slab_um: voxel_um,
            periodic: false,
        };
        // Whole voxels around the middle of the box.
        let shift = [0, 1, 2].map(|d| ([nx, ny, nz][d] as f64 * voxel_um - self.box_um[d]) / 2.0 - self.corner_um[d]);
        let inside = |place: [f64; 3]| [0, 1, 2].map(|d| place[d] + shift[d]);
        let c = &self.constants;
        let medium = Medium {
            diffusivity_um2_per_s: c.krogh * 1e8 / c.tissue_solubility,
            solubility: c.tissue_solubility,
            michaelis_mmhg: c.michaelis_mmhg,
        };

        let (mut spread, mut exchange, mut first_piece) = (Spread::default(), Vec::new(), vec![0u32]);
        let (mut from, mut to) = (Vec::new(), Vec::new());
        let mut parts = Vec::new();
        for (s, &[a, b]) in self.network.ends.iter().enumerate() {
            from.push(a);
            to.push(b);
            let runs = self.flow_nl_per_min[s] != 0.0;
            let length = self.network.length_um[s];
            // An even number of pieces in each sub-segment: one of them ends in its middle.
            let asked = math::max(1.0, f64::from(self.asked[s]));
            let halves = (length / asked / 2.0 / math::min(PIECE_UM, voxel_um)).ceil();
            let in_each = if runs { 2 * halves as usize } else { 0 };
            parts.push(in_each);
            let count = in_each * asked as usize;
            if runs {
                let radius = self.network.diameter_um[s] / 2.0;
                let k = medium.exchange_um2_per_s(radius, effective_radius_um(radius, voxel_um));
                let ends = [a, b].map(|n| inside(self.network.place_um[n as usize]));
                let at = |t: f64| [0, 1, 2].map(|d| ends[0][d] + t * (ends[1][d] - ends[0][d]));
                for piece in 0..count {
                    let (start, end) = (piece as f64 / count as f64, (piece + 1) as f64 / count as f64);
                    spread.push(&grid, at(start), at(end), radius);
                    exchange.push(k * length / count as f64);
                }
            }
            first_piece.push(exchange.len() as u32);
        }
        let bound: Vec<f64> = self.haematocrit.iter().map(|h| c.red_cell_capacity * h).collect();
        let (order, _) = transport::downstream(self.network.node_id.len(), &from, &to, &self.flow_nl_per_min);
        let arterial = default_of("host.arterial_po2_mmhg");
        let inlets: Vec<Inlet> = (self.inlets().into_iter())
            .map(|(node, flow_nl_per_min)| Inlet {
                node,
                flow_nl_per_min,
                po2_mmhg: self.inflow_po2_mmhg.get(&node).copied().unwrap_or(arterial),
            })
            .collect();
        let largest_use = vec![(c.largest_use / c.tissue_solubility) as f32; grid.len()];
        let problem = Problem {
            grid: &grid,
            medium,
            largest_use: &largest_use,
            surface: &[],
            air_mmhg: 0.0,
            network: transport::Network {
                nodes: self.network.node_id.len(),
                from: &from,
                to: &to,
                flow_nl_per_min: &self.flow_nl_per_min,
                share: &vec![1.0; from.len()],
                bound: &bound,
                order: &order,
                first_piece: &first_piece,
                exchange: &exchange,
                reach: Reach::Spread(&spread),
                inlets: &inlets,
                arterial_mmhg: arterial,
            },
            curve: &Haemoglobin::new(c.blood_solubility, c.p50_mmhg, c.hill_n),
        };
        let highest = inlets.iter().fold(0.0, |most, inlet| math::max(most, inlet.po2_mmhg));
        let mut oxygen = vec![(0.5 * highest) as f32; grid.len()];
        let mut work = Work::default();
        let outcome = transport::solve(&problem, &mut oxygen, &mut work, true, limits);
        if let Some(voxel) = oxygen.iter().position(|p| !p.is_finite()) {
            return Err(Error::Numerical(Unphysical {
                step: 0,
                day: 0.0,
                process: "oxygen".into(),
                quantity: "tension of the tissue [mmHg]".into(),
                place: format!("{:?} µm", grid.centre_um(voxel)),
                message: "no finite state was found".into(),
            }));
        }
        let balance = transport::balance(&problem, &oxygen, &work);
        let mut vessels = Vec::new();
        for s in 0..from.len() {
            let ends = self.network.ends[s].map(|n| self.network.place_um[n as usize]);
            for part in 0..self.asked[s] as usize {
                let t = (part as f64 + 0.5) / f64::from(self.asked[s]);
                let place_um = [0, 1, 2].map(|d| ends[0][d] + t * (ends[1][d] - ends[0][d]));
                let begin = first_piece[s] as usize + part * parts[s];
                let middle = begin + parts[s] / 2;
                let is_still = parts[s] == 0;
                let po2_mmhg = if is_still {
                    sample(&grid, &oxygen, inside(place_um))
                } else if self.flow_nl_per_min[s] > 0.0 {
                    work.piece_po2[middle - 1]
                } else {
                    work.piece_po2[middle]
                };
                let given: f64 = (begin..begin + parts[s])
                    .map(|piece| work.given(&problem.network, piece, &oxygen))
                    .sum();
                vessels.push(VesselPoint {
                    segment: self.network.segment_id[s],
                    place_um,
                    po2_mmhg,
                    efflux_um3_per_s: given * c.tissue_solubility,
                    is_still,
                });
            }
        }
        let tissue_mmhg = self
            .points_um
            .iter()
            .map(|&p| sample(&grid, &oxygen, inside(p)))
            .collect();
        Ok(Solution {
            oxygen,
            tissue_mmhg,
            vessels,
            outcome,
            supply_um3_per_s: balance.supply * c.tissue_solubility,
            consumption_um3_per_s: balance.consumption * c.tissue_solubility,
            wall_s: begun.elapsed().as_secs_f64(),
            memory_bytes: self.memory_bytes(voxel_um),
            grid,
        })
    }

    /// The three files of a solution, by name.
    pub fn files(&self, solution: &Solution) -> Vec<(&'static str, String)> {
        let mut tissue = String::from("x_um,y_um,z_um,po2_mmHg\n");
        for (p, po2) in self.points_um.iter().zip(&solution.tissue_mmhg) {
            let _ = writeln!(tissue, "{},{},{},{po2:.6}", p[0], p[1], p[2]);
        }
        let mut vessel = String::from("segment,x_um,y_um,z_um,po2_blood_mmHg,efflux_um3_s,lowflow\n");
        for v in &solution.vessels {
            let [x, y, z] = v.place_um;
            let (po2, efflux, still) = (v.po2_mmhg, v.efflux_um3_per_s, u8::from(v.is_still));
            let _ = writeln!(
                vessel,
                "{},{x:.4},{y:.4},{z:.4},{po2:.6},{efflux:.6},{still}",
                v.segment
            );
        }
        vec![
            ("tissue_po2.csv", tissue),
            ("vessel_po2.csv", vessel),
            ("report.json", format!("{:#}\n", self.report(solution))),
        ]
    }

    /// Figures of a solution.
    pub fn report(&self, solution: &Solution) -> Value {
        let Summary {
            mean,
            low,
            high,
            below_5,
        } = Summary::of(&solution.tissue_mmhg);
        let voxels: Vec<f64> = solution.oxygen.iter().map(|&p| f64::from(p)).collect();
        let field = Summary::of(&voxels);
        let grid = &solution.grid;
        json!({
            "converged": solution.outcome.converged,
            "iterations": solution.outcome.passes,
            "balance_gap": solution.outcome.gap,
            "last_change_mmHg": solution.outcome.change_mmhg,
            "min_po2_mmHg": low,
            "mean_po2_mmHg": mean,
            "max_po2_mmHg": high,
            "fraction_below_5_mmHg": below_5,
            "voxel_min_po2_mmHg": field.low,
            "voxel_mean_po2_mmHg": field.mean,
            "voxel_max_po2_mmHg": field.high,
            "consumption_um3_s": solution.consumption_um3_per_s,
            "supply_um3_s": solution.supply_um3_per_s,
            "wall_s": solution.wall_s,
            "voxels": grid.len(),
            "voxel_grid": [grid.nx, grid.ny, grid.nz],
            "voxel_um": grid.voxel_um,
            "memory_bytes": solution.memory_bytes,
            "warnings": self.warnings,
        })
    }
}

/// Lowest, mean and highest of a list, and the share below 5.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Lowest.
    pub low: f64,
    /// Highest.
    pub high: f64,
    /// Share below 5 mmHg.
    pub below_5: f64,
}

impl Summary {
    /// Of tensions [mmHg]; zeros for an empty list.
    pub fn of(values: &[f64]) -> Self {
        let n = math::max(1.0, values.len() as f64);
        let edge = |a: f64, pick: fn(f64, f64) -> f64| values.iter().fold(a, |a, &b| pick(a, b));
        let first = values.first().copied().unwrap_or(0.0);
        Self {
            mean: values.iter().sum::<f64>() / n,
            low: edge(first, math::min),
            high: edge(first, math::max),
            below_5: values.iter().filter(|&&p| p < 5.0).count() as f64 / n,
        }
    }
}

/// Tension at a point: linear between the centres of voxels, constant in the outer half voxel.
pub fn sample(grid: &Grid, oxygen: &[f32], place: [f64; 3]) -> f64 {
    let n = [grid.nx, grid.ny, grid.nz];
    let at = [0, 1, 2].map(|d| {
        let x = math::clamp(place[d] / grid.voxel_um - 0.5, 0.0, (n[d] - 1) as f64);
        let low = (x.floor() as usize).min(n[d].saturating_sub(2));
        (low, (low + 1).min(n[d] - 1), x - low as f64)
    });
    let mut sum = 0.0;
    for corner in 0..8 {
        let (mut place, mut weight) = ([0; 3], 1.0);
        for d in 0..3 {
            let (low, high, t) = at[d];
            let upper = corner >> d & 1 == 1;
            place[d] = if upper { high } else { low };
            weight *= if upper { t } else { 1.0 - t };
        }
        sum += weight * f64::from(oxygen[grid.index(place[0], place[1], place[2])]);
    }
    sum
}

fn read_meta<'a>(table: &'a Option<Text>, faults: &mut Vec<Diagnostic>) -> Meta<'a> {
    let (file, text, value) = match table {
        None => (String::new(), "", Value::Null),
        Some((file, text)) => {
            let value = network_folder::json(file, text, faults);
            (file.clone(), text.as_str(), value)
        }
    };
    Meta {
        file,
        text,
        value,
        faults: Vec::new(),
    }
}

fn constants(meta: &mut Meta) -> Constants {
    let solubility = default_of("oxygen.tissue_solubility");
    let mut of = |name: &str, otherwise: f64, may_be_zero: bool| {
        meta.number(&format!("parameters.{name}"), otherwise, may_be_zero)
    };
    Constants {
        p50_mmhg: of("P50_mmHg", default_of("host.p50_mmhg"), false),
        hill_n: of("hill_n", default_of("host.hill_n"), false),
        red_cell_capacity: of(
            "rbc_O2_capacity_cm3_per_cm3",
            default_of("oxygen.red_cell_capacity"),
            true,
        ),
        blood_solubility: of(
            "blood_solubility_cm3_cm3_mmHg",
            default_of("oxygen.blood_solubility"),
            false,
        ),
        krogh: of(
            "tissue_krogh_cm3O2_cm_s_mmHg",
            default_of("oxygen.diffusivity_um2_per_s") * 1e-8 * solubility,
            false,
        ),
        largest_use: of(
            "M0_cm3O2_cm3_s",
            default_of("oxygen.use_reticular_mmhg_per_s") * solubility,
            true,
        ),
        michaelis_mmhg: of("Km_mmHg", default_of("oxygen.michaelis_mmhg"), false),
        tissue_solubility: solubility,
    }
}

fn flows(table: &Text, network: &Network, named: &str, faults: &mut Vec<Diagnostic>) -> (Vec<f64>, Vec<f64>) {
    let place = places(&network.segment_id);
    let (mut flow, mut hd) = (vec![0.0; place.len()], vec![0.0; place.len()]);
    let mut seen = BTreeMap::new();
    network_files::each_row(table, ["segment", "q_nl_min", "hd"], faults, |[id, q, h], faults| {
        let amount = q.number(faults);
        let cells = h.haematocrit(faults);
        let Some(&s) = id.text.parse::<u64>().ok().and_then(|id| place.get(&id)) else {
            faults.push(id.fault(&format!("a segment of {named}"), "there is no such segment"));
            return;
        };
        network_files::once(&mut seen, Some(s), &id, faults);
        if amount != 0.0 && !network.open[s as usize] {
            faults.push(q.fault("0, or no row", "this segment is closed by occluded.csv"));
        }
        flow[s as usize] = amount;
        hd[s as usize] = cells;
    });
    (flow, hd)
}

fn inflow_po2(table: &Text, network: &Network, named: &str, faults: &mut Vec<Diagnostic>) -> BTreeMap<u32, f64> {
    let place = places(&network.node_id);
    let mut out = BTreeMap::new();
    let mut seen = BTreeMap::new();
    network_files::each_row(table, ["node", "po2_mmHg"], faults, |[id, po2], faults| {
        let before = faults.len();
        let tension = po2.number(faults);
        if faults.len() == before && !(0.0..=2000.0).contains(&tension) {
            faults.push(po2.fault("0 to 2000 mmHg", "no blood has this tension"));
        }
        match id.text.parse::<u64>().ok().and_then(|id| place.get(&id)) {
            Some(&node) => {
                network_files::once(&mut seen, Some(node), &id, faults);
                out.insert(node, tension);
            }
            None => faults.push(id.fault(&format!("a node of {named}"), "there is no such node")),
        }
    });
    out
}

fn points(table: &Text, faults: &mut Vec<Diagnostic>) -> Vec<[f64; 3]> {
    let mut out = Vec::new();
    network_files::each_row(table, ["x_um", "y_um", "z_um"], faults, |cells, faults| {
        out.push(cells.map(|cell| cell.number(faults)));
    });
    out
}

fn asked(table: &Text, network: &Network, named: &str, faults: &mut Vec<Diagnostic>) -> Vec<u32> {
    let place = places(&network.segment_id);
    let mut out = vec![0; place.len()];
    network_files::each_row(table, ["segment"], faults, |[id], faults| {
        match id.text.parse::<u64>().ok().and_then(|id| place.get(&id)) {
            Some(&s) => out[s as usize] += 1,
            None => faults.push(id.fault(&format!("a segment of {named}"), "there is no such segment")),
        }
    });
    out
}

fn places(ids: &[u64]) -> BTreeMap<u64, u32> {
    ids.iter().enumerate().map(|(i, &id)| (id, i as u32)).collect()
}

/// The network with 50 µm around it.
fn around(places: &[[f64; 3]]) -> ([f64; 3], [f64; 3]) {
    let edge = |d: usize, pick: fn(f64, f64) -> f64| {
        let first = places.first().map_or(0.0, |p| p[d]);
        places.iter().fold(first, |a, p| pick(a, p[d]))
    };
    let corner = [0, 1, 2].map(|d| edge(d, math::min) - 50.0);
    (corner, [0, 1, 2].map(|d| edge(d, math::max) + 50.0 - corner[d]))
}

/// Points in the middle of equal boxes, z fastest; boxes of about 20 µm where the case names no number of them.
fn regular(corner: [f64; 3], extent: [f64; 3], grid: Option<[f64; 3]>) -> Vec<[f64; 3]> {
    let n = grid.unwrap_or_else(|| extent.map(|e| math::clamp((e / 20.0).round(), 1.0, 100.0)));
    let n = n.map(|n| n as usize);
    let mut out = Vec::new();
    for x in 0..n[0] {
        for y in 0..n[1] {
            for z in 0..n[2] {
                let at = [x, y, z];
                out.push([0, 1, 2].map(|d| corner[d] + (at[d] as f64 + 0.5) * extent[d] / n[d] as f64));
            }
        }
    }
    out
}
