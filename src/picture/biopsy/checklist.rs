//! What a reader notes of the sections of a punch, and the verdict by three published rules.

use serde::Serialize;

use super::{Cut, Lens, Parameters};
use crate::grid::Plane;
use crate::state::snapshot::CellKind;
use crate::state::{Class, Kind, Snapshot, Species, Vitality};

/// A rule of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Calcium by von Kossa and thrombosis, both in small subcutaneous vessels.
    VkThrombus,
    /// Calcium on haematoxylin and eosin in a small subcutaneous vessel.
    HeCalcium,
    /// Calcium by von Kossa with thrombus or neo-intima, in any vessel of the section.
    CalciumOcclusion,
}

impl Rule {
    /// All rules, the one with the best published accuracy first.
    pub const ALL: [Self; 3] = [Self::VkThrombus, Self::HeCalcium, Self::CalciumOcclusion];

    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::VkThrombus => "vk-thrombus",
            Self::HeCalcium => "he-calcium",
            Self::CalciumOcclusion => "calcium-occlusion",
        }
    }

    /// The rule in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::VkThrombus => "calcium by von Kossa and thrombosis of small subcutaneous vessels",
            Self::HeCalcium => "calcium on H&E in a small subcutaneous vessel",
            Self::CalciumOcclusion => "calcium by von Kossa with thrombus or neo-intima, dermis or subcutis",
        }
    }

    /// What the rule rests on.
    pub fn source(self) -> &'static str {
        match self {
            Self::VkThrombus => "McMullen 2019, doi 10.1097/PAS.0000000000001302: sensitivity 85 %, specificity 88 %",
            Self::HeCalcium => "McMullen 2019, doi 10.1097/PAS.0000000000001302: sensitivity 56 %",
            Self::CalciumOcclusion => "assumed: no published accuracy was found",
        }
    }
}

/// The answer of a biopsy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The rule is met.
    Positive,
    /// It is not, and there was enough to see.
    Negative,
    /// It is not, and there was too little to see.
    Inadequate,
}

impl Verdict {
    /// The verdict in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
            Self::Inadequate => "inadequate",
        }
    }
}

/// Vessels of one compartment, each counted once however many sections meet it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VesselCount {
    /// Vessels.
    pub vessels: usize,
    /// Arterioles among them.
    pub arterioles: usize,
    /// Calcified by von Kossa.
    pub calcified_von_kossa: usize,
    /// Calcified on H&E.
    pub calcified_he: usize,
    /// Stippled deposits.
    pub stippled: usize,
    /// Chunky deposits.
    pub chunky: usize,
    /// With a thrombus.
    pub thrombosed: usize,
    /// With neo-intima.
    pub neointima: usize,
}

impl VesselCount {
    fn plus(&self, other: &Self) -> Self {
        Self {
            vessels: self.vessels + other.vessels,
            arterioles: self.arterioles + other.arterioles,
            calcified_von_kossa: self.calcified_von_kossa + other.calcified_von_kossa,
            calcified_he: self.calcified_he + other.calcified_he,
            stippled: self.stippled + other.stippled,
            chunky: self.chunky + other.chunky,
            thrombosed: self.thrombosed + other.thrombosed,
            neointima: self.neointima + other.neointima,
        }
    }
}

/// What a reader notes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Sections read.
    pub sections: usize,
    /// Vessels of fat and septa.
    pub subcutis: VesselCount,
    /// Vessels of the dermis.
    pub dermis: VesselCount,
    /// Fat and septa that are there, mean of the sections [mm²].
    pub subcutis_mm2: f64,
    /// Share of the tissue that is dead and still there.
    pub necrotic_share: f64,
    /// Share of the surface without epidermis; `None` where the tissue has none.
    pub open_surface_share: Option<f64>,
    /// Share of the section with interstitial calcium.
    pub interstitial_calcium_share: f64,
    /// Neutrophils and macrophages in septa [1/mm²]; `None` without a septum.
    pub septal_cells_per_mm2: Option<f64>,
    /// Inflammation of the septa: 0, 1, 2, 3.
    pub septal_inflammation: u8,
    /// Stem cells seen.
    pub msc: usize,
    /// Whether there was enough to see.
    pub adequate: bool,
}

/// What of one section is counted by voxels.
#[derive(Default)]
struct Areas {
    tissue: usize,
    subcutis: usize,
    septum: usize,
    necrotic: usize,
    calcium: usize,
    open: usize,
    surface: usize,
}

impl Findings {
    /// Reads the sections of one punch.
    pub fn of(snapshot: &Snapshot, cuts: &[Cut], lens: &Lens) -> Self {
        let p = &lens.parameters;
        let mut areas = Areas::default();
        let (mut in_septa, mut msc) = (0usize, 0);
        let mut seen: Vec<(usize, bool, bool)> = Vec::new();
        for cut in cuts {
            count_voxels(snapshot, cut, p, &mut areas);
            for profile in &cut.profiles {
                let kind = snapshot.kind[profile.voxel as usize];
                let deep = matches!(kind, Kind::Fat | Kind::Septum);
                seen.push((profile.segment, deep, profile.meets_lumen));
            }
            for cell in &cut.cells {
                match cell.kind {
                    CellKind::Msc => msc += 1,
                    _ if snapshot.kind[cell.voxel as usize] == Kind::Septum => in_septa += 1,
                    _ => {}
                }
            }
        }
        // A vessel that several sections meet is one vessel; its lumen counts once it was met.
        seen.sort_unstable();
        let (mut subcutis, mut dermis) = (VesselCount::default(), VesselCount::default());
        for (i, &(index, deep, _)) in seen.iter().enumerate() {
            if i > 0 && seen[i - 1].0 == index {
                continue;
            }
            let lumen = seen[i..].iter().take_while(|s| s.0 == index).any(|s| s.2);
            let count = if deep { &mut subcutis } else { &mut dermis };
            note(count, snapshot, index, lumen, p);
        }
        let voxel_mm2 = snapshot.grid.voxel_um * snapshot.grid.voxel_um / 1e6;
        let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let septum_mm2 = areas.septum as f64 * voxel_mm2;
        let septal_cells_per_mm2 = (septum_mm2 > 0.0).then(|| in_septa as f64 / septum_mm2);
        let grades = |cells: f64| p.inflammation_per_mm2.iter().filter(|&&least| cells >= least).count() as u8;
        let subcutis_mm2 = areas.subcutis as f64 * voxel_mm2 / cuts.len().max(1) as f64;
        Self {
            sections: cuts.len(),
            adequate: subcutis_mm2 >= p.subcutis_least_mm2 && subcutis.vessels as f64 >= p.vessels_least,
            subcutis,
            dermis,
            subcutis_mm2,
            necrotic_share: share(areas.necrotic, areas.tissue),
            open_surface_share: (areas.surface > 0).then(|| share(areas.open, areas.surface)),
            interstitial_calcium_share: share(areas.calcium, areas.tissue),
            septal_cells_per_mm2,
            septal_inflammation: septal_cells_per_mm2.map_or(0, grades),
            msc,
        }
    }

    /// The verdict by a rule.
    pub fn verdict(&self, rule: Rule) -> Verdict {
        let (deep, all) = (&self.subcutis, self.subcutis.plus(&self.dermis));
        let met = match rule {
            Rule::VkThrombus => deep.calcified_von_kossa > 0 && deep.thrombosed > 0,
            Rule::HeCalcium => deep.calcified_he > 0,
            Rule::CalciumOcclusion => all.calcified_von_kossa > 0 && (all.thrombosed > 0 || all.neointima > 0),
        };
        match (met, self.adequate) {
            (true, _) => Verdict::Positive,
            (false, true) => Verdict::Negative,
            (false, false) => Verdict::Inadequate,
        }
    }

    /// Whether the rules do not agree.
    pub fn rules_disagree(&self) -> bool {
        let first = self.verdict(Rule::ALL[0]);
        Rule::ALL.iter().any(|&rule| self.verdict(rule) != first)
    }

    /// Septal inflammation as a reader writes it.
    pub fn inflammation_word(&self) -> &'static str {
        match (self.septal_cells_per_mm2, self.septal_inflammation) {
            (None, _) => "no septum in the section",
            (_, 0) => "none",
            (_, 1) => "+",
            (_, 2) => "++",
            _ => "+++",
        }
    }

    /// The findings in sentences: also the words for those who cannot see the picture.
    pub fn sentences(&self, snapshot: &Snapshot, size_mm: [f64; 2]) -> String {
        let round = |x: f64| (x * 100.0).round() / 100.0;
        let percent = |x: f64| format!("{:.0} %", 100.0 * x);
        let s = &self.subcutis;
        let sections = if self.sections == 1 {
            "Section".to_owned()
        } else {
            format!("{} sections", self.sections)
        };
        let surface = self
            .open_surface_share
            .filter(|&open| open > 0.0)
            .map_or(String::new(), |open| {
                format!(" Epidermis is missing over {}.", percent(open))
            });
        let interstitial = if self.interstitial_calcium_share > 0.0 {
            format!(
                "Interstitial calcium in {:.1} % of the area.",
                100.0 * self.interstitial_calcium_share
            )
        } else {
            "No interstitial calcium.".to_owned()
        };
        let msc = match self.msc {
            0 => String::new(),
            n => format!(" Stem cells: {n}."),
        };
        format!(
            "{sections} {} mm × {} mm, day {}. Small subcutaneous vessels {} ({} arterioles); calcified by von Kossa {} \
             ({} stippled, {} chunky), on H&E {}; thrombi {}; neo-intima {}. Dermal vessels {}: calcified {}, thrombi {}. \
             {interstitial} Septal inflammation {}. Dead tissue {}.{surface}{msc}",
            round(size_mm[0]),
            round(size_mm[1]),
            round(snapshot.day),
            s.vessels,
            s.arterioles,
            s.calcified_von_kossa,
            s.stippled,
            s.chunky,
            s.calcified_he,
            s.thrombosed,
            s.neointima,
            self.dermis.vessels,
            self.dermis.calcified_von_kossa,
            self.dermis.thrombosed,
            self.inflammation_word(),
            percent(self.necrotic_share),
        )
    }
}

/// What the plane of a run means for its sections, in a sentence.
pub fn what_was_cut(plane: Plane) -> &'static str {
    match plane {
        Plane::Block => "Cut out of a block in three dimensions: a cylinder, and planes through it.",
        _ => {
            "From a section run: one slab of tissue that passes through its feeding vessels. Which of its vessels a section \
             meets, and at what angle, is drawn from their identity; what each is like is the model's."
        }
    }
}

fn count_voxels(snapshot: &Snapshot, cut: &Cut, p: &Parameters, areas: &mut Areas) {
    let mineral = &snapshot.fields[Species::Mineral as usize];
    for &voxel in &cut.voxels {
        let voxel = voxel as usize;
        let vitality = snapshot.vitality[voxel];
        if vitality == Vitality::Gone {
            continue;
        }
        areas.tissue += 1;
        areas.necrotic += usize::from(vitality == Vitality::Necrotic);
        let kind = snapshot.kind[voxel];
        areas.subcutis += usize::from(matches!(kind, Kind::Fat | Kind::Septum));
        areas.septum += usize::from(kind == Kind::Septum);
        areas.calcium += usize::from(f64::from(mineral[voxel].to_f32()) >= p.interstitial_least);
    }
    let columns = snapshot.grid.nx * snapshot.grid.ny;
    if snapshot.kind.contains(&Kind::Epidermis) {
        for &top in &cut.voxels[..cut.shape[0].min(cut.voxels.len())] {
            areas.surface += 1;
            areas.open += usize::from(snapshot.covered.get(top as usize % columns) == Some(&0));
        }
    }
}

fn note(count: &mut VesselCount, snapshot: &Snapshot, index: usize, lumen: bool, p: &Parameters) {
    let segment = &snapshot.segments[index];
    let (mineral, chunky) = (f64::from(segment.mineral), f64::from(segment.mineral) >= p.chunky_least);
    let shown = mineral >= p.von_kossa_least;
    count.vessels += 1;
    count.arterioles += usize::from(segment.class == Class::Arteriole);
    count.calcified_von_kossa += usize::from(shown);
    count.calcified_he += usize::from(mineral >= p.he_least);
    count.chunky += usize::from(shown && chunky);
    count.stippled += usize::from(shown && !chunky);
    count.thrombosed += usize::from(lumen && f64::from(segment.thrombus) >= p.thrombus_least);
    count.neointima += usize::from(lumen && f64::from(segment.neointima) >= p.neointima_least);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::biopsy::Punch;
    use crate::picture::biopsy::tests::{block, lens};

    fn read(change: impl Fn(&mut Snapshot)) -> Findings {
        let mut snapshot = block();
        change(&mut snapshot);
        let punch = Punch {
            centre_um: [500.0, 500.0],
            diameter_um: 900.0,
            depth_um: 1000.0,
        };
        let cut = Cut::new(&snapshot, &punch, 500.0, &lens());
        Findings::of(&snapshot, &[cut.clone(), cut], &lens())
    }

    #[test]
    fn a_clean_section_is_negative_by_every_rule() {
        let found = read(|_| {});
        assert_eq!(found.subcutis.vessels, 2, "a vessel in two sections is one vessel");
        assert!(Rule::ALL.iter().all(|&rule| found.verdict(rule) == Verdict::Negative));
        assert!(!found.rules_disagree());
    }

    #[test]
    fn the_rules_ask_for_different_things() {
        let fine = read(|s| s.segments[0].mineral = 0.1);
        assert!(Rule::ALL.iter().all(|&rule| fine.verdict(rule) == Verdict::Negative));
        let both = read(|s| {
            s.segments[0].mineral = 0.1;
            s.segments[1].thrombus = 1.0;
        });
        assert_eq!(both.verdict(Rule::VkThrombus), Verdict::Positive);
        assert_eq!(both.verdict(Rule::HeCalcium), Verdict::Negative);
        assert!(both.rules_disagree());
        let coarse = read(|s| s.segments[0].mineral = 0.5);
        assert_eq!(coarse.verdict(Rule::HeCalcium), Verdict::Positive);
        assert_eq!(coarse.verdict(Rule::VkThrombus), Verdict::Negative);
        let narrow = read(|s| {
            s.segments[0].mineral = 0.1;
            s.segments[0].neointima = 0.6;
        });
        assert_eq!(narrow.verdict(Rule::CalciumOcclusion), Verdict::Positive);
        assert_eq!(narrow.verdict(Rule::VkThrombus), Verdict::Negative);
    }

    #[test]
    fn a_section_without_subcutis_is_inadequate_unless_it_is_positive() {
        let dermis = |s: &mut Snapshot| s.kind.fill(Kind::Reticular);
        let found = read(dermis);
        assert_eq!(found.verdict(Rule::VkThrombus), Verdict::Inadequate);
        let found = read(|s| {
            dermis(s);
            s.segments[0].mineral = 0.2;
            s.segments[0].thrombus = 1.0;
        });
        assert_eq!(found.verdict(Rule::VkThrombus), Verdict::Inadequate);
        assert_eq!(found.verdict(Rule::CalciumOcclusion), Verdict::Positive);
    }
}
