"use strict";
// The tree, the panel that tells of the open descriptor, and the search.

const MOST_DRAWN = 800;
const DEEPEST = 4;
const LETTER = 6.2; // pixels of a letter in the drawing, about
const COLOURS = [
  "#4c78a8", "#e0884a", "#5a9e6f", "#b8625f", "#8a74b3", "#c9a13b", "#4fa3a5", "#c77ba1", "#8b7a5e", "#7d92b5",
  "#a5b358", "#d29a7a", "#6b8e8e", "#a977b8", "#d0b35e", "#5f86c4", "#cf7f6a", "#73a857", "#9a8fbf", "#b58f4a",
];
const drawing = () => document.querySelector("input[name=drawing]:checked").value;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Plotly reads a small HTML in its texts; with these gone a name is only a name.
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const plain = (text) => text.replace(/\s+/g, " ").replace(/[&<>]/g, (sign) => ENTITIES[sign]);

function lighter(hex, share) {
  const towards = dark.matches ? 20 : 255;
  const mixed = [1, 3, 5].map((at) => Math.round(parseInt(hex.slice(at, at + 2), 16) * (1 - share) + towards * share));
  return "rgb(" + mixed.join(",") + ")";
}

// The open descriptor (or, if it has none below, the one above) with as many levels as can be drawn quickly.
function visible(top) {
  const rows = [{ place: top, parent: "", depth: 0, branch: 0 }];
  let level = rows.slice();
  let left = 0;
  for (let depth = 1; depth <= DEEPEST && level.length; depth += 1) {
    let next = [];
    for (const row of level) {
      below(row.place).forEach((place, number) => {
        if (NODES[place].items) next.push({ place, parent: String(row.place), depth, branch: depth === 1 ? number : row.branch });
      });
    }
    if (rows.length + next.length > MOST_DRAWN) {
      if (depth > 1) break;
      next.sort((a, b) => NODES[b.place].items - NODES[a.place].items);
      left = next.length - MOST_DRAWN;
      next = next.slice(0, MOST_DRAWN);
    }
    rows.push(...next);
    level = next;
  }
  return { rows, left };
}

// An item counts once a level, so that children hold no more than their parent; a tree moved by hand may differ.
function sizes(rows) {
  const found = new Map(rows.map((row) => [String(row.place), nodeAt(row.place).items]));
  const sums = new Map();
  for (const row of rows.slice().reverse()) {
    const id = String(row.place);
    found.set(id, Math.max(found.get(id), sums.get(id) || 0));
    sums.set(row.parent, (sums.get(row.parent) || 0) + found.get(id));
  }
  return rows.map((row) => found.get(String(row.place)));
}

function drawTree() {
  const top = opened === ROOT || below(opened).length ? opened : NODES[opened].parent;
  const { rows, left } = visible(top);
  const all = TOP.items;
  const tree = document.getElementById("tree");
  const columns = 1 + Math.max(...rows.map((row) => row.depth));
  const fitting = Math.max(12, Math.floor((tree.clientWidth || 680) / columns / LETTER));
  const trace = {
    type: drawing(),
    ids: rows.map((row) => String(row.place)),
    parents: rows.map((row) => row.parent),
    labels: rows.map((row) => plain(clipped(nodeAt(row.place).name, fitting))),
    values: sizes(rows),
    text: rows.map((row) => whole(nodeAt(row.place).items)),
    customdata: rows.map((row) => [plain(clipped(nodeAt(row.place).name, 120)), percent(nodeAt(row.place).items, all)]),
    branchvalues: "total",
    textinfo: "label",
    hovertemplate: "%{customdata[0]}<br>%{text} items, %{customdata[1]} of all<extra></extra>",
    sort: false,
    marker: {
      colors: rows.map((row) =>
        row.depth ? lighter(COLOURS[row.branch % COLOURS.length], Math.min(0.6, 0.18 * (row.depth - 1))) : colour("--accent-soft")),
      line: {
        width: rows.map((row) => (row.place === opened ? 3 : 1)),
        color: rows.map((row) => (row.place === opened ? colour("--ink") : colour("--card"))),
      },
    },
  };
  if (trace.type === "icicle") {
    trace.tiling = { orientation: "h", pad: 1 };
    trace.pathbar = { visible: false };
  } else trace.insidetextorientation = "auto";
  const layout = {
    margin: { t: 2, l: 2, r: 2, b: 2 },
    paper_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 12.5, color: colour("--ink") },
    uniformtext: { minsize: trace.type === "icicle" ? 10 : 8, mode: "hide" },
  };
  Plotly.react(tree, [trace], layout, { displayModeBar: false, responsive: true });
  for (const label of tree.querySelectorAll(".hoverlayer > *")) label.remove();
  const empty = NODES.filter((node) => !node.items).length;
  const notes = [];
  if (left) notes.push(counted(left, "smaller descriptor") + " not drawn");
  if (empty) notes.push(counted(empty, "descriptor") + " without items: the search finds them");
  document.getElementById("drawn").textContent = notes.join("; ");
  if (tree.dataset.listening) return;
  tree.dataset.listening = "yes";
  for (const kind of ["plotly_icicleclick", "plotly_sunburstclick"]) {
    tree.on(kind, (event) => {
      const place = Number(event.points[0].id);
      open(place === opened && place !== ROOT ? NODES[place].parent : place);
      return false;
    });
  }
}

function said(change, what) {
  const kind = change.approved === true ? "yes" : change.approved === false ? "no" : "";
  const verdict = change.approved === true ? "approved" : change.approved === false ? "rejected" : "not reviewed";
  return made("div", { class: "change " + kind },
    made("p", { text: what + " after round " + change.round + ", for a cluster of " + counted(change.size, "item") + "; " + verdict }),
    change.problem ? made("p", { text: "Problem: " + change.problem }) : null,
    change.description ? made("p", { text: "Definition: " + change.description }) : null,
    change.reason ? made("p", { text: "Architect: " + change.reason }) : null);
}

function originOf(node) {
  const parts = [made("h3", { text: "Where it came from" })];
  if (!DATA.history) return [...parts, made("p", { text: "Not known: the vocabulary was imported or drawn by hand." })];
  if (!node.origin) return [...parts, made("p", { text: "Added by hand after the build." })];
  const { created, expanded, name } = node.origin;
  parts.push(created ? said(created, "Change proposal: created") : made("p", { text: "One of the architect's first proposals for these items." }));
  if (name !== node.name) parts.push(made("p", {}, "Its name was then ", made("q", { text: name }), "."));
  return parts.concat(expanded.map((change) => said(change, "Change proposal: expanded")));
}

const KINDS = { create: "A new descriptor", expand: "Expand" };

function roundsOf(node) {
  if (!node.rounds.length) return [];
  const lines = node.rounds.map(([items, assigned], number) =>
    made("li", { text: "Round " + (number + 1) + ": " + whole(assigned) + " of " + counted(items, "item") + " got a descriptor, " + percent(assigned, items) }));
  const parts = [made("h3", { text: "How its items were divided" }), made("ul", { class: "plain" }, ...lines)];
  for (const [round, clusters, items] of node.ignored) {
    parts.push(made("p", { class: "note", text: "After round " + round + ", " + counted(items, "item") + " in " + counted(clusters, "cluster") + " were left as outliers." }));
  }
  if (node.changes.length) {
    parts.push(made("details", {}, made("summary", { text: counted(node.changes.length, "change proposal") }),
      ...node.changes.map((change) => said(change, KINDS[change.kind] + (change.name ? ": " + change.name + "," : ",")))));
  }
  return parts;
}

function childrenOf(place, node) {
  const children = below(place);
  if (!children.length) return [];
  const rows = children.slice(0, 200).map((child) => made("li", {}, link(child),
    bar(node.items ? NODES[child].items / node.items : 0), made("span", { text: whole(NODES[child].items) })));
  const more = children.length > 200 ? made("p", { class: "note", text: whole(children.length - 200) + " more: the search finds them" }) : null;
  return [made("h3", { text: "Below it" }), made("ul", { class: "below" }, ...rows), more];
}

function factsOf(place, node) {
  const facts = made("p", { class: "facts" });
  const fact = (number, text) => facts.append(made("span", {}, made("b", { text: number }), " " + text));
  fact(whole(node.items), node.items === 1 ? "item" : "items");
  if (place !== ROOT) {
    fact(percent(node.items, TOP.items), "of all");
    if (node.parent !== ROOT) fact(percent(node.items, NODES[node.parent].items), "of " + NODES[node.parent].name);
    if (node.further) fact(whole(node.further), "more have it as a further one");
  }
  if (below(place).length) fact(percent(below(place).reduce((sum, child) => sum + NODES[child].items, 0), node.items), "go on below it");
  return facts;
}

function listed(title, texts) {
  if (!texts.length) return [];
  return [made("h3", { text: title }), made("ul", { class: "plain" }, ...texts.map((text) => made("li", { text })))];
}

function tell(place) {
  const node = nodeAt(place);
  const panel = document.getElementById("panel");
  const above = place === ROOT ? [] : [ROOT, ...pathOf(place).slice(0, -1)];
  const left = node.items - node.sample.length;
  const parts = [
    made("div", { class: "crumbs" }, crumbs(above, " › ")),
    made("h2", { text: node.name || "(no name)" }),
    factsOf(place, node),
  ];
  if (place !== ROOT) {
    parts.push(made("p", { class: "definition", text: node.description || "No definition." }),
      ...listed("Includes", node.includes), ...listed("Excludes", node.excludes));
  }
  parts.push(...childrenOf(place, node));
  if (place !== ROOT) parts.push(...originOf(node));
  parts.push(...roundsOf(node), made("h3", { text: "Items" }));
  if (left > 0) parts.push(made("p", { class: "note", text: "The first " + whole(node.sample.length) + " of " + whole(node.items) + "; " + whole(left) + " are not in this file." }));
  parts.push(node.sample.length ? itemList(node.sample) : made("p", { text: "No item has it on its best path." }));
  if (node.also && node.also.length) {
    const rest = node.further - node.also.length;
    parts.push(made("h3", { text: "Items that have it as a further descriptor" + (rest > 0 ? ", the first " + node.also.length : "") }), itemList(node.also));
  }
  panel.replaceChildren(...parts.filter(Boolean));
  panel.scrollTop = 0;
}

const TEXTS = NODES.map((node) => [node.name, node.description, ...node.includes].join("\n").toLowerCase());
const MOST_FOUND = 60;

function find(words) {
  const list = document.getElementById("found");
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  list.hidden = !wanted.length;
  if (!wanted.length) return;
  const places = [];
  TEXTS.forEach((text, place) => { if (wanted.every((word) => text.includes(word))) places.push(place); });
  const named = (place) => wanted.every((word) => NODES[place].name.toLowerCase().includes(word));
  places.sort((a, b) => named(b) - named(a) || NODES[b].items - NODES[a].items || a - b);
  const rows = places.slice(0, MOST_FOUND).map((place) => {
    const above = pathOf(place).slice(0, -1).map((at) => NODES[at].name).join(" › ");
    return made("li", {}, link(place), made("span", { class: "note", text: "  " + counted(NODES[place].items, "item") + (above ? ", below " + above : "") }));
  });
  if (places.length > MOST_FOUND) rows.push(made("li", { class: "note", text: whole(places.length - MOST_FOUND) + " more" }));
  if (!places.length) rows.push(made("li", { class: "note", text: "No descriptor has all these words." }));
  list.replaceChildren(...rows);
}

const search = document.getElementById("search");
search.addEventListener("input", () => find(search.value));
search.addEventListener("keydown", (event) => {
  const first = document.querySelector("#found button");
  if (event.key === "Enter" && first) first.click();
  if (event.key === "Escape") { search.value = ""; find(""); }
});
for (const choice of document.querySelectorAll("input[name=drawing]")) choice.addEventListener("change", drawTree);
listeners.push(drawTree, tell);
dark.addEventListener("change", drawTree);
open(ROOT);
