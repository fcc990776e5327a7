// What one map is: its scale, its colours, the borders of its segments and where its evidence lies.
import { place, table } from "/colormaps.js";

/** The share of a map's elements that may lie beyond the end of the scale. */
const clippedShare = 0.01;

/**
 * The numbers at the ends of a map's scale, by the rule of the finished figures: around zero where
 * there are negative values, around the median where all lie far on one side, and without the few
 * that stand out.
 *
 * @param {Float32Array} values The map.
 * @returns {{low, high, centre, isSigned, least, greatest}} The scale and the map's extremes.
 */
export function scaleOf(values) {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) { least = value; }
    if (value > greatest) { greatest = value; }
  }
  const spread = greatest - least;
  if ((least > 0 || greatest < 0) && spread > 0 && spread <= Math.max(greatest, -least) / 2) {
    const median = Float32Array.from(values).sort()[values.length >> 1];
    const reach = Math.max(greatest - median, median - least);
    return {
      low: median - reach, high: median + reach, centre: median, isSigned: true, least, greatest,
    };
  }
  const isSigned = least < 0 && -least > 1e-6 * greatest;
  const reach = isSigned ? Math.max(-least, greatest) : Math.max(greatest, 0);
  const end = endOf(values, reach);
  return { low: isSigned ? -end : 0, high: end, centre: 0, isSigned, least, greatest };
}

function endOf(values, reach) {
  const most = Math.floor(clippedShare * values.length);
  let strong = 0;
  for (const value of values) {
    if (Math.abs(value) > reach / 1.5) { strong += 1; }
  }
  if (strong === 0 || strong > most) { return reach; }
  const end = Float32Array.from(values, Math.abs).sort()[values.length - 1 - most];
  return end > 0 ? end : reach;
}

/** How maps are shown: all panels share one. */
export const defaultDisplay = {
  opacity: 0.6, colorMap: "auto", threshold: 0, sign: "all", segments: false, boxes: true,
  crosshair: true, isSmooth: true,
};

/** The scale of colours that a map is shown in. */
export const colorMapOf = (scale, display) => (display.colorMap === "auto"
  ? (scale.isSigned ? "coolwarm" : "inferno") : display.colorMap);

/** Whether a value is shown: above the threshold and of the sign that is asked for. */
function isShown(distance, display) {
  if (display.sign === "positive" && !(distance > 0)) { return false; }
  if (display.sign === "negative" && !(distance < 0)) { return false; }
  return Math.abs(distance) >= display.threshold;
}

/** A map as a small picture with transparency, a pixel a value. */
export function colored(map, display) {
  const { scale, values, width, height } = map;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const colors = table(colorMapOf(scale, display));
  const extent = scale.high - scale.low;
  const reach = scale.isSigned ? extent / 2 : extent;
  if (!(extent > 0)) { return canvas; }
  for (let i = 0; i < values.length; i += 1) {
    const distance = (values[i] - scale.centre) / reach;
    if (!isShown(distance, display)) { continue; }
    const index = place((values[i] - scale.low) / extent);
    const share = display.opacity * (display.opacity >= 1
      ? 1 : 0.45 + 0.55 * Math.min(1, 2 * Math.abs(distance)));
    image.data[4 * i] = colors[3 * index];
    image.data[4 * i + 1] = colors[3 * index + 1];
    image.data[4 * i + 2] = colors[3 * index + 2];
    image.data[4 * i + 3] = 255 * share;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Lines between neighbours of different values, in the map's own pixels; made once. */
export function borders(map) {
  if (map.borders) { return map.borders; }
  const { values, width, height } = map;
  const path = new Path2D();
  const run = (count, differs, line) => {
    for (let i = 0, start = -1; i <= count; i += 1) {
      const isBorder = i < count && differs(i);
      if (isBorder && start < 0) { start = i; }
      if (!isBorder && start >= 0) {
        line(start, i);
        start = -1;
      }
    }
  };
  for (let y = 1; y < height; y += 1) {
    run(width, (x) => values[y * width + x] !== values[(y - 1) * width + x], (from, to) => {
      path.moveTo(from, y);
      path.lineTo(to, y);
    });
  }
  for (let x = 1; x < width; x += 1) {
    run(height, (y) => values[y * width + x] !== values[y * width + x - 1], (from, to) => {
      path.moveTo(x, from);
      path.lineTo(x, to);
    });
  }
  map.borders = path;
  return path;
}

/**
 * Where the evidence of a map lies: the share of each of nine parts, and the strongest place.
 *
 * @returns {{parts: {name: string, share: number}[], peak: {x, y, value}, negative: number}} The
 *   parts, the strongest first; `negative` is the share of the magnitude that speaks against.
 */
export function evidence(map) {
  const { values, width, height, scale } = map;
  const sums = new Float64Array(9);
  let [positive, negative] = [0, 0];
  let peak = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] - scale.centre;
    if (values[i] > values[peak]) { peak = i; }
    if (value < 0) { negative -= value; }
    if (!(value > 0)) { continue; }
    const [x, y] = [i % width, Math.floor(i / width)];
    sums[3 * Math.floor(3 * y / height) + Math.floor(3 * x / width)] += value;
    positive += value;
  }
  const parts = Array.from(sums, (sum, i) => ({ name: `${i}`, share: sum / (positive || 1) }))
    .sort((a, b) => b.share - a.share);
  return {
    parts, hasAny: positive > 0, negative: negative / (positive + negative || 1),
    peak: { x: (peak % width + 0.5) / width, y: (Math.floor(peak / width) + 0.5) / height,
      value: values[peak] },
  };
}

/** Spearman's rank correlation of two maps of one size. */
export function rankCorrelation(a, b) {
  const [first, second] = [ranks(a), ranks(b)];
  const mean = (a.length - 1) / 2;
  let [together, one, two] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [first[i] - mean, second[i] - mean];
    together += x * y;
    one += x * x;
    two += y * y;
  }
  return together / Math.sqrt(one * two || 1);
}

function ranks(values) {
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && values[order[end]] === values[order[i]]) { end += 1; }
    for (let k = i; k < end; k += 1) { result[order[k]] = (i + end - 1) / 2; }
    i = end;
  }
  return result;
}
