//! A model in the hands of a program: stepped, looked at, branched, let go. And a whole run in memory, for inference.

use std::sync::{Mutex, MutexGuard, TryLockError};

use calcisim::clock::Clock;
use calcisim::error::{Diagnostic, Error, Result};
use calcisim::experiment::outputs::{self, Endpoint, Origin};
use calcisim::model::Model;
use calcisim::output::series::{Look, Row};
use calcisim::output::summary::{Watch, hex};
use calcisim::par;
use calcisim::simulation::stop::Stop;
use calcisim::simulation::{self, RunSettings, advance, threads_or_cores};
use calcisim::state::Event;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{answer, raised};
use crate::request::Request;
use crate::slice::Slice;
use crate::table::{self, Table};
use crate::work::heard;

/// A model and what was seen of it.
struct Inner {
    request: Request,
    settings: RunSettings,
    model: Model,
    watch: Watch,
    rows: Vec<Row>,
    events: Vec<Event>,
    threads: usize,
}

impl Inner {
    fn new(request: Request, settings: RunSettings, threads: usize) -> Result<Self> {
        let model = par::with_threads(threads, || Model::new(settings.parameters.clone(), settings.seed))?;
        let mut inner = Self {
            request,
            settings,
            model,
            watch: Watch::default(),
            rows: Vec::new(),
            events: Vec::new(),
            threads,
        };
        inner.look();
        Ok(inner)
    }

    /// Takes what a step left behind.
    fn look(&mut self) {
        self.events.extend(self.model.tissue.events.take());
        let look = Look::at(&self.model.tissue, &self.settings.definitions);
        let row = look.row(self.model.clock.step(), self.model.clock.day());
        self.watch.see(&look, row.clone());
        // The row of now stands last until the next step, as the last row of a run does.
        if self
            .rows
            .last()
            .is_some_and(|last| !self.settings.cadence().is_due(last.step))
        {
            self.rows.pop();
        }
        self.rows.push(row);
    }

    /// So many steps on; ends early when someone asks.
    fn advance(&mut self, steps: u64, stop: &Stop) -> Result<()> {
        let threads = self.threads;
        par::with_threads(threads, || {
            for _ in 0..steps {
                if let Some(reason) = stop.asked("the model stands at the last whole step") {
                    return Err(reason);
                }
                advance(&mut self.model, &self.settings.instruments)?;
                self.look();
            }
            Ok(())
        })
    }

    /// A model that leaves this one here, with changes.
    fn branch(&mut self, sets: Vec<String>, days: Option<f64>) -> Result<(Self, Vec<String>)> {
        let request = self.request.with(sets, days);
        let (mut settings, warnings) = request.settings()?;
        settings.seed = self.settings.seed;
        for (name, differs) in [
            ("space", settings.space != self.settings.space),
            ("run.step_h", settings.step_h != self.settings.step_h),
        ] {
            if differs {
                let message = "a branch goes on in the same tissue: this cannot change any more; build a new Model";
                return Err(Error::input(name, message));
            }
        }
        let model = Model::restore(settings.parameters.clone(), settings.seed, self.model.state())?;
        let branch = Self {
            request,
            settings,
            model,
            watch: self.watch.clone(),
            rows: self.rows.clone(),
            events: self.events.clone(),
            threads: self.threads,
        };
        Ok((branch, warnings))
    }
}

/// A model that Python holds.
#[pyclass(frozen, module = "calcisim._calcisim")]
pub struct Course(Mutex<Option<Inner>>);

impl Course {
    /// The model, when no other thread holds it. Never waits: who waits here would hold the interpreter's lock.
    fn held(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Option<Inner>>> {
        match self.0.try_lock() {
            Ok(held) => Ok(held),
            Err(TryLockError::Poisoned(held)) => Ok(held.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let message =
                    "this model is being stepped by another thread: wait for it, or give each thread its own branch()";
                Err(raised(py, &Error::Condition(message.to_owned())))
            }
        }
    }

    fn with<T>(&self, py: Python<'_>, act: impl FnOnce(&mut Inner) -> PyResult<T>) -> PyResult<T> {
        let mut held = self.held(py)?;
        match held.as_mut() {
            Some(inner) => act(inner),
            None => Err(raised(
                py,
                &Error::Condition("this model was released: build a new one".to_owned()),
            )),
        }
    }
}

#[pymethods]
impl Course {
    /// Builds the tissue; answers the model and the warnings.
    #[staticmethod]
    fn build(py: Python<'_>, request: Request, threads: usize) -> PyResult<(Self, Vec<String>)> {
        let (settings, warnings) = answer(py, py.detach(|| request.settings()))?;
        let inner = heard(py, |_| Inner::new(request, settings, threads_or_cores(threads)))?;
        Ok((Self(Mutex::new(Some(inner))), warnings))
    }

    /// So many steps on.
    fn step(&self, py: Python<'_>, steps: u64) -> PyResult<()> {
        self.with(py, |inner| match steps {
            // One step is too short for a thread of its own.
            1 => {
                let done = py.detach(|| inner.advance(1, &Stop::default()));
                py.check_signals()?;
                answer(py, done)
            }
            _ => heard(py, |stop| inner.advance(steps, stop)),
        })
    }

    /// Steps from now to a day; 0 when it has passed.
    fn steps_to(&self, py: Python<'_>, day: Option<f64>) -> PyResult<u64> {
        self.with(py, |inner| {
            let last = match day {
                Some(day) => Clock::new(inner.settings.step_h).step_of_day(day),
                None => inner.settings.last_step(),
            };
            Ok(last.saturating_sub(inner.model.clock.step()))
        })
    }

    /// A model that leaves this one here, with changes; and warnings.
    fn branch(&self, py: Python<'_>, sets: Vec<String>, days: Option<f64>) -> PyResult<(Self, Vec<String>)> {
        let (branch, warnings) = self.with(py, |inner| answer(py, py.detach(|| inner.branch(sets, days))))?;
        Ok((Self(Mutex::new(Some(branch))), warnings))
    }

    /// Gives the memory back; every later use is an error.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        let mut held = self.held(py)?;
        *held = None;
        Ok(())
    }

    /// Whether it was released.
    #[getter]
    fn is_released(&self) -> bool {
        self.0.try_lock().is_ok_and(|held| held.is_none())
    }

    /// Name of the scenario, seed, step, day, planned days, length of a step [h], hash of the state.
    fn place(&self, py: Python<'_>) -> PyResult<(String, u64, u64, f64, f64, f64, String)> {
        self.with(py, |inner| {
            let (settings, clock) = (&inner.settings, inner.model.clock);
            let hash = hex(inner.model.state_hash());
            let name = settings.scenario.clone();
            Ok((
                name,
                settings.seed,
                clock.step(),
                clock.day(),
                settings.days,
                settings.step_h,
                hash,
            ))
        })
    }

    /// The rows of the course so far, and the one of now.
    fn series(&self, py: Python<'_>) -> PyResult<Table> {
        self.with(py, |inner| Ok(table::series(&inner.rows)))
    }

    /// What happened so far.
    fn events(&self, py: Python<'_>) -> PyResult<Table> {
        self.with(py, |inner| Ok(table::events(&inner.events, inner.settings.step_h)))
    }

    /// The outcome so far, as JSON.
    fn summary(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |inner| {
            let (settings, model) = (&inner.settings, &inner.model);
            let summary = inner
                .watch
                .summary(&settings.scenario, settings.seed, settings.step_h, model.state_hash());
            let text = serde_json::to_string(&summary);
            answer(
                py,
                text.map_err(|fault| Error::Internal(format!("a summary could not be written: {fault}"))),
            )
        })
    }

    /// The tissue now.
    fn slice(&self, py: Python<'_>) -> PyResult<Slice> {
        self.with(py, |inner| {
            Ok({
                let model = &mut inner.model;
                py.detach(move || Slice::of_model(model))
            })
        })
    }
}

/// Endpoints that are asked for, and the days on which something must be kept.
struct Wanted {
    endpoints: Vec<Endpoint>,
    days: Vec<f64>,
}

impl Wanted {
    /// Reads names as experiments write them; without any, all that every run has.
    fn of(names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Ok(Self {
                endpoints: outputs::all(),
                days: Vec::new(),
            });
        }
        let mut days: Vec<f64> = names.iter().filter_map(|name| day_of(name)).collect();
        days.sort_by(f64::total_cmp);
        days.dedup();
        let (mut endpoints, mut faults) = (Vec::new(), Vec::new());
        for name in names {
            match outputs::endpoint(name, &days) {
                Some(endpoint) => endpoints.push(endpoint),
                None => faults.push(Diagnostic {
                    file: "outputs".to_owned(),
                    value: format!("\"{name}\""),
                    message: "there is no such endpoint".to_owned(),
                    expected: "final.COLUMN, max.COLUMN, at_DAYd.COLUMN, read_DAYd.INSTRUMENT or a date as t_ulcer_d"
                        .to_owned(),
                    suggestion: outputs::nearest(name)
                        .map_or_else(String::new, |near| format!("did you mean \"{near}\"?")),
                    ..Diagnostic::default()
                }),
            }
        }
        if faults.is_empty() {
            Ok(Self { endpoints, days })
        } else {
            Err(Error::Input(faults))
        }
    }
}

/// The day of `at_28d.…` and `read_28d.…`.
fn day_of(name: &str) -> Option<f64> {
    let rest = name.strip_prefix("at_").or_else(|| name.strip_prefix("read_"))?;
    let day = rest.split_at(rest.rfind('.')?).0;
    day.strip_suffix('d')?.parse().ok().filter(|day: &f64| day.is_finite())
}

/// A whole run in memory: each endpoint by the name that was asked for, nothing when it did not happen; and the hash.
#[pyfunction]
pub fn simulate<'py>(
    py: Python<'py>,
    request: Request,
    names: Vec<String>,
    threads: usize,
) -> PyResult<(Bound<'py, PyDict>, String)> {
    let prepared = py.detach(|| Ok((request.settings()?.0, Wanted::of(&names)?)));
    let (settings, wanted) = answer(py, prepared)?;
    let clock = Clock::new(settings.step_h);
    if let Some(day) = wanted.days.iter().find(|day| **day > settings.days || **day < 0.0) {
        let message = format!("day {day} lies outside the run, which has {} days", settings.days);
        return Err(raised(py, &Error::input("outputs", message)));
    }
    let steps: Vec<u64> = wanted.days.iter().map(|day| clock.step_of_day(*day)).collect();
    let values = heard(py, |stop| {
        par::with_threads(threads_or_cores(threads), || {
            let count = wanted.endpoints.len();
            let mut found: Vec<Option<f64>> = vec![None; count];
            let (_, summary) = simulation::simulate(&settings, settings.seed, &mut |moment| {
                for (endpoint, value) in wanted.endpoints.iter().zip(&mut found) {
                    let is_now = |at: usize| steps.get(at).map_or(moment.is_last, |step| *step == moment.row.step);
                    match endpoint.origin {
                        Origin::At(at, column) if is_now(at) => *value = moment.row.values[column],
                        Origin::Read(at, which) if is_now(at) => {
                            let (tissue, now) = (&moment.model.tissue, moment.model.now());
                            let read = outputs::instruments().nth(which);
                            let read = read.and_then(|one| settings.instruments.read(one, tissue, now));
                            *value = read.map(|reading| reading.value);
                        }
                        _ => {}
                    }
                }
                stop.asked("nothing was kept").map_or(Ok(()), Err)
            })?;
            let dates: Vec<Option<f64>> = summary.dates().into_iter().chain([summary.delta_10_90_d]).collect();
            for (endpoint, value) in wanted.endpoints.iter().zip(&mut found) {
                match endpoint.origin {
                    Origin::Final(i) => *value = summary.last.0[i],
                    Origin::Max(i) => *value = summary.highest.0[i],
                    Origin::Date(i) => *value = dates[i],
                    Origin::At(..) | Origin::Read(..) => {}
                }
            }
            Ok((found, summary.state_hash))
        })
    })?;
    let (values, hash) = values;
    let answers = PyDict::new(py);
    for (i, (endpoint, value)) in wanted.endpoints.iter().zip(values).enumerate() {
        answers.set_item(names.get(i).unwrap_or(&endpoint.name), value)?;
    }
    Ok((answers, hash))
}
