/* The answer and the numbers of the network, for each change of the drawing or of the selection. */
const MOST = 72; // units shown
/** An image x on a canvas of its own. */
const pictureOf = (x) => drawPixels(makeImage(), x, colour("--ink"));
/** The indices of values, those with the largest size first. */
const sortedBy = (values, size) =>
  [...values.keys()].sort((a, b) => size(values[b]) - size(values[a]));
/** The largest absolute value, or 1 if all are 0. */
const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
/** A colour of the current scheme, light or dark. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const responseOf = (layer, i) => (responses[[layer, i]] ??= response(network, layer, i));
const drawWeights = (canvas, values) =>
  drawPixels(canvas, values, colour("--positive"), colour("--negative"));
/** Set the texts of elements, given by their ids. */
const write = (texts) =>
  Object.entries(texts).forEach(([id, text]) => (byId(id).textContent = text));
const long = (value) =>
  value < 1e9 ? value.toLocaleString("en", { maximumSignificantDigits: 8 }) : value.toExponential(3);
const percent = (probability) => `${(100 * probability).toFixed(1)}\u00a0%`;
const low = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

let network; // the one in use
let W; // its last matrix
let limits; // of its unsure answers
let responses; // cache of `response`
let picked = null; // an image to show in place of the drawing, as `prepare` returns it
let state; // of the drawing: {drawn, layers, p}
let pointed = null; // the unit or score under the mouse or with the focus: {kind, index}
let kept = null; // the clicked one
let isRequested = false;

/** Answer with these matrices and limits. */
function useNetwork(matrices, itsLimits) {
  [network, W, limits, responses] = [matrices, matrices.at(-1), itsLimits, {}];
  makeTiles();
  describe();
  requestUpdate();
  if (view === "break" && sets) measure();
}

/** Update once before the next frame, for any number of events. */
function requestUpdate() {
  if (!isRequested) requestAnimationFrame(update);
  isRequested = true;
}

function update() {
  isRequested = false;
  const drawn = { ...(picked ?? prepare(strokes)) };
  if (view === "break") drawn.x = followed(drawn.x);
  drawPixels(byId("input"), drawn.x, colour("--ink"));
  paint();
  const layers = forward(network, drawn.x);
  state = { drawn, layers, p: softmax(layers.at(-1)) };
  show();
}

/** Show the state, with the details of one unit or score. */
function show() {
  if (view === "step" && sets) return showStep();
  const { drawn, layers, p } = state;
  const [h, f] = layers.slice(-2);
  const focus = pointed ?? kept;
  const best = digitOf(f);
  const k = focus?.kind === "score" ? focus.index : best;
  const parts = h.map((activation, i) => rowOf(W, k)[i] * activation); // contributions to f[k]
  const order = sortedBy(parts, Math.abs);
  const i = focus?.kind === "unit" ? focus.index : order[0];

  showAnswer(drawn, f, p);
  showUnits(h, parts, [...new Set([i, ...order])].slice(0, MOST));
  showScores(f, p, drawn.count ? best : null);
  if (focus?.kind === "unit") showUnit(i, h[i]);
  else showScore(k, f[k], parts);
  if (!focus && !drawn.count) write({ detailTitle: "Point at a unit or a score" });
  showFormulas(k, i, parts);
  for (const item of [...tiles, ...rows])
    item.ariaSelected = kept?.kind === item.kind && kept.index === item.index;
}

/** Show the answer by the rules of predict (mnistnet/model/answer.py). */
function showAnswer({ count, isWide }, f, p) {
  const [first, second] = sortedBy(p, Number);
  const doubt =
    (f[first] < limits.no_digit && "no digit") ||
    (isWide && "as wide as two digits") ||
    (f[first] < limits.score && "unlike a digit") ||
    (p[first] - p[second] < limits.margin && "a close second");
  const odds = `${first}: ${percent(p[first])}, ${second}: ${percent(p[second])}`;
  let [answer, reason] = doubt ? ["unsure", `${doubt}; ${odds}`] : [String(first), odds];
  if (count === 0) [answer, reason] = ["nothing drawn", ""];
  if (count > 1) [answer, reason] = ["more than one digit?", "Draw one at a time."];
  byId("answer").className = answer.length > 1 ? "words" : "";
  write({ answer, reason });
}

/** Show a tile for each of these units: its weights, coloured by h, framed by its contribution. */
function showUnits(h, parts, units) {
  const missing = new Set(units);
  const free = tiles.filter((tile) => !missing.delete(tile.index)); // others stay in place
  for (const index of missing) assign(free.pop(), index);
  const most = largest(parts);
  for (const tile of tiles) {
    const [activation, part] = [h[tile.index], parts[tile.index]];
    setPart(tile, "h", activation);
    setPart(tile, "frame", part / most);
    const isOff = tile.classList.toggle("off", view === "break" && off.has(tile.index));
    const numbers = `h ${signed(activation)}, contribution to the score ${signed(part)}`;
    tile.ariaLabel = `unit ${tile.index}${isOff ? ", switched off" : ""}: ${numbers}`;
  }
}

function assign(tile, unit) {
  tile.index = unit;
  drawPixels(tile.firstChild, responseOf(network.length - 1, unit), "#ffffff", "#000000");
}

function showScores(f, p, best) {
  const most = largest(f);
  for (const row of rows) {
    const k = row.index;
    const [, score, scoreText, probability, probabilityText] = row.children;
    [scoreText.textContent, probabilityText.textContent] = [signed(f[k]), percent(p[k])];
    row.classList.toggle("best", k === best);
    setPart(score, "bar", f[k] / most);
    setPart(probability, "bar", p[k]);
    row.ariaLabel = `${k}: score ${signed(f[k])}, probability ${percent(p[k])}`;
  }
}

/** Show the weights of unit i, and its contributions to all scores. */
function showUnit(i, activation) {
  drawWeights(byId("picture"), responseOf(network.length - 1, i));
  showContributions(ORDER.map((k) => [k, rowOf(W, k)[i] * activation]));
  const detailNote = "Its weights, and its contribution W[k, i] h[i] to each score.";
  write({ detailTitle: `Unit ${i}: h = ${signed(activation)}`, detailNote });
}

/** Show the derivative of score k by each pixel, and the largest contributions to it. */
function showScore(k, score, parts) {
  const order = sortedBy(parts, Number);
  const ends = [...order.slice(0, 5), ...order.slice(5).slice(-5).reverse()];
  drawWeights(byId("picture"), responseOf(network.length, k));
  showContributions(ends.map((i) => [`h${low(i)}`, parts[i]]));
  const detailNote = `The units with the largest contributions W[k, i] h[i] for it (left) and against
    it (right), and its derivative by each pixel of a blank image.`;
  write({ detailTitle: `Score of ${k}: f = ${signed(score)}`, detailNote });
}

function showContributions(entries) {
  const most = largest(entries.map(([, part]) => part));
  bars.forEach((bar, n) => {
    const [name, part] = entries[n] ?? ["", 0];
    setPart(bar.children[1], "bar", part / most);
    [bar.firstChild.textContent, bar.lastChild.textContent] = [name, name === "" ? "" : signed(part)];
  });
}

/** Show the formulas with the numbers of unit i and score k. */
function showFormulas(k, i, parts) {
  const { layers, p } = state;
  const [h, f] = layers.slice(-2);
  const names = network.length === 2 ? ["M", "W"] : network.map((_, n) => `W${low(n + 1)}`);
  const [last, M] = [names.pop(), names.at(-1)];
  const inputs = `Σⱼ ${M}${low(i)}ⱼ ${names.length > 1 ? "gⱼ" : "xⱼ"}`; // g: the layer below h
  const input = M && signed(dot(rowOf(network.at(-2), i), layers.at(-3)));
  const powers = Array.from(f, Math.exp);
  const quotient = `${long(powers[k])} / ${long(powers.reduce((a, b) => a + b))}`;
  write({
    hFormula: `h = ${names.reduce((inner, name) => `tanh(${name} ${inner})`, "x")}`,
    hNumbers: M ? `h${low(i)} = tanh(${inputs}) = tanh(${input}) = ${signed(h[i])}` : "",
    fFormula: `f = ${last} h`,
    fNumbers: `f${low(k)} = Σᵢ ${last}${low(k)}ᵢ hᵢ = ${sumOf(parts)} = ${signed(f[k])}`,
    pNumbers: `p${low(k)} = exp(${signed(f[k])}) / Σⱼ exp fⱼ = ${quotient} = ${percent(p[k])}`,
  });
}

/** The largest terms of a sum, as text. */
function sumOf(parts) {
  const terms = sortedBy(parts, Math.abs).slice(0, 3).map((n) => signed(parts[n])).join(" ");
  return terms + (parts.length > 3 ? ` … (${parts.length - 3} more)` : "");
}

/** Let page.css show a value from -1 to 1, by its size as a percentage and by its sign. */
function setPart(element, name, value) {
  element.style.setProperty(`--${name}`, `${100 * Math.min(Math.abs(value), 1)}%`);
  element.classList.toggle(`${name}-negative`, value < 0);
}

/** Draw values as the pixels of a canvas in these colours, #rrggbb, larger ones more opaque. */
function drawPixels(canvas, values, positive, negative = positive) {
  const image = new ImageData(canvas.width, canvas.height);
  const most = largest(values);
  const levels = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  const [above, below] = [levels(positive), levels(negative)];
  values.forEach((value, i) => {
    image.data.set([...(value < 0 ? below : above), (255 * Math.abs(value)) / most], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function signed(value) {
  const size = Math.abs(value);
  const digits = size < 1e4 ? size.toFixed(2) : size.toExponential(1);
  return (Number(digits) === 0 ? "" : value < 0 ? "−" : "+") + digits;
}

