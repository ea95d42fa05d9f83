// The table of words: whole in both languages, every key used, every used key there.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { WORDS } from "../page/words.js";

const PAGE = join(dirname(fileURLToPath(import.meta.url)), "..", "page");
const scripts = readdirSync(PAGE).filter((name) => name.endsWith(".js") && name !== "words.js").map((name) => readFileSync(join(PAGE, name), "utf8")).join("\n");

test("every key has both languages, with the same values in them", () => {
  for (const [key, pair] of Object.entries(WORDS)) {
    assert.equal(pair.length, 2, key);
    const values = pair.map((text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort().join());
    assert.equal(values[0], values[1], key);
    assert.ok(pair.every((text) => text.trim().length > 0), key);
  }
});

test("every key that a script names is in the table", () => {
  const prefixes = [...new Set(Object.keys(WORDS).map((key) => key.split(".")[0]))].join("|");
  const named = [...scripts.matchAll(new RegExp(`"((?:${prefixes})\\.[a-z_.-]+)"`, "g"))].map((found) => found[1]);
  const notWords = /^(?:host|mechanisms)\./;
  const missing = [...new Set(named)].filter((key) => !(key in WORDS) && !notWords.test(key) && !key.endsWith("."));
  assert.deepEqual(missing, []);
});

test("no key is in the table that nobody uses", () => {
  const built = [...scripts.matchAll(/`([a-z.]+\.)(?:[a-z.]*)\$\{/g)].map((found) => found[1]);
  const unused = Object.keys(WORDS).filter((key) => !scripts.includes(`"${key}"`) && !built.some((prefix) => key.startsWith(prefix)) && !key.startsWith("host."));
  assert.deepEqual(unused, []);
});
