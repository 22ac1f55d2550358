// The state of a widget, its history, and the conversation with Python; all views of one widget share a Session.
//
// A request takes the state to Python and asks for `parts`, which a widget's own Session names: Python answers with
// them in its reply, and `take` receives them.

const HISTORY = 200;
const BUSY_AFTER = 1500; // milliseconds without an answer before the widget says that it waits

export class Session {
  parts = []; // what a request may ask for
  outcome = []; // those that follow from the state, so that every edit asks for them

  constructor(model) {
    this.model = model;
    this.setup = model.get("_setup");
    this.state = this.setup.initial;
    this.client = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.views = new Set();
    this.past = [];
    this.future = [];
    this.failed = {}; // errors in Python, by part
    this.refused = null; // why what was typed cannot be used
    this.printed = "";
    this.link = "";
    this.revision = 0; // of changes made in Python
    this.sequence = 0;
    this.inFlight = 0; // sequence number of the one request that Python has not answered
    this.answered = 0;
    this.wants = { parts: new Set() };
    this.drafting = false; // whether the last outcome asked for may be coarse
    this.waiting = [];
    model.on("msg:custom", (message, buffers) => this.receive(message, buffers));
  }

  // Asks for the first picture.
  start() {
    this.ask({ parts: this.outcome });
  }

  // Changes the state here and now; the outcome follows. Edits with the same `step` are undone together, `draft`
  // is for edits that come thick and fast, and `omit` names entries that Python shall make anew.
  edit(change, { step = null, draft = false, omit = [], parts = this.outcome } = {}) {
    this.remember(step);
    // What Python has yet to make anew is not sent as it was before.
    const due = [...(this.wants.omit ?? []), ...((this.inFlight && this.sent.omit) || [])];
    this.show({ ...this.state, ...change });
    this.ask({ state: true, omit: [...due.filter((name) => !(name in change)), ...omit], parts, draft });
  }

  // Makes the present state one that undo returns to, unless it belongs to the same step as the last.
  remember(step = null) {
    if (step === null || step !== this.step) {
      this.past = [...this.past, this.state].slice(-HISTORY);
      this.future = [];
    }
    this.step = step;
  }

  // The gesture is over: the next edit is a new step, and the outcome becomes fine again.
  rest() {
    this.step = null;
    if (this.drafting) this.ask({ parts: this.outcome });
  }

  get error() {
    return Object.values(this.failed).find(Boolean) ?? null;
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
    this.show(from.pop());
    this.ask({ state: true, parts: this.outcome });
    return true;
  }

  reset() {
    this.edit(this.setup.initial);
  }

  show(state) {
    this.state = state;
    this.notify();
  }

  ask({ state = false, omit = [], parts = [], draft = false }) {
    if (state) this.since = performance.now();
    if (state) this.wants.omit = omit;
    if (parts.some((part) => this.outcome.includes(part))) this.drafting = this.wants.draft = draft;
    this.wants.state ||= state;
    for (const part of parts) this.wants.parts.add(part);
    this.pump();
  }

  // One request at a time: while Python computes, newer states replace each other here.
  pump() {
    const wants = this.wants;
    if (this.inFlight || !(wants.state || wants.parts.size)) return;
    this.inFlight = ++this.sequence;
    this.sent = { ...wants, since: this.since };
    this.model.send({
      type: "request",
      client: this.client,
      sequence: this.sequence,
      revision: this.revision,
      state: wants.state ? this.without(wants.omit) : null,
      draft: Boolean(wants.draft),
      ...Object.fromEntries([...wants.parts].map((part) => [part, this.question(part)])),
    });
    this.wants = { parts: new Set() };
    for (const view of this.views) view.mark();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.busy = true;
      this.notify();
    }, BUSY_AFTER);
  }

  without(names) {
    return Object.fromEntries(Object.entries(this.state).filter(([name]) => !names.includes(name)));
  }

  // What a request says of a part that it asks for.
  question() {
    return true;
  }

  receive(message, buffers) {
    if (message.type === "state") this.follow(message);
    else if (message.type !== "reply") this.hear(message, buffers);
    else if (message.client !== this.client) this.overhear(message, buffers);
    else if (message.sequence > this.answered) this.accept(message, buffers); // older answers are stale
  }

  // What Python says of its own accord, of a type that a widget's own Session knows.
  hear() {}

  // Python's own code changed the state.
  follow({ state, revision }) {
    this.revision = revision;
    this.past = [...this.past, this.state].slice(-HISTORY);
    this.wants.state = false;
    this.show(state);
    this.since = performance.now();
    this.ask({ parts: this.outcome });
  }

  // Another window shows the same widget; what it did holds here as well.
  overhear(message, buffers) {
    if (this.wants.state || message.revision !== this.revision) return;
    this.take(message, buffers, false);
    if (JSON.stringify(message.state) !== JSON.stringify(this.state)) this.show(message.state);
    this.notify();
  }

  accept(message, buffers) {
    this.answered = message.sequence;
    this.inFlight = 0;
    clearTimeout(this.timer);
    this.busy = false;
    this.revision = message.revision;
    if (!this.wants.state) this.agree(message.state);
    if (message.link) this.link = message.link;
    this.printed = message.printed;
    for (const part of ["state", ...this.sent.parts]) this.failed[part] = null;
    if (message.error) this.failed[message.error.part] = message.error;
    const painted = this.take(message, buffers, true);
    const { since, draft } = this.sent;
    if (painted) requestAnimationFrame(() => this.notify({ since, draft: Boolean(draft), ...painted }));
    else this.notify();
    this.pump();
    for (const view of this.views) view.mark();
    if (!this.inFlight) this.waiting.splice(0).forEach((resolve) => resolve());
  }

  // Python's version of the state, completed and rounded.
  agree(state) {
    this.state = state;
  }

  // Python's own answer to what this window asked for: why it is refused, or null. Undo shall not lead to what was
  // never there.
  refuse(refused) {
    this.refused = refused ?? null;
    if (this.refused && JSON.stringify(this.past.at(-1)) === JSON.stringify(this.state)) this.past.pop();
  }

  // Keeps the parts that a reply brings; `own` says whether it answers this window's request. Returns what the
  // `redraw` event shall say of a picture that is now to be drawn, or nothing.
  take() {}

  settled() {
    const idle = !this.inFlight && !this.wants.state && this.link;
    return idle ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  notify(painted = null) {
    for (const view of this.views) view.update(painted);
  }
}
