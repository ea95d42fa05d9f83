#!/usr/bin/env node
// Builds docs/calcisim.html: the page and the engine in one file that needs no network.
//
//     node web/build.mjs            build the engine and write the file
//     node web/build.mjs --page     keep the engine that the file has, renew its page and lessons
//     node web/build.mjs --check    say whether the file is stale, build nothing; exit 1 when it is
//
// The file is stale when its page differs from web/page, lessons/ and web/scenarios_zh.toml. Whether its engine still gives the state of the native one is a test
// (web/tests/offline.test.mjs): bytes of an engine differ between compilers, its bits must not.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { fromText, SIGNS, unpack } from "./page/unpack.js";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const PAGE = join(ROOT, "web", "page");
const LESSONS = join(ROOT, "lessons");
const SCENARIOS_ZH = join(ROOT, "web", "scenarios_zh.toml");
const FILE = join(ROOT, "docs", "calcisim.html");
const TARGET = "wasm32-unknown-unknown";
const MOST_BYTES = 1_000_000;
const POLICY = "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: blob:";

const read = (name) => readFileSync(join(PAGE, name), "utf8");

/** Scripts in an order in which each comes after what it imports, each as a function that gives its exports. */
function bundle(entry) {
  const order = [];
  const seen = new Map();
  const visit = (name, chain) => {
    if (chain.includes(name)) throw new Error(`scripts import each other in a circle: ${[...chain, name].join(" → ")}`);
    if (seen.has(name)) return;
    const text = read(name);
    const imports = [...text.matchAll(/^import \{([^}]*)\} from "\.\/([\w-]+\.js)";$/gm)];
    for (const [, , from] of imports) visit(from, [...chain, name]);
    seen.set(name, text);
    const exported = [...text.matchAll(/^export (?:async )?(?:function|const|let|class) (\w+)/gm)].map((found) => found[1]);
    const body = text
      .replace(/^import \{([^}]*)\} from "\.\/([\w-]+\.js)";$/gm, (_, names, from) => `const {${names}} = modules[${JSON.stringify(from)}];`)
      .replace(/^export (?=(?:async )?(?:function|const|let|class) )/gm, "");
    if (/^(?:import|export) /m.test(body)) throw new Error(`${name}: an import or export that this builder does not know`);
    order.push(`modules[${JSON.stringify(name)}] = (() => {\n${body}\nreturn { ${exported.join(", ")} };\n})();`);
  };
  visit(entry, []);
  return `"use strict";\nconst modules = {};\n${order.join("\n")}`;
}

/** Comments and indentation out of a script: the whole text is in the repository. */
function leaner(script) {
  const lines = script.split("\n").filter((line) => !/^\s*\/\//.test(line)).map((line) => line.replace(/^ +/, (indent) => " ".repeat(indent.length / 2)));
  return lines.join("\n").replace(/^\s*\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n/gm, "");
}

/** A file of texts: of TOML only tables, texts, numbers and lists of texts. */
function toml(path, root = {}) {
  const text = readFileSync(path, "utf8");
  let table = root;
  const at = (path, isList) => {
    let here = root;
    path.forEach((key, i) => {
      const last = i === path.length - 1;
      if (last && isList) (here[key] ??= []).push({});
      else here[key] ??= {};
      here = Array.isArray(here[key]) ? here[key].at(-1) : here[key];
    });
    return here;
  };
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i].trim();
    if (line === "" || line.startsWith("#")) continue;
    const head = /^(\[\[?)([\w.]+)\]\]?$/.exec(line);
    if (head) {
      table = at(head[2].split("."), head[1] === "[[");
      continue;
    }
    const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
    if (!key) throw new Error(`${path}:${i + 1}: not understood`);
    if (value === '"""') {
      const end = lines.indexOf('"""', i + 1);
      table[key] = `${lines.slice(i + 1, end).join("\n")}\n`;
      i = end;
    } else if (value === "[") {
      const end = lines.indexOf("]", i + 1);
      table[key] = JSON.parse(`[${lines.slice(i + 1, end).join("").replace(/,\s*$/, "")}]`);
      i = end;
    } else {
      table[key] = JSON.parse(value);
    }
  }
  return root;
}

/** Names of the lessons in the order of src/view/lessons.rs. */
function lessonNames() {
  const order = readFileSync(join(ROOT, "src", "view", "lessons.rs"), "utf8");
  const names = [...order.matchAll(/\(\s*"(\w+)",\s*include_str/g)].map((found) => found[1]);
  if (names.length !== readdirSync(LESSONS).length) throw new Error("src/view/lessons.rs does not list every file of lessons/");
  return names;
}

/** Lessons, and the words of scenarios in Chinese, as the page reads them. */
function texts() {
  const lessons = lessonNames().map((name) => toml(join(LESSONS, `${name}.toml`), { id: name }));
  return Buffer.from(JSON.stringify({ lessons, scenarios_zh: toml(SCENARIOS_ZH) }));
}

/** The page with the engine and the texts in it, both packed. */
function page(engine, texts) {
  const script = leaner(bundle("main.js")).replaceAll("</script", "<\\/script");
  // A script that is no script is found here, not in a classroom.
  new Script(script);
  const icon = `data:image/svg+xml,${encodeURIComponent(read("icon.svg").trim())}`;
  return read("index.html")
    .replace('<meta charset="utf-8">', () => `<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="${POLICY}">`)
    .replace(/<link rel="icon"[^>]*>/, () => `<link rel="icon" href="${icon}">`)
    .replace('<link rel="stylesheet" href="style.css">', () => `<style>\n${read("style.css")}</style>`)
    .replace('<script type="module" src="main.js"></script>', () =>
      `<script type="application/json" id="boot">null</script>\n<script type="text/plain" id="texts">${texts}</script>\n<script type="text/plain" id="engine">${engine}</script>\n<script>\n${script}\n</script>`);
}

/** What a page holds packed: `engine` or `texts`. */
function partOf(html, id) {
  return new RegExp(`<script type="text/plain" id="${id}">([^<]*)</script>`).exec(html)?.[1] ?? "";
}

/** The engine inside docs/calcisim.html. */
export function committedEngine() {
  return unpack(fromText(partOf(readFileSync(FILE, "utf8"), "engine")));
}

/** Bytes as a text of 85 signs, see web/page/unpack.js. */
function toText(bytes) {
  const spare = (4 - (bytes.length % 4)) % 4;
  const whole = Buffer.concat([bytes, Buffer.alloc(spare)]);
  let text = SIGNS[spare];
  for (let at = 0; at < whole.length; at += 4) {
    let x = whole.readUInt32BE(at);
    let five = "";
    for (let i = 0; i < 5; i += 1) {
      five = SIGNS[x % 85] + five;
      x = Math.floor(x / 85);
    }
    text += five;
  }
  return text;
}

/** LZMA by the tool xz, as a text. */
export function pack(bytes) {
  const zipped = execFileSync("xz", ["--format=lzma", "--lzma1=preset=9e,lc=4,pb=0", "--stdout"], { input: bytes, maxBuffer: 1 << 26 });
  const text = toText(zipped);
  if (Buffer.compare(Buffer.from(unpack(fromText(text))), bytes) !== 0) throw new Error("what was packed does not unpack to itself");
  return text;
}

function build() {
  // No path of the machine that built it.
  const registry = join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "registry", "src");
  const folders = existsSync(registry) ? readdirSync(registry) : [];
  const flags = ["-C target-feature=+simd128", ...folders.map((name) => `--remap-path-prefix=${join(registry, name)}=crates`)].join(" ");
  execFileSync("cargo", ["build", "--profile", "page", "-p", "calcisim-engine", "--target", TARGET], { cwd: ROOT, stdio: "inherit", env: { ...process.env, CARGO_INCREMENTAL: "0", RUSTFLAGS: flags } });
  const target = process.env.CARGO_TARGET_DIR || join(ROOT, "target");
  return readFileSync(join(target, TARGET, "page", "calcisim_engine.wasm"));
}

function main() {
  const old = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";
  if (process.argv.includes("--check")) {
    // Texts are compared unpacked: another xz may pack them otherwise.
    const [engine, packed] = [partOf(old, "engine"), partOf(old, "texts")];
    const isFresh = engine.length > 0 && packed.length > 0 && page(engine, packed) === old && Buffer.compare(Buffer.from(unpack(fromText(packed))), texts()) === 0;
    console.log(isFresh ? "docs/calcisim.html has the page of web/page and lessons/" : "docs/calcisim.html is stale: run node web/build.mjs");
    process.exit(isFresh ? 0 : 1);
  }
  // `--page` keeps the engine that the file has.
  const engine = process.argv.includes("--page") ? partOf(old, "engine") : pack(build());
  const html = page(engine, pack(texts()));
  const size = Buffer.byteLength(html);
  if (size > MOST_BYTES) throw new Error(`docs/calcisim.html would have ${size} bytes: ${MOST_BYTES} at most`);
  writeFileSync(`${FILE}.new`, html);
  renameSync(`${FILE}.new`, FILE);
  console.log(`docs/calcisim.html: ${size} bytes, ${engine.length} of them the engine`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
