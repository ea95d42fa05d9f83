//! The legend of section maps: a swatch drawn by the same code as the map, and its words.

use super::sheet::{PX_PER_PT, Sheet, Type};
use crate::picture::canvas::Point;
use crate::picture::colours::{INK, OPEN_BED, PALE, WHITE, rgb};
use crate::picture::section::{self, Layer, Scale};
use crate::picture::{Canvas, colours, field};
use crate::state::snapshot::{CellKind, SegmentView};
use crate::state::{Class, Kind, Snapshot, Vitality};

/// Size of a swatch [pt].
const SWATCH: Point = [30.0, 13.0];
/// Size of the words [pt].
const TEXT: f64 = 8.0;
/// Height of a row [pt].
const ROW: f64 = 17.5;

/// A row of the legend.
pub enum Entry {
    /// A heading.
    Heading(&'static str),
    /// A swatch and its words.
    Item(Canvas, String),
}

fn blank(ground: crate::picture::Rgb) -> Canvas {
    let px = |pt: f64| (pt * PX_PER_PT).round() as usize;
    Canvas::new(px(SWATCH[0]), px(SWATCH[1]), ground)
}

/// A scale at which a swatch shows a few cells.
const SCALE: Scale = Scale {
    px_per_um: 0.3,
    px_per_pt: PX_PER_PT,
};

fn ground(kind: Kind) -> Canvas {
    let mut swatch = blank(WHITE);
    swatch.shade(|x, y| {
        let place = [x as f64 / SCALE.px_per_um, y as f64 / SCALE.px_per_um];
        Some((section::tone(kind, place), 1.0))
    });
    if kind == Kind::Fat {
        for (x, y) in [
            (15.0, 10.0),
            (45.0, 10.0),
            (75.0, 10.0),
            (0.0, 36.0),
            (30.0, 36.0),
            (60.0, 36.0),
            (90.0, 36.0),
        ] {
            swatch.ring([x, y], 14.0, 1.6, colours::FAT_MEMBRANE);
        }
    }
    swatch
}

/// A vessel across a swatch.
fn vessel(class: Class, change: impl Fn(&mut SegmentView)) -> Canvas {
    let mut swatch = blank(colours::tissue(Kind::Reticular));
    let mut segment = SegmentView {
        id: 0,
        ends_um: [[0.0; 3]; 2],
        class,
        radius_um: match class {
            Class::Arteriole => 17.0,
            Class::Capillary => 3.5,
            Class::Venule => 20.0,
        },
        mineral: 0.0,
        neointima: 0.0,
        thrombus: 0.0,
        integrity: 1.0,
        flow_nl_per_min: 1.0,
        relative_flow: 1.0,
        po2_mmhg: 60.0,
        haematocrit: 0.4,
        feeder: 0,
        feeder_share: 1.0,
    };
    change(&mut segment);
    let y = swatch.height as f64 / 2.0;
    let ends = [[-9.0, y], [swatch.width as f64 + 9.0, y]];
    for layer in [Layer::Mineral, Layer::Wall, Layer::Lumen] {
        section::vessel(&mut swatch, &segment, ends[0], ends[1], SCALE, layer);
    }
    if f64::from(segment.thrombus) >= section::THROMBOSED {
        let middle = [swatch.width as f64 / 2.0, y];
        section::cross(&mut swatch, middle, 2.9 * PX_PER_PT, PX_PER_PT);
    }
    swatch
}

fn shaded(shade: impl Fn(usize, usize) -> (crate::picture::Rgb, f64) + Sync) -> Canvas {
    let mut swatch = ground(Kind::Reticular);
    swatch.shade(|x, y| Some(shade(x, y)));
    swatch
}

fn stroke(stroke: field::Stroke<'_>) -> Canvas {
    let mut swatch = ground(Kind::Reticular);
    let y = swatch.height as f64 / 2.0;
    let line = [[5.0, y], [swatch.width as f64 - 5.0, y]];
    swatch.polyline(&line, stroke.width + 2.0 * stroke.halo, WHITE, stroke.dash);
    swatch.polyline(&line, stroke.width, stroke.colour, stroke.dash);
    swatch
}

fn stipple() -> Canvas {
    let mut swatch = ground(Kind::Reticular);
    for i in 0..9 {
        let (x, y) = (8.0 + 9.5 * f64::from(i), 10.0 + f64::from((i * 7) % 5) * 4.6);
        swatch.disc([x, y], 1.3, colours::MINERAL, 0.95);
    }
    swatch
}

fn cell(kind: CellKind) -> Canvas {
    let mut swatch = blank(colours::tissue(Kind::Papillary));
    let middle = [swatch.width as f64 / 2.0, swatch.height as f64 / 2.0 + 1.0];
    let spread: &[f64] = if kind == CellKind::Msc {
        &[0.0]
    } else {
        &[-22.0, 0.0, 22.0]
    };
    for dx in spread {
        section::mover(&mut swatch, kind, [middle[0] + dx, middle[1]], SCALE);
    }
    swatch
}

fn ulcer() -> Canvas {
    let mut swatch = blank(OPEN_BED);
    let width = swatch.width as f64;
    swatch.rectangle([0.0, 0.0], [width, 14.0], WHITE, 1.0);
    swatch.rectangle([12.0, 2.0], [width - 12.0, 11.0], INK, 1.0);
    swatch
}

/// Everything that the snapshots show, with numbers of segments when there is only one snapshot.
pub fn entries(snapshots: &[&Snapshot], hypoxia_mmhg: f64) -> Vec<Entry> {
    let any_kind = |kind: Kind| snapshots.iter().any(|s| s.kind.contains(&kind));
    let any_vitality = |v: Vitality| snapshots.iter().any(|s| s.vitality.contains(&v));
    let count = |is: &dyn Fn(&SegmentView) -> bool| match snapshots {
        [one] => {
            let found = one.segments.iter().filter(|s| is(s)).count();
            format!(" ({found} of {})", one.segments.len())
        }
        _ => String::new(),
    };
    let mut list = vec![Entry::Heading("Tissue")];
    let mut add = |swatch: Canvas, words: &str| list.push(Entry::Item(swatch, words.to_owned()));
    for (kind, words) in [
        (Kind::Epidermis, "epidermis"),
        (Kind::Papillary, "papillary dermis"),
        (Kind::Reticular, "reticular dermis"),
        (Kind::Septum, "septum"),
        (Kind::Fat, "fat lobule"),
        (Kind::Membrane, "membrane"),
    ] {
        if any_kind(kind) {
            add(ground(kind), words);
        }
    }
    list.push(Entry::Heading("Vessels, bore to scale"));
    let mut add = |swatch: Canvas, words: String| list.push(Entry::Item(swatch, words));
    add(vessel(Class::Arteriole, |_| {}), "arteriole, thick wall".into());
    add(vessel(Class::Capillary, |_| {}), "capillary".into());
    add(vessel(Class::Venule, |_| {}), "venule, thin wall".into());
    let still = |s: &SegmentView| f64::from(s.relative_flow) < section::NO_FLOW;
    add(
        vessel(Class::Arteriole, |s| s.relative_flow = 0.0),
        format!("flow < 10 % of start{}", count(&still)),
    );
    let narrowed = |s: &SegmentView| f64::from(s.neointima) >= section::NARROWED;
    add(
        vessel(Class::Arteriole, |s| s.neointima = 0.55),
        format!("neo-intima ≥ 30 %{}", count(&narrowed)),
    );
    let closed = |s: &SegmentView| f64::from(s.thrombus) >= section::THROMBOSED;
    add(
        vessel(Class::Venule, |s| s.thrombus = 1.0),
        format!("thrombosed{}", count(&closed)),
    );
    let calcified = |s: &SegmentView| f64::from(s.mineral) >= section::CALCIFIED;
    add(
        vessel(Class::Arteriole, |s| s.mineral = 0.1),
        format!("wall mineral ≥ 0.05{}", count(&calcified)),
    );
    add(
        vessel(Class::Arteriole, |s| s.mineral = 0.8),
        "wall mineral ≥ 0.3, coarse".into(),
    );
    list.push(Entry::Heading("State of the tissue"));
    let mut add = |swatch: Canvas, words: String| list.push(Entry::Item(swatch, words));
    let mut dead = shaded(|x, y| section::hatch(x, y, PX_PER_PT));
    let (width, height) = (dead.width as f64, dead.height as f64);
    let edge = section::necrosis_stroke(PX_PER_PT);
    dead.polyline(
        &[
            [2.0, 2.0],
            [width - 2.0, 2.0],
            [width - 2.0, height - 2.0],
            [2.0, height - 2.0],
            [2.0, 2.0],
        ],
        edge.width,
        edge.colour,
        &[],
    );
    add(dead, "necrosis".into());
    add(
        stroke(section::hypoxia_stroke(PX_PER_PT)),
        format!("PO₂ = {hypoxia_mmhg} mmHg (hypoxia)"),
    );
    add(
        stroke(section::challenge_stroke(PX_PER_PT)),
        "radius of a challenge".into(),
    );
    if snapshots.iter().any(|s| s.kind.contains(&Kind::Epidermis)) {
        add(ulcer(), "ulcer: no epidermis".into());
    }
    if any_vitality(Vitality::Gone) {
        add(blank(OPEN_BED), "open bed".into());
    }
    if any_vitality(Vitality::Healed) {
        add(
            shaded(|x, y| section::granulation(x, y, PX_PER_PT)),
            "granulation tissue".into(),
        );
    }
    add(stipple(), "interstitial mineral".into());
    for (kind, words) in [
        (CellKind::Neutrophil, "neutrophil"),
        (CellKind::Macrophage, "macrophage"),
        (CellKind::Msc, "mesenchymal stem cell"),
    ] {
        if snapshots.iter().any(|s| s.cells.iter().any(|c| c.kind == kind)) {
            add(cell(kind), words.into());
        }
    }
    list
}

/// Column and row of each entry: as few rows as hold them all, no heading at the foot of a column.
fn places(entries: &[Entry], columns: usize) -> Vec<[usize; 2]> {
    let is_heading = |i: usize| matches!(entries.get(i), Some(Entry::Heading(_)));
    let laid = |rows: usize| {
        let mut at = 0;
        let place = |i: usize| {
            if is_heading(i) && at % rows == rows - 1 {
                at += 1;
            }
            at += 1;
            [(at - 1) / rows, (at - 1) % rows]
        };
        (0..entries.len()).map(place).collect::<Vec<_>>()
    };
    let fits = |list: &Vec<[usize; 2]>| list.last().is_none_or(|[column, _]| *column < columns);
    let least = entries.len().div_ceil(columns).max(2);
    (least..).map(laid).find(fits).unwrap_or_default()
}

/// Height of a legend in so many columns [pt].
pub fn height(entries: &[Entry], columns: usize) -> f64 {
    let rows = places(entries, columns).iter().map(|[_, row]| row + 1).max();
    rows.unwrap_or(0) as f64 * ROW
}

/// Draws a legend in columns of a width.
pub fn draw(sheet: &mut Sheet, entries: Vec<Entry>, corner: Point, columns: usize, width: f64) {
    let places = places(&entries, columns);
    for (entry, [column, row]) in entries.into_iter().zip(places) {
        let (x, y) = (corner[0] + column as f64 * width, corner[1] + row as f64 * ROW);
        match entry {
            Entry::Heading(words) => {
                sheet.text(words, [x, y + 12.0], Type::new(TEXT + 0.5).bold());
            }
            Entry::Item(swatch, words) => swatch_row(sheet, swatch, SWATCH, &words, [x, y]),
        }
    }
}

/// A swatch of a size [pt] and its words.
pub fn swatch_row(sheet: &mut Sheet, swatch: Canvas, size: Point, words: &str, corner: Point) {
    sheet.picture(swatch, corner);
    sheet.frame(corner, size, 0.4, PALE);
    sheet.text(
        words,
        [corner[0] + size[0] + 7.0, corner[1] + size[1] / 2.0 + 0.36 * TEXT],
        Type::new(TEXT).colour(rgb(0x303030)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_heading_stands_at_the_foot_of_a_column() {
        let item = || Entry::Item(Canvas::new(1, 1, [255; 3]), String::new());
        let entries = [
            Entry::Heading("a"),
            item(),
            item(),
            Entry::Heading("b"),
            item(),
            item(),
            item(),
        ];
        let found = places(&entries, 2);
        assert_eq!(found[3], [1, 0], "{found:?}");
        assert!(found.iter().all(|[column, _]| *column < 2), "{found:?}");
        assert!(places(&[], 3).is_empty());
    }
}
