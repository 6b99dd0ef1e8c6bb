/* The drawing: strokes {width, points} of a pen, relative to the side of the canvas. */
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent); // from __init__.py
const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]; // of the digits, as in the notes
const EDGE = 1 / 80; // of the canvas stays blank: predict may take ink at the edge for a border

const canvas = byId("draw");
let strokes = [];
let past = []; // [strokes, picked] for undo
let current = null; // the stroke being drawn: {pointer, points}

function make(tag, className, ...parts) {
  const element = Object.assign(document.createElement(tag), { className });
  element.append(...parts);
  return element;
}

/** A canvas for 28 x 28 pixels. */
const makeImage = () => Object.assign(make("canvas", ""), { width: SIDE, height: SIDE });

function paint() {
  const [pen, side] = [canvas.getContext("2d"), canvas.width];
  pen.fillStyle = colour("--paper");
  pen.fillRect(0, 0, side, side);
  pen.imageSmoothingEnabled = false;
  if (picked) pen.drawImage(byId("input"), 0, 0, side, side);
  pen.strokeStyle = colour("--ink");
  pen.lineCap = pen.lineJoin = "round";
  for (const { width, points } of strokes) {
    pen.lineWidth = width * side;
    pen.beginPath();
    pen.moveTo(points[0][0] * side, points[0][1] * side - 0.01); // draws a single point as a dot
    for (const [x, y] of points) pen.lineTo(x * side, y * side);
    pen.stroke();
  }
  pen.strokeStyle = colour("--paper");
  pen.lineWidth = 2 * EDGE * side;
  pen.strokeRect(0, 0, side, side);
}

/** Replace the drawing by some strokes and by paths of points, drawn with the chosen pen. */
function draw(others, paths) {
  const width = byId("pen").value / 100;
  past.push([strokes, picked]);
  strokes = [...others, ...paths.map((points) => ({ width, points }))];
  picked = null;
  requestUpdate();
}

/** Show an image x in place of the drawing. */
function pick(x) {
  draw([], []);
  picked = { x, count: 1, isWide: false };
}

function undo() {
  [strokes, picked] = past.pop() ?? [[], null];
  requestUpdate();
}

/** The positions of the pointer relative to the canvas; an event may report several of them. */
function places(event) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const events = event.getCoalescedEvents?.() ?? [];
  const place = ({ clientX, clientY }) => [(clientX - left) / width, (clientY - top) / height];
  return (events.length ? events : [event]).map(place);
}

function beginStroke(event) {
  if (current || event.button !== 0) return; // ignores a second finger or the palm
  canvas.setPointerCapture(event.pointerId); // continues the stroke outside the canvas
  current = { pointer: event.pointerId, points: places(event) };
  draw(strokes, [current.points]);
}

function continueStroke(event) {
  if (event.pointerId !== current?.pointer) return;
  current.points.push(...places(event));
  requestUpdate();
}

/** A button that draws a digit, in another way each time. */
function exampleButton(digit) {
  const place = ([x, y]) => [0.18 + 0.64 * x, 0.18 + 0.64 * y];
  const ways = data.examples[digit].map((way) => way.map((points) => points.map(place)));
  const button = Object.assign(make("button", "", digit), { ariaLabel: `Example of ${digit}` });
  let next = 0;
  button.onclick = () => draw([], ways[next++ % ways.length]);
  return button;
}

canvas.onpointerdown = beginStroke;
canvas.onpointermove = canvas.onpointerup = continueStroke;
canvas.onlostpointercapture = () => (current = null);
byId("undo").onclick = undo;
byId("clear").onclick = () => (picked || strokes.length) && draw([], []);
byId("examples").append(...ORDER.map(exampleButton));
const isUndo = ({ key, ctrlKey, metaKey }) => key === "z" && (ctrlKey || metaKey);
addEventListener("keydown", (event) => isUndo(event) && undo());
