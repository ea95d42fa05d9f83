// Begins the page: engine, words, controls of time, keys.
import { App } from "./app.js";
import { byId, complain, dayText, fill, h, note, num, percent, say } from "./dom.js";
import { nativeEngine, wasmEngine } from "./engine.js";
import { animation, composed, eventsCsv, png, save, seriesCsv } from "./files.js";
import { lessonPane } from "./lessons.js";
import { lenses, Panels } from "./panels.js";
import { showPicker } from "./picker.js";
import { packed, unpacked } from "./share.js";
import { showPane, takeBiopsy } from "./side.js";
import { COLOURS, curveWords, drawStrip, stepAt } from "./strip.js";
import { fromText, unpack } from "./unpack.js";
import { language, ofScenario, setLanguage, setScenarioWords, t } from "./words.js";

const TABS = ["look", "change", "biopsy", "why", "learn", "class"];
const CURVES = ["necrotic_fraction", "ulcer_fraction", "perfused_fraction", "thrombosed_segment_fraction", "calcified_segment_fraction", "hypoxic_fraction", "mean_po2_mmhg", "mineral_ug", "inflammation", "endothelial_integrity", "msc", "bacterial_load", "open_wound_days", "procedures", "visits", "cost"];
const SPEEDS = [1, 3, 6, 12, 24];

let tab = "look";
/** The request that the page began with: only that run has recorded hashes. */
let begun = "";
/** @type {App} */
let app;
/** @type {Panels} */
let panels;
/** What the file or the command line begins with. @type {any} */
const boot = JSON.parse(document.getElementById("boot")?.textContent || "null");
const inside = document.getElementById("engine")?.textContent?.trim() ?? "";

/** An engine of its own for each arm. */
function connect() {
  return inside ? wasmEngine(inside, t("app.stopped")) : nativeEngine(t("app.stopped"));
}

/** Words of everything that stays. */
function dress() {
  document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
  document.title = t("app.title");
  byId("subtitle").textContent = t("app.subtitle");
  byId("skip").textContent = t("app.skip");
  byId("footer").textContent = t("app.footer");
  const texts = { "open-picker": "picker.open", share: "app.share", "export-word": "app.export", language: "app.language" };
  for (const [id, key] of Object.entries(texts)) byId(id).textContent = t(key);
  byId("language").lang = language() === "zh" ? "en" : "zh-Hans";
  byId("language").title = t("app.language.help");
  const labels = { help: "app.help", first: "time.first", back: "time.back", forward: "time.forward", last: "time.last", scrub: "time.scrub", speed: "time.speed",
    curve: "strip.curve", "zoom-in": "zoom.in", "zoom-out": "zoom.out", "zoom-fit": "zoom.fit" };
  for (const [id, key] of Object.entries(labels)) {
    byId(id).setAttribute("aria-label", t(key));
    byId(id).title = t(key);
  }
  for (const name of TABS) byId(`tab-${name}`).textContent = t(`tab.${name === "look" ? "view" : name}`);
  byId("engine-kind").textContent = t(`app.engine.${app.hello.engine}`);
  byId("hash").title = t("app.hash.help");
  fill(byId("curve"), ...CURVES.map((name) => h("option", { value: name, selected: name === app.curve }, t(`column.${name}`))));
  fill(byId("speed"), ...SPEEDS.map((hours) => h("option", { value: hours, selected: hours === app.stepsPerFrame }, t("time.speed.h", { h: hours }))));
  const saves = /** @type {[string, () => Promise<void> | void][]} */ ([["png", savePng], ["csv", saveCsv], ["events", saveEvents], ["gif", saveGif], ["toml", saveToml]]);
  fill(byId("saves"), ...saves.map(([name, work]) => h("button", { role: "menuitem", id: `save-${name}`, onclick: () => {
    /** @type {HTMLDetailsElement} */ (byId("export")).open = false;
    Promise.resolve().then(work).catch(complain);
  } }, t(`save.${name}`))));
}

/** Everything that depends on arms. */
function rebuild() {
  if (app.arms.length === 0) return;
  const { info } = app.arms[0].course;
  byId("title").textContent = `${info.name} · ${t("app.seed", { seed: info.seed })}`;
  byId("title").title = ofScenario(info, "question");
  byId("scrub").max = String(app.lastStep);
  panels.build();
  showTime();
}

/** Everything that depends on the day shown. */
function showTime() {
  if (app.arms.length === 0) return;
  panels.queue();
  const { course } = app.arms[0];
  byId("scrub").value = String(app.cursor);
  byId("scrub").setAttribute("aria-valuetext", t("app.day.of", { day: dayText(app.day), days: course.info.days }));
  byId("day").textContent = t("app.day.of", { day: dayText(app.day), days: course.info.days });
  showHash();
  strip();
  if (!app.isPlaying) pane();
  announce();
}

function showHash() {
  const { course } = app.arms[0];
  const hash = course.owner(app.cursor).hashes.get(app.cursor) ?? course.at(app.cursor).frame.hash;
  const recorded = app.hello.start?.recorded?.[String(app.cursor)];
  const isPlain = app.arms[0].history.length === 0 && JSON.stringify(course.request) === begun;
  const verdict = recorded && isPlain ? (recorded === hash ? ` ✓ ${t("app.hash.agrees")}` : ` ✗ ${t("app.hash.differs")}`) : "";
  byId("hash").textContent = `${t("app.hash")} ${hash}${verdict}`;
  byId("hash").dataset.hash = hash;
}

function strip() {
  const column = app.columns[app.curve];
  /** @type {import("./strip.js").Curve[]} */
  const curves = [];
  const ticks = [];
  for (const [i, arm] of app.arms.entries()) {
    for (const ghost of arm.course.ghosts()) curves.push({ colour: "#9a9a94", dash: [2, 3], width: 1.2, rows: ghost.rows, label: "" });
    curves.push({ colour: COLOURS[i], dash: i === 1 ? [6, 3] : [], width: 2, rows: arm.course.rows(), label: app.arms.length > 1 ? arm.label : "" });
    for (const e of arm.course.events()) if (e.kind !== "death" && e.kind !== "reversal") ticks.push({ step: e.t_d * app.perDay, kind: e.kind, arm: i });
  }
  const unit = app.hello.columns[column].unit;
  drawStrip(byId("strip"), { curves, column, isShare: unit === "-" && /fraction|integrity/.test(app.curve), last: app.lastStep, cursor: app.cursor, perDay: app.perDay, ticks, unit });
  byId("strip").setAttribute("aria-label", curveWords(t(`column.${app.curve}`), app.value(0, app.curve), app.day));
}

let told = "";
/** Tells a reader of screens what happened since the last picture. */
function announce() {
  const events = app.arms[0].course.events().filter((e) => Math.abs(e.t_d - app.day) <= app.stepsPerFrame / app.perDay && ["ulceration", "wound_closure", "challenge", "dose", "infection"].includes(e.kind));
  const last = events.at(-1);
  if (!last) return;
  const words = t("speak.event", { day: dayText(last.t_d), what: t(`event.${last.kind}`, { id: last.entity.split(":")[1] ?? "" }) });
  if (words === told) return;
  told = words;
  say(words);
}

function pane() {
  showPane(app, tab, () => lessonPane(app, (work) => { work().catch(complain); }, pane, openTab));
}

/** @param {string} name */
function openTab(name) {
  tab = name;
  for (const one of TABS) {
    byId(`tab-${one}`).setAttribute("aria-selected", String(one === name));
    byId(`tab-${one}`).tabIndex = one === name ? 0 : -1;
  }
  byId("pane").setAttribute("aria-labelledby", `tab-${name}`);
  pane();
  panels.queue();
}

/** @param {Record<string, any>} request */
function choose(request) {
  app.open(request).then(() => { app.tell("time"); }, complain);
}

/** @param {string} kind */
function fileName(kind) {
  const { info } = app.arms[0].course;
  return `${info.name}-s${info.seed}-d${dayText(app.day)}.${kind}`;
}

function title() {
  const { info } = app.arms[0].course;
  return `calcisim ${app.hello.version} · ${info.name} · ${t("app.seed", { seed: info.seed })} · ${t("app.day.of", { day: dayText(app.day), days: info.days })}`;
}

/** @param {number} scale */
function composition(scale) {
  const shown = panels.panels.map((panel) => ({ base: panel.base, over: panel.over,
    caption: panel.kind === "difference" ? t("lens.difference", { field: t(`lens.${panels.lensOf(panel)}`) }) : `${app.arms.length > 1 ? `${app.arms[panel.arm].label} ` : ""}${t(`lens.${panels.lensOf(panel)}`)}` }));
  const legend = [t("legend.arteriole"), t("legend.capillary"), t("legend.venule")].join(" / ");
  return composed(shown, title(), [`× ${t("legend.clot")} · ▨ ${t("legend.dead")} · ▲ ${t("legend.msc")} · ${legend}`, `${t("app.simulated")} · ${byId("hash").textContent}`, t("app.footer")], scale);
}

async function savePng() {
  panels.draw();
  save(fileName("png"), await png(composition(2)));
  note(t("save.done", { name: fileName("png") }));
}

function saveCsv() {
  save(fileName("csv"), seriesCsv(app.arms.map((arm) => ({ arm: arm.label, rows: arm.course.rows(), stepH: arm.course.info.step_h })), app.hello.columns));
  note(t("save.done", { name: fileName("csv") }));
}

function saveEvents() {
  save(fileName("events.csv"), eventsCsv(app.arms.map((arm) => ({ arm: arm.label, events: arm.course.events() }))));
  note(t("save.done", { name: fileName("events.csv") }));
}

async function saveToml() {
  for (const arm of app.arms) {
    const reply = await arm.course.inTurn(() => arm.course.engine.ask({ do: "toml", branch: arm.course.current }));
    const name = `${arm.course.info.name}-${arm.label}-s${arm.course.info.seed}.toml`;
    save(name, new Blob([reply.answer.text], { type: "application/toml" }));
    note(t("save.done", { name }));
  }
}

async function saveGif() {
  await app.busy(async () => {
    const shown = app.cursor;
    const steps = [...new Set(app.arms.flatMap((arm) => arm.course.lineage().flatMap((branch) => [...branch.frames.keys()])))].filter((step) => step <= app.latest).sort((a, b) => a - b);
    const pace = Math.max(1, Math.ceil(steps.length / 60));
    const pictures = [];
    for (const step of steps.filter((_, i) => i % pace === 0 || i === steps.length - 1)) {
      app.cursor = step;
      panels.draw();
      pictures.push(composition(1));
      if (pictures.length % 5 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    app.cursor = shown;
    app.tell("time");
    save(fileName("gif"), animation(pictures));
  });
  note(t("save.done", { name: fileName("gif") }));
}

/** The link to what is shown. */
function link() {
  const { course, history } = app.arms[0];
  const shared = packed({ v: app.hello.version, request: course.request, history, b: app.arms[1] ? { history: app.arms[1].history } : null, step: app.cursor, lens: app.lens, language: language() });
  return `${location.href.split("#")[0]}#s=${shared}`;
}

/** Brings back what a link holds. @param {import("./share.js").Shared} shared */
async function restore(shared) {
  if (shared.v !== app.hello.version) note(t("app.share.version", { theirs: shared.v, ours: app.hello.version }));
  await app.open(shared.request);
  app.lens = lenses(app).includes(shared.lens) ? shared.lens : app.lens;
  const relive = async (/** @type {any[]} */ history) => {
    for (const past of history) {
      await app.show(past.step);
      await app.change(past.changes, past.label);
    }
  };
  await relive(shared.history);
  if (shared.b) {
    const own = shared.b.history.slice(0, 64).filter((past) => !shared.history.some((one) => JSON.stringify(one) === JSON.stringify(past)));
    await app.show(own[0]?.step ?? 0);
    await app.addB();
    await relive(own);
  }
  await app.show(Number(shared.step) || 0);
  app.tell("arms");
}

function helpDialog() {
  const keys = [["Space", "keys.play"], ["← →", "keys.step"], ["Home End", "keys.ends"], ["L", "keys.lens"], ["1 … 6", "keys.layers"], ["C", "keys.compare"], ["B", "keys.biopsy"], ["Alt 1 … 6", "keys.tabs"], ["← ↑ → ↓", "keys.crosshair"], ["?", "keys.help"]];
  const dialog = byId("keys");
  fill(dialog, h("header", {}, h("h2", {}, t("app.help")), h("button", { class: "small", onclick: () => dialog.close(), "aria-label": t("app.close") }, "✕")),
    h("table", {}, ...keys.map(([key, words]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, t(words))))));
  dialog.showModal();
}

/** @param {number} steps */
function move(steps) {
  app.pause();
  app.show(app.cursor + steps).catch(complain);
}

/** @param {KeyboardEvent} event */
function keys(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
  if (event.altKey && /^[1-6]$/.test(event.key)) {
    event.preventDefault();
    openTab(TABS[Number(event.key) - 1]);
    byId(`tab-${tab}`).focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || app.arms.length === 0) return;
  if (isTyping && !(target.id === "scrub" && event.key === " ")) return;
  if (event.key === " " && target.tagName === "BUTTON") return;
  const names = /** @type {(keyof App["overlays"])[]} */ (Object.keys(app.overlays));
  const step = app.stepsPerFrame * (event.shiftKey ? 10 : 1);
  /** @type {Record<string, () => void>} */
  const known = {
    " ": toggle, ArrowLeft: () => move(-step), ArrowRight: () => move(step), Home: () => move(-app.cursor), End: () => move(app.latest - app.cursor),
    "?": helpDialog, c: compare, C: compare,
    b: () => { openTab("biopsy"); takeBiopsy(app).catch(complain); }, B: () => { openTab("biopsy"); takeBiopsy(app).catch(complain); },
    l: nextLens, L: nextLens,
  };
  if (/^[1-6]$/.test(event.key)) {
    const name = names[Number(event.key) - 1];
    app.overlays[name] = !app.overlays[name];
    app.tell("view");
  } else if (known[event.key]) {
    event.preventDefault();
    known[event.key]();
  }
}

function toggle() {
  if (app.isPlaying) app.pause();
  else app.play();
}

function compare() {
  if (app.arms.length > 1) app.removeB();
  else app.addB().catch(complain);
}

function nextLens() {
  const all = lenses(app);
  app.lens = all[(all.indexOf(app.lens) + 1) % all.length];
  app.tell("view");
}

function wire() {
  byId("play").onclick = toggle;
  byId("first").onclick = () => move(-app.cursor);
  byId("back").onclick = () => move(-app.stepsPerFrame);
  byId("forward").onclick = () => move(app.stepsPerFrame);
  byId("last").onclick = () => move(app.latest - app.cursor);
  byId("scrub").oninput = (/** @type {any} */ event) => {
    app.pause();
    // What was never computed waits until the hand lets go.
    app.cursor = Math.min(Number(event.target.value), app.latest);
    app.tell("time");
  };
  byId("scrub").onchange = (/** @type {any} */ event) => { app.show(Number(event.target.value)).catch(complain); };
  byId("speed").onchange = (/** @type {any} */ event) => { app.stepsPerFrame = Number(event.target.value); };
  byId("curve").onchange = (/** @type {any} */ event) => { app.curve = event.target.value; strip(); };
  byId("zoom-in").onclick = () => panels.zoom(1.5, app.cross, app.arms[0].course.at(app.cursor).geometry);
  byId("zoom-out").onclick = () => panels.zoom(1 / 1.5, null, app.arms[0].course.at(app.cursor).geometry);
  byId("zoom-fit").onclick = () => { app.view = { x: 0, y: 0, w: 1, h: 1 }; app.tell("view"); };
  byId("compare").onclick = compare;
  byId("help").onclick = helpDialog;
  byId("open-picker").onclick = () => { app.pause(); showPicker(app.hello, app.hello.engine, choose, complain); };
  byId("share").onclick = () => { const text = link(); history.replaceState(null, "", text); navigator.clipboard?.writeText(text).then(() => note(t("app.share.done")), () => note(text)); };
  byId("language").onclick = () => {
    setLanguage(language() === "zh" ? "en" : "zh");
    remember("language", language());
    dress();
    for (const panel of panels.panels) panel.words = "";
    if (app.arms.length > 0) rebuild();
    labels();
    pane();
  };
  for (const name of TABS) byId(`tab-${name}`).onclick = () => openTab(name);
  byId("tabs").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    openTab(TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length]);
    byId(`tab-${tab}`).focus();
  });
  const bar = byId("strip");
  bar.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (app.arms.length === 0) return;
    bar.setPointerCapture(event.pointerId);
    app.pause();
    app.cursor = Math.min(app.latest, stepAt(bar, event.clientX, app.lastStep));
    app.tell("time");
  });
  bar.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.buttons !== 1) return;
    app.cursor = Math.min(app.latest, stepAt(bar, event.clientX, app.lastStep));
    app.tell("time");
  });
  bar.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => { app.show(stepAt(bar, event.clientX, app.lastStep)).catch(complain); });
  document.addEventListener("keydown", keys);
  window.addEventListener("resize", () => { if (app.arms.length > 0) { strip(); panels.queue(); } });
  app.on("arms", rebuild);
  app.on("course", () => { rebuild(); pane(); });
  app.on("time", showTime);
  app.on("view", () => { for (const panel of panels.panels) panels.caption(panel); panels.queue(); if (tab === "look" || tab === "biopsy") pane(); });
  app.on("select", () => { panels.queue(); pane(); });
  app.on("play", () => { labels(); if (!app.isPlaying) pane(); });
  app.on("busy", () => {
    byId("busy").hidden = !app.isBusy;
    byId("busy").textContent = app.catching === undefined ? t("app.loading") : t("app.catching", { day: app.catching.toFixed(0) });
  });
  app.fault = complain;
  app.open_tab = openTab;
  setInterval(() => { byId("rate").textContent = app.isPlaying && app.rate > 0 ? t("time.rate", { rate: num(app.rate) }) : ""; }, 500);
}

function labels() {
  byId("play").textContent = app.isPlaying ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", t(app.isPlaying ? "time.pause" : "time.play"));
  byId("play").title = t(app.isPlaying ? "time.pause" : "time.play");
  byId("compare").textContent = t(app.arms.length > 1 ? "arm.remove" : "arm.add");
}

/** @param {string} key @param {string} value */
function remember(key, value) {
  try { localStorage.setItem(`calcisim.${key}`, value); } catch { /* a file may have no storage */ }
}

/** @param {string} key */
function remembered(key) {
  try { return localStorage.getItem(`calcisim.${key}`); } catch { return null; }
}

async function begin() {
  const shared = unpacked(location.hash);
  const asked = new URLSearchParams(location.search).get("lang");
  setLanguage(shared?.language ?? asked ?? remembered("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  const engine = await connect();
  const hello = (await engine.ask({ do: "hello" })).answer;
  // An offline page has its texts beside the engine, packed like it.
  const texts = document.getElementById("texts")?.textContent;
  if (texts) Object.assign(hello, JSON.parse(new TextDecoder().decode(unpack(fromText(texts)))));
  setScenarioWords(hello.scenarios_zh);
  app = new App(hello, engine, connect);
  panels = new Panels(app);
  dress();
  wire();
  labels();
  app.on("arms", labels);
  openTab("look");
  const start = hello.start ?? boot;
  if (shared) await restore(shared);
  else if (start) {
    const own = start.is_shipped ? { scenario: start.name } : { text: start.text, files: start.files };
    await app.open({ ...own, seed: start.seed ?? undefined, size: start.size ?? undefined });
    begun = JSON.stringify(app.arms[0].course.request);
    app.tell("time");
  } else {
    showPicker(hello, hello.engine, choose, complain);
  }
  document.body.dataset.ready = "yes";
}

/** For tests and the curious: the page in numbers. */
/** @type {any} */ (window).calcisim = {
  get app() { return app; },
  get panels() { return panels; },
  link, percent,
};

begin().catch((fault) => {
  complain(fault);
  document.body.dataset.ready = "failed";
});
