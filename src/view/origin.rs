//! Where a branch comes from: the text of a scenario, the tables it reads, and what a page does to them.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::parameters::ChallengeKind;
use crate::scenario::{Library, Scenario, Shipped};

/// Most voxels that a page may ask for: a browser's memory is small, and a server of a page is no cluster.
const MOST_VOXELS: f64 = 4e6;

/// Scenarios inside the binary, and the tables of the one that was opened.
pub(super) struct Bundle<'a>(pub(super) &'a BTreeMap<String, String>);

impl Library for Bundle<'_> {
    fn read(&self, name_or_path: &str, from: Option<&str>) -> Result<(String, String)> {
        match self.0.get(name_or_path) {
            Some(text) => Ok((name_or_path.to_owned(), text.clone())),
            None => Shipped.read(name_or_path, from),
        }
    }
}

/// Where a branch comes from, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) files: BTreeMap<String, String>,
    pub(super) seed: Option<u64>,
    pub(super) days: Option<f64>,
}

/// A scenario and what the user should know.
pub(super) fn read(origin: &Origin, sets: &[String]) -> Result<(Scenario, Vec<String>)> {
    let (mut scenario, mut warnings) = Scenario::from_text(&origin.file, &origin.text, sets)?;
    if let Some(seed) = origin.seed {
        scenario.set_seed(seed)?;
    }
    if let Some(days) = origin.days {
        warnings.extend(scenario.set_days(days)?);
    }
    let mm = |key: &str| 1000.0 * scenario.number(key);
    let voxel = scenario.number("space.voxel_um");
    let breadth = match scenario.word("space.plane") {
        "block" | "plan" => mm("space.breadth_mm"),
        _ => voxel,
    };
    let depth = match scenario.word("space.plane") {
        "plan" => voxel,
        _ => mm("space.depth_mm"),
    };
    let voxels = mm("space.width_mm") * depth * breadth / (voxel * voxel * voxel);
    if voxels > MOST_VOXELS {
        return Err(Error::input(
            "space",
            format!("{voxels:.0} voxels are too many for a page: use `calcisim run` and look at its figures"),
        ));
    }
    Ok((scenario, warnings.iter().map(ToString::to_string).collect()))
}

/// The text with further tables.
pub(super) fn joined(text: &str, append: &str) -> String {
    if append.trim().is_empty() {
        text.to_owned()
    } else {
        format!("{text}\n\n{append}\n")
    }
}

/// Ids of vessels from their words.
pub(super) fn ids(words: &[String]) -> Result<Vec<u64>> {
    let id = |word: &String| {
        word.parse()
            .map_err(|_| Error::input("hold", format!("{word:?} is no vessel")))
    };
    words.iter().map(id).collect()
}

/// The same question on a site small enough for a classroom: 3 × 6 mm at 40 µm; places keep their share of the width.
/// Narrower, a site hangs on one arteriole, which a bruise closes: it dies within a day, and nobody sees what comes of what.
pub(super) fn classroom(scenario: &Scenario) -> Result<Vec<String>> {
    const WIDTH_MM: f64 = 3.0;
    let width = scenario.number("space.width_mm");
    let fits = scenario.word("space.plane") == "section" && scenario.word("network.kind") != "csv";
    if !fits || width < WIDTH_MM {
        return Err(Error::input(
            "size",
            "only a section of skin at least 3 mm wide has a classroom size",
        ));
    }
    let mut sets: Vec<String> = ["width_mm=3.0", "depth_mm=6.0", "voxel_um=40.0"]
        .iter()
        .map(|set| format!("space.{set}"))
        .collect();
    let share = WIDTH_MM / width;
    for entry in scenario.challenges() {
        let is_local = matches!(entry.kind, ChallengeKind::Trauma | ChallengeKind::MineralNidus);
        if let Some(x) = entry.x_mm.filter(|_| is_local) {
            sets.push(format!("challenge.{}.x_mm={:?}", entry.id, x * share));
        }
    }
    for entry in scenario.therapies() {
        if let Some(x) = entry.x_mm {
            sets.push(format!("therapy.{}.x_mm={:?}", entry.id, x * share));
        }
    }
    Ok(sets)
}
