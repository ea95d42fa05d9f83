//! From a checked scenario to the parameters of a model.

use super::{Library, Scenario};
use crate::error::{Diagnostic, Error, Result};
use crate::initial::measured::Tables;
use crate::mechanisms::host_chemistry::CoursePoint;
use crate::model::{Mechanisms, Parameters};
use crate::parameters::Value;
use crate::therapies;

impl Scenario {
    /// Everything that a model is built from. `library` finds the tables of a measured network and of a plasma course.
    ///
    /// # Errors
    /// [`Error::Files`] when a table is missing; [`Error::Input`] when one is faulty or a challenge or treatment cannot be.
    pub fn parameters(&self, library: &dyn Library) -> Result<Parameters> {
        let arrows = self.arrows();
        let when = |strength: f64| strength > 0.0;
        let mut host_chemistry: crate::mechanisms::host_chemistry::Parameters = self.section("host_chemistry")?;
        host_chemistry.course = self.plasma_course(library)?;
        let mechanisms = Mechanisms {
            host_chemistry,
            challenge: self.section("insult")?,
            blood_flow: self.section("blood")?,
            oxygen: self.section("oxygen")?,
            secretion: self.section("secretion")?,
            transport: self.section("transport")?,
            endothelial_injury: self.section("endothelium")?,
            osteogenic_switch: self.section_when("osteogenic", when(arrows.osteo) || when(arrows.adipo))?,
            mineral_deposition: self.section("mineral")?,
            thrombosis: self.section_when("thrombosis", when(arrows.thrombosis))?,
            wall_remodelling: self.section_when("wall", when(arrows.neointima))?,
            ischaemia: self.section("ischaemia")?,
            inflammation: self.section("inflammation")?,
            infection: self.section_when("infection", when(arrows.infection))?,
            msc_behaviour: self.section("msc")?,
            angiogenesis: self.section_when("angiogenesis", when(arrows.angiogenesis))?,
            epidermis: self.section("epidermis")?,
        };
        let parameters = Parameters {
            step_h: self.step_h(),
            space: self.section("space")?,
            skin: self.section("skin")?,
            network: self.section("network")?,
            tables: self.network_tables(library)?,
            host: self.section("host")?,
            burn_in_nidus: self.number("burn_in.nidus"),
            site: self.section("site")?,
            mural_per_um: self.number("mural.per_um"),
            therapies: therapies::Parameters {
                needle: self.section("needle")?,
                msc_product: self.section("msc_product")?,
                thiosulfate: self.section("thiosulfate")?,
                fytate: self.section("fytate")?,
                anticoagulant: self.section("anticoagulant")?,
                hyperbaric_oxygen: self.section("hyperbaric_oxygen")?,
                debridement: self.section("debridement")?,
                antibiotic: self.section("antibiotic")?,
                tpa: self.section("tpa")?,
                wound_care: self.section("wound_care")?,
                wall_share: self.number("mineral.wall_share"),
                thiosulfate_volume_l_per_kg: self.number("host_chemistry.thiosulfate_volume_l_per_kg"),
            },
            arrows,
            mechanisms,
            challenge_entries: self.challenges().to_vec(),
            therapy_entries: self.therapies().to_vec(),
            clinic: self.section("clinic")?,
        };
        let grid = parameters.space.grid();
        parameters.challenges(&grid)?;
        parameters.treatments(&grid, &[])?;
        Ok(parameters)
    }

    /// The tables that the scenario reads, as files to lie beside a copy of it, and that copy, which reads them there.
    ///
    /// # Errors
    /// [`Error::Files`] when a table is missing.
    pub fn with_companions(&self, library: &dyn Library) -> Result<(Self, Vec<(String, String)>)> {
        let (mut copy, mut files) = (self.clone(), Vec::new());
        if let Some(tables) = self.network_tables(library)? {
            for (name, table) in [
                ("nodes", Some(tables.nodes)),
                ("segments", Some(tables.segments)),
                ("boundary", tables.boundary),
            ] {
                files.extend(table.map(|(_, text)| (format!("network/{name}.csv"), text)));
            }
            copy.hold("network.dir", Value::Word("network".into()), "the run folder");
        }
        let course = self.word("host.course_csv");
        if !course.is_empty() {
            files.push((
                "course.csv".into(),
                self.table_beside(library, "host.course_csv", course)?.1,
            ));
            copy.hold("host.course_csv", Value::Word("course.csv".into()), "the run folder");
        }
        Ok((copy, files))
    }

    fn section_when<T: serde::de::DeserializeOwned>(&self, name: &str, on: bool) -> Result<Option<T>> {
        if on { self.section(name).map(Some) } else { Ok(None) }
    }

    /// Reads a table that a value of the scenario points at.
    fn table_beside(&self, library: &dyn Library, key: &str, path: &str) -> Result<(String, String)> {
        library.read(path, self.file_of(key))
    }

    fn network_tables(&self, library: &dyn Library) -> Result<Option<Tables>> {
        if self.word("network.kind") != "csv" {
            return Ok(None);
        }
        let dir = self.word("network.dir").trim_end_matches('/');
        if dir.is_empty() {
            return Err(Error::input(
                self.file.clone(),
                "network.kind = \"csv\" needs network.dir: the folder of nodes.csv, segments.csv and boundary.csv",
            ));
        }
        let read = |name: &str| self.table_beside(library, "network.dir", &format!("{dir}/{name}.csv"));
        Ok(Some(Tables {
            nodes: read("nodes")?,
            segments: read("segments")?,
            boundary: Some(read("boundary")?),
        }))
    }

    /// Plasma values per dialysis session from `host.course_csv`: columns `day,phosphate_mmol_per_l,calcium_ionised_mmol_per_l`.
    fn plasma_course(&self, library: &dyn Library) -> Result<Vec<CoursePoint>> {
        const HEADER: &str = "day,phosphate_mmol_per_l,calcium_ionised_mmol_per_l";
        let path = self.word("host.course_csv");
        if path.is_empty() {
            return Ok(Vec::new());
        }
        let (file, text) = self.table_beside(library, "host.course_csv", path)?;
        let mut faults = Vec::new();
        let mut fault = |line: usize, value: &str, expected: &str| {
            faults.push(Diagnostic {
                file: file.clone(),
                line,
                column: 1,
                value: value.to_owned(),
                expected: expected.to_owned(),
                ..Diagnostic::default()
            });
        };
        let mut points: Vec<CoursePoint> = Vec::new();
        let mut lines = text.lines().map(str::trim).enumerate();
        match lines.next() {
            Some((_, HEADER)) => {}
            other => fault(1, other.map_or("", |o| o.1), &format!("the header `{HEADER}`")),
        }
        for (i, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let cells: Vec<Option<f64>> = line
                .split(',')
                .map(|c| c.trim().parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0))
                .collect();
            match cells.as_slice() {
                [Some(day), Some(phosphate), Some(calcium)] if points.last().is_none_or(|p| p.day < *day) => {
                    points.push(CoursePoint {
                        day: *day,
                        phosphate_mmol_per_l: *phosphate,
                        calcium_ionised_mmol_per_l: *calcium,
                    });
                }
                _ => fault(
                    i + 1,
                    line,
                    "three numbers ≥ 0: a later day than the row before, phosphate, ionised calcium",
                ),
            }
        }
        if faults.is_empty() {
            Ok(points)
        } else {
            Err(Error::Input(faults))
        }
    }
}
