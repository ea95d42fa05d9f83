//! The course of a calibration, replayed from its finished batches.

use std::collections::BTreeMap;

use super::{Batch, Generation, Next, Particle, Settings, Standing, Target, Wave};
use crate::experiment::analysis::abc_smc::{self, AbcSmc, Progress};
use crate::experiment::analysis::history_match::{HistoryMatch, Runs, Target as Aim};
use crate::experiment::design::{Distribution, lhs};

/// Hypercubes of which the first wave takes the one with the widest gaps.
const TRIES: usize = 50;
/// A wave that leaves more than this share of the last one's volume ends history matching.
const CLOSING_IN: f64 = 0.8;
/// Proposals of one generation that are looked at before it is given up.
const MOST_PROPOSALS: usize = 1_000_000;

/// What replays of one calibration need not compute again. Never shared between calibrations.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    waves: Vec<Result<Known, String>>,
    /// By generation, first number and number wanted.
    proposals: BTreeMap<(usize, usize, usize), Proposals>,
}

/// Numbers of proposals, and their points.
type Proposals = (Vec<usize>, Vec<Vec<f64>>);

/// A wave that was emulated.
#[derive(Clone, Debug)]
struct Known {
    history: HistoryMatch,
    wave: Wave,
    particles: Vec<Particle>,
    next: Vec<Vec<f64>>,
}

/// Replays finished batches in their order. Fault: batches that are not those that were asked for, too few results for an
/// emulator, or no fitted target.
pub fn standing(
    factors: usize,
    targets: &[Target],
    settings: &Settings,
    batches: &[Batch],
    memory: &mut Memory,
) -> Result<Standing, String> {
    if targets.iter().all(|t| !t.is_fit) || factors == 0 {
        return Err("at least one factor and one target to fit".into());
    }
    let mut replay = Replay {
        factors,
        targets,
        settings,
        batches,
        memory,
        used: 0,
        points: 0,
        history: HistoryMatch::new(factors, &aims(targets), settings.forgiven),
        standing: Standing {
            next: Next::Done { because: String::new() },
            waves: Vec::new(),
            generations: Vec::new(),
            particles: Vec::new(),
        },
    };
    let next = match replay.match_history()? {
        Some(next) => next,
        None if settings.generations > 0 => replay.weigh()?,
        None => Next::Done {
            because: "all waves are run".into(),
        },
    };
    if replay.used < batches.len() && !matches!(next, Next::Done { .. }) {
        return Err("the batches that were asked for, and no others".into());
    }
    replay.standing.next = next;
    Ok(replay.standing)
}

fn aims(targets: &[Target]) -> Vec<Aim> {
    let fit = targets.iter().filter(|t| t.is_fit);
    fit.map(|t| Aim {
        value: t.value,
        observation_sd: t.sd,
        discrepancy_sd: t.discrepancy_sd,
    })
    .collect()
}

struct Replay<'a> {
    factors: usize,
    targets: &'a [Target],
    settings: &'a Settings,
    batches: &'a [Batch],
    memory: &'a mut Memory,
    used: usize,
    points: usize,
    history: HistoryMatch,
    standing: Standing,
}

impl Replay<'_> {
    /// The results of the next points, or the request to run them.
    fn ask(&mut self, stage: String, points: Vec<Vec<f64>>) -> Result<Result<&Batch, Next>, String> {
        if let Some(batch) = self.batches.get(self.used) {
            let fits = batch.points == points
                && batch.results.len() == self.targets.len()
                && batch.results.iter().all(|of| of.len() == points.len());
            if !fits {
                return Err(format!("batch {} as it was asked for", self.used));
            }
            self.used += 1;
            self.points += points.len();
            return Ok(Ok(batch));
        }
        if self.points + points.len() > self.settings.most_points {
            let because = format!(
                "{stage} would need more than the {} points allowed",
                self.settings.most_points
            );
            return Ok(Err(Next::Done { because }));
        }
        Ok(Err(Next::Run { stage, points }))
    }

    /// Statistics of a batch: one row per point.
    fn statistics(targets: &[Target], batch: &Batch) -> Vec<Vec<f64>> {
        let row = |p: usize| {
            targets
                .iter()
                .zip(&batch.results)
                .map(|(t, of)| t.statistic.of(&of[p]))
                .collect()
        };
        (0..batch.points.len()).map(row).collect()
    }

    /// Distance of a row of statistics from the fitted targets.
    fn distance(&self, statistics: &[f64]) -> f64 {
        let fit = self.targets.iter().zip(statistics).filter(|(t, _)| t.is_fit);
        let (aims, found): (Vec<_>, Vec<f64>) = fit.map(|(t, s)| ((t.value, t.doubt(), t.weight), *s)).unzip();
        abc_smc::distance(&found, &aims)
    }

    /// Waves until they are used up or no longer close in. Nothing = go on to ABC-SMC, or end.
    fn match_history(&mut self) -> Result<Option<Next>, String> {
        let settings = *self.settings;
        let fitted = self.targets.iter().filter(|t| t.is_fit).count();
        let mut runs = Runs {
            outputs: vec![Vec::new(); fitted],
            noise: vec![Vec::new(); fitted],
            ..Runs::default()
        };
        let mut all: Vec<Vec<f64>> = Vec::new();
        let cube = vec![Distribution::dummy(); self.factors];
        let mut points = lhs(&cube, settings.wave_points, TRIES, settings.seed).rows;
        for wave in 0..settings.waves {
            let targets = self.targets;
            let batch = match self.ask(format!("wave_{}", wave + 1), points)? {
                Ok(batch) => batch.clone(),
                Err(next) => return Ok(Some(next)),
            };
            let statistics = Self::statistics(targets, &batch);
            for (f, (t, target)) in targets.iter().enumerate().filter(|(_, t)| t.is_fit).enumerate() {
                runs.outputs[f].extend(statistics.iter().map(|row| row[t]));
                runs.noise[f].extend(target.statistic.noise(&batch.results[t]));
            }
            runs.points.extend(batch.points);
            all.extend(statistics);
            if self.memory.waves.len() == wave {
                let known = self.emulate(&runs, &all)?;
                self.memory.waves.push(known);
            }
            let known = match &self.memory.waves[wave] {
                Ok(known) => known.clone(),
                Err(because) => {
                    let because = because.clone();
                    return Ok(Some(Next::Done { because }));
                }
            };
            let before = self.standing.waves.last().map(|w| w.volume.value);
            let volume = known.wave.volume.value;
            self.history = known.history;
            self.standing.waves.push(known.wave);
            self.standing.particles = known.particles;
            if before.is_some_and(|before| volume > CLOSING_IN * before) {
                break;
            }
            points = known.next;
        }
        Ok(None)
    }

    /// Adds a wave from all runs so far. The inner fault: nothing is left, which is a result.
    fn emulate(&self, runs: &Runs, statistics: &[Vec<f64>]) -> Result<Result<Known, String>, String> {
        let settings = self.settings;
        let mut history = self.history.clone();
        let checks = history.add_wave(runs)?;
        let left = match history.left(settings.wave_points, settings.candidates, settings.seed) {
            Ok(left) => left,
            Err(because) => return Ok(Err(because)),
        };
        Ok(Ok(Known {
            particles: self.not_ruled_out(&history, &runs.points, statistics),
            wave: Wave {
                points: runs.points.len(),
                volume: left.volume,
                checks,
            },
            next: left.points,
            history,
        }))
    }

    fn not_ruled_out(&self, history: &HistoryMatch, points: &[Vec<f64>], statistics: &[Vec<f64>]) -> Vec<Particle> {
        let left: Vec<usize> = (0..points.len()).filter(|&i| history.is_left(&points[i])).collect();
        let particle = |&i: &usize| Particle {
            unit: points[i].clone(),
            weight: 1.0 / left.len() as f64,
            distance: self.distance(&statistics[i]),
            statistics: statistics[i].clone(),
        };
        left.iter().map(particle).collect()
    }

    /// Generations of ABC-SMC. A proposal that history matching has ruled out is not run: it is infinitely far.
    fn weigh(&mut self) -> Result<Next, String> {
        let settings = *self.settings;
        let mut sampler = AbcSmc::new(
            self.factors,
            abc_smc::Settings {
                particles: settings.particles,
                alpha: settings.alpha,
                seed: settings.seed,
            },
        );
        for generation in 0..settings.generations {
            let (mut distances, mut found): (Vec<f64>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
            let (mut wanted, mut run) = (settings.particles, 0);
            loop {
                let (numbers, points) = self.proposals(generation, &sampler, distances.len(), wanted);
                if points.is_empty() {
                    let because = format!("generation {generation}: of {MOST_PROPOSALS} proposals too few are left");
                    return Ok(Next::Done { because });
                }
                let targets = self.targets;
                let batch = match self.ask(format!("generation_{generation}"), points)? {
                    Ok(batch) => batch.clone(),
                    Err(next) => return Ok(next),
                };
                run += batch.points.len();
                let last = numbers.last().map_or(0, |n| n + 1);
                distances.resize(last, f64::INFINITY);
                found.resize(last, Vec::new());
                for (number, row) in numbers.into_iter().zip(Self::statistics(targets, &batch)) {
                    distances[number] = self.distance(&row);
                    found[number] = row;
                }
                match sampler.close(&distances)? {
                    Progress::Finished => break,
                    // Of the proposals that are likely to be enough as many as were run so far, at least a quarter of
                    // the particles: batches are for many machines.
                    Progress::GoOn { proposals } => {
                        let rate = run as f64 / distances.len() as f64;
                        let missing = ((proposals - distances.len()) as f64 * rate) as usize;
                        wanted = missing.clamp(settings.particles.div_ceil(4), 4 * settings.particles);
                    }
                }
            }
            if let Some(last) = sampler.last() {
                self.standing.generations.push(Generation {
                    tolerance: last.tolerance,
                    proposals: last.proposals,
                    points: run,
                    effective: last.effective(),
                });
                let particles = last.numbers.iter().enumerate().map(|(i, &number)| Particle {
                    unit: AbcSmc::unit(&last.scores[i]),
                    weight: last.weights[i],
                    distance: last.distances[i],
                    statistics: found[number].clone(),
                });
                self.standing.particles = particles.collect();
            }
        }
        Ok(Next::Done {
            because: "all generations are run".into(),
        })
    }

    /// The next proposals that are not ruled out, with their numbers.
    fn proposals(&mut self, generation: usize, sampler: &AbcSmc, from: usize, wanted: usize) -> Proposals {
        let history = &self.history;
        let look = || {
            (from..MOST_PROPOSALS)
                .map(|number| (number, AbcSmc::unit(&sampler.proposal(number))))
                .filter(|(_, point)| history.is_left(point))
                .take(wanted)
                .unzip()
        };
        self.memory
            .proposals
            .entry((generation, from, wanted))
            .or_insert_with(look)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Statistic;
    use super::super::tables::*;
    use super::*;
    use crate::experiment::design::values;
    use crate::random::{Dice, Purpose, id_from};

    const SETTINGS: Settings = Settings {
        waves: 2,
        wave_points: 24,
        candidates: 4000,
        forgiven: 0,
        generations: 4,
        particles: 120,
        alpha: 0.5,
        most_points: 5000,
        seed: 4,
    };

    fn target(id: &str, value: f64, is_fit: bool) -> Target {
        Target {
            id: id.into(),
            statistic: Statistic::Mean,
            value,
            sd: 0.05,
            discrepancy_sd: 0.02,
            weight: 1.0,
            is_fit,
        }
    }

    /// Truth: a = 0.7 of a range 0 to 1 and b = 3 of 1 to 5; a third factor does nothing.
    fn targets() -> Vec<Target> {
        vec![
            target("rise", 0.7, true),
            target("fall", 2.1, true),
            target("product squared", 4.41, false),
        ]
    }

    fn factors() -> Vec<Distribution> {
        vec![
            Distribution::Uniform { low: 0.0, high: 1.0 },
            Distribution::Uniform { low: 1.0, high: 5.0 },
            Distribution::LogNormal { median: 1.0, gsd: 2.0 },
        ]
    }

    fn run(points: &[Vec<f64>]) -> Batch {
        let mut results = vec![Vec::new(); 3];
        for point in points {
            let x = values(&factors(), point);
            let bits = point.iter().fold(0, |id, u| id_from(id, u.to_bits()));
            let mut roll = Dice::new(1).roll(Purpose::Custom, bits);
            let of =
                |truth: f64, roll: &mut crate::random::Roll| (0..4).map(|_| truth + 0.05 * roll.normal()).collect();
            results[0].push(of(x[0], &mut roll));
            results[1].push(of(x[0] * x[1], &mut roll));
            results[2].push(of(x[0] * x[1] * x[0] * x[1], &mut roll));
        }
        Batch {
            points: points.to_vec(),
            results,
        }
    }

    fn finished(settings: &Settings) -> Result<(Standing, Vec<Batch>), String> {
        let (mut batches, mut memory) = (Vec::new(), Memory::default());
        loop {
            let now = standing(3, &targets(), settings, &batches, &mut memory)?;
            match &now.next {
                Next::Run { points, .. } => batches.push(run(points)),
                Next::Done { .. } => return Ok((now, batches)),
            }
        }
    }

    #[test]
    fn the_values_that_made_the_observations_are_found() -> Result<(), String> {
        let (found, _) = finished(&SETTINGS)?;
        assert_eq!((found.waves.len(), found.generations.len()), (2, 4), "{:?}", found.next);
        assert!(found.waves[1].volume.value < 0.3, "{:?}", found.waves);
        let paths = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let table = identifiability_table(&paths, &factors(), &found);
        let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|l| l.split(',').collect()).collect();
        let at = |row: usize, column: usize| rows[row][column].parse::<f64>().unwrap_or(f64::NAN);
        assert!(
            at(0, 3) < 0.7 && at(0, 5) > 0.7 && at(1, 3) < 3.0 && at(1, 5) > 3.0,
            "{table}"
        );
        assert_eq!((rows[0][2], rows[2][2]), ("identified", "not identified"), "{table}");
        let fit = targets_table(&targets(), &found);
        let held: Vec<&str> = fit.lines().nth(3).unwrap_or("").split(',').collect();
        let [low, high] = [6, 7].map(|i| held[i].parse::<f64>().unwrap_or(f64::NAN));
        assert!(held[1] == "hold_out" && low < 4.41 && high > 4.41, "{fit}");
        for text in [
            &table,
            &fit,
            &waves_table(&targets(), &found),
            &generations_table(&found),
            &posterior_table(&paths, &factors(), &found),
        ] {
            let widths: Vec<usize> = text.lines().map(|l| l.split(',').count()).collect();
            assert!(widths.len() > 1 && widths.iter().all(|w| *w == widths[0]), "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_calibration_that_was_cut_off_asks_for_the_same_points_again() -> Result<(), String> {
        let short = Settings {
            generations: 2,
            particles: 40,
            ..SETTINGS
        };
        let (whole, batches) = finished(&short)?;
        for cut in 0..batches.len() {
            let now = standing(3, &targets(), &short, &batches[..cut], &mut Memory::default())?;
            assert!(
                matches!(&now.next, Next::Run { points, .. } if *points == batches[cut].points),
                "{cut}"
            );
        }
        assert_eq!(
            standing(3, &targets(), &short, &batches, &mut Memory::default())?,
            whole
        );
        let mut foreign = batches.clone();
        foreign[1].points[0][0] += 0.1;
        assert!(standing(3, &targets(), &short, &foreign, &mut Memory::default()).is_err());
        Ok(())
    }

    #[test]
    fn a_target_out_of_reach_and_a_budget_end_it_with_words() -> Result<(), String> {
        let far = [
            target("never", 40.0, true),
            target("fall", 2.1, true),
            target("held", 1.0, false),
        ];
        let first = standing(3, &far, &SETTINGS, &[], &mut Memory::default())?;
        let Next::Run { stage, points } = &first.next else {
            return Err("a wave to run".into());
        };
        assert_eq!((stage.as_str(), points.len()), ("wave_1", 24));
        let after = standing(3, &far, &SETTINGS, &[run(points)], &mut Memory::default())?;
        assert!(
            matches!(&after.next, Next::Done { because } if because.contains("nothing is left")),
            "{:?}",
            after.next
        );
        let poor = Settings {
            most_points: 30,
            ..SETTINGS
        };
        let after = standing(3, &targets(), &poor, &[run(points)], &mut Memory::default())?;
        assert!(
            matches!(&after.next, Next::Done { because } if because.contains("30 points")),
            "{:?}",
            after.next
        );
        assert!(standing(3, &far[2..], &SETTINGS, &[], &mut Memory::default()).is_err());
        Ok(())
    }
}
