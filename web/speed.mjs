#!/usr/bin/env node
// What the engine inside docs/calcisim.html costs under Node: processor seconds, not the clock, so that a busy machine matters less.
//
//     node web/speed.mjs [--days N] [--engine FILE.wasm]      prints one JSON object a line
//
// A page shows one frame for every six steps, as its control of speed begins; its drawing is not in these numbers.

import { readFileSync } from "node:fs";
import { committedEngine } from "./build.mjs";

const words = process.argv.slice(2);
const option = (name, usual) => (words.includes(name) ? words[words.indexOf(name) + 1] : usual);
const days = Number(option("--days", "30"));
const file = option("--engine", "");

/** Processor seconds of this process so far. */
const spent = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const began = spent();
const bytes = file ? readFileSync(file) : committedEngine();
const unpacked = spent();
const { instance } = await WebAssembly.instantiate(bytes, {});
const compiled = spent();
const engine = instance.exports;
const memory = (place, length) => Buffer.from(engine.memory.buffer, place, length);

/** Asks a page of the engine; gives the text that ends the answer. */
function ask(page, request) {
  const text = Buffer.from(JSON.stringify(request));
  const place = engine.calcisim_alloc(text.length);
  text.copy(memory(place, text.length));
  const count = engine.calcisim_ask(page, place, text.length);
  engine.calcisim_free(place, text.length);
  const length = engine.calcisim_message_len(page, count - 1);
  const answer = JSON.parse(memory(engine.calcisim_message(page, count - 1), -length).toString());
  if (answer.is === "error") throw new Error(answer.message);
  return answer;
}

console.log(JSON.stringify({ engine: "wasm", what: "unpack", value: +(unpacked - began).toFixed(3), unit: "s" }));
console.log(JSON.stringify({ engine: "wasm", what: "compile", value: +(compiled - unpacked).toFixed(3), unit: "s" }));
for (const size of ["classroom", undefined]) {
  const page = engine.calcisim_page();
  let mark = spent();
  const opened = ask(page, { do: "open", scenario: "cua_warfarin", size, seed: 1, days });
  console.log(JSON.stringify({ engine: "wasm", size: size ?? "default", what: "open and first frame", value: +(spent() - mark).toFixed(3), unit: "s" }));
  mark = spent();
  let answer = opened;
  while (answer.step < opened.last_step) answer = ask(page, { do: "advance", branch: 0, steps: Math.min(6, opened.last_step - answer.step) });
  const cost = spent() - mark;
  console.log(JSON.stringify({ engine: "wasm", size: size ?? "default", what: "advance", days, value: +(days / cost).toFixed(2), unit: "days/s of processor", frames_per_s: +((4 * days) / cost).toFixed(1), hash: answer.hash }));
}
