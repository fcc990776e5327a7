// Making elements, and small things about them.

/**
 * Makes an element. Properties that begin with "on" are listeners, "class" and "data-…" and
 * other names with a hyphen are attributes, and the rest are set as they are named.
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) { continue; }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "class") {
      element.className = value;
    } else if (name.includes("-") || name === "role" || name === "for" || !(name in element)) {
      element.setAttribute(name, value === true ? "" : value);
    } else {
      element[name] = value;
    }
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

let nextNumber = 0;

/** A name for an element that no other has. */
export const unique = (stem) => `${stem}-${(nextNumber += 1)}`;

/**
 * A word with its meaning, which shows on hover, on focus and to readers of screens; Escape hides
 * it.
 */
export function term(word, meaning) {
  if (!meaning) { return document.createTextNode(word); }
  const id = unique("meaning");
  const button = h("button", { type: "button", class: "term-word", "aria-describedby": id }, word);
  const tip = h("span", { class: "term-meaning", role: "tooltip", id }, meaning);
  const show = () => {
    tip.classList.add("shown");
    const [at, size] = [button.getBoundingClientRect(), tip.getBoundingClientRect()];
    const left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8));
    const isBelow = at.bottom + 4 + size.height < innerHeight;
    tip.style.setProperty("left", `${left}px`);
    tip.style.setProperty("top", `${isBelow ? at.bottom + 4 : at.top - 4 - size.height}px`);
  };
  const hide = () => tip.classList.remove("shown");
  return h("span", {
    class: "term", onpointerenter: show, onpointerleave: hide, onfocusin: show, onfocusout: hide,
    onkeydown: (event) => {
      if (event.key === "Escape") { hide(); }
    },
  }, button, tip);
}

/** Calls a function once things have been quiet for a while. */
export function afterQuiet(milliseconds, run) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...values), milliseconds);
  };
}
