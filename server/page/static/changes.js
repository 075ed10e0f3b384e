// The log of changes: what each did, what differs between two moments, and undo.
import { diffTable, undo, waiting } from "./changing.js";
import { changeButton } from "./label_card.js";
import { ask, attempt, bdi, h, keepInAddress, keys, mayChange, number, query, time, url } from "./ui.js";

const log = document.getElementById("log");
const panel = document.getElementById("diff");
const title = document.getElementById("diff-title");
const older = document.getElementById("older");
let changes = [];
let next = null;
let shown = { before: null, after: null, change: null, kind: "" };
let asked = null;

function draw() {
  const latest = changes[0]?.number ?? 0;
  const beginning = next ? [] : [h("li", { class: "logged" }, points(0, "the beginning", latest), h("span", { class: "soft" }, "The empty index"))];
  log.replaceChildren(...changes.map((change) => entry(change, latest)), ...beginning);
  older.hidden = !next;
}

function entry(change, latest) {
  const isShown = shown.change === change.number;
  return h("li", { class: `logged${change.undone ? " undone-change" : ""}${isShown ? " shown" : ""}`, "data-number": change.number }, points(change.number, `change ${change.number}`, latest),
    h("a", { href: `/changes?change=${change.number}`, "aria-current": isShown ? "true" : null, onclick: (event) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); showChange(change, { push: true }); } },
      h("b", {}, `#${change.number}`), " ", bdi((change.note || change.what).slice(0, 600), { class: "name", title: change.what.slice(0, 600) }),
      h("span", { class: "when soft small" }, time(change.at), change.undone ? ` – undone${change.undone_by ? ` by #${change.undone_by}` : ""}` : "")));
}

/** The two ends of a comparison: from this moment, or to it. */
function points(moment, name, latest) {
  const ends = [["before", "from", shown.before ?? -1], ["after", "to", shown.after ?? latest]];
  return h("div", { class: "points" }, ends.map(([field, said, at]) =>
    h("button", { type: "button", "data-end": field, "data-moment": moment, "aria-pressed": String(at === moment), "aria-label": `Compare ${said} ${moment ? "after " : ""}${name}`, onclick: () => compare(field, moment) }, said)));
}

function compare(field, moment) {
  shown = { ...shown, [field]: moment, change: null, kind: "" };
  const latest = changes[0].number;
  const from = shown.before ?? moment;
  const to = shown.after ?? latest;
  [shown.before, shown.after] = from <= to ? [from, to] : [to, from];
  keepInAddress({ before: shown.before, after: shown.after }, { push: true });
  draw();
  log.querySelector(`[data-end="${field}"][data-moment="${moment}"]`)?.focus();
  showDiff();
}

function showChange(change, { push = false } = {}) {
  shown = { before: change.first - 1, after: change.number, change: change.number, kind: "" };
  keepInAddress({ change: change.number }, { push });
  draw();
  showDiff(change);
}

async function showDiff(change = changes.find((each) => each.number === shown.change)) {
  asked?.abort();
  const mine = (asked = new AbortController());
  title.textContent = change ? `Change ${change.number}` : `From ${moment(shown.before)} to ${moment(shown.after)}`;
  const late = setTimeout(() => panel.replaceChildren(h("p", {}, waiting("Comparing…"))), 150);
  try {
    const page = await ask(url("/api/diff-rows", { before: shown.before, after: shown.after, kind: shown.kind, limit: 100 }), { signal: mine.signal });
    clearTimeout(late);
    panel.replaceChildren(...content(page, change));
  } catch (error) {
    if (error.name !== "AbortError") panel.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
  } finally {
    clearTimeout(late);
  }
}

const moment = (at) => (at === 0 ? "the beginning" : `after change ${at}`);

function content(page, change) {
  const total = Object.values(page.kinds).reduce((sum, count) => sum + count, 0);
  const head = change ? h("div", { class: "row" }, h("span", { class: "soft" }, time(change.at), change.undone ? " – undone" : ""), changeButton(change.undone ? "Undone" : "Undo…", "z", () => takeBack(change))) : null;
  if (change?.undone) head.querySelector("button").disabled = true;
  if (!total) return [head, h("p", { class: "soft" }, "Nothing differs: what was done between the two was taken back, or changed only what is not shown here.")].filter(Boolean);
  const kinds = h("div", { class: "kinds", role: "group", "aria-label": "Kinds of difference" },
    [["", "all", total], ...Object.entries(page.kinds).map(([kind, count]) => [kind, kind, count])].map(([kind, name, count]) =>
      h("button", { type: "button", "aria-pressed": String(shown.kind === kind), onclick: () => { shown.kind = kind; showDiff(change); } }, `${name} `, h("span", { class: "soft" }, number(count)))));
  const table = diffTable(page.rows);
  const more = h("button", { type: "button", onclick: () => readOn(table, more, page) }, "Show more");
  const shownCount = page.rows.length;
  return [head, kinds, table, shownCount < page.total ? h("p", { class: "row" }, h("span", { class: "soft small" }, `${number(shownCount)} of ${number(page.total)}`), more) : null].filter(Boolean);
}

async function readOn(table, more, page) {
  const body = table.querySelector("tbody");
  more.disabled = true;
  more.replaceChildren(waiting("Reading…"));
  const found = await attempt(() => ask(url("/api/diff-rows", { before: page.before, after: page.after, kind: shown.kind, start: body.children.length, limit: 200 })));
  if (found) body.append(...diffTable(found.rows).querySelectorAll("tbody > tr"));
  more.disabled = false;
  more.textContent = "Show more";
  more.previousElementSibling.textContent = `${number(body.children.length)} of ${number(page.total)}`;
  more.hidden = body.children.length >= page.total;
}

const takeBack = (change) => undo(change.number);

async function read({ first = false } = {}) {
  const page = await attempt(() => ask(url("/api/changes", { limit: 50, after: first ? "" : next })));
  if (!page) return false;
  changes = first ? page.entries : [...changes, ...page.entries];
  next = page.next;
  draw();
  return true;
}

function step(by) {
  const at = changes.findIndex((each) => each.number === shown.change);
  const change = changes[Math.max(0, Math.min(changes.length - 1, at + by))];
  if (!change) return;
  showChange(change);
  log.querySelector(".shown")?.scrollIntoView({ block: "nearest" });
}

async function fromAddress() {
  const at = query();
  const wanted = Number(at.get("change"));
  while (wanted && next && changes.at(-1).number > wanted) if (!(await read())) break;
  const change = changes.find((each) => each.number === wanted || (each.first <= wanted && wanted <= each.number));
  if (at.has("before") || at.has("after")) {
    shown = { before: Number(at.get("before") ?? 0), after: Number(at.get("after") ?? changes[0].number), change: null, kind: "" };
    draw();
    await showDiff();
  } else if (change || changes.length) showChange(change || changes[0]);
}

if (log) {
  const first = JSON.parse(document.getElementById("first-changes").textContent);
  changes = first.entries;
  next = first.next;
  older.addEventListener("click", () => read());
  keys({ j: () => step(1), k: () => step(-1), z: () => { const change = changes.find((each) => each.number === shown.change); if (change && !change.undone && mayChange()) takeBack(change); } });
  document.addEventListener("index-changed", async () => { await read({ first: true }); if (changes.length) showChange(changes[0]); });
  window.addEventListener("popstate", fromAddress);
  draw();
  fromAddress();
}
