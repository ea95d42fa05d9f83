//! Embeds the scenarios that ship with calcisim and the git revision that it is built from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());

    let mut files = Vec::new();
    gather(&root.join("scenarios"), &mut files);
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(root.join("scenarios")).unwrap_or(file);
        let name = name.to_string_lossy().replace('\\', "/");
        let _ = writeln!(code, "    ({name:?}, include_str!({:?})),", file.to_string_lossy());
    }
    code.push_str("]\n");
    let _ = fs::write(out.join("shipped.rs"), code);

    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=CALCISIM_GIT={}", revision(&root).unwrap_or_default());
}

/// Scenario and data files below a folder.
fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let known = path
            .extension()
            .is_some_and(|e| e == "toml" || e == "csv" || e == "json");
        if path.is_dir() {
            gather(&path, files);
        } else if known {
            files.push(path);
        }
    }
}

/// Short hash of the commit, with `-modified` when the sources differ from it; none outside a clone of calcisim.
fn revision(root: &Path) -> Option<String> {
    let git = |args: &[&str]| {
        let answer = Command::new("git").args(args).current_dir(root).output().ok()?;
        answer
            .status
            .success()
            .then(|| String::from_utf8_lossy(&answer.stdout).trim().to_string())
    };
    let top = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    // A commit or a checkout moves the log of HEAD.
    if let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo::rerun-if-changed={log}");
    }
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&[
        "status",
        "--porcelain",
        "--",
        "src",
        "scenarios",
        "Cargo.toml",
        "Cargo.lock",
    ]);
    Some(if changed.is_some_and(|text| !text.is_empty()) {
        format!("{hash}-modified")
    } else {
        hash
    })
}
