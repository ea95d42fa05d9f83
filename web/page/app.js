// The state of the page: arms, the day shown, what plays, what changes. It draws nothing; whoever shows something listens.
import { Course } from "./course.js";
import { digest } from "./classroom.js";
import { chemistry } from "./levers.js";
import { t } from "./words.js";

/**
 * @typedef {import("./engine.js").Engine} Engine
 * @typedef {{append?: string, sets?: string[], without?: string[], hold?: string[]}} Changes
 * @typedef {{step: number, changes: Changes, label: string}} Past
 * @typedef {{course: Course, history: Past[], label: string}} Arm
 */

export class App {
  /** @param {any} hello @param {Engine} engine @param {() => Promise<Engine>} connect */
  constructor(hello, engine, connect) {
    this.hello = hello;
    this.connect = connect;
    /** @type {Arm[]} */
    this.arms = [];
    /** @type {Engine | null} */
    this.spare = engine;
    this.cursor = 0;
    this.stepsPerFrame = 6;
    this.isPlaying = false;
    this.isBusy = false;
    this.target = 0;
    /** Lenses of the pictures, from the left. */
    this.slots = ["he", "oxygen", "damage", "mineral"];
    this.overlays = { vessels: true, clots: true, necrosis: true, hypoxia: false, cells: true, flow: true };
    this.view = { x: 0, y: 0, w: 1, h: 1 };
    /** @type {string | null} */
    this.selected = null;
    /** @type {number[] | null} */
    this.cross = null;
    /** @type {{x: number, diameter: number, depth: number} | null} */
    this.punch = null;
    this.curve = "necrotic_fraction";
    this.rate = 0;
    this.count = 0;
    /** @type {number | null} */
    this.guess = null;
    /** @type {{what: string, step: number} | null} */
    this.undone = null;
    this.inspected = 0;
    /** @type {number | undefined} */
    this.catching = undefined;
    /** @type {((fault: unknown) => void) | null} */
    this.fault = null;
    /** @type {((tab: string) => void) | null} */
    this.open_tab = null;
    /** @type {Map<string, Set<() => void>>} */
    this.listeners = new Map();
    /** @type {Record<string, number>} */
    this.columns = Object.fromEntries(hello.columns.map((/** @type {any} */ c, /** @type {number} */ i) => [c.name, i]));
  }

  /** @param {"time" | "course" | "view" | "select" | "play" | "arms" | "busy"} what @param {() => void} listener */
  on(what, listener) {
    const all = this.listeners.get(what) ?? new Set();
    all.add(listener);
    this.listeners.set(what, all);
  }

  /** @param {"time" | "course" | "view" | "select" | "play" | "arms" | "busy"} what */
  tell(what) {
    for (const listener of this.listeners.get(what) ?? []) listener();
  }

  get lens() {
    return this.slots[0];
  }

  set lens(lens) {
    this.slots[0] = lens;
  }

  get secondLens() {
    return this.slots[1];
  }

  set secondLens(lens) {
    this.slots[1] = lens;
  }

  /** The arm that changes go to. */
  get changing() {
    return this.arms[this.target] ?? this.arms[0];
  }

  get perDay() {
    return 24 / (this.arms[0]?.course.info.step_h ?? 1);
  }

  get lastStep() {
    return Math.max(1, ...this.arms.map((arm) => arm.course.info.last_step));
  }

  get latest() {
    return Math.max(0, ...this.arms.map((arm) => arm.course.branch.latest));
  }

  get day() {
    return this.cursor / this.perDay;
  }

  /** A value of a column of an arm at a step. @param {number} arm @param {string} column @param {number} [step] */
  value(arm, column, step) {
    return this.arms[arm].course.at(step ?? this.cursor).frame.row[this.columns[column]];
  }

  /** Runs something that takes a while; a second one waits for its turn. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  async busy(work) {
    this.count += 1;
    this.isBusy = true;
    this.tell("busy");
    try {
      return await work();
    } finally {
      this.count -= 1;
      this.isBusy = this.count > 0;
      this.tell("busy");
    }
  }

  /** Opens a scenario as arm A, alone. @param {Record<string, any>} request */
  async open(request) {
    this.pause();
    await this.busy(async () => {
      const engine = this.arms[0]?.course.engine ?? this.spare ?? (await this.connect());
      const course = new Course(engine);
      await course.open(request);
      this.removeB();
      this.arms = [{ course, history: [], label: t("arm.a") }];
      this.spare = null;
      this.target = 0;
      this.cursor = 0;
      this.view = { x: 0, y: 0, w: 1, h: 1 };
      this.selected = null;
      this.cross = null;
      this.punch = null;
      this.undone = null;
      this.guess = null;
      this.tell("arms");
      this.tell("course");
    });
  }

  /** Adds arm B: the same site, the same past up to the day shown. */
  async addB() {
    if (this.arms.length !== 1) return;
    this.pause();
    await this.busy(async () => {
      const a = this.arms[0];
      const b = await this.copyOf(a, this.cursor);
      this.arms.push(b);
      this.target = 1;
      this.undone = null;
      this.tell("arms");
      this.tell("course");
    });
  }

  removeB() {
    if (this.arms.length < 2) return;
    this.pause();
    const [b] = this.arms.splice(1, 1);
    b.course.engine.close();
    this.target = 0;
    this.undone = null;
    this.tell("arms");
    this.tell("course");
  }

  /** An arm with the request and the changes of another, up to a step. @param {Arm} arm @param {number} step @returns {Promise<Arm>} */
  async copyOf(arm, step) {
    const course = new Course(await this.connect());
    await course.open(arm.course.request);
    /** @type {Past[]} */
    const history = [];
    for (const past of arm.history) {
      if (past.step > step) break;
      await this.reach(course, past.step);
      await course.fork(past.step, past.changes, past.label);
      history.push(past);
    }
    await this.reach(course, step);
    return { course, history, label: t("arm.b") };
  }

  /** Steps a course on to a step, a day at a time. @param {Course} course @param {number} step */
  async reach(course, step) {
    while (course.branch.latest < step && !course.branch.isOver) {
      await course.advance(Math.min(24, step - course.branch.latest));
      this.catching = course.branch.latest / this.perDay;
      this.tell("busy");
    }
    this.catching = undefined;
  }

  /** Changes the arm that changes go to, from the day shown on: a branch. @param {Changes} changes @param {string} label */
  async change(changes, label) {
    this.pause();
    await this.busy(async () => {
      const arm = this.changing;
      await this.reach(arm.course, this.cursor);
      const step = Math.min(this.cursor, arm.course.branch.latest);
      await arm.course.fork(step, changes, label);
      arm.history = [...arm.history.filter((past) => past.step <= step), { step, changes, label }];
      this.tell("course");
    });
  }

  /** Moves a value of the patient. @param {string} name @param {number | boolean} value @param {string} label */
  lever(name, value, label) {
    return this.change({ append: chemistry(this.newId(), name, value, this.day) }, label);
  }

  /** An id that no table of the arm has. */
  newId() {
    const used = new Set(this.changing.course.info.entries.map((/** @type {any} */ entry) => entry.id));
    let n = 1;
    while (used.has(`page_${n}`)) n += 1;
    return `page_${n}`;
  }

  /** Arm B without a cause, from the step before it. @param {number} step @param {Changes} changes @param {string} what */
  async undo(step, changes, what) {
    this.pause();
    const shown = this.cursor;
    await this.busy(async () => {
      this.removeB();
      const a = this.arms[0];
      const b = await this.copyOf({ ...a, history: a.history.filter((past) => past.step <= step) }, step);
      await b.course.fork(step, changes, what);
      b.history.push({ step, changes, label: what });
      // What was changed later in A is changed in B too.
      for (const past of a.history.filter((one) => one.step > step)) {
        await this.reach(b.course, past.step);
        await b.course.fork(past.step, past.changes, past.label);
        b.history.push(past);
      }
      this.arms.push(b);
      this.undone = { what, step };
      this.tell("arms");
      await this.reach(b.course, Math.min(shown, a.course.branch.latest));
      this.tell("course");
    });
  }

  /** Shows a day; what was not computed yet is computed. @param {number} step */
  async show(step) {
    const wanted = Math.max(0, Math.min(this.lastStep, Math.round(step)));
    if (wanted > this.latest) {
      await this.busy(async () => {
        await Promise.all(this.arms.map((arm) => this.reach(arm.course, wanted)));
      });
    }
    this.cursor = Math.min(wanted, Math.max(wanted, 0));
    this.tell("time");
  }

  play() {
    if (this.isPlaying || this.arms.length === 0) return;
    if (this.cursor >= this.lastStep) this.cursor = 0;
    this.isPlaying = true;
    this.tell("play");
    this.loop().catch((fault) => {
      this.isPlaying = false;
      this.tell("play");
      this.fault?.(fault);
    });
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.tell("play");
  }

  /** Computes the next picture while this one is drawn. */
  async loop() {
    let mark = { time: performance.now(), day: this.day };
    while (this.isPlaying && this.cursor < this.lastStep) {
      const next = Math.min(this.lastStep, this.cursor + this.stepsPerFrame);
      const began = performance.now();
      const work = Promise.all(this.arms.map(async (arm) => {
        const { branch } = arm.course;
        if (branch.latest < next && !branch.isOver) await arm.course.advance(next - branch.latest);
      }));
      const drawn = new Promise((resolve) => requestAnimationFrame(resolve));
      await work;
      await drawn;
      if (!this.isPlaying) break;
      this.cursor = next;
      this.tell("time");
      // Frames that are kept already would fly by.
      const spare = 33 - (performance.now() - began);
      if (spare > 0) await new Promise((resolve) => setTimeout(resolve, spare));
      const now = performance.now();
      if (now - mark.time > 700) {
        this.rate = (1000 * (this.day - mark.day)) / (now - mark.time);
        mark = { time: now, day: this.day };
      }
    }
    this.pause();
    this.tell("time");
  }

  /** Ten bits that name scenario, size and changes of an arm, without its seed. @param {Arm} arm */
  setting(arm) {
    const { seed, ...request } = arm.course.request;
    void seed;
    return digest(JSON.stringify([request, arm.history.map((past) => [past.step, past.changes])])) & 1023;
  }
}
