//! Host chemistry: what the plasma carries; dialysis, vitamin K and drugs move it, and time moves it back.
//!
//! ```text
//! I = 1 − [ Π_j 1/(1 + c_j/K_j) · (1 − E_f·f/(f + K_f)) ]^a        effective inhibition of mineral
//! P = P_standing·(1 − g),  g rises in a session, dg/dt = −g/τ after it   (pyrophosphate likewise)
//! dx/dt = k·(target − x)                                             carboxylated MGP, protein C, factor II, drugs
//! ```
//!
//! | symbol     | meaning                                                    | unit            | in code                          |
//! |------------|------------------------------------------------------------|-----------------|----------------------------------|
//! | c_j, K_j   | pyrophosphate, fetuin-A, carboxylated MGP, magnesium       | µM, g/L, -, mM  | `host.*`, `*_half*`              |
//! | f, E_f, K_f| fytate, its largest effect, its half-effect                | µmol/L, -       | `host.fytate`, `fytate_*`        |
//! | a          | switch `inhibitor`: 0 = nothing holds mineral back         | -               | `arrows.inhibitor`               |
//! | g, τ       | share removed by dialysis and not yet back; its rebound    | -, h            | `host.*_gap`, `profile.rebound_h`|
//!
//! Reads `host.profile`. Writes every other part of `host` but `pressure_factor`, `added_po2_mmhg`, `phosphate_fall`
//! (the date's own) and `msc_coagulation_relief`. No dice.
//!
//! Vitamin K: carboxylated MGP relaxes to profile × (warfarin ? factor : 1), of what is then lacking vitamin K restores
//! 1 − exp(−dose in the body/scale). Protein C (half-life 7 h) and factor II (66 h) relax to the same suppressed level, so
//! protein C falls first: factor II/protein C is 1.9 between 24 and 48 h after the first dose, and 1 again later.
//! Thiosulfate: two compartments, integrated exactly; a dialysis session adds clearance.
//!
//! Source: inhibition form and K biology section 4.1; fytate doi 10.3389/fphar.2024.1325186; thiosulfate clearance and
//! dose of the pharmacokinetics abstract cited there; pyrophosphate fall PMID 15958726; magnesium doi 10.2215/CJN.13921217.
//! We assume: standing values change with one lag; phosphate and pyrophosphate share one rebound; the switch
//! `systemic_uraemia` owns the toxin level alone (phosphate is chemistry, not toxin); the switch `inhibitor` is an
//! exponent, so that 0 is no inhibition, 1 the law, and no strength leaves 0..1.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::state::{Host, Now, Profile, Tissue};

/// Plasma values of one dialysis session, from a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoursePoint {
    /// Day from which they hold.
    pub day: f64,
    /// Phosphate before dialysis [mmol/L].
    pub phosphate_mmol_per_l: f64,
    /// Ionised calcium [mmol/L].
    pub calcium_ionised_mmol_per_l: f64,
}

/// Registry section `host_chemistry`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Hour of the run at which the first dialysis session begins [h].
    pub first_session_h: f64,
    /// Time constant with which plasma follows a change of the standing values [h].
    pub plasma_lag_h: f64,
    /// Lowest standing phosphate that binders can reach [mmol/L].
    pub phosphate_floor_mmol_per_l: f64,
    /// Rate at which carboxylated MGP falls to a lower level [1/d].
    pub cmgp_fall_per_d: f64,
    /// Rate at which carboxylated MGP rises to a higher level [1/d].
    pub cmgp_rise_per_d: f64,
    /// Factor of warfarin on carboxylated MGP.
    pub warfarin_cmgp_factor: f64,
    /// Factor of warfarin on protein C and factor II.
    pub warfarin_clotting_factor: f64,
    /// Half-life of protein C [h].
    pub protein_c_half_life_h: f64,
    /// Half-life of factor II [h].
    pub factor_ii_half_life_h: f64,
    /// Half-life of given vitamin K [h].
    pub vitamin_k_half_life_h: f64,
    /// Vitamin K in the body that restores 63 % of lacking carboxylation [mg].
    pub vitamin_k_scale_mg: f64,
    /// Pyrophosphate that halves the drive of mineral [µmol/L].
    pub pyrophosphate_half_umol_per_l: f64,
    /// Fetuin-A that halves it [g/L].
    pub fetuin_a_half_g_per_l: f64,
    /// Carboxylated share of MGP that halves it.
    pub cmgp_half: f64,
    /// Magnesium that halves it [mmol/L].
    pub magnesium_half_mmol_per_l: f64,
    /// Largest effect of fytate, share.
    pub fytate_max: f64,
    /// Fytate with half of its effect [µmol/L].
    pub fytate_half_umol_per_l: f64,
    /// Half-life of fytate [h].
    pub fytate_half_life_h: f64,
    /// Clearance of thiosulfate without kidneys [ml/min/kg].
    pub thiosulfate_clearance_ml_per_min_per_kg: f64,
    /// Added clearance of thiosulfate in a session [ml/min/kg].
    pub thiosulfate_dialysis_clearance_ml_per_min_per_kg: f64,
    /// Fast volume of thiosulfate [L/kg].
    pub thiosulfate_volume_l_per_kg: f64,
    /// Exchange of thiosulfate, fast to slow compartment [1/h].
    pub thiosulfate_to_slow_per_h: f64,
    /// Exchange of thiosulfate, slow to fast compartment [1/h].
    pub thiosulfate_from_slow_per_h: f64,
    /// Half-life of living stem cells in the lung [h].
    pub msc_lung_half_life_h: f64,
    /// Half-life of their systemic repair signal [h].
    pub msc_signal_half_life_h: f64,
    /// Half-life of their tissue factor [h].
    pub msc_tissue_factor_half_life_h: f64,
    /// Half-life of the anticoagulant [h].
    pub anticoagulant_half_life_h: f64,
    /// Half-life of the effect of a thrombolytic drug [h].
    pub thrombolysis_half_life_h: f64,
    /// Half-life of the antibiotic [h].
    pub antibiotic_half_life_h: f64,
    /// Plasma values per dialysis session, sorted by day; empty = the standing values.
    #[serde(skip)]
    pub course: Vec<CoursePoint>,
}

/// Effective inhibition of mineral by what the plasma carries, 0-1.
pub fn inhibition(p: &Parameters, host: &Host, strength: f64) -> f64 {
    let shared = |c: f64, half: f64| 1.0 / (1.0 + math::positive(c) / half);
    let fytate = p.fytate_max * host.fytate / (host.fytate + p.fytate_half_umol_per_l);
    let left = shared(host.pyrophosphate, p.pyrophosphate_half_umol_per_l)
        * shared(host.fetuin_a, p.fetuin_a_half_g_per_l)
        * shared(host.cmgp, p.cmgp_half)
        * shared(host.magnesium, p.magnesium_half_mmol_per_l)
        * (1.0 - fytate);
    1.0 - math::pow(left, strength)
}

/// Rate of a half-life [1/h].
fn rate(half_life_h: f64) -> f64 {
    std::f64::consts::LN_2 / half_life_h
}

/// What is left after some hours of a decay with this half-life.
fn decayed(x: f64, half_life_h: f64, hours: f64) -> f64 {
    x * math::exp(-rate(half_life_h) * hours)
}

/// Amounts in a fast and a slow compartment after some hours, exactly (out of the fast one, to and from the slow one).
fn two_compartments(fast: f64, slow: f64, out: f64, to: f64, from: f64, hours: f64) -> (f64, f64) {
    if fast == 0.0 && slow == 0.0 {
        return (0.0, 0.0);
    }
    // exp(Mt) = e^{µt}·[cosh(δt) + (M − µ)·sinh(δt)/δ] with the eigenvalues µ ± δ of M, both real and not positive.
    let (a, d) = (-(out + to), -from);
    let mean = (a + d) / 2.0;
    let delta = (math::square((a - d) / 2.0) + to * from).sqrt();
    let (up, down) = (math::exp((mean + delta) * hours), math::exp((mean - delta) * hours));
    let cosh = (up + down) / 2.0;
    let sinh = if delta * hours > 1e-8 {
        (up - down) / (2.0 * delta)
    } else {
        hours * up
    };
    (
        math::positive(cosh * fast + sinh * ((a - mean) * fast + from * slow)),
        math::positive(cosh * slow + sinh * (to * fast + (d - mean) * slow)),
    )
}

/// Pieces of the span from `begin` to `end` [h]: (hours, whether in a session), and how far the last session has come at the
/// end, negative between sessions.
fn sessions(p: &Parameters, profile: &Profile, begin: f64, end: f64) -> (Vec<(f64, bool)>, f64) {
    let hours = end - begin;
    if !profile.dialysis || profile.sessions_per_week <= 0.0 || profile.session_h <= 0.0 {
        return (vec![(hours, false)], -1.0);
    }
    let interval = 168.0 / profile.sessions_per_week;
    let length = math::min(profile.session_h, interval);
    let mut pieces = Vec::new();
    let mut into = -1.0;
    let mut at = begin;
    let mut number = math::positive(((begin - p.first_session_h) / interval).floor());
    while end - at > 1e-9 {
        let start = p.first_session_h + number * interval;
        let (stop, running) = if at < start {
            (start, false)
        } else {
            (start + length, true)
        };
        let stop = math::min(stop, end);
        if stop > at {
            pieces.push((stop - at, running));
            into = if running { stop - start } else { -1.0 };
            at = stop;
        }
        if running && at < end {
            number += 1.0;
        }
    }
    if into >= length - 1e-9 {
        into = -1.0;
    }
    (pieces, into)
}

/// One step of the plasma.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let host = &mut tissue.host;
    let hours = now.hours;
    follow_course(&p.course, &mut host.profile, now.day);
    advance_minerals(p, host, now);
    advance_vitamin_k(p, host, hours);

    host.toxin = math::relax(
        host.toxin,
        host.profile.toxin_level * arrows.systemic_uraemia,
        1.0 / p.plasma_lag_h,
        hours,
    );
    host.fytate = decayed(host.fytate, p.fytate_half_life_h, hours);
    host.msc_lung = decayed(host.msc_lung, p.msc_lung_half_life_h, hours);
    host.msc_signal = decayed(host.msc_signal, p.msc_signal_half_life_h, hours);
    host.msc_tissue_factor = decayed(host.msc_tissue_factor, p.msc_tissue_factor_half_life_h, hours);
    host.thrombolysis = 1.0 + decayed(host.thrombolysis - 1.0, p.thrombolysis_half_life_h, hours);
    host.antibiotic_kill_per_h = decayed(host.antibiotic_kill_per_h, p.antibiotic_half_life_h, hours);
    // Anticoagulation is 1/(1 + level): the level is what decays.
    let level = decayed(1.0 / host.anticoagulation - 1.0, p.anticoagulant_half_life_h, hours);
    host.anticoagulation = 1.0 / (1.0 + level);

    host.inhibition = inhibition(p, host, arrows.inhibitor);
}

/// The latest row of a table of plasma values sets the standing values.
fn follow_course(course: &[CoursePoint], profile: &mut Profile, day: f64) {
    if let Some(point) = course.iter().rev().find(|point| point.day <= day) {
        profile.phosphate_mmol_per_l = point.phosphate_mmol_per_l;
        profile.calcium_ionised_mmol_per_l = point.calcium_ionised_mmol_per_l;
    }
}

/// Calcium, magnesium, fetuin-A, phosphate and pyrophosphate with their dialysis rhythm; thiosulfate with its clearance.
fn advance_minerals(p: &Parameters, host: &mut Host, now: Now) {
    let lag = 1.0 / p.plasma_lag_h;
    let hours = now.hours;
    let profile = &host.profile;
    host.calcium = math::relax(host.calcium, profile.calcium_ionised_mmol_per_l, lag, hours);
    host.magnesium = math::relax(host.magnesium, profile.magnesium_mmol_per_l, lag, hours);
    host.fetuin_a = math::relax(host.fetuin_a, profile.fetuin_a_g_per_l, lag, hours);

    let target = math::max(
        profile.phosphate_mmol_per_l - host.phosphate_fall,
        math::min(p.phosphate_floor_mmol_per_l, profile.phosphate_mmol_per_l),
    );
    let phosphate = math::relax(host.phosphate / (1.0 - host.phosphate_gap), target, lag, hours);
    let pyrophosphate = math::relax(
        host.pyrophosphate / (1.0 - host.pyrophosphate_gap),
        profile.pyrophosphate_umol_per_l,
        lag,
        hours,
    );

    let begin = now.step as f64 * hours;
    let end = (now.step + 1) as f64 * hours;
    let (pieces, into) = sessions(p, profile, begin, end);
    let per_h = 0.06 / p.thiosulfate_volume_l_per_kg;
    for (span, running) in pieces {
        let mut out = p.thiosulfate_clearance_ml_per_min_per_kg * per_h;
        if running {
            out += p.thiosulfate_dialysis_clearance_ml_per_min_per_kg * per_h;
            host.dialyse(span);
        } else {
            let left = math::exp(-span / host.profile.rebound_h);
            host.phosphate_gap *= left;
            host.pyrophosphate_gap *= left;
        }
        (host.thiosulfate, host.thiosulfate_slow) = two_compartments(
            host.thiosulfate,
            host.thiosulfate_slow,
            out,
            p.thiosulfate_to_slow_per_h,
            p.thiosulfate_from_slow_per_h,
            span,
        );
    }
    host.session_hour = into;
    host.phosphate = phosphate * (1.0 - host.phosphate_gap);
    host.pyrophosphate = pyrophosphate * (1.0 - host.pyrophosphate_gap);
}

/// Carboxylated MGP, protein C and factor II.
fn advance_vitamin_k(p: &Parameters, host: &mut Host, hours: f64) {
    let (cmgp_factor, clotting_factor) = if host.profile.warfarin {
        (p.warfarin_cmgp_factor, p.warfarin_clotting_factor)
    } else {
        (1.0, 1.0)
    };
    let bare = host.profile.cmgp_fraction * cmgp_factor;
    let restored = math::one_minus_exp(host.vitamin_k_mg / p.vitamin_k_scale_mg);
    let target = bare + (1.0 - bare) * restored;
    let per_d = if target < host.cmgp {
        p.cmgp_fall_per_d
    } else {
        p.cmgp_rise_per_d
    };
    host.cmgp = math::relax(host.cmgp, target, per_d / 24.0, hours);
    host.vitamin_k_mg = decayed(host.vitamin_k_mg, p.vitamin_k_half_life_h, hours);
    host.protein_c = math::relax(
        host.protein_c,
        host.profile.protein_c * clotting_factor,
        rate(p.protein_c_half_life_h),
        hours,
    );
    host.factor_ii = math::relax(host.factor_ii, clotting_factor, rate(p.factor_ii_half_life_h), hours);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture;

    fn parameters() -> Parameters {
        fixture::defaults("host_chemistry")
    }

    fn advance(tissue: &mut Tissue, from_h: f64, to_h: f64, hours: f64) {
        let p = parameters();
        let steps = ((to_h - from_h) / hours).round() as u64;
        let first = (from_h / hours).round() as u64;
        for step in first..first + steps {
            apply(&p, &Arrows::default(), tissue, fixture::now(step, hours));
        }
    }

    #[test]
    fn a_healthy_plasma_stays_where_it_is() {
        let mut tissue = fixture::tissue(fixture::healthy());
        advance(&mut tissue, 0.0, 1.0, 1.0);
        let first = tissue.host.clone();
        advance(&mut tissue, 1.0, 500.0, 1.0);
        assert_eq!(first, tissue.host);
        assert_eq!(tissue.host.phosphate, 1.1);
        assert!((tissue.host.inhibition - 0.977).abs() < 0.001);
    }

    #[test]
    fn a_session_takes_its_share_and_the_rest_of_the_week_gives_it_back() {
        let mut tissue = fixture::tissue(fixture::uraemic());
        let start = parameters().first_session_h;
        advance(&mut tissue, 0.0, start + 4.0, 1.0);
        assert!((tissue.host.phosphate / 2.2 - 0.55).abs() < 1e-9);
        assert!((tissue.host.pyrophosphate / 2.26 - 0.68).abs() < 1e-9);
        advance(&mut tissue, start + 4.0, start + 16.0, 1.0);
        let gap = 1.0 - tissue.host.phosphate / 2.2;
        assert!((gap - 0.45 * math::exp(-1.0)).abs() < 1e-9);
    }

    #[test]
    fn ten_minute_steps_and_hours_give_the_same_plasma() {
        let mut coarse = fixture::tissue(fixture::uraemic());
        let mut fine = coarse.clone();
        for t in [&mut coarse, &mut fine] {
            t.host.profile.warfarin = true;
            t.host.thiosulfate = 5.0;
            t.host.fytate = 20.0;
        }
        advance(&mut coarse, 0.0, 83.0, 1.0);
        advance(&mut fine, 0.0, 83.0, 1.0 / 6.0);
        for (a, b) in [
            (coarse.host.phosphate, fine.host.phosphate),
            (coarse.host.protein_c, fine.host.protein_c),
            (coarse.host.thiosulfate, fine.host.thiosulfate),
            (coarse.host.thiosulfate_slow, fine.host.thiosulfate_slow),
            (coarse.host.cmgp, fine.host.cmgp),
        ] {
            assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{a} {b}");
        }
    }

    #[test]
    fn warfarin_makes_protein_c_fall_first() {
        let mut tissue = fixture::tissue(fixture::healthy());
        tissue.host.profile.warfarin = true;
        let ratio = |t: &Tissue| t.host.factor_ii / t.host.protein_c;
        advance(&mut tissue, 0.0, 24.0, 1.0);
        assert!((ratio(&tissue) - 1.9).abs() < 0.03);
        advance(&mut tissue, 24.0, 48.0, 1.0);
        assert!((ratio(&tissue) - 1.9).abs() < 0.05);
        advance(&mut tissue, 48.0, 24.0 * 40.0, 1.0);
        assert!((ratio(&tissue) - 1.0).abs() < 1e-3);
        assert!((tissue.host.cmgp - 0.85 * 0.4).abs() < 0.01);
    }

    #[test]
    fn vitamin_k_three_times_a_week_carboxylates_a_sixth_of_what_lacks() {
        let mut tissue = fixture::tissue(fixture::uraemic());
        let lacking = 1.0 - tissue.host.profile.cmgp_fraction;
        for dose in 0..48 {
            tissue.host.vitamin_k_mg += 0.36;
            let start = f64::from(dose) * 56.0;
            advance(&mut tissue, start, start + 56.0, 1.0);
        }
        let now_lacking = 1.0 - tissue.host.cmgp;
        assert!((1.0 - now_lacking / lacking - 0.16).abs() < 0.04);
    }

    #[test]
    fn thiosulfate_leaves_fast_then_slowly_and_faster_in_a_session() {
        let p = parameters();
        let out = p.thiosulfate_clearance_ml_per_min_per_kg * 0.06 / p.thiosulfate_volume_l_per_kg;
        let (to, from) = (p.thiosulfate_to_slow_per_h, p.thiosulfate_from_slow_per_h);
        let half = |t: f64| two_compartments(5.0, 0.0, out, to, from, t).0;
        let early = std::f64::consts::LN_2 / math::ln(half(0.0) / half(1.0));
        assert!((early * 60.0 - 80.0).abs() < 12.0, "{} min", early * 60.0);
        let late = 8.0 * std::f64::consts::LN_2 / math::ln(half(40.0) / half(48.0));
        assert!((late - 8.0).abs() < 1.0, "{late} h");
        assert!(two_compartments(5.0, 0.0, 2.0 * out, to, from, 4.0).0 < half(4.0));
    }

    #[test]
    fn without_inhibitors_nothing_is_inhibited_and_the_switch_does_the_same() {
        let p = parameters();
        let mut host = Host::at_rest(fixture::healthy());
        assert_eq!(inhibition(&p, &host, 0.0), 0.0);
        (host.pyrophosphate, host.fetuin_a, host.cmgp, host.magnesium) = (0.0, 0.0, 0.0, 0.0);
        assert_eq!(inhibition(&p, &host, 1.0), 0.0);
    }

    #[test]
    fn fytate_reproduces_both_measured_points() {
        let p = parameters();
        let mut host = Host::at_rest(fixture::uraemic());
        let without = 1.0 - inhibition(&p, &host, 1.0);
        for (c, share) in [(15.0, 0.61), (46.0, 0.75)] {
            host.fytate = c;
            let with = 1.0 - inhibition(&p, &host, 1.0);
            assert!((1.0 - with / without - share).abs() < 0.02);
        }
    }

    #[test]
    fn magnesium_acts_in_the_direction_of_the_trial() {
        let p = parameters();
        let mut host = Host::at_rest(fixture::uraemic());
        host.magnesium = 0.7;
        let low = inhibition(&p, &host, 1.0);
        host.magnesium = 1.1;
        assert!(inhibition(&p, &host, 1.0) > low);
    }

    #[test]
    fn uraemia_switched_off_takes_the_toxins_away() {
        let mut tissue = fixture::tissue(fixture::uraemic());
        let arrows = Arrows {
            systemic_uraemia: 0.0,
            ..Arrows::default()
        };
        for step in 0..1000 {
            apply(&parameters(), &arrows, &mut tissue, fixture::now(step, 1.0));
        }
        assert!(tissue.host.toxin < 1e-15);
        assert!(tissue.host.phosphate > 1.0);
    }
}
