//! A table: named columns with units, handed over column by column as bytes that NumPy and Arrow take as they are.

use std::collections::HashMap;

use calcisim::error::{Error, Result};
use calcisim::output::observe::Instruments;
use calcisim::output::records;
use calcisim::output::series::{COLUMNS, Row};
use calcisim::parameters::Instrument;
use calcisim::state::snapshot::CellKind;
use calcisim::state::{Class, Event, Snapshot};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyList};

/// Values of a column.
enum Values {
    /// Real numbers; NaN = nothing.
    Reals(Vec<f64>),
    /// Counts.
    Counts(Vec<u64>),
    /// Whole numbers, or nothing.
    Wholes(Vec<Option<i64>>),
    /// Yes or no.
    Flags(Vec<bool>),
    /// Words, or nothing.
    Words(Vec<Option<String>>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Reals(list) => list.len(),
            Self::Counts(list) => list.len(),
            Self::Wholes(list) => list.len(),
            Self::Flags(list) => list.len(),
            Self::Words(list) => list.len(),
        }
    }
}

/// A column.
struct Column {
    name: String,
    unit: String,
    values: Values,
}

/// A table of named columns.
#[pyclass(frozen, module = "calcisim._calcisim")]
pub struct Table {
    columns: Vec<Column>,
}

impl Table {
    /// No column yet.
    fn new() -> Self {
        Self { columns: Vec::new() }
    }

    /// Adds a column; an empty unit for what is no quantity.
    fn add(mut self, name: &str, unit: &str, values: Values) -> Self {
        self.columns.push(Column {
            name: name.to_owned(),
            unit: unit.to_owned(),
            values,
        });
        self
    }

    fn numbers(self, name: &str, unit: &str, values: impl Iterator<Item = Option<f64>>) -> Self {
        let values = values.map(|x| x.unwrap_or(f64::NAN)).collect();
        self.add(name, unit, Values::Reals(values))
    }

    fn reals(self, name: &str, unit: &str, values: impl Iterator<Item = f64>) -> Self {
        self.add(name, unit, Values::Reals(values.collect()))
    }

    fn counts(self, name: &str, values: impl Iterator<Item = u64>) -> Self {
        self.add(name, "", Values::Counts(values.collect()))
    }

    fn words<'a>(self, name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Self {
        let values = values.map(|word| word.map(str::to_owned)).collect();
        self.add(name, "", Values::Words(values))
    }
}

/// The columns of the course.
pub fn series(rows: &[Row]) -> Table {
    let mut table = Table::new().reals("t_d", "d", rows.iter().map(|row| row.t_d));
    for (i, column) in COLUMNS.iter().enumerate() {
        table = table.numbers(column.name, column.unit, rows.iter().map(|row| row.values[i]));
    }
    table
}

/// What happened, with the columns of `events.csv`.
pub fn events(events: &[Event], step_h: f64) -> Table {
    let values: Vec<String> = events
        .iter()
        .map(|event| {
            let pairs = event.values.iter();
            let pairs: Vec<String> = pairs
                .map(|(key, x)| format!("{key}={}", calcisim::output::number(*x)))
                .collect();
            pairs.join(";")
        })
        .collect();
    let cause = events
        .iter()
        .map(|event| event.cause.and_then(|id| i64::try_from(id).ok()));
    let mut table = Table::new()
        .counts("id", events.iter().map(|event| event.id))
        .reals("t_d", "d", events.iter().map(|event| event.step as f64 * step_h / 24.0))
        .words("kind", events.iter().map(|event| Some(event.kind.name())))
        .words("entity", events.iter().map(|event| Some(event.entity.as_str())));
    for (axis, name) in ["x_um", "y_um", "z_um"].into_iter().enumerate() {
        table = table.reals(name, "µm", events.iter().map(|event| event.place_um[axis]));
    }
    table
        .add("cause", "", Values::Wholes(cause.collect()))
        .words("values", values.iter().map(|text| Some(text.as_str())))
}

/// Every vessel segment of a day.
pub fn vessels(snapshot: &Snapshot) -> Table {
    let all = &snapshot.segments;
    let class = |class: Class| match class {
        Class::Arteriole => "arteriole",
        Class::Capillary => "capillary",
        Class::Venule => "venule",
    };
    let mut table = Table::new()
        .counts("id", all.iter().map(|one| one.id))
        .words("class", all.iter().map(|one| Some(class(one.class))));
    for (end, from) in ["from", "to"].into_iter().enumerate() {
        for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
            let values = all.iter().map(|one| f64::from(one.ends_um[end][axis]));
            table = table.reals(&format!("{from}_{name}_um"), "µm", values);
        }
    }
    let feeder = all
        .iter()
        .map(|one| (one.feeder != u32::MAX).then(|| i64::from(one.feeder)));
    table
        .reals("radius_um", "µm", all.iter().map(|one| f64::from(one.radius_um)))
        .reals("mineral", "0-1", all.iter().map(|one| f64::from(one.mineral)))
        .reals("neointima", "0-1", all.iter().map(|one| f64::from(one.neointima)))
        .reals("thrombus", "0-1", all.iter().map(|one| f64::from(one.thrombus)))
        .reals("integrity", "0-1", all.iter().map(|one| f64::from(one.integrity)))
        .reals(
            "flow_nl_per_min",
            "nl/min",
            all.iter().map(|one| f64::from(one.flow_nl_per_min)),
        )
        .reals("relative_flow", "-", all.iter().map(|one| f64::from(one.relative_flow)))
        .reals("po2_mmhg", "mmHg", all.iter().map(|one| f64::from(one.po2_mmhg)))
        .reals("haematocrit", "-", all.iter().map(|one| f64::from(one.haematocrit)))
        .add("feeder", "", Values::Wholes(feeder.collect()))
        .reals("feeder_share", "-", all.iter().map(|one| f64::from(one.feeder_share)))
}

/// Every moving cell of a day.
pub fn cells(snapshot: &Snapshot) -> Table {
    let all = &snapshot.cells;
    let kind = |kind: CellKind| match kind {
        CellKind::Neutrophil => "neutrophil",
        CellKind::Macrophage => "macrophage",
        CellKind::Msc => "msc",
    };
    let mut table = Table::new().words("kind", all.iter().map(|one| Some(kind(one.kind))));
    for (axis, name) in ["x_um", "y_um", "z_um"].into_iter().enumerate() {
        table = table.reals(name, "µm", all.iter().map(|one| f64::from(one.place_um[axis])));
    }
    table.counts("state", all.iter().map(|one| u64::from(one.state)))
}

/// Columns of our files that are words although their cells may look like numbers.
const WORDS: [&str; 16] = [
    "arm",
    "reference",
    "endpoint",
    "unit",
    "status",
    "error",
    "state_hash",
    "kind",
    "entity",
    "values",
    "run_id",
    "factor",
    "output",
    "method",
    "verdict",
    "scenario",
];
/// Columns that count.
const COUNTS: [&str; 6] = ["id", "seed", "replicate", "step", "n", "n_pairs"];

/// A table of a folder of ours: CSV with names in the first line; an empty cell is nothing.
pub fn of_csv(path: &str, text: &str) -> Result<Table> {
    let mut rows = records::lines(text);
    let names = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    if let Some(at) = rows.iter().position(|row| row.len() != names.len()) {
        let message = format!("line {}: {} cells expected", at + 2, names.len());
        return Err(Error::input(path, message));
    }
    let units = units_of(&names);
    let mut table = Table::new();
    for (i, name) in names.iter().enumerate() {
        let cells = || rows.iter().map(|row| row[i].as_str());
        let counts: Option<Vec<u64>> = cells().map(|cell| cell.parse().ok()).collect();
        let wholes: Option<Vec<Option<i64>>> = cells().map(optional).collect();
        let numbers: Option<Vec<Option<f64>>> = cells().map(optional).collect();
        let flags = !rows.is_empty() && cells().all(|cell| cell == "true" || cell == "false");
        table = match (counts, wholes, numbers) {
            (Some(counts), _, _) if COUNTS.contains(&name.as_str()) => table.counts(name, counts.into_iter()),
            (_, Some(wholes), _) if name == "cause" => table.add(name, "", Values::Wholes(wholes)),
            _ if flags => table.add(name, "", Values::Flags(cells().map(|cell| cell == "true").collect())),
            (_, _, Some(numbers)) if !WORDS.contains(&name.as_str()) => {
                table.numbers(name, units[i], numbers.into_iter())
            }
            _ => table.words(name, cells().map(|cell| (!cell.is_empty()).then_some(cell))),
        };
    }
    Ok(table)
}

/// A cell: nothing, a value, or no value of this type.
#[allow(clippy::option_option)]
fn optional<T: std::str::FromStr>(cell: &str) -> Option<Option<T>> {
    if cell.is_empty() {
        return Some(None);
    }
    cell.parse().ok().map(Some)
}

/// Units of columns that our files have.
fn units_of(names: &[String]) -> Vec<&'static str> {
    let readings = Instruments::header();
    let readings: Vec<&str> = readings.trim().split(',').skip(1).collect();
    let unit = |name: &str| {
        let bare = name
            .strip_prefix("final.")
            .or_else(|| name.strip_prefix("max."))
            .unwrap_or(name);
        if let Some(column) = COLUMNS.iter().find(|column| column.name == bare) {
            return column.unit;
        }
        if let Some(at) = readings.iter().position(|reading| *reading == name) {
            let read = Instrument::ALL.iter().filter(|one| one.is_read_at_visits());
            return read.map(|one| one.unit()).nth(at).unwrap_or("");
        }
        match name {
            "x_um" | "y_um" | "z_um" => "µm",
            name if name.ends_with("_d") => "d",
            _ => "",
        }
    };
    names.iter().map(|name| unit(name)).collect()
}

/// Bytes of a column, little-endian as the machine has them.
fn bytes<'py, const N: usize>(
    py: Python<'py>,
    values: impl ExactSizeIterator<Item = [u8; N]>,
) -> PyResult<Bound<'py, PyByteArray>> {
    PyByteArray::new_with(py, values.len() * N, |buffer| {
        for (place, value) in buffer.as_chunks_mut::<N>().0.iter_mut().zip(values) {
            *place = value;
        }
        Ok(())
    })
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// Names of the columns, in order.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Unit of each column that has one.
    #[getter]
    fn units(&self) -> HashMap<&str, &str> {
        let quantities = self.columns.iter().filter(|column| !column.unit.is_empty());
        quantities
            .map(|column| (column.name.as_str(), column.unit.as_str()))
            .collect()
    }

    /// One column: its NumPy type code and its bytes (nothing is NaN), or `("object", a list)`.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<(&'static str, Bound<'py, PyAny>)> {
        let Some(column) = self.columns.iter().find(|column| column.name == name) else {
            return Err(PyKeyError::new_err(name.to_owned()));
        };
        match &column.values {
            Values::Reals(list) => Ok(("f8", bytes(py, list.iter().map(|x| x.to_ne_bytes()))?.into_any())),
            Values::Counts(list) => Ok(("u8", bytes(py, list.iter().map(|x| x.to_ne_bytes()))?.into_any())),
            Values::Wholes(list) => Ok(("int", PyList::new(py, list)?.into_any())),
            Values::Flags(list) => Ok(("bool", PyList::new(py, list)?.into_any())),
            Values::Words(list) => Ok(("str", PyList::new(py, list)?.into_any())),
        }
    }
}
