//! Arms side by side: the same seed in each, and below what differs in oxygen from the reference.

use super::load::{self, Arm, Compare};
use super::map::{self, Size};
use super::sheet::{Sheet, Type};
use super::{DISCLAIMER, day_label, legend};
use crate::error::Result;
use crate::math;
use crate::picture::colours::{CIVIDIS, GREY, INK, THROMBUS, VIK};
use crate::picture::field::{self, Range};
use crate::picture::{View, section};
use crate::state::{Snapshot, Species};

/// Largest map [pt].
const LIMIT: [f64; 2] = [250.0, 430.0];
/// Corner of the first map [pt].
const CORNER: [f64; 2] = [48.0, 86.0];
/// Room between maps [pt].
const GAP: f64 = 22.0;
/// Room for a colour bar [pt].
const BAR: f64 = 64.0;
/// Arms on a page, the reference among them.
const PAGE: usize = 4;
/// Ends that the scale of differences may have [mmHg].
const LIMITS_MMHG: [f64; 5] = [5.0, 10.0, 20.0, 50.0, 100.0];

/// Draws pages of arms; none when no snapshot was kept.
pub fn draw(compare: &Compare) -> Result<Vec<Sheet>> {
    let Some(seed) = common_seed(&compare.arms) else {
        return Ok(Vec::new());
    };
    let mut shown: Vec<(&str, Snapshot)> = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    for arm in &compare.arms {
        match arm.snapshots.iter().find(|(s, _)| *s == seed) {
            Some((_, path)) => shown.push((&arm.name, load::snapshot(path)?)),
            None => missing.push(&arm.name),
        }
    }
    // Arms of another space cannot lie beside the reference.
    let grid = shown.first().map(|(_, s)| s.grid.clone());
    shown.retain(|(name, s)| {
        let fits = Some(&s.grid) == grid.as_ref();
        if !fits {
            missing.push(name);
        }
        fits
    });
    let Some(((reference, first), others)) = shown.split_first() else {
        return Ok(Vec::new());
    };
    let limit = limit_mmhg(first, others);
    let pages: Vec<&[(&str, Snapshot)]> = if others.is_empty() {
        vec![&[]]
    } else {
        others.chunks(PAGE - 1).collect()
    };
    Ok(pages
        .into_iter()
        .map(|others| page(compare, seed, (reference, first), others, limit, &missing))
        .collect())
}

/// The lowest seed that the most arms have.
fn common_seed(arms: &[Arm]) -> Option<u64> {
    let mut seeds: Vec<u64> = arms.iter().flat_map(|a| a.snapshots.iter().map(|(s, _)| *s)).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let holders = |seed: u64| {
        arms.iter()
            .filter(|a| a.snapshots.iter().any(|(s, _)| *s == seed))
            .count()
    };
    seeds
        .into_iter()
        .max_by_key(|&seed| (holders(seed), std::cmp::Reverse(seed)))
}

/// End of the scale of differences: the smallest of the series beyond which lies at most a two-hundredth of the voxels.
fn limit_mmhg(reference: &Snapshot, others: &[(&str, Snapshot)]) -> f64 {
    let view = View::of(reference);
    let base = field::values(reference, &view, Species::Oxygen);
    let largest = others
        .iter()
        .map(|(_, other)| {
            let mut sizes: Vec<f64> = field::values(other, &view, Species::Oxygen)
                .iter()
                .zip(&base)
                .map(|(a, b)| (a - b).abs())
                .collect();
            sizes.sort_by(f64::total_cmp);
            sizes.get(sizes.len() * 199 / 200).copied().unwrap_or(0.0)
        })
        .fold(0.0, math::max);
    LIMITS_MMHG
        .into_iter()
        .find(|&l| l >= largest)
        .unwrap_or(LIMITS_MMHG[LIMITS_MMHG.len() - 1])
}

fn page(
    compare: &Compare,
    seed: u64,
    (reference, first): (&str, &Snapshot),
    others: &[(&str, Snapshot)],
    limit: f64,
    missing: &[&str],
) -> Sheet {
    let view = View::of(first);
    let size = Size::within(&view, LIMIT);
    let scale = size.scale();
    let mut all: Vec<(&str, &Snapshot)> = vec![(reference, first)];
    all.extend(others.iter().map(|(name, s)| (*name, s)));
    let snapshots: Vec<&Snapshot> = all.iter().map(|(_, s)| *s).collect();
    let entries = legend::entries(&snapshots, compare.hypoxia_mmhg);

    // The oxygen of the reference has its colour bar, the differences share one.
    let x_of = |i: usize| CORNER[0] + i as f64 * (size.pt[0] + GAP) + if i > 0 { BAR - GAP + 14.0 } else { 0.0 };
    let content = x_of(all.len() - 1) + size.pt[0] + BAR;
    let width = math::max(content + 8.0, 560.0);
    let columns = ((width - CORNER[0]) / 172.0).floor() as usize;
    let lower = CORNER[1] + size.pt[1] + 40.0;
    let below = lower + size.pt[1] + 26.0;
    let mut sheet = Sheet::new(
        width,
        below + legend::height(&entries, columns) + 30.0,
        "Arms of a comparison, one seed",
        "Section maps of each arm above, oxygen of the reference and differences of oxygen below.",
    );
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    sheet.text(names.join("  ·  "), [CORNER[0], 27.0], Type::new(13.0).bold());
    sheet.text(
        format!(
            "day {}  ·  seed {seed} in every arm  ·  {DISCLAIMER}",
            day_label(first.day)
        ),
        [CORNER[0], 43.0],
        Type::new(9.0).colour(GREY),
    );
    if !missing.is_empty() {
        sheet.text(
            format!("▲ no comparable snapshot of: {}", missing.join(", ")),
            [CORNER[0], 56.0],
            Type::new(9.0).bold().colour(THROMBUS),
        );
    }
    for (i, (name, snapshot)) in all.iter().enumerate() {
        let upper = [x_of(i), CORNER[1]];
        let title = if i == 0 {
            format!("{name} (reference)")
        } else {
            (*name).to_owned()
        };
        let picture = section::draw(snapshot, &view, scale, compare.hypoxia_mmhg);
        panel(&mut sheet, i, &title, upper, size, picture);
        map::ulcer_bars(&mut sheet, upper, size, snapshot, &view);
        let corner = [x_of(i), lower];
        let letter = all.len() + i;
        if i == 0 {
            let (um, pt) = (scale.px_per_um, scale.px_per_pt);
            let picture = field::draw(first, &view, Species::Oxygen, um, pt);
            panel(&mut sheet, letter, "oxygen", corner, size, picture);
        } else {
            let picture = field::draw_difference(
                snapshot,
                first,
                &view,
                Species::Oxygen,
                limit,
                scale.px_per_um,
                scale.px_per_pt,
            );
            let title = format!("oxygen, {name} − {reference}");
            panel(&mut sheet, letter, &title, corner, size, picture);
        }
    }
    map::depth_axis(&mut sheet, CORNER, size, &view);
    map::depth_axis(&mut sheet, [CORNER[0], lower], size, &view);
    map::scale_bar(&mut sheet, CORNER, size, 7.5);
    let bar = |i: usize| [x_of(i) + size.pt[0] + 7.0, lower];
    let oxygen = Range::of(Species::Oxygen);
    map::colour_bar(&mut sheet, bar(0), size.pt[1], CIVIDIS, oxygen, "PO₂, mmHg");
    if all.len() > 1 {
        let range = Range {
            low: -limit,
            high: limit,
        };
        let unit = "difference in PO₂, mmHg";
        map::colour_bar(&mut sheet, bar(all.len() - 1), size.pt[1], VIK, range, unit);
    }
    let legend_width = (width - CORNER[0] - 8.0) / columns as f64;
    legend::draw(&mut sheet, entries, [CORNER[0], below], columns, legend_width);
    sheet
}

fn panel(sheet: &mut Sheet, index: usize, title: &str, corner: [f64; 2], size: Size, picture: crate::picture::Canvas) {
    let letter = char::from(b'a' + (index % 26) as u8);
    let base = corner[1] - 10.0;
    sheet.text(letter.to_string(), [corner[0], base], Type::new(10.5).bold());
    sheet.text(title, [corner[0] + 13.0, base], Type::new(9.0));
    sheet.picture(picture, corner);
    sheet.frame(corner, size.pt, 0.6, INK);
}
