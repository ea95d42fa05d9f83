#!/usr/bin/env node
// Runs a scenario in the wasm engine and prints its state_hash: the same 16 digits as `calcisim run`, or something is wrong.
//
//     node web/hash.mjs SCENARIO --days N [--seed S]
//
// SCENARIO is a path or the name of a shipped scenario; what it extends comes from the shipped scenarios.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const USAGE = "usage: node web/hash.mjs SCENARIO --days N [--seed S]";
const TARGET = "wasm32-unknown-unknown";
const BUILD = `cargo build --release -p calcisim-engine --target ${TARGET}`;
// Exit codes of the command line (CONTRACT section 3).
const [OUR_FAULT, WRONG_USE, WRONG_INPUT, NO_FILE, NO_TOOL] = [1, 2, 3, 4, 5];

function stop(code, message) {
  console.error(`error: ${message}`);
  process.exit(code);
}

function readArguments(words) {
  const options = { seed: -1n };
  const value = (word) => words.shift() ?? stop(WRONG_USE, `${word} needs a value\n       ${USAGE}`);
  while (words.length > 0) {
    const word = words.shift();
    if (word === "--days") {
      options.days = Number(value(word));
      if (!(Number.isFinite(options.days) && options.days >= 0)) stop(WRONG_USE, `--days: expected a number of days ≥ 0`);
    } else if (word === "--seed") {
      const digits = value(word);
      if (!/^\d{1,18}$/.test(digits)) stop(WRONG_USE, `--seed ${digits}: expected a whole number ≥ 0`);
      options.seed = BigInt(digits);
    } else if (word === "--help" || word === "-h") {
      console.log(USAGE);
      process.exit(0);
    } else if (word.startsWith("-") || options.scenario !== undefined) {
      stop(WRONG_USE, `${word}: not understood\n       ${USAGE}`);
    } else {
      options.scenario = word;
    }
  }
  if (options.scenario === undefined || options.days === undefined) stop(WRONG_USE, USAGE);
  return options;
}

function wasmFile() {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const target = process.env.CARGO_TARGET_DIR || join(root, "target");
  const file = join(target, TARGET, "release", "calcisim_engine.wasm");
  if (!existsSync(file)) stop(NO_TOOL, `there is no engine at ${file}\n       build it: ${BUILD}`);
  return file;
}

const { scenario, days, seed } = readArguments(process.argv.slice(2));
const { instance } = await WebAssembly.instantiate(readFileSync(wasmFile()), {});
const engine = instance.exports;
const bytes = (place, length) => new Uint8Array(engine.memory.buffer, place, length);

// A fault of the scenario, or of the engine itself when `trap` is what it threw.
function fault(trap) {
  const words = new TextDecoder().decode(bytes(engine.calcisim_error_ptr(), engine.calcisim_error_len()));
  stop(trap ? OUR_FAULT : WRONG_INPUT, words || String(trap));
}

function guarded(call) {
  try {
    return call();
  } catch (trap) {
    return fault(trap);
  }
}

// As on the command line: a bare name means a shipped scenario, anything else a file.
const isPath = /[/\\]/.test(scenario) || /\.\w+$/.test(scenario);
let text = scenario;
if (isPath) {
  try {
    text = readFileSync(scenario, "utf8");
  } catch {
    stop(NO_FILE, `${scenario} cannot be read`);
  }
}
const written = new TextEncoder().encode(text);
const place = engine.calcisim_alloc(written.length);
bytes(place, written.length).set(written);
const make = isPath ? engine.calcisim_new : engine.calcisim_load;
const run = guarded(() => make(place, written.length, seed));
engine.calcisim_free(place, written.length);
if (run === 0) fault();
if (guarded(() => engine.calcisim_run_to_day(run, days)) !== 0) fault();
console.log(BigInt.asUintN(64, engine.calcisim_hash(run)).toString(16).padStart(16, "0"));
