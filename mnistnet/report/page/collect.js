/* The tab Collect: digits that a teacher asks for are drawn and saved, for mnistnet import. */
const collected = []; // {label, strokes, image}

/** Show which digit is next, and what was drawn. */
function showCollected() {
  const digits = byId("list").value.replace(/\D/g, "");
  const next = digits[collected.length];
  const place = `(${collected.length + 1} of ${digits.length})`;
  write({ collectTitle: next ? `Draw a ${next} ${place}` : "All are drawn: save them" });
  byId("next").disabled = !next;
  byId("collected").replaceChildren(...collected.map(({ image }) => pictureOf(bytesOf(image))));
  return next;
}

/** Keep the drawing, with coordinates from 0 to 1 and x as 784 bytes in base64. */
function keepDrawing() {
  const { x, count } = prepare(strokes);
  if (!count) return;
  const inside = (place) => Number(clamp(place, 0, 1).toFixed(4));
  const paths = strokes.map(({ points }) => points.map((point) => point.map(inside)));
  const image = btoa(String.fromCharCode(...x.map((level) => Math.round(255 * level))));
  collected.push({ label: Number(showCollected()), strokes: paths, image });
  unsaved.add("drawings");
  draw([], []);
  showCollected();
}

byId("next").onclick = keepDrawing;
byId("back").onclick = () => {
  collected.pop();
  showCollected();
};
byId("list").oninput = showCollected;
byId("saveDrawings").onclick = () => {
  const file = { mnistnet: "drawings", version: 1, writer: "", drawings: collected };
  saveFile("drawings.json", [JSON.stringify(file)]);
  unsaved.delete("drawings");
};
showCollected();
