// The state, its history, and the conversation with Python; all views of one widget share a Session.

const HISTORY = 200;
const BUSY_AFTER = 1500; // milliseconds without an answer before the widget says that it waits

export class Session {
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
