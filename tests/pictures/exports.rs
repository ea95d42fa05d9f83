//! Exports are read back by the programs that they are made for, and the numbers compared with the run.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{self, CELLS, SICK, SMALL, Tested, calcisim, scenario_text};

/// A run of six days with dead tissue, clots and cells.
fn run(folder: &Path) -> Tested {
    let text = scenario_text(&[SMALL, SICK, CELLS, "[output]\nsnapshot_every_d = 2.0"]);
    std::fs::write(folder.join("small.toml"), text)?;
    let answer = calcisim(
        folder,
        &[
            "run",
            "small.toml",
            "--days",
            "6",
            "--out",
            "run",
            "-q",
            "--threads",
            "1",
        ],
    );
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    Ok(())
}

/// What the script reads with; the reader of Simularium files does not yet work with pandas 3.
const PACKAGES: [&str; 4] = ["vtk", "zarr", "simulariumio", "pandas<3"];

/// A Python with vtk, zarr and simulariumio: the one of `CALCISIM_PYTHON`, else one in the target folder, made when it can be.
fn python() -> Option<PathBuf> {
    let works = |python: &Path| {
        let asked = Command::new(python)
            .args(["-c", "import vtk, zarr, simulariumio"])
            .output();
        asked.is_ok_and(|answer| answer.status.success())
    };
    if let Some(named) = std::env::var_os("CALCISIM_PYTHON").map(PathBuf::from) {
        return works(&named).then_some(named);
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("read-exports");
    let python = folder.join("bin/python");
    if !works(&python) {
        let run = |command: &mut Command| command.output().is_ok_and(|answer| answer.status.success());
        let made = run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && run(Command::new(&python)
                .args(["-m", "pip", "-q", "install"])
                .args(PACKAGES));
        if !made {
            return None;
        }
    }
    works(&python).then_some(python)
}

#[test]
fn every_format_is_read_back_with_the_numbers_of_the_run() -> Tested {
    let at = tempfile::tempdir()?;
    run(at.path())?;
    let answer = calcisim(
        at.path(),
        &[
            "export",
            "run",
            "--to",
            "vtk,zarr,simularium,csv",
            "--out",
            "files",
            "--json",
        ],
    );
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let object: serde_json::Value = serde_json::from_slice(&answer.stdout)?;
    assert_eq!(object["days"], serde_json::json!([0.0, 2.0, 4.0, 6.0]));
    let Some(python) = python() else {
        common::skipped("no Python with vtk, zarr and simulariumio, and none could be made: exports are not read back");
        return Ok(());
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/read_exports.py");
    let read = Command::new(python)
        .arg(script)
        .args(["files", "run"])
        .current_dir(at.path())
        .output()?;
    assert!(
        read.status.success(),
        "{}{}",
        String::from_utf8_lossy(&read.stdout),
        String::from_utf8_lossy(&read.stderr)
    );
    println!("{}", String::from_utf8_lossy(&read.stdout));
    Ok(())
}

#[test]
fn a_wrong_request_is_answered_and_leaves_nothing() -> Tested {
    let at = tempfile::tempdir()?;
    run(at.path())?;
    let code = |args: &[&str]| calcisim(at.path(), args).status.code();
    assert_eq!(code(&["export", "run", "--to", "vtx", "--out", "files"]), Some(2));
    assert_eq!(
        code(&["export", "run", "--to", "vtk", "--day", "9", "--out", "files"]),
        Some(3)
    );
    assert_eq!(code(&["export", "nothing", "--to", "vtk", "--out", "files"]), Some(4));
    assert!(!at.path().join("files").exists());
    assert_eq!(
        code(&["export", "run", "--to", "csv", "--day", "6", "--out", "files"]),
        Some(0)
    );
    assert_eq!(
        code(&["export", "run", "--to", "csv", "--day", "6", "--out", "files"]),
        Some(4)
    );
    assert_eq!(
        code(&[
            "export", "run", "--to", "csv", "--day", "6", "--out", "files", "--force"
        ]),
        Some(0)
    );
    // A folder of someone else stays.
    std::fs::create_dir(at.path().join("thesis"))?;
    std::fs::write(at.path().join("thesis/chapter1.txt"), "years of work")?;
    assert_eq!(
        code(&[
            "export", "run", "--to", "csv", "--day", "6", "--out", "thesis", "--force"
        ]),
        Some(4)
    );
    assert!(at.path().join("thesis/chapter1.txt").exists());
    Ok(())
}
