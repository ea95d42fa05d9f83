// Treatments and insults as tables of a scenario, with the doses of the shipped scenarios.
import { h } from "./dom.js";
import { real } from "./levers.js";
import { t } from "./words.js";

/** @typedef {{kind: string, route?: string, dose?: [string, number], every?: number, count?: number}} Recipe */

/** @type {Record<string, Recipe>} */
const RECIPES = {
  msc_intradermal: { kind: "msc", route: "intradermal", dose: ["dose_cells_per_cm2", 1e6], every: 7, count: 3 },
  msc_iv: { kind: "msc", route: "iv", dose: ["dose_cells_per_kg", 1e6], every: 7, count: 3 },
  msc_vehicle: { kind: "msc", route: "vehicle", dose: ["dose_cells_per_cm2", 1e6], every: 7, count: 3 },
  sts: { kind: "sts", route: "iv", dose: ["dose_g", 25], every: 7 / 3, count: 12 },
  snf472: { kind: "snf472", route: "iv", dose: ["dose_mg", 490], every: 7 / 3, count: 12 },
  stop_warfarin: { kind: "stop_warfarin" },
  vitamin_k: { kind: "vitamin_k", dose: ["dose_mg", 10], every: 7 / 3, count: 12 },
  anticoagulant: { kind: "anticoagulant", route: "oral", dose: ["dose_mg", 2.5], every: 0.5, count: 60 },
  phosphate_lowering: { kind: "phosphate_lowering", dose: ["dose_mmol_per_l", 0.5], every: 1, count: 30 },
  hyperbaric_oxygen: { kind: "hyperbaric_oxygen", dose: ["dose_atm", 2.4], every: 1, count: 20 },
  debridement: { kind: "debridement" },
  wound_care: { kind: "wound_care", every: 2, count: 15 },
  antibiotic: { kind: "antibiotic", route: "iv", dose: ["dose_mg", 1000], every: 1, count: 14 },
  trauma: { kind: "trauma" },
};

/** Dose and rhythm of a recipe as the shipped scenarios have them. @param {string} name */
export function usual(name) {
  const { dose, every, count } = RECIPES[name];
  return { dose: dose?.[1] ?? 0, every: every ?? 1, count: count ?? 1 };
}

/**
 * A recipe as a table of a scenario; doses beyond the end of the run are left out.
 * @param {string} name @param {string} id @param {{start: number, dose: number, every: number, count: number, days: number, extent: number[]}} given
 */
export function table(name, id, given) {
  const recipe = RECIPES[name];
  if (recipe.kind === "trauma") {
    return `[[challenge]]\nid = "${id}"\nkind = "trauma"\nstart_d = ${real(given.start)}\nx_mm = ${real(given.extent[0] / 2)}\n` +
      `depth_mm = ${real(Math.min(3.6, given.extent[2] * 0.6))}\nradius_mm = 0.5\n`;
  }
  const lines = ["[[therapy]]", `id = "${id}"`, `kind = "${recipe.kind}"`, `start_d = ${real(given.start)}`];
  if (recipe.route) lines.push(`route = "${recipe.route}"`);
  if (recipe.every) {
    const room = Math.floor((given.days - given.start - 1e-9) / given.every) + 1;
    lines.push(`every_d = ${real(given.every)}`, `count = ${Math.max(1, Math.min(given.count, room))}`);
  }
  if (recipe.dose) lines.push(`${recipe.dose[0]} = ${real(given.dose)}`);
  return `${lines.join("\n")}\n`;
}

/**
 * The form that adds a treatment.
 * @param {{day: number, days: number, extent: number[]}} now @param {(append: string, label: string) => void} add @param {() => string} newId
 */
export function treatmentForm(now, add, newId) {
  const kind = h("select", { id: "treat-kind" }, ...Object.keys(RECIPES).map((name) => h("option", { value: name }, t(`treat.${name}`))));
  const dose = h("input", { type: "number", id: "treat-dose", min: 0, step: "any" });
  const unit = h("small");
  const every = h("input", { type: "number", id: "treat-every", min: 0.1, step: "any" });
  const count = h("input", { type: "number", id: "treat-count", min: 1, step: 1 });
  const start = h("input", { type: "number", id: "treat-start", min: 0, max: now.days, step: "any", value: +now.day.toFixed(2) });
  const field = (/** @type {string} */ id, /** @type {string} */ label, /** @type {Node[]} */ ...nodes) =>
    h("div", { class: "field" }, h("label", { for: id }, label), ...nodes);
  const doseField = field("treat-dose", t("treat.dose"), dose, unit);
  const everyField = field("treat-every", t("treat.every"), every);
  const countField = field("treat-count", t("treat.count"), count);
  const show = () => {
    const recipe = RECIPES[kind.value];
    doseField.hidden = !recipe.dose;
    everyField.hidden = !recipe.every;
    countField.hidden = !recipe.every;
    const given = usual(kind.value);
    dose.value = String(given.dose);
    unit.textContent = recipe.dose ? recipe.dose[0].replace("dose_", "").replaceAll("_", " ") : "";
    every.value = String(+given.every.toFixed(4));
    count.value = String(given.count);
  };
  kind.addEventListener("change", show);
  show();
  const button = h("button", { class: "accent", id: "treat-add", onclick: () => {
    const given = { start: Math.max(0, Number(start.value)), dose: Number(dose.value), every: Math.max(0.1, Number(every.value)), count: Number(count.value), days: now.days, extent: now.extent };
    add(table(kind.value, newId(), given), `${t(`treat.${kind.value}`)} d${given.start}`);
  } }, t("treat.add", { day: +now.day.toFixed(1) }));
  start.addEventListener("input", () => { button.textContent = t("treat.add", { day: start.value }); });
  return h("div", { class: "treat" }, field("treat-kind", t("treat.kind"), kind), doseField, everyField, countField,
    field("treat-start", t("treat.start"), start), button, h("small", {}, t("treat.dose.help")));
}
