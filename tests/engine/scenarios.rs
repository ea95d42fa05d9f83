//! Every shipped scenario runs one day.

use calcisim::parameters::TherapyKind;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{RunSettings, simulate};

#[test]
fn every_shipped_scenario_runs_one_day() {
    // Coarse voxels, a network as it is drawn: what is asked here is that every value is taken and every process runs.
    let sets = ["space.voxel_um=40", "network.judge=false"].map(str::to_owned);
    let mut seen = 0;
    for name in Shipped::names() {
        let (mut scenario, _) = Scenario::load(&Shipped, name, &sets).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        scenario.set_days(1.0).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let settings = RunSettings::of(&scenario, &Shipped).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let (model, summary) =
            simulate(&settings, scenario.seed(), &mut |_| Ok(())).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(model.clock.step(), settings.last_step(), "{name}");
        assert_eq!(summary.scenario, name);
        seen += 1;
    }
    assert!(seen >= 25, "the scenarios of the contract are there: {seen}");
}

#[test]
fn a_treatment_or_insult_of_every_scenario_still_acts_on_its_first_date() {
    // Dated events are moved to the first day, so that a day suffices to see each of them strike.
    for name in Shipped::names() {
        let (scenario, _) = Scenario::load(&Shipped, name, &[]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let mut sets = vec!["space.voxel_um=40".to_owned(), "network.judge=false".to_owned()];
        // An insult of strength 0 is how a scenario drops one of the scenario that it extends.
        let dated = scenario
            .challenges()
            .iter()
            .filter(|c| c.strength > 0.0)
            .map(|c| format!("challenge.{}.start_d=0", c.id));
        // A trigger may wait for more than a day; a blade finds nothing to take in living tissue; a dose of 0 is none.
        let treated = scenario
            .therapies()
            .iter()
            .filter(|t| t.when.is_none() && t.kind != TherapyKind::Debridement)
            .filter(|t| t.dose.as_ref().is_none_or(|dose| dose.amount > 0.0))
            .map(|t| format!("therapy.{}.start_d=0.5", t.id));
        let before = sets.len();
        sets.extend(dated.chain(treated));
        let wanted = sets.len() - before;
        if wanted == 0 {
            continue;
        }
        let (mut scenario, _) = Scenario::load(&Shipped, name, &sets).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        scenario.set_days(1.0).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let settings = RunSettings::of(&scenario, &Shipped).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let mut struck = std::collections::BTreeSet::new();
        let mut note = |moment: &calcisim::simulation::Moment| {
            for event in moment.events {
                if event.entity.starts_with("challenge:") || event.entity.starts_with("therapy:") {
                    struck.insert(event.entity.clone());
                }
            }
            Ok(())
        };
        simulate(&settings, 1, &mut note).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(struck.len(), wanted, "{name}: {struck:?}");
    }
}

/// Names of the contract: other people rely on them.
const CONTRACT: [&str; 25] = [
    "healthy",
    "ckd_chronic",
    "cua_warfarin",
    "cua_distal",
    "nonuraemic_obesity",
    "penile",
    "local_trauma",
    "selye_rat",
    "warfarin_rodent",
    "fetuin_a_mouse",
    "sts",
    "snf472",
    "vitk_apixaban",
    "multimodal",
    "msc_early",
    "msc_late",
    "msc_iv",
    "msc_local",
    "msc_bundle",
    "msc_vehicle",
    "block_3d",
    "mesentery",
    "arterial_gangrene",
    "venous_stasis",
    "thrombotic_vasculopathy",
];

#[test]
fn every_scenario_of_the_contract_is_there_and_no_two_ask_the_model_the_same() {
    let mut asked: std::collections::BTreeMap<String, &str> = std::collections::BTreeMap::new();
    for name in CONTRACT {
        let (scenario, _) = Scenario::load(&Shipped, name, &[]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let mut table: toml::Table = scenario.resolved_toml().parse().unwrap_or_default();
        for words in ["name", "question", "known", "assumed"] {
            table.remove(words);
        }
        let what = toml::to_string(&table).unwrap_or_default();
        assert!(what.len() > 1000, "{name}");
        if let Some(other) = asked.insert(what, name) {
            panic!("{name} and {other} differ in words only");
        }
    }
}

#[test]
fn no_two_patients_with_their_insults_are_in_one_state_after_half_a_day() {
    // Treatments only begin later, so scenarios without one are compared: patient, place and insults, all on the first day.
    let mut states: std::collections::BTreeMap<String, &str> = std::collections::BTreeMap::new();
    for name in CONTRACT {
        let (scenario, _) = Scenario::load(&Shipped, name, &[]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        if !scenario.therapies().is_empty() {
            continue;
        }
        let mut sets = vec!["space.voxel_um=40".to_owned(), "network.judge=false".to_owned()];
        let insults = scenario.challenges().iter().filter(|c| c.strength > 0.0);
        sets.extend(insults.map(|c| format!("challenge.{}.start_d=0", c.id)));
        let (mut scenario, _) = Scenario::load(&Shipped, name, &sets).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        scenario.set_days(0.5).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let settings = RunSettings::of(&scenario, &Shipped).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let (_, summary) = simulate(&settings, 1, &mut |_| Ok(())).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        if let Some(other) = states.insert(summary.state_hash, name) {
            panic!("{name} and {other} are in one state");
        }
    }
    assert!(states.len() >= 12, "{states:?}");
}
