// Tables of a comparison: how far methods agree, and how faithful they are, with what that means.
import { h, term } from "/dom.js";
import { rankCorrelation } from "/maps.js";
import { measure, t } from "/texts.js";

/** The measures of faithfulness, and whether more is better; null where neither is. */
const measures = [
  ["deletion", false], ["insertion", true], ["infidelity", false], ["sparseness", null],
  ["sensitivity", false], ["stability", true], ["localization", true],
];

/**
 * The tables below the panels.
 *
 * @param {{comparison, maps, title, labels, onCompare}} options What the server judged, or the
 *   maps where it was not asked; what methods are called; asks the server, or null.
 * @returns {Element[]} What to show.
 */
export function tables({ comparison, maps, title, labels, onCompare }) {
  const parts = [];
  const label = (index) => labels.find((one) => one.index === index)?.label ?? `${index}`;
  if (comparison?.faithfulness?.length) { parts.push(faithfulness(comparison, title, label)); }
  const pairs = comparison?.agreement?.length ? comparison.agreement : agreementOf(maps);
  if (pairs.length > 0) { parts.push(agreement(pairs, title, label)); }
  if (onCompare) {
    parts.push(h("p", {},
      h("button", { type: "button", onclick: onCompare }, t("tables.judge")), " ",
      h("span", { class: "muted" }, t("tables.judge.note"))));
  }
  return parts.length > 0 ? [h("section", {}, h("h2", {}, t("tables.title")), parts)] : [];
}

/** A table that scrolls within itself where it is too wide. */
export function scrolling(caption, head, rows) {
  return h("div", { class: "scrolling", tabIndex: 0, role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)),
      h("tbody", {}, rows)));
}

const column = (name) => h("th", { scope: "col", class: "number" },
  term(t(`measure.${name}`), t(`measure.${name}.meaning`)));

function faithfulness({ faithfulness: lines }, title, label) {
  const used = measures.filter(([name]) => lines.some((line) => line[name] !== null));
  const severalLabels = new Set(lines.map((line) => line.target)).size > 1;
  const severalWindows = new Set(lines.map((line) => line.window?.[0])).size > 1;
  const best = (name, isMore, line) => {
    if (isMore === null) { return false; }
    const rivals = lines.filter((one) => one.target === line.target
      && one.window?.[0] === line.window?.[0] && one[name] !== null).map((one) => one[name]);
    return rivals.length > 1
      && line[name] === (isMore ? Math.max(...rivals) : Math.min(...rivals));
  };
  return h("div", {},
    scrolling(t("tables.faithfulness"), [
      h("th", { scope: "col" }, t("tables.method")),
      severalLabels ? h("th", { scope: "col" }, t("tables.label")) : null,
      severalWindows ? h("th", { scope: "col" }, t("tables.window")) : null,
      ...used.map(([name]) => column(name)),
    ], lines.map((line) => h("tr", {},
      h("th", { scope: "row" }, title(line.method)),
      severalLabels ? h("td", {}, label(line.target)) : null,
      severalWindows ? h("td", {}, line.window ? `${line.window[0]} s` : "") : null,
      used.map(([name, isMore]) => h("td", {
        class: best(name, isMore, line) ? "number best" : "number",
      }, measure(line[name])))))),
    h("ul", { class: "meanings" }, used.map(([name, isMore]) => h("li", {},
      h("strong", {}, t(`measure.${name}`)), ": ", t(`measure.${name}.meaning`), " ",
      isMore === null ? null : t(isMore ? "tables.more" : "tables.less")))));
}

function agreement(pairs, title, label) {
  const hasOverlap = pairs.some((pair) => pair.topOverlap !== undefined);
  const several = new Set(pairs.map((pair) => `${pair.target} ${pair.window?.[0]}`)).size > 1;
  return h("div", {},
    scrolling(t("tables.agreement"), [
      h("th", { scope: "col" }, t("tables.pair")),
      several ? h("th", { scope: "col" }, t("tables.label")) : null,
      column("rankCorrelation"), hasOverlap ? column("topOverlap") : null,
    ], pairs.map((pair) => h("tr", {},
      h("th", { scope: "row" }, pair.methods.map(title).join(" – ")),
      several ? h("td", {}, label(pair.target)
        + (pair.window ? `, ${pair.window[0]} s` : "")) : null,
      h("td", { class: "number" }, measure(pair.rankCorrelation)),
      hasOverlap ? h("td", { class: "number" }, measure(pair.topOverlap)) : null))),
    h("ul", { class: "meanings" }, ["rankCorrelation", ...hasOverlap ? ["topOverlap"] : []].map(
      (name) => h("li", {}, h("strong", {}, t(`measure.${name}`)), ": ",
        t(`measure.${name}.meaning`)))));
}

/** How far the maps of each label agree, as the browser itself can tell. */
function agreementOf(maps) {
  const pairs = [];
  for (let i = 0; i < maps.length && maps.length <= 24; i += 1) {
    for (let k = i + 1; k < maps.length; k += 1) {
      const [a, b] = [maps[i], maps[k]];
      if (a.info.index !== b.info.index || a.info.window?.[0] !== b.info.window?.[0]
        || a.values.length !== b.values.length) { continue; }
      pairs.push({
        methods: [a.info.method, b.info.method], target: a.info.index, window: a.info.window,
        rankCorrelation: rankCorrelation(a.values, b.values),
      });
    }
  }
  const place = (pair) => maps.findIndex((map) => map.info.index === pair.target);
  return pairs.sort((a, b) => place(a) - place(b));
}
