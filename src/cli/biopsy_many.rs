//! Many biopsies at once: the study of sampling, and slides for readers with a sealed key.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::biopsy::{BiopsyArgs, Tissue};
use super::{Global, Reply};
use crate::error::{Diagnostic, Error, Result};
use crate::experiment::biopsies::{self, Condition, Row, Site, take};
use crate::output::files;
use crate::par;
use crate::picture::biopsy::{Punch, Rule};

/// Every condition that the arguments ask for, checked against a tissue before any work.
fn conditions(args: &BiopsyArgs, tissue: &Tissue) -> Result<Vec<Condition>> {
    let sites = if args.site.is_empty() {
        vec![Site::Random]
    } else {
        args.site.clone()
    };
    let mut list = Vec::new();
    for &site in &sites {
        for &diameter_um in &args.punch {
            let condition = Condition {
                diameter_um,
                depth_um: args.depth_um(&tissue.snapshot),
                site,
                sections: 1,
            };
            let [x, y, _] = tissue.snapshot.grid.extent_um();
            let centre_um = match site {
                Site::At { x_um, y_um } => [x_um, y_um.unwrap_or(y / 2.0)],
                _ => [x / 2.0, y / 2.0],
            };
            let punch = Punch {
                centre_um,
                diameter_um,
                depth_um: condition.depth_um,
            };
            punch.check(&tissue.snapshot.grid)?;
            list.extend(
                args.sections
                    .iter()
                    .map(|&sections| Condition { sections, ..condition }),
            );
        }
    }
    Ok(list)
}

/// The tissues of the first run and of the mimics, the first marked as diseased.
fn all_tissues(args: &BiopsyArgs, global: &Global) -> Result<Vec<(bool, Tissue)>> {
    let mut all = Vec::new();
    for (i, run) in std::iter::once(&args.run).chain(&args.mimics).enumerate() {
        for tissue in args.tissues(run, global)? {
            all.push((i == 0, tissue));
        }
    }
    Ok(all)
}

fn label(tissue: &Tissue) -> String {
    format!("{}-s{}", tissue.archive.record.scenario, tissue.archive.record.seed)
}

/// The study: tables and a printed summary.
pub(super) fn study(args: &BiopsyArgs, global: &Global) -> Result<Reply> {
    let tissues = all_tissues(args, global)?;
    let started = Instant::now();
    let (mut rows, mut skipped) = (Vec::<Row>::new(), Vec::new());
    let (mut table, mut single) = (biopsies::ROWS_HEADER.to_owned(), biopsies::BIOPSIES_HEADER.to_owned());
    for (diseased, tissue) in &tissues {
        for condition in conditions(args, tissue)? {
            let day = tissue.snapshot.day;
            let found = par::with_threads(crate::simulation::threads_or_cores(args.threads.unwrap_or(0)), || {
                take(&tissue.snapshot, condition, args.n as usize, args.seed, &tissue.lens)
            });
            let found = match found {
                Ok(found) => found,
                // A run without a lesion has no edge to aim at: said, and the rest goes on.
                Err(Error::Condition(why)) => {
                    skipped.push(Diagnostic {
                        file: tissue.archive.dir.display().to_string(),
                        message: format!("{} left out: {why}", condition.site.word()),
                        ..Diagnostic::default()
                    });
                    continue;
                }
                Err(error) => return Err(error),
            };
            for biopsy in &found {
                single += &biopsies::biopsy_line(&label(tissue), day, condition, biopsy);
            }
            rows.extend(biopsies::rows(&label(tissue), *diseased, day, condition, &found));
        }
    }
    skipped.dedup();
    if rows.is_empty() {
        let why = skipped.first().map_or(String::new(), |d| d.message.clone());
        return Err(Error::Condition(why));
    }
    rows.iter().for_each(|row| table += &row.line());
    let folder = args.folder();
    files::make_folder(&folder)?;
    let paths = [folder.join("study.csv"), folder.join("biopsies.csv")];
    files::write_whole(&paths[0], table.as_bytes())?;
    files::write_whole(&paths[1], single.as_bytes())?;
    let wall_s = started.elapsed().as_secs_f64();
    let mut text = printed(&rows);
    let count = rows
        .iter()
        .filter(|r| r.rule == Rule::ALL[0])
        .map(|r| r.n)
        .sum::<usize>();
    text += &format!(
        "\n{count} biopsies in {wall_s:.1} s. Share (95 % interval, Wilson): the interval holds for the sampling of these sites, not \
         for patients.\nA biopsy that is inadequate finds nothing: it counts against sensitivity and not against specificity.\n\n"
    );
    for path in &paths {
        text += &format!("Wrote {}\n", path.display());
    }
    let objects: Vec<_> = rows.iter().map(|r| json!(r)).collect();
    Ok(Reply {
        text,
        warnings: skipped,
        ..Reply::default()
    }
    .with("study", objects)
    .with("wall_s", wall_s)
    .with("files", paths.map(|p| p.display().to_string()).to_vec()))
}

/// The rows as a table: one line for each run, day and condition, the rules side by side.
fn printed(rows: &[Row]) -> String {
    let mut lines = vec![
        ["run", "day", "punch", "site", "sections", "measures"]
            .map(str::to_owned)
            .to_vec(),
    ];
    lines[0].extend(Rule::ALL.map(|r| r.name().to_owned()));
    lines[0].extend(["inadequate", "rules differ"].map(str::to_owned));
    for group in rows.chunks(Rule::ALL.len()) {
        let row = &group[0];
        let percent = |x: f64| format!("{:.0} %", 100.0 * x);
        let mut line = vec![
            row.run.clone(),
            format!("{}", (row.day * 100.0).round() / 100.0),
            format!("{} mm", row.punch_mm),
            row.site.clone(),
            row.sections.to_string(),
            row.measure().to_owned(),
        ];
        line.extend(group.iter().map(|r| r.share.words()));
        line.push(percent(row.inadequate as f64 / row.n as f64));
        line.push(percent(row.rules_disagree));
        lines.push(line);
    }
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|c| lines.iter().map(|l| l[c].chars().count()).max().unwrap_or(0))
        .collect();
    lines
        .iter()
        .map(|line| {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, &w)| format!("{cell:<w$}"))
                .collect();
            cells.join("  ").trim_end().to_owned() + "\n"
        })
        .collect()
}

/// Slides for readers: pictures without a word, a sheet to fill in, and a key in a folder of its own.
pub(super) fn slides(args: &BiopsyArgs, count: u32, global: &Global) -> Result<Reply> {
    let Some(out) = args.out.clone() else {
        return Err(Error::Usage("--set-of needs a folder of its own: --out DIR".into()));
    };
    crate::simulation::folder::check_free(&out, false, |_| false)?;
    let tissues = all_tissues(args, global)?;
    for (_, tissue) in &tissues {
        conditions(args, tissue)?;
    }
    let count = count as usize;
    let order = shuffled(count, args.seed);
    let mut made: Vec<Slide> = Vec::new();
    for (place, &number) in order.iter().enumerate() {
        made.push(slide(args, &tissues, number, place)?);
    }
    crate::simulation::folder::install(
        &out,
        false,
        |_| false,
        |folder| {
            files::make_folder(&folder.join("slides"))?;
            files::make_folder(&folder.join("sealed"))?;
            let mut sheet =
                String::from("slide,calciphylaxis_yes_no,confidence_1_to_5,calcium,thrombus,neointima,remarks\n");
            let mut key = String::from(
                "slide,run,day,punch_mm,x_mm,y_mm,diseased,vk_thrombus,he_calcium,calcium_occlusion,calcified_von_kossa,thrombosed,neointima\n",
            );
            for slide in &made {
                slide.draw(args, &tissues, &folder.join("slides"))?;
                sheet += &format!("{},,,,,,\n", slide.name);
                key += &slide.line(&tissues);
            }
            files::write_whole(&folder.join("reading-sheet.csv"), sheet.as_bytes())?;
            files::write_whole(&folder.join("sealed").join("key.csv"), key.as_bytes())?;
            files::write_whole(&folder.join("README.txt"), readme(args, count).as_bytes())
        },
    )?;
    let text = format!(
        "{count} slides in {0}/slides, to be read with {0}/reading-sheet.csv.\nThe key is {0}/sealed/key.csv: keep it from the readers.\n",
        out.display()
    );
    Ok(Reply::text(text)
        .with("slides", count)
        .with("folder", out.display().to_string())
        .with("key", out.join("sealed").join("key.csv").display().to_string()))
}

fn readme(args: &BiopsyArgs, count: usize) -> String {
    format!(
        "{count} simulated sections of skin, made by calcisim {}; no patient images.\n\
         Each picture shows one section in {} with three fields of view. The bar is the scale of the whole section; a field is 340 µm wide.\n\
         Read slides/ in order, fill in reading-sheet.csv, and only then open sealed/key.csv.\n\
         Fibres, nuclei, red cells and edges are texture; tissue, vessels, calcium, clots and moving cells are the model's.\n\
         Not reviewed by a pathologist.\n",
        env!("CARGO_PKG_VERSION"),
        args.stain.iter().map(|s| s.label()).collect::<Vec<_>>().join(" and "),
    )
}

/// The numbers below n in an order drawn from the seed.
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut roll = crate::random::Dice::new(seed).roll(crate::random::Purpose::Biopsy, 1 << 40);
    let mut list: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        list.swap(i, roll.below(i as u32 + 1) as usize);
    }
    list
}

/// One slide of a set.
struct Slide {
    name: String,
    tissue: usize,
    punch: Punch,
    /// Only drawn, not read.
    #[cfg_attr(not(feature = "figures"), allow(dead_code))]
    level_um: f64,
    findings: crate::picture::biopsy::Findings,
}

/// Slide `number`, at a place of the set: diseased runs and mimics take turns, sites are drawn.
fn slide(args: &BiopsyArgs, tissues: &[(bool, Tissue)], number: usize, place: usize) -> Result<Slide> {
    use crate::picture::biopsy::{Cut, Findings};
    let of = |wanted: bool| -> Vec<usize> { (0..tissues.len()).filter(|&i| tissues[i].0 == wanted).collect() };
    let (diseased, mimics) = (of(true), of(false));
    let pool = if number.is_multiple_of(2) || mimics.is_empty() {
        &diseased
    } else {
        &mimics
    };
    // Drawn, not counted off: otherwise the size of a punch would tell the disease.
    let mut pick = crate::random::Dice::new(args.seed).roll(crate::random::Purpose::Biopsy, number as u64 | 1 << 41);
    let mut one_of = |n: usize| pick.below(n.max(1) as u32) as usize;
    let tissue = pool[one_of(pool.len())];
    let Tissue { snapshot, lens, .. } = &tissues[tissue].1;
    let ground = biopsies::Ground::new(snapshot);
    let wanted = args.site.get(one_of(args.site.len())).copied().unwrap_or(Site::Random);
    let site = if ground.check(wanted, snapshot.day).is_ok() {
        wanted
    } else {
        Site::Random
    };
    let mut roll = crate::random::Dice::new(args.seed).roll(crate::random::Purpose::Biopsy, number as u64);
    let diameter_um = args.punch[one_of(args.punch.len())];
    let scatter_um = 1000.0 * lens.parameters.edge_scatter_mm;
    let punch = Punch {
        centre_um: ground.centre(site, diameter_um, scatter_um, &mut roll),
        diameter_um,
        depth_um: args.depth_um(snapshot),
    };
    punch.check(&snapshot.grid)?;
    let level_um = punch.levels_um(&snapshot.grid, 1, roll.uniform())[0];
    let cut = Cut::new(snapshot, &punch, level_um, lens);
    Ok(Slide {
        name: format!("slide-{:02}", place + 1),
        tissue,
        punch,
        level_um,
        findings: Findings::of(snapshot, &[cut], lens),
    })
}

impl Slide {
    #[cfg(feature = "figures")]
    fn draw(&self, args: &BiopsyArgs, tissues: &[(bool, Tissue)], folder: &Path) -> Result<PathBuf> {
        let Tissue { snapshot, lens, .. } = &tissues[self.tissue].1;
        let cut = crate::picture::biopsy::Cut::new(snapshot, &self.punch, self.level_um, lens);
        let path = folder.join(format!("{}.png", self.name));
        crate::figures::biopsy::write_slide(snapshot, &cut, lens, &args.stain, &path)?;
        Ok(path)
    }

    #[cfg(not(feature = "figures"))]
    fn draw(&self, _: &BiopsyArgs, _: &[(bool, Tissue)], _: &Path) -> Result<PathBuf> {
        Err(Error::MissingTool(
            "this build has no figures: build with the feature `figures`".into(),
        ))
    }

    fn line(&self, tissues: &[(bool, Tissue)]) -> String {
        let (diseased, tissue) = &tissues[self.tissue];
        let f = &self.findings;
        let [x, y] = self.punch.centre_um.map(|um| format!("{:.3}", um / 1000.0));
        let verdicts = Rule::ALL.map(|rule| f.verdict(rule).word()).join(",");
        let s = &f.subcutis;
        format!(
            "{},{},{},{},{x},{y},{diseased},{verdicts},{},{},{}\n",
            self.name,
            crate::output::quoted(&label(tissue)),
            tissue.snapshot.day,
            self.punch.diameter_um / 1000.0,
            s.calcified_von_kossa,
            s.thrombosed,
            s.neointima,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_a_set_is_a_shuffle_that_its_seed_repeats() {
        let mut order = shuffled(24, 5);
        assert_eq!(order, shuffled(24, 5));
        assert_ne!(order, shuffled(24, 6));
        order.sort_unstable();
        assert_eq!(order, (0..24).collect::<Vec<_>>());
    }
}
