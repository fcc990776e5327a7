// Brings in an analysis that a report.zip of this or another server has.
import { h, unique } from "/dom.js";

/** Puts the button into the page; `onImported` is given the analysis. */
export function mountArchive(place, { api, t, announce, onImported }) {
  const input = h("input", {
    type: "file", accept: ".zip,application/zip", id: unique("archive"), class: "unseen",
    tabIndex: -1, "data-field": "archive", "aria-label": t("archive.choose"),
    onchange: () => accept([...input.files]),
  });
  const button = h("button", {
    type: "button", "data-action": "import", onclick: () => input.click(),
  }, t("archive.import"));
  const state = h("output", { class: "archive-state" });

  async function accept(files) {
    for (const file of files) {
      button.disabled = true;
      state.textContent = t("archive.reading", { name: file.name });
      try {
        const answer = await api.fetch("/v1/analyses/import", {
          method: "POST", body: file, headers: { "Content-Type": "application/zip" },
        });
        const analysis = await answer.json();
        state.textContent = t("archive.done", { name: analysis.name });
        announce(state.textContent);
        onImported(analysis);
      } catch (error) {
        state.textContent = error.detail ?? error.message;
        announce(state.textContent);
      }
    }
    button.disabled = false;
    input.value = "";
  }

  place.replaceChildren(h("div", { class: "archive" }, button, input, state));
  return { accept, unmount: () => place.replaceChildren() };
}
