// Decision regions: the cells' labels and confidence, as decision_regions.py makes them, painted under the points.

import { element } from "./elements.js";

const TIE = 255;

const colorParts = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

// The regions in a message's buffer: { resolution, labels, confidence }.
export function readRegions(resolution, buffer) {
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const cells = resolution * resolution;
  return { resolution, labels: bytes.slice(0, cells), confidence: bytes.slice(cells) };
}

// The regions as a picture of one pixel a cell; the same colours as palette.tinted in Python.
function paintRegions(frame, setup, showConfidence) {
  const { resolution, labels, confidence } = frame;
  const canvas = element("canvas", { width: resolution, height: resolution });
  const context = canvas.getContext("2d");
  const image = context.createImageData(resolution, resolution);
  const colors = setup.colors.map(colorParts);
  const [palest, fullest] = setup.tint;
  for (let cell = 0; cell < labels.length; cell++) {
    const shade = showConfidence ? confidence[cell] / 255 : 0.6;
    const strength = labels[cell] === TIE ? 0 : palest + (fullest - palest) * shade;
    const color = colors[labels[cell]] ?? [255, 255, 255];
    for (let part = 0; part < 3; part++) image.data[4 * cell + part] = 255 - strength * (255 - color[part]);
    image.data[4 * cell + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Fills a square of `size` pixels; without a frame it is grey. White is for tied votes.
export function drawRegions(context, frame, setup, size, { showConfidence = true, opacity = 1 } = {}) {
  context.fillStyle = frame ? "#fff" : "#eceef2";
  context.fillRect(0, 0, size, size);
  if (!frame) return;
  if (!frame.image || frame.shaded !== showConfidence) {
    frame.image = paintRegions(frame, setup, showConfidence);
    frame.shaded = showConfidence;
  }
  context.save();
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(frame.image, 0, 0, size, size);
  context.restore();
}
