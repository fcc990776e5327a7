// The controls of the panels: zoom, tools and how maps are shown.
import { h, unique } from "/dom.js";
import { colorMaps } from "/colormaps.js";
import { keep, settings } from "/settings.js";
import { number, percent, t } from "/texts.js";

const sizes = ["small", "medium", "big"];

export class Toolbar {
  /**
   * @param {Views[]} views The panels, all of which are controlled.
   * @param {Keys} keys Where keys are listed.
   */
  constructor(views, keys) {
    this.views = views;
    this.keys = keys;
    this.tools = h("span", { class: "group", role: "group", "aria-label": t("tools.label") });
    this.place = h("span", { class: "place" });
    this.extra = h("div", { class: "tool-panels" });
    this.marks = h("div", { class: "marks" });
    const [first] = views;
    this.apply(settings.display);
    this.setSize(settings.panelSize);
    this.element = h("div", { class: "toolbar", role: "region", "aria-label": t("toolbar.label") },
      h("div", { class: "toolbar-row" }, this.tools, this.zooming(first),
        h("details", { class: "fold display" },
          h("summary", {}, t("display.title")), this.displayFields(first)),
        this.place),
      this.extra);
    this.addTool("move", "v", null);
    for (const one of views) {
      one.addEventListener("pointer", () => { this.place.textContent = one.place; });
    }
    this.addKeys(first);
  }

  apply(change) {
    for (const one of this.views) { one.setDisplay(change); }
  }

  change(change) {
    this.apply(change);
    keep({ display: { ...settings.display, ...change } });
    this.marks.querySelectorAll("input, select").forEach((e) => e.show?.());
  }

  zooming(first) {
    const button = (name, text, run) => h("button", {
      type: "button", title: t(`zoom.${name}`), "aria-label": t(`zoom.${name}`), onclick: run,
    }, text);
    return h("span", { class: "group", role: "group", "aria-label": t("zoom.label") },
      button("out", "−", () => first.zoom(1 / 1.4)), button("in", "+", () => first.zoom(1.4)),
      button("fit", t("zoom.fit.short"), () => first.fit()),
      button("original", "1:1", () => first.originalSize()));
  }

  slider(name, max, format) {
    const id = unique(name);
    const output = h("output", { for: id });
    const input = h("input", {
      id, type: "range", min: 0, max, step: 1,
      oninput: () => this.change({ [name]: input.value / 100 }),
    });
    input.show = () => {
      const value = this.views[0].display[name];
      input.value = Math.round(100 * value);
      output.textContent = format(value);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.show();
    return h("p", { class: "field", title: t(`display.${name}.meaning`) },
      h("label", { for: id }, t(`display.${name}`)), input, output);
  }

  check(name, key) {
    const input = h("input", {
      type: "checkbox", onchange: () => this.change({ [name]: input.checked }),
    });
    input.show = () => { input.checked = this.views[0].display[name]; };
    input.show();
    return h("label", { class: "check", title: t(`display.${name}.meaning`) }, input,
      t(`display.${name}`), key ? h("kbd", {}, key) : null);
  }

  select(name, options) {
    const id = unique(name);
    const input = h("select", { id, onchange: () => this.change({ [name]: input.value }) },
      options.map((value) => h("option", { value }, t(`${name}.${value}`))));
    input.show = () => { input.value = this.views[0].display[name]; };
    input.show();
    return h("p", { class: "field" }, h("label", { for: id }, t(`display.${name}`)), input);
  }

  displayFields() {
    const size = unique("size");
    this.marks.append(
      this.slider("opacity", 100, (value) => percent(value, 0)),
      this.slider("threshold", 99, (value) => (value === 0 ? t("display.all")
        : t("display.above", { share: number(100 * value, 2) }))),
      this.select("colorMap", ["auto", ...colorMaps]),
      this.select("sign", ["all", "positive", "negative"]),
      this.check("boxes", "b"), this.check("segments", "e"), this.check("crosshair", "h"),
      this.check("isSmooth", "p"),
      h("p", { class: "field" }, h("label", { for: size }, t("display.size")),
        h("select", {
          id: size, onchange: (event) => {
            keep({ panelSize: event.target.value });
            this.setSize(event.target.value);
          },
        }, sizes.map((name) => h("option", {
          value: name, selected: name === settings.panelSize,
        }, t(`size.${name}`))))));
    return this.marks;
  }

  setSize(name) {
    for (const one of this.views) { one.container.dataset.size = name; }
  }

  /**
   * Adds something that a pressed pointer does. A panel of fields may belong to it.
   *
   * @param {string} name Its name in the texts, as `tool.NAME`.
   * @param {string?} key Its key.
   * @param {(() => Promise<object> | object)?} start Makes the tool, or null for moving.
   * @param {HTMLElement?} panel What shows while it is in use.
   */
  addTool(name, key, start, panel = null) {
    const button = h("button", {
      type: "button", "aria-pressed": `${name === "move"}`, title: t(`tool.${name}.meaning`),
      onclick: () => this.useTool(name),
    }, t(`tool.${name}`));
    if (panel) { this.extra.append(panel); }
    (this.known ??= new Map()).set(name, { button, start, panel });
    this.tools.append(button);
    if (key) { this.keys.add("view", key, `tool.${name}.key`, () => this.useTool(name)); }
  }

  async useTool(name) {
    for (const [key, { button, panel }] of this.known) {
      button.setAttribute("aria-pressed", `${key === name}`);
      if (panel) { panel.hidden = key !== name; }
    }
    this.used = name;
    const tool = await this.known.get(name).start?.();
    if (this.used !== name) { return; }
    for (const one of this.views) { one.setTool(tool ?? null); }
  }

  addKeys(first) {
    const { keys } = this;
    const step = (name, by) => this.change({
      [name]: Math.min(1, Math.max(0, Math.round(20 * (first.display[name] + by)) / 20)),
    });
    const flip = (name) => this.change({ [name]: !first.display[name] });
    const turn = (name, values) => this.change({
      [name]: values[(values.indexOf(first.display[name]) + 1) % values.length],
    });
    keys.add("view", "+", "zoom.in", () => first.zoom(1.4));
    keys.add("view", "-", "zoom.out", () => first.zoom(1 / 1.4));
    keys.add("view", "0", "zoom.fit", () => first.fit());
    keys.add("view", "1", "zoom.original", () => first.originalSize());
    keys.add("view", "[", "display.less", () => step("opacity", -0.05));
    keys.add("view", "]", "display.more", () => step("opacity", 0.05));
    keys.add("view", "{", "display.lower", () => step("threshold", -0.05));
    keys.add("view", "}", "display.higher", () => step("threshold", 0.05));
    keys.add("view", "c", "display.colorMap", () => turn("colorMap", ["auto", ...colorMaps]));
    keys.add("view", "g", "display.sign", () => turn("sign", ["all", "positive", "negative"]));
    keys.add("view", "b", "display.boxes", () => flip("boxes"));
    keys.add("view", "e", "display.segments", () => flip("segments"));
    keys.add("view", "h", "display.crosshair", () => flip("crosshair"));
    keys.add("view", "p", "display.isSmooth", () => flip("isSmooth"));
  }
}
