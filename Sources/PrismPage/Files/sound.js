// Listening: the recording as a strip, playback with a cursor in all panels, parts that are marked
// in time and frequency, and the evidence alone or the rest, equally loud.
import { h, term, unique } from "/dom.js";
import { percent } from "/texts.js";
import { Player } from "/player.js";
import { Strip, clock, niceStep } from "/strip.js";
import {
  divided, equalLoudness, evidenceBoxes, hertzText, readWAV, soundAxes, windowAt,
} from "/sound-signal.js";

/**
 * Puts the tools for a sound into the page.
 *
 * @param {HTMLElement} place Where they go.
 * @param {object} options The analysis, its report, the model, views, maps, where the window begins
 *   that is shown, and what to call.
 * @returns {SoundTools} Has what the page calls when something changes.
 */
export async function mountSound(place, options) {
  const sound = readWAV(await (
    await options.api.fetch(`${options.analysis.url}/input.wav`)).arrayBuffer());
  return new SoundTools(place, options, { ...sound, origin: 0 });
}

const near = (a, b) => Math.abs(a - b) < 0.002;

class SoundTools {
  constructor(place, options, sound) {
    this.take(options);
    this.place = place;
    this.sound = sound;
    this.start = options.window;
    this.seconds = sound.samples.length / sound.rate;
    this.selection = null;
    this.time = this.start;
    this.loaded = new Map();
    this.player = new Player();
    this.player.addEventListener("begin", () => this.follow());
    this.player.addEventListener("end", () => this.showState());
    this.tool = this.markingTool();
    this.onTool = () => this.showState();
    this.views.addEventListener("tool", this.onTool);
    this.removeOverlay = this.views.addOverlay((context, panel) => this.draw(context, panel));
    this.build();
    this.toolbar.addTool("mark", "r", () => this.tool);
    this.keys.add("view", "k", "sound.playKey", () => this.toggle());
    this.show();
  }

  unmount() {
    this.player.close();
    this.strip.close();
    this.removeOverlay();
    this.views.removeEventListener("tool", this.onTool);
    this.place.replaceChildren();
  }

  take({ analysis, report, model, views, toolbar, api, t, announce, keys, maps, showWindow, restart }) {
    Object.assign(this, {
      analysis, report, model, views, toolbar, api, t, announce, keys, maps, showWindow, restart,
    });
  }

  /** Takes what has changed: the analysis, its report or its maps. */
  update(options) {
    this.take(options);
    this.windowChanged(options.window);
    this.strip.windows = this.windows;
    this.show();
  }

  /** Takes another window of a long recording. */
  windowChanged(start) {
    if (near(start, this.start)) { return; }
    this.start = start;
    this.loaded.clear();
    if (!this.player.isPlaying) { this.setTime(start); }
    this.show();
  }

  show() {
    this.strip.set({
      current: this.window, label: Number(this.label.value) || 0,
      explained: this.explained, selection: this.selection,
    });
    this.fillChoices();
    this.showWindowBar();
    this.showState();
    this.views.redraw();
  }

  // MARK: What there is

  get windows() { return this.report?.sound?.windows ?? []; }

  /** Where the window that is shown begins and ends. */
  get window() { return windowAt(this.start, this); }

  /** Where the windows begin that have maps. */
  get explained() {
    const starts = this.maps.map(({ info }) => info.window?.[0]).filter(Number.isFinite);
    return [...new Set(starts)].sort((a, b) => a - b);
  }

  isExplained(start) { return this.explained.some((known) => near(known, start)); }

  /** The maps of the window that is shown, whose evidence can be heard. */
  get heardMaps() {
    return this.maps.map(({ info }) => info)
      .filter((info) => info.kept && near(info.window[0], this.start));
  }

  /** The regions of a map's evidence as boxes, in pixels of the input. */
  regionsOf(entry) {
    const { axes } = this;
    if (!axes) { return undefined; }
    return evidenceBoxes(axes, entry);
  }

  get axes() {
    const { base } = this.views;
    if (!base || !this.model?.audio) { return null; }
    return soundAxes(this.model.audio, this.window, base.width, base.height);
  }

  // MARK: Elements

  build() {
    const { t } = this;
    this.strip = new Strip({ sound: this.sound, windows: this.windows });
    this.strip.addEventListener("choose", ({ detail }) => this.choose(detail));
    this.strip.addEventListener("mark", ({ detail }) => {
      this.mark({ start: detail.start, end: detail.end, low: null, high: null });
      if (!detail.isMoving) { this.tellSelection(); }
    });
    this.playButton = h("button", {
      type: "button", class: "primary", "data-action": "play", onclick: () => this.toggle(),
    });
    this.what = h("select", { id: unique("listen"), onchange: () => this.again() });
    this.loops = h("input", { type: "checkbox", id: unique("loop"), onchange: () => this.again() });
    this.equal = h("input", {
      type: "checkbox", id: unique("equal"), checked: true, onchange: () => this.again(),
    });
    this.marking = h("button", {
      type: "button", "data-action": "mark", "aria-pressed": "false",
      onclick: () => this.toolbar.useTool(this.views.tool === this.tool ? "move" : "mark"),
    }, t("sound.mark"));
    this.readout = h("output", { class: "sound-time" });
    this.gainText = h("output", { class: "sound-gain" });
    this.position = h("input", {
      type: "range", class: "sound-position", min: 0, max: this.seconds, step: 0.01,
      "aria-label": t("sound.position"), oninput: () => this.seek(Number(this.position.value)),
    });
    const title = unique("listening");
    this.place.replaceChildren(h("section", { class: "sound", "aria-labelledby": title },
      h("h2", { class: "unseen", id: title }, t("sound.title")), this.windowBar(),
      h("div", { class: "strip-frame" }, this.strip.canvas, this.position),
      h("div", { class: "sound-bar" },
        this.playButton, this.readout,
        h("label", { for: this.what.id }, t("sound.listen")), this.what,
        h("span", { class: "check" }, this.loops, h("label", { for: this.loops.id }, t("sound.loop"))),
        h("span", { class: "check" }, this.equal,
          h("label", { for: this.equal.id }, t("sound.equal")),
          term("?", t("sound.equal.help"))),
        this.gainText),
      this.markBar()));
  }

  /** Which window of a long recording is shown, and the score over time. */
  windowBar() {
    const { t } = this;
    const labels = this.model?.labels ?? [];
    const top = this.report?.predictions?.[0]?.index ?? 0;
    this.label = h("select", {
      id: unique("score"), onchange: () => this.show(),
    }, labels.map((label, i) => h("option", { value: i, selected: i === top }, label)));
    this.slider = h("input", {
      type: "range", id: unique("window"), min: 0, step: 1, "data-action": "window",
      oninput: () => this.showWindowAt(Number(this.slider.value)),
    });
    this.windowText = h("output", { class: "sound-window" });
    this.explainButton = h("button", {
      type: "button", "data-action": "explain-window", onclick: () => this.explain(this.start),
    }, t("sound.explain"));
    const zoom = (text, label, run) => h("button", {
      type: "button", class: "plain", "aria-label": label, title: label, onclick: run,
    }, text);
    this.windowRow = h("div", { class: "sound-bar sound-windows" },
      h("label", { for: this.label.id }, term(t("sound.score"), t("sound.score.help"))), this.label,
      h("label", { for: this.slider.id }, t("sound.window")), this.slider, this.windowText,
      this.explainButton,
      h("span", { class: "strip-zoom" },
        zoom("+", t("sound.zoomIn"), () => this.strip.zoom(2)),
        zoom("−", t("sound.zoomOut"), () => this.strip.zoom(0.5)),
        zoom("↔", t("sound.zoomAll"), () => this.strip.setView(0, this.seconds))));
    return this.windowRow;
  }

  /** What is marked, as numbers that can be written too. */
  markBar() {
    const { t } = this;
    const field = (name, label, unit) => {
      const input = h("input", {
        type: "number", id: unique(name), min: 0, step: "any", "data-field": name,
        onchange: () => this.readFields(),
      });
      this.fields ??= {};
      this.fields[name] = input;
      input.setAttribute("aria-label", `${label} ${unit}`);
      return [h("label", { for: input.id }, label), input, h("span", {}, unit)];
    };
    this.clear = h("button", {
      type: "button", class: "plain", "data-action": "clear-mark", onclick: () => this.mark(null),
    }, t("sound.clear"));
    return h("div", { class: "sound-bar sound-marks", role: "group", "aria-label": t("sound.marked") },
      this.marking, term("?", t("sound.mark.help")),
      h("span", { class: "range" }, field("start", t("sound.from"), "s"),
        field("end", t("sound.to"), "s")),
      h("span", { class: "range" }, field("low", t("sound.from"), "Hz"),
        field("high", t("sound.to"), "Hz")), this.clear);
  }

  // MARK: State that is seen

  fillChoices() {
    const { t } = this;
    const chosen = this.what.value;
    const choices = [["sound", t("sound.whole")]];
    if (this.selection) {
      choices.push(["inside", t("sound.inside")], ["outside", t("sound.outside")]);
    }
    const names = new Map(this.model?.methods?.map((m) => [m.name, m.title]));
    const groups = this.heardMaps.map((map) => {
      const name = t("sound.ofMap", { method: names.get(map.method) ?? map.method, label: map.label });
      return h("optgroup", { label: name },
        h("option", { value: `kept ${map.kept}` }, t("sound.kept", { map: name })),
        h("option", { value: `removed ${map.removed}` }, t("sound.removed", { map: name })));
    });
    this.what.replaceChildren(
      ...choices.map(([value, text]) => h("option", { value }, text)), ...groups);
    const values = [...this.what.options].map((option) => option.value);
    this.what.value = values.includes(chosen) ? chosen : "sound";
  }

  showWindowBar() {
    const { windows, t } = this;
    const isLong = windows.length > 1;
    this.windowRow.hidden = !isLong;
    this.strip.canvas.classList.toggle("has-score", isLong);
    if (!isLong) { return; }
    const index = windows.findIndex((window) => near(window.seconds[0], this.start));
    this.slider.max = windows.length - 1;
    this.slider.value = index;
    const text = this.windowWords(windows[index]);
    this.windowText.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    const isExplained = this.isExplained(this.start);
    this.explainButton.hidden = isExplained || windows[index]?.isSilent !== false;
    this.explainButton.disabled = this.isBusy;
    this.explainButton.textContent = t(this.isBusy ? "sound.explaining" : "sound.explain");
  }

  get isBusy() { return ["queued", "running"].includes(this.analysis.state); }

  windowWords(window) {
    if (!window) { return ""; }
    const times = { start: clock(window.seconds[0]), end: clock(window.seconds[1]) };
    if (window.isSilent) { return this.t("sound.windowSilent", times); }
    const label = Number(this.label.value) || 0;
    return this.t("sound.windowScore", {
      ...times, label: this.model.labels[label], probability: percent(window.probabilities[label]),
    });
  }

  showState() {
    const { t, player } = this;
    this.playButton.textContent = t(player.isPlaying ? "sound.pause" : "sound.play");
    this.playButton.dataset.playing = player.isPlaying ? this.what.value.split(" ")[0] : "";
    this.marking.setAttribute("aria-pressed", `${this.views.tool === this.tool}`);
    this.clear.hidden = !this.selection;
    this.showTime();
  }

  showTime() {
    const time = this.player.position ?? this.time;
    this.readout.textContent = `${clock(time)} / ${clock(this.seconds)}`;
    this.position.value = time;
    this.position.setAttribute("aria-valuetext", clock(time));
    this.strip.set({ time, selection: this.selection });
  }

  /** Moves the cursor while something plays. */
  follow() {
    this.showState();
    const step = () => {
      if (!this.player.isPlaying) {
        this.views.redraw();
        return;
      }
      this.time = this.player.position ?? this.time;
      this.showTime();
      this.views.redraw();
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  setTime(time) {
    this.time = Math.min(Math.max(0, time), this.seconds);
    this.showTime();
    this.views.redraw();
  }

  // MARK: Windows

  /** A moment in the strip: the cursor goes there, and a long recording's window is explained. */
  choose(time) {
    this.seek(time);
    if (this.windows.length < 2) { return; }
    const middle = (window) => (window.seconds[0] + window.seconds[1]) / 2;
    let best = 0;
    this.windows.forEach((window, i) => {
      if (Math.abs(middle(window) - time) < Math.abs(middle(this.windows[best]) - time)) { best = i; }
    });
    const window = this.windows[best];
    this.showWindowAt(best);
    if (!window.isSilent && !this.isExplained(window.seconds[0])) { this.explain(window.seconds[0]); }
  }

  showWindowAt(index) {
    const window = this.windows[index];
    if (!window) { return; }
    this.windowChanged(window.seconds[0]);
    this.showWindow(window.seconds[0]);
  }

  /** Asks for the maps of another window; what is known is not computed again. */
  explain(start) {
    if (this.isBusy) { return; }
    const windows = [...this.explained, start].sort((a, b) => a - b).join(",");
    this.announce(this.t("sound.explaining"));
    this.restart(() => this.api.addMethods(this.analysis.id, { windows }));
  }

  // MARK: Marks

  mark(selection) {
    this.selection = selection;
    const { fields } = this;
    const shown = (value, digits) => (value === null || value === undefined ? "" : value.toFixed(digits));
    fields.start.value = shown(selection?.start, 3);
    fields.end.value = shown(selection?.end, 3);
    fields.low.value = shown(selection?.low, 0);
    fields.high.value = shown(selection?.high, 0);
    this.loaded.delete("inside");
    this.loaded.delete("outside");
    this.fillChoices();
    this.showState();
    this.views.redraw();
  }

  readFields() {
    const value = (name) => (this.fields[name].value === "" ? null : Number(this.fields[name].value));
    const [start, end] = [value("start") ?? this.window[0], value("end") ?? this.window[1]];
    if (!(end > start)) { return; }
    this.mark({
      start: Math.max(0, start), end: Math.min(this.seconds, end), low: value("low"), high: value("high"),
    });
    this.tellSelection();
  }

  tellSelection() {
    if (this.selection) { this.announce(this.selectionText); }
  }

  get selectionText() {
    const { start, end, low, high } = this.selection;
    const times = { start: clock(start), end: clock(end) };
    if (low === null && high === null) { return this.t("sound.part", times); }
    return this.t("sound.rectangle", {
      ...times, low: hertzText(low ?? 0), high: hertzText(high ?? this.sound.rate / 2),
    });
  }

  /** Drags a rectangle of time and frequency in any panel, and plays it. */
  markingTool() {
    let from = null;
    const selection = (point) => {
      const { axes } = this;
      const [start, end] = [axes.x(from.x), axes.x(point.x)].sort((a, b) => a - b);
      const [low, high] = [axes.y(from.y), axes.y(point.y)].sort((a, b) => a - b);
      const within = (time) => Math.min(Math.max(time, this.window[0]), this.window[1]);
      return { start: within(start), end: within(end), low, high };
    };
    return {
      cursor: "crosshair",
      down: (point) => { from = this.axes ? point : null; },
      move: (point) => { if (from) { this.mark(selection(point)); } },
      up: (point) => {
        if (!from) { return; }
        const marked = selection(point);
        from = null;
        if (marked.end - marked.start < 0.005) { return; }
        this.mark(marked);
        this.tellSelection();
        this.what.value = "inside";
        this.play();
      },
    };
  }

  draw(context, panel) {
    const { axes, selection } = this;
    if (!axes) { return; }
    const { base } = this.views;
    drawAxes(context, panel, { axes, window: this.window, base });
    if (selection && selection.end > this.window[0] && selection.start < this.window[1]) {
      const top = selection.high === null ? 0 : Math.max(0, axes.fromHertz(selection.high));
      const bottom = selection.low === null
        ? base.height : Math.min(base.height, axes.fromHertz(Math.max(selection.low, 1e-3)));
      const a = panel.toScreen(axes.fromSeconds(selection.start), top);
      const b = panel.toScreen(axes.fromSeconds(selection.end), bottom);
      for (const [color, width] of [["#000b", 3], ["#fff", 1.5]]) {
        context.strokeStyle = color;
        context.lineWidth = width;
        context.setLineDash(width < 2 ? [5, 4] : []);
        context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
      }
      context.setLineDash([]);
    }
    const { time } = this;
    if (time < this.window[0] || time > this.window[1]) { return; }
    const x = panel.toScreen(axes.fromSeconds(time), 0).x;
    const [top, bottom] = [panel.toScreen(0, 0).y, panel.toScreen(0, base.height).y];
    context.fillStyle = "#000a";
    context.fillRect(x - 1.5, top, 3, bottom - top);
    context.fillStyle = "#fff";
    context.fillRect(x - 0.5, top, 1, bottom - top);
  }

  // MARK: Playing

  toggle() {
    if (this.player.isPlaying) {
      this.time = this.player.position ?? this.time;
      this.player.stop();
    } else {
      this.play();
    }
  }

  seek(time) {
    this.setTime(time);
    this.again();
  }

  /** What plays goes on with what is chosen now. */
  again() {
    this.showState();
    if (this.player.isPlaying) { this.play(); }
  }

  async play() {
    try {
      const heard = await this.chosen();
      const { loops, from, to } = this.span(heard);
      if (!(to > from)) { return; }
      const gain = this.gain(heard);
      await this.player.play(heard, { from, to, loops, gain });
      this.tellGain(20 * Math.log10(gain));
    } catch (error) {
      this.announce(error.detail ?? `${error.message}`);
    }
  }

  /** From where to where is played. */
  span(heard) {
    const { selection, loops } = this;
    const [first, last] = [heard.origin, heard.origin + heard.samples.length / heard.rate];
    const what = this.what.value;
    if (what === "inside" || (selection && loops.checked)) {
      const [start, end] = [Math.max(first, selection.start), Math.min(last, selection.end)];
      if (end > start) { return { from: start, to: end, loops: loops.checked }; }
    }
    if (loops.checked && what === "sound") {
      return { from: this.window[0], to: Math.min(this.window[1], last), loops: true };
    }
    if (loops.checked) { return { from: first, to: last, loops: true }; }
    const isInside = this.time >= first && this.time < last - 0.02;
    return { from: isInside ? this.time : first, to: last, loops: false };
  }

  tellGain(decibels) {
    this.gainText.textContent = Math.abs(decibels) >= 0.1
      ? this.t("sound.gain", { decibels: `${decibels > 0 ? "+" : "−"}${Math.abs(decibels).toFixed(1)}` })
      : "";
  }

  /** The sound that is chosen. */
  async chosen() {
    const what = this.what.value;
    const [kind, path] = what.split(" ");
    if (kind === "inside" || kind === "outside") {
      if (!this.loaded.has(kind)) { this.divide(); }
      return this.loaded.get(kind);
    }
    if (path) {
      if (!this.loaded.has(what)) { await this.loadEvidence(path); }
      return this.loaded.get(what);
    }
    return this.sound;
  }

  /**
   * The factor that makes a sound as loud as all that it is compared with: the window and what has
   * been taken out of it.
   */
  gain(heard) {
    if (!this.equal.checked) { return 1; }
    const others = [...this.loaded.values()];
    const gains = equalLoudness([this.windowSound(), ...others]);
    return gains[others.indexOf(heard) + 1];
  }

  /** The part of the recording that is shown. */
  windowSound() {
    const { samples, rate } = this.sound;
    const [start, end] = this.window.map((time) => Math.round(time * rate));
    return { samples: samples.subarray(start, end), rate, origin: start / rate };
  }

  /** What is marked and the rest, of the window or of as much as is marked. */
  divide() {
    const { selection, sound } = this;
    const [start, end] = [
      Math.min(this.window[0], selection.start), Math.max(this.window[1], selection.end),
    ].map((time) => Math.min(sound.samples.length, Math.round(time * sound.rate)));
    const part = sound.samples.subarray(start, end);
    const parts = divided(part, sound.rate, [{
      start: selection.start - start / sound.rate, end: selection.end - start / sound.rate,
      low: selection.low ?? 0, high: selection.high ?? Infinity,
    }]);
    for (const name of ["inside", "outside"]) {
      this.loaded.set(name, { samples: parts[name], rate: sound.rate, origin: start / sound.rate });
    }
  }

  /** The evidence of a map and the rest, as the server divided the window. */
  async loadEvidence(path) {
    const map = this.heardMaps.find(({ kept, removed }) => kept === path || removed === path);
    await Promise.all(["kept", "removed"].map(async (name) => {
      const file = await (await this.api.fetch(map[name])).arrayBuffer();
      this.loaded.set(`${name} ${map[name]}`, { ...readWAV(file), origin: map.window[0] });
    }));
  }
}

/** Marks of seconds along the bottom and of hertz along the left, over the spectrogram. */
function drawAxes(context, panel, { axes, window, base }) {
  const label = (text, x, y, align) => {
    context.textAlign = align;
    context.strokeStyle = "#000c";
    context.lineWidth = 3;
    context.strokeText(text, x, y);
    context.fillStyle = "#fff";
    context.fillText(text, x, y);
  };
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const [left, bottom] = [Math.max(0, panel.toScreen(0, 0).x),
    Math.min(panel.height, panel.toScreen(0, base.height).y)];
  let last = Infinity;
  for (const hertz of [62, 125, 250, 500, 1000, 2000, 4000, 8000, 16000]) {
    const { y } = panel.toScreen(0, axes.fromHertz(hertz));
    if (y < 8 || y > bottom - 18 || last - y < 16) { continue; }
    last = y;
    context.fillStyle = "#fff";
    context.fillRect(left, y - 0.5, 4, 1);
    label(hertz < 1000 ? `${hertz}` : `${hertz / 1000}k`, left + 7, y, "left");
  }
  label("Hz", left + 7, Math.max(8, panel.toScreen(0, 0).y + 8), "left");
  const perSecond = panel.toScreen(axes.fromSeconds(window[0] + 1), 0).x
    - panel.toScreen(axes.fromSeconds(window[0]), 0).x;
  const step = niceStep(48 / perSecond);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let i = Math.ceil(window[0] / step - 1e-9); i * step <= window[1] + 1e-9; i += 1) {
    const { x } = panel.toScreen(axes.fromSeconds(i * step), 0);
    if (x < left + 30 || x > panel.width - 14) { continue; }
    context.fillStyle = "#fff";
    context.fillRect(x - 0.5, bottom - 4, 1, 4);
    label(clock(i * step, digits), x, bottom - 11, "center");
  }
}
