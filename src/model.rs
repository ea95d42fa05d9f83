//! Stand-in for the engine, with its signatures: a section that clots and dies by dice. Thrown away at the merge.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::{Error, Result, Unphysical};
use crate::grid::{Grid, Plane};
use crate::random::{Dice, Purpose};
use crate::state::host::BurnIn;
use crate::state::vessels::Nodes;
use crate::state::{
    Anatomy, Burden, Cells, EventKind, EventLog, Fields, Host, Kind, Ledger, Profile, Site,
    Snapshot, Tissue, Vessels, Vitality,
};

/// Checked parameters.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Columns.
    pub nx: usize,
    /// Layers.
    pub nz: usize,
    /// Chance of death per voxel and step.
    pub death: f64,
    /// Step that fails; 0 = none.
    pub fails_at: u64,
    /// Length of a step [h].
    pub step_h: f64,
}

/// What the judging of the network found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Networks drawn.
    pub attempts: u32,
    /// Segments.
    pub segments: u32,
    /// Nodes.
    pub nodes: u32,
    /// Name and value.
    pub statistics: Vec<(String, f64)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What the next step reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    clock: Clock,
    tissue: Tissue,
    network: NetworkReport,
}

/// The model.
pub struct Model {
    /// Tissue.
    pub tissue: Tissue,
    /// Clock.
    pub clock: Clock,
    /// Report.
    pub network: NetworkReport,
    parameters: Parameters,
    seed: u64,
    profile: Vec<(&'static str, f64)>,
}

impl Model {
    /// A model at day 0.
    pub fn new(parameters: Parameters, seed: u64) -> Result<Self> {
        Ok(Self {
            tissue: tissue(parameters.nx, parameters.nz),
            clock: Clock::new(parameters.step_h),
            network: NetworkReport {
                attempts: 1,
                segments: 3,
                nodes: 4,
                ..NetworkReport::default()
            },
            parameters,
            seed,
            profile: vec![("necrosis", 0.0)],
        })
    }

    /// One step.
    pub fn step(&mut self) -> Result<()> {
        let step = self.clock.step();
        let dice = Dice::new(self.seed).at(step);
        if self.parameters.fails_at > 0 && step + 1 == self.parameters.fails_at {
            return Err(Error::Numerical(Unphysical {
                step,
                day: self.clock.day(),
                process: "transport".to_owned(),
                quantity: "oxygen [mmHg]".to_owned(),
                place: "voxel 0".to_owned(),
                message: "NaN".to_owned(),
            }));
        }
        for v in 0..self.tissue.grid.len() {
            self.tissue.fields.oxygen[v] *= 0.9999;
            if dice
                .roll(Purpose::Tolerance, v as u64)
                .chance(self.parameters.death)
                && self.tissue.anatomy.kill(v, step)
            {
                let place = self.tissue.grid.centre_um(v);
                self.tissue.events.add(
                    step,
                    EventKind::Death,
                    format!("voxel:{v}"),
                    place,
                    None,
                    &[("po2", 1.0)],
                );
            }
        }
        for c in 0..self.tissue.grid.nx {
            if dice
                .roll(Purpose::Sprout, c as u64)
                .chance(self.parameters.death)
            {
                self.tissue.cells.keratinocytes.covered[c] = 0;
            }
        }
        for s in 0..3 {
            self.tissue.vessels.thrombus[s] +=
                0.01 * dice.roll(Purpose::Custom, s as u64).uniform();
        }
        self.clock.tick();
        Ok(())
    }

    /// Hash of the state.
    pub fn state_hash(&self) -> u64 {
        let t = &self.tissue;
        let mut bytes = self.clock.step().to_le_bytes().to_vec();
        bytes.extend(t.fields.oxygen.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(t.anatomy.vitality.iter().map(|&x| x as u8));
        bytes.extend(t.vessels.thrombus.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(&t.cells.keratinocytes.covered);
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }

    /// A picture of the state.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.tissue, self.clock.step(), self.clock.day())
    }

    /// What the next step reads.
    pub fn state(&self) -> State {
        State {
            clock: self.clock,
            tissue: self.tissue.clone(),
            network: self.network.clone(),
        }
    }

    /// A model from its state.
    pub fn restore(parameters: Parameters, seed: u64, state: State) -> Result<Self> {
        let mut model = Self::new(parameters, seed)?;
        (model.clock, model.tissue, model.network) = (state.clock, state.tissue, state.network);
        Ok(model)
    }

    /// Seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// A clock for the profile [s].
    pub fn set_stopwatch(&mut self, _now: fn() -> f64) {}

    /// Cost by process [s].
    pub fn profile(&self) -> &[(&'static str, f64)] {
        &self.profile
    }
}

/// A section with three vessels.
pub(crate) fn tissue(nx: usize, nz: usize) -> Tissue {
    let grid = Grid {
        plane: Plane::Section,
        nx,
        ny: 1,
        nz,
        voxel_um: 20.0,
        slab_um: 150.0,
        periodic: true,
    };
    let n = grid.len();
    let mut fields = Fields::zeros(n);
    fields.oxygen.fill(40.0);
    Tissue {
        host: Host::at_rest(healthy()),
        site: Site::default(),
        anatomy: Anatomy {
            kind: (0..n)
                .map(|v| {
                    if v < 2 * nx {
                        Kind::Epidermis
                    } else {
                        Kind::Papillary
                    }
                })
                .collect(),
            vitality: vec![Vitality::Alive; n],
            ever_died: vec![false; n],
            death_step: vec![u32::MAX; n],
            challenged: vec![false; n],
            adipocyte: vec![u32::MAX; n],
            stromal_cell: vec![u32::MAX; n],
            epidermis_voxels: 2,
        },
        fields,
        vessels: Vessels {
            nodes: Nodes {
                id: vec![1, 2, 3, 4],
                place_um: vec![[0.0; 3]; 4],
                ..Nodes::default()
            },
            id: vec![1, 2, 3],
            from: vec![0, 1, 2],
            to: vec![1, 2, 3],
            class: vec![crate::state::Class::Capillary; 3],
            bed: vec![crate::state::vessels::Bed::Fat; 3],
            length_um: vec![100.0; 3],
            radius_um: vec![4.0; 3],
            mineral: vec![0.0; 3],
            neointima: vec![0.0; 3],
            thrombus: vec![0.0; 3],
            flow_nl_per_min: vec![1.0; 3],
            healthy_flow_nl_per_min: vec![1.0; 3],
            po2_mmhg: vec![60.0; 3],
            haematocrit: vec![0.4; 3],
            initial_count: 3,
            first_patch: vec![0, 1, 2, 3],
            integrity: vec![1.0; 3],
            ..Vessels::default()
        },
        cells: Cells {
            keratinocytes: crate::state::cells::Keratinocytes {
                covered: vec![1; nx],
                ..Default::default()
            },
            ..Cells::default()
        },
        burden: Burden::default(),
        ledger: Ledger::default(),
        events: EventLog::default(),
        grid,
    }
}

pub(crate) fn healthy() -> Profile {
    Profile {
        calcium_ionised_mmol_per_l: 1.2,
        phosphate_mmol_per_l: 1.1,
        magnesium_mmol_per_l: 0.8,
        pyrophosphate_umol_per_l: 3.26,
        fetuin_a_g_per_l: 0.72,
        cmgp_fraction: 0.85,
        albumin_g_per_l: 43.0,
        haematocrit: 0.42,
        inlet_pressure_mmhg: 60.0,
        outlet_pressure_mmhg: 12.0,
        arterial_po2_mmhg: 95.0,
        p50_mmhg: 26.8,
        hill_n: 2.83,
        toxin_level: 0.0,
        systemic_inflammation: 0.0,
        dialysis: false,
        sessions_per_week: 3.0,
        session_h: 4.0,
        dialysis_phosphate_fall: 0.45,
        dialysis_pyrophosphate_fall: 0.32,
        rebound_h: 12.0,
        warfarin: false,
        repair_factor: 1.0,
        lysis_factor: 1.0,
        thrombophilia: 0.0,
        protein_c: 1.0,
        weight_kg: 70.0,
        course_csv: String::new(),
        burn_in: BurnIn {
            wall_mineral_median: 0.0,
            gsd: 2.7,
            share: 0.0,
        },
    }
}
