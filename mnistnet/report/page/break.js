/* The tab Break it: units switched off, noise in the weights, and what would make it another digit. */
const FOLLOWED = 0.05; // of full ink: the largest change of a pixel for a step of the slider
const off = new Set(); // the units of the last hidden layer that are switched off

/** A copy with noise, relative to the weights, and with zeros in W for the units that are off. */
function broken(network) {
  const random = generator(0);
  return network.map((matrix) => {
    const { weights, columns } = matrix;
    const size = byId("noise").value * Math.sqrt(dot(weights, weights) / weights.length);
    const isOff = (n) => matrix === network.at(-1) && off.has(n % columns);
    const changed = (weight, n) => (isOff(n) ? 0 : weight + size * (size && normal(random)));
    return { ...matrix, weights: weights.map(changed) };
  });
}

/** Show the accuracy on the images of the set, unless the network changes meanwhile. */
async function measure() {
  const measured = network;
  const { images, labels } = sets.test;
  let right = 0;
  for (let n = 0; n < labels.length; n++) {
    if (n % 20 === 0) await pause();
    if (network !== measured) return;
    right += digitOf(forward(network, imageAt(images, n)).at(-1)) === labels[n];
  }
  write({ broken: percent(right / labels.length) });
}

/** The gradient of f[wish] - f[now] by x, from the activations of the layers. */
function towards(layers, wish, now) {
  const difference = rowOf(W, wish).map((weight, i) => weight - rowOf(W, now)[i]);
  return network.slice(0, -1).reduceRight((row, matrix, layer) => {
    const slopes = layers[layer + 1].map((activation) => 1 - activation ** 2);
    return rowTimes(row.map((derivative, i) => derivative * slopes[i]), matrix);
  }, difference);
}

/** The image x after as many steps along that gradient as the slider says; shows the next one. */
function followed(x) {
  const wish = Number(byId("wish").value);
  const now = digitOf(forward(network, x).at(-1));
  const gradientAt = (x) => towards(forward(network, x), wish, now);
  for (let step = 0; step < byId("follow").value; step++) {
    const gradient = gradientAt(x);
    const factor = FOLLOWED / largest(gradient);
    x = x.map((level, j) => clamp(level + factor * gradient[j], 0, 1));
  }
  drawWeights(byId("toward"), gradientAt(x));
  return x;
}

/** Switch a unit off, or on again. */
function switchUnit(i) {
  if (!off.delete(i)) off.add(i);
  chooseNetwork();
}

byId("some").onclick = () => {
  const on = [...Array(W.columns).keys()].filter((i) => !off.has(i));
  for (const n of shuffled(on.length, luck).slice(0, 10)) off.add(on[n]);
  chooseNetwork();
};
byId("mend").onclick = () => {
  off.clear();
  byId("noise").value = byId("follow").value = 0;
  chooseNetwork();
};
byId("noise").oninput = chooseNetwork;
byId("wish").append(...[9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((k) => make("option", "", k)));
byId("wish").oninput = byId("follow").oninput = requestUpdate;
