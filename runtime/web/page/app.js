// Connects to the detector, and reconnects when the connection is lost.

import * as events from "./events.js";
import * as panel from "./panel.js";
import * as image from "./image.js";
import * as areas from "./areas.js";
import * as cameras from "./cameras.js";

const OLD_AFTER = 3000;
const FIRST_PAUSE = 500, LONGEST_PAUSE = 10000;

const byId = (id) => document.getElementById(id);
const stage = byId("stage"), notice = byId("notice"), slider = byId("score"), chosen = byId("score-value");

let socket = null;
let pause = FIRST_PAUSE;
let state = null;
let lastImage = 0;
let touched = 0;

function connect() {
  const url = new URL("live", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    pause = FIRST_PAUSE;
    panel.part("link", { state: "running", name: "live" });
  };
  socket.onmessage = ({ data }) => (typeof data === "string" ? showText(JSON.parse(data)) : showImage(data));
  socket.onclose = () => {
    panel.part("link", { state: "lost", name: "" }, ", reconnecting");
    // If a token is needed now, the reload shows the form for it.
    fetch("state.json").then((answer) => answer.status === 401 && location.reload(), () => {});
    setTimeout(connect, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  };
}

function showText(message) {
  if (message.note) areas.showNote(message.note);
  if (message.state) showState(message.state);
  if (message.state) cameras.show(message.camera, message.cameras);
}

function showState(news) {
  state = news;
  panel.show(state);
  areas.showState(state);
  byId("collect").hidden = !state.collect;
  byId("collected").hidden = !state.collect?.images;
  events.show(state.events);
  // Do not move the slider while the user does.
  if (Date.now() - touched > 1500) {
    slider.value = state.score;
    chosen.textContent = state.score.toFixed(2);
  }
}

async function showImage(data) {
  const from = socket;
  try {
    areas.showImage(await image.show(data));
    lastImage = Date.now();
    age();
  } finally {
    // The next image is requested when this one is shown, so that a slow browser skips frames.
    if (from.readyState === WebSocket.OPEN) from.send('{"next": true}');
  }
}

function age() {
  const old = Date.now() - lastImage > OLD_AFTER;
  stage.classList.toggle("old", old && lastImage > 0);
  notice.hidden = !old;
  if (!old) return;
  const where = state && state.source.state !== "running" ? ` – source: ${state.source.state}` : "";
  const seconds = Math.round((Date.now() - lastImage) / 1000);
  notice.textContent = lastImage ? `No new image for ${seconds} s${where}` : `Waiting for the first image${where}`;
}

slider.addEventListener("input", () => {
  touched = Date.now();
  chosen.textContent = Number(slider.value).toFixed(2);
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ score: Number(slider.value) }));
});

byId("collect").addEventListener("click", () => {
  if (socket.readyState === WebSocket.OPEN) socket.send('{"collect": true}');
});

byId("show-boxes").addEventListener("change", ({ target }) => {
  image.showBoxes(target.checked);
  byId("snapshot").href = target.checked ? "snapshot.jpg?boxes=1" : "snapshot.jpg";
});

byId("fullscreen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (stage.requestFullscreen) stage.requestFullscreen();
});

areas.start((message) => {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
});

setInterval(age, 1000);
connect();
