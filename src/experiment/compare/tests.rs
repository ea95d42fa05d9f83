use super::*;
use crate::simulation::simulate;
use crate::simulation::tests::settings;

fn arm(id: &str, days: f64) -> Result<Arm> {
    Ok(Arm {
        id: id.to_owned(),
        settings: settings(days)?,
    })
}

fn options(out: &Path) -> CompareOptions {
    CompareOptions {
        replicates: 3,
        threads: 2,
        out: Some(out.to_owned()),
        is_quiet: true,
        ..CompareOptions::default()
    }
}

#[test]
fn an_arm_against_itself_differs_by_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let above = tempfile::tempdir()?;
    let out = above.path().join("c");
    let found = compare(&[arm("a", 1.0)?, arm("b", 1.0)?], &options(&out))?;
    assert!(!found.contrasts.is_empty());
    for contrast in &found.contrasts {
        assert_eq!(
            (contrast.paired.difference, contrast.paired.p),
            (0.0, 1.0),
            "{}",
            contrast.endpoint
        );
    }
    for file in [
        "runs.csv",
        "arms.csv",
        "contrasts.csv",
        "series/a-s1.csv",
        "series/b-s3.csv",
        "snapshots/a-s1.snap",
    ] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(found.text().starts_with("b against a"), "{}", found.text());
    assert_eq!(found.to_json()["ok"], true);
    // Each row is the run with its seed, and nothing is left beside the results.
    let (_, alone) = simulate(&settings(1.0)?, 3, &mut |_| Ok(()))?;
    let values: Vec<Option<f64>> = alone.last.0.iter().copied().chain(alone.dates()).collect();
    let mut rows = found.runs.iter().filter(|r| r.seed == 3);
    assert!(rows.all(|r| r.state_hash == alone.state_hash && r.values == values));
    assert_eq!(std::fs::read_dir(above.path())?.count(), 1);
    Ok(())
}

#[test]
fn the_tables_do_not_depend_on_threads() -> Result<(), Box<dyn std::error::Error>> {
    let above = tempfile::tempdir()?;
    let arms = [arm("a", 0.5)?, arm("b", 0.5)?];
    let mut tables = Vec::new();
    for threads in [1, 3] {
        let out = above.path().join(threads.to_string());
        compare(
            &arms,
            &CompareOptions {
                threads,
                ..options(&out)
            },
        )?;
        tables.push(["runs.csv", "arms.csv", "contrasts.csv"].map(|f| std::fs::read(out.join(f)).unwrap_or_default()));
    }
    assert_eq!(tables[0], tables[1]);
    assert!(!tables[0][0].is_empty());
    Ok(())
}

#[test]
fn all_that_keeps_arms_apart_is_said_at_once() -> Result<(), Box<dyn std::error::Error>> {
    let above = tempfile::tempdir()?;
    let mut other = arm("a", 2.0)?;
    other.settings.space.insert("width_mm".to_owned(), 3.0.into());
    let refused = compare(&[arm("a", 1.0)?, other], &options(&above.path().join("c")));
    let Err(Error::Input(faults)) = refused else {
        return Err("different spaces were compared".into());
    };
    assert_eq!(faults.len(), 3);
    assert!(!above.path().join("c").exists());
    Ok(())
}

#[test]
fn a_comparison_that_was_stopped_goes_on_and_gives_the_same_tables() -> Result<(), Box<dyn std::error::Error>> {
    let above = tempfile::tempdir()?;
    let arms = [arm("a", 1.0)?, arm("b", 1.0)?];
    let mut tables = Vec::new();
    for name in ["whole", "stopped"] {
        let out = above.path().join(name);
        let mut options = options(&out);
        if name == "stopped" {
            options.stop.interrupt();
            let stopped = compare(&arms, &options);
            assert_eq!(stopped.err().map(|e| e.exit_code()), Some(130));
            assert!(!out.exists() && runs_folder(&out).is_dir());
            // One arm is done when it goes on.
            let plan = Plan::open(&runs_folder(&out))?;
            let one = ExecuteOptions {
                shard: (0, 2),
                is_quiet: true,
                ..ExecuteOptions::default()
            };
            assert!(execute(&plan, &one)?.ran > 0);
            options.stop = Stop::default();
        }
        compare(&arms, &options)?;
        assert!(!runs_folder(&out).exists());
        tables.push(
            ["runs.csv", "arms.csv", "contrasts.csv", "series/b-s2.csv"]
                .map(|f| std::fs::read(out.join(f)).unwrap_or_default()),
        );
    }
    assert_eq!(tables[0], tables[1]);
    assert!(tables[0].iter().all(|table| !table.is_empty()));
    Ok(())
}

#[test]
fn a_failed_run_is_a_row_and_its_pair_is_left_out() {
    let failed = |arm, replicate| RunRow {
        arm,
        replicate,
        seed: replicate,
        error: "NaN, here".to_owned(),
        state_hash: String::new(),
        values: vec![None; endpoints().len()],
    };
    let runs = [failed(0, 0), failed(0, 1)];
    assert!(runs_table(&["a".to_owned()], &runs).contains("a,0,0,failed,\"NaN, here\",,"));
    assert!(contrasts(&runs, 2, 1.0).is_empty());
}

#[test]
fn a_date_that_did_not_come_counts_as_the_end() {
    assert_eq!(censored(true, None, 90.0), Some(90.0));
    assert_eq!(censored(true, Some(3.0), 90.0), Some(3.0));
    assert_eq!(censored(false, None, 90.0), None);
}
