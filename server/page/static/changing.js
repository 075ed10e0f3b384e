// A change of the labels as a person makes it: a preview of what it touches, yes, a message with Undo.
import { ask, attempt, bdi, h, number, pathOf, toast } from "./ui.js";

const counted = (count, one, several = `${one}s`) => `${number(count)} ${count === 1 ? one : several}`;

/** Show a change's preview and make the change after yes. Returns the API's answer, null if it was left. */
export function change(title, what, { yes = "Change", done = title, danger = false } = {}) {
  const said = done === title ? done : title.replace(/^\S+/, done);
  return withPreview(title, {
    yes, danger,
    preview: () => ask("/api/changes/preview", { method: "POST", body: what }),
    make: (version) => ask("/api/changes", { method: "POST", body: { change: what, version } }),
    done: said,
  });
}

/** Show what undoing a change would do, and undo it after yes. */
export function undo(number, done = `Change ${number} is undone`) {
  return withPreview(`Undo change ${number}?`, {
    yes: "Undo it", danger: false,
    preview: () => ask("/api/changes/undo", { method: "POST", body: { number, dry_run: true } }),
    make: () => ask("/api/changes/undo", { method: "POST", body: { number } }),
    done,
  });
}

/** What the message's button does: take the change back at once, and say so. */
async function undoAtOnce(number) {
  const answer = await attempt(() => ask("/api/changes/undo", { method: "POST", body: { number } }));
  if (!answer) return;
  document.dispatchEvent(new CustomEvent("index-changed", { detail: answer }));
  toast(`Undone. It is in the log as change ${answer.number}.`);
}

function withPreview(title, { yes, danger, preview, make, done }) {
  return new Promise((resolve) => {
    const id = `preview-${Math.random().toString(36).slice(2)}`;
    const body = h("div", { class: "preview", "aria-live": "polite" });
    const agree = h("button", { type: "button", class: danger ? "danger" : "main", disabled: true }, yes);
    const leave = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const dialog = h("dialog", { class: "wide", "aria-labelledby": id }, h("h2", { id, class: "name" }, title), body, h("div", { class: "row" }, leave, agree));
    let answer = null;
    let version = null;
    let busy = false;

    async function look() {
      agree.disabled = true;
      body.replaceChildren(waiting("Working out what this touches…"));
      try {
        const found = await preview();
        version = found.version;
        body.replaceChildren(...previewOf(found));
        agree.disabled = !found.row_count;
        agree.textContent = yes;
        agree.onclick = go;
      } catch (error) {
        refuse(error);
      }
      (agree.disabled ? leave : agree).focus();
    }

    async function go() {
      agree.disabled = leave.disabled = busy = true;
      agree.replaceChildren(waiting("Changing…"));
      try {
        answer = await make(version);
      } catch (error) {
        refuse(error);
        return;
      } finally {
        leave.disabled = busy = false;
      }
      dialog.close();
    }

    function refuse(error) {
      body.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
      agree.textContent = error.status === 409 || error.status === 0 || error.status === 503 ? "Look again" : yes;
      agree.disabled = agree.textContent === yes;
      agree.onclick = look;
    }

    dialog.addEventListener("cancel", (event) => { if (busy) event.preventDefault(); });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
      if (!answer) return;
      document.dispatchEvent(new CustomEvent("index-changed", { detail: answer }));
      toast(answer.number ? `${done} (change ${answer.number})` : done, answer.number ? { action: ["Undo", () => undoAtOnce(answer.number)], seconds: 12 } : {});
    });
    document.body.append(dialog);
    dialog.showModal();
    look();
  });
}

export const waiting = (text) => h("span", { class: "waiting" }, h("i", { class: "wait", "aria-hidden": "true" }), ` ${text}`);

function previewOf(found) {
  if (!found.row_count) return [h("p", {}, "This changes nothing: it is like this already.")];
  const labels = new Set(found.rows.map((row) => row.label || `#${row.node}`)).size;
  const figures = [
    [found.row_count > found.rows.length ? found.row_count : labels, found.row_count > found.rows.length ? "difference" : "label or node", found.row_count > found.rows.length ? "differences" : "labels or nodes"],
    [found.places, "place"],
    [found.items, "item that was given it", "items that were given it"],
    [found.gold, "right answer that names it", "right answers that name it"],
  ];
  return [
    h("ul", { class: "touches" }, figures.map(([count, one, several]) => h("li", {}, h("b", {}, number(count)), ` ${count === 1 ? one : several || `${one}s`}`))),
    ...found.notes.map((note) => h("p", { class: "soft small name" }, note)),
    diffTable(found.rows),
    found.row_count > found.rows.length ? h("p", { class: "soft small" }, `and ${counted(found.row_count - found.rows.length, "more difference")}`) : null,
  ].filter(Boolean);
}

/** Differences side by side: what was, and what is. */
export function diffTable(rows) {
  return h("div", { class: "scroll" }, h("table", { class: "diff" },
    h("thead", {}, h("tr", {}, ["", "Before", "After"].map((name) => h("th", { scope: "col" }, name || h("span", { class: "visually-hidden" }, "Change"))))),
    h("tbody", {}, rows.map(diffRow))));
}

const TONES = { added: "good", restored: "good", removed: "bad", retired: "bad", merged: "warn", split: "warn" };

function diffRow(row) {
  const named = row.kind === "renamed" ? null : h("div", {}, row.label
    ? h("a", { href: `/tree?label=${encodeURIComponent(row.label)}`, class: "name" }, bdi(short(row.name)))
    : h("span", { class: "name" }, bdi(short(row.name))));
  return h("tr", {},
    h("th", { scope: "row" }, h("span", { class: `chip ${TONES[row.kind] || ""}` }, row.kind), named),
    h("td", { class: "before" }, sides(row, row.before)),
    h("td", { class: "after" }, sides(row, row.after)));
}

function sides(row, paths) {
  if (!paths.length) return h("span", { class: "soft" }, "–");
  const isPath = ["moved", "added", "removed", "retired", "restored", "merged", "split"].includes(row.kind);
  return paths.slice(0, 8).map((path) => h("div", {},
    !path.length ? h("span", { class: "soft" }, row.what === "label" && isPath ? "without a place" : "the top")
      : isPath ? pathOf(path.map(short)) : h("span", { class: "name" }, bdi(short(path.join(": ")) || "–"))))
    .concat(paths.length > 8 ? [h("div", { class: "soft small" }, `and ${number(paths.length - 8)} more`)] : []);
}

const short = (text) => (text.length > 300 ? `${text.slice(0, 300)}…` : text);
