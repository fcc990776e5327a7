// One question about a model and data at a time: how far it is, cancelling, and what came of it.
import { h } from "/dom.js";
import { icon } from "/icons.js";
import { duration, reasonOf, t } from "/texts.js";

export class StudyPlace {
  /**
   * @param {{api, announce, show: (study) => Element[]}} options The server, who tells readers of
   *   screens, and what shows the result.
   */
  constructor(options) {
    Object.assign(this, options);
    this.addresses = [];
    this.element = h("div", { class: "study" });
  }

  /** Asks the server; a question that is still open is given up. */
  async ask(request, files = {}) {
    this.request = [request, files];
    const number = this.begin();
    const isOld = () => number !== this.number;
    try {
      const begun = await this.api.beginStudy(request, files);
      if (isOld()) {
        this.discard(begun);
        return;
      }
      this.open = begun.state === "done" ? null : begun;
      const study = this.open ? await this.wait(begun) : begun;
      if (isOld()) { return; }
      this.open = null;
      if (study.state !== "done") { throw new Error(study.error ?? t(`state.${study.state}`)); }
      this.element.replaceChildren(...this.show(study), this.download(study));
      this.announce(t("data.ready"));
    } catch (error) {
      if (!isOld()) { this.fail(error); }
    }
  }

  begin() {
    this.cancel();
    this.number = (this.number ?? 0) + 1;
    this.text = h("span", { class: "muted waiting" }, t("loading"));
    this.bar = h("progress", { max: 1, hidden: true, "aria-label": t("data.progress") });
    this.element.replaceChildren(h("p", { class: "buttons" }, this.text,
      h("button", { type: "button", onclick: () => this.stop() }, t("progress.cancel"))), this.bar);
    return this.number;
  }

  /** Follows a study until it has ended. */
  async wait(begun) {
    const number = this.number;
    await new Promise((done, failed) => {
      this.unfollow = this.api.follow(begun.events, {
        progress: (data) => this.progress(data), end: done,
        lost: () => failed(new Error(t("offline.text"))),
      });
    });
    return number === this.number ? this.api.json(begun.url) : begun;
  }

  progress({ method, done, planned, secondsLeft }) {
    const left = secondsLeft === null ? "" : ` · ${t("progress.left", {
      time: duration(Math.max(1, secondsLeft)),
    })}`;
    this.text.textContent = t(`data.stage.${method}`)
      + (planned > 0 ? ` · ${t("progress.of", { done, planned })}${left}` : "");
    this.bar.hidden = planned === 0;
    this.bar.max = planned || 1;
    this.bar.value = done;
  }

  fail(error) {
    this.open = null;
    this.element.replaceChildren(
      h("p", { class: "error", role: "alert" }, icon("warning"), " ", reasonOf(error)),
      h("p", {}, h("button", { type: "button", onclick: () => this.ask(...this.request) },
        t("failure.again"))));
  }

  /** Ends what is open because somebody wants that. */
  stop() {
    this.cancel();
    this.element.replaceChildren(h("p", { class: "muted" }, t("state.cancelled")));
    this.announce(t("state.cancelled"));
  }

  /** Ends what is open; an answer that still comes is not looked at. */
  cancel() {
    this.number = (this.number ?? 0) + 1;
    this.unfollow?.();
    if (this.open) { this.discard(this.open); }
    this.open = null;
    for (const address of this.addresses) { URL.revokeObjectURL(address); }
    this.addresses = [];
  }

  /** Takes back a question that nobody waits for any more. */
  discard(study) {
    if (study.state !== "done") { this.api.discard(study.url).catch(() => {}); }
  }

  // MARK: Showing

  /** A picture of a study by its name, with lines below it. */
  figure(study, name, lines, alternative = lines.join(", ")) {
    const image = h("img", { alt: alternative, loading: "lazy" });
    const url = study.pictures.find((picture) => picture.endsWith(`/${name}.png`));
    const number = this.number;
    if (url) {
      this.api.blob(url).then((blob) => {
        if (number !== this.number) { return; }
        this.addresses.push(image.src = URL.createObjectURL(blob));
      }).catch((error) => { image.alt = `${alternative}: ${reasonOf(error)}`; });
    }
    return h("figure", { class: "example" }, h("span", { class: "thumb" }, image),
      h("figcaption", {}, lines.map((line, index) => h("span", {
        class: index === 0 && lines.length > 1 ? "card-name" : "muted",
      }, line))));
  }

  /** A link to the report, which may need the token and therefore is a button. */
  download(study) {
    const name = study.report.split("/").pop().replace("report", study.kind);
    return h("p", {}, h("button", {
      type: "button", onclick: async () => {
        try {
          const url = URL.createObjectURL(await this.api.blob(study.report));
          h("a", { href: url, download: name }).click();
          setTimeout(() => URL.revokeObjectURL(url), 60_000);
        } catch (error) {
          this.fail(error);
        }
      },
    }, t("data.report", { format: name.split(".").pop().toUpperCase() })));
  }
}
