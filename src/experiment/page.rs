//! Pages that hold both our words and the tables of a command. What a command made stands between two marks, and only that is
//! replaced when it is made again:
//!
//! ```text
//! <!-- made by: calcisim experiment verdict output/verdict-results -->
//! …
//! <!-- end -->
//! ```

/// The line in front of what a command made.
fn mark(command: &str) -> String {
    format!("<!-- made by: {command} -->")
}

/// The line behind it.
const END: &str = "<!-- end -->";

/// What a command made, between its marks.
pub fn block(command: &str, body: &str) -> String {
    format!("{}\n\n{}\n\n{END}\n", mark(command), body.trim())
}

/// The page with a new body of a command, its headings one step below the heading that the block stands under. Nothing where the
/// page has no whole block of this command.
pub fn replaced(page: &str, command: &str, body: &str) -> Option<String> {
    let start = page.find(&mark(command))?;
    let end = start + page[start..].find(END)? + END.len();
    let above = page[..start].lines().rev().find_map(level).unwrap_or(1);
    // Headings of a body begin with two signs.
    let deeper = "#".repeat(above.saturating_sub(1));
    let lines = body.lines().map(|line| match level(line) {
        Some(_) => format!("{deeper}{line}\n"),
        None => format!("{line}\n"),
    });
    let block = block(command, &lines.collect::<String>());
    Some(format!("{}{}{}", &page[..start], block.trim_end(), &page[end..]))
}

/// Number of signs of a heading.
fn level(line: &str) -> Option<usize> {
    let signs = line.len() - line.trim_start_matches('#').len();
    (signs > 0 && line[signs..].starts_with(' ')).then_some(signs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_around_a_block_stay_and_its_headings_fit_in() {
        let body = "## Found\n\n| a |\n";
        let page = format!(
            "# Title\n\nOurs.\n\n## Broad\n\n{}\nOurs too.\n{}",
            block("make this", "old"),
            block("make that", "old")
        );
        let now = replaced(&page, "make this", body);
        let expected = "# Title\n\nOurs.\n\n## Broad\n\n<!-- made by: make this -->\n\n### Found\n\n| a |\n\n<!-- end -->\n\n\
                        Ours too.\n<!-- made by: make that -->\n\nold\n\n<!-- end -->\n";
        assert_eq!(now.as_deref(), Some(expected));
        assert_eq!(
            now.and_then(|now| replaced(&now, "make this", body)).as_deref(),
            Some(expected)
        );
        assert_eq!(replaced(&page, "make", body), None);
        assert_eq!(
            replaced("# Title\n<!-- made by: make this -->\n", "make this", body),
            None
        );
    }

    #[test]
    fn under_the_title_headings_stay_as_they_are() {
        let page = format!("# Title\n\n{}", block("c", "old"));
        let now = replaced(&page, "c", "## Found\n# no heading of ours\n#hash").unwrap_or_default();
        assert!(now.contains("\n## Found\n# no heading of ours\n#hash\n"), "{now}");
    }
}
