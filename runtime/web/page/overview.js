// All cameras at a glance: a small image of each, renewed while the page is seen.

const PAUSE = 1000;

const place = document.getElementById("overview");
const cards = new Map();

function card(name) {
  const made = document.createElement("a");
  made.className = "card camera";
  made.href = `camera/${name}/`;
  made.dataset.camera = name;
  const image = document.createElement("img");
  image.alt = `The newest image of ${name}`;
  const head = document.createElement("b");
  const lamp = document.createElement("span");
  lamp.className = "lamp";
  head.append(lamp, name);
  const text = document.createElement("span");
  text.className = "quiet";
  made.append(image, head, text);
  place.append(made);
  return { made, image, text, address: "" };
}

async function renewImage(shown, name) {
  const answer = await fetch(`camera/${name}/snapshot.jpg?boxes=1&small=1`);
  if (!answer.ok) return;
  const before = shown.address;
  shown.address = URL.createObjectURL(await answer.blob());
  shown.image.src = shown.address;
  if (before) URL.revokeObjectURL(before);
}

async function renew() {
  const answer = await fetch("state.json");
  // If a token is needed now, the reload shows the form for it.
  if (answer.status === 401) location.reload();
  const { cameras } = await answer.json();
  for (const [name, state] of Object.entries(cameras)) {
    if (!cards.has(name)) cards.set(name, card(name));
    const shown = cards.get(name);
    shown.made.dataset.state = state.source.state;
    const why = state.source.error ? `: ${state.source.error}` : "";
    const running = state.source.state === "running";
    shown.text.textContent = running ? `${state.fps.toFixed(1)} frames per second, ${state.detections} detections` : `${state.source.state}${why}`;
    document.getElementById("model").textContent = state.model || "Edge detector";
    if (running || !shown.address) await renewImage(shown, name);
  }
}

async function keepUp() {
  if (!document.hidden) await renew().catch(() => {});
  setTimeout(keepUp, PAUSE);
}

keepUp();
