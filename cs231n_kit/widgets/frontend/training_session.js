// A network that Python trains: what it is told to do, and frames of it, which come with answers and, while it trains,
// by themselves. The other side is live_widget.py.

const MOST_RECORDS = 1000;
const COMMAND = ["command", "frame"];

// A message's buffer as an array of numbers.
export const typedArray = ({ buffer, byteOffset, byteLength }, Type = Float32Array) =>
  new Type(buffer.slice(byteOffset, byteOffset + byteLength));

// Adds training to Session or PlaneSession. A widget's own class keeps what a frame brings in `takeFrame(frame, buffers)`,
// as `facts` or with a `running` of its own.
export const withTraining = (Base) => class extends Base {
  parts = [...COMMAND, "code"];
  outcome = ["frame"];
  history = []; // records, each of which begins with its step
  code = "";

  get running() {
    return this.facts.running;
  }

  command(name) {
    this.commanded = name;
    this.ask({ parts: COMMAND });
  }

  toggle() {
    this.command(this.running ? "pause" : "play");
  }

  // An edit after which the network begins again.
  editAndRestart(change, options = {}) {
    this.commanded = "restart";
    this.edit(change, { ...options, parts: COMMAND });
  }

  reset() {
    this.editAndRestart(this.setup.initial);
  }

  question(part) {
    return part === "command" ? this.commanded : super.question(part);
  }

  take({ frame, code }, buffers) {
    if (code) this.code = code;
    if (!frame) return null;
    this.takeFrame(frame, buffers);
    return { live: false };
  }

  // Python goes on training when this page has painted; a page that nobody looks at lets it wait.
  hear(message, buffers) {
    if (message.type !== "frame" || !this.views.size) return;
    const since = performance.now();
    this.takeFrame(message.frame, buffers);
    requestAnimationFrame(() => {
      this.notify({ since, draft: false, live: true });
      this.model.send({ type: "painted" });
    });
  }

  // Takes a frame's history; one without brings the latest record alone.
  takeHistory({ history, record }) {
    if (history) return void (this.history = history);
    const last = this.history.at(-1)?.[0] ?? -1;
    if (record[0] < last) this.history = [];
    if (record[0] === last) this.history.pop();
    this.history.push(record);
    if (this.history.length > MOST_RECORDS) this.history = this.history.filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
  }
};
