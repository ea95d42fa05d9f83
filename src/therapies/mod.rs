//! Treatments: one file is one treatment.
//!
//! A dose of 0 does nothing at all: no needle, no event, no cost, no draw, so its arm is bit-identical to the control.
//! Every date is an integer step (`state::Schedule`), written in the scenario or ordered by a rule of care (`policy`); what lasts (binders, a session in the chamber) is a function of the
//! date and kept in no memory, so a resumed run needs none.

pub mod antibiotic;
pub mod anticoagulant;
pub mod calcium_phosphate_course;
pub mod debridement;
pub mod dialysis;
pub mod fytate;
pub mod hyperbaric_oxygen;
pub mod msc_product;
pub mod needle;
pub mod phosphate_lowering;
pub mod policy;
pub mod stop_warfarin;
pub mod thiosulfate;
pub mod tpa;
pub mod vitamin_k;
pub mod wound_care;

use std::ops::Range;

use crate::grid::Grid;
use crate::parameters::{Arrows, TherapyEntry, TherapyKind};
use crate::random::id_from;
use crate::state::{EventKind, Now, Profile, Schedule, Tissue, schedule};

/// Registry sections of the treatments, and the two values that other sections own.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Section `needle`.
    pub needle: needle::Parameters,
    /// Section `msc_product`.
    pub msc_product: msc_product::Parameters,
    /// Section `thiosulfate`.
    pub thiosulfate: thiosulfate::Parameters,
    /// Section `fytate`.
    pub fytate: fytate::Parameters,
    /// Section `anticoagulant`.
    pub anticoagulant: anticoagulant::Parameters,
    /// Section `hyperbaric_oxygen`.
    pub hyperbaric_oxygen: hyperbaric_oxygen::Parameters,
    /// Section `debridement`.
    pub debridement: debridement::Parameters,
    /// Section `antibiotic`.
    pub antibiotic: antibiotic::Parameters,
    /// Section `tpa`.
    pub tpa: tpa::Parameters,
    /// Section `wound_care`.
    pub wound_care: wound_care::Parameters,
    /// `mineral.wall_share`.
    pub wall_share: f64,
    /// `host_chemistry.thiosulfate_volume_l_per_kg`.
    pub thiosulfate_volume_l_per_kg: f64,
}

/// What every treatment has: a name, dates, a price, perhaps a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Name within the scenario.
    pub id: String,
    /// Dates, delay of the product included.
    pub schedule: Schedule,
    /// Cost of one dose.
    pub cost_per_dose: f64,
    /// Where, when the scenario says so [µm].
    pub place_um: Option<[f64; 3]>,
    /// Radius of what is treated, when the scenario says so [µm].
    pub radius_um: Option<f64>,
}

impl Order {
    /// Ordinals of the doses that fall into this step.
    fn doses(&self, now: Now) -> Range<u32> {
        self.schedule.at(now.step, now.hours)
    }

    /// A key of one dose, from which ids of its cells come: the name of the treatment and the ordinal of the dose.
    fn key(&self, ordinal: u32) -> u64 {
        let name = self.id.bytes().fold(0, |key, byte| id_from(key, u64::from(byte)));
        id_from(name, u64::from(ordinal))
    }

    /// Books a dose: its event, its cost. Returns the event.
    fn record(
        &self,
        tissue: &mut Tissue,
        now: Now,
        kind: EventKind,
        place_um: [f64; 3],
        values: &[(&str, f64)],
    ) -> u64 {
        tissue.burden.cost += self.cost_per_dose;
        let entity = format!("therapy:{}", self.id);
        tissue.events.add(now.step, kind, entity, place_um, None, values)
    }

    /// A dose without a place.
    fn record_systemic(&self, tissue: &mut Tissue, now: Now, values: &[(&str, f64)]) -> u64 {
        let middle = tissue.grid.extent_um().map(|e| e / 2.0);
        self.record(tissue, now, EventKind::Dose, middle, values)
    }
}

/// A visit that a dialysed patient has anyway counts none.
fn count_visit(tissue: &mut Tissue, given_at_dialysis: bool) {
    if !(given_at_dialysis && tissue.host.profile.dialysis) {
        tissue.burden.visits += 1;
    }
}

/// A treatment of the scenario, checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Therapy {
    /// Mesenchymal stem cells, their medium, their carrier, or dead cells.
    Msc(msc_product::MscProduct),
    /// Sodium thiosulfate.
    Sts(thiosulfate::Thiosulfate),
    /// Hexasodium fytate.
    Snf472(fytate::Fytate),
    /// Vitamin K.
    VitaminK(vitamin_k::VitaminK),
    /// Warfarin is stopped.
    StopWarfarin(stop_warfarin::StopWarfarin),
    /// A direct anticoagulant.
    Anticoagulant(anticoagulant::Anticoagulant),
    /// Binders and diet.
    PhosphateLowering(phosphate_lowering::PhosphateLowering),
    /// A prescribed plasma course.
    CalciumPhosphateCourse(calcium_phosphate_course::CalciumPhosphateCourse),
    /// An extra dialysis session.
    Dialysis(dialysis::Dialysis),
    /// A session in a pressure chamber.
    HyperbaricOxygen(hyperbaric_oxygen::HyperbaricOxygen),
    /// Dead tissue is cut away.
    Debridement(debridement::Debridement),
    /// An antibiotic.
    Antibiotic(antibiotic::Antibiotic),
    /// Tissue plasminogen activator.
    Tpa(tpa::Tpa),
    /// Dressings.
    WoundCare(wound_care::WoundCare),
}

impl Therapy {
    /// Checks an entry of a scenario against the tissue and the host that it will meet.
    pub fn from_entry(entry: &TherapyEntry, grid: &Grid, profile: &Profile) -> Result<Self, String> {
        Self::with_dates(entry, grid, profile, None)
    }

    /// The same with the dates that a rule of care gave: steps, and how many steps a lasting treatment goes on after each.
    /// Without them a treatment that waits for a measurement is not given.
    pub fn with_dates(
        entry: &TherapyEntry,
        grid: &Grid,
        profile: &Profile,
        ordered: Option<(&[u64], u64)>,
    ) -> Result<Self, String> {
        let schedule = match (ordered, &entry.when) {
            (Some((steps, lasts)), _) => Ok(Schedule::ordered(steps, lasts)),
            (None, Some(_)) => Ok(Schedule::ordered(&[], 0)),
            (None, None) => Schedule::new(&entry.course, entry.delay_d),
        };
        schedule
            .and_then(|schedule| Self::checked(entry, grid, profile, schedule))
            .map_err(|message| format!("therapy.{}: {message}", entry.id))
    }

    fn checked(entry: &TherapyEntry, grid: &Grid, profile: &Profile, schedule: Schedule) -> Result<Self, String> {
        if !entry.kind.rule().routes.contains(&entry.route) {
            return Err(format!(
                "route = \"{}\": not a route of {}",
                entry.route.word(),
                entry.kind.word()
            ));
        }
        if let Some(dose) = entry.dose
            && !(dose.amount.is_finite() && dose.amount >= 0.0)
        {
            return Err(format!(
                "dose_{} = {}: expected 0 or more",
                dose.unit.word(),
                dose.amount
            ));
        }
        let order = Order {
            id: entry.id.clone(),
            schedule,
            cost_per_dose: entry.cost_per_dose,
            place_um: place_um(entry, grid)?,
            radius_um: entry.radius_mm.map(|mm| mm * 1000.0),
        };
        Ok(match entry.kind {
            TherapyKind::Msc => Self::Msc(msc_product::MscProduct::new(entry, order)?),
            TherapyKind::Sts => Self::Sts(thiosulfate::Thiosulfate::new(entry, order)),
            TherapyKind::Snf472 => Self::Snf472(fytate::Fytate::new(entry, order)),
            TherapyKind::VitaminK => Self::VitaminK(vitamin_k::VitaminK::new(entry, order)),
            TherapyKind::StopWarfarin => Self::StopWarfarin(stop_warfarin::StopWarfarin::new(order)),
            TherapyKind::Anticoagulant => Self::Anticoagulant(anticoagulant::Anticoagulant::new(entry, order)),
            TherapyKind::PhosphateLowering => {
                Self::PhosphateLowering(phosphate_lowering::PhosphateLowering::new(entry, order))
            }
            TherapyKind::CalciumPhosphateCourse => Self::CalciumPhosphateCourse(
                calcium_phosphate_course::CalciumPhosphateCourse::new(entry, order, profile)?,
            ),
            TherapyKind::Dialysis => Self::Dialysis(dialysis::Dialysis::new(entry, order)),
            TherapyKind::HyperbaricOxygen => {
                Self::HyperbaricOxygen(hyperbaric_oxygen::HyperbaricOxygen::new(entry, order))
            }
            TherapyKind::Debridement => Self::Debridement(debridement::Debridement::new(order)),
            TherapyKind::Antibiotic => Self::Antibiotic(antibiotic::Antibiotic::new(entry, order)),
            TherapyKind::Tpa => Self::Tpa(tpa::Tpa::new(entry, order)),
            TherapyKind::WoundCare => Self::WoundCare(wound_care::WoundCare::new(order)),
        })
    }

    fn apply(&self, p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
        match self {
            Self::Msc(t) => t.apply(p, arrows, tissue, now),
            Self::Sts(t) => t.apply(p, arrows, tissue, now),
            Self::Snf472(t) => t.apply(&p.fytate, tissue, now),
            Self::VitaminK(t) => t.apply(tissue, now),
            Self::StopWarfarin(t) => t.apply(tissue, now),
            Self::Anticoagulant(t) => t.apply(&p.anticoagulant, tissue, now),
            Self::PhosphateLowering(t) => t.apply(tissue, now),
            Self::CalciumPhosphateCourse(t) => t.apply(tissue, now),
            Self::Dialysis(t) => t.apply(tissue, now),
            Self::HyperbaricOxygen(t) => t.apply(&p.hyperbaric_oxygen, tissue, now),
            Self::Debridement(t) => t.apply(p, arrows, tissue, now),
            Self::Antibiotic(t) => t.apply(&p.antibiotic, tissue, now),
            Self::Tpa(t) => t.apply(&p.tpa, tissue, now),
            Self::WoundCare(t) => t.apply(&p.wound_care, tissue, now),
        }
    }
}

/// Everything that the clinic does in this step.
pub(crate) fn apply(p: &Parameters, therapies: &[Therapy], arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    // What lasts is added up anew from the dates.
    tissue.host.added_po2_mmhg = 0.0;
    tissue.host.phosphate_fall = 0.0;
    thiosulfate::fade_depot(&p.thiosulfate, tissue, now.hours);
    for therapy in therapies {
        therapy.apply(p, arrows, tissue, now);
    }
}

/// A place that the scenario names, as a point of the grid; what it leaves out is the middle.
fn place_um(entry: &TherapyEntry, grid: &Grid) -> Result<Option<[f64; 3]>, String> {
    let named = [entry.x_mm, entry.y_mm, entry.depth_mm];
    if named.iter().all(Option::is_none) {
        return Ok(None);
    }
    schedule::place_um(grid, named).map(Some)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::parameters::{Course, Dose, DoseUnit, Instrument, Route, Setting, Trigger, Value};
    use crate::state::fixture;

    /// The parameters of the registry.
    pub(crate) fn parameters() -> Parameters {
        Parameters {
            needle: fixture::defaults("needle"),
            msc_product: fixture::defaults("msc_product"),
            thiosulfate: fixture::defaults("thiosulfate"),
            fytate: fixture::defaults("fytate"),
            anticoagulant: fixture::defaults("anticoagulant"),
            hyperbaric_oxygen: fixture::defaults("hyperbaric_oxygen"),
            debridement: fixture::defaults("debridement"),
            antibiotic: fixture::defaults("antibiotic"),
            tpa: fixture::defaults("tpa"),
            wound_care: fixture::defaults("wound_care"),
            wall_share: 0.5,
            thiosulfate_volume_l_per_kg: 0.23,
        }
    }

    /// One dose on day 1.
    pub(crate) fn entry(kind: TherapyKind, route: Route, dose: Option<(f64, DoseUnit)>) -> TherapyEntry {
        TherapyEntry {
            id: kind.word().into(),
            kind,
            route,
            course: Course {
                start_d: 1.0,
                every_d: None,
                count: None,
            },
            dose: dose.map(|(amount, unit)| Dose { amount, unit }),
            when: None,
            lockout_d: 0.0,
            max_doses: None,
            delay_d: 0.0,
            viability: 1.0,
            cost_per_dose: 100.0,
            x_mm: None,
            y_mm: None,
            depth_mm: None,
            radius_mm: None,
            duration_h: None,
            set: Vec::new(),
        }
    }

    /// The tissue after so many steps of the treatment alone.
    pub(crate) fn treated(mut tissue: Tissue, entry: &TherapyEntry, arrows: &Arrows, steps: u64) -> Tissue {
        let therapy = Therapy::from_entry(entry, &tissue.grid, &tissue.host.profile).unwrap();
        for step in 0..steps {
            let now = fixture::now(step, 1.0);
            apply(&parameters(), std::slice::from_ref(&therapy), arrows, &mut tissue, now);
        }
        tissue
    }

    /// Everything of a tissue, to compare.
    pub(crate) fn picture(tissue: &Tissue) -> String {
        format!("{tissue:?}")
    }

    /// Every kind and route with a usual dose.
    fn all() -> Vec<TherapyEntry> {
        let mut list = Vec::new();
        for &kind in TherapyKind::ALL {
            for &route in kind.rule().routes {
                let dose = kind.doses(route).first().map(|rule| (rule.evidence.1, rule.unit));
                let mut entry = entry(kind, route, dose);
                if kind == TherapyKind::CalciumPhosphateCourse {
                    entry.set.push(Setting {
                        key: "host.phosphate_mmol_per_l".into(),
                        value: Value::Number(1.2),
                    });
                }
                list.push(entry);
            }
        }
        list
    }

    fn ill() -> Tissue {
        let mut tissue = fixture::tissue(fixture::uraemic());
        tissue.host.profile.warfarin = true;
        for x in 8..12 {
            tissue.cells.keratinocytes.covered[x] = 0;
            for z in 0..14 {
                let voxel = tissue.grid.index(x, 0, z);
                tissue.anatomy.kill(voxel, 0);
                tissue.fields.bacteria[voxel] = 0.5;
                tissue.fields.mineral[voxel] = 0.01;
            }
        }
        tissue
    }

    #[test]
    fn every_default_dose_acts_on_its_day_and_not_before() {
        for entry in all() {
            let control = picture(&ill());
            let word = (entry.kind.word(), entry.route.word());
            let before = treated(ill(), &entry, &Arrows::default(), 24);
            assert_eq!(picture(&before), control, "{word:?} before its day");
            let after = treated(ill(), &entry, &Arrows::default(), 25);
            assert_ne!(picture(&after), control, "{word:?} on its day");
            assert_eq!(after.burden.cost, 100.0, "{word:?}");
            assert_eq!(after.events.count, 1, "{word:?}");
        }
    }

    #[test]
    fn a_dose_of_zero_is_the_control_bit_for_bit() {
        for mut entry in all() {
            let Some(dose) = &mut entry.dose else {
                continue;
            };
            dose.amount = 0.0;
            let after = treated(ill(), &entry, &Arrows::default(), 30);
            assert_eq!(
                picture(&after),
                picture(&ill()),
                "{} {}",
                entry.kind.word(),
                entry.route.word()
            );
        }
    }

    #[test]
    fn a_dose_that_waits_for_a_measurement_is_given_when_it_is_ordered_and_only_then() {
        let mut waiting = entry(TherapyKind::StopWarfarin, Route::None, None);
        waiting.when = Some(Trigger {
            instrument: Instrument::WoundArea,
            above: true,
            value: 20.0,
        });
        let arrows = Arrows::default();
        assert_eq!(picture(&treated(ill(), &waiting, &arrows, 50)), picture(&ill()));
        let mut tissue = ill();
        let profile = &tissue.host.profile;
        let ordered = Therapy::with_dates(&waiting, &tissue.grid, profile, Some((&[30], 1))).unwrap();
        for step in 0..31 {
            assert!(tissue.host.profile.warfarin);
            apply(
                &parameters(),
                std::slice::from_ref(&ordered),
                &arrows,
                &mut tissue,
                fixture::now(step, 1.0),
            );
        }
        assert!(!tissue.host.profile.warfarin);
    }

    #[test]
    fn a_route_of_another_treatment_or_a_place_outside_is_refused() {
        let tissue = ill();
        let make = |e: &TherapyEntry| Therapy::from_entry(e, &tissue.grid, &tissue.host.profile);
        let wrong = entry(TherapyKind::Tpa, Route::Oral, Some((10.0, DoseUnit::Mg)));
        assert!(make(&wrong).unwrap_err().contains("route = \"oral\""));
        let mut outside = entry(TherapyKind::Debridement, Route::None, None);
        outside.x_mm = Some(9.0);
        assert!(make(&outside).unwrap_err().contains("x_mm = 9"));
    }

    #[test]
    fn a_late_product_comes_late() {
        let mut late = entry(TherapyKind::StopWarfarin, Route::None, None);
        late.delay_d = 2.0;
        assert!(treated(ill(), &late, &Arrows::default(), 72).host.profile.warfarin);
        assert!(!treated(ill(), &late, &Arrows::default(), 73).host.profile.warfarin);
    }
}
