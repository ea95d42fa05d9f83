//! The offline page: one HTML file with the page and the engine in it, for a stick or a mail.
//!
//! `docs/calcisim.html` is that file, built by `node web/build.mjs` and inside this binary. An export is a copy of it that
//! begins with a scenario: only its block `boot` differs.

use std::path::Path;

use serde_json::json;

use super::session::Start;
use crate::error::{Error, Result};
use crate::output::files;
use crate::scenario::Shipped;

/// The page with its engine.
const PAGE: &str = include_str!("../../docs/calcisim.html");
const OPEN: &str = "<script type=\"application/json\" id=\"boot\">";
const CLOSE: &str = "</script>";

/// The page that begins with a scenario.
pub fn page(start: &Start) -> Result<String> {
    let broken =
        || Error::MissingTool("docs/calcisim.html of this build holds no page: build it by node web/build.mjs".into());
    let from = PAGE.find(OPEN).ok_or_else(broken)? + OPEN.len();
    let to = from + PAGE[from..].find(CLOSE).ok_or_else(broken)?;
    let boot = json!({ "name": start.name, "text": start.text, "files": start.files, "seed": start.seed,
                        "is_shipped": Shipped::text(&start.name) == Some(start.text.as_str()) });
    // Inside a script no text may end it.
    let boot = boot.to_string().replace('<', "\\u003c");
    Ok(format!("{}{boot}{}", &PAGE[..from], &PAGE[to..]))
}

/// Writes the page that begins with a scenario.
pub fn write(start: &Start, path: &Path, force: bool) -> Result<()> {
    if path.exists() && !force {
        return Err(Error::files(path.display(), "exists; --force replaces it"));
    }
    files::write_whole(path, page(start)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_its_scenario_and_no_text_of_it_ends_the_script() -> Result<()> {
        let start = Start {
            name: "mine".into(),
            text: "question = \"</script><b>\"".into(),
            ..Start::default()
        };
        let text = page(&start)?;
        assert!(text.contains("\"name\":\"mine\"") && !text.contains("</script><b>"));
        assert!(text.len() <= 1_000_000, "one megabyte at most: {}", text.len());
        Ok(())
    }
}
