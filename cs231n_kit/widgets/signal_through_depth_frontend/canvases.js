// Canvases beside texts that say the same, and numbers of any size in few characters.

import { element } from "../frontend/elements.js";

export const pictureCanvas = (name) => element("canvas", { class: name, "aria-hidden": "true" });

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
