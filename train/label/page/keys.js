// The keyboard.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function handleKeys({ next, previous, confirm, undo, add, choose, editor, view, pointer, classes, ...acts }) {
  // Moves the selected box by a pixel, or its lower right corner.
  function nudge([x, y], resize) {
    const { box } = editor;
    if (!box) return;
    const [xmin, ymin, xmax, ymax] = box.box;
    const right = Math.min(Math.max(x, resize ? xmin + 2 - xmax : -xmin), view.width - xmax);
    const down = Math.min(Math.max(y, resize ? ymin + 2 - ymax : -ymin), view.height - ymax);
    editor.reshape(box.id, resize ? [xmin, ymin, xmax + right, ymax + down] : [xmin + right, ymin + down, xmax + right, ymax + down]);
  }

  const keys = {
    ArrowLeft: previous, p: previous, ArrowRight: next, n: next, Enter: confirm, " ": confirm, u: undo, b: add,
    Delete: acts.delete, Backspace: acts.delete, 0: acts.fit, T: acts["take-all"],
    t: () => editor.take((editor.boxes.find((box) => box.suggested) ?? {}).id ?? 0),
    c: () => document.getElementById("new-class").focus(),
    "+": () => view.zoom(1.25), "-": () => view.zoom(0.8),
    Escape: () => pointer.stop() || editor.select(null),
  };

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.matches("input:not([type=checkbox])")) {
      if (key === "Escape") target.blur();
      return;
    }
    // A button or box with the focus answers these itself.
    if (["Enter", " "].includes(key) && target.matches("button, input, summary")) return;
    let act = keys[key];
    if (event.ctrlKey || event.metaKey) act = key === "z" ? undo : null;
    else if (ARROWS[key] && (event.shiftKey || event.altKey)) act = () => nudge(ARROWS[key], event.altKey);
    else if (event.altKey) act = null;
    else if (/^[1-9]$/.test(key)) act = () => classes()[key - 1] !== undefined && choose(classes()[key - 1]);
    if (!act) return;
    event.preventDefault();
    act();
  });
}
