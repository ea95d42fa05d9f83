//! Instruments: what a clinic would measure, kept apart from what the model is.
//!
//! Each file is one instrument: what it reads, its noise, its delay, where it is put, and what that rests on. An instrument
//! reads the tissue and the host, never writes, and draws its noise from (seed, step of the visit, instrument), so two arms of
//! one seed share it. Readings of every visit stand in `observe.csv`; rules of care (`when = "…"`) read nothing else.

pub mod albumin;
pub mod calcium_column;
pub mod crp;
pub mod d_dimer;
pub mod f_cmgp;
pub mod inr;
pub mod ppi;
pub mod t50;
pub mod tcpo2;
pub mod wound_area;

use super::cell;
use crate::parameters::Instrument;
use crate::random::{Purpose, Roll};
use crate::state::{Now, Tissue};
use crate::therapies::policy::{Clinic, Reading};

/// The instruments of a scenario and the days on which they are read.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // Each field is the instrument of its name; see its file.
pub struct Instruments {
    pub clinic: Clinic,
    pub tcpo2: tcpo2::Parameters,
    pub wound_area: wound_area::Parameters,
    pub calcium_column: calcium_column::Parameters,
    pub crp: crp::Parameters,
    pub d_dimer: d_dimer::Parameters,
    pub f_cmgp: f_cmgp::Parameters,
    pub ppi: ppi::Parameters,
    pub albumin: albumin::Parameters,
    pub inr: inr::Parameters,
    pub t50: t50::Parameters,
}

/// Those with a column in `observe.csv`, in its order.
const COLUMNS: [Instrument; 10] = [
    Instrument::Tcpo2,
    Instrument::WoundArea,
    Instrument::CalciumColumn,
    Instrument::Crp,
    Instrument::DDimer,
    Instrument::FCmgp,
    Instrument::Ppi,
    Instrument::Albumin,
    Instrument::Inr,
    Instrument::T50,
];

impl Instruments {
    /// What an instrument says at a visit; nothing where it has nothing to read (no skin surface), and of a biopsy, which is
    /// taken and looked at after the run.
    pub fn read(&self, instrument: Instrument, tissue: &Tissue, now: Now) -> Option<Reading> {
        let mut roll = now.dice.roll(Purpose::Measurement, instrument as u64);
        let dice = &mut roll;
        let (value, delay_d) = match instrument {
            Instrument::Tcpo2 => (tcpo2::read(&self.tcpo2, tissue, dice)?, self.tcpo2.delay_d),
            Instrument::WoundArea => (
                wound_area::read(&self.wound_area, tissue, dice)?,
                self.wound_area.delay_d,
            ),
            Instrument::CalciumColumn => (
                calcium_column::read(&self.calcium_column, tissue, dice),
                self.calcium_column.delay_d,
            ),
            Instrument::Crp => (crp::read(&self.crp, tissue, dice), self.crp.delay_d),
            Instrument::DDimer => (d_dimer::read(&self.d_dimer, tissue, dice), self.d_dimer.delay_d),
            Instrument::FCmgp => (f_cmgp::read(&self.f_cmgp, tissue, dice), self.f_cmgp.delay_d),
            Instrument::Ppi => (ppi::read(&self.ppi, tissue, dice), self.ppi.delay_d),
            Instrument::Albumin => (albumin::read(&self.albumin, tissue, dice), self.albumin.delay_d),
            Instrument::Inr => (inr::read(&self.inr, tissue, dice), self.inr.delay_d),
            Instrument::T50 => (t50::read(&self.t50, tissue, dice), self.t50.delay_d),
            Instrument::Biopsy => return None,
        };
        Some(Reading { value, delay_d })
    }

    /// The header of `observe.csv`: the day of the sample, then a column by instrument with its unit.
    pub fn header() -> String {
        let names = COLUMNS.map(|one| format!(",{}{}", one.word(), suffix(one.unit())));
        format!("t_d{}\n", names.concat())
    }

    /// The line of a visit.
    pub fn line(&self, tissue: &Tissue, now: Now) -> String {
        let cells = COLUMNS.map(|one| format!(",{}", cell(self.read(one, tissue, now).map(|reading| reading.value))));
        format!("{}{}\n", super::number(now.day), cells.concat())
    }
}

/// A unit as the end of a column's name.
fn suffix(unit: &str) -> String {
    if unit == "-" {
        return String::new();
    }
    let plain = unit.to_lowercase().replace('µ', "u").replace('²', "2");
    format!("_{}", plain.replace('/', "_per_"))
}

/// A value with noise in proportion to it.
fn proportional(value: f64, sd_log: f64, roll: &mut Roll) -> f64 {
    value * roll.log_normal(1.0, sd_log)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::output::series::tests::skin;
    use crate::state::fixture;

    /// The instruments of the registry.
    pub(crate) fn instruments() -> Instruments {
        Instruments {
            clinic: fixture::defaults("clinic"),
            tcpo2: fixture::defaults("tcpo2"),
            wound_area: fixture::defaults("wound_area"),
            calcium_column: fixture::defaults("calcium_column"),
            crp: fixture::defaults("crp"),
            d_dimer: fixture::defaults("d_dimer"),
            f_cmgp: fixture::defaults("f_cmgp"),
            ppi: fixture::defaults("ppi"),
            albumin: fixture::defaults("albumin"),
            inr: fixture::defaults("inr"),
            t50: fixture::defaults("t50"),
        }
    }

    /// One reading at a step of seed 1 (`fixture::now`).
    pub(crate) fn reading(instrument: Instrument, tissue: &Tissue, step: u64) -> f64 {
        let now = fixture::now(step, 1.0);
        instruments()
            .read(instrument, tissue, now)
            .map_or(f64::NAN, |reading| reading.value)
    }

    #[test]
    fn a_line_has_a_cell_for_every_name_of_the_header() {
        let line = instruments().line(&skin(), fixture::now(168, 1.0));
        assert_eq!(line.matches(',').count(), Instruments::header().matches(',').count());
        assert!(Instruments::header().starts_with("t_d,tcpo2_mmhg,wound_area_mm2,calcium_column_mg_per_cm2,"));
        assert!(line.starts_with("7,"), "{line}");
    }

    #[test]
    fn the_noise_is_that_of_the_visit_and_of_the_instrument() {
        let tissue = skin();
        let crp = |step| reading(Instrument::Crp, &tissue, step);
        assert_eq!(crp(168), crp(168), "two arms share it");
        assert_ne!(crp(168), crp(336));
        let relative = |instrument, truth: f64| reading(instrument, &tissue, 168) / truth;
        assert_ne!(
            relative(Instrument::Albumin, tissue.host.profile.albumin_g_per_l),
            relative(Instrument::Inr, 1.0)
        );
    }

    #[test]
    fn measuring_leaves_no_trace() {
        let tissue = skin();
        let before = format!("{tissue:?}");
        instruments().line(&tissue, fixture::now(168, 1.0));
        assert_eq!(format!("{tissue:?}"), before);
    }

    #[test]
    fn a_biopsy_is_no_reading_of_a_visit() {
        let now = fixture::now(0, 1.0);
        assert_eq!(instruments().read(Instrument::Biopsy, &skin(), now), None);
    }
}
