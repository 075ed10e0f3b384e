// The screen of the tree: search, the outline, the card of what is chosen, and changes to it.
import { change, waiting } from "./changing.js";
import { findRow, pickRow } from "./find_row.js";
import { changeButton, groupCard, labelCard } from "./label_card.js";
import { Outline } from "./outline.js";
import { afterPause, ask, askInDialog, attempt, h, keepInAddress, keys, mayChange, query, toast, url } from "./ui.js";

const ROOT = 1;
const card = document.getElementById("card");
const said = document.getElementById("tree-said");
const first = JSON.parse(document.getElementById("first-rows").textContent);
const nothing = card.firstElementChild;
let chosen = null; // { row, under, path }
let asked = null;

const outline = new Outline(document.getElementById("tree"), first, {
  onchoose: (row, branch, { enter = false } = {}) => { choose(row, branch); if (enter) showCard(); },
  ondrop: (moved, onto) => move(rowOf(moved.branch, moved.place), targetOf(rowOf(onto.branch, onto.place)), onto.branch.row(onto.place).name),
  mayDrag: mayChange,
});

const search = findRow({
  name: "Search the tree", placeholder: "Search names, codes, ids", onquery: (text) => keepInAddress({ ...Object.fromEntries(query()), q: text }),
  chosen: (row) => go(row.label === null ? { node: row.node } : { label: row.label }),
});
search.field.dataset.search = "";
search.field.value = query().get("q") || "";
document.getElementById("search").append(search.box);

const rowOf = (branch, place) => ({ row: branch.row(place), under: branch.node, path: outline.path(branch, place) });

function choose(row, branch) {
  chosen = rowOf(branch, outline.current.place);
  keepInAddress(addressOf(row), { push: false });
  showLater();
}

const addressOf = (row) => ({ q: query().get("q"), ...(row.label === null ? { node: row.node } : { label: row.label }) });

/** Go to a label or node, open the tree down to it, and show its card. */
async function go(wanted, { push = true } = {}) {
  card.setAttribute("aria-busy", "true");
  keepInAddress({ q: query().get("q"), ...wanted }, { push });
  const nowhere = { row: { node: null, label: wanted.label, name: wanted.label, below: 0 }, under: null, path: [] };
  try {
    const row = await outline.reveal(wanted, { quiet: true });
    chosen = row ? rowOf(outline.current.branch, outline.current.place) : nowhere;
    if (chosen.row === undefined) chosen = { ...chosen, row };
  } catch (error) {
    card.removeAttribute("aria-busy");
    card.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    return;
  }
  await showCard();
}

async function showCard() {
  if (!chosen?.row) return;
  asked?.abort();
  asked = new AbortController();
  const { row } = chosen;
  const late = setTimeout(() => card.replaceChildren(h("p", {}, waiting("Reading the label…"))), 200);
  try {
    const content = row.label === null
      ? groupCard(await ask(`/api/tree/${row.node}`, { signal: asked.signal }), { actions: actionsOf(null) })
      : await ask(url("/api/label-card", { id: row.label }), { signal: asked.signal }).then((found) => {
        chosen.card = found;
        said.textContent = `${found.label.name.slice(0, 200)}, ${found.gold} items said to be right`;
        return labelCard(found, { go, actions: actionsOf(found) });
      });
    clearTimeout(late);
    card.replaceChildren(...content);
    card.scrollTop = 0;
  } catch (error) {
    if (error.name !== "AbortError") card.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
  } finally {
    clearTimeout(late);
    card.removeAttribute("aria-busy");
  }
}
const showLater = afterPause(showCard, 90);

function actionsOf(found) {
  if (found?.retired) return [changeButton("Restore", "", restore)];
  const both = [changeButton("Rename", "F2", rename), changeButton("Move…", "m", moveTo), changeButton("Merge…", "e", merge)];
  const label = [changeButton("Add below", "n", add), changeButton("Split…", "s", split), changeButton("Retire", "Del", retire, { danger: true })];
  return found ? [...both, ...label] : [...both, changeButton("Add below", "n", add), changeButton("Remove", "Del", remove, { danger: true })];
}

/** What the API takes for a place: a node's number, a label's id, or its path where that id is a number too. */
function targetOf({ row, path }) {
  if (row.node !== null && row.node !== undefined) return String(row.node);
  return /^#?\d+$/.test(row.label) ? JSON.stringify(path) : row.label;
}

const foundTarget = (row) => targetOf({ row, path: [...(row.path || []), row.name] });
const named = (text) => `“${text.length > 80 ? `${text.slice(0, 80)}…` : text}”`;
const current = () => (mayChange() && chosen?.row ? chosen : null);

async function rename() {
  const here = current();
  if (!here) return;
  const { row } = here;
  const name = h("input", { name: "name", required: true, value: chosen.card?.label.name ?? row.name, maxlength: 20000 });
  const answer = askInDialog(`Rename ${named(row.name)}`, [h("label", {}, "New name", name)], { yes: "Preview" });
  name.select();
  const data = await answer;
  const wanted = data?.get("name").trim();
  if (!wanted) return;
  await change(`Rename ${named(row.name)} to ${named(wanted)}`, row.label === null ? { kind: "rename_node", node: String(row.node), name: wanted } : { kind: "rename_label", label: row.label, name: wanted }, { yes: "Rename", done: "Renamed" });
}

async function move({ row, under }, to, toName) {
  const leaving = under === null || under === undefined ? undefined : String(under);
  const what = row.label === null ? { kind: "move_node", node: String(row.node), to, leaving } : { kind: "move_label", label: row.label, to, leaving };
  const done = await change(`Move ${named(row.name)} under ${named(toName)}`, what, { yes: "Move", done: "Moved" });
  if (done) outline.cut = null;
}

async function moveTo() {
  const here = current();
  if (!here) return;
  const top = { node: ROOT, label: null, name: "The top of the tree", notation: "", path: [], extra: true };
  const to = await pickRow(`Move ${named(here.row.name)} under…`, "All below it moves with it.", { extra: [top], name: "Where to" });
  if (to) await move(here, foundTarget(to), to.name);
}

async function merge() {
  const here = current();
  if (!here) return;
  const { row } = here;
  const keep = await pickRow(`Merge ${named(row.name)} into…`, "The one you choose stays; it takes the places and names of the other.", { name: "Which one stays" });
  if (!keep) return;
  if ((row.label === null) !== (keep.label === null)) {
    toast("A label merges into a label, and a group into a group. Choose one of the same kind.", { bad: true });
    return;
  }
  const what = row.label === null ? { kind: "merge_nodes", keep: String(keep.node), away: String(row.node) } : { kind: "merge_labels", keep: keep.label, away: [row.label] };
  if (await change(`Merge ${named(row.name)} into ${named(keep.name)}`, what, { yes: "Merge", done: "Merged" })) await go(keep.label === null ? { node: keep.node } : { label: keep.label });
}

async function split() {
  const here = current();
  if (!here || here.row.label === null) return;
  const parts = h("textarea", { name: "parts", required: true, rows: 4 });
  const data = await askInDialog(`Split ${named(here.row.name)}`, [h("label", {}, "Into these labels, one a line (at least two)", parts), h("label", {}, "Reason (kept in the log)", h("input", { name: "reason", maxlength: 2000 }))], { yes: "Preview" });
  const names = data?.get("parts").split("\n").map((line) => line.trim()).filter(Boolean);
  if (!names?.length) return;
  await change(`Split ${named(here.row.name)} into ${names.length}`, { kind: "split_label", label: here.row.label, parts: names, reason: data.get("reason") }, { yes: "Split", done: "Split" });
}

async function retire() {
  const here = current();
  if (!here) return;
  if (here.row.label === null) return void remove();
  const heir = { id: "" };
  const shown = h("output", { class: "soft small name" }, "Nothing replaces it.");
  const { box } = findRow({ name: "Replaced by (may stay empty)", placeholder: "Replaced by… (may stay empty)", retired: false, chosen: (row) => { heir.id = row.label || ""; shown.textContent = row.label ? `Replaced by ${row.name.slice(0, 200)}` : "A group cannot replace a label."; } });
  const data = await askInDialog(`Retire ${named(here.row.name)}`, [h("p", {}, "It leaves the tree and is answered no more. It can be restored."), box, shown, h("label", {}, "Reason (kept in the log)", h("input", { name: "reason", maxlength: 2000 }))], { yes: "Preview" });
  if (!data) return;
  await change(`Retire ${named(here.row.name)}`, { kind: "retire_labels", labels: [here.row.label], replaced_by: heir.id ? [heir.id] : [], reason: data.get("reason") }, { yes: "Retire", done: "Retired", danger: true });
}

async function remove() {
  const here = current();
  if (here) await change(`Remove the group ${named(here.row.name)}`, { kind: "remove_node", node: String(here.row.node) }, { yes: "Remove", done: "Removed", danger: true });
}

async function restore() {
  const here = current();
  if (here) await change(`Restore ${named(here.card?.label.name ?? here.row.name)}`, { kind: "restore_labels", labels: [here.row.label] }, { yes: "Restore", done: "Restored" });
}

async function addUnder(under, name) {
  const data = await askInDialog(name ? `Add below ${named(name)}` : "Add at the top", [
    h("label", {}, "Name", h("input", { name: "name", required: true, maxlength: 20000 })),
    h("label", {}, "Id (made of the name where empty)", h("input", { name: "id", maxlength: 2000 })),
    h("label", {}, "Description (may stay empty)", h("textarea", { name: "description", rows: 3, maxlength: 20000 }))], { yes: "Preview" });
  if (!data?.get("name").trim()) return;
  const answer = await change(`Add ${named(data.get("name").trim())}`, { kind: "add_label", name: data.get("name").trim(), under, id: data.get("id").trim(), description: data.get("description").trim() }, { yes: "Add", done: "Added" });
  const made = answer?.rows.find((row) => row.kind === "added" && row.label);
  if (made) await go({ label: made.label });
}

function add() {
  const here = current();
  if (here) addUnder(targetOf(here), here.row.name);
}

function cut() {
  const here = current();
  if (!here) return;
  outline.cut = here;
  outline.draw();
  said.textContent = "Cut";
  toast(`${named(here.row.name)} is cut: go to where it belongs and press v.`, { action: ["Leave it", () => { outline.cut = null; outline.draw(); }] });
}

function paste() {
  const onto = current();
  if (!onto || !outline.cut) return;
  move(outline.cut, targetOf(onto), onto.row.name);
}

keys({ F2: rename, m: moveTo, e: merge, s: split, n: add, x: cut, v: paste, Delete: retire });

const addTop = document.getElementById("add-top");
addTop.addEventListener("click", () => addUnder(String(ROOT), ""));
if (!mayChange()) Object.assign(addTop, { disabled: true, title: "To change something, open the link with the token that taxonaut serve printed." });

document.addEventListener("index-changed", async () => {
  await attempt(() => outline.refresh());
  document.querySelector(".tree-card .empty")?.toggleAttribute("hidden", outline.root.total > 0);
  if (chosen?.row) {
    const { row } = chosen;
    if (row.label !== null) await go({ label: row.label }, { push: false });
    else await go({ node: row.node }, { push: false });
  }
});

function fromAddress() {
  const at = query();
  if (at.get("label")) go({ label: at.get("label"), ...(at.get("under") ? { under: at.get("under") } : {}) }, { push: false });
  else if (at.get("node")) go({ node: at.get("node") }, { push: false });
  else if (at.get("q")) search.field.focus();
  else if (chosen) {
    chosen = outline.current = null;
    outline.draw();
    card.replaceChildren(nothing);
  }
}
window.addEventListener("popstate", fromAddress);
fromAddress();
