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
    assert!(seen >= 8, "the scenarios of the first release are there: {seen}");
}

#[test]
fn a_treatment_or_insult_of_every_scenario_still_acts_on_its_first_date() {
    // Dated events are moved to the first day, so that a day suffices to see each of them strike.
    for name in Shipped::names() {
        let (scenario, _) = Scenario::load(&Shipped, name, &[]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let mut sets = vec!["space.voxel_um=40".to_owned(), "network.judge=false".to_owned()];
        let dated = scenario
            .challenges()
            .iter()
            .map(|c| format!("challenge.{}.start_d=0", c.id));
        // A trigger may wait for more than a day; a blade finds nothing to take in living tissue.
        let treated = scenario
            .therapies()
            .iter()
            .filter(|t| t.when.is_none() && t.kind != TherapyKind::Debridement)
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
