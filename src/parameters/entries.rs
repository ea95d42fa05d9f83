//! Dated events of a scenario: challenges that insult the tissue, therapies that treat it.
//!
//! Plain data and the table of what each kind takes (CONTRACT section 1). Reading them from text is the scenario's work.

use serde::{Deserialize, Serialize};

use super::Value;

/// An enum whose members are the words of a scenario.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$member_doc])* #[serde(rename = $word)] $member,)* }

        impl $name {
            /// Every member, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$member,)*];

            /// The word of a scenario.
            pub fn word(self) -> &'static str {
                match self { $(Self::$member => $word,)* }
            }

            /// The member with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$member),)* _ => None }
            }
        }
    };
}

words! {
    /// What a challenge does.
    ChallengeKind {
        /// Endothelial integrity falls inside the radius, with a small mineral nidus; kills nothing by itself.
        Trauma = "trauma",
        /// A small mineral deposit in the walls inside the radius.
        MineralNidus = "mineral_nidus",
        /// Perfusion pressure falls for some hours.
        Hypotension = "hypotension",
        /// Host values change from a day on.
        Chemistry = "chemistry",
        /// A cylinder of tissue is taken out from the surface down: a biopsy.
        Punch = "punch",
    }
}

words! {
    /// What a therapy is.
    TherapyKind {
        /// Mesenchymal stem cells.
        Msc = "msc",
        /// Sodium thiosulfate.
        Sts = "sts",
        /// Hexasodium fytate.
        Snf472 = "snf472",
        /// Vitamin K.
        VitaminK = "vitamin_k",
        /// The vitamin K antagonist is stopped.
        StopWarfarin = "stop_warfarin",
        /// A direct anticoagulant.
        Anticoagulant = "anticoagulant",
        /// Binders and diet.
        PhosphateLowering = "phosphate_lowering",
        /// A prescribed plasma course: stands for calcimimetic and parathyroidectomy.
        CalciumPhosphateCourse = "calcium_phosphate_course",
        /// Extra dialysis.
        Dialysis = "dialysis",
        /// Hyperbaric oxygen.
        HyperbaricOxygen = "hyperbaric_oxygen",
        /// Dead tissue is cut away.
        Debridement = "debridement",
        /// Antibiotic.
        Antibiotic = "antibiotic",
        /// Tissue plasminogen activator.
        Tpa = "tpa",
        /// Dressings and local care.
        WoundCare = "wound_care",
    }
}

words! {
    /// How a therapy is given.
    Route {
        /// Into a vein.
        Iv = "iv",
        /// Into muscle at the site.
        Intramuscular = "intramuscular",
        /// Into the dermis at the site.
        Intradermal = "intradermal",
        /// Into the lesion.
        Intralesional = "intralesional",
        /// Medium of the cells, without cells.
        Supernatant = "supernatant",
        /// The carrier alone, given in the same way.
        Vehicle = "vehicle",
        /// The same number of dead cells.
        DeadCells = "dead_cells",
        /// By mouth.
        Oral = "oral",
        /// On the wound.
        Topical = "topical",
        /// Not given by a route: a procedure or a decision.
        None = "none",
    }
}

words! {
    /// Unit of a dose; the key in a scenario is `dose_` and this word.
    DoseUnit {
        /// Cells per kg of body weight.
        CellsPerKg = "cells_per_kg",
        /// Cells per cm² of skin.
        CellsPerCm2 = "cells_per_cm2",
        /// Grams.
        G = "g",
        /// Milligrams.
        Mg = "mg",
        /// Hours.
        H = "h",
        /// Atmospheres absolute.
        Atm = "atm",
        /// Fall of the plasma concentration.
        MmolPerL = "mmol_per_l",
    }
}

words! {
    /// Instruments that a rule of care may read (CONTRACT section 5).
    Instrument {
        /// Sealed electrode at 44 °C [mmHg].
        Tcpo2 = "tcpo2",
        /// Area of open wound [mm²].
        WoundArea = "wound_area",
        /// Mineral in the column, as bone scan or CT.
        CalciumColumn = "calcium_column",
        /// C-reactive protein.
        Crp = "crp",
        /// D-dimer.
        DDimer = "d_dimer",
        /// Carboxylated share of matrix Gla protein.
        FCmgp = "f_cmgp",
        /// Pyrophosphate.
        Ppi = "ppi",
        /// Albumin.
        Albumin = "albumin",
        /// International normalised ratio.
        Inr = "inr",
        /// Calcification propensity; the built-in null marker.
        T50 = "t50",
        /// Virtual biopsy.
        Biopsy = "biopsy",
    }
}

impl Instrument {
    /// Unit of a reading.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Tcpo2 => "mmHg",
            Self::WoundArea => "mm²",
            Self::CalciumColumn => "mg/cm²",
            Self::Crp | Self::DDimer => "mg/L",
            Self::Ppi => "µmol/L",
            Self::Albumin => "g/L",
            Self::T50 => "min",
            Self::FCmgp | Self::Inr | Self::Biopsy => "-",
        }
    }

    /// Readings that can be: a rule beyond them could never, or would always, decide.
    pub fn possible(self) -> (f64, f64) {
        match self {
            Self::Tcpo2 => (0.0, 700.0),
            Self::FCmgp => (0.0, 1.0),
            Self::Ppi => (0.0, 50.0),
            Self::Albumin => (0.0, 100.0),
            Self::Inr => (0.5, 20.0),
            Self::T50 => (0.0, 2000.0),
            Self::WoundArea | Self::CalciumColumn | Self::Crp | Self::DDimer | Self::Biopsy => (0.0, 1e6),
        }
    }

    /// Whether a rule of care can read it at a visit.
    pub fn is_read_at_visits(self) -> bool {
        self != Self::Biopsy
    }

    /// One sentence for `explain`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Tcpo2 => "oxygen through the skin, sealed electrode at 44 °C, where it reads lowest",
            Self::WoundArea => "area of the open wound; in a section that of a round wound cut through its middle",
            Self::CalciumColumn => "mineral per area of skin above the limit of detection, as bone scan or CT",
            Self::Crp => "C-reactive protein: systemic inflammation and the cytokine of the site",
            Self::DDimer => "D-dimer: clots of the site that lyse, and infused cells",
            Self::FCmgp => "carboxylated share of matrix Gla protein in plasma",
            Self::Ppi => "inorganic pyrophosphate of plasma",
            Self::Albumin => "albumin of plasma: a marker, never a cause",
            Self::Inr => "international normalised ratio, from factor II; a direct anticoagulant is not read",
            Self::T50 => "calcification propensity: the built-in null marker, which knows nothing of the site",
            Self::Biopsy => "virtual biopsy, taken and looked at after the run",
        }
    }
}

/// How much is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dose {
    /// Amount, in `unit`.
    pub amount: f64,
    /// Unit of the amount.
    pub unit: DoseUnit,
}

/// A dose that waits for a measurement: `when = "wound_area > 20"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Instrument that is read.
    pub instrument: Instrument,
    /// True for `>`, false for `<`.
    pub above: bool,
    /// The reading that it is compared with, in the instrument's unit.
    pub value: f64,
}

/// One host value of a `set` table, in registry units.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Registry key, `host.phosphate_mmol_per_l`.
    pub key: String,
    /// New value.
    pub value: Value,
}

/// When something happens: first day, interval, number of times.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Course {
    /// First day.
    pub start_d: f64,
    /// Interval between repeats; `None` for a single event.
    pub every_d: Option<f64>,
    /// How often; `None` means once without an interval, and to the end of the run with one.
    pub count: Option<u32>,
}

impl Course {
    /// Days of the events before `end_d`. Each is computed from its number, never accumulated.
    pub fn days(&self, end_d: f64) -> Vec<f64> {
        let day = |i: u32| self.start_d + f64::from(i) * self.every_d.unwrap_or(0.0);
        let most = match (self.every_d, self.count) {
            (None, count) => count.unwrap_or(1).min(1),
            (Some(_), Some(count)) => count,
            (Some(every), None) if every > 0.0 => u32::MAX,
            (Some(_), None) => 1,
        };
        (0..most).map(day).take_while(|d| *d < end_d).collect()
    }

    /// Day of the last event when the number is stated; `None` for an open end or no event.
    pub fn last_day(&self) -> Option<f64> {
        match (self.every_d, self.count) {
            (_, Some(0)) => None,
            (None, _) => Some(self.start_d),
            (Some(every), Some(count)) => Some(self.start_d + f64::from(count - 1) * every),
            (Some(_), None) => None,
        }
    }
}

/// A dated local or systemic insult.
#[derive(Clone, Debug, PartialEq)]
pub struct ChallengeEntry {
    /// Name within the scenario.
    pub id: String,
    /// What it does.
    pub kind: ChallengeKind,
    /// When.
    pub course: Course,
    /// Place along the surface; `None` = the middle of the block.
    pub x_mm: Option<f64>,
    /// Second place along the surface (plan, block); `None` = the middle.
    pub y_mm: Option<f64>,
    /// Depth of the centre, of a punch its depth; `None` where the kind has no place.
    pub depth_mm: Option<f64>,
    /// Radius; `None` where the kind has no place.
    pub radius_mm: Option<f64>,
    /// Share of the full effect, 0–1: of integrity lost (trauma), of full mineral (nidus), of pressure lost
    /// (hypotension), of the way to `set` (chemistry), of the injury of the rim (punch; 0 takes nothing).
    pub strength: f64,
    /// How long a fall of pressure lasts [h]; `None` for the other kinds.
    pub duration_h: Option<f64>,
    /// Host values from `start_d` (chemistry).
    pub set: Vec<Setting>,
}

/// A treatment.
#[derive(Clone, Debug, PartialEq)]
pub struct TherapyEntry {
    /// Name within the scenario.
    pub id: String,
    /// What it is.
    pub kind: TherapyKind,
    /// How it is given.
    pub route: Route,
    /// When; the start is 0 and has no meaning where `when` decides.
    pub course: Course,
    /// How much; `None` for kinds without a dose.
    pub dose: Option<Dose>,
    /// Measurement that starts a dose, in place of dates.
    pub when: Option<Trigger>,
    /// Days without a further dose after one that a trigger gave.
    pub lockout_d: f64,
    /// Most doses that a trigger may give; `None` = no limit.
    pub max_doses: Option<u32>,
    /// Days between the decision and the product.
    pub delay_d: f64,
    /// Share of cells alive at injection.
    pub viability: f64,
    /// Cost of one dose, in the scenario's currency.
    pub cost_per_dose: f64,
    /// Place along the surface; `None` = where the lesion is.
    pub x_mm: Option<f64>,
    /// Second place along the surface.
    pub y_mm: Option<f64>,
    /// Depth of the needle's tip; `None` = the kind's default.
    pub depth_mm: Option<f64>,
    /// Radius of what is treated; `None` = the kind's default.
    pub radius_mm: Option<f64>,
    /// Length of one session [h]; `None` = the kind's default.
    pub duration_h: Option<f64>,
    /// Prescribed host values (calcium_phosphate_course).
    pub set: Vec<Setting>,
}

impl TherapyEntry {
    /// Dates on which the product is given, before `end_d`; empty where a trigger decides.
    pub fn days(&self, end_d: f64) -> Vec<f64> {
        if self.when.is_some() {
            return Vec::new();
        }
        let delayed = Course {
            start_d: self.course.start_d + self.delay_d,
            ..self.course
        };
        delayed.days(end_d)
    }

    /// The amount in `unit`, 0 when the dose is in another unit or there is none.
    pub fn amount(&self, unit: DoseUnit) -> f64 {
        self.dose
            .map_or(0.0, |dose| if dose.unit == unit { dose.amount } else { 0.0 })
    }
}

/// What a kind of challenge takes.
#[derive(Clone, Copy, Debug)]
pub struct ChallengeRule {
    /// Has a place: `x_mm`, `y_mm`, `depth_mm`, `radius_mm`; depth and radius are needed.
    pub place: bool,
    /// Has a length in hours.
    pub duration: bool,
    /// Sets host values.
    pub set: bool,
}

/// What a kind of therapy takes.
#[derive(Clone, Copy, Debug)]
pub struct TherapyRule {
    /// Routes; with one, it need not be written.
    pub routes: &'static [Route],
    /// May have a place and a radius.
    pub place: bool,
    /// May have a length in hours.
    pub duration: bool,
    /// Cells: has `viability`.
    pub cells: bool,
    /// Sets host values.
    pub set: bool,
}

/// Possible and evidence range of a dose.
#[derive(Clone, Copy, Debug)]
pub struct DoseRule {
    /// Unit.
    pub unit: DoseUnit,
    /// Largest possible amount; the smallest is 0, which is the control.
    pub possible_max: f64,
    /// Range in which there is some record of use; outside it a warning.
    pub evidence: (f64, f64),
}

impl ChallengeKind {
    /// What this kind takes.
    pub fn rule(self) -> ChallengeRule {
        match self {
            Self::Trauma | Self::MineralNidus | Self::Punch => ChallengeRule {
                place: true,
                duration: false,
                set: false,
            },
            Self::Hypotension => ChallengeRule {
                place: false,
                duration: true,
                set: false,
            },
            Self::Chemistry => ChallengeRule {
                place: false,
                duration: false,
                set: true,
            },
        }
    }

    /// One sentence for `explain`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Trauma => {
                "a bruise: endothelial integrity is lost inside the radius, a small mineral nidus is left; kills nothing by itself"
            }
            Self::MineralNidus => "a small mineral deposit in the vessel walls inside the radius",
            Self::Hypotension => "the arterial pressure falls by `strength` for `duration_h`",
            Self::Chemistry => {
                "host values in `set` hold from `start_d` (warfarin, a phosphate step, a fall of pyrophosphate)"
            }
            Self::Punch => {
                "a biopsy: a cylinder of `radius_mm` is taken out from the surface to `depth_mm`, cut vessels are closed, the rim is injured; not sutured, \
                 it heals as any wound"
            }
        }
    }
}

impl TherapyKind {
    /// What this kind takes.
    pub fn rule(self) -> TherapyRule {
        fn drug(routes: &'static [Route]) -> TherapyRule {
            TherapyRule {
                routes,
                place: false,
                duration: false,
                cells: false,
                set: false,
            }
        }
        match self {
            Self::Msc => TherapyRule {
                place: true,
                cells: true,
                ..drug(&[
                    Route::Iv,
                    Route::Intramuscular,
                    Route::Intradermal,
                    Route::Supernatant,
                    Route::Vehicle,
                    Route::DeadCells,
                ])
            },
            Self::Sts => TherapyRule {
                place: true,
                ..drug(&[Route::Iv, Route::Intralesional, Route::Vehicle])
            },
            Self::Snf472 | Self::Tpa => drug(&[Route::Iv]),
            Self::VitaminK | Self::PhosphateLowering => drug(&[Route::Oral]),
            Self::Anticoagulant => drug(&[Route::Oral, Route::Iv]),
            Self::Antibiotic => drug(&[Route::Iv, Route::Oral, Route::Topical]),
            Self::StopWarfarin => drug(&[Route::None]),
            Self::CalciumPhosphateCourse => TherapyRule {
                set: true,
                ..drug(&[Route::None])
            },
            Self::Dialysis => drug(&[Route::None]),
            Self::HyperbaricOxygen => TherapyRule {
                duration: true,
                ..drug(&[Route::None])
            },
            Self::Debridement => TherapyRule {
                place: true,
                ..drug(&[Route::None])
            },
            Self::WoundCare => drug(&[Route::Topical]),
        }
    }

    /// Doses that this kind takes by this route. Empty: no dose. Several: exactly one of them is written.
    ///
    /// Evidence ranges are doses on record, not recommendations: cells of the benchmark trials, 12.5–25 g
    /// thiosulfate a session, 300–600 mg fytate (about 7 mg/kg).
    pub fn doses(self, route: Route) -> &'static [DoseRule] {
        const CELLS_KG: DoseRule = DoseRule {
            unit: DoseUnit::CellsPerKg,
            possible_max: 1e8,
            evidence: (3e5, 4e6),
        };
        const CELLS_CM2: DoseRule = DoseRule {
            unit: DoseUnit::CellsPerCm2,
            possible_max: 1e8,
            evidence: (1e6, 1e7),
        };
        const THIOSULFATE: DoseRule = DoseRule {
            unit: DoseUnit::G,
            possible_max: 100.0,
            evidence: (0.1, 25.0),
        };
        const FYTATE: DoseRule = DoseRule {
            unit: DoseUnit::Mg,
            possible_max: 2000.0,
            evidence: (300.0, 900.0),
        };
        const VITAMIN_K: DoseRule = DoseRule {
            unit: DoseUnit::Mg,
            possible_max: 100.0,
            evidence: (0.1, 10.0),
        };
        const ANTICOAGULANT: DoseRule = DoseRule {
            unit: DoseUnit::Mg,
            possible_max: 500.0,
            evidence: (2.5, 10.0),
        };
        const ANTIBIOTIC: DoseRule = DoseRule {
            unit: DoseUnit::Mg,
            possible_max: 20_000.0,
            evidence: (100.0, 6000.0),
        };
        const TPA: DoseRule = DoseRule {
            unit: DoseUnit::Mg,
            possible_max: 200.0,
            evidence: (1.0, 20.0),
        };
        const FALL: DoseRule = DoseRule {
            unit: DoseUnit::MmolPerL,
            possible_max: 3.0,
            evidence: (0.1, 1.0),
        };
        const SESSION: DoseRule = DoseRule {
            unit: DoseUnit::H,
            possible_max: 24.0,
            evidence: (2.0, 8.0),
        };
        const CHAMBER: DoseRule = DoseRule {
            unit: DoseUnit::Atm,
            possible_max: 3.0,
            evidence: (2.0, 2.5),
        };
        match (self, route) {
            (Self::Msc, Route::Iv) => &[CELLS_KG],
            // The unit of the arm that it stands for tells where the carrier or the dead cells go.
            (Self::Msc, Route::Vehicle | Route::DeadCells) => &[CELLS_CM2, CELLS_KG],
            (Self::Msc, _) => &[CELLS_CM2],
            (Self::Sts, _) => &[THIOSULFATE],
            (Self::Snf472, _) => &[FYTATE],
            (Self::VitaminK, _) => &[VITAMIN_K],
            (Self::Anticoagulant, _) => &[ANTICOAGULANT],
            (Self::Antibiotic, _) => &[ANTIBIOTIC],
            (Self::Tpa, _) => &[TPA],
            (Self::PhosphateLowering, _) => &[FALL],
            (Self::Dialysis, _) => &[SESSION],
            (Self::HyperbaricOxygen, _) => &[CHAMBER],
            _ => &[],
        }
    }

    /// One sentence for `explain`.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Msc => "mesenchymal stem cells, their medium, their carrier alone, or the same cells dead",
            Self::Sts => "sodium thiosulfate: slows growth of new mineral, dissolves old mineral weakly",
            Self::Snf472 => {
                "hexasodium fytate: slows growth of mineral; nothing on existing mineral, clot or dead tissue"
            }
            Self::VitaminK => "vitamin K: carboxylates matrix Gla protein again",
            Self::StopWarfarin => "the vitamin K antagonist is stopped",
            Self::Anticoagulant => "a direct anticoagulant: less thrombin",
            Self::PhosphateLowering => "binders and diet: plasma phosphate falls by the dose",
            Self::CalciumPhosphateCourse => {
                "a prescribed plasma course in `set`; stands for calcimimetic and parathyroidectomy"
            }
            Self::Dialysis => "an extra dialysis session",
            Self::HyperbaricOxygen => "a session in a pressure chamber: more oxygen in plasma",
            Self::Debridement => "dead tissue is cut away; the edge is injured as by any trauma",
            Self::Antibiotic => "bacteria are killed",
            Self::Tpa => "tissue plasminogen activator: faster lysis",
            Self::WoundCare => "dressings: an open wound is covered and kept clean",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for kind in TherapyKind::ALL {
            assert_eq!(TherapyKind::from_word(kind.word()), Some(*kind));
            assert!(!kind.rule().routes.is_empty());
        }
        for kind in ChallengeKind::ALL {
            assert_eq!(ChallengeKind::from_word(kind.word()), Some(*kind));
        }
    }

    #[test]
    fn three_weekly_doses_fall_on_days_14_21_28() {
        let course = Course {
            start_d: 14.0,
            every_d: Some(7.0),
            count: Some(3),
        };
        assert_eq!(course.days(90.0), [14.0, 21.0, 28.0]);
        assert_eq!(course.last_day(), Some(28.0));
        assert_eq!(course.days(21.0), [14.0]);
    }

    #[test]
    fn without_a_count_doses_go_on_to_the_end() {
        let course = Course {
            start_d: 0.0,
            every_d: Some(30.0),
            count: None,
        };
        assert_eq!(course.days(90.0), [0.0, 30.0, 60.0]);
        assert_eq!(course.last_day(), None);
    }

    #[test]
    fn a_count_of_zero_is_no_dose() {
        let course = Course {
            start_d: 3.0,
            every_d: None,
            count: Some(0),
        };
        assert!(course.days(90.0).is_empty());
    }
}
