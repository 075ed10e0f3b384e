// What all screens use: elements made of text, requests with the API's own words for errors, messages, questions.

/** Make an element. Attributes whose value is null are left out; children are elements or text, never markup. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text of the workspace, kept apart from the direction of what stands around it. */
export const bdi = (text, attributes = {}) => h("bdi", attributes, text);

/** A path from the top, its last name emphasised. */
export const pathOf = (names) =>
  h("span", { class: "path" }, names.flatMap((name, at) => (at ? [h("i", { "aria-hidden": "true" }, "›"), bdi(name)] : [bdi(name)])));

export const mayChange = () => document.body.dataset.mayChange === "yes";

/** What the service said when it refused; `message` is the sentence to show. */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Ask the API; `body` is sent as JSON. Returns what it answers, null for nothing. Throws a Refusal. */
export async function ask(url, { method = "GET", body, signal } = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(url, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The service does not answer. Start it again with: taxonaut serve. Nothing you typed is lost while this page is open.");
  }
  if (response.status === 204) return null;
  const answer = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new Refusal(response.status, answer.detail || `the service answered ${response.status}`);
  return answer;
}

/** The URL of a path with its query, without what is empty. */
export function url(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** Put the state of a screen into the address, so that it can be sent and gone back to. */
export function keepInAddress(query, { push = false } = {}) {
  const address = url(location.pathname, query);
  if (address !== location.pathname + location.search) history[push ? "pushState" : "replaceState"](null, "", address);
}

export const query = () => new URLSearchParams(location.search);

/** Show a message; `action` is [name, function] for a button in it. */
export function toast(text, { bad = false, action = null, seconds = 8 } = {}) {
  const shown = h("div", { class: bad ? "toast bad" : "toast" }, h("span", {}, text));
  if (action) shown.append(h("button", { type: "button", onclick: () => { shown.remove(); action[1](); } }, action[0]));
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), seconds * 1000);
  return shown;
}

/** Run something that may be refused; a refusal becomes a message. Returns its answer, undefined if refused. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    toast(error.message, { bad: true, seconds: 15 });
    return undefined;
  }
}

/** Ask in a dialog; resolves to the form's data, null if it was left. `content` are elements. */
export function askInDialog(title, content, { yes = "Yes", danger = false } = {}) {
  return new Promise((resolve) => {
    const id = `dialog-${Math.random().toString(36).slice(2)}`;
    const form = h("form", { method: "dialog" }, h("h2", { id }, title), ...content,
      h("div", { class: "row" },
        h("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"),
        h("button", { class: danger ? "danger" : "main", value: "yes" }, yes)));
    const dialog = h("dialog", { "aria-labelledby": id }, form);
    dialog.addEventListener("close", () => {
      const data = dialog.returnValue === "yes" ? new FormData(form) : null;
      dialog.remove();
      resolve(data);
    });
    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("input, textarea, select") || form.querySelector("button.main, button.danger"))?.focus();
  });
}

/** Who says something, asked once and kept in this browser; null if the question was left. */
export async function personName({ again = false } = {}) {
  const kept = localStorage.getItem("person");
  if (kept && !again) return kept;
  const field = h("input", { name: "person", maxlength: 100, required: true, autocomplete: "name", value: kept || "" });
  const data = await askInDialog("Who are you?", [
    h("p", {}, "What you say is kept with your name, so that it can be told apart from what others say."),
    h("label", {}, "Your name", field),
  ], { yes: "Go on" });
  const name = data?.get("person").trim() || null;
  if (name) localStorage.setItem("person", name);
  return name;
}

/** Call a function once typing has paused. */
export function afterPause(work, milliseconds = 150) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

/** Bind keys of a screen: { key: function }. Keys do nothing while somebody types, a dialog is open, or `g` led elsewhere. */
export function keys(table) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const work = table[event.key];
    if (work && work(event) !== false) event.preventDefault();
  });
}

export const isTyping = (target) => target.matches?.("input, textarea, select, [contenteditable]");

/** Numbers and times as people write them. */
export const number = (value) => new Intl.NumberFormat("en").format(value);
export const percent = (share, digits = 0) => new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: digits }).format(share);
export const time = (iso) => h("time", { datetime: iso, title: iso }, new Date(iso.endsWith("Z") || iso.includes("+") ? iso : `${iso.replace(" ", "T")}Z`).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }));
