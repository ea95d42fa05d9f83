//! A plan on the disk: written so that a half-written one is none, opened only as it was made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::Experiment;
use super::manifest::{Forecast, Manifest, SCHEMA};
use super::plan::{Plan, RunId};
use super::table::{self, BATCH, Column, Values};
use crate::error::{Error, Result};
use crate::output::{files, run_json};
use crate::simulation::folder;

impl Plan {
    fn write_table(&self, path: &Path) -> Result<()> {
        let mut writer = table::Writer::create(path, false)?;
        for start in (0..self.runs.len()).step_by(BATCH) {
            writer.write(self.columns(start..(start + BATCH).min(self.runs.len())))?;
        }
        writer.finish()
    }

    /// Writes the plan into its folder. A folder that holds the same plan stays as it is; one that holds another plan is
    /// only changed with `force`, and keeps the results of runs that both have.
    pub fn install(&mut self, experiment: &Experiment, force: bool) -> Result<Installed> {
        let path = self.folder.clone();
        if is_plan(&path) {
            let there = Self::manifest_of(&path)?;
            let beside = tempdir_beside(&path)?;
            let filled = self.fill(experiment, &beside);
            let _ = std::fs::remove_dir_all(&beside);
            filled?;
            if there.digest == self.manifest.digest {
                self.manifest.forecast = there.forecast;
                return Ok(Installed::Already);
            }
            if !force {
                let why = if (&there.version, &there.git) == (&self.manifest.version, &self.manifest.git) {
                    "the experiment was changed since".to_owned()
                } else {
                    format!("it was made by calcisim {} ({})", there.version, there.git)
                };
                return Err(Error::files(
                    path.display(),
                    format!(
                        "holds another plan: {why}. Choose another folder with -o, or plan again with \
                         `calcisim experiment plan … -o {} --force`, which keeps the results of runs that stay the same",
                        path.display()
                    ),
                ));
            }
            let lock = folder::Lock::take(&path)?;
            self.fill(experiment, &path)?;
            drop(lock);
            return Ok(Installed::Replaced);
        }
        folder::install(&path, force, is_plan, |folder| self.fill(experiment, folder))?;
        Ok(Installed::New)
    }

    /// Writes every file; `plan.json` last, so that a half-written plan is none.
    fn fill(&mut self, experiment: &Experiment, folder: &Path) -> Result<()> {
        for part in ["segments", "claims", "logs", "blobs"] {
            files::make_folder(&folder.join(part))?;
        }
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        let mut put = |name: String, bytes: &[u8]| -> Result<()> {
            let path = folder.join(&name);
            if let Some(parent) = path.parent() {
                files::make_folder(parent)?;
            }
            files::write_whole(&path, bytes)?;
            written.insert(name, blake3::hash(bytes).to_hex().to_string());
            Ok(())
        };
        put("experiment.toml".to_owned(), experiment.text.as_bytes())?;
        for arm in &experiment.arms {
            let at = |name: &str| format!("scenarios/{}/{name}", arm.id);
            put(at("scenario.toml"), arm.text.as_bytes())?;
            for (name, text) in &arm.companions {
                put(at(name), text.as_bytes())?;
            }
        }
        let name = folder.join("plan.parquet");
        let beside = folder.join(".plan.parquet.new");
        self.write_table(&beside)?;
        std::fs::rename(&beside, &name).map_err(|fault| files::trouble(&name, "write", &fault))?;
        written.insert("plan.parquet".to_owned(), table::digest(&name)?);
        self.manifest.files = written;
        self.manifest.digest = self.manifest.own_digest()?;
        self.write_manifest_in(folder)
    }

    fn write_manifest_in(&self, folder: &Path) -> Result<()> {
        files::write_whole(&folder.join("plan.json"), run_json::pretty(&self.manifest)?.as_bytes())
    }

    /// Writes `plan.json` again, with a forecast.
    pub fn write_forecast(&mut self, forecast: Forecast) -> Result<()> {
        self.manifest.forecast = Some(forecast);
        self.write_manifest_in(&self.folder)
    }

    /// `plan.json` of a folder.
    pub fn manifest_of(folder: &Path) -> Result<Manifest> {
        let path = folder.join("plan.json");
        if !path.is_file() {
            return Err(Error::files(
                folder.display(),
                "is no plan: it has no plan.json; `calcisim experiment plan FILE -o FOLDER` makes one",
            ));
        }
        serde_json::from_slice(&files::read(&path)?)
            .map_err(|fault| Error::files(path.display(), format!("is not the record of a plan: {fault}")))
    }

    /// Opens a plan and checks that it is the one that was made.
    ///
    /// # Errors
    /// [`Error::Condition`] when a file was changed; [`Error::Files`] when there is none.
    pub fn open(folder: &Path) -> Result<Self> {
        let manifest = Self::manifest_of(folder)?;
        if manifest.schema != SCHEMA {
            return Err(Error::files(
                folder.display(),
                format!("this calcisim reads {SCHEMA}, this plan is {}", manifest.schema),
            ));
        }
        let changed = |what: &str| {
            Err(Error::Condition(format!(
                "{}: {what} is not as it was planned: a plan is never changed; plan again with \
                 `calcisim experiment plan {}/experiment.toml -o {} --force`",
                folder.display(),
                folder.display(),
                folder.display()
            )))
        };
        if manifest.own_digest()? != manifest.digest {
            return changed("plan.json");
        }
        for (name, digest) in &manifest.files {
            if table::digest(&folder.join(name))? != *digest {
                return changed(name);
            }
        }
        let mut plan = Self {
            folder: folder.to_owned(),
            points: Vec::new(),
            runs: Vec::new(),
            roles: Vec::new(),
            manifest,
        };
        plan.read_table()?;
        Ok(plan)
    }

    fn read_table(&mut self) -> Result<()> {
        let path = self.folder.join("plan.parquet");
        let mut names = vec!["run_id", "design_role"];
        names.extend(self.manifest.factors.iter().map(|f| f.path.as_str()));
        let columns = table::read(&path, &names)?;
        let broken = || Error::files(path.display(), "is not the table of this plan");
        let Some(Values::Text(runs)) = columns.first().map(|c| &c.values) else {
            return Err(broken());
        };
        let runs: Option<Vec<RunId>> = runs.iter().map(|r| r.as_ref()?.parse().ok()).collect();
        self.runs = runs.ok_or_else(broken)?;
        let (points, replicates) = (self.manifest.points as usize, self.manifest.replicates as usize);
        if self.runs.len() != self.manifest.arms.len() * points * replicates {
            return Err(broken());
        }
        let at = |point: usize| point * replicates;
        let Values::Text(roles) = &columns[1].values else {
            return Err(broken());
        };
        self.roles = (0..points).map(|p| roles[at(p)].clone().unwrap_or_default()).collect();
        let cell = |column: &Column, row: usize| match &column.values {
            Values::Text(list) => list[row].clone().map(toml::Value::String),
            Values::Number(list) => list[row].map(toml::Value::Float),
            Values::Whole(list) => list[row].map(toml::Value::Integer),
            Values::Flag(list) => list[row].map(toml::Value::Boolean),
            _ => None,
        };
        let point = |p: usize| columns[2..].iter().map(|c| cell(c, at(p))).collect::<Option<Vec<_>>>();
        let points: Option<Vec<Vec<toml::Value>>> = (0..points).map(point).collect();
        self.points = points.ok_or_else(broken)?;
        Ok(())
    }
}

/// What installing a plan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// A new folder.
    New,
    /// The folder held this plan already.
    Already,
    /// Another plan took the place of the one there; results that both have stay.
    Replaced,
}

/// Whether a folder holds a plan of ours.
pub fn is_plan(path: &Path) -> bool {
    Plan::manifest_of(path).is_ok_and(|manifest| manifest.schema.starts_with("calcisim-plan/"))
}

fn tempdir_beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&beside);
    files::make_folder(&beside)?;
    Ok(beside)
}
