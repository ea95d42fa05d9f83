//! Animations: the map of a run, or of all arms of a comparison side by side, day after day, above the course of dead tissue.
//!
//! `.gif` is written here; `.mp4` and `.webm` go through ffmpeg when the machine has it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::load::{Compare, Run, Table};
use super::map::Size;
use super::sheet::{Anchor, Sheet, Type};
use super::{DISCLAIMER, day_label, gif, map};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::grid::Plane;
use crate::library::Disk;
use crate::math;
use crate::output::snapshots;
use crate::par;
use crate::picture::canvas::Point;
use crate::picture::colours::{DASHES, GREY, INK, OKABE_ITO, PALE};
use crate::picture::section::{self, Scale};
use crate::picture::surface::{self, Cell, Surface, Tone};
use crate::picture::{Canvas, View, scale_bar_label, scale_bar_um};
use crate::scenario::Scenario;
use crate::simulation::archive::{Archive, ReplayOptions};
use crate::simulation::progress::Progress;
use crate::simulation::{RunSettings, simulate, threads_or_cores};
use crate::state::Snapshot;

/// Pixels of a frame in a point.
const PX_PER_PT: f64 = 1.5;
/// Frames when runs are computed again for them and no number is asked for.
const FRAMES: usize = 60;
/// Length of an animation [s], without the last frame.
const LENGTH_S: f64 = 8.0;
/// Height of the head and of the course [pt].
const HEAD: f64 = 56.0;
const COURSE: f64 = 74.0;
const MARGIN: f64 = 16.0;
/// Size of the words of a scale bar [pt].
const BAR_TEXT: f64 = 7.0;

/// What a frame shows of the tissue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lens {
    /// The section, or the middle of a block.
    #[default]
    Section,
    /// The skin of a block from above, in a tone.
    Surface(Tone),
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Frames; without a number, the days that a run folder holds, or 60.
    pub frames: Option<usize>,
    /// What is shown.
    pub view: Lens,
    /// Seed of the arms of a comparison; the one nearest to the medians of the arms when there is none.
    pub seed: Option<u64>,
    /// How to replay.
    pub replay: ReplayOptions,
}

/// Kind of file, from its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gif,
    Mp4,
    WebM,
}

fn kind(path: &Path) -> Result<Kind> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("gif") => Ok(Kind::Gif),
        Some("mp4") => Ok(Kind::Mp4),
        Some("webm") => Ok(Kind::WebM),
        _ => Err(Error::Usage(format!(
            "--animate {}: expected a name that ends in .gif, .mp4 or .webm",
            path.display()
        ))),
    }
}

/// One arm: its name, its course of dead tissue, the largest map.
struct Arm {
    name: String,
    course: Vec<(f64, f64)>,
}

/// The frames of one arm, drawn as days come.
#[derive(Default)]
struct Film {
    /// What does not change.
    ground: Option<Canvas>,
    size: Option<Size>,
    days: Vec<f64>,
    maps: Vec<Canvas>,
}

/// Days for so many frames, evenly, the first and the last among them.
fn spread(last_d: f64, frames: usize) -> Vec<f64> {
    let n = frames.max(2);
    (0..n).map(|i| last_d * i as f64 / (n - 1) as f64).collect()
}

/// Steps of days, without doubles.
fn steps(days: &[f64], step_h: f64) -> Vec<u64> {
    let clock = Clock::new(step_h);
    let mut steps: Vec<u64> = days.iter().map(|&d| clock.step_of_day(d)).collect();
    steps.dedup();
    steps
}

/// How a map is laid out: the same for all frames of all arms.
#[derive(Clone, Copy)]
struct Layout {
    limit: Point,
    hypoxia_mmhg: f64,
    lens: Lens,
}

impl Layout {
    fn of(arms: usize, hypoxia_mmhg: f64, lens: Lens) -> Self {
        let width = match arms {
            1 => 300.0,
            2 => 230.0,
            3 => 190.0,
            _ => 150.0,
        };
        Self {
            limit: [width, 1.5 * width],
            hypoxia_mmhg,
            lens,
        }
    }

    fn size(&self, view: &View) -> Size {
        Size::within(view, self.limit)
    }

    /// Adds a day to a film.
    fn add(&self, film: &mut Film, snapshot: &Snapshot) -> Result<()> {
        if let Lens::Surface(tone) = self.lens {
            return self.add_surface(film, snapshot, tone);
        }
        let view = View::of(snapshot);
        let scale = Scale {
            px_per_um: self.size(&view).pt_per_um * PX_PER_PT,
            px_per_pt: PX_PER_PT,
        };
        let ground = film
            .ground
            .get_or_insert_with(|| section::ground(snapshot, &view, scale));
        let map = section::draw_over(ground.clone(), snapshot, &view, scale, self.hypoxia_mmhg);
        film.days.push(snapshot.day);
        film.maps.push(map);
        film.size.get_or_insert_with(|| self.size(&view));
        Ok(())
    }

    /// Adds the skin from above.
    fn add_surface(&self, film: &mut Film, snapshot: &Snapshot, tone: Tone) -> Result<()> {
        let surface = Surface::of(snapshot).filter(|_| snapshot.grid.plane == Plane::Block);
        let Some(surface) = surface else {
            return Err(Error::Condition(
                "--lens surface: only a block has a surface area; a section has a strip, and surface.png of `calcisim figures` shows it day by day"
                    .into(),
            ));
        };
        let [wide, broad, _] = snapshot.grid.extent_um();
        let size = Size::of_extent([wide, broad], self.limit);
        let cell = Cell {
            wide: size.pt[0] * PX_PER_PT / surface.nx as f64,
            high: size.pt[1] * PX_PER_PT / surface.ny as f64,
            px_per_pt: PX_PER_PT,
        };
        film.days.push(snapshot.day);
        film.maps.push(surface::bedside(&surface, cell, tone));
        film.size.get_or_insert(size);
        Ok(())
    }

    /// What the signs mean.
    fn words(&self) -> String {
        match self.lens {
            Lens::Section => format!(
                "cross: clot · hollow: flow < 10 % · black edge: wall mineral · hatch: dead · dashed: PO₂ {} mmHg · texture is no data",
                self.hypoxia_mmhg
            ),
            Lens::Surface(tone) => format!(
                "the skin from above, schematic, {} tone · dusky: dermis short of blood · speckles: clotted vessels · hatch: dead dermis · black: \
                 eschar · yellow: slough · red: living bed · bleeding is not computed",
                tone.word()
            ),
        }
    }
}

fn course(table: &Table) -> Vec<(f64, f64)> {
    let series = table.series("necrotic_now_fraction").unwrap_or_default();
    series
        .into_iter()
        .filter_map(|(day, value)| Some((day, value?)))
        .collect()
}

/// Animates a run folder or a folder of a comparison into a file.
pub fn of_folder(dir: &Path, path: &Path, request: &Request) -> Result<PathBuf> {
    let kind = kind(path)?;
    let encoder = if kind == Kind::Gif { None } else { Some(ffmpeg()?) };
    let (arms, films, layout) = if dir.join("runs.csv").is_file() {
        of_compare(dir, request)?
    } else {
        of_run(dir, request)?
    };
    let frames = compose(&arms, &films, layout)?;
    let n = frames.len();
    // The last day stays on the screen for two seconds.
    match encoder {
        None => {
            let delay = math::clamp((100.0 * LENGTH_S / n as f64).round(), 4.0, 60.0) as u16;
            let mut delays = vec![delay; n];
            delays[n - 1] = 200;
            gif::write(&frames, &delays, path)?;
        }
        Some(program) => film(&program, &frames, kind, path)?,
    }
    Ok(path.to_owned())
}

type Drawn = (Vec<Arm>, Vec<Film>, (Layout, Size));

fn of_run(dir: &Path, request: &Request) -> Result<Drawn> {
    let run = Run::open(dir)?;
    let archive = Archive::open(dir)?;
    let layout = Layout::of(1, run.hypoxia_mmhg, request.view);
    let mut film = Film::default();
    let mut add = |snapshot: &Snapshot| layout.add(&mut film, snapshot);
    match request.frames {
        None if archive.snapshots.len() > 1 => {
            for (_, path) in &archive.snapshots {
                add(&snapshots::read(path)?)?;
            }
        }
        wanted => {
            let days = spread(archive.last_day(), wanted.unwrap_or(FRAMES));
            archive.replay(&steps(&days, archive.step_h()), &request.replay, &mut |model| {
                add(&model.snapshot())
            })?;
        }
    }
    let arm = Arm {
        name: archive.name(),
        course: course(&run.series),
    };
    let size = film
        .size
        .ok_or_else(|| Error::Internal("an animation without a day".into()))?;
    Ok((vec![arm], vec![film], (layout, size)))
}

/// The seed that stands for the others: of those that every arm has, the one whose dead tissue at the end lies nearest to the
/// medians of the arms.
fn middle_seed(compare: &Compare) -> Option<u64> {
    let at_end = |table: &Table| course(table).last().map(|(_, value)| *value);
    let ends: Vec<Vec<(u64, f64)>> = compare
        .arms
        .iter()
        .map(|arm| {
            arm.series
                .iter()
                .filter_map(|(seed, table)| Some((*seed, at_end(table)?)))
                .collect()
        })
        .collect();
    let median = |arm: &[(u64, f64)]| {
        let mut values: Vec<f64> = arm.iter().map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        crate::experiment::statistics::quantile(&values, 0.5)
    };
    let far = |seed: u64| {
        ends.iter().try_fold(0.0, |sum, arm| {
            let (_, own) = arm.iter().find(|(s, _)| *s == seed)?;
            Some(sum + (own - median(arm)).abs())
        })
    };
    let mut seeds: Vec<(u64, f64)> = ends
        .first()?
        .iter()
        .filter_map(|(seed, _)| Some((*seed, far(*seed)?)))
        .collect();
    seeds.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    seeds.first().map(|(seed, _)| *seed)
}

/// The arms of a comparison are run again with one of its seeds, side by side.
fn of_compare(dir: &Path, request: &Request) -> Result<Drawn> {
    let compare = Compare::open(dir)?;
    let layout = Layout::of(compare.arms.len(), compare.hypoxia_mmhg, request.view);
    let Some(seed) = request.seed.or_else(|| middle_seed(&compare)) else {
        return Err(Error::Condition("no seed of this comparison ended in every arm".into()));
    };
    let mut jobs = Vec::new();
    for arm in &compare.arms {
        let file = dir.join("scenarios").join(format!("{}.toml", arm.name));
        let (scenario, _) = Scenario::load(&Disk, &file.display().to_string(), &[])?;
        let Some((_, table)) = arm.series.iter().find(|(s, _)| *s == seed) else {
            let has: Vec<String> = arm.series.iter().map(|(s, _)| s.to_string()).collect();
            return Err(Error::Condition(format!(
                "{}: no run with seed {seed} ended; there are seeds {}",
                arm.name,
                has.join(", ")
            )));
        };
        jobs.push((RunSettings::of(&scenario, &Disk)?, seed, table));
    }
    let last = jobs.first().map_or(0, |j| j.0.last_step());
    let total = last * jobs.len() as u64;
    let progress = std::sync::Mutex::new((Progress::new(total, 0, request.replay.is_quiet), 0u64));
    let mut films: Vec<(usize, Option<Result<Film>>)> = (0..jobs.len()).map(|i| (i, None)).collect();
    par::with_threads(threads_or_cores(request.replay.threads), || {
        par::jobs(&mut films, |(i, slot)| {
            let (settings, seed, _) = &jobs[*i];
            let days = spread(settings.days, request.frames.unwrap_or(FRAMES));
            *slot = Some(one_arm(
                settings,
                *seed,
                &steps(&days, settings.step_h),
                layout,
                request,
                &progress,
            ));
        });
    });
    let (mut arms, mut drawn, mut size) = (Vec::new(), Vec::new(), None);
    for ((arm, (_, seed, table)), (_, film)) in compare.arms.iter().zip(&jobs).zip(films) {
        let film = film.ok_or_else(|| Error::Internal("an arm was left out".into()))??;
        arms.push(Arm {
            name: format!("{}, seed {seed}", arm.name),
            course: course(table),
        });
        size = size.or(film.size);
        drawn.push(film);
    }
    let size = size.ok_or_else(|| Error::Internal("an animation without an arm".into()))?;
    Ok((arms, drawn, (layout, size)))
}

fn one_arm(
    settings: &RunSettings,
    seed: u64,
    steps: &[u64],
    layout: Layout,
    request: &Request,
    progress: &std::sync::Mutex<(Progress, u64)>,
) -> Result<Film> {
    let mut film = Film::default();
    simulate(settings, seed, &mut |moment| {
        if let Some(reason) = request.replay.stop.asked("nothing was written: ask again") {
            return Err(reason);
        }
        if steps.binary_search(&moment.row.step).is_ok() {
            layout.add(&mut film, &moment.model.snapshot())?;
        }
        if let Ok(mut progress) = progress.lock() {
            progress.1 += 1;
            let done = progress.1;
            progress.0.at(done, || format!("replaying {}", settings.scenario));
        }
        Ok(())
    })?;
    Ok(film)
}

/// A strip of paper with text and lines, at the resolution of a frame.
fn strip(sheet: &Sheet) -> Result<Canvas> {
    Ok(sheet.rasterise()?.halved())
}

fn px(pt: f64) -> usize {
    (pt * PX_PER_PT).round() as usize
}

/// Frames: head with the day, the maps, the course with a cursor.
fn compose(arms: &[Arm], films: &[Film], (layout, size): (Layout, Size)) -> Result<Vec<Canvas>> {
    let step = size.pt[0] + 18.0;
    // Films want even numbers of pixels.
    let even = |pt: f64| 2.0 * (pt * PX_PER_PT / 2.0).ceil() / PX_PER_PT;
    let width = even(math::max(2.0 * MARGIN + arms.len() as f64 * step - 18.0, 300.0));
    let height = even(HEAD + size.pt[1] + 30.0 + COURSE);
    let count = films.iter().map(|f| f.maps.len()).min().unwrap_or(0);
    let last_d = films[0].days.last().copied().unwrap_or(1.0);
    let foot = foot(arms, width, last_d, layout)?;
    let scale_bar = {
        let mut sheet = Sheet::new(size.pt[0], size.pt[1], "", "");
        map::scale_bar(&mut sheet, [0.0, 0.0], size, BAR_TEXT);
        strip(&sheet)?
    };
    let mut frames = Vec::with_capacity(count);
    for i in 0..count {
        let day = films[0].days[i];
        let mut frame = Canvas::new(px(width), px(height), [255; 3]);
        frame.paste(&head(arms, width, step, day)?, 0, 0);
        for (k, film) in films.iter().enumerate() {
            let corner = [MARGIN + k as f64 * step, HEAD];
            let [x, y] = corner.map(px);
            frame.paste(&film.maps[i], x, y);
            bar(&mut frame, &scale_bar, size, x, y);
        }
        let top = HEAD + size.pt[1] + 8.0;
        frame.paste(&foot, 0, px(top));
        let x = course_x(width, day, last_d) * PX_PER_PT;
        let (from, to) = ((top + 8.0) * PX_PER_PT, (top + COURSE - 18.0) * PX_PER_PT);
        frame.line([x, from], [x, to], 1.4, INK, 1.0);
        frames.push(frame);
    }
    Ok(frames)
}

/// Copies the plate of a scale bar out of a strip of the size of a map.
fn bar(frame: &mut Canvas, strip: &Canvas, size: Size, x: usize, y: usize) {
    let bar_um = scale_bar_um(size.pt[0] / size.pt_per_um);
    let label = super::sheet::text_width(&scale_bar_label(bar_um), Type::new(BAR_TEXT).bold());
    let wide = px(5.0 + math::max(bar_um * size.pt_per_um, label) + 10.0).min(strip.width);
    let high = px(5.0 + BAR_TEXT + 12.0).min(strip.height);
    for dy in strip.height - high..strip.height - px(5.0) {
        for dx in px(5.0)..wide {
            frame.blend((x + dx) as i64, (y + dy) as i64, strip.at(dx, dy), 1.0);
        }
    }
}

fn head(arms: &[Arm], width: f64, step: f64, day: f64) -> Result<Canvas> {
    let mut sheet = Sheet::new(width, HEAD, "", "");
    sheet.text(
        format!("day {}", day_label((day * 10.0).round() / 10.0)),
        [MARGIN, 24.0],
        Type::new(15.0).bold(),
    );
    let face = Type::new(7.5).colour(GREY).anchor(Anchor::End);
    sheet.text(DISCLAIMER, [width - MARGIN, 22.0], face);
    for (k, arm) in arms.iter().enumerate() {
        let x = MARGIN + k as f64 * step;
        sheet.text(&arm.name, [x, HEAD - 7.0], Type::new(9.0).bold());
    }
    strip(&sheet)
}

const COURSE_LEFT: f64 = 66.0;

fn course_x(width: f64, day: f64, last_d: f64) -> f64 {
    let share = if last_d > 0.0 { day / last_d } else { 0.0 };
    COURSE_LEFT + share * (width - MARGIN - COURSE_LEFT)
}

/// The course of dead tissue of all arms, and what the signs of the map mean.
fn foot(arms: &[Arm], width: f64, last_d: f64, layout: Layout) -> Result<Canvas> {
    let mut sheet = Sheet::new(width, COURSE + 20.0, "", "");
    let most = arms
        .iter()
        .flat_map(|a| &a.course)
        .fold(0.001, |most, (_, value)| math::max(most, *value));
    let (top, bottom) = (8.0, COURSE - 18.0);
    let y = |value: f64| bottom - value / most * (bottom - top);
    sheet.line(&[[COURSE_LEFT, bottom], [width - MARGIN, bottom]], 0.6, PALE);
    for (value, words) in [(0.0, "0 %".to_owned()), (most, format!("{:.1} %", 100.0 * most))] {
        let face = Type::new(6.5).colour(GREY).anchor(Anchor::End);
        sheet.text(words, [COURSE_LEFT - 4.0, y(value) + 2.5], face);
    }
    sheet.text("dead tissue", [MARGIN, (top + bottom) / 2.0 + 2.0], Type::new(7.0));
    for (k, arm) in arms.iter().enumerate() {
        let points: Vec<Point> = arm
            .course
            .iter()
            .filter(|(day, _)| *day <= last_d + 1e-9)
            .map(|&(day, value)| [course_x(width, day, last_d), y(value)])
            .collect();
        sheet.dashed(&points, 1.3, OKABE_ITO[k % OKABE_ITO.len()], DASHES[k % DASHES.len()]);
    }
    for (day, anchor) in [(0.0, Anchor::Start), (last_d, Anchor::End)] {
        let face = Type::new(6.5).colour(GREY).anchor(anchor);
        sheet.text(
            format!("day {}", day_label(day)),
            [course_x(width, day, last_d), bottom + 9.0],
            face,
        );
    }
    if arms.len() > 1 {
        let mut x = COURSE_LEFT + 60.0;
        for (k, arm) in arms.iter().enumerate() {
            let line = [[x, bottom + 7.0], [x + 20.0, bottom + 7.0]];
            sheet.dashed(&line, 1.3, OKABE_ITO[k % OKABE_ITO.len()], DASHES[k % DASHES.len()]);
            let face = Type::new(6.5);
            sheet.text(&arm.name, [x + 24.0, bottom + 9.0], face);
            x += 34.0 + super::sheet::text_width(&arm.name, face);
        }
    }
    let words = layout.words();
    sheet.paragraph(
        &words,
        [MARGIN, bottom + 21.0],
        width - 2.0 * MARGIN,
        Type::new(6.2).colour(GREY),
    );
    strip(&sheet)
}

/// Looks for ffmpeg, before any work is done.
fn ffmpeg() -> Result<String> {
    let program = "ffmpeg";
    let asked = Command::new(program)
        .arg("-version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match asked {
        Ok(status) if status.success() => Ok(program.to_owned()),
        _ => Err(Error::MissingTool(
            "ffmpeg is not on the path: install it (apt install ffmpeg, brew install ffmpeg), or ask for a .gif".into(),
        )),
    }
}

/// Pipes raw frames to ffmpeg.
fn film(program: &str, frames: &[Canvas], kind: Kind, path: &Path) -> Result<()> {
    let rate = math::clamp(frames.len() as f64 / LENGTH_S, 2.0, 25.0);
    let (format, codec): (&str, &[&str]) = match kind {
        Kind::WebM => ("webm", &["-c:v", "libvpx-vp9", "-crf", "30", "-b:v", "0"]),
        _ => ("mp4", &["-c:v", "libx264", "-crf", "20", "-movflags", "+faststart"]),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.new"));
    let fault = |why: String| Error::files(path.display(), why);
    let mut child = Command::new(program)
        .args([
            "-hide_banner",
            "-loglevel",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
        ])
        .arg(format!("{}x{}", frames[0].width, frames[0].height))
        .args(["-r", &format!("{rate:.3}"), "-i", "-", "-an"])
        .args(codec)
        .args(["-pix_fmt", "yuv420p", "-f", format])
        .arg(&partial)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| Error::MissingTool(format!("ffmpeg does not start: {e}")))?;
    let mut piped = Ok(());
    if let Some(mut input) = child.stdin.take() {
        let last = frames.last().into_iter();
        // The last day stays for two seconds.
        let held = last.cycle().take((2.0 * rate) as usize);
        for frame in frames.iter().chain(held) {
            piped = input.write_all(&frame.pixels);
            if piped.is_err() {
                break;
            }
        }
    }
    let ended = child.wait_with_output().map_err(|e| fault(e.to_string()))?;
    if !ended.status.success() || piped.is_err() {
        let _ = std::fs::remove_file(&partial);
        let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        return Err(Error::MissingTool(format!(
            "ffmpeg could not make {}: {said}",
            path.display()
        )));
    }
    std::fs::rename(&partial, path).map_err(|e| fault(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_kind_and_an_unknown_one_is_usage() {
        assert_eq!(kind(Path::new("a/b.gif")).ok(), Some(Kind::Gif));
        assert_eq!(kind(Path::new("b.webm")).ok(), Some(Kind::WebM));
        assert_eq!(kind(Path::new("b.avi")).err().map(|e| e.exit_code()), Some(2));
        assert_eq!(kind(Path::new("gif")).err().map(|e| e.exit_code()), Some(2));
    }

    #[test]
    fn days_are_spread_from_the_first_to_the_last() {
        assert_eq!(spread(30.0, 4), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(spread(30.0, 1), [0.0, 30.0]);
        // More frames than steps: each step once.
        assert_eq!(steps(&spread(0.25, 60), 1.0).len(), 7);
    }
}
