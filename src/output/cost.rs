//! What a run costs, by process: the table of `run --profile` and its copy in `run.json`.

use serde::{Deserialize, Serialize};

/// What one process costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Name of the process; `checks` are the books and bounds behind each process, `output` the records of the run.
    pub process: String,
    /// Seconds of the clock that the latest command spent in it.
    pub seconds: f64,
    /// The same per simulated day [ms].
    pub ms_per_day: f64,
}

/// Costs of some seconds by process, over so many simulated days.
pub fn costs<'a>(seconds: impl Iterator<Item = (&'a str, f64)>, days: f64) -> Vec<Cost> {
    seconds
        .map(|(process, seconds)| Cost {
            process: process.to_owned(),
            seconds,
            ms_per_day: if days > 0.0 { 1e3 * seconds / days } else { 0.0 },
        })
        .collect()
}

/// The costs as a table, in the order of the schedule.
pub fn table(costs: &[Cost]) -> String {
    let sum = |of: fn(&Cost) -> f64| costs.iter().fold(0.0, |sum, cost| sum + of(cost));
    let (all, per_day) = (sum(|c| c.seconds), sum(|c| c.ms_per_day));
    let share = |seconds: f64| if all > 0.0 { 100.0 * seconds / all } else { 0.0 };
    let line = |name: &str, seconds: f64, per_day: f64| {
        format!(
            "  {name:<22}{seconds:>9.3} s {per_day:>10.2} ms/d {:>6.1} %\n",
            share(seconds)
        )
    };
    let head = "cost by process, in the order of the schedule, and per simulated day\n";
    let rows = costs.iter().map(|c| line(&c.process, c.seconds, c.ms_per_day));
    std::iter::once(head.to_owned())
        .chain(rows)
        .chain([line("all", all, per_day)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_a_run_without_a_step_divides_by_nothing() {
        let two = costs([("oxygen", 3.0), ("checks", 1.0)].into_iter(), 2.0);
        assert_eq!(two[0].ms_per_day, 1500.0);
        let text = table(&two);
        assert!(text.contains("75.0 %") && text.contains("100.0 %"), "{text}");
        let none = table(&costs([("oxygen", 0.0)].into_iter(), 0.0));
        assert!(!none.contains("NaN"), "{none}");
    }
}
