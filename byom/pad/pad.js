// The page's side of the drawing pad. A drawing is a list of strokes, a stroke a list of points [x, y] in pixels of
// the pad. The kernel makes pixels of them; the page draws them by the same rule: round, and all of one width.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 10; // how far an arrow key moves the pen, in pixels of the pad
const NEAR = 2; // points of a stroke that are nearer to each other are one
const KEYS = "Arrow keys move the pen. Space puts it down and lifts it. Delete clears the pad. Tab leaves it.";
// The notebook's shortcuts act on cells: here "a" would add one, and Shift+Enter run this one again and empty the pad.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** An element of HTML or SVG with attributes and children. */
function element(space, tag, attributes, ...children) {
  const made = document.createElementNS(`http://www.w3.org/${space}`, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const html = (...parts) => element("1999/xhtml", ...parts);
const svg = (...parts) => element("2000/svg", ...parts);

class Pad {
  constructor(model, el) {
    Object.assign(this, model.get("_paper"), { model, stroke: null, pointer: null, penDown: false, alone: false });
    this.penAt = [this.side / 2, this.side / 2];
    this.lines = svg("g", { "stroke-width": this.pen });
    this.tip = svg("circle", { class: "byom-pad-tip", r: this.pen / 2 });
    this.sample = html("div", { class: "byom-pad-sample" });
    const picture = model.get("_sample_url");
    if (picture) this.sample.style.maskImage = `url(${picture})`;
    this.hasSample = Boolean(picture);
    this.paper = html("div", {
      class: "byom-pad-paper", tabindex: "0", role: "application", "aria-label": `Drawing pad. ${KEYS}`, ...OWN_KEYS,
    },
      this.sample,
      svg("svg", { viewBox: `0 0 ${this.side} ${this.side}`, "aria-hidden": "true" }, this.lines, this.tip));
    this.status = html("p", { class: "byom-pad-status", role: "status" });
    this.undoButton = html("button", { type: "button", ...OWN_KEYS }, "Undo");
    this.clearButton = html("button", { type: "button", ...OWN_KEYS }, "Clear");
    const root = html("div", { class: "byom-pad" },
      this.paper, this.status, // below: a line more or less of it must not move the paper while one draws
      html("div", { class: "byom-pad-buttons" }, this.undoButton, this.clearButton),
      html("p", { class: "byom-pad-keys", "aria-hidden": "true" }, KEYS));
    el.append(root);

    // a click must not make the pad's cell the active one: Shift+Enter would run it again, and the drawing be lost
    root.addEventListener("mousedown", (event) => { event.preventDefault(); event.stopPropagation(); });
    this.undoButton.addEventListener("click", () => this.undo());
    this.clearButton.addEventListener("click", () => this.clear());
    this.paper.addEventListener("pointerdown", (event) => this.onDown(event));
    this.paper.addEventListener("pointermove", (event) => this.onMove(event));
    this.paper.addEventListener("lostpointercapture", (event) => this.onUp(event)); // however it ends
    this.paper.addEventListener("keydown", (event) => this.onKey(event));
    this.paper.addEventListener("blur", () => this.lift());
    model.on("change:strokes", () => {
      if (!this.strokes.length) this.penDown = false; // cleared, perhaps by the kernel or in another view
      this.show();
    });
    model.on("msg:custom", ({ refused }) => this.show(`The drawing was not taken: ${refused}.`));
    this.show();
  }

  get strokes() {
    return this.model.get("strokes");
  }

  get full() {
    return this.strokes.reduce((count, stroke) => count + stroke.length, this.stroke?.length ?? 0) >= this.points;
  }

  /** Draw what there is, and say what that is, or some news. */
  show(news = this.summary()) {
    const strokes = this.stroke ? [...this.strokes, this.stroke] : this.strokes;
    this.lines.replaceChildren(...strokes.map((stroke) => svg("path", { d: path(stroke) })));
    const drawn = strokes.length > 0;
    const stored = !drawn && this.hasSample;
    this.sample.hidden = !stored;
    this.paper.classList.toggle("byom-pad-stored", stored);
    for (const button of [this.undoButton, this.clearButton]) button.setAttribute("aria-disabled", String(!drawn));
    this.tip.setAttribute("cx", this.penAt[0]);
    this.tip.setAttribute("cy", this.penAt[1]);
    this.tip.classList.toggle("byom-pad-down", this.penDown);
    if (this.status.textContent !== news) this.status.textContent = news;
  }

  summary() {
    if (this.alone) return "The kernel no longer knows this pad. Run its cell again.";
    if (this.full) return "The pad is full. Undo a stroke, or clear it.";
    const count = this.strokes.length + (this.stroke ? 1 : 0);
    if (count) return `Your drawing: ${count} stroke${count > 1 ? "s" : ""}.`;
    return this.hasSample ? "A stored sample. Draw to replace it." : "Draw a digit here.";
  }

  /** Make a drawing the pad's own, here and in the kernel. */
  keep(strokes) {
    this.model.set("strokes", strokes); // not save_changes: it holds a change back while the kernel is busy
    try {
      this.model.send({ strokes });
    } catch { // the kernel has ended or was restarted
      this.alone = true;
      this.show();
    }
  }

  undo() {
    this.lift();
    if (this.strokes.length) this.keep(this.strokes.slice(0, -1));
  }

  clear() {
    this.lift();
    if (this.strokes.length) this.keep([]);
  }

  /** A stroke, with a point added if it is apart from the last one and there is room for it. */
  added(stroke, point) {
    const [x, y] = stroke.at(-1);
    const near = Math.hypot(point[0] - x, point[1] - y) < NEAR;
    return near || this.full ? stroke : [...stroke, point];
  }

  onDown(event) {
    if (this.pointer !== null || event.button !== 0 || this.full) return;
    this.lift();
    this.pointer = event.pointerId; // a second finger draws nothing
    this.paper.setPointerCapture(event.pointerId);
    this.stroke = [this.place(event)];
    this.show();
  }

  onMove(event) {
    if (event.pointerId !== this.pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) this.stroke = this.added(this.stroke, this.place(one));
    this.show();
  }

  onUp(event) {
    if (event.pointerId !== this.pointer) return;
    const { stroke } = this;
    this.pointer = this.stroke = null;
    this.keep([...this.strokes, stroke]);
  }

  /** Where a pointer is; outside of the pad counts as its edge. */
  place(event) {
    const box = this.paper.getBoundingClientRect();
    const within = (share) => Math.round(10 * this.side * Math.min(1, Math.max(0, share))) / 10;
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) this.step(ARROWS[event.key]);
    else if (event.key === " ") this.putDownOrLift();
    else if (event.key === "Backspace" || event.key === "Delete") this.clear();
    else return;
    event.preventDefault(); // no scrolling
    event.stopPropagation();
  }

  step(direction) {
    const within = (value) => Math.min(this.side, Math.max(0, value));
    this.penAt = this.penAt.map((value, axis) => within(value + STEP * direction[axis]));
    if (this.penDown) this.keep([...this.strokes.slice(0, -1), this.added(this.strokes.at(-1), this.penAt)]);
    this.show(this.penNews());
  }

  putDownOrLift() {
    if (this.penDown) this.lift();
    else if (!this.full) {
      this.penDown = true;
      this.keep([...this.strokes, [this.penAt]]);
    }
    this.show(this.penNews());
  }

  lift() {
    if (!this.penDown) return;
    this.penDown = false;
    this.show();
  }

  /** Where the pen is, for who moves it by keys. */
  penNews() {
    if (this.alone || this.full) return this.summary();
    const [column, row] = this.penAt;
    return `Pen ${this.penDown ? "down" : "lifted"}: column ${column}, row ${row}.`;
  }
}

function path(stroke) {
  const points = stroke.length > 1 ? stroke : [stroke[0], stroke[0]]; // a line of no length is a dot
  return `M${points.map((point) => point.join(" ")).join("L")}`;
}

export default {
  render({ model, el }) {
    new Pad(model, el);
  },
};
