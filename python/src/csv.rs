//! Cells of our tables: commas, quotes where a writer needed them.

/// Cells line by line; a line break inside quotes belongs to its cell. Empty lines are left out.
pub fn lines(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut line));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !line.is_empty() {
        line.push(cell);
        all.push(line);
    }
    all.retain(|line| line.len() > 1 || line.iter().any(|cell| !cell.is_empty()));
    all
}
