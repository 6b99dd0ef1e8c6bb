/* Training the notes' network, M and W, as mnistnet/model/network.py and training.py do: the loss of a
   minibatch is the mean, and each step keeps a part of the last one, the momentum. */

const TURN = 0.2; // radians: the largest rotation of a distorted image
const SHIFT = 1.5; // pixels: the largest shift

/** Return a function that gives numbers from 0 to 1 which depend only on the seed (mulberry32). */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(seed ^ (seed >>> 15), seed | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A matrix of random weights of standard deviation 1 / sqrt(columns). */
function randomMatrix(rows, columns, random) {
  const weight = () => normal(random) / Math.sqrt(columns);
  return { rows, columns, weights: Float32Array.from({ length: rows * columns }, weight) };
}

/** A training that begins with random weights. */
function newTraining(hidden, seed) {
  const random = generator(seed);
  const shapes = [[hidden, SIDE * SIDE], [ORDER.length, hidden]];
  const [network, velocity] = [randomMatrix, (rows, columns) => randomMatrix(rows, columns, () => 0)]
    .map((matrix) => shapes.map(([rows, columns]) => matrix(rows, columns, random)));
  return { network, velocity, random, seed, steps: 0, queue: [] };
}

/** The loss L of an image x with a label, and its gradient, by the notes' steps. dL/dW is the
    product of the column df and the row h, dL/dM that of du and x, where u = M x. */
function backpropagate([M, W], x, label) {
  const u = times(M, x);
  const h = u.map(Math.tanh);
  const f = times(W, h);
  const p = softmax(f);
  const df = Float32Array.from(p, (probability, k) => probability - (k === label)); // p - t
  const dh = rowTimes(df, W); // W^T (p - t)
  const slope = h.map((activation) => 1 - activation ** 2);
  const du = dh.map((derivative, i) => derivative * slope[i]);
  const loss = Math.log(f.reduce((sum, score) => sum + Math.exp(score - f[label]), 0));
  return { u, h, f, p, loss, df, dh, slope, du };
}

/** Take one step on these images x with their labels; return the mean loss before it. */
function takeStep({ network, velocity }, batch, rate, momentum) {
  let loss = 0;
  for (const { weights } of velocity) for (let n = 0; n < weights.length; n++) weights[n] *= momentum;
  for (const { x, label } of batch) {
    const back = backpropagate(network, x, label);
    addProduct(velocity[0], -rate / batch.length, back.du, x);
    addProduct(velocity[1], -rate / batch.length, back.df, back.h);
    loss += back.loss / batch.length;
  }
  network.forEach(({ weights }, layer) => {
    const step = velocity[layer].weights;
    for (let n = 0; n < weights.length; n++) weights[n] += step[n];
  });
  return loss;
}

/** Take one step on the next minibatch; all images are used once before any is used again. */
function trainMinibatch(training, { images, labels }, { size, rate, momentum, isDistorted }) {
  const { random, queue } = training;
  const batch = Array.from({ length: size }, () => {
    if (!queue.length) queue.push(...shuffled(labels.length, random));
    const n = queue.pop();
    const x = imageAt(images, n);
    return { x: isDistorted ? distorted(x, random) : x, label: labels[n] };
  });
  training.steps++;
  return takeStep(training, batch, rate, momentum);
}

function shuffled(count, random) {
  const places = [...Array(count).keys()];
  for (let n = count - 1; n > 0; n--) {
    const other = Math.trunc((n + 1) * random());
    [places[n], places[other]] = [places[other], places[n]];
  }
  return places;
}

/** Image n as x, of images with a byte per pixel. */
function imageAt(images, n) {
  const x = new Float32Array(SIDE * SIDE);
  for (let j = 0; j < x.length; j++) x[j] = images[n * x.length + j] / 255;
  return x;
}

/** An image turned about its middle and shifted a little; pixels are interpolated. */
function distorted(x, random) {
  const between = (limit) => limit * (2 * random() - 1);
  const [angle, right, down] = [between(TURN), between(SHIFT), between(SHIFT)];
  const [cos, sin, middle] = [Math.cos(angle), Math.sin(angle), (SIDE - 1) / 2];
  const other = new Float32Array(x.length);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const [across, along] = [column - middle - right, row - middle - down];
      const [left, top] = [cos * across - sin * along + middle, sin * across + cos * along + middle];
      const [c, r] = [Math.floor(left), Math.floor(top)];
      if (c < 0 || r < 0 || c > SIDE - 2 || r > SIDE - 2) continue;
      const [place, b, a] = [r * SIDE + c, left - c, top - r];
      other[row * SIDE + column] =
        (1 - a) * ((1 - b) * x[place] + b * x[place + 1]) +
        a * ((1 - b) * x[place + SIDE] + b * x[place + SIDE + 1]);
    }
  }
  return other;
}
