// The lists beside the image. All names come from files: they are set as text, never as HTML.

import { colorOf } from "./view.js";

const STATES = { changed: "changed", confirmed: "\u2713", error: "damaged" };

export const element = (id) => document.getElementById(id);

function made(tag, name, text) {
  const node = document.createElement(tag);
  node.className = name;
  node.textContent = text;
  return node;
}

function button(parts, act) {
  const node = made("button", "", "");
  node.type = "button";
  node.append(...parts);
  node.addEventListener("click", act);
  const item = document.createElement("li");
  item.append(node);
  return [item, node];
}

function swatch(index) {
  const node = made("span", "swatch", "");
  node.style.background = colorOf(index);
  return node;
}

// Replaces the items of a list. What has the keyboard's focus keeps it.
function fill(list, items) {
  const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
  list.replaceChildren(...items);
  list.querySelectorAll("button")[focused]?.focus();
}

export function showClasses(classes, current, choose) {
  fill(element("classes"), classes.map((label, index) => {
    const number = made("span", "number", index < 9 ? String(index + 1) : "");
    const [item, node] = button([number, swatch(index), made("span", "text", label)], () => choose(label));
    node.setAttribute("aria-pressed", String(label === current));
    node.title = label;
    return item;
  }));
}

export function showObjects(boxes, selected, classes, choose) {
  fill(element("objects"), boxes.map((box) => {
    const score = box.score === null ? "" : box.score.toFixed(2);
    const note = made("span", "note", box.suggested ? `${score} take?` : score);
    const [item, node] = button([swatch(classes.indexOf(box.label)), made("span", "text", box.label), note], () => choose(box));
    node.setAttribute("aria-pressed", String(box.id === selected));
    return item;
  }));
  element("take-all").hidden = !boxes.some((box) => box.suggested);
}

// The list of images is long, so it is made once, and a line of it is changed.
export class Images {
  constructor(images, open) {
    this.lines = new Map();
    element("images").replaceChildren(...images.map((image) => {
      const note = made("span", "note", "");
      // Names differ at their ends, so a long one is cut at its beginning.
      const name = made("span", "text", "");
      name.dir = "rtl";
      name.append(made("bdi", "", image.name));
      const [item, node] = button([name, note], () => open(image.name));
      node.title = image.error ?? image.name;
      this.lines.set(image.name, { item, node, note });
      this.show(image, false, null);
      return item;
    }));
  }

  show(image, onlyOpen, current) {
    const { item, node, note } = this.lines.get(image.name);
    item.className = image.state;
    note.textContent = STATES[image.state] || `${image.boxes}`;
    node.setAttribute("aria-label", `${image.name}, ${image.state}, ${image.boxes} boxes`);
    node.setAttribute("aria-current", String(image.name === current));
    item.hidden = onlyOpen && image.state === "confirmed" && image.name !== current;
  }

  reveal(name) {
    const { node } = this.lines.get(name);
    const list = element("images");
    const [place, whole] = [node.getBoundingClientRect(), list.getBoundingClientRect()];
    if (place.top < whole.top || place.bottom > whole.bottom) list.scrollTop += place.top - whole.top - whole.height / 3;
  }
}
