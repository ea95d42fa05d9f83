// A headless browser and the page in it. Without playwright-core or a browser the tests say so and are skipped.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const OFFLINE = pathToFileURL(join(ROOT, "docs", "calcisim.html")).href;
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Why the browser cannot be had; empty when it can. */
export async function missing() {
  if (!existsSync(CHROMIUM)) return `no browser at ${CHROMIUM}: apt-get install chromium`;
  try {
    await import("playwright-core");
    return "";
  } catch {
    return "no playwright-core: npm ci in web/";
  }
}

export async function browser() {
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS, headless: true });
}

/** A page that has begun; faults on it and requests to elsewhere are collected. */
export async function openPage(running, address, options = {}) {
  const context = await running.newContext({ viewport: { width: 1280, height: 720 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const faults = [];
  const requests = [];
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(address);
  await page.waitForFunction(() => document.body.dataset.ready !== undefined);
  return { page, context, faults, requests };
}

/** Chooses a scenario at classroom size; the seed is that of the lessons, a site that dies from day 22 on. */
export async function choose(page, name, { size = "classroom", seed = 5 } = {}) {
  if (!(await page.locator("#picker[open]").count())) await page.click("#open-picker");
  await page.selectOption("#picker-size", size);
  await page.fill("#picker-seed", String(seed));
  await page.click(`[data-scenario=${name}]`);
  await page.waitForFunction(() => window.calcisim.app.arms.length > 0 && !window.calcisim.app.isBusy);
}

/** Brings the page to a day. */
export async function toDay(page, day) {
  await page.evaluate(async (wanted) => {
    const { app } = window.calcisim;
    await app.show(wanted * app.perDay);
  }, day);
}

/** The binary of the command line; empty when it was not built. */
export function program() {
  const target = process.env.CARGO_TARGET_DIR || join(ROOT, "target");
  const path = join(target, "release", "calcisim");
  return existsSync(path) ? path : "";
}

/** A server of the page: its address, and a way to end it. */
export function serve(args = []) {
  const child = spawn(program(), ["view", "--no-open", ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => { child.kill(); reject(new Error(`no address: ${text}`)); }, 60_000);
    child.stdout.on("data", (bytes) => {
      text += bytes;
      const found = /http:\/\/[\d.:]+\//.exec(text);
      if (!found) return;
      clearTimeout(timer);
      resolve({ address: found[0], pid: child.pid, end: () => child.kill("SIGTERM") });
    });
    child.stderr.on("data", (bytes) => { text += bytes; });
    child.on("exit", () => { clearTimeout(timer); reject(new Error(`ended: ${text}`)); });
  });
}
