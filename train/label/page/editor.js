// The boxes of the image that is open, with their history. Each change is drawn and handed on at once.

let ids = 0;

export class Editor {
  // `changed(name, boxes, verified)` takes each change; `redraw()` is called after it and when a selection changes.
  constructor(changed, redraw) {
    this.changed = changed;
    this.redraw = redraw;
    this.sheets = new Map();
    this.close();
  }

  get boxes() { return this.shown ?? this.sheet?.boxes ?? []; }

  get verified() { return this.sheet?.verified ?? false; }

  get box() { return this.boxes.find((item) => item.id === this.selected); }

  get canUndo() { return Boolean(this.sheet?.undo.length); }

  close() {
    this.name = null;
    this.sheet = null;
    this.selected = null;
    this.shown = null;
  }

  // Opens an image with what the server knows of it; what was changed in this tab keeps its history.
  open(name, found) {
    this.close();
    this.name = name;
    if (found) {
      const boxes = found.boxes.map((item) => ({ ...item, id: ++ids }));
      this.sheets.set(name, { ...found, boxes, verified: found.state === "confirmed", undo: [] });
    }
    this.sheet = this.sheets.get(name);
    this.redraw();
  }

  // Nothing can be changed where the image cannot be seen.
  lock() {
    this.sheet = null;
    this.redraw();
  }

  has(name) { return this.sheets.has(name); }

  change(make) {
    if (!this.sheet) return;
    const { boxes, verified, undo } = this.sheet;
    undo.push({ boxes, verified, selected: this.selected });
    this.sheet.boxes = boxes.map((item) => ({ ...item }));
    make(this.sheet);
    this.hand();
  }

  hand() {
    const sent = this.sheet.boxes.map(({ key, label, box, suggested }) => ({ key, label, box, suggested }));
    this.changed(this.name, sent, this.sheet.verified);
    this.redraw();
  }

  undo() {
    if (!this.canUndo) return;
    const { boxes, verified, selected } = this.sheet.undo.pop();
    Object.assign(this.sheet, { boxes, verified });
    this.selected = boxes.some((item) => item.id === selected) ? selected : null;
    this.hand();
  }

  select(id) {
    this.selected = id;
    this.redraw();
  }

  // Draws a change that is not made yet: of the box `id`, or a new one. Without arguments, draws what is there.
  preview(id, box) {
    const boxes = this.sheet?.boxes ?? [];
    if (!box) this.shown = null;
    else if (id === null) this.shown = [...boxes, { id: 0, key: "", label: this.label, box, score: null, suggested: false }];
    else this.shown = boxes.map((item) => (item.id === id ? { ...item, box } : item));
    this.redraw();
  }

  draw(box) {
    if (!this.label) {
      this.redraw();
      document.getElementById("new-class").focus();
      return;
    }
    this.change((sheet) => {
      this.selected = ++ids;
      sheet.boxes.push({ id: ids, key: "", label: this.label, box, score: null, suggested: false });
    });
  }

  reshape(id, box) {
    this.change((sheet) => Object.assign(sheet.boxes.find((item) => item.id === id), { box, score: null, suggested: false }));
  }

  rename(label) {
    const { box } = this;
    if (!box || (box.label === label && !box.suggested)) return;
    this.change((sheet) => {
      Object.assign(sheet.boxes.find((item) => item.id === this.selected), { label, score: null, suggested: false });
    });
  }

  // Takes a suggestion, or all of them without an id.
  take(id) {
    const meant = (item) => item.suggested && (id === undefined || item.id === id);
    if (!this.boxes.some(meant)) return;
    this.change((sheet) => {
      sheet.boxes.filter(meant).forEach((item) => Object.assign(item, { suggested: false, score: null }));
      this.selected = id ?? this.selected;
    });
  }

  remove() {
    if (!this.box) return;
    this.change((sheet) => {
      sheet.boxes = sheet.boxes.filter((item) => item.id !== this.selected);
      this.selected = null;
    });
  }

  // All that is drawn is right, and nothing else is there.
  confirm() {
    if (this.verified) return;
    this.change((sheet) => {
      sheet.boxes = sheet.boxes.filter((item) => !item.suggested).map((item) => ({ ...item, score: null }));
      sheet.verified = true;
      this.selected = null;
    });
  }
}
