/* A weights file for mnistnet/model/weights.py: an .npz is a ZIP of .npy files, here not compressed. */
const UNSURE = 0.03; // as in mnistnet/model/answer.py

const asBytes = (text) => Array.from(text, (character) => character.charCodeAt(0));
/** Two or four bytes of a number, the lowest first. */
const short = (value) => [value % 256, value >> 8];
const four = (value) => [...short(value % 65536), ...short(value >>> 16)];

/** Choose limits of unsure answers as choose_limits does; null if half of the answers are wrong. */
function chooseLimits(scores, labels) {
  const right = scores.filter((f, n) => digitOf(f) === labels[n]);
  if (labels.length < 500 || right.length < labels.length / 2) return null;
  const best = right.map((f) => Math.max(...f));
  const score = quantile(best, UNSURE / 2);
  const likely = right.filter((_, n) => best[n] >= score).map((f) => softmax(f).sort((a, b) => b - a));
  const margins = likely.map(([first, second]) => first - second);
  const limits = { margin: quantile(margins, UNSURE / (2 - UNSURE)), score };
  return { ...limits, no_digit: clamp(quantile(best, 0.001) / 2, 0, score) };
}

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return Number((below + (place % 1) * (above - below)).toFixed(4));
}

/** An array as .npy, of a NumPy type and shape. */
function npy(type, shape, values) {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const size = 64 * Math.ceil((header.length + 11) / 64) - 10; // the values begin at a multiple of 64
  const start = [...asBytes("\x93NUMPY"), 1, 0, ...short(size)];
  const text = asBytes(`${header.padEnd(size - 1)}\n`);
  return Uint8Array.from([...start, ...text, ...new Uint8Array(values.buffer)]);
}

/** The parts of a ZIP of these [name, bytes]. */
function zip(files) {
  const [parts, entries] = [[], []];
  let offset = 0;
  for (const [name, bytes] of files) {
    // version 2.0, no flags, stored, midnight of 1 January 1980
    const facts = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, ...four(crc32(bytes)), ...four(bytes.length)];
    facts.push(...four(bytes.length), ...short(name.length), 0, 0);
    const header = Uint8Array.from([...asBytes("PK\x03\x04"), ...facts, ...asBytes(name)]);
    const rest = [...Array(10).fill(0), ...four(offset), ...asBytes(name)];
    entries.push(...asBytes("PK\x01\x02"), 20, 0, ...facts, ...rest);
    parts.push(header, bytes);
    offset += header.length + bytes.length;
  }
  const end = [0, 0, 0, 0, ...short(files.length), ...short(files.length), ...four(entries.length)];
  entries.push(...asBytes("PK\x05\x06"), ...end, ...four(offset), 0, 0);
  return [...parts, Uint8Array.from(entries)];
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Let the user save parts, of text or bytes, as a file. */
function saveFile(name, parts) {
  const href = URL.createObjectURL(new Blob(parts));
  Object.assign(make("a", ""), { href, download: name }).click();
}

/** The network trained on this page and how it was trained (mnistnet/model/metadata.py). */
function weightsFile() {
  const { network: [M, W], steps, seed, limits, options } = training;
  const epochs = Math.max(1, Math.round((steps * options.size) / sets.train.labels.length));
  const how = { epochs, batch_size: options.size, learning_rate: options.rate, weight_decay: 0 };
  const more = { momentum: options.momentum, augment: options.isDistorted, validation: 0 };
  const [name, published] = [data.set, data.set === "MNIST"];
  const source = { name, published, drawn: name === "drawn digits" };
  const facts = { format: 1, seed, options: { ...how, ...more }, data: source };
  const meta = JSON.stringify({ ...facts, history: [], versions: { mnistnet: data.version }, limits });
  const characters = Uint32Array.from(meta, (character) => character.codePointAt(0));
  return zip([
    ["meta.npy", npy(`<U${characters.length}`, [], characters)],
    ["W1.npy", npy("<f4", [M.rows, M.columns], M.weights)],
    ["W2.npy", npy("<f4", [W.rows, W.columns], W.weights)],
  ]);
}

byId("save").onclick = () => {
  evaluate();
  showTraining();
  saveFile("learned.npz", weightsFile());
  unsaved.delete("weights");
};
