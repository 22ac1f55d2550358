// Canvases as sharp as the screen, drawn with the theme's colours.

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
