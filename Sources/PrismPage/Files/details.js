// What is kept with an analysis: its name, tags and notes; exports, links and removal.
import { afterQuiet, h, unique } from "/dom.js";
import { reasonOf, t } from "/texts.js";

const formats = ["pdf", "html", "csv", "json", "zip"];

export class Details {
  /** @param {object} page What the page shares. @param {AnalysisView} owner Whose details. */
  constructor(page, owner) {
    Object.assign(this, { page, owner });
    this.saved = h("span", { class: "muted", role: "status" });
    this.facts = h("dl", { class: "facts" });
    this.element = h("div", {},
      h("section", {}, h("h2", {}, t("details.title")), this.fields(), this.saved),
      h("section", {}, h("h2", {}, t("details.facts")), this.facts));
    this.actions = this.makeActions();
    this.drawFacts();
  }

  get analysis() { return this.owner.analysis; }

  fields() {
    const { analysis } = this;
    const field = (name, input) => {
      input.id = unique(name);
      return h("p", { class: "field" },
        h("label", { for: input.id }, t(`details.${name}`)), input);
    };
    const keep = afterQuiet(500, (change) => this.change(change));
    return [
      field("name", h("input", {
        type: "text", value: analysis.name, maxLength: 250, onchange: (e) => {
          if (e.target.value.trim()) { this.change({ name: e.target.value.trim() }); }
        },
      })),
      field("tags", h("input", {
        type: "text", value: analysis.tags.join(", "), placeholder: t("details.tags.example"),
        onchange: (e) => this.change({
          tags: [...new Set(e.target.value.split(",").map((tag) => tag.trim()).filter(Boolean))],
        }),
      })),
      field("notes", h("textarea", {
        rows: 4, value: analysis.notes, maxLength: 20000,
        oninput: (e) => keep({ notes: e.target.value }),
      })),
    ];
  }

  /** Saves a change, and with it those that could not be saved before. */
  async change(change) {
    this.saved.textContent = t("details.saving");
    const all = { ...this.unsaved, ...change };
    this.unsaved = all;
    try {
      const analysis = await this.page.api.change(this.analysis.id, all);
      if (this.unsaved === all) { this.unsaved = null; }
      Object.assign(this.owner.analysis, {
        name: analysis.name, tags: analysis.tags, notes: analysis.notes,
      });
      this.owner.drawHead();
      this.saved.textContent = t("details.saved");
    } catch (error) {
      this.saved.textContent = reasonOf(error);
    }
  }

  /** Goes on after the connection was lost. */
  reconnect() {
    if (this.unsaved) { this.change({}); }
  }

  /** What the picture or sound is, and what it was computed with. */
  setReport(report) {
    this.report = report;
    this.drawFacts();
  }

  drawFacts() {
    const { report, analysis } = this;
    const { picture, sound } = report ?? {};
    const rows = [
      ["file", analysis.input.name],
      ["picture", picture && t("facts.pictureText", {
        format: picture.format, width: picture.width, height: picture.height,
        bits: picture.bitDepth,
      })],
      ["sound", sound && t("facts.soundText", {
        format: sound.format, seconds: sound.seconds, rate: sound.sampleRate,
        channels: sound.channels,
      })],
      ["model", `${analysis.model}${report ? `, ${report.model.architecture}` : ""}`],
      ["weights", report?.model.sha256.slice(0, 12)],
      ["digest", analysis.input.sha256.slice(0, 12)],
      ["seed", `${analysis.request.seed}`],
      ["prism", report?.prism],
    ].filter(([, value]) => value);
    this.facts.replaceChildren(...rows.flatMap(([name, value]) =>
      [h("dt", {}, t(`facts.${name}`)), h("dd", {}, value)]));
  }

  // MARK: Actions

  makeActions() {
    const menu = h("details", { class: "menu" },
      h("summary", { class: "button" }, t("export.title")),
      h("ul", {}, formats.map((format) => h("li", {},
        h("button", { type: "button", onclick: () => this.export(format, menu) },
          h("strong", {}, format.toUpperCase()), " ", t(`export.${format}`)))),
      h("li", {}, h("button", { type: "button", onclick: () => this.original(menu) },
        h("strong", {}, t("export.input")), " ", this.analysis.input.name))));
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") { return; }
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) { menu.open = false; }
    });
    return h("div", { class: "actions" }, menu,
      h("button", { type: "button", onclick: () => this.copyLink() }, t("export.link")),
      h("a", { class: "button", href: `#/compare/${this.analysis.id}` }, t("compare.with")),
      h("button", { type: "button", class: "danger", onclick: () => this.remove() },
        t("details.remove")));
  }

  async export(format, menu) {
    menu.open = false;
    this.page.announce(t("export.making", { format: format.toUpperCase() }));
    await this.download(`/v1/analyses/${this.analysis.id}/report.${format}`,
      `${this.analysis.name.replace(/\.[a-z0-9]+$/i, "")}.${format}`);
  }

  async original(menu) {
    menu.open = false;
    await this.download(this.analysis.input.file, this.analysis.input.name);
  }

  /** Saves contents, which may need the token and therefore are no plain link. */
  async download(path, name) {
    document.body.classList.add("busy");
    try {
      const url = URL.createObjectURL(await this.page.api.blob(path));
      h("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      this.page.fail(error);
    } finally {
      document.body.classList.remove("busy");
    }
  }

  async copyLink() {
    this.owner.noteState();
    try {
      await navigator.clipboard.writeText(location.href);
      this.page.notice(t("export.copied"));
    } catch {
      prompt(t("export.link"), location.href);
    }
  }

  async remove() {
    const dialog = h("dialog", { "aria-labelledby": "remove-title" },
      h("h2", { id: "remove-title" }, t("details.remove.title")),
      h("p", {}, t("details.remove.text", { name: this.analysis.name })),
      h("form", { method: "dialog", class: "buttons" },
        h("button", { value: "no" }, t("cancel")),
        h("button", { value: "yes", class: "danger" }, t("details.remove"))));
    document.body.append(dialog);
    dialog.showModal();
    dialog.addEventListener("close", async () => {
      dialog.remove();
      if (dialog.returnValue !== "yes") { return; }
      await this.owner.act(async () => {
        this.owner.stop?.();
        await this.page.api.remove(this.analysis.id);
        this.page.go("/saved");
      });
    });
  }
}
