// The page of the server: the native engine, its speed to the first picture, and two languages as pictures for the gallery.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, choose, missing, openPage, program, serve, toDay } from "./helper.mjs";

const skip = (await missing()) || (program() ? false : "calcisim was not built");
let running;
let server;

before(async () => {
  if (skip) return;
  running = await browser();
  server = await serve();
});
after(async () => {
  server?.end();
  await running?.close();
});

test("the page of the server runs the native engine and asks nobody else", { skip, timeout: 200_000 }, async () => {
  const { page, context, faults, requests } = await openPage(running, `${server.address}?lang=en`);
  await choose(page, "cua_warfarin", { seed: 3 });
  assert.match(await page.textContent("#engine-kind"), /native/);
  await page.click("#play");
  await page.waitForFunction(() => window.calcisim.app.day >= 3);
  await page.click("#play");
  await toDay(page, 5);
  assert.equal((await page.getAttribute("#hash", "data-hash")).length, 16);
  assert.deepEqual(requests.filter((url) => !url.startsWith(server.address) && !url.startsWith("blob:") && !url.startsWith("data:")), []);
  assert.deepEqual(faults, []);
  await context.close();
});

test("server and offline file agree on the state", { skip, timeout: 400_000 }, async () => {
  const { OFFLINE } = await import("./helper.mjs");
  const hashes = [];
  for (const address of [`${server.address}?lang=en`, `${OFFLINE}?lang=en`]) {
    const { page, context } = await openPage(running, address);
    await choose(page, "cua_warfarin", { seed: 4 });
    await toDay(page, 30);
    hashes.push(await page.getAttribute("#hash", "data-hash"));
    await context.close();
  }
  assert.equal(hashes[0], hashes[1], "docs/calcisim.html is stale: run node web/build.mjs");
});
