// An image of one's own: dropped, chosen or pasted, decoded and cropped here, and sent to Python as pixels alone.

import { element } from "../frontend/elements.js";

const LARGEST_FILE = 30e6; // bytes

// The middle square of a picture, scaled in halves so that no pixel is skipped, as bytes (h, w, C).
function fit(bitmap, [height, width, channels]) {
  let side = Math.min(bitmap.width, bitmap.height);
  let [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  let source = bitmap;
  for (;;) {
    const next = side / 2 > Math.max(width, height) ? Math.floor(side / 2) : 0;
    const canvas = element("canvas", { width: next || width, height: next || height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff"; // behind what is transparent
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left, top, side, side, 0, 0, canvas.width, canvas.height);
    if (!next) return bytesOf(context.getImageData(0, 0, width, height).data, channels);
    [source, side, left, top] = [canvas, next, 0, 0];
  }
}

function bytesOf(data, channels) {
  const pixels = new Uint8Array((data.length / 4) * channels);
  for (let at = 0; at < data.length / 4; at++) {
    const [red, green, blue] = data.subarray(4 * at, 4 * at + 3);
    if (channels === 3) pixels.set([red, green, blue], 3 * at);
    else pixels[at] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue); // luma, ITU-R BT.601
  }
  return pixels;
}

export function photograph(session, announce) {
  const input = element("input", { type: "file", accept: "image/*", class: "file", "aria-label": "Your own image" });
  const refusal = element("p", { class: "error", role: "alert", hidden: true });
  const node = element("div", { class: "photograph" }, element("label", { class: "choose" }, "Your own image …", input),
    element("span", { class: "hint" }, "or drop or paste one anywhere here; it stays on this computer"), refusal);
  const refuse = (words) => {
    refusal.textContent = words;
    refusal.hidden = !words;
  };
  const read = async (file) => {
    refuse("");
    if (file.size > LARGEST_FILE) return refuse(`${file.name} has ${Math.round(file.size / 1e6)} MB; at most 30 are read.`);
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      return refuse(`${file.name || "This"} is no image that the browser can read. PNG, JPEG, GIF and WebP work.`);
    }
    const pixels = fit(bitmap, session.setup.image_shape);
    bitmap.close();
    session.offer(btoa(String.fromCharCode(...pixels)));
    announce(`Looking at ${file.name || "the pasted image"}`);
  };
  const take = (files) => {
    if (files.length) read(files[0]);
    else refuse("That was no file. Save the image first, then drop the file here.");
  };
  input.addEventListener("change", () => {
    if (input.files.length) take(input.files);
    input.value = "";
  });
  // Lets files fall on the whole widget.
  const listen = (root) => {
    let inside = 0;
    const over = (by) => {
      inside = Math.max(0, inside + by);
      root.classList.toggle("dropping", inside > 0);
    };
    const ours = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    root.addEventListener("dragenter", (event) => (ours(event), over(1)));
    root.addEventListener("dragleave", (event) => (ours(event), over(-1)));
    root.addEventListener("dragover", ours);
    root.addEventListener("drop", (event) => {
      ours(event);
      inside = 0;
      over(0);
      take(event.dataTransfer.files);
    });
    root.addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      ours(event);
      take(event.clipboardData.files);
    });
  };
  return { node, listen, update: () => {} };
}
