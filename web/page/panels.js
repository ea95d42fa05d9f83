// The pictures: one arm through two lenses, or two arms and their difference. Zoom and place are shared.
import { byId, dayText, fill, h, num, percent, say } from "./dom.js";
import { readPicture, value } from "./frame.js";
import { Picture } from "./picture.js";
import { drawMarks, nearestVessel } from "./vessels.js";
import { t } from "./words.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {{element: HTMLElement, base: HTMLCanvasElement, over: HTMLCanvasElement, caption: HTMLElement, key: HTMLElement,
 *   picture: Picture, arm: number, slot: number, kind: "lens" | "difference", words: string}} Panel
 */

const STAINS = ["he", "vk", "alizarin", "section"];
const CALCIUM = /** @type {Record<string, number[]>} */ ({ he: [66, 48, 122], vk: [16, 12, 10], alizarin: [216, 64, 26], section: [10, 8, 6] });

/** All lenses: stains, then fields. @param {App} app */
export function lenses(app) {
  return [...STAINS, ...app.hello.fields.map((/** @type {any} */ field) => field.name)];
}

/** 256 colours of a table of hexadecimal digits. @param {string} digits */
function colours(digits) {
  const table = new Uint8Array(768);
  for (let i = 0; i < 768; i += 1) table[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return table;
}

export class Panels {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Panel[]} */
    this.panels = [];
    /** @type {Map<string, import("./frame.js").Picture>} */
    this.grounds = new Map();
    /** @type {Map<string, Uint8Array>} */
    this.tables = new Map(app.hello.fields.map((/** @type {any} */ field) => [field.name, colours(field.colours)]));
    this.tables.set("difference", colours(app.hello.difference));
    this.isQueued = false;
    new ResizeObserver(() => this.queue()).observe(byId("panels"));
  }

  /** Builds the panels for the arms that there are. */
  build() {
    const host = byId("panels");
    const two = this.app.arms.length > 1;
    /** Arm, lens, kind. @type {[number, number, Panel["kind"]][]} */
    const wanted = two ? [[0, 0, "lens"], [1, 0, "lens"], [1, 1, "difference"], [1, 1, "lens"]] : [[0, 0, "lens"], [0, 1, "lens"], [0, 2, "lens"], [0, 3, "lens"]];
    this.panels = wanted.map(([arm, slot, kind]) => this.panel(arm, slot, kind));
    fill(host, ...this.panels.map((panel) => panel.element));
    this.queue();
  }

  /** @param {number} arm @param {number} slot @param {Panel["kind"]} kind @returns {Panel} */
  panel(arm, slot, kind) {
    const base = h("canvas", { class: "base" });
    const over = h("canvas", { class: "over", tabIndex: 0, role: "img" });
    const key = h("div", { class: "key" });
    const caption = h("figcaption");
    const element = h("figure", { class: "panel" }, caption, h("div", { class: "frame" }, base, over), key);
    const panel = { element, base, over, caption, key, picture: new Picture(base), arm, slot, kind, words: "" };
    this.caption(panel);
    this.listen(panel);
    return panel;
  }

  /** @param {Panel} panel */
  caption(panel) {
    const { app } = this;
    const arm = app.arms[panel.arm];
    const name = app.arms.length > 1 || arm.history.length > 0 ? `${t(panel.arm === 0 ? "arm.a" : "arm.b")}: ${armName(app, panel.arm)}` : "";
    if (panel.kind === "difference") {
      fill(panel.caption, t("lens.difference", { field: t(`lens.${this.differenceField()}`) }));
      return;
    }
    const current = app.slots[panel.slot];
    const select = h("select", { "aria-label": t("lens.title"), class: "lens", onchange: (/** @type {any} */ event) => {
      app.slots[panel.slot] = event.target.value;
      app.tell("view");
    } }, ...lenses(app).map((lens) => h("option", { value: lens, selected: lens === current }, t(`lens.${lens}`))));
    select.value = current;
    fill(panel.caption, ...(name ? [h("b", { title: name }, name)] : []), select);
  }

  /** Which field a difference shows: that of the lens, else of the second lens. */
  differenceField() {
    if (!STAINS.includes(this.app.lens)) return this.app.lens;
    return STAINS.includes(this.app.secondLens) ? "oxygen" : this.app.secondLens;
  }

  /** @param {Panel} panel */
  lensOf(panel) {
    return panel.kind === "difference" ? this.differenceField() : this.app.slots[panel.slot];
  }

  /** Draws with the next picture of the screen. */
  queue() {
    if (this.isQueued) return;
    this.isQueued = true;
    requestAnimationFrame(() => {
      this.isQueued = false;
      this.draw();
    });
  }

  draw() {
    const { app } = this;
    if (app.arms.length === 0) return;
    for (const panel of this.panels) if (app.arms[panel.arm]) this.drawPanel(panel);
    this.speak();
  }

  /** @param {Panel} panel */
  drawPanel(panel) {
    const { app } = this;
    const { frame, geometry } = app.arms[panel.arm].course.at(app.cursor);
    this.fit(panel, geometry);
    const lens = this.lensOf(panel);
    const isStain = STAINS.includes(lens);
    const field = Math.max(0, app.hello.fields.findIndex((/** @type {any} */ one) => one.name === lens));
    const ground = isStain ? this.ground(panel.arm, lens) : null;
    const reference = panel.kind === "difference" ? app.arms[0].course.at(app.cursor).frame : null;
    const about = app.hello.fields[isStain ? 0 : field];
    const oxygen = app.hello.fields[0];
    const hypoxia = (app.arms[panel.arm].course.info.hypoxia_mmhg - oxygen.low) / (oxygen.high - oxygen.low);
    panel.picture.draw(frame, geometry.kind, reference, app.view, [geometry.width, geometry.height], {
      mode: panel.kind === "difference" ? "difference" : isStain ? "stain" : "field",
      field, power: about.power, ground, calcium: CALCIUM[lens] ?? CALCIUM.he, dark: false,
      colours: /** @type {Uint8Array} */ (this.tables.get(panel.kind === "difference" ? "difference" : about.name)),
      necrosis: app.overlays.necrosis, hypoxia: app.overlays.hypoxia ? hypoxia : 0,
    });
    const c = panel.over.getContext("2d");
    if (c) {
      drawMarks(c, frame, geometry, app.view, {
        ...app.overlays, selected: app.selected, cross: app.cross, punch: app.punch, bar: true, ink: "#1a1a1a",
        calcium: `rgb(${(CALCIUM[lens] ?? CALCIUM.vk).join(",")})`,
      });
    }
    this.legend(panel, lens, about);
  }

  /** The canvas as large as its place allows, in the shape of the tissue. @param {Panel} panel @param {import("./frame.js").Geometry} geometry */
  fit(panel, geometry) {
    const place = /** @type {HTMLElement} */ (panel.base.parentElement);
    const ratio = window.devicePixelRatio || 1;
    const room = [place.clientWidth, place.clientHeight];
    const scale = Math.min(room[0] / geometry.width, room[1] / geometry.height);
    // Wider than the tissue when it is enlarged: the room beside it is used.
    const zoom = 1 / this.app.view.h;
    const wide = Math.max(40, Math.round(Math.min(room[0], geometry.width * scale * zoom)));
    const tall = Math.max(40, Math.round(geometry.height * scale));
    const { view } = this.app;
    const share = (view.h * geometry.height * wide) / (tall * geometry.width);
    if (Math.abs(share - view.w) > 1e-6) {
      const middle = view.x + view.w / 2;
      view.w = Math.min(1, share);
      view.x = Math.min(1 - view.w, Math.max(0, middle - view.w / 2));
    }
    for (const canvas of [panel.base, panel.over]) {
      canvas.style.width = `${wide}px`;
      canvas.style.height = `${tall}px`;
      if (canvas.width !== Math.round(wide * ratio)) canvas.width = Math.round(wide * ratio);
      if (canvas.height !== Math.round(tall * ratio)) canvas.height = Math.round(tall * ratio);
    }
  }

  /** The ground of an arm in a stain; asked for once. @param {number} arm @param {string} stain */
  ground(arm, stain) {
    const { course } = this.app.arms[arm];
    const key = `${course.request.scenario ?? ""}${course.request.text?.length ?? 0}${course.request.size ?? ""}/${course.info.seed}/${course.info.extent_mm}/${stain}`;
    const known = this.grounds.get(key);
    if (known) return known.width > 0 ? known : null;
    this.grounds.set(key, { width: 0, height: 0, pixels: new Uint8ClampedArray(0) });
    const { extent_mm: extent } = course.info;
    const tall = course.info.plane === "plan" ? extent[1] : extent[2];
    const scale = Math.min(120, 1000 / Math.max(extent[0], tall));
    course.inTurn(() => course.engine.ask({ do: "ground", branch: course.current, stain, px_per_mm: scale })).then((reply) => {
      this.grounds.set(key, readPicture(reply.parts[0]));
      this.queue();
    }, () => this.grounds.delete(key));
    return null;
  }

  /** @param {Panel} panel @param {string} lens @param {any} field */
  legend(panel, lens, field) {
    const words = `${panel.kind}/${lens}/${t("legend.dead")}`;
    if (panel.words === words) return;
    panel.words = words;
    if (STAINS.includes(lens)) {
      const [r, g, b] = CALCIUM[lens];
      fill(panel.key, swatch("#c0182b", t("legend.arteriole")), swatch("#9a3f86", t("legend.capillary")), swatch("#2f5fa8", t("legend.venule")),
        swatch(`rgb(${r},${g},${b})`, t("legend.calcium")), sign("×", "#b34700", t("legend.clot")), sign("▨", "#4a3a2c", t("legend.dead")),
        swatch("#f4e9c9", t("legend.open")), sign("▲", "#00724f", t("legend.msc")));
      return;
    }
    const table = /** @type {Uint8Array} */ (this.tables.get(panel.kind === "difference" ? "difference" : field.name));
    const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((i) => `rgb(${table[3 * i]},${table[3 * i + 1]},${table[3 * i + 2]})`);
    const bar = h("i", { class: "ramp" });
    bar.style.background = `linear-gradient(90deg, ${stops.join(",")})`;
    const half = (field.high - field.low) / 2;
    const ends = panel.kind === "difference" ? [`−${num(half)}`, `+${num(half)}`] : [num(field.low), num(field.high)];
    fill(panel.key, h("span", { class: "bar", title: field.unit }, ends[0], bar, `${ends[1]}${field.unit.length < 9 && field.unit !== "-" ? ` ${field.unit}` : ""}`),
      panel.kind === "difference" ? t("lens.difference.help") : sign("×", "#b34700", t("legend.clot")));
  }

  /** @param {Panel} panel */
  listen(panel) {
    const { app } = this;
    const at = (/** @type {PointerEvent | MouseEvent} */ event) => {
      const box = panel.over.getBoundingClientRect();
      const { geometry } = app.arms[panel.arm].course.at(app.cursor);
      const across = app.view.x + (app.view.w * (event.clientX - box.left)) / box.width;
      const down = app.view.y + (app.view.h * (event.clientY - box.top)) / box.height;
      return [across * geometry.width, down * geometry.height];
    };
    /** @type {{x: number, y: number, view: {x: number, y: number}, moved: boolean} | null} */
    let drag = null;
    panel.over.addEventListener("pointerdown", (event) => {
      panel.over.setPointerCapture(event.pointerId);
      drag = { x: event.clientX, y: event.clientY, view: { ...app.view }, moved: false };
    });
    panel.over.addEventListener("pointermove", (event) => {
      if (!drag) return;
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4) drag.moved = true;
      if (!drag.moved) return;
      if (app.punch) {
        app.punch.x = at(event)[0];
      } else {
        const box = panel.over.getBoundingClientRect();
        app.view.x = within(drag.view.x - (app.view.w * (event.clientX - drag.x)) / box.width, 1 - app.view.w);
        app.view.y = within(drag.view.y - (app.view.h * (event.clientY - drag.y)) / box.height, 1 - app.view.h);
      }
      app.tell("view");
    });
    panel.over.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved) this.point(panel.arm, at(event));
      else if (drag && app.punch) app.tell("select");
      drag = null;
    });
    panel.over.addEventListener("pointercancel", () => { drag = null; });
    panel.over.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.25 : 0.8, at(event), app.arms[panel.arm].course.at(app.cursor).geometry);
    }, { passive: false });
    panel.over.addEventListener("keydown", (event) => this.crosshair(panel, event));
  }

  /** Moves the crosshair by keys. @param {Panel} panel @param {KeyboardEvent} event */
  crosshair(panel, event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const { app } = this;
    const { geometry } = app.arms[panel.arm].course.at(app.cursor);
    const pace = (event.shiftKey ? 400 : 80) * app.view.h;
    const from = app.cross ?? [geometry.width / 2, geometry.height / 2];
    this.point(panel.arm, [within(from[0] + move[0] * pace, geometry.width - 1), within(from[1] + move[1] * pace, geometry.height - 1)]);
  }

  /** Selects what lies at a place. @param {number} arm @param {number[]} place */
  point(arm, place) {
    const { app } = this;
    const { geometry } = app.arms[arm].course.at(app.cursor);
    const found = nearestVessel(geometry, place[0], place[1], Math.max(25, 60 * app.view.h));
    app.cross = place;
    app.selected = found < 0 ? null : geometry.ids[found];
    app.inspected = arm;
    app.tell("select");
    say(describe(app, arm));
  }

  /** @param {number} factor @param {number[] | null} around @param {import("./frame.js").Geometry} geometry */
  zoom(factor, around, geometry) {
    const { view } = this.app;
    const next = Math.min(1, Math.max(0.06, view.h / factor));
    const focus = around ? [around[0] / geometry.width, around[1] / geometry.height] : [view.x + view.w / 2, view.y + view.h / 2];
    const shares = [(focus[0] - view.x) / view.w, (focus[1] - view.y) / view.h];
    const wide = Math.min(1, (view.w * next) / view.h);
    this.app.view = { w: wide, h: next, x: within(focus[0] - shares[0] * wide, 1 - wide), y: within(focus[1] - shares[1] * next, 1 - next) };
    this.app.tell("view");
  }

  /** The picture in a sentence, for those who do not see it. */
  speak() {
    const { app } = this;
    for (const panel of this.panels) {
      if (!app.arms[panel.arm]) continue;
      const { course } = app.arms[panel.arm];
      const { frame } = course.at(app.cursor);
      const [wide, , deep] = course.info.extent_mm;
      const get = (/** @type {string} */ name) => percent(frame.row[app.columns[name]]);
      const lens = this.lensOf(panel);
      panel.over.setAttribute("aria-label", t("speak.picture", {
        w: wide, h: deep, day: dayText(frame.day), lens: t(`lens.${lens}`), dead: get("necrotic_now_fraction"), ulcer: get("ulcer_fraction"),
        perfused: get("perfused_fraction"), clots: get("thrombosed_segment_fraction"),
      }));
    }
  }
}

/** @param {number} x @param {number} most */
function within(x, most) {
  return Math.min(Math.max(0, most), Math.max(0, x));
}

/** @param {string} colour @param {string} text */
function swatch(colour, text) {
  const box = h("i", { class: "swatch" });
  box.style.background = colour;
  return h("span", {}, box, text);
}

/** @param {string} mark @param {string} colour @param {string} text */
function sign(mark, colour, text) {
  const box = h("i", { class: "sign", "aria-hidden": "true" }, mark);
  box.style.color = colour;
  return h("span", {}, box, text);
}

/** What an arm is. @param {App} app @param {number} arm */
function armName(app, arm) {
  const labels = app.arms[arm].history.map((past) => past.label);
  if (arm === 1 && app.undone) return t("why.undone", { what: app.undone.what }).replace(/^B[:：]\s*/, "");
  return labels.length > 0 ? labels.join(", ") : t("arm.as.is");
}

const KINDS = ["epidermis", "papillary", "reticular", "septum", "fat", "membrane"];
const FATES = ["alive", "dead", "gone", "healed"];

/** What lies under the crosshair, in a sentence. @param {App} app @param {number} arm */
export function describe(app, arm) {
  if (!app.cross || !app.arms[arm]) return t("inspect.none");
  const { frame, geometry } = app.arms[arm].course.at(app.cursor);
  const x = Math.min(frame.nx - 1, Math.floor((app.cross[0] / geometry.width) * frame.nx));
  const y = Math.min(frame.ny - 1, Math.floor((app.cross[1] / geometry.height) * frame.ny));
  const i = x + y * frame.nx;
  const what = `${t(`kind.${KINDS[geometry.kind[i]]}`)}, ${t(`fate.${FATES[frame.vitality[i]]}`)}, ` +
    `${t("lens.oxygen")} ${num(value(frame.fields[0][i], app.hello.fields[0]))} mmHg`;
  return t("inspect.place", { x: (app.cross[0] / 1000).toFixed(2), y: (app.cross[1] / 1000).toFixed(2), what });
}

/** State of a vessel as rows of name and value. @param {App} app @param {number} arm @param {string} id @returns {[string, string][]} */
export function vesselRows(app, arm, id) {
  const { frame, geometry } = app.arms[arm].course.at(app.cursor);
  const s = geometry.ids.indexOf(id);
  if (s < 0 || s >= frame.segmentCount) return [];
  const q = frame.segments.subarray(6 * s, 6 * s + 6);
  return [
    [t("inspect.radius"), `${num(geometry.radius[s])} µm`],
    [t("inspect.mineral"), `${percent(q[0] / 255)} %`],
    [t("inspect.neointima"), `${percent(q[1] / 255)} %`],
    [t("inspect.thrombus"), `${percent(q[2] / 255)} %`],
    [t("inspect.integrity"), `${percent(q[3] / 255)} %`],
    [t("inspect.flow"), q[4] === 255 ? "> 200 %" : `${percent((2 * q[4]) / 255)} %`],
    [t("inspect.po2"), `${num((127.5 * q[5]) / 255)} mmHg`],
  ];
}
