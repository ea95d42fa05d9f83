//! What takes minutes: kills at random moments, a thousand runs in one process, a hundred thousand steps, and what the promises
//! cost. `cargo test --release --test trust endurance -- --ignored --nocapture --test-threads 1`; figures in docs/reliability.md.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use calcisim::checkpoint::{self, Checkpoint, Lengths};
use calcisim::error::Result;
use calcisim::model::Model;
use calcisim::output::run_json::{RunJson, Status};
use calcisim::output::summary::Watch;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::archive::ReplayOptions;
use calcisim::simulation::stop::Stop;
use calcisim::simulation::verify::{VerifyOptions, verify};
use calcisim::simulation::{RunOptions, RunSettings, advance, resume, run, simulate};

use crate::common::{Tested, contents, options};

fn settings(days: f64, voxel_um: u32) -> Result<RunSettings> {
    let text = format!(
        "schema = 1\nname = \"small\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\n[run]\ndays = {days:?}\n\
         [space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = {voxel_um}\n[network]\njudge = false\n\
         [output]\nseries_every_h = 6\nsnapshot_every_d = 2\nsnapshot_days = [1]\n\
         [[challenge]]\nkind = \"trauma\"\nstart_d = 1\nx_mm = 0.5\ndepth_mm = 0.6\nradius_mm = 0.35\n"
    );
    let (scenario, _) = Scenario::from_text("small.toml", &text, &[])?;
    RunSettings::of(&scenario, &Shipped)
}

/// Memory of this process now [kB].
fn memory_kb() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

/// Dice of the kills.
fn next(dice: &mut u64) -> u64 {
    *dice = dice
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *dice >> 33
}

/// Not a test by itself: the process that is killed.
#[test]
fn child_process() -> Tested {
    let Ok(dir) = std::env::var("CALCISIM_TEST_CHILD") else {
        return Ok(());
    };
    let dir = Path::new(&dir);
    let options = RunOptions {
        checkpoint_every: Duration::from_millis(20),
        stop: Stop::by_signals()?,
        ..options(dir)
    };
    let ended = if dir.exists() {
        resume(dir, None, &options).map(|_| ())
    } else {
        run(&settings(4.0, 50)?, &options).map(|_| ())
    };
    std::process::exit(ended.map_or_else(|error| i32::from(error.exit_code()), |()| 0));
}

fn child(dir: &Path) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--exact", "endurance::child_process", "--nocapture"])
        .env("CALCISIM_TEST_CHILD", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Waits for a process, but kills it after so long; whether it was killed.
fn or_kill(process: &mut Child, after: Duration) -> std::io::Result<bool> {
    std::thread::sleep(after);
    if process.try_wait()?.is_some() {
        return Ok(false);
    }
    process.kill()?;
    process.wait()?;
    Ok(true)
}

#[test]
#[ignore = "minutes: just endurance, or cargo test --release --test trust endurance -- --ignored"]
fn a_hundred_kills_of_a_run_lose_nothing_and_change_nothing() -> Tested {
    let above = tempfile::tempdir()?;
    let straight = above.path().join("straight");
    let took = Instant::now();
    run(&settings(4.0, 50)?, &options(&straight))?;
    let whole = took.elapsed();
    let wanted = contents(&straight);
    let (mut kills, mut runs, mut dice, mut nothing) = (0, 0, 11, 0);
    while kills < 100 {
        let dir = above.path().join(format!("run-{runs}"));
        runs += 1;
        for _ in 0..12 {
            let mut process = child(&dir)?;
            let after = Duration::from_micros(next(&mut dice) % (whole.as_micros() as u64).max(1));
            if !or_kill(&mut process, after)? {
                break;
            }
            kills += 1;
            nothing += u32::from(!dir.exists());
            if dir.exists() {
                assert!([Status::Running, Status::Complete].contains(&RunJson::read(&dir)?.status));
            }
        }
        if dir.exists() {
            resume(&dir, None, &options(&dir))?;
            assert_eq!(contents(&dir), wanted, "run {runs}, after {kills} kills");
            let replay = ReplayOptions {
                threads: 1,
                is_quiet: true,
                ..ReplayOptions::default()
            };
            let verdict = verify(
                &dir,
                &VerifyOptions {
                    stretches: 0,
                    all: false,
                    seed: 1,
                    replay,
                },
            )?;
            assert!(verdict.is_good(), "{verdict:?}");
            fs::remove_dir_all(&dir)?;
        }
    }
    eprintln!("kills of `run`: {kills} in {runs} runs ({nothing} before there was a folder): 0 lost, 0 wrong");
    Ok(())
}

#[test]
#[ignore = "minutes: just endurance, or cargo test --release --test trust endurance -- --ignored"]
fn a_hundred_kills_of_an_experiment_lose_nothing_and_change_nothing() -> Tested {
    let above = tempfile::tempdir()?;
    let file = above.path().join("kills.toml");
    fs::write(
        &file,
        "schema = \"calcisim-experiment/1\"\nkind = \"sweep\"\nname = \"kills\"\nquestion = \"q\"\nbase = \"healthy\"\ndays = 1\n\
         replicates = 12\n[set]\nspace.width_mm = 2\nspace.depth_mm = 4\nspace.voxel_um = 50\nnetwork.judge = false\n\
         [[factors]]\npath = \"host.phosphate_mmol_per_l\"\nlevels = [1.0, 1.4, 1.8, 2.2]\n[design]\nmethod = \"grid\"\n\
         [outputs]\nendpoints = [\"final.mineral_ug\"]\n",
    )?;
    let calcisim = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calcisim"));
        command
            .args(args)
            .current_dir(above.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let done = |args: &[&str]| -> std::result::Result<(), Box<dyn std::error::Error>> {
        let output = calcisim(args).stderr(Stdio::piped()).output()?;
        if !output.status.success() {
            return Err(format!("{args:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(())
    };
    done(&["experiment", "plan", "kills.toml", "-o", "straight"])?;
    let took = Instant::now();
    done(&["experiment", "run", "straight", "--threads", "1"])?;
    let whole = took.elapsed();
    done(&["experiment", "merge", "straight", "-o", "wanted"])?;
    let table = |folder: &str| fs::read(above.path().join(folder).join("runs.parquet"));
    let wanted = table("wanted")?;
    let (mut kills, mut rounds, mut dice) = (0, 0, 7);
    while kills < 100 {
        let (plan, results) = (format!("plan-{rounds}"), format!("results-{rounds}"));
        rounds += 1;
        done(&["experiment", "plan", "kills.toml", "-o", &plan])?;
        for _ in 0..15 {
            let mut process = calcisim(&["experiment", "run", &plan, "--threads", "1"]).spawn()?;
            let after = Duration::from_micros(next(&mut dice) % (whole.as_micros() as u64 / 3).max(1));
            if !or_kill(&mut process, after)? {
                break;
            }
            kills += 1;
        }
        done(&["experiment", "run", &plan, "--threads", "1"])?;
        done(&["experiment", "merge", &plan, "-o", &results])?;
        assert!(
            table(&results)? == wanted,
            "round {rounds}, after {kills} kills: other bytes"
        );
    }
    eprintln!("kills of `experiment run`: {kills} in {rounds} experiments: 0 lost, 0 wrong");
    Ok(())
}

#[test]
#[ignore = "minutes: just endurance, or cargo test --release --test trust endurance -- --ignored"]
fn a_thousand_short_runs_in_one_process_leave_its_memory_flat() -> Tested {
    let settings = settings(1.5, 100)?;
    let above = tempfile::tempdir()?;
    let mut marks = Vec::new();
    for i in 0..1000u64 {
        simulate(&settings, i, &mut |_| Ok(()))?;
        // Every tenth with a folder.
        if i % 10 == 0 {
            let dir = above.path().join("run");
            run(&settings, &options(&dir))?;
            fs::remove_dir_all(&dir)?;
        }
        if i % 100 == 99 {
            marks.push(memory_kb());
        }
    }
    eprintln!("soak: memory after each 100 of 1000 runs [kB]: {marks:?}");
    let (early, late) = (marks[2], marks[9]);
    assert!(late <= early + early / 20 + 1024, "memory grows: {marks:?}");
    Ok(())
}

#[test]
#[ignore = "minutes: just endurance, or cargo test --release --test trust endurance -- --ignored"]
fn a_hundred_thousand_steps_leave_memory_flat() -> Tested {
    let settings = settings(90.0, 100)?;
    let mut model = Model::new(settings.parameters.clone(), 1)?;
    let (mut watch, mut marks, started) = (Watch::default(), Vec::new(), Instant::now());
    for step in 0..100_000u32 {
        advance(&mut model, &settings.instruments)?;
        let look = calcisim::output::series::Look::at(&model.tissue, &settings.definitions);
        let row = look.row(model.clock.step(), model.clock.day());
        watch.see(&look, row);
        model.tissue.events.take();
        if step % 10_000 == 9_999 {
            marks.push(memory_kb());
        }
    }
    eprintln!(
        "100000 steps in {:.0} s: memory after each tenth [kB]: {marks:?}",
        started.elapsed().as_secs_f64()
    );
    assert!(marks[9] <= marks[1] + marks[1] / 20 + 1024, "memory grows: {marks:?}");
    Ok(())
}

#[test]
#[ignore = "a minute of the default section: cargo test --release --test trust endurance -- --ignored"]
fn checkpoints_cost_at_most_3_percent_and_hashing_1_percent_of_a_run() -> Tested {
    calcisim::par::with_threads(1, || shares().map_err(|fault| fault.to_string()))?;
    Ok(())
}

fn shares() -> Tested {
    let (mut scenario, _) = Scenario::load(&Shipped, "cua_warfarin", &[])?;
    scenario.set_days(40.0)?;
    let settings = RunSettings::of(&scenario, &Shipped)?;
    let mut model = Model::new(settings.parameters.clone(), 1)?;
    let folder = tempfile::tempdir()?;
    let mut writer = checkpoint::Writer::new(folder.path().to_owned());
    let (mut steps, mut hashing, mut saving, mut bytes) = (0.0, 0.0, 0.0, 0);
    let seconds = |began: Instant| began.elapsed().as_secs_f64();
    let mut saved = 0;
    while model.clock.step() < settings.last_step() {
        let began = Instant::now();
        advance(&mut model, &settings.instruments)?;
        steps += seconds(began);
        if !model.clock.step().is_multiple_of(24) {
            continue;
        }
        let began = Instant::now();
        let state_hash = model.state_hash();
        hashing += seconds(began);
        if model.clock.step().is_multiple_of(120) {
            let began = Instant::now();
            writer.write(&Checkpoint {
                step: model.clock.step(),
                state_hash,
                scenario: 0,
                state: model.state(),
                watch: Watch::default(),
                lengths: Lengths::default(),
            })?;
            saving += seconds(began);
            saved += 1;
            bytes = fs::metadata(&checkpoint::list(folder.path())[0])?.len();
        }
    }
    let each = saving / f64::from(saved);
    let (of_checkpoints, of_hashes) = (each / 30.0, hashing / steps);
    eprintln!(
        "cua_warfarin, 40 days, 1 thread: {steps:.2} s of steps; hashing a row a day {:.4} % of it; a checkpoint {:.1} ms and \
         {:.2} MB, one in 30 s: {:.3} %",
        100.0 * of_hashes,
        1000.0 * each,
        bytes as f64 / 1e6,
        100.0 * of_checkpoints
    );
    assert!(of_checkpoints <= 0.03, "{of_checkpoints}");
    assert!(of_hashes <= 0.01, "{of_hashes}");
    Ok(())
}
