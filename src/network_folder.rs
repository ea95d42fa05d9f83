//! Folders of a measured network and of a case on it, read from the disk.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value;

use crate::error::{Diagnostic, Error, Result, Unphysical};
use crate::initial::network_files::{self, CaseTables, Network, Tables, Text};
use crate::solve::network_flow::{self, Edge, Law, Settings, Solution};
use crate::state::vessels::Boundary;

/// The value in a JSON text; null, and a fault with its place, where it is none.
pub(crate) fn json(file: &str, text: &str, faults: &mut Vec<Diagnostic>) -> Value {
    serde_json::from_str(text).unwrap_or_else(|fault| {
        faults.push(Diagnostic {
            file: file.to_owned(),
            line: fault.line(),
            column: fault.column(),
            message: fault.to_string(),
            expected: "a JSON object".into(),
            ..Diagnostic::default()
        });
        Value::Null
    })
}

/// A network with what a case changes, and the description of the case.
#[derive(Clone, Debug)]
pub struct NetworkCase {
    /// The network, with the diameters, the closed segments and the boundary of the case.
    pub network: Network,
    /// `meta.json` of the case; null when there is none.
    pub meta: Value,
    /// Name of that file, for messages.
    pub meta_file: String,
}

/// Reads `nodes.csv`, `segments.csv`, `boundary.csv` of a network and the files of a case that are there.
pub fn load(network: &Path, case: Option<&Path>) -> Result<NetworkCase> {
    for folder in std::iter::once(network).chain(case) {
        if !folder.is_dir() {
            return Err(Error::files(folder.display(), "there is no such folder"));
        }
    }
    let changes = CaseTables {
        boundary: optional(case, "boundary.csv")?,
        occluded: optional(case, "occluded.csv")?,
        diameters: optional(case, "diameters.csv")?,
    };
    let edge = network.join("boundary.csv");
    let tables = Tables {
        nodes: text(&network.join("nodes.csv"))?,
        segments: text(&network.join("segments.csv"))?,
        // A case may bring a whole boundary; then its network need not have one.
        boundary: if changes.boundary.is_some() && !edge.exists() {
            None
        } else {
            Some(text(&edge)?)
        },
    };
    let mut faults = Vec::new();
    let (meta_file, meta) = match optional(case, "meta.json")? {
        None => (String::new(), Value::Null),
        Some((file, words)) => {
            let meta = json(&file, &words, &mut faults);
            (file, meta)
        }
    };
    let network = network_files::collect(&tables, &changes, &mut faults);
    if !faults.is_empty() {
        return Err(Error::Input(faults));
    }
    Ok(NetworkCase {
        network,
        meta,
        meta_file,
    })
}

/// Name and text of a file.
pub fn text(path: &Path) -> Result<Text> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(words) => Ok((name, words)),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Err(Error::files(name, "there is no such file")),
        Err(fault) if fault.kind() == ErrorKind::InvalidData => Err(Error::input(name, "this is not a text in UTF-8")),
        Err(fault) => Err(Error::files(name, format!("cannot be read: {fault}"))),
    }
}

/// Name and text of a file of a folder, where there are both.
pub fn optional(folder: Option<&Path>, name: &str) -> Result<Option<Text>> {
    let Some(path) = folder.map(|folder| folder.join(name)) else {
        return Ok(None);
    };
    if path.exists() { text(&path).map(Some) } else { Ok(None) }
}

impl NetworkCase {
    /// Blood and rules of flow, from `rheology` of the description; human where it says nothing.
    pub fn flow_settings(&self) -> Result<Settings> {
        let mut faults = Vec::new();
        let settings = rheology(&self.meta["rheology"], &self.meta_file, &mut faults);
        if faults.is_empty() {
            Ok(settings)
        } else {
            Err(Error::Input(faults))
        }
    }

    /// Flow, haematocrit and pressure. `start` gives haematocrits to start from.
    pub fn flow(&self, settings: &Settings, start: Option<&[Option<f64>]>) -> Result<Solution> {
        let n = &self.network;
        let edge: Vec<Edge> = (n.boundary.iter())
            .map(|boundary| match *boundary {
                // A table knows no way out of its plane.
                Boundary::Inner | Boundary::Collateral(_) => Edge::Inner,
                Boundary::Pressure(level) => Edge::Pressure(level),
                Boundary::Inflow(flow) => Edge::Inflow(flow),
            })
            .collect();
        let tubes = network_flow::Network {
            segment_id: &n.segment_id,
            ends: &n.ends,
            length_um: &n.length_um,
            diameter_um: &n.diameter_um,
            open: &n.open,
            edge: &edge,
            inflow_haematocrit: &n.inflow_haematocrit,
            share: None,
        };
        network_flow::solve_closed(&tubes, settings, start).ok_or_else(|| {
            Error::Numerical(Unphysical {
                step: 0,
                day: 0.0,
                process: "blood flow".into(),
                quantity: "pressure [mmHg]".into(),
                place: "the whole network".into(),
                message: "no finite state exists: look for diameters or lengths that differ by many orders of size"
                    .into(),
            })
        })
    }
}

/// The object `rheology` of a `meta.json`.
fn rheology(words: &Value, file: &str, faults: &mut Vec<Diagnostic>) -> Settings {
    let mut settings = Settings::HUMAN;
    if words.is_null() {
        return settings;
    }
    let mut told = |key: &str, expected: &str, message: &str| {
        faults.push(Diagnostic {
            file: file.to_owned(),
            key: format!("rheology.{key}"),
            value: words.get(key).map_or(String::new(), Value::to_string),
            expected: expected.to_owned(),
            message: message.to_owned(),
            ..Diagnostic::default()
        });
    };
    let mut number = |key: &str, expected: &str, is_good: fn(f64) -> bool| match &words[key] {
        Value::Null => None,
        value => {
            let number = value.as_f64().filter(|x| is_good(*x));
            if number.is_none() {
                told(key, expected, "this cannot be used");
            }
            number
        }
    };
    let above_zero: fn(f64) -> bool = |x| x > 0.0 && x.is_finite();
    if let Some(mcv) = number("mcv_fl", "a volume above 0 fL", above_zero) {
        settings.blood.mcv_fl = mcv;
    }
    if let Some(plasma) = number("plasma_viscosity_cP", "a viscosity above 0 cP", above_zero) {
        settings.blood.plasma_viscosity_cp = plasma;
    }
    let constant = number("constant_viscosity_cP", "a viscosity above 0 cP", above_zero);
    let haematocrit = number("constant_hd", "a haematocrit from 0 to below 1", |x| {
        (0.0..1.0).contains(&x)
    });
    let mut switch = |key: &str| match &words[key] {
        Value::Null => true,
        Value::Bool(on) => *on,
        _ => {
            told(key, "true or false", "this is neither");
            true
        }
    };
    let (varies, separates) = (switch("vary_viscosity"), switch("phase_separation"));
    settings.separation = separates;
    settings.haematocrit = haematocrit.filter(|_| !separates);
    match (&words["law"], varies, constant) {
        (_, false, Some(viscosity)) => settings.blood.law = Law::Constant(viscosity),
        (_, false, None) => told(
            "constant_viscosity_cP",
            "a viscosity above 0 cP",
            "vary_viscosity is false, so one viscosity is needed",
        ),
        (Value::Null, ..) => {}
        (Value::String(law), ..) if law == "in_vivo" => {}
        (Value::String(law), ..) if law == "in_vitro" => settings.blood.law = Law::InVitro,
        _ => told("law", "in_vivo or in_vitro", "there is no such law of viscosity"),
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::network_flow::Blood;

    #[test]
    fn a_case_without_a_description_has_human_blood() {
        let mut faults = Vec::new();
        let settings = rheology(&Value::Null, "", &mut faults);
        assert!(faults.is_empty() && settings.separation && settings.blood == Blood::HUMAN);
    }

    #[test]
    fn a_description_names_law_and_blood_and_its_faults_are_told_at_once() {
        let mut faults = Vec::new();
        let words =
            serde_json::json!({ "law": "in_vitro", "mcv_fl": 55.0, "phase_separation": false, "constant_hd": 0.3 });
        let settings = rheology(&words, "meta.json", &mut faults);
        assert!(faults.is_empty());
        assert_eq!((settings.blood.law, settings.haematocrit), (Law::InVitro, Some(0.3)));
        let words = serde_json::json!({ "law": "slow", "mcv_fl": -1, "phase_separation": 3, "constant_hd": 1 });
        rheology(&words, "meta.json", &mut faults);
        assert_eq!(faults.len(), 4);
    }
}
