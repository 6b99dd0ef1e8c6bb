/* The tab One step: forward and backward for one image x, in the order of the notes' algorithm. */
// For each row of values: its line of the algorithm, and the terms of value i.
const LINES = {
  u: ["w · v, forward: u = M x", (i, { x, M }) => sumOf(x.map((pixel, j) => rowOf(M, i)[j] * pixel))],
  h: ["v ← σ(w · v): h = tanh u", (i, { u }) => `tanh(${signed(u[i])})`],
  f: ["f ← v: f = W h", (k, { h, W }) => sumOf(h.map((part, i) => rowOf(W, k)[i] * part))],
  p: ["p = exp f / Σ exp f", (k, { f }) => `exp(${signed(f[k])}) / Σⱼ exp fⱼ`],
  df: ["dL/df = p − t", (k, { p, label }) => `${p[k].toFixed(2)} − ${Number(k === label)}`],
  dh: ["dL/dv, backward: Wᵀ (p − t)", (i, { df, W }) => sumOf(df.map((d, k) => rowOf(W, k)[i] * d))],
  slope: ["v′ ← σ′(w · v): 1 − h²", (i, { h }) => `1 − (${signed(h[i])})²`],
  du: ["dL/dv · v′: Wᵀ (p − t) (1 − h²)", (i, { dh, slope }) => `${signed(dh[i])} · ${signed(slope[i])}`],
};
const SCORES = ["f", "p", "df"]; // rows with a value for each digit
const strips = {}; // the cells of each row
let before = null; // the drawing, its label and values before the last step

/** Make the cells for a network of this width. */
function makeStrips(hidden) {
  if (strips.u?.length === hidden) return;
  const rows = Object.entries(LINES).map(([kind, [line]]) => {
    const isScore = SCORES.includes(kind);
    const order = isScore ? ORDER : [...Array(hidden).keys()];
    strips[kind] = order.map((index) => Object.assign(make("div", "cell", ""), { kind, index }));
    const list = make("div", isScore ? "strip ten" : "strip");
    Object.assign(list, { role: "listbox", ariaLabel: line });
    offer(list, strips[kind]);
    return make("div", "", make("h3", "", line), list);
  });
  byId("strips").replaceChildren(...rows);
}

function showStep() {
  const [M, W] = training.network;
  const [x, label] = [state.drawn.x, Number(byId("truth").value)];
  const values = { x, label, M, W, ...backpropagate(training.network, x, label) };
  const was = before?.strokes === strokes && before.label === label ? before : null;
  makeStrips(M.rows);
  for (const [kind, cells] of Object.entries(strips)) {
    const most = largest(values[kind]);
    for (const cell of cells) {
      const last = was && kind === "f" ? `${signed(was.f[cell.index])} → ` : "";
      const text = last + signed(values[kind][cell.index]);
      setPart(cell, "h", values[kind][cell.index] / most);
      cell.ariaLabel = `${cell.index}: ${text}`;
      if (SCORES.includes(kind)) cell.replaceChildren(make("b", "", cell.index), ` ${text}`);
    }
  }
  const { kind, index } = LINES[pointed?.kind] ? pointed : { kind: "f", index: label };
  const [line, terms] = LINES[kind];
  const loss = was ? [was.loss, values.loss] : [values.loss];
  write({
    stepLoss: `L = log Σ exp f − f${low(label)} = ${loss.map((L) => L.toFixed(3)).join(" → ")}`,
    terms: `${line}. Number ${index}: ${terms(index, values)} = ${signed(values[kind][index])}`,
  });
  const product = zeros(M);
  addProduct(product, 1, values.du, x);
  drawTiles(byId("pictureG"), product);
}

byId("truth").append(...ORDER.map((k) => make("option", "", k)));
byId("truth").onchange = requestUpdate;
byId("image").onclick = () => {
  const n = Math.trunc(sets.train.labels.length * luck());
  byId("truth").value = sets.train.labels[n];
  pick(imageAt(sets.train.images, n));
};
byId("take").onclick = () => {
  const [x, label] = [state.drawn.x, Number(byId("truth").value)];
  before = { strokes, label, ...backpropagate(training.network, x, label) };
  takeStep(training, [{ x, label }], chosenOptions().rate, 0);
  unsaved.add("weights");
  evaluate();
  update();
};
