use super::*;
use crate::scenario::Scenario;

const SMALL: &str = "schema = 1\nname = \"small\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\nextends = \"cua_warfarin\"\n\
     [run]\ndays = 12\n[space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = 40.0\n[network]\njudge = false\n\
     [[challenge]]\nid = \"bruise\"\nkind = \"trauma\"\nstart_d = 2\nx_mm = 1.0\ndepth_mm = 1.6\nradius_mm = 0.5\n";

fn last(messages: &[Message]) -> Value {
    match messages.last() {
        Some(Message::Text(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn ask(session: &mut Session, request: Value) -> Value {
    last(&session.ask(&request.to_string()))
}

fn open(session: &mut Session, append: &str) -> Value {
    ask(
        session,
        json!({ "id": 1, "do": "open", "text": SMALL, "append": append }),
    )
}

fn run_to(session: &mut Session, branch: usize, day: u64) -> Value {
    let mut answer = Value::Null;
    for _ in 0..1000 {
        let step = answer["step"].as_u64().unwrap_or(0);
        if step >= 24 * day {
            break;
        }
        let steps = if step == 0 { 1 } else { 24 * day - step };
        answer = ask(session, json!({ "do": "advance", "branch": branch, "steps": steps }));
        assert_eq!(answer["is"], "advanced", "{answer}");
    }
    answer
}

#[test]
fn a_page_steps_to_the_state_of_a_run_however_it_divides_the_way() -> Result<()> {
    let mut session = Session::new("native", None);
    let opened = open(&mut session, "");
    assert_eq!(
        (&opened["is"], &opened["id"]),
        (&json!("opened"), &json!(1)),
        "{opened}"
    );
    for steps in [1, 6, 17, 24] {
        ask(&mut session, json!({ "do": "advance", "branch": 0, "steps": steps }));
    }
    let page = run_to(&mut session, 0, 5);
    let (mut scenario, _) = Scenario::from_text("small.toml", SMALL, &[])?;
    scenario.set_days(5.0)?;
    let settings = crate::simulation::RunSettings::of(&scenario, &Shipped)?;
    let (_, summary) = crate::simulation::simulate(&settings, scenario.seed(), &mut |_| Ok(()))?;
    assert_eq!(page["hash"], summary.state_hash);
    Ok(())
}

#[test]
fn a_fork_is_the_run_that_had_the_change_from_the_start() -> Result<()> {
    let lever = "[[challenge]]\nid = \"lever\"\nkind = \"chemistry\"\nstart_d = 3.0\n[challenge.set]\nphosphate_mmol_per_l = 3.0\n";
    let mut session = Session::new("native", None);
    open(&mut session, "");
    let control = run_to(&mut session, 0, 6);
    let forked = ask(
        &mut session,
        json!({ "do": "fork", "branch": 0, "step": 72, "append": lever }),
    );
    assert_eq!(
        (&forked["is"], &forked["step"]),
        (&json!("forked"), &json!(72)),
        "{forked}"
    );
    let branch = forked["branch"].as_u64().unwrap_or(9) as usize;
    let changed = run_to(&mut session, branch, 6);
    let whole = open(&mut session, lever)["branch"].as_u64().unwrap_or(9) as usize;
    let from_the_start = run_to(&mut session, whole, 6);
    assert_eq!(changed["hash"], from_the_start["hash"]);
    assert_ne!(changed["hash"], control["hash"]);
    // A fork that changes nothing changes no bit.
    let same = ask(&mut session, json!({ "do": "fork", "branch": 0, "step": 61 }))["branch"].as_u64();
    let same = run_to(&mut session, same.unwrap_or(9) as usize, 6);
    assert_eq!(same["hash"], control["hash"]);
    Ok(())
}

#[test]
fn a_day_of_the_past_has_the_bits_that_it_had() {
    let mut session = Session::new("native", None);
    open(&mut session, "");
    let then = run_to(&mut session, 0, 2);
    run_to(&mut session, 0, 4);
    let again = ask(&mut session, json!({ "do": "look", "branch": 0, "step": then["step"] }));
    assert_eq!(again["hash"], then["hash"], "{again}");
    let beyond = ask(&mut session, json!({ "do": "look", "branch": 0, "step": 999 }));
    assert_eq!(beyond["is"], "error");
}

#[test]
fn without_the_bruise_and_with_a_vessel_held_open_the_course_is_another() {
    let mut session = Session::new("native", None);
    open(&mut session, "");
    let control = run_to(&mut session, 0, 6);
    let without = ask(
        &mut session,
        json!({ "do": "open", "text": SMALL, "without": ["bruise"] }),
    );
    assert_eq!(without["is"], "opened", "{without}");
    let branch = without["branch"].as_u64().unwrap_or(9) as usize;
    assert_ne!(run_to(&mut session, branch, 6)["hash"], control["hash"]);
    let held = ask(
        &mut session,
        json!({ "do": "fork", "branch": 0, "step": 72, "hold": ["x"] }),
    );
    assert_eq!(held["is"], "error");
}

#[test]
fn a_biopsy_has_its_pictures_and_the_lottery_counts_every_ticket() {
    let mut session = Session::new("native", None);
    open(&mut session, "");
    let order = json!({ "do": "biopsy", "branch": 0, "step": 0, "x_mm": 1.0, "punch_mm": 1.5, "depth_mm": 3.5,
                        "stains": ["he", "vk"], "px_per_mm": 40.0 });
    let messages = session.ask(&order.to_string());
    assert_eq!(messages.len(), 3, "{}", last(&messages));
    assert!(matches!(&messages[0], Message::Bytes(bytes) if bytes.starts_with(b"CSP1")));
    assert_eq!(last(&messages)["verdicts"].as_array().map(Vec::len), Some(3));
    let order = json!({ "do": "lottery", "branch": 0, "step": 0, "n": 40, "seed": 1, "punch_mm": 1.0, "depth_mm": 3.5,
                        "within": [0.0, 1.0] });
    let answer = ask(&mut session, order);
    let rule = &answer["rules"][0];
    let tickets: u64 = ["positive", "negative", "inadequate"]
        .iter()
        .filter_map(|word| rule[word].as_u64())
        .sum();
    assert_eq!(tickets, 40, "{answer}");
}

#[test]
fn the_exported_scenario_is_read_again() -> Result<()> {
    let mut session = Session::new("native", None);
    open(&mut session, "");
    let answer = ask(&mut session, json!({ "do": "toml", "branch": 0 }));
    let text = answer["text"].as_str().unwrap_or("").to_owned();
    let (again, _) = Scenario::from_text("again.toml", &text, &[])?;
    assert_eq!(again.name, "small");
    Ok(())
}

#[test]
fn a_classroom_site_is_small_and_keeps_its_bruise() {
    let mut session = Session::new("wasm", None);
    let opened = ask(
        &mut session,
        json!({ "do": "open", "scenario": "cua_warfarin", "size": "classroom", "days": 2 }),
    );
    assert_eq!(opened["is"], "opened", "{opened}");
    assert_eq!(opened["extent_mm"][0], 3.0);
    assert_eq!(opened["extent_mm"][2], 6.0);
    let bruise = opened["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|e| e["id"] == "bruise");
    assert_eq!(bruise.map(|e| e["x_mm"].clone()), Some(json!(1.5)));
}

#[test]
fn nonsense_is_answered_in_words() {
    let mut session = Session::new("native", None);
    let nonsense = [
        "",
        "{",
        "[]",
        "7",
        "{\"do\":\"fly\"}",
        "{\"do\":\"advance\"}",
        "{\"do\":\"open\"}",
        "{\"do\":\"advance\",\"branch\":4,\"steps\":1}",
        "{\"do\":\"open\",\"scenario\":\"../../etc/passwd\"}",
        "{\"do\":\"open\",\"scenario\":\"healthy\",\"sets\":[\"space.voxel_um=1.0\"]}",
        "{\"do\":\"open\",\"text\":\"schema = 1\",\"unknown\":1}",
        "{\"do\":\"open\",\"scenario\":\"healthy\",\"days\":-3}",
    ];
    for request in nonsense {
        let answer = last(&session.ask(request));
        assert_eq!(answer["is"], "error", "{request}: {answer}");
        assert!(!answer["message"].as_str().unwrap_or("").is_empty(), "{request}");
    }
    let long = format!("{{\"do\":\"open\",\"text\":\"{}\"}}", "x".repeat(MOST_BYTES));
    assert_eq!(last(&session.ask(&long))["is"], "error");
}
