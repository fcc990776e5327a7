// What people chose, kept by their browser.
const key = "prism.settings";

const defaults = {
  theme: "auto", startsAtOnce: true, hasKeys: true, display: {}, panelSize: "medium",
  choices: { image: null, audio: null },
};

let kept = {};
try {
  kept = JSON.parse(localStorage.getItem(key) ?? "{}");
} catch { /* what cannot be read is as if nothing had been kept */ }

/** All settings. */
export const settings = { ...defaults, ...kept };

/** Changes settings and keeps them. */
export function keep(change) {
  Object.assign(settings, change);
  localStorage.setItem(key, JSON.stringify(settings));
  showTheme();
}

/** Makes the page light or dark. */
export function showTheme() {
  document.documentElement.dataset.theme = settings.theme;
}
