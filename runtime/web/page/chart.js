// Detections by class over the last minutes, as stacked bars.

import { colorOf, css } from "./colors.js";

const MOST_CLASSES = 6;
const canvas = document.getElementById("chart");
const legend = document.getElementById("legend");
const text = document.getElementById("chart-text");

// `counts` as in State.snapshot; `labels` the classes in the order of their ids.
export function draw(counts, labels) {
  const series = ranked(counts.classes, labels);
  const length = series.length ? series[0].values.length : 0;
  const totals = Array.from({ length }, (_, place) => series.reduce((sum, row) => sum + row.values[place], 0));
  const minutes = Math.max(1, Math.round((length * counts.seconds) / 60));
  text.textContent = series.length
    ? `Number in each ${counts.seconds} seconds, the last ${minutes === 1 ? "minute" : `${minutes} minutes`}`
    : "No detections yet";
  legend.replaceChildren(...series.map(entry));
  paint(series, totals, counts.seconds);
}

function ranked(classes, labels) {
  const rows = Object.entries(classes).map(([label, values]) => ({
    label, values, color: css(colorOf(idOf(label, labels))), sum: values.reduce((a, b) => a + b, 0),
  }));
  rows.sort((a, b) => b.sum - a.sum);
  const first = rows.slice(0, MOST_CLASSES);
  const rest = rows.slice(MOST_CLASSES);
  if (rest.length) {
    const values = rest[0].values.map((_, place) => rest.reduce((sum, row) => sum + row.values[place], 0));
    first.push({ label: `${rest.length} others`, values, color: "rgb(128 128 128)" });
  }
  return first;
}

function idOf(label, labels) {
  const place = labels.indexOf(label);
  return place >= 0 ? place : Number((/^class (\d+)$/.exec(label) || [0, 0])[1]);
}

function entry({ label, color }) {
  const row = document.createElement("li");
  const mark = document.createElement("span");
  mark.className = "swatch";
  mark.style.background = color;
  row.append(mark, label);
  return row;
}

function paint(series, totals, seconds) {
  const style = getComputedStyle(document.documentElement);
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "12px system-ui, sans-serif";
  const bottom = height - 20, top = 8;
  const most = nice(Math.max(1, ...totals));
  const left = pen.measureText(String(most)).width + 8;
  pen.strokeStyle = style.getPropertyValue("--line");
  pen.fillStyle = style.getPropertyValue("--quiet");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of [0, most / 2, most]) {
    const y = Math.round(bottom - (value / most) * (bottom - top)) + 0.5;
    pen.beginPath();
    pen.moveTo(left, y);
    pen.lineTo(width, y);
    pen.stroke();
    pen.fillText(String(value), left - 6, y);
  }
  const length = totals.length;
  const step = (width - left) / Math.max(length, 24);
  for (let place = 0; place < length; place++) {
    let y = bottom;
    for (const { values, color } of series) {
      const high = (values[place] / most) * (bottom - top);
      pen.fillStyle = color;
      pen.fillRect(width - (length - place) * step, y - high, Math.max(step - 1, 0.5), high);
      y -= high;
    }
  }
  pen.fillStyle = style.getPropertyValue("--quiet");
  pen.textBaseline = "alphabetic";
  pen.fillText("now", width, height - 4);
  pen.textAlign = "left";
  const shown = Math.max(length, 24) * seconds;
  pen.fillText(shown < 120 ? `${shown} s ago` : `${Math.round(shown / 60)} min ago`, left, height - 4);
}

// The next of 2, 4, 10, 20, 40, 100 and so on, whose half is a whole number.
function nice(value) {
  let power = 1;
  for (;;) {
    for (const factor of [2, 4, 10]) {
      if (value <= factor * power) return factor * power;
    }
    power *= 10;
  }
}
