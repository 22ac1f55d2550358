// The picture on the canvas, from the regions at the bottom to the points on top.

import { INK, drawAxes, drawCross, drawPoints } from "../frontend/drawing.js";
import { drawRegions } from "../frontend/regions.js";

export function draw(context, session, toPixel, size) {
  const options = { showConfidence: session.state.show_confidence, opacity: session.failed.regions ? 0.35 : 1 };
  drawRegions(context, session.frame, session.setup, size, options);
  drawAxes(context, size);
  drawProbe(context, session, toPixel, size);
  drawPoints(context, session, toPixel, size, new Set(session.probe?.neighbors ?? []));
}

// Lines from a place to the points that vote there, and the ball of the metric that just holds them.
function drawProbe(context, session, toPixel, size) {
  const { place, probe, state, setup } = session;
  if (!place) return;
  const [x, y] = toPixel(place);
  if (probe?.neighbors) {
    const voters = probe.neighbors.map((index) => state.points[index]).filter(Boolean);
    if (setup.controls.includes("metric")) drawBall(context, state.metric, place, voters, [x, y], size);
    context.lineWidth = 1.75;
    context.strokeStyle = INK;
    context.beginPath();
    for (const voter of voters) {
      context.moveTo(x, y);
      context.lineTo(...toPixel(voter));
    }
    context.stroke();
  }
  drawCross(context, [x, y]);
}

function drawBall(context, metric, place, voters, [x, y], size) {
  const apart = ([a, b]) => [Math.abs(a - place[0]), Math.abs(b - place[1])];
  const length = metric === "l1" ? ([a, b]) => a + b : ([a, b]) => Math.hypot(a, b);
  const radius = (Math.max(0, ...voters.map((voter) => length(apart(voter)))) * size) / 2;
  context.beginPath();
  if (metric === "l2") context.arc(x, y, radius, 0, 2 * Math.PI);
  else for (const [a, b] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + a * radius, y + b * radius);
  context.closePath();
  context.fillStyle = "rgb(255 255 255 / 0.28)";
  context.fill();
  context.strokeStyle = "rgb(31 36 48 / 0.7)";
  context.lineWidth = 1.25;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}
