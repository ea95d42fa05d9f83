//! `.simularium` (JSON, trajectory version 3): vessels as fibres with their state in the name of the type, cells as spheres.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Writer, ends_um};
use crate::error::Result;
use crate::grid::Grid;
use crate::output::files;
use crate::state::snapshot::{CellKind, SegmentView};
use crate::state::{Class, Snapshot};

/// A unit of length of the viewer [µm]: its camera likes boxes of about a hundred.
const UNIT_UM: f64 = 100.0;
/// Sign of an agent without points.
const SPHERE: f64 = 1000.0;
/// Sign of a line.
const FIBRE: f64 = 1001.0;

/// Writes `run.simularium`.
pub struct Simularium {
    folder: PathBuf,
    name: String,
    frames: Vec<Value>,
    days: Vec<f64>,
    /// Type numbers by name.
    types: BTreeMap<String, usize>,
    grid: Option<Grid>,
}

fn state(segment: &SegmentView) -> &'static str {
    match (segment.mineral >= 0.05, segment.thrombus >= 0.9) {
        (false, false) => "open",
        (true, false) => "calcified",
        (false, true) => "thrombosed",
        (true, true) => "calcified and thrombosed",
    }
}

fn name_of(class: Class) -> &'static str {
    match class {
        Class::Arteriole => "arteriole",
        Class::Capillary => "capillary",
        Class::Venule => "venule",
    }
}

fn colour(name: &str) -> &'static str {
    match name {
        n if n.ends_with("calcified and thrombosed") => "#3d2b1f",
        n if n.ends_with("thrombosed") => "#e66100",
        n if n.ends_with("calcified") => "#111111",
        n if n.starts_with("arteriole") => "#c0182b",
        n if n.starts_with("capillary") => "#9a3f86",
        n if n.starts_with("venule") => "#2f5fa8",
        "msc" => "#009e73",
        "macrophage" => "#8c5fbf",
        _ => "#3b2a7a",
    }
}

impl Simularium {
    pub fn new(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            frames: Vec::new(),
            days: Vec::new(),
            types: BTreeMap::new(),
            grid: None,
        }
    }

    fn type_of(&mut self, name: String) -> f64 {
        let next = self.types.len();
        *self.types.entry(name).or_insert(next) as f64
    }
}

impl Writer for Simularium {
    fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        let extent = snapshot.grid.extent_um();
        // The viewer's box has its middle at 0 and y upward.
        let place = |p: [f64; 3]| {
            [
                (p[0] - extent[0] / 2.0) / UNIT_UM,
                (extent[2] / 2.0 - p[2]) / UNIT_UM,
                (p[1] - extent[1] / 2.0) / UNIT_UM,
            ]
        };
        // Numbers to a tenth of a micrometre keep the file small.
        let short = |x: f64| (x * 1000.0).round() / 1000.0;
        let mut data: Vec<f64> = Vec::new();
        for (i, segment) in snapshot.segments.iter().enumerate() {
            let kind = self.type_of(format!("{}#{}", name_of(segment.class), state(segment)));
            let radius = f64::from(segment.radius_um) / UNIT_UM;
            data.extend([FIBRE, i as f64, kind, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, short(radius), 6.0]);
            data.extend(ends_um(snapshot, i).map(place).into_iter().flatten().map(short));
        }
        for (i, cell) in snapshot.cells.iter().enumerate() {
            let (name, radius_um) = match cell.kind {
                CellKind::Neutrophil => ("neutrophil", 5.0),
                CellKind::Macrophage => ("macrophage", 9.0),
                CellKind::Msc => ("msc", 10.0),
            };
            let kind = self.type_of(name.to_owned());
            let [x, y, z] = place(cell.place_um.map(f64::from)).map(short);
            let id = (snapshot.segments.len() + i) as f64;
            data.extend([SPHERE, id, kind, x, y, z, 0.0, 0.0, 0.0, radius_um / UNIT_UM, 0.0]);
        }
        self.frames
            .push(json!({ "frameNumber": self.frames.len(), "time": snapshot.day, "data": data }));
        self.days.push(snapshot.day);
        self.grid.get_or_insert_with(|| snapshot.grid.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<PathBuf> {
        let extent = self
            .grid
            .as_ref()
            .map_or([UNIT_UM; 3], Grid::extent_um)
            .map(|um| um / UNIT_UM);
        let step = match self.days.as_slice() {
            [first, .., last] => (last - first) / (self.days.len() - 1) as f64,
            _ => 1.0,
        };
        let types: serde_json::Map<String, Value> = self
            .types
            .iter()
            .map(|(name, number)| {
                let shape = if name.contains('#') { "FIBER" } else { "SPHERE" };
                let geometry = json!({ "displayType": shape, "url": "", "color": colour(name) });
                (number.to_string(), json!({ "name": name, "geometry": geometry }))
            })
            .collect();
        let far = 1.2 * crate::math::max(extent[0], extent[1]);
        let whole = json!({
            "trajectoryInfo": {
                "version": 3,
                "timeUnits": { "magnitude": 1.0, "name": "day" },
                "timeStepSize": step,
                "totalSteps": self.frames.len(),
                "spatialUnits": { "magnitude": UNIT_UM, "name": "µm" },
                "size": { "x": extent[0], "y": extent[2], "z": extent[1] },
                "cameraDefault": {
                    "position": { "x": 0.0, "y": 0.0, "z": far },
                    "lookAtPosition": { "x": 0.0, "y": 0.0, "z": 0.0 },
                    "upVector": { "x": 0.0, "y": 1.0, "z": 0.0 },
                    "fovDegrees": 60.0,
                },
                "typeMapping": types,
                "modelInfo": {
                    "title": self.name,
                    "version": env!("CARGO_PKG_VERSION"),
                    "description": "calcisim: a simulation, not a patient. For teaching and for making hypotheses.",
                },
            },
            "spatialData": {
                "version": 1,
                "msgType": 1,
                "bundleStart": 0,
                "bundleSize": self.frames.len(),
                "bundleData": self.frames,
            },
            "plotData": { "version": 1, "data": [] },
        });
        files::write_whole(&self.folder.join("run.simularium"), whole.to_string().as_bytes())?;
        Ok(PathBuf::from("run.simularium"))
    }
}
