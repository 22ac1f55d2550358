// Elements of the page, the classes' shapes, and the wording of numbers.

// Shapes of radius about 1 around the origin, for canvas and SVG alike.
export const SHAPES = {
  circle: "M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z",
  square: "M-.88 -.88H.88V.88H-.88Z",
  triangle: "M0 -1.2L1.12 .8H-1.12Z",
  diamond: "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",
  star: "M0 -1.35L.34 -.47L1.28 -.42L.55 .18L.79 1.09L0 .58L-.79 1.09L-.55 .18L-1.28 -.42L-.34 -.47Z",
  plus: "M-.42 -1.15H.42V-.42H1.15V.42H.42V1.15H-.42V.42H-1.15V-.42H-.42Z",
};

export const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
export const signed = (value, digits = 2) => (value > 0 ? `+${number(value, digits)}` : number(value, digits));
export const placeText = ([x, y]) => `(${number(x)}, ${number(y)})`;

// Each widget runs a module of its own, so that numbers alone would meet again on a page with several widgets.
const origin = Math.random().toString(36).slice(2, 10);
let ids = 0;
export const uniqueId = (name) => `cs231n-${name}-${origin}-${++ids}`;

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function swatch(setup, label) {
  const path = svgElement("path", { d: SHAPES[setup.shapes[label]], fill: setup.colors[label] });
  return svgElement("svg", { class: "swatch", viewBox: "-1.6 -1.6 3.2 3.2", "aria-hidden": "true" }, path);
}
