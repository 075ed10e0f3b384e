// The desk of a reviewer: items are loaded ahead and answers are sent behind, so that no key waits.
import { afterPause, ask, askInDialog, attempt, bdi, h, isTyping, keys, mayChange, number, pathOf, percent, personName, time, toast, url } from "./ui.js";
import { runIn } from "./jobs.js";

const AHEAD = 8;
const LISTS = { errors: "likely label error", next: "worth a label", doubts: "doubtful answer", given: "put here by a person" };
const SAID = { label: "another label", keep: "label kept", none: "none of these", undecided: "cannot decide", skip: "skipped" };
const at = (id) => document.getElementById(id);
const session = kept(sessionStorage, "review-window") || keep(sessionStorage, "review-window", randomId());

const desk = {
  person: kept(localStorage, "person") || "", ahead: [], past: [], item: null, chosen: new Set(), hits: null, whole: false,
  again: false, sending: Promise.resolve(), unsent: 0, opinions: 0, progress: null, loading: null, made: [],
};

function randomId() { return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16).padStart(2, "0")).join(""); }
function kept(store, name) { try { return store.getItem(name); } catch { return null; } }
function keep(store, name, value) { try { store.setItem(name, value); } catch { /* private windows */ } return value; }

// Who reviews.

async function askWho(again = false) {
  const name = await personName({ again });
  if (name) desk.person = name;
  return Boolean(name);
}

function showWho() {
  at("who").hidden = !desk.person;
  at("who").replaceChildren("Reviewer: ", h("b", { class: "clip" }, desk.person));
}

// Items that are loaded ahead.

async function load() {
  const answer = await ask("/api/review/claims", { method: "POST", body: { person: desk.person, session, count: Math.min(20, AHEAD + desk.unsent), again: desk.again } });
  const done = new Set(desk.made);
  const shown = desk.item?.key;
  desk.ahead = answer.items.filter((each) => each.key !== shown && !done.has(each.key));
  if (!desk.unsent) desk.progress = answer.progress;
  desk.progress ??= answer.progress;
  desk.opinions = answer.second_opinions;
  showProgress();
}

/** Get items ahead; one request at a time. */
function fill() {
  desk.loading ??= load().finally(() => { desk.loading = null; });
  return desk.loading;
}

async function next() {
  desk.chosen.clear();
  desk.hits = null;
  desk.whole = false;
  if (!desk.ahead.length) {
    desk.item = null;
    waiting("Getting the next item …");
    try { await fill(); if (!desk.ahead.length) { await desk.sending; await fill(); } } catch (error) { return failed(error); }
  }
  desk.item = desk.ahead.shift() || null;
  draw();
  refreshSoon();
  if (desk.item && desk.ahead.length < AHEAD / 2) fill().catch(() => {});
  return undefined;
}

// Answers that are sent behind, in order, again where the service is away.

function decide(kind, labels = [], words = SAID[kind]) {
  if (!desk.item) return false;
  if (!mayChange()) return toast("To decide, open the link with the token that taxonaut serve printed.", { bad: true });
  const item = desk.item;
  desk.past.push(item);
  desk.made.push(item.key);
  if (desk.made.length > 50) desk.made.shift();
  if (kind !== "skip") count(1);
  say(`${item.suspect.item.id.slice(0, 40)}: ${words}`);
  send("/api/review/answers", { person: desk.person, session, key: item.key, kind, labels }, item);
  next();
  return true;
}

function send(path, body, item) {
  desk.unsent += 1;
  desk.sending = desk.sending.then(() => deliver(path, body, item)).finally(() => { desk.unsent -= 1; showProgress(); });
}

async function deliver(path, body, item) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await ask(path, { method: "POST", body });
      if (answer?.open !== undefined && desk.unsent <= 1) desk.progress = answer;
      if (body.kind === "skip") desk.made = desk.made.filter((key) => key !== item.key);
      return;
    } catch (error) {
      if (error.status && error.status !== 503 && error.status !== 429) {
        toast(`“${item.suspect.item.text.slice(0, 60)}” was not taken: ${error.message}`, { bad: true, seconds: 20 });
        return;
      }
      if (tries === 0) toast("The service does not answer. Your answers are kept here and sent again until it does: leave this page open.", { bad: true, seconds: 12 });
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** tries, 10000)));
    }
  }
}

async function undo() {
  const item = desk.past.pop();
  if (!item && !desk.person) return;
  if (item) {
    if (desk.item) desk.ahead.unshift(desk.item);
    desk.made = desk.made.filter((key) => key !== item.key);
    desk.item = item;
    send("/api/review/undo", { person: desk.person, session, key: item.key }, item);
    desk.chosen.clear();
    desk.hits = null;
    count(-1);
    say("Taken back: decide again");
    draw();
    return;
  }
  await desk.sending;
  const found = await attempt(() => ask("/api/review/undo", { method: "POST", body: { person: desk.person, session } }));
  if (found === null) return void say("There is nothing to take back");
  if (!found) return;
  if (desk.item) desk.ahead.unshift(desk.item);
  desk.item = found;
  say("Taken back: decide again");
  draw();
}

// The item on the screen.

const choices = () => desk.hits ?? desk.item?.suspect.suggestions.map((each) => ({ id: each.label, path: each.path, chance: each.probability })) ?? [];

function draw() {
  const place = at("item");
  if (!desk.item) return drawEmpty(place);
  const { suspect, list } = desk.item;
  const text = h("p", { class: desk.whole ? "text" : "text folded", dir: "auto" }, suspect.item.text);
  place.replaceChildren(
    h("div", { class: "row" }, h("span", { class: list === "errors" ? "chip bad" : "chip warn" }, `${LISTS[list] || list} · ${percent(suspect.score)}`),
      desk.again ? h("span", { class: "chip" }, "second opinion") : null,
      h("span", { class: "soft small clip" }, suspect.item.id)),
    text,
    h("button", { type: "button", class: "quiet more", hidden: true, onclick: toggleText }, "Show all ", h("kbd", {}, "m")),
    h("ul", { class: "why", "aria-label": "Why it is here" }, suspect.reasons.map((reason) => h("li", { dir: "auto" }, reason))),
    suspect.given.length ? h("div", { class: "given" }, h("span", { class: "soft small" }, suspect.given.length > 1 ? "Labels now" : "Label now"),
      h("div", {}, suspect.given_paths.map((path) => h("div", {}, pathOf(path)))),
      action("k", "Keep", () => decide("keep"))) : null,
    h("ol", { class: "choices", id: "choices", "aria-label": "Labels that may be right" }),
    h("div", { class: "actions" },
      h("div", { class: "search" },
      h("input", { id: "search", "data-search": "", type: "search", "aria-label": "Search all labels", placeholder: "/  search all labels",
        "aria-controls": "choices", oninput: searchSoon, onkeydown: searchKey })),
      h("div", { class: "row" }, h("button", { type: "button", class: "main", id: "these", hidden: true, onclick: chooseMarked }, "", h("kbd", { "aria-hidden": "true" }, "Enter")),
        action("n", "None of these", () => decide("none")), action("u", "Cannot decide", () => decide("undecided")),
      action("s", "Skip", () => decide("skip")), action("z", "Undo", undo))));
  drawChoices();
  if (text.scrollHeight > text.clientHeight + 4) place.querySelector(".more").hidden = false;
  return undefined;
}

const action = (key, words, work, kind = "") => h("button", { type: "button", class: kind, onclick: () => work(), disabled: !mayChange() }, words, " ", h("kbd", { "aria-hidden": "true" }, key));

function drawChoices() {
  const found = choices();
  const most = Math.max(0.0001, ...found.map((each) => each.chance ?? 0));
  at("choices").replaceChildren(...found.slice(0, 9).map((each, place) => {
    const bar = h("i");
    bar.style.width = `${Math.round((100 * (each.chance ?? 0)) / most)}%`;
    return h("li", {}, h("button", { type: "button", disabled: !mayChange(), "aria-pressed": desk.chosen.size ? String(desk.chosen.has(each.id)) : null, onclick: (event) => (event.shiftKey || desk.chosen.size ? mark(each) : choose(each)) },
      h("kbd", { "aria-hidden": "true" }, String(place + 1)), pathOf(each.path),
      each.chance === null || each.chance === undefined ? null : h("span", { class: "chance" }, h("span", { class: "bar", "aria-hidden": "true" }, bar), percent(each.chance))));
  }));
  if (!found.length) at("choices").replaceChildren(h("li", { class: "soft" }, desk.hits ? "No label has these words." : "Nothing is suggested: search with /"));
  const these = at("these");
  these.hidden = !desk.chosen.size;
  these.firstChild.textContent = desk.chosen.size === 1 ? "This one is right " : `These ${desk.chosen.size} are right `;
}

const choose = (each) => decide("label", [each.id], `now ${each.path.at(-1)}`);
function mark(each) { if (!desk.chosen.delete(each.id)) desk.chosen.add(each.id); drawChoices(); }
function chooseMarked() { return desk.chosen.size ? decide("label", [...desk.chosen], `now ${desk.chosen.size} labels`) : false; }
function toggleText() { desk.whole = !desk.whole; at("item").querySelector(".text").classList.toggle("folded", !desk.whole); at("item").querySelector(".more").firstChild.textContent = desk.whole ? "Show less " : "Show all "; }

let searching = null;
const searchSoon = afterPause(async () => {
  const words = at("search").value.trim();
  searching?.abort();
  if (!words) { desk.hits = null; drawChoices(); return; }
  searching = new AbortController();
  const found = await attempt(() => ask(url("/api/search", { query: words, limit: 9 }), { signal: searching.signal }));
  if (!found) return;
  desk.hits = found.map((each) => ({ id: each.id, path: each.paths[0] || [each.name] }));
  drawChoices();
}, 80);

function searchKey(event) {
  if (event.key === "Escape") { event.target.value = ""; desk.hits = null; drawChoices(); event.target.blur(); }
  else if (event.key === "Enter" && desk.hits?.length) choose(desk.hits[0]);
  else if (event.key === "ArrowDown") at("choices").querySelector("button")?.focus();
  else return;
  event.preventDefault();
}

function moveChoice(step) {
  const all = [...at("choices")?.querySelectorAll("button") || []];
  const here = all.indexOf(document.activeElement);
  if (!all.length) return false;
  all[Math.min(all.length - 1, Math.max(0, here + step))].focus();
  return true;
}

// What is shown where there is no item.

function waiting(words) { at("item").replaceChildren(h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), ` ${words}`)); }

function failed(error) {
  at("item").replaceChildren(h("p", { class: "problem", role: "alert" }, error.message), h("div", { class: "row" }, h("button", { type: "button", class: "main", onclick: next }, "Try again")));
}

function drawEmpty(place) {
  if (!mayChange()) return place.replaceChildren(h("div", { class: "empty" }, h("b", {}, "Reviewing needs the service's token"), "Open the link that taxonaut serve printed; you can look at what was decided here."));
  if (!desk.person) return place.replaceChildren(h("div", { class: "empty" }, h("b", {}, "Who reviews?"), h("p", {}, "Your name stands by each of your answers."), h("button", { type: "button", class: "main", onclick: start }, "Give your name")));
  const done = desk.progress?.answered;
  const others = desk.progress?.open || 0;
  const title = others ? `Others have the last ${number(others)} item${others === 1 ? "" : "s"}` : done ? "Everything is decided" : "Nothing to review yet";
  const words = others ? "They come to you if they are not decided within five minutes." : done ? "Learn from the answers, or look for more to review." : "Choose below what to look at: likely label errors, texts worth a label, or doubtful answers.";
  place.replaceChildren(h("div", { class: "empty" }, h("b", {}, title), h("p", {}, words),
    h("div", { class: "row middle" }, h("button", { type: "button", onclick: next }, "Look again"),
      desk.opinions && !desk.again ? h("button", { type: "button", class: "main", onclick: () => { desk.again = true; next(); } }, `Give second opinions (${number(desk.opinions)})`) : null,
      done ? h("button", { type: "button", onclick: undo }, "Undo ", h("kbd", {}, "z")) : null)));
  return refreshSide();
}

/** Count a decision before the service has confirmed it, which sends its own counts. */
function count(change) {
  const found = desk.progress;
  if (found && !desk.again) desk.progress = { ...found, open: found.open - change, answered: found.answered + change, mine: found.mine + change };
}

function say(words) { desk.note = words; showProgress(); }

function showProgress() {
  const found = desk.progress;
  if (!found) return;
  at("progress").hidden = !(found.open + found.answered);
  at("bar").max = Math.max(1, found.open + found.answered);
  at("bar").value = found.answered;
  const pace = found.a_minute ? ` · ${found.a_minute.toFixed(found.a_minute < 10 ? 1 : 0)} a minute` : "";
  const left = found.a_minute && found.open ? ` · about ${Math.max(1, Math.round(found.open / found.a_minute))} min left` : "";
  const late = desk.unsent > 1 ? ` · ${desk.unsent} answers on their way` : "";
  at("counts").replaceChildren(`${number(found.answered)} decided, ${number(found.open)} open · ${number(found.mine)} by you${pace}${left}${late}`, desk.note ? h("span", { class: "note" }, bdi(desk.note)) : "");
}

// Next to the item: people, decisions, learning, more items, other tools.

const words = (decided) => Object.entries(decided).filter(([, count]) => count).map(([kind, count]) => `${SAID[kind]} ${number(count)}`).join(", ");

async function refreshSide() {
  const [summary, latest] = await Promise.all([ask("/api/review/summary"), ask("/api/review/decisions?limit=8")]).catch(() => [null, null]);
  if (!summary) return;
  const { agreement } = summary;
  if (summary.reviewers.length) {
    at("people").replaceChildren(
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Reviewer"), h("th", { scope: "col", class: "number" }, "Items"))),
        h("tbody", {}, summary.reviewers.map((each) => h("tr", {}, h("th", { scope: "row" }, bdi(each.person, { class: "name" }), h("div", { class: "soft small" }, words(each.decided))),
          h("td", { class: "number" }, number(Object.values(each.decided).reduce((sum, count) => sum + count, 0))))))),
      h("p", { class: "small soft agreement" }, agreement.items
        ? `Decided twice: ${number(agreement.items)}. The same in ${percent(agreement.equal / agreement.pairs)} of ${number(agreement.pairs)} pairs${agreement.alpha === null ? "" : ` (Krippendorff's alpha ${agreement.alpha.toFixed(2)})`}${agreement.disputed.length ? `; ${number(agreement.disputed.length)} in dispute, which count for neither.` : "."}`
        : "Agreement shows once two people have decided on the same item."));
  }
  at("latest").replaceChildren(...latest.entries.map((each) => h("li", {},
    h("span", { class: "clip" }, each.text), h("span", { class: "soft small" }, bdi(each.person), ", ", time(new Date(each.at * 1000).toISOString()), ": ",
      each.paths.length ? bdi(each.paths.map((path) => path.at(-1)).join(", ")) : SAID[each.decision.kind], each.before ? ` (before: ${SAID[each.before.kind]})` : ""))));
  if (!latest.entries.length) at("latest").replaceChildren(h("li", { class: "soft small" }, "None yet."));
}

const refreshSoon = afterPause(() => refreshSide(), 1500);

async function fillQueue(kind) {
  let items = [];
  if (kind !== "review_errors") {
    const field = h("textarea", { name: "texts", rows: 8, placeholder: "One text a line. Empty: the items that this workspace knows and that have no label yet." });
    const data = await askInDialog(kind === "review_next" ? "Which texts?" : "Which texts are to be labelled and checked?", [h("label", {}, "Texts, one a line", field)], { yes: "Look" });
    if (!data) return;
    items = data.get("texts").split("\n").map((line) => line.trim()).filter(Boolean);
  }
  const ended = await runIn(at("fill-state"), kind === "review_next" ? { kind, items, count: items.length ? Math.min(200, items.length) : 100 } : { kind, items });
  if (ended?.state !== "finished") return;
  const { found, queued, items: among } = ended.summary;
  toast(queued ? `${number(queued)} items put on the queue.` : `Nothing new: ${number(found)} found among ${number(among)} items.`);
  desk.ahead = [];
  if (!desk.item) next(); else fill().catch(() => {});
}

async function learn() {
  at("learn").disabled = true;
  await desk.sending;
  const ended = await runIn(at("learn-result"), { kind: "learn", adopt: "never" });
  at("learn").disabled = !mayChange();
  if (ended?.state !== "finished") return;
  const { version, passed, card, notes } = ended.summary;
  const rows = Object.entries(card.measures.parts || {}).flatMap(([part, row]) => ["P@1", "R@10"].filter((name) => row[name]).map((name) => {
    const { before, after, change } = row[name];
    return h("tr", {}, h("th", { scope: "row" }, `${name}, ${part} (${number(row.items)})`), h("td", { class: "number" }, percent(before[0], 1)), h("td", { class: "number" }, percent(after[0], 1)),
      h("td", { class: "number" }, `${change[0] >= 0 ? "+" : ""}${(100 * change[0]).toFixed(1)} (${(100 * change[1]).toFixed(1)} to ${(100 * change[2]).toFixed(1)})`));
  }));
  at("learn-result").replaceChildren(
    h("p", {}, h("span", { class: passed ? "chip good" : "chip warn" }, passed ? "passed its test" : "did not pass its test"), ` Version ${version}`),
    rows.length ? h("div", { class: "scroll" }, h("table", { class: "small" }, h("thead", {}, h("tr", {}, ["Measured on unseen items", "before", "after", "change (95 %)"].map((name, place) => h("th", { scope: "col", class: place ? "number" : null }, name)))), h("tbody", {}, rows)))
      : h("p", { class: "soft small" }, "Nothing could be measured: more answers are needed."),
    ...notes.map((note) => h("p", { class: "soft small" }, note)),
    h("div", { class: "row" }, h("button", { type: "button", class: passed ? "main" : "", onclick: () => adopt(version, passed) }, "Use this version")));
}

async function adopt(version, passed) {
  if (!passed && !(await askInDialog("Use it all the same?", [h("p", {}, "This version did not pass its test: on unseen items it is worse, or nothing could be measured.")], { yes: "Use it", danger: true }))) return;
  const done = await attempt(() => ask("/api/learned/adopt", { method: "POST", body: { version } }));
  if (done) toast(`Version ${version} is in use.`, { action: ["Undo", () => attempt(() => ask("/api/learned/undo", { method: "POST" })).then((back) => back && toast(back.in_use ? `Version ${back.in_use} is in use again.` : "Nothing learned is in use."))] });
}

async function bringBack(file) {
  if (!file || (!desk.person && !(await askWho()))) return;
  const tell = toast(`Reading ${file.name} …`, { seconds: 60 });
  const found = await attempt(async () => ask("/api/review/import", { method: "POST", body: { person: desk.person, text: await file.text() } }));
  tell.remove();
  at("answers-file").value = "";
  if (!found) return;
  toast(`${number(found.taken)} answers taken, ${number(found.blank)} items without one, ${number(found.refused.length)} refused${found.refused.length ? `: ${found.refused[0].why}` : "."}`, { bad: Boolean(found.refused.length), seconds: 15 });
  desk.ahead = [];
  refreshSide();
  if (!desk.item) next();
}

// Start.

async function start() {
  if (mayChange() && !desk.person && !(await askWho())) return draw();
  showWho();
  refreshSide();
  return mayChange() ? next() : draw();
}

keys({
  ...Object.fromEntries(["n", "u", "s"].map((key) => [key, () => decide({ n: "none", u: "undecided", s: "skip" }[key])])),
  k: () => (desk.item?.suspect.given.length ? decide("keep") : desk.item && (say("It has no label to keep"), true)),
  z: () => { undo(); return true; },
  m: () => (desk.item ? (toggleText(), true) : false),
  ArrowDown: () => moveChoice(1),
  ArrowUp: () => moveChoice(-1),
  Enter: (event) => (event.target.matches("button, a") ? false : chooseMarked()),
  Escape: () => { desk.hits = null; desk.chosen.clear(); if (desk.item) draw(); return true; },
});
document.addEventListener("keydown", (event) => {
  const digit = /^(Digit|Numpad)([1-9])$/.exec(event.code)?.[2] ?? (/^[1-9]$/.test(event.key) ? event.key : null);
  if (!digit || !desk.item || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const each = choices()[digit - 1];
  if (!each) say(`There is no ${digit}: / searches all labels`);
  else if (event.shiftKey || desk.chosen.size) mark(each);
  else choose(each);
  event.preventDefault();
});
at("who").addEventListener("click", async () => {
  const before = desk.person;
  if (!(await askWho(true)) || desk.person === before) return;
  await desk.sending;
  await attempt(() => ask("/api/review/release", { method: "POST", body: { person: before, session } }));
  Object.assign(desk, { ahead: [], past: [], made: [], item: null, note: "" });
  start();
});
at("learn").addEventListener("click", learn);
for (const button of document.querySelectorAll("[data-fill]")) button.addEventListener("click", () => fillQueue(button.dataset.fill));
at("bring-back").addEventListener("click", () => at("answers-file").click());
at("answers-file").addEventListener("change", (event) => bringBack(event.target.files[0]));
for (const control of document.querySelectorAll("#learn, [data-fill], #bring-back")) {
  if (!mayChange()) { control.disabled = true; control.title = "Needs the link with the token that taxonaut serve printed"; }
}
addEventListener("pagehide", () => {
  if (desk.person && mayChange()) fetch("/api/review/release", { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ person: desk.person, session }) });
});
addEventListener("pageshow", (event) => { if (event.persisted) { desk.ahead = []; desk.item = null; next(); } });
addEventListener("beforeunload", (event) => { if (desk.unsent) event.preventDefault(); });
setInterval(() => { if (desk.item && !document.hidden) fill().catch(() => {}); }, 120000);
setInterval(() => { if (!document.hidden) refreshSide(); }, 20000);
start();
