// Shows the state of the run beside the image.

import * as chart from "./chart.js";

const STAGES = {
  capture: "Capture", preprocess: "Preprocess", invoke: "Model", postprocess: "Postprocess", total: "Total",
};
const byId = (id) => document.getElementById(id);

export function show(state) {
  byId("model").textContent = state.model || "Edge detector";
  document.title = state.model ? `${state.model} – Edge detector` : "Edge detector";
  part("source", state.source, state.source.retries ? `, try ${state.source.retries}` : "");
  part("engine", state.engine, state.engine.restarts ? `, restarted ${state.engine.restarts} times` : "");
  byId("fps").textContent = state.fps >= 10 ? state.fps.toFixed(0) : state.fps.toFixed(1);
  latency(state.latency);
  totals(state);
  chart.draw(state.counts, state.labels);
}

export function part(id, { name, state }, more = "") {
  const element = byId(id);
  element.dataset.state = state;
  element.querySelector(".text").textContent = (state === "running" && name ? name : state) + more;
  element.title = name || "";
}

function latency(stages) {
  const most = Math.max(...Object.values(stages).map((times) => times.p50), 0.001);
  const rows = Object.entries(stages).map(([stage, times]) => {
    const row = document.createElement("tr");
    row.className = stage;
    const meter = document.createElement("meter");
    meter.max = most;
    meter.value = times.p50;
    row.append(cell(STAGES[stage] || stage), cell(meter, "bar"), cell(times.p50.toFixed(1)), cell(times.p95.toFixed(1)));
    return row;
  });
  byId("latency").tBodies[0].replaceChildren(...rows);
}

function cell(content, name = "") {
  const made = document.createElement("td");
  made.className = name;
  made.append(content);
  return made;
}

function totals(state) {
  const rows = [
    ["Running for", span(state.time - state.started)],
    ["Frames", number(state.frames)],
    ["Detections", number(state.detections)],
    ["Dropped before the detector", number(state.dropped.source)],
    ...Object.entries(state.dropped.sinks).filter(([, count]) => count)
      .map(([name, count]) => [`Dropped by ${name}`, number(count)]),
    ["Source lost", number(state.gaps)],
    ...(state.still ? [["Without motion", number(state.still)]] : []),
    ...(state.skipped ? [["Unreadable", number(state.skipped)]] : []),
    ...(state.events ? [["Events kept", `${number(state.events.kept)} (${state.events.megabytes} MB)`]] : []),
    ...(state.events && state.events.lost ? [["Events lost", number(state.events.lost)]] : []),
    ...(state.collect ? [["Images kept for labelling", `${number(state.collect.images)} (${state.collect.megabytes} MB)`]] : []),
  ];
  if (state.shadow) rows.push([`Agreement with ${state.shadow.release || state.shadow.model}`, agreement(state.shadow)]);
  byId("totals").replaceChildren(...rows.flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}

function agreement({ classes, frames, error }) {
  if (error) return `given up: ${error}`;
  const [both, first, second] = Object.values(classes).reduce((sums, counts) => sums.map((sum, at) => sum + counts[at]), [0, 0, 0]);
  const all = both + first + second;
  return all ? `${(100 * both / all).toFixed(0)} % of ${number(all)} objects` : `${number(frames)} frames without objects`;
}

function number(value) {
  return value.toLocaleString("en");
}

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
