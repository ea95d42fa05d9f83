//! `ro-crate-metadata.json`: the results as an RO-Crate, so that archives and catalogues know what lies in the folder.
//!
//! JSON-LD of the RO-Crate specification 1.1 (w3id.org/ro/crate/1.1): the descriptor, the folder as root data set, its
//! files, calcisim as the software, and the merge as the action that made the tables from the experiment.

use serde_json::{Value, json};

use super::manifest::Manifest;

/// Name of the file.
pub const NAME: &str = "ro-crate-metadata.json";

/// What a merge found, as far as the record tells it.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// Files of the folder, by name.
    pub files: &'a [String],
    /// When the last run ended [s since 1970].
    pub finished_s: f64,
    /// What the tables say, in a few lines.
    pub headline: &'a str,
}

/// The record of a folder of results.
pub fn record(manifest: &Manifest, found: &Found) -> Value {
    let date = date(found.finished_s);
    let id = |name: &str| json!({"@id": name});
    let inputs = ["experiment.toml", "plan.json"];
    let (given, made): (Vec<&String>, Vec<&String>) =
        found.files.iter().partition(|name| inputs.contains(&name.as_str()));
    let ids = |names: &[&String]| names.iter().map(|name| id(name)).collect::<Vec<_>>();
    let mut description = format!(
        "{} experiment of calcisim, {} runs. {}",
        manifest.kind, manifest.runs, manifest.question
    );
    description.push_str(" Simulated sites at risk, not patients: for teaching and hypotheses.");
    let mut graph = vec![
        json!({"@id": NAME, "@type": "CreativeWork", "about": {"@id": "./"},
               "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}}),
        json!({"@id": "./", "@type": "Dataset", "name": manifest.name, "description": description,
               "datePublished": date,
               "license": "As the owner of these results says; calcisim itself: MIT or Apache-2.0",
               "hasPart": found.files.iter().map(|name| id(name)).collect::<Vec<_>>(), "mentions": {"@id": "#run"}}),
        json!({"@id": "#calcisim", "@type": "SoftwareApplication", "name": "calcisim",
               "version": manifest.version, "softwareVersion": format!("{} {}", manifest.version, manifest.git)}),
        json!({"@id": "#run", "@type": "CreateAction", "name": format!("calcisim experiment: {}", manifest.name),
               "description": found.headline.trim(), "endTime": date, "instrument": {"@id": "#calcisim"},
               "object": ids(&given), "result": ids(&made),
               "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"}}),
    ];
    graph.extend(found.files.iter().map(|name| {
        let mut entity = json!({"@id": name, "@type": "File", "name": name, "encodingFormat": format_of(name)});
        if let Some(words) = meaning(name) {
            entity["description"] = words.into();
        }
        entity
    }));
    json!({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})
}

fn format_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("toml") => "application/toml",
        Some("parquet") => "application/vnd.apache.parquet",
        _ => "application/octet-stream",
    }
}

/// What a file holds, where its name does not say it.
fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "runs.parquet" | "runs.csv" => "One row per run: arm, point, seed, factors, outcome",
        "arms.csv" => "Spread of every endpoint in every arm",
        "contrasts.csv" => "Paired differences of arms and reference with intervals",
        "sensitivity.csv" => "Indices of every factor with the floor of chance",
        "survival.csv" => "Kaplan-Meier curves",
        "attribution.csv" => "Shapley shares of mechanisms",
        "timing.parquet" => "What may differ between hosts and attempts: wall time, host, attempts",
        "experiment.toml" => "The experiment as written",
        "plan.json" => "The plan that it became, with digests",
        "manifest.json" => "Versions, seeds and digests of every file",
        _ => return None,
    })
}

/// Seconds since 1970 as a moment of ISO 8601, in UTC (the days by Hinnant's civil calendar).
pub fn date(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.floor() as i64 } else { 0 };
    let (day, second) = (whole.div_euclid(86_400), whole.rem_euclid(86_400));
    // Days since 1 March of the year 0, in eras of 400 years.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + 400 * era + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{of_month:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(date(0.0), "1970-01-01T00:00:00Z");
        assert_eq!(date(951_782_400.0), "2000-02-29T00:00:00Z");
        assert_eq!(date(1_772_323_199.0), "2026-02-28T23:59:59Z");
        assert_eq!(date(1_772_323_200.9), "2026-03-01T00:00:00Z");
        assert_eq!(date(f64::NAN), "1970-01-01T00:00:00Z");
    }
}
