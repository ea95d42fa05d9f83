//! Stand-in for the scenario text, with its signatures. Thrown away at the merge.

use serde::de::DeserializeOwned;

use crate::error::{Diagnostic, Error, Result};
use crate::model::Parameters;

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    table: toml::Table,
}

const DEFAULTS: &str = r#"
[run]
days = 90.0
seed = 1
step_h = 1.0
[space]
plane = "section"
width_mm = 4.0
depth_mm = 8.0
breadth_mm = 1.0
voxel_um = 20.0
slab_thickness_um = 150.0
[output]
series_every_h = 24.0
snapshot_days = []
snapshot_every_d = 7.0
[oxygen]
hypoxia_mmhg = 5.0
[stand_in]
death = 0.0002
fails_at = 0
"#;

fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(over)) => merge(inner, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn parse(text: &str) -> Result<toml::Table> {
    text.parse()
        .map_err(|fault: toml::de::Error| Error::input("scenario", fault.message()))
}

impl Scenario {
    /// Reads a scenario from text.
    pub fn from_text(_file: &str, text: &str, _sets: &[String]) -> Result<(Self, Vec<Diagnostic>)> {
        let mut table = parse(DEFAULTS)?;
        let registry = parse(include_str!("parameters.toml"))?;
        let tcpo2 = registry["tcpo2"].as_table().cloned().unwrap_or_default();
        let rows: toml::Table = tcpo2
            .into_iter()
            .map(|(k, row)| (k, row["value"].clone()))
            .collect();
        table.insert("tcpo2".to_owned(), toml::Value::Table(rows));
        merge(&mut table, parse(text)?);
        let name = table
            .get("name")
            .and_then(|n| n.as_str())
            .unwrap_or("scenario")
            .to_owned();
        Ok((Self { name, table }, Vec::new()))
    }

    /// Another seed.
    pub fn set_seed(&mut self, seed: u64) -> Result<()> {
        self.set("seed", toml::Value::Integer(seed as i64));
        Ok(())
    }

    /// Another length.
    pub fn set_days(&mut self, days: f64) -> Result<Vec<Diagnostic>> {
        self.set("days", toml::Value::Float(days));
        Ok(Vec::new())
    }

    fn set(&mut self, key: &str, value: toml::Value) {
        if let Some(toml::Value::Table(run)) = self.table.get_mut("run") {
            run.insert(key.to_owned(), value);
        }
    }

    /// Every value.
    pub fn table(&self) -> &toml::Table {
        &self.table
    }

    /// A section.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.table[name]
            .clone()
            .try_into()
            .map_err(|f: toml::de::Error| Error::Internal(f.to_string()))
    }

    /// A number.
    pub fn number(&self, key: &str) -> f64 {
        let mut at = &toml::Value::Table(self.table.clone());
        for part in key.split('.') {
            match at.get(part) {
                Some(inner) => at = inner,
                None => return 0.0,
            }
        }
        at.as_float()
            .or(at.as_integer().map(|i| i as f64))
            .unwrap_or(0.0)
    }

    /// Days.
    pub fn days(&self) -> f64 {
        self.number("run.days")
    }

    /// Seed.
    pub fn seed(&self) -> u64 {
        self.number("run.seed") as u64
    }

    /// Parameters of the model.
    pub fn parameters(&self) -> Result<Parameters> {
        let voxel_um = self.number("space.voxel_um");
        Ok(Parameters {
            nx: (self.number("space.width_mm") * 1000.0 / voxel_um).round() as usize,
            nz: (self.number("space.depth_mm") * 1000.0 / voxel_um).round() as usize,
            death: self.number("stand_in.death"),
            fails_at: self.number("stand_in.fails_at") as u64,
            step_h: self.number("run.step_h"),
        })
    }

    /// The whole scenario.
    pub fn resolved_toml(&self) -> String {
        toml::to_string(&self.table).unwrap_or_default()
    }
}
