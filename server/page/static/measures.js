// What was measured: methods with intervals, labels one by one, nodes that lose most, learning, experts.
import { ask, attempt, afterPause, bdi, h, keepInAddress, keys, mayChange, number, pathOf, query, time, toast, url } from "./ui.js";
import { bars, figure } from "./figures.js";
import { isOver, runIn, showIn } from "./jobs.js";

const at = (id) => document.getElementById(id);
const SHOWN = ["P@1", "R@10", "RP@5", "micro F1@1", "macro F1@1", "hF@1"];
const ROWS = 100;
let methods = [];
let measures = null;

const share = (value) => `${(100 * value).toFixed(1)} %`;
const cell = (value) => h("td", { class: "number" }, value === null || value === undefined ? "–" : share(value));
const table = (heads, rows) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": heads[0] },
  h("table", {}, h("thead", {}, h("tr", {}, heads.map((name, place) => h("th", { scope: "col", class: place && !name.startsWith("most") ? "number" : null }, name)))), h("tbody", {}, rows)));

// An evaluation.

async function showEvaluation(job) {
  at("quality").replaceChildren(h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), " Reading the evaluation …"));
  methods = [];
  let after = "";
  do {
    const page = await attempt(() => ask(url(`/api/jobs/${encodeURIComponent(job.id)}/results`, { limit: 100, after })));
    if (!page) return;
    methods.push(...page.entries.map((entry) => entry.row));
    after = page.next;
  } while (after);
  if (!methods.length) {
    at("quality").replaceChildren(h("p", { class: "problem" }, job.error?.detail || "This evaluation has no results."));
    return;
  }
  const names = [...new Set(methods.flatMap((each) => Object.keys(each.measures)))];
  const drawn = SHOWN.filter((name) => names.includes(name));
  const chosen = drawn.length ? drawn : names.slice(0, 4);
  const picture = bars(chosen.map((name) => ({ name, bars: methods.map((each) => each.measures[name]) })), methods.map((each) => each.method), `Quality of ${methods.map((each) => each.method).join(", ")}`);
  at("quality").replaceChildren(
    h("p", { class: "small soft" }, `${number(job.summary?.with_gold ?? 0)} items with known labels, measured `, time(new Date((job.ended ?? job.created) * 1000).toISOString()), "; bars with 95 % intervals."),
    figure("Quality of methods", picture, "quality"),
    measureTable(chosen, [["requests", "requests"], ["model time, s", "seconds"], ["items that failed", "failed"]]),
    h("details", {}, h("summary", {}, `All ${names.length} measures`), measureTable(names, [])));
  at("method").replaceChildren(...methods.map((each) => h("option", {}, each.method)));
  at("method").value = methods.some((each) => each.method === query().get("method")) ? query().get("method") : methods[0].method;
  at("labels-card").hidden = !methods.some((each) => each.labels?.length);
  showLabels();
  const lost = job.summary?.lost || [];
  at("lost-card").hidden = !lost.length;
  at("lost").replaceChildren(table(["Node", "Right labels lost", "Why"], lost.map((each) => h("tr", {}, h("th", { scope: "row" }, each.path.length ? pathOf(each.path) : "the top"), h("td", { class: "number" }, number(each.losses)),
    h("td", { class: "number small" }, Object.entries(each.reasons).map(([reason, count]) => `${reason.replaceAll("_", " ")} ${count}`).join(", "))))));
}

const measureTable = (names, costs) => table(["Measure (95 % interval)", ...methods.map((each) => each.method)], [
  ...names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), methods.map((each) => spread(each.measures[name])))),
  ...costs.map(([name, key]) => h("tr", {}, h("th", { scope: "row" }, name), methods.map((each) => h("td", { class: "number" }, number(Math.round(10 * each[key]) / 10)))))]);

const spread = (each) => h("td", { class: "number" }, each ? h("span", { title: `${share(each.low)} to ${share(each.high)}` }, share(each.value), h("span", { class: "soft small" }, ` ${(100 * each.low).toFixed(0)}–${(100 * each.high).toFixed(0)}`)) : "–");

function showLabels() {
  const words = at("filter").value.trim().toLowerCase();
  const method = methods.find((each) => each.method === at("method").value) || methods[0];
  const found = (method.labels || []).filter((each) => !words || each.path.join(" ").toLowerCase().includes(words));
  at("labels").replaceChildren(found.length ? table(["Label", "support", "answered", "precision", "recall", "F1", "most confused with"], found.slice(0, ROWS).map((each) => h("tr", {}, h("th", { scope: "row" }, pathOf(each.path)),
    h("td", { class: "number" }, number(each.support)), h("td", { class: "number" }, number(each.predicted)), cell(each.precision), cell(each.recall), cell(each.f1),
    h("td", {}, each.confused.filter((other) => other.path.length).flatMap((other, place) => [place ? ", " : "", bdi(other.path.at(-1)), ` ${number(other.count)}`])))))
    : h("p", { class: "soft" }, "No label has these words."), found.length > ROWS ? h("p", { class: "soft small" }, `The first ${ROWS} of ${number(found.length)}, those missed most first.`) : "");
}

async function evaluate() {
  if (at("evaluate").disabled) return;
  at("evaluate").disabled = true;
  const ended = await runIn(at("state"), { kind: "evaluate", items: [] });
  at("evaluate").disabled = false;
  if (!ended) return;
  await start(ended.state === "finished" ? ended.id : null);
  if (ended.state === "finished") toast("Evaluated.");
}

// Learning and experts.

function showLearned({ in_use, versions }) {
  if (!versions.length) return;
  const seen = versions.slice(0, 8).reverse();
  const gate = (version) => Object.entries(version.measures.parts || {}).map(([part, row]) => [part, row["P@1"]]).filter(([, row]) => row);
  const parts = [...new Set(seen.flatMap((version) => gate(version).map(([part]) => part)))];
  const picture = parts.length ? bars(seen.flatMap((version) => gate(version).map(([part, row]) => ({ name: `${version.number} · ${part}`.slice(0, 18), bars: [["before"], ["after"]].map(([side]) => ({ value: row[side][0], low: row[side][1] ?? row[side][0], high: row[side][2] ?? row[side][0] })) }))), ["before", "after"], "First labels that are right, before and after learning") : null;
  at("learned").replaceChildren(
    h("p", { class: "small soft" }, in_use ? `Version ${in_use} is in use.` : "Nothing learned is in use.", " Measured on items and labels that were not learned from."),
    picture ? figure("P@1 before and after learning", picture, "learning") : "",
    table(["Version", "made", "items", "P@1 change", ""], versions.map((version) => h("tr", {}, h("th", { scope: "row" }, String(version.number), version.number === in_use ? h("span", { class: "chip good" }, "in use") : ""), h("td", { class: "number" }, version.made ? time(version.made) : ""),
      h("td", { class: "number" }, number(version.data.items ?? 0)), h("td", { class: "number" }, gate(version).map(([part, row]) => h("div", { class: row.change[0] >= 0 ? "better" : "worse" }, `${part}: ${row.change[0] >= 0 ? "+" : ""}${(100 * row.change[0]).toFixed(1)}`))),
      h("td", { class: "number" }, version.number === in_use ? "" : h("button", { type: "button", disabled: !mayChange(), onclick: () => adopt(version.number) }, "Use"))))));
}

async function adopt(version) {
  const done = await attempt(() => ask("/api/learned/adopt", { method: "POST", body: { version } }));
  if (!done) return;
  toast(`Version ${version} is in use.`, { action: ["Undo", async () => { if (await attempt(() => ask("/api/learned/undo", { method: "POST" }))) start(); }] });
  start();
}

function showExperts(experts) {
  if (!experts.length) return;
  const row = (expert, name) => cell(expert.metrics[name] === undefined ? null : Number(expert.metrics[name]));
  at("experts").replaceChildren(table(["Expert", "made", "products", "accuracy", "macro F1", "calibration error", "before scaling"], experts.map((expert) => h("tr", {}, h("th", { scope: "row" }, String(expert.number)), h("td", { class: "number" }, expert.made ? time(expert.made) : ""),
    h("td", { class: "number" }, number(expert.data.products ?? 0)), row(expert, "accuracy"), row(expert, "macro_f1"), row(expert, "calibration_error"), row(expert, "before_scaling")))),
  h("p", { class: "small soft" }, "Calibration error: how far probabilities are from the share that is right, on items held out of training."));
}

// Start.

async function start(wanted = null) {
  measures = await attempt(() => ask("/api/measures"));
  if (!measures) return;
  showLearned(measures.learned);
  showExperts(measures.experts);
  const done = measures.evaluations.filter((job) => job.state === "finished");
  const running = measures.evaluations.find((job) => !isOver(job));
  if (running && !wanted) showIn(at("state"), running).then(() => start());
  at("pick").hidden = done.length < 2;
  at("evaluation").replaceChildren(...done.map((job) => h("option", { value: job.id }, new Date(job.created * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }))));
  const id = wanted || query().get("evaluation");
  const job = done.find((each) => each.id === id) || done[0];
  if (!job) return;
  at("evaluation").value = job.id;
  await showEvaluation(job);
}

if (!mayChange()) { at("evaluate").disabled = true; at("evaluate").title = "Needs the link with the token that taxonaut serve printed"; }
at("evaluate").addEventListener("click", evaluate);
at("evaluation").addEventListener("change", () => { keepInAddress({ evaluation: at("evaluation").value }, { push: true }); start(at("evaluation").value); });
at("method").addEventListener("change", () => { keepInAddress({ evaluation: query().get("evaluation"), method: at("method").value }); showLabels(); });
at("filter").addEventListener("input", afterPause(showLabels));
addEventListener("popstate", () => start());
keys({ e: () => { evaluate(); return true; } });
start();
