/* The tabs: a section is shown in the views that its attribute data-views names. */

const tabs = [...document.querySelectorAll("nav button")];
const given = data.matrices.map(unpacked);
let view = "draw";

/** Show a view; the network in use may have changed meanwhile. */
function openView(name) {
  view = document.body.dataset.view = name;
  for (const section of document.querySelectorAll("[data-views]")) {
    section.hidden = !section.dataset.views.split(" ").includes(name);
  }
  for (const tab of tabs) tab.ariaCurrent = tab.dataset.view === name ? "page" : null;
  chooseNetwork();
  if (view === "learn") loadImages().then(showTraining);
}

/** Answer with the network that is chosen. */
function chooseNetwork() {
  if (byId("which").value === "trained") useNetwork(training.network, training.limits);
  else useNetwork(given, data.rules);
}

for (const tab of tabs) tab.onclick = () => openView(tab.dataset.view);
byId("which").onchange = chooseNetwork;
write({ name: data.name });
openView(view);
update();
