//! Many biopsies: where punches go in, how often each rule of reading finds the disease, and how sure that is.
//!
//! Sites and levels are drawn from a seed by the number of the biopsy alone, so every punch size, site rule and number of
//! sections is tried on the same draws. Intervals are Wilson's: they hold for the sampling of one site at risk, not for
//! patients.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::grid::{Grid, Plane};
use crate::math;
use crate::output::number;
use crate::par;
use crate::picture::biopsy::{Cut, Findings, Lens, Punch, Rule, Verdict};
use crate::random::{Dice, Purpose, Roll};
use crate::state::{Kind, Snapshot, Vitality};

/// z of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Where a punch goes in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Site {
    /// Anywhere.
    Random,
    /// At the edge of dead or open skin.
    LesionEdge,
    /// At a place [µm]; y is the middle of a block when it is not given.
    At {
        /// Along the surface.
        x_um: f64,
        /// Across, in a block.
        y_um: Option<f64>,
    },
}

impl Site {
    /// The site as it is written on the command line.
    pub fn word(self) -> String {
        match self {
            Self::Random => "random".into(),
            Self::LesionEdge => "lesion-edge".into(),
            Self::At { x_um, y_um: None } => number(x_um / 1000.0),
            Self::At { x_um, y_um: Some(y) } => format!("{}:{}", number(x_um / 1000.0), number(y / 1000.0)),
        }
    }
}

/// Columns of the surface at whose border a lesion ends: open or dead skin first, else dead tissue at any depth.
fn edges(snapshot: &Snapshot) -> Vec<usize> {
    let grid = &snapshot.grid;
    let columns = grid.nx * grid.ny;
    let lost = |v: usize| matches!(snapshot.vitality[v], Vitality::Necrotic | Vitality::Gone);
    let skin = |c: usize| {
        let open = snapshot.covered.get(c) == Some(&0);
        let dead_dermis = (0..grid.nz)
            .map(|z| c + columns * z)
            .take_while(|&v| !matches!(snapshot.kind[v], Kind::Fat | Kind::Septum))
            .any(lost);
        open || dead_dermis
    };
    let any = |c: usize| (0..grid.nz).any(|z| lost(c + columns * z));
    let borders = |is: &dyn Fn(usize) -> bool| -> Vec<usize> {
        let mask: Vec<bool> = (0..columns).map(is).collect();
        (0..columns)
            .filter(|&c| {
                let steps = [(1, 0), (-1, 0), (0, 1), (0, -1)];
                let steps = if grid.ny > 1 { &steps[..] } else { &steps[..2] };
                let beside = |&(dx, dy): &(i64, i64)| grid.neighbour(c, dx, dy, 0).is_some_and(|n| !mask[n % columns]);
                mask[c] && steps.iter().any(beside)
            })
            .collect()
    };
    let of_skin = borders(&skin);
    if of_skin.is_empty() { borders(&any) } else { of_skin }
}

/// Where punches of one snapshot can go in.
pub struct Ground {
    grid: Grid,
    edges: Vec<usize>,
}

impl Ground {
    /// Looks for the edges of lesions in a snapshot.
    pub fn new(snapshot: &Snapshot) -> Self {
        Self {
            grid: snapshot.grid.clone(),
            edges: edges(snapshot),
        }
    }

    /// Whether a site can be met on this day, or what to do instead.
    pub fn check(&self, site: Site, day: f64) -> Result<()> {
        if site == Site::LesionEdge && self.edges.is_empty() {
            return Err(Error::Condition(format!(
                "no edge of a lesion on day {day}: no tissue is dead and no skin open, or all of it is; choose another day, \
                 --site random, or a place in mm"
            )));
        }
        Ok(())
    }

    /// Centre of a punch [µm]; `scatter_um` is how far it may miss an edge. A punch stays within sides that do not wrap.
    pub fn centre(&self, site: Site, diameter_um: f64, scatter_um: f64, roll: &mut Roll) -> [f64; 2] {
        let grid = &self.grid;
        let [wide, broad, _] = grid.extent_um();
        let is_block = grid.plane == Plane::Block;
        let middle = if is_block { broad / 2.0 } else { 0.0 };
        // Four draws for every site, so that all sites of one number share them.
        let [a, b, c, d] = std::array::from_fn(|_| roll.uniform());
        let [x, y] = match site {
            Site::Random => [a * wide, if is_block { b * broad } else { middle }],
            Site::At { x_um, y_um } => return [x_um, y_um.unwrap_or(middle)],
            Site::LesionEdge => {
                let column = self.edges[((a * self.edges.len() as f64) as usize).min(self.edges.len() - 1)];
                let [x, y, _] = grid.centre_um(column);
                let miss = |u: f64| scatter_um * (2.0 * u - 1.0);
                [x + miss(c), if is_block { y + miss(d) } else { middle }]
            }
        };
        let inside = |value: f64, extent: f64| {
            if grid.periodic {
                value - (value / extent).floor() * extent
            } else {
                math::clamp(value, diameter_um / 2.0, extent - diameter_um / 2.0)
            }
        };
        [inside(x, wide), if is_block { inside(y, broad) } else { middle }]
    }
}

/// One biopsy of many.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Biopsy {
    /// Number, from 0: the same number has the same draws under every condition.
    pub number: usize,
    /// Place [mm].
    pub x_mm: f64,
    /// Place across [mm]; empty in a section.
    pub y_mm: Option<f64>,
    /// What a reader notes.
    pub findings: Findings,
}

/// One way of taking biopsies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// Diameter [µm].
    pub diameter_um: f64,
    /// Depth [µm].
    pub depth_um: f64,
    /// Site.
    pub site: Site,
    /// Sections read.
    pub sections: usize,
}

/// Takes so many biopsies of a tissue under one condition; numbers in order, the same for any number of threads.
pub fn take(snapshot: &Snapshot, condition: Condition, n: usize, seed: u64, lens: &Lens) -> Result<Vec<Biopsy>> {
    let ground = Ground::new(snapshot);
    ground.check(condition.site, snapshot.day)?;
    let dice = Dice::new(seed);
    let mut all: Vec<(usize, Option<Result<Biopsy>>)> = (0..n).map(|i| (i, None)).collect();
    par::jobs(&mut all, |(i, slot)| {
        let mut roll = dice.roll(Purpose::Biopsy, *i as u64);
        *slot = Some(one(snapshot, &ground, condition, *i, &mut roll, lens));
    });
    all.into_iter().filter_map(|(_, biopsy)| biopsy).collect()
}

fn one(
    snapshot: &Snapshot,
    ground: &Ground,
    condition: Condition,
    number: usize,
    roll: &mut Roll,
    lens: &Lens,
) -> Result<Biopsy> {
    let grid = &snapshot.grid;
    let scatter_um = 1000.0 * lens.parameters.edge_scatter_mm;
    let centre_um = ground.centre(condition.site, condition.diameter_um, scatter_um, roll);
    let punch = Punch {
        centre_um,
        diameter_um: condition.diameter_um,
        depth_um: condition.depth_um,
    };
    punch.check(grid)?;
    let cuts: Vec<Cut> = punch
        .levels_um(grid, condition.sections, roll.uniform())
        .into_iter()
        .map(|level| Cut::new(snapshot, &punch, level, lens))
        .collect();
    Ok(Biopsy {
        number,
        x_mm: centre_um[0] / 1000.0,
        y_mm: (grid.plane == Plane::Block).then_some(centre_um[1] / 1000.0),
        findings: Findings::of(snapshot, &cuts, lens),
    })
}

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Of so many.
    pub n: usize,
    /// So many.
    pub count: usize,
    /// Share, 0-1.
    pub share: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// A share with Wilson's score interval (95 %).
    pub fn of(count: usize, n: usize) -> Self {
        if n == 0 {
            return Self {
                n,
                count,
                share: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let (p, n_real) = (count as f64 / n as f64, n as f64);
        let z2 = Z * Z;
        let centre = (p + z2 / (2.0 * n_real)) / (1.0 + z2 / n_real);
        let half = Z / (1.0 + z2 / n_real) * (p * (1.0 - p) / n_real + z2 / (4.0 * n_real * n_real)).sqrt();
        Self {
            n,
            count,
            share: p,
            // All or none: rounding must not leave the share outside.
            low: math::positive(math::min(centre - half, p)),
            high: math::min(math::max(centre + half, p), 1.0),
        }
    }

    /// `63 % (59-67)`.
    pub fn words(&self) -> String {
        let percent = |x: f64| (100.0 * x).round();
        format!(
            "{} % ({}-{})",
            percent(self.share),
            percent(self.low),
            percent(self.high)
        )
    }
}

/// What the biopsies of one run, day and condition say by one rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Run.
    pub run: String,
    /// Whether the run counts as diseased (the first) or as a mimic.
    pub diseased: bool,
    /// Day.
    pub day: f64,
    /// Diameter [mm].
    pub punch_mm: f64,
    /// Depth [mm].
    pub depth_mm: f64,
    /// Site.
    pub site: String,
    /// Sections.
    pub sections: usize,
    /// Rule.
    pub rule: Rule,
    /// Biopsies.
    pub n: usize,
    /// Positive ones.
    pub positive: usize,
    /// Negative ones.
    pub negative: usize,
    /// Inadequate ones.
    pub inadequate: usize,
    /// Sensitivity of a diseased run, specificity of a mimic; an inadequate biopsy finds nothing.
    pub share: Share,
    /// Share of biopsies about which the three rules differ.
    pub rules_disagree: f64,
}

/// The rows of one condition, one for each rule.
pub fn rows(run: &str, diseased: bool, day: f64, condition: Condition, biopsies: &[Biopsy]) -> Vec<Row> {
    let n = biopsies.len();
    let disagree = biopsies.iter().filter(|b| b.findings.rules_disagree()).count();
    Rule::ALL
        .into_iter()
        .map(|rule| {
            let count = |verdict| biopsies.iter().filter(|b| b.findings.verdict(rule) == verdict).count();
            let positive = count(Verdict::Positive);
            Row {
                run: run.to_owned(),
                diseased,
                day,
                punch_mm: condition.diameter_um / 1000.0,
                depth_mm: condition.depth_um / 1000.0,
                site: condition.site.word(),
                sections: condition.sections,
                rule,
                n,
                positive,
                negative: count(Verdict::Negative),
                inadequate: count(Verdict::Inadequate),
                share: Share::of(if diseased { positive } else { n - positive }, n),
                rules_disagree: if n == 0 { 0.0 } else { disagree as f64 / n as f64 },
            }
        })
        .collect()
}

/// Header of the table of rows.
pub const ROWS_HEADER: &str = "run,role,day,punch_mm,depth_mm,site,sections,rule,n,positive,negative,inadequate,measure,share,low,high,\
                               rules_disagree\n";

impl Row {
    /// What the share measures.
    pub fn measure(&self) -> &'static str {
        if self.diseased { "sensitivity" } else { "specificity" }
    }

    /// The row as a line of CSV.
    pub fn line(&self) -> String {
        let cells = [
            crate::output::quoted(&self.run),
            if self.diseased { "diseased" } else { "mimic" }.to_owned(),
            number(self.day),
            number(self.punch_mm),
            number(self.depth_mm),
            self.site.clone(),
            self.sections.to_string(),
            self.rule.name().to_owned(),
            self.n.to_string(),
            self.positive.to_string(),
            self.negative.to_string(),
            self.inadequate.to_string(),
            self.measure().to_owned(),
            number(self.share.share),
            number(self.share.low),
            number(self.share.high),
            number(self.rules_disagree),
        ];
        cells.join(",") + "\n"
    }
}

/// Header of the table of single biopsies.
pub const BIOPSIES_HEADER: &str = "run,day,punch_mm,site,sections,biopsy,x_mm,y_mm,vk_thrombus,he_calcium,calcium_occlusion,subcutis_vessels,\
                                   calcified_von_kossa,calcified_he,thrombosed,neointima,subcutis_mm2,necrotic_share\n";

/// One biopsy as a line of CSV.
pub fn biopsy_line(run: &str, day: f64, condition: Condition, biopsy: &Biopsy) -> String {
    let f = &biopsy.findings;
    let verdict = |rule| f.verdict(rule).word().to_owned();
    let mut cells = vec![
        crate::output::quoted(run),
        number(day),
        number(condition.diameter_um / 1000.0),
        condition.site.word(),
        condition.sections.to_string(),
        biopsy.number.to_string(),
        format!("{:.4}", biopsy.x_mm),
        biopsy.y_mm.map_or_else(String::new, |y| format!("{y:.4}")),
    ];
    cells.extend(Rule::ALL.map(verdict));
    let s = &f.subcutis;
    cells.extend(
        [
            s.vessels,
            s.calcified_von_kossa,
            s.calcified_he,
            s.thrombosed,
            s.neointima,
        ]
        .map(|n| n.to_string()),
    );
    cells.extend([f.subcutis_mm2, f.necrotic_share].map(|x| format!("{x:.4}")));
    cells.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::biopsy::tests::{block, lens, section};

    #[test]
    fn wilson_s_interval_is_the_published_one() {
        // 15 of 27: 37-72 %; 23 of 27: 67-94 %; 0 of 39: 0-9 %.
        for (count, n, low, high) in [(15, 27, 0.37, 0.72), (23, 27, 0.67, 0.94), (0, 39, 0.0, 0.09)] {
            let share = Share::of(count, n);
            assert!(
                (share.low - low).abs() < 0.006 && (share.high - high).abs() < 0.006,
                "{share:?}"
            );
        }
    }

    fn condition(site: Site, sections: usize) -> Condition {
        Condition {
            diameter_um: 600.0,
            depth_um: 1600.0,
            site,
            sections,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_biopsies_on_any_number_of_threads() -> Result<()> {
        let snapshot = section();
        let some = |threads| par::with_threads(threads, || take(&snapshot, condition(Site::Random, 1), 40, 3, &lens()));
        assert_eq!(some(1)?, some(2)?);
        assert_ne!(some(1)?, take(&snapshot, condition(Site::Random, 1), 40, 4, &lens())?);
        Ok(())
    }

    #[test]
    fn more_sections_see_no_less() -> Result<()> {
        let snapshot = section();
        let seen = |sections| -> Result<usize> {
            let all = take(&snapshot, condition(Site::Random, sections), 100, 1, &lens())?;
            Ok(all.iter().map(|b| b.findings.subcutis.vessels).sum())
        };
        assert!(seen(7)? > seen(1)?);
        Ok(())
    }

    #[test]
    fn an_edge_is_where_dead_skin_ends_and_without_one_the_site_is_refused() -> Result<()> {
        let mut snapshot = section();
        let refused = take(&snapshot, condition(Site::LesionEdge, 1), 1, 1, &lens());
        assert_eq!(refused.err().map(|e| e.exit_code()), Some(7));
        for x in 40..60 {
            snapshot.covered[x] = 0;
        }
        assert_eq!(edges(&snapshot), [40, 59]);
        for biopsy in take(&snapshot, condition(Site::LesionEdge, 1), 50, 1, &lens())? {
            let near = |edge: f64| (biopsy.x_mm - edge).abs() <= 0.5 + 1e-9;
            assert!(near(0.81) || near(1.19), "{}", biopsy.x_mm);
        }
        Ok(())
    }

    #[test]
    fn a_block_is_punched_anywhere_on_its_surface() -> Result<()> {
        let snapshot = block();
        let small = Condition {
            diameter_um: 300.0,
            depth_um: 900.0,
            site: Site::Random,
            sections: 3,
        };
        let all = take(&snapshot, small, 60, 1, &lens())?;
        assert!(all.iter().all(|b| b.y_mm.is_some_and(|y| (0.0..=1.0).contains(&y))));
        let rows = rows("r", true, 7.0, small, &all);
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|r| r.positive + r.negative + r.inadequate == 60));
        Ok(())
    }
}
