// Maps in words: where the evidence is, in which unit values are, what measures mean.
import { evidence } from "/maps.js";
import { number, percent, t } from "/texts.js";

/** The unit of a map's values, once the report has it; `facts` of a method without one say so at once. */
export function unitOf(entry, facts) {
  const unit = facts?.unit === "unitless" ? null : entry?.unit;
  return unit === undefined ? "" : t(`unit.${unit ?? "none"}`);
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

/** The most passages that are told of. */
const passageLimit = 5;

/** What has to be known before a prediction is believed: warnings, passages that differ, how it was made. */
export function findingsOf(report) {
  const { sound, picture } = report ?? {};
  const passages = sound?.passages ?? [];
  const told = passages.slice(0, passageLimit).map((one) => t("finding.passage", {
    label: one.label, start: number(one.seconds[0]), end: number(one.seconds[1]),
    probability: percent(one.probability),
  }));
  const more = passages.length - told.length;
  if (more > 0) { told.push(t("finding.passages", { n: more })); }
  const { verdict } = sound ?? {};
  const made = verdict && sound.windows.length > 1
    ? [t(`finding.${verdict.rule}`, { n: verdict.windows }),
      verdict.silent > 0 ? t("finding.silent", { n: verdict.silent }) : null] : [];
  return {
    warnings: [...sound?.warnings ?? [], ...told],
    notes: [...made.filter(Boolean), ...picture?.notes ?? [], ...sound?.notes ?? []],
  };
}
