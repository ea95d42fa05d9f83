//! The command line as a shell sees it: exit codes, what goes to stdout, one JSON object.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn calcisim(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_calcisim"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|fault| panic!("a temporary folder: {fault}"))
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
}

fn object(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|fault| panic!("exactly one JSON object: {fault}\n{text}"))
}

#[test]
fn no_arguments_and_unknown_flags_are_usage() {
    let at = folder();
    assert_eq!(calcisim(at.path(), &[]).status.code(), Some(2));
    assert_eq!(calcisim(at.path(), &["check", "--nope"]).status.code(), Some(2));
    assert_eq!(calcisim(at.path(), &["compare", "healthy"]).status.code(), Some(2));
    let answer = calcisim(at.path(), &["check", "--nope", "--json"]);
    let object = object(&answer);
    assert_eq!(
        (object["ok"].as_bool(), object["exit"].as_i64()),
        (Some(false), Some(2))
    );
}

#[test]
fn help_and_version_are_exit_0_on_stdout() {
    let at = folder();
    for args in [&["--help"][..], &["run", "--help"], &["--version"]] {
        let answer = calcisim(at.path(), args);
        assert!(answer.status.success() && !answer.stdout.is_empty(), "{args:?}");
    }
    let version = String::from_utf8_lossy(&calcisim(at.path(), &["--version"]).stdout).into_owned();
    assert!(
        version.contains(env!("CARGO_PKG_VERSION")) && version.contains("features:"),
        "{version}"
    );
}

#[test]
fn a_shipped_scenario_is_found_from_any_folder() {
    let at = folder();
    let answer = calcisim(at.path(), &["check", "healthy", "--json"]);
    let object = object(&answer);
    assert_eq!(
        (object["ok"].as_bool(), object["errors"].as_array().map(Vec::len)),
        (Some(true), Some(0))
    );
}

#[test]
fn with_several_errors_the_lowest_code_counts() {
    let at = folder();
    write(at.path(), "bad.toml", "[run]\ndyas = 3\n");
    assert_eq!(calcisim(at.path(), &["check", "bad.toml"]).status.code(), Some(3));
    assert_eq!(calcisim(at.path(), &["check", "nowhere.toml"]).status.code(), Some(4));
    assert_eq!(
        calcisim(at.path(), &["check", "nowhere.toml", "bad.toml", "healthy"])
            .status
            .code(),
        Some(3)
    );
    let answer = calcisim(at.path(), &["check", "nowhere.toml", "bad.toml", "--json"]);
    assert_eq!(object(&answer)["errors"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_error_shows_the_line_and_a_mark_and_colours_only_on_wish() {
    let at = folder();
    write(at.path(), "bad.toml", "[space]\n  voxel_mm = 0.01\n");
    let answer = calcisim(at.path(), &["show", "bad.toml"]);
    let text = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert!(text.contains("bad.toml:2:3: space.voxel_mm = 0.01"), "{text}");
    assert!(
        text.contains("2 |   voxel_mm = 0.01") && text.contains("|   ^^^^^^^^"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}') && answer.stdout.is_empty());
    let painted = calcisim(at.path(), &["show", "bad.toml", "--color", "always"]);
    assert!(String::from_utf8_lossy(&painted.stderr).contains('\u{1b}'));
}

#[test]
fn files_that_are_no_text_or_folders_are_refused() {
    let at = folder();
    std::fs::write(at.path().join("x.toml"), [0xff, 0xfe, 0x00]).unwrap_or_else(|fault| panic!("{fault}"));
    write(at.path(), "empty.toml", "");
    assert_eq!(calcisim(at.path(), &["check", "x.toml"]).status.code(), Some(3));
    assert_eq!(calcisim(at.path(), &["check", "empty.toml"]).status.code(), Some(3));
    assert_eq!(calcisim(at.path(), &["check", "."]).status.code(), Some(4));
}

#[test]
fn a_scenario_extends_the_file_beside_it_before_a_shipped_one() {
    let at = folder();
    write(at.path(), "healthy.toml", "[host]\nalbumin_g_per_l = 20\n");
    write(at.path(), "child.toml", "extends = \"healthy\"\n");
    let text = String::from_utf8_lossy(&calcisim(at.path(), &["show", "child.toml", "--changed"]).stdout).into_owned();
    assert!(
        text.contains("host.albumin_g_per_l = 20") && text.contains("healthy.toml:2"),
        "{text}"
    );
    let _ = std::fs::remove_file(at.path().join("healthy.toml"));
    let text = String::from_utf8_lossy(&calcisim(at.path(), &["show", "child.toml", "--changed"]).stdout).into_owned();
    assert!(text.contains("run.days = 90") && text.contains("# healthy:"), "{text}");
}

#[test]
fn show_writes_a_scenario_that_checks_and_shows_the_same() {
    let at = folder();
    let args = ["show", "healthy", "--set", "host.phosphate_mg_per_dl=6.7"];
    let first = calcisim(at.path(), &args);
    write(at.path(), "again.toml", &String::from_utf8_lossy(&first.stdout));
    let json = |args: &[&str]| object(&calcisim(at.path(), args))["toml"].clone();
    let (a, b) = (
        json(&[&args[..], &["--json"]].concat()),
        json(&["show", "again.toml", "--json"]),
    );
    assert!(a.is_string() && a == b);
}

#[test]
fn new_writes_a_file_that_checks_and_never_replaces_one() {
    let at = folder();
    assert_eq!(
        calcisim(at.path(), &["new", "mine", "--extends", "healthy"])
            .status
            .code(),
        Some(0)
    );
    assert_eq!(calcisim(at.path(), &["check", "mine.toml"]).status.code(), Some(0));
    write(at.path(), "mine.toml", "kept");
    assert_eq!(calcisim(at.path(), &["new", "mine"]).status.code(), Some(4));
    assert_eq!(
        std::fs::read_to_string(at.path().join("mine.toml")).ok().as_deref(),
        Some("kept")
    );
    assert_eq!(calcisim(at.path(), &["new", "nowhere/mine"]).status.code(), Some(4));
    assert_eq!(
        calcisim(at.path(), &["new", "other", "--extends", "nobody"])
            .status
            .code(),
        Some(4)
    );
    assert!(!at.path().join("other.toml").exists());
}

#[test]
fn everything_commented_out_in_a_new_file_is_right_when_it_is_used() {
    let at = folder();
    assert_eq!(calcisim(at.path(), &["new", "mine"]).status.code(), Some(0));
    let text = std::fs::read_to_string(at.path().join("mine.toml")).unwrap_or_default();
    let used: String = text
        .lines()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let code = bare.starts_with("[[") || bare.split(' ').nth(1) == Some("=");
            format!("{}\n", if code { bare } else { line })
        })
        .collect();
    assert!(used.contains("\n[[therapy]]\nkind"), "{used}");
    write(at.path(), "used.toml", &used.replace("\"mine\"", "\"used\""));
    let answer = calcisim(at.path(), &["check", "used.toml"]);
    assert_eq!(
        answer.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
}

#[test]
fn explain_knows_keys_tables_switches_and_kinds() {
    let at = folder();
    for key in [
        "host.phosphate_mmol_per_l",
        "voxel_um",
        "space",
        "host.burn_in",
        "damp_loop",
        "mechanisms.lysis",
        "host.phosphate_mg_per_dl",
        "therapy.msc",
        "trauma",
        "challenge.trauma",
    ] {
        let answer = calcisim(at.path(), &["explain", key, "--json"]);
        assert_eq!(object(&answer)["ok"].as_bool(), Some(true), "{key}");
        assert!(!calcisim(at.path(), &["explain", key]).stdout.is_empty());
    }
    let answer = calcisim(at.path(), &["explain", "space.voxl_um"]);
    assert_eq!(answer.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("space.voxel_um"));
}

#[test]
fn every_list_has_rows() {
    let at = folder();
    for what in ["scenarios", "parameters", "switches", "challenges", "therapies"] {
        let rows = object(&calcisim(at.path(), &["list", what, "--json"]))[what]
            .as_array()
            .map_or(0, Vec::len);
        assert!(rows > 0, "{what}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let at = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_calcisim"))
        .args(["list", "parameters"])
        .current_dir(at.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|fault| panic!("{fault}"));
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap_or_else(|fault| panic!("{fault}"));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(0));
}
