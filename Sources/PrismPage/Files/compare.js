// Two analyses beside each other: two inputs, or two models on one input.
import { Collected } from "/collected.js";
import { h, term, unique } from "/dom.js";
import { rankCorrelation } from "/maps.js";
import { card } from "/saved.js";
import { measure, number, percent, t } from "/texts.js";
import { Toolbar } from "/toolbar.js";
import { Views } from "/views.js";

export class CompareView {
  constructor(page) {
    Object.assign(this, { page, isWide: true });
    this.element = h("div", { class: "compare" });
  }

  /** Shows two analyses, or what could be the second. */
  async open(first, second) {
    if (!second) {
      await this.choose(first);
      return;
    }
    this.sides = [first, second].map(() => ({ place: h("div") }));
    for (const side of this.sides) { side.views = new Views(side.place); }
    this.sides[0].views.link(this.sides[1].views);
    const both = this.sides.map((side) => side.views);
    for (const views of both) {
      views.addEventListener("told", (event) => this.page.announce(event.detail));
    }
    const collected = await Promise.all([first, second].map(async (id, i) => {
      const one = await Collected.of(this.page, id);
      if (one.kind === "audio") { both[i].options.aspect = "fill"; }
      return one;
    }));
    this.toolbar = new Toolbar(both, this.page.keys);
    const heads = collected.map((one) => h("div", {},
      h("h2", {}, h("a", { href: `#/analysis/${one.analysis.id}` }, one.analysis.name)),
      h("p", { class: "muted" }, `${one.analysis.model} · ${
        one.report.predictions[0].label} ${percent(one.report.predictions[0].probability)}`)));
    this.element.replaceChildren(h("h1", {}, t("compare.title")), this.toolbar.element,
      h("div", { class: "beside" }, collected.map((_, i) =>
        h("section", {}, heads[i], this.sides[i].place))),
      this.predictions(collected), this.agreement(collected));
    await Promise.all(collected.map((one, i) => one.show(both[i], collected[1 - i])));
  }

  /** The list from which the second is chosen. */
  async choose(first) {
    const analysis = await this.page.api.analysis(first);
    const place = h("ul", { class: "cards" });
    this.element.replaceChildren(h("h1", {}, t("compare.choose", { name: analysis.name })),
      h("p", { class: "muted" }, t("compare.choose.note")),
      await this.otherModels(analysis), h("h2", {}, t("compare.saved")), place);
    const { analyses } = await this.page.api.list({ limit: 60 });
    const others = analyses.filter(
      (one) => one.id !== first && one.type === analysis.type && one.label);
    place.append(...others.map((one) => card(this.page, one, `#/compare/${first}/${one.id}`)));
    if (others.length === 0) {
      place.replaceWith(h("p", { class: "muted" }, t("compare.none")));
    }
  }

  /** The same input for another model, with the methods that fit it. */
  async otherModels(analysis) {
    const models = this.page.models.filter(
      (model) => model.type === analysis.type && model.name !== analysis.model);
    if (models.length === 0) { return h("p", { class: "muted" }, t("compare.oneModel")); }
    const id = unique("model");
    const select = h("select", { id }, models.map(({ name }) => h("option", {}, name)));
    const state = h("span", { class: "muted", role: "status" });
    const button = h("button", {
      type: "button", onclick: async () => {
        button.disabled = true;
        state.textContent = t("compare.explaining", { model: select.value });
        try {
          await this.askOther(analysis, select.value);
        } catch (error) {
          this.page.fail(error);
        }
        button.disabled = false;
        state.textContent = "";
      },
    }, t("compare.explain"));
    return h("p", { class: "field inline" },
      h("label", { for: id }, t("compare.model")), select, button, state);
  }

  async askOther(analysis, name) {
    const model = this.page.models.find((one) => one.name === name);
    const methods = analysis.request.methods.filter(({ name: method }) =>
      model.methods.some((one) => one.name === method && !one.obstacle))
      .map(({ layer, ...method }) => method);
    const file = await this.page.api.blob(analysis.input.file);
    const other = await this.page.api.begin(file, analysis.input.name, {
      model: name, methods: methods.length > 0 ? methods : [{ name: "gradcam" }],
      seed: analysis.request.seed,
    });
    const last = await new Promise((done) => this.page.api.watch(other.id, {
      end: done, lost: () => done({ state: "interrupted" }),
    }));
    if (last.state !== "done") { throw new Error(last.error ?? t(`state.${last.state}`)); }
    if (this.element.isConnected) { this.page.go(`/compare/${analysis.id}/${other.id}`); }
  }

  /** What tells the two apart: their names, or their models where one input was given to both. */
  static titles(analyses) {
    for (const title of [(one) => one.name, (one) => one.model]) {
      const [a, b] = analyses.map(title);
      if (a !== b) { return [a, b]; }
    }
    return analyses.map((one, i) => `${one.name} (${i + 1})`);
  }

  predictions(collected) {
    const [a, b] = collected.map(({ report }) =>
      new Map(report.predictions.map((one) => [one.label, one.probability])));
    const most = (label) => Math.max(a.get(label) ?? 0, b.get(label) ?? 0);
    const titles = CompareView.titles(collected.map((one) => one.analysis));
    const labels = [...new Set([...a.keys(), ...b.keys()])]
      .sort((x, y) => most(y) - most(x)).slice(0, 8);
    const difference = (label) => {
      if (!a.has(label) || !b.has(label)) { return "–"; }
      const points = Math.round(1000 * (b.get(label) - a.get(label))) / 10;
      return `${points < 0 ? "−" : "+"}${number(Math.abs(points), 3)}`;
    };
    return h("section", {}, h("div", {
      class: "scrolling", tabIndex: 0, role: "region", "aria-label": t("analysis.predictions"),
    }, h("table", {}, h("caption", {}, t("analysis.predictions")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("tables.label")),
        titles.map((title) => h("th", { scope: "col", class: "number" }, title)),
        h("th", { scope: "col", class: "number" },
          term(t("compare.difference"), t("compare.difference.meaning"))))),
      h("tbody", {}, labels.map((label) => h("tr", {}, h("th", { scope: "row" }, label),
        h("td", { class: "number" }, percent(a.get(label))),
        h("td", { class: "number" }, percent(b.get(label))),
        h("td", { class: "number" }, difference(label))))))));
  }

  /** How far the maps of the same method and label agree. */
  agreement(collected) {
    const [a, b] = collected.map((one) => one.maps);
    const rows = a.flatMap((map) => {
      const other = b.find((one) => one.info.method === map.info.method
        && one.info.label === map.info.label && one.values.length === map.values.length);
      return other ? [[map, rankCorrelation(map.values, other.values)]] : [];
    });
    if (rows.length === 0) { return h("p", { class: "muted" }, t("compare.nothingShared")); }
    return h("section", {}, h("div", {
      class: "scrolling", tabIndex: 0, role: "region", "aria-label": t("compare.agreement"),
    }, h("table", {}, h("caption", {}, t("compare.agreement")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("tables.method")),
        h("th", { scope: "col" }, t("tables.label")),
        h("th", { scope: "col", class: "number" }, t("measure.rankCorrelation")))),
      h("tbody", {}, rows.map(([map, value]) => h("tr", {},
        h("th", { scope: "row" }, collected[0].title(map.info.method)),
        h("td", {}, map.info.label), h("td", { class: "number" }, measure(value))))))),
    h("p", { class: "muted" }, t("measure.rankCorrelation.meaning")));
  }

  close() { for (const side of this.sides ?? []) { side.views.resizing.disconnect(); } }
}
