// The languages that the page speaks; each has a file texts-NAME.js.
export const languages = { en: "English", de: "Deutsch" };
