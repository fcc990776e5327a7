// The page's beginning: the address says what is shown, and everything else hangs on that.
import { API } from "/api.js";
import { h } from "/dom.js";
import { icon } from "/icons.js";
import { Intake } from "/intake.js";
import { Keys } from "/keys.js";
import { showTheme, keep, settings } from "/settings.js";
import { choose, language, reasonOf, t } from "/texts.js";
import { languages } from "/texts-languages.js";

const find = (id) => document.getElementById(id);

/** Tells readers of screens what happened. */
function announce(text) {
  const status = find("status");
  status.textContent = status.textContent === text ? `${text} ` : text;
}

/** The parts of an address: `#/analysis/ID?label=3`. */
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return {
    parts: path.split("/").filter(Boolean).map(decodeURIComponent),
    query: new URLSearchParams(query ?? ""),
  };
}

const keys = new Keys();

/** What all parts of the page share. */
const page = {
  api: new API({ onOffline: () => watchConnection(), askToken }),
  t, announce, keys,
  models: null,
  /** Goes to an address within the page. */
  go(path) {
    if (location.hash === `#${path}`) { show(); } else { location.hash = path; }
  },
  /** Writes the state into the address without going there. */
  note(path) {
    history.replaceState(null, "", `#${path}`);
    shownPath = path.split("?")[0];
  },
  /** Shows an analysis of a file that has just been chosen. */
  async begin(file, kind, request) {
    const { AnalysisView } = await analysisModule;
    clear();
    const view = replace(new AnalysisView(page));
    history.pushState(null, "", "#/new");
    shownPath = "/new";
    await view.begin(file, kind, request);
  },
  /** Tells of a failure where nothing nearer can. */
  fail(error) {
    if (error.name === "AbortError" || error.isOffline) { return; }
    notice(reasonOf(error), "bad");
  },
  notice: (text) => notice(text, "good"),
};

const analysisModule = import("/analysis.js");
let current = null;
let shownPath = null;

/** Ends what is shown. */
function clear() {
  current?.close?.();
  current = null;
  keys.forget("view");
}

function replace(view) {
  current = view;
  find("main").replaceChildren(view.element);
  find("main").classList.toggle("wide", Boolean(view.isWide));
  scrollTo(0, 0);
  return view;
}

/** Shows what the address says. */
async function show() {
  const { parts, query } = address();
  const path = `/${parts.join("/")}`;
  if (path === shownPath && current?.follow) {
    current.follow(query);
    return;
  }
  shownPath = path;
  clear();
  try {
    if (parts[0] === "analysis" && parts[1]) {
      const { AnalysisView } = await analysisModule;
      await replace(new AnalysisView(page)).open(parts[1], query);
    } else if (parts[0] === "saved") {
      const { SavedView } = await import("/saved.js");
      await replace(new SavedView(page)).open(query);
    } else if (parts[0] === "compare") {
      const { CompareView } = await import("/compare.js");
      await replace(new CompareView(page)).open(parts[1], parts[2]);
    } else {
      replace(intake);
      intake.open();
    }
  } catch (error) {
    showFailure(error);
  }
  showPlace(parts[0] ?? "");
}

function showFailure(error) {
  if (error.name === "AbortError") { return; }
  console.warn(error);
  clear();
  replace({
    reconnect: error.isOffline ? show : undefined,
    element: h("section", { class: "empty" }, icon("warning"),
      h("h1", {}, t(error.status === 404 ? "failure.missing" : "failure.title")),
      h("p", {}, reasonOf(error)),
      h("p", { class: "buttons" },
        h("button", { type: "button", onclick: () => location.reload() }, t("failure.again")),
        h("a", { class: "button", href: "#/" }, t("nav.new")))),
  });
}

// MARK: Header

function showPlace(part) {
  for (const link of find("header").querySelectorAll("nav a")) {
    if (link.dataset.part === part) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
  document.title = part === "saved" ? `${t("nav.saved")} · Prism` : "Prism";
}

function drawFrame() {
  document.documentElement.lang = language;
  find("skip").textContent = t("nav.skip");
  find("header").append(
    h("a", { class: "brand", href: "#/", "aria-label": t("nav.home") }, icon("prism"), "Prism"),
    h("nav", { "aria-label": t("nav.label") },
      h("a", { href: "#/", "data-part": "" }, t("nav.new")),
      h("a", { href: "#/saved", "data-part": "saved" }, t("nav.saved"))),
    h("div", { class: "header-end" },
      h("button", {
        type: "button", class: "plain", "aria-label": t("keys.title"), title: t("keys.title"),
        onclick: () => keys.open(),
      }, "?"),
      h("button", {
        type: "button", class: "plain", "aria-label": t("settings.title"),
        title: t("settings.title"), onclick: openSettings,
      }, icon("settings"))));
  find("footer").append(
    h("span", {}, t("footer.local")), " ",
    h("a", { href: "/docs" }, t("footer.docs")));
}

function openSettings() {
  const select = (name, label, options, value, onchange) => h("p", { class: "field" },
    h("label", { for: `setting-${name}` }, label),
    h("select", { id: `setting-${name}`, onchange: (e) => onchange(e.target.value) },
      options.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
  const dialog = h("dialog", { "aria-labelledby": "settings-title" },
    h("h2", { id: "settings-title" }, t("settings.title")),
    select("theme", t("settings.theme"),
      ["auto", "light", "dark"].map((name) => [name, t(`settings.theme.${name}`)]),
      settings.theme, (theme) => keep({ theme })),
    select("language", t("settings.language"), Object.entries(languages), language, (name) => {
      choose(name);
      location.reload();
    }),
    h("p", {}, h("label", { class: "check" },
      h("input", {
        type: "checkbox", checked: settings.hasKeys,
        onchange: (e) => keep({ hasKeys: e.target.checked }),
      }), t("settings.keys"))),
    h("form", { method: "dialog", class: "buttons" }, h("button", {}, t("close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

// MARK: Messages

function notice(text, kind) {
  const item = h("div", { class: `notice ${kind}` }, h("span", {}, text),
    h("button", {
      type: "button", class: "plain", "aria-label": t("close"), onclick: () => item.remove(),
    }, "×"));
  find("banner").append(item);
  if (kind === "good") { setTimeout(() => item.remove(), 6000); }
}

let isWatching = false;

/** Says that the server is away until it is back, and then goes on. */
async function watchConnection() {
  if (isWatching) { return; }
  isWatching = true;
  const item = h("div", { class: "notice bad" }, icon("warning"), h("span", {}, t("offline.text")));
  find("banner").append(item);
  while (!await page.api.isAlive()) { await new Promise((done) => setTimeout(done, 2000)); }
  isWatching = false;
  item.remove();
  announce(t("offline.back"));
  if (!page.models) { await start(); } else { current?.reconnect?.(); }
}

/** Asks for the server's token; `isAgain` where it does not know the one before. */
function askToken(isAgain) {
  return new Promise((done) => {
    const input = h("input", {
      type: "password", id: "token", autocomplete: "current-password", required: true,
      "aria-describedby": "token-text",
    });
    const dialog = h("dialog", { "aria-labelledby": "token-title" },
      h("h2", { id: "token-title" }, t("token.title")),
      isAgain ? h("p", { class: "error", role: "alert" }, t("token.wrong")) : null,
      h("p", { id: "token-text" }, t("token.text")),
      h("form", { method: "dialog", class: "buttons" },
        h("label", { for: "token" }, t("token.label")), input,
        h("button", { class: "primary", value: "send" }, t("token.send"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "send" ? input.value.trim() : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// MARK: Start

const intake = new Intake(page);

async function start() {
  try {
    page.models = await page.api.models();
    intake.setModels(page.models);
    await show();
  } catch (error) {
    showFailure(error);
  }
}

showTheme();
drawFrame();
keys.add("page", "?", "keys.help", () => keys.open());
keys.add("page", "n", "nav.new", () => page.go("/"));
keys.add("page", "s", "nav.saved", () => page.go("/saved"));
keys.add("page", "o", "intake.choose", () => intake.choose());
// Until the models are known nothing can be shown; then `start` shows what the address says.
addEventListener("hashchange", () => { if (page.models) { show(); } });
intake.listen(document);
await start();
// What is shown later has to be here when the server is not.
for (const name of ["archive", "compare", "data", "saved", "sound", "whatif"]) {
  import(`/${name}.js`).catch(() => {});
}
