//! What the lessons say happens, held against runs of the engine that they are shown with.
//!
//! Each claim names the sentence of the lesson that it stands for, so that neither changes without the other.

use std::collections::BTreeMap;

use calcisim::output::series::COLUMNS;
use calcisim::view::{Message, Session};
use serde_json::{Value, json};

type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;
type Row = BTreeMap<&'static str, f64>;

/// A site as a lesson opens it, on its days.
struct Site {
    session: Session,
    step: u64,
    row: Row,
}

fn ask(session: &mut Session, request: Value) -> Tested<(Vec<Message>, Value)> {
    let mut messages = session.ask(&request.to_string());
    match messages.pop() {
        Some(Message::Text(text)) => {
            let answer: Value = serde_json::from_str(&text)?;
            assert_ne!(answer["is"], "error", "{answer}");
            Ok((messages, answer))
        }
        _ => Err("an answer ends with a text".into()),
    }
}

/// The row of the last frame.
fn row(messages: &[Message]) -> Row {
    let frames = messages.iter().rev().filter_map(|message| match message {
        Message::Bytes(bytes) if bytes.starts_with(b"CSF1") => Some(bytes),
        _ => None,
    });
    let number = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, f64::from_le_bytes);
    frames
        .take(1)
        .flat_map(|bytes| COLUMNS.iter().zip(bytes[48..].chunks(8)))
        .map(|(column, bytes)| (column.name, number(bytes)))
        .collect()
}

impl Site {
    /// Of a scenario with what a lesson changes from day 0; `append` are tables of treatments.
    fn open(scenario: &str, size: Option<&str>, changes: Value) -> Tested<Self> {
        let mut session = Session::new("native", None);
        let mut request = json!({ "do": "open", "scenario": scenario, "size": size, "seed": 5 });
        for (key, value) in changes.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        let (messages, _) = ask(&mut session, request)?;
        Ok(Self {
            session,
            step: 0,
            row: row(&messages),
        })
    }

    fn classroom(scenario: &str, changes: Value) -> Tested<Self> {
        Self::open(scenario, Some("classroom"), changes)
    }

    /// The numbers of a day.
    fn on(&mut self, day: u64) -> Tested<&Row> {
        while self.step < 24 * day {
            let steps = (24 * day - self.step).min(240);
            let (messages, answer) = ask(
                &mut self.session,
                json!({ "do": "advance", "branch": 0, "steps": steps }),
            )?;
            self.row = row(&messages);
            self.step = answer["step"].as_u64().unwrap_or(u64::MAX);
        }
        Ok(&self.row)
    }

    /// Share of random biopsies that a rule calls positive.
    fn positive(&mut self, rule: &str, within: [f64; 2]) -> Tested<f64> {
        let request = json!({ "do": "lottery", "branch": 0, "step": self.step, "n": 100, "seed": 1, "punch_mm": 2.0, "depth_mm": 6.0,
                              "within": within });
        let (_, answer) = ask(&mut self.session, request)?;
        let rules = answer["rules"].as_array().ok_or("no rules")?;
        let found = rules.iter().find(|one| one["rule"] == rule).ok_or("no such rule")?;
        Ok(found["positive"].as_f64().ok_or("no count")? / 100.0)
    }
}

/// The lesson says this, in its English text.
fn says(lesson: &str, sentence: &str) {
    let path = format!("{}/lessons/{lesson}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text.contains(sentence), "{lesson} no longer says «{sentence}»");
}

const DEAD: &str = "necrotic_fraction";
const CLOTS: &str = "thrombosed_segment_fraction";
const CALCIFIED: &str = "calcified_segment_fraction";

#[test]
fn a_bruise_kills_nothing_by_itself_and_the_lesion_needs_both_it_and_the_change_of_blood() -> Tested {
    says("what_is_calciphylaxis", "Nothing is dead: low is not yet too low.");
    says("what_is_calciphylaxis", "kills nothing by itself");
    says(
        "what_is_calciphylaxis",
        "With it, tissue dies at many sites; without it, on the same days, little or none.",
    );
    says(
        "what_is_calciphylaxis",
        "undo the change of day 3 instead, and the bruise heals",
    );
    let mut site = Site::classroom("cua_warfarin", json!({}))?;
    assert_eq!(site.on(0)?[DEAD], 0.0);
    assert!(site.on(10)?[DEAD] < 1e-3);
    let with = site.on(40)?[DEAD];
    let without = Site::classroom("cua_warfarin", json!({ "without": ["bruise"] }))?.on(40)?[DEAD];
    let healed = Site::classroom("cua_warfarin", json!({ "without": ["step"] }))?.on(40)?[DEAD];
    println!("day 40: with {with}, without the bruise {without}, without the change {healed}");
    assert!(
        with > 0.2 && without < 0.02 && healed < 0.02,
        "{with} {without} {healed}"
    );
    Ok(())
}

#[test]
fn calcium_alone_kills_nothing_in_a_month_and_clots_come_first() -> Tested {
    says(
        "calcium_is_not_enough",
        "Calcified vessels rise or stay, dead tissue stays near zero.",
    );
    says(
        "calcium_is_not_enough",
        "Clots rise from the bruise on and dead tissue follows some ten days later.",
    );
    let mut quiet = Site::classroom("ckd_chronic", json!({}))?;
    let start = quiet.on(0)?[CALCIFIED];
    let end = quiet.on(30)?;
    assert!(end[CALCIFIED] >= start && end[DEAD] < 0.01, "{start} {end:?}");
    let mut site = Site::classroom("cua_warfarin", json!({}))?;
    let before = site.on(10)?.clone();
    let clotting = site.on(18)?.clone();
    let dying = site.on(26)?.clone();
    println!(
        "clots {:?}, dead {:?}, calcified {:?}",
        [&before, &clotting, &dying].map(|row| row[CLOTS]),
        [&before, &clotting, &dying].map(|row| row[DEAD]),
        [&before, &clotting, &dying].map(|row| row[CALCIFIED])
    );
    assert!(clotting[CLOTS] > before[CLOTS] && clotting[DEAD] < 0.02);
    assert!(dying[CLOTS] > clotting[CLOTS] + 0.1 && dying[DEAD] > 0.2);
    Ok(())
}

#[test]
fn the_lesion_spreads_without_new_calcium_and_not_without_the_circle() -> Tested {
    says("calcium_is_not_enough", "It is not gone, or hardly smaller");
    says("calcium_is_not_enough", "Breaking the circle changes more.");
    let dead =
        |sets: Value| -> Tested<f64> { Ok(Site::classroom("cua_warfarin", json!({ "sets": sets }))?.on(30)?[DEAD]) };
    let all = dead(json!([]))?;
    let no_calcium = dead(json!([
        "mechanisms.passive_mineral=false",
        "mechanisms.osteo=false",
        "mechanisms.adipo=false"
    ]))?;
    let no_circle = dead(json!(["mechanisms.damp_loop=false"]))?;
    println!("day 30: {all}, no new calcium {no_calcium}, no circle {no_circle}");
    assert!(no_calcium > 0.5 * all, "{no_calcium} of {all}");
    assert!(all - no_circle > 2.0 * (all - no_calcium).abs(), "{no_circle}");
    Ok(())
}

#[test]
fn less_clotting_saves_tissue_and_none_saves_nearly_all() -> Tested {
    says("the_clot", "Fewer or slower clots in B, and less tissue dies or later");
    says("the_clot", "Hardly anything dies.");
    let mut a = Site::classroom("cua_warfarin", json!({}))?;
    let course = |site: &mut Site| -> Tested<Vec<[f64; 2]>> {
        [14, 18, 22, 26, 30]
            .into_iter()
            .map(|day| site.on(day).map(|row| [row[CLOTS], row[DEAD]]))
            .collect()
    };
    let table = "[[therapy]]\nid = \"page_1\"\nkind = \"anticoagulant\"\nstart_d = 10.0\nroute = \"oral\"\nevery_d = 0.5\ncount = 60\ndose_mg = 2.5\n";
    let mut b = Site::classroom("cua_warfarin", json!({ "append": table }))?;
    let (untreated, treated) = (course(&mut a)?, course(&mut b)?);
    println!("A {untreated:?}\nB {treated:?}");
    for (a, b) in untreated.iter().zip(&treated) {
        assert!(b[0] <= a[0] + 1e-9 && b[1] <= a[1] + 1e-9, "{b:?} against {a:?}");
    }
    assert!(treated != untreated);
    let none = Site::classroom("cua_warfarin", json!({ "sets": ["mechanisms.thrombosis=false"] }))?.on(30)?[DEAD];
    assert!(none < 0.02, "{none}");
    Ok(())
}

#[test]
fn biopsies_find_more_over_the_lesion_and_calcium_alone_is_positive_without_disease() -> Tested {
    says("why_biopsies_miss", "The share rises where the lesion is.");
    says(
        "why_biopsies_miss",
        "A rule that asks for calcium alone can be positive without disease",
    );
    let mut quiet = Site::open("ckd_chronic", None, json!({ "seed": 2 }))?;
    quiet.on(30)?;
    let [calcium, both] = [
        quiet.positive("he-calcium", [0.0, 1.0])?,
        quiet.positive("vk-thrombus", [0.0, 1.0])?,
    ];
    println!("no lesion: calcium alone {calcium}, calcium and clot {both}");
    assert!(calcium > 0.02 && both == 0.0, "{calcium} {both}");
    let mut site = Site::open("cua_warfarin", None, json!({ "seed": 1 }))?;
    let dead = site.on(28)?[DEAD];
    let [anywhere, middle] = [
        site.positive("vk-thrombus", [0.0, 1.0])?,
        site.positive("vk-thrombus", [0.4, 0.6])?,
    ];
    println!("lesion of {dead}: anywhere {anywhere}, over the bruise {middle}");
    assert!(middle >= anywhere, "{middle} {anywhere}");
    Ok(())
}

#[test]
fn dressings_are_visits_and_a_wound_stays_open() -> Tested {
    says(
        "what_patients_live_with",
        "From the fourth week on there was no day without a wound.",
    );
    says("what_patients_live_with", "It costs fifteen visits");
    let mut a = Site::classroom("cua_warfarin", json!({}))?;
    let table = "[[therapy]]\nid = \"page_1\"\nkind = \"wound_care\"\nstart_d = 28.0\nevery_d = 2.0\ncount = 15\n";
    let mut b = Site::classroom("cua_warfarin", json!({ "append": table }))?;
    let wound = a.on(45)?["open_wound_days"];
    println!("open wound days by day 45: {wound}");
    assert!(
        wound > 45.0 - 28.0,
        "the wound is open from the fourth week at the latest: {wound}"
    );
    let (a, b) = (a.on(60)?.clone(), b.on(60)?.clone());
    println!(
        "visits {} {}, procedures {} {}, dead {} {}",
        a["visits"], b["visits"], a["procedures"], b["procedures"], a[DEAD], b[DEAD]
    );
    assert_eq!(b["visits"] - a["visits"], 15.0);
    assert!((b[DEAD] - a[DEAD]).abs() < 0.05);
    Ok(())
}
