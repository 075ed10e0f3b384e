"use strict";
// What the page's parts share: its data, elements made of text, items, and which descriptor is open.

const DATA = JSON.parse(document.getElementById("data").textContent);
const NODES = DATA.nodes;
const ROOT = -1;
const TOP = { name: "All items", parent: null, ...DATA.root };
const CHILDREN = new Map();
NODES.forEach((node, place) => {
  if (!CHILDREN.has(node.parent)) CHILDREN.set(node.parent, []);
  CHILDREN.get(node.parent).push(place);
});
for (const places of CHILDREN.values()) places.sort((a, b) => NODES[b].items - NODES[a].items || a - b);

const nodeAt = (place) => (place === ROOT ? TOP : NODES[place]);
const below = (place) => CHILDREN.get(place) || [];
const whole = (number) => number.toLocaleString("en");
const percent = (part, of) => (of ? (100 * part / of).toFixed(1) : "0.0") + " %";
const counted = (number, noun) => whole(number) + " " + noun + (number === 1 ? "" : "s");
const clipped = (text, most) => (text.length > most ? text.slice(0, most - 1).trimEnd() + "…" : text);

// Children are elements or text; text never becomes markup.
function made(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function bar(share) {
  const inside = made("i");
  inside.style.width = Math.min(100, 100 * share) + "%";
  return made("span", { class: "bar" }, inside);
}

function link(place, text) {
  return made("button", { type: "button", class: "link", "data-node": place, text: text || nodeAt(place).name });
}

function pathOf(place) {
  const path = [];
  for (let at = place; at !== ROOT; at = NODES[at].parent) path.unshift(at);
  return path;
}

function crumbs(places, sign) {
  const parts = made("span");
  places.forEach((place, number) => {
    if (number) parts.append(sign);
    parts.append(link(place));
  });
  return parts;
}

function itemEntry(item) {
  const text = item.text.trim();
  const start = clipped(text.replace(/\s+/g, " "), 150) || "(no text)";
  const more = item.cut ? made("span", { class: "note", text: " … " + whole(item.cut) + " more characters" }) : null;
  const facts = made("p", { class: "note" }, "item " + item.id);
  if (item.path.length) facts.append(" · ", crumbs(item.path, " › "));
  if (item.others.length) facts.append(made("br"), "also ", crumbs(item.others, " · "));
  return made("details", { class: "item" }, made("summary", { text: start }), made("p", { text: item.text }, more), facts);
}

function itemList(places) {
  return made("div", { class: "items" }, ...places.map((place) => itemEntry(DATA.items[place])));
}

const listeners = [];
let opened = ROOT;

function open(place, how) {
  opened = place;
  for (const listener of listeners) listener(place, how || {});
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-node]");
  if (!button) return;
  const panel = document.getElementById("panel");
  const inside = panel.contains(button);
  open(Number(button.dataset.node));
  if (!document.getElementById("explore").contains(button)) document.getElementById("explore").scrollIntoView();
  if (inside || button.closest("#found") === null) panel.focus({ preventScroll: true });
});
for (const bars of document.querySelectorAll("[data-width]")) bars.style.width = 100 * bars.dataset.width + "%";
for (const place of document.querySelectorAll("[data-items]")) {
  place.append(...place.dataset.items.split(" ").filter(Boolean).map((number) => itemEntry(DATA.items[number])));
}
