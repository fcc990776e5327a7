// Maps in words: where the evidence is, in which unit values are, what measures mean.
import { evidence } from "/maps.js";
import { number, percent, t } from "/texts.js";

/** Methods whose values add up to, or are differences of, the number that is explained. */
const inUnits = new Set([
  "inputxgradient", "ig", "gradientshap", "deeplift", "occlusion", "lime", "kernelshap", "shap",
]);

/** The unit of a method's values. */
export function unitOf(method, explains) {
  if (method === "rise") { return t("unit.probability"); }
  if (!inUnits.has(method)) { return t("unit.none"); }
  return t(explains === "logit" || !explains ? "unit.logit" : "unit.probability");
}

/** The strongest region of a map, as the report has it. */
function regionsOf(entry, kind) {
  const [region] = (kind === "audio" ? entry?.evidence?.regions : entry?.regions) ?? [];
  if (!region) { return []; }
  const share = percent(region.share, 0);
  return [kind === "audio"
    ? t("alternative.passage", {
      share, start: number(region.seconds[0]), end: number(region.seconds[1]),
      low: number(region.hertz[0]), high: number(region.hertz[1]),
    })
    : t("alternative.region", {
      share, left: region.x, right: region.x + region.width, top: region.y,
      bottom: region.y + region.height,
    })];
}

/** Where the evidence of a map is, in a sentence or two. */
export function alternativeOf(map, { label, kind, base, entry }) {
  if (!map.scale) { return ""; }
  const found = evidence(map);
  if (!found.hasAny) { return t("alternative.nothing", { label }); }
  const prefix = kind === "audio" ? "part.audio" : "part";
  const parts = found.parts.filter((part) => part.share >= 0.12).slice(0, 3)
    .map((part) => `${percent(part.share, 0)} ${t(`${prefix}.${part.name}`)}`);
  const list = parts.length > 0 ? parts.join(", ") : t("alternative.everywhere");
  const area = map.area ?? { x: 0, y: 0, ...base };
  const sentences = [t("alternative.parts", { label, list })];
  if (kind !== "audio") {
    sentences.push(t("alternative.peak", {
      x: Math.round(area.x + found.peak.x * area.width),
      y: Math.round(area.y + found.peak.y * area.height), value: number(found.peak.value),
    }));
  }
  sentences.push(...regionsOf(entry, kind));
  if (found.negative >= 0.05) {
    sentences.push(t("alternative.against", { share: percent(found.negative, 0) }));
  }
  return sentences.join(" ");
}
