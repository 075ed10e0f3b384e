// Chat: threads, a conversation that is streamed, tools folded to lines, and changes that wait for yes.
import { ask, askInDialog, attempt, bdi, h, keepInAddress, keys, mayChange, query, time, toast, url } from "./ui.js";

const talk = document.getElementById("talk");
const log = document.getElementById("log");
const form = document.getElementById("say");
const words = document.getElementById("words");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const NEEDS_TOKEN = "Talking needs the link with the token that taxonaut serve printed: the assistant may change labels.";
let thread = query().get("thread") || "default";
let running = null;
let turning = Promise.resolve();
let tools = null;
let answer = null;

begin();

function begin() {
  form.addEventListener("submit", (event) => { event.preventDefault(); say(words.value); });
  words.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  stop.addEventListener("click", () => running?.abort());
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && running) running.abort(); });
  document.getElementById("new-thread").addEventListener("click", newThread);
  document.getElementById("delete-thread").addEventListener("click", removeThread);
  addEventListener("popstate", () => open(query().get("thread") || "default"));
  keys({ y: () => press("yes"), n: () => press("no") });
  if (!mayChange()) { words.disabled = send.disabled = true; words.placeholder = NEEDS_TOKEN; document.getElementById("new-thread").disabled = true; }
  open(thread);
}

function press(name) {
  const button = log.querySelector(`[data-answer="${name}"]`);
  button?.click();
  return Boolean(button);
}

async function open(name) {
  running?.abort();
  thread = name;
  listThreads();
  document.getElementById("thread-title").replaceChildren(bdi(name));
  const found = await attempt(() => ask(url("/api/chat/thread", { name })));
  if (name !== thread) return;
  if (!found) return log.replaceChildren(h("p", { class: "problem" }, "This thread cannot be read."));
  log.replaceChildren();
  tools = answer = null;
  for (const said of found.messages) {
    if (said.by === "tool") toolLine(said.name, said.text, said.failed);
    else { foldTools(); log.append(message(said.by, said.text)); }
  }
  foldTools();
  if (!found.messages.length) showStart();
  if (found.pending) propose(found.pending);
  if (found.interrupted) showBroken("The last answer was broken off.");
  document.getElementById("delete-thread").hidden = !found.messages.length || !mayChange();
  toEnd();
  if (mayChange() && !found.pending) words.focus({ preventScroll: true });
}

function showStart() {
  const examples = JSON.parse(talk.dataset.examples);
  log.append(h("div", { class: "empty" }, h("b", {}, "Ask about the labels and their tree"),
    "Where a text would go and why, what is under a category, what was changed. Ask for a change, and it is shown before it is made.",
    h("div", { class: "starts" }, h("br"), ...examples.map((text) => h("button", { type: "button", disabled: !mayChange(), onclick: () => say(text) }, text)))));
}

const message = (by, text) => h("div", { class: `message ${by === "person" ? "person" : "assistant"}`, dir: "auto" }, text);
const toEnd = () => { log.scrollTop = log.scrollHeight; };

async function listThreads() {
  const list = document.getElementById("threads");
  const found = await attempt(() => ask("/api/chat/threads"));
  if (!found) return;
  const names = found.map((each) => each.name);
  const shown = names.includes(thread) ? found : [{ name: thread, last: "", at: "", waiting: false }, ...found];
  list.replaceChildren(...shown.map((each) => h("li", {}, h("a", {
    href: url("/chat", { thread: each.name }), "aria-current": each.name === thread ? "true" : null,
    onclick: (event) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); keepInAddress({ thread: each.name }, { push: true }); open(each.name); },
  }, h("span", { class: "clip" }, each.name), each.last ? h("span", { class: "clip soft small last" }, each.last.slice(0, 200)) : null,
  each.waiting ? h("span", {}, h("span", { class: "chip warn" }, "waits for yes")) : null,
  each.at ? h("span", { class: "soft small" }, time(each.at)) : null))));
}

async function newThread() {
  const data = await askInDialog("A new thread", [h("label", {}, "Its name", h("input", { name: "name", maxlength: 80, required: true, value: `${new Date().toISOString().slice(0, 16).replace("T", " ")}` }))], { yes: "Begin" });
  const name = data?.get("name").trim();
  if (!name) return;
  keepInAddress({ thread: name }, { push: true });
  open(name);
}

async function removeThread() {
  const sure = await askInDialog("Delete this thread?", [h("p", {}, "What was said in “", bdi(thread), "” is deleted for good. Changes that were made stay, and can be undone on the screen Changes.")], { yes: "Delete", danger: true });
  if (!sure) return;
  const done = await attempt(async () => { await ask(url("/api/chat/thread", { name: thread }), { method: "DELETE" }); return true; });
  if (!done) return;
  toast("The thread was deleted.");
  keepInAddress({}, { push: true });
  open("default");
}

function say(text) {
  if (!text.trim() || running) return;
  log.querySelector(".empty")?.remove();
  words.value = "";
  log.append(message("person", text));
  turn("/api/chat/say", { thread, text, person: localStorage.getItem("person") || "" });
}

/** Take a turn, after the one before it has ended. */
function turn(path, body) {
  turning = turning.then(() => take(path, body));
}

/** Take a turn: what comes as events is shown as it comes. */
async function take(path, body) {
  const mine = thread;
  running = new AbortController();
  const waiting = h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), " Thinking…");
  log.querySelectorAll(".proposal .row, .broken").forEach((each) => each.remove());
  log.append(waiting);
  busy(true);
  toEnd();
  const slow = setTimeout(() => waiting.lastChild.replaceWith(" Still thinking. The first question loads the model; the next ones are quicker."), 4000);
  try {
    const response = await fetch(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal: running.signal });
    if (!response.ok) throw new Error((await response.json()).detail);
    for await (const [kind, row] of eventsOf(response)) {
      if (mine !== thread) break;
      if (kind === "update") show(row, waiting);
      else if (kind === "problem") fail(row.detail);
      toEnd();
    }
  } catch (error) {
    if (mine !== thread) return;
    if (error.name === "AbortError") showBroken("You stopped the answer.");
    else fail(error instanceof TypeError ? "The service does not answer. Start it again with: taxonaut serve" : error.message);
  } finally {
    clearTimeout(slow);
    waiting.remove();
    running = null;
    if (mine === thread) { foldTools(); answer = null; busy(false); toEnd(); listThreads(); document.getElementById("delete-thread").hidden = !mayChange(); }
  }
}

/** The server-sent events of a response. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = part.match(/^event: (.*)$/m)?.[1];
      const data = part.match(/^data: (.*)$/m)?.[1];
      if (event && data) yield [event, JSON.parse(data)];
    }
  }
}

function show(update, waiting) {
  switch (update.kind) {
    case "understood": log.insertBefore(h("p", { class: "soft small name" }, update.text), waiting); break;
    case "token":
      if (!answer) { foldTools(); answer = message("assistant", ""); log.insertBefore(answer, waiting); }
      answer.append(update.text);
      break;
    case "tool_started": answer = null; toolLine(update.name, "…", false, update.id, update.arguments, waiting); break;
    case "progress": waiting.lastChild.replaceWith(` ${update.stage}: ${update.done}${update.total ? ` of ${update.total}` : ""}`); break;
    case "tool_finished": finishTool(update); break;
    case "change_proposed": foldTools(); propose(update, waiting); break;
    case "change_made": made(update.line); break;
    case "change_declined": log.querySelector(".proposal:last-of-type")?.classList.add("soft"); break;
    case "answered":
      if (answer) answer.replaceChildren(update.text);
      else if (update.text) { foldTools(); log.insertBefore(message("assistant", update.text), waiting); }
      answer = null;
      break;
    default:
  }
}

/** A tool's call is a line in a group; the group is folded once the answer begins. */
function toolLine(name, line, failed, id = null, given = {}, before = null) {
  if (!tools) {
    tools = h("details", { class: "tools", open: true }, h("summary", {}, ""), h("ul"));
    if (before) log.insertBefore(tools, before); else log.append(tools);
  }
  const shown = Object.entries(given).map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
  tools.querySelector("ul").append(h("li", { "data-call": id, class: failed ? "failed" : null },
    h("code", {}, name), shown ? h("span", {}, ` (${shown.slice(0, 300)})`) : null, h("span", { class: "outcome" }, ` ${line}`)));
  countTools();
}

function countTools() {
  const names = [...tools.querySelectorAll("li code")].map((code) => code.textContent);
  tools.querySelector("summary").textContent = `${names.length === 1 ? "1 tool" : `${names.length} tools`}: ${names.join(", ")}`;
}

function finishTool({ id, line, seconds, failed }) {
  const item = tools && [...tools.querySelectorAll("li")].find((each) => each.dataset.call === id);
  if (!item) return;
  item.classList.toggle("failed", failed);
  item.querySelector(".outcome").textContent = ` ${line} (${seconds.toFixed(1)} s)`;
}

function foldTools() {
  tools?.removeAttribute("open");
  tools = null;
}

function propose({ title, diff, by_model: byModel }, before = null) {
  log.querySelectorAll(".proposal .row").forEach((row) => row.remove());
  const lines = diff.map((line) => h("span", { class: line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : null }, `${line}\n`));
  const box = h("div", { class: "proposal", role: "group", "aria-label": "A change that waits for your answer" },
    h("h3", {}, bdi(title)), lines.length ? h("pre", { tabindex: "0" }, ...lines) : null,
    byModel ? h("p", { class: "small" }, "A language model proposed this. Look at it before you say yes.") : null,
    h("div", { class: "row" },
      h("button", { type: "button", class: "main", "data-answer": "yes", disabled: !mayChange(), onclick: () => decide(true) }, "Yes, do it ", h("kbd", {}, "y")),
      h("button", { type: "button", "data-answer": "no", disabled: !mayChange(), onclick: () => decide(false) }, "No ", h("kbd", {}, "n"))));
  if (before) log.insertBefore(box, before); else log.append(box);
  box.querySelector("button.main").focus({ preventScroll: true });
}

function decide(yes) {
  log.querySelectorAll(".proposal .row").forEach((row) => row.remove());
  log.append(message("person", yes ? "Yes" : "No"));
  turn("/api/chat/decide", { thread, yes, person: localStorage.getItem("person") || "" });
}

function made(line) {
  const number = Number(line.match(/\(change (\d+)\)$/)?.[1]);
  toast(line, number ? { action: ["Undo", async () => {
    if (await attempt(() => ask("/api/changes/undo", { method: "POST", body: { number } }))) toast("The change was undone.");
  }] } : {});
}

function fail(text) {
  foldTools();
  log.append(h("p", { class: "problem" }, text));
}

function showBroken(text) {
  log.append(h("div", { class: "row broken" }, h("span", { class: "soft" }, text),
    h("button", { type: "button", disabled: !mayChange(), onclick: () => turn("/api/chat/resume", { thread }) }, "Go on with it")));
}

function busy(yes) {
  send.hidden = yes;
  stop.hidden = !yes;
  log.setAttribute("aria-busy", String(yes));
  if (!yes && !log.querySelector("[data-answer]")) words.focus({ preventScroll: true });
}
