// The list of events, and the player for their clips.

const byId = (id) => document.getElementById(id);
const list = byId("events-list"), more = byId("events-more"), player = byId("player"), clip = byId("player-clip");

// Times before this are seconds of a video.
const FIRST_DATE = 1e8;
// Events that are asked for when there are new ones: at least and at most.
const LEAST = 20, MOST = 200;

let known = "";
let next = null;
let loading = false;

// Takes `events` of the state, and loads the newest when their number has changed.
export function show(counts) {
  byId("events").hidden = !counts;
  if (!counts) return;
  const now = `${counts.recorded} ${counts.removed}`;
  if (now !== known && !loading) load(null).then((loaded) => { if (loaded) known = now; });
}

async function load(before) {
  loading = true;
  try {
    const shown = new Map([...list.children].map((row) => [row.dataset.id, row]));
    // As many as are shown: whoever looks at older ones keeps them.
    const limit = shown.size ? `?limit=${Math.min(Math.max(shown.size, LEAST), MOST)}` : "";
    const answer = await fetch(before === null ? `events.json${limit}` : `events.json?before=${before}`);
    if (!answer.ok) return false;
    const page = await answer.json();
    const items = page.events.map((event) => shown.get(event.id) || item(event));
    if (before === null) {
      // What is not among them goes: it may have been removed.
      list.replaceChildren(...items);
    } else {
      list.append(...items);
    }
    next = page.next;
    more.hidden = next === null;
    byId("events-none").hidden = list.children.length > 0;
    return true;
  } catch {
    // The connection is lost; the next state tries again.
    return false;
  } finally {
    loading = false;
  }
}

function item(event) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "event";
  const image = document.createElement("img");
  image.loading = "lazy";
  image.alt = "";
  if (event.snapshot) image.src = `events/${event.snapshot}?small=1`;
  const name = document.createElement("b");
  name.textContent = event.label;
  const text = document.createElement("span");
  text.textContent = [when(event.start), duration(event), ...event.zones].join(" · ");
  button.append(image, name, text);
  button.addEventListener("click", () => open(event));
  const row = document.createElement("li");
  row.dataset.id = event.id;
  row.append(button);
  return row;
}

function open(event) {
  byId("player-title").textContent = `${event.label} · ${when(event.start)} · ${duration(event)}`;
  const image = byId("player-image");
  clip.hidden = !event.clip;
  image.hidden = Boolean(event.clip) || !event.snapshot;
  link("player-clip-link", event.clip);
  link("player-image-link", event.snapshot);
  if (event.clip) {
    clip.src = `events/${event.clip}`;
    if (event.snapshot) clip.poster = `events/${event.snapshot}`;
    player.showModal();
    clip.play().catch(() => {});
  } else {
    if (event.snapshot) image.src = `events/${event.snapshot}`;
    player.showModal();
  }
}

function link(id, file) {
  byId(id).hidden = !file;
  if (file) byId(id).href = `events/${file}`;
}

function when(seconds) {
  if (seconds >= FIRST_DATE) return new Date(1000 * seconds).toLocaleString();
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function duration(event) {
  return `${event.seconds < 10 ? event.seconds.toFixed(1) : Math.round(event.seconds)} s${event.open ? " or more" : ""}`;
}

more.addEventListener("click", () => { if (!loading && next !== null) load(next); });
byId("player-close").addEventListener("click", () => player.close());
player.addEventListener("close", () => {
  clip.pause();
  clip.removeAttribute("src");
  clip.removeAttribute("poster");
  clip.load();
});
