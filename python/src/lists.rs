//! What there is: scenarios, parameters, the schema, the version.

use calcisim::error::Error;
use calcisim::parameters::{Registry, Value};
use calcisim::scenario::{Scenario, Shipped};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::answer;
use crate::request::Request;

/// Name and question of every shipped scenario.
#[pyfunction]
pub fn scenarios(py: Python<'_>) -> PyResult<Vec<(String, String)>> {
    let found = py.detach(|| {
        let all = Shipped::names().map(|name| {
            let (scenario, _) = Scenario::load(&Shipped, name, &[])?;
            Ok((name.to_owned(), scenario.question))
        });
        all.collect::<Result<_, Error>>()
    });
    answer(py, found)
}

fn plain<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Number(x) => x.into_pyobject(py)?.into_any(),
        Value::Integer(i) => i.into_pyobject(py)?.into_any(),
        Value::Bool(b) => b.into_pyobject(py)?.to_owned().into_any(),
        Value::Word(word) => word.into_pyobject(py)?.into_any(),
        Value::Numbers(list) => list.into_pyobject(py)?.into_any(),
    })
}

/// Every parameter of the registry, as a dictionary.
#[pyfunction]
pub fn parameters(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let rows = Registry::embedded().rows().iter();
    rows.map(|row| {
        let found = PyDict::new(py);
        found.set_item("key", &row.key)?;
        found.set_item("value", plain(py, &row.value)?)?;
        found.set_item("unit", &row.unit)?;
        found.set_item("possible", row.possible)?;
        found.set_item("evidence", row.evidence)?;
        found.set_item("prior", row.prior.to_string())?;
        found.set_item("choices", &row.choices)?;
        found.set_item("status", row.status.word())?;
        found.set_item("source", &row.source)?;
        found.set_item("meaning", &row.meaning)?;
        Ok(found)
    })
    .collect()
}

/// A scenario, resolved: its TOML, every value with its origin, its warnings.
#[pyfunction]
pub fn scenario<'py>(py: Python<'py>, request: Request) -> PyResult<Bound<'py, PyDict>> {
    let (scenario, warnings) = answer(py, py.detach(|| request.scenario()))?;
    let found = PyDict::new(py);
    let values = PyDict::new(py);
    let origins = PyDict::new(py);
    for (key, value, origin) in scenario.origins() {
        values.set_item(&key, plain(py, &value)?)?;
        origins.set_item(key, origin)?;
    }
    found.set_item("name", &scenario.name)?;
    found.set_item("question", &scenario.question)?;
    found.set_item("known", &scenario.known)?;
    found.set_item("assumed", &scenario.assumed)?;
    found.set_item("values", values)?;
    found.set_item("origins", origins)?;
    found.set_item("toml", scenario.resolved_toml())?;
    found.set_item("warnings", warnings.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(found)
}

/// The JSON Schema of scenario files, as text.
#[pyfunction]
pub fn schema(py: Python<'_>) -> PyResult<String> {
    answer(py, calcisim::cli::schema::text())
}

/// Version and revision of the engine.
#[pyfunction]
pub fn version() -> (&'static str, &'static str) {
    (calcisim::version::VERSION, calcisim::version::GIT)
}
