// Which model, which methods and how: the form, and the request that it makes.
import { h, term, unique } from "/dom.js";
import { keep, settings } from "/settings.js";
import { maybe, t } from "/texts.js";

const families = [
  ["cam", ["gradcam", "gradcam++", "hirescam", "xgradcam", "layercam", "eigencam",
    "eigengradcam", "finercam", "opticam", "scorecam", "ablationcam"]],
  ["gradient", ["saliency", "inputxgradient", "ig", "blurig", "guidedig", "smoothgrad", "vargrad",
    "gradientshap", "deeplift", "lrp", "fullgrad", "xrai", "guided-backprop"]],
  ["mask", ["occlusion", "rise", "lime", "kernelshap", "shap", "permutation-shap",
    "sobol", "hsic", "extremal"]],
];

const family = (name) => families.find(([, names]) => names.includes(name))?.[0] ?? "mask";

/** What may be chosen for a method: how a field is called in a request, and its kind. */
const fields = {
  layer: { name: "layer", type: "text" },
  samples: { name: "samples", type: "number", min: 1, step: 1 },
  segments: {
    name: "segments", type: "text",
    list: ["quickshift", "slic:50", "slic:100", "felzenszwalb", "grid:8x8"],
  },
  mask: {
    name: "mask", type: "text",
    list: ["segment-mean", "mean", "blur:32x32", "inpaint", "noise", "black", "0.5"],
  },
  stopping: { name: "confidence", type: "number", min: 0.51, max: 0.999, step: "any" },
  output: { name: "quantity", type: "select", options: ["logit", "probability"] },
  composite: {
    name: "composite", type: "select",
    options: ["epsilon-plus-flat", "epsilon-gamma-box", "epsilon", "gamma"],
  },
  draws: { name: "draws", type: "select", options: ["sparing", "published"] },
};

/** The models that take a kind of file, and those that do not. */
export const fitting = (models, kind) => models.filter((model) => model.type === kind);

/** The short description of a method that people see, or its own title. */
const meaning = (name) => maybe(`method.${name}`);

/** Boxes to tick for the methods of a model; those that do not fit say why. */
export class MethodPicker {
  /**
   * @param {{model, chosen: object[], known?: string[], onchange?: () => void}} options The model,
   *   what is chosen already, and which methods are there already and cannot be chosen again.
   */
  constructor({ model, chosen = [], known = [], onchange = () => {} }) {
    this.model = model;
    this.onchange = onchange;
    this.known = known;
    this.methods = new Map(chosen.map((method) => [method.name, { ...method }]));
    this.parameters = h("div", { class: "parameters" });
    this.fold = h("details", { class: "fold" },
      h("summary", {}, t("choices.parameters")), this.parameters);
    this.element = h("div", { class: "methods" },
      families.map(([name]) => this.group(name)), this.fold);
    this.drawParameters();
  }

  /** The methods as a request has them. */
  get value() { return [...this.methods.values()]; }

  group(name) {
    const methods = this.model.methods.filter((method) => family(method.name) === name);
    if (methods.length === 0) { return null; }
    return h("fieldset", { class: "family" },
      h("legend", {}, term(t(`family.${name}`), t(`family.${name}.meaning`))),
      methods.map((method) => this.box(method)));
  }

  box(method) {
    const isKnown = this.known.includes(method.name);
    const id = unique("method");
    const reason = isKnown ? t("choices.known") : method.obstacle;
    const input = h("input", {
      type: "checkbox", id, checked: isKnown || (this.methods.has(method.name) && !reason),
      disabled: Boolean(reason), "aria-describedby": `${id}-note`,
      onchange: (event) => {
        if (event.target.checked) {
          this.methods.set(method.name, { name: method.name });
        } else {
          this.methods.delete(method.name);
        }
        this.drawParameters();
        this.onchange();
      },
    });
    if (method.obstacle) { this.methods.delete(method.name); }
    const note = [meaning(method.name), reason ?? t("choices.cost", { cost: cost(method) })]
      .filter(Boolean).join(" ");
    const kind = isKnown ? "choice unfit known" : method.obstacle ? "choice unfit" : "choice";
    return h("div", { class: kind }, input,
      h("label", { for: id }, method.title),
      h("span", { class: "choice-note", id: `${id}-note` }, note));
  }

  /** The parameters of the methods that are chosen, with their defaults. */
  drawParameters() {
    const chosen = this.model.methods.filter((m) => this.methods.has(m.name));
    this.parameters.replaceChildren(...chosen.map((method) => {
      const known = (method.choices ?? []).filter((choice) => fields[choice]);
      const rest = Object.entries(method.parameters)
        .filter(([name]) => !known.includes(name) && name !== "seed");
      return h("fieldset", {}, h("legend", {}, method.title),
        known.map((choice) => this.field(method, choice)),
        known.length === 0 ? h("p", { class: "muted" }, t("choices.nothing")) : null,
        rest.length > 0 ? h("p", { class: "muted" }, t("choices.fixed", {
          list: rest.map(([name, value]) => `${name} ${value}`).join(", "),
        })) : null);
    }));
    this.fold.hidden = chosen.length === 0;
  }

  field(method, choice) {
    const rule = fields[choice];
    const id = unique("parameter");
    const kept = this.methods.get(method.name);
    const usual = method.parameters[choice] ?? method.parameters.evaluations
      ?? method.parameters.steps ?? method.parameters.baseline ?? method.parameters.baselines;
    const placeholder = choice === "stopping" ? t("choices.allSamples")
      : choice === "layer" ? t("choices.usualLayer") : `${usual ?? ""}`;
    const change = (event) => {
      const text = event.target.value.trim();
      if (text === "") {
        delete kept[rule.name];
      } else {
        kept[rule.name] = rule.type === "number" ? Number(text) : text;
      }
      this.onchange();
    };
    const input = rule.type === "select"
      ? h("select", { id, onchange: change },
        h("option", { value: "" }, t("choices.usual", { value: usual ?? "" })),
        rule.options.map((name) => h("option", {
          value: name, selected: kept[rule.name] === name,
        }, t(`${rule.name}.${name}`))))
      : h("input", {
        id, type: rule.type, placeholder, value: kept[rule.name] ?? "", onchange: change,
        min: rule.min ?? null, max: rule.max ?? null, step: rule.step ?? null,
      });
    if (rule.list) { input.setAttribute("list", `${id}-list`); }
    return h("p", { class: "field" },
      h("label", { for: id }, t(`parameter.${choice}`)), input,
      rule.list ? h("datalist", { id: `${id}-list` },
        rule.list.map((value) => h("option", { value }))) : null,
      h("span", { class: "hint" }, t(`parameter.${choice}.meaning`)));
  }
}

/** Methods that cost the same. */
const costs = {
  back: ["gradcam", "gradcam++", "hirescam", "xgradcam", "layercam", "eigengradcam", "finercam",
    "saliency", "inputxgradient", "fullgrad", "guided-backprop"],
  stepBack: ["ig", "blurig"], stepBoth: ["guidedig", "opticam", "extremal"],
  sample: ["rise", "lime", "sobol", "hsic"], sampleBack: ["smoothgrad", "vargrad", "gradientshap"],
};

/** What a method costs, in words of the page's language where they are known. */
function cost({ name, cost: words }) {
  const kind = Object.keys(costs).find((one) => costs[one].includes(name)) ?? name;
  return maybe(`cost.${kind}`) ?? words;
}

/** The whole form for one kind of file; what is chosen is remembered. */
export class ChoiceForm {
  constructor(models, kind) {
    this.kind = kind;
    this.models = fitting(models, kind);
    this.others = models.filter((model) => model.type !== kind);
    const kept = settings.choices[kind] ?? {};
    this.kept = {
      model: this.models.some((m) => m.name === kept.model) ? kept.model : this.models[0]?.name,
      methods: kept.methods ?? [{ name: "gradcam" }], targets: kept.targets ?? "",
      purpose: kept.purpose ?? "explanation", seed: kept.seed ?? 0, windows: kept.windows ?? "",
    };
    this.place = h("div");
    this.element = h("form", { class: "choices", onsubmit: (event) => event.preventDefault() });
    this.draw();
  }

  /** The model that is chosen. */
  get model() { return this.models.find((model) => model.name === this.kept.model); }

  /** The request for the server. */
  get request() {
    const { kept } = this;
    const methods = this.picker.value;
    return {
      model: kept.model, methods: methods.length > 0 ? methods : [{ name: "gradcam" }],
      targets: kept.targets || undefined, seed: kept.seed || undefined,
      purpose: kept.purpose === "comparison" ? "comparison" : undefined,
      windows: this.kind === "audio" && kept.windows ? kept.windows : undefined,
    };
  }

  /** What is chosen, in a few words. */
  get summary() {
    if (!this.model) { return t("choices.noModel"); }
    const titles = this.picker.value.map((method) =>
      this.model.methods.find((known) => known.name === method.name)?.title ?? method.name);
    return t("choices.summary", { model: this.kept.model, methods: titles.join(", ") });
  }

  keep(change) {
    Object.assign(this.kept, change);
    this.kept.methods = this.picker?.value ?? this.kept.methods;
    keep({ choices: { ...settings.choices, [this.kind]: this.kept } });
    this.element.dispatchEvent(new Event("choices"));
  }

  draw() {
    if (!this.model) {
      this.element.replaceChildren(h("p", {}, t("choices.noModel")));
      return;
    }
    this.picker = new MethodPicker({
      model: this.model, chosen: this.kept.methods, onchange: () => this.keep({}),
    });
    this.element.replaceChildren(
      h("fieldset", { class: "models" }, h("legend", {}, t("choices.model")),
        this.models.map((model) => this.modelBox(model)),
        this.others.length > 0 ? h("p", { class: "muted" }, t(`choices.others.${this.kind}`, {
          list: this.others.map((model) => model.name).join(", "),
        })) : null),
      h("h3", {}, t("choices.methods")), this.picker.element, this.rest());
  }

  modelBox(model) {
    const id = unique("model");
    return h("div", { class: "choice" },
      h("input", {
        type: "radio", name: `model-${this.kind}`, id, value: model.name,
        checked: model.name === this.kept.model, "aria-describedby": `${id}-note`,
        onchange: () => {
          this.keep({ model: model.name });
          this.draw();
          this.keep({});
        },
      }),
      h("label", { for: id }, model.name),
      h("span", { class: "choice-note", id: `${id}-note` },
        [model.description && `${model.description.replace(/\.$/, "")}.`,
          t("choices.modelNote", { input: model.input, labels: model.labels.length })]
          .filter(Boolean).join(" ")));
  }

  /** The label that the chosen one is compared with, where one is chosen by name. */
  rival(others) {
    if (others.includes(this.kept.targets) || this.model.labels.length < 2) { return []; }
    const [first, second] = this.kept.targets.split("-vs-");
    const id = unique("against");
    const change = (event) => this.keep({
      targets: event.target.value === "" ? first : `${first}-vs-${event.target.value}`,
    });
    return [h("p", { class: "field" }, h("label", { for: id }, t("choices.against")),
      h("select", { id, onchange: change },
        h("option", { value: "", selected: !second }, t("choices.against.none")),
        this.model.labels.map((label, index) => (`${index}` === first ? null
          : h("option", { value: `${index}`, selected: `${index}` === second }, label)))),
      h("span", { class: "hint" }, t("choices.against.meaning")))];
  }

  rest() {
    const [labels, seed, windows] = [unique("targets"), unique("seed"), unique("windows")];
    const targets = ["", "top2", "top3", "top5", "all"];
    const named = !targets.includes(this.kept.targets);
    const [first] = this.kept.targets.split("-vs-");
    const rival = h("div");
    const drawRival = () => rival.replaceChildren(...this.rival(targets));
    drawRival();
    return h("div", { class: "rest" },
      h("p", { class: "field" }, h("label", { for: labels }, t("choices.targets")),
        h("select", {
          id: labels, onchange: (e) => {
            this.keep({ targets: e.target.value });
            drawRival();
          },
        },
          targets.map((value) => h("option", {
            value, selected: value === this.kept.targets,
          }, t(`targets.${value || "usual"}`))),
          this.model.labels.map((label, index) => h("option", {
            value: `${index}`, selected: named && first === `${index}`,
          }, label))),
        h("span", { class: "hint" }, t("choices.targets.meaning"))),
      rival,
      this.kind === "audio" ? h("p", { class: "field" },
        h("label", { for: windows }, t("choices.windows")),
        h("input", {
          id: windows, type: "text", value: this.kept.windows, placeholder: t("choices.strongest"),
          onchange: (e) => this.keep({ windows: e.target.value.trim() }),
        }), h("span", { class: "hint" }, t("choices.windows.meaning"))) : null,
      h("p", { class: "field" }, h("label", { for: seed }, t("choices.seed")),
        h("input", {
          id: seed, type: "number", min: 0, step: 1, value: this.kept.seed,
          onchange: (e) => this.keep({ seed: Math.max(0, Math.floor(Number(e.target.value))) }),
        }), h("span", { class: "hint" }, t("choices.seed.meaning"))),
      h("label", { class: "check" },
        h("input", {
          type: "checkbox", checked: this.kept.purpose === "comparison",
          onchange: (e) => this.keep({ purpose: e.target.checked ? "comparison" : "explanation" }),
        }), h("span", {}, t("choices.compare"),
          h("span", { class: "hint" }, t("choices.compare.meaning")))));
  }
}
