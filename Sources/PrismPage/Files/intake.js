// Where pictures and sounds come in: dropped, pasted, chosen or taken from the samples.
import { newKey } from "/api.js";
import { h } from "/dom.js";
import { icon } from "/icons.js";
import { ChoiceForm, fitting } from "/choices.js";
import { accepted, kindOf, pictureOf, previewOf, thumbnail } from "/media.js";
import { keep, settings } from "/settings.js";
import { reasonOf, t } from "/texts.js";

export class Intake {
  constructor(page) {
    this.page = page;
    this.models = null;
    this.waiting = [];
    this.isWide = false;
    this.forms = {};
    this.input = h("input", {
      type: "file", multiple: true, accept: accepted, class: "unseen", tabIndex: -1,
      "aria-label": t("intake.choose"), onchange: () => {
        this.accept([...this.input.files]);
        this.input.value = "";
      },
    });
    this.queue = h("div", { class: "queue" });
    this.samples = h("div", { class: "samples" });
    this.samplesPlace = h("section", { hidden: true }, h("h2", {}, t("intake.samples")),
      h("p", { class: "muted" }, t("intake.samples.note")), this.samples);
    this.formsPlace = h("div", { class: "forms" });
    this.archivePlace = h("div", { class: "archive" });
    this.recent = h("div", { class: "recent" });
    this.element = h("div", { class: "start" },
      h("h1", {}, t("intake.title")), h("p", { class: "lead" }, t("intake.lead")),
      h("div", { class: "drop" }, icon("drop"),
        h("p", {}, t("intake.drop")),
        h("p", { class: "buttons" },
          h("button", {
            type: "button", class: "primary", onclick: () => this.choose(),
          }, t("intake.choose")), this.input),
        h("p", { class: "muted" }, t("intake.formats"))),
      this.queue, this.samplesPlace,
      h("section", {}, h("h2", {}, t("intake.choices")), h("label", { class: "check" },
        h("input", {
          type: "checkbox", checked: settings.startsAtOnce,
          onchange: (e) => keep({ startsAtOnce: e.target.checked }),
        }), t("intake.atOnce")), this.formsPlace),
      h("section", {}, h("h2", {}, t("intake.recent")), this.recent), this.archivePlace);
  }

  /** Opens the browser's dialog of files. */
  choose() { this.input.click(); }

  /** The models that there are. */
  setModels(models) {
    this.models = models;
    this.formsPlace.replaceChildren(...["image", "audio"].map((kind) => this.form(kind, models)));
    for (const list of this.early?.splice(0) ?? []) { this.accept(list); }
  }

  form(kind, models) {
    const form = new ChoiceForm(models, kind);
    this.forms[kind] = form;
    const text = h("span", { class: "muted" }, form.summary);
    form.element.addEventListener("choices", () => { text.textContent = form.summary; });
    return h("details", { class: "fold card" },
      h("summary", {}, h("strong", {}, t(`kind.${kind}`)), " ", text), form.element);
  }

  /** Shows the start: samples and what was done last. */
  async open() {
    this.loadRecent();
    if (this.archive === undefined) { this.mountArchive(); }
    if (this.samples.childElementCount > 0) { return; }
    try {
      const samples = await this.page.api.samples();
      this.samples.replaceChildren(...samples.map((sample) => this.sample(sample)));
      this.samplesPlace.hidden = samples.length === 0;
    } catch (error) {
      this.page.fail(error);
    }
  }

  /** Goes on after the connection was lost. */
  reconnect() { this.open(); }

  async mountArchive() {
    this.archive = null;
    try {
      const { mountArchive } = await import("/archive.js");
      this.archive = mountArchive(this.archivePlace, {
        api: this.page.api, t, announce: this.page.announce,
        onImported: (analysis) => this.page.go(`/analysis/${analysis.id}`),
      });
    } catch (error) {
      console.warn(error);
    }
  }

  async loadRecent() {
    try {
      const { analyses } = await this.page.api.list({ limit: 6 });
      const { card } = await import("/saved.js");
      this.recent.replaceChildren(analyses.length === 0
        ? h("p", { class: "muted" }, t("saved.none"))
        : h("ul", { class: "cards" }, analyses.map((one) => card(this.page, one))));
    } catch (error) {
      this.page.fail(error);
    }
  }

  sample(sample) {
    const picture = h("span", { class: "thumb" },
      icon(sample.type === "audio" ? "sound" : "image"));
    if (sample.type === "image") { this.showSample(sample, picture); }
    return h("button", {
      type: "button", class: "sample", onclick: () => this.takeSample(sample),
    }, picture, h("span", {}, sample.name));
  }

  async showSample(sample, place) {
    try {
      sample.blob = await this.page.api.blob(sample.url);
      const picture = await pictureOf(sample.blob);
      if (picture) { place.replaceChildren(thumbnail(picture, 160)); }
    } catch { /* the name says enough */ }
  }

  async takeSample(sample) {
    try {
      sample.blob ??= await this.page.api.blob(sample.url);
      this.accept([new File([sample.blob], sample.name)]);
    } catch (error) {
      this.page.fail(error);
    }
  }

  // MARK: Coming in

  /** Takes what is dropped on the page or pasted into it, wherever that is. */
  listen(target) {
    let depth = 0;
    const mark = (isOver) => document.body.classList.toggle("dropping", isOver);
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    target.addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) { return; }
      depth += 1;
      mark(true);
    });
    target.addEventListener("dragleave", () => {
      depth = Math.max(0, depth - 1);
      if (depth === 0) { mark(false); }
    });
    target.addEventListener("dragover", (event) => {
      if (hasFiles(event)) { event.preventDefault(); }
    });
    target.addEventListener("drop", (event) => {
      depth = 0;
      mark(false);
      if (event.defaultPrevented || !event.dataTransfer?.files.length) { return; }
      event.preventDefault();
      this.accept([...event.dataTransfer.files]);
    });
    target.addEventListener("paste", (event) => {
      const files = [...event.clipboardData?.files ?? []];
      if (files.length === 0) { return; }
      event.preventDefault();
      this.accept(files.map((file) => (file.name ? file : new File([file], "pasted.png"))));
    });
  }

  /** Files that came in: one begins at once, several wait in a list. */
  async accept(files) {
    if (!this.models) {
      (this.early ??= []).push(files);
      return;
    }
    const archives = files.filter((file) => file.name?.toLowerCase().endsWith(".zip"));
    if (archives.length > 0 && this.archive?.accept) { this.archive.accept(archives); }
    const rest = files.filter((file) => !archives.includes(file));
    const items = await Promise.all(rest.map(async (file) => ({ file, ...await kindOf(file) })));
    const good = items.filter((item) => item.kind && fitting(this.models, item.kind).length > 0);
    for (const item of items.filter((one) => !good.includes(one))) {
      this.page.fail(new Error(t(item.kind ? "intake.noModel" : "intake.unknown", {
        name: item.file.name,
      })));
    }
    if (good.length === 1 && settings.startsAtOnce) {
      this.begin(good[0]);
      return;
    }
    if (good.length === 0) { return; }
    this.waiting.push(...good);
    this.page.go("/");
    this.drawQueue();
    this.queue.scrollIntoView({ block: "nearest" });
  }

  begin({ file, kind }) {
    return this.page.begin(file, kind, this.forms[kind].request).catch((e) => this.page.fail(e));
  }

  drawQueue() {
    const count = this.waiting.length;
    this.queueState = h("span", { class: "muted", role: "status" });
    this.queue.replaceChildren(...count === 0 ? [] : [
      h("h2", {}, t("intake.waiting", { count })),
      h("ul", { class: "cards" }, this.waiting.map((item) => this.waitingCard(item))),
      h("p", { class: "buttons" },
        h("button", {
          type: "button", class: "primary", disabled: Boolean(this.isSending),
          onclick: () => this.beginAll(),
        }, t("intake.explain", { count })),
        h("button", {
          type: "button", onclick: () => {
            this.waiting = [];
            this.drawQueue();
          },
        }, t("intake.clear")), this.queueState),
    ]);
  }

  waitingCard(item) {
    const place = h("span", { class: "thumb" }, icon(item.kind === "audio" ? "sound" : "image"));
    item.place = place;
    if (item.kind === "image") {
      previewOf(this.page.api, item.file).then((picture) => {
        if (picture) { place.replaceChildren(thumbnail(picture, 240)); }
      });
    }
    return h("li", { class: "card" }, place,
      h("span", { class: "card-name" }, item.file.name),
      h("span", { class: "muted" },
        `${item.format} · ${t(`kind.${item.kind}`)} · ${this.forms[item.kind].summary}`),
      h("button", {
        type: "button", class: "plain", "aria-label": t("intake.remove", { name: item.file.name }),
        onclick: () => this.takeOff(item),
      }, "×"));
  }

  /** One is shown as it goes; of several, the list of analyses shows how they go. */
  async beginAll() {
    if (this.isSending) { return; }
    if (this.waiting.length === 1) {
      const [item] = this.waiting.splice(0);
      this.drawQueue();
      await this.begin(item);
      return;
    }
    this.isSending = true;
    this.drawQueue();
    const refused = [];
    let reason = null;
    while (this.waiting.length > 0 && !reason) {
      const [item] = this.waiting;
      try {
        await this.send(item);
        this.takeOff(item);
      } catch (error) {
        if (error.isBusy || error.isOffline) {
          reason = reasonOf(error);
        } else {
          this.page.fail(error);
          refused.push(item);
          this.takeOff(item);
        }
      }
    }
    this.isSending = false;
    this.waiting.push(...refused);
    this.drawQueue();
    if (reason) {
      this.page.fail(new Error(t("intake.left", { count: this.waiting.length, reason })));
    } else if (this.waiting.length === 0) {
      this.page.go("/saved");
    }
  }

  /** Sends one of several files, which stays in the list until the server has it. */
  send(item) {
    const { request } = this.forms[item.kind];
    const asked = JSON.stringify(request);
    if (item.asked !== asked) { Object.assign(item, { asked, key: newKey() }); }
    return this.page.api.beginPatiently(item.file, request, item.key, (seconds) => {
      this.queueState.textContent = t("analysis.busy", { n: seconds });
      return true;
    });
  }

  takeOff(item) {
    this.waiting = this.waiting.filter((one) => one !== item);
    this.drawQueue();
  }
}
