//! `calcisim biopsy`: one virtual punch biopsy with its pictures, many for a study of sampling, or slides for readers.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Global, Reply, biopsy_many};
use crate::error::{Diagnostic, Error, Result};
use crate::experiment::biopsies::{Biopsy, Condition, Ground, Share, Site, take};
use crate::output::files;
use crate::output::run_json::pretty;
use crate::parameters::nearest_word;
use crate::picture::biopsy::checklist::what_was_cut;
use crate::picture::biopsy::{Cut, Findings, Lens, Punch, Rule};
use crate::picture::stain::Stain;
use crate::random::{Dice, Purpose};
use crate::simulation::archive::{Archive, Origin, ReplayOptions};
use crate::simulation::stop::Stop;
use crate::state::Snapshot;

/// Tries at other sites that the words of one biopsy rest on.
const TRIES: usize = 500;
/// Depth of a punch when none is asked for [µm], or the depth of the tissue.
const USUAL_DEPTH_UM: f64 = 6000.0;

/// `calcisim biopsy`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim biopsy output/cua_warfarin-s1 --day 42 --punch 4mm --site 2.0\n  \
                        calcisim biopsy output/cua_warfarin-s1 --day 42 --site lesion-edge --stain he,vk,alizarin --sections 3\n  \
                        calcisim biopsy output/cua_warfarin-s1 output/ckd_chronic-s1 --day 30,60 --punch 2mm,3mm,4mm \\\n      \
                        --site random,lesion-edge --sections 1,3 --n 500\n  \
                        calcisim biopsy output/cua_warfarin-s1 --day 42 --punch 4mm --site 2.0 --in-run   the course after it, with its wound\n  \
                        calcisim biopsy output/cua_warfarin-s1 output/ckd_chronic-s1 --day 60 --punch 3mm --set-of 24 --out output/slides\n\n\
                        A day that the folder does not hold is replayed. Runs after the first count as mimics: they give the specificity."
)]
pub struct BiopsyArgs {
    /// The run folder
    pub run: PathBuf,
    /// Run folders of other diseases or of none: for the specificity
    pub mimics: Vec<PathBuf>,
    /// Day; the last by default. Several, with commas, for a study
    #[arg(long, value_name = "D", value_delimiter = ',')]
    pub day: Vec<f64>,
    /// Diameter: 4mm, 3.5mm or 800um. Several, with commas, for a study
    #[arg(long, value_name = "SIZE", value_delimiter = ',', value_parser = length_um, default_value = "4mm")]
    pub punch: Vec<f64>,
    /// Depth; 6mm by default, or the depth of the tissue
    #[arg(long, value_name = "SIZE", value_parser = length_um)]
    pub depth: Option<f64>,
    /// lesion-edge, random, or a place in mm (x, in a block x:y); lesion-edge by default, random for a study
    #[arg(long, value_name = "SITE", value_delimiter = ',', value_parser = site)]
    pub site: Vec<Site>,
    /// Sections read of each punch. Several numbers, with commas, for a study
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1", value_parser = sections)]
    pub sections: Vec<usize>,
    /// Biopsies; more than one is a study of sampling
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub n: u32,
    /// Stains: he, vk, alizarin
    #[arg(long, value_name = "STAINS", value_delimiter = ',', default_value = "he,vk", value_parser = stain)]
    pub stain: Vec<Stain>,
    /// Rule of reading: vk-thrombus, he-calcium or calcium-occlusion
    #[arg(long, value_name = "NAME", default_value = "vk-thrombus", value_parser = rule)]
    pub rule: Rule,
    /// Seed of sites and levels
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// So many unlabelled slides for readers, with a sealed key beside them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub set_of: Option<u32>,
    /// Take it in the run: a new run folder, in which the punch wounds the tissue on that day
    #[arg(long)]
    pub in_run: bool,
    /// With --in-run: replace a run folder that exists
    #[arg(long, requires = "in_run")]
    pub force: bool,
    /// Folder of the pictures and tables, RUN/biopsy by default; with --in-run the new run folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Small pictures for pages: a third of the resolution, few colours
    #[arg(long)]
    pub small: bool,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = super::run::threads)]
    pub threads: Option<usize>,
}

/// A length in µm from `4mm`, `800um` or a bare number of mm.
fn length_um(text: &str) -> std::result::Result<f64, String> {
    let (number, unit) = match text.trim() {
        t if t.ends_with("mm") => (&t[..t.len() - 2], 1000.0),
        t if t.ends_with("um") => (&t[..t.len() - 2], 1.0),
        t => (
            t.strip_suffix("µm").unwrap_or(t),
            if t.ends_with("µm") { 1.0 } else { 1000.0 },
        ),
    };
    match number.trim().parse::<f64>() {
        Ok(x) if x.is_finite() && x > 0.0 => Ok(x * unit),
        _ => Err("a length above 0, as 4mm, 3.5mm or 800um".into()),
    }
}

fn site(text: &str) -> std::result::Result<Site, String> {
    let number = |t: &str| {
        t.trim()
            .trim_end_matches("mm")
            .trim()
            .parse::<f64>()
            .ok()
            .map(|x| 1000.0 * x)
    };
    match text.trim() {
        "random" => Ok(Site::Random),
        "lesion-edge" => Ok(Site::LesionEdge),
        place => {
            let (x, y) = match place.split_once(':') {
                Some((x, y)) => (number(x), number(y).map(Some)),
                None => (number(place), Some(None)),
            };
            match (x, y) {
                (Some(x_um), Some(y_um)) => Ok(Site::At { x_um, y_um }),
                _ => Err(unknown(
                    place,
                    &["random", "lesion-edge"],
                    "random, lesion-edge or a place in mm (2.0, in a block 0.5:0.4)",
                )),
            }
        }
    }
}

fn unknown(word: &str, words: &[&str], expected: &str) -> String {
    match nearest_word(word, words.iter().copied()) {
        Some(near) => format!("expected {expected}; did you mean «{near}»?"),
        None => format!("expected {expected}"),
    }
}

fn sections(text: &str) -> std::result::Result<usize, String> {
    match text.trim().parse() {
        Ok(n @ 1..=200) => Ok(n),
        _ => Err("a whole number from 1 to 200".into()),
    }
}

fn stain(text: &str) -> std::result::Result<Stain, String> {
    let words = Stain::ALL.map(Stain::word);
    let known = Stain::ALL.into_iter().find(|s| s.word() == text.trim());
    known.ok_or_else(|| unknown(text, &words, "he, vk or alizarin"))
}

fn rule(text: &str) -> std::result::Result<Rule, String> {
    let names = Rule::ALL.map(Rule::name);
    let known = Rule::ALL.into_iter().find(|r| r.name() == text.trim());
    known.ok_or_else(|| unknown(text, &names, "vk-thrombus, he-calcium or calcium-occlusion"))
}

/// What a biopsy needs of a run on one day.
pub(super) struct Tissue {
    pub archive: Archive,
    pub lens: Lens,
    pub snapshot: Snapshot,
    pub origin: Origin,
}

impl BiopsyArgs {
    pub(super) fn replay(&self, global: &Global) -> Result<ReplayOptions> {
        Ok(ReplayOptions {
            threads: self.threads.unwrap_or(0),
            is_quiet: global.quiet,
            stop: Stop::by_signals()?,
        })
    }

    /// Depth of a punch [µm] in a tissue.
    pub(super) fn depth_um(&self, snapshot: &Snapshot) -> f64 {
        let deep = snapshot.grid.nz as f64 * snapshot.grid.voxel_um;
        self.depth.unwrap_or_else(|| crate::math::min(USUAL_DEPTH_UM, deep))
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| self.run.join("biopsy"))
    }

    /// The tissues of a run on the days asked for.
    pub(super) fn tissues(&self, run: &Path, global: &Global) -> Result<Vec<Tissue>> {
        let archive = Archive::open(run)?;
        let lens = archive.lens()?;
        let mut days = if self.day.is_empty() {
            vec![archive.last_day()]
        } else {
            self.day.clone()
        };
        days.sort_by(f64::total_cmp);
        days.dedup();
        let found = archive.days("--day", &days, &self.replay(global)?)?;
        Ok(found
            .into_iter()
            .map(|(snapshot, origin)| Tissue {
                archive: archive.clone(),
                lens: lens.clone(),
                snapshot,
                origin,
            })
            .collect())
    }
}

pub(super) fn biopsy(args: &BiopsyArgs, global: &Global) -> Result<Reply> {
    if args.in_run {
        return super::biopsy_in_run::in_run(args, global);
    }
    if let Some(count) = args.set_of {
        return biopsy_many::slides(args, count, global);
    }
    if args.n > 1 {
        return biopsy_many::study(args, global);
    }
    if !args.mimics.is_empty() {
        return Err(Error::Usage(
            "further runs are mimics of a study or a set of slides: add --n 500 or --set-of 24".into(),
        ));
    }
    let many = [args.day.len(), args.punch.len(), args.site.len(), args.sections.len()];
    if many.iter().any(|&n| n > 1) {
        return Err(Error::Usage(
            "several days, sizes, sites or numbers of sections make a study: add --n 500".into(),
        ));
    }
    single(args, global)
}

/// One biopsy, cut and read.
struct Taken {
    punch: Punch,
    /// Only drawn, not read.
    #[cfg_attr(not(feature = "figures"), allow(dead_code))]
    cuts: Vec<Cut>,
    findings: Findings,
}

/// The punch that is asked for, checked against the tissue.
pub(super) fn punch_of(args: &BiopsyArgs, tissue: &Tissue) -> Result<Punch> {
    let snapshot = &tissue.snapshot;
    let site = args.site.first().copied().unwrap_or(Site::LesionEdge);
    let ground = Ground::new(snapshot);
    ground.check(site, snapshot.day)?;
    let mut roll = Dice::new(args.seed).roll(Purpose::Biopsy, 0);
    let diameter_um = args.punch[0];
    let punch = Punch {
        // Aimed at an edge, one punch goes where it was aimed at.
        centre_um: ground.centre(site, diameter_um, 0.0, &mut roll),
        diameter_um,
        depth_um: args.depth_um(snapshot),
    };
    punch.check(&snapshot.grid)?;
    Ok(punch)
}

fn take_one(args: &BiopsyArgs, tissue: &Tissue) -> Result<Taken> {
    let Tissue { snapshot, lens, .. } = tissue;
    let punch = punch_of(args, tissue)?;
    let cuts: Vec<Cut> = punch
        .levels_um(&snapshot.grid, args.sections[0], 0.5)
        .into_iter()
        .map(|level| Cut::new(snapshot, &punch, level, lens))
        .collect();
    let findings = Findings::of(snapshot, &cuts, lens);
    Ok(Taken { punch, cuts, findings })
}

fn single(args: &BiopsyArgs, global: &Global) -> Result<Reply> {
    let tissue = args
        .tissues(&args.run, global)?
        .pop()
        .ok_or_else(|| Error::Internal("a biopsy without a day".into()))?;
    single_of(args, &tissue, &args.folder())
}

/// One biopsy of a tissue, its pictures and words in a folder.
pub(super) fn single_of(args: &BiopsyArgs, tissue: &Tissue, folder: &Path) -> Result<Reply> {
    let taken = take_one(args, tissue)?;
    let condition = Condition {
        diameter_um: taken.punch.diameter_um,
        depth_um: taken.punch.depth_um,
        site: Site::Random,
        sections: args.sections[0],
    };
    let others = take(&tissue.snapshot, condition, TRIES, args.seed, &tissue.lens)?;
    let hit = |b: &Biopsy| b.findings.verdict(args.rule) == crate::picture::biopsy::Verdict::Positive;
    let elsewhere = Share::of(others.iter().filter(|b| hit(b)).count(), TRIES);
    files::make_folder(folder)?;
    let stem = stem(args, &taken, tissue.snapshot.day);
    let pictures = draw(args, tissue, &taken, folder, &stem)?;
    reply(
        args,
        tissue,
        &taken,
        elsewhere,
        &folder.join(format!("{stem}.json")),
        pictures,
    )
}

/// `day-42-4mm-x2`.
fn stem(args: &BiopsyArgs, taken: &Taken, day: f64) -> String {
    let round = |x: f64| (x / 10.0).round() / 100.0;
    let [x, y] = taken.punch.centre_um.map(round);
    let place = if y == 0.0 {
        format!("x{x}")
    } else {
        format!("x{x}-y{y}")
    };
    let sections = match args.sections[0] {
        1 => String::new(),
        n => format!("-{n}-sections"),
    };
    format!(
        "day-{}-{}mm-{place}{sections}",
        (day * 100.0).round() / 100.0,
        round(taken.punch.diameter_um)
    )
}

/// What must be said of a run beside its day.
fn caveat(tissue: &Tissue) -> String {
    let status = tissue.archive.record.status;
    let mut words = Vec::new();
    if status != crate::output::run_json::Status::Complete {
        words.push(format!(
            "the run is not complete: it reached day {}",
            tissue.archive.last_day()
        ));
    }
    let origin = tissue.origin.sentence();
    if !origin.is_empty() {
        words.push(format!("day {} was {origin}", tissue.snapshot.day));
    }
    words.join("; ")
}

#[cfg(feature = "figures")]
fn draw(args: &BiopsyArgs, tissue: &Tissue, taken: &Taken, folder: &Path, stem: &str) -> Result<Vec<PathBuf>> {
    use crate::figures::biopsy::{Card, write_card, write_small_card};
    let mut paths = Vec::new();
    for section in 0..taken.cuts.len() {
        let card = Card {
            run: tissue.archive.name(),
            caveat: caveat(tissue),
            snapshot: &tissue.snapshot,
            punch: taken.punch,
            cuts: &taken.cuts,
            section,
            findings: &taken.findings,
            lens: &tissue.lens,
            rule: args.rule,
            stains: &args.stain,
        };
        let number = if taken.cuts.len() > 1 {
            format!("-{}", section + 1)
        } else {
            String::new()
        };
        let path = folder.join(format!("{stem}{number}.png"));
        if args.small {
            write_small_card(&card, &path)?;
        } else {
            write_card(&card, &path)?;
        }
        paths.push(path);
    }
    Ok(paths)
}

#[cfg(not(feature = "figures"))]
fn draw(_: &BiopsyArgs, _: &Tissue, _: &Taken, _: &Path, _: &str) -> Result<Vec<PathBuf>> {
    Ok(Vec::new())
}

fn reply(
    args: &BiopsyArgs,
    tissue: &Tissue,
    taken: &Taken,
    elsewhere: Share,
    json_path: &Path,
    pictures: Vec<PathBuf>,
) -> Result<Reply> {
    let Tissue { snapshot, archive, .. } = tissue;
    let (findings, punch) = (&taken.findings, &taken.punch);
    let verdict = findings.verdict(args.rule);
    let is_block = snapshot.grid.plane == crate::grid::Plane::Block;
    let size_mm = [punch.diameter_um / 1000.0, punch.depth_um / 1000.0];
    let disagreement = if findings.rules_disagree() {
        "the rules do not agree"
    } else {
        "the rules agree"
    };
    let another = format!(
        "By {}, the same punch at another site today is positive in {} of {TRIES} tries.",
        args.rule.name(),
        elsewhere.words()
    );
    let alt = format!(
        "Simulated section, not a patient image. {}: {} {another}",
        archive.name(),
        findings.sentences(snapshot, size_mm)
    );
    let object = json!({
        "run": archive.dir.display().to_string(),
        "scenario": archive.record.scenario,
        "seed": archive.record.seed,
        "day": snapshot.day,
        "origin": tissue.origin.sentence(),
        "punch_mm": punch.diameter_um / 1000.0,
        "depth_mm": punch.depth_um / 1000.0,
        "site": args.site.first().copied().unwrap_or(Site::LesionEdge).word(),
        "x_mm": punch.centre_um[0] / 1000.0,
        "y_mm": is_block.then_some(punch.centre_um[1] / 1000.0),
        "sections": args.sections[0],
        "rule": args.rule.name(),
        "verdict": verdict,
        "verdicts": Rule::ALL.iter().map(|r| (r.name().to_owned(), json!(findings.verdict(*r)))).collect::<serde_json::Map<_, _>>(),
        "rules_disagree": findings.rules_disagree(),
        "rule_sources": Rule::ALL.iter().map(|r| (r.name().to_owned(), json!(r.source()))).collect::<serde_json::Map<_, _>>(),
        "findings": findings,
        "positive_elsewhere": elsewhere,
        "what_was_cut": what_was_cut(snapshot.grid.plane),
        "alt": alt,
        "pictures": pictures.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
    });
    files::write_whole(json_path, pretty(&object)?.as_bytes())?;
    let mut text = format!("{}\n\n", super::wrapped(&alt, "").trim_end());
    for r in Rule::ALL {
        let mark = if r == args.rule { "*" } else { " " };
        text += &format!(
            "{mark} {:<18} {:<11} {}\n",
            r.name(),
            findings.verdict(r).word(),
            r.meaning()
        );
    }
    text += &format!(
        "\n{}: {disagreement}. {}\n\n",
        verdict.word(),
        what_was_cut(snapshot.grid.plane)
    );
    for path in pictures.iter().map(PathBuf::as_path).chain([json_path]) {
        text += &format!("Wrote {}\n", path.display());
    }
    let said = caveat(tissue);
    let warnings = if said.is_empty() {
        Vec::new()
    } else {
        vec![Diagnostic {
            file: archive.dir.display().to_string(),
            message: said,
            ..Diagnostic::default()
        }]
    };
    Ok(Reply {
        text,
        json: object.as_object().cloned().unwrap_or_default(),
        warnings,
        ..Reply::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_sites_are_read_as_people_write_them() {
        assert_eq!(length_um("4mm"), Ok(4000.0));
        assert_eq!(length_um("3.5 mm"), Ok(3500.0));
        assert_eq!(length_um("800um"), Ok(800.0));
        assert_eq!(length_um("800µm"), Ok(800.0));
        assert_eq!(length_um("4"), Ok(4000.0));
        for wrong in ["", "mm", "-4mm", "0", "nan", "4cm"] {
            assert!(length_um(wrong).is_err(), "{wrong}");
        }
        assert_eq!(site("random"), Ok(Site::Random));
        assert_eq!(
            site("2.5"),
            Ok(Site::At {
                x_um: 2500.0,
                y_um: None
            })
        );
        assert_eq!(
            site("0.5:0.25"),
            Ok(Site::At {
                x_um: 500.0,
                y_um: Some(250.0)
            })
        );
        assert!(site("lesion-egde").is_err_and(|e| e.contains("did you mean «lesion-edge»")));
        assert!(stain("vonkossa").is_err() && rule("he-calcum").is_err_and(|e| e.contains("he-calcium")));
    }
}
