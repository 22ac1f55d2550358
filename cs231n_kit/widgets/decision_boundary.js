// The browser's half of DecisionBoundary (decision_boundary.py has the other half).
//
// Session   the state, its history, and the conversation with Python; shared by all views of one widget
// draw...   the picture, from regions to points
// Plot      pointer and keyboard on the canvas
// Panel     controls and the vote's read-out

const HISTORY = 200;
const BUSY_AFTER = 1500; // milliseconds without an answer before the widget says that it waits
const TIE = 255;
const INK = "#1f2430";

// Shapes of radius about 1 around the origin, for canvas and SVG alike.
const STAR = Array.from({ length: 10 }, (_, i) => {
  const radius = i % 2 ? 0.58 : 1.35;
  const angle = (Math.PI * i) / 5;
  return `${i ? "L" : "M"}${(radius * Math.sin(angle)).toFixed(3)} ${(-radius * Math.cos(angle)).toFixed(3)}`;
}).join("");
const SHAPES = {
  circle: "M1 0A1 1 0 1 1 -1 0A1 1 0 1 1 1 0Z",
  square: "M-.88 -.88H.88V.88H-.88Z",
  triangle: "M0 -1.2L1.12 .8H-1.12Z",
  diamond: "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",
  star: `${STAR}Z`,
  plus: "M-.42 -1.15H.42V-.42H1.15V.42H.42V1.15H-.42V.42H-1.15V-.42H-.42Z",
};

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const rounded = (value) => Math.round(clamp(value, -1, 1) * 1000) / 1000;
const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
const placeText = ([x, y]) => `(${number(x)}, ${number(y)})`;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/* ------------------------------------------------------------------ Session */

class Session {
  constructor(model) {
    this.model = model;
    this.setup = model.get("_setup");
    this.state = this.setup.initial;
    this.client = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.views = new Set();
    this.past = [];
    this.future = [];
    this.selected = -1;
    this.brush = 0; // the class of the next point
    this.frame = null; // { resolution, labels, confidence, image }
    this.failed = { regions: null, probe: null }; // the classifier's errors
    this.printed = "";
    this.link = "";
    this.probe = null; // Python's answer about `place`
    this.place = null; // where the pointer rests, or the keyboard's cross
    this.revision = 0; // of changes made in Python
    this.sequence = 0;
    this.inFlight = 0; // sequence number of the one request that Python has not answered
    this.answered = 0;
    this.wants = { state: false, points: true, regions: true, probe: false, draft: false };
    this.drafting = false; // whether the last regions asked for may be coarse
    this.waiting = [];
    model.on("msg:custom", (message, buffers) => this.receive(message, buffers));
    this.pump();
  }

  // Changes the state here and now; the regions follow. Edits with the same `step` are undone together.
  edit(change, { step = null, draft = false, regenerate = false, regions = true } = {}) {
    if (step === null || step !== this.step) {
      this.past = [...this.past, this.state].slice(-HISTORY);
      this.future = [];
    }
    this.step = step;
    this.show({ ...this.state, ...change });
    this.ask({ state: true, points: !regenerate, regions, draft });
  }

  // The gesture is over: the next edit is a new step, and the regions become fine again.
  rest() {
    this.step = null;
    if (this.drafting) this.ask({ regions: true });
  }

  get error() {
    return this.failed.regions ?? this.failed.probe;
  }

  undo() {
    return this.travel(this.past, this.future);
  }

  redo() {
    return this.travel(this.future, this.past);
  }

  travel(from, to) {
    if (!from.length) return false;
    to.push(this.state);
    this.step = null;
    this.selected = -1;
    this.show(from.pop());
    this.ask({ state: true, points: true, regions: true });
    return true;
  }

  show(state) {
    if (state.points.length !== this.state.points.length) this.probe = null;
    this.state = state;
    this.selected = Math.min(this.selected, state.points.length - 1);
    this.brush = Math.min(this.brush, state.classes - 1);
    if (this.place) this.wants.probe = true;
    this.notify();
  }

  look(place) {
    this.place = place;
    if (place) this.ask({ probe: true });
    else this.probe = this.failed.probe = null;
    this.notify();
  }

  ask(wants) {
    if (wants.state) this.since = performance.now();
    if (wants.state) this.wants.points = wants.points;
    if (wants.regions) this.drafting = this.wants.draft = Boolean(wants.draft);
    for (const name of ["state", "regions", "probe"]) this.wants[name] ||= Boolean(wants[name]);
    this.pump();
  }

  // One request at a time: while Python computes, newer positions replace each other here.
  pump() {
    const wants = this.wants;
    if (this.inFlight || !(wants.state || wants.regions || wants.probe)) return;
    const { points, labels, ...settings } = this.state;
    this.inFlight = ++this.sequence;
    this.sent = { ...wants, since: this.since };
    this.model.send({
      type: "request",
      client: this.client,
      sequence: this.sequence,
      revision: this.revision,
      state: wants.state ? (wants.points ? this.state : settings) : null,
      regions: wants.regions,
      draft: wants.draft,
      probe: wants.probe ? this.place : null,
    });
    this.wants = { state: false, points: true, regions: false, probe: false, draft: false };
    for (const view of this.views) view.mark();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.busy = true;
      this.notify();
    }, BUSY_AFTER);
  }

  receive(message, buffers) {
    if (message.type === "state") this.follow(message);
    else if (message.type !== "reply") return;
    else if (message.client !== this.client) this.overhear(message, buffers);
    else if (message.sequence > this.answered) this.accept(message, buffers); // older answers are stale
  }

  // Python's own code changed the state.
  follow({ state, revision }) {
    this.revision = revision;
    this.past = [...this.past, this.state].slice(-HISTORY);
    this.selected = -1;
    this.wants.state = false;
    this.show(state);
    this.since = performance.now();
    this.ask({ regions: true });
  }

  // Another window shows the same widget; what it did holds here as well.
  overhear(message, buffers) {
    if (this.wants.state || message.revision !== this.revision) return;
    if (message.resolution) this.frame = this.readFrame(message, buffers[0]);
    if (JSON.stringify(message.state) !== JSON.stringify(this.state)) this.show(message.state);
    this.notify();
  }

  accept(message, buffers) {
    this.answered = message.sequence;
    this.inFlight = 0;
    clearTimeout(this.timer);
    this.busy = false;
    this.revision = message.revision;
    if (!this.wants.state) {
      const replaced = message.state.points.length !== this.state.points.length;
      if (replaced) this.selected = -1;
      this.state = message.state;
    }
    if (message.link) this.link = message.link;
    this.printed = message.printed;
    for (const part of ["regions", "probe"])
      if (this.sent[part]) this.failed[part] = message.error?.part === part ? message.error : null;
    if (!this.place) this.failed.probe = null; // the pointer has left meanwhile
    if (message.resolution === 0) this.frame = null;
    if (message.resolution) this.frame = this.readFrame(message, buffers[0]);
    if (message.probe && this.failed.regions && !this.sent.regions) this.wants.regions = true; // try again
    if (message.probe && this.place && !this.wants.state) this.probe = message.probe;
    const { since, draft } = this.sent;
    const { frame } = this;
    if (message.resolution) requestAnimationFrame(() => this.notify({ since, draft, frame }));
    else this.notify();
    this.pump();
    for (const view of this.views) view.mark();
    if (!this.inFlight) this.waiting.splice(0).forEach((resolve) => resolve());
  }

  readFrame({ resolution }, buffer) {
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    const cells = resolution * resolution;
    return { resolution, labels: bytes.slice(0, cells), confidence: bytes.slice(cells) };
  }

  settled() {
    const idle = !this.inFlight && !this.wants.state && this.link;
    return idle ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  notify(painted = null) {
    for (const view of this.views) view.update(painted);
  }
}

/* ------------------------------------------------------------------ Drawing */

const colorParts = (color) => [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));

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

function drawRegions(context, session, size) {
  const { frame, state, setup } = session;
  context.fillStyle = frame ? "#fff" : "#eceef2"; // white is for tied votes
  context.fillRect(0, 0, size, size);
  if (!frame) return;
  if (!frame.image || frame.shaded !== state.show_confidence) {
    frame.image = paintRegions(frame, setup, state.show_confidence);
    frame.shaded = state.show_confidence;
  }
  context.save();
  context.globalAlpha = session.failed.regions ? 0.35 : 1;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(frame.image, 0, 0, size, size);
  context.restore();
}

function drawAxes(context, size) {
  context.strokeStyle = "rgb(31 36 48 / 0.14)";
  context.lineWidth = 1;
  context.beginPath();
  for (const at of [0.25, 0.5, 0.75]) {
    const line = Math.round(size * at) + 0.5;
    context.moveTo(line, 0);
    context.lineTo(line, size);
    context.moveTo(0, line);
    context.lineTo(size, line);
  }
  context.stroke();
  context.fillStyle = "rgb(31 36 48 / 0.6)";
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  for (const value of [-0.5, 0, 0.5]) {
    context.fillText(number(value, 1), (size * (value + 1)) / 2, size - 6);
    if (value) context.fillText(number(value, 1), 16, (size * (1 - value)) / 2 - 4);
  }
  context.font = "italic 15px Georgia, serif";
  context.fillText("x₁", size - 14, size - 8);
  context.fillText("x₂", 14, 18);
}

function drawShape(context, shape, [x, y], radius, { fill, stroke, width }) {
  context.save();
  context.translate(x, y);
  context.scale(radius, radius);
  const path = new Path2D(SHAPES[shape]);
  context.lineJoin = "round";
  if (stroke) {
    context.strokeStyle = stroke;
    context.lineWidth = width / radius;
    context.stroke(path);
  }
  if (fill) {
    context.fillStyle = fill;
    context.fill(path);
  }
  context.restore();
}

function drawPoints(context, session, toPixel, radius) {
  const { state, setup, selected, probe } = session;
  const voters = new Set(probe?.neighbors ?? []);
  state.points.forEach((point, index) => {
    const at = toPixel(point);
    const shape = setup.shapes[state.labels[index]];
    const fill = setup.colors[state.labels[index]];
    const large = index === selected || voters.has(index) ? radius * 1.25 : radius;
    if (index === selected) drawShape(context, "circle", at, radius + 7, { stroke: INK, width: 2.5 });
    if (voters.has(index)) drawShape(context, shape, at, large, { stroke: INK, width: 7.5 });
    else drawShape(context, shape, at, large, { stroke: "rgb(31 36 48 / 0.35)", width: 6 });
    drawShape(context, shape, at, large, { fill, stroke: "#fff", width: 4 });
  });
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
  context.lineWidth = 2;
  for (const [style, grow] of [["#fff", 1.5], [INK, 0]]) {
    context.strokeStyle = style;
    context.lineWidth = 2 + 2 * grow;
    context.beginPath();
    context.moveTo(x - 7 - grow, y);
    context.lineTo(x + 7 + grow, y);
    context.moveTo(x, y - 7 - grow);
    context.lineTo(x, y + 7 + grow);
    context.stroke();
  }
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

/* --------------------------------------------------------------------- Plot */

const GRASP = { mouse: 11, pen: 14, touch: 24 }; // pixels around a point that count as the point
const SLACK = 3; // pixels that a press may wander and still be a click

class Plot {
  constructor(session, announce, helpId) {
    this.session = session;
    this.announce = announce;
    this.canvas = element("canvas", {
      class: "plot",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "scatter plot",
      "aria-describedby": helpId,
      onpointerdown: (event) => this.press(event),
      onpointermove: (event) => this.move(event),
      onpointerup: (event) => this.release(event),
      onpointercancel: (event) => this.cancel(event),
      onpointerleave: () => this.drag || this.session.look(null),
      onkeydown: (event) => this.key(event),
      onblur: () => this.session.look(null),
    });
    // A finger drags a point but scrolls the page from anywhere else.
    this.canvas.addEventListener(
      "touchstart",
      (event) => this.nearest(this.inside(event.touches[0]), GRASP.touch) >= 0 && event.preventDefault(),
      { passive: false },
    );
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.canvas);
  }

  resize() {
    this.size = this.canvas.clientWidth;
    this.density = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.height = Math.round(this.size * this.density);
    this.draw();
  }

  update() {
    this.pending ??= requestAnimationFrame(() => {
      this.pending = null;
      this.draw();
    });
    const { probe, selected } = this.session;
    if (!this.keyed || !probe || probe === this.told) return;
    this.told = probe;
    const where = selected < 0 ? placeText(probe.place) : this.described(selected);
    this.announce(`${where}: ${verdictText(probe)}`);
  }

  draw() {
    if (!this.size) return;
    if (this.density !== window.devicePixelRatio) return void this.resize();
    const context = this.canvas.getContext("2d");
    const { session, size } = this;
    const toPixel = ([x, y]) => [((x + 1) / 2) * size, ((1 - y) / 2) * size];
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    drawRegions(context, session, size);
    drawAxes(context, size);
    drawProbe(context, session, toPixel, size);
    drawPoints(context, session, toPixel, clamp(size / 80, 4.5, 8));
    const { points, classes } = session.state;
    this.canvas.setAttribute("aria-label", `Decision boundary with ${points.length} points in ${classes} classes`);
  }

  inside(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left - this.canvas.clientLeft, event.clientY - box.top - this.canvas.clientTop];
  }

  toPlane([x, y]) {
    return [rounded((2 * x) / this.size - 1), rounded(1 - (2 * y) / this.size)];
  }

  // Index of the point within reach of a pixel, or -1; of several, the nearest, and of those the topmost.
  nearest([x, y], reach) {
    let found = -1;
    let least = reach;
    this.session.state.points.forEach((point, index) => {
      const distance = Math.hypot(((point[0] + 1) / 2) * this.size - x, ((1 - point[1]) / 2) * this.size - y);
      if (distance <= least) [found, least] = [index, distance];
    });
    return found;
  }

  press(event) {
    if (event.button !== 0 || this.drag) return;
    const { session } = this;
    const start = this.inside(event);
    const index = this.nearest(start, GRASP[event.pointerType] ?? GRASP.mouse);
    if (event.shiftKey) {
      if (index >= 0) this.remove(index);
      return;
    }
    this.keyed = false;
    this.canvas.setPointerCapture(event.pointerId);
    session.look(null);
    this.drag = { id: event.pointerId, start, index, moved: false, step: `drag ${event.timeStamp}` };
    if (index >= 0) {
      session.selected = index;
      const [x, y] = session.state.points[index];
      this.drag.grip = [((x + 1) / 2) * this.size - start[0], ((1 - y) / 2) * this.size - start[1]];
    } else if (event.pointerType !== "touch") {
      this.add(this.toPlane(start), this.drag.step);
      this.drag = { ...this.drag, index: session.selected, grip: [0, 0] };
    }
    this.canvas.style.cursor = "grabbing";
    session.notify();
  }

  move(event) {
    const at = this.inside(event);
    if (!this.drag) {
      this.canvas.style.cursor = this.nearest(at, GRASP.mouse) >= 0 ? "grab" : "crosshair";
      if (event.pointerType !== "touch") this.session.look(this.toPlane(at));
      return;
    }
    const { drag, session } = this;
    if (event.pointerId !== drag.id || drag.index < 0) return;
    drag.moved ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > SLACK;
    if (!drag.moved || !session.state.points[drag.index]) return;
    this.place(drag.index, this.toPlane([at[0] + drag.grip[0], at[1] + drag.grip[1]]), drag.step, true);
  }

  release(event) {
    if (event.pointerId !== this.drag?.id) return;
    const { index, start } = this.drag;
    this.drag = null;
    if (index < 0) this.add(this.toPlane(start)); // a tap
    this.canvas.style.cursor = "grab";
    this.session.rest();
  }

  cancel(event) {
    if (event.pointerId !== this.drag?.id) return;
    this.drag = null;
    this.session.rest();
  }

  add(place, step = null) {
    const { session } = this;
    const { points, labels } = session.state;
    if (points.length >= 500) return this.announce("There are 500 points, which is the most there can be.");
    session.edit({ points: [...points, place], labels: [...labels, session.brush] }, { step });
    session.selected = points.length;
    session.notify();
    this.announce(`Added ${this.described(points.length)}`);
  }

  remove(index) {
    const { session } = this;
    if (index < 0) return;
    const without = (list) => list.filter((_, other) => other !== index);
    const text = this.described(index);
    session.selected = -1;
    session.edit({ points: without(session.state.points), labels: without(session.state.labels) });
    this.announce(`Removed ${text}`);
  }

  place(index, place, step, draft) {
    const points = this.session.state.points.slice();
    points[index] = place;
    this.session.edit({ points }, { step, draft });
  }

  described(index) {
    const { points, labels } = this.session.state;
    return `point ${index + 1} of ${points.length}, class ${labels[index]}, at ${placeText(points[index])}`;
  }

  key(event) {
    const { session } = this;
    this.keyed = true;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (command && (key === "z" || key === "y")) {
      const back = key === "z" && !event.shiftKey;
      const done = back ? session.undo() : session.redo();
      this.announce(done ? (back ? "Undone" : "Done again") : "Nothing more to undo");
    } else if (command || event.altKey) return;
    else if (ARROWS[key]) this.step(ARROWS[key], event.shiftKey ? 0.1 : 0.02);
    else if (key === "]" || key === "n") this.select(1);
    else if (key === "[" || key === "p") this.select(-1);
    else if (key === "Delete" || key === "Backspace") this.removeSelected();
    else if (key === "Enter" || key === "a") this.addHere();
    else if (key === "Escape") this.deselect();
    else if (key === "c") this.recolor();
    else if (/^[1-6]$/.test(key)) this.choose(Number(key) - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  step([across, up], length) {
    const { session } = this;
    const index = session.selected;
    const [x, y] = session.state.points[index] ?? session.place ?? [0, 0];
    const place = [rounded(x + across * length), rounded(y + up * length)];
    session.look(place);
    if (index < 0) return;
    this.place(index, place, `step ${index}`, false);
  }

  select(way) {
    const { session } = this;
    const count = session.state.points.length;
    if (!count) return;
    session.step = null;
    session.selected = session.selected < 0 ? (way > 0 ? 0 : count - 1) : (session.selected + way + count) % count;
    session.look(session.state.points[session.selected]);
    this.announce(this.described(session.selected));
  }

  removeSelected() {
    const { session } = this;
    if (session.selected < 0) return this.announce("No point is selected");
    const next = Math.min(session.selected, session.state.points.length - 2);
    this.remove(session.selected);
    session.selected = next;
    session.look(session.state.points[next] ?? null);
  }

  addHere() {
    const { session } = this;
    const selected = session.state.points[session.selected];
    this.add(selected ? selected.map((value) => rounded(value + 0.06)) : (session.place ?? [0, 0]));
    session.look(session.state.points[session.selected]);
  }

  deselect() {
    const { session } = this;
    session.selected = -1;
    session.look(session.place ?? [0, 0]);
    this.announce("No point selected; the arrows move the cross, Enter adds a point there");
  }

  recolor() {
    const { session } = this;
    if (session.selected < 0) return this.announce("No point is selected");
    const labels = session.state.labels.slice();
    labels[session.selected] = session.brush;
    session.edit({ labels });
    this.announce(this.described(session.selected));
  }

  choose(label) {
    if (label >= this.session.state.classes) return;
    this.session.brush = label;
    this.session.notify();
    this.announce(`New points get class ${label}`);
  }
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/* -------------------------------------------------------------------- Panel */

let panels = 0;

function swatch(setup, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.6 -1.6 3.2 3.2");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[setup.shapes[label]]);
  path.setAttribute("fill", setup.colors[label]);
  svg.append(path);
  return svg;
}

// One of a few values, all in view; the arrow keys move between them.
function choice(title, options, read, write) {
  const name = `cs231n-choice-${++panels}`;
  const inputs = options.map(({ value, hint }) =>
    element("input", { type: "radio", name, value, "aria-label": hint ?? false, onchange: () => write(value) }),
  );
  const labels = options.map(({ text, hint }, i) => element("label", { title: hint ?? false }, inputs[i], text));
  const node = element("fieldset", { class: "choice" }, element("legend", {}, title), element("div", {}, ...labels));
  const update = () => {
    inputs.forEach((input, i) => (input.checked = options[i].value === read()));
    options.forEach(({ hidden }, i) => (labels[i].hidden = hidden?.() ?? false));
  };
  return { node, update };
}

function slider(title, range, step, read, write, rest) {
  const value = element("output", {});
  const [min, max] = range;
  const input = element("input", { type: "range", min, max, step, "aria-label": title });
  input.addEventListener("input", () => write(Number(input.value)));
  input.addEventListener("change", rest);
  const node = element("label", { class: "slider" }, element("span", {}, title), input, value);
  const update = () => {
    if (Number(input.value) !== read()) input.value = read();
    value.textContent = step < 1 ? number(read()) : read();
  };
  return { node, update };
}

function dataControls(session) {
  const { setup } = session;
  const names = { blobs: "Blobs", circles: "Circles", spiral: "Spiral", moons: "Moons", xor: "XOR" };
  const presets = setup.presets.map((value) => ({ value, text: names[value] ?? value }));
  const [fewest, most] = setup.ranges.classes;
  const counts = Array.from({ length: most - fewest + 1 }, (_, i) => ({ value: fewest + i, text: `${fewest + i}` }));
  const draw = (change, options = {}) => {
    session.selected = -1;
    session.edit(change, { regenerate: true, ...options });
  };
  return [
    choice("Data", presets, () => session.state.preset, (preset) => draw({ preset })),
    choice("Classes", counts, () => session.state.classes, (classes) => draw({ classes })),
    slider("Noise", setup.ranges.noise, 0.01, () => session.state.noise,
      (noise) => draw({ noise }, { step: "noise", draft: true }), () => session.rest()),
  ];
}

function classifierControls(session) {
  const { setup } = session;
  const controls = [];
  if (setup.controls.includes("k"))
    controls.push(slider("k", setup.ranges.k, 1, () => session.state.k,
      (k) => session.edit({ k }, { step: "k", draft: true }), () => session.rest()));
  if (setup.controls.includes("metric")) {
    const hints = { l1: "L1: sum of absolute differences", l2: "L2: Euclidean distance" };
    const metrics = setup.metrics.map((value) => ({ value, text: value.toUpperCase(), hint: hints[value] }));
    controls.push(choice("Distance", metrics, () => session.state.metric, (metric) => session.edit({ metric })));
  }
  const input = element("input", {
    type: "checkbox",
    onchange: () => session.edit({ show_confidence: input.checked }, { regions: false }),
  });
  const node = element("label", { class: "check" }, input, "Show confidence as shade");
  controls.push({ node, update: () => (input.checked = session.state.show_confidence) });
  return controls;
}

function brushControl(session) {
  const { setup } = session;
  const options = setup.colors.map((_, label) => {
    const text = element("span", {}, swatch(setup, label), String(label));
    const hint = `New points get class ${label} (key ${label + 1})`;
    return { value: label, text, hint, hidden: () => label >= session.state.classes };
  });
  const write = (label) => {
    session.brush = label;
    session.notify();
  };
  const control = choice("Click adds a point of class", options, () => session.brush, write);
  control.node.classList.add("brush");
  return control;
}

function toolbar(session, plot, announce) {
  const button = (text, hint, act) => element("button", { type: "button", title: hint, onclick: act }, text);
  const undo = button("Undo", "Undo (Ctrl+Z)", () => session.undo());
  const redo = button("Redo", "Redo (Ctrl+Shift+Z)", () => session.redo());
  const remove = button("Remove", "Remove the selected point (Delete)", () => plot.removeSelected());
  const sample = button("New sample", "Draw new points from the same preset", () => {
    session.selected = -1;
    session.edit({ seed: (session.state.seed + 1) % 2 ** 31 }, { regenerate: true });
  });
  const reset = button("Reset", "Back to how the widget started", () => {
    session.selected = -1;
    session.edit(session.setup.initial);
  });
  const copied = element("input", { class: "copied", readonly: true, hidden: true, "aria-label": "State as text" });
  const copy = button("Copy state", "Copy the state as text; DecisionBoundary(state=...) shows it again", async () => {
    await session.settled();
    try {
      await navigator.clipboard.writeText(session.link);
      announce('State copied: paste it into DecisionBoundary(state="…")');
    } catch {
      // No clipboard without https: offer the text itself.
      Object.assign(copied, { hidden: false, value: session.link });
      copied.select();
      announce('Copy the marked text: DecisionBoundary(state="…") shows this state again');
    }
  });
  const node = element("div", { class: "toolbar", role: "group", "aria-label": "Edit" },
    undo, redo, remove, sample, reset, copy, copied);
  const update = () => {
    undo.disabled = !session.past.length;
    redo.disabled = !session.future.length;
    remove.disabled = session.selected < 0;
  };
  return { node, update };
}

const verdictText = ({ tied, label }) => (tied ? "tied vote" : `class ${label}`);

// Who votes at the pointer: the label, a bar of the votes, and the neighbours' distances.
function readout(session) {
  const node = element("section", { class: "readout", "aria-label": "Vote at the pointer" });
  let shown;
  const update = () => {
    const { place, setup } = session;
    const probe = place ? session.probe : null;
    node.hidden = Boolean(session.error);
    if (probe === shown || (place && !probe)) return;
    shown = probe;
    if (!probe) {
      return node.replaceChildren(element("p", { class: "hint" }, "Rest the pointer on the plot to see who votes there."));
    }
    const icon = probe.tied ? "" : swatch(setup, probe.label);
    const heading = element("p", { class: "verdict" }, icon, element("b", {}, verdictText(probe)), ` at ${placeText(probe.place)}`);
    node.replaceChildren(heading, ...voteBars(session), ...distanceLine(probe));
  };
  return { node, update };
}

function voteBars({ probe, state, setup }) {
  const { votes, text } = countVotes(probe, state);
  if (!votes) return [];
  const total = votes.reduce((sum, vote) => sum + vote, 0);
  const parts = votes.map((vote, label) => {
    if (!vote) return "";
    const style = `flex: ${vote / total}; background: ${setup.colors[label]}`;
    return element("span", { style, title: `class ${label}: ${text(vote)}` }, text(vote));
  });
  return [element("div", { class: "votes" }, ...parts)];
}

// Votes are counted where the neighbours are known, else shares or scores are shown as they are.
function countVotes({ neighbors, scores }, { labels, classes }) {
  if (neighbors) {
    const votes = Array(classes).fill(0);
    for (const index of neighbors) votes[labels[index]] += 1;
    return { votes, text: (vote) => String(vote) };
  }
  const shares = scores?.every((score) => score >= 0) && Math.abs(scores.reduce((a, b) => a + b, 0) - 1) < 1e-6;
  return shares ? { votes: scores, text: (share) => `${Math.round(100 * share)}%` } : {};
}

function distanceLine({ neighbors, distances, scores }) {
  if (!neighbors) return scores ? [element("p", {}, `scores ${scores.map((s) => number(s)).join(" · ")}`)] : [];
  const shown = distances.slice(0, 6).map((distance) => number(distance)).join(" · ");
  const more = distances.length > 6 ? " · …" : "";
  const what = distances.length === 1 ? "nearest point, distance" : `${distances.length} nearest points, distances`;
  return [element("p", {}, `${what} ${shown}${more}`)];
}

// An error of the classifier, in words, with the line it came from.
function notices(session) {
  const error = element("div", { class: "error", role: "alert", hidden: true });
  const busy = element("p", { class: "busy", hidden: true },
    "Waiting for Python: it is busy with another cell. If the kernel was restarted, run this cell again.");
  const printed = element("pre", {});
  const output = element("details", { class: "printed", hidden: true }, element("summary", {}, "Printed by the classifier"), printed);
  let shown = null;
  const update = () => {
    busy.hidden = !session.busy;
    output.hidden = !session.printed;
    if (printed.textContent !== session.printed) printed.textContent = session.printed;
    const text = JSON.stringify(session.error);
    if (text === shown) return;
    shown = text;
    error.hidden = !session.error;
    error.replaceChildren(...(session.error ? errorText(session.error, session.frame) : []));
  };
  return { node: element("div", { class: "notices" }, error, busy, output), update };
}

function errorText({ part, type, message, function: name, line, source }, frame) {
  const parts = [element("p", {}, element("b", {}, `${type}: `), message)];
  if (source) {
    const where = name === "<module>" ? `line ${line}` : `${name}, line ${line}`;
    parts.push(element("p", { class: "where" }, `in ${where}`), element("pre", {}, source));
  }
  const hint = "The regions are the last that worked; they come back with the next good answer.";
  return part === "regions" && frame ? [...parts, element("p", { class: "hint" }, hint)] : parts;
}

function helpText(id) {
  const keys = [
    ["Drag", "move a point"],
    ["Click", "add a point"],
    ["Shift-click", "remove a point"],
    ["[  ]", "select the previous or next point"],
    ["Arrows", "move the selected point (Shift: further), or the cross"],
    ["Enter", "add a point at the cross or beside the selected point"],
    ["Delete", "remove the selected point"],
    ["1 to 6", "choose the class of new points"],
    ["C", "give the selected point that class"],
    ["Esc", "select nothing"],
    ["Ctrl+Z", "undo; with Shift redo"],
  ];
  const rows = keys.flatMap(([key, text]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)]);
  return element("details", { class: "help" }, element("summary", {}, "Mouse and keys"), element("dl", { id }, ...rows));
}

class View {
  constructor(session, el) {
    const helpId = `cs231n-help-${++panels}`;
    this.session = session;
    this.status = element("p", { class: "status", role: "status", "aria-live": "polite" });
    this.plot = new Plot(session, (text) => this.announce(text), helpId);
    this.parts = [
      ...dataControls(session),
      ...classifierControls(session),
      brushControl(session),
      notices(session),
      readout(session),
      toolbar(session, this.plot, (text) => this.announce(text)),
    ];
    const nodes = this.parts.map((part) => part.node);
    const tools = nodes.pop();
    this.root = element("div", { class: "cs231n-boundary" },
      element("div", { class: "stage" }, this.plot.canvas, tools, this.status),
      element("div", { class: "side" }, ...nodes, helpText(helpId)));
    // JupyterLab would otherwise delete the cell at "d d", and so on.
    for (const node of this.root.querySelectorAll("canvas, input, button, summary"))
      node.setAttribute("data-lm-suppress-shortcuts", "true");
    el.append(this.root);
    session.views.add(this);
    this.mark();
    this.update();
  }

  announce(text) {
    this.status.textContent = text;
  }

  mark() {
    this.root.setAttribute("aria-busy", Boolean(this.session.inFlight));
  }

  update(painted = null) {
    for (const part of this.parts) part.update();
    if (!painted) return this.plot.update();
    this.plot.draw();
    const detail = { ...painted, milliseconds: performance.now() - painted.since };
    this.root.dispatchEvent(new CustomEvent("redraw", { detail, bubbles: true }));
  }

  remove() {
    this.session.views.delete(this);
    this.plot.observer.disconnect();
  }
}

export default () => {
  let session;
  return {
    initialize({ model }) {
      session = new Session(model);
    },
    render({ el }) {
      const view = new View(session, el);
      return () => view.remove();
    },
  };
};
