// The tabs of the cameras, where several run.

const tabs = document.getElementById("cameras");

// `camera` is the name of this one, `cameras` the state of each one's source by name; both undefined where only one runs.
export function show(camera, cameras) {
  tabs.hidden = !cameras;
  if (!cameras) return;
  const names = Object.keys(cameras);
  if (names.join() !== [...tabs.querySelectorAll("[data-camera]")].map((tab) => tab.dataset.camera).join()) {
    tabs.replaceChildren(tab("All", "../../"), ...names.map((name) => tab(name, `../${name}/`, name)));
  }
  for (const made of tabs.querySelectorAll("[data-camera]")) {
    made.dataset.state = cameras[made.dataset.camera];
    made.title = cameras[made.dataset.camera];
    if (made.dataset.camera === camera) made.setAttribute("aria-current", "page");
  }
  document.title = `${camera} – ${document.title}`;
}

function tab(text, address, camera) {
  const made = document.createElement("a");
  made.href = address;
  if (camera) {
    made.dataset.camera = camera;
    const lamp = document.createElement("span");
    lamp.className = "lamp";
    made.append(lamp);
  }
  made.append(text);
  return made;
}
