// A picture that is painted over: what stands for what is not there, a brush with an eraser, and
// strokes that can be taken back.
import { h, unique } from "/dom.js";

const covers = { blur: 1, mean: 2, grey: 3 };
/** The bytes that remembered strokes may take. */
const mostMemory = 96 << 20;

export class PaintedPicture {
  /** @param {object} options The analysis, the views, `t`, `api`, and `changed` to call. */
  constructor(options) {
    const { analysis, views, api, t, changed } = options;
    Object.assign(this, { analysis, views, api, t, changed });
    this.startName = "paint";
    this.cover = "blur";
    this.isErasing = false;
    this.strokes = [];
    this.substitutes = [];
    this.point = null;
    this.tool = this.brush();
    this.onPointer = ({ detail }) => {
      this.point = detail;
      if (this.views.tool === this.tool) { this.views.redraw(); }
    };
    this.views.addEventListener("pointer", this.onPointer);
  }

  close() { this.views.removeEventListener("pointer", this.onPointer); }

  update() {}

  get canUndo() { return this.strokes.length > 0; }

  get isChanged() { return this.painted !== undefined && this.paintedCount > 0; }

  // MARK: The picture

  /** The picture as the model's reader has it, 8 bits a channel. */
  load() {
    this.loading ??= (async () => {
      const blob = await this.api.blob(this.analysis.input.png);
      const bitmap = await createImageBitmap(blob, {
        colorSpaceConversion: "none", premultiplyAlpha: "none",
      });
      this.width = bitmap.width;
      this.height = bitmap.height;
      this.canvas = new OffscreenCanvas(this.width, this.height);
      const context = this.canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, 0, 0);
      this.original = context.getImageData(0, 0, this.width, this.height);
      this.image = context.getImageData(0, 0, this.width, this.height);
      // What is painted over, for the panels.
      this.layer = new OffscreenCanvas(this.width, this.height);
      this.painted = new Uint8Array(this.width * this.height); // What covers each pixel; 0 nothing.
      this.paintedCount = 0;
    })();
    return this.loading;
  }

  /** What the server is sent: the whole picture without loss, or the original. */
  async instance(isOriginal = false) {
    const { data } = isOriginal ? this.original : this.image;
    return { b64: await base64(bitmapFile(data, this.width, this.height)) };
  }

  /** The picture with every pixel replaced by what stands for what is not there. */
  substitute(cover) {
    if (cover === 0) { return this.original.data; }
    const made = [null, blurred, averaged, greyed][cover];
    this.substitutes[cover] ??= made(this.original.data, this.width, this.height);
    return this.substitutes[cover];
  }

  // MARK: Controls

  controls() {
    const { t } = this;
    const cover = h("select", {
      id: unique("cover"), "data-field": "cover", onchange: () => { this.cover = cover.value; },
    }, ["blur", "mean", "grey"].map((name) => h("option", { value: name }, t(`whatif.${name}`))));
    this.size = h("input", {
      type: "range", id: unique("size"), min: 1, max: 40, value: 12, "data-field": "size",
      oninput: () => this.views.redraw(),
    });
    const eraser = h("button", {
      type: "button", "data-action": "erase", "aria-pressed": "false",
      onclick: () => {
        this.isErasing = !this.isErasing;
        eraser.setAttribute("aria-pressed", `${this.isErasing}`);
      },
    }, t("whatif.erase"));
    const stamp = h("button", {
      type: "button", "data-action": "stamp", onclick: () => this.stamp(),
    }, t("whatif.stamp"));
    const evidence = h("button", {
      type: "button", "data-action": "evidence", onclick: () => this.coverEvidence(),
    }, t("whatif.evidence"));
    return [
      h("span", { class: "range" }, h("label", { for: cover.id }, t("whatif.cover")), cover),
      h("span", { class: "range" }, h("label", { for: this.size.id }, t("whatif.size")), this.size),
      eraser, stamp, evidence,
    ];
  }

  /** The brush's radius, in pixels of the picture. */
  get radius() {
    const size = Math.max(this.width ?? 1, this.height ?? 1);
    return Math.max(1, (Number(this.size?.value ?? 12) / 200) * size);
  }

  /** Paints where the crosshair is: the brush for those who use keys. */
  async stamp() {
    await this.load();
    const { base } = this.views;
    this.begin();
    this.dab(this.toPicture(this.point ?? { x: base.width / 2, y: base.height / 2 }));
    this.changed();
  }

  /** Covers the tenth of the picture that the first map that is shown points at most. */
  async coverEvidence() {
    await this.load();
    const map = this.views.maps.find((one) => one.id === this.views.large) ?? this.views.maps[0];
    if (!map) { return; }
    const sorted = Float32Array.from(map.values).sort();
    const least = Math.max(0, sorted[Math.floor(0.9 * (sorted.length - 1))]);
    const { base } = this.views;
    const area = map.area ?? { x: 0, y: 0, width: base.width, height: base.height };
    this.begin();
    for (let y = 0; y < this.height; y += 1) {
      const row = Math.floor((((y + 0.5) / this.height) * base.height - area.y) / area.height * map.height);
      if (row < 0 || row >= map.height) { continue; }
      for (let x = 0; x < this.width; x += 1) {
        const column = Math.floor(
          (((x + 0.5) / this.width) * base.width - area.x) / area.width * map.width);
        if (column < 0 || column >= map.width) { continue; }
        if (map.values[row * map.width + column] > least) {
          this.set(y * this.width + x, covers[this.cover]);
        }
      }
    }
    this.showLayer(0, 0, this.width, this.height);
    this.changed();
  }

  // MARK: Strokes

  toPicture(point) {
    const { base } = this.views;
    return { x: (point.x / base.width) * this.width, y: (point.y / base.height) * this.height };
  }

  brush() {
    let last = null;
    return {
      cursor: "brush",
      down: (point) => {
        if (!this.image) { return; }
        this.begin();
        last = this.toPicture(point);
        this.dab(last);
        this.changed();
      },
      move: (point) => {
        this.point = point;
        if (!last) { return; }
        const next = this.toPicture(point);
        const distance = Math.hypot(next.x - last.x, next.y - last.y);
        const steps = Math.ceil(distance / Math.max(1, this.radius / 3));
        for (let i = 1; i <= steps; i += 1) {
          this.dab({
            x: last.x + ((next.x - last.x) * i) / steps, y: last.y + ((next.y - last.y) * i) / steps,
          });
        }
        last = next;
        this.changed();
      },
      up: () => { last = null; },
    };
  }

  /** Begins a stroke that can be taken back: what covered the picture before is remembered. */
  begin() {
    this.strokes.push(this.painted.slice());
    while (this.strokes.length > 2 && this.strokes.length * this.painted.length > mostMemory) {
      this.strokes.shift();
    }
  }

  dab({ x, y }) {
    const { radius, width, height } = this;
    const cover = this.isErasing ? 0 : covers[this.cover];
    const ends = (at, count) => [
      Math.max(0, Math.floor(at - radius)), Math.min(count - 1, Math.ceil(at + radius))];
    const [left, right] = ends(x, width);
    const [top, bottom] = ends(y, height);
    if (right < left || bottom < top) { return; }
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 > radius * radius) { continue; }
        this.set(row * width + column, cover);
      }
    }
    this.showLayer(left, top, right - left + 1, bottom - top + 1);
  }

  /** Covers a pixel, or with 0 shows it again. */
  set(index, cover) {
    if (this.painted[index] === cover) { return; }
    const source = this.substitute(cover);
    const at = 4 * index;
    for (let c = 0; c < 3; c += 1) { this.image.data[at + c] = source[at + c]; }
    this.paintedCount += Number(cover > 0) - Number(this.painted[index] > 0);
    this.painted[index] = cover;
  }

  undo() {
    const before = this.strokes.pop();
    if (!before) { return; }
    before.forEach((cover, index) => this.set(index, cover));
    this.showLayer(0, 0, this.width, this.height);
    this.changed();
  }

  reset() {
    if (!this.image) { return; }
    this.image.data.set(this.original.data);
    this.painted.fill(0);
    this.paintedCount = 0;
    this.strokes = [];
    this.showLayer(0, 0, this.width, this.height);
    this.changed();
  }

  // MARK: Drawing

  /** Brings a part of what is painted into the layer over the panels. */
  showLayer(x, y, width, height) {
    const part = new ImageData(width, height);
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const index = (y + row) * this.width + x + column;
        if (!this.painted[index]) { continue; }
        const at = 4 * (row * width + column);
        for (let c = 0; c < 3; c += 1) { part.data[at + c] = this.image.data[4 * index + c]; }
        part.data[at + 3] = 255;
      }
    }
    this.layer.getContext("2d").putImageData(part, x, y);
  }

  draw(context, panel) {
    const { base } = this.views;
    if (!this.layer || !base) { return; }
    const [a, b] = [panel.toScreen(0, 0), panel.toScreen(base.width, base.height)];
    if (this.isChanged) {
      context.globalAlpha = panel.map ? 0.55 : 1;
      context.imageSmoothingEnabled = false;
      context.drawImage(this.layer, a.x, a.y, b.x - a.x, b.y - a.y);
      context.globalAlpha = 1;
    }
    if (this.views.tool !== this.tool || !this.point) { return; }
    const centre = panel.toScreen(this.point.x, this.point.y);
    const radius = this.radius * ((b.x - a.x) / this.width);
    for (const [color, width] of [["#000b", 3], ["#fff", 1.25]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.arc(centre.x, centre.y, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

// MARK: What stands for what is not there

function averaged(data) {
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    for (let c = 0; c < 3; c += 1) { sums[c] += data[i + c]; }
  }
  const result = new Uint8ClampedArray(data.length);
  const means = sums.map((sum) => Math.round(sum / (data.length / 4)));
  for (let i = 0; i < data.length; i += 4) { result.set([...means, 255], i); }
  return result;
}

function greyed(data) {
  const result = new Uint8ClampedArray(data.length).fill(128);
  for (let i = 3; i < data.length; i += 4) { result[i] = 255; }
  return result;
}

/** Three box filters, which are close to a Gaussian of a sixteenth of the longer side. */
function blurred(data, width, height) {
  const radius = Math.max(1, Math.round(Math.max(width, height) / 16));
  let values = Float32Array.from(data);
  for (let round = 0; round < 3; round += 1) {
    values = boxed(values, width, height, radius, 4, 4 * width);
    values = boxed(values, height, width, radius, 4 * width, 4);
  }
  return Uint8ClampedArray.from(values, Math.round);
}

/** The mean over neighbours in one direction; beyond the edge the last value goes on. */
function boxed(values, count, lines, radius, step, lineStep) {
  const result = new Float32Array(values.length);
  const size = 2 * radius + 1;
  for (let line = 0; line < lines; line += 1) {
    for (let c = 0; c < 4; c += 1) {
      const at = (i) => values[line * lineStep + c + Math.min(Math.max(i, 0), count - 1) * step];
      let sum = 0;
      for (let i = -radius; i <= radius; i += 1) { sum += at(i); }
      for (let i = 0; i < count; i += 1) {
        result[line * lineStep + c + i * step] = sum / size;
        sum += at(i + radius + 1) - at(i - radius);
      }
    }
  }
  return result;
}

// MARK: Files

/** A Windows bitmap of 24 bits, which loses nothing and costs no compression. */
function bitmapFile(data, width, height) {
  const stride = (3 * width + 3) & ~3;
  const bytes = new Uint8Array(54 + stride * height);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x424d);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  // A negative height: the rows go from top to bottom.
  view.setInt32(22, -height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  view.setUint32(34, stride * height, true);
  for (let row = 0; row < height; row += 1) {
    let to = 54 + row * stride;
    let from = 4 * row * width;
    for (let column = 0; column < width; column += 1, from += 4, to += 3) {
      bytes[to] = data[from + 2];
      bytes[to + 1] = data[from + 1];
      bytes[to + 2] = data[from];
    }
  }
  return bytes;
}

/** Bytes in Base64, by the browser's own fast way. */
export function base64(bytes) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(new Blob([bytes]));
  });
}
