// Lessons: steps with text, a picture to look at, a task, an answer; and a sheet to print.
import { byId, fill, h } from "./dom.js";
import { table, usual } from "./treatments.js";
import { both, t } from "./words.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {{en: string, zh: string}} Text
 * @typedef {{title?: Text, text: Text, task: Text, expected: Text, day?: number, lens?: string, second?: string, tab?: string,
 *   scenario?: string, seed?: number, b?: {treatment?: string, without?: string[], sets?: string[], day?: number}}} Step
 * @typedef {{id: string, title: Text, aim: Text, minutes: number, level: Text, scenario: string, size?: string, seed?: number,
 *   step: Step[], misconception: {claim: Text, answer: Text}, sources: string[]}} Lesson
 */

/** @type {{lesson: Lesson | null, step: number}} */
const now = { lesson: null, step: 0 };

/** The pane of lessons. @param {App} app @param {(work: () => Promise<void>) => void} run @param {() => void} again @param {(tab: string) => void} openTab */
export function lessonPane(app, run, again, openTab) {
  const predict = predictBox(app, again);
  if (!now.lesson) {
    const cards = app.hello.lessons.map((/** @type {Lesson} */ lesson) => h("article", { class: "lesson-card" },
      h("h3", {}, both(lesson.title)), h("p", {}, both(lesson.aim)),
      h("p", { class: "quiet" }, `${t("learn.minutes", { n: lesson.minutes })} · ${both(lesson.level)}`),
      h("button", { class: "accent", "data-lesson": lesson.id, onclick: () => { now.lesson = lesson; now.step = 0; again(); } }, t("learn.begin")), " ",
      h("button", { onclick: () => printSheet(lesson) }, t("learn.print"))));
    return [h("section", {}, h("h2", {}, t("learn.title")), ...cards), predict];
  }
  const { lesson } = now;
  const step = lesson.step[now.step];
  const paragraphs = both(step.text).trim().split(/\n\s*\n/).map((p) => h("p", {}, p));
  return [h("section", { class: "lesson" },
    h("button", { class: "small", onclick: () => { now.lesson = null; again(); } }, `‹ ${t("learn.back")}`),
    h("h2", { id: "lesson-title" }, both(lesson.title)),
    h("p", { class: "quiet" }, t("learn.step", { n: now.step + 1, all: lesson.step.length })),
    ...paragraphs,
    h("button", { class: "accent", id: "lesson-show", onclick: () => run(() => show(app, lesson, step, openTab)) }, t("learn.show")),
    h("div", { class: "task" }, h("h3", {}, t("learn.task")), h("p", {}, both(step.task))),
    h("details", {}, h("summary", {}, t("learn.expected")), h("p", {}, both(step.expected))),
    ...(now.step === lesson.step.length - 1 ? [h("div", { class: "task" }, h("h3", {}, t("learn.misconception")), h("p", {}, h("q", {}, both(lesson.misconception.claim))), h("p", {}, both(lesson.misconception.answer))),
      h("details", {}, h("summary", {}, t("learn.sources")), h("ul", {}, ...lesson.sources.map((source) => h("li", {}, source))))] : []),
    h("div", { class: "turn" },
      h("button", { disabled: now.step === 0, onclick: () => { now.step -= 1; again(); } }, t("learn.previous")),
      h("button", { id: "lesson-next", disabled: now.step === lesson.step.length - 1, onclick: () => { now.step += 1; again(); } }, t("learn.next")),
      h("button", { onclick: () => printSheet(lesson) }, t("learn.print")))), predict];
}

/** Brings the picture to what a step speaks of. @param {App} app @param {Lesson} lesson @param {Step} step @param {(tab: string) => void} openTab */
async function show(app, lesson, step, openTab) {
  const [scenario, seed] = [step.scenario ?? lesson.scenario, step.seed ?? lesson.seed];
  const open = app.arms[0]?.course.request;
  if (!open || open.scenario !== scenario || open.size !== lesson.size || open.seed !== seed || app.arms[0].history.length > 0) {
    await app.open({ scenario, size: lesson.size, seed });
  }
  if (step.lens) app.lens = step.lens;
  if (step.second) app.secondLens = step.second;
  app.removeB();
  if (step.b) {
    const day = step.b.day ?? 0;
    await app.show(Math.round(day * app.perDay));
    await app.addB();
    const { info } = app.arms[1].course;
    const append = step.b.treatment ? table(step.b.treatment, app.newId(), { start: day, ...usual(step.b.treatment), days: info.days, extent: info.extent_mm }) : "";
    const what = step.b.treatment ? t(`treat.${step.b.treatment}`) : [...(step.b.without ?? []).map((id) => `− ${id}`), ...(step.b.sets ?? [])].join(", ");
    await app.change({ append, without: step.b.without, sets: step.b.sets }, what);
  }
  if (step.day !== undefined) await app.show(Math.round(step.day * app.perDay));
  app.tell("view");
  // The words of the lesson stay where nothing has to be done elsewhere.
  if (step.tab && step.tab !== "look") openTab(step.tab);
}

/** A guess before the run, beside the outcome after it. @param {App} app @param {() => void} again */
function predictBox(app, again) {
  if (app.arms.length === 0) return h("div");
  const { branch } = app.arms[0].course;
  const words = h("p", { id: "predict-words", "aria-live": "polite" });
  const content = [h("p", {}, t("predict.ask")), words];
  if (app.guess === null) {
    const out = h("output", { for: "guess" }, "10 %");
    const range = h("input", { type: "range", id: "guess", min: 0, max: 100, step: 1, value: 10, "aria-label": t("predict.ask"), oninput: (/** @type {any} */ e) => { out.textContent = `${e.target.value} %`; } });
    content.push(range, out, " ", h("button", { id: "keep-guess", onclick: () => { app.guess = Number(range.value); again(); } }, t("predict.keep")));
  } else if (branch.isOver) {
    const truth = branch.rows.get(branch.latest)?.[app.columns.necrotic_fraction] ?? NaN;
    words.textContent = t("predict.told", { guess: app.guess, truth: (100 * truth).toFixed(0) });
  } else {
    words.textContent = t("predict.kept", { guess: app.guess });
  }
  return h("section", {}, h("h2", {}, t("predict.title")), ...content);
}

/** The sheet of a lesson on paper: tasks with room for answers. @param {Lesson} lesson */
function printSheet(lesson) {
  const sheet = byId("sheet");
  fill(sheet, h("h1", {}, both(lesson.title)), h("p", {}, both(lesson.aim)), h("p", { class: "name" }, `${t("learn.name")}: ______________________   ${t("class.seat")}: ________`),
    ...lesson.step.flatMap((step, i) => [h("h2", {}, `${i + 1}. ${step.title ? both(step.title) : t("learn.task")}`), h("p", {}, both(step.task)), h("div", { class: "lines", "aria-hidden": "true" })]),
    h("p", { class: "quiet" }, t("app.footer")));
  document.body.classList.add("printing");
  window.print();
  document.body.classList.remove("printing");
}
