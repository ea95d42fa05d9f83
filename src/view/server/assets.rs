//! The files of the page, inside the binary. A path is looked up in this list and nowhere else.

/// Kind and text of a file of the page.
type Asset = (&'static str, &'static str);

macro_rules! page {
    ($name:literal) => {
        include_str!(concat!("../../../web/page/", $name))
    };
}

const SCRIPT: &str = "text/javascript";

/// A file of the page by its path.
pub fn find(path: &str) -> Option<Asset> {
    Some(match path {
        "/" | "/index.html" => ("text/html", page!("index.html")),
        "/style.css" => ("text/css", page!("style.css")),
        "/icon.svg" | "/favicon.ico" => ("image/svg+xml", page!("icon.svg")),
        "/main.js" => (SCRIPT, page!("main.js")),
        "/app.js" => (SCRIPT, page!("app.js")),
        "/panels.js" => (SCRIPT, page!("panels.js")),
        "/side.js" => (SCRIPT, page!("side.js")),
        "/picker.js" => (SCRIPT, page!("picker.js")),
        "/engine.js" => (SCRIPT, page!("engine.js")),
        "/frame.js" => (SCRIPT, page!("frame.js")),
        "/course.js" => (SCRIPT, page!("course.js")),
        "/picture.js" => (SCRIPT, page!("picture.js")),
        "/vessels.js" => (SCRIPT, page!("vessels.js")),
        "/strip.js" => (SCRIPT, page!("strip.js")),
        "/unpack.js" => (SCRIPT, page!("unpack.js")),
        "/words.js" => (SCRIPT, page!("words.js")),
        "/dom.js" => (SCRIPT, page!("dom.js")),
        "/levers.js" => (SCRIPT, page!("levers.js")),
        "/treatments.js" => (SCRIPT, page!("treatments.js")),
        "/why.js" => (SCRIPT, page!("why.js")),
        "/lessons.js" => (SCRIPT, page!("lessons.js")),
        "/classroom.js" => (SCRIPT, page!("classroom.js")),
        "/files.js" => (SCRIPT, page!("files.js")),
        "/gif.js" => (SCRIPT, page!("gif.js")),
        "/share.js" => (SCRIPT, page!("share.js")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_that_a_script_imports_is_served_and_nothing_else() {
        for name in [
            "main",
            "app",
            "panels",
            "side",
            "course",
            "lessons",
            "files",
            "picker",
            "why",
            "treatments",
            "engine",
        ] {
            let text = find(&format!("/{name}.js")).map_or("", |asset| asset.1);
            for line in text
                .lines()
                .filter(|line| line.starts_with("import ") || line.starts_with("} from "))
            {
                let Some(path) = line.split('"').nth(1) else { continue };
                assert!(find(path.trim_start_matches('.')).is_some(), "{name}.js: {line}");
            }
        }
        for path in [
            "/../Cargo.toml",
            "/..%2fCargo.toml",
            "//etc/passwd",
            "/words.js/",
            "",
            "main.js",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
