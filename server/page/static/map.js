// Map: points on a canvas, named by how close one looks; the branches and the points of a lasso as lists next to it.
import { ask, attempt, bdi, h, keepInAddress, mayChange, number, pathOf, query, time, url } from "./ui.js";

const canvas = document.getElementById("plane");
const state = document.getElementById("state");
const bar = document.getElementById("drawing");
const split = document.getElementById("map");
const beside = document.getElementById("beside");
const hover = document.getElementById("hover");
const lassoButton = document.getElementById("lasso");
const MOST_LISTED = 200;
const MOST_MOVING = 5000;
const METHODS = { umap: "UMAP", pca: "PCA" };
let of = query().get("of") || "";
let map = null;
let colours = [];
let tops = [];
let view = { x: 0, y: 0, zoom: 1 };
let chosen = null;
let lasso = null;
let drawing = false;
let pending = false;
let resting = 0;
let following = null;

begin();

async function begin() {
  for (const link of document.querySelectorAll("[data-of]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); keepInAddress({ of: link.dataset.of }, { push: true }); load(link.dataset.of); });
  }
  addEventListener("popstate", () => load(query().get("of") || "items"));
  document.getElementById("in").addEventListener("click", () => zoomAt(1.5));
  document.getElementById("out").addEventListener("click", () => zoomAt(1 / 1.5));
  document.getElementById("whole").addEventListener("click", whole);
  document.getElementById("back").addEventListener("click", showBranches);
  lassoButton.addEventListener("click", () => setLasso(!drawing));
  listen();
  new ResizeObserver(() => redraw()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { paint(); redraw(); });
  load(of || "items", !of);
}

/** Read the map of items or of labels; where there are no items at all, that of labels is the one to begin with. */
async function load(what, either = false) {
  following?.close();
  of = what;
  for (const link of document.querySelectorAll("[data-of]")) {
    if (link.dataset.of === of) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
  const answer = await attempt(() => ask(url("/api/map", { of })));
  if (!answer || what !== of) return;
  if (either && !answer.points) return load("labels");
  bar.hidden = true;
  map = answer.map;
  split.hidden = !map;
  if (!map) return offer(answer);
  const left = map.left_out ? ` An even sample is shown; ${number(map.left_out)} more are left out.` : "";
  document.getElementById("about").replaceChildren(`${number(map.ids.length)} points by ${METHODS[map.method] || map.method}, drawn `, time(map.made), `.${left}`);
  state.replaceChildren(...(answer.stale.length ? [h("p", { class: "notice" }, `This map is older than the workspace: ${answer.stale.join(", ")}. `, drawButton("Draw it again"))] : []));
  prepare();
  whole();
  showBranches();
}

function offer({ points }) {
  const what = of === "items" ? "items" : "labels";
  state.replaceChildren(h("div", { class: "card empty" }, ...(points
    ? [h("b", {}, `There is no map of the ${what} yet`), `Drawing places ${number(points)} ${what} so that alike ones are close to each other. It is done once and kept; a few thousand take a minute or two. `, h("br"), h("br"), drawButton("Draw the map")]
    : [h("b", {}, `There are no ${what} to draw`), of === "items" ? "Label some texts first, on the screen Try or with " : "Import some first: ", h("code", {}, of === "items" ? "taxonaut classify FILE" : "taxonaut labels import FILE")])));
}

const drawButton = (name) => h("button", { type: "button", class: "main", disabled: !mayChange(), title: mayChange() ? null : "Needs the link with the token that taxonaut serve printed", onclick: draw }, name);

async function draw() {
  const job = await attempt(() => ask("/api/jobs", { method: "POST", body: { kind: "map", of } }));
  if (!job) return;
  const what = of;
  const say = (text) => state.replaceChildren(h("p", { class: "card" }, h("span", { class: "wait", "aria-hidden": "true" }), ` ${text}`));
  say(job.state === "waiting" ? "Waiting for its turn…" : "Loading the model…");
  bar.hidden = false;
  bar.removeAttribute("value");
  following = new EventSource(`/api/jobs/${encodeURIComponent(job.id)}/events`);
  following.addEventListener("update", (event) => {
    const update = JSON.parse(event.data);
    if (update.kind !== "progress") return;
    say(update.stage === "placing points" ? "Placing the points; this is the longest part…" : `${update.stage}: ${number(update.done)}${update.total ? ` of ${number(update.total)}` : ""}`);
    if (update.total) { bar.max = update.total; bar.value = update.done; } else bar.removeAttribute("value");
  });
  following.addEventListener("state", (event) => {
    const now = JSON.parse(event.data);
    if (["waiting", "running"].includes(now.state)) return;
    following.close();
    bar.hidden = true;
    if (now.state === "finished") load(what);
    else state.replaceChildren(h("p", { class: "problem" }, now.error?.detail || `Drawing was ${now.state}.`), drawButton("Draw the map"));
  });
}

function prepare() {
  const top = (place) => { let at = place; while (at >= 0 && map.places[at].parent >= 0) at = map.places[at].parent; return at; };
  const topOf = map.places.map((_, at) => top(at));
  tops = map.at.map((at) => (at < 0 ? -1 : topOf[at]));
  chosen = null;
  lasso = null;
  paint();
}

function paint() {
  if (!map) return;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  colours = map.places.filter((place) => place.level === 1).map((_, at) => `hsl(${(at * 137.5) % 360} ${dark ? "60% 65%" : "60% 42%"})`);
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colourOf = (top) => (top < 0 ? css("--soft") : colours[top % colours.length]);
const scale = () => Math.min(canvas.clientWidth, canvas.clientHeight) * 0.46 * view.zoom;
const toScreen = (x, y) => [canvas.clientWidth / 2 + (x - view.x) * scale(), canvas.clientHeight / 2 - (y - view.y) * scale()];
const toPlane = (x, y) => [view.x + (x - canvas.clientWidth / 2) / scale(), view.y - (y - canvas.clientHeight / 2) / scale()];

/** Draw soon. While the map moves a part of many points is drawn, and all once it rests. */
function redraw(moving = false) {
  if (!map) return;
  const step = moving && map.ids.length > MOST_MOVING ? Math.ceil(map.ids.length / MOST_MOVING) : 1;
  clearTimeout(resting);
  if (step > 1) resting = setTimeout(redraw, 150);
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => { pending = false; drawNow(step); });
}

function drawNow(step) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const size = Math.min(7, (map.ids.length > 5000 ? 2 : 3.5) * Math.sqrt(view.zoom));
  const picked = lasso?.points;
  const by = new Map();
  for (let at = 0; at < map.ids.length; at += step) {
    const [x, y] = toScreen(map.x[at], map.y[at]);
    if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
    const key = tops[at];
    if (!by.has(key)) by.set(key, []);
    by.get(key).push(at, x, y);
  }
  for (const [top, points] of by) {
    context.fillStyle = colourOf(top);
    for (let each = 0; each < points.length; each += 3) {
      context.globalAlpha = picked && !picked.has(points[each]) ? 0.15 : 0.75;
      context.fillRect(points[each + 1] - size / 2, points[each + 2] - size / 2, size, size);
    }
  }
  context.globalAlpha = 1;
  drawNames(context, width, height);
  if (chosen !== null) ring(context, chosen);
  if (lasso?.line) {
    context.strokeStyle = css("--ink");
    context.setLineDash([5, 4]);
    context.beginPath();
    lasso.line.forEach(([x, y], at) => context[at ? "lineTo" : "moveTo"](...toScreen(x, y)));
    context.closePath();
    context.stroke();
    context.setLineDash([]);
  }
}

function ring(context, at) {
  const [x, y] = toScreen(map.x[at], map.y[at]);
  context.strokeStyle = css("--ink");
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 8, 0, 2 * Math.PI);
  context.stroke();
}

/** Names of branches: the first level from afar, then the second and third; the larger first, none over another. */
function drawNames(context, width, height) {
  const deepest = view.zoom < 1.8 ? 1 : view.zoom < 4 ? 2 : 3;
  const taken = [];
  const [paper, ink] = [css("--paper"), css("--ink")];
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const level of [deepest, deepest - 1]) {
    for (const place of map.places) {
      if (place.level !== level) continue;
      const [x, y] = toScreen(place.x, place.y);
      if (x < 0 || y < 0 || x > width || y > height) continue;
      const name = [...place.name].slice(0, 32).join("") + (place.name.length > 32 ? "…" : "");
      context.font = `${level === 1 ? "600 14px" : "13px"} system-ui, sans-serif`;
      const half = context.measureText(name).width / 2 + 4;
      const box = [x - half, y - 10, x + half, y + 10];
      if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
      taken.push(box);
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeStyle = paper;
      context.strokeText(name, x, y);
      context.fillStyle = ink;
      context.fillText(name, x, y);
    }
  }
}

function zoomAt(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const before = toPlane(x, y);
  view.zoom = Math.min(60, Math.max(0.7, view.zoom * factor));
  const after = toPlane(x, y);
  view.x += before[0] - after[0];
  view.y += before[1] - after[1];
  redraw(true);
}

function whole() { view = { x: 0, y: 0, zoom: 1 }; redraw(); }

function setLasso(on) {
  drawing = on;
  lassoButton.setAttribute("aria-pressed", String(on));
  canvas.classList.toggle("drawing", on);
}

function nearest(x, y, most = 14) {
  let best = null;
  let distance = most * most;
  for (let at = 0; at < map.ids.length; at++) {
    const [px, py] = toScreen(map.x[at], map.y[at]);
    const far = (px - x) ** 2 + (py - y) ** 2;
    if (far < distance) { distance = far; best = at; }
  }
  return best;
}

function listen() {
  const fingers = new Map();
  let moved = 0;
  const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoomAt(Math.exp(-event.deltaY / 400), ...place(event)); }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    moved = 0;
    if (drawing || event.shiftKey) lasso = { line: [toPlane(...place(event))], points: null };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!map) return;
    const now = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) return showHover(nearest(...now), now);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    hover.hidden = true;
    if (lasso?.line && !lasso.points) lasso.line.push(toPlane(...now));
    else if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      zoomAt(Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1])), ...other);
    } else { view.x -= (now[0] - before[0]) / scale(); view.y += (now[1] - before[1]) / scale(); }
    fingers.set(event.pointerId, now);
    redraw(true);
  });
  const up = (event) => {
    if (!fingers.delete(event.pointerId) || !map) return;
    if (lasso?.line && !lasso.points && moved > 5) return endLasso();
    if (moved <= 5) { if (lasso && !lasso.points) lasso = null; const at = nearest(...place(event)); if (at !== null) choose(at); }
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => { hover.hidden = true; });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !map) return;
    const by = 60 / scale();
    const keys = {
      ArrowLeft: () => { view.x -= by; }, ArrowRight: () => { view.x += by; }, ArrowUp: () => { view.y += by; }, ArrowDown: () => { view.y -= by; },
      "+": () => zoomAt(1.5), "=": () => zoomAt(1.5), "-": () => zoomAt(1 / 1.5), "0": whole, l: () => setLasso(!drawing),
      Enter: () => { const at = nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, Infinity); if (at !== null) choose(at); },
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
    redraw();
  });
}

function showHover(at, [x, y]) {
  hover.hidden = at === null;
  if (at === null) return;
  hover.replaceChildren(bdi(map.texts[at] || map.ids[at]), map.labels[at] && of === "items" ? h("b", {}, bdi(map.labels[at].slice(0, 200))) : "");
  hover.style.left = `${Math.min(canvas.offsetLeft + x + 14, canvas.offsetLeft + Math.max(0, canvas.clientWidth - 240))}px`;
  hover.style.top = `${canvas.offsetTop + y + 14}px`;
}

function endLasso() {
  const inside = (x, y) => {
    let is = false;
    for (let at = 0, last = lasso.line.length - 1; at < lasso.line.length; last = at++) {
      const [[x1, y1], [x2, y2]] = [lasso.line[at], lasso.line[last]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) is = !is;
    }
    return is;
  };
  const points = [];
  for (let at = 0; at < map.ids.length; at++) if (inside(map.x[at], map.y[at])) points.push(at);
  setLasso(false);
  if (!points.length) { lasso = null; return redraw(); }
  lasso.points = new Set(points);
  list(`${number(points.length)} in the lasso`, points);
  redraw();
}

function head(title, { back = true } = {}) {
  document.getElementById("beside-title").textContent = title;
  document.getElementById("back").hidden = !back;
}

/** The same as a table: the branches with their counts, the way to points for those who do not see the plane. */
function showBranches() {
  lasso = null;
  chosen = null;
  head("Branches", { back: false });
  const first = map.places.map((place, at) => ({ ...place, number: at })).filter((place) => place.level === 1).sort((a, b) => b.points - a.points);
  const none = map.at.reduce((count, at) => count + (at < 0), 0);
  beside.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Branch"), h("th", { scope: "col", class: "number" }, of === "items" ? "Items" : "Labels"))),
    h("tbody", {}, ...first.map((place) => {
      const dot = h("span", { class: "dot", "aria-hidden": "true" });
      dot.style.background = colourOf(place.number);
      return h("tr", {}, h("td", {}, h("button", { type: "button", onclick: () => showBranch(place.number) }, h("span", { class: "name" }, dot, place.name))), h("td", { class: "number" }, number(place.points)));
    }), none ? h("tr", {}, h("td", { class: "soft" }, "in no branch"), h("td", { class: "number" }, number(none))) : "")));
  redraw();
}

function showBranch(place) {
  const points = [];
  const under = (at) => { for (let each = at; each >= 0; each = map.places[each].parent) if (each === place) return true; return false; };
  const known = map.places.map((_, at) => under(at));
  map.at.forEach((at, point) => { if (at >= 0 && known[at]) points.push(point); });
  lasso = { points: new Set(points), line: null };
  view.x = map.places[place].x;
  view.y = map.places[place].y;
  view.zoom = Math.max(view.zoom, map.places[place].level === 1 ? 1.8 : 4);
  const below = map.places.map((each, at) => ({ ...each, number: at })).filter((each) => each.parent === place).sort((a, b) => b.points - a.points);
  list(map.places[place].name, points, below);
  redraw();
}

function list(title, points, below = []) {
  head(title);
  beside.replaceChildren(
    below.length ? h("ul", { class: "points" }, ...below.slice(0, 40).map((each) => h("li", {}, h("button", { type: "button", onclick: () => showBranch(each.number) }, h("span", { class: "name" }, each.name, " ", h("span", { class: "soft small" }, number(each.points))))))) : "",
    below.length ? h("h3", {}, `${number(points.length)} points`) : "",
    h("ul", { class: "points" }, ...points.slice(0, MOST_LISTED).map((at) => h("li", {}, h("button", { type: "button", onclick: () => choose(at) },
      bdi(map.texts[at] || map.ids[at], { class: "name" }), of === "items" && map.labels[at] ? h("span", { class: "soft small name" }, map.labels[at].slice(0, 200)) : null)))),
    points.length > MOST_LISTED ? h("p", { class: "soft small" }, `The first ${number(MOST_LISTED)} of ${number(points.length)} are listed; draw a smaller lasso for the others.`) : "");
  document.getElementById("beside-title").focus({ preventScroll: true });
}

async function choose(at) {
  chosen = at;
  redraw();
  const id = map.ids[at];
  head(of === "items" ? "Item" : "Label");
  const way = [];
  for (let each = map.at[at]; each >= 0; each = map.places[each].parent) way.unshift(map.places[each].name);
  beside.replaceChildren(h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), " Reading…"));
  if (of === "labels") {
    return beside.replaceChildren(h("p", {}, h("a", { class: "name", href: url("/tree", { label: id }) }, map.labels[at])), pathOf(way), h("p", { class: "soft small name" }, id));
  }
  const item = await attempt(() => ask(url("/api/item", { id })));
  if (chosen !== at) return;
  if (!item) return beside.replaceChildren(h("p", { class: "problem" }, "This item is not there any more; draw the map again."));
  beside.replaceChildren(
    h("p", { class: "item-text", dir: "auto", tabindex: "0" }, item.text.slice(0, 5000)),
    map.labels[at] ? h("p", {}, h("b", { class: "name" }, map.labels[at]), h("br"), pathOf(way)) : h("p", { class: "soft" }, "It has no label."),
    h("p", {}, h("a", { class: "button", href: url("/try", { text: item.text.slice(0, 1500) }) }, "Try this text")),
    h("p", { class: "soft small name" }, id));
}
