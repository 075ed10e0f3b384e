// A search field over labels and nodes, with its results below: a combobox that never waits for the service.
import { afterPause, ask, bdi, h, pathOf, url } from "./ui.js";

let made = 0;

/** Make a field; `chosen(row)` is called with what was picked. `extra`: rows that are always offered, before results. */
export function findRow({ name, placeholder, chosen, extra = [], retired = true, onquery = null }) {
  const id = `find-${(made += 1)}`;
  const field = h("input", {
    type: "text", inputmode: "search", placeholder, role: "combobox", autocomplete: "off", spellcheck: "false", "aria-label": name,
    "aria-expanded": "false", "aria-controls": id, "aria-owns": id, "aria-autocomplete": "list", maxlength: 1000,
  });
  const list = h("ul", { id, role: "listbox", "aria-label": "Results", class: "found", hidden: true });
  const said = h("p", { class: "found-said soft small", role: "status" });
  const box = h("div", { class: "find" }, field, said, list);
  let rows = [];
  let at = -1;
  let running = null;
  let shownFor = null; // the words that the results belong to

  function show(found, text) {
    rows = found;
    at = found.length ? 0 : -1;
    list.replaceChildren(...found.map((row, place) => h("li", {
      role: "option", id: `${id}-${place}`, "aria-selected": "false", onclick: () => choose(row), onpointerdown: (event) => event.preventDefault(),
    }, h("span", { class: "found-name" }, bdi(short(row.name), { class: "clip" }),
      row.notation ? h("code", { class: "soft" }, short(row.notation)) : null,
      row.retired ? h("span", { class: "chip" }, "retired") : null,
      row.label === null && row.node !== null && !row.extra ? h("span", { class: "chip" }, "group") : null),
    row.matched ? h("span", { class: "soft small clip" }, "also called ", bdi(short(row.matched))) : null,
    row.path?.length ? pathOf(row.path.map(short)) : null)));
    list.hidden = !found.length;
    field.setAttribute("aria-expanded", String(Boolean(found.length)));
    said.textContent = text;
    mark();
  }

  function mark() {
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === at)));
    if (at >= 0) field.setAttribute("aria-activedescendant", `${id}-${at}`);
    else field.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function choose(row) {
    close();
    chosen(row);
  }

  function close() {
    running?.abort();
    shownFor = null;
    show([], "");
  }

  async function look() {
    const text = field.value.trim();
    onquery?.(text);
    running?.abort();
    shownFor = text;
    if (!text) return show(extra, "");
    running = new AbortController();
    if (list.hidden) said.textContent = "Searching…";
    try {
      const found = await ask(url("/api/outline-search", { query: text, limit: 20 }), { signal: running.signal });
      const shown = retired ? found : found.filter((row) => !row.retired);
      show(shown, shown.length ? "" : `Nothing is called “${short(text)}”. Try fewer or other words, a code or an id.`);
    } catch (error) {
      if (error.name !== "AbortError") show([], error.message);
    }
  }

  /** Choose what is marked; words that were typed since are searched for first. */
  async function enter() {
    if (shownFor !== field.value.trim()) await look();
    if (at >= 0) choose(rows[at]);
  }

  field.addEventListener("input", afterPause(() => { if (shownFor !== field.value.trim()) look(); }, 120));
  field.addEventListener("focus", () => { if (field.value.trim() || extra.length) look(); });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && rows.length) at = (at + 1) % rows.length;
    else if (event.key === "ArrowUp" && rows.length) at = (at - 1 + rows.length) % rows.length;
    else if (event.key === "Enter") enter();
    else if (event.key === "Escape" && (rows.length || field.value)) { if (!rows.length) field.value = ""; close(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
    mark();
  });
  return { box, field };
}

const short = (text) => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

/** Ask for one label or node in a dialog; resolves to it, null if the dialog was left. */
export function pickRow(title, hint, { extra = [], name = "Search" } = {}) {
  return new Promise((resolve) => {
    const id = `pick-${(made += 1)}`;
    let picked = null;
    const { box, field } = findRow({ name, placeholder: "Name, code or id", extra, retired: false, chosen: (row) => { picked = row; dialog.close(); } });
    const dialog = h("dialog", { class: "pick", "aria-labelledby": id }, h("h2", { id, class: "name" }, title), h("p", { class: "soft" }, hint), box,
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel")));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(picked); });
    document.body.append(dialog);
    dialog.showModal();
    field.focus();
  });
}
