//! OME-Zarr 0.4 (Zarr version 2): one array over time, channel and space, one uncompressed chunk for each day and channel.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Writer;
use crate::error::{Error, Result};
use crate::grid::{Grid, Plane};
use crate::output::files;
use crate::output::run_json::pretty;
use crate::state::{Snapshot, Species};

/// Channels after the fields.
const STATES: [(&str, f64); 2] = [("kind", 5.0), ("vitality", 3.0)];

/// Writes a folder `run.ome.zarr/`.
pub struct Zarr {
    folder: PathBuf,
    name: String,
    days: Vec<f64>,
    grid: Option<Grid>,
}

/// Sizes and edges of a voxel of the axes after time and channel; the thin axis of a slab is left out.
fn space(grid: &Grid) -> Vec<(&'static str, usize, f64)> {
    let h = grid.voxel_um;
    match grid.plane {
        // Depth is down in a picture: its y.
        Plane::Section => vec![("y", grid.nz, h), ("x", grid.nx, h)],
        Plane::Plan => vec![("y", grid.ny, h), ("x", grid.nx, h)],
        Plane::Block => vec![("z", grid.nz, h), ("y", grid.ny, h), ("x", grid.nx, h)],
    }
}

impl Zarr {
    pub fn new(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.join("run.ome.zarr"),
            name: name.to_owned(),
            days: Vec::new(),
            grid: None,
        }
    }

    fn json(&self, file: &str, value: &Value) -> Result<()> {
        files::write_whole(&self.folder.join(file), pretty(value)?.as_bytes())
    }

    fn chunk(&self, channel: usize, grid: &Grid, values: impl Iterator<Item = f32>) -> Result<()> {
        let mut folder = self.folder.join("0").join(self.days.len().to_string());
        let zeros = space(grid).len();
        let mut parts = vec![channel.to_string()];
        parts.extend(vec!["0".to_owned(); zeros]);
        let file = parts.pop().unwrap_or_default();
        parts.iter().for_each(|part| folder.push(part));
        files::make_folder(&folder)?;
        let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
        files::write_whole(&folder.join(file), &bytes)
    }
}

impl Writer for Zarr {
    fn add(&mut self, snapshot: &Snapshot) -> Result<()> {
        let grid = &snapshot.grid;
        // x runs fastest, then y, then z: the order of the array.
        for (channel, &species) in Species::ALL.iter().enumerate() {
            self.chunk(channel, grid, snapshot.field(species))?;
        }
        let first = Species::ALL.len();
        self.chunk(first, grid, snapshot.kind.iter().map(|&k| f32::from(k as u8)))?;
        self.chunk(first + 1, grid, snapshot.vitality.iter().map(|&v| f32::from(v as u8)))?;
        self.days.push(snapshot.day);
        self.grid.get_or_insert_with(|| grid.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<PathBuf> {
        let grid = self
            .grid
            .as_ref()
            .ok_or_else(|| Error::Internal("an export without a day".into()))?;
        let axes = space(grid);
        let channels = Species::ALL.len() + STATES.len();
        let sizes: Vec<usize> = axes.iter().map(|a| a.1).collect();
        let with = |first: [usize; 2]| [first.to_vec(), sizes.clone()].concat();
        self.json(".zgroup", &json!({ "zarr_format": 2 }))?;
        self.json(
            "0/.zarray",
            &json!({
                "zarr_format": 2,
                "shape": with([self.days.len(), channels]),
                "chunks": with([1, 1]),
                "dtype": "<f4",
                "compressor": null,
                "fill_value": 0.0,
                "filters": null,
                "order": "C",
                "dimension_separator": "/",
            }),
        )?;
        // Days may be unevenly spaced; the scale is their mean step and `days` has them all.
        let step = match self.days.as_slice() {
            [first, .., last] => (last - first) / (self.days.len() - 1) as f64,
            _ => 1.0,
        };
        let mut names = vec![
            json!({ "name": "t", "type": "time", "unit": "day" }),
            json!({ "name": "c", "type": "channel" }),
        ];
        names.extend(
            axes.iter()
                .map(|a| json!({ "name": a.0, "type": "space", "unit": "micrometer" })),
        );
        let mut scale = vec![step, 1.0];
        scale.extend(axes.iter().map(|a| a.2));
        let mut shown: Vec<Value> = Species::ALL
            .iter()
            .enumerate()
            .map(|(i, species)| {
                let (low, high) = species.picture_range();
                channel(species.name(), low, high, i == 0)
            })
            .collect();
        shown.extend(STATES.iter().map(|(name, high)| channel(name, 0.0, *high, false)));
        self.json(
            ".zattrs",
            &json!({
                "multiscales": [{
                    "version": "0.4",
                    "name": self.name,
                    "axes": names,
                    "datasets": [{
                        "path": "0",
                        "coordinateTransformations": [{ "type": "scale", "scale": scale }],
                    }],
                }],
                "omero": { "name": self.name, "channels": shown, "rdefs": { "model": "color" } },
                "calcisim": {
                    "days": self.days,
                    "units": Species::ALL.iter().map(|s| (s.name().to_owned(), json!(s.unit()))).collect::<serde_json::Map<_, _>>(),
                    "kind": ["epidermis", "papillary", "reticular", "septum", "fat", "membrane"],
                    "vitality": ["alive", "necrotic", "gone", "healed"],
                    "slab_um": grid.slab_um,
                },
            }),
        )?;
        Ok(PathBuf::from("run.ome.zarr"))
    }
}

fn channel(name: &str, low: f64, high: f64, is_shown: bool) -> Value {
    json!({
        "label": name,
        "color": "FFFFFF",
        "active": is_shown,
        "window": { "min": low, "start": low, "max": high, "end": high },
    })
}
