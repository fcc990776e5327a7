// How far an analysis is: a line for each method, with the time that is left, and cancelling.
import { h } from "/dom.js";
import { icon } from "/icons.js";
import { duration, t } from "/texts.js";

/** What is said of work that was never told to be done: judging has no maps that would tell it. */
function ending(line, state) {
  return line.name === "measures" && state === "done" ? "state.done" : "progress.none";
}

export class Progress {
  /** @param {{title, onCancel, onResume, onShow}} options What a method is called, and actions. */
  constructor(options) {
    this.options = options;
    this.lines = new Map();
    this.list = h("ul", { class: "progress" });
    this.state = h("span", { class: "state" });
    this.cancel = h("button", {
      type: "button", hidden: true, onclick: () => options.onCancel(),
    }, t("progress.cancel"));
    this.resume = h("button", {
      type: "button", hidden: true, onclick: () => options.onResume(),
    }, t("progress.resume"));
    this.error = h("p", { class: "error", hidden: true });
    this.element = h("div", {},
      h("p", { class: "progress-head" }, this.state, this.cancel, this.resume), this.list,
      this.error);
  }

  /** Shows an analysis as it is kept. */
  show(analysis) {
    for (const { name } of analysis.request.methods) { this.line(name); }
    this.setState(analysis.state, analysis.error, analysis.cached);
  }

  setState(state, error, isCached) {
    this.isOpen = state === "queued" || state === "running";
    this.state.textContent = t(`state.${state}`)
      + (state === "done" && isCached && !this.hasWorked ? ` · ${t("state.cached")}` : "");
    this.state.dataset.state = state;
    this.cancel.hidden = !this.isOpen;
    this.resume.hidden = this.isOpen || state === "done";
    this.resume.textContent = t(state === "failed" ? "failure.again" : "progress.resume");
    this.error.hidden = !error;
    this.error.textContent = error ?? "";
    if (!this.isOpen) {
      for (const line of this.lines.values()) {
        if (!line.isDone) { this.write(line, t(ending(line, state))); }
        if (line.isDone && isCached && !this.hasWorked) { this.write(line, t("state.cached")); }
        line.bar.hidden = true;
      }
    }
  }

  /** Says what is waited for before there is an analysis. */
  say(text) {
    this.setState("queued");
    this.isOpen = false;
    this.cancel.hidden = true;
    this.state.textContent = text;
  }

  /** Tells that nothing has begun; `isWorthwhile` where it may work a second time. */
  refuse(reason, isWorthwhile) {
    this.setState("failed", reason);
    this.resume.hidden = !isWorthwhile;
  }

  line(name) {
    if (this.lines.has(name)) { return this.lines.get(name); }
    const title = this.options.title(name);
    const line = { name, isDone: false };
    line.text = h("span", { class: "muted" }, t("progress.waiting"));
    line.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": title });
    line.toggle = h("input", {
      type: "checkbox", checked: true, "aria-label": t("progress.show", { method: title }),
      title: t("progress.show", { method: title }),
      onchange: (event) => this.options.onShow(name, event.target.checked),
    });
    line.element = h("li", {},
      h("label", {}, line.toggle, h("span", { class: "method-name" }, title)), line.text, line.bar);
    if (name === "measures") { line.toggle.hidden = true; }
    this.lines.set(name, line);
    this.list.append(line.element);
    return line;
  }

  write(line, text) { line.text.textContent = text; }

  /** A method goes on. */
  progress({ method, done, planned, secondsLeft }) {
    this.hasWorked ||= done > 0;
    if (!this.isOpen) { this.setState("running"); }
    this.state.textContent = t("state.running");
    const line = this.line(method);
    if (line.isDone) { return; }
    line.bar.hidden = false;
    if (planned > 0) {
      line.bar.max = planned;
      line.bar.value = done;
    } else {
      line.bar.removeAttribute("value");
    }
    const left = secondsLeft === null ? "" : ` · ${t("progress.left", {
      time: duration(Math.max(1, secondsLeft)),
    })}`;
    this.write(line, planned > 0
      ? t("progress.of", { done, planned }) + left : t("progress.begun"));
  }

  /** A method is finished. */
  method({ method, maps }) {
    const line = this.line(method);
    line.isDone = true;
    line.bar.hidden = true;
    const [first] = maps;
    this.write(line, first ? t("progress.done", {
      time: duration(first.seconds), count: first.evaluations,
    }) : "");
    const notes = [...new Set(maps.flatMap((map) => map.diagnostics ?? []))];
    if (notes.length > 0 && !line.note) {
      line.note = h("p", { class: "diagnostics" }, icon("info"), notes.join("; "));
      line.element.append(line.note);
    }
  }
}
