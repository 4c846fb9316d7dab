// Shows the newest frame with the boxes of its detections.

import { colorOf, css, inkOn } from "./colors.js";

const image = document.getElementById("image");
const boxes = document.getElementById("boxes");
const objects = document.getElementById("objects");
const nothing = document.getElementById("nothing");

// `data` is an image message of runtime/web/messages.py. Resolves with its JSON when the frame is drawn.
export async function show(data) {
  const length = new DataView(data).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }));
  if (image.width !== bitmap.width || image.height !== bitmap.height) {
    image.width = bitmap.width;
    image.height = bitmap.height;
  }
  image.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  drawBoxes(head);
  list(head.result.detections);
  return head;
}

export function showBoxes(shown) {
  boxes.hidden = !shown;
}

// Draws in pixels of the source, as in the detections; the browser scales the canvas to the page.
function drawBoxes({ width, height, result }) {
  boxes.width = width;
  boxes.height = height;
  boxes.dataset.frame = result.frame;
  const pen = boxes.getContext("2d");
  const unit = width / Math.max(boxes.clientWidth, 1);
  const thick = Math.max(1, 2 * unit);
  const size = Math.max(8, 13 * unit);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  // Detections are sorted by score; the best are drawn last, on top.
  for (const detection of [...result.detections].reverse()) {
    const [left, top, right, bottom] = detection.box;
    const color = colorOf(detection.class);
    pen.strokeStyle = pen.fillStyle = css(color);
    pen.lineWidth = thick;
    pen.strokeRect(left, top, right - left, bottom - top);
    const text = `${name(detection)} ${detection.score.toFixed(2)}`;
    const wide = pen.measureText(text).width + 8 * unit;
    const high = size * 1.35;
    const tagTop = top >= high ? top - high : top;
    const tagLeft = Math.max(0, Math.min(left - thick / 2, width - wide));
    pen.fillRect(tagLeft, tagTop, wide, high);
    pen.fillStyle = inkOn(color);
    pen.fillText(text, tagLeft + 4 * unit, tagTop + size * 0.2);
  }
}

function list(detections) {
  nothing.hidden = detections.length > 0;
  const rows = detections.map((detection) => {
    const row = document.createElement("li");
    const label = document.createElement("span");
    label.className = "name";
    label.textContent = name(detection);
    const score = document.createElement("span");
    score.textContent = detection.score.toFixed(2);
    const mark = document.createElement("span");
    mark.className = "swatch";
    mark.style.background = css(colorOf(detection.class));
    row.append(mark, label, score);
    return row;
  });
  objects.replaceChildren(...rows);
}

function name({ label, track }) {
  return track === undefined ? label : `${label} #${track}`;
}
