//! The virtual biopsy as a shell sees it: pictures, words, exit codes, a study, slides.

use std::path::Path;
use std::process::Output;
use std::sync::OnceLock;

use crate::common::{SICK, SMALL, Tested, calcisim, scenario_text};
use serde_json::Value;

/// Two runs of eight days, `sick` and `well`, computed once and copied for each test.
fn runs(folder: &Path) -> Tested {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let at = tempfile::tempdir().unwrap_or_else(|fault| panic!("a temporary folder: {fault}"));
        for (name, parts) in [("sick", &[SMALL, SICK][..]), ("well", &[SMALL])] {
            let file = format!("{name}.toml");
            std::fs::write(at.path().join(&file), scenario_text(parts))
                .unwrap_or_else(|fault| panic!("{file}: {fault}"));
            let answer = calcisim(
                at.path(),
                &["run", &file, "--days", "8", "--out", name, "-q", "--threads", "1"],
            );
            assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        }
        at
    });
    for name in ["sick", "well"] {
        copy(&made.path().join(name), &folder.join(name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn object(answer: &Output) -> Value {
    let text = String::from_utf8_lossy(&answer.stdout);
    serde_json::from_str(&text).unwrap_or_else(|fault| panic!("exactly one JSON object: {fault}\n{text}"))
}

#[test]
fn a_biopsy_is_drawn_read_and_told_in_words() -> Tested {
    let at = tempfile::tempdir()?;
    runs(at.path())?;
    let ask = [
        "biopsy",
        "sick",
        "--day",
        "8",
        "--punch",
        "1.6mm",
        "--site",
        "0.5",
        "--sections",
        "2",
        "--json",
    ];
    let answer = calcisim(at.path(), &ask);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let found = object(&answer);
    for key in [
        "verdict",
        "verdicts",
        "rules_disagree",
        "findings",
        "alt",
        "positive_elsewhere",
        "what_was_cut",
    ] {
        assert!(!found[key].is_null(), "{key}");
    }
    assert_eq!(found["depth_mm"], 4.0, "as deep as the tissue");
    let alt = found["alt"].as_str().unwrap_or_default();
    assert!(alt.starts_with("Simulated section, not a patient image."), "{alt}");
    let pictures = found["pictures"].as_array().map_or(0, Vec::len);
    assert_eq!(pictures, 2, "one for each section");
    // The same request gives the same bytes, on one thread as on two.
    let first = at.path().join(found["pictures"][0].as_str().unwrap_or_default());
    let before = std::fs::read(&first)?;
    calcisim(at.path(), &[&ask[..], &["--threads", "1"]].concat());
    assert_eq!(before, std::fs::read(&first)?);
    assert!(
        calcisim(
            at.path(),
            &[
                "biopsy", "sick", "--punch", "1mm", "--site", "random", "--stain", "alizarin", "-q"
            ]
        )
        .status
        .success()
    );
    Ok(())
}

#[test]
fn a_day_that_is_not_kept_is_replayed_and_said() -> Tested {
    let at = tempfile::tempdir()?;
    runs(at.path())?;
    let answer = calcisim(
        at.path(),
        &["biopsy", "sick", "--day", "5", "--punch", "1mm", "--site", "0.5"],
    );
    assert!(answer.status.success());
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(
        said.contains("replayed from day 0") && said.contains("6 stored hashes"),
        "{said}"
    );
    Ok(())
}

#[test]
fn bad_requests_are_answered_with_what_to_change() -> Tested {
    let at = tempfile::tempdir()?;
    runs(at.path())?;
    for (args, code, words) in [
        (&["--day", "9"][..], 3, "holds days 0 to 8"),
        (&["--punch", "3mm", "--site", "random"], 3, "this tissue is 2 mm wide"),
        (&["--punch", "1mm", "--depth", "9mm", "--site", "random"], 3, "too deep"),
        (&["--punch", "1mm", "--site", "7"], 3, "lies outside"),
        (&["--stain", "vonkossa"], 2, "he, vk or alizarin"),
        (&["--rule", "vk-thrombos"], 2, "did you mean «vk-thrombus»"),
        (&["--punch", "1mm,2mm"], 2, "--n 500"),
        (&["--in-run"], 2, "--day"),
        (
            &["--in-run", "--day", "8", "--punch", "1mm", "--site", "1"],
            3,
            "nothing would come after",
        ),
        (&["--in-run", "--day", "4", "--n", "9"], 2, "one punch"),
        (&["--set-of", "4"], 2, "--out"),
    ] {
        let answer = calcisim(at.path(), &[&["biopsy", "sick"], args].concat());
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert_eq!(answer.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
    let well = calcisim(
        at.path(),
        &["biopsy", "well", "--punch", "1mm", "--site", "lesion-edge"],
    );
    assert_eq!(well.status.code(), Some(7));
    assert_eq!(calcisim(at.path(), &["biopsy", "nowhere"]).status.code(), Some(4));
    let lock = std::fs::File::open(at.path().join("sick/.lock"))?;
    lock.lock()?;
    let busy = calcisim(at.path(), &["biopsy", "sick", "--punch", "1mm", "--site", "0.5"]);
    assert_eq!(busy.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&busy.stderr).contains("still going"));
    Ok(())
}

#[test]
fn a_biopsy_in_the_run_wounds_the_tissue_and_changes_nothing_before() -> Tested {
    let at = tempfile::tempdir()?;
    runs(at.path())?;
    let args = [
        "biopsy",
        "well",
        "--in-run",
        "--day",
        "3",
        "--punch",
        "600um",
        "--depth",
        "2mm",
        "--site",
        "1",
        "--threads",
        "1",
        "-q",
        "--json",
    ];
    let answer = calcisim(at.path(), &args);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let object = object(&answer);
    // Days 0 to 3: the stored hashes of both runs are the same.
    assert_eq!(object["hashes_before_the_punch"], 4);
    let new = at.path().join("well-biopsy-day-3");
    assert_eq!(
        object["run_dir"].as_str().map(Path::new).and_then(Path::file_name),
        new.file_name()
    );
    let column = |dir: &Path, name: &str| -> std::result::Result<Vec<f64>, Box<dyn std::error::Error>> {
        let text = std::fs::read_to_string(dir.join("series.csv"))?;
        let at = text
            .lines()
            .next()
            .unwrap_or("")
            .split(',')
            .position(|n| n == name)
            .ok_or(name.to_owned())?;
        Ok(text
            .lines()
            .skip(1)
            .map(|l| l.split(',').nth(at).unwrap_or("").parse().unwrap_or(f64::NAN))
            .collect())
    };
    let (before, after) = (
        column(&at.path().join("well"), "ulcer_fraction")?,
        column(&new, "ulcer_fraction")?,
    );
    assert_eq!(before[..4], after[..4]);
    // 15 of 50 columns were punched out; the wound then closes from its sides, or stays.
    assert!((after[4] - 0.3).abs() < 0.05, "{after:?}");
    assert!(
        before[4..].iter().all(|&u| u == 0.0) && after.last() > Some(&0.0),
        "{after:?}"
    );
    let wound = column(&new, "procedures")?;
    assert_eq!((wound[3], wound[4]), (0.0, 1.0));
    // The tissue is missing in the picture of the day after.
    let day_after = calcisim::output::snapshots::read(&new.join("snapshots/day-0004.00.snap"))?;
    let gone = |s: &calcisim::state::Snapshot| {
        s.vitality
            .iter()
            .filter(|&&v| v == calcisim::state::Vitality::Gone)
            .count()
    };
    assert!(gone(&day_after) >= 15 * 40, "{} voxels are gone", gone(&day_after));
    // The new folder is a run like any other: it can be cut again, at the wound.
    let again = calcisim(
        at.path(),
        &[
            "biopsy",
            "well-biopsy-day-3",
            "--day",
            "4",
            "--punch",
            "1mm",
            "--site",
            "1",
        ],
    );
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    // A second time needs --force.
    assert_eq!(calcisim(at.path(), &args).status.code(), Some(4));
    let scenario = std::fs::read_to_string(new.join("scenario.toml"))?;
    assert!(
        scenario.contains("kind = \"punch\"") && scenario.contains("radius_mm = 0.3"),
        "{scenario}"
    );
    Ok(())
}

#[test]
fn a_study_counts_every_biopsy_once() -> Tested {
    let at = tempfile::tempdir()?;
    runs(at.path())?;
    let answer = calcisim(
        at.path(),
        &[
            "biopsy",
            "sick",
            "well",
            "--day",
            "8",
            "--punch",
            "0.6mm,1.2mm",
            "--sections",
            "1,3",
            "--n",
            "60",
            "--out",
            "s",
            "--json",
        ],
    );
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let rows = object(&answer)["study"].as_array().cloned().unwrap_or_default();
    assert_eq!(rows.len(), 2 * 2 * 2 * 3, "runs, punches, sections, rules");
    for row in &rows {
        let count = |key: &str| row[key].as_u64().unwrap_or(0);
        assert_eq!(count("positive") + count("negative") + count("inadequate"), 60);
        let share = |key: &str| row["share"][key].as_f64().unwrap_or(-1.0);
        assert!(share("low") <= share("share") && share("share") <= share("high"));
    }
    let table = std::fs::read_to_string(at.path().join("s/study.csv"))?;
    assert_eq!(table.lines().count(), 1 + rows.len());
    let single = std::fs::read_to_string(at.path().join("s/biopsies.csv"))?;
    assert_eq!(single.lines().count(), 1 + 2 * 2 * 2 * 60);
    Ok(())
}

#[test]
fn slides_tell_nothing_and_their_key_lies_apart() -> Tested {
    let at = tempfile::tempdir()?;
    runs(at.path())?;
    let ask = [
        "biopsy", "sick", "well", "--day", "8", "--punch", "1mm", "--set-of", "4", "--stain", "vk", "--out", "set",
        "-q",
    ];
    assert!(calcisim(at.path(), &ask).status.success());
    let key = std::fs::read_to_string(at.path().join("set/sealed/key.csv"))?;
    assert_eq!(key.lines().count(), 5);
    assert_eq!(key.matches(",true,").count(), 2, "half of them diseased: {key}");
    for slide in 1..=4 {
        let bytes = std::fs::read(at.path().join(format!("set/slides/slide-{slide:02}.png")))?;
        let tells = |word: &[u8]| bytes.windows(word.len()).any(|w| w == word);
        assert!(!tells(b"sick") && !tells(b"well") && !tells(b"small"), "slide {slide}");
    }
    assert_eq!(
        calcisim(at.path(), &ask).status.code(),
        Some(4),
        "a set is not written over"
    );
    Ok(())
}
