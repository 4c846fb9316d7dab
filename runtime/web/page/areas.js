// Zones and lines: drawn over the image with their counts, and set by the mouse or a finger.

const stage = document.getElementById("stage");
const canvas = document.getElementById("areas");
const list = document.getElementById("areas-list");
const note = document.getElementById("areas-note");
const nameField = document.getElementById("area-name");
const tools = document.getElementById("area-tools"), drawing = document.getElementById("area-drawing");
const done = document.getElementById("area-done");

const MOST_CORNERS = 64;
// Pixels of the screen within which a tap closes a zone at its first corner, and from which on a stroke is a line.
const NEAR = 14;
const HINTS = {
  zone: "Tap the zone's corners on the image, one after the other; then Done, or the first corner again.",
  line: "Draw a line on the image, or tap its two ends. In is to its right hand, where the arrow points.",
};

let areas = null;
let counts = null;
let size = [16, 9];
let send = () => {};
// What is being drawn: its kind, and its corners as shares of the image.
let draft = null;

// `message` is sent to the detector.
export function start(message) {
  send = message;
}

// `state` is State.snapshot.
export function showState(state) {
  areas = state.areas || null;
  document.getElementById("areas-card").hidden = !areas;
  if (!areas) return;
  const rows = [...entries("zones"), ...entries("lines")].map(row);
  list.replaceChildren(...rows);
  paint();
}

// `head` is that of an image message.
export function showImage({ width, height, result }) {
  size = [width, height];
  counts = result.areas || null;
  paint();
}

// The answer to a change.
export function showNote({ error, saved }) {
  note.textContent = error || (saved ? "Saved in the configuration file." : "Kept until this run ends: it has no configuration file to save it in.");
  note.classList.toggle("wrong", Boolean(error));
}

function entries(kind) {
  return Object.entries(areas[kind]).map(([name, area]) => ({ kind, name, area }));
}

function row({ kind, name, area }) {
  const made = document.createElement("li");
  const label = document.createElement("span");
  label.className = "name";
  label.textContent = `${name}: ${inWords(kind, area)}`;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "button";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${name}`);
  remove.addEventListener("click", () => send({ [kind.slice(0, -1)]: { name, corners: null } }));
  made.append(label, remove);
  return made;
}

function inWords(kind, area) {
  if (kind === "lines") return `${area.in} in, ${area.out} out`;
  const stay = area.dwell.median === null ? "" : `, median stay ${area.dwell.median.toFixed(1)} s`;
  return `${area.present} in it, ${area.entered} entered, ${area.left} left${stay}`;
}

function paint() {
  if (!areas) return;
  const [width, height] = size;
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  const unit = width / Math.max(canvas.clientWidth, 1);
  pen.font = `600 ${Math.max(8, 13 * unit)}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  for (const { kind, name, area } of [...entries("zones"), ...entries("lines")]) {
    const corners = area.corners.map(([x, y]) => (area.pixels ? [x, y] : [x * width, y * height]));
    const now = (counts && counts[kind][name]) || area;
    outline(pen, corners, kind, unit, "#fff");
    const words = kind === "lines" ? `${now.in} in, ${now.out} out` : `${now.present} in it, ${now.entered} entered`;
    tag(pen, `${name}: ${words}`, corners, unit, width);
  }
  if (draft && draft.corners.length) {
    const corners = draft.corners.map(([x, y]) => [x * width, y * height]);
    outline(pen, corners, draft.kind === "zone" && corners.length < 3 ? "open" : `${draft.kind}s`, unit, "#fbbf24");
    for (const [x, y] of corners) pen.fillRect(x - 4 * unit, y - 4 * unit, 8 * unit, 8 * unit);
  }
}

function outline(pen, corners, kind, unit, color) {
  pen.lineWidth = 2 * unit;
  pen.strokeStyle = pen.fillStyle = color;
  pen.beginPath();
  corners.forEach(([x, y], place) => (place ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  if (kind === "zones") {
    pen.closePath();
    pen.globalAlpha = 0.15;
    // By the rule that counts what is inside (runtime.zones.geometry).
    pen.fill("evenodd");
    pen.globalAlpha = 1;
  }
  pen.stroke();
  if (kind === "lines" && corners.length === 2) arrow(pen, corners, unit);
}

// From the middle to the right hand of who looks along the line; y points down.
function arrow(pen, [[x1, y1], [x2, y2]], unit) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const along = [(x2 - x1) / length, (y2 - y1) / length];
  const across = [-along[1], along[0]];
  const at = (far, aside) => [0, 1].map((axis) => [(x1 + x2) / 2, (y1 + y2) / 2][axis] + unit * (far * across[axis] + aside * along[axis]));
  pen.beginPath();
  pen.moveTo(...at(0, 0));
  pen.lineTo(...at(20, 0));
  pen.moveTo(...at(13, -6));
  pen.lineTo(...at(20, 0));
  pen.lineTo(...at(13, 6));
  pen.stroke();
}

function tag(pen, text, corners, unit, width) {
  const high = Math.max(8, 13 * unit) * 1.35;
  const wide = pen.measureText(text).width + 8 * unit;
  const left = Math.max(0, Math.min(Math.min(...corners.map(([x]) => x)), width - wide));
  const top = Math.min(...corners.map(([, y]) => y));
  const tagTop = top >= high ? top - high : top;
  pen.fillStyle = "#fff";
  pen.fillRect(left, tagTop, wide, high);
  pen.fillStyle = "#000";
  pen.fillText(text, left + 4 * unit, tagTop + high * 0.15);
}

function begin(kind) {
  draft = { kind, corners: [] };
  tools.hidden = true;
  drawing.hidden = false;
  done.hidden = kind === "line";
  stage.classList.add("drawing");
  note.classList.remove("wrong");
  note.textContent = HINTS[kind];
  paint();
}

function finish() {
  const { kind, corners } = draft;
  if (corners.length < (kind === "zone" ? 3 : 2)) {
    note.textContent = HINTS[kind];
    return;
  }
  const name = nameField.value.trim() || freeName(kind);
  end("");
  nameField.value = "";
  send({ [kind]: { name, corners } });
}

function end(text) {
  draft = null;
  tools.hidden = false;
  drawing.hidden = true;
  stage.classList.remove("drawing");
  note.textContent = text;
  paint();
}

function freeName(kind) {
  const taken = Object.keys(areas[`${kind}s`]);
  let number = 1;
  while (taken.includes(`${kind} ${number}`)) number++;
  return `${kind} ${number}`;
}

// The place of a pointer as shares of the image, which the canvas holds in its middle (object-fit: contain).
function place({ clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / size[0], box.height / size[1]);
  const share = (at, start, room, side) => Math.min(Math.max((at - start - (room - side * scale) / 2) / (side * scale), 0), 1);
  const both = [share(clientX, box.left, box.width, size[0]), share(clientY, box.top, box.height, size[1])];
  return both.map((value) => Math.round(value * 1e4) / 1e4);
}

// Pixels of the screen between two corners.
function between(a, b) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / size[0], box.height / size[1]);
  return scale * Math.hypot((a[0] - b[0]) * size[0], (a[1] - b[1]) * size[1]);
}

canvas.addEventListener("pointerdown", (event) => {
  if (!draft || !event.isPrimary) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  const corner = place(event);
  const { kind, corners } = draft;
  if (kind === "zone" && corners.length > 2 && between(corner, corners[0]) < NEAR) {
    finish();
    return;
  }
  if (corners.length < MOST_CORNERS) corners.push(corner);
  paint();
});

canvas.addEventListener("pointermove", (event) => {
  if (!draft || !event.isPrimary || !event.buttons || !draft.corners.length) return;
  const corner = place(event);
  const { kind, corners } = draft;
  if (kind === "zone" || corners.length === 2) corners[corners.length - 1] = corner;
  else if (between(corner, corners[0]) >= NEAR) corners.push(corner);
  paint();
});

canvas.addEventListener("pointerup", (event) => {
  if (draft && event.isPrimary && draft.kind === "line" && draft.corners.length === 2) finish();
});

document.getElementById("area-zone").addEventListener("click", () => begin("zone"));
document.getElementById("area-line").addEventListener("click", () => begin("line"));
done.addEventListener("click", finish);
document.getElementById("area-cancel").addEventListener("click", () => end(""));
document.addEventListener("keydown", ({ key }) => {
  if (draft && key === "Escape") end("");
});
