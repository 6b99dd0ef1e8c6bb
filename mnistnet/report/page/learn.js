/* The tab Learn: a network with random weights learns from the images in the page. */
const EVERY = 50; // steps between two evaluations
const SLICE = 20; // milliseconds of training at a time, so that the page reacts
const SHOWN = 250; // milliseconds between two views of the weights
const WRONG = 12; // images shown that the network gets wrong
const pause = () => new Promise((resolve) => setTimeout(resolve)); // lets the browser react
const unsaved = new Set(); // what would be lost with the page
let loading; // promises sets
let sets; // {train, test}, each {images, labels}, once they are unpacked
let isTraining = false;
let training;

/** Unpack images, a row of a grey PNG each. */
async function unpackImages({ png, labels }) {
  const file = new Blob([bytesOf(png)], { type: "image/png" });
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const pen = Object.assign(make("canvas", ""), { width, height }).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const pixels = pen.getImageData(0, 0, width, height).data;
  return { images: pixels.filter((_, n) => n % 4 === 0), labels: Array.from(labels, Number) };
}

async function loadImages() {
  loading ??= Promise.all([data.train, data.test].map(unpackImages));
  const [train, test] = await loading;
  sets ??= { train, test };
  if (training.accuracy === undefined) evaluate();
}

/** Begin again with random weights. */
function reset() {
  isTraining = false;
  unsaved.delete("weights");
  const seed = clamp(Math.trunc(byId("seed").value), 0, 999);
  training = newTraining(Number(byId("width").value), seed);
  training = { ...training, options: chosenOptions(), limits: data.standard, points: [], losses: [] };
  if (sets) evaluate();
  showTraining();
}

/** The options of a step. */
function chosenOptions() {
  const [size, rate] = [Number(byId("size").value), Number(byId("rate").value)];
  const momentum = byId("momentum").checked ? 0.9 : 0;
  return { size, rate, momentum, isDistorted: byId("distort").checked };
}

/** Take one step, with the options of the moment. */
function train() {
  training.options = chosenOptions();
  training.losses.push(trainMinibatch(training, sets.train, training.options));
  unsaved.add("weights");
  byId("which").value = "trained";
  if (training.steps % EVERY === 0) evaluate();
}

/** Measure the accuracy on the images not trained on, and choose the limits of unsure answers. */
function evaluate() {
  const { images, labels } = sets.test;
  const scores = labels.map((_, n) => forward(training.network, imageAt(images, n)).at(-1));
  const wrong = [...labels.keys()].filter((n) => digitOf(scores[n]) !== labels[n]);
  const { losses, steps, points } = training;
  const accuracy = 1 - wrong.length / labels.length;
  const loss = losses.reduce((a, b) => a + b, 0) / losses.length;
  if (losses.length) points.push({ steps, accuracy, loss });
  const limits = chooseLimits(scores, labels) ?? data.standard;
  Object.assign(training, { accuracy, limits, wrong, losses: [], answers: scores.map(digitOf) });
}

/** Train in slices until it is paused. */
async function run() {
  for (let shown = 0; isTraining; await pause()) {
    const end = performance.now() + SLICE;
    while (isTraining && performance.now() < end) train();
    if (end < shown + SHOWN) continue;
    showTraining();
    shown = end;
  }
}

/** Show the weights, the curves and the mistakes. */
function showTraining() {
  if (!sets) return;
  const { network: [M, W], steps, points, accuracy, wrong } = training;
  const licence = data.set === "MNIST" ? " (Y. LeCun, C. Cortes; licence CC BY-SA 3.0)" : "";
  write({
    start: isTraining ? "Pause" : "Start",
    accuracy: percent(accuracy),
    loss: points.at(-1)?.loss.toFixed(3) ?? "",
    heldOut: long(sets.test.labels.length),
    progress: `${long(steps)} steps`,
    source: `${long(sets.train.labels.length)} images: ${data.set}${licence}`,
  });
  if (view !== "learn") return byId("which").value === "trained" && chooseNetwork();
  drawTiles(byId("pictureM"), M);
  Object.assign(byId("pictureW"), { width: W.columns, height: W.rows });
  drawWeights(byId("pictureW"), Float32Array.from(ORDER.flatMap((k) => [...rowOf(W, k)])));
  plot("accuracies", points.map((point) => [point.steps, (point.accuracy - 0.7) / 0.3]));
  plot("losses", points.map((point) => [point.steps, point.loss / 2.4]));
  byId("mistakes").replaceChildren(...wrong.slice(0, WRONG).map(mistakeButton));
}

/** Draw the rows of a matrix as images beside each other. */
function drawTiles(canvas, matrix) {
  const across = Math.ceil(Math.sqrt(matrix.rows));
  const pitch = SIDE + 1;
  Object.assign(canvas, { width: across * pitch, height: Math.ceil(matrix.rows / across) * pitch });
  const values = new Float32Array(canvas.width * canvas.height);
  matrix.weights.forEach((weight, n) => {
    const [tile, pixel] = [Math.trunc(n / matrix.columns), n % matrix.columns];
    const row = Math.trunc(tile / across) * pitch + Math.trunc(pixel / SIDE);
    values[row * canvas.width + (tile % across) * pitch + (pixel % SIDE)] = weight;
  });
  drawWeights(canvas, values);
}

/** Draw a curve through [steps, height], with heights from 0 to 1. */
function plot(id, points) {
  const place = ([x, y]) => `${(100 * x) / points.at(-1)[0]},${100 - 100 * clamp(y, 0, 1)}`;
  byId(id).setAttribute("points", points.map(place).join(" "));
}

/** A button with image n, which the network gets wrong; it shows it in the tab Draw. */
function mistakeButton(n) {
  const x = imageAt(sets.test.images, n);
  const text = `${sets.test.labels[n]} read as ${training.answers[n]}`;
  const button = make("button", "", pictureOf(x), text);
  button.onclick = () => {
    pick(x);
    openView("draw");
  };
  return button;
}

byId("start").onclick = () => {
  isTraining = !isTraining;
  if (isTraining) run();
  else showTraining();
};
byId("one").onclick = () => {
  isTraining = false;
  train();
  evaluate();
  showTraining();
};
byId("reset").onclick = byId("width").onchange = byId("seed").onchange = reset;
addEventListener("beforeunload", (event) => unsaved.size && event.preventDefault());
