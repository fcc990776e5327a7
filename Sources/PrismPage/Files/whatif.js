// What if: parts of a picture are painted over, or rectangles of a sound muted, and the
// probabilities change while that is done. The server answers in milliseconds.
import { h, term, unique } from "/dom.js";
import { percent } from "/texts.js";
import { PaintedPicture } from "/painting.js";
import { MutedSound } from "/muting.js";

/**
 * Asks for the newest state only: while an answer is waited for, what is asked meanwhile waits, and
 * of that only the last.
 */
export class Latest {
  /**
   * @param {(signal: AbortSignal) => Promise} ask Asks about the state as it is then.
   * @param {(answer) => void} take Is given the answer.
   * @param {(error: Error) => void} fail Is told what went wrong.
   */
  constructor(ask, take, fail) {
    Object.assign(this, { ask, take, fail });
    this.control = new AbortController();
    this.isAsking = false;
    this.isDue = false;
  }

  async request() {
    this.isDue = true;
    if (this.isAsking) { return; }
    this.isAsking = true;
    while (this.isDue && !this.control.signal.aborted) {
      this.isDue = false;
      try {
        const answer = await this.ask(this.control.signal);
        if (!this.control.signal.aborted) { this.take(answer); }
      } catch (error) {
        if (this.control.signal.aborted) { break; }
        if (error.status === 429 || error.status === 503) {
          await new Promise((done) => setTimeout(done, 300));
          this.isDue = true;
        } else {
          this.fail(error);
        }
      }
    }
    this.isAsking = false;
  }

  close() { this.control.abort(); }
}

/** Puts the tools into the page; nothing is asked before something is changed. */
export function mountWhatIf(place, options) {
  return new WhatIf(place, options);
}

const shownLabels = 5;

class WhatIf {
  constructor(place, options) {
    const { analysis, views, toolbar, api, t, announce } = options;
    Object.assign(this, { analysis, views, toolbar, api, t, announce });
    this.place = place;
    this.window = options.window;
    this.before = null;
    this.now = null;
    this.sequence = Array.from(
      crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
    this.latest = new Latest(
      (signal) => this.predict(signal), (answer) => this.take(answer), (error) => this.fail(error));
    const changed = () => this.changed();
    this.subject = this.analysis.type === "audio"
      ? new MutedSound({ ...options, changed }) : new PaintedPicture({ ...options, changed });
    this.onTool = () => this.showTool();
    this.views.addEventListener("tool", this.onTool);
    this.removeOverlay = this.views.addOverlay((context, panel) => this.subject.draw(context, panel));
    this.build();
    toolbar.addTool(this.subject.startName, "q", async () => {
      await this.prepare();
      return this.subject.tool;
    });
  }

  unmount() {
    this.latest.close();
    this.removeOverlay();
    this.views.removeEventListener("tool", this.onTool);
    this.subject.close();
    this.place.replaceChildren();
  }

  /** Takes a report that has come, or another window of a sound. */
  update(options) {
    this.subject.update(options);
    this.windowChanged(options.window);
  }

  windowChanged(start) {
    if (this.window === start) { return; }
    this.window = start;
    this.subject.windowChanged?.(start);
    this.before = null;
    this.now = null;
    this.showNumbers();
    this.showButtons();
  }

  // MARK: Elements

  build() {
    const { t, subject } = this;
    const button = (name, run, more = {}) => h("button", {
      type: "button", "data-action": name, onclick: run, ...more,
    }, t(`whatif.${name}`));
    this.start = button(subject.startName, () => this.toggle(), { "aria-pressed": "false" });
    this.undo = button("undo", () => this.act(() => subject.undo()));
    this.reset = button("reset", () => this.act(() => subject.reset()));
    this.numbers = h("div", { class: "whatif-numbers" });
    this.verdict = h("p", { class: "whatif-verdict" });
    this.time = h("output", { class: "whatif-time" });
    const title = unique("whatif");
    this.place.replaceChildren(h("section", { class: "whatif", "aria-labelledby": title },
      h("h2", { id: title }, t("whatif.title")),
      h("div", { class: "whatif-tools" },
        this.start, term("?", t(`whatif.${subject.startName}.help`)), subject.controls(),
        this.undo, this.reset),
      this.verdict, this.numbers, this.time));
    this.showNumbers();
    this.showTool();
  }

  toggle() {
    const isOn = this.views.tool === this.subject.tool;
    this.toolbar.useTool(isOn ? "move" : this.subject.startName);
  }

  act(run) {
    run();
    this.views.redraw();
  }

  showTool() {
    const isOn = this.views.tool === this.subject.tool;
    this.start.setAttribute("aria-pressed", `${isOn}`);
    this.place.classList.toggle("in-use", isOn);
    this.showButtons();
  }

  showButtons() {
    this.undo.disabled = !this.subject.canUndo;
    this.reset.disabled = !this.subject.isChanged;
  }

  // MARK: Asking

  /** What the model says of the input as it is, by the same way as of what is changed. */
  async prepare() {
    try {
      await this.subject.load();
      this.latest.request();
    } catch (error) {
      this.fail(error);
    }
  }

  changed() {
    this.showButtons();
    this.views.redraw();
    this.latest.request();
  }

  async predict(signal) {
    await this.subject.load();
    const begun = performance.now();
    if (!this.before) {
      const [before] = await this.api.predict(
        this.analysis.model, [await this.subject.instance(true)], signal, this.sequence);
      this.before = before;
    }
    if (!this.subject.isChanged) { return { prediction: this.before, milliseconds: 0 }; }
    const [prediction] = await this.api.predict(
      this.analysis.model, [await this.subject.instance()], signal, this.sequence);
    return { prediction, milliseconds: performance.now() - begun };
  }

  take({ prediction, milliseconds }) {
    this.now = prediction;
    this.time.textContent = milliseconds
      ? this.t("whatif.time", { n: Math.round(milliseconds) }) : "";
    this.showNumbers();
  }

  fail(error) {
    this.verdict.textContent = error.detail ?? error.message;
    this.verdict.classList.add("failed");
  }

  // MARK: Numbers

  showNumbers() {
    const { before, now, t } = this;
    this.verdict.classList.remove("failed");
    if (!before || !now) {
      this.verdict.textContent = t("whatif.empty");
      this.numbers.replaceChildren();
      this.time.textContent = "";
      this.rows = null;
      return;
    }
    const strongest = (list) => list.map((p, i) => [p, i]).sort((a, b) => b[0] - a[0])
      .slice(0, shownLabels).map(([, i]) => i);
    const labels = [...new Set([
      ...strongest(before.probabilities), ...strongest(now.probabilities).slice(0, 2),
    ])];
    this.rows ??= new Map();
    this.numbers.replaceChildren(...labels.map((index) => this.row(index)));
    const same = before.index === now.index;
    this.setVerdict(same
      ? t("whatif.same", { label: now.label, before: percent(before.probability),
        now: percent(now.probability) })
      : t("whatif.other", { label: now.label, before: before.label,
        now: percent(now.probability) }));
  }

  /** A label with its probability before, as a mark, and now, as a bar. */
  row(index) {
    const { before, now } = this;
    if (!this.rows.has(index)) {
      const row = {
        bar: h("span", { class: "whatif-bar" }), mark: h("span", { class: "whatif-mark" }),
        text: h("span", { class: "whatif-value" }), change: h("span", { class: "whatif-change" }),
        score: h("span", { class: "whatif-score" }),
      };
      row.element = h("div", { class: "whatif-row" },
        h("span", { class: "whatif-label", id: unique("label") }, before.labels[index]),
        h("span", { class: "whatif-scale", "aria-hidden": "true" }, row.bar, row.mark),
        row.text, row.change, row.score);
      this.rows.set(index, row);
    }
    const row = this.rows.get(index);
    const [old, current] = [before.probabilities[index], now.probabilities[index]];
    row.bar.style.setProperty("--share", `${current}`);
    row.mark.style.setProperty("--share", `${old}`);
    row.text.textContent = percent(current);
    const points = 100 * (current - old);
    row.change.textContent = Math.abs(points) < 0.05
      ? "" : `${points > 0 ? "▲ +" : "▼ −"}${Math.abs(points).toFixed(1)}`;
    const [score, newScore] = [before.logits[index], now.logits[index]].map(
      (value) => value.toFixed(2).replace("-", "−"));
    row.score.textContent = this.t("whatif.score", { before: score, now: newScore });
    return row.element;
  }

  /** Shows a sentence, and says it when things have been quiet for a moment. */
  setVerdict(text) {
    if (this.verdict.textContent === text) { return; }
    this.verdict.textContent = text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.announce(text), 900);
  }
}
