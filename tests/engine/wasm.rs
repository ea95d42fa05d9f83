//! The engine in wasm is the engine: the same bits after ten days of a disease.

use std::path::PathBuf;
use std::process::Command;

use crate::common::Tested;

const TARGET: &str = "wasm32-unknown-unknown";

/// Whether a command runs here.
fn works(command: &str, argument: &str) -> bool {
    Command::new(command)
        .arg(argument)
        .output()
        .is_ok_and(|out| out.status.success())
}

/// Where cargo puts what this test was built with: above `<profile>/deps/<test>`.
fn target_dir() -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    Some(test.parent()?.parent()?.parent()?.to_owned())
}

/// Builds the engine; `None`, with a word why, where that cannot be.
fn engine() -> Option<PathBuf> {
    let cargo = env!("CARGO");
    let libraries = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .ok();
    let is_installed = libraries.is_some_and(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()).is_dir());
    if !works("node", "--version") || !is_installed {
        println!("skipped: node and the target {TARGET} are needed (rustup target add {TARGET})");
        return None;
    }
    let target = target_dir()?;
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "calcisim-engine", "--target", TARGET])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .ok()?;
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(target)
}

/// What `node web/hash.mjs` answers.
fn node(target: &PathBuf, arguments: &[&str]) -> std::io::Result<(Option<i32>, String, String)> {
    let out = Command::new("node")
        .arg("web/hash.mjs")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", target)
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok((out.status.code(), text(&out.stdout), text(&out.stderr)))
}

/// `state_hash` that the command line gives.
fn native(arguments: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let out = Command::new(env!("CARGO_BIN_EXE_calcisim"))
        .arg("run")
        .args(arguments)
        .args(["--json", "-q", "--out"])
        .arg(folder.path().join("run"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout)?;
    Ok(answer["state_hash"].as_str().unwrap_or("none").to_owned())
}

#[test]
fn wasm_and_the_command_line_agree_after_ten_days_of_disease() -> Tested {
    let Some(target) = engine() else { return Ok(()) };
    let arguments = ["cua_warfarin", "--days", "10", "--seed", "1"];
    let (code, hash, words) = node(&target, &arguments)?;
    assert_eq!((code, hash.len()), (Some(0), 16), "{hash} {words}");
    assert_eq!(hash, native(&arguments)?);
    Ok(())
}

#[test]
fn wasm_and_the_command_line_agree_on_a_file_past_bruise_clots_and_cells() -> Tested {
    let Some(target) = engine() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("small.toml");
    std::fs::write(
        &path,
        "schema = 1\nname = \"small\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\nextends = \"cua_warfarin\"\n\
         [run]\ndays = 12\n[space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = 40.0\n[network]\njudge = false\n\
         [[challenge]]\nid = \"early\"\nkind = \"trauma\"\nstart_d = 1\nx_mm = 0.5\ndepth_mm = 0.6\nradius_mm = 0.35\n\
         [[therapy]]\nid = \"cells\"\nkind = \"msc\"\nroute = \"intradermal\"\nstart_d = 4\ndose_cells_per_cm2 = 1e6\n",
    )?;
    let name = path.to_string_lossy();
    let arguments = [name.as_ref(), "--days", "8"];
    let (code, hash, words) = node(&target, &arguments)?;
    assert_eq!((code, hash.len()), (Some(0), 16), "{hash} {words}");
    assert_eq!(hash, native(&arguments)?);
    Ok(())
}

#[test]
fn the_script_refuses_what_it_cannot_run_in_words() -> Tested {
    let Some(target) = engine() else { return Ok(()) };
    let cases: [(&[&str], i32, &str); 6] = [
        (&["healthy"], 2, "usage"),
        (&["healthy", "--days", "many"], 2, "--days"),
        (&["healthy", "--days", "1", "--sed", "2"], 2, "--sed"),
        (&["nowhere/x.toml", "--days", "1"], 4, "cannot be read"),
        (&["helthy", "--days", "1"], 3, "healthy"),
        (&["Cargo.toml", "--days", "1"], 3, "package"),
    ];
    for (arguments, code, word) in cases {
        let (found, _, words) = node(&target, arguments)?;
        assert_eq!(found, Some(code), "{arguments:?}: {words}");
        assert!(words.contains(word), "{arguments:?}: {words}");
    }
    Ok(())
}
