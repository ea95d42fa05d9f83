//! A twin: ordinary differential equations of the well-mixed limit, solved by other code, against the model.
//! Verification, not evidence: it shows that the equations are solved, not that they are right.
//!
//! The sub-system is the phosphate course of a dialysis patient who starts warfarin, and the mineral of vessel walls that
//! inhibitors hold back. Without loss of endothelium, cells, clots and narrowing every wall is one ordinary equation, when
//! the tissue around it is as well mixed with plasma as `transport.exchange_per_s` lets it be. Nothing here calls the model's
//! own laws: the equations are those of `docs/model.md`, written out again, in small steps of Runge and Kutta.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use crate::common::{Tested, number, parameters, scenario};
use calcisim::model::Model;

const DAYS: usize = 20;

/// A dialysis patient with crystals in every arteriole who starts warfarin on day 2; nothing but mineral goes on.
const PATIENT: &str = r#"
[space]
width_mm = 2.0
depth_mm = 3.0
voxel_um = 50.0
[network]
judge = false
[host]
dialysis = true
phosphate_mmol_per_l = 2.2
calcium_ionised_mmol_per_l = 1.2
magnesium_mmol_per_l = 0.85
pyrophosphate_umol_per_l = 2.26
fetuin_a_g_per_l = 0.6
cmgp_fraction = 0.69
burn_in = { wall_mineral_median = 0.05, gsd = 1.5, share = 1.0 }
[mechanisms]
osteo = false
adipo = false
stenosis = false
neointima = false
ec_injury = false
thrombosis = false
systemic_uraemia = false
[transport]
[[challenge]]
id = "warfarin"
kind = "chemistry"
start_d = 2
set = { warfarin = true }
"#;

/// The numbers of the equations, by their registry keys.
struct Numbers(std::collections::BTreeMap<&'static str, f64>);

impl Numbers {
    fn of(parts: &[&str]) -> calcisim::error::Result<Self> {
        const KEYS: &[&str] = &[
            "host.phosphate_mmol_per_l",
            "host.calcium_ionised_mmol_per_l",
            "host.magnesium_mmol_per_l",
            "host.pyrophosphate_umol_per_l",
            "host.fetuin_a_g_per_l",
            "host.cmgp_fraction",
            "host.session_h",
            "host.sessions_per_week",
            "host.dialysis_phosphate_fall",
            "host.dialysis_pyrophosphate_fall",
            "host.rebound_h",
            "host_chemistry.first_session_h",
            "host_chemistry.cmgp_fall_per_d",
            "host_chemistry.warfarin_cmgp_factor",
            "host_chemistry.pyrophosphate_half_umol_per_l",
            "host_chemistry.fetuin_a_half_g_per_l",
            "host_chemistry.cmgp_half",
            "host_chemistry.magnesium_half_mmol_per_l",
            "mineral.growth_rate_per_d",
            "mineral.first_surface",
            "mineral.growth_product_mm2",
            "mineral.nucleation_product_mm2",
            "mineral.dissolution_rate_per_d",
            "mineral.nuclei_supersaturated_per_d",
            "mineral.nuclei_full",
            "mineral.nidus_sealing_per_d",
        ];
        let mut found = std::collections::BTreeMap::new();
        for key in KEYS {
            found.insert(*key, number(parts, key)?);
        }
        Ok(Self(found))
    }

    fn at(&self, key: &str) -> f64 {
        self.0[key]
    }
}

/// What one wall and the plasma hold: gap of phosphate, gap of pyrophosphate, carboxylated MGP, nuclei, mineral.
type State = [f64; 5];

/// Rates of change [1/d] at a time [d]; `f` is the wall's own factor on growth.
fn rates(n: &Numbers, t: f64, f: f64, [gap_p, gap_q, cmgp, nuclei, mineral]: State) -> State {
    let week = 7.0 / n.at("host.sessions_per_week");
    let since = t - n.at("host_chemistry.first_session_h") / 24.0;
    let in_session = since >= 0.0 && since.rem_euclid(week) < n.at("host.session_h") / 24.0;
    let session_d = n.at("host.session_h") / 24.0;
    let gap = |gap: f64, fall: f64| {
        if in_session {
            -(1.0 - fall).ln() / session_d * (1.0 - gap)
        } else {
            -gap / (n.at("host.rebound_h") / 24.0)
        }
    };
    let bare = n.at("host.cmgp_fraction");
    let cmgp_rate = if t >= 2.0 {
        n.at("host_chemistry.cmgp_fall_per_d") * (bare * n.at("host_chemistry.warfarin_cmgp_factor") - cmgp)
    } else {
        0.0
    };
    let share = |c: f64, half: &str| 1.0 / (1.0 + c / n.at(half));
    let left = share(
        n.at("host.pyrophosphate_umol_per_l") * (1.0 - gap_q),
        "host_chemistry.pyrophosphate_half_umol_per_l",
    ) * share(n.at("host.fetuin_a_g_per_l"), "host_chemistry.fetuin_a_half_g_per_l")
        * share(cmgp, "host_chemistry.cmgp_half")
        * share(
            n.at("host.magnesium_mmol_per_l"),
            "host_chemistry.magnesium_half_mmol_per_l",
        );
    let product = n.at("host.calcium_ionised_mmol_per_l") * n.at("host.phosphate_mmol_per_l") * (1.0 - gap_p);
    let excess = |limit: &str| (product / n.at(limit) - 1.0).max(0.0);
    let s = excess("mineral.growth_product_mm2");
    let born = left * n.at("mineral.nuclei_supersaturated_per_d") * excess("mineral.nucleation_product_mm2")
        / n.at("mineral.nuclei_full");
    let surface = (mineral + n.at("mineral.first_surface")).powf(2.0 / 3.0);
    [
        gap(gap_p, n.at("host.dialysis_phosphate_fall")),
        gap(gap_q, n.at("host.dialysis_pyrophosphate_fall")),
        cmgp_rate,
        (1.0 - nuclei) * born - n.at("mineral.nidus_sealing_per_d") * nuclei,
        n.at("mineral.growth_rate_per_d") * f * s * s * left * nuclei * surface * (1.0 - mineral)
            - n.at("mineral.dissolution_rate_per_d") * mineral,
    ]
}

/// One wall after so many days, by Runge and Kutta in steps of three minutes, so that no step straddles a session's end.
fn twin(n: &Numbers, f: f64, nuclei: f64, mineral: f64) -> f64 {
    let mut y: State = [0.0, 0.0, n.at("host.cmgp_fraction"), nuclei, mineral];
    let h = 1.0 / 480.0;
    let add = |y: State, k: State, h: f64| -> State { std::array::from_fn(|i| y[i] + h * k[i]) };
    for step in 0..DAYS * 480 {
        // The middle of the step tells whether a session runs.
        let t = (step as f64 + 0.5) * h;
        let a = rates(n, t, f, y);
        let b = rates(n, t, f, add(y, a, h / 2.0));
        let c = rates(n, t, f, add(y, b, h / 2.0));
        let d = rates(n, t, f, add(y, c, h));
        y = std::array::from_fn(|i| y[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]));
    }
    y[4]
}

/// Largest relative gap between the growth of the model's walls and of their twins: tissue that destroys inhibitors at a rate
/// [1/d], an exchange with plasma so many times the usual, steps so long.
fn gap(decay_per_d: f64, exchange: f64, step_h: f64) -> Result<f64, Box<dyn std::error::Error>> {
    let usual = scenario(&[PATIENT])?.number("transport.exchange_per_s");
    let mixing = format!(
        "[transport]\nexchange_per_s = {:?}\nresolve_tolerance_plasma = 0.0\ninhibitor_decay_per_d = {decay_per_d:?}\n",
        usual * exchange
    );
    let text = PATIENT.replace("[transport]\n", &mixing);
    let mut parameters = parameters(&[&text])?;
    parameters.step_h = step_h;
    let numbers = Numbers::of(&[&text])?;
    let mut model = Model::new(parameters, 1)?;
    let v = &model.tissue.vessels;
    let walls: Vec<usize> = (0..v.len()).filter(|&s| v.mineral[s] > 0.0).step_by(7).collect();
    assert!(walls.len() > 5, "{} walls carry mineral", walls.len());
    let start: Vec<[f64; 3]> = walls
        .iter()
        .map(|&s| {
            [
                v.mineral_factor[s] * model.tissue.site.mineral,
                v.nidus[s],
                v.mineral[s],
            ]
        })
        .collect();
    for _ in 0..(DAYS as f64 * 24.0 / step_h).round() as usize {
        model.step()?;
    }
    let mut worst = 0.0f64;
    for (&s, &[factor, nuclei, mineral]) in walls.iter().zip(&start) {
        let grown = model.tissue.vessels.mineral[s] - mineral;
        let expected = twin(&numbers, factor, nuclei, mineral) - mineral;
        assert!(expected.abs() > 1e-4, "the twin of wall {s} moves: {expected}");
        worst = worst.max((grown / expected - 1.0).abs());
    }
    Ok(worst)
}

#[test]
fn walls_approach_their_twins_as_tissue_is_better_mixed_with_plasma() -> Tested {
    let gaps = [1.0, 10.0, 100.0, 500.0].map(|exchange| gap(20.0, exchange, 1.0));
    let [usual, ten, hundred, most] = gaps;
    let (usual, ten, hundred, most) = (usual?, ten?, hundred?, most?);
    println!(
        "largest gap of growth over {DAYS} days: exchange x 1, 10, 100, 500: {usual:.4}, {ten:.4}, {hundred:.4}, {most:.4}"
    );
    // First order in the inverse of the exchange, down to the hourly step.
    assert!(ten < 0.3 * usual && hundred < 0.2 * ten && most < 0.4 * hundred);
    assert!(most < 0.01, "well mixed, yet {most} apart");
    Ok(())
}

#[test]
fn where_tissue_takes_nothing_only_the_step_is_between_them() -> Tested {
    let (hour, quarter) = (gap(0.0, 1.0, 1.0)?, gap(0.0, 1.0, 0.25)?);
    println!("largest gap: steps of an hour {hour:.5}, of a quarter {quarter:.5}");
    assert!(hour < 0.002, "{hour}");
    assert!(quarter < 0.6 * hour, "{quarter} after {hour}");
    Ok(())
}
