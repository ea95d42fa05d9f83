//! Reports as a shell and a browser see them: one whole file that asks nobody for anything, whose numbers are those of the folder.

use std::path::Path;
use std::process::Output;

use crate::common::{CELLS, SICK, SMALL, Tested, calcisim, scenario_text};
use serde_json::Value;

fn said(answer: &Output) -> String {
    String::from_utf8_lossy(&answer.stderr).into_owned()
}

/// A question that would break out of a page that does not escape.
const EVIL: &str = "</pre></script><script>alert(1)</script><img src=x onerror=alert(2)> & \\\"quotes\\\" 'too'";

/// A run of four days, and a comparison of two arms over three days and two seeds.
fn folders(at: &Path) -> Tested {
    for (name, parts) in [("sick", &[SMALL, SICK][..]), ("cells", &[SMALL, SICK, CELLS])] {
        let text = scenario_text(parts).replace("question = \"q\"", &format!("question = \"{EVIL}\""));
        let text = text
            .replace("name = \"small\"", &format!("name = \"{name}\""))
            .replace("days = 12", "days = 5");
        std::fs::write(at.join(format!("{name}.toml")), text)?;
    }
    for args in [
        &["run", "sick.toml", "--out", "run", "-q", "--threads", "1"][..],
        &[
            "compare",
            "sick.toml",
            "cells.toml",
            "--replicates",
            "2",
            "--out",
            "arms",
            "-q",
        ],
    ] {
        let answer = calcisim(at, args);
        assert!(answer.status.success(), "{}", said(&answer));
    }
    Ok(())
}

/// Reads a page as XML: every element is closed in order, every attribute quoted. Returns the elements with their attributes.
fn elements(page: &str) -> Vec<(String, String)> {
    let body = page
        .strip_prefix("<!DOCTYPE html>")
        .unwrap_or_else(|| panic!("a doctype comes first"));
    let (mut rest, mut open, mut found) = (body, Vec::<String>::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > in: {}", &rest[..start.min(80)]);
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap_or_else(|| panic!("an element without an end"));
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
            continue;
        }
        let is_empty = tag.ends_with('/');
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(attributes.matches('"').count().is_multiple_of(2), "quotes of {tag}");
        found.push((name.to_owned(), attributes.to_owned()));
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            let end = rest.find(&close).unwrap_or_else(|| panic!("{name} is closed"));
            rest = &rest[end + close.len()..];
        } else if !is_empty {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    found
}

/// The numbers inside a page.
fn data(page: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let from = page.find(start).unwrap_or_else(|| panic!("the page holds its numbers")) + start.len();
    let end = page[from..].find("</script>").unwrap_or(0);
    serde_json::from_str(&page[from..from + end]).unwrap_or_else(|fault| panic!("JSON: {fault}"))
}

/// One file, well formed, that loads nothing.
fn check(page: &str) {
    let all = elements(page);
    for (name, attributes) in &all {
        assert!(
            !["iframe", "object", "embed", "base", "form"].contains(&name.as_str()),
            "<{name}>"
        );
        for part in ["src=\"", "href=\"", "action=\"", "srcset=\""] {
            for (at, _) in attributes.match_indices(part) {
                let value = &attributes[at + part.len()..];
                assert!(
                    value.starts_with("data:") || value.starts_with('#'),
                    "{name} asks for {value:.60}"
                );
            }
        }
        assert!(
            !attributes.contains(" on") || name == "meta" || !attributes.contains("onerror="),
            "{attributes:.80}"
        );
    }
    assert_eq!(
        all.iter().filter(|(name, _)| name == "script").count(),
        2,
        "the data and the script"
    );
    assert!(
        page.contains("default-src &#39;none&#39;"),
        "the policy forbids the network"
    );
    for word in ["url(http", "@import", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    // Sentences about causes speak of the model.
    for lead in page.split("<p class=\"lead\">").skip(1) {
        let words = lead.split("</p>").next().unwrap_or("");
        let is_causal = words.contains(" changed ") || words.contains(" died") || words.contains("variance");
        assert!(!is_causal || words.starts_with("In this model, "), "{words}");
    }
    for section in [
        "question",
        "parameters",
        "sensitivity",
        "reproduce",
        "limits",
        "biopsies",
        "sections",
        "course",
    ] {
        assert!(page.contains(&format!("<h2 id=\"{section}\">")), "{section}");
    }
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "the question is shown as it is"
    );
}

#[test]
fn a_report_of_a_run_is_one_file_with_the_numbers_of_the_run() -> Tested {
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    let answer = calcisim(at.path(), &["report", "run", "--json"]);
    assert!(answer.status.success(), "{}", said(&answer));
    let path = at.path().join("run/report.html");
    let page = std::fs::read_to_string(&path)?;
    check(&page);
    let held = data(&page);
    let run: Value = serde_json::from_str(&std::fs::read_to_string(at.path().join("run/run.json"))?)?;
    assert_eq!(held["runs"][0]["run"], run);
    assert!(page.contains(run["state_hash"].as_str().unwrap_or("?")));
    // Every number of every curve stands in the series, at its day.
    let series = std::fs::read_to_string(at.path().join("run/series.csv"))?;
    let rows: Vec<Vec<Option<f64>>> = series
        .lines()
        .skip(1)
        .map(|l| l.split(',').map(|c| c.parse().ok()).collect())
        .collect();
    let names: Vec<&str> = series.lines().next().unwrap_or("").split(',').collect();
    let column = |name: &str| -> Vec<Option<f64>> {
        let at = names.iter().position(|n| *n == name).unwrap_or(0);
        rows.iter().map(|row| row[at]).collect()
    };
    let curves = held["curves"].as_array().ok_or("curves")?;
    let line = |title: &str, name: &str| -> Value {
        let panel = curves
            .iter()
            .find(|c| c["title"].as_str().is_some_and(|t| t.starts_with(title)));
        let lines = panel.and_then(|p| p["lines"].as_array()).into_iter().flatten();
        lines
            .filter(|l| l["name"] == name)
            .map(|l| l["median"].clone())
            .next()
            .unwrap_or(Value::Null)
    };
    for (title, name, from) in [
        ("Necrosis", "ever dead", "necrotic_fraction"),
        ("Mean tissue", "PO₂", "mean_po2_mmhg"),
        ("Mineral", "mineral", "mineral_ug"),
    ] {
        // The reader of JSON rounds the last digit its own way.
        let (shown, stored) = (
            line(title, name),
            column(from).into_iter().flatten().collect::<Vec<f64>>(),
        );
        let shown: Vec<f64> = shown
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        let is_same = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-14 * b.abs();
        assert_eq!(shown.len(), stored.len(), "{title}");
        assert!(shown.iter().zip(&stored).all(is_same), "{title}: {shown:?}");
    }
    assert_eq!(curves[0]["x"], serde_json::json!(column("t_d")));
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(at.path().join("run/summary.json"))?)?;
    let dead = summary["final"]["necrotic_fraction"].as_f64().ok_or("necrosis")?;
    assert!(
        page.contains(&format!("<data value=\"{dead}\">")),
        "{dead} is in the table"
    );
    // The same folder gives the same bytes.
    assert!(
        calcisim(at.path(), &["report", "run", "--out", "again.html"])
            .status
            .success()
    );
    assert!(std::fs::read_to_string(at.path().join("again.html"))? == page);
    Ok(())
}

#[test]
fn a_report_of_a_comparison_tells_effects_first_and_as_the_tables_have_them() -> Tested {
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    // compare writes it; so does report.
    let path = at.path().join("arms/report.html");
    let page = std::fs::read_to_string(&path)?;
    check(&page);
    let [question, effects, course] =
        ["question", "effects", "course"].map(|id| page.find(&format!("<h2 id=\"{id}\">")).unwrap_or(0));
    assert!(0 < question && question < effects && effects < course);
    let held = data(&page);
    let table = std::fs::read_to_string(at.path().join("arms/contrasts.csv"))?;
    let shown = held["effects"].as_array().ok_or("effects")?;
    assert_eq!(shown.len(), table.lines().count() - 1);
    for (row, effect) in table.lines().skip(1).zip(shown) {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(effect["endpoint"], cells[2]);
        assert_eq!(effect["diff_mean"].as_f64(), cells[4].parse().ok());
        assert_eq!(effect["p_holm"].as_f64(), cells[11].parse().ok());
    }
    // Median and band of two seeds.
    let first = std::fs::read_to_string(at.path().join("arms/series/sick-s1.csv"))?;
    let second = std::fs::read_to_string(at.path().join("arms/series/sick-s2.csv"))?;
    let last = |text: &str| -> f64 {
        let names: Vec<&str> = text.lines().next().unwrap_or("").split(',').collect();
        let at = names.iter().position(|n| *n == "mineral_ug").unwrap_or(0);
        text.lines()
            .last()
            .and_then(|l| l.split(',').nth(at)?.parse().ok())
            .unwrap_or(f64::NAN)
    };
    let panels = held["curves"].as_array().ok_or("curves")?;
    let mineral = panels
        .iter()
        .find(|p| p["title"].as_str().is_some_and(|t| t.starts_with("Mineral")))
        .ok_or("mineral")?;
    let medians = mineral["lines"][0]["median"].as_array().ok_or("medians")?;
    let found = medians.last().and_then(Value::as_f64).ok_or("a number")?;
    assert!((found - (last(&first) + last(&second)) / 2.0).abs() < 1e-9, "{found}");
    Ok(())
}

#[test]
fn what_cannot_be_reported_is_answered() -> Tested {
    let at = tempfile::tempdir()?;
    folders(at.path())?;
    std::fs::create_dir(at.path().join("empty"))?;
    for (args, code, words) in [
        (&["nowhere"][..], 4, "no such folder"),
        (&["empty"], 3, "neither a run folder"),
        (&["arms", "run"], 2, "one report holds"),
        (&["run", "--out", "nowhere/deep/r.html"], 4, "cannot write"),
    ] {
        let answer = calcisim(at.path(), &[&["report"], args].concat());
        assert_eq!(answer.status.code(), Some(code), "{args:?}: {}", said(&answer));
        assert!(said(&answer).contains(words), "{args:?}: {}", said(&answer));
    }
    // A sensitivity analysis that is added says what the outcome hangs on.
    let results = at.path().join("results");
    std::fs::create_dir(&results)?;
    std::fs::write(results.join("manifest.json"), "{\"schema\": \"calcisim-results/1\"}")?;
    std::fs::write(
        results.join("sensitivity.csv"),
        "arm,factor,output,method,s1,st,seed_variance_share\na,thrombosis.critical_diameters,final.necrotic_fraction,saltelli,0.5,0.6,0.3\n",
    )?;
    let answer = calcisim(at.path(), &["report", "run", "results", "--out", "both.html"]);
    assert!(answer.status.success(), "{}", said(&answer));
    let page = std::fs::read_to_string(at.path().join("both.html"))?;
    check(&page);
    assert!(
        page.contains("50 % to 60 % of the outcome variance"),
        "the share of assumed parameters"
    );
    Ok(())
}
