//! What happened in a run, lane by lane: challenges, doses, clots, deaths, the wound.

use std::path::Path;

use super::chart::{day_ticks, number};
use super::load::Run;
use super::sheet::{Anchor, Sheet, Type};
use crate::error::Result;
use crate::math;
use crate::output::records::Records;
use crate::picture::Rgb;
use crate::picture::canvas::Point;
use crate::picture::colours::{GREY, INK, OKABE_ITO, PALE, THROMBUS};

/// Left edge, width and top of the lanes [pt].
const LEFT: f64 = 158.0;
const WIDE: f64 = 400.0;
const TOP: f64 = 84.0;
/// Height of a lane [pt].
const LANE: f64 = 30.0;
/// Events of a lane up to which each is a mark of its own; more are counted by day.
const SINGLE: usize = 24;
/// Lanes of challenges and doses at most; the rest are counted in words.
const NAMED: usize = 10;

/// Kinds that have a lane of their own, in the order of cause and effect.
const KINDS: [(&str, &str); 9] = [
    ("decision", "rule of care ordered"),
    ("closure", "vessel closed by clot"),
    ("reopening", "vessel opened again"),
    ("anastomosis", "sprout joined"),
    ("death", "tissue died"),
    ("ulceration", "surface broke"),
    ("infection", "bacteria settled"),
    ("debridement", "dead tissue cut away"),
    ("wound_closure", "wound closed"),
];

/// Events of one sort.
struct Lane {
    words: String,
    kind: String,
    days: Vec<f64>,
}

/// The lanes of a table of events, those without an event left out.
fn lanes(events: &Records) -> (Vec<Lane>, usize) {
    let mut named: Vec<Lane> = Vec::new();
    for row in events.rows() {
        let kind = row.text("kind");
        let (Some(day), true) = (row.number("t_d"), matches!(kind, "challenge" | "dose")) else {
            continue;
        };
        let what = row.text("entity");
        let words = what.split_once(':').map_or(what, |(_, name)| name).replace('_', " ");
        match named.iter_mut().find(|l| l.kind == kind && l.words == words) {
            Some(lane) => lane.days.push(day),
            None => named.push(Lane {
                words,
                kind: kind.to_owned(),
                days: vec![day],
            }),
        }
    }
    named.sort_by(|a, b| a.days[0].total_cmp(&b.days[0]));
    let left_out = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    named.extend(KINDS.iter().filter_map(|(kind, words)| {
        let of_kind = events.rows().filter(|row| row.text("kind") == *kind);
        let days: Vec<f64> = of_kind.filter_map(|row| row.number("t_d")).collect();
        (!days.is_empty()).then(|| Lane {
            words: (*words).to_owned(),
            kind: (*kind).to_owned(),
            days,
        })
    }));
    (named, left_out)
}

/// Draws the timeline of a run folder; nothing when nothing happened.
pub fn draw(dir: &Path, run: &Run) -> Result<Option<Sheet>> {
    let Some(events) = Records::read(&dir.join("events.csv"))? else {
        return Ok(None);
    };
    let (lanes, left_out) = lanes(&events);
    let Some(last) = run.series.last_day().filter(|_| !lanes.is_empty()) else {
        return Ok(None);
    };
    let days = math::max(last, 1e-9);
    let bottom = TOP + LANE * lanes.len() as f64;
    let mut sheet = Sheet::new(
        LEFT + WIDE + 150.0,
        bottom + 62.0,
        &format!("{}: what happened", run.scenario),
        &words(&lanes),
    );
    sheet.text(
        format!("{}: what happened", run.scenario),
        [14.0, 26.0],
        Type::new(14.0).bold(),
    );
    let seed = run.seed.map_or(String::new(), |s| format!("seed {s}  ·  "));
    sheet.text(
        format!("{seed}{} days, one simulated site", super::day_label(days)),
        [14.0, 42.0],
        Type::new(9.0).colour(GREY),
    );
    let caveat = run.caveat();
    if !caveat.is_empty() {
        let face = Type::new(9.0).bold().colour(THROMBUS);
        sheet.text(format!("▲ {caveat}"), [14.0, 57.0], face);
    }
    let head = Type::new(8.0).colour(GREY);
    sheet.text("first day", [LEFT + WIDE + 14.0, TOP - 8.0], head);
    sheet.text("in all", [LEFT + WIDE + 132.0, TOP - 8.0], head.anchor(Anchor::End));
    grid(&mut sheet, days, bottom);
    for (i, lane) in lanes.iter().enumerate() {
        draw_lane(&mut sheet, lane, TOP + LANE * i as f64, days);
    }
    let rest = match left_out {
        0 => String::new(),
        n => format!(" {n} further kinds of doses and challenges are not drawn."),
    };
    sheet.text(
        format!(
            "Diamond: challenge. Triangle: dose. Dot: one event. Bars: events of a day where there are more than {SINGLE}, the tallest has \
             its number.{rest}"
        ),
        [14.0, bottom + 50.0],
        Type::new(8.0).colour(GREY),
    );
    Ok(Some(sheet))
}

fn grid(sheet: &mut Sheet, days: f64, bottom: f64) {
    let marks = day_ticks(days);
    let step = marks.get(1).copied().unwrap_or(1.0);
    for day in marks {
        let x = LEFT + WIDE * day / days;
        sheet.line(&[[x, TOP], [x, bottom + 3.0]], 0.4, PALE);
        let face = Type::new(8.0).colour(GREY).anchor(Anchor::Middle);
        sheet.text(number(day, step), [x, bottom + 13.0], face);
    }
    sheet.line(&[[LEFT, bottom], [LEFT + WIDE, bottom]], 0.8, INK);
    let at = [LEFT + WIDE / 2.0, bottom + 28.0];
    sheet.text("day", at, Type::new(8.5).anchor(Anchor::Middle));
}

fn colour(kind: &str) -> Rgb {
    match kind {
        "challenge" | "dose" | "decision" => INK,
        "closure" => THROMBUS,
        "reopening" | "anastomosis" | "wound_closure" => OKABE_ITO[2],
        _ => OKABE_ITO[0],
    }
}

fn draw_lane(sheet: &mut Sheet, lane: &Lane, top: f64, days: f64) {
    let (middle, bottom) = (top + LANE / 2.0, top + LANE - 4.0);
    let words = super::sheet::printable(&lane.words);
    sheet.text(words, [LEFT - 10.0, middle + 3.0], Type::new(8.5).anchor(Anchor::End));
    let first = lane.days.iter().copied().fold(f64::INFINITY, math::min);
    let face = Type::new(8.5);
    sheet.text(
        format!("day {}", super::day_label(first)),
        [LEFT + WIDE + 14.0, middle + 3.0],
        face,
    );
    let count = number(lane.days.len() as f64, 1.0);
    sheet.text(count, [LEFT + WIDE + 132.0, middle + 3.0], face.anchor(Anchor::End));
    let colour = colour(&lane.kind);
    if lane.days.len() <= SINGLE {
        sheet.line(&[[LEFT, middle], [LEFT + WIDE, middle]], 0.3, PALE);
        for &day in &lane.days {
            mark(sheet, &lane.kind, [LEFT + WIDE * day / days, middle], colour);
        }
        return;
    }
    let bins = (days.ceil() as usize).clamp(1, 400);
    let mut counts = vec![0.0; bins];
    for &day in &lane.days {
        counts[((day / days * bins as f64) as usize).min(bins - 1)] += 1.0;
    }
    let most = counts.iter().copied().fold(0.0, math::max);
    let wide = WIDE / bins as f64;
    sheet.line(&[[LEFT, bottom], [LEFT + WIDE, bottom]], 0.3, PALE);
    for (i, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0.0) {
        let high = (LANE - 12.5) * n / most;
        let corner = [LEFT + wide * i as f64, bottom - high];
        sheet.rectangle(corner, [math::max(wide - 0.3, 0.6), high], colour, 1.0);
    }
    let tallest = counts.iter().position(|n| *n == most).unwrap_or(0);
    let above = [LEFT + wide * (tallest as f64 + 0.5), top + 6.0];
    let face = Type::new(7.0).colour(GREY).anchor(Anchor::Middle);
    sheet.text(number(most, 1.0), above, face);
}

fn mark(sheet: &mut Sheet, kind: &str, [x, y]: Point, colour: Rgb) {
    const R: f64 = 4.0;
    let shape: Vec<Point> = match kind {
        "challenge" => vec![[x, y - R], [x + R, y], [x, y + R], [x - R, y]],
        "dose" => vec![[x - R, y - R], [x + R, y - R], [x, y + R]],
        _ => (0..12)
            .map(|i| {
                let turn = f64::from(i) * std::f64::consts::PI / 6.0;
                [x + 3.0 * math::cos(turn), y + 3.0 * math::sin(turn)]
            })
            .collect(),
    };
    sheet.area(&shape, colour, 1.0);
}

fn words(lanes: &[Lane]) -> String {
    let each: Vec<String> = lanes
        .iter()
        .map(|lane| {
            let first = lane.days.iter().copied().fold(f64::INFINITY, math::min);
            format!(
                "{} {} times from day {}",
                lane.words,
                lane.days.len(),
                super::day_label(first)
            )
        })
        .collect();
    format!("{}.", each.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_challenge_and_dose_has_a_lane_and_kinds_follow_in_order() {
        let text = "id,t_d,kind,entity,x_um,y_um,z_um,cause,values\n1,5,dose,therapy:product,0,0,0,,\n2,3,challenge,challenge:bruise,0,0,0,,\n\
                    3,4,death,tissue:1,0,0,0,2,\n4,3.5,closure,segment:9,0,0,0,2,\n5,12,dose,therapy:product,0,0,0,,\n";
        let (lanes, left_out) = lanes(&Records::parse(text));
        let names: Vec<&str> = lanes.iter().map(|l| l.words.as_str()).collect();
        assert_eq!(names, ["bruise", "product", "vessel closed by clot", "tissue died"]);
        assert_eq!((lanes[1].days.as_slice(), left_out), ([5.0, 12.0].as_slice(), 0));
    }
}
