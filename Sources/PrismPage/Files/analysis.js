// One analysis: its input and maps side by side, how far it is, what is known of it.
import { newKey } from "/api.js";
import { MethodPicker } from "/choices.js";
import { tables } from "/tables.js";
import { alternativeOf, findingsOf, unitOf } from "/describe.js";
import { Details } from "/details.js";
import { afterQuiet, h, unique } from "/dom.js";
import { icon } from "/icons.js";
import { scaleOf } from "/maps.js";
import { pictureOf, previewOf } from "/media.js";
import { upright } from "/npy.js";
import { Levels } from "/picture.js";
import { Progress } from "/progress.js";
import { maybe, moment, percent, reasonOf, t } from "/texts.js";
import { Toolbar } from "/toolbar.js";
import { soundAxes, windowAt } from "/sound-signal.js";
import { Views } from "/views.js";

export class AnalysisView {
  constructor(page) {
    Object.assign(this, { page, isWide: true, isClosed: false });
    this.maps = new Map();
    this.hidden = new Set();
    this.parts = [];
    this.kind = "image";
    this.label = null;
    this.makeFrame();
  }

  makeFrame() {
    const { page } = this;
    const place = (name) => h("div", { class: name });
    Object.assign(this, {
      head: place("analysis-head"), predictions: place("predictions"), notes: place("notes"),
      soundPlace: place("sound-place"), whatIfPlace: place("whatif-place"),
      adding: place("adding"), tables: place("tables"), windows: place("windows"),
      dataPlace: place("data-place"),
    });
    this.viewsPlace = h("div");
    this.views = new Views(this.viewsPlace, { alternative: "" });
    this.toolbar = new Toolbar([this.views], page.keys);
    this.levels = new Levels(this.views, () => this.loadSamples(), page);
    this.progress = new Progress({
      title: (name) => this.title(name),
      onCancel: () => this.act(() => page.api.cancel(this.analysis.id)),
      onResume: () => (this.analysis
        ? this.restart(() => page.api.resume(this.analysis.id)) : this.sendAgain()),
      onShow: (name, isShown) => {
        this.hidden[isShown ? "delete" : "add"](name);
        this.showMaps();
      },
    });
    this.element = h("div", { class: "analysis" }, this.head,
      h("div", { class: "analysis-columns" },
        h("div", { class: "side upper" },
          h("section", {}, h("h2", {}, t("analysis.predictions")), this.predictions),
          h("section", {}, h("h2", {}, t("analysis.methods")), this.progress.element, this.adding)),
        h("div", { class: "stage" },
          // The tools stay in sight as long as what they are for.
          h("div", {}, this.toolbar.element, this.windows, this.viewsPlace, this.soundPlace),
          this.whatIfPlace, this.tables, this.dataPlace),
        h("aside", { class: "side lower", "aria-label": t("analysis.side") }, this.notes)));
    const noteState = afterQuiet(250, () => this.noteState());
    this.views.addEventListener("view", noteState);
    this.views.addEventListener("open", noteState);
    this.views.addEventListener("told", (event) => page.announce(event.detail));
    this.addKeys();
  }

  addKeys() {
    const { keys } = this.page;
    keys.add("view", "m", "adding.title", () => {
      const fold = this.adding.querySelector("details");
      if (!fold) { return; }
      fold.open = !fold.open;
      fold.querySelector(fold.open ? "input:not(:disabled)" : "summary")?.focus();
    });
    keys.add("view", "x", "progress.cancel", () => {
      if (this.progress.isOpen) { this.progress.options.onCancel(); }
    });
    keys.add("view", "l", "analysis.nextLabel", () => this.nextLabel(1));
    keys.add("view", ".", "analysis.nextMap", () => this.nextPanel(1));
    keys.add("view", ",", "analysis.previousMap", () => this.nextPanel(-1));
    keys.add("view", "u", "export.link", () => this.details?.copyLink());
  }

  // MARK: Beginning

  /** Begins with a file that has just been chosen: its picture shows before the server answers. */
  async begin(file, kind, request) {
    this.setKind(kind);
    this.model = this.page.models.find((model) => model.name === request.model);
    this.fileName = file.name;
    this.drawHead();
    if (kind === "image") { this.showFile(file); }
    this.chosen = { file, request, key: newKey() };
    await this.send();
  }

  /** Sends the file that was chosen; where that fails, it can be sent again. */
  async send() {
    const { chosen: { file, request, key }, page } = this;
    this.views.say(h("p", { class: "waiting" }, t("analysis.waiting")));
    this.isSending = true;
    try {
      const analysis = await page.api.beginPatiently(file, request, key, (seconds) => {
        this.progress.say(t("analysis.busy", { n: seconds }));
        page.announce(t("analysis.busy", { n: seconds }));
        return !this.isClosed;
      });
      if (this.isClosed) { return; }
      this.watch(analysis.id);
      page.note(`/analysis/${analysis.id}`);
      this.take(analysis);
      if (this.kind === "audio") { this.showSound(); }
    } catch (error) {
      if (this.isClosed) { return; }
      const reason = reasonOf(error);
      this.progress.refuse(reason, error.isBusy || error.isOffline || error.status === 401);
      this.predictions.replaceChildren(h("p", { class: "muted" }, t("predictions.none")));
      this.sayFailure(reason);
    } finally {
      this.isSending = false;
    }
  }

  sendAgain() {
    if (this.isSending) { return; }
    this.progress.say(t("loading"));
    this.send();
  }

  /** Opens an analysis that is kept. */
  async open(id, query) {
    const analysis = await this.page.api.analysis(id);
    this.take(analysis);
    this.state = query;
    this.views.say(h("p", { class: "waiting" }, t("loading")));
    this.watch();
    if (this.kind === "image") { this.showInput(); } else { this.showSound(); }
  }

  /** Says in the place of the pictures why there are none. */
  sayFailure(reason) {
    this.views.say(icon("warning"), h("h2", {}, t("analysis.failed")), h("p", {}, reason),
      h("p", {}, h("a", { class: "button", href: "#/" }, t("analysis.otherFile"))));
  }

  /** The spectrogram, before there are maps. */
  showSound() {
    this.showSpectrogram().catch((error) => {
      if (!this.maps.size) { this.spectrogramOf = null; }
      if (error.status !== 422) { this.page.fail(error); }
    });
  }

  /** Shows the part that an address names. */
  follow(query) {
    const view = (query.get("view") ?? "").split(",").map(Number);
    if (view.length === 4 && view.every(Number.isFinite)) {
      this.views.setView({ x: view[0], y: view[1], zoomX: view[2], zoomY: view[3] });
    }
    if (query.has("label")) { this.label = Number(query.get("label")); }
    if (query.has("window")) { this.window = Number(query.get("window")); }
    this.showMaps();
    if (query.has("method")) { this.views.setLarge(query.get("method")); }
  }

  /** Writes what is shown into the address, so that a link to it opens the same. */
  noteState() {
    if (!this.analysis || this.isClosed) { return; }
    const { view } = this.views;
    const state = new URLSearchParams();
    if (this.label !== null) { state.set("label", this.label); }
    if (this.window !== undefined && this.starts().length > 1) { state.set("window", this.window); }
    if (this.views.large) { state.set("method", this.views.large); }
    if (view.zoomX !== 1 || view.zoomY !== 1) {
      state.set("view", [view.x, view.y, view.zoomX, view.zoomY].map((n) => +n.toFixed(4)).join());
    }
    const query = state.size > 0 ? `?${state}` : "";
    this.page.note(`/analysis/${this.analysis.id}${query}`);
  }

  take(analysis) {
    const isFirst = !this.analysis;
    this.analysis = analysis;
    this.model = this.page.models.find((model) => model.name === analysis.model);
    this.setKind(analysis.type);
    this.progress.show(analysis);
    this.drawHead();
    document.title = `${analysis.name} · Prism`;
    if (isFirst) {
      this.details = new Details(this.page, this);
      this.notes.replaceChildren(this.details.element);
      this.head.append(this.details.actions);
    }
    this.drawAdding();
  }

  setKind(kind) {
    if (this.hasKind) { return; }
    this.hasKind = true;
    this.kind = kind;
    if (kind === "audio") {
      this.views.options.aspect = "fill";
      this.toolbar.element.before(this.soundPlace);
    } else {
      this.toolbar.addTool("levels", "w", async () => {
        await this.levels.show();
        return this.levels.tool;
      }, this.levels.element);
    }
  }

  drawHead() {
    const name = this.analysis?.name ?? this.fileName;
    const facts = [
      this.model ? t("analysis.model", { model: this.model.name }) : this.analysis?.model,
      this.analysis ? moment(this.analysis.created) : null,
      this.analysis?.imported ? t("analysis.imported") : null,
      ...this.analysis?.tags ?? [],
    ].filter(Boolean);
    const title = h("div", { class: "analysis-title" },
      h("h1", {}, name), h("p", { class: "muted" }, facts.join(" · ")));
    this.head.querySelector(".analysis-title")?.remove();
    this.head.prepend(title);
  }

  // MARK: Input

  async showFile(file) {
    const picture = await previewOf(this.page.api, file);
    if (picture && !this.isClosed && !this.views.base) { this.setPicture(picture); }
  }

  async showInput() {
    try {
      const picture = await pictureOf(await this.page.api.blob(this.analysis.input.png));
      if (picture && !this.isClosed && !this.levels.samples) { this.setPicture(picture); }
    } catch (error) {
      if (error.status !== 422) { this.page.fail(error); }
    }
  }

  setPicture(picture) {
    this.views.options.alternative = t("alternative.input", {
      name: this.analysis?.input.name ?? this.fileName, width: picture.width,
      height: picture.height,
    });
    this.views.setBase({
      width: picture.width, height: picture.height, source: picture,
      describe: (levels) => t("levels.values", { values: levels.join(" · ") }),
    });
    if (this.state) {
      this.follow(this.state);
      this.state = null;
    }
    this.showMaps();
  }

  async loadSamples() {
    const { shape, values } =
      await this.page.api.array(`/v1/analyses/${this.analysis.id}/input.npy`);
    const [height, width, channels = 1] = shape;
    return { values, width, height, channels };
  }

  async showSpectrogram() {
    const start = this.window ?? this.starts()[0] ?? 0;
    if (this.spectrogramOf === start) { return; }
    this.spectrogramOf = start;
    const url = `${this.analysis.input.png}?window=${start}`;
    const picture = await pictureOf(await this.page.api.blob(url));
    if (!picture || this.isClosed || this.spectrogramOf !== start) { return; }
    this.views.options.alternative = t("alternative.sound", { name: this.analysis.input.name });
    this.views.setBase({
      width: picture.width, height: picture.height, source: picture, describe: () => "",
    });
    if (this.state) {
      this.follow(this.state);
      this.state = null;
    }
    this.showAxes(start);
    for (const part of this.parts) { part.windowChanged?.(start); }
    this.showMaps();
  }

  /** Tells places of a spectrogram in seconds and hertz. */
  showAxes(start) {
    if (!this.model?.audio) { return; }
    const { width, height } = this.views.base;
    const axes = soundAxes(this.model.audio, windowAt(start, this), width, height);
    this.views.setAxes({ x: axes.xText, y: axes.yText });
  }

  // MARK: Following

  watch(id = this.analysis.id) {
    this.stop?.();
    this.tasks = [];
    this.stop = this.page.api.watch(id, {
      progress: (data) => this.progress.progress(data),
      method: (data) => { this.tasks.push(this.takeMethod(data)); },
      end: (data) => this.ended(data),
      lost: () => this.progress.setState("interrupted", t("offline.text")),
    });
  }

  /** Goes on after the connection was lost. */
  async reconnect() {
    this.details?.reconnect();
    if (!this.analysis) {
      this.sendAgain();
    } else if (this.analysis.state !== "done" || !this.report) {
      await this.restart(() => this.page.api.analysis(this.analysis.id));
    }
  }

  async takeMethod(data) {
    this.progress.method(data);
    await Promise.all(data.maps.map(async (info) => {
      const id = this.idOf(info);
      try {
        const { shape, values } = await this.page.api.array(info.npy);
        const [height, width] = shape;
        const shown = upright(values, width, height, this.model);
        this.maps.set(id, {
          id, info, width, height, values: shown, scale: scaleOf(shown),
          entry: this.maps.get(id)?.entry,
        });
      } catch (error) {
        this.page.fail(error);
      }
    }));
    if (this.isClosed) { return; }
    this.showMaps();
    if (data.maps.length > 0) { this.page.announce(t("analysis.mapReady", {
      method: this.title(data.method),
    })); }
    if (this.kind === "audio") { this.showSpectrogram().catch((e) => this.page.fail(e)); }
    this.loadReport();
  }

  idOf({ method, index, window }) { return `${method}/${index}${window ? `/${window[0]}` : ""}`; }

  async loadReport() {
    if (this.loadingReport) {
      this.isReportOld = true;
      return;
    }
    this.loadingReport = true;
    try {
      this.report = await this.page.api.report(this.analysis.id);
      if (!this.isClosed) { this.takeReport(); }
    } catch (error) {
      if (error.status !== 404) { this.page.fail(error); }
    } finally {
      this.loadingReport = false;
      if (this.isReportOld && !this.isClosed) {
        this.isReportOld = false;
        this.loadReport();
      }
    }
  }

  takeReport() {
    const { report } = this;
    for (const entry of report.explanations) {
      const map = this.maps.get(this.idOf({
        method: entry.method, index: entry.target.index, window: entry.window,
      }));
      if (map) { map.entry = entry; }
    }
    this.drawPredictions();
    this.details?.setReport(report);
    if (report.picture) { this.takePicture(report.picture); }
    this.showMaps();
    this.mountParts();
  }

  /** The samples themselves where 8 bits do not show all, or the browser shows another picture. */
  takePicture(picture) {
    this.levels.setFacts(picture);
    const { base } = this.views;
    if (picture.bitDepth > 8) {
      this.levels.show().catch((error) => this.page.fail(error));
    } else if (base?.width !== picture.width || base?.height !== picture.height) {
      this.showInput();
    }
  }

  async ended({ state, error, cached }) {
    if (["queued", "running"].includes(state)) {
      // Somebody else has asked for more.
      this.watch();
      return;
    }
    this.analysis = { ...this.analysis, state, error, cached };
    this.progress.setState(state, error, cached);
    this.page.announce(t(`state.${state}`));
    this.drawAdding();
    await Promise.all(this.tasks);
    if (this.isClosed) { return; }
    if (state !== "done" && this.maps.size === 0) {
      this.predictions.replaceChildren(h("p", { class: "muted" }, t("predictions.none")));
      this.sayFailure(error ?? t(`state.${state}`));
      return;
    }
    await this.loadReport();
    if (state === "done") { this.loadComparison(); }
  }

  // MARK: Maps

  /** What the server tells of a method. */
  facts(name) { return this.model?.methods.find((method) => method.name === name); }

  title(name) {
    return name === "measures" ? t("progress.measures") : this.facts(name)?.title ?? name;
  }

  /** Where the windows that have maps begin. */
  starts() {
    const starts = [...this.maps.values()].map((map) => map.info.window?.[0])
      .filter((start) => start !== undefined);
    return [...new Set(starts)].sort((a, b) => a - b);
  }

  labels() {
    const labels = new Map();
    for (const { info } of this.maps.values()) { labels.set(info.index, info); }
    return [...labels.values()].sort((a, b) => b.probability - a.probability);
  }

  /** Shows another window of a sound. */
  showWindow(start) {
    this.window = start;
    this.showSpectrogram().catch((error) => this.page.fail(error));
    this.noteState();
  }

  /** All maps: the most probable label first, and methods as they were asked for. */
  ordered() {
    const order = this.analysis?.request.methods.map((method) => method.name) ?? [];
    const labels = this.labels().map((label) => label.index);
    const place = ({ info }) =>
      labels.indexOf(info.index) * 1000 + (order.indexOf(info.method) + 1 || 999);
    return [...this.maps.values()].sort((a, b) => place(a) - place(b));
  }

  showMaps() {
    if (!this.views.base) { return; }
    const { base } = this.views;
    const start = this.kind === "audio" ? this.window ?? this.starts()[0] : undefined;
    const labels = this.labels();
    const shown = this.ordered().filter(({ info }) => !this.hidden.has(info.method)
      && (this.label === null || info.index === this.label)
      && (start === undefined || info.window?.[0] === start));
    const hasRows = this.label === null && labels.length > 1;
    this.views.setMaps(shown.map((map) => this.panelOf(map, base, hasRows)));
    this.drawWindows();
    if (!this.report) { this.drawPredictions(); }
  }

  panelOf(map, base, hasRows) {
    const { info, entry } = map;
    const area = this.kind === "image" ? this.report?.picture?.seen : undefined;
    if (!map.alternative || map.describedBy !== entry) {
      map.alternative = alternativeOf({ ...map, area }, {
        label: info.label, kind: this.kind, base, entry,
      });
      map.describedBy = entry;
    }
    return {
      id: map.id, title: this.title(info.method), meaning: maybe(`method.${info.method}`),
      links: ["png", "npy"].map((end) => ({
        text: t(`views.${end}`), run: () => this.details.download(
          info[end], `${this.analysis.name}.${info.method}.${info.label}.${end}`),
      })),
      note: hasRows ? "" : `${info.label} ${percent(info.probability)}`,
      row: hasRows ? `${info.index}` : "",
      rowTitle: hasRows ? `${info.label} ${percent(info.probability)}` : null,
      width: map.width, height: map.height, values: map.values, scale: map.scale, area,
      unit: unitOf(entry, this.facts(info.method)), alternative: map.alternative,
      regions: entry?.regions ?? this.sound?.regionsOf?.(entry),
      hasSegments: Boolean(entry?.segments ?? segmented.has(info.method)),
    };
  }

  drawWindows() {
    const starts = this.starts();
    if (starts.length < 2) {
      this.windows.replaceChildren();
      return;
    }
    const now = this.window ?? starts[0];
    this.windows.replaceChildren(h("div", {
      class: "group", role: "group", "aria-label": t("analysis.windows"),
    }, starts.map((start) => h("button", {
      type: "button", "aria-pressed": `${start === now}`, onclick: () => this.showWindow(start),
    }, t("analysis.window", { start: +start.toFixed(2) })))));
  }

  nextLabel(by) {
    const order = [null, ...this.labels().map((label) => label.index)];
    this.chooseLabel(order[(order.indexOf(this.label) + by + order.length) % order.length]);
  }

  chooseLabel(index) {
    this.label = index;
    this.drawPredictions();
    this.showMaps();
    this.noteState();
  }

  nextPanel(by) {
    const ids = [null, ...this.views.panels.map((panel) => panel.id)];
    const at = ids.indexOf(this.views.large);
    this.views.setLarge(ids[(at + by + ids.length) % ids.length]);
    const panel = this.views.panels.find((one) => one.id === this.views.large);
    panel?.figure.scrollIntoView({ block: "nearest" });
    this.noteState();
  }

  // MARK: Predictions

  drawPredictions() {
    const explained = new Set(this.labels().map((label) => label.index));
    const all = this.report?.predictions ?? this.labels();
    const shown = all.slice(0, this.showsAll ? all.length : 5);
    const row = (prediction) => {
      const { index, label, probability, logit } = prediction;
      const hasMap = explained.has(index);
      const bar = h("span", { class: "bar", "aria-hidden": "true" });
      bar.style.setProperty("--share", `${probability}`);
      const name = hasMap ? h("button", {
        type: "button", class: "label-name", "aria-pressed": `${this.label === index}`,
        title: t("predictions.only"),
        onclick: () => this.chooseLabel(this.label === index ? null : index),
      }, label) : h("span", { class: "label-name" }, label);
      return h("li", { class: hasMap ? "explained" : "" }, name,
        h("span", {
          class: "share",
          title: logit === undefined ? "" : t("predictions.logit", { logit: logit.toFixed(3) }),
        }, percent(probability)), bar);
    };
    const { warnings, notes } = findingsOf(this.report);
    const findings = [
      ...warnings.map((text) => h("li", { class: "warned" }, icon("warning"), text)),
      ...notes.map((text) => h("li", {}, icon("info"), text)),
    ];
    this.predictions.replaceChildren(...[
      h("ol", { class: "labels" }, shown.map(row)),
      findings.length > 0 ? h("ul", { class: "findings" }, findings) : null,
      all.length > 5 ? h("button", {
        type: "button", class: "link", onclick: () => {
          this.showsAll = !this.showsAll;
          this.drawPredictions();
        },
      }, this.showsAll ? t("predictions.fewer") : t("predictions.all", { n: all.length })) : null,
      this.label !== null ? h("button", {
        type: "button", class: "link", onclick: () => this.chooseLabel(null),
      }, t("predictions.everyLabel")) : null,
    ].filter(Boolean));
    if (all.length === 0) {
      this.predictions.replaceChildren(h("p", { class: "muted waiting" }, t("loading")));
    }
  }

  // MARK: More

  /** Methods that are added to what is there. */
  drawAdding() {
    const isOpen = this.adding.querySelector("details")?.open;
    const isOver = this.analysis && !["queued", "running"].includes(this.analysis.state);
    if (!this.model || !isOver || this.analysis.state === "failed") {
      this.adding.replaceChildren();
      return;
    }
    const known = this.analysis.request.methods.map((method) => method.name);
    const picker = new MethodPicker({
      model: this.model, known, onchange: () => {
        button.disabled = picker.value.length === 0;
        button.textContent = t("adding.add", { count: picker.value.length });
      },
    });
    const button = h("button", {
      type: "button", class: "primary", disabled: true, onclick: () => this.restart(() =>
        this.page.api.addMethods(this.analysis.id, { methods: picker.value })),
    }, t("adding.add", { count: 0 }));
    this.adding.replaceChildren(h("details", { class: "fold", open: isOpen },
      h("summary", {}, t("adding.title")), picker.element,
      h("p", { class: "buttons" }, button)), this.moreLabels());
  }

  /** Labels that are explained besides. */
  moreLabels() {
    const id = unique("labels");
    const select = h("select", { id }, ["top2", "top3", "top5", "all"].map(
      (value) => h("option", { value }, t(`targets.${value}`))));
    const start = () => this.restart(() =>
      this.page.api.addMethods(this.analysis.id, { targets: select.value }));
    return h("details", { class: "fold" }, h("summary", {}, t("adding.labels")),
      h("p", { class: "field inline" }, h("label", { for: id }, t("choices.targets")), select,
        h("button", { type: "button", onclick: start }, t("intake.explain", { count: 1 }))));
  }

  /** Does something that makes the analysis run again, and follows it. */
  restart(work) {
    return this.act(async () => {
      const analysis = await work();
      this.take(analysis);
      this.watch();
    });
  }

  async act(work) {
    try {
      await work();
    } catch (error) {
      this.page.fail(error);
    }
  }

  async loadComparison() {
    const isAsked = this.analysis.request.purpose === "comparison";
    const methods = new Set([...this.maps.values()].map((map) => map.info.method));
    if (isAsked) {
      try {
        this.comparison = await this.page.api.comparison(this.analysis.id);
      } catch (error) {
        this.page.fail(error);
      }
    }
    this.tables.replaceChildren(...tables({
      comparison: this.comparison, maps: this.ordered(),
      title: (name) => this.title(name), labels: this.labels(),
      onCompare: isAsked || methods.size === 0 ? null : () => this.restart(() =>
        this.page.api.addMethods(this.analysis.id, { purpose: "comparison" })),
    }));
  }

  /** Listening and trying out, which are parts of their own. */
  async mountParts() {
    if (this.hasParts) {
      for (const part of this.parts) { part.update?.(this.shared()); }
      return;
    }
    this.hasParts = true;
    try {
      if (this.kind === "audio") {
        const { mountSound } = await import("/sound.js");
        this.sound = await mountSound(this.soundPlace, this.shared());
        this.parts.push(this.sound);
        this.showMaps();
      }
      const { mountWhatIf } = await import("/whatif.js");
      this.parts.push(mountWhatIf(this.whatIfPlace, this.shared()));
      const { mountData } = await import("/data.js");
      this.parts.push(mountData(this.dataPlace, this.shared()));
    } catch (error) {
      console.warn(error);
    }
  }

  /** What the parts are given. */
  shared() {
    const { analysis, report, model, views, toolbar, page } = this;
    return {
      analysis, report, model, views, toolbar, api: page.api, t, announce: page.announce, page,
      keys: page.keys, maps: [...this.maps.values()], window: this.window ?? this.starts()[0] ?? 0,
      showWindow: (start) => this.showWindow(start), restart: (work) => this.restart(work),
    };
  }

  close() {
    this.isClosed = true;
    this.stop?.();
    for (const part of this.parts) { part?.unmount?.(); }
    this.views.resizing.disconnect();
  }
}

/** Methods whose maps have one value a segment. */
const segmented = new Set(["lime", "kernelshap", "permutation-shap"]);
