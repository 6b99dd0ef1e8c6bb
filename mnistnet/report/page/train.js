/* Training the notes' network, M and W, as mnistnet/model/network.py and training.py do it. */
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

const luck = generator(1); // for what must not change a training

/** A random number of the normal distribution. */
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const zeros = ({ rows, columns }) => ({ rows, columns, weights: new Float32Array(rows * columns) });

/** A training that begins with random weights of standard deviation 1 / sqrt(columns). */
function newTraining(hidden, seed) {
  const random = generator(seed);
  const network = [[hidden, SIDE * SIDE], [ORDER.length, hidden]].map(([rows, columns]) => {
    const weights = zeros({ rows, columns }).weights.map(() => normal(random) / Math.sqrt(columns));
    return { rows, columns, weights };
  });
  return { network, velocity: network.map(zeros), random, seed, steps: 0, queue: [] };
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
  for (const { weights } of velocity) weights.forEach((step, n) => (weights[n] = momentum * step));
  for (const { x, label } of batch) {
    const back = backpropagate(network, x, label);
    addProduct(velocity[0], -rate / batch.length, back.du, x);
    addProduct(velocity[1], -rate / batch.length, back.df, back.h);
    loss += back.loss / batch.length;
  }
  network.forEach(({ weights }, layer) => {
    velocity[layer].weights.forEach((step, n) => (weights[n] += step));
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

const shuffled = (count, random) => sortedBy(Array.from({ length: count }, random), Number);

/** Image n as x, of images with a byte per pixel. */
const imageAt = (images, n) =>
  new Float32Array(images.subarray(n * SIDE ** 2, (n + 1) * SIDE ** 2)).map((pixel) => pixel / 255);

/** An image turned about its middle and shifted a little. */
function distorted(x, random) {
  const between = (limit) => limit * (2 * random() - 1);
  const [angle, right, down] = [between(TURN), between(SHIFT), between(SHIFT)];
  const [cos, sin, middle] = [Math.cos(angle), Math.sin(angle), (SIDE - 1) / 2];
  return x.map((_, j) => {
    const across = (j % SIDE) - middle - right;
    const along = Math.floor(j / SIDE) - middle - down;
    const column = Math.round(cos * across - sin * along + middle);
    const row = Math.round(sin * across + cos * along + middle);
    return column >= 0 && column < SIDE && row >= 0 && row < SIDE ? x[row * SIDE + column] : 0;
  });
}
