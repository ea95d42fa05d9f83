//! A run: steps a model to its end and watches it. [`simulate`] keeps everything in memory; [`run`] and [`resume`]
//! write a run folder that survives a kill at any moment.

use crate::clock::Clock;
use crate::error::Result;
use crate::model::{Model, Parameters};
use crate::output::observe::{Instruments, calcium_column};
use crate::output::series::{Cadence, Definitions, Look, Row};
use crate::output::summary::{Summary, Watch};
use crate::parameters::Value;
use crate::scenario::{Library, Scenario};
use crate::state::Event;

#[cfg(feature = "cli")]
pub mod archive;
#[cfg(feature = "cli")]
pub mod branch;
#[cfg(feature = "cli")]
mod course;
#[cfg(feature = "cli")]
pub mod diff;
#[cfg(feature = "cli")]
mod entry;
#[cfg(feature = "cli")]
pub mod folder;
#[cfg(feature = "cli")]
pub mod forecast;
#[cfg(feature = "cli")]
pub mod pack;
#[cfg(feature = "cli")]
pub mod progress;
#[cfg(feature = "cli")]
mod session;
#[cfg(feature = "cli")]
pub mod stop;
#[cfg(feature = "cli")]
pub mod verify;

#[cfg(feature = "cli")]
pub use session::{Outcome, RunOptions, default_folder, resume, run, threads_or_cores};

/// What a run takes from a scenario.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// Name of the scenario.
    pub scenario: String,
    /// Parameters of the model.
    pub parameters: Parameters,
    /// Seed of the site.
    pub seed: u64,
    /// Length [d].
    pub days: f64,
    /// Length of a step [h].
    pub step_h: f64,
    /// Interval of the rows of the series [h].
    pub series_every_h: f64,
    /// Interval of the kept snapshots [d]; 0 = none by rhythm.
    pub snapshot_every_d: f64,
    /// Further days of which a snapshot is kept.
    pub snapshot_days: Vec<f64>,
    /// What the definitions of the columns need.
    pub definitions: Definitions,
    /// What is measured at visits.
    pub instruments: Instruments,
    /// Values of the host that the scenario leaves to the registry.
    pub host_defaults: Vec<String>,
    /// Section `space` as resolved.
    pub space: toml::Table,
    /// The whole scenario, resolved and re-runnable.
    pub text: String,
    /// Tables that the scenario reads, by path beside it.
    pub companions: Vec<(String, String)>,
    /// What the user should know before the run.
    pub warnings: Vec<String>,
}

impl RunSettings {
    /// The settings of a checked scenario. `library` finds the tables that it names.
    pub fn of(scenario: &Scenario, library: &dyn Library) -> Result<Self> {
        let (copy, companions) = scenario.with_companions(library)?;
        let snapshot_days = match scenario.value("output.snapshot_days") {
            Some(Value::Numbers(days)) => days.clone(),
            _ => Vec::new(),
        };
        Ok(Self {
            scenario: scenario.name.clone(),
            parameters: scenario.parameters(library)?,
            seed: scenario.seed(),
            days: scenario.days(),
            step_h: scenario.number("run.step_h"),
            series_every_h: scenario.number("output.series_every_h"),
            snapshot_every_d: scenario.number("output.snapshot_every_d"),
            snapshot_days,
            definitions: Definitions {
                hypoxia_mmhg: scenario.number("oxygen.hypoxia_mmhg"),
                tcpo2: scenario.section("tcpo2")?,
            },
            instruments: instruments(scenario)?,
            host_defaults: host_defaults(scenario),
            space: scenario.section_table("space"),
            text: copy.resolved_toml(),
            companions,
            warnings: Vec::new(),
        })
    }

    /// Number of the last step.
    pub fn last_step(&self) -> u64 {
        Clock::new(self.step_h).step_of_day(self.days)
    }

    /// Rhythm of the rows.
    pub fn cadence(&self) -> Cadence {
        Cadence {
            step_h: self.step_h,
            every_h: self.series_every_h,
        }
    }
}

/// The instruments of a scenario.
pub fn instruments(scenario: &Scenario) -> Result<Instruments> {
    Ok(Instruments {
        clinic: scenario.section("clinic")?,
        tcpo2: scenario.section("tcpo2")?,
        wound_area: scenario.section("wound_area")?,
        calcium_column: calcium_column::Parameters {
            wall_share: scenario.number("mineral.wall_share"),
            ..scenario.section("calcium_column")?
        },
        crp: scenario.section("crp")?,
        d_dimer: scenario.section("d_dimer")?,
        f_cmgp: scenario.section("f_cmgp")?,
        ppi: scenario.section("ppi")?,
        albumin: scenario.section("albumin")?,
        inr: scenario.section("inr")?,
        t50: scenario.section("t50")?,
    })
}

/// Keys of the host whose value is the registry's.
fn host_defaults(scenario: &Scenario) -> Vec<String> {
    let origins = scenario.origins().into_iter();
    origins
        .filter(|(key, _, origin)| key.starts_with("host.") && origin == "default")
        .map(|(key, _, _)| key)
        .collect()
}

/// One step, with the visit before it where a rule of care waits for one. This is how a model is stepped.
pub fn advance(model: &mut Model, instruments: &Instruments) -> Result<()> {
    if model.is_visit_due() {
        model.visit(&|instrument, tissue, now| instruments.read(instrument, tissue, now))?;
    }
    model.step()
}

/// What an observer sees after each step, and once before the first.
pub struct Moment<'a> {
    /// The model after the step.
    pub model: &'a Model,
    /// What is remembered for the summary.
    pub watch: &'a Watch,
    /// The columns of the series.
    pub row: &'a Row,
    /// Whether the series keeps this row.
    pub is_row_kept: bool,
    /// What happened in the step.
    pub events: &'a [Event],
    /// Whether this is the end of the run.
    pub is_last: bool,
}

/// Takes what the step left behind: events and columns; the watch sees each step once.
fn look(model: &mut Model, watch: &mut Watch, definitions: &Definitions) -> (Row, Vec<Event>) {
    let events = model.tissue.events.take();
    let look = Look::at(&model.tissue, definitions);
    let row = look.row(model.clock.step(), model.clock.day());
    watch.see(&look, row.clone());
    (row, events)
}

/// A whole run in memory, without files, clock or threads of its own. The observer may end it by an error.
pub fn simulate(
    settings: &RunSettings,
    seed: u64,
    observer: &mut dyn FnMut(&Moment) -> Result<()>,
) -> Result<(Model, Summary)> {
    let model = Model::new(settings.parameters.clone(), seed)?;
    go_on(settings, seed, model, Watch::default(), observer)
}

/// The rest of a run in memory, from a model and what was remembered up to it: the bits of a run without a stop.
pub fn go_on(
    settings: &RunSettings,
    seed: u64,
    mut model: Model,
    mut watch: Watch,
    observer: &mut dyn FnMut(&Moment) -> Result<()>,
) -> Result<(Model, Summary)> {
    let (last, cadence) = (settings.last_step(), settings.cadence());
    let mut is_seen = watch.latest().is_some_and(|row| row.step == model.clock.step());
    loop {
        if !is_seen {
            let (row, events) = look(&mut model, &mut watch, &settings.definitions);
            let is_last = row.step >= last;
            observer(&Moment {
                model: &model,
                watch: &watch,
                row: &row,
                is_row_kept: is_last || cadence.is_due(row.step),
                events: &events,
                is_last,
            })?;
        }
        is_seen = false;
        if model.clock.step() >= last {
            break;
        }
        advance(&mut model, &settings.instruments)?;
    }
    let summary = watch.summary(&settings.scenario, seed, settings.step_h, model.state_hash());
    Ok((model, summary))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small section; the network is taken as it comes.
    pub(crate) fn settings(days: f64) -> Result<RunSettings> {
        let text = format!(
            "schema = 1\nname = \"small\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\n\
             [run]\ndays = {days:?}\n[space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = 40.0\n\
             [network]\njudge = false\n"
        );
        let (scenario, _) = Scenario::from_text("small.toml", &text, &[])?;
        RunSettings::of(&scenario, &crate::scenario::Shipped)
    }

    #[test]
    fn a_day_has_a_row_at_its_start_and_its_end() -> Result<()> {
        let mut kept = Vec::new();
        let (model, summary) = simulate(&settings(1.25)?, 3, &mut |moment| {
            if moment.is_row_kept {
                kept.push(moment.row.t_d);
            }
            Ok(())
        })?;
        assert_eq!(kept, [0.0, 1.0, 1.25]);
        assert_eq!(summary.days, 1.25);
        assert_eq!(summary.state_hash, crate::output::summary::hex(model.state_hash()));
        Ok(())
    }

    #[test]
    fn the_same_seed_gives_the_same_end_and_another_seed_another() -> Result<()> {
        let settings = settings(1.0)?;
        let end = |seed| simulate(&settings, seed, &mut |_| Ok(())).map(|(_, summary)| summary.state_hash);
        assert_eq!(end(5)?, end(5)?);
        assert_ne!(end(5)?, end(6)?);
        Ok(())
    }

    #[test]
    fn an_observer_can_end_a_run() -> Result<()> {
        let stop = crate::error::Error::Stopped("enough".to_owned());
        let ended = simulate(&settings(1.0)?, 1, &mut |moment| {
            if moment.row.step == 3 {
                Err(stop.clone())
            } else {
                Ok(())
            }
        });
        assert_eq!(ended.err().map(|e| e.exit_code()), Some(75));
        Ok(())
    }
}
