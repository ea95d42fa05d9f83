//! What happens to a scenario with a slip in it: every fault is said, at its place, with the way to mend it.

use std::collections::BTreeMap;

use calcisim::error::{Diagnostic, Error, Result};
use calcisim::parameters::{ChallengeKind, DoseUnit, Registry, Route, TherapyKind, Value};
use calcisim::scenario::{Library, Place, Scenario, Shipped};

/// Files in memory, over the shipped ones.
#[derive(Default)]
struct Memory(BTreeMap<&'static str, &'static str>);

impl Library for Memory {
    fn read(&self, name: &str, from: Option<&str>) -> Result<(String, String)> {
        match self.0.get(name) {
            Some(text) => Ok((name.to_string(), (*text).to_string())),
            None => Shipped.read(name, from),
        }
    }
}

fn memory(files: &[(&'static str, &'static str)]) -> Memory {
    Memory(files.iter().copied().collect())
}

fn sets(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn load(text: &str) -> Result<(Scenario, Vec<Diagnostic>)> {
    Scenario::from_text("x.toml", text, &[])
}

fn faults(text: &str) -> Vec<Diagnostic> {
    match load(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => {
            assert_eq!(error.exit_code(), 3, "{error}");
            error.diagnostics()
        }
    }
}

fn only_fault(text: &str) -> Diagnostic {
    let mut list = faults(text);
    assert_eq!(list.len(), 1, "{list:#?}");
    list.remove(0)
}

fn good(text: &str) -> Scenario {
    load(text).unwrap_or_else(|error| panic!("{error}\n{text}")).0
}

fn warnings(text: &str) -> Vec<Diagnostic> {
    load(text).unwrap_or_else(|error| panic!("{error}\n{text}")).1
}

#[test]
fn a_misspelt_key_is_answered_with_line_column_and_the_right_name() {
    let fault = only_fault("name = \"x\"\n[space]\n  voxl_um = 10\n");
    assert_eq!((fault.file.as_str(), fault.line, fault.column), ("x.toml", 3, 3));
    assert_eq!((fault.key.as_str(), fault.value.as_str()), ("space.voxl_um", "10"));
    assert!(fault.suggestion.contains("voxel_um"), "{fault}");
}

#[test]
fn every_registry_key_misspelt_by_one_letter_is_refused_with_its_right_name() {
    for row in Registry::embedded().rows() {
        let (section, name) = row.key.split_once('.').unwrap_or(("", ""));
        for cut in [0, name.len() / 2, name.len() - 1] {
            let wrong: String = name
                .chars()
                .enumerate()
                .filter(|(i, _)| *i != cut)
                .map(|(_, c)| c)
                .collect();
            let wrong = wrong.trim_matches('.').replace("..", ".");
            let key = format!("{section}.{wrong}");
            let exists = Registry::embedded().row(&key).is_some() || calcisim::units::clinic_name(&key).is_some();
            if wrong.is_empty() || exists || Registry::embedded().is_group(&key) || wrong == name {
                continue;
            }
            let fault = only_fault(&format!("[{section}]\n{wrong} = {}\n", row.value.to_toml()));
            assert_eq!(fault.line, 2, "{fault}");
            // One letter may make another name of the registry nearer, as for the unit of a single letter.
            let group = row.key.rsplit_once('.').map_or("", |(group, _)| group);
            let near = fault.suggestion.contains(row.name())
                || fault.suggestion.contains(&format!("[{group}]"))
                || !fault.suggestion.is_empty() && cut + 6 > name.len();
            assert!(near, "{}: {fault}", row.key);
        }
    }
}

#[test]
fn a_wrong_unit_is_answered_with_the_converted_number() {
    let fault = only_fault("[space]\nvoxel_mm = 0.01\n");
    assert!(fault.suggestion.contains("0.01 mm = 10 µm"), "{fault}");
    assert!(fault.suggestion.contains("write voxel_um = 10"), "{fault}");
    let fault = only_fault("[run]\nstep_min = 30\n");
    assert!(fault.suggestion.contains("write step_h = 0.5"), "{fault}");
    let fault = only_fault("[host]\npyrophosphate_mmol_per_l = 0.00326\n");
    assert!(
        fault.suggestion.contains("write pyrophosphate_umol_per_l = 3.26"),
        "{fault}"
    );
}

#[test]
fn a_key_without_its_unit_is_answered_with_the_unit() {
    let fault = only_fault("[space]\nvoxel = 10\n");
    assert!(
        fault.suggestion.contains("voxel_um") && fault.message.contains("unit"),
        "{fault}"
    );
}

#[test]
fn a_key_of_another_table_is_sent_there() {
    let fault = only_fault("[run]\nvoxel_um = 10\n");
    assert!(fault.suggestion.contains("belongs to [space]"), "{fault}");
    let fault = only_fault("days = 10\n");
    assert!(fault.suggestion.contains("belongs to [run]"), "{fault}");
}

#[test]
fn an_unknown_table_is_said_once() {
    let fault = only_fault("[spaec]\nvoxel_um = 10\nwidth_mm = 4\n");
    assert_eq!((fault.line, fault.key.as_str()), (1, "[spaec]"));
    assert!(fault.suggestion.contains("[space]"), "{fault}");
}

#[test]
fn a_wrong_type_says_what_was_wanted() {
    let fault = only_fault("[run]\ndays = \"90\"\n");
    assert!(
        fault.suggestion.contains("without quotes") && fault.expected.contains("[d]"),
        "{fault}"
    );
    assert!(only_fault("[run]\nseed = 1.5\n").expected.contains("whole number"));
    assert!(only_fault("[host]\ndialysis = 1\n").expected.contains("true or false"));
    assert!(only_fault("[run]\ndays = nan\n").expected.contains("a number"));
    assert!(only_fault("[run]\ndays = [1]\n").expected.contains("a number"));
    assert!(only_fault("run = 5\n").expected.contains("[run]"));
    assert!(only_fault("[space]\nplane = 3\n").expected.contains("\"section\""));
}

#[test]
fn a_value_out_of_the_possible_range_is_an_error_and_out_of_the_evidence_a_warning() {
    let fault = only_fault("[host]\nphosphate_mmol_per_l = -2\n");
    assert!(
        fault.expected.contains("0.1 to 6") && fault.expected.contains("mmol/L"),
        "{fault}"
    );
    let list = warnings("[host]\nphosphate_mmol_per_l = 5\n");
    assert!(list.len() == 1 && list[0].message.contains("evidence"), "{list:?}");
    assert_eq!(list[0].line, 2);
    assert!(warnings("[host]\nphosphate_mmol_per_l = 2\n").is_empty());
}

#[test]
fn a_word_that_is_no_choice_is_answered_with_the_nearest() {
    let fault = only_fault("[space]\nsides = \"periodc\"\n");
    assert!(fault.suggestion.contains("periodic"), "{fault}");
}

#[test]
fn scenarios_that_extend_each_other_in_a_circle_are_refused_with_the_chain() {
    let library = memory(&[
        ("a.toml", "extends = \"b.toml\"\n"),
        ("b.toml", "name = \"b\"\nextends = [\"c.toml\"]\n"),
        ("c.toml", "extends = \"a.toml\"\n"),
    ]);
    let error = Scenario::load(&library, "a.toml", &[]).err();
    assert_eq!(error.as_ref().map(Error::exit_code), Some(3));
    let text = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains("a.toml → b.toml → c.toml → a.toml"), "{text}");
}

#[test]
fn a_missing_file_is_exit_4_also_when_it_is_extended() {
    let error = Scenario::load(&Shipped, "nowhere.toml", &[]).err();
    assert_eq!(error.map(|e| e.exit_code()), Some(4));
    let library = memory(&[
        ("a.toml", "extends = \"nowhere.toml\"\n"),
        ("b.toml", "extends = \"nowhere.toml\"\n[run]\ndyas = 3\n"),
    ]);
    let error = Scenario::load(&library, "a.toml", &[]).err();
    assert!(error.as_ref().is_some_and(|e| e.to_string().contains("a.toml:1")));
    assert_eq!(error.map(|e| e.exit_code()), Some(4));
    let error = Scenario::load(&library, "b.toml", &[]).err();
    assert_eq!(error.as_ref().map(Error::exit_code), Some(3), "{error:?}");
    assert_eq!(error.map(|e| e.diagnostics().len()), Some(2));
}

#[test]
fn an_empty_file_is_exit_3() {
    for text in ["", "  \n\n", "# only a comment\n"] {
        assert!(only_fault(text).message.contains("empty"));
    }
}

#[test]
fn text_that_is_not_toml_has_its_place_and_the_other_faults_beside_it() {
    let list = faults("[run]\ndays = \nsede = 3\nstep_h = = 2\n[host]\ndialysis = 3\n");
    let lines: Vec<usize> = list.iter().map(|f| f.line).collect();
    assert!(
        lines.contains(&2) && lines.contains(&3) && lines.contains(&4) && lines.contains(&6),
        "{list:#?}"
    );
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_file() {
    let list = faults(
        "[run]\ndyas = 3\nseed = -1\n[space]\nvoxel_mm = 0.01\n[mechanisms]\ndamp_lop = false\nosteo = 0.5\n[[therapy]]\nkind = \"msk\"\n[scale]\nlysis = -1\n",
    );
    let lines: Vec<usize> = list.iter().map(|f| f.line).collect();
    assert_eq!(lines, [2, 3, 5, 7, 8, 10, 12], "{list:#?}");
    assert!(list[3].suggestion.contains("damp_loop"));
    assert!(list[4].suggestion.contains("[scale]"));
    assert!(list[5].suggestion.contains("\"msc\""));
}

#[test]
fn a_dose_after_the_end_of_the_scenario_is_an_error_and_after_days_a_warning() {
    let text = |days: &str| {
        format!(
            "[run]\ndays = {days}\n[[therapy]]\nkind = \"msc\"\nroute = \"iv\"\ndose_cells_per_kg = 1e6\nstart_d = 14\nevery_d = 7\ncount = 3\n"
        )
    };
    let fault = only_fault(&text("20"));
    assert_eq!((fault.key.as_str(), fault.line), ("therapy.msc", 7));
    assert!(fault.message.contains("day 20"), "{fault}");
    let mut scenario = good(&text("60"));
    let warned = scenario.set_days(20.0).unwrap_or_default();
    assert!(warned.len() == 1 && warned[0].message.contains("--days"), "{warned:?}");
    // The resolved file of a shortened run is a scenario again.
    let again = load(&scenario.resolved_toml()).map(|(s, w)| (s.days(), s.written_days(), w.len()));
    assert_eq!(again.ok(), Some((20.0, 60.0, 1)));
    let challenge = "[run]\ndays = 5\n[[challenge]]\nkind = \"trauma\"\nstart_d = 10\ndepth_mm = 2\nradius_mm = 0.3\n";
    assert_eq!(only_fault(challenge).key, "challenge.trauma");
}

#[test]
fn an_open_course_ends_with_the_run() {
    let text =
        "[run]\ndays = 30\n[[therapy]]\nkind = \"sts\"\nroute = \"iv\"\ndose_g = 25\nstart_d = 14\nevery_d = 7\n";
    let scenario = good(text);
    assert_eq!(scenario.therapies()[0].days(30.0), [14.0, 21.0, 28.0]);
}

#[test]
fn units_of_the_clinic_are_accepted_under_their_own_key() {
    let scenario = good("[host]\nphosphate_mg_per_dl = 5.8\ncalcium_mg_per_dl = 9.4\nalbumin_g_per_dl = 3.8\n");
    assert!((scenario.number("host.phosphate_mmol_per_l") - 1.873).abs() < 1e-3);
    assert!((scenario.number("host.calcium_ionised_mmol_per_l") - 1.2).abs() < 2e-3);
    assert!((scenario.number("host.albumin_g_per_l") - 38.0).abs() < 1e-9);
    let origin = scenario.origin("host.phosphate_mmol_per_l").map(ToString::to_string);
    assert_eq!(origin.as_deref(), Some("x.toml:2, from phosphate_mg_per_dl = 5.8"));
}

#[test]
fn the_same_quantity_in_both_units_is_an_error_in_one_file_and_an_override_in_another() {
    let fault = only_fault("[host]\nphosphate_mg_per_dl = 5.8\nphosphate_mmol_per_l = 1.9\n");
    assert!(fault.message.contains("host.phosphate_mmol_per_l"), "{fault}");
    let library = memory(&[
        ("base.toml", "[host]\nphosphate_mmol_per_l = 1.9\n"),
        (
            "child.toml",
            "extends = \"base.toml\"\n[host]\nphosphate_mg_per_dl = 6.7\n",
        ),
    ]);
    let scenario = Scenario::load(&library, "child.toml", &[]).map(|(s, _)| s.number("host.phosphate_mmol_per_l"));
    assert!(scenario.is_ok_and(|x| (x - 2.163).abs() < 1e-3));
    let back = Scenario::load(&library, "child.toml", &sets(&["host.phosphate_mmol_per_l=1.5"]));
    assert_eq!(back.ok().map(|(s, _)| s.number("host.phosphate_mmol_per_l")), Some(1.5));
}

#[test]
fn an_unknown_set_path_is_exit_3_and_names_the_set() {
    let error = Scenario::from_text("x.toml", "name = \"x\"\n", &sets(&["run.days=30", "run.dyas=30"])).err();
    let list = error.map(|e| e.diagnostics()).unwrap_or_default();
    assert_eq!((list.len(), list[0].file.as_str()), (1, "--set 2"));
    assert!(list[0].suggestion.contains("days"));
    for wrong in [
        "nonsense",
        "=3",
        "extends=\"healthy\"",
        "zzz.y=1",
        "therapy.msc.dose_g=1",
        "run=3",
    ] {
        let error = Scenario::from_text("x.toml", "name = \"x\"\n", &sets(&[wrong])).err();
        assert_eq!(error.map(|e| e.exit_code()), Some(3), "{wrong}");
    }
}

const TWO_MSC: &str = "name = \"x\"\n[[therapy]]\nkind = \"msc\"\nroute = \"iv\"\nstart_d = 1\ndose_cells_per_kg = 1e6\n[[therapy]]\nkind = \"msc\"\nroute = \"intradermal\"\nstart_d = 2\ndose_cells_per_cm2 = 1e6\n[[therapy]]\nid = \"salt\"\nkind = \"sts\"\nroute = \"iv\"\nstart_d = 3\ndose_g = 25\n";

#[test]
fn a_list_element_is_set_by_its_id() {
    let list = sets(&[
        "therapy.msc.dose_cells_per_kg=2e6",
        "therapy.msc_2.start_d=5",
        "therapy.salt.count=0",
    ]);
    let (scenario, _) = Scenario::from_text("x.toml", TWO_MSC, &list).unwrap_or_else(|e| panic!("{e}"));
    let therapies = scenario.therapies();
    assert_eq!(therapies[0].amount(DoseUnit::CellsPerKg), 2e6);
    assert_eq!((therapies[1].id.as_str(), therapies[1].course.start_d), ("msc_2", 5.0));
    assert_eq!(
        (therapies[2].kind, therapies[2].days(90.0).len()),
        (TherapyKind::Sts, 0)
    );
    let error = Scenario::from_text("x.toml", TWO_MSC, &sets(&["therapy.slt.dose_g=1"])).err();
    assert!(error.is_some_and(|e| e.to_string().contains("therapy.salt.dose_g")));
}

#[test]
fn the_same_therapy_by_another_route_replaces_its_dose() {
    let list = sets(&["therapy.msc.route=vehicle", "therapy.msc.dose_cells_per_cm2=0"]);
    let (scenario, _) = Scenario::from_text("x.toml", TWO_MSC, &list).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(scenario.therapies()[0].route, Route::Vehicle);
    assert_eq!(scenario.therapies()[0].amount(DoseUnit::CellsPerCm2), 0.0);
}

#[test]
fn a_therapy_takes_only_what_its_kind_knows() {
    let sts = |line: &str| format!("[[therapy]]\nkind = \"sts\"\nroute = \"iv\"\nstart_d = 3\n{line}\n");
    assert!(
        only_fault(&sts("dose_mg = 25000"))
            .suggestion
            .contains("write dose_g = 25")
    );
    assert!(
        only_fault(&sts("dose_g = 25\nviability = 0.9"))
            .message
            .contains("does not take")
    );
    assert!(only_fault(&sts("dose_g = -1")).expected.contains("0 to 100"));
    assert!(only_fault(&sts("")).message.contains("dose is missing"));
    assert!(only_fault(&sts("dose_g = 25\ncuont = 3")).suggestion.contains("count"));
    assert!(only_fault(&sts("dose_g = 25\ncount = 3")).expected.contains("every_d"));
    assert!(
        only_fault(&sts("dose_g = 25\nstart_h = 12\n"))
            .suggestion
            .contains("start_d = 0.5")
    );
    assert!(
        only_fault(&sts("dose_g = 25").replace("iv", "oral"))
            .expected
            .contains("intralesional")
    );
    assert!(
        only_fault("[[therapy]]\nkind = \"msc\"\nroute = \"iv\"\nstart_d = 0\ndose_cells_per_cm2 = 1e6\n")
            .message
            .contains("does not take")
    );
    let vehicle = good("[[therapy]]\nkind = \"msc\"\nroute = \"vehicle\"\nstart_d = 0\n");
    assert!(vehicle.therapies()[0].dose.is_none());
}

#[test]
fn a_dose_may_wait_for_an_instrument_but_not_for_the_state() {
    let text = |when: &str| {
        format!(
            "[[therapy]]\nkind = \"msc\"\nroute = \"intradermal\"\ndose_cells_per_cm2 = 1e6\nwhen = \"{when}\"\nlockout_d = 14\n"
        )
    };
    let scenario = good(&text("wound_area > 20"));
    let trigger = scenario.therapies()[0].when.clone();
    assert!(trigger.is_some_and(|t| t.above && t.value == 20.0));
    assert!(only_fault(&text("wond_area > 20")).suggestion.contains("wound_area"));
    assert!(
        only_fault(&text("necrotic_fraction > 0.1"))
            .message
            .contains("instruments")
    );
    assert!(only_fault(&text("wound_area")).expected.contains("INSTRUMENT"));
}

#[test]
fn a_challenge_is_checked_by_kind_and_against_the_block() {
    let scenario = good(
        "[[challenge]]\nkind = \"chemistry\"\nstart_d = 3\nset = { warfarin = true, phosphate_mg_per_dl = 6.7 }\n",
    );
    let challenge = &scenario.challenges()[0];
    assert_eq!(challenge.kind, ChallengeKind::Chemistry);
    assert_eq!(challenge.set[1].value, Value::Bool(true));
    assert!(
        challenge
            .set
            .iter()
            .any(|s| s.key == "host.phosphate_mmol_per_l"
                && s.value.number().is_some_and(|x| (x - 2.163).abs() < 1e-3))
    );
    let trauma = "[[challenge]]\nkind = \"trauma\"\nstart_d = 3\nradius_mm = 0.3\n";
    assert!(only_fault(trauma).key.ends_with("depth_mm"));
    assert!(
        only_fault(&format!("{trauma}depth_mm = 9\n"))
            .expected
            .contains("0 to 8")
    );
    assert!(
        only_fault(&format!("{trauma}depth_um = 2300\n").replace("radius", "depth_mm = 1\nradius"))
            .suggestion
            .contains("depth_mm")
    );
    assert!(
        only_fault("[challenge]\nkind = \"trauma\"\n")
            .expected
            .contains("[[challenge]]")
    );
}

#[test]
fn a_switch_that_is_off_has_strength_zero() {
    let scenario = good(
        "[mechanisms]\ndamp_loop = false\n[scale]\nosteo = 0.5\ndamp_loop = 0.3\n\"host.phosphate_mmol_per_l\" = 1.5\nhost.weight_kg = 2\n",
    );
    let arrows = scenario.arrows();
    assert_eq!((arrows.damp_loop, arrows.osteo, arrows.lysis), (0.0, 0.5, 1.0));
    assert!((scenario.number("host.phosphate_mmol_per_l") - 1.65).abs() < 1e-12);
    assert_eq!(scenario.number("host.weight_kg"), 140.0);
    let origin = scenario.origin("host.phosphate_mmol_per_l").map(ToString::to_string);
    assert_eq!(origin.as_deref(), Some("default, 1.1 × 1.5 by x.toml:6"));
}

#[test]
fn a_scaled_value_stays_in_its_possible_range() {
    let fault = only_fault("[scale]\n\"host.haematocrit\" = 3\n");
    assert_eq!(fault.line, 2);
    assert!(fault.message.contains("not possible"), "{fault}");
    assert!(only_fault("[scale]\ndamp_lop = 1\n").suggestion.contains("damp_loop"));
    assert!(
        only_fault("[scale]\n\"space.plane\" = 1\n")
            .message
            .contains("cannot be scaled")
    );
}

#[test]
fn a_challenge_that_is_added_behind_therapies_is_printed_where_it_is_read() {
    let text = "schema = 1\nname = \"x\"\nextends = \"msc_vehicle\"\n[[challenge]]\nid = \"session\"\nkind = \"hypotension\"\n\
                start_d = 10\nstrength = 0.4\nduration_h = 2\n";
    let printed = good(text).resolved_toml();
    assert_eq!(good(&printed).resolved_toml(), printed);
    let place = |head: &str| printed.rfind(head).unwrap_or(0);
    assert!(place("[[challenge]]") < place("[[therapy]]"), "{printed}");
}

#[test]
fn show_and_the_resolved_scenario_read_back_to_the_same_values() {
    let text = format!(
        "question = \"say \\\"why\\\"\"\n{TWO_MSC}cost_per_dose = 0.1\n[host]\nphosphate_mg_per_dl = 5.8\nburn_in = {{ share = 0.3, wall_mineral_median = 0.1 }}\n[mechanisms]\nlysis = false\n[scale]\nosteo = 0.1\n\"host.weight_kg\" = 1.1\n[output]\nsnapshot_days = [1, 2.5]\n[run]\ndays = 33.3\n"
    );
    let first = good(&text);
    for again in [first.resolved_toml(), first.show()] {
        let second = good(&again);
        for section in Registry::embedded().sections() {
            assert_eq!(first.section_table(section), second.section_table(section));
        }
        assert_eq!(first.arrows(), second.arrows());
        assert_eq!(first.therapies(), second.therapies());
        assert_eq!((&first.name, &first.question), (&second.name, &second.question));
        assert_eq!(first.resolved_toml(), second.resolved_toml());
    }
}

#[test]
fn show_tells_where_each_value_comes_from() {
    let library = memory(&[
        (
            "base.toml",
            "name = \"base\"\n[host]\nphosphate_mmol_per_l = 1.9\nalbumin_g_per_l = 38\n",
        ),
        ("child.toml", "extends = \"base.toml\"\n[run]\ndays = 30\n"),
    ]);
    let list = sets(&["host.albumin_g_per_l=28"]);
    let (scenario, _) = Scenario::load(&library, "child.toml", &list).unwrap_or_else(|e| panic!("{e}"));
    let place = |key: &str| scenario.origin(key).map(ToString::to_string).unwrap_or_default();
    assert_eq!(place("host.phosphate_mmol_per_l"), "base.toml:3");
    assert_eq!(place("run.days"), "child.toml:3");
    assert_eq!(place("host.albumin_g_per_l"), "--set 1");
    assert_eq!(place("space.voxel_um"), "default");
    assert_eq!(scenario.name, "child");
    assert!(scenario.show().contains("# mmol/L · base.toml:3"));
    assert!(
        scenario
            .reported_defaults()
            .iter()
            .any(|(key, _)| *key == "host.magnesium_mmol_per_l")
    );
    assert!(
        scenario
            .origin("space.voxel_um")
            .is_some_and(|o| o.place == Place::Default)
    );
}

#[test]
fn of_several_scenarios_that_are_extended_the_later_wins_and_the_file_itself_last() {
    let library = memory(&[
        (
            "a.toml",
            "[host]\nalbumin_g_per_l = 30\nphosphate_mmol_per_l = 1.5\nprotein_c = 0.5\n[[therapy]]\nkind = \"wound_care\"\nstart_d = 0\n",
        ),
        ("b.toml", "[host]\nalbumin_g_per_l = 31\nphosphate_mmol_per_l = 1.6\n"),
        (
            "c.toml",
            "extends = [\"a.toml\", \"b.toml\"]\n[host]\nalbumin_g_per_l = 32\n[[therapy]]\nid = \"wound_care\"\nstart_d = 4\n[[therapy]]\nkind = \"debridement\"\nstart_d = 5\n",
        ),
    ]);
    let (scenario, _) = Scenario::load(&library, "c.toml", &[]).unwrap_or_else(|e| panic!("{e}"));
    let host = |key: &str| scenario.number(&format!("host.{key}"));
    assert_eq!(
        (host("albumin_g_per_l"), host("phosphate_mmol_per_l"), host("protein_c")),
        (32.0, 1.6, 0.5)
    );
    let ids: Vec<(&str, f64)> = scenario
        .therapies()
        .iter()
        .map(|t| (t.id.as_str(), t.course.start_d))
        .collect();
    assert_eq!(ids, [("wound_care", 4.0), ("debridement", 5.0)]);
}

#[test]
fn what_must_fit_together_is_checked() {
    let warned = warnings("[space]\nwidth_mm = 4.01\n");
    assert!(
        warned.iter().any(|w| w.message.contains("whole number of voxels")),
        "{warned:?}"
    );
    assert!(
        only_fault("[output]\nsnapshot_days = [100]\n")
            .message
            .contains("day 90")
    );
    assert!(
        only_fault("[output]\nseries_every_h = 0.5\n")
            .message
            .contains("finer than the step")
    );
    assert!(
        only_fault("[network]\nkind = \"csv\"\n")
            .expected
            .contains("network.dir")
    );
    assert!(only_fault("[space]\nplane = \"plan\"\n").message.contains("plan"));
    assert!(
        only_fault("[host]\ninlet_pressure_mmhg = 10\n")
            .message
            .contains("inlet")
    );
    assert!(only_fault("[space]\nwidth_mm = 1\n").message.contains("arterioles"));
    assert!(warnings("[space]\nbreadth_mm = 2\n")[0].message.contains("not used"));
}

#[test]
fn names_and_schema_are_checked() {
    assert!(only_fault("name = \"a/b\"\n").expected.contains("letters"));
    assert!(only_fault("schema = 2\nname = \"a\"\n").message.contains("schema 1"));
    assert!(only_fault("nmae = \"a\"\n").suggestion.contains("name"));
    assert_eq!(good("[run]\ndays = 3\n").name, "x");
}

#[test]
fn every_shipped_scenario_loads_without_a_fault() {
    for name in Shipped::names() {
        let (scenario, _) = Scenario::load(&Shipped, name, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(scenario.name, name);
        for text in [&scenario.question, &scenario.known, &scenario.assumed] {
            assert!(!text.is_empty(), "{name}: question, known and assumed are written");
        }
    }
}

#[test]
fn no_slip_of_one_character_makes_calcisim_fall_over() {
    let text = format!(
        "{TWO_MSC}[host]\nphosphate_mg_per_dl = 5.8\nburn_in = {{ share = 0.3 }}\n[scale]\n\"host.weight_kg\" = 1.1\n[[challenge]]\nkind = \"chemistry\"\nstart_d = 3\nset = {{ warfarin = true }}\n"
    );
    let lines = text.lines().count();
    for (i, c) in text.char_indices().step_by(2) {
        for put in ["", "\"", "[", "µ\n"] {
            let slip = format!("{}{put}{}", &text[..i], &text[i + c.len_utf8()..]);
            if let Err(error) = load(&slip) {
                assert_eq!(error.exit_code(), 3);
                for fault in error.diagnostics() {
                    assert!(
                        fault.line > 0 && fault.line <= lines + 2 && fault.column > 0,
                        "{fault}\n{slip}"
                    );
                }
            }
        }
    }
}
