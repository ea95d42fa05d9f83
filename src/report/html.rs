//! A page in the making. Every word from outside passes through [`escape`]; the page is well formed as XML too, loads
//! nothing and can be printed.

use std::fmt::Write as _;

/// What a browser may do with the page: show what is in it, ask nobody for anything.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// Text that stands for itself, in elements and in attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Characters that no page may hold.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// JSON that may stand inside a script element.
pub fn json(value: &serde_json::Value) -> String {
    let text = value.to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// A value as a person reads it, with the exact number beside it for machines.
pub fn data(value: f64, shown: &str) -> String {
    format!(
        "<data value=\"{}\">{}</data>",
        crate::output::number(value),
        escape(shown)
    )
}

/// The body of a page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    body: String,
    contents: Vec<(String, String)>,
}

impl Page {
    /// A heading that the list of contents names.
    pub fn heading(&mut self, id: &str, words: &str) {
        self.contents.push((id.to_owned(), words.to_owned()));
        let _ = writeln!(self.body, "<h2 id=\"{}\">{}</h2>", escape(id), escape(words));
    }

    /// A heading below it.
    pub fn subheading(&mut self, words: &str) {
        let _ = writeln!(self.body, "<h3>{}</h3>", escape(words));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, words: &str) {
        let _ = writeln!(self.body, "<p>{}</p>", escape(words));
    }

    /// A paragraph of a class: `lead`, `note`, `warning`.
    pub fn said(&mut self, class: &str, words: &str) {
        let _ = writeln!(self.body, "<p class=\"{class}\">{}</p>", escape(words));
    }

    /// Elements that are escaped already.
    pub fn raw(&mut self, elements: &str) {
        self.body.push_str(elements);
        self.body.push('\n');
    }

    /// A list of points.
    pub fn list(&mut self, items: &[String]) {
        self.body.push_str("<ul>\n");
        for item in items {
            let _ = writeln!(self.body, "<li>{}</li>", escape(item));
        }
        self.body.push_str("</ul>\n");
    }

    /// A table; cells are elements that are escaped already, the first of a row is its name.
    pub fn table(&mut self, caption: &str, head: &[&str], rows: &[Vec<String>]) {
        self.raw(&table(caption, head, rows));
    }

    /// Something to open.
    pub fn details(&mut self, summary: &str, inside: &str) {
        let _ = writeln!(
            self.body,
            "<details><summary>{}</summary>\n{inside}\n</details>",
            escape(summary)
        );
    }

    /// The whole document.
    pub fn document(&self, title: &str, subtitle: &str, script_data: &serde_json::Value) -> String {
        let mut contents = String::new();
        for (id, words) in &self.contents {
            let _ = write!(contents, "<a href=\"#{}\">{}</a> ", escape(id), escape(words));
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"generator\" content=\"calcisim {version}\"/>\n\
             <link rel=\"icon\" href=\"data:,\"/>\n\
             <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n\
             <header>\n<h1>{title}</h1>\n<p class=\"subtitle\">{subtitle}</p>\n\
             <p class=\"warning\">Simulated sites of skin, not patients. For teaching and for making hypotheses; never for prognosis, \
             dosing or care.</p>\n</header>\n<nav aria-label=\"contents\">{contents}</nav>\n{body}</main>\n\
             <script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n",
            policy = escape(POLICY),
            version = escape(crate::version::VERSION),
            title = escape(title),
            subtitle = escape(subtitle),
            style = include_str!("style.css"),
            body = self.body,
            data = json(script_data),
            script = include_str!("script.js"),
        )
    }
}

/// A table as elements; cells are escaped already.
pub fn table(caption: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!(
        "<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>",
        escape(caption)
    );
    for name in head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let _ = if i == 0 {
                write!(out, "<th scope=\"row\">{cell}</th>")
            } else {
                write!(out, "<td>{cell}</td>")
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_cannot_become_elements() {
        let evil = "</script><img src=x onerror='alert(1)'>&\"\u{0}";
        assert_eq!(
            escape(evil),
            "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;&quot;\u{fffd}"
        );
        let inside = json(&serde_json::json!({ "name": evil }));
        assert!(!inside.contains('<') && !inside.contains('&'), "{inside}");
        let back: serde_json::Value = serde_json::from_str(&inside).unwrap_or_default();
        assert_eq!(back["name"], evil);
    }
}
