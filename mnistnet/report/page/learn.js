/* The tab Learn: a network with random weights learns from the images in the page. */

const EVERY = 50; // steps between two evaluations, fewer at first
const SLICE = 20; // milliseconds of training at a time, so that the page reacts
const SHOWN = 250; // milliseconds between two views of the weights
const WRONG = 12; // images shown that the network gets wrong

const unsaved = { weights: false, drawings: false };
let loading; // promises sets
let sets; // {train, test}, each {images, labels}, once they are unpacked
let isTraining = false;
let training;

/** Unpack images, a row of a grey PNG each. */
async function unpackImages({ png, labels }) {
  const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
  const file = new Blob([bytes], { type: "image/png" });
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const pen = Object.assign(make("canvas", ""), { width, height }).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const { data: pixels } = pen.getImageData(0, 0, width, height);
  return { images: pixels.filter((_, n) => n % 4 === 0), labels: Array.from(labels, Number) };
}

async function loadImages() {
  loading ??= Promise.all([data.train, data.test].map(unpackImages));
  const [train, test] = await loading;
  if (!sets) {
    sets = { train, test };
    evaluate();
  }
}

/** Begin again with random weights. */
function reset() {
  isTraining = unsaved.weights = false;
  training = newTraining(Number(byId("width").value), Number(byId("seed").value));
  Object.assign(training, { limits: data.standard, points: [], losses: [], wrong: [] });
  if (sets) evaluate();
  showTraining();
}

/** The options of a step. */
function chosenOptions() {
  const [size, rate] = ["size", "rate"].map((id) => Number(byId(id).value));
  const [momentum, isDistorted] = [byId("momentum").checked ? 0.9 : 0, byId("distort").checked];
  return { size, rate, momentum, isDistorted };
}

/** Take one step, with the options of the moment. */
function train() {
  training.options = chosenOptions();
  training.losses.push(trainMinibatch(training, sets.train, training.options));
  unsaved.weights = true;
  byId("which").value = "trained";
  if (training.steps % EVERY === 0 || training.steps < 10) evaluate();
}

/** Measure the accuracy on the images not trained on, and choose the limits of unsure answers. */
function evaluate() {
  const { images, labels } = sets.test;
  const scores = labels.map((_, n) => forward(training.network, imageAt(images, n)).at(-1));
  const answers = scores.map((f) => f.indexOf(Math.max(...f)));
  const wrong = [...labels.keys()].filter((n) => answers[n] !== labels[n]);
  training.accuracy = 1 - wrong.length / labels.length;
  training.wrong = wrong.slice(0, WRONG).map((n) => ({ n, label: labels[n], answer: answers[n] }));
  training.limits = chooseLimits(scores, labels) ?? data.standard;
  const { losses, steps, accuracy } = training;
  if (losses.length) {
    const loss = losses.reduce((a, b) => a + b) / losses.length;
    training.points.push({ steps, accuracy, loss });
  }
  training.losses = [];
}

/** Train in slices until it is paused. */
async function run() {
  let shown = 0;
  while (isTraining) {
    const end = performance.now() + SLICE;
    while (isTraining && performance.now() < end) train();
    if (performance.now() > shown + SHOWN) {
      showTraining();
      shown = performance.now();
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  showTraining();
}

/** Show the weights, the curves and the mistakes. */
function showTraining() {
  if (!sets) return;
  const { network, steps, points, accuracy } = training;
  const loss = points.at(-1)?.loss;
  write({
    start: isTraining ? "Pause" : "Start",
    accuracy: percent(accuracy),
    loss: loss?.toFixed(3) ?? "",
    heldOut: sets.test.labels.length.toLocaleString("en"),
    progress: `${steps.toLocaleString("en")} steps`,
    source: `${sets.train.labels.length.toLocaleString("en")} images: ${sourceOf(data.set)}`,
  });
  if (view !== "learn") {
    if (byId("which").value === "trained") chooseNetwork();
    return;
  }
  const [M, W] = network;
  drawTiles(byId("pictureM"), M);
  const canvas = Object.assign(byId("pictureW"), { width: W.columns, height: W.rows });
  drawPixels(canvas, ORDER.flatMap((k) => [...rowOf(W, k)]), colour("--positive"), colour("--negative"));
  plot("accuracies", points.map((point) => [point.steps, (point.accuracy - 0.7) / 0.3]));
  plot("losses", points.map((point) => [point.steps, point.loss / 2.4]));
  byId("mistakes").replaceChildren(...training.wrong.map(mistakeButton));
}

function sourceOf(name) {
  return name === "MNIST" ? "MNIST (Y. LeCun, C. Cortes; licence CC BY-SA 3.0)" : name;
}

/** Draw the rows of a matrix as images beside each other. */
function drawTiles(canvas, matrix) {
  const across = Math.ceil(Math.sqrt(matrix.rows));
  const pitch = SIDE + 1;
  Object.assign(canvas, { width: across * pitch, height: Math.ceil(matrix.rows / across) * pitch });
  const values = new Float32Array(canvas.width * canvas.height);
  for (let i = 0; i < matrix.rows; i++) {
    const corner = Math.trunc(i / across) * pitch * canvas.width + (i % across) * pitch;
    const row = rowOf(matrix, i);
    for (let r = 0; r < SIDE; r++)
      values.set(row.subarray(r * SIDE, (r + 1) * SIDE), corner + r * canvas.width);
  }
  drawPixels(canvas, values, colour("--positive"), colour("--negative"));
}

/** Draw a curve through [steps, height], with heights from 0 to 1. */
function plot(id, points) {
  const most = Math.max(points.at(-1)?.[0] ?? 0, 1);
  const places = points.map(([x, y]) => `${(100 * x) / most},${100 - 100 * clamp(y, 0, 1)}`);
  byId(id).setAttribute("points", places.join(" "));
}

/** A button with an image that the network gets wrong, which shows it in the tab Draw. */
function mistakeButton({ n, label, answer }) {
  const image = Object.assign(make("canvas", ""), { width: SIDE, height: SIDE });
  const x = imageAt(sets.test.images, n);
  drawPixels(image, x, colour("--ink"));
  const button = make("button", "", image, `${label} read as ${answer}`);
  button.onclick = () => {
    pick(x);
    openView("draw");
  };
  return button;
}

byId("start").onclick = () => {
  isTraining = !isTraining;
  if (isTraining) run();
};
byId("one").onclick = () => {
  isTraining = false;
  train();
  evaluate();
  showTraining();
};
byId("reset").onclick = byId("width").onchange = byId("seed").onchange = reset;
addEventListener("beforeunload", (event) => {
  if (unsaved.weights || unsaved.drawings) event.preventDefault();
});
reset();
