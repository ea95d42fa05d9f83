// The panels at the right: look, change, biopsy, why, class.
import { byId, complain, dayText, fill, h, num, note, percent } from "./dom.js";
import { code, decodeAll, histogram, median } from "./classroom.js";
import { Course } from "./course.js";
import { readPicture } from "./frame.js";
import { leverList, switchList } from "./levers.js";
import { describe, vesselRows } from "./panels.js";
import { treatmentForm } from "./treatments.js";
import { chain, drawLanes, short } from "./why.js";
import { t } from "./words.js";

/** @typedef {import("./app.js").App} App */

/** @param {string} title @param {...(Node | string)} children */
function box(title, ...children) {
  return h("section", {}, h("h2", {}, title), ...children);
}

/** Runs what a button asks for; faults are shown. @param {() => Promise<void> | void} work */
function act(work) {
  return () => Promise.resolve().then(work).catch(complain);
}

/** Look: overlays, what lies under the pointer, vessels by severity. @param {App} app */
function lookPane(app) {
  const overlays = h("div", { class: "overlays" });
  Object.keys(app.overlays).forEach((name, i) => {
    const key = /** @type {keyof App["overlays"]} */ (name);
    overlays.append(h("label", {}, h("input", { type: "checkbox", checked: app.overlays[key], onchange: (/** @type {any} */ event) => {
      app.overlays[key] = event.target.checked;
      app.tell("view");
    } }), t(`overlay.${name}`), h("kbd", {}, String(i + 1))));
  });
  const arm = Math.min(app.inspected ?? 0, app.arms.length - 1);
  const found = h("div", { id: "inspector" });
  if (app.selected && arm >= 0) {
    const { geometry } = app.arms[arm].course.at(app.cursor);
    const s = geometry.ids.indexOf(app.selected);
    const type = s < 0 ? "" : t(["legend.arteriole", "legend.capillary", "legend.venule"][geometry.flags[s] & 3]);
    found.append(h("h3", {}, t("inspect.vessel", { class: type, id: short(app.selected) })));
    found.append(h("table", {}, ...vesselRows(app, arm, app.selected).map(([name, text]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, text)))));
    const id = app.selected;
    const closed = app.arms[0].course.events().find((e) => e.kind === "closure" && e.entity === `segment:${id}` && e.t_d <= app.day);
    if (closed) {
      found.append(h("button", { onclick: act(() => app.undo(Math.round(closed.t_d * app.perDay), { hold: [id] }, `${t("event.closure")} (${short(id)})`)) }, t("inspect.hold")));
    }
  }
  found.append(h("p", {}, describe(app, Math.max(0, arm))));
  if (app.cross) found.append(h("button", { onclick: () => app.open_tab?.("why") }, t("inspect.why")));
  const legend = h("p", { class: "legend" }, ...[["#c0182b", "arteriole"], ["#9a3f86", "capillary"], ["#2f5fa8", "venule"], ["#f4e9c9", "open"], ["#cc6b63", "healed"],
    ["#3b2a7a", "neutrophil"], ["#8c5fbf", "macrophage"], ["#009e73", "msc"]].map(([colour, name]) => {
    const patch = h("i", { class: "swatch" });
    patch.style.background = colour;
    return h("span", {}, patch, t(`legend.${name}`));
  }));
  overlays.append(legend, h("p", { class: "quiet" }, t("strip.ghost")));
  return [box(t("overlay.title"), overlays), box(t("inspect.title"), found), box(t("strip.table"), numbers(app)), severity(app)];
}

const SHOWN = ["necrotic_fraction", "ulcer_fraction", "perfused_fraction", "hypoxic_fraction", "thrombosed_segment_fraction", "calcified_segment_fraction", "mineral_ug", "endothelial_integrity", "inflammation", "msc", "open_wound_days", "procedures", "visits"];

/** Numbers of the day, a column for each arm. @param {App} app */
function numbers(app) {
  const rows = SHOWN.map((name) => h("tr", {}, h("th", { scope: "row" }, t(`column.${name}`)), ...app.arms.map((_, i) => {
    const value = app.value(i, name);
    const unit = app.hello.columns[app.columns[name]].unit;
    const isShare = unit === "-" && /fraction|integrity/.test(name);
    return h("td", {}, Number.isFinite(value) ? (isShare ? `${percent(value)} %` : `${num(value)}${unit === "µg" ? " µg" : ""}`) : "–");
  })));
  const head = app.arms.length > 1 ? [h("tr", {}, h("td"), h("th", { scope: "col" }, "A"), h("th", { scope: "col" }, "B"))] : [];
  return h("table", { class: "numbers" }, ...head, ...rows);
}

/** Vessels by severity: the same choice as on the picture, for hands and readers of screens. @param {App} app */
function severity(app) {
  const arm = Math.min(app.inspected ?? 0, app.arms.length - 1);
  if (arm < 0) return h("div");
  const { frame, geometry } = app.arms[arm].course.at(app.cursor);
  const score = (/** @type {number} */ s) => frame.segments[6 * s + 2] + frame.segments[6 * s] + (frame.segments[6 * s + 4] < 13 ? 60 : 0) + geometry.radius[s] / 100;
  const worst = [...geometry.ids.keys()].filter((s) => s < frame.segmentCount && geometry.flags[s] & 4).sort((a, b) => score(b) - score(a)).slice(0, 12);
  const list = worst.map((s) => h("button", { class: "row", "aria-pressed": String(geometry.ids[s] === app.selected), onclick: () => {
    app.selected = geometry.ids[s];
    app.inspected = arm;
    app.cross = [(geometry.ends[4 * s] + geometry.ends[4 * s + 2]) / 2, (geometry.ends[4 * s + 1] + geometry.ends[4 * s + 3]) / 2];
    app.tell("select");
  } }, `${t(["legend.arteriole", "legend.capillary", "legend.venule"][geometry.flags[s] & 3])} ${short(geometry.ids[s])}: × ${percent(frame.segments[6 * s + 2] / 255)} %, Ca ${percent(frame.segments[6 * s] / 255)} %`));
  return h("details", {}, h("summary", {}, t("inspect.list")), ...list);
}

/** Change: the arm, its treatments, the patient, the arrows. @param {App} app */
function changePane(app) {
  const arm = app.changing;
  if (!arm) return [];
  const { info, branch } = arm.course;
  const which = app.arms.length > 1
    ? h("div", { class: "choice", role: "radiogroup", "aria-label": t("arm.applies") }, `${t("arm.applies")} `, ...["A", "B"].map((name, i) =>
      h("label", {}, h("input", { type: "radio", name: "target", checked: app.target === i, onchange: () => { app.target = i; app.tell("course"); } }), name)))
    : h("button", { class: "accent", id: "add-b", onclick: act(() => app.addB()) }, t("arm.add"));
  const entries = h("ul", { class: "entries" }, ...info.entries.map((/** @type {any} */ entry) => h("li", {},
    `${entry.id} (${entry.kind}${entry.route && entry.route !== "none" ? `, ${entry.route}` : ""}), ${t("treat.start")} ${num(entry.start_d)} `,
    h("button", { class: "small", onclick: act(() => app.change({ without: [entry.id] }, `${t("treat.without")} ${entry.id}`)) }, t("treat.without")))));
  return [
    box(t("tab.change"), which, h("p", { class: "quiet" }, app.arms.length > 1 ? t("arm.same") : t("lever.help"))),
    box(t("treat.title"), treatmentForm({ day: app.day, days: info.days, extent: info.extent_mm },
      (append, label) => app.change({ append }, label).catch(complain), () => app.newId()),
    info.entries.length > 0 ? h("details", {}, h("summary", {}, t("treat.now")), entries) : ""),
    box(t("lever.title"), leverList(app.hello.levers, branch.host, (name, value, label) => app.lever(name, value, label).catch(complain))),
    h("details", {}, h("summary", {}, t("switch.title")), h("p", { class: "quiet" }, t("switch.help")),
      switchList(app.hello.switches, (name, on) => { app.change({ sets: [`mechanisms.${name}=${on}`] }, `${name} ${on ? "+" : "−"}`).catch(complain); }, info.sets)),
  ];
}

/** @type {{punch: number, depth: number, x: number, where: string, answer: any, pictures: import("./frame.js").Picture[], lottery: any}} */
const biopsy = { punch: 1.5, depth: 5.5, x: NaN, where: "anywhere", answer: null, pictures: [], lottery: null };

/** Biopsy: one with its pictures, and the lottery. @param {App} app */
function biopsyPane(app) {
  if (app.arms.length === 0) return [];
  const { info } = app.arms[0].course;
  const wide = info.extent_mm[0];
  biopsy.punch = Math.min(biopsy.punch, wide);
  biopsy.depth = Math.min(biopsy.depth, info.extent_mm[2]);
  if (!Number.isFinite(biopsy.x) || biopsy.x > wide) biopsy.x = wide / 2;
  if (!app.punch) app.punch = { x: biopsy.x * 1000, diameter: biopsy.punch * 1000, depth: biopsy.depth * 1000 };
  biopsy.x = +(app.punch.x / 1000).toFixed(2);
  const set = () => {
    app.punch = { x: biopsy.x * 1000, diameter: biopsy.punch * 1000, depth: biopsy.depth * 1000 };
    app.tell("view");
  };
  const site = h("input", { type: "number", id: "biopsy-x", min: 0, max: wide, step: 0.1, value: biopsy.x, onchange: (/** @type {any} */ e) => { biopsy.x = Math.min(wide, Math.max(0, Number(e.target.value))); set(); } });
  const sizes = [1, 1.5, 2, 3, 4, 6].filter((mm) => mm <= wide);
  const punch = h("select", { id: "biopsy-punch", onchange: (/** @type {any} */ e) => { biopsy.punch = Number(e.target.value); set(); } }, ...sizes.map((mm) => h("option", { value: mm, selected: mm === biopsy.punch }, `${mm} mm`)));
  const depth = h("input", { type: "number", id: "biopsy-depth", min: 0.5, max: info.extent_mm[2], step: 0.5, value: biopsy.depth, onchange: (/** @type {any} */ e) => { biopsy.depth = Math.min(info.extent_mm[2], Math.max(0.5, Number(e.target.value))); set(); } });
  const take = h("button", { class: "accent", id: "biopsy-take", onclick: act(() => takeBiopsy(app)) }, t("biopsy.take"), " ", h("kbd", {}, "B"));
  const pane = [box(t("biopsy.title"), h("div", { class: "fields" },
    h("label", { for: "biopsy-x" }, t("biopsy.site")), site, h("label", { for: "biopsy-punch" }, t("biopsy.punch")), punch, h("label", { for: "biopsy-depth" }, `${t("biopsy.depth")} (mm)`), depth),
  h("p", { class: "quiet" }, t("biopsy.drag")), take, biopsyResult())];
  const where = h("select", { id: "lottery-where", onchange: (/** @type {any} */ e) => { biopsy.where = e.target.value; } },
    ...["anywhere", "lesion", "edge"].map((name) => h("option", { value: name, selected: name === biopsy.where }, t(`biopsy.lottery.${name}`))));
  pane.push(box(t("biopsy.lottery"), h("div", { class: "fields" }, h("label", { for: "lottery-where" }, t("biopsy.lottery.where")), where),
    h("button", { id: "lottery-take", onclick: act(() => takeLottery(app)) }, t("biopsy.lottery.take", { n: 500 })), lotteryResult(), h("p", { class: "quiet" }, t("biopsy.lottery.note"))));
  return pane;
}

/** @param {App} app */
export async function takeBiopsy(app) {
  const { course } = app.arms[Math.min(app.target, app.arms.length - 1)];
  const { frame } = course.at(app.cursor);
  const reply = await app.busy(() => course.inTurn(() => course.engine.ask({ do: "biopsy", branch: course.current, step: frame.step, x_mm: biopsy.x,
    punch_mm: biopsy.punch, depth_mm: biopsy.depth, stains: ["he", "vk"], px_per_mm: Math.min(150, 700 / biopsy.depth) })));
  biopsy.answer = reply.answer;
  biopsy.pictures = reply.parts.map(readPicture);
  app.tell("select");
}

function biopsyResult() {
  const { answer } = biopsy;
  const result = h("div", { id: "biopsy-result", "aria-live": "polite" });
  if (!answer) return result;
  const slides = h("div", { class: "slides" });
  biopsy.pictures.forEach((picture, i) => {
    const canvas = h("canvas", { width: picture.width, height: picture.height, role: "img", "aria-label": answer.sentences });
    canvas.getContext("2d").putImageData(new ImageData(picture.pixels, picture.width, picture.height), 0, 0);
    slides.append(h("figure", {}, canvas, h("figcaption", {}, t(`lens.${["he", "vk"][i]}`))));
  });
  const s = answer.findings.subcutis;
  const words = t("biopsy.findings", { vessels: s.vessels, calcified: s.calcified_von_kossa, he: s.calcified_he, thrombi: s.thrombosed, neointima: s.neointima,
    inflammation: "+".repeat(answer.findings.septal_inflammation) || "0", dead: percent(answer.findings.necrotic_share) });
  const rules = answer.verdicts.map((/** @type {any} */ v) => h("tr", {}, h("th", { scope: "row", title: v.source }, t(`biopsy.rule.${v.rule}`)), h("td", { class: `verdict ${v.verdict}` }, t(`biopsy.${v.verdict}`))));
  result.append(slides, h("p", {}, `${t("app.day", { day: dayText(answer.day) })}: ${words}.`), h("p", { class: "quiet" }, t("app.simulated")), h("table", {}, ...rules));
  return result;
}

/** Share of the width that is dead or open, as a range; nothing when there is none. @param {App} app */
function lesion(app) {
  const { frame } = app.arms[Math.min(app.target, app.arms.length - 1)].course.at(app.cursor);
  const hit = new Array(frame.nx).fill(false);
  for (let i = 0; i < frame.vitality.length; i += 1) if (frame.vitality[i] === 1 || frame.vitality[i] === 2) hit[i % frame.nx] = true;
  const first = hit.indexOf(true);
  return first < 0 ? null : [first / frame.nx, (hit.lastIndexOf(true) + 1) / frame.nx];
}

/** @param {App} app */
async function takeLottery(app) {
  const { course } = app.arms[Math.min(app.target, app.arms.length - 1)];
  const { frame } = course.at(app.cursor);
  const there = lesion(app);
  if (biopsy.where !== "anywhere" && !there) {
    note(t("why.none"));
    return;
  }
  const [low, high] = there ?? [0, 1];
  const rim = 0.1;
  const within = biopsy.where === "anywhere" ? [0, 1] : biopsy.where === "lesion" ? [low, high] : [high - rim, high + rim];
  const reply = await app.busy(() => course.inTurn(() => course.engine.ask({ do: "lottery", branch: course.current, step: frame.step, n: 500, seed: course.info.seed,
    punch_mm: biopsy.punch, depth_mm: biopsy.depth, within })));
  biopsy.lottery = reply.answer;
  app.tell("select");
}

/** Wilson's interval of a share, 95 %. @param {number} k @param {number} n */
function wilson(k, n) {
  const z = 1.96;
  const p = k / n;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function lotteryResult() {
  const { lottery } = biopsy;
  const result = h("div", { id: "lottery-result", "aria-live": "polite" });
  for (const rule of lottery?.rules ?? []) {
    const [low, high] = wilson(rule.positive, lottery.n);
    const bar = h("div", { class: "lots", "aria-hidden": "true" });
    for (const [name, count] of [["positive", rule.positive], ["negative", rule.negative], ["inadequate", rule.inadequate]]) {
      const part = h("i", { class: String(name), title: t(`biopsy.${name}`) });
      part.style.flexGrow = String(count);
      bar.append(part);
    }
    result.append(h("p", {}, h("b", {}, t(`biopsy.rule.${rule.rule}`)), h("br"), t("biopsy.lottery.result", { share: percent(rule.positive / lottery.n), low: percent(low), high: percent(high), inadequate: percent(rule.inadequate / lottery.n), n: lottery.n })), bar);
  }
  return result;
}

/** Why: lanes and links. @param {App} app */
function whyPane(app) {
  if (app.arms.length === 0) return [];
  const a = app.arms[0];
  const events = a.course.events().filter((e) => e.t_d <= app.day + 1e-9);
  const { geometry } = a.course.at(app.cursor);
  const value = (/** @type {number} */ step, /** @type {string} */ column) => a.course.at(step).frame.row[app.columns[column]];
  const links = chain(events, app.perDay, app.cross, geometry.width, value);
  const pane = [h("p", { class: "quiet" }, t("why.help"))];
  if (links.length === 0) {
    pane.push(h("p", {}, t("why.none")));
    return [box(t("why.title"), ...pane)];
  }
  const canvas = h("canvas", { class: "lanes", role: "img", "aria-label": links.map((link) => link.text).join(". ") });
  const list = h("ol", { class: "links" }, ...links.map((link) => h("li", {}, h("b", {}, t(`why.lane.${link.lane}`)), " ", link.text, " ",
    link.undo ? h("button", { class: "small undo", title: t("why.undo.help"), onclick: act(() => app.undo(/** @type {any} */ (link.undo).step, /** @type {any} */ (link.undo).changes, link.what)) }, t("why.undo")) : "")));
  pane.push(canvas, list);
  if (app.undone && app.arms.length > 1) {
    pane.push(h("p", { class: "verdict-box", "aria-live": "polite" }, t("why.verdict", { undone: t("why.undone", { what: app.undone.what }), day: dayText(app.day), a: percent(app.value(0, "necrotic_fraction")), b: percent(app.value(1, "necrotic_fraction")) })));
  }
  requestAnimationFrame(() => drawLanes(canvas, a.course.rows().filter(([step]) => step <= app.cursor), app.columns, links, events, app.perDay, Math.max(app.perDay, app.cursor)));
  return [box(t("why.title"), ...pane)];
}

/** @type {{pasted: string, many: {n: number, done: number, results: [number, number | null][], stop: boolean} | null}} */
const room = { pasted: "", many: null };

/** The result code of an arm; empty before the end of its run. @param {App} app @param {number} arm */
function resultCode(app, arm) {
  const { course } = app.arms[arm];
  const { branch } = course;
  if (!branch.isOver) return "";
  const row = branch.rows.get(branch.latest);
  if (!row) return "";
  return code({ seat: course.info.seed, setting: app.setting(app.arms[arm]), dead: row[app.columns.necrotic_fraction], ulcer: branch.summary?.t_ulcer_d ?? null, days: branch.latest / app.perDay });
}

/** Class: seat, code, histogram, many sites. @param {App} app */
function classPane(app) {
  if (app.arms.length === 0) return [];
  const { course } = app.arms[0];
  const seat = h("input", { type: "number", id: "seat", min: 1, max: 4095, step: 1, value: course.info.seed });
  const take = h("button", { class: "accent", id: "take-seat", onclick: act(async () => {
    const seed = Math.min(4095, Math.max(1, Math.round(Number(seat.value)) || 1));
    await app.open({ ...course.request, seed });
  }) }, t("class.take"));
  const codes = app.arms.map((arm, i) => {
    const text = resultCode(app, i);
    return h("p", {}, `${t("class.code")} ${arm.label}: `, text ? h("output", { class: "code", id: `code-${i}` }, text) : h("span", { class: "quiet" }, t("class.code.wait")), " ",
      text ? h("button", { class: "small", onclick: act(() => navigator.clipboard.writeText(text).then(() => note(text))) }, t("class.copy")) : "");
  });
  const box1 = box(t("class.title"), h("p", { class: "quiet" }, t("class.help")), h("div", { class: "fields" }, h("label", { for: "seat" }, t("class.seat")), h("span", {}, seat, take)), ...codes);
  const paste = h("textarea", { id: "codes", rows: 3, value: room.pasted, oninput: (/** @type {any} */ e) => { room.pasted = e.target.value; } });
  const canvas = h("canvas", { class: "histogram", role: "img", id: "histogram", hidden: true });
  const words = h("div", { id: "class-result", "aria-live": "polite" });
  const draw = () => {
    const { results, bad } = decodeAll(room.pasted);
    if (results.length === 0 && bad === 0) return;
    const ulcers = results.filter((r) => r.ulcer !== null).length;
    const text = t("class.result", { n: results.length, bad, ulcer: ulcers, median: percent(median(results.map((r) => r.dead))) });
    const settings = [...new Set(results.map((r) => r.setting))].sort((x, y) => x - y);
    const groups = settings.length < 2 ? [] : settings.map((key, i) => {
      const own = results.filter((r) => r.setting === key);
      return h("p", {}, t("class.group", { key: `${"ABCDEFGH"[i % 8]} (${key})`, n: own.length, ulcer: own.filter((r) => r.ulcer !== null).length, median: percent(median(own.map((r) => r.dead))) }));
    });
    fill(words, h("p", {}, text), ...groups);
    canvas.setAttribute("aria-label", text);
    canvas.hidden = false;
    histogram(canvas, results, t("class.axis"));
  };
  requestAnimationFrame(draw);
  const box2 = box(t("class.paste"), h("label", { for: "codes", class: "unseen" }, t("class.paste")), paste, h("button", { id: "draw-codes", onclick: draw }, t("class.draw")), words, canvas);
  return [box1, box2, manyBox(app)];
}

/** @param {App} app */
function manyBox(app) {
  const n = 20;
  const { many } = room;
  const state = h("p", { id: "many-result", "aria-live": "polite" });
  if (many) {
    const { results } = many;
    if (results.length < many.n && !many.stop) {
      state.textContent = t("class.many.progress", { i: results.length + 1, n: many.n });
    } else if (results.length > 0 && results[0][1] !== null) {
      const diff = results.map(([a, b]) => (b ?? a) - a);
      state.textContent = t("class.many.result", { n: results.length, better: diff.filter((d) => d < 0).length, equal: diff.filter((d) => d === 0).length, worse: diff.filter((d) => d > 0).length });
    } else if (results.length > 0) {
      const dead = results.map(([a]) => a);
      state.textContent = t("class.many.single", { n: results.length, median: percent(median(dead)), low: percent(Math.min(...dead)), high: percent(Math.max(...dead)) });
    }
  }
  const running = many && !many.stop && many.results.length < many.n;
  const button = h("button", { id: "many", onclick: act(() => {
    if (running) {
      /** @type {any} */ (room.many).stop = true;
      app.tell("select");
      return undefined;
    }
    return manySites(app, n);
  }) }, running ? t("class.many.stop") : t("class.many.run", { n }));
  return box(t("class.many", { n }), button, state);
}

/** The same sites in both arms, at classroom size, one after another. @param {App} app @param {number} n */
async function manySites(app, n) {
  const many = { n, done: 0, results: /** @type {[number, number | null][]} */ ([]), stop: false };
  room.many = many;
  app.tell("select");
  const engines = await Promise.all(app.arms.map(() => app.connect()));
  try {
    for (let seed = 1; seed <= n && !many.stop; seed += 1) {
      const ends = await Promise.all(app.arms.map(async (arm, i) => {
        const course = new Course(engines[i]);
        course.keepEvery = 1e9;
        await course.open({ ...arm.course.request, size: arm.course.info.plane === "section" ? "classroom" : undefined, seed });
        for (const past of arm.history) {
          while (course.branch.latest < past.step) await course.advance(Math.min(240, past.step - course.branch.latest));
          await course.fork(past.step, past.changes, past.label);
        }
        while (!course.branch.isOver && !many.stop) await course.advance(240);
        return course.branch.rows.get(course.branch.latest)?.[app.columns.necrotic_fraction] ?? NaN;
      }));
      if (!many.stop) many.results.push([ends[0], ends.length > 1 ? ends[1] : null]);
      app.tell("select");
      if (seed % 8 === 0) {
        // A session holds a bounded number of courses.
        engines.forEach((engine) => engine.close());
        engines.splice(0, engines.length, ...(await Promise.all(app.arms.map(() => app.connect()))));
      }
    }
  } finally {
    many.stop = many.results.length < n;
    engines.forEach((engine) => engine.close());
    app.tell("select");
  }
}


/** Fills the pane at the right. @param {App} app @param {string} tab @param {(app: App) => (Node | string)[]} lessons */
export function showPane(app, tab, lessons) {
  const pane = byId("pane");
  const focus = document.activeElement?.id;
  const scroll = pane.scrollTop;
  const open = [...pane.querySelectorAll("details")].map((d) => /** @type {HTMLDetailsElement} */ (d).open);
  if (tab !== "biopsy") app.punch = null;
  const content = tab === "look" ? lookPane(app) : tab === "change" ? changePane(app) : tab === "biopsy" ? biopsyPane(app)
    : tab === "why" ? whyPane(app) : tab === "class" ? classPane(app) : lessons(app);
  const same = pane.dataset.tab === tab;
  fill(pane, ...content);
  pane.dataset.tab = tab;
  if (same) {
    [...pane.querySelectorAll("details")].forEach((d, i) => { /** @type {HTMLDetailsElement} */ (d).open = open[i] ?? false; });
    pane.scrollTop = scroll;
    if (focus) document.getElementById(focus)?.focus();
  } else {
    pane.scrollTop = 0;
  }
}
