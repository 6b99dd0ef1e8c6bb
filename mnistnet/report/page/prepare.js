/* x: the drawing as an image like MNIST's. The strokes are drawn again at MNIST's size with a pen like
   MNIST's, as mnistnet/image/digit.py does it. A stroke is many dots of the pen, {x, y, radius}. */
const SIDE = 28; // pixels of x
const FINE = 8; // samples of a pixel in each direction
const STEP = 1 / 300; // from dot to dot, in sides of the canvas
const NEAR = 0.08; // of a drawing's height: ink that is closer is of one digit
const TALL = 0.4; // of the tallest digit's height: lower ink is a part of a digit

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** What is drawn: {x, count, isWide}; count is the number of digits, isWide as two digits are. */
function prepare(strokes) {
  const { wide } = data.rules;
  const parts = strokes.map(dotsOf).filter((dots) => dots.length);
  if (!parts.length) return { x: new Float32Array(SIDE * SIDE), count: 0 };
  const dots = parts.flat();
  const { width, height } = boxOf(dots);
  return { x: imageOf(dots), count: countDigits(parts), isWide: width > wide * height };
}

/** The dots of a stroke, without those that the canvas does not show. */
function dotsOf({ width, points }) {
  const radius = width / 2;
  const dots = points.flatMap(([x, y], n) => {
    const [x0, y0] = points[n - 1] ?? [x, y];
    const count = Math.ceil(Math.hypot(x - x0, y - y0) / STEP) || 1;
    const dot = (rest) => ({ x: x + rest * (x0 - x), y: y + rest * (y0 - y), radius });
    return Array.from({ length: count }, (_, k) => dot(k / count));
  });
  return dots.filter(({ x, y }) => Math.min(x, y) > EDGE && Math.max(x, y) < 1 - EDGE);
}

/** The box around the ink of the dots. */
function boxOf(dots) {
  const box = { left: 1, top: 1, right: 0, bottom: 0 };
  for (const { x, y, radius } of dots) {
    box.left = Math.min(box.left, Math.max(x - radius, EDGE));
    box.top = Math.min(box.top, Math.max(y - radius, EDGE));
    box.right = Math.max(box.right, Math.min(x + radius, 1 - EDGE));
    box.bottom = Math.max(box.bottom, Math.min(y + radius, 1 - EDGE));
  }
  return { ...box, width: box.right - box.left, height: box.bottom - box.top };
}

/** Count the digits in strokes, given as arrays of dots. Strokes whose ink is near, or inside the box
    of another, belong to one digit, and so does what is much lower: the bar of a 5, a dot. */
function countDigits(parts) {
  const near = NEAR * boxOf(parts.flat()).height;
  let groups = [];
  for (const part of parts) {
    const joined = groups.filter((group) => belongTogether(group, part, near));
    groups = groups.filter((group) => !joined.includes(group));
    groups.push([part, ...joined].flat());
  }
  const heights = groups.map((group) => boxOf(group).height);
  return heights.filter((height) => height >= TALL * Math.max(...heights)).length;
}

function belongTogether(some, others, near) {
  const [box, other] = [boxOf(some), boxOf(others)];
  if (contains(box, other) || contains(other, box)) return true;
  const isNear = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) <= a.radius + b.radius + near;
  return some.some((a) => others.some((b) => isNear(a, b)));
}

const contains = (outer, inner) =>
  Math.max(outer.left - inner.left, outer.top - inner.top) < 0 &&
  Math.max(inner.right - outer.right, inner.bottom - outer.bottom) < 0;

/** Make x, 784 values from 0 to 1: the longer side of the ink is 20 pixels, and its barycentre is
    within half a pixel of (14.5, 14.5), where the first pixel's centre is 0.5. */
function imageOf(dots) {
  const pen = likeMnist(dots);
  const box = boxOf(pen);
  const pixel = Math.max(box.width, box.height) / data.rules.digit;
  const [rows, columns] = [box.height, box.width].map((side) => Math.round(side / pixel) || 1);
  const samples = inkedSamples(pen, box, rows, columns);
  const [top, left] = [rows, columns].map((side, axis) => {
    const mean = samples.reduce((sum, sample) => sum + sample[axis], 0) / samples.length;
    return clamp(Math.trunc(15 - mean), 0, SIDE - side);
  });
  const x = new Float32Array(SIDE * SIDE);
  for (const [row, column] of samples)
    x[(top + Math.trunc(row)) * SIDE + left + Math.trunc(column)] += 1;
  const most = largest(x);
  return x.map((level) => level / most);
}

/** Make dots larger if strokes are thinner than in MNIST, and smaller if they are thicker. */
function likeMnist(dots) {
  const { digit, thin, thick } = data.rules;
  const { width, height } = boxOf(dots);
  const pixel = Math.max(width, height) / digit;
  const radiusOf = ({ radius }) => clamp(radius, (thin * pixel) / 2, (thick * pixel) / 2);
  return dots.map((dot) => ({ ...dot, radius: radiusOf(dot) }));
}

/** The samples with ink, as [row, column] in pixels, when rows x columns pixels cover the box. */
function inkedSamples(dots, box, rows, columns) {
  const [height, width] = [rows * FINE, columns * FINE];
  const [down, across] = [height / box.height, width / box.width]; // samples in a unit
  const inked = new Uint8Array(height * width);
  for (const { x, y, radius } of dots) {
    const [row, column] = [(y - box.top) * down - 0.5, (x - box.left) * across - 0.5];
    for (let r = Math.max(Math.ceil(row - radius * down), 0); r <= row + radius * down; r++) {
      const half = across * Math.sqrt(radius ** 2 - ((r - row) / down) ** 2);
      const [begin, end] = [column - half, column + half].map((c) => clamp(Math.ceil(c), 0, width));
      inked.fill(1, r * width + begin, r * width + end);
    }
  }
  const placeOf = (i) => [(Math.trunc(i / width) + 0.5) / FINE, ((i % width) + 0.5) / FINE];
  return [...inked.keys()].filter((i) => inked[i]).map(placeOf);
}
