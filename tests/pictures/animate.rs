//! Animations as a shell sees them: a run, a comparison, and what happens without ffmpeg or with a strange one.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{self, SICK, SMALL, Tested, scenario_text};

fn calcisim(folder: &Path, args: &[&str], path: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calcisim"));
    command.args(args).current_dir(folder);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command
        .output()
        .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"))
}

fn said(answer: &Output) -> String {
    String::from_utf8_lossy(&answer.stderr).into_owned()
}

/// A run of four days, and a comparison of two arms over three.
fn folders(at: &Path) -> Tested {
    for (name, parts) in [("sick", &[SMALL, SICK][..]), ("well", &[SMALL])] {
        std::fs::write(at.join(format!("{name}.toml")), scenario_text(parts))?;
    }
    let run = calcisim(
        at,
        &[
            "run",
            "sick.toml",
            "--days",
            "4",
            "--out",
            "run",
            "-q",
            "--threads",
            "1",
        ],
        None,
    );
    assert!(run.status.success(), "{}", said(&run));
    let short = |name: &str| {
        let text = std::fs::read_to_string(at.join(name))?.replace("days = 12", "days = 3");
        std::fs::write(at.join(name), text)
    };
    short("sick.toml")?;
    short("well.toml")?;
    let compare = [
        "compare",
        "sick.toml",
        "well.toml",
        "--replicates",
        "1",
        "--out",
        "arms",
        "-q",
    ];
    let compared = calcisim(at, &compare, None);
    assert!(compared.status.success(), "{}", said(&compared));
    Ok(())
}

/// Width, height and number of pictures of a GIF.
fn gif(path: &Path) -> std::result::Result<(u16, u16, usize), Box<dyn std::error::Error>> {
    let mut decoder = gif::DecodeOptions::new().read_info(std::fs::File::open(path)?)?;
    let mut frames = 0;
    while decoder.read_next_frame()?.is_some() {
        frames += 1;
    }
    Ok((decoder.width(), decoder.height(), frames))
}

#[test]
fn a_run_and_a_comparison_become_gifs() -> Tested {
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    let one = calcisim(
        at.path(),
        &["figures", "run", "--animate", "one.gif", "--frames", "5", "-q"],
        None,
    );
    assert!(one.status.success(), "{}", said(&one));
    let (width, height, frames) = gif(&at.path().join("one.gif"))?;
    assert_eq!(frames, 5);
    assert!(width > 300 && height > 500, "{width} × {height}");
    let two = calcisim(
        at.path(),
        &["figures", "arms", "--animate", "two.gif", "--frames", "3", "-q"],
        None,
    );
    assert!(two.status.success(), "{}", said(&two));
    let (wider, _, frames) = gif(&at.path().join("two.gif"))?;
    assert!(frames == 3 && wider > width, "two arms stand side by side: {wider}");
    // The same request gives the same bytes.
    let before = std::fs::read(at.path().join("one.gif"))?;
    calcisim(
        at.path(),
        &[
            "figures",
            "run",
            "--animate",
            "one.gif",
            "--frames",
            "5",
            "-q",
            "--threads",
            "1",
        ],
        None,
    );
    assert!(before == std::fs::read(at.path().join("one.gif"))?);
    Ok(())
}

#[test]
fn films_need_ffmpeg_and_say_so() -> Tested {
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    let empty = at.path().join("empty");
    std::fs::create_dir(&empty)?;
    let ask = ["figures", "run", "--animate", "film.mp4", "-q"];
    let without = calcisim(at.path(), &ask, Some(&empty));
    assert_eq!(without.status.code(), Some(5));
    assert!(
        said(&without).contains("install it") && said(&without).contains(".gif"),
        "{}",
        said(&without)
    );
    assert_eq!(
        calcisim(at.path(), &["figures", "run", "--animate", "film.avi"], None)
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        calcisim(at.path(), &["figures", "run", "--frames", "5"], None)
            .status
            .code(),
        Some(2)
    );
    Ok(())
}

/// What ffprobe says of a film: its codec, size, number of frames. Nothing without ffmpeg on this machine.
fn probe(path: &Path) -> Option<String> {
    let asked = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v:0",
            "-show_entries",
        ])
        .args([
            "stream=codec_name,width,height,pix_fmt,nb_read_frames",
            "-of",
            "csv=p=0",
        ])
        .arg(path)
        .output()
        .ok()?;
    asked
        .status
        .success()
        .then(|| String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}

#[test]
fn a_real_ffmpeg_makes_films_that_play() -> Tested {
    let has = |tool: &str| {
        Command::new(tool)
            .arg("-version")
            .output()
            .is_ok_and(|a| a.status.success())
    };
    if !has("ffmpeg") || !has("ffprobe") {
        common::skipped("no ffmpeg on this machine: no film is made and read back");
        return Ok(());
    }
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    for (name, codec) in [("film.mp4", "h264"), ("film.webm", "vp9")] {
        let done = calcisim(
            at.path(),
            &["figures", "run", "--animate", name, "--frames", "4", "-q"],
            None,
        );
        assert!(done.status.success(), "{}", said(&done));
        let found = probe(&at.path().join(name)).ok_or("ffprobe reads it")?;
        let parts: Vec<&str> = found.split(',').collect();
        assert_eq!(parts[0], codec, "{found}");
        let [width, height]: [u32; 2] = [parts[1].parse()?, parts[2].parse()?];
        assert!(width % 2 == 0 && height % 2 == 0 && height > width, "{found}");
        assert_eq!(parts[3], "yuv420p", "{found}");
        // Four frames, and the last one held for two seconds at two a second.
        assert_eq!(parts[4].parse::<u32>()?, 8, "{found}");
    }
    Ok(())
}

#[test]
fn the_skin_of_a_block_moves_and_a_section_has_none() -> Tested {
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    let refused = calcisim(
        at.path(),
        &["figures", "run", "--animate", "skin.gif", "--lens", "surface", "-q"],
        None,
    );
    assert_eq!(refused.status.code(), Some(7));
    assert!(
        said(&refused).contains("only a block has a surface area"),
        "{}",
        said(&refused)
    );
    assert!(!at.path().join("skin.gif").exists());
    let seed = calcisim(
        at.path(),
        &["figures", "arms", "--animate", "two.gif", "--seed", "9", "-q"],
        None,
    );
    assert_eq!(seed.status.code(), Some(7));
    assert!(said(&seed).contains("there are seeds 1"), "{}", said(&seed));
    Ok(())
}

#[test]
#[cfg(unix)]
fn frames_are_piped_whole_and_a_failure_of_ffmpeg_leaves_no_file() -> Tested {
    use std::os::unix::fs::PermissionsExt;
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    let tools = at.path().join("tools");
    std::fs::create_dir(&tools)?;
    let write = |text: &str| -> Tested {
        let path = tools.join("ffmpeg");
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(())
    };
    // One that keeps what it is given: the last argument is the file.
    write("#!/bin/sh\n[ \"$1\" = -version ] && exit 0\nfor last; do :; done\nexec /bin/cat > \"$last\"\n")?;
    let ask = ["figures", "run", "--animate", "film.webm", "--frames", "4", "-q"];
    let done = calcisim(at.path(), &ask, Some(&tools));
    assert!(done.status.success(), "{}", said(&done));
    let bytes = std::fs::metadata(at.path().join("film.webm"))?.len();
    // Four frames, and the last one held for two seconds at the least rate of two a second: eight pictures of one size.
    assert!(bytes > 0 && bytes.is_multiple_of(3 * 8), "{bytes}");
    write("#!/bin/sh\n[ \"$1\" = -version ] && exit 0\necho no such codec >&2\nexit 1\n")?;
    std::fs::remove_file(at.path().join("film.webm"))?;
    let failed = calcisim(at.path(), &ask, Some(&tools));
    assert_eq!(failed.status.code(), Some(5));
    assert!(said(&failed).contains("no such codec"), "{}", said(&failed));
    assert!(!at.path().join("film.webm").exists() && !at.path().join(".film.webm.new").exists());
    Ok(())
}
