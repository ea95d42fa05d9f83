// The choice of a scenario: cards with their question, what is known and what is assumed.
import { byId, fill, h } from "./dom.js";
import { ofScenario, t } from "./words.js";

const GROUPS = /** @type {[string, string[]][]} */ ([
  ["picker.group.disease", ["healthy", "ckd_chronic", "cua_warfarin", "cua_distal", "site_at_risk", "nonuraemic_obesity", "penile", "local_trauma"]],
  ["picker.group.treatment", ["msc_local", "msc_vehicle", "msc_early", "msc_late", "msc_iv", "msc_bundle", "sts", "snf472", "vitk_apixaban", "multimodal", "recovery", "nonuraemic_stop"]],
  ["picker.group.mimic", ["arterial_gangrene", "venous_stasis", "thrombotic_vasculopathy"]],
  ["picker.group.other", ["selye_rat", "warfarin_rodent", "vitamin_k_rodent", "fetuin_a_mouse", "block_3d", "mesentery"]],
]);
const LARGE = ["block_3d", "mesentery"];
const OWN_SIZE = ["selye_rat", "warfarin_rodent", "vitamin_k_rodent", "fetuin_a_mouse", ...LARGE];

/**
 * Shows the picker; `choose` gets the request of what was chosen.
 * @param {any} hello @param {"native" | "wasm"} kind @param {(request: Record<string, any>) => void} choose @param {(fault: unknown) => void} complain
 */
export function showPicker(hello, kind, choose, complain) {
  const dialog = byId("picker");
  const size = h("select", { id: "picker-size" }, ...["full", "classroom"].map((name) => h("option", { value: name, selected: (kind === "wasm") === (name === "classroom") }, t(`picker.size.${name}`))));
  const seed = h("input", { id: "picker-seed", type: "number", min: 0, step: 1, value: 1 });
  const search = h("input", { id: "picker-search", type: "search", placeholder: t("picker.search"), "aria-label": t("picker.search") });
  const file = h("input", { id: "picker-file", type: "file", accept: ".toml,text/plain", class: "unseen" });
  const request = () => ({ seed: Math.max(0, Math.round(Number(seed.value)) || 1), size: size.value === "classroom" ? "classroom" : undefined });
  const done = (/** @type {Record<string, any>} */ what) => {
    dialog.close();
    choose(what);
  };
  file.addEventListener("change", async () => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    if (chosen.size > 200000) {
      complain(new Error(`${chosen.name}: > 200 kB`));
      return;
    }
    done({ text: await chosen.text(), seed: undefined });
  });
  const known = new Set(GROUPS.flatMap(([, names]) => names));
  const groups = GROUPS.map(([title, names]) => /** @type {[string, string[]]} */ ([title, title === "picker.group.other" ? [...names, ...hello.scenarios.map((/** @type {any} */ s) => s.name).filter((/** @type {string} */ name) => !known.has(name))] : names]));
  const list = h("div", { class: "cards" });
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    fill(list, ...groups.flatMap(([title, names]) => {
      const cards = names.map((name) => hello.scenarios.find((/** @type {any} */ s) => s.name === name)).filter((s) => s && (`${s.name} ${ofScenario(s, "question")} ${s.question}`.toLowerCase().includes(wanted)));
      if (cards.length === 0) return [];
      return [h("h3", {}, t(title)), ...cards.map((s) => h("article", { class: "card" },
        h("button", { class: "question", "data-scenario": s.name, onclick: () => {
          const what = request();
          done({ scenario: s.name, seed: what.seed, size: OWN_SIZE.includes(s.name) ? undefined : what.size });
        } }, ofScenario(s, "question")),
        h("p", { class: "quiet" }, h("code", {}, s.name), s.days ? ` · ${t("picker.days", { days: s.days })}` : "", LARGE.includes(s.name) ? ` · ${t("picker.slow")}` : ""),
        h("details", {}, h("summary", {}, `${t("picker.known")} · ${t("picker.assumed")}`), ...["known", "assumed"].map((key) => h("p", {}, h("b", {}, t("picker.told", { what: t(`picker.${key}`) })), ofScenario(s, /** @type {"known" | "assumed"} */ (key)))))))];
    }));
  };
  search.addEventListener("input", show);
  show();
  fill(dialog, h("header", {}, h("h2", {}, t("picker.title")), h("button", { class: "small", onclick: () => dialog.close(), "aria-label": t("app.close") }, "✕")),
    h("div", { class: "picker-bar" }, search, h("label", { for: "picker-size" }, t("picker.size")), size, h("label", { for: "picker-seed" }, t("picker.seed")), seed,
      h("label", { for: "picker-file", class: "button" }, t("picker.file")), file), list, h("p", { class: "quiet" }, t("app.footer")));
  dialog.showModal();
  search.focus();
}
