#!/usr/bin/env node
// Screenshots of every screen of docs/calcisim.html, to be looked at; and the pictures of docs/gallery.md that a browser makes.
//
//     node web/screens.mjs FOLDER                 every screen, both languages, 1280 × 720 and a tablet
//     node web/screens.mjs --gallery              docs/pictures/page-why-en.jpg and page-compare-zh.jpg
//     node web/screens.mjs --file PAGE.html PNG   the upper part of a report: from its first heading on
//
// It needs playwright-core (npm ci in web/) and Chromium.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { browser, choose, missing, OFFLINE, openPage, ROOT, toDay } from "./tests/helper.mjs";

const SIZES = { wide: { width: 1280, height: 720 }, tablet: { width: 820, height: 1180 } };

const idle = (page) => page.waitForFunction(() => !window.calcisim.app.isBusy && !window.calcisim.app.isPlaying);
const settle = async (page) => {
  await idle(page);
  await page.evaluate(() => new Promise((done) => { window.calcisim.app.tell("time"); setTimeout(done, 400); }));
};

/** A site with a lesion, and a second arm where asked. */
async function lesion(page, day, compare) {
  await choose(page, "cua_warfarin");
  await toDay(page, compare ? 10 : day);
  if (compare) {
    await page.click("#compare");
    await page.waitForFunction(() => window.calcisim.app.arms.length === 2 && !window.calcisim.app.isBusy);
    await page.click("#tab-change");
    await page.selectOption("#treat-kind", "anticoagulant");
    await page.click("#treat-add");
    await page.waitForFunction(() => window.calcisim.app.arms[1].history.length === 1 && !window.calcisim.app.isBusy);
    await toDay(page, day);
  }
  await settle(page);
}

/** Screens in the order in which a person meets them. */
const SCREENS = {
  picker: async (page) => { if (!(await page.locator("#picker[open]").count())) await page.click("#open-picker"); await page.locator(".card details").first().locator("summary").click(); },
  look: (page) => lesion(page, 23, false),
  inspect: async (page) => {
    await page.evaluate(() => {
      const { app, panels } = window.calcisim;
      const { frame, geometry } = app.arms[0].course.at(app.cursor);
      let worst = 0;
      for (let s = 1; s < frame.segmentCount; s += 1) if (frame.segments[6 * s + 2] * geometry.radius[s] > frame.segments[6 * worst + 2] * geometry.radius[worst]) worst = s;
      const place = [0, 1].map((axis) => geometry.ends?.[4 * worst + axis] ?? (axis === 0 ? geometry.width : geometry.height) / 2);
      panels.point(0, place);
    });
    await settle(page);
  },
  change: async (page) => { await page.click("#tab-change"); await settle(page); },
  biopsy: async (page) => { await page.click("#tab-biopsy"); await page.click("#biopsy-take"); await page.waitForSelector("#biopsy-result .verdict"); await page.click("#lottery-take"); await page.waitForSelector("#lottery-result p"); await settle(page); },
  why: async (page) => { await toDay(page, 25); await page.click("#tab-why"); await page.waitForSelector(".links li"); await settle(page); },
  learn: async (page) => { await page.click("#tab-learn"); await settle(page); },
  lesson: async (page) => { await page.click("[data-lesson=the_clot]"); await page.click("#lesson-next"); await page.click("#lesson-show"); await idle(page); await settle(page); },
  class: async (page) => { await page.click("#tab-class"); await settle(page); },
  arms: (page) => lesion(page, 25, true),
  keys: async (page) => { await page.click("#help"); },
};

async function everything(folder) {
  mkdirSync(folder, { recursive: true });
  const running = await browser();
  for (const language of ["en", "zh"]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const { page, context, faults } = await openPage(running, `${OFFLINE}?lang=${language}`, { viewport, hasTouch: size === "tablet" });
      for (const [name, go] of Object.entries(SCREENS)) {
        await go(page);
        await page.screenshot({ path: join(folder, `${language}-${size}-${name}.png`), fullPage: size === "tablet" && name !== "picker" && name !== "keys" });
      }
      if (faults.length > 0) console.log(`${language} ${size}: ${faults.join("; ")}`);
      await context.close();
    }
  }
  await running.close();
}

async function gallery() {
  const running = await browser();
  for (const [language, compare, name] of [["en", false, "page-why-en"], ["zh", true, "page-compare-zh"]]) {
    const { page, context } = await openPage(running, `${OFFLINE}?lang=${language}`);
    await lesion(page, 25, compare);
    if (!compare) await SCREENS.why(page);
    await settle(page);
    await page.screenshot({ path: join(ROOT, "docs", "pictures", `${name}.jpg`), type: "jpeg", quality: 78 });
    await context.close();
  }
  await running.close();
}

async function report(file, out) {
  const running = await browser();
  const page = await (await running.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
  await page.goto(pathToFileURL(file).href);
  const top = await page.locator("#effects").evaluate((element) => element.getBoundingClientRect().top);
  await page.screenshot({ path: out, clip: { x: 0, y: top, width: 1000, height: 1100 }, fullPage: true });
  await running.close();
}

const why = await missing();
if (why) {
  console.error(why);
  process.exit(5);
}
const [first, ...rest] = process.argv.slice(2);
if (first === "--gallery") await gallery();
else if (first === "--file" && rest.length === 2) await report(rest[0], rest[1]);
else if (first && !first.startsWith("-")) await everything(first);
else {
  console.error("node web/screens.mjs FOLDER | --gallery | --file PAGE.html PNG");
  process.exit(2);
}
