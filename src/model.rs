//! The schedule: parameters, the model, and `step`: the order of the processes.

mod hash;
mod start;
mod statistics;
mod watch;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::grid::Grid;
use crate::initial::{Space, measured, skin, vessels};
use crate::mechanisms::{
    angiogenesis, blood_flow, challenge, endothelial_injury, epidermis, host_chemistry, infection, inflammation,
    ischaemia, mineral_deposition, msc_behaviour, osteogenic_switch, oxygen, secretion, thrombosis, transport,
    wall_remodelling,
};
use crate::parameters::{Arrows, ChallengeEntry, Instrument, Setting, TherapyEntry};
use crate::random::Dice;
use crate::state::fields::{Memory, OxygenMemory};
use crate::state::{EventKind, Now, Ordered, Profile, Snapshot, Tissue};
use crate::therapies::policy::{Clinic, Policy, Reading};
use crate::therapies::{self, Therapy};
pub use statistics::NetworkReport;
pub use watch::{Disturbance, PROCESSES, Stopwatch};

/// Every process of the schedule. One that the scenario switches off is `None` and costs nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // Each field is the process of its name; see `mechanisms`.
pub struct Mechanisms {
    pub host_chemistry: host_chemistry::Parameters,
    pub challenge: challenge::Parameters,
    pub blood_flow: blood_flow::Parameters,
    pub oxygen: oxygen::Parameters,
    pub secretion: secretion::Parameters,
    pub transport: transport::Parameters,
    pub endothelial_injury: endothelial_injury::Parameters,
    pub osteogenic_switch: Option<osteogenic_switch::Parameters>,
    pub mineral_deposition: mineral_deposition::Parameters,
    pub thrombosis: Option<thrombosis::Parameters>,
    pub wall_remodelling: Option<wall_remodelling::Parameters>,
    pub ischaemia: ischaemia::Parameters,
    pub inflammation: inflammation::Parameters,
    pub infection: Option<infection::Parameters>,
    pub msc_behaviour: msc_behaviour::Parameters,
    pub angiogenesis: Option<angiogenesis::Parameters>,
    pub epidermis: epidermis::Parameters,
}

/// How sites differ. Registry section `site`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSpread {
    /// Spread of endothelial repair (standard deviation of the logarithm).
    pub repair_sd_log: f64,
    /// Spread of lysis and recanalisation.
    pub lysis_sd_log: f64,
    /// Spread of clotting.
    pub clotting_sd_log: f64,
}

/// Everything that a model is built from: a checked scenario.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Length of a step [h].
    pub step_h: f64,
    /// Size and grid.
    pub space: Space,
    /// Layers.
    pub skin: skin::Parameters,
    /// Network.
    pub network: vessels::Parameters,
    /// Tables of a measured network.
    pub tables: Option<measured::Tables>,
    /// The patient.
    pub host: Profile,
    /// Nuclei in walls that carry mineral at the start, 0-1.
    pub burn_in_nidus: f64,
    /// How sites differ.
    pub site: SiteSpread,
    /// Mural cells per length of arteriole [1/µm].
    pub mural_per_um: f64,
    /// Strength of every causal arrow.
    pub arrows: Arrows,
    /// The processes.
    pub mechanisms: Mechanisms,
    /// Insults, as written.
    pub challenge_entries: Vec<ChallengeEntry>,
    /// Numbers of the treatments.
    pub therapies: therapies::Parameters,
    /// Treatments, as written.
    pub therapy_entries: Vec<TherapyEntry>,
    /// When the patient is seen.
    pub clinic: Clinic,
}

impl Parameters {
    /// The challenges, placed on a grid.
    pub fn challenges(&self, grid: &Grid) -> Result<Vec<challenge::Challenge>> {
        self.challenge_entries
            .iter()
            .map(|entry| {
                challenge::Challenge::from_entry(entry, grid, &self.host)
                    .map_err(|message| Error::input(format!("challenge.{}", entry.id), message))
            })
            .collect()
    }

    /// The treatments, checked against the grid and the patient, with the dates that rules of care have given so far.
    pub fn treatments(&self, grid: &Grid, ordered: &[Ordered]) -> Result<Vec<Therapy>> {
        let lasts = self.clinic.steps_between(self.step_h);
        self.therapy_entries
            .iter()
            .map(|entry| {
                let given = ordered.iter().find(|one| one.therapy == entry.id);
                let dates = given.map(|one| (one.steps.as_slice(), lasts));
                Therapy::with_dates(entry, grid, &self.host, dates).map_err(|message| Error::input("therapy", message))
            })
            .collect()
    }
}

/// A decision to be recorded: whose, where, on what reading.
type Decision = (String, [f64; 3], [(&'static str, f64); 3]);

/// Work space of the solvers: holds nothing that the next step depends on.
#[derive(Debug)]
pub struct Workspace {
    flow: blood_flow::Workspace,
    oxygen: oxygen::Workspace,
    transport: transport::Workspace,
}

impl Workspace {
    /// All fields share their solvers.
    fn new(flow: blood_flow::Workspace, oxygen: oxygen::Workspace) -> Self {
        let transport = transport::Workspace::sharing(oxygen.solvers());
        Self {
            flow,
            oxygen,
            transport,
        }
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new(Default::default(), Default::default())
    }
}

impl Clone for Workspace {
    fn clone(&self) -> Self {
        Self::new(self.flow.clone(), self.oxygen.clone())
    }
}

/// A process from outside the crate. It acts at the end of the tissue's answers, after the epidermis, in every step.
pub trait Process: Send {
    /// Name in messages and in the cost by process.
    fn name(&self) -> &'static str;
    /// Acts on the tissue. Draws only from `now.dice` with `Purpose::Custom`.
    fn apply(&mut self, tissue: &mut Tissue, now: Now);
}

/// Two groups of processes that follow each other in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The vessel wall suffers, calcifies, clots and narrows.
    Wall,
    /// The tissue answers.
    Tissue,
}

/// What a checkpoint holds: everything that the next step reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    clock: Clock,
    tissue: Tissue,
    network: NetworkReport,
}

/// One site at risk, running.
pub struct Model {
    /// The tissue now.
    pub tissue: Tissue,
    /// The time now.
    pub clock: Clock,
    /// What is said of the network.
    pub network: NetworkReport,
    parameters: Parameters,
    challenges: Vec<challenge::Challenge>,
    treatments: Vec<Therapy>,
    policies: Vec<Policy>,
    /// Step of the latest visit that was kept.
    visited: Option<u64>,
    /// What was decided at it, for the record of the step that follows.
    decisions: Vec<Decision>,
    custom: Vec<Box<dyn Process>>,
    /// Wall, then tissue; a test of convergence takes them the other way round.
    order: [Group; 2],
    seed: u64,
    dice: Dice,
    work: Workspace,
    watch: watch::Watch,
}

impl Model {
    /// Builds the tissue of a seed: draws and judges its network, gives it walls and first fields.
    pub fn new(parameters: Parameters, seed: u64) -> Result<Self> {
        let mut work = Workspace::default();
        let (tissue, network) = start::tissue(&parameters, seed, &mut work)?;
        let state = State {
            clock: Clock::new(parameters.step_h),
            tissue,
            network,
        };
        Self::restore(parameters, seed, state)
    }

    /// A model that goes on from a saved state.
    ///
    /// # Errors
    /// [`Error::Condition`] for a state whose columns do not fit together: no calcisim saved it.
    pub fn restore(parameters: Parameters, seed: u64, state: State) -> Result<Self> {
        let State { clock, tissue, network } = state;
        if let Some(why) = tissue.misfit() {
            return Err(Error::Condition(format!("this state does not fit together: {why}")));
        }
        let challenges = parameters.challenges(&tissue.grid)?;
        let treatments = parameters.treatments(&tissue.grid, &tissue.host.ordered)?;
        let policies = parameters.therapy_entries.iter().filter_map(Policy::of).collect();
        let mut watch = watch::Watch::default();
        watch.wall_share = parameters.therapies.wall_share;
        watch.oxygen_tolerance = parameters.mechanisms.oxygen.balance_tolerance;
        watch.has_no_therapies = treatments.is_empty();
        let work = Workspace::default();
        let dice = Dice::new(seed);
        Ok(Self {
            tissue,
            clock,
            network,
            parameters,
            challenges,
            treatments,
            policies,
            visited: None,
            decisions: Vec::new(),
            custom: Vec::new(),
            order: [Group::Wall, Group::Tissue],
            seed,
            dice,
            work,
            watch,
        })
    }

    /// Whether a rule of care must read its instrument before the next step.
    pub fn is_visit_due(&self) -> bool {
        let (step, hours) = (self.clock.step(), self.clock.hours_per_step());
        !self.policies.is_empty() && self.visited != Some(step) && self.parameters.clinic.is_visit(step, hours)
    }

    /// A visit: every rule of care reads its instrument and may order a dose. Instruments lie above the model, so the caller
    /// reads them; one that reads nothing here orders nothing.
    pub fn visit(&mut self, read: &dyn Fn(Instrument, &Tissue, Now) -> Option<Reading>) -> Result<()> {
        let now = self.now();
        let mut decided = false;
        for policy in &self.policies {
            let Some(reading) = read(policy.instrument(), &self.tissue, now) else {
                continue;
            };
            let ordered = &mut self.tissue.host.ordered;
            let known = ordered.iter().position(|one| one.therapy == policy.therapy);
            let given: &[u64] = known.map_or(&[], |i| &ordered[i].steps);
            let Some(dose) = policy.order(given, reading, now.step, now.hours) else {
                continue;
            };
            match known {
                Some(i) => ordered[i].steps.push(dose),
                None => ordered.push(Ordered {
                    therapy: policy.therapy.clone(),
                    steps: vec![dose],
                }),
            }
            decided = true;
            let middle = self.tissue.grid.extent_um().map(|e| e / 2.0);
            let dose_d = dose as f64 * now.hours / 24.0;
            let values = [
                ("reading", reading.value),
                ("threshold", policy.threshold()),
                ("dose_d", dose_d),
            ];
            let entity = format!("policy:{}", policy.therapy);
            self.decisions.push((entity, middle, values));
        }
        if decided {
            self.treatments = self
                .parameters
                .treatments(&self.tissue.grid, &self.tissue.host.ordered)?;
        }
        self.visited = Some(now.step);
        Ok(())
    }

    /// The step that comes: its number, day, length and dice.
    pub fn now(&self) -> Now {
        Now {
            step: self.clock.step(),
            day: self.clock.day(),
            hours: self.clock.hours_per_step(),
            dice: self.dice.at(self.clock.step()),
        }
    }

    /// One step. The order of the processes is written here and nowhere else.
    pub fn step(&mut self) -> Result<()> {
        if self.is_visit_due() {
            return Err(Error::Internal(
                "a rule of care waits for its instrument: step this model through `simulation::advance`".to_owned(),
            ));
        }
        let now = self.now();
        let Mechanisms {
            host_chemistry,
            challenge,
            blood_flow,
            oxygen,
            secretion,
            transport,
            endothelial_injury,
            osteogenic_switch,
            mineral_deposition,
            thrombosis,
            wall_remodelling,
            ischaemia,
            inflammation,
            infection,
            msc_behaviour,
            angiogenesis,
            epidermis,
        } = &self.parameters.mechanisms;
        let (arrows, work, clock) = (&self.parameters.arrows, &mut self.work, &self.clock);
        let (tissue, watch) = (&mut self.tissue, &mut self.watch);
        let wall_share = self.parameters.therapies.wall_share;
        tissue.events.pending.clear();
        watch.open(tissue);
        for (entity, place_um, values) in self.decisions.drain(..) {
            tissue
                .events
                .add(now.step, EventKind::Decision, entity, place_um, None, &values);
        }

        // 1. The clinic acts, the patient's plasma follows, an insult may strike.
        therapies::apply(&self.parameters.therapies, &self.treatments, arrows, tissue, now);
        watch.after("therapies", tissue, clock)?;
        host_chemistry::apply(host_chemistry, arrows, tissue, now);
        watch.after("host_chemistry", tissue, clock)?;
        challenge::apply(challenge, wall_share, &self.challenges, arrows, tissue, now);
        watch.after("challenge", tissue, clock)?;

        // 2. Blood arrives, and what it carries and cells secrete spreads.
        blood_flow::apply(blood_flow, arrows, tissue, now, &mut work.flow);
        watch.after("blood_flow", tissue, clock)?;
        oxygen::apply(oxygen, tissue, now, &mut work.oxygen);
        watch.after("oxygen", tissue, clock)?;
        secretion::apply(secretion, arrows, tissue, now);
        watch.after("secretion", tissue, clock)?;
        transport::apply(transport, arrows, tissue, now, &mut work.transport);
        watch.after("transport", tissue, clock)?;

        // 3. The vessel wall suffers, calcifies, clots and narrows. 4. The tissue answers.
        let [first, second] = self.order;
        for group in [first, second] {
            match group {
                Group::Wall => {
                    endothelial_injury::apply(endothelial_injury, arrows, tissue, now);
                    watch.after("endothelial_injury", tissue, clock)?;
                    if let Some(p) = osteogenic_switch {
                        osteogenic_switch::apply(p, arrows, tissue, now);
                    }
                    watch.after("osteogenic_switch", tissue, clock)?;
                    mineral_deposition::apply(mineral_deposition, arrows, tissue, now);
                    watch.after("mineral_deposition", tissue, clock)?;
                    if let Some(p) = thrombosis {
                        thrombosis::apply(p, arrows, tissue, now);
                    }
                    watch.after("thrombosis", tissue, clock)?;
                    if let Some(p) = wall_remodelling {
                        wall_remodelling::apply(p, arrows, tissue, now);
                    }
                    watch.after("wall_remodelling", tissue, clock)?;
                }
                Group::Tissue => {
                    ischaemia::apply(ischaemia, arrows, tissue, now);
                    watch.after("ischaemia", tissue, clock)?;
                    inflammation::apply(inflammation, arrows, tissue, now);
                    watch.after("inflammation", tissue, clock)?;
                    if let Some(p) = infection {
                        infection::apply(p, arrows, tissue, now);
                    }
                    watch.after("infection", tissue, clock)?;
                    msc_behaviour::apply(msc_behaviour, arrows, tissue, now);
                    watch.after("msc_behaviour", tissue, clock)?;
                    if let Some(p) = angiogenesis {
                        angiogenesis::apply(p, wall_share, arrows, tissue, now);
                    }
                    watch.after("angiogenesis", tissue, clock)?;
                    epidermis::apply(epidermis, arrows, tissue, now);
                    watch.after("epidermis", tissue, clock)?;
                }
            }
        }

        // 5. Processes from outside the crate.
        for process in &mut self.custom {
            process.apply(tissue, now);
            watch.after(process.name(), tissue, clock)?;
        }
        watch.close(tissue, clock, !self.custom.is_empty())?;
        self.clock.tick();
        Ok(())
    }

    /// Hash of the state (CONTRACT section 2).
    pub fn state_hash(&self) -> u64 {
        hash::state_hash(&self.tissue, &self.clock)
    }

    /// Hash of every column of the state by its name, `fields.oxygen`: to say in what two states differ.
    pub fn columns(&self) -> Vec<(String, u64)> {
        hash::columns(&self.tissue)
    }

    /// One step, with the columns that each process left, in the order of the schedule.
    pub fn step_seen(mut self, advance: impl FnOnce(&mut Self) -> Result<()>) -> Result<Vec<Vec<(String, u64)>>> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        for process in PROCESSES {
            let seen = Arc::clone(&seen);
            let look = move |tissue: &mut Tissue| {
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(hash::columns(tissue));
            };
            self.disturb(process, Box::new(look));
        }
        advance(&mut self)?;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *seen))
    }

    /// Other standing values of the patient from here on. `solves_anew`: blood, oxygen and the other fields are solved in the
    /// next step even where nothing moved, for rules of theirs were changed.
    ///
    /// # Errors
    /// [`Error::Input`] for a value that cannot change during a run.
    pub fn change(&mut self, host: &[Setting], solves_anew: bool) -> Result<()> {
        challenge::change_host(&mut self.tissue, host, 1.0).map_err(|why| Error::input("host", why))?;
        if solves_anew {
            let Tissue { fields, vessels, .. } = &mut self.tissue;
            fields.memory.iter_mut().for_each(|memory| *memory = Memory::default());
            fields.oxygen_memory = OxygenMemory::default();
            // No factor is below 0: the flow is solved anew.
            vessels.solved_pressure_factor = -1.0;
        }
        Ok(())
    }

    /// A picture of the state now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.tissue, self.clock.step(), self.clock.day())
    }

    /// Everything that the next step reads.
    pub fn state(&self) -> State {
        State {
            clock: self.clock,
            tissue: self.tissue.clone(),
            network: self.network.clone(),
        }
    }

    /// Seed of this run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the model was built from.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Gives the work space of the fields back; the next step makes it anew.
    pub fn rest(&mut self) {
        self.work = Workspace::new(std::mem::take(&mut self.work.flow), Default::default());
    }

    /// Adds a process from outside the crate, behind those added before.
    pub fn add_process(&mut self, process: Box<dyn Process>) {
        self.custom.push(process);
    }

    /// Lets the model measure the cost of each process with a clock of the caller.
    pub fn set_stopwatch(&mut self, stopwatch: Stopwatch) {
        self.watch.stopwatch = Some(stopwatch);
    }

    /// Seconds spent by process so far, in the order of the schedule; empty without a stopwatch.
    pub fn profile(&self) -> &[(&'static str, f64)] {
        &self.watch.seconds
    }

    /// Seconds spent on the books and bounds behind each process; 0 without a stopwatch.
    pub fn cost_of_checks(&self) -> f64 {
        self.watch.checks
    }

    /// Takes the tissue before the wall in every step: what the order of processes within a step does to an outcome, beside
    /// what the step does (`examples/convergence.rs`).
    pub fn take_tissue_first(&mut self) {
        self.order = [Group::Tissue, Group::Wall];
    }

    /// Smuggles an act in behind a process: for tests that the watch names the culprit.
    #[doc(hidden)]
    pub fn disturb(&mut self, behind: &str, act: Disturbance) {
        self.watch.disturbances.push((behind.to_owned(), act));
    }
}
