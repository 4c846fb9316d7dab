// The image and its boxes: zoom, coordinates, and drawing.

const SVG = "http://www.w3.org/2000/svg";
const MOST_ZOOM = 40;
// The parts of a box that its handles move: of x and y the smaller side, the larger, or none.
export const HANDLES = { nw: [0, 1], n: [null, 1], ne: [2, 1], e: [2, null], se: [2, 3], s: [null, 3], sw: [0, 3], w: [0, null] };

export function colorOf(index) {
  return index < 0 ? "hsl(0 0% 75%)" : `hsl(${Math.round((index * 137.508 + 160) % 360)} 85% 62%)`;
}

export class View {
  constructor() {
    this.stage = document.getElementById("stage");
    this.sheet = document.getElementById("sheet");
    this.svg = document.getElementById("boxes");
    this.width = this.height = 1;
    this.scale = 1;
    this.left = this.top = 0;
    this.drawn = () => {};
  }

  resize(width, height) {
    [this.width, this.height] = [width, height];
    this.sheet.style.width = `${width}px`;
    this.sheet.style.height = `${height}px`;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.fit();
  }

  fit() {
    const { clientWidth, clientHeight } = this.stage;
    this.fitted = Math.min(clientWidth / this.width, clientHeight / this.height) || 1;
    this.scale = this.fitted;
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.place();
  }

  place() {
    // A pixel of the screen, for lines that are as thick at every zoom.
    this.svg.style.setProperty("--px", 1 / this.scale);
    this.sheet.style.transform = `translate(${this.left}px, ${this.top}px) scale(${this.scale})`;
    this.drawn();
  }

  // Zooms by `factor` around a point of the window.
  zoom(factor, clientX, clientY) {
    const place = this.stage.getBoundingClientRect();
    const x = (clientX ?? place.left + place.width / 2) - place.left;
    const y = (clientY ?? place.top + place.height / 2) - place.top;
    const scale = Math.min(Math.max(this.scale * factor, this.fitted / 2), MOST_ZOOM);
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.place();
  }

  shift(x, y) {
    this.left += x;
    this.top += y;
    this.place();
  }

  // A point of the window in pixels of the image, within it.
  point(event) {
    const place = this.stage.getBoundingClientRect();
    const x = (event.clientX - place.left - this.stage.clientLeft - this.left) / this.scale;
    const y = (event.clientY - place.top - this.stage.clientTop - this.top) / this.scale;
    return [Math.min(Math.max(x, 0), this.width), Math.min(Math.max(y, 0), this.height)];
  }

  middle() {
    const place = this.stage.getBoundingClientRect();
    return this.point({ clientX: place.left + place.width / 2, clientY: place.top + place.height / 2 });
  }

  // Draws boxes; those that are suggested below the others, the selected one on top.
  draw(boxes, selected, indexOf) {
    const rank = (box) => (box.id === selected ? 2 : box.suggested ? 0 : 1);
    const sorted = [...boxes].sort((one, other) => rank(one) - rank(other));
    this.svg.replaceChildren(...sorted.map((box) => this.box(box, box.id === selected, colorOf(indexOf(box.label)))));
  }

  box(item, selected, color) {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", [item.suggested && "suggested", selected && "selected"].filter(Boolean).join(" "));
    group.dataset.box = item.id;
    const [xmin, ymin, xmax, ymax] = item.box;
    const frame = { x: xmin, y: ymin, width: xmax - xmin, height: ymax - ymin };
    group.append(shape("rect", "body", frame), shape("rect", "under", frame), shape("rect", "edge", { ...frame, stroke: color }));
    const size = 13 / this.scale;
    const caption = shape("text", "caption", {
      x: xmin + size / 3, y: ymin > size * 1.4 ? ymin - size / 3 : ymin + size * 1.1, "font-size": size, "stroke-width": size / 4,
    });
    const score = item.score === null ? "" : ` ${item.score.toFixed(2)}`;
    caption.textContent = `${item.label}${score}${item.suggested ? " ?" : ""}`;
    group.append(caption);
    for (const [name, sides] of selected && !item.suggested ? Object.entries(HANDLES) : []) {
      const x = sides[0] === null ? (xmin + xmax) / 2 : item.box[sides[0]];
      const y = sides[1] === null ? (ymin + ymax) / 2 : item.box[sides[1]];
      group.append(square("handle", x, y, 9 / this.scale), square("grip", x, y, 20 / this.scale, name));
    }
    return group;
  }
}

function shape(tag, name, attributes) {
  const made = document.createElementNS(SVG, tag);
  made.setAttribute("class", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function square(name, x, y, size, handle) {
  const made = shape("rect", name, { x: x - size / 2, y: y - size / 2, width: size, height: size });
  if (handle) {
    made.dataset.handle = handle;
    made.style.cursor = `${handle}-resize`;
  }
  return made;
}
