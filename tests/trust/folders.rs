//! Branches, verification, differences and archives in the user's words.

use std::fs;
use std::path::{Path, PathBuf};

use calcisim::error::Result;
use calcisim::output::run_json::{RunJson, Status};
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::archive::{Archive, ReplayOptions};
use calcisim::simulation::branch::{BranchOptions, branch};
use calcisim::simulation::diff::diff;
use calcisim::simulation::pack::{pack, unpack};
use calcisim::simulation::verify::{Verdict, VerifyOptions, verify};
use calcisim::simulation::{RunSettings, resume, run};

use crate::common::{Tested, contents, options};

/// A small section with a bruise on day 1, a needle that is ordered by a reading, and cells on day 3.
const TEXT: &str = r#"schema = 1
name = "small"
question = "q"
known = "k"
assumed = "a"
[run]
days = 4
[space]
width_mm = 2.0
depth_mm = 4.0
voxel_um = 100.0
[network]
judge = false
[output]
series_every_h = 12
snapshot_every_d = 2
snapshot_days = [2]
[[challenge]]
kind = "trauma"
start_d = 1
x_mm = 0.5
depth_mm = 0.6
radius_mm = 0.35
[[therapy]]
kind = "msc"
route = "intradermal"
start_d = 3
dose_cells_per_cm2 = 1e6
[[therapy]]
kind = "wound_care"
when = "crp > 0"
lockout_d = 1
"#;

fn settings() -> Result<RunSettings> {
    let (scenario, _) = Scenario::from_text("small.toml", TEXT, &[])?;
    RunSettings::of(&scenario, &Shipped)
}

fn quiet() -> ReplayOptions {
    ReplayOptions {
        threads: 1,
        is_quiet: true,
        ..ReplayOptions::default()
    }
}

fn finished(above: &Path) -> Result<PathBuf> {
    let dir = above.join("run");
    run(&settings()?, &options(&dir))?;
    Ok(dir)
}

fn verified(dir: &Path, all: bool) -> Result<Verdict> {
    let (stretches, seed) = (3, 5);
    let replay = quiet();
    verify(
        dir,
        &VerifyOptions {
            stretches,
            all,
            seed,
            replay,
        },
    )
}

fn branched(dir: &Path, at_day: f64, sets: &[&str], out: &Path) -> Result<()> {
    let options = BranchOptions {
        at_day,
        sets: sets.iter().map(|set| (*set).to_owned()).collect(),
        run: options(out),
        ..BranchOptions::default()
    };
    branch(dir, &options).map(|_| ())
}

fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[test]
fn a_finished_run_verifies_by_stretches_and_as_a_whole() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    for all in [false, true] {
        let verdict = verified(&dir, all)?;
        assert_eq!(verdict.faults, Vec::<String>::new());
        assert!(
            verdict.sealed > 10 && verdict.hashes > 0 && verdict.bytes > 0,
            "{verdict:?}"
        );
        assert!(verdict.notes.is_empty(), "{verdict:?}");
    }
    assert_eq!(verified(&dir, true)?.steps, 96);
    // A stored state of day 2 saves the way to stretches behind it.
    assert!(dir.join("checkpoint/day-0002.00.ckpt").is_file());
    Ok(())
}

#[test]
fn one_flipped_bit_in_any_file_of_a_run_is_found_and_the_file_is_named() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let mut files = vec!["run.json".to_owned()];
    files.extend(
        RunJson::read(&dir)?
            .seal
            .map(|seal| seal.files.into_keys())
            .into_iter()
            .flatten(),
    );
    assert!(files.iter().any(|file| file.starts_with("checkpoint/")), "{files:?}");
    assert!(files.iter().any(|file| file.starts_with("snapshots/")), "{files:?}");
    for file in &files {
        let path = dir.join(file);
        let whole = fs::read(&path)?;
        for at in [0, whole.len() / 3, whole.len() / 2, whole.len() - 2] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 7);
            fs::write(&path, bytes)?;
            // Bytes are looked at before anything is executed, so that is enough here.
            let found = verify(
                &dir,
                &VerifyOptions {
                    stretches: 0,
                    all: false,
                    seed: 1,
                    replay: quiet(),
                },
            );
            match found {
                Ok(verdict) => assert!(
                    verdict.faults.iter().any(|fault| fault.contains(file.as_str())),
                    "{file}, byte {at}: {verdict:?}"
                ),
                // A record that is no record any more.
                Err(fault) => {
                    let expected = if file == "run.json" { 4 } else { 3 };
                    let is_text = ["run.json", "scenario.toml"].contains(&file.as_str());
                    assert!(is_text && fault.exit_code() == expected, "{file}: {fault}");
                }
            }
        }
        fs::write(&path, whole)?;
    }
    assert!(verified(&dir, false)?.is_good());
    Ok(())
}

#[test]
fn who_changes_a_number_and_seals_the_folder_again_is_found_by_executing_it() -> Tested {
    let above = tempfile::tempdir()?;
    let whole = finished(above.path())?;
    type Act = (&'static str, fn(&str) -> String);
    let acts: [Act; 4] = [
        ("series.csv", |text| {
            let line = text.lines().find(|line| line.starts_with("2.5,")).unwrap_or("");
            let cells: Vec<&str> = line.split(',').collect();
            text.replace(line, &line.replacen(cells[1], "0.123", 1))
        }),
        ("hashes.csv", |text| {
            let line = text.lines().find(|line| line.starts_with("60,")).unwrap_or("");
            text.replace(line, "60,0123456789abcdef")
        }),
        ("events.csv", |text| text.replacen("challenge:", "challenge_", 1)),
        ("summary.json", |text| {
            text.replacen("\"days\": 4.0", "\"days\": 5.0", 1)
        }),
    ];
    for (file, act) in acts {
        let dir = above.path().join(file);
        copy_all(&whole, &dir)?;
        let before = fs::read_to_string(dir.join(file))?;
        let after = act(&before);
        assert_ne!(before, after, "{file}");
        fs::write(dir.join(file), after)?;
        RunJson::read(&dir)?.write_sealed(&dir, std::iter::empty())?;
        let verdict = verified(&dir, true)?;
        assert!(
            verdict.faults.iter().any(|fault| fault.starts_with(file)),
            "{file}: {verdict:?}"
        );
    }
    Ok(())
}

#[test]
fn a_killed_run_is_verified_as_far_as_it_came_and_says_that_it_is_not_sealed() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let mut record = RunJson::read(&dir)?;
    (record.status, record.seal) = (Status::Running, None);
    record.write(&dir)?;
    let text = fs::read_to_string(dir.join("hashes.csv"))?;
    fs::write(dir.join("hashes.csv"), &text[..text.len() - 5])?;
    let verdict = verified(&dir, false)?;
    assert!(verdict.is_good(), "{verdict:?}");
    assert!(
        verdict.notes.iter().any(|note| note.contains("not sealed")),
        "{verdict:?}"
    );
    Ok(())
}

#[test]
fn a_branch_that_changes_nothing_is_its_parent_bit_for_bit() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    // From day 0, before and at a stored state, with rules of care that have decided, and at the very end.
    for day in [0.0, 1.5, 2.0, 2.5, 4.0] {
        let out = above.path().join(format!("at-{day}"));
        branched(&dir, day, &[], &out)?;
        assert_eq!(contents(&out), contents(&dir), "branched at day {day}");
        assert_eq!(RunJson::read(&out)?.history.len(), 1);
        let verdict = verified(&out, true)?;
        assert!(verdict.is_good(), "branched at day {day}: {verdict:?}");
    }
    Ok(())
}

#[test]
fn a_branch_keeps_its_past_changes_its_future_and_can_be_branched_resumed_and_verified() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let out = above.path().join("sicker");
    branched(
        &dir,
        1.5,
        &["host.phosphate_mmol_per_l=3", "host.systemic_inflammation=0.2"],
        &out,
    )?;
    let read = |dir: &Path| fs::read_to_string(dir.join("hashes.csv"));
    let (parent, child) = (read(&dir)?, read(&out)?);
    let same = parent.lines().zip(child.lines()).take_while(|(a, b)| a == b).count();
    // The header, and days 0, 0.5, 1 and 1.5.
    assert_eq!(same, 5, "{child}");
    let values = fs::read_to_string(out.join("scenario.toml"))?;
    assert!(values.contains("phosphate_mmol_per_l = 3.0"));
    // A branch of a branch, without its parents.
    let again = above.path().join("again");
    branched(&out, 3.0, &["run.seed=9", "therapy.msc.dose_cells_per_cm2=0"], &again)?;
    fs::remove_dir_all(&dir)?;
    fs::remove_dir_all(&out)?;
    let verdict = verified(&again, true)?;
    assert!(verdict.is_good(), "{verdict:?}");
    let record = RunJson::read(&again)?;
    assert_eq!((record.seed, record.history.len()), (9, 2));
    // A day before the branch is replayed from the scenarios of its history.
    let days = Archive::open(&again)?.days("--day", &[1.25], &quiet())?;
    assert_eq!(days[0].0.step, 30);
    assert_eq!(resume(&again, Some(5.0), &options(&again))?.steps_executed, 24);
    assert!(verified(&again, true)?.is_good());
    Ok(())
}

#[test]
fn a_branch_killed_before_its_first_checkpoint_goes_on_from_its_own_beginning() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let out = above.path().join("other");
    branched(&dir, 2.0, &["host.phosphate_mmol_per_l=2.5"], &out)?;
    let wanted = contents(&out);
    for name in ["a.ckpt", "b.ckpt"] {
        let _ = fs::remove_file(out.join("checkpoint").join(name));
    }
    let _ = fs::remove_file(out.join("checkpoint/day-0002.00.ckpt"));
    assert_eq!(resume(&out, None, &options(&out))?.steps_executed, 48);
    assert_eq!(contents(&out), wanted);
    Ok(())
}

#[test]
fn what_the_tissue_was_made_with_cannot_be_branched_and_every_such_setting_is_named() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let out = above.path().join("no");
    let refused = branched(
        &dir,
        2.0,
        &["space.width_mm=3", "run.step_h=0.5", "host.burn_in.share=0.5"],
        &out,
    );
    let error = refused.err().ok_or("it went through")?;
    assert_eq!((error.exit_code(), error.diagnostics().len()), (3, 3), "{error}");
    for (day, sets, code) in [(9.0, &[][..], 3), (2.0, &["host.phosphat_mmol_per_l=2"][..], 3)] {
        assert_eq!(branched(&dir, day, sets, &out).err().map(|e| e.exit_code()), Some(code));
    }
    assert!(!out.exists());
    assert_eq!(branched(&dir, 2.0, &[], &dir).err().map(|e| e.exit_code()), Some(4));
    Ok(())
}

#[test]
fn a_new_treatment_is_laid_over_the_scenario_by_a_file_and_its_faults_keep_their_lines() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let file = above.path().join("more.toml");
    let therapy = "[[therapy]]\nid = \"salt\"\nkind = \"sts\"\nroute = \"iv\"\nstart_d = 2.5\ndose_g = 25\n";
    fs::write(&file, therapy)?;
    let out = above.path().join("salt");
    let mut branching = BranchOptions {
        at_day: 2.0,
        with: Some(file.clone()),
        run: options(&out),
        ..BranchOptions::default()
    };
    branch(&dir, &branching)?;
    assert!(fs::read_to_string(out.join("events.csv"))?.contains("therapy:salt"));
    assert!(verified(&out, true)?.is_good());
    fs::write(&file, therapy.replace("dose_g", "dose_gg"))?;
    branching.run = options(&above.path().join("wrong"));
    let faults = branch(&dir, &branching)
        .err()
        .map(|e| e.diagnostics())
        .unwrap_or_default();
    assert!(
        faults
            .iter()
            .any(|fault| fault.line == 6 && fault.suggestion.contains("dose_g")),
        "{faults:?}"
    );
    Ok(())
}

#[test]
fn diff_names_the_settings_the_step_the_process_and_the_columns() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let out = above.path().join("other");
    branched(&dir, 2.0, &["therapy.msc.dose_cells_per_cm2=3e6"], &out)?;
    let (a, b) = (dir.display().to_string(), out.display().to_string());
    let found = diff(&a, &b, &quiet())?;
    let keys: Vec<&str> = found.settings.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["therapy.msc.dose_cells_per_cm2"]);
    let parting = found.parting.clone().ok_or("they part")?;
    // The cells of day 3 come in the step that begins then.
    assert_eq!((parting.step, parting.process.as_str()), (73, "therapies"));
    assert!(
        parting.columns.iter().any(|column| column.starts_with("cells.msc")),
        "{parting:?}"
    );
    assert!(!found.outcomes.is_empty() && found.text([&a, &b]).contains("first in: therapies"));
    // The same with itself differs in nothing.
    let same = diff(&a, &a, &quiet())?;
    assert!(same.settings.is_empty() && same.parting.is_none() && same.outcomes.is_empty());
    // Two scenarios.
    let found = diff("msc_vehicle", "msc_local", &quiet())?;
    assert!(
        found.settings.iter().any(|row| row.key.starts_with("therapy.")),
        "{found:?}"
    );
    let found = diff("healthy", "ckd_chronic", &quiet())?;
    let row = found.settings.iter().find(|row| row.key == "host.phosphate_mmol_per_l");
    assert!(
        row.is_some_and(|row| row.unit == "mmol/L" && !row.status.is_empty()),
        "{found:?}"
    );
    Ok(())
}

#[test]
fn an_archive_verifies_itself_without_its_folder_and_one_bit_in_it_is_found() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let packed = pack(&dir, None, false)?;
    assert!(packed.path.ends_with("run.omex"));
    let bytes = fs::read(&packed.path)?;
    assert_eq!(
        bytes,
        fs::read(pack(&dir, Some(&above.path().join("twice.omex")), false)?.path)?,
        "same bytes"
    );
    assert_eq!(pack(&dir, None, false).err().map(|e| e.exit_code()), Some(4));
    fs::remove_dir_all(&dir)?;
    let at = above.path().join("unpacked");
    {
        let scratch = unpack(&packed.path, &at)?;
        let verdict = verified(&scratch.path, true)?;
        assert!(verdict.is_good() && verdict.steps == 96, "{verdict:?}");
        assert!(at.join("manifest.xml").is_file() && at.join("README.txt").is_file());
    }
    assert!(!at.exists(), "nothing is left behind");
    for place in (100..bytes.len()).step_by(bytes.len() / 25) {
        let mut broken = bytes.clone();
        broken[place] ^= 8;
        fs::write(&packed.path, broken)?;
        let found = unpack(&packed.path, &at).and_then(|scratch| verified(&scratch.path, false));
        // Bytes of the manifest, the introduction or the index of the archive are no bytes of the run.
        let is_run = match &found {
            Ok(verdict) => !verdict.is_good(),
            Err(fault) => fault.exit_code() == 3,
        };
        assert!(
            is_run || place < 4000 || place > bytes.len() - 4000,
            "byte {place}: {found:?}"
        );
    }
    Ok(())
}

#[test]
fn what_is_not_sealed_or_was_changed_is_not_packed() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    fs::write(dir.join("series.csv"), "t_d\n")?;
    assert_eq!(pack(&dir, None, false).err().map(|e| e.exit_code()), Some(7));
    let mut record = RunJson::read(&dir)?;
    (record.status, record.seal) = (Status::Running, None);
    record.write(&dir)?;
    let error = pack(&dir, None, false).err().ok_or("it was packed")?;
    assert!(
        error.exit_code() == 7 && error.to_string().contains("calcisim resume"),
        "{error}"
    );
    Ok(())
}

#[test]
fn an_archive_of_someone_else_cannot_write_outside_its_folder() -> Tested {
    use std::io::Write;
    let above = tempfile::tempdir()?;
    for name in ["../evil", "/tmp/evil-of-calcisim", "a/../../evil", "a\\..\\evil"] {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(
            name,
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
        )?;
        zip.write_all(b"evil")?;
        let path = above.path().join("evil.omex");
        fs::write(&path, zip.finish()?.into_inner())?;
        let refused = unpack(&path, &above.path().join("at"));
        assert_eq!(refused.err().map(|e| e.exit_code()), Some(3), "{name}");
        assert!(!above.path().join("evil").exists() && !Path::new("/tmp/evil-of-calcisim").exists());
    }
    for bytes in [&b"PK"[..], b"", b"not an archive at all"] {
        let path = above.path().join("x.omex");
        fs::write(&path, bytes)?;
        assert_eq!(
            unpack(&path, &above.path().join("at")).err().map(|e| e.exit_code()),
            Some(3)
        );
    }
    Ok(())
}

#[test]
fn a_run_whose_rows_were_changed_is_not_resumed_and_nothing_is_lost() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    let path = dir.join("series.csv");
    let text = fs::read_to_string(&path)?.replacen("0.5,", "0.5,9", 1);
    fs::write(&path, &text)?;
    let refused = resume(&dir, Some(6.0), &options(&dir)).err().ok_or("it went on")?;
    assert!(
        refused.exit_code() == 7 && refused.to_string().contains("series.csv"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&path)?, text);
    Ok(())
}

#[test]
fn checkpoints_of_another_version_are_refused_in_clear_words_and_nothing_is_lost() -> Tested {
    let above = tempfile::tempdir()?;
    let dir = finished(above.path())?;
    for entry in fs::read_dir(dir.join("checkpoint"))?.flatten() {
        let mut bytes = fs::read(entry.path())?;
        bytes[8] = 2;
        fs::write(entry.path(), bytes)?;
    }
    let mut record = RunJson::read(&dir)?;
    record.git = "0123abc".to_owned();
    record.write(&dir)?;
    let before = contents(&dir);
    let refused = resume(&dir, Some(6.0), &options(&dir)).err().ok_or("it went on")?;
    let text = refused.to_string();
    assert!(
        refused.exit_code() == 7 && text.contains("has format 2") && text.contains("0123abc"),
        "{text}"
    );
    assert_eq!(contents(&dir), before);
    Ok(())
}
