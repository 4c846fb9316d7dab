// The colors of classes, the same as in annotated images and videos (runtime/media/drawing.py): steps of the
// golden ratio around the color wheel, so that consecutive classes differ clearly.

export function colorOf(classId) {
  const hue = (0.33 + classId * 0.618034) % 1;
  const sector = Math.floor(hue * 6);
  const part = hue * 6 - sector;
  const value = 0.95, saturation = 0.85;
  const low = value * (1 - saturation);
  const falling = value * (1 - saturation * part);
  const rising = value * (1 - saturation * (1 - part));
  const channels = [
    [value, rising, low], [falling, value, low], [low, value, rising],
    [low, falling, value], [rising, low, value], [value, low, falling],
  ][sector % 6];
  return channels.map((channel) => Math.round(channel * 255));
}

export function css(color) {
  return `rgb(${color.join(" ")})`;
}

export function inkOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#000" : "#fff";
}
