//! The card of a virtual biopsy: sections in their stains, fields of view on the vessels most worth a look, what a reader
//! notes, and the verdict of each rule. And slides for readers: the same sections without a word.

use std::path::Path;

use super::legend::swatch_row;
use super::map::{self, Size};
use super::sheet::{Anchor, PX_PER_PT, Sheet, Type};
use super::{DISCLAIMER, day_label};
use crate::error::Result;
use crate::math;
use crate::picture::biopsy::checklist::what_was_cut;
use crate::picture::biopsy::{Cut, Findings, Lens, Punch, Rule, Verdict};
use crate::picture::canvas::Point;
use crate::picture::colours::{GREY, INK, PALE, THROMBUS, WHITE, rgb};
use crate::picture::section::Scale;
use crate::picture::stain::{self, Marks, Sample, Stain, Window};
use crate::picture::{Canvas, scale_bar_label, scale_bar_um};
use crate::state::snapshot::CellKind;
use crate::state::{Class, Kind, Snapshot};

/// Largest whole section [pt].
const OVERVIEW: Point = [330.0, 490.0];
/// Edge of a field of view in the tissue [µm].
const FIELD_UM: f64 = 340.0;
/// Fields beside each section.
const FIELDS: usize = 3;
/// Margin of the sheet [pt].
const MARGIN: f64 = 28.0;
/// Where the pictures begin [pt].
const TOP: f64 = 88.0;
/// Between pictures [pt].
const GAP: f64 = 9.0;

/// One section of a biopsy, ready to be drawn.
pub struct Card<'a> {
    /// The run in words: scenario and seed.
    pub run: String,
    /// What must be said of the run: that it is not complete, that the day was replayed. May be empty.
    pub caveat: String,
    /// The tissue.
    pub snapshot: &'a Snapshot,
    /// The punch.
    pub punch: Punch,
    /// All sections.
    pub cuts: &'a [Cut],
    /// Which of them this card shows, from 0.
    pub section: usize,
    /// What a reader notes of all of them.
    pub findings: &'a Findings,
    /// How they are read.
    pub lens: &'a Lens,
    /// The rule that was asked for.
    pub rule: Rule,
    /// Stains, in order.
    pub stains: &'a [Stain],
}

/// Places worth a look: vessels with the most to see, apart from each other; at the end the surface.
pub fn fields_of_view(snapshot: &Snapshot, cut: &Cut, lens: &Lens, count: usize) -> Vec<Point> {
    let p = &lens.parameters;
    let mut list: Vec<(f64, Point)> = cut
        .profiles
        .iter()
        .map(|profile| {
            let s = &snapshot.segments[profile.segment];
            let [mineral, clot, neointima] = [s.mineral, s.thrombus, s.neointima].map(f64::from);
            let shown = |value: f64, least: f64| if value >= least { 1.0 + value } else { 0.0 };
            let lumen = f64::from(u8::from(profile.meets_lumen));
            let size = math::unit(profile.wall.outer / 30.0);
            let seen = 2.0 * shown(mineral, p.von_kossa_least)
                + shown(mineral, p.chunky_least)
                + lumen * (1.5 * shown(clot, p.thrombus_least) + shown(neointima, p.neointima_least));
            let arteriole = f64::from(u8::from(s.class == Class::Arteriole));
            // The same finding is easier to see in a larger vessel, and counts for more in the subcutis.
            let kind = snapshot.kind[profile.voxel as usize];
            let deep = if matches!(kind, Kind::Fat | Kind::Septum) {
                1.8
            } else {
                1.0
            };
            let score = (seen + 0.5) * (0.3 + size) * deep + 0.3 * arteriole;
            (score, profile.centre_um)
        })
        .collect();
    // Profiles come in a fixed order, and the sort keeps it.
    list.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Fields that overlap nowhere come first; a small section has no room for them, and only different vessels then.
    let corner = |centre: Point| Window::field(cut, centre, FIELD_UM).corner_um;
    let mut chosen: Vec<Point> = Vec::new();
    for least in [FIELD_UM, 0.45 * FIELD_UM] {
        for &(_, centre) in &list {
            let [x, y] = corner(centre);
            let is_apart = |other: &Point| {
                let [their_x, their_y] = corner(*other);
                (their_x - x).abs() >= least || (their_y - y).abs() >= least
            };
            if chosen.len() < count && chosen.iter().all(is_apart) {
                chosen.push(centre);
            }
        }
    }
    let mut along = 0.5;
    while chosen.len() < count {
        chosen.push([along * cut.width_um, 0.4 * FIELD_UM]);
        along += 0.17;
    }
    chosen
}

fn scale_of(size: Size) -> Scale {
    size.scale()
}

/// The card as a sheet.
pub fn card(card: &Card) -> Sheet {
    let cut = &card.cuts[card.section];
    let whole = Window::whole(cut);
    let size = Size::of_extent(whole.size_um, OVERVIEW);
    let field_pt = (size.pt[1] - (FIELDS as f64 - 1.0) * GAP) / FIELDS as f64;
    let block = size.pt[0] + GAP + field_pt + 24.0;
    let pictures = MARGIN * 2.0 + card.stains.len() as f64 * block - 24.0;
    let width = math::max(pictures, 800.0);
    let foot = TOP + size.pt[1] + 30.0;
    let height = foot + 262.0;
    let words = alt_text(card);
    let title = format!("Virtual biopsy, {}, day {}", card.run, day_label(card.snapshot.day));
    let mut sheet = Sheet::new(width, height, &title, &words);
    header(&mut sheet, card);
    let fields = fields_of_view(card.snapshot, cut, card.lens, FIELDS);
    for (i, &stain) in card.stains.iter().enumerate() {
        let x = MARGIN + i as f64 * block;
        sheet.text(stain.label(), [x, TOP - 8.0], Type::new(10.0).bold());
        let picture = stain::draw(card.snapshot, cut, card.lens, stain, whole, scale_of(size), Marks::All);
        sheet.picture(picture, [x, TOP]);
        sheet.frame([x, TOP], size.pt, 0.6, INK);
        for (k, &centre) in fields.iter().enumerate() {
            let window = Window::field(cut, centre, FIELD_UM);
            let corner = [x + size.pt[0] + GAP, TOP + k as f64 * (field_pt + GAP)];
            field(&mut sheet, card, stain, window, corner, field_pt, k);
            let on = |axis: usize| (window.corner_um[axis] - whole.corner_um[axis]) * size.pt_per_um;
            let edge = FIELD_UM * size.pt_per_um;
            let at = [x + on(0), TOP + on(1)];
            sheet.frame(at, [edge, edge], 1.8, WHITE);
            sheet.frame(at, [edge, edge], 0.8, INK);
            letter(&mut sheet, k, [at[0] - 1.0, at[1] - 11.0]);
        }
        // Over the frames of the fields, which may reach into its corner.
        map::scale_bar(&mut sheet, [x, TOP], size, 8.0);
    }
    notes(&mut sheet, card, foot);
    rules(&mut sheet, card, [MARGIN + 246.0, foot]);
    legend(&mut sheet, card, [MARGIN + 560.0, foot]);
    closing(&mut sheet, card, [MARGIN, foot + 212.0], width - 2.0 * MARGIN);
    sheet
}

fn letter(sheet: &mut Sheet, k: usize, corner: Point) {
    sheet.rectangle(corner, [10.0, 11.0], WHITE, 0.85);
    let name = char::from(b'a' + k as u8).to_string();
    sheet.text(
        name,
        [corner[0] + 5.0, corner[1] + 8.4],
        Type::new(8.5).bold().anchor(Anchor::Middle),
    );
}

fn field(sheet: &mut Sheet, card: &Card, stain: Stain, window: Window, corner: Point, edge_pt: f64, k: usize) {
    let size = Size::of_extent(window.size_um, [edge_pt, edge_pt]);
    let cut = &card.cuts[card.section];
    let picture = stain::draw(card.snapshot, cut, card.lens, stain, window, scale_of(size), Marks::All);
    sheet.picture(picture, corner);
    sheet.frame(corner, size.pt, 0.6, INK);
    letter(sheet, k, corner);
    // A short bar in the corner, so that it hides little.
    let bar_um = scale_bar_um(FIELD_UM);
    let length = bar_um * size.pt_per_um;
    let [x, y] = [corner[0] + edge_pt - length - 8.0, corner[1] + edge_pt - 17.0];
    sheet.rectangle([x - 4.0, y], [length + 8.0, 14.0], WHITE, 0.82);
    sheet.text(
        scale_bar_label(bar_um),
        [x + length / 2.0, y + 8.0],
        Type::new(6.5).bold().anchor(Anchor::Middle),
    );
    sheet.rectangle([x, y + 10.0], [length, 1.8], INK, 1.0);
}

fn mm(um: f64) -> String {
    format!("{} mm", (um / 10.0).round() / 100.0)
}

fn header(sheet: &mut Sheet, card: &Card) {
    sheet.text(
        format!("Virtual biopsy: {}", card.run),
        [MARGIN, 30.0],
        Type::new(14.0).bold(),
    );
    let number = match card.cuts.len() {
        1 => String::new(),
        n => format!("  ·  section {} of {n}", card.section + 1),
    };
    let place = if card.snapshot.grid.plane == crate::grid::Plane::Block {
        format!("x {}, y {}", mm(card.punch.centre_um[0]), mm(card.punch.centre_um[1]))
    } else {
        format!("x {}", mm(card.punch.centre_um[0]))
    };
    let line = format!(
        "day {}  ·  punch {} across, {} deep, at {place}{number}  ·  {DISCLAIMER}",
        day_label(card.snapshot.day),
        mm(card.punch.diameter_um),
        mm(card.punch.depth_um),
    );
    sheet.text(line, [MARGIN, 46.0], Type::new(9.0).colour(GREY));
    if !card.caveat.is_empty() {
        let face = Type::new(8.5).bold().colour(THROMBUS);
        sheet.text(format!("▲ {}", card.caveat), [MARGIN, 60.0], face);
    }
}

/// What a reader notes, as a table.
fn notes(sheet: &mut Sheet, card: &Card, top: f64) {
    let f = card.findings;
    let (s, d) = (&f.subcutis, &f.dermis);
    let percent = |x: f64| format!("{:.0} %", 100.0 * x);
    let both = |deep: usize, shallow: usize| [deep.to_string(), shallow.to_string()];
    let rows: [(&str, [String; 2]); 11] = [
        ("vessels", both(s.vessels, d.vessels)),
        ("  arterioles among them", both(s.arterioles, d.arterioles)),
        (
            "calcified, von Kossa",
            both(s.calcified_von_kossa, d.calcified_von_kossa),
        ),
        ("  stippled", both(s.stippled, d.stippled)),
        ("  chunky", both(s.chunky, d.chunky)),
        ("calcified, H&E", both(s.calcified_he, d.calcified_he)),
        ("fibrin thrombus", both(s.thrombosed, d.thrombosed)),
        ("neo-intima", both(s.neointima, d.neointima)),
        ("septal inflammation", [f.inflammation_word().to_owned(), String::new()]),
        (
            "area with interstitial grains",
            [format!("{:.1} %", 100.0 * f.interstitial_calcium_share), String::new()],
        ),
        ("dead tissue", [percent(f.necrotic_share), String::new()]),
    ];
    let (left, column) = (MARGIN, [MARGIN + 150.0, MARGIN + 200.0]);
    let face = Type::new(8.0);
    sheet.text("What a reader notes", [left, top], Type::new(9.0).bold());
    for (name, x) in [("subcutis", column[0]), ("dermis", column[1])] {
        sheet.text(name, [x, top], face.anchor(Anchor::End).colour(GREY));
    }
    for (i, (name, values)) in rows.into_iter().enumerate() {
        let y = top + 15.0 + 14.0 * i as f64;
        sheet.line(&[[left, y + 4.0], [column[1], y + 4.0]], 0.3, PALE);
        let indent = if name.starts_with("  ") { 9.0 } else { 0.0 };
        sheet.text(name.trim_start(), [left + indent, y], face.colour(rgb(0x303030)));
        for (value, x) in values.into_iter().zip(column) {
            let bold = value != "0" && value != "none";
            let face = if bold { face.bold() } else { face };
            sheet.text(value, [x, y], face.anchor(Anchor::End));
        }
    }
}

/// The verdicts.
fn rules(sheet: &mut Sheet, card: &Card, [x, top]: Point) {
    sheet.text("Verdict by rule of reading", [x, top], Type::new(9.0).bold());
    let mut y = top + 16.0;
    for rule in Rule::ALL {
        let verdict = card.findings.verdict(rule);
        let sign = match verdict {
            Verdict::Positive => "+",
            Verdict::Negative => "−",
            Verdict::Inadequate => "?",
        };
        let asked = if rule == card.rule { " (asked for)" } else { "" };
        sheet.text(sign, [x + 3.0, y], Type::new(10.0).bold());
        let face = Type::new(8.5).bold();
        sheet.text(
            format!("{}: {}{asked}", rule.name(), verdict.word()),
            [x + 14.0, y],
            face,
        );
        y = sheet.paragraph(
            rule.meaning(),
            [x + 14.0, y + 11.0],
            250.0,
            Type::new(7.5).colour(rgb(0x303030)),
        );
        y = sheet.paragraph(rule.source(), [x + 14.0, y], 250.0, Type::new(7.0).colour(GREY)) + 7.0;
    }
    let words = if card.findings.rules_disagree() {
        "The rules do not agree on this biopsy."
    } else {
        "The rules agree on this biopsy."
    };
    sheet.text(words, [x, y + 2.0], Type::new(8.5).bold());
    if !card.findings.adequate {
        let p = &card.lens.parameters;
        let words = format!(
            "Too little to see: {:.2} mm² of subcutis a section with {} small vessels; {} mm² and {} are asked for (assumed).",
            card.findings.subcutis_mm2, card.findings.subcutis.vessels, p.subcutis_least_mm2, p.vessels_least
        );
        sheet.paragraph(&words, [x, y + 14.0], 260.0, Type::new(7.5).colour(rgb(0x303030)));
    }
}

/// Swatches in the first stain that shows calcium well.
fn legend(sheet: &mut Sheet, card: &Card, [x, top]: Point) {
    let stain = card.stains.last().copied().unwrap_or(Stain::VonKossa);
    let p = &card.lens.parameters;
    sheet.text(format!("Signs ({})", stain.label()), [x, top], Type::new(9.0).bold());
    let fine = (p.von_kossa_least + p.chunky_least) / 2.0;
    let samples = [
        (Sample::Calcium(fine), "stippled calcium of a wall"),
        (
            Sample::Calcium(math::unit(2.0 * p.chunky_least)),
            "chunky calcium of a wall",
        ),
        (Sample::Thrombus, "fibrin thrombus"),
        (Sample::Neointima(0.8), "neo-intima"),
        (Sample::Interstitial, "interstitial calcium"),
        (Sample::Inflammation, "neutrophils, macrophage"),
        (Sample::Dead, "dead tissue: no nuclei"),
    ];
    let mut y = top + 8.0;
    for (sample, words) in samples {
        let size = [34.0, 17.0];
        let px = size.map(|pt: f64| (pt * PX_PER_PT).round() as usize);
        swatch_row(sheet, stain::sample(stain, card.lens, sample, px), size, words, [x, y]);
        y += 20.0;
    }
    let lines: [(&str, &[f64]); 2] = [("border of dead tissue", &[]), ("border of hypoxia", &[3.0, 2.0])];
    for (words, dash) in lines {
        let colour = if dash.is_empty() {
            crate::picture::colours::NECROSIS_LINE
        } else {
            crate::picture::colours::HYPOXIA_LINE
        };
        sheet.dashed(&[[x + 2.0, y + 6.0], [x + 32.0, y + 6.0]], 1.1, colour, dash);
        sheet.text(words, [x + 41.0, y + 9.0], Type::new(8.0).colour(rgb(0x303030)));
        y += 14.0;
    }
    if card.cuts[card.section].cells.iter().any(|c| c.kind == CellKind::Msc) {
        let mut mark = Canvas::new(60, 39, WHITE);
        stain::msc_mark(&mut mark, [30.0, 21.0], 9.0, 2.0);
        swatch_row(
            sheet,
            mark,
            [20.0, 13.0],
            "mesenchymal stem cell (a mark)",
            [x + 7.0, y],
        );
    }
}

fn closing(sheet: &mut Sheet, card: &Card, [x, y]: Point, width: f64) {
    let words = format!(
        "{} Fibres, nuclei, red cells, rete ridges and edges are texture from a hash of the place and carry no data. \
         Wall thickness, thresholds of reading and adequacy are assumed unless a source stands beside them: calcisim explain biopsy.",
        what_was_cut(card.snapshot.grid.plane)
    );
    let y = sheet.paragraph(&words, [x, y], width, Type::new(7.5).colour(GREY));
    sheet.text(
        format!("{DISCLAIMER}  ·  for teaching and for making hypotheses, never for care"),
        [x, y + 5.0],
        Type::new(8.0).bold().colour(GREY),
    );
}

/// The card in words.
pub fn alt_text(card: &Card) -> String {
    let cut = &card.cuts[card.section];
    let size_mm = [cut.width_um / 1000.0, cut.depth_um / 1000.0];
    let verdicts: Vec<String> = Rule::ALL
        .iter()
        .map(|&rule| format!("{} {}", rule.name(), card.findings.verdict(rule).word()))
        .collect();
    format!(
        "Simulated section, not a patient image. {}: {} Verdicts: {}.",
        card.run,
        card.findings.sentences(card.snapshot, size_mm),
        verdicts.join(", ")
    )
}

/// Writes the card as a PNG.
pub fn write_card(it: &Card, path: &Path) -> Result<()> {
    card(it).write_png(path)
}

/// Writes the card as a small PNG, for pages.
pub fn write_small_card(it: &Card, path: &Path) -> Result<()> {
    card(it).write_page_png(path)
}

/// Writes a slide for a reader: sections and fields without a word, a mark or a scale that could tell which run it is; the scale
/// bar alone stands on it.
pub fn write_slide(snapshot: &Snapshot, cut: &Cut, lens: &Lens, stains: &[Stain], path: &Path) -> Result<()> {
    let whole = Window::whole(cut);
    let size = Size::of_extent(whole.size_um, [270.0, 400.0]);
    let field_pt = (size.pt[1] - (FIELDS as f64 - 1.0) * GAP) / FIELDS as f64;
    let block = size.pt[0] + GAP + field_pt + 14.0;
    let width = 2.0 * GAP + stains.len() as f64 * block - 14.0;
    let mut sheet = Sheet::new(
        width,
        2.0 * GAP + size.pt[1],
        "slide",
        "A simulated section for a reader.",
    );
    let fields = fields_of_view(snapshot, cut, lens, FIELDS);
    for (i, &stain) in stains.iter().enumerate() {
        let corner = [GAP + i as f64 * block, GAP];
        let picture = stain::draw(snapshot, cut, lens, stain, whole, scale_of(size), Marks::None);
        sheet.picture(picture, corner);
        map::scale_bar(&mut sheet, corner, size, 7.0);
        for (k, &centre) in fields.iter().enumerate() {
            let window = Window::field(cut, centre, FIELD_UM);
            let size = Size::of_extent(window.size_um, [field_pt, field_pt]);
            let at = [corner[0] + block - 14.0 - field_pt, GAP + k as f64 * (field_pt + GAP)];
            let picture = stain::draw(snapshot, cut, lens, stain, window, scale_of(size), Marks::None);
            sheet.picture(picture, at);
            sheet.frame(at, size.pt, 0.5, INK);
        }
    }
    sheet.write_png(path)
}
