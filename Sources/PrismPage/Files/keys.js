// Keys for everything, and the dialog that lists them.
import { h } from "/dom.js";
import { settings } from "/settings.js";
import { t } from "/texts.js";

const isTyping = (element) => element.matches?.(
  "input:not([type=checkbox], [type=radio], [type=range], [type=button]), textarea, select, "
    + "[contenteditable=true]");

export class Keys {
  constructor() {
    this.entries = [];
    addEventListener("keydown", (event) => this.pressed(event));
  }

  /** A key of the page or of the view that is shown; `text` is the name of a text. */
  add(group, key, text, run) {
    this.entries = this.entries.filter((e) => e.group !== group || e.key !== key);
    this.entries.push({ group, key, text, run });
  }

  /** Forgets the keys of a group. */
  forget(group) { this.entries = this.entries.filter((entry) => entry.group !== group); }

  pressed(event) {
    if (!settings.hasKeys && event.key !== "?") { return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) { return; }
    if (isTyping(event.target) || document.querySelector("dialog[open]")) { return; }
    const entry = this.entries.findLast((e) => e.key === event.key);
    if (!entry) { return; }
    event.preventDefault();
    entry.run(event);
  }

  /** Lists all keys. */
  open() {
    if (document.querySelector("dialog[open]")) { return; }
    const table = (group, more = []) => {
      const rows = [...this.entries.filter((e) => e.group === group)
        .map((e) => [e.key, t(e.text)]), ...more];
      return rows.length === 0 ? null : [
        h("h3", {}, t(`keys.${group}`)),
        h("table", { class: "keys" }, h("tbody", {}, rows.map(([key, text]) => h("tr", {},
          h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, text))))),
      ];
    };
    const ofPanels = ["←↑↓→", "Shift ←↑↓→", "Enter", "Tab"]
      .map((key, i) => [key, t(`keys.panel.${i}`)]);
    const dialog = h("dialog", { "aria-labelledby": "keys-title", class: "wide" },
      h("h2", { id: "keys-title", tabIndex: -1, autofocus: true }, t("keys.title")),
      h("div", { class: "keys-groups" },
        h("div", {}, table("page")), h("div", {}, table("view")),
        h("div", {}, table("panel", ofPanels))),
      h("p", { class: "muted" }, t("keys.note")),
      h("form", { method: "dialog", class: "buttons" }, h("button", {}, t("close"))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
}
