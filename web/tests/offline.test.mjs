// The offline file in a browser: everything that a class does with it, from file://, without a network.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { browser, choose, missing, OFFLINE, openPage, program, ROOT, toDay } from "./helper.mjs";

const skip = (await missing()) || false;
let running;
let opened;
const state = (page, what) => page.evaluate(what);

before(async () => {
  if (skip) return;
  running = await browser();
  opened = await openPage(running, `${OFFLINE}?lang=en`);
});
after(async () => running?.close());

test("the file is at most one megabyte and asks for nothing but itself", { skip }, async () => {
  assert.ok(readFileSync(`${ROOT}/docs/calcisim.html`).length <= 1_000_000);
  assert.deepEqual(opened.requests.filter((url) => !url.startsWith("file:") && !url.startsWith("blob:") && !url.startsWith("data:")), []);
});

test("a scenario opens with its first picture", { skip, timeout: 120_000 }, async () => {
  await choose(opened.page, "cua_warfarin");
  const { kind, day } = await state(opened.page, () => ({ kind: window.calcisim.app.hello.engine, day: window.calcisim.app.day }));
  assert.deepEqual([kind, day], ["wasm", 0]);
  assert.match(await opened.page.textContent("#engine-kind"), /WebAssembly/);
});

test("play moves the day and pause keeps it; the past is not computed again", { skip, timeout: 180_000 }, async () => {
  const { page } = opened;
  await page.click("#play");
  await page.waitForFunction(() => window.calcisim.app.day >= 12);
  await page.click("#play");
  await page.waitForFunction(() => !window.calcisim.app.isPlaying);
  const before = await state(page, async () => {
    const { course } = window.calcisim.app.arms[0];
    // What was under way when the pause came is done first.
    await course.queue;
    window.asked = 0;
    const { ask } = course.engine;
    course.engine.ask = (request) => { window.asked += 1; return ask(request); };
    return course.branch.latest;
  });
  await page.locator("#scrub").focus();
  await page.keyboard.press("Home");
  assert.equal(await state(page, () => window.calcisim.app.cursor), 0);
  await toDay(page, 8);
  assert.equal(await state(page, () => window.asked), 0, "going back asks the engine for nothing");
  assert.equal(await state(page, () => window.calcisim.app.arms[0].course.branch.latest), before);
});

test("a lever forks the course: the old one stays as a ghost, the outcome differs", { skip, timeout: 240_000 }, async () => {
  const { page } = opened;
  await toDay(page, 14);
  await toDay(page, 12);
  await page.click("#tab-change");
  await page.fill("#lever-phosphate_mmol_per_l + * , input[type=number][aria-label^=phosphate]", "3.1");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => window.calcisim.app.arms[0].history.length === 1 && !window.calcisim.app.isBusy);
  await toDay(page, 14);
  const [ghosts, host, hashes] = await state(page, () => {
    const { course } = window.calcisim.app.arms[0];
    const { branch } = course;
    const parent = course.branches.get(branch.parent[0]);
    return [course.ghosts().length, branch.host.phosphate_mmol_per_l, [parent, branch].map((one) => one.hashes.get(14 * 24))];
  });
  assert.deepEqual([ghosts, host], [1, 3.1]);
  assert.ok(hashes.every((hash) => /^[0-9a-f]{16}$/.test(hash)) && hashes[0] !== hashes[1], hashes.join());
});

test("two arms share the site: the same bits until one is changed", { skip, timeout: 240_000 }, async () => {
  const { page } = opened;
  await choose(page, "cua_warfarin");
  await toDay(page, 11);
  await page.click("#compare");
  await page.waitForFunction(() => window.calcisim.app.arms.length === 2 && !window.calcisim.app.isBusy);
  const hashes = () => state(page, () => window.calcisim.app.arms.map((arm) => arm.course.at(window.calcisim.app.cursor).frame.hash));
  const same = await hashes();
  assert.equal(same[0], same[1]);
  await page.click("#tab-change");
  await page.selectOption("#treat-kind", "msc_intradermal");
  await page.click("#treat-add");
  await page.waitForFunction(() => window.calcisim.app.arms[1].history.length === 1 && !window.calcisim.app.isBusy);
  await toDay(page, 14);
  const other = await hashes();
  assert.notEqual(other[0], other[1]);
  assert.equal(await page.locator(".panel").count(), 4, "A, B, their difference, B through a second lens");
});

test("every lens draws something else", { skip, timeout: 180_000 }, async () => {
  const { page } = opened;
  await choose(page, "cua_warfarin");
  await toDay(page, 13);
  const seen = new Set();
  for (const lens of ["he", "vk", "alizarin", "section", "oxygen", "phosphate", "damage", "mineral"]) {
    await page.selectOption(".panel:first-child select.lens", lens);
    await page.waitForFunction((wanted) => {
      const { app, panels } = window.calcisim;
      const isStain = ["he", "vk", "alizarin", "section"].includes(wanted);
      return app.lens === wanted && (!isStain || panels.ground(0, wanted) !== null);
    }, lens);
    await page.waitForTimeout(150);
    seen.add(await state(page, () => { window.calcisim.panels.draw(); return window.calcisim.panels.panels[0].base.toDataURL(); }));
  }
  assert.equal(seen.size, 8);
});

test("a biopsy has two slides and three verdicts, the lottery five hundred tickets", { skip, timeout: 180_000 }, async () => {
  const { page } = opened;
  await page.keyboard.press("Escape");
  await page.click("#tab-biopsy");
  await page.click("#biopsy-take");
  await page.waitForSelector("#biopsy-result .verdict");
  assert.equal(await page.locator("#biopsy-result canvas").count(), 2);
  assert.equal(await page.locator("#biopsy-result .verdict").count(), 3);
  await page.click("#lottery-take");
  await page.waitForSelector("#lottery-result p");
  assert.match(await page.textContent("#lottery-result"), /of 500/);
});

test("«why» walks back to an exposure, and undoing it is a counterfactual", { skip, timeout: 400_000 }, async () => {
  const { page } = opened;
  await toDay(page, 24);
  await page.click("#tab-why");
  await page.waitForSelector(".links li");
  const links = await page.locator(".links li").allTextContents();
  assert.ok(links.length >= 2, links.join(" | "));
  assert.match(links.at(-1), /exposure/);
  await page.locator(".links li .undo").last().click();
  await page.waitForFunction(() => window.calcisim.app.undone !== null && !window.calcisim.app.isBusy);
  await page.waitForSelector(".verdict-box");
  assert.match(await page.textContent(".verdict-box"), /In this model, on day 24/);
});

test("a lesson brings its picture, its task and its answer", { skip, timeout: 300_000 }, async () => {
  const { page } = opened;
  await page.click("#tab-learn");
  assert.ok((await page.locator(".lesson-card").count()) >= 5);
  await page.click("[data-lesson=what_is_calciphylaxis]");
  await page.click("#lesson-next");
  await page.click("#lesson-show");
  await page.waitForFunction(() => window.calcisim.app.day === 10 && !window.calcisim.app.isBusy);
  assert.equal(await state(page, () => window.calcisim.app.lens), "vk");
  assert.match(await page.textContent("#pane"), /Task/);
});

test("a class: a seat is a seed, the end shows a code, codes draw a histogram", { skip, timeout: 400_000 }, async () => {
  const { page } = opened;
  await page.evaluate(() => window.calcisim.app.open({ scenario: "cua_warfarin", size: "classroom", seed: 5, days: 12 }));
  await page.click("#tab-class");
  await page.fill("#seat", "7");
  await page.click("#take-seat");
  await page.waitForFunction(() => window.calcisim.app.arms[0].course.info.seed === 7 && !window.calcisim.app.isBusy);
  await toDay(page, 12);
  const code = await page.textContent("#code-0");
  assert.match(code, /^[0-9A-HJKMNP-TV-Z]{12}$/);
  await page.fill("#codes", `${code}, nonsense; ${code.toLowerCase()}`);
  await page.click("#draw-codes");
  assert.match(await page.textContent("#class-result"), /1 codes, 1 not understood/);
});

test("what is saved can be read again", { skip, timeout: 300_000 }, async () => {
  const { page } = opened;
  const saved = async (id) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export-word").then(() => page.click(id))]);
    return readFileSync(await download.path());
  };
  const png = await saved("#save-png");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  const csv = (await saved("#save-csv")).toString().trim().split("\n");
  assert.equal(csv[0].split(",").slice(0, 3).join(), "arm,t_d,perfused_fraction");
  assert.ok(csv.every((line) => line.split(",").length === csv[0].split(",").length));
  const events = (await saved("#save-events")).toString();
  assert.match(events, /^arm,id,t_d,kind/);
  const gif = await saved("#save-gif");
  assert.equal(gif.subarray(0, 6).toString(), "GIF89a");
  assert.equal(gif.at(-1), 0x3b);
  const toml = (await saved("#save-toml")).toString();
  assert.match(toml, /name = "cua_warfarin"/);
  assert.match(toml, /seed = 7/);
});

test("the state after 30 days is that of the command line", { skip: skip || (program() ? false : "calcisim was not built"), timeout: 500_000 }, async () => {
  const { page } = opened;
  await page.evaluate(() => window.calcisim.app.open({ scenario: "cua_warfarin", size: "classroom", seed: 1, days: 30 }));
  await toDay(page, 30);
  const hash = await page.getAttribute("#hash", "data-hash");
  const places = ["space.width_mm=3.0", "space.depth_mm=6.0", "space.voxel_um=40.0", "challenge.bruise.x_mm=1.5"].flatMap((set) => ["--set", set]);
  const out = execFileSync(program(), ["run", "cua_warfarin", "--days", "30", "--seed", "1", "--json", "-q", "--out", `${process.env.TMPDIR ?? "/tmp"}/calcisim-page-${process.pid}`, ...places], { cwd: ROOT });
  assert.equal(hash, JSON.parse(out).state_hash);
});

test("the other language has no word left over, and the share link brings the state back", { skip, timeout: 300_000 }, async () => {
  const { page } = opened;
  await page.click("#language");
  assert.match(await page.textContent("#footer"), /仅供教学/);
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans");
  await toDay(page, 9);
  const link = await state(page, () => window.calcisim.link());
  const second = await openPage(running, link);
  await second.page.waitForFunction(() => window.calcisim.app.arms.length === 1 && window.calcisim.app.day === 9);
  assert.match(await second.page.textContent("#footer"), /仅供教学/);
  assert.deepEqual(second.faults, []);
  await second.context.close();
  await page.click("#language");
});

test("everything is reached by keys", { skip, timeout: 300_000 }, async () => {
  const { page } = opened;
  await page.evaluate(() => window.calcisim.app.open({ scenario: "cua_warfarin", size: "classroom", seed: 2, days: 20 }));
  await page.locator("body").click({ position: { x: 640, y: 20 } });
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => window.calcisim.app.cursor > 0);
  await page.keyboard.press("Shift+ArrowRight");
  await page.waitForFunction(() => window.calcisim.app.cursor >= 60 && !window.calcisim.app.isBusy);
  const lens = await state(page, () => window.calcisim.app.lens);
  await page.keyboard.press("l");
  assert.notEqual(await state(page, () => window.calcisim.app.lens), lens);
  await page.keyboard.press("1");
  assert.equal(await state(page, () => window.calcisim.app.overlays.vessels), false);
  await page.keyboard.press("1");
  await page.keyboard.press("Alt+4");
  assert.equal(await page.getAttribute("#tab-why", "aria-selected"), "true");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getAttribute("#tab-learn", "aria-selected"), "true");
  await page.locator(".panel:first-child .over").focus();
  await page.keyboard.press("ArrowDown");
  assert.ok(await state(page, () => window.calcisim.app.cross !== null));
  await page.keyboard.press("?");
  assert.equal(await page.locator("#keys[open]").count(), 1);
  await page.keyboard.press("Escape");
});

test("axe finds nothing, in both languages", { skip, timeout: 300_000 }, async () => {
  const { page } = opened;
  const axe = readFileSync(`${ROOT}/web/node_modules/axe-core/axe.min.js`, "utf8");
  for (const tab of ["look", "change", "biopsy", "why", "learn", "class"]) {
    await page.click(`#tab-${tab}`);
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await window.axe.run(document)).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`));
    assert.deepEqual(found, [], tab);
  }
});

test("the page fits 1280 × 720 without scrolling, and a canvas without WebGL draws too", { skip, timeout: 300_000 }, async () => {
  const { page } = opened;
  const [tall, wide] = await state(page, () => [document.documentElement.scrollHeight, document.documentElement.scrollWidth]);
  assert.ok(tall <= 720 && wide <= 1280, `${wide} × ${tall}`);
  const plain = await openPage(running, `${OFFLINE}?canvas&lang=en`, { reducedMotion: "reduce" });
  await choose(plain.page, "cua_warfarin");
  assert.equal(await plain.page.evaluate(() => window.calcisim.panels.panels[0].picture.kind), "canvas");
  await toDay(plain.page, 1);
  assert.deepEqual(plain.faults, []);
  await plain.context.close();
});

test("nothing went wrong on the way", { skip }, () => {
  assert.deepEqual(opened.faults, []);
});
