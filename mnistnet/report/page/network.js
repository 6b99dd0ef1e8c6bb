/* The network, h = tanh(M x), f = W h: an array of matrices {rows, columns, weights}, row by row. */

/** The bytes that a text in base64 has. */
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const rowOf = ({ columns, weights }, i) => weights.subarray(i * columns, (i + 1) * columns);
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
/** The digit with the highest score. */
const digitOf = (f) => f.indexOf(Math.max(...f));

/** Unpack a matrix of __init__.py: each row is 16-bit integers times one scale. */
function unpacked({ columns, scales, integers }) {
  const scaled = (integer, n) => integer * scales[Math.trunc(n / columns)];
  const weights = Float32Array.from(new Int16Array(bytesOf(integers).buffer), scaled);
  return { rows: scales.length, columns, weights };
}

/** The places of the values other than 0: most of an image is blank. */
function usedPlaces(values) {
  const places = new Uint16Array(values.length);
  let count = 0;
  for (let j = 0; j < values.length; j++) if (values[j] !== 0) places[count++] = j;
  return places.subarray(0, count);
}

/** A matrix times a column; zeros are not multiplied. */
function times({ rows, columns, weights }, column) {
  const places = usedPlaces(column);
  const product = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    const start = i * columns;
    let sum = 0;
    for (let n = 0; n < places.length; n++) sum += weights[start + places[n]] * column[places[n]];
    product[i] = sum;
  }
  return product;
}

/** Add factor times a column times a row to a matrix; zeros of the row are not multiplied. */
function addProduct({ columns, weights }, factor, column, row) {
  const places = usedPlaces(row);
  for (let i = 0; i < column.length; i++) {
    const start = i * columns;
    const scaled = factor * column[i];
    for (let n = 0; n < places.length; n++) weights[start + places[n]] += scaled * row[places[n]];
  }
}

/** A row times a matrix. */
function rowTimes(row, matrix) {
  const product = new Float32Array(matrix.columns);
  row.forEach((factor, i) => {
    const weights = rowOf(matrix, i);
    for (let j = 0; j < weights.length; j++) product[j] += factor * weights[j];
  });
  return product;
}

/** The activations of all layers, x first and f last. */
function forward(network, x) {
  const layers = [x];
  for (const matrix of network.slice(0, -1)) layers.push(times(matrix, layers.at(-1)).map(Math.tanh));
  return [...layers, times(network.at(-1), layers.at(-1))];
}

function softmax(f) {
  const largest = Math.max(...f); // subtracted to keep exp from overflowing
  const powers = Array.from(f, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The derivatives of unit i of a layer (0 is x) by each pixel of a blank image, where tanh has
    slope 1: its row of weights times the matrices of the layers below. */
function response(network, layer, i) {
  if (layer === 0) return new Float32Array(network[0].columns).fill(1, i, i + 1);
  return network.slice(0, layer - 1).reduceRight(rowTimes, rowOf(network[layer - 1], i));
}
