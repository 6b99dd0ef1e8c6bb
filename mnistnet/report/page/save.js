/* A weights file as mnistnet/model/weights.py reads it: an .npz is a ZIP of .npy files. Nothing in it
   is compressed. */

const UNSURE = 0.03; // as in mnistnet/model/answer.py

/** Choose limits of unsure answers as choose_limits does; null if half of the answers are wrong. */
function chooseLimits(scores, labels) {
  const right = scores.filter((f, n) => f.indexOf(Math.max(...f)) === labels[n]);
  if (labels.length < 500 || right.length < labels.length / 2) return null;
  const best = right.map((f) => Math.max(...f));
  const score = quantile(best, UNSURE / 2);
  const margins = right.filter((_, n) => best[n] >= score).map((f) => {
    const [first, second] = softmax(f).sort((a, b) => b - a);
    return first - second;
  });
  const margin = quantile(margins, UNSURE / (2 - UNSURE));
  const noDigit = Math.min(Math.max(quantile(best, 0.001) / 2, 0), score);
  const [a, b, c] = [margin, score, noDigit].map((limit) => Number(limit.toFixed(4)));
  return { margin: a, score: b, no_digit: c };
}

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (place % 1) * (above - below);
}

/** Bytes of a number, the lowest first. */
function little(value, count) {
  return Array.from({ length: count }, (_, n) => Math.trunc(value / 256 ** n) % 256);
}

function asBytes(text) {
  return Array.from(text, (character) => character.charCodeAt(0));
}

/** An array as .npy, of a NumPy type and shape. */
function npy(type, shape, values) {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const size = 64 * Math.ceil((header.length + 11) / 64) - 10; // the values begin at a multiple of 64
  const start = [0x93, ...asBytes("NUMPY"), 1, 0, ...little(size, 2)];
  const text = asBytes(`${header.padEnd(size - 1)}\n`);
  const bytes = new Uint8Array(10 + size + values.byteLength);
  bytes.set([...start, ...text]);
  bytes.set(new Uint8Array(values.buffer), 10 + size);
  return bytes;
}

/** The parts of a ZIP of these [name, bytes]. */
function zip(files) {
  const [parts, entries] = [[], []];
  let offset = 0;
  for (const [name, bytes] of files) {
    const sizes = [...little(bytes.length, 4), ...little(bytes.length, 4)];
    // version 2.0, no flags, stored, midnight of 1 January 1980
    const facts = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, ...little(crc32(bytes), 4), ...sizes];
    facts.push(...little(name.length, 2), 0, 0);
    const header = Uint8Array.from([...asBytes("PK\x03\x04"), ...facts, ...asBytes(name)]);
    const rest = [...Array(10).fill(0), ...little(offset, 4), ...asBytes(name)];
    entries.push(...asBytes("PK\x01\x02"), 20, 0, ...facts, ...rest);
    parts.push(header, bytes);
    offset += header.length + bytes.length;
  }
  const counts = [...little(files.length, 2), ...little(files.length, 2)];
  const end = [0, 0, 0, 0, ...counts, ...little(entries.length, 4), ...little(offset, 4), 0, 0];
  return [...parts, Uint8Array.from([...entries, ...asBytes("PK\x05\x06"), ...end])];
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
  const link = make("a", "");
  link.href = URL.createObjectURL(new Blob(parts));
  link.download = name;
  link.click();
  setTimeout(URL.revokeObjectURL, 60_000, link.href);
}

/** The network trained on this page and how it was trained (mnistnet/model/metadata.py). */
function weightsFile() {
  const { network, steps, seed, limits, options = chosenOptions() } = training;
  const [M, W] = network;
  const epochs = Math.max(1, Math.round((steps * options.size) / sets.train.labels.length));
  const how = { epochs, batch_size: options.size, learning_rate: options.rate, weight_decay: 0 };
  const none = { drawn: 0, nondigits: 0, validation: 0 };
  const meta = JSON.stringify({
    format: 1,
    seed,
    options: { ...how, momentum: options.momentum, augment: options.isDistorted, ...none },
    data: { published: data.set === "MNIST", drawn: data.set === "drawn digits", name: data.set },
    history: [],
    versions: { mnistnet: data.version },
    limits,
  });
  const characters = Array.from(meta, (character) => character.codePointAt(0));
  return zip([
    ["meta.npy", npy(`<U${characters.length}`, [], Uint32Array.from(characters))],
    ["W1.npy", npy("<f4", [M.rows, M.columns], M.weights)],
    ["W2.npy", npy("<f4", [W.rows, W.columns], W.weights)],
  ]);
}

byId("save").onclick = () => {
  evaluate();
  showTraining();
  saveFile("learned.npz", weightsFile());
  unsaved.weights = false;
};
