// Try: the labels of a text with their evidence, the walk that found them, other methods, and what a person says of them.
import { afterPause, ask, attempt, bdi, h, keepInAddress, keys, mayChange, number, pathOf, personName, query, toast, url } from "./ui.js";

const form = document.getElementById("try-form");
const field = document.getElementById("text");
const state = document.getElementById("state");
const result = document.getElementById("result");
const LONGEST_ADDRESS = 1500;
let asking = null;
let shown = null;
let judged = { right: [], wrong: [] };
let others = [];

if (form) begin();

function begin() {
  form.addEventListener("submit", (event) => { event.preventDefault(); look(field.value, { push: true }); });
  field.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  for (const example of document.querySelectorAll("[data-example]")) {
    example.addEventListener("click", () => { field.value = example.dataset.example; form.requestSubmit(); });
  }
  addEventListener("popstate", () => { if (!query().has("job")) look(query().get("text") || "", {}); });
  keys({
    j: () => step(1), k: () => step(-1),
    y: () => judgeFocused("right"), n: () => judgeFocused("wrong"),
    s: () => { const search = document.getElementById("should-be"); search?.focus(); return Boolean(search); },
  });
  const given = query().get("text");
  if (given) look(given, {});
}

async function look(text, { push = false }) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  field.value = text;
  if (!text.trim()) {
    result.hidden = true;
    state.replaceChildren();
    if (push) { field.focus(); toast("There is no text yet: write one, or drop a file."); }
    return;
  }
  document.getElementById("file-result").hidden = true;
  if (push) keepInAddress(text.length <= LONGEST_ADDRESS ? { text } : {}, { push: true });
  state.replaceChildren(h("p", { class: "card" }, h("span", { class: "wait", "aria-hidden": "true" }), " Walking the tree…"));
  const slow = setTimeout(() => state.replaceChildren(h("p", { class: "card" }, h("span", { class: "wait", "aria-hidden": "true" }),
    " Still at it. The first text loads the model and reads the labels; the next ones are quick.")), 3000);
  try {
    const answer = await ask("/api/try", { method: "POST", body: { text }, signal });
    show(answer);
    state.replaceChildren(h("p", { class: "visually-hidden" }, `${answer.suggestion.labels.length} labels found.`));
    compare(text, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    result.hidden = true;
    state.replaceChildren(h("p", { class: "problem" }, error.message));
  } finally {
    clearTimeout(slow);
  }
}

function show(answer) {
  shown = answer;
  judged = { right: [], wrong: [] };
  others = [];
  const me = localStorage.getItem("person");
  for (const [id, said] of Object.entries(answer.truth?.labels || {})) {
    if (said.person && said.person === me) judged[said.verdict].push({ id, name: nameOf(id) });
    else others.push(`${nameOf(id).slice(0, 80)}: ${said.verdict}, ${said.person || said.source}`);
  }
  result.hidden = false;
  showText(answer);
  showLabels(answer.suggestion);
  showJudge();
  showWalk(answer);
}

const nameOf = (id) => shown.suggestion.labels.find((label) => label.id === id)?.name || id;

/** The text with the evidence of all labels marked; where marks overlap each piece knows all its labels. */
function showText(answer) {
  const places = answer.suggestion.labels.map((label, at) => label.place && { ...label.place, at }).filter(Boolean);
  const characters = [...answer.text];
  const cuts = [...new Set([0, characters.length, ...places.flatMap((place) => [place.start, place.end])])].sort((a, b) => a - b);
  const pieces = cuts.slice(0, -1).map((start, each) => {
    const text = characters.slice(start, cuts[each + 1]).join("");
    const own = places.filter((place) => place.start <= start && place.end >= cuts[each + 1]).map((place) => place.at);
    return own.length ? h("mark", { "data-labels": own.join(" ") }, text) : text;
  });
  document.getElementById("marked").replaceChildren(...pieces);
}

function mark(at) {
  const text = document.getElementById("marked");
  text.classList.toggle("marking", at !== null);
  for (const piece of text.querySelectorAll("mark")) piece.classList.toggle("own", at !== null && piece.dataset.labels.split(" ").includes(String(at)));
  if (at !== null) text.querySelector("mark.own")?.scrollIntoView({ block: "nearest" });
}

/** A score as a bar and a number; the bar needs a style, which only a script may set. */
function score(value) {
  const fill = h("i");
  fill.style.width = `${Math.round(100 * Math.min(1, Math.max(0, value)))}%`;
  return h("span", { class: "scored" }, h("span", { class: "bar", "aria-hidden": "true" }, fill), h("span", {}, value.toFixed(2)));
}

function showLabels(suggestion) {
  const list = document.getElementById("found");
  if (suggestion.error || !suggestion.labels.length) {
    const said = suggestion.error ? suggestion.error : "No label fits this text. If one should, search it below.";
    list.replaceChildren(h("li", { class: suggestion.error ? "problem" : "soft" }, said));
    return;
  }
  list.replaceChildren(...suggestion.labels.map((label, at) => {
    const shares = shown.shares.filter((share) => share.label_id === label.id);
    return h("li", {
      tabindex: "0", "data-at": at, "data-id": label.id,
      onmouseenter: () => mark(at), onmouseleave: () => mark(null), onfocusin: () => mark(at), onfocusout: () => mark(null),
    },
    h("span", { class: "rank" }, String(at + 1)),
    h("div", {},
      h("a", { class: "name", href: url("/tree", { label: label.id }) }, label.name),
      label.notation ? h("span", { class: "soft small" }, ` ${label.notation}`) : null,
      h("div", {}, pathOf(label.path.slice(0, -1))),
      score(label.score),
      label.evidence && !label.place ? h("span", { class: "why" }, "evidence: ", bdi(label.evidence)) : null,
      label.reason ? h("span", { class: "why" }, bdi(label.reason)) : null,
      ...shares.map((share) => h("span", { class: "why" }, `${share.source} ${share.score.toFixed(2)}`, share.why ? ": " : "", bdi(share.why)))),
    h("div", { class: "judged", role: "group", "aria-label": `Is ${label.name.slice(0, 100)} right?` },
      verdict(label, "right", "Right", "✓"), verdict(label, "wrong", "Wrong", "✗")));
  }));
  showVerdicts();
}

function verdict(label, kind, title, sign) {
  return h("button", {
    type: "button", "data-verdict": kind, "data-for": label.id, title, "aria-label": title, "aria-pressed": "false",
    "aria-disabled": mayChange() ? null : "true", onclick: () => judge(label, kind),
  }, sign);
}

function showVerdicts() {
  for (const button of document.querySelectorAll("[data-verdict]")) {
    const pressed = judged[button.dataset.verdict].some((label) => label.id === button.dataset.for);
    button.setAttribute("aria-pressed", String(pressed));
  }
}

/** Say that a label is right or wrong; the same again takes that back. All that is said of a text is sent together. */
async function judge(label, kind) {
  if (!mayChange()) return toast("To say what is right, open the link with the token that taxonaut serve printed.", { bad: true });
  const person = await personName();
  if (!person) return;
  const before = judged;
  const had = before[kind].some((each) => each.id === label.id);
  const without = { right: before.right.filter((each) => each.id !== label.id), wrong: before.wrong.filter((each) => each.id !== label.id) };
  const now = had ? without : { ...without, [kind]: [...without[kind], { id: label.id, name: label.name }] };
  const said = had ? "Taken back" : kind === "right" ? "Kept as right" : "Kept as wrong";
  if (await send(now, person)) toast(`${said}: ${label.name.slice(0, 120)}. It counts in evaluation and learning.`, { action: ["Undo", () => send(before, person)] });
}

async function send(now, person) {
  const text = shown.text;
  const left = (kind) => judged[kind].some((label) => !now[kind].some((each) => each.id === label.id));
  const answer = await attempt(async () => {
    // What was said before holds until it is taken back, which takes back all that was said.
    if (left("right") || left("wrong")) await ask("/api/corrections/take-back", { method: "POST", body: { item: text, person } });
    if (now.right.length || now.wrong.length) {
      await ask("/api/corrections", { method: "POST", body: { item: { text }, right: now.right.map((each) => each.id), wrong: now.wrong.map((each) => each.id), person } });
    }
    return true;
  });
  if (!answer || shown.text !== text) return false;
  judged = now;
  showVerdicts();
  showSaid();
  return true;
}

function showJudge() {
  const box = document.getElementById("judge");
  const list = h("ul", { class: "options", id: "should-be-list", role: "listbox", "aria-label": "Labels found", hidden: true });
  const search = h("input", {
    id: "should-be", type: "search", "aria-controls": "should-be-list", "aria-autocomplete": "list",
    placeholder: mayChange() ? "Search names, codes, ids" : "Needs the link with the token", disabled: !mayChange(),
  });
  box.replaceChildren(
    h("label", {}, "Should be another label", h("div", { class: "search-box" }, search, list)),
    h("p", { class: "small soft", id: "said", "aria-live": "polite" }),
    others.length ? h("p", { class: "small soft name" }, `Others said – ${others.slice(0, 20).join("; ")}.`) : "");
  searchIn(search, list, (label) => judge(label, "right"));
  showSaid();
}

function showSaid() {
  const added = judged.right.filter((label) => !shown.suggestion.labels.some((each) => each.id === label.id));
  const said = document.getElementById("said");
  if (!judged.right.length && !judged.wrong.length) said.replaceChildren("Nothing was said of this text yet. What you say becomes gold: evaluation and learning read it.");
  else said.replaceChildren(`Said of this text: ${judged.right.length} right, ${judged.wrong.length} wrong.`,
    ...added.flatMap((label) => [" ", h("span", { class: "chip good" }, bdi(label.name.slice(0, 80)), " ",
      h("a", { href: "#", role: "button", "aria-label": `Take back ${label.name.slice(0, 80)}`, onclick: (event) => { event.preventDefault(); judge(label, "right"); } }, "✗"))]));
}

/** A search field with a list that arrow keys walk through. */
function searchIn(input, list, choose) {
  let found = [];
  let at = -1;
  let last = 0;
  const close = () => { list.hidden = true; input.removeAttribute("aria-activedescendant"); };
  const select = (next) => {
    at = found.length ? (next + found.length) % found.length : -1;
    [...list.children].forEach((option, each) => option.setAttribute("aria-selected", String(each === at)));
    if (at >= 0) { input.setAttribute("aria-activedescendant", `should-be-${at}`); list.children[at].scrollIntoView({ block: "nearest" }); }
  };
  const take = (label) => { input.value = ""; close(); choose(label); };
  input.addEventListener("input", afterPause(async () => {
    const asked = ++last;
    const words = input.value.trim();
    if (!words) return close();
    const answer = await attempt(() => ask(url("/api/search", { query: words, limit: 8 })));
    if (!answer || asked !== last) return;
    found = answer;
    list.replaceChildren(...(found.length
      ? found.map((label, each) => h("li", { id: `should-be-${each}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(label); } },
        bdi(label.name, { class: "name" }), h("div", {}, pathOf((label.paths[0] || []).slice(0, -1)))))
      : [h("li", { role: "option", "aria-selected": "false", "aria-disabled": "true", class: "soft" }, "No label found; try other words.")]));
    list.hidden = false;
    select(0);
  }));
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); if (!input.value) input.blur(); input.value = ""; }
    else if (event.key === "ArrowDown") select(at + 1);
    else if (event.key === "ArrowUp") select(at - 1);
    else if (event.key === "Enter" && !list.hidden && found[at]) take(found[at]);
    else return;
    event.preventDefault();
  });
}

const rows = () => [...document.querySelectorAll("#found > li[data-at]")];

function step(by) {
  const all = rows();
  const here = all.findIndex((row) => row.contains(document.activeElement));
  all[Math.min(all.length - 1, Math.max(0, here < 0 ? 0 : here + by))]?.focus();
  return all.length > 0;
}

function judgeFocused(kind) {
  const row = rows().find((each) => each.contains(document.activeElement));
  if (!row) return false;
  judge(shown.suggestion.labels[Number(row.dataset.at)], kind);
  return true;
}

async function compare(text, signal) {
  const box = document.getElementById("others");
  box.replaceChildren(h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), " Asking dense retrieval…"));
  try {
    const methods = await ask("/api/try/compare", { method: "POST", body: { text }, signal });
    const own = new Set(shown.suggestion.labels.map((label) => label.id));
    box.replaceChildren(...methods.map((method) => h("div", { class: "method" },
      h("h3", {}, method.title),
      h("p", { class: "soft small" }, method.note),
      h("ol", {}, ...method.labels.map((label) => h("li", { class: own.has(label.id) ? "shared" : null },
        h("a", { class: "name", href: url("/tree", { label: label.id }) }, label.name),
        h("div", {}, pathOf(label.path.slice(0, -1))), score(label.score))))),
    ),
    methods.length > 1 ? null : h("p", { class: "soft small" }, "No expert is trained yet: with labelled items, ", h("code", {}, "taxonaut expert train ITEMS"), " adds one here."));
  } catch (error) {
    if (error.name !== "AbortError") box.replaceChildren(h("p", { class: "problem" }, error.message));
  }
}

const DROPPED = { threshold: "chosen, but scored below the threshold", beam: "chosen, but fell out of the beam", budget: "chosen, but no room for more nodes was left" };
const HOW = { start: "", branch: "", anchor: "reached from dense retrieval", climb: "reached from a node below" };

function showWalk(answer) {
  const box = document.getElementById("walk");
  const note = document.getElementById("walk-note");
  if (!answer.walk || (!answer.walk.steps.length && !answer.walk.labels.length)) {
    note.textContent = answer.suggestion.error ? "There was no walk." : "No tree was walked for this text.";
    return box.replaceChildren();
  }
  note.textContent = `Bold branches were opened, with their scores. ${number(answer.candidates)} labels were ranked after ${number(answer.requests)} decisions; numbers are the ranks above. What led to none of the labels is folded.`;
  box.replaceChildren(h("ul", { class: "walk" }, stepOf({ ...answer.walk, name: "Top of the tree" })));
}

const leads = (each) => each.labels.some((label) => label.rank) || each.steps.some(leads);

/** A branch: what led to a label of the answer is open, the rest is behind a line that counts it. */
function stepOf(each) {
  const ranked = each.labels.filter((label) => label.rank);
  const others = each.labels.filter((label) => !label.rank);
  const ways = each.steps.filter(leads);
  const opened = each.steps.filter((below) => below.opened && !leads(below));
  const closed = each.steps.filter((below) => !below.opened && !leads(below));
  const counts = [
    [opened.length, "more opened"], [closed.length + each.passed, "not opened"], [others.length + each.more, others.length + each.more === 1 ? "other label" : "other labels"],
  ].filter(([count]) => count).map(([count, what]) => `${number(count)} ${what}`);
  const inside = [
    ...ways.map(stepOf),
    ranked.length ? h("li", { class: "leaves" }, ...ranked.map((label) => h("span", { class: "chip ranked" }, `${label.rank}. `, bdi(label.name)))) : null,
    counts.length ? h("li", {}, h("details", {}, h("summary", {}, counts.join(", ")), h("ul", {},
      ...opened.map(stepOf), ...closed.map(stepOf),
      each.passed ? h("li", { class: "soft small" }, `and ${number(each.passed)} more branches, passed by`) : null,
      others.length ? h("li", { class: "leaves" }, ...others.map((label) => h("span", { class: "chip" }, bdi(label.name))),
        each.more ? h("span", { class: "soft small" }, `and ${number(each.more)} more`) : null) : null))) : null,
  ].filter(Boolean);
  return h("li", { class: each.opened ? "opened" : "closed" },
    h("div", { class: "step" },
      bdi(each.name || "…", { class: "name" }),
      each.score === null ? null : h("span", { class: "soft small" }, each.score.toFixed(2)),
      each.evidence ? h("span", { class: "soft small" }, "for “", bdi(each.evidence), "”") : null,
      each.dropped ? h("span", { class: "chip warn" }, DROPPED[each.dropped] || each.dropped) : each.opened ? null : h("span", { class: "soft small" }, "passed by"),
      each.how && HOW[each.how] ? h("span", { class: "chip" }, HOW[each.how]) : null,
      each.error ? h("span", { class: "chip bad" }, bdi(each.error)) : null),
    inside.length ? h("ul", {}, ...inside) : null);
}
