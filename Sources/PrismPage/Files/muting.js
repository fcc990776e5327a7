// A window of a sound in which rectangles of time and frequency are muted.
import { h } from "/dom.js";
import { base64 } from "/painting.js";
import { Player } from "/player.js";
import { clock } from "/strip.js";
import {
  divided, equalLoudness, hertzText, readWAV, soundAxes, wavFile, windowAt,
} from "/sound-signal.js";

export class MutedSound {
  /** @param {object} options The analysis, the model, the views, the window, `t`, `api`, `changed`. */
  constructor(options) {
    const { analysis, report, model, views, api, t, changed } = options;
    Object.assign(this, { analysis, report, model, views, api, t, changed });
    this.start = options.window;
    this.startName = "mute";
    this.rectangles = [];
    this.dragged = null;
    this.player = new Player();
    this.tool = this.drag();
  }

  close() { this.player.close(); }

  get canUndo() { return this.rectangles.length > 0; }

  get isChanged() { return this.rectangles.length > 0 || this.dragged !== null; }

  update({ report }) { this.report = report; }

  /** Takes another window; what was muted belonged to the old one. */
  windowChanged(start) {
    this.start = start;
    this.rectangles = [];
    this.dragged = null;
    this.showList();
  }

  get window() { return windowAt(this.start, this); }

  get axes() {
    const { base } = this.views;
    return base && this.model?.audio
      ? soundAxes(this.model.audio, this.window, base.width, base.height) : null;
  }

  // MARK: The sound

  load() {
    this.loading ??= (async () => {
      const file = await (await this.api.fetch(`${this.analysis.url}/input.wav`)).arrayBuffer();
      this.sound = readWAV(file);
    })();
    return this.loading;
  }

  /** The samples of the window, with what is muted. */
  samples(isOriginal = false) {
    const { samples, rate } = this.sound;
    const part = samples.slice(...this.window.map((time) => Math.round(time * rate)));
    const rectangles = [...this.rectangles, ...(this.dragged ? [this.dragged] : [])];
    if (isOriginal || rectangles.length === 0) { return part; }
    return divided(part, rate, rectangles.map((r) => (
      { ...r, start: r.start - this.window[0], end: r.end - this.window[0] }))).outside;
  }

  async instance(isOriginal = false) {
    return { b64: await base64(wavFile(this.samples(isOriginal), this.sound.rate)) };
  }

  // MARK: Controls

  controls() {
    const { t } = this;
    this.fields = {};
    const field = (name, label) => {
      this.fields[name] = h("input", {
        type: "number", min: 0, step: "any", class: "short", "data-field": `mute-${name}`,
        "aria-label": label, placeholder: label,
      });
      return this.fields[name];
    };
    this.list = h("ul", { class: "whatif-list" });
    const add = h("button", {
      type: "button", "data-action": "add-mute", onclick: () => this.add(),
    }, t("whatif.muteNumbers"));
    const evidence = h("button", {
      type: "button", "data-action": "evidence", onclick: () => this.muteEvidence(),
    }, t("whatif.evidence.sound"));
    const listen = h("button", {
      type: "button", "data-action": "listen-muted", onclick: () => this.listen(),
    }, t("whatif.listen"));
    return [
      h("span", { class: "range" }, field("start", t("whatif.fromSeconds")),
        field("end", t("whatif.toSeconds")), field("low", t("whatif.fromHertz")),
        field("high", t("whatif.toHertz")), add),
      evidence, listen, this.list,
    ];
  }

  /** Mutes what is written in the fields; what is left empty is all there is. */
  async add() {
    await this.load();
    const value = (name, other) => (
      this.fields[name].value === "" ? other : Number(this.fields[name].value));
    this.mute({
      start: value("start", this.window[0]), end: value("end", this.window[1]),
      low: value("low", 0), high: value("high", this.sound.rate / 2),
    });
  }

  /** Mutes the strongest region that the first map that is shown points at. */
  async muteEvidence() {
    await this.load();
    const shown = this.views.maps.find((one) => one.id === this.views.large) ?? this.views.maps[0];
    const entries = (this.report?.explanations ?? []).filter((entry) => (
      entry.evidence?.regions.length && Math.abs(entry.window[0] - this.start) < 0.002));
    const entry = entries.find((one) => shown?.id.startsWith(`${one.method}/${one.target.index}/`))
      ?? entries[0];
    const region = entry?.evidence.regions[0];
    if (!region) { return; }
    this.mute({
      start: region.seconds[0], end: region.seconds[1], low: region.hertz[0], high: region.hertz[1],
    });
  }

  mute(rectangle) {
    if (!(rectangle.end > rectangle.start && rectangle.high > rectangle.low)) { return; }
    this.rectangles.push(rectangle);
    this.dragged = null;
    this.showList();
    this.changed();
  }

  showList() {
    this.list.replaceChildren(...this.rectangles.map((rectangle, i) => {
      const text = this.t("sound.rectangle", {
        start: clock(rectangle.start), end: clock(rectangle.end),
        low: hertzText(rectangle.low), high: hertzText(rectangle.high),
      });
      return h("li", {}, text, h("button", {
        type: "button", class: "plain", "aria-label": this.t("whatif.remove", { part: text }),
        onclick: () => {
          this.rectangles.splice(i, 1);
          this.showList();
          this.changed();
        },
      }, "×"));
    }));
  }

  undo() {
    this.rectangles.pop();
    this.showList();
    this.changed();
  }

  reset() {
    this.rectangles = [];
    this.showList();
    this.changed();
  }

  /** Plays the window as it is then, as loud as it was. */
  async listen() {
    await this.load();
    if (this.player.isPlaying) {
      this.player.stop();
      return;
    }
    const { rate } = this.sound;
    const sounds = [this.samples(), this.samples(true)].map((samples) => (
      { samples, rate, origin: this.window[0] }));
    const [gain] = equalLoudness(sounds);
    await this.player.play(sounds[0], { from: this.window[0], to: this.window[1], gain });
  }

  // MARK: Dragging

  drag() {
    let from = null;
    const rectangle = (point) => {
      const { axes } = this;
      const within = (time) => Math.min(Math.max(time, this.window[0]), this.window[1]);
      const [start, end] = [axes.x(from.x), axes.x(point.x)].sort((a, b) => a - b).map(within);
      const [low, high] = [axes.y(from.y), axes.y(point.y)].sort((a, b) => a - b);
      return { start, end, low, high };
    };
    return {
      cursor: "crosshair",
      down: (point) => { from = this.axes ? point : null; },
      move: (point) => {
        if (!from) { return; }
        this.dragged = rectangle(point);
        this.changed();
      },
      up: (point) => {
        if (!from) { return; }
        const last = rectangle(point);
        from = null;
        this.dragged = null;
        if (last.end - last.start > 0.005) { this.mute(last); } else { this.changed(); }
      },
    };
  }

  draw(context, panel) {
    const { axes } = this;
    if (!axes) { return; }
    const { base } = this.views;
    for (const r of [...this.rectangles, ...(this.dragged ? [this.dragged] : [])]) {
      const a = panel.toScreen(axes.fromSeconds(r.start), Math.max(0, axes.fromHertz(r.high)));
      const b = panel.toScreen(
        axes.fromSeconds(r.end), Math.min(base.height, axes.fromHertz(Math.max(r.low, 1e-3))));
      context.fillStyle = panel.map ? "#0009" : "#000d";
      context.fillRect(a.x, a.y, b.x - a.x, b.y - a.y);
      context.strokeStyle = "#ff6b6b";
      context.lineWidth = 1.5;
      context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
    }
  }
}
