// Debian's Firefox without a driver: its own Marionette protocol over TCP, each message `length:json`.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FIREFOX = process.env.FIREFOX || ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => existsSync(path)) || "";

/** Why Firefox cannot be had; empty when it can. */
export function missingFirefox() {
  return FIREFOX && existsSync(FIREFOX) ? "" : "no Firefox: apt-get install firefox-esr";
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A socket as soon as somebody listens there. */
async function reached(port, ended) {
  for (let tries = 0; tries < 240; tries += 1) {
    if (ended()) throw new Error(`Firefox ended: ${ended()}`);
    const socket = await new Promise((resolve) => {
      const trial = connect(port, "127.0.0.1");
      trial.once("connect", () => resolve(trial));
      trial.once("error", () => resolve(null));
    });
    if (socket) return socket;
    await sleep(500);
  }
  throw new Error("Firefox did not listen within two minutes");
}

/** A headless Firefox with a profile of its own. */
export async function firefox() {
  const profile = mkdtempSync(join(tmpdir(), "calcisim-firefox-"));
  const port = 20_000 + (process.pid % 20_000);
  // Nothing is asked of the network: no updates, no portal, no telemetry.
  const preferences = { "marionette.port": port, "app.update.enabled": false, "browser.shell.checkDefaultBrowser": false, "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false, "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.enabled": false, "browser.aboutwelcome.enabled": false };
  writeFileSync(join(profile, "user.js"), Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(""));
  const child = spawn(FIREFOX, ["--headless", "--marionette", "--no-remote", "--profile", profile], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, MOZ_HEADLESS_WIDTH: "1280", MOZ_HEADLESS_HEIGHT: "720" } });
  let words = "";
  let gone = "";
  child.stderr.on("data", (bytes) => { words = (words + bytes).slice(-2000); });
  child.on("exit", (code) => { gone = `exit ${code}; ${words}`; });
  const socket = await reached(port, () => gone);
  const waiting = new Map();
  let held = Buffer.alloc(0);
  let greet;
  const greeting = new Promise((resolve) => { greet = resolve; });
  socket.on("data", (bytes) => {
    held = Buffer.concat([held, bytes]);
    for (;;) {
      const colon = held.indexOf(":");
      const length = Number(held.subarray(0, colon));
      if (colon < 0 || held.length < colon + 1 + length) return;
      const message = JSON.parse(held.subarray(colon + 1, colon + 1 + length));
      held = held.subarray(colon + 1 + length);
      if (!Array.isArray(message)) {
        greet(message);
        continue;
      }
      const [, id, fault, value] = message;
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (fault) reject(new Error(`${fault.error}: ${fault.message}`));
      else resolve(value);
    }
  });
  await greeting;
  let next = 0;
  const ask = (name, parameters = {}) => new Promise((resolve, reject) => {
    next += 1;
    waiting.set(next, { resolve, reject });
    const text = JSON.stringify([0, next, name, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
  });
  const { capabilities } = await ask("WebDriver:NewSession", { capabilities: { alwaysMatch: { acceptInsecureCerts: false } } });
  await ask("WebDriver:SetTimeouts", { script: 300_000, pageLoad: 60_000 });
  return {
    version: capabilities.browserVersion,
    open: (url) => ask("WebDriver:Navigate", { url }),
    /** Runs an async function in the page; what it gives comes back. */
    run: async (work, ...args) => {
      const script = `const done = arguments[arguments.length - 1]; const args = [...arguments].slice(0, -1);
        Promise.resolve().then(() => (${work.toString()})(...args)).then((value) => done({ value }), (fault) => done({ fault: String(fault) }));`;
      const { value: answer } = await ask("WebDriver:ExecuteAsyncScript", { script, args, sandbox: null, newSandbox: false });
      if (answer.fault) throw new Error(answer.fault);
      return answer.value;
    },
    screenshot: async () => Buffer.from((await ask("WebDriver:TakeScreenshot", { full: false })).value, "base64"),
    end: async () => {
      await Promise.race([ask("Marionette:Quit", { flags: ["eForceQuit"] }).catch(() => {}), sleep(5000)]);
      socket.destroy();
      if (!gone) child.kill("SIGKILL");
      await sleep(300);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
