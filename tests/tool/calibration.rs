//! A calibration in the user's words: it grows batch by batch, and neither a kill nor another number of shards changes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A section of a few hundred voxels; a day of it takes some milliseconds.
const TINY: &str = "schema = 1\nname = \"tiny\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\n[run]\ndays = 1\n\
                    [space]\nwidth_mm = 2.0\ndepth_mm = 2.4\nvoxel_um = 80.0\n[network]\njudge = false\n";

const CALIBRATION: &str = "kind = \"calibrate\"\nname = \"c\"\nbase = \"tiny.toml\"\nreplicates = 2\nseed = 5\n\
    [method]\ntype = \"abc_smc\"\nwaves = 2\nwave_points = 8\ncandidates = 500\ngenerations = 2\npopulation = 10\n\
    [[factors]]\npath = \"oxygen.use_fat_mmhg_per_s\"\n\
    [[factors]]\npath = \"host.phosphate_mmol_per_l\"\nlow = 0.8\nhigh = 3.0\n\
    [outputs]\nendpoints = [\"mean_po2_mmhg\", \"perfused_fraction\"]\n\
    [[targets]]\nid = \"oxygen\"\noutput = \"mean_po2_mmhg\"\nvalue = 40\nsd = 10\nmodel_discrepancy_sd = 20\nsource = \"guess\"\n\
    [[targets]]\nid = \"flow\"\noutput = \"perfused_fraction\"\nvalue = 1\nsd = 0.1\nuse = \"hold_out\"\nsource = \"guess\"\n";

fn folder(experiment: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap_or_else(|fault| panic!("a temporary folder: {fault}"));
    for (name, text) in [("tiny.toml", TINY), ("c.toml", experiment)] {
        fs::write(folder.path().join(name), text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    folder
}

fn command(folder: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calcisim"));
    let args = args.split_whitespace();
    command
        .arg("experiment")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(answer: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&answer.stdout), text(&answer.stderr))
}

fn expect(folder: &Path, args: &str, code: i32) -> String {
    let answer = command(folder, args)
        .output()
        .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"));
    assert_eq!(
        answer.status.code(),
        Some(code),
        "calcisim experiment {args}\n{}",
        said(&answer)
    );
    said(&answer)
}

/// Bytes of the tables that must not know how they came about.
fn tables(folder: &Path, plan: &str) -> Vec<(PathBuf, Vec<u8>)> {
    expect(folder, &format!("merge {plan} -o {plan}-results"), 0);
    [
        "runs.parquet",
        "waves.csv",
        "generations.csv",
        "posterior.csv",
        "targets_fit.csv",
        "identifiability.csv",
    ]
    .map(|name| {
        let path = folder.join(format!("{plan}-results")).join(name);
        let bytes = fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        (PathBuf::from(name), bytes)
    })
    .to_vec()
}

#[test]
fn a_calibration_is_the_same_after_kills_and_in_shards() {
    let place = folder(CALIBRATION);
    let here = place.path();
    for plan in ["whole", "killed", "shards"] {
        expect(here, &format!("plan c.toml -o {plan} --no-pilot"), 0);
    }
    let end = expect(here, "run whole -q", 0);
    assert!(
        end.contains("The calibration is finished: all generations are run"),
        "{end}"
    );
    let wanted = tables(here, "whole");
    let fit = String::from_utf8_lossy(&wanted[4].1).into_owned();
    assert!(
        fit.contains("oxygen,fit,40") && fit.contains("flow,hold_out,1"),
        "{fit}"
    );

    // Killed again and again, a little later each time, until it is through.
    for wait_ms in (20..).step_by(40) {
        let mut worker = command(here, "run killed -q")
            .spawn()
            .unwrap_or_else(|fault| panic!("{fault}"));
        std::thread::sleep(Duration::from_millis(wait_ms));
        if worker
            .try_wait()
            .is_ok_and(|ended| ended.is_some_and(|status| status.success()))
        {
            break;
        }
        let _ = worker.kill();
        let _ = worker.wait();
    }
    assert_eq!(tables(here, "killed"), wanted);

    // Two shards in turn: each waits for the other at the end of a batch.
    for turn in 0.. {
        assert!(turn < 60, "the shards come to an end");
        let text = expect(here, &format!("run shards -q --shard {}/2", turn % 2), 0);
        if text.contains("is finished") {
            break;
        }
        assert!(turn > 0 || text.contains("waits for other shards"), "{text}");
    }
    assert_eq!(tables(here, "shards"), wanted);
}

#[test]
fn an_unfinished_calibration_is_not_merged() {
    let place = folder(CALIBRATION);
    expect(place.path(), "plan c.toml -o p --no-pilot", 0);
    expect(place.path(), "run p -q --shard 0/2", 0);
    let text = expect(place.path(), "merge p -o r", 7);
    assert!(text.contains("rows have no result yet"), "{text}");
}

#[test]
fn every_fault_of_a_calibration_is_said_before_anything_runs() {
    let bad = CALIBRATION
        .replace("population = 10", "popultion = 10")
        .replace("\"hold_out\"", "\"holdout\"")
        .replace("output = \"mean_po2_mmhg\"", "output = \"mean_po2_mmh\"")
        .replace("value = 1\n", "valu = 1\n");
    let text = expect(folder(&bad).path(), "plan c.toml -o p", 3);
    for words in [
        "population",
        "hold_out",
        "did you mean \"mean_po2_mmhg\"",
        "did you mean `value`",
        "c.toml:",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let certain = CALIBRATION.replace("sd = 10\nmodel_discrepancy_sd = 20", "sd = 0");
    let text = expect(folder(&certain).path(), "plan c.toml -o p", 3);
    assert!(text.contains("a target without doubt is met by nothing"), "{text}");
    let without = CALIBRATION.split("[[targets]]").next().unwrap_or_default();
    let text = expect(folder(without).path(), "plan c.toml -o p", 3);
    assert!(text.contains("observations to meet"), "{text}");
}
