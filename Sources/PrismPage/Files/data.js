// What data say about an input and a model: examples near to the input, what stands for a label, the
// concepts of a label, and whether a label hangs on a concept that files show.
import { h, term, unique } from "/dom.js";
import { measure, number, percent, t } from "/texts.js";
import { StudyPlace } from "/study.js";
import { scrolling } from "/tables.js";

/** Puts the questions into the page; nothing but the list of data is asked before somebody wants it. */
export function mountData(place, options) { return new DataView(place, options); }

/** The last part of a file's name. */
const shortName = (path) => path.split("/").pop();

/** A number with its sign. */
const signed = (value) => (value > 0 ? `+${number(value)}` : number(value));

/** A select with its label. */
function choice(label, options, value, onchange) {
  const id = unique("data");
  const select = h("select", { id, onchange: (event) => onchange?.(event.target.value) },
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  return { select, element: h("p", { class: "field" }, h("label", { for: id }, label), select) };
}

class DataView {
  constructor(place, options) {
    const { analysis, report, model, api, announce, page } = options;
    Object.assign(this, { place, analysis, report, model, api, announce, page });
    this.places = [];
    this.body = h("div", {}, h("p", { class: "muted waiting" }, t("loading")));
    place.replaceChildren(h("section", { class: "data" }, h("h2", {}, t("data.title")), this.body));
    this.load();
  }

  unmount() {
    this.isClosed = true;
    for (const place of this.places) { place.cancel(); }
  }

  /** Asks which data there are. */
  async load() {
    try {
      this.sets = (await this.api.json("/v1/datasets")).datasets;
      if (!this.isClosed) { this.draw(); }
    } catch (error) {
      if (this.isClosed) { return; }
      this.body.replaceChildren(
        h("p", { class: "error", role: "alert" }, t("data.failed", { reason: error.message })),
        h("p", {}, h("button", { type: "button", onclick: () => this.load() }, t("failure.again"))));
    }
  }

  draw() {
    const fitting = this.sets.filter((set) => set.type === this.model.type && !set.obstacle);
    const broken = this.sets.filter((set) => set.obstacle);
    const notes = broken.map((set) => h("p", { class: "error" }, `${set.name}: ${set.obstacle}`));
    if (fitting.length === 0) {
      const others = this.sets.filter((set) => !set.obstacle).map((set) => set.name).join(", ");
      this.body.replaceChildren(...notes, h("p", { class: "muted" },
        others ? t(`data.unfit.${this.model.type}`, { list: others }) : t("data.none")));
      return;
    }
    this.set = fitting[0];
    this.split = "all";
    this.questions = h("div");
    this.splits = h("div");
    const sets = choice(t("data.set"),
      fitting.map((set) => [set.name, t("data.setText", { name: set.name, count: set.files })]),
      this.set.name, (name) => {
        this.set = fitting.find((set) => set.name === name);
        this.drawQuestions();
      });
    this.body.replaceChildren(...notes, h("div", { class: "filters" }, sets.element, this.splits),
      this.questions);
    this.drawQuestions();
  }

  /** The questions, with the labels of the data that are chosen. */
  drawQuestions() {
    for (const place of this.places) { place.cancel(); }
    this.places = [];
    const { splits } = this.set;
    if (this.split !== "all" && !splits.some((split) => split.name === this.split)) {
      this.split = "all";
    }
    this.splits.replaceChildren(...splits.length > 0 ? [choice(t("data.split"),
      [["all", t("data.split.all")],
        ...splits.map(({ name, files }) => [name, `${t(`data.split.${name}`)} (${files})`])],
      this.split, (split) => { this.split = split; }).element] : []);
    const questions = [this.nearest(), this.prototypes(), this.concepts(), this.test()];
    this.questions.replaceChildren(...questions.filter(Boolean));
  }

  /** A part of the data that are chosen. */
  source(label, limit) {
    return {
      dataset: this.set.name, split: this.split === "all" ? undefined : this.split,
      label: label || undefined, limit,
    };
  }

  /** A question: its fields, the button that asks it, and the place of the answer. */
  question(name, fields, ask, show) {
    const place = new StudyPlace({
      api: this.api, announce: this.announce, show: (study) => show(study, place),
    });
    this.places.push(place);
    const button = h("button", {
      type: "button", class: "primary", onclick: () => ask(place),
    }, t(`data.${name}.ask`));
    return h("details", { class: "fold card" }, h("summary", {}, t(`data.${name}`)),
      h("p", { class: "hint" }, t(`data.${name}.meaning`)),
      h("div", { class: "filters" }, fields, h("p", { class: "field" }, button)), place.element);
  }

  /** The labels of the model, that which is shown first at the beginning. */
  target() {
    const top = this.report.predictions[0]?.index ?? 0;
    return choice(t("data.target"), this.model.labels.map((label, index) => [`${index}`, label]),
      `${top}`);
  }

  /** The labels of the data, or all of them. */
  labels(text, usual = "") {
    return choice(text, [["", t("data.everyLabel")], ...this.set.labels.map((one) => [one, one])],
      this.set.labels.includes(usual) ? usual : "");
  }

  /** What is said about files that could not be read. */
  skipped(document) {
    const { skipped } = document;
    return skipped.length === 0 ? null : h("p", { class: "muted" }, t("data.skipped", {
      count: skipped.length, list: skipped.slice(0, 3).map((one) => shortName(one.path)).join(", "),
    }));
  }

  // MARK: Examples

  nearest() {
    const count = choice(t("data.count"), ["3", "5", "10", "20"].map((n) => [n, n]), "5");
    return this.question("nearest", [count.element], (place) => place.ask({
      kind: "examples", model: this.model.name, data: this.source(),
      inputs: { analysis: this.analysis.id }, count: Number(count.select.value), prototypes: 0,
    }), (study, place) => this.showNearest(study, place));
  }

  showNearest(study, place) {
    const { document } = study;
    const [input] = document.inputs;
    const { label } = input.top;
    const alike = input.nearest.filter((one) => one.labels.includes(label)).length;
    const notes = [
      t("data.found", { n: alike, count: input.nearest.length, label }),
      document.labelsArePredicted ? t("data.predicted") : null,
      input.nearest[0]?.distance < 1e-6 ? t("data.itself") : null,
    ].filter(Boolean);
    return [
      h("p", {}, notes.join(" ")),
      h("div", { class: "examples" }, input.nearest.map((one, index) => place.figure(
        study, `near-0-${index}`, [this.labelText(one.labels),
          t("data.distance", { value: measure(one.distance) }), shortName(one.path)]))),
      this.space(document), this.skipped(document),
    ].filter(Boolean);
  }

  labelText(labels) { return labels.length > 0 ? labels.join(", ") : t("data.noLabel"); }

  /** In which space things are near. */
  space({ layer, distance, examples }) {
    return h("p", { class: "hint" }, t("data.space", { count: examples, layer }), " ",
      term(t("data.distance.word"), t(`data.distance.${distance}`)));
  }

  prototypes() {
    if (this.set.labels.length === 0) { return null; }
    const usual = this.report.predictions[0]?.label;
    const label = choice(t("data.label"), this.set.labels.map((one) => [one, one]),
      this.set.labels.includes(usual) ? usual : this.set.labels[0]);
    return this.question("prototypes", [label.element], (place) => place.ask({
      kind: "examples", model: this.model.name, data: this.source(label.select.value),
      prototypes: 6,
    }), (study, place) => {
      const { document } = study;
      const { label: wanted } = study.request.data;
      const index = document.prototypes.findIndex((one) => one.label === wanted);
      const found = document.prototypes[index];
      return [
        h("p", {}, t("data.standing", { label: wanted, count: found?.examples ?? 0 })),
        h("div", { class: "examples" }, (found?.chosen ?? []).map((path, k) => place.figure(
          study, `prototype-${index}-${k}`, [shortName(path)]))),
        this.space(document), this.skipped(document),
      ].filter(Boolean);
    });
  }

  // MARK: Concepts

  concepts() {
    const target = this.target();
    const label = this.labels(t("data.filesOf"), this.report.predictions[0]?.label);
    const count = choice(t("data.howMany"), ["3", "5", "8", "12"].map((n) => [n, n]), "5");
    return this.question("concepts", [target.element, label.element, count.element],
      (place) => place.ask({
        kind: "discovery", model: this.model.name, inputs: this.source(label.select.value, 60),
        targets: target.select.value, concepts: Number(count.select.value),
      }), (study, place) => this.showConcepts(study, place));
  }

  showConcepts(study, place) {
    const { document } = study;
    const [target] = document.targets;
    const names = study.pictures.map((picture) => shortName(picture).replace(".png", ""));
    return [
      h("p", {}, t("data.conceptsText", {
        label: target.label, count: document.inputs.length, share: percent(document.error, 0),
      })),
      ...document.concepts.map((concept, index) => h("section", { class: "concept" },
        h("h3", {}, t("data.concept", { n: index + 1 })),
        h("p", {}, term(t("data.importance"), t("data.importance.meaning")),
          ` ${measure(concept.importance[0])} · `, term(t("data.effect"), t("data.effect.meaning")),
          ` ${signed(concept.effects[0])}`),
        this.conceptRow(t("data.crops"), concept.crops.map((crop, k) => place.figure(
          study, `crop-${index}-${k}`, [shortName(crop.input)],
          t("data.cropOf", { n: index + 1, name: shortName(crop.input) })))),
        this.conceptRow(t("data.maps"), names.filter((name) => name.startsWith(`map-${index}-`))
          .map((name) => {
            const file = shortName(document.inputs[Number(name.split("-")[2])]);
            return place.figure(study, name, [file], t("data.mapOf", { n: index + 1, name: file }));
          })))),
      this.skipped(document),
    ].filter(Boolean);
  }

  conceptRow(title, figures) {
    return [h("h4", {}, title), h("div", { class: "examples" }, figures)];
  }

  // MARK: Testing

  test() {
    const [name, files] = [unique("concept"), unique("files")];
    const said = h("span", { class: "hint", role: "status" }, t("data.filesNeeded"));
    const called = h("input", { id: name, type: "text", maxLength: 80 });
    const chosen = h("input", {
      id: files, type: "file", multiple: true, accept: `${this.model.type}/*`,
      onchange: () => {
        said.textContent = t("data.filesChosen", { count: chosen.files.length });
      },
    });
    const target = this.target();
    const label = this.labels(t("data.testedOn"), this.report.predictions[0]?.label);
    return this.question("test", [
      h("p", { class: "field" }, h("label", { for: name }, t("data.called")), called),
      h("p", { class: "field" }, h("label", { for: files }, t("data.shows")), chosen, said),
      target.element, label.element,
    ], (place) => {
      if (chosen.files.length < 10) {
        said.textContent = t("data.filesNeeded");
        chosen.focus();
        return;
      }
      place.ask({
        kind: "concept", model: this.model.name, name: called.value.trim() || undefined,
        random: this.source("", 120), inputs: this.source(label.select.value, 60),
        targets: target.select.value,
      }, { positive: [...chosen.files] });
    }, (study) => this.showTest(study));
  }

  showTest(study) {
    const { document } = study;
    const column = (name) => h("th", { scope: "col", class: "number" },
      term(t(`data.${name}`), t(`data.${name}.meaning`)));
    return [
      h("p", {}, document.tests.map((test) => h("strong", {}, t(`data.verdict.${test.verdict}`, {
        label: test.target.label, name: document.concept,
      }), " "))),
      scrolling(t("data.testCaption", {
        name: document.concept, examples: document.examples, random: document.random,
      }), [
        h("th", { scope: "col" }, t("parameter.layer")), column("score"), column("randomScore"),
        column("probability"), column("accuracy"),
      ], document.tests.map((test) => h("tr", {},
        h("th", { scope: "row" }, test.layer),
        h("td", { class: "number" }, measure(test.score)),
        h("td", { class: "number" }, measure(test.randomScore)),
        h("td", { class: "number" }, measure(test.correctedP)),
        h("td", { class: "number" }, percent(test.accuracy, 0))))),
      document.tests[0]?.inputs < 10
        ? h("p", { class: "muted" }, t("data.fewInputs", { count: document.tests[0].inputs })) : null,
      this.skipped(document),
    ].filter(Boolean);
  }
}
