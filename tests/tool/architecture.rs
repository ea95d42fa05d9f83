//! Imports point downwards; the registry, the documents, the scenarios and the files agree.
//!
//! `CALCISIM_WRITE_DOCS=1 cargo test --test tool architecture` writes what is generated (`docs/parameters.md`, `docs/scenario.schema.json`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use calcisim::parameters::{Prior, Registry, Row};
use calcisim::scenario::{Scenario, Shipped};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// Every Rust file below a folder, as a path below the root.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path.strip_prefix(root()).unwrap_or(&path).to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// Layer of every module, from the comments of `src/lib.rs`.
fn layers() -> BTreeMap<String, u32> {
    let (mut layers, mut layer) = (BTreeMap::new(), None);
    for line in read("src/lib.rs").lines() {
        if let Some((number, _)) = line.strip_prefix("// ").and_then(|rest| rest.split_once(':')) {
            layer = number.parse().ok();
        } else if let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            let layer = layer.unwrap_or_else(|| panic!("src/lib.rs: `{name}` stands under a numbered comment"));
            layers.insert(name.to_owned(), layer);
        }
    }
    assert!(
        layers.len() > 15,
        "src/lib.rs lists the modules in layer order: {layers:?}"
    );
    layers
}

/// The code of a file: comments taken out, strings left in. Lines keep their numbers.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.find("//").map_or(line, |at| &line[..at]).to_owned() + "\n")
        .collect()
}

/// Module path of a file below `src`: `src/model/start.rs` is `[model, start]`.
fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .components()
        .skip(1)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// One name of the crate that a file uses.
struct Use {
    line: usize,
    /// From the root of the crate.
    path: Vec<String>,
    /// Inside an inline module: the tests at the foot of a file.
    is_test: bool,
}

/// What a file names of the crate: `crate::…` and `super::…` alike, groups opened at their first level.
fn names_of(file: &Path) -> Vec<Use> {
    let text = code(&read(file));
    let mut found = Vec::new();
    // Inline modules by their indentation: the code is formatted.
    let mut inline: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim();
        if words == "}" && inline.last().is_some_and(|(at, _)| *at == indent) {
            inline.pop();
        }
        if let Some((_, name)) = words.strip_suffix(" {").and_then(|head| head.split_once("mod "))
            && !name.contains(' ')
        {
            inline.push((indent, name.to_owned()));
        }
        let here: Vec<String> = module_of(file)
            .into_iter()
            .chain(inline.iter().map(|(_, name)| name.clone()))
            .collect();
        for start in ["crate::", "super::"] {
            for (at, _) in line.match_indices(start) {
                let before = line[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                let mut rest = &line[at..];
                let mut path = here.clone();
                if let Some(after) = rest.strip_prefix("crate::") {
                    path.clear();
                    rest = after;
                }
                while let Some(after) = rest.strip_prefix("super::") {
                    path.pop();
                    rest = after;
                }
                // The names of a group may stand on the lines below.
                let group = if rest.starts_with('{') {
                    let above: usize = text.lines().take(number).map(|l| l.len() + 1).sum();
                    &text[above + line.len() - rest.len()..]
                } else {
                    rest
                };
                for name in first_names(group) {
                    let mut path = path.clone();
                    path.extend(name);
                    found.push(Use {
                        line: number + 1,
                        path,
                        is_test: !inline.is_empty(),
                    });
                }
            }
        }
    }
    found
}

/// The names that a path or a group begins with: `a::b::C` is `[a, b]`, `{a, b::{C, D}}` is `[a]` and `[b]`.
fn first_names(text: &str) -> Vec<Vec<String>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if !text.starts_with('{') {
        let path = text.split(|c: char| !(is_name(c) || c == ':')).next().unwrap_or("");
        return vec![
            path.split("::")
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        ];
    }
    let (mut names, mut name, mut depth, mut is_first) = (Vec::new(), String::new(), 0, true);
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth > 1 => {}
            ':' => is_first = false,
            ',' => {
                names.push(vec![std::mem::take(&mut name)]);
                is_first = true;
            }
            c if is_name(c) && is_first => name.push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.push(vec![name]);
    names.retain(|path| path.iter().all(|name| !name.is_empty()));
    names
}

#[test]
fn a_module_imports_only_from_lower_layers_and_neighbours_make_no_circle() {
    let layers = layers();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    let mut neighbours: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources("src") {
        let module = module_of(&file)[0].clone();
        let Some(&mine) = layers.get(&module) else {
            let is_root = matches!(module.as_str(), "lib" | "main");
            assert!(is_root, "{}: in no layer", file.display());
            continue;
        };
        for Use { line, path, is_test } in names_of(&file) {
            let place = format!("{}:{line}", file.display());
            let Some((first, layer)) = path.first().and_then(|first| Some((first, *layers.get(first)?))) else {
                wrong.push(format!("{place}: {} is no module of the crate", path.join("::")));
                continue;
            };
            seen += 1;
            if layer > mine {
                wrong.push(format!("{place}: layer {mine} uses `{first}` of layer {layer}"));
            } else if layer == mine && *first != module && !is_test {
                neighbours.entry(module.clone()).or_default().insert(first.clone());
            }
        }
    }
    assert!(seen > 300, "the scan sees imports: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Take away modules that use no neighbour until none is left: what stays goes round in a circle.
    while let Some(free) = neighbours
        .values()
        .flatten()
        .find(|name| !neighbours.contains_key(*name))
        .cloned()
    {
        neighbours.values_mut().for_each(|used| {
            used.remove(&free);
        });
        neighbours.retain(|_, used| !used.is_empty());
    }
    assert!(
        neighbours.is_empty(),
        "modules of one layer use each other in a circle: {neighbours:?}"
    );
}

#[test]
fn the_scan_of_imports_sees_groups_and_supers() {
    let names = |text: &str| first_names(text).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(names("state::vessels::Class;"), ["state::vessels::Class"]);
    assert_eq!(names("{experiment, simulation};"), ["experiment", "simulation"]);
    assert_eq!(
        names("{\n    grid::Grid,\n    state::{Now, Tissue},\n};"),
        ["grid", "state"]
    );
    assert_eq!(module_of(Path::new("src/cli/mod.rs")), ["cli"]);
    assert_eq!(module_of(Path::new("src/model/start.rs")), ["model", "start"]);
}

#[test]
fn a_mechanism_knows_no_other_mechanism() {
    for file in sources("src/mechanisms") {
        let module = module_of(&file);
        for Use { line, path, .. } in names_of(&file) {
            let other = path.first().is_some_and(|first| first == "mechanisms") && path.get(1) != module.get(1);
            assert!(!other, "{}:{line}: uses {}", file.display(), path.join("::"));
        }
    }
}

#[test]
fn the_engine_knows_no_files_no_clock_and_no_threads() {
    let layers = layers();
    let banned = ["fs", "io", "env", "time", "thread", "process", "net"].map(|name| format!("std::{name}"));
    for file in sources("src") {
        if layers.get(&module_of(&file)[0]).is_none_or(|layer| *layer > 5) {
            continue;
        }
        let text = code(&read(&file));
        // The tests at the foot of a file may look at a clock.
        let engine = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
        for (number, line) in engine.lines().enumerate() {
            let place = format!("{}:{}", file.display(), number + 1);
            for name in &banned {
                assert!(
                    !line.contains(name.as_str()),
                    "{place}: {name} belongs above the engine"
                );
            }
            let unordered = line.contains("HashMap") || line.contains("HashSet");
            assert!(!unordered, "{place}: a walk over a hash map has no order");
        }
    }
}

#[test]
fn one_file_names_rayon_and_one_calls_what_only_some_machines_have() {
    for file in sources("src") {
        let text = code(&read(&file));
        let is_par = file.ends_with("par.rs");
        let hot = ["width.rs", "hot.rs", "hot_transfer.rs"];
        let is_hot = hot.iter().any(|name| file.ends_with(format!("solve/multigrid/{name}")));
        for (number, line) in text.lines().enumerate() {
            let words: BTreeSet<&str> = line
                .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
                .collect();
            let place = format!("{}:{}", file.display(), number + 1);
            assert!(
                is_par || !words.contains("rayon"),
                "{place}: only src/par.rs names rayon"
            );
            assert!(
                is_hot || !words.contains("unsafe"),
                "{place}: only the hot kernels of src/solve/multigrid ({}) may hold unsafe code",
                hot.join(", ")
            );
        }
    }
}

/// The names of `clippy.toml`, as `(type, method)`.
fn banned_methods() -> Vec<(String, String)> {
    read("clippy.toml")
        .lines()
        .filter_map(|line| line.split_once("path = \"")?.1.split_once('"'))
        .filter_map(|(path, _)| path.split_once("::"))
        .map(|(kind, method)| (kind.to_owned(), method.to_owned()))
        .collect()
}

#[test]
fn the_list_of_banned_methods_holds_both_kinds_of_float() {
    let banned: BTreeSet<(String, String)> = banned_methods().into_iter().collect();
    for (kind, method) in &banned {
        assert!(kind == "f32" || kind == "f64", "{kind}::{method}");
        for other in ["f32", "f64"] {
            assert!(
                banned.contains(&(other.to_owned(), method.clone())),
                "{other}::{method} is missing"
            );
        }
    }
    for method in [
        "exp", "ln", "powf", "powi", "sin", "cos", "tanh", "max", "min", "clamp", "signum", "mul_add", "hypot",
    ] {
        assert!(
            banned.contains(&("f64".to_owned(), method.to_owned())),
            "{method} is not banned"
        );
    }
}

/// A misspelt entry of `clippy.toml` is silent, so clippy is asked about one line per entry.
#[test]
fn clippy_flags_every_banned_method() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let clippy = Command::new(&cargo).args(["clippy", "--version"]).output();
    if !clippy.is_ok_and(|answer| answer.status.success()) {
        println!("skipped: clippy is not installed");
        return;
    }
    let banned = banned_methods();
    let folder = tempfile::tempdir().unwrap_or_else(|fault| panic!("a temporary folder: {fault}"));
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    };
    let mut lines = String::from("#![allow(unused)]\n#![warn(clippy::disallowed_methods)]\npub fn all() {\n");
    for (kind, method) in &banned {
        let _ = writeln!(lines, "    let _ = {kind}::{method};");
    }
    lines += "}\n";
    write("lib.rs", &lines);
    write(
        "Cargo.toml",
        "[package]\nname = \"fixture\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n",
    );
    write("clippy.toml", &read("clippy.toml"));
    let answer = Command::new(&cargo)
        .args(["clippy", "--quiet", "--offline", "--message-format=short"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .env("CLIPPY_CONF_DIR", folder.path())
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap_or_else(|fault| panic!("clippy starts: {fault}"));
    let said = String::from_utf8_lossy(&answer.stderr);
    let missed: Vec<String> = banned
        .iter()
        .enumerate()
        .filter(|(i, _)| !said.contains(&format!("lib.rs:{}:", i + 4)))
        .map(|(_, (kind, method))| format!("{kind}::{method}"))
        .collect();
    assert!(
        answer.status.success() && missed.is_empty(),
        "not flagged: {missed:?}\n{said}"
    );
}

/// Names of the files of a folder of `src`, without `mod.rs`.
fn files_of(folder: &str) -> BTreeSet<String> {
    sources(folder)
        .iter()
        .filter_map(|file| file.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .filter(|stem| stem != "mod")
        .collect()
}

#[test]
fn every_process_and_treatment_has_its_heading_in_the_description_of_the_model() {
    let text = read("docs/model.md");
    let mut part = None;
    let mut headings: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            part = match title {
                "Mechanisms" => Some("src/mechanisms"),
                "Therapies" => Some("src/therapies"),
                _ => None,
            };
        } else if line.starts_with("## ") {
            part = None;
        } else if let (Some(folder), Some(name)) = (part, line.strip_prefix("#### ")) {
            headings
                .entry(folder)
                .or_default()
                .insert(name.trim_matches('`').to_owned());
        }
    }
    for folder in ["src/mechanisms", "src/therapies"] {
        let written = headings.remove(folder).unwrap_or_default();
        let files = files_of(folder);
        let missing: Vec<_> = files.difference(&written).collect();
        let stale: Vec<_> = written.difference(&files).collect();
        assert!(
            missing.is_empty(),
            "docs/model.md has no heading for {missing:?} of {folder}"
        );
        assert!(
            stale.is_empty(),
            "docs/model.md has headings without a file in {folder}: {stale:?}"
        );
    }
    for number in 1..=7 {
        assert!(
            text.contains(&format!("\n## {number}. ")),
            "docs/model.md has the seven elements of ODD: {number}"
        );
    }
}

#[test]
fn every_parameter_that_a_document_names_exists() {
    let registry = Registry::embedded();
    let sections = registry.sections();
    let mut seen = 0;
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/model.md"] {
        for name in read(document).split('`').skip(1).step_by(2) {
            let is_key = name.split_once('.').is_some_and(|(section, leaf)| {
                sections.contains(&section)
                    && !leaf.is_empty()
                    && leaf.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
            }) && ![".rs", ".json", ".csv", ".toml"]
                .iter()
                .any(|ending| name.ends_with(ending));
            if is_key {
                seen += 1;
                let known = registry.row(name).is_some() || registry.is_group(name);
                assert!(known, "{document}: `{name}` is no key of the registry");
            }
        }
    }
    assert!(seen > 40, "the documents name parameters: {seen}");
}

#[test]
fn every_section_of_the_registry_loads_and_every_row_says_what_it_rests_on() {
    let registry = Registry::embedded();
    let (scenario, warnings) = Scenario::from_text("least.toml", "schema = 1\n[run]\ndays = 1\n", &[])
        .unwrap_or_else(|fault| panic!("the least scenario: {fault}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    // A process that is off has its section all the same: every switch is on here.
    scenario.parameters(&Shipped).unwrap_or_else(|fault| panic!("{fault}"));
    for row in registry.rows() {
        assert!(
            !row.source.trim().is_empty() && !row.meaning.trim().is_empty(),
            "{}",
            row.key
        );
        let vague = ["todo", "tbd", "???"]
            .iter()
            .any(|word| row.source.to_lowercase().contains(word));
        assert!(!vague, "{}: {}", row.key, row.source);
        assert!(
            !matches!(row.prior, Prior::Normal { sd, .. } if sd <= 0.0),
            "{}",
            row.key
        );
    }
}

/// The table of one section.
fn section_table(registry: &Registry, section: &str) -> String {
    let mut text = format!("\n## {section}\n\n| key | value | unit | range | prior | status | meaning | source |\n");
    text += "|---|---|---|---|---|---|---|---|\n";
    let cell = |words: &str| words.replace('|', "\\|").replace('\n', " ");
    let range = |row: &Row| match (row.possible, row.choices.is_empty()) {
        (Some((_, high)), _) if high >= 9e18 => "any".to_owned(),
        (Some((low, high)), _) => {
            let n = calcisim::units::plain_number;
            let evidence = row.evidence.map_or(String::new(), |(low, high)| {
                format!(" (evidence {} to {})", n(low), n(high))
            });
            format!("{} to {}{evidence}", n(low), n(high))
        }
        (None, false) => row.choices.join(", "),
        (None, true) => String::new(),
    };
    for row in registry.rows_of(section) {
        let prior = if row.possible.is_some() {
            row.prior.to_string()
        } else {
            String::new()
        };
        let columns = [
            format!("`{}`", row.key),
            cell(&row.value.to_string()),
            cell(&row.unit),
            cell(&range(row)),
            cell(&prior),
            row.status.word().to_owned(),
            cell(&row.meaning),
            cell(&row.source),
        ];
        let _ = writeln!(text, "| {} |", columns.join(" | "));
    }
    text
}

#[test]
fn the_table_of_parameters_is_what_the_registry_says() {
    let registry = Registry::embedded();
    let count = |word: &str| registry.rows().iter().filter(|row| row.status.word() == word).count();
    let mut text = format!(
        "# Parameters\n\nGenerated from `src/parameters.toml` by `CALCISIM_WRITE_DOCS=1 cargo test --test tool architecture`; do not edit.\n\
         A key is the TOML path in a scenario, the `--set` path and the argument of `calcisim explain`.\n\n\
         {} parameters: {} measured, {} from another model, {} assumed, {} calibrated.\n",
        registry.rows().len(),
        count("measured"),
        count("model"),
        count("assumed"),
        count("calibrated"),
    );
    for section in registry.sections() {
        text += &section_table(registry, section);
    }
    let path = root().join("docs/parameters.md");
    if std::env::var_os("CALCISIM_WRITE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = text
        .lines()
        .zip(written.lines().chain(std::iter::repeat("")))
        .find(|(a, b)| a != b);
    assert!(
        text == written,
        "docs/parameters.md is stale: CALCISIM_WRITE_DOCS=1 cargo test --test tool architecture\n{differs:?}"
    );
}

#[test]
fn the_schema_of_scenarios_for_editors_is_what_the_registry_says() {
    let text = calcisim::cli::schema::text().unwrap_or_else(|fault| panic!("{fault}"));
    let path = root().join("docs/scenario.schema.json");
    if std::env::var_os("CALCISIM_WRITE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == written,
        "docs/scenario.schema.json is stale: calcisim schema --out docs/scenario.schema.json --force"
    );
}

#[test]
fn a_shipped_scenario_says_what_it_asks_what_is_known_and_what_it_assumes() {
    for name in Shipped::names() {
        let (scenario, _) = Scenario::load(&Shipped, name, &[]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        for (key, words) in [
            ("question", &scenario.question),
            ("known", &scenario.known),
            ("assumed", &scenario.assumed),
        ] {
            assert!(words.len() > 20, "{name}: `{key}` is written");
        }
        assert_eq!(scenario.name, name, "a scenario has the name of its file");
        scenario
            .parameters(&Shipped)
            .unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

/// Lines of the code blocks of a document that are written in one of these languages.
fn blocks(text: &str, language: &str) -> Vec<String> {
    text.split("\n```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .filter(|(label, _)| *label == language)
        .map(|(_, body)| body.to_owned())
        .collect()
}

#[test]
fn the_commands_and_the_scenario_of_the_readme_are_understood() {
    use clap::CommandFactory;
    let text = read("README.md");
    let mut seen = 0;
    for block in blocks(&text, "sh") {
        for line in block.lines().map(|line| line.split(" # ").next().unwrap_or("").trim()) {
            let Some(args) = line
                .strip_prefix("cargo run --release -- ")
                .or_else(|| line.strip_prefix("calcisim "))
            else {
                continue;
            };
            seen += 1;
            let args = std::iter::once("calcisim").chain(args.split_whitespace());
            let parsed = calcisim::cli::Cli::command().try_get_matches_from(args);
            assert!(
                parsed.is_ok(),
                "README.md: {line}\n{}",
                parsed.err().map(|e| e.to_string()).unwrap_or_default()
            );
            for word in line.split_whitespace().filter(|word| word.starts_with("scenarios/")) {
                assert!(root().join(word).exists(), "README.md: {line}: there is no {word}");
            }
        }
    }
    assert!(seen >= 6, "README.md shows commands: {seen}");
    let scenarios = blocks(&text, "toml");
    assert!(!scenarios.is_empty(), "README.md has a worked scenario");
    for scenario in scenarios {
        let read = Scenario::from_text("README.md", &scenario, &[]);
        let (scenario, warnings) = read.unwrap_or_else(|fault| panic!("{fault}"));
        assert!(warnings.is_empty(), "{warnings:?}");
        scenario.parameters(&Shipped).unwrap_or_else(|fault| panic!("{fault}"));
    }
}

#[test]
fn a_link_of_a_document_leads_to_a_file() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "output/README.md",
        "docs/model.md",
        "docs/gallery.md",
        "docs/python.md",
        "docs/editor.md",
        "docs/other_languages.md",
        "python/README.md",
        "docs/credibility.md",
        "docs/verdict.md",
        "docs/reproducibility.md",
        "docs/reliability.md",
        "docs/threat_model.md",
        "docs/decisions/0001-flow-solver.md",
        "docs/decisions/0002-endothelium-by-events.md",
    ] {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap_or(Path::new(""));
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#', ' ']).next().unwrap_or("");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                root().join(folder).join(target).exists(),
                "{document}: {target} is not there"
            );
        }
    }
}
