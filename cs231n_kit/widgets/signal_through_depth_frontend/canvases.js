// Canvases as sharp as the screen, drawn with the theme's colours; and numbers of any size in few characters.

import { element } from "../frontend/elements.js";

export const pictureCanvas = (name) => element("canvas", { class: name, "aria-hidden": "true" });

// Clears a canvas and calls draw({ context, width, height, color }), in pixels of the page.
export function redraw(canvas, draw) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const density = window.devicePixelRatio || 1;
  const size = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  context.font = "11.5px system-ui, sans-serif";
  draw({ context, width, height, color: (name) => style.getPropertyValue(name) });
}

// 0.63, 12, 1.2e−6; null stands for infinity and NaN.
export function brief(value, digits = 2) {
  if (value === null) return "overflow";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const plain = size >= 0.001 && size < 10000;
  const text = plain ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1).replace("e+", "e");
  return text.replaceAll("-", "−");
}

export const percent = (share) => {
  if (share === null) return "–";
  return share > 0 && share < 0.005 ? "under 1 %" : `${Math.round(100 * share)} %`;
};
