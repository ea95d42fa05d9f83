//! A branch: one course of one site, from its first day or from the day at which it left another course.
//!
//! Its states are kept every few days, so that it can go back: a day between is stepped again from the state before it, to
//! the same bits.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::model::{Model, Parameters, Process, State};
use crate::output::observe::Instruments;
use crate::output::series::{Definitions, Look, Row};
use crate::output::summary::{Watch, hex};
use crate::scenario::{Library, Scenario};
use crate::simulation::{RunSettings, advance};
use crate::state::{Event, Now, Tissue};

/// States kept of a branch before every second one is dropped.
const MOST_MARKS: usize = 24;

/// What differs from the scenario as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// As after `--set`.
    pub sets: Vec<String>,
    /// Vessels that are held open: what would have closed them is undone each step.
    pub hold: Vec<u64>,
    /// Treatments and insults that are left out.
    pub without: Vec<String>,
}

/// A state that a branch can go back to.
struct Mark {
    step: u64,
    state: State,
    watch: Watch,
}

/// One course.
pub struct Branch {
    /// Its scenario.
    pub scenario: Scenario,
    /// How it differs.
    pub changes: Changes,
    /// Branch and step that it left.
    pub parent: Option<(usize, u64)>,
    settings: RunSettings,
    parameters: Parameters,
    marks: Vec<Mark>,
    every: u64,
    /// The latest state.
    pub model: Model,
    /// What is remembered up to it.
    pub watch: Watch,
    /// Events that were not sent yet.
    news: Vec<Event>,
}

/// Keeps vessels open: the counterfactual of «had this vessel not closed».
struct HeldOpen(Vec<u64>);

impl Process for HeldOpen {
    fn name(&self) -> &'static str {
        "held_open"
    }

    fn apply(&mut self, tissue: &mut Tissue, _: Now) {
        let v = &mut tissue.vessels;
        for s in 0..v.len() {
            if self.0.contains(&v.id[s]) {
                v.thrombus[s] = 0.0;
                v.closed_h[s] = 0.0;
            }
        }
    }
}

impl Branch {
    /// A branch from day 0.
    pub fn new(scenario: Scenario, changes: Changes, library: &dyn Library) -> Result<Self> {
        let (settings, parameters) = prepared(&scenario, &changes, library)?;
        let model = Model::new(parameters.clone(), settings.seed)?;
        let mut branch = Self::of(scenario, changes, settings, parameters, model, Watch::default(), None);
        branch.see();
        branch.mark();
        Ok(branch)
    }

    /// A branch that leaves another at a state of it.
    pub fn fork(
        scenario: Scenario,
        changes: Changes,
        library: &dyn Library,
        (state, watch): (State, Watch),
        parent: (usize, u64),
    ) -> Result<Self> {
        let (settings, parameters) = prepared(&scenario, &changes, library)?;
        let model = Model::restore(parameters.clone(), settings.seed, state)?;
        let mut branch = Self::of(scenario, changes, settings, parameters, model, watch, Some(parent));
        branch.mark();
        Ok(branch)
    }

    fn of(
        scenario: Scenario,
        changes: Changes,
        settings: RunSettings,
        parameters: Parameters,
        mut model: Model,
        watch: Watch,
        parent: Option<(usize, u64)>,
    ) -> Self {
        hold(&mut model, &changes);
        let days = if model.tissue.grid.len() > 20_000 { 10.0 } else { 5.0 };
        Self {
            every: (days * 24.0 / settings.step_h).round() as u64,
            scenario,
            changes,
            parent,
            settings,
            parameters,
            marks: Vec::new(),
            model,
            watch,
            news: Vec::new(),
        }
    }

    /// Step of its first state.
    pub fn first_step(&self) -> u64 {
        self.marks.first().map_or(0, |mark| mark.step)
    }

    /// Number of the last step.
    pub fn last_step(&self) -> u64 {
        self.settings.last_step()
    }

    /// Seed of the site.
    pub fn seed(&self) -> u64 {
        self.settings.seed
    }

    /// Length of a step [h].
    pub fn step_h(&self) -> f64 {
        self.settings.step_h
    }

    /// Whether the run is over.
    pub fn is_over(&self) -> bool {
        self.model.clock.step() >= self.last_step()
    }

    /// The columns of the latest state.
    pub fn row(&self) -> Row {
        self.row_of(&self.model)
    }

    /// The columns of a model of this scenario.
    pub fn row_of(&self, model: &Model) -> Row {
        let definitions: &Definitions = &self.settings.definitions;
        Look::at(&model.tissue, definitions).row(model.clock.step(), model.clock.day())
    }

    /// Takes note of the latest state.
    fn see(&mut self) {
        let look = Look::at(&self.model.tissue, &self.settings.definitions);
        let row = look.row(self.model.clock.step(), self.model.clock.day());
        self.watch.see(&look, row);
        self.news.extend(self.model.tissue.events.take());
    }

    fn mark(&mut self) {
        self.marks.push(Mark {
            step: self.model.clock.step(),
            state: self.model.state(),
            watch: self.watch.clone(),
        });
        if self.marks.len() > MOST_MARKS {
            let mut i = 0;
            self.marks.retain(|_| {
                i += 1;
                i % 2 == 1
            });
            self.every *= 2;
        }
    }

    /// So many steps on, or to the end.
    pub fn advance(&mut self, steps: u64) -> Result<()> {
        for _ in 0..steps {
            if self.is_over() {
                break;
            }
            advance(&mut self.model, &self.settings.instruments)?;
            self.see();
            let step = self.model.clock.step();
            if step.is_multiple_of(self.every) && self.marks.last().is_none_or(|mark| mark.step < step) {
                self.mark();
            }
        }
        Ok(())
    }

    /// The model at an earlier step of this branch, stepped again where no state was kept.
    pub fn at(&self, step: u64) -> Result<(Model, Watch)> {
        if step > self.model.clock.step() {
            return Err(Error::input("day", "this course has not come so far yet"));
        }
        let mark = self.marks.iter().rev().find(|mark| mark.step <= step);
        let mark = mark.ok_or_else(|| Error::input("day", "this day lies before the branch"))?;
        let mut model = Model::restore(self.parameters.clone(), self.settings.seed, mark.state.clone())?;
        hold(&mut model, &self.changes);
        let mut watch = mark.watch.clone();
        let instruments: &Instruments = &self.settings.instruments;
        while model.clock.step() < step {
            advance(&mut model, instruments)?;
            let look = Look::at(&model.tissue, &self.settings.definitions);
            let row = look.row(model.clock.step(), model.clock.day());
            watch.see(&look, row);
        }
        model.tissue.events.take();
        Ok((model, watch))
    }

    /// Events that were not sent yet.
    pub fn news(&mut self) -> Vec<Value> {
        let step_h = self.settings.step_h;
        self.news.drain(..).map(|event| told(&event, step_h)).collect()
    }

    /// Outcome so far.
    pub fn summary(&self) -> Value {
        let summary = self.watch.summary(
            &self.scenario.name,
            self.settings.seed,
            self.settings.step_h,
            self.model.state_hash(),
        );
        serde_json::to_value(summary).unwrap_or(Value::Null)
    }

    /// Standing values of the patient now.
    pub fn host(&self) -> Value {
        serde_json::to_value(&self.model.tissue.host.profile).unwrap_or(Value::Null)
    }

    /// Hash of the latest state.
    pub fn hash(&self) -> String {
        hex(self.model.state_hash())
    }
}

fn hold(model: &mut Model, changes: &Changes) {
    if !changes.hold.is_empty() {
        model.add_process(Box::new(HeldOpen(changes.hold.clone())));
    }
}

fn prepared(scenario: &Scenario, changes: &Changes, library: &dyn Library) -> Result<(RunSettings, Parameters)> {
    let settings = RunSettings::of(scenario, library)?;
    let mut parameters = settings.parameters.clone();
    let stays = |id: &String| !changes.without.contains(id);
    parameters.challenge_entries.retain(|entry| stays(&entry.id));
    parameters.therapy_entries.retain(|entry| stays(&entry.id));
    Ok((settings, parameters))
}

/// An event for a page: the columns of `events.csv`.
fn told(event: &Event, step_h: f64) -> Value {
    let values: serde_json::Map<String, Value> = event
        .values
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "id": event.id,
        "t_d": event.step as f64 * step_h / 24.0,
        "kind": event.kind.name(),
        "entity": event.entity,
        "place_um": event.place_um,
        "cause": event.cause,
        "values": values,
    })
}
