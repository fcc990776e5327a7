// Linked panels: the input and every map, which are zoomed, moved and pointed at together.
import { t, number } from "/texts.js";
import { h, term } from "/dom.js";
import { borders, colorMapOf, colored, defaultDisplay, scaleOf } from "/maps.js";
import { table } from "/colormaps.js";
import { DrawnBase, SampledBase } from "/base.js";

const mostZoom = 64;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * A grid of linked panels. Events: "pointer" (detail: the point in base pixels, or null), "view"
 * (the part that is seen has changed), "levels", "tool", "open" (a panel is made large; detail: its
 * id), "told" (detail: a place and its value in words).
 */
export class Views extends EventTarget {
  /**
   * @param {HTMLElement} container Where the panels go.
   * @param {{axes?: {x, y}, aspect?: "keep" | "fill", title?: string}} options How places are told
   *   in words, and whether pixels are square.
   */
  constructor(container, options = {}) {
    super();
    this.container = container;
    this.options = options;
    this.display = { ...defaultDisplay };
    this.base = null;
    this.maps = [];
    this.panels = [];
    this.overlays = new Set();
    this.tool = null;
    this.point = null;
    this.large = null;
    this.view = { x: 0.5, y: 0.5, zoomX: 1, zoomY: 1 };
    this.partner = null;
    container.classList.add("views");
    this.resizing = new ResizeObserver(() => this.redraw());
  }

  // MARK: What is shown

  /** The input: something to draw, or samples with levels. */
  setBase(base) {
    const isNewSize = this.base?.width !== base.width || this.base?.height !== base.height;
    this.base = base.values ? new SampledBase(base) : new DrawnBase(base);
    if (isNewSize) { this.arrange(); }
    this.redraw();
  }

  /** How places are told in words. */
  setAxes(axes) {
    this.options.axes = axes;
    this.tell();
  }

  /** Shows other levels of samples as black and white. */
  setLevels(low, high, isMoving = false) {
    if (!(this.base instanceof SampledBase)) { return; }
    this.base.setLevels(low, high, isMoving);
    this.dispatchEvent(new CustomEvent("levels", { detail: { low, high, isMoving } }));
    this.redraw();
  }

  /**
   * The maps: `{id, title, meaning, note, row, rowTitle, width, height, values, unit, alternative,
   * area, regions, hasSegments, links}`; `area` is the part of the input that the map is about, in
   * base pixels, and `regions` are boxes in base pixels.
   */
  setMaps(maps) {
    const known = new Map(this.maps.map((map) => [map.id, map]));
    this.maps = maps.map((map) => {
      const old = known.get(map.id);
      return old?.values === map.values
        ? Object.assign(old, map) : { ...map, scale: map.scale ?? scaleOf(map.values) };
    });
    this.arrange();
    this.redraw();
  }

  /** Changes how maps are shown. */
  setDisplay(change) {
    Object.assign(this.display, change);
    for (const map of this.maps) { map.image = null; }
    this.redraw();
  }

  /** Draws something besides in all panels; returns what removes it. */
  addOverlay(draw) {
    this.overlays.add(draw);
    this.redraw();
    return () => {
      this.overlays.delete(draw);
      this.redraw();
    };
  }

  /** What a pointer that is pressed does; null moves and zooms. */
  setTool(tool) {
    this.tool = tool;
    this.container.dataset.tool = tool?.cursor ?? "";
    this.dispatchEvent(new Event("tool"));
  }

  /** Makes one panel as wide as the page, or none. */
  setLarge(id) {
    this.large = id;
    for (const panel of this.panels) {
      panel.figure.classList.toggle("large", panel.id === id);
      panel.enlarge.setAttribute("aria-pressed", `${panel.id === id}`);
    }
    this.redraw();
  }

  // MARK: The part that is seen

  /** Shows all of the input. */
  fit() { this.setView({ x: 0.5, y: 0.5, zoomX: 1, zoomY: 1 }); }

  /** Shows the input's pixels at the size of the screen's. */
  originalSize() {
    const panel = this.panels.find((p) => p.id === this.large) ?? this.panels[0];
    if (!panel || !this.base) { return; }
    const zoom = 1 / (this.fitted(panel).x * devicePixelRatio);
    this.setView({ ...this.view, zoomX: zoom, zoomY: zoom });
  }

  /** Zooms by a factor around a point in base pixels, or the middle. */
  zoom(factor, around = null, onlyX = false) {
    const { view, base } = this;
    if (!base) { return; }
    const zoomX = clamp(view.zoomX * factor, 0.25, mostZoom);
    const zoomY = onlyX ? view.zoomY : clamp(view.zoomY * factor, 0.25, mostZoom);
    const [x, y] = around ? [around.x / base.width, around.y / base.height] : [view.x, view.y];
    this.setView({
      x: x + (view.x - x) * view.zoomX / zoomX, y: y + (view.y - y) * view.zoomY / zoomY,
      zoomX, zoomY,
    });
  }

  /** Sets the part that is seen: its middle as shares of the input, and how much it is enlarged. */
  setView(view, isFromPartner = false) {
    this.view = {
      zoomX: clamp(view.zoomX, 0.25, mostZoom), zoomY: clamp(view.zoomY, 0.25, mostZoom),
      x: clamp(view.x, 0, 1), y: clamp(view.y, 0, 1),
    };
    if (this.view.zoomX <= 1) { this.view.x = 0.5; }
    if (this.view.zoomY <= 1) { this.view.y = 0.5; }
    const isPlain = this.view.zoomX <= 1 && this.view.zoomY <= 1;
    this.container.classList.toggle("zoomed", !isPlain);
    if (!isFromPartner) { this.partner?.setView(this.view, true); }
    this.dispatchEvent(new CustomEvent("view", { detail: this.view }));
    this.redraw();
  }

  /** Points at a place in all panels, in base pixels; null points nowhere. */
  setPoint(point, isFromPartner = false) {
    const { base } = this;
    this.point = point && base
      ? { x: clamp(point.x, 0, base.width - 0.001), y: clamp(point.y, 0, base.height - 0.001) }
      : null;
    if (!isFromPartner && this.partner?.base) {
      const other = this.partner.base;
      this.partner.setPoint(this.point && {
        x: this.point.x / base.width * other.width, y: this.point.y / base.height * other.height,
      }, true);
    }
    this.tell();
    this.dispatchEvent(new CustomEvent("pointer", { detail: this.point }));
    this.redraw();
  }

  /** Moves and zooms together with other views from now on. */
  link(other) {
    this.partner = other;
    other.partner = this;
  }

  /** How many pixels of the page a pixel of the input takes when all is seen. */
  fitted(panel) {
    const { base } = this;
    const [x, y] = [panel.width / base.width, panel.height / base.height];
    return this.options.aspect === "fill" ? { x, y } : { x: Math.min(x, y), y: Math.min(x, y) };
  }

  /** How base pixels become pixels of a panel: `screen = offset + factor * base`. */
  transform(panel) {
    const { base, view } = this;
    const fitted = this.fitted(panel);
    const factor = { x: fitted.x * view.zoomX, y: fitted.y * view.zoomY };
    return {
      factorX: factor.x, factorY: factor.y,
      offsetX: panel.width / 2 - view.x * base.width * factor.x,
      offsetY: panel.height / 2 - view.y * base.height * factor.y,
    };
  }

  toBase(panel, x, y) {
    const transform = this.transform(panel);
    return {
      x: (x - transform.offsetX) / transform.factorX,
      y: (y - transform.offsetY) / transform.factorY,
    };
  }

  // MARK: Panels

  /** Says something where there is nothing to show yet; null says nothing. */
  say(...children) {
    if (this.base) { return; }
    this.container.replaceChildren(h("div", { class: "nothing" }, children));
  }

  /** Makes the panels anew where other ones are needed. */
  arrange() {
    if (!this.base) { return; }
    const rows = new Map();
    for (const map of this.maps) {
      const key = map.row ?? "";
      if (!rows.has(key)) { rows.set(key, { title: map.rowTitle, maps: [] }); }
      rows.get(key).maps.push(map);
    }
    if (rows.size === 0) { rows.set("", { title: null, maps: [] }); }
    const old = new Map(this.panels.map((panel) => [panel.id, panel]));
    this.panels = [];
    const ratio = this.options.aspect === "fill"
      ? 1.5 : clamp(this.base.width / this.base.height, 0.6, 1.8);
    this.container.style.setProperty("--ratio", `${ratio}`);
    const sections = [...rows].map(([key, row]) => {
      const title = rows.size > 1 || row.title ? h("h2", { class: "row-title" }, row.title) : null;
      const grid = h("div", { class: "panels" });
      const input = { id: `input ${key}`, title: t("views.input"), isInput: true };
      for (const map of [input, ...row.maps]) {
        const panel = old.get(map.id) ?? this.makePanel(map);
        this.update(panel, map);
        this.panels.push(panel);
        grid.append(panel.figure);
      }
      return h("section", { class: "row" }, title, grid);
    });
    for (const panel of old.values()) {
      if (!this.panels.includes(panel)) { this.resizing.unobserve(panel.screen); }
    }
    const focused = document.activeElement;
    const scroll = scrollY;
    this.container.replaceChildren(...sections);
    if (focused && this.container.contains(focused)) { focused.focus({ preventScroll: true }); }
    if (scrollY !== scroll) { scrollTo({ top: scroll }); }
    this.tell();
  }

  makePanel(map) {
    const panel = { id: map.id, pointers: new Map() };
    panel.canvas = h("canvas", { "aria-hidden": "true" });
    panel.screen = h("div", {
      class: "screen", tabIndex: 0, role: "application", "aria-roledescription": t("views.panel"),
    });
    panel.title = h("span", { class: "panel-title" });
    panel.note = h("span", { class: "panel-note" });
    panel.value = h("output", { class: "panel-value", "aria-live": "off" });
    panel.screen.append(panel.canvas, panel.value);
    panel.alternative = h("p", { class: "alternative", id: `alternative-${nextPanel += 1}` });
    panel.links = h("p", { class: "links" });
    panel.screen.setAttribute("aria-describedby", panel.alternative.id);
    panel.enlarge = h("button", {
      type: "button", class: "plain", "aria-pressed": "false",
      onclick: () => this.toggleLarge(panel),
    }, "⤢");
    panel.scale = h("div", { class: "scale" });
    panel.figure = h("figure", { class: "panel" },
      h("div", { class: "panel-head" }, panel.title, panel.note, panel.enlarge),
      panel.screen, panel.scale, h("figcaption", {}, panel.alternative, panel.links));
    this.listen(panel);
    this.resizing.observe(panel.screen);
    return panel;
  }

  update(panel, map) {
    panel.map = map.isInput ? null : map;
    if (panel.title.dataset.text !== map.title) {
      panel.title.dataset.text = map.title;
      panel.title.replaceChildren(term(map.title, map.meaning));
    }
    panel.links.replaceChildren(...(map.links ?? []).map(({ text, run }) =>
      h("button", { type: "button", class: "link", onclick: run }, text)));
    panel.note.textContent = map.note ?? "";
    panel.screen.setAttribute("aria-label", map.note ? `${map.title}, ${map.note}` : map.title);
    panel.alternative.textContent = map.isInput
      ? this.options.alternative ?? "" : map.alternative ?? "";
    const label = t("views.enlarge", { title: map.title });
    panel.enlarge.setAttribute("aria-label", label);
    panel.enlarge.title = label;
    panel.figure.classList.toggle("large", panel.id === this.large);
  }

  toggleLarge(panel) {
    this.setLarge(this.large === panel.id ? null : panel.id);
    this.dispatchEvent(new CustomEvent("open", { detail: this.large }));
  }

  /** Writes the value under the pointer below each panel. */
  tell() {
    for (const panel of this.panels) { panel.value.textContent = this.valueText(panel.map); }
  }

  /** The value of a map, or of the input, at the place that is pointed at. */
  valueText(map) {
    const { point, base } = this;
    if (!point || !base) { return ""; }
    if (!map) {
      const levels = base.levels(point.x, point.y);
      if (!levels) { return ""; }
      const text = levels.map((level) => number(level, 6)).join(" · ");
      return base.describe ? base.describe(levels, point) : text;
    }
    const area = map.area ?? { x: 0, y: 0, width: base.width, height: base.height };
    const column = Math.floor((point.x - area.x) / area.width * map.width);
    const row = Math.floor((point.y - area.y) / area.height * map.height);
    if (column < 0 || row < 0 || column >= map.width || row >= map.height) {
      return t("views.outside");
    }
    const text = number(map.values[row * map.width + column], 4);
    return map.unit ? `${text} ${map.unit}` : text;
  }

  /** The place that is pointed at, in words. */
  get place() {
    if (!this.point) { return ""; }
    const { axes } = this.options;
    const [x, y] = [this.point.x, this.point.y];
    return t("views.place", {
      x: axes?.x ? axes.x(x) : Math.floor(x), y: axes?.y ? axes.y(y) : Math.floor(y),
    });
  }

  // MARK: Drawing

  /** Draws all panels before the next frame. */
  redraw() {
    if (this.isDue) { return; }
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      for (const panel of this.panels) { this.draw(panel); }
    });
  }

  draw(panel) {
    const { base } = this;
    const box = panel.screen.getBoundingClientRect();
    if (!base || box.width < 2 || !panel.screen.isConnected) { return; }
    panel.width = panel.screen.clientWidth;
    panel.height = panel.screen.clientHeight;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(panel.width * ratio), Math.round(panel.height * ratio)];
    if (panel.canvas.width !== width || panel.canvas.height !== height) {
      panel.canvas.width = width;
      panel.canvas.height = height;
    }
    const context = panel.canvas.getContext("2d");
    const transform = this.transform(panel);
    const { factorX, factorY, offsetX, offsetY } = transform;
    panel.toScreen = (x, y) => ({ x: offsetX + factorX * x, y: offsetY + factorY * y });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(ratio * factorX, 0, 0, ratio * factorY, ratio * offsetX, ratio * offsetY);
    context.imageSmoothingEnabled = factorX * ratio < 4;
    context.imageSmoothingQuality = "high";
    if (!(panel.map && this.display.opacity >= 1)) {
      context.drawImage(base.source, 0, 0, base.width, base.height);
    }
    if (panel.map) {
      this.drawMap(context, panel, ratio, transform);
      if (!this.hasMark) {
        this.hasMark = true;
        performance.mark("prism.first-map");
      }
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (const draw of this.overlays) {
      context.save();
      draw(context, panel);
      context.restore();
    }
    this.drawPoint(context, panel);
  }

  drawMap(context, panel, ratio, { factorX, factorY, offsetX, offsetY }) {
    const { map } = panel;
    const area = map.area ?? { x: 0, y: 0, width: this.base.width, height: this.base.height };
    if (!map.image) {
      map.image = colored(map, this.display);
      this.drawScale(panel);
    }
    if (panel.drawn !== map) {
      panel.drawn = map;
      this.drawScale(panel);
    }
    context.imageSmoothingEnabled = this.display.isSmooth && !map.hasSegments;
    context.drawImage(map.image, area.x, area.y, area.width, area.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (this.display.segments && map.hasSegments) {
      const path = new Path2D();
      path.addPath(borders(map), new DOMMatrix([
        ratio * factorX * area.width / map.width, 0, 0, ratio * factorY * area.height / map.height,
        ratio * (offsetX + factorX * area.x), ratio * (offsetY + factorY * area.y)]));
      outline(context, path, ratio, "#ffe066");
    }
    if (this.display.boxes && map.regions?.length) {
      const path = new Path2D();
      for (const region of map.regions) {
        path.rect(
          ratio * (offsetX + factorX * region.x), ratio * (offsetY + factorY * region.y),
          ratio * factorX * region.width, ratio * factorY * region.height);
      }
      outline(context, path, ratio, "#ffffff");
    }
  }

  drawPoint(context, panel) {
    if (!this.point || !this.display.crosshair) { return; }
    const { x, y } = panel.toScreen(this.point.x, this.point.y);
    const path = new Path2D();
    const gap = 6;
    path.moveTo(x, 0);
    path.lineTo(x, y - gap);
    path.moveTo(x, y + gap);
    path.lineTo(x, panel.height);
    path.moveTo(0, y);
    path.lineTo(x - gap, y);
    path.moveTo(x + gap, y);
    path.lineTo(panel.width, y);
    outline(context, path, 0.6, "#7fe7ff");
  }

  /** The scale of colours with its ends. */
  drawScale(panel) {
    const { map } = panel;
    if (!map) { return; }
    const { scale } = map;
    const canvas = h("canvas", { width: 256, height: 1, "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    const image = context.createImageData(256, 1);
    const colors = table(colorMapOf(scale, this.display));
    for (let i = 0; i < 256; i += 1) {
      image.data.set(colors.subarray(3 * i, 3 * i + 3), 4 * i);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    const isClipped = Math.max(scale.greatest, -scale.least) > scale.high * 1.001
      && scale.centre === 0;
    panel.scale.replaceChildren(
      h("span", {}, (isClipped && scale.isSigned ? "≤ " : "") + number(scale.low, 2)), canvas,
      h("span", {}, (isClipped ? "≥ " : "") + number(scale.high, 2)));
  }

  // MARK: Pointers and keys

  listen(panel) {
    const { screen } = panel;
    const at = (event) => {
      const box = screen.getBoundingClientRect();
      return this.toBase(panel, event.clientX - box.left, event.clientY - box.top);
    };
    screen.addEventListener("pointerdown", (event) => this.pressed(panel, event, at(event)));
    screen.addEventListener("pointermove", (event) => this.moved(panel, event, at(event)));
    for (const name of ["pointerup", "pointercancel"]) {
      screen.addEventListener(name, (event) => this.released(panel, event, at(event)));
    }
    screen.addEventListener("pointerleave", (event) => {
      if (panel.pointers.size === 0 && event.pointerType === "mouse") { this.setPoint(null); }
    });
    screen.addEventListener("dblclick", () => { if (!this.tool) { this.toggleLarge(panel); } });
    screen.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== screen) { return; }
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), at(event), event.shiftKey);
    }, { passive: false });
    screen.addEventListener("keydown", (event) => this.keyed(panel, event));
  }

  pressed(panel, event, point) {
    if (event.button !== 0 && event.button !== 1) { return; }
    panel.screen.focus({ preventScroll: true });
    panel.screen.setPointerCapture(event.pointerId);
    panel.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    panel.isUsing = Boolean(this.tool) && event.button === 0 && panel.pointers.size === 1;
    this.setPoint(point);
    if (panel.isUsing) {
      event.preventDefault();
      this.tool.down?.(point, event);
    }
  }

  moved(panel, event, point) {
    const last = panel.pointers.get(event.pointerId);
    if (panel.pointers.size <= 1) { this.setPoint(point); }
    if (!last) { return; }
    const now = { x: event.clientX, y: event.clientY };
    if (panel.isUsing) {
      this.tool?.move?.(point, event);
    } else if (panel.pointers.size === 2) {
      this.pinch(panel, event.pointerId, now);
    } else if (event.pointerType !== "touch" || this.view.zoomX > 1 || this.view.zoomY > 1) {
      const { factorX, factorY } = this.transform(panel);
      this.setView({
        ...this.view, x: this.view.x - (now.x - last.x) / factorX / this.base.width,
        y: this.view.y - (now.y - last.y) / factorY / this.base.height,
      });
    }
    panel.pointers.set(event.pointerId, now);
  }

  pinch(panel, id, now) {
    const [other] = [...panel.pointers].filter(([key]) => key !== id).map(([, place]) => place);
    const last = panel.pointers.get(id);
    const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
    const box = panel.screen.getBoundingClientRect();
    const middle = this.toBase(
      panel, (now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top);
    this.zoom(distance(now, other) / distance(last, other), middle);
  }

  released(panel, event, point) {
    if (!panel.pointers.delete(event.pointerId)) { return; }
    if (panel.isUsing) {
      panel.isUsing = false;
      this.tool?.up?.(point, event);
    }
  }

  /** Arrows move the crosshair, with Shift the part that is seen. */
  keyed(panel, event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.base) { return; }
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    const { base, view } = this;
    if (move && event.shiftKey) {
      this.setView({
        ...view, x: view.x + move[0] * 0.1 / view.zoomX, y: view.y + move[1] * 0.1 / view.zoomY,
      });
    } else if (move) {
      const step = Math.max(1, Math.round(base.width / view.zoomX / 100));
      const from = this.point ?? { x: base.width / 2, y: base.height / 2 };
      this.setPoint({ x: from.x + move[0] * step, y: from.y + move[1] * step });
      this.dispatchEvent(new CustomEvent("told", {
        detail: `${this.place}: ${this.valueText(panel.map)}`,
      }));
    } else if (event.key === "Enter") {
      this.toggleLarge(panel);
    } else {
      return;
    }
    event.preventDefault();
  }
}

let nextPanel = 0;

/** A line that is seen on light and on dark. */
function outline(context, path, scale, color) {
  context.lineJoin = "round";
  context.strokeStyle = "#000a";
  context.lineWidth = 3 * scale;
  context.stroke(path);
  context.strokeStyle = color;
  context.lineWidth = 1.25 * scale;
  context.stroke(path);
}
