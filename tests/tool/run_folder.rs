//! Run folders in the user's words: what is there after a run, a stop, a kill, a full disk; and that going on from there
//! gives the bits of a run that was never disturbed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use calcisim::error::{Error, Result};
use calcisim::output::run_json::{RunJson, Status};
use calcisim::output::snapshots;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::stop::Stop;
use calcisim::simulation::{Outcome, RunOptions, RunSettings, resume, run, simulate};

use crate::common::{Tested, options};

/// A small section; the network is taken as it comes.
fn settings(days: f64) -> Result<RunSettings> {
    let text = format!(
        "schema = 1\nname = \"small\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\n\
         [run]\ndays = {days:?}\n[space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = 40.0\n[network]\njudge = false\n"
    );
    let (scenario, _) = Scenario::from_text("small.toml", &text, &[])?;
    RunSettings::of(&scenario, &Shipped)
}

/// What a run folder says about the model, without times and counts of work.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| fs::read(dir.join(&name)).ok().map(|bytes| (name, bytes));
    let mut names: Vec<String> = ["series.csv", "events.csv", "hashes.csv", "summary.json"]
        .map(str::to_owned)
        .to_vec();
    let mut snaps: Vec<String> = fs::read_dir(dir.join("snapshots"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| format!("snapshots/{}", entry.file_name().to_string_lossy()))
        .collect();
    snaps.sort();
    names.append(&mut snaps);
    names.into_iter().filter_map(read).collect()
}

/// The same run, never disturbed.
fn straight(above: &Path, days: f64) -> Result<Vec<(String, Vec<u8>)>> {
    let dir = above.join("straight");
    run(&settings(days)?, &options(&dir))?;
    Ok(contents(&dir))
}

#[test]
fn a_run_folder_has_the_files_of_the_contract() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = above.path().join("run");
    let Outcome {
        summary,
        steps_executed,
        ..
    } = run(&settings(8.5)?, &options(&dir))?;
    assert_eq!(steps_executed, 204);
    for file in [
        "scenario.toml",
        "run.json",
        "series.csv",
        "events.csv",
        "summary.json",
        "hashes.csv",
    ] {
        assert!(dir.join(file).is_file(), "{file}");
    }
    let series = fs::read_to_string(dir.join("series.csv"))?;
    let days: Vec<&str> = series.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    assert_eq!(days, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "8.5"]);
    let kept: Vec<String> = contents(&dir).into_iter().map(|(name, _)| name).skip(4).collect();
    assert_eq!(
        kept,
        [
            "snapshots/day-0000.00.snap",
            "snapshots/day-0007.00.snap",
            "snapshots/day-0008.50.snap"
        ]
    );
    let last = snapshots::read(&dir.join("snapshots/day-0008.50.snap"))?;
    assert_eq!((last.day, last.step), (8.5, 204));
    let record = RunJson::read(&dir)?;
    assert_eq!(
        (record.status, record.steps, record.steps_executed),
        (Status::Complete, 204, 204)
    );
    assert_eq!(record.state_hash, summary.state_hash);
    let written: serde_json::Value = serde_json::from_slice(&fs::read(dir.join("summary.json"))?)?;
    assert_eq!(written["state_hash"], summary.state_hash);
    assert_eq!(
        written["final"]["necrotic_fraction"].as_f64(),
        summary.last.get("necrotic_fraction")
    );
    Ok(())
}

#[test]
fn outputs_on_or_off_the_model_ends_in_the_same_state() -> Tested {
    let above = tempfile::tempdir()?;
    let settings = settings(2.0)?;
    let with = run(&settings, &options(&above.path().join("run")))?;
    let (_, without) = simulate(&settings, settings.seed, &mut |_| Ok(()))?;
    assert_eq!(with.summary, without);
    Ok(())
}

#[test]
fn the_scenario_in_the_folder_repeats_the_run() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = above.path().join("run");
    let first = run(&settings(1.5)?, &options(&dir))?;
    let text = fs::read_to_string(dir.join("scenario.toml"))?;
    let (again, _) = Scenario::from_text("scenario.toml", &text, &[])?;
    let second = run(
        &RunSettings::of(&again, &Shipped)?,
        &options(&above.path().join("again")),
    )?;
    assert_eq!(first.summary, second.summary);
    Ok(())
}

#[test]
fn an_existing_folder_is_left_as_it_is() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = above.path().join("run");
    run(&settings(1.0)?, &options(&dir))?;
    let before = contents(&dir);
    let refused = run(&settings(2.0)?, &options(&dir));
    assert_eq!(refused.err().map(|e| e.exit_code()), Some(4));
    assert_eq!(contents(&dir), before);
    let replaced = run(
        &settings(2.0)?,
        &RunOptions {
            force: true,
            ..options(&dir)
        },
    )?;
    assert_eq!(replaced.summary.days, 2.0);
    assert_eq!(fs::read_dir(above.path())?.count(), 1);
    Ok(())
}

#[test]
fn force_spares_a_folder_that_is_not_a_run() -> Tested {
    let above = tempfile::tempdir()?;
    fs::write(above.path().join("letter.txt"), "dear reader")?;
    let refused = run(
        &settings(1.0)?,
        &RunOptions {
            force: true,
            ..options(above.path())
        },
    );
    assert_eq!(refused.err().map(|e| e.exit_code()), Some(4));
    assert_eq!(fs::read_to_string(above.path().join("letter.txt"))?, "dear reader");
    Ok(())
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Tested {
    let above = tempfile::tempdir()?;
    let wanted = straight(above.path(), 3.0)?;
    for (name, code) in [("told", 75), ("interrupted", 130)] {
        let dir = above.path().join(name);
        let stop = Stop::default();
        if code == 75 {
            stop.ask()
        } else {
            stop.interrupt()
        }
        let stopped = run(&settings(3.0)?, &RunOptions { stop, ..options(&dir) });
        assert_eq!(stopped.err().map(|e| e.exit_code()), Some(code));
        assert_eq!(RunJson::read(&dir)?.status, Status::Stopped);
        resume(&dir, None, &options(&dir))?;
        assert_eq!(contents(&dir), wanted, "{name}");
        assert_eq!(RunJson::read(&dir)?.status, Status::Complete);
    }
    Ok(())
}

#[test]
fn a_lengthened_run_is_the_long_run_and_executes_only_the_missing_steps() -> Tested {
    let above = tempfile::tempdir()?;
    let wanted = straight(above.path(), 8.0)?;
    let dir = above.path().join("run");
    // 2.5 days: the last row and the last snapshot are off the rhythm and must not stay.
    run(&settings(2.5)?, &options(&dir))?;
    let longer = resume(&dir, Some(8.0), &options(&dir))?;
    assert_eq!(longer.steps_executed, 132);
    assert_eq!(contents(&dir), wanted);
    let record = RunJson::read(&dir)?;
    assert_eq!(
        (record.days, record.steps_executed, record.steps_executed_total),
        (8.0, 132, 192)
    );
    // Nothing is missing any more.
    assert_eq!(resume(&dir, None, &options(&dir))?.steps_executed, 0);
    assert_eq!(contents(&dir), wanted);
    Ok(())
}

#[test]
fn a_run_cannot_be_shortened_and_an_edited_scenario_cannot_go_on() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = above.path().join("run");
    run(&settings(2.0)?, &options(&dir))?;
    let before = contents(&dir);
    assert_eq!(
        resume(&dir, Some(1.0), &options(&dir)).err().map(|e| e.exit_code()),
        Some(3)
    );
    let file = dir.join("scenario.toml");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text.replace("width_mm = 2.0", "width_mm = 2.4"))?;
    assert_eq!(
        resume(&dir, Some(3.0), &options(&dir)).err().map(|e| e.exit_code()),
        Some(3)
    );
    assert_eq!(contents(&dir), before);
    Ok(())
}

#[test]
fn a_folder_that_is_no_run_cannot_be_resumed() -> Tested {
    let above = tempfile::tempdir()?;
    let refused = resume(above.path(), None, &options(above.path()));
    assert_eq!(refused.err().map(|e| e.exit_code()), Some(4));
    assert_eq!(fs::read_dir(above.path())?.count(), 0);
    Ok(())
}

#[test]
fn damaged_checkpoints_mean_a_new_start_and_the_same_bits() -> Tested {
    let above = tempfile::tempdir()?;
    let wanted = straight(above.path(), 2.0)?;
    let dir = above.path().join("run");
    run(&settings(2.0)?, &options(&dir))?;
    for entry in fs::read_dir(dir.join("checkpoint"))? {
        let path = entry?.path();
        let mut bytes = fs::read(&path)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(path, bytes)?;
    }
    let again = resume(&dir, None, &options(&dir))?;
    assert_eq!(again.steps_executed, 48);
    assert!(again.warnings.iter().any(|w| w.contains("no whole checkpoint")));
    assert_eq!(contents(&dir), wanted);
    Ok(())
}

#[test]
fn a_replay_that_finds_another_state_says_so() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = above.path().join("run");
    run(&settings(2.0)?, &options(&dir))?;
    fs::remove_dir_all(dir.join("checkpoint"))?;
    fs::create_dir(dir.join("checkpoint"))?;
    let file = dir.join("hashes.csv");
    let text = fs::read_to_string(&file)?;
    let last = text.lines().last().unwrap_or_default().to_owned();
    fs::write(&file, text.replace(&last, "48,0123456789abcdef"))?;
    let conflict = resume(&dir, None, &options(&dir));
    assert_eq!(conflict.err().map(|e| e.exit_code()), Some(7));
    Ok(())
}

/// Not a test by itself: the process that the tests below kill. It runs only when they ask.
#[test]
fn child_process() -> Tested {
    let Ok(dir) = std::env::var("CALCISIM_TEST_CHILD") else {
        return Ok(());
    };
    let dir = Path::new(&dir);
    let options = RunOptions {
        checkpoint_every: Duration::from_millis(10),
        stop: Stop::by_signals()?,
        ..options(dir)
    };
    let days = std::env::var("CALCISIM_TEST_DAYS")
        .ok()
        .and_then(|d| d.parse().ok())
        .unwrap_or(3.0);
    let ended = if dir.exists() {
        resume(dir, None, &options).map(|_| ())
    } else {
        run(&settings(days)?, &options).map(|_| ())
    };
    std::process::exit(ended.map_or_else(|error| i32::from(error.exit_code()), |()| 0));
}

fn child(dir: &Path, fail: &str, days: f64) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "run_folder::child_process", "--nocapture"])
        .env("CALCISIM_TEST_CHILD", dir)
        .env("CALCISIM_TEST_DAYS", days.to_string())
        .env("CALCISIM_FAIL", fail)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

#[test]
fn a_kill_at_any_moment_leaves_a_folder_that_can_be_resumed_or_nothing() -> Tested {
    let above = tempfile::tempdir()?;
    let wanted = straight(above.path(), 3.0)?;
    let places = [
        "install:1",
        "before_rename:1",
        "before_rename:2",
        "before_rename:3",
        "before_rename:4",
        "before_rename:5",
        "before_rename:6",
        "checkpoint:1",
        "checkpoint:2",
        "step:1",
        "step:40",
        "step:71",
        "step:72",
        "snapshot:1",
        "snapshot:2",
    ];
    for place in places {
        let dir = above.path().join(place.replace(':', "-"));
        let status = child(&dir, place, 3.0)?.status()?;
        assert_eq!(status.code(), None, "{place} did not kill");
        if !dir.exists() {
            continue;
        }
        assert_eq!(RunJson::read(&dir)?.status, Status::Running, "{place}");
        resume(&dir, None, &options(&dir))?;
        assert_eq!(contents(&dir), wanted, "{place}");
    }
    Ok(())
}

#[test]
fn kills_again_and_again_end_in_the_same_bits() -> Tested {
    let above = tempfile::tempdir()?;
    let wanted = straight(above.path(), 3.0)?;
    let dir = above.path().join("run");
    for fail in ["step:20", "step:15", "before_rename:2", "checkpoint:1", "step:9"] {
        child(&dir, fail, 3.0)?.status()?;
    }
    resume(&dir, None, &options(&dir))?;
    assert_eq!(contents(&dir), wanted);
    Ok(())
}

#[test]
fn term_and_usr1_stop_with_75_and_ctrl_c_with_130() -> Tested {
    let above = tempfile::tempdir()?;
    for (signal, code) in [("TERM", 75), ("USR1", 75), ("INT", 130)] {
        let dir = above.path().join(signal);
        // Long enough never to end by itself.
        let mut running = child(&dir, "", 5000.0)?.spawn()?;
        while !dir.join("checkpoint/a.ckpt").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // The folder belongs to that process now.
        let refused = resume(&dir, None, &options(&dir));
        assert_eq!(refused.err().map(|e| e.exit_code()), Some(4));
        Command::new("kill")
            .args([&format!("-{signal}"), &running.id().to_string()])
            .status()?;
        assert_eq!(running.wait()?.code(), Some(code), "{signal}");
        let record = RunJson::read(&dir)?;
        assert_eq!(record.status, Status::Stopped);
        assert!(record.error.contains("calcisim resume"), "{}", record.error);
    }
    Ok(())
}

#[test]
fn a_full_disk_ends_with_4_and_the_run_can_be_resumed() -> Tested {
    let above = tempfile::tempdir()?;
    let wanted = straight(above.path(), 3.0)?;
    let disk = above.path().join("disk");
    fs::create_dir(&disk)?;
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
        .arg(&disk)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: a small disk can be mounted by root alone");
        return Ok(());
    }
    let outcome = fill_and_resume(&disk, &wanted);
    Command::new("umount").arg(&disk).status()?;
    outcome
}

/// Room for the forecast at the start, then something else eats the disk while the run is at work.
fn fill_and_resume(disk: &Path, wanted: &[(String, Vec<u8>)]) -> Tested {
    let dir = disk.join("run");
    let mut calls = 0;
    let eater = disk.join("eater");
    let stop = Stop::default();
    // Begin, stop at once, fill, go on: the full disk is met in the middle.
    stop.ask();
    let begun = run(&settings(3.0)?, &RunOptions { stop, ..options(&dir) });
    assert_eq!(begun.err().map(|e| e.exit_code()), Some(75));
    let mut file = fs::File::create(&eater)?;
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {
        calls += 1;
        assert!(calls < 100_000);
    }
    drop(file);
    let full = resume(&dir, None, &options(&dir));
    let Err(Error::Files { message, .. }) = &full else {
        return Err(format!("a full disk was not met: {full:?}").into());
    };
    assert!(message.contains("disk is full"), "{message}");
    fs::remove_file(&eater)?;
    resume(&dir, None, &options(&dir))?;
    assert_eq!(contents(&dir), wanted);
    Ok(())
}
