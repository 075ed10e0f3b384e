// The card of a label or a group: names, places, items, what it is confused with, what became of it, its history.
import { bdi, h, mayChange, number, pathOf, time } from "./ui.js";

const MUST_SIGN_IN = "To change something, open the link with the token that taxonaut serve printed.";

const heading = (text, count = null) => h("h3", {}, text, count === null ? null : h("span", { class: "soft" }, ` ${number(count)}`));
const long = (text) => (text.length > 5000 ? `${text.slice(0, 5000)}…` : text);

/** A button for a change, dead with the reason where nothing may be changed. */
export function changeButton(name, key, work, { danger = false } = {}) {
  const button = h("button", { type: "button", class: danger ? "danger" : null, onclick: work }, name, key ? h("kbd", { "aria-hidden": "true" }, key) : null);
  if (!mayChange()) Object.assign(button, { disabled: true, title: MUST_SIGN_IN });
  return button;
}

/** A link that opens a label in the tree without a new page. */
function labelLink(id, name, go) {
  return h("a", { href: `/tree?label=${encodeURIComponent(id)}`, class: "name", onclick: (event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); go({ label: id }); } } }, bdi(long(name)));
}

/** The card of a label. `go` leads to another row, `actions` are its buttons. */
export function labelCard(card, { go, actions }) {
  const { label } = card;
  return [
    h("h2", { class: "name card-name" }, bdi(long(label.name))),
    h("p", { class: "ids soft small" }, h("code", { class: "name", title: "id" }, long(label.id)), label.notation && label.notation !== label.id ? h("code", { class: "name", title: "code" }, label.notation.slice(0, 200)) : null, h("span", {}, `from ${card.batch.slice(0, 200)}`)),
    card.retired ? h("p", { class: "notice" }, `${fate(card.retired)} on ${card.retired.at.slice(0, 10)}`, card.retired.reason ? `: ${card.retired.reason}` : ".", ...card.retired.into.map((id) => [" ", labelLink(id, id, go)]).flat()) : null,
    h("div", { class: "row actions" }, actions),
    label.description ? h("p", { class: "name description" }, long(label.description)) : null,
    label.alternatives.length ? section(heading("Also called"), h("p", { class: "also" }, label.alternatives.slice(0, 100).map((name) => h("span", { class: "chip name" }, bdi(name.slice(0, 300)))))) : null,
    section(heading("Places", card.places.length > 1 ? card.places.length : null), card.places.length
      ? h("ul", { class: "plain" }, card.places.map((place) => h("li", {}, placeLink(place, label, go))))
      : h("p", { class: "soft" }, card.retired ? "It left the tree." : "It stands nowhere in the tree. Move it to where it belongs.")),
    section(heading("Items"), h("p", { class: "soft small" }, `${number(card.gold)} said to be right, ${number(card.answered)} answered in runs`), card.items.length
      ? h("ul", { class: "plain items" }, card.items.slice(0, 8).map((item) => h("li", {}, h("span", { class: `chip ${item.said ? "good" : ""}` }, item.said ? "right" : "answered"), " ", bdi(item.text.slice(0, 240), { class: "name" }))))
      : null),
    section(heading("Confused with"), card.confused.length
      ? h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Label"), h("th", { scope: "col", class: "number" }, "Answered instead"), h("th", { scope: "col", class: "number" }, "Answered for it"))),
        h("tbody", {}, card.confused.map((other) => h("tr", {}, h("td", {}, labelLink(other.label, other.name, go)), h("td", { class: "number" }, number(other.instead)), h("td", { class: "number" }, number(other.for_it))))))
      : h("p", { class: "soft small" }, "Nothing known. Evaluate or review items, and mistakes with this label are counted here.")),
    card.texts.length ? section(heading("In all languages"), texts(card.texts)) : null,
    card.former.length ? section(heading("What became part of it"), h("ul", { class: "plain" }, card.former.map((each) => h("li", {}, labelLink(each.id, each.name || each.id, go), h("span", { class: "soft small" }, ` ${fate(each).toLowerCase()}, ${each.at.slice(0, 10)}`), each.reason ? h("span", { class: "soft small name" }, ` – ${each.reason}`) : null)))) : null,
    section(heading("History"), card.history.length
      ? h("ol", { class: "plain history" }, card.history.map((each) => h("li", { class: each.undone ? "undone" : null }, h("a", { href: `/changes?change=${each.number}` }, `#${each.number}`), " ", bdi((each.note || each.what).slice(0, 300), { class: "name" }), " ", h("span", { class: "soft small" }, time(each.at), each.undone ? " – undone" : null))))
      : h("p", { class: "soft small" }, "Not changed since it was imported.")),
  ].filter(Boolean);
}

const section = (...content) => h("section", {}, content);
const FATES = { merged: "Merged", split: "Split", retired: "Retired", renamed: "Has another id" };
const fate = (former) => FATES[former.kind] || former.kind;

function placeLink(place, label, go) {
  return h("a", { class: "place", href: `/tree?label=${encodeURIComponent(label.id)}&under=${place.under}`, onclick: (event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); go({ label: label.id, under: place.under }); } } },
    place.path.length ? pathOf(place.path.map((name) => name.slice(0, 300))) : h("span", { class: "path" }, "at the top"));
}

const KINDS = { prefLabel: "name", altLabel: "also", hiddenLabel: "hidden", definition: "definition", scopeNote: "scope", example: "example", notation: "code" };

function texts(all) {
  const byLanguage = Map.groupBy ? Map.groupBy(all, (each) => each.language) : all.reduce((found, each) => found.set(each.language, [...(found.get(each.language) || []), each]), new Map());
  return h("table", { class: "texts" }, h("tbody", {}, [...byLanguage].map(([language, rows]) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, language || "–")),
    h("td", {}, rows.map((each) => h("div", { lang: language || null }, each.kind === "prefLabel" ? h("b", {}, bdi(long(each.text))) : [h("span", { class: "soft small" }, `${KINDS[each.kind] || each.kind} `), bdi(long(each.text))])))))));
}

/** The card of a node that is no label. */
export function groupCard({ node, path }, { actions }) {
  return [
    h("h2", { class: "name card-name" }, bdi(long(node.name))),
    h("p", { class: "soft small" }, `A group of the tree, no label: it is never an answer. Node ${node.id}.`),
    h("div", { class: "row actions" }, actions),
    node.description ? h("p", { class: "name description" }, long(node.description)) : null,
    section(heading("Place"), path.length > 1 ? pathOf(path.slice(0, -1).map((each) => each.name.slice(0, 300))) : h("span", { class: "path" }, "at the top")),
    section(heading("Below it"), h("p", {}, `${number(node.children)} nodes, ${number(node.labels)} labels directly`)),
  ].filter(Boolean);
}
