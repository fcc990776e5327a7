// Analyses that are kept: found by words, tags and models, with what they look like.
import { afterQuiet, h, unique } from "/dom.js";
import { icon } from "/icons.js";
import { moment, percent, reasonOf, t } from "/texts.js";

/** An analysis as a card; `extra` is added to it. */
export function card(page, analysis, href = `#/analysis/${analysis.id}`, extra = null) {
  const place = h("span", { class: "thumb" },
    icon(analysis.type === "audio" ? "sound" : "image"));
  showThumbnail(page, analysis, place);
  const isDone = analysis.state === "done";
  return h("li", { class: "card" },
    h("a", { href, class: "card-link" }, place, h("span", { class: "card-name" }, analysis.name)),
    analysis.label ? h("span", { class: "card-label" },
      `${analysis.label} ${percent(analysis.probability)}`) : null,
    h("span", { class: "muted" }, `${analysis.model} · ${moment(analysis.created)}`),
    isDone && !analysis.error ? null : h("span", {
      class: "state", "data-state": analysis.state, title: analysis.error ?? "",
    }, t(isDone ? "state.partly" : `state.${analysis.state}`)),
    analysis.tags.length > 0 ? h("span", { class: "tags" },
      analysis.tags.map((tag) => h("a", {
        class: "tag", href: `#/saved?${new URLSearchParams({ tag })}`,
      }, tag))) : null, extra);
}

async function showThumbnail(page, analysis, place) {
  try {
    const blob = await page.api.blob(`/v1/analyses/${analysis.id}/thumbnail.png`);
    const url = URL.createObjectURL(blob);
    place.replaceChildren(h("img", {
      src: url, alt: "", onload: () => URL.revokeObjectURL(url),
    }));
  } catch { /* the icon stays */ }
}

export class SavedView {
  constructor(page) {
    Object.assign(this, { page, cursor: null, number: 0 });
    const [query, model] = [unique("query"), unique("model")];
    this.query = h("input", {
      id: query, type: "search", oninput: afterQuiet(150, () => this.search()),
    });
    this.model = h("select", { id: model, onchange: () => this.search() },
      h("option", { value: "" }, t("saved.anyModel")),
      page.models.map(({ name }) => h("option", { value: name }, name)));
    this.tag = h("span");
    this.list = h("ul", { class: "cards" });
    this.note = h("p", { class: "muted", role: "status" });
    this.more = h("button", {
      type: "button", hidden: true, onclick: () => this.load(),
    }, t("saved.more"));
    this.element = h("div", { class: "saved" }, h("h1", {}, t("nav.saved")),
      h("form", { class: "filters", role: "search", onsubmit: (e) => e.preventDefault() },
        h("p", { class: "field" }, h("label", { for: query }, t("saved.search")), this.query),
        h("p", { class: "field" }, h("label", { for: model }, t("saved.model")), this.model),
        this.tag),
      this.note, this.list, h("p", { class: "buttons" }, this.more));
    page.keys.add("view", "/", "saved.search", () => this.query.focus());
  }

  async open(query) {
    this.query.value = query.get("query") ?? "";
    this.model.value = query.get("model") ?? "";
    this.tagName = query.get("tag");
    await this.search(false);
  }

  /** Shows what another address of this view says. */
  follow(query) { this.open(query).catch((error) => this.page.fail(error)); }

  reconnect() { this.search(); }

  async search(notes = true) {
    this.cursor = null;
    this.list.replaceChildren();
    this.tag.replaceChildren(...this.tagName ? [h("span", { class: "tag" }, this.tagName, h(
      "button", {
        type: "button", class: "plain", "aria-label": t("saved.anyTag"), onclick: () => {
          this.tagName = null;
          this.search();
        },
      }, "×"))] : []);
    if (notes) {
      const state = new URLSearchParams(this.filter);
      this.page.note(`/saved${state.size > 0 ? `?${state}` : ""}`);
    }
    await this.load();
  }

  /** Adds a card; that of an analysis that goes on is made anew until it ends. */
  append(analysis) {
    let shown = card(this.page, analysis);
    this.list.append(shown);
    const renew = async () => {
      if (!shown.isConnected) { return; }
      try {
        analysis = await this.page.api.analysis(analysis.id);
      } catch {
        return;
      }
      const next = card(this.page, analysis);
      shown.replaceWith(next);
      shown = next;
      watch();
    };
    const watch = () => {
      if (["queued", "running"].includes(analysis.state)) { setTimeout(renew, 2000); }
    };
    watch();
  }

  get filter() {
    const filter = { query: this.query.value, model: this.model.value, tag: this.tagName ?? "" };
    return Object.fromEntries(Object.entries(filter).filter(([, value]) => value));
  }

  async load() {
    const number = this.number += 1;
    const page = { limit: 60, ...this.cursor ? { cursor: this.cursor } : {} };
    this.note.textContent = t("loading");
    let found;
    try {
      found = await this.page.api.list({ ...this.filter, ...page });
    } catch (error) {
      this.note.textContent = reasonOf(error);
      return;
    }
    if (number !== this.number) { return; }
    for (const one of found.analyses) { this.append(one); }
    this.cursor = found.cursor;
    this.more.hidden = !found.cursor;
    const count = this.list.childElementCount;
    const isFiltered = Object.keys(this.filter).length > 0;
    this.note.textContent = count === 0 ? t(isFiltered ? "saved.nothing" : "saved.none")
      : t("saved.count", { count: found.cursor ? `${count}+` : count });
  }
}
