/* The tiles of the units and the rows of the scores, which are selected by pointing or clicking. */
const barAndNumber = (kind) => [make("div", `bar ${kind}`, make("i", "")), make("span", "number")];
const bars = ORDER.map(() => make("div", "", make("span", ""), ...barAndNumber("signed")));
const rows = ORDER.map((k) => {
  const row = make("div", "row", make("b", "", k), ...barAndNumber("signed"), ...barAndNumber(""));
  return Object.assign(row, { kind: "score", index: k });
});
let tiles = [];

/** Make a tile for each unit shown of the network in use. */
function makeTiles() {
  const count = Math.min(MOST, W.columns);
  if (count !== tiles.length) {
    const tile = () => Object.assign(make("div", "tile", makeImage()), { kind: "unit" });
    tiles = Array.from({ length: count }, tile);
    offer(byId("units"), tiles);
  }
  tiles.forEach(assign);
}

/** Let items be selected by pointing or focus, kept by clicking, and reached with the arrows. */
function offer(list, items) {
  items.forEach((item, n) => {
    item.role = "option";
    item.tabIndex = n ? -1 : 0;
    item.onpointerenter = item.onfocus = () => point({ kind: item.kind, index: item.index });
    item.onpointerleave = item.onblur = () => point(null);
    item.onclick = () => keep(item);
    item.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") keep(item);
      else if (!moveFocus(list, items, n, event.key)) return;
      event.preventDefault();
    };
  });
  list.replaceChildren(...items);
}

function point(target) {
  pointed = target;
  show();
}

/** Keep the item selected until it is clicked again. */
function keep({ kind, index }) {
  if (view === "break" && kind === "unit") return switchUnit(index);
  kept = kept?.kind === kind && kept.index === index ? null : { kind, index };
  show();
}

/** Move the focus from item n to the one that the key leads to; return whether there is one. */
function moveFocus(list, items, n, key) {
  const across = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
  const next = items[{ Home: 0, End: items.length - 1 }[key] ?? n + steps[key]];
  if (!next) return false;
  [items[n].tabIndex, next.tabIndex] = [-1, 0];
  next.focus();
  return true;
}

/** Describe the network. */
function describe() {
  const [hidden, units] = [network.length - 1, W.columns];
  const layer = hidden > 1 ? ` of layer ${hidden}, the last hidden one` : "";
  const most = `The ${MOST} units with the largest contributions to the score.`;
  const tile = "Each image shows the derivative of the unit by each pixel of a blank image.";
  write({
    layers: `${[network[0].columns, ...network.map(({ rows }) => rows)].join("-")} units`,
    unitsTitle: hidden ? `The ${units} hidden units h${layer}` : "No hidden layer: h is x",
    unitsNote: `${units > MOST ? most : ""} ${hidden > 1 ? tile : ""}`,
  });
}

byId("contributions").append(...bars);
offer(byId("scores"), rows);
matchMedia("(prefers-color-scheme: dark)").onchange = requestUpdate;
