// Mouse, pen and touch on the image: draw, move, resize, select, zoom and shift.

import { HANDLES } from "./view.js";

// A drag that is shorter, in pixels of the screen, is a click.
const CLICK = 4;

export class Pointer {
  // `editor` has boxes, selected, select(id), take(id), draw(box), reshape(id, box) and preview(boxes).
  constructor(view, editor) {
    this.view = view;
    this.editor = editor;
    this.down = new Map();
    this.action = null;
    const { stage } = view;
    stage.addEventListener("pointerdown", (event) => this.start(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.end(event));
    stage.addEventListener("pointercancel", (event) => this.cancel(event));
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      view.zoom(1.0015 ** -event.deltaY, event.clientX, event.clientY);
    }, { passive: false });
  }

  start(event) {
    event.preventDefault();
    document.activeElement?.blur();
    this.view.stage.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, event);
    if (this.down.size > 1) {
      this.stop();
      this.action = { kind: "pinch" };
      return;
    }
    const start = this.view.point(event);
    const box = this.editor.boxes.find((item) => item.id === this.editor.selected && !item.suggested);
    this.action = { kind: "draw", start, event };
    if (event.button > 0) this.action.kind = "shift";
    else if (box && event.target.dataset.handle) Object.assign(this.action, { kind: "resize", box, handle: event.target.dataset.handle });
    else if (box && within(box.box, start)) Object.assign(this.action, { kind: "move", box });
  }

  move(event) {
    const before = this.down.get(event.pointerId);
    if (!before || !this.action) return;
    if (this.action.kind === "pinch") this.pinch(event, before);
    else if (this.action.kind === "shift") this.view.shift(event.clientX - before.clientX, event.clientY - before.clientY);
    this.down.set(event.pointerId, event);
    if (["pinch", "shift"].includes(this.action.kind)) return;
    const { event: first } = this.action;
    if (!this.action.dragged && Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < CLICK) return;
    this.action.dragged = true;
    this.editor.preview(this.action.box?.id ?? null, this.shape(this.view.point(event)));
  }

  end(event) {
    if (!this.down.delete(event.pointerId) || !this.action) return;
    const { kind, dragged, box, start } = this.action;
    if (kind === "pinch" || kind === "shift") {
      if (!this.down.size) this.action = null;
      return;
    }
    const shape = this.shape(this.view.point(event));
    this.stop();
    if (!dragged) this.click(start);
    else if (shape[2] - shape[0] < 2 || shape[3] - shape[1] < 2) this.editor.select(this.editor.selected);
    else if (kind === "draw") this.editor.draw(shape);
    else this.editor.reshape(box.id, shape);
  }

  cancel(event) {
    this.down.delete(event.pointerId);
    this.stop();
  }

  // Ends the action without a change. Returns whether there was one.
  stop() {
    const was = this.action !== null;
    this.action = null;
    this.editor.preview();
    return was;
  }

  pinch(event, before) {
    const other = [...this.down.values()].find((item) => item.pointerId !== event.pointerId);
    if (!other) return;
    const length = (point) => Math.hypot(point.clientX - other.clientX, point.clientY - other.clientY) || 1;
    this.view.zoom(length(event) / length(before), other.clientX, other.clientY);
    this.view.shift((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
  }

  shape([x, y]) {
    const { kind, start, box, handle } = this.action;
    const sides = kind === "draw" ? [...start, x, y] : [...box.box];
    if (kind === "move") {
      const { width, height } = this.view;
      const right = Math.min(Math.max(x - start[0], -sides[0]), width - sides[2]);
      const down = Math.min(Math.max(y - start[1], -sides[1]), height - sides[3]);
      return [sides[0] + right, sides[1] + down, sides[2] + right, sides[3] + down];
    }
    if (kind === "resize") {
      const [across, along] = HANDLES[handle];
      if (across !== null) sides[across] = x;
      if (along !== null) sides[along] = y;
    }
    return [Math.min(sides[0], sides[2]), Math.min(sides[1], sides[3]), Math.max(sides[0], sides[2]), Math.max(sides[1], sides[3])];
  }

  // Selects the smallest box under the point; at a second click the next one.
  click(point) {
    const hits = this.editor.boxes.filter((item) => within(item.box, point)).sort((one, other) => area(one.box) - area(other.box));
    const next = hits[(hits.findIndex((item) => item.id === this.editor.selected) + 1) % hits.length];
    if (next?.suggested) this.editor.take(next.id);
    else this.editor.select(next?.id ?? null);
  }
}

function within(box, [x, y]) {
  return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
}

function area(box) {
  return (box[2] - box[0]) * (box[3] - box[1]);
}
