// The offline file in Debian's Firefox: it opens, computes the same bits, draws, and says nothing bad. Safari is untested.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { firefox, missingFirefox } from "./firefox.mjs";
import { OFFLINE, program, ROOT } from "./helper.mjs";

const DAYS = 12;
const skip = missingFirefox() || false;
let page;

before(async () => {
  if (skip) return;
  page = await firefox();
  await page.open(`${OFFLINE}?lang=zh`);
});
after(async () => page?.end());

test("the page begins in Firefox, in Chinese, without an error", { skip, timeout: 200_000 }, async () => {
  const ready = await page.run(async () => {
    window.faults = [];
    window.addEventListener("error", (event) => window.faults.push(event.message));
    window.addEventListener("unhandledrejection", (event) => window.faults.push(String(event.reason)));
    while (document.body.dataset.ready === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
    return [document.body.dataset.ready, document.getElementById("footer").textContent, document.querySelectorAll(".card").length];
  });
  assert.equal(ready[0], "yes");
  assert.match(ready[1], /仅供教学/);
  assert.ok(ready[2] >= 20, `${ready[2]} cards`);
});

test("a site in Firefox comes to the state of the command line", { skip, timeout: 400_000 }, async () => {
  const hash = await page.run(async (days) => {
    document.getElementById("picker").close();
    const { app } = window.calcisim;
    await app.open({ scenario: "cua_warfarin", size: "classroom", seed: 1, days });
    await app.show(days * app.perDay);
    return document.getElementById("hash").dataset.hash;
  }, DAYS);
  assert.match(hash, /^[0-9a-f]{16}$/);
  if (!program()) return;
  const places = ["space.width_mm=3.0", "space.depth_mm=6.0", "space.voxel_um=40.0", "challenge.bruise.x_mm=1.5"].flatMap((set) => ["--set", set]);
  const out = execFileSync(program(), ["run", "cua_warfarin", "--days", String(DAYS), "--seed", "1", "--json", "-q", "--out", `${process.env.TMPDIR ?? "/tmp"}/calcisim-firefox-${process.pid}`, ...places], { cwd: ROOT });
  assert.equal(hash, JSON.parse(out).state_hash);
});

test("lenses draw, a biopsy is read, and nothing went wrong", { skip, timeout: 200_000 }, async () => {
  const [pictures, verdicts, faults] = await page.run(async () => {
    const { app, panels } = window.calcisim;
    const seen = new Set();
    for (const lens of ["vk", "oxygen", "damage"]) {
      app.lens = lens;
      app.tell("view");
      while (lens === "vk" && panels.ground(0, lens) === null) await new Promise((resolve) => setTimeout(resolve, 50));
      panels.draw();
      seen.add(panels.panels[0].base.toDataURL());
    }
    document.getElementById("tab-biopsy").click();
    document.getElementById("biopsy-take").click();
    while (!document.querySelector("#biopsy-result .verdict") && !document.querySelector("#note.fault:not([hidden])")) await new Promise((resolve) => setTimeout(resolve, 50));
    return [seen.size, document.querySelectorAll("#biopsy-result .verdict").length, window.faults];
  });
  assert.deepEqual([pictures, verdicts, faults], [3, 3, []]);
});
