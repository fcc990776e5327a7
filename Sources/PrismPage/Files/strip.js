// The strip over a recording: its waveform, the score of every window, what is marked and where the
// ear is. A click chooses a moment, a drag marks a part, the wheel zooms.
import { h } from "/dom.js";
import { envelope } from "/sound-signal.js";

const scoreHeight = 56;
const waveHeight = 72;
const axisHeight = 18;

export class Strip extends EventTarget {
  /**
   * @param {{sound, windows: object[], hasScore: boolean}} options The recording, and what the
   *   model says of its windows. Events: "choose" (detail: seconds), "mark" (detail: start and
   *   end).
   */
  constructor({ sound, windows }) {
    super();
    this.sound = sound;
    this.seconds = sound.samples.length / sound.rate;
    this.windows = windows;
    this.view = [0, this.seconds];
    this.state = { label: 0, current: null, explained: [], selection: null, time: null };
    this.canvas = h("canvas", { class: "strip", "aria-hidden": "true" });
    this.hasScore = windows.length > 1;
    this.canvas.style.setProperty("--strip-height", `${this.height}px`);
    this.listen();
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.canvas);
  }

  get height() { return (this.hasScore ? scoreHeight : 0) + waveHeight + axisHeight; }

  /** Changes what is shown. */
  set(change) {
    Object.assign(this.state, change);
    if (this.isDue) { return; }
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  close() { this.resizing.disconnect(); }

  // MARK: The part that is seen

  /** Shows a part; within the recording, and not shorter than 10 ms. */
  setView(start, end) {
    const length = Math.min(this.seconds, Math.max(0.01, end - start));
    const from = Math.min(Math.max(0, start), this.seconds - length);
    this.view = [from, from + length];
    this.set({});
  }

  /** Zooms by a factor around a moment, or the middle. */
  zoom(factor, around = (this.view[0] + this.view[1]) / 2) {
    const [start, end] = this.view;
    this.setView(around - (around - start) / factor, around + (end - around) / factor);
  }

  toX(time) {
    const [start, end] = this.view;
    return ((time - start) / (end - start)) * this.canvas.clientWidth;
  }

  toTime(x) {
    const [start, end] = this.view;
    const time = start + (x / Math.max(1, this.canvas.clientWidth)) * (end - start);
    return Math.min(Math.max(time, 0), this.seconds);
  }

  // MARK: The pointer

  listen() {
    const { canvas } = this;
    let begun = null;
    const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
    const send = (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail }));
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) { return; }
      canvas.setPointerCapture(event.pointerId);
      begun = { x: at(event), isDrag: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!begun) { return; }
      const x = at(event);
      begun.isDrag ||= Math.abs(x - begun.x) > 4;
      if (begun.isDrag) {
        const [start, end] = [begun.x, x].sort((a, b) => a - b).map((place) => this.toTime(place));
        send("mark", { start, end, isMoving: true });
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!begun) { return; }
      const x = at(event);
      if (begun.isDrag) {
        const [start, end] = [begun.x, x].sort((a, b) => a - b).map((place) => this.toTime(place));
        send("mark", { start, end, isMoving: false });
      } else {
        send("choose", this.toTime(x));
      }
      begun = null;
    });
    canvas.addEventListener("pointercancel", () => { begun = null; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [start, end] = this.view;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const move = ((event.deltaX || event.deltaY) / canvas.clientWidth) * (end - start);
        this.setView(start + move, end + move);
      } else {
        this.zoom(1.0015 ** -event.deltaY, this.toTime(at(event)));
      }
    }, { passive: false });
  }

  // MARK: Drawing

  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, this.height];
    if (width < 2) { return; }
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const color = (name) => style.getPropertyValue(name).trim() || style.color;
    const colors = {
      text: style.color, wave: color("--strip-wave"), score: color("--strip-score"),
      mark: color("--strip-mark"), line: color("--strip-line"), cursor: color("--strip-cursor"),
    };
    this.drawParts(context, colors, height - axisHeight);
    if (this.hasScore) { this.drawScore(context, colors, width); }
    this.drawWave(context, colors, width);
    this.drawAxis(context, colors, width, height);
    if (this.state.time !== null) {
      context.fillStyle = colors.cursor;
      context.fillRect(this.toX(this.state.time) - 0.75, 0, 1.5, height - axisHeight);
    }
  }

  /** The window that is shown, and what is marked. */
  drawParts(context, colors, height) {
    const { current, selection } = this.state;
    const part = ([start, end], alpha, fill) => {
      const [from, to] = [this.toX(start), this.toX(end)];
      context.globalAlpha = alpha;
      context.fillStyle = fill;
      context.fillRect(from, 0, Math.max(1, to - from), height);
      context.globalAlpha = 1;
      return [from, to];
    };
    if (current && this.hasScore) {
      const [from, to] = part(current, 0.12, colors.score);
      context.strokeStyle = colors.score;
      context.strokeRect(from + 0.5, 0.5, Math.max(1, to - from - 1), height - 1);
    }
    if (selection) { part([selection.start, selection.end], 0.3, colors.mark); }
  }

  drawScore(context, colors, width) {
    const { windows } = this;
    const { label, explained } = this.state;
    const y = (probability) => 4 + (1 - probability) * (scoreHeight - 10);
    context.strokeStyle = colors.line;
    context.lineWidth = 1;
    for (const level of [0, 0.5, 1]) {
      context.setLineDash(level === 0.5 ? [3, 3] : []);
      context.beginPath();
      context.moveTo(0, Math.round(y(level)) + 0.5);
      context.lineTo(width, Math.round(y(level)) + 0.5);
      context.stroke();
    }
    context.setLineDash([]);
    context.strokeStyle = colors.score;
    context.lineWidth = 1.75;
    context.beginPath();
    let isBroken = true;
    for (const window of windows) {
      const x = this.toX((window.seconds[0] + window.seconds[1]) / 2);
      if (window.isSilent) {
        isBroken = true;
        continue;
      }
      const place = y(window.probabilities[label]);
      if (isBroken) { context.moveTo(x - 2, place); }
      context.lineTo(x, place);
      isBroken = false;
    }
    context.stroke();
    context.fillStyle = colors.score;
    for (const window of windows) {
      if (!explained.some((start) => Math.abs(start - window.seconds[0]) < 0.002)) { continue; }
      const x = this.toX((window.seconds[0] + window.seconds[1]) / 2);
      context.beginPath();
      context.arc(x, y(window.probabilities[label]), 3.5, 0, 2 * Math.PI);
      context.fill();
    }
    context.fillStyle = colors.text;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "top";
    context.fillText("100 %", 3, 4);
    context.textBaseline = "bottom";
    context.fillText("0 %", 3, scoreHeight - 6);
  }

  drawWave(context, colors, width) {
    const { samples, rate } = this.sound;
    const top = this.hasScore ? scoreHeight : 0;
    const middle = top + waveHeight / 2;
    const key = `${this.view} ${width}`;
    if (this.known?.key !== key) {
      const [start, end] = this.view.map((time) => time * rate);
      this.known = { key, values: envelope(samples, Math.ceil(width), start, end) };
      this.peak ??= Math.max(1e-6, ...envelope(samples, 512).map(Math.abs));
    }
    const scale = (waveHeight / 2 - 3) / this.peak;
    context.fillStyle = colors.wave;
    const { values } = this.known;
    for (let x = 0; x < values.length / 2; x += 1) {
      const [high, low] = [middle - values[2 * x + 1] * scale, middle - values[2 * x] * scale];
      context.fillRect(x, high - 0.5, 1, Math.max(1, low - high + 1));
    }
  }

  drawAxis(context, colors, width, height) {
    const [start, end] = this.view;
    const step = niceStep((end - start) * 70 / width);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    context.fillStyle = colors.text;
    context.strokeStyle = colors.line;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "top";
    for (let i = Math.ceil(start / step - 1e-9); i * step <= end + 1e-9; i += 1) {
      const x = this.toX(i * step);
      const text = clock(i * step, digits);
      const wide = context.measureText(text).width;
      context.fillRect(Math.round(x), height - axisHeight, 1, 4);
      context.fillText(text, Math.min(Math.max(0, x - wide / 2), width - wide), height - 13);
    }
  }
}

/** A step of 1, 2 or 5 times a power of ten, or of minutes. */
export function niceStep(least) {
  for (const step of [60, 120, 300, 600, 1800, 3600]) {
    if (least > 30 && step >= least) { return step; }
  }
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least * 0.999) ?? 10 * power;
}

/** A time, such as "1.5 s" or "2:05". */
export function clock(seconds, digits = 2) {
  if (seconds < 60) { return `${seconds.toFixed(digits)} s`; }
  const rest = (seconds % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}
