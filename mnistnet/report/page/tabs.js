/* The tabs: a section is shown in the views that its attribute data-views names. */
const given = data.matrices.map(unpacked);
const tabs = [...document.querySelectorAll("nav button")];
let view = "draw";

async function openView(name) {
  view = document.body.dataset.view = name;
  for (const part of document.querySelectorAll("[data-views]"))
    part.hidden = !part.dataset.views.split(" ").includes(view);
  for (const tab of tabs) tab.ariaCurrent = tab.dataset.view === view ? "page" : null;
  if (view === "step") byId("which").value = "trained";
  chooseNetwork();
  if (view === "draw" || view === "collect") return;
  await loadImages();
  showTraining();
}

/** Answer with the network that is chosen; it may have changed since. */
function chooseNetwork() {
  const isTrained = byId("which").value === "trained";
  const network = isTrained ? training.network : given;
  useNetwork(view === "break" ? broken(network) : network, isTrained ? training.limits : data.rules);
}

for (const tab of tabs) tab.onclick = () => openView(tab.dataset.view);
byId("which").onchange = chooseNetwork;
write({ name: data.name });
reset();
openView(view);
update();
