//! Experiments in the user's words: what a crash, a full disk, a flipped bit, a second worker or another number of shards
//! does to results. Nothing lost, nothing twice, the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use calcisim::experiment::job::Outcome;
use calcisim::experiment::plan::Plan;
use calcisim::experiment::segment;
use serde_json::Value;

use crate::common::Tested;

/// A section of a few hundred voxels; a day of it takes some milliseconds.
const TINY: &str = "schema = 1\nname = \"tiny\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\n[run]\ndays = 1\n\
                    [space]\nwidth_mm = 2.0\ndepth_mm = 2.4\nvoxel_um = 80.0\n[network]\njudge = false\n";

/// 2 × 3 points with 4 replicates.
const GRID: &str = "kind = \"sweep\"\nname = \"grid\"\nbase = \"tiny.toml\"\nreplicates = 4\nseed = 7\n\
                    [design]\nmethod = \"grid\"\n\
                    [[factors]]\npath = \"host.phosphate_mmol_per_l\"\nlevels = [1.2, 2.0]\n\
                    [[factors]]\npath = \"mineral.growth_rate_per_d\"\nlow = 0.01\nhigh = 0.1\nsteps = 3\nscale = \"log\"\n\
                    [outputs]\nseries_every_h = 12\n";
const RUNS: usize = 24;

/// A folder with the tiny scenario and an experiment.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(experiment: &str) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|fault| panic!("a temporary folder: {fault}"));
        let place = Self { folder };
        place.write("tiny.toml", TINY);
        place.write("e.toml", experiment);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calcisim"));
        command
            .arg("experiment")
            .args(args.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn output(&self, args: &str) -> Output {
        self.command(args)
            .output()
            .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"))
    }

    /// A command that must end with an exit code.
    fn expect(&self, args: &str, code: i32) -> String {
        let answer = self.output(args);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&answer.stdout),
            String::from_utf8_lossy(&answer.stderr)
        );
        assert_eq!(answer.status.code(), Some(code), "calcisim experiment {args}\n{said}");
        said
    }

    fn json(&self, args: &str) -> Value {
        let answer = self.output(&format!("{args} --json"));
        let text = String::from_utf8_lossy(&answer.stdout);
        serde_json::from_str(&text).unwrap_or_else(|fault| panic!("{args}: one JSON object: {fault}\n{text}"))
    }

    fn start(&self, args: &str) -> Child {
        self.command(args)
            .spawn()
            .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"))
    }

    fn plan(&self, name: &str) {
        self.expect(&format!("plan e.toml -o {name} --no-pilot"), 0);
    }

    /// The table of a plan that is done.
    fn table(&self, plan: &str) -> Vec<u8> {
        self.expect(&format!("merge {plan} -o {plan}-results"), 0);
        let path = self.path(&format!("{plan}-results/runs.parquet"));
        fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
    }

    /// The table of the same experiment, never disturbed.
    fn reference(&self) -> Vec<u8> {
        self.plan("reference");
        self.expect("run reference --threads 2 -q", 0);
        self.table("reference")
    }

    fn done(&self, plan: &str) -> u64 {
        self.json(&format!("status {plan}"))["done"].as_u64().unwrap_or(0)
    }

    fn segments(&self, plan: &str) -> Vec<PathBuf> {
        segment::list(&self.path(plan))
    }
}

fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or("").split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(str::to_owned);
        names.iter().map(|n| (*n).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
}

#[test]
fn threads_and_shards_do_not_change_a_byte() {
    let place = Place::new(GRID);
    let reference = place.reference();
    for (name, calls) in [
        ("one", &["run one --threads 1 -q"][..]),
        ("eight", &["run eight --threads 8 -q"]),
        (
            "shards",
            &[
                "run shards --shard 2/3 -q",
                "run shards --shard 0/3 -q",
                "run shards --shard 1/3 -q",
            ],
        ),
        // Two of three shards, then five for the rest.
        (
            "again",
            &[
                "run again --shard 0/3 -q",
                "run again --shard 2/3 -q",
                "run again --shard 0/5 -q",
                "run again --shard 1/5 -q",
                "run again --shard 2/5 -q",
                "run again --shard 3/5 -q",
                "run again --shard 4/5 -q",
            ],
        ),
    ] {
        place.plan(name);
        for call in calls {
            place.expect(call, 0);
        }
        assert_eq!(place.done(name), RUNS as u64, "{name}");
        assert!(place.table(name) == reference, "{name}: other bytes");
    }
}

#[test]
fn a_row_is_the_run_of_the_same_scenario_and_seed() {
    let place = Place::new(GRID);
    place.reference();
    let rows = rows(&place.path("reference-results/runs.csv"));
    assert_eq!(rows.len(), RUNS);
    let row = &rows[13];
    let sets = ["host.phosphate_mmol_per_l", "mineral.growth_rate_per_d"].map(|path| format!("{path}={}", row[path]));
    let answer = Command::new(env!("CARGO_BIN_EXE_calcisim"))
        .args([
            "run",
            "tiny.toml",
            "--json",
            "--seed",
            &row["seed"],
            "--set",
            &sets[0],
            "--set",
            &sets[1],
        ])
        .current_dir(place.folder.path())
        .output()
        .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"));
    let alone: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
    assert_eq!(alone["state_hash"], row["state_hash"].as_str(), "{row:?}");
    assert_eq!(
        alone["final"]["perfused_fraction"].as_f64(),
        row["final.perfused_fraction"].parse().ok()
    );
}

#[test]
fn kill_9_at_any_time_loses_only_runs_in_progress() {
    let place = Place::new(GRID);
    let reference = place.reference();
    place.plan("p");
    let mut before = 0;
    for wait_ms in [40, 90, 60, 150, 30, 200, 110, 80, 250, 130, 300] {
        let mut child = place.start("run p --threads 2 -q");
        std::thread::sleep(Duration::from_millis(wait_ms));
        let _ = child.kill();
        let _ = child.wait();
        let done = place.done("p");
        assert!(done >= before, "{done} of {before} results are left");
        before = done;
    }
    place.expect("run p -q", 0);
    assert!(place.table("p") == reference);
}

#[test]
fn a_worker_that_dies_at_a_named_place_leaves_what_can_be_gone_on_with() {
    let place = Place::new(GRID);
    let reference = place.reference();
    for (i, point) in ["before_write:3", "mid_write:3", "after_write:3"]
        .into_iter()
        .enumerate()
    {
        let plan = format!("p{i}");
        place.plan(&plan);
        let died = place
            .command(&format!("run {plan} --threads 1 -q"))
            .env("CALCISIM_FAIL", point)
            .output();
        assert!(died.is_ok_and(|answer| !answer.status.success()), "{point}");
        let kept = if point == "after_write:3" { 3 } else { 2 };
        let status = place.json(&format!("status {plan}"));
        assert_eq!(status["done"], kept, "{point}");
        assert_eq!(
            status["torn_bytes"].as_u64().unwrap_or(0) > 0,
            point == "mid_write:3",
            "{point}"
        );
        place.expect(&format!("run {plan} -q"), 0);
        assert!(place.table(&plan) == reference, "{point}");
    }
}

#[test]
fn two_workers_on_one_plan_do_nothing_twice_even_when_one_is_killed() {
    let place = Place::new(GRID);
    let reference = place.reference();
    place.plan("p");
    let mut first = place.start("run p --threads 1 -q");
    let mut second = place.start("run p --threads 1 -q");
    let mut third = place.start("run p --threads 1 -q");
    std::thread::sleep(Duration::from_millis(150));
    let _ = first.kill();
    let _ = first.wait();
    for worker in [&mut second, &mut third] {
        assert!(worker.wait().is_ok_and(|status| status.success()));
    }
    assert_eq!(place.done("p"), RUNS as u64);
    let records: usize = place
        .segments("p")
        .iter()
        .filter_map(|path| segment::scan(path, 0, true).ok())
        .map(|scan| scan.heads.len())
        .sum();
    assert_eq!(records, RUNS, "no run was done twice");
    assert!(place.table("p") == reference);
}

#[test]
fn a_flipped_bit_or_a_cut_costs_the_damaged_runs_alone() -> Tested {
    let place = Place::new(GRID);
    let reference = place.reference();
    let results = || {
        let _ = fs::remove_dir_all(place.path("reference-results"));
    };
    let segment = place.segments("reference")[0].clone();
    let whole = fs::read(&segment)?;
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    fs::write(&segment, &damaged)?;
    results();
    let said = place.expect("merge reference -o reference-results", 7);
    assert!(said.contains("1 of 24 rows have no result"), "{said}");
    assert_eq!(place.json("run reference -q")["ran"], 1);
    assert!(place.table("reference") == reference);
    // A cut in mid-record, and the segment of the repair is gone as well.
    for path in place.segments("reference") {
        fs::remove_file(path)?;
    }
    fs::write(&segment, &whole[..whole.len() / 3])?;
    results();
    place.expect("merge reference -o reference-results", 7);
    place.expect("merge reference -o partial --partial", 7);
    let partial = rows(&place.path("partial/runs.csv"));
    let missing = partial.iter().filter(|row| row["status"] == "missing").count();
    assert!(missing > 8 && partial.len() == RUNS, "{missing}");
    assert_eq!(place.json("run reference -q")["ran"], missing);
    assert!(place.table("reference") == reference);
    Ok(())
}

#[test]
fn two_results_of_one_run_that_differ_are_an_alarm() -> Tested {
    let place = Place::new(GRID);
    place.reference();
    let path = place.segments("reference")[0].clone();
    let head = segment::scan(&path, 0, true)?.heads[5];
    let mut record = segment::read(&mut fs::File::open(&path)?, &head)?.ok_or("the record is whole")?;
    // The same result once more is no alarm.
    segment::Writer::new(&place.path("reference"), (0, 1), "same").append(&record, Duration::ZERO)?;
    place.expect("merge reference -o same", 0);
    record.outcome[3] ^= 1;
    segment::Writer::new(&place.path("reference"), (0, 1), "other").append(&record, Duration::ZERO)?;
    let said = place.expect("merge reference -o other", 7);
    assert!(said.contains("s0of1.other.seg"), "{said}");
    assert!(!place.path("other").exists());
    place.expect("run reference -q", 7);
    assert_eq!(place.json("status reference")["conflicts"], 1);
    // Verifying finds which of them is right once the other is gone.
    fs::remove_file(place.path("reference/segments/s0of1.other.seg"))?;
    place.expect("verify reference --sample 4", 0);
    Ok(())
}

#[test]
fn verify_finds_a_result_that_this_calcisim_does_not_give() -> Tested {
    let place = Place::new(GRID);
    place.reference();
    let path = place.segments("reference")[0].clone();
    let mut file = fs::File::open(&path)?;
    let mut bytes = Vec::new();
    for head in segment::scan(&path, 0, true)?.heads {
        let mut record = segment::read(&mut file, &head)?.ok_or("the record is whole")?;
        record.series.push(0);
        bytes.extend(record.bytes());
    }
    fs::write(&path, bytes)?;
    let said = place.expect("verify reference --sample 2", 7);
    assert!(said.contains("2 differ"), "{said}");
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_full_disk_keeps_what_is_done() {
    let place = Place::new(GRID);
    let reference = place.reference();
    place.plan("p");
    // A limit on the size of a file stands for a full disk: the write fails in the middle of a record.
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' experiment run p --threads 1 -q",
        env!("CARGO_BIN_EXE_calcisim")
    );
    let answer = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.folder.path())
        .output();
    let answer = answer.unwrap_or_else(|fault| panic!("bash starts: {fault}"));
    let said = String::from_utf8_lossy(&answer.stderr);
    assert_eq!(answer.status.code(), Some(4), "{said}");
    assert!(said.contains("are done and kept"), "{said}");
    let status = place.json("status p");
    let done = status["done"].as_u64().unwrap_or(0);
    assert!(done > 0 && done < RUNS as u64, "{status}");
    assert_eq!((&status["torn_bytes"], &status["bad_records"]), (&0.into(), &0.into()));
    let more = place.json("run p -q");
    assert_eq!(more["ran"], RUNS as u64 - done);
    assert!(place.table("p") == reference);
}

#[test]
#[cfg(unix)]
fn a_signal_or_the_end_of_the_time_stops_cleanly() {
    // A run of this takes seconds.
    let long = GRID.replace("replicates = 4", "replicates = 4\ndays = 60");
    let place = Place::new(&long);
    place.plan("p");
    for (name, code) in [("TERM", 75), ("USR1", 75), ("INT", 130)] {
        let mut child = place.start("run p --threads 2 -q");
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, name);
        let asked = Instant::now();
        let status = child.wait().unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(status.code(), Some(code), "{name}");
        assert!(asked.elapsed() < Duration::from_secs(20), "{name}");
    }
    let said = place.expect("run p --max-time 0.5s -q", 75);
    assert!(said.contains("go on with: calcisim experiment run p"), "{said}");
    let left: Vec<_> = fs::read_dir(place.path("p/claims")).into_iter().flatten().collect();
    assert!(left.is_empty(), "a clean stop gives its claims back: {left:?}");
}

#[test]
#[cfg(unix)]
fn a_long_run_goes_on_where_it_was_stopped() {
    let long = "kind = \"sweep\"\nname = \"long\"\nbase = \"tiny.toml\"\nreplicates = 2\ndays = 20\n\
                [design]\nmethod = \"grid\"\n[[factors]]\npath = \"host.phosphate_mmol_per_l\"\nlevels = [2.0]\n\
                [outputs]\nseries_every_h = 24\nat_days = [3, 10]\n";
    let place = Place::new(long);
    let reference = place.reference();
    let series = fs::read(place.path("reference-results/series.parquet")).unwrap_or_default();
    place.plan("p");
    let mut stops = 0;
    while place.done("p") < 2 && stops < 200 {
        let _ = place.output("run p --threads 2 --keep-every 0.01s --max-time 0.4s -q");
        stops += 1;
    }
    assert!(place.table("p") == reference);
    assert_eq!(
        fs::read(place.path("p-results/series.parquet")).unwrap_or_default(),
        series
    );
    let kept: Vec<_> = fs::read_dir(place.path("p/partial")).into_iter().flatten().collect();
    assert!(kept.is_empty(), "what was kept of a run goes when it is done: {kept:?}");
}

#[test]
fn a_run_that_fails_is_a_row_with_its_error() {
    let design = "host.inlet_pressure_mmhg,host.outlet_pressure_mmhg\n45,10\n20,40\n";
    let place = Place::new(
        "kind = \"sweep\"\nname = \"failing\"\nbase = \"tiny.toml\"\nreplicates = 2\n\
         [design]\nmethod = \"list\"\nfile = \"design.csv\"\n",
    );
    place.write("design.csv", design);
    // Each extreme alone is possible; the second row is not.
    place.write(
        "design.csv",
        "host.inlet_pressure_mmhg,host.outlet_pressure_mmhg\n45,10\n20,10\n45,40\n20,40\n",
    );
    place.plan("p");
    let done = place.json("run p -q");
    assert_eq!((&done["exit"], &done["failed"]), (&0.into(), &2.into()));
    place.table("p");
    let rows = rows(&place.path("p-results/runs.csv"));
    let failed: Vec<_> = rows.iter().filter(|row| row["status"] == "failed").collect();
    assert_eq!(failed.len(), 2);
    assert!(failed[0]["error"].contains("inlet"), "{:?}", failed[0]);
    assert!(failed[0]["final.necrotic_fraction"].is_empty());
}

#[test]
fn a_point_out_of_reach_is_dropped_alike_for_any_shards() {
    let staged = format!("{GRID}[staged]\ncriterion = \"mean(final.perfused_fraction) <= 0.4\"\n");
    let place = Place::new(&staged);
    let reference = place.reference();
    let rows = rows(&place.path("reference-results/runs.csv"));
    let dropped = rows.iter().filter(|row| row["status"] == "dropped").count();
    assert!((6..RUNS).contains(&dropped), "{dropped} of {RUNS} rows are dropped");
    place.plan("p");
    place.expect("run p --shard 1/2 --threads 3 -q", 0);
    place.expect("run p --shard 0/2 -q", 0);
    assert!(place.table("p") == reference);
}

#[test]
fn a_comparison_has_arms_contrasts_and_pictures() {
    let place = Place::new(
        "kind = \"compare\"\nname = \"c\"\nbase = \"tiny.toml\"\nreplicates = 3\n[[arms]]\nid = \"a\"\n\
         [[arms]]\nid = \"b\"\nreference = true\nset = { \"host.phosphate_mmol_per_l\" = 2.2 }\n\
         [outputs]\nendpoints = [\"mineral_ug\", \"max.hypoxic_fraction\", \"t_ulcer_d\"]\nat_days = [0.5]\n\
         series_every_h = 6\nsnapshots = \"first_replicate\"\n",
    );
    place.expect("run e.toml -o p -q", 0);
    place.table("p");
    let contrasts = rows(&place.path("p-results/contrasts.csv"));
    assert!(contrasts.iter().all(|row| row["arm"] == "a" && row["reference"] == "b"));
    let names: Vec<&str> = contrasts.iter().map(|row| row["endpoint"].as_str()).collect();
    assert_eq!(
        names,
        [
            "final.mineral_ug",
            "max.hypoxic_fraction",
            "t_ulcer_d",
            "at_0.5d.mineral_ug"
        ]
    );
    let runs = rows(&place.path("p-results/runs.csv"));
    assert!(
        runs.iter()
            .all(|row| row["t_ulcer_censored"] == "true" && row["t_ulcer_d"].is_empty())
    );
    for file in [
        "arms.csv",
        "pairing.csv",
        "series.parquet",
        "timing.parquet",
        "manifest.json",
        "series/a-s1.csv",
    ] {
        assert!(place.path("p-results").join(file).is_file(), "{file}");
    }
    // A second run of the same file does nothing, a changed file is refused until it is planned with --force.
    assert_eq!(place.json("run e.toml -o p -q")["ran"], 0);
    let text = fs::read_to_string(place.path("e.toml")).unwrap_or_default();
    place.write("e.toml", &text.replace("replicates = 3", "replicates = 4"));
    place.expect("run e.toml -o p -q", 4);
    place.expect("plan e.toml -o p --force --no-pilot", 0);
    assert_eq!(
        place.json("run p -q")["ran"],
        2,
        "the runs that both plans have are not done again"
    );
}

#[test]
fn a_plan_is_never_changed_by_hand() -> Tested {
    let place = Place::new(GRID);
    place.plan("p");
    let path = place.path("p/scenarios/base/scenario.toml");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace("days = 1.0", "days = 2.0"))?;
    assert!(place.expect("run p -q", 7).contains("is not as it was planned"));
    Ok(())
}

#[test]
fn a_bad_experiment_is_refused_with_every_fault_and_its_line() {
    let place = Place::new("");
    let refused = |text: &str, wanted: &[(&str, u64, &str)]| {
        place.write("e.toml", text);
        let answer = place.json("plan e.toml -o p");
        assert_eq!(answer["exit"], 3, "{text}\n{answer}");
        let faults = answer["errors"].as_array().cloned().unwrap_or_default();
        for (key, line, words) in wanted {
            let is_there = faults.iter().any(|fault| {
                fault["key"].as_str().is_some_and(|k| k.contains(key))
                    && fault["line"].as_u64() == Some(*line)
                    && fault.to_string().contains(words)
            });
            assert!(is_there, "{key} in line {line}, {words}: {answer:#}");
        }
        assert!(!place.path("p").exists());
    };
    refused(
        "kind = \"swep\"\nbase = \"tiny.toml\"\nreplicats = 3\n",
        &[("kind", 1, "sweep"), ("replicats", 3, "replicates")],
    );
    refused(
        "kind = \"sweep\"\nbase = \"tini.toml\"\n[design]\nmethod = \"grid\"\n",
        &[("base", 2, "no such file")],
    );
    let sweep = "kind = \"sweep\"\nbase = \"tiny.toml\"\n[design]\nmethod = \"grid\"\n[[factors]]\n";
    refused(
        &format!("{sweep}path = \"host.phosphat_mmol_per_l\"\nlevels = [1.0]\n"),
        &[("host.phosphat", 6, "did you mean `phosphate_mmol_per_l`?")],
    );
    refused(
        &format!("{sweep}path = \"host.phosphate_mmol_per_l\"\nlow = 2\nhigh = 1\nsteps = 3\n"),
        &[("factors.high", 8, "empty")],
    );
    refused(
        &format!(
            "{sweep}path = \"host.phosphate_mmol_per_l\"\nlevels = [-1.0, 1.0]\n[[factors]]\npath = \"mechanisms.lysis\"\nlevels = [1]\n"
        ),
        &[
            ("host.phosphate", 6, "expected"),
            ("mechanisms.lysis", 9, "true or false"),
        ],
    );
    refused(
        &format!(
            "{sweep}path = \"host.phosphate_mmol_per_l\"\nlow = 1\nhigh = 2\nsteps = 1000\n\
                  [[factors]]\npath = \"host.calcium_ionised_mmol_per_l\"\nlow = 1\nhigh = 1.4\nsteps = 1000\n\
                  [[factors]]\npath = \"mineral.growth_rate_per_d\"\nlow = 0.01\nhigh = 0.02\nsteps = 1000\n"
        ),
        &[("design", 3, "1000 × 1000 × 1000")],
    );
    refused(
        "kind = \"compare\"\nbase = \"tiny.toml\"\n[[arms]]\nid = \"a\"\n[[arms]]\nid = \"b\"\nset = { \"host.phosphate_mmol_per_l\" = 1.2 }\n\
         [[arms]]\nid = \"c\"\nset = { \"host.phosphate_mmol_per_l\" = 1.2 }\n[[arms]]\nid = \"d\"\nset = { \"space.width_mm\" = 4.0 }\n",
        &[
            ("arms", 8, "changes nothing against b"),
            ("space.width_mm", 11, "as in a"),
        ],
    );
    refused(
        "kind = \"compare\"\nbase = \"tiny.toml\"\n[[arms]]\nid = \"a\"\n[[arms]]\nid = \"b\"\nset = { \"therapy.msc.start_d\" = 1 }\n\
         [outputs]\nendpoints = [\"final.necrotic_fracton\"]\nat_days = [5]\n",
        &[
            ("therapy.msc.start_d", 7, "no therapy"),
            ("outputs.endpoints", 9, "final.necrotic_fraction"),
            ("outputs.at_days", 10, "from 0 to 1"),
        ],
    );
    refused("", &[("", 1, "empty")]);
    refused("kind = \n", &[("", 1, "TOML")]);
}

#[test]
fn a_plan_of_a_hundred_thousand_rows_is_quick_to_make_and_to_look_at() -> Tested {
    let place = Place::new(
        "kind = \"sweep\"\nname = \"large\"\nbase = \"tiny.toml\"\nreplicates = 10\n[design]\nmethod = \"grid\"\n\
         [[factors]]\npath = \"host.phosphate_mmol_per_l\"\nlow = 1\nhigh = 2\nsteps = 100\n\
         [[factors]]\npath = \"mineral.growth_rate_per_d\"\nlow = 0.01\nhigh = 0.1\nsteps = 100\n",
    );
    let started = Instant::now();
    place.plan("p");
    let planned = started.elapsed();
    let started = Instant::now();
    let status = place.json("status p");
    let looked = started.elapsed();
    println!("100 000 rows: planned in {planned:?}, status in {looked:?}");
    assert_eq!(
        (&status["rows"], &status["missing"]),
        (&100_000.into(), &100_000.into())
    );
    // As many results as rows, as short as they can be.
    let plan = Plan::open(&place.path("p"))?;
    let outcome = postcard::to_stdvec(&Outcome::default())?;
    let mut writer = segment::Writer::new(&plan.folder, (0, 1), "all");
    for run in &plan.runs {
        let record = segment::Record {
            run: *run,
            is_failed: false,
            outcome: outcome.clone(),
            series: Vec::new(),
            aside: Vec::new(),
        };
        writer.append(&record, Duration::ZERO)?;
    }
    let started = Instant::now();
    let status = place.json("status p");
    let full = started.elapsed();
    println!("with 100 000 results: status in {full:?}");
    assert_eq!((&status["done"], &status["missing"]), (&100_000.into(), &0.into()));
    // On a machine that others share, with room.
    let (short, long) = (Duration::from_secs(6), Duration::from_secs(30));
    assert!(
        planned < long && looked < short && full < short,
        "{planned:?} {looked:?} {full:?}"
    );
    Ok(())
}

#[test]
fn a_slurm_script_names_the_plan_its_shards_and_how_to_go_on() {
    let place = Place::new(GRID);
    place.plan("p");
    let script = place.expect("sbatch p --shards 6 --at-once 3 --time 01:00:00", 0);
    for line in [
        "--array=0-5%3",
        "--requeue",
        "--signal=B:USR1@120",
        "--time=01:00:00",
        "75|137|143",
    ] {
        assert!(script.contains(line), "{line}\n{script}");
    }
    let checked = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .and_then(|mut shell| {
            use std::io::Write;
            if let Some(mut input) = shell.stdin.take() {
                input.write_all(script.as_bytes())?;
            }
            shell.wait()
        });
    assert!(checked.is_ok_and(|status| status.success()));
    place.expect("sbatch p --shards 5000000", 2);
}

/// Three factors of which each has a prior or a range.
const FACTORS: &str = "[[factors]]\npath = \"host.phosphate_mmol_per_l\"\ndist = { type = \"uniform\", low = 1.0, high = 2.5 }\n\
                       [[factors]]\npath = \"mineral.growth_rate_per_d\"\n\
                       [[factors]]\npath = \"oxygen.hypoxia_mmhg\"\nlow = 5\nhigh = 15\n";

fn designed(kind: &str, design: &str) -> Place {
    Place::new(&format!(
        "kind = \"{kind}\"\nname = \"s\"\nbase = \"tiny.toml\"\nreplicates = 2\n[design]\n{design}\n{FACTORS}\
         [outputs]\nendpoints = [\"mineral_ug\", \"hypoxic_fraction\"]\nat_days = [0.5]\n"
    ))
}

#[test]
fn a_screening_names_the_factors_that_matter_and_the_floor_of_chance() {
    let place = designed("sensitivity", "method = \"morris\"\ntrajectories = 4");
    place.plan("p");
    let done = place.json("run p -q");
    // 4 trajectories of 3 factors and a dummy, which moves to other seeds.
    assert_eq!(
        (&done["failed"], &place.json("status p")["rows"]),
        (&0.into(), &40.into())
    );
    assert_eq!(done["runs"], 40, "{done}");
    place.table("p");
    let runs = rows(&place.path("p-results/runs.csv"));
    for row in &runs {
        // seed + ⌊1000 × dummy⌋ × replicates + replicate
        let number = |key: &str| row[key].parse::<f64>().unwrap_or(f64::NAN);
        assert_eq!(
            number("seed"),
            1.0 + 2.0 * (1000.0 * number("dummy")).floor() + number("replicate"),
            "{row:?}"
        );
    }
    let table = rows(&place.path("p-results/sensitivity.csv"));
    assert_eq!(table.len(), 4 * 4, "factors × endpoints");
    let find = |factor: &str, output: &str, column: &str| -> f64 {
        let row = table
            .iter()
            .find(|row| row["factor"] == factor && row["output"] == output);
        row.and_then(|row| row[column].parse().ok()).unwrap_or(f64::NAN)
    };
    assert!(find("mineral.growth_rate_per_d", "final.mineral_ug", "mu_star") > 0.0);
    // Other seeds are other networks: the floor of chance is above zero.
    let floor = find("dummy", "final.mineral_ug", "mu_star");
    assert!(floor > 0.0, "{floor}");
    assert_eq!(
        find("mineral.growth_rate_per_d", "final.mineral_ug", "dummy_level"),
        floor
    );
    // The limit of hypoxia is a definition: it moves no mineral.
    assert_eq!(find("oxygen.hypoxia_mmhg", "final.mineral_ug", "mu_star"), 0.0);
    assert_eq!(find("dummy", "at_0.5d.mineral_ug", "t_d"), 0.5);
    assert!(place.path("p-results/problem.json").is_file());
}

#[test]
fn variance_based_indices_and_rank_correlations_come_out_as_tables() {
    let place = designed(
        "sensitivity",
        "method = \"saltelli\"\nn = 8\nsecond_order = true\nbootstrap = 100",
    );
    place.plan("p");
    place.expect("run p -q", 0);
    place.table("p");
    let table = rows(&place.path("p-results/sensitivity.csv"));
    assert!(
        table
            .iter()
            .all(|row| row["method"] == "saltelli" && row["n_rows"] == "80")
    );
    let pairs = rows(&place.path("p-results/interactions.csv"));
    assert_eq!(pairs.len(), 4 * 6);
    let place = designed("sensitivity", "method = \"lhs_prcc\"\nn = 20\nmaximin_tries = 5");
    place.expect("run e.toml -o p -q", 0);
    place.table("p");
    let table = rows(&place.path("p-results/sensitivity.csv"));
    let growth = table
        .iter()
        .find(|r| r["factor"] == "mineral.growth_rate_per_d" && r["output"] == "final.mineral_ug");
    let prcc: f64 = growth.and_then(|row| row["prcc"].parse().ok()).unwrap_or(0.0);
    assert!(prcc > 0.5, "{growth:?}");
}

#[test]
fn points_may_be_drawn_over_priors_in_several_ways() {
    for (design, points) in [
        ("method = \"lhs\"\nn = 6", 6),
        ("method = \"sobol\"\nn = 4", 4),
        ("method = \"oat\"\nsteps = 3", 10),
    ] {
        let place = designed("sweep", design);
        place.plan("p");
        let status = place.json("status p");
        let rows = status["rows"].as_u64().unwrap_or(0);
        assert!(
            rows == 2 * points || (design.contains("oat") && rows >= 2 * (points - 3)),
            "{design}: {rows} rows"
        );
    }
    // A condition leaves points out.
    let place = designed(
        "sweep",
        "method = \"lhs\"\nn = 20\n[constraints]\nkeep = [\"host.phosphate_mmol_per_l < 1.75\"]",
    );
    place.plan("p");
    assert_eq!(place.json("status p")["rows"], 20);
}

#[test]
fn a_design_that_would_take_hours_or_all_memory_is_refused_before_it_is_drawn() {
    for (kind, design, words) in [
        (
            "sensitivity",
            "method = \"morris\"\ntrajectories = 4\ncandidates = 100000",
            "from 2 to 1000",
        ),
        (
            "sweep",
            "method = \"lhs\"\nn = 200000\nmaximin_tries = 2",
            "fewer points",
        ),
    ] {
        let answer = designed(kind, design).json("plan e.toml -o p");
        assert_eq!(answer["exit"], 3, "{design}\n{answer:#}");
        assert!(answer.to_string().contains(words), "{design}: {words}\n{answer:#}");
    }
}

#[test]
fn shares_of_mechanisms_add_up_to_what_all_of_them_do() {
    let sick = format!(
        "{TINY}[host]\nburn_in = {{ wall_mineral_median = 0.05, gsd = 2.0, share = 1.0 }}\n\
         [[challenge]]\nkind = \"trauma\"\nstart_d = 0.2\nx_mm = 1.0\ndepth_mm = 1.0\nradius_mm = 0.4\n"
    );
    let place = Place::new(
        "kind = \"attribute\"\nname = \"a\"\nbase = \"sick.toml\"\nreplicates = 3\n\
         [design]\nmechanisms = [\"thrombosis\", \"passive_mineral\", \"crystal_infl\"]\n\
         [outputs]\nendpoints = [\"mineral_ug\", \"thrombosed_segment_fraction\"]\n",
    );
    place.write("sick.toml", &sick);
    place.expect("run e.toml -o p -q", 0);
    assert_eq!(place.json("status p")["runs"], 8 * 3);
    place.table("p");
    let table = rows(&place.path("p-results/attribution.csv"));
    for output in ["final.mineral_ug", "final.thrombosed_segment_fraction"] {
        let mine: Vec<_> = table.iter().filter(|row| row["output"] == output).collect();
        let number = |row: &std::collections::BTreeMap<String, String>, key: &str| row[key].parse().unwrap_or(f64::NAN);
        let sum: f64 = mine.iter().map(|row| number(row, "share")).sum();
        let (full, empty) = (number(mine[0], "full"), number(mine[0], "empty"));
        assert!(
            (sum - (full - empty)).abs() < 1e-9 * full.abs(),
            "{output}: {sum} {full} {empty}"
        );
        assert!(full != empty, "{output}: the mechanisms do something");
    }
    assert_eq!(rows(&place.path("p-results/synergies.csv")).len(), 2 * 3);
}

#[test]
fn a_trial_has_patients_with_sites_in_both_arms_and_says_how_many_it_needs() {
    let place = Place::new(
        "kind = \"trial\"\nname = \"t\"\nbase = \"tiny.toml\"\n[cohort]\nn = 12\nsites = 2\ndraw = \"lhs\"\nacross_sites = \"highest\"\n\
         strata = [ { id = \"dialysis\", fraction = 0.5, set = { \"host.dialysis\" = true } }, { id = \"none\", fraction = 0.5 } ]\n\
         [[factors]]\npath = \"mineral.growth_rate_per_d\"\n\
         [[arms]]\nid = \"a\"\n[[arms]]\nid = \"b\"\nset = { \"host.phosphate_mmol_per_l\" = 2.5 }\n\
         [power]\nsizes = [4, 8]\ntrials = 200\n[outputs]\nendpoints = [\"mineral_ug\"]\n",
    );
    place.expect("run e.toml -o p -q", 0);
    place.table("p");
    let runs = rows(&place.path("p-results/runs.csv"));
    assert_eq!(runs.len(), 12 * 2 * 2);
    // A patient has sites of its own, the same in both arms.
    let seeds: std::collections::BTreeSet<&str> = runs.iter().map(|row| row["seed"].as_str()).collect();
    assert_eq!(seeds.len(), 24);
    assert!(
        runs[..24]
            .iter()
            .zip(&runs[24..])
            .all(|(a, b)| a["seed"] == b["seed"] && a["patient_id"] == b["patient_id"])
    );
    let strata: std::collections::BTreeSet<&str> = runs.iter().map(|row| row["design_role"].as_str()).collect();
    assert_eq!(strata.into_iter().collect::<Vec<_>>(), ["dialysis", "none"]);
    assert_eq!(rows(&place.path("p-results/patients.csv")).len(), 24);
    let power = rows(&place.path("p-results/trial_power.csv"));
    assert_eq!(power.len(), 4);
    for row in &power {
        let error: f64 = row["type_one_error"].parse().unwrap_or(1.0);
        assert!(error <= 0.15, "the null is rejected in {error} of the trials: {row:?}");
    }
    assert_eq!(rows(&place.path("p-results/trial_size.csv")).len(), 2);
}

/// Two arms of a tiny site over points drawn from a prior, with what is asked of them.
const ASKED: &str = "kind = \"sweep\"\nname = \"asked\"\nbase = \"tiny.toml\"\nreplicates = 2\nwiden = 1.5\n\
     [[arms]]\nid = \"a\"\n[[arms]]\nid = \"b\"\nset = { \"host.phosphate_mmol_per_l\" = 2.5 }\n\
     [design]\nmethod = \"lhs\"\nn = 12\ncorrelations = [{ of = [\"mineral.growth_rate_per_d\", \"oxygen.hypoxia_mmhg\"], rank = 0.8 }]\n\
     [[factors]]\npath = \"mineral.growth_rate_per_d\"\n[[factors]]\npath = \"oxygen.hypoxia_mmhg\"\nlow = 5\nhigh = 15\nwiden = 1.0\n\
     [outputs]\nendpoints = [\"mineral_ug\", \"perfused_fraction\", \"read.crp\"]\n\
     [statistics]\nequivalence = [{ endpoint = \"perfused_fraction\", margin = 0.05 }]\n\
     benefit = [{ endpoint = \"mineral_ug\", better = \"lower\" }]\n";

#[test]
fn equivalence_and_the_chance_of_benefit_are_asked_in_the_file_and_answered_in_tables() {
    let place = Place::new(ASKED);
    place.expect("run e.toml -o p -q", 0);
    let said = place.expect("merge p -o r", 0);
    assert!(
        said.contains("b and a: as good as equal in final.perfused_fraction"),
        "{said}"
    );
    assert!(said.contains("of 12 vectors of the prior, harms in 100 %"), "{said}");
    let equal = &rows(&place.path("r/equivalence.csv"))[0];
    assert_eq!(
        (
            equal["equivalent"].as_str(),
            equal["n"].as_str(),
            equal["level"].as_str()
        ),
        ("true", "12", "0.9")
    );
    let benefit = &rows(&place.path("r/benefit.csv"))[0];
    assert_eq!((benefit["p_benefit"].as_str(), benefit["p_harm"].as_str()), ("0", "1"));
    // The draws hang together as asked, and an instrument reads what a clinic would.
    let points = rows(&place.path("r/runs.csv"));
    let rank = |key: &str| {
        let of = |row: &std::collections::BTreeMap<String, String>| row[key].parse::<f64>().unwrap_or(f64::NAN);
        let values: Vec<f64> = points[..24].iter().step_by(2).map(of).collect();
        values
            .iter()
            .map(|x| values.iter().filter(|y| *y < x).count() as f64)
            .collect::<Vec<_>>()
    };
    let (a, b) = (rank("mineral.growth_rate_per_d"), rank("oxygen.hypoxia_mmhg"));
    let d: f64 = a.iter().zip(&b).map(|(x, y)| (x - y) * (x - y)).sum();
    let spearman = 1.0 - 6.0 * d / (12.0 * (144.0 - 1.0));
    assert!((spearman - 0.8).abs() < 0.15, "{spearman}");
    assert!(
        points
            .iter()
            .all(|row| row["read.crp"].parse::<f64>().is_ok_and(|crp| crp > 0.0))
    );
    // Wider than the prior, and never outside what is possible.
    let plain = Place::new(&ASKED.replace("widen = 1.5", "widen = 1.0"));
    plain.plan("p");
    let spread = |place: &Place| {
        let plan = Plan::open(&place.path("p")).unwrap_or_else(|fault| panic!("{fault}"));
        let values: Vec<f64> = plan.points.iter().filter_map(|point| point[0].as_float()).collect();
        let ends = values.iter().fold((f64::MAX, 0.0f64), |(low, high), x| {
            (calcisim::math::min(low, *x), calcisim::math::max(high, *x))
        });
        assert!(ends.0 > 0.0);
        ends.1 / ends.0
    };
    assert!(spread(&place) > 1.2 * spread(&plain));
}

#[test]
fn questions_that_cannot_be_answered_are_refused() {
    for (was, now, words) in [
        (
            "method = \"lhs\"\nn = 12\ncorrelations = [{ of = [\"mineral.growth_rate_per_d\", \"oxygen.hypoxia_mmhg\"], rank = 0.8 }]",
            "method = \"oat\"",
            "one over the prior",
        ),
        (
            "endpoint = \"perfused_fraction\", margin",
            "endpoint = \"perfused_fracton\", margin",
            "final.perfused_fraction",
        ),
        ("margin = 0.05", "low = 1, high = -1", "margin = 0.02"),
        ("better = \"lower\"", "better = \"less\"", "lower"),
        (
            "[statistics]",
            "[sequential]\nhalf_width = 0.1\n[statistics]",
            "replicates above least = 8",
        ),
        ("rank = 0.8", "rank = 1.0", "between -1 and 1"),
        ("\"read.crp\"", "\"read.cpr\"", "read.crp"),
    ] {
        let text = ASKED.replace(was, now);
        assert_ne!(text, ASKED, "{was}");
        let answer = Place::new(&text).json("plan e.toml -o p");
        assert_eq!(answer["exit"], 3, "{now}\n{answer:#}");
        assert!(answer.to_string().contains(words), "{now}: {words}\n{answer:#}");
    }
}

#[test]
fn replicates_stop_when_the_interval_is_narrow_alike_for_any_shards() {
    // The arms differ by little and move together: few replicates are enough.
    let text = "kind = \"compare\"\nname = \"s\"\nbase = \"tiny.toml\"\nreplicates = 40\n\
         [[arms]]\nid = \"a\"\n[[arms]]\nid = \"b\"\nset = { \"host.phosphate_mmol_per_l\" = 2.5 }\n\
         [outputs]\nendpoints = [\"mineral_ug\"]\n[sequential]\nendpoint = \"mineral_ug\"\nhalf_width = WIDTH\n";
    let all = Place::new(&text.replace("WIDTH", "1e-9"));
    all.expect("run e.toml -o p -q", 0);
    all.table("p");
    let spent = &rows(&all.path("p-results/sequential.csv"))[0];
    assert_eq!(
        (spent["replicates"].as_str(), spent["verdict"].as_str()),
        ("40", "spent")
    );
    // Twice as wide as what 40 replicates reach: a part of them.
    let width: f64 = spent["half_width"].parse().unwrap_or(f64::NAN);
    let place = Place::new(&text.replace("WIDTH", &format!("{:?}", 1.6 * width)));
    let done = place.json("run e.toml -o one -q");
    place.plan("two");
    let said = place.expect("run two --shard 0/2 -q", 0);
    assert!(
        said.contains("waits for other shards") || said.contains("were enough"),
        "{said}"
    );
    for _ in 0..20 {
        place.expect("run two --shard 1/2 -q", 0);
        place.expect("run two --shard 0/2 -q", 0);
    }
    assert!(place.table("one") == place.table("two"), "other bytes");
    let status = place.json("status one");
    assert_eq!(
        (&status["missing"], &status["later"]),
        (&0.into(), &0.into()),
        "{status}"
    );
    assert!(status["dropped"].as_u64().is_some_and(|n| n > 0 && n < 64), "{status}");
    assert_eq!(done["ran"].as_u64(), status["done"].as_u64());
    let enough = &rows(&place.path("one-results/sequential.csv"))[0];
    assert_eq!(enough["verdict"], "enough");
    assert_eq!(
        enough["replicates"].parse::<u64>().ok().map(|n| 2 * n),
        status["done"].as_u64()
    );
    assert!(place.path("one-results/enough.csv").is_file());
}

#[test]
fn a_tidied_plan_has_one_segment_and_the_same_table() {
    let place = Place::new(GRID);
    let reference = place.reference();
    place.plan("p");
    for part in ["0/3", "1/3", "2/3"] {
        place.expect(&format!("run p --shard {part} -q"), 0);
    }
    let _ = fs::write(place.path("p/claims/worker-gone"), "elsewhere 1");
    let _ = fs::write(place.path("p/.plan.parquet.new"), "half");
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    let touched = fs::File::options().write(true).open(place.path("p/claims/worker-gone"));
    assert!(touched.and_then(|file| file.set_modified(old)).is_ok());
    let dry = place.json("gc p --dry-run");
    assert_eq!(
        (&dry["segments"], &dry["results"], &dry["claims"]),
        (&3.into(), &24.into(), &1.into()),
        "{dry}"
    );
    assert_eq!(place.segments("p").len(), 3);
    // A kill between the new segment and the end of the old ones loses nothing.
    let died = place.command("gc p").env("CALCISIM_FAIL", "gc:1").output();
    assert!(died.is_ok_and(|answer| !answer.status.success()));
    assert_eq!((place.segments("p").len(), place.done("p")), (4, 24));
    place.expect("gc p", 0);
    assert_eq!((place.segments("p").len(), place.done("p")), (1, 24));
    assert!(!place.path("p/claims/worker-gone").exists() && !place.path("p/.plan.parquet.new").exists());
    assert!(place.table("p") == reference);
    // Somebody at work is left alone.
    let longer = Place::new(&GRID.replace("replicates = 4", "replicates = 4\ndays = 60"));
    longer.plan("p");
    let mut child = longer.start("run p --threads 1 -q");
    std::thread::sleep(Duration::from_millis(400));
    longer.expect("gc p", 7);
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn results_are_a_research_object_crate() -> Tested {
    let place = Place::new(GRID);
    place.reference();
    let text = fs::read_to_string(place.path("reference-results/ro-crate-metadata.json"))?;
    let record: Value = serde_json::from_str(&text)?;
    assert_eq!(record["@context"], "https://w3id.org/ro/crate/1.1/context");
    let graph = record["@graph"].as_array().ok_or("a graph")?;
    let find = |id: &str| {
        graph
            .iter()
            .find(|entity| entity["@id"] == id)
            .cloned()
            .unwrap_or_default()
    };
    let descriptor = find("ro-crate-metadata.json");
    assert_eq!(descriptor["@type"], "CreativeWork");
    assert_eq!(descriptor["about"]["@id"], "./");
    assert_eq!(descriptor["conformsTo"]["@id"], "https://w3id.org/ro/crate/1.1");
    let root = find("./");
    assert_eq!(root["@type"], "Dataset");
    for key in ["name", "description", "license", "datePublished"] {
        assert!(root[key].as_str().is_some_and(|word| !word.is_empty()), "{key}");
    }
    // Every file is a part, every part has its entity and lies there, every reference leads somewhere.
    let parts: Vec<&str> = root["hasPart"]
        .as_array()
        .ok_or("parts")?
        .iter()
        .filter_map(|p| p["@id"].as_str())
        .collect();
    for part in &parts {
        assert_eq!(find(part)["@type"], "File", "{part}");
        assert!(place.path("reference-results").join(part).is_file(), "{part}");
    }
    assert!(
        ["runs.parquet", "manifest.json", "experiment.toml"]
            .iter()
            .all(|name| parts.contains(name))
    );
    let action = find("#run");
    assert_eq!(action["@type"], "CreateAction");
    assert_eq!(
        find(action["instrument"]["@id"].as_str().unwrap_or(""))["@type"],
        "SoftwareApplication"
    );
    for key in ["object", "result"] {
        let list = action[key].as_array().ok_or("a list")?;
        assert!(
            !list.is_empty()
                && list
                    .iter()
                    .all(|p| find(p["@id"].as_str().unwrap_or("")) != Value::Null),
            "{key}"
        );
    }
    Ok(())
}

#[test]
fn check_and_list_know_experiments() {
    let place = Place::new(GRID);
    let calcisim = |args: &[&str]| {
        let answer = Command::new(env!("CARGO_BIN_EXE_calcisim"))
            .args(args)
            .current_dir(place.folder.path())
            .output();
        let answer = answer.unwrap_or_else(|fault| panic!("calcisim starts: {fault}"));
        (
            answer.status.code(),
            String::from_utf8_lossy(&answer.stdout).into_owned(),
        )
    };
    let (code, said) = calcisim(&["check", "e.toml", "tiny.toml", "smoke"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("e.toml (sweep, 24 rows): ok") && said.contains("tiny.toml: ok"),
        "{said}"
    );
    // What stands beside experiments is checked too.
    let (code, said) = calcisim(&["check", "targets", "directions_readings", "verdict_criteria"]);
    assert!(
        code == Some(0)
            && said.contains(" targets): ok")
            && said.contains(" readings): ok")
            && said.contains(" criteria): ok"),
        "{said}"
    );
    place.write(
        "wrong.toml",
        "kind = \"criteria\"\n[[criteria]]\nid = \"a\"\nwhat = \"b\"\nexcludd = [\"H\"]\n",
    );
    let (code, said) = calcisim(&["check", "wrong.toml", "--json"]);
    assert!(code == Some(3) && said.contains("excluded"), "{said}");
    place.write("bad.toml", &GRID.replace("levels = [1.2, 2.0]", "levls = [1.2, 2.0]"));
    let (code, said) = calcisim(&["check", "bad.toml", "--json"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("levels"), "{said}");
    let (code, said) = calcisim(&["list", "experiments"]);
    assert!(
        code == Some(0) && said.contains("therapies_compare (compare)"),
        "{said}"
    );
}

#[test]
fn figures_of_an_experiment_are_drawn_from_its_results() {
    let draw = |place: &Place| {
        let answer = Command::new(env!("CARGO_BIN_EXE_calcisim"))
            .args(["figures", "r"])
            .current_dir(place.folder.path())
            .output();
        let answer = answer.unwrap_or_else(|fault| panic!("calcisim starts: {fault}"));
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let mut names: Vec<String> = fs::read_dir(place.path("r/figures"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.ends_with(".svg"))
            .collect();
        names.sort();
        names
    };
    let grid = Place::new(GRID);
    grid.expect("run e.toml -o p -q", 0);
    grid.expect("merge p -o r", 0);
    assert_eq!(draw(&grid), ["dose_response.svg", "heat_maps.svg"]);
    let svg = fs::read_to_string(grid.path("r/figures/heat_maps.svg")).unwrap_or_default();
    assert!(
        svg.contains("<title>Two factors</title>") && svg.contains("mineral.growth_rate_per_d"),
        "{svg:.300}"
    );
    let screening = designed("sensitivity", "method = \"morris\"\ntrajectories = 2");
    screening.expect("run e.toml -o p -q", 0);
    screening.expect("merge p -o r", 0);
    assert!(draw(&screening).contains(&"sensitivity.svg".to_owned()));
    let svg = fs::read_to_string(screening.path("r/figures/sensitivity.svg")).unwrap_or_default();
    assert!(svg.contains("other seeds"), "the floor of chance is in the picture");
}

#[test]
fn priors_that_cannot_be_are_refused() {
    for (factor, words) in [
        (
            "path = \"host.phosphate_mmol_per_l\"\ndist = { type = \"uniform\", low = -5, high = 2 }",
            "outside the possible range",
        ),
        (
            "path = \"host.phosphate_mmol_per_l\"\ndist = { type = \"normal\", mean = 1 }",
            "sd",
        ),
        (
            "path = \"host.phosphate_mmol_per_l\"\ndist = { type = \"unifrom\", low = 1, high = 2 }",
            "uniform",
        ),
        (
            "path = \"host.phosphate_mmol_per_l\"\ndist = { type = \"normal\", mean = -900, sd = 1 }",
            "outside the possible range",
        ),
        ("path = \"host.phosphat_mmol_per_l\"", "host.phosphate_mmol_per_l"),
        ("path = \"host.phosphate_mmol_per_l\"\nlow = 2\nhigh = 2", "empty"),
    ] {
        let place = Place::new(&format!(
            "kind = \"sweep\"\nbase = \"tiny.toml\"\n[design]\nmethod = \"lhs\"\nn = 5\n[[factors]]\n{factor}\n"
        ));
        let answer = place.json("plan e.toml -o p");
        assert_eq!(answer["exit"], 3, "{factor}\n{answer}");
        assert!(answer.to_string().contains(words), "{factor}: {words}\n{answer:#}");
        assert!(
            answer["errors"][0]["line"].as_u64().is_some_and(|line| line >= 7),
            "{answer:#}"
        );
    }
}

#[test]
fn every_shipped_experiment_is_right_and_says_what_it_asks_and_costs() {
    use calcisim::experiment::file;
    use calcisim::library::Disk;
    let names = file::shipped();
    assert!(
        names.contains(&"smoke") && names.contains(&"therapies_compare"),
        "{names:?}"
    );
    for name in names {
        let (experiment, _) = file::load(&Disk, name).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(experiment.name, name);
        assert!(
            experiment.question.ends_with('?') && !experiment.cost.is_empty(),
            "{name}"
        );
    }
}
