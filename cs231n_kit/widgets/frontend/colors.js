// Numbers below and above zero as colours, the same as palette.py's.

import { element } from "./elements.js";

const parts = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

let shades = null; // of -127 to 127, as pixels

function shadesOf({ negative, zero, positive }) {
  if (shades) return shades;
  shades = new Uint32Array(256);
  const bytes = new Uint8Array(shades.buffer);
  for (let value = -128; value < 128; value++) {
    const share = Math.min(Math.abs(value) / 127, 1);
    const [from, to] = [parts(zero), parts(value < 0 ? negative : positive)];
    for (let part = 0; part < 3; part++) bytes[4 * (value + 128) + part] = from[part] + share * (to[part] - from[part]);
    bytes[4 * (value + 128) + 3] = 255;
  }
  return shades;
}

// Paints a unit's map into a canvas of one pixel a cell.
export function paintMap(canvas, map, signs) {
  const table = shadesOf(signs);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let cell = 0; cell < map.length; cell++) pixels[cell] = table[map[cell] + 128];
  context.putImageData(image, 0, 0);
}

export const mapCanvas = (resolution) => element("canvas", { width: resolution, height: resolution, "aria-hidden": "true" });
