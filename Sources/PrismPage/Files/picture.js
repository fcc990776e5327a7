// Levels of pictures: which are black and white, by drag, by numbers and by presets.
import { h, unique } from "/dom.js";
import { number, t } from "/texts.js";

/** Windows of computed tomography in Hounsfield units: centre and width. */
const tomography = { soft: [40, 400], lung: [-600, 1500], bone: [480, 2500], brain: [40, 80] };

export class Levels {
  /**
   * @param {Views} views The panels.
   * @param {() => Promise<{values, width, height, channels}>} load Gets the samples.
   */
  constructor(views, load, page) {
    Object.assign(this, { views, load, page });
    this.samples = null;
    this.facts = {};
    const [centre, width, preset] = [unique("centre"), unique("width"), unique("preset")];
    this.centre = h("input", {
      id: centre, type: "number", step: "any", onchange: () => this.typed(),
    });
    this.width = h("input", {
      id: width, type: "number", step: "any", min: 0, onchange: () => this.typed(),
    });
    this.preset = h("select", { id: preset, onchange: () => this.choose(this.preset.value) });
    this.invert = h("input", { type: "checkbox", onchange: () => this.setInverted() });
    this.note = h("p", { class: "hint" });
    this.element = h("div", { class: "levels tool-panel", hidden: true },
      h("p", { class: "field" }, h("label", { for: preset }, t("levels.preset")), this.preset),
      h("p", { class: "field" }, h("label", { for: centre }, t("levels.centre")), this.centre),
      h("p", { class: "field" }, h("label", { for: width }, t("levels.width")), this.width),
      h("label", { class: "check" }, this.invert, t("levels.invert")), this.note);
    views.addEventListener("levels", () => this.tell());
  }

  /** What the report says of the picture; decides whether samples are shown from the start. */
  setFacts(facts) { this.facts = facts ?? {}; }

  /** Shows the samples themselves instead of the browser's picture. */
  async show() {
    if (this.samples) { return; }
    this.loading ??= this.load();
    try {
      this.samples = await this.loading;
    } finally {
      this.loading = null;
    }
    const [low, high] = this.range("file");
    this.invert.checked = this.facts.notes?.some((note) => note.startsWith("MONOCHROME1")) ?? false;
    this.views.setBase({
      ...this.samples, low, high, isInverted: this.invert.checked,
      describe: (levels) => t(levels.length > 1 ? "levels.values" : "levels.value", {
        values: levels.map((level) => number(level, 6)).join(" · "),
      }),
    });
    this.drawPresets();
    this.tell();
    this.note.textContent = t("levels.depth", {
      bits: this.facts.bitDepth ?? 8, low: number(this.extremes[0], 6),
      high: number(this.extremes[1], 6),
    });
  }

  /** Whether the samples look like Hounsfield units. */
  get isTomography() { return this.facts.format === "DICOM" && this.extremes[0] < -200; }

  get extremes() {
    if (!this.found) {
      let [least, greatest] = [Infinity, -Infinity];
      for (const value of this.samples.values) {
        if (value < least) { least = value; }
        if (value > greatest) { greatest = value; }
      }
      this.found = [least, greatest];
    }
    return this.found;
  }

  /** The levels of a preset that are black and white. */
  range(name) {
    const [least, greatest] = this.extremes;
    const depth = this.facts.bitDepth ?? 8;
    const full = least < 0 ? [least, greatest] : [0, 2 ** Math.min(depth, 24) - 1];
    if (tomography[name]) {
      const [centre, width] = tomography[name];
      return [centre - width / 2, centre + width / 2];
    }
    switch (name) {
      case "full": return full;
      case "used": return [least, greatest];
      case "middle": return this.quantiles(0.01, 0.99);
      default: return this.facts.range ?? full;
    }
  }

  /** Levels that shares of a sample of the picture do not pass. */
  quantiles(...shares) {
    const { values } = this.samples;
    const step = Math.max(1, Math.floor(values.length / 100_000));
    const some = Float32Array.from(
      { length: Math.floor(values.length / step) }, (_, i) => values[i * step]).sort();
    return shares.map((share) => some[Math.min(some.length - 1, Math.floor(share * some.length))]);
  }

  drawPresets() {
    const names = ["file", "full", "used", "middle",
      ...this.isTomography ? Object.keys(tomography) : []];
    this.preset.replaceChildren(...[...names, "own"].map((name) =>
      h("option", { value: name, disabled: name === "own" }, t(`levels.${name}`))));
  }

  choose(name) {
    if (name === "own") { return; }
    const [low, high] = this.range(name);
    this.views.setLevels(low, high);
    this.preset.value = name;
  }

  typed() {
    const [centre, width] = [Number(this.centre.value), Math.max(0, Number(this.width.value))];
    this.views.setLevels(centre - width / 2, centre + width / 2);
    this.preset.value = "own";
  }

  setInverted() {
    const { base } = this.views;
    base.isInverted = this.invert.checked;
    this.views.setLevels(base.low, base.high);
  }

  tell() {
    const { low, high } = this.views.base;
    if (low === undefined) { return; }
    this.centre.value = Number(((low + high) / 2).toPrecision(6));
    this.width.value = Number((high - low).toPrecision(6));
  }

  /** Dragging: to the right widens the window, downwards darkens it. */
  get tool() {
    let start = null;
    const move = (event, isMoving) => {
      if (!start) { return; }
      const per = Math.max(start.width, (this.extremes[1] - this.extremes[0]) / 20) / 300;
      const width = Math.max(
        (this.extremes[1] - this.extremes[0]) / 1000,
        start.width + (event.clientX - start.x) * per);
      const centre = start.centre + (event.clientY - start.y) * per;
      this.views.setLevels(centre - width / 2, centre + width / 2, isMoving);
      this.preset.value = "own";
    };
    return {
      cursor: "levels",
      down: (_, event) => {
        const { low, high } = this.views.base;
        if (low === undefined) { return; }
        start = {
          x: event.clientX, y: event.clientY, centre: (low + high) / 2, width: high - low,
        };
      },
      move: (_, event) => move(event, true),
      up: (_, event) => {
        move(event, false);
        start = null;
      },
    };
  }
}
