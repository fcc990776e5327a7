// The page's words, in the language of the setting or of the browser.
import { languages } from "/texts-languages.js";

const key = "prism.language";

function chosen() {
  const setting = localStorage.getItem(key);
  if (setting && languages[setting]) { return setting; }
  const wanted = navigator.languages.map((name) => name.slice(0, 2).toLowerCase());
  return wanted.find((name) => languages[name]) ?? "en";
}

/** The language in use, such as "en". */
export const language = chosen();

const texts = (await import(`/texts-${language}.js`)).default;

/** How numbers and dates are written: as the browser's own variant of the language has them. */
const locale = navigator.languages.find((name) => name.startsWith(language)) ?? language;

/** Changes the language from the next load of the page on. */
export function choose(name) { localStorage.setItem(key, name); }

/**
 * A text, with `{name}` replaced by the values of those names.
 *
 * Where a text has a form for one thing, `key.one` is taken when `values.count` is 1.
 */
export function t(name, values = {}) {
  const text = (values.count === 1 && texts[`${name}.one`]) || texts[name];
  if (text === undefined) { return name; }
  return text.replace(/\{(\w+)\}/g, (all, place) => values[place] ?? all);
}

/** A text, or nothing where there is none of this name. */
export const maybe = (name) => texts[name] ?? null;

/** Why something did not work, in words for people: the server's own where it has to say more. */
export function reasonOf(error) {
  const name = { 0: "offline.text", 401: "token.needed", 429: "busy.text" }[error.status];
  return name ? t(name) : error.detail ?? error.message;
}

/** A number with as many digits as matter. */
export function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) { return "–"; }
  if (value !== 0 && Math.abs(value) < 1e-3) {
    const [factor, power] = value.toExponential(Math.max(0, digits - 1)).split("e");
    const raised = Array.from(power, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "")).join("");
    return `${new Intl.NumberFormat(locale, { maximumSignificantDigits: digits })
      .format(Number(factor))} × 10${raised}`;
  }
  return new Intl.NumberFormat(locale, { maximumSignificantDigits: digits }).format(value);
}

/** A measure, which lies about between −1 and 1. */
export function measure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) { return "–"; }
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 })
    .format(value);
}

/** A probability in per cent; close to 0 and 1 it does not claim to be there. */
export function percent(value, digits = 1) {
  if (value === null || value === undefined) { return "–"; }
  const format = (share) => new Intl.NumberFormat(locale, {
    style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(share);
  if (digits < 1) { return format(value); }
  if (value < 0.0005 && value > 0) { return `< ${format(0.001)}`; }
  if (value > 0.9995 && value < 1) { return `> ${format(0.999)}`; }
  return format(value);
}

/** A span of time, such as "2 min 5 s". */
export function duration(seconds) {
  if (seconds < 0.001) { return t("time.instant"); }
  if (seconds < 1) { return t("time.milliseconds", { n: Math.round(1000 * seconds) }); }
  const whole = Math.round(seconds);
  return whole < 60
    ? t("time.seconds", { n: seconds < 10 ? number(seconds, 2) : whole })
    : t("time.minutes", { n: Math.floor(whole / 60), s: whole % 60 });
}

/** A moment, as people of the language write it. */
export function moment(text) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" })
    .format(new Date(text));
}
