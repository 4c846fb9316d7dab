// Correcting boxes, image by image.

import { Editor } from "./editor.js";
import { handleKeys } from "./keys.js";
import { element, Images, showClasses, showObjects } from "./panel.js";
import { Pointer } from "./pointer.js";
import { get, Store } from "./store.js";
import { View } from "./view.js";

let images = [];
let byName = new Map();
let classes = [];
let lines = null;
let opening = 0;
let loading = false;
let ending = "";
let conflicting = null;

const view = new View();
const store = new Store(told);
const editor = new Editor(changed, redraw);
const pointer = new Pointer(view, editor);
view.drawn = draw;

function status(text, bad = false) {
  element("status").textContent = text;
  element("status").className = bad ? "bad" : "";
}

function fail(text) {
  element("error").textContent = text;
  element("error").hidden = !text;
}

function told(news) {
  if (news.saved) {
    if (news.name === conflicting) settle();
    status(store.pending.size ? "Saving" : `All changes are saved${ending}`);
  } else if (news.lost) {
    status("Not saved: the server does not answer; trying again", true);
  } else if (news.refused) {
    status("Not saved", true);
    fail(`${news.name}: ${news.refused}`);
    // An image that is gone.
    if (!byName.has(news.name)) store.forget(news.name);
  } else if (byName.has(news.name)) {
    conflicting = news.name;
    status("Not saved", true);
    element("conflict-text").textContent = `${news.conflict}. Nothing was overwritten.`;
    element("conflict").hidden = false;
    element("theirs").focus();
  }
}

function settle() {
  conflicting = null;
  element("conflict").hidden = true;
}

function changed(name, boxes, verified) {
  const image = byName.get(name);
  image.state = verified ? "confirmed" : "changed";
  image.boxes = boxes.filter((box) => !box.suggested).length;
  fail("");
  ending = "";
  status("Saving");
  store.put(name, { boxes, verified });
  lines.show(image, element("filter").checked, editor.name);
  progress();
}

function progress() {
  const done = images.filter((image) => image.state === "confirmed").length;
  element("progress").max = images.length;
  element("progress").value = done;
  element("count").textContent = `${done} of ${images.length} confirmed`;
}

function draw() {
  view.draw(editor.boxes, editor.selected, (label) => classes.indexOf(label));
}

function redraw() {
  const { boxes, box, selected } = editor;
  draw();
  // While a box is dragged, only the drawing changes.
  if (editor.shown) return;
  showClasses(classes, box && !box.suggested ? box.label : editor.label, choose);
  showObjects(boxes, selected, classes, (item) => (item.suggested ? editor.take(item.id) : editor.select(item.id)));
  element("delete").disabled = !box;
  element("undo").disabled = !editor.canUndo;
  element("confirm").disabled = !editor.sheet;
  element("state").textContent = editor.verified ? "confirmed" : byName.get(editor.name)?.state === "changed" ? "changed" : "";
  element("state").className = editor.verified ? "confirmed" : "";
}

function choose(label) {
  editor.label = label;
  if (!classes.includes(label)) classes.push(label);
  if (editor.box) editor.rename(label);
  redraw();
}

async function decoded(name) {
  const made = new Image();
  made.id = "image";
  made.alt = name;
  made.draggable = false;
  made.src = `image?image=${encodeURIComponent(name)}`;
  await made.decode().catch(() => { throw new Error("the image cannot be shown"); });
  return made;
}

// Opens an image; with `fresh`, as the server has it. The boxes appear together with the image that they belong to.
async function open(name, fresh = false) {
  const before = editor.name;
  const number = ++opening;
  loading = true;
  let [found, image, failure] = [null, null, ""];
  try {
    // What is on its way to the server is newer than what it would answer.
    const isKnown = !fresh && store.pending.has(name) && editor.has(name);
    [found, image] = await Promise.all([isKnown ? null : get(`annotation?image=${encodeURIComponent(name)}`), decoded(name)]);
  } catch (error) {
    failure = `${name}: ${error.message}`;
  }
  if (number !== opening) return;
  loading = false;
  fail(failure);
  if (found && !store.pending.has(name)) {
    if (!fresh && editor.has(name) && found.version === store.versions.get(name)) found = null;
    else store.versions.set(name, found.version);
  }
  pointer.stop();
  editor.open(name, found);
  if (!image) editor.lock();
  element("image").replaceWith(image ?? Object.assign(new Image(), { id: "image", alt: "", hidden: true }));
  if (editor.sheet) {
    const { width, height, hidden } = editor.sheet;
    view.resize(width, height);
    element("hidden").hidden = !hidden;
    element("hidden").textContent = hidden === 1 ? "1 object without a box is kept as it is" : `${hidden} objects without a box are kept as they are`;
  }
  element("file").textContent = `${images.findIndex((image) => image.name === name) + 1}. ${name}`;
  for (const shown of [before, name]) if (byName.has(shown)) lines.show(byName.get(shown), element("filter").checked, name);
  lines.reveal(name);
  try {
    history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  } catch {
    // A browser allows this a hundred times in half a minute.
  }
}

// Goes to the next image that the filter lets through, forward or back. Returns false at the end.
function go(step) {
  // Keys that come while an image is loaded would pass by it.
  if (loading) return true;
  const isShown = (image) => !element("filter").checked || image.state !== "confirmed";
  let index = images.findIndex((image) => image.name === editor.name) + step;
  while (images[index] && !isShown(images[index])) index += step;
  if (!images[index]) return false;
  open(images[index].name);
  return true;
}

function confirm() {
  if (!editor.sheet || loading) return;
  editor.confirm();
  if (!go(1)) {
    const left = images.filter((image) => image.state !== "confirmed").length;
    ending = left ? `; this was the last image, ${left} before it not confirmed` : "; all images are confirmed";
    if (!store.pending.size) status(`All changes are saved${ending}`);
  }
}

function add() {
  const [width, height] = [view.width / 4, view.height / 4];
  const [x, y] = view.middle();
  const [left, top] = [Math.min(Math.max(x - width / 2, 0), view.width - width), Math.min(Math.max(y - height / 2, 0), view.height - height)];
  editor.draw([left, top, left + width, top + height]);
}

const acts = {
  next: () => go(1), previous: () => go(-1), confirm, undo: () => editor.undo(), delete: () => editor.remove(),
  fit: () => view.fit(), "take-all": () => editor.take(),
};
for (const [id, act] of Object.entries(acts)) element(id).addEventListener("click", act);
// A button that was clicked would take the keys that follow.
document.addEventListener("click", (event) => event.detail && event.target.closest("button, #filter")?.blur());
handleKeys({ ...acts, add, choose, editor, view, pointer, classes: () => classes });

element("filter").addEventListener("change", () => images.forEach((image) => lines.show(image, element("filter").checked, editor.name)));
element("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const label = element("new-class").value.trim();
  if (!label) return;
  element("new-class").value = "";
  element("new-class").blur();
  choose(label);
});
element("theirs").addEventListener("click", () => {
  const name = conflicting;
  store.forget(name);
  settle();
  status("The other version is loaded");
  open(name, true);
});
element("mine").addEventListener("click", () => store.insist(conflicting).catch((error) => fail(error.message)));
window.addEventListener("resize", () => view.fit());
window.addEventListener("pagehide", () => store.keep());
window.addEventListener("beforeunload", (event) => {
  if (store.pending.size && (store.failed || conflicting)) event.preventDefault();
});

async function begin() {
  let found = await get("images");
  byName = new Map(found.images.map((image) => [image.name, image]));
  if (await store.restore(found.id)) found = await get("images");
  ({ images, classes } = found);
  byName = new Map(images.map((image) => [image.name, image]));
  editor.label = classes[0];
  element("folder").textContent = found.folder;
  document.title = `${found.folder}: correct boxes`;
  lines = new Images(images, open);
  progress();
  if (!store.pending.size) status("All changes are saved");
  const wanted = decodeURIComponent(location.hash.slice(1));
  const first = byName.get(wanted) ?? images.find((image) => image.state !== "confirmed") ?? images[0];
  await open(first.name);
}

begin().catch((error) => {
  status("", true);
  fail(error.message);
});
