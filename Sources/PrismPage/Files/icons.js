// Drawings beside words, on a ground of 24 × 24.
const space = "http://www.w3.org/2000/svg";

const paths = {
  prism: "M12 4 21 20H3zM1 12l7.5-1M13 11l9-1.500M13.5 12.500l8.500 1M14 14l7 3",
  drop: "M12 3v12M7 10l5 5 5-5M4 17v3h16v-3",
  image: "M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM7 10a2 2 0 1 0 4 "
    + "0 2 2 0 1 0-4 0M4 19l6-5 4 3 3-3 4 4",
  sound: "M3 12h1M7 8v8M11 4v16M15 7v10M19 10v4M22 12h0",
  warning: "M12 4 22 20H2zM12 10v4M12 17h0",
  info: "M3 12a9 9 0 1 0 18 0 9 9 0 1 0-18 0M12 11v5M12 8h0",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M6 17a2 2 0 1 0 4 0 2 "
    + "2 0 1 0-4 0",
};

/** A drawing, which readers of screens leave out. */
export function icon(name) {
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
