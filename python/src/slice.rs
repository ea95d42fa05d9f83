//! The tissue on one day: fields on the grid, vessels, cells.

use calcisim::error::{Diagnostic, Error, Result};
use calcisim::grid::{Grid, Plane};
use calcisim::model::Model;
use calcisim::parameters::nearest_word;
use calcisim::state::{Snapshot, Species};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};

use crate::errors::answer;
use crate::table::{self, Table};

/// Names of the tissue of a voxel, by number.
const LAYERS: [&str; 6] = ["epidermis", "papillary", "reticular", "septum", "fat", "membrane"];
/// What became of a voxel, by number.
const FATES: [&str; 4] = ["alive", "necrotic", "gone", "healed"];

/// The tissue on one day.
#[pyclass(frozen, module = "calcisim._calcisim")]
pub struct Slice {
    snapshot: Snapshot,
    /// Fields as the model has them; without, those of the snapshot, which keeps half precision.
    exact: Option<Vec<Vec<f32>>>,
    origin: String,
}

impl Slice {
    /// What a run folder holds, or what was computed again.
    pub fn of_folder(snapshot: Snapshot, origin: String) -> Self {
        Self {
            snapshot,
            exact: None,
            origin,
        }
    }

    /// A model now.
    pub fn of_model(model: &Model) -> Self {
        let fields = &model.tissue.fields;
        Self {
            snapshot: model.snapshot(),
            exact: Some(
                Species::ALL
                    .iter()
                    .map(|species| fields.of(*species).to_vec())
                    .collect(),
            ),
            origin: String::new(),
        }
    }
}

/// Axes that have more than one voxel, slowest first, with the centres of their voxels [µm].
fn axes(grid: &Grid) -> Vec<(&'static str, Vec<f64>)> {
    let centres = |n: usize| (0..n).map(|i| (i as f64 + 0.5) * grid.voxel_um).collect();
    let (x, y, z) = (
        ("x", centres(grid.nx)),
        ("y", centres(grid.ny)),
        ("z", centres(grid.nz)),
    );
    match grid.plane {
        Plane::Section => vec![z, x],
        Plane::Plan => vec![y, x],
        Plane::Block => vec![z, y, x],
    }
}

/// Names of everything that has a number in each voxel.
fn names() -> impl Iterator<Item = &'static str> {
    Species::ALL.into_iter().map(Species::name).chain(["layer", "vitality"])
}

fn unknown(name: &str) -> Error {
    let all: Vec<&str> = names().collect();
    Error::Input(vec![Diagnostic {
        file: "fields".to_owned(),
        value: format!("\"{name}\""),
        expected: format!("one of {}", all.join(", ")),
        suggestion: nearest_word(name, names()).map_or_else(String::new, |near| format!("did you mean \"{near}\"?")),
        message: "there is no field of this name".to_owned(),
        ..Diagnostic::default()
    }])
}

/// Numbers of one byte or of four.
enum Numbers {
    Reals(Vec<f32>),
    Codes(Vec<u8>, &'static [&'static str]),
}

impl Slice {
    fn numbers(&self, name: &str) -> Result<(Numbers, &'static str)> {
        let snapshot = &self.snapshot;
        if let Some(i) = Species::ALL.iter().position(|species| species.name() == name) {
            let values = match &self.exact {
                Some(exact) => exact[i].clone(),
                None => snapshot.field(Species::ALL[i]).collect(),
            };
            return Ok((Numbers::Reals(values), Species::ALL[i].unit()));
        }
        let codes = match name {
            "layer" => Numbers::Codes(snapshot.kind.iter().map(|kind| *kind as u8).collect(), &LAYERS),
            "vitality" => Numbers::Codes(snapshot.vitality.iter().map(|fate| *fate as u8).collect(), &FATES),
            _ => return Err(unknown(name)),
        };
        Ok((codes, "-"))
    }
}

#[pymethods]
impl Slice {
    /// Day, from the integer step.
    #[getter]
    fn day(&self) -> f64 {
        self.snapshot.day
    }

    /// Step.
    #[getter]
    fn step(&self) -> u64 {
        self.snapshot.step
    }

    /// Edge of a voxel [µm].
    #[getter]
    fn voxel_um(&self) -> f64 {
        self.snapshot.grid.voxel_um
    }

    /// How a day came about that the folder did not hold; empty when it did.
    #[getter]
    fn origin(&self) -> &str {
        &self.origin
    }

    /// Names of the fields.
    #[getter]
    fn names(&self) -> Vec<&'static str> {
        names().collect()
    }

    /// One field: NumPy type code, bytes, unit, meanings of codes, and each axis with the centres of its voxels [µm].
    fn field<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyDict>> {
        let (numbers, unit) = answer(py, py.detach(|| self.numbers(name)))?;
        let found = PyDict::new(py);
        let (code, bytes, meanings) = match numbers {
            Numbers::Reals(values) => {
                let bytes = PyByteArray::new_with(py, values.len() * 4, |buffer| {
                    for (place, value) in buffer.as_chunks_mut::<4>().0.iter_mut().zip(&values) {
                        *place = value.to_ne_bytes();
                    }
                    Ok(())
                })?;
                ("f4", bytes, Vec::new())
            }
            Numbers::Codes(values, meanings) => ("u1", PyByteArray::new(py, &values), meanings.to_vec()),
        };
        found.set_item("dtype", code)?;
        found.set_item("bytes", bytes)?;
        found.set_item("unit", unit)?;
        found.set_item("meanings", meanings)?;
        found.set_item("axes", axes(&self.snapshot.grid))?;
        Ok(found)
    }

    /// Every vessel segment.
    fn vessels(&self) -> Table {
        table::vessels(&self.snapshot)
    }

    /// Every moving cell.
    fn cells(&self) -> Table {
        table::cells(&self.snapshot)
    }
}
