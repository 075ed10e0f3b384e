// Jobs that run now, runs that were kept, and one run with its decisions.
import { ask, attempt, bdi, h, keepInAddress, keys, mayChange, number, query, time, toast, url } from "./ui.js";
import { STATES, follow, isOver, jobLine, kindName } from "./jobs.js";

const at = (id) => document.getElementById(id);
const shown = new Map();

// Jobs.

async function showJobs() {
  const found = await attempt(() => ask("/api/jobs?limit=20"));
  if (!found) return;
  if (!found.entries.length) {
    at("jobs").replaceChildren(h("p", { class: "soft small" }, "Nothing was started here yet. Work that takes long is started where it belongs: labelling a file on Try, looking for errors and learning on Review, evaluating on Measures."));
    return;
  }
  const list = h("ul", { class: "jobs" });
  for (const job of found.entries) {
    if (!shown.has(job.id)) {
      const place = h("li");
      shown.set(job.id, place);
      follow(job, (now) => drawJob(place, now));
    }
    list.append(shown.get(job.id));
  }
  at("jobs").replaceChildren(list);
}

const CHIPS = { finished: "good", failed: "bad", cancelled: "warn", interrupted: "warn" };

function drawJob(place, job) {
  if (!isOver(job)) return place.replaceChildren(jobLine(job));
  const more = job.state !== "finished" && h("button", { type: "button", disabled: !mayChange(), onclick: () => resume(job, place) }, "Continue");
  const rows = Object.entries(job.summary || {}).filter(([, value]) => ["number", "string", "boolean"].includes(typeof value));
  return place.replaceChildren(
    h("div", { class: "row" }, h("b", {}, kindName(job.kind)), h("span", { class: `chip ${CHIPS[job.state]}` }, STATES[job.state]),
      h("span", { class: "soft small" }, job.started ? time(new Date(job.started * 1000).toISOString()) : "", job.ended && job.started ? `, ${duration(job.ended - job.started)}` : ""),
      rows.length ? h("span", { class: "soft small" }, rows.slice(0, 4).map(([name, value]) => `${({ with_gold: "with known labels" })[name] ?? name.replaceAll("_", " ")} ${typeof value === "number" ? number(value) : value}`).join(", ")) : null,
      job.results ? h("a", { class: "small", href: `/api/jobs/${encodeURIComponent(job.id)}/results?limit=500` }, `${number(job.results)} result${job.results === 1 ? "" : "s"}`) : null,
      more || null),
    job.error ? h("p", { class: "problem" }, job.error.detail) : "");
}

async function resume(job, place) {
  const now = await attempt(() => ask(`/api/jobs/${encodeURIComponent(job.id)}/continue`, { method: "POST" }));
  if (!now) return;
  toast("It goes on where it stopped.");
  follow(now, (next) => drawJob(place, next));
}

const duration = (seconds) => (seconds < 1 ? "under a second" : seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);

// One run.

async function showRun(id, { push = false } = {}) {
  if (push) keepInAddress({ run: id, kind: at("kind").value }, { push: true });
  const card = at("run");
  card.hidden = !id;
  if (!id) return;
  at("run-title").textContent = `Run ${id}`;
  at("run-body").replaceChildren(h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), " Reading its decisions …"));
  card.scrollIntoView({ block: "start" });
  card.focus({ preventScroll: true });
  try {
    const found = await ask(`/api/runs/${encodeURIComponent(id)}`);
    const list = h("div");
    const more = h("button", { type: "button", hidden: true }, "More decisions");
    at("run-body").replaceChildren(totals(found), h("label", { class: "kinds" }, h("input", { type: "checkbox", id: "failed" }), "only those with errors"), list, more);
    let next = "";
    const add = async () => {
      const page = await attempt(() => ask(url(`/api/runs/${encodeURIComponent(id)}/decisions`, { limit: 50, after: next, failed: at("failed").checked || "" })));
      if (!page) return;
      list.append(...page.entries.map((each) => decision(id, each)));
      next = page.next;
      more.hidden = !next;
      if (!list.children.length) list.append(h("p", { class: "soft" }, at("failed").checked ? "No decision failed." : "This run made no decisions: it has units only."));
    };
    more.addEventListener("click", add);
    at("failed").addEventListener("change", () => { list.replaceChildren(); next = ""; add(); });
    await add();
  } catch (error) {
    at("run-body").replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
  }
}

function totals(run) {
  const parts = [["kind", run.kind], ["state", run.status], ["units", number(run.units)], ["decisions", number(run.decisions)], ["requests to language models", number(run.requests)], ["from the cache", number(run.cached)],
    ["tokens", number(run.prompt_tokens + run.completion_tokens)], ["errors", number(run.errors)], ["model time", duration(run.seconds)],
    ...(run.cost === null ? [] : [["cost", `$${run.cost.toFixed(4)}`]])];
  return h("ul", { class: "totals" }, parts.map(([name, value]) => h("li", {}, h("b", {}, value), ` ${name}`)));
}

function decision(run, each) {
  const facts = [["model", each.model], ["template", each.template], ["options", String(each.options)], ["chosen", each.choice.join(", ") || "none"],
    ["evidence", each.evidence.filter(Boolean).join(" · ")], ["tokens", each.prompt_tokens ? `${number(each.prompt_tokens)} + ${number(each.completion_tokens)}` : ""],
    ["time", each.cached ? "from the cache" : each.latency_s ? `${each.latency_s.toFixed(2)} s` : ""], ["attempts", each.attempts > 1 ? String(each.attempts) : ""], ["error", each.error]];
  const said = h("div");
  const read = (event) => { if (event.target.open && !said.children.length) showPrompt(said, run, each); };
  return h("details", { class: "decision", ontoggle: read },
    h("summary", {}, bdi(each.item_id), `: ${each.agent} called ${each.tool}`, each.node_id === null ? "" : ` at node ${each.node_id}`, " ", each.error ? h("span", { class: "chip bad" }, "error") : "", each.cached ? h("span", { class: "chip" }, "cached") : ""),
    h("dl", {}, facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    said);
}

async function showPrompt(place, run, each) {
  if (!each.prompt_tokens) return void place.replaceChildren(h("p", { class: "soft small" }, "No language model was asked: vectors were compared."));
  place.replaceChildren(h("p", { class: "soft small" }, h("span", { class: "wait", "aria-hidden": "true" }), " Reading what was sent …"));
  const found = await attempt(() => ask(url(`/api/runs/${encodeURIComponent(run)}/prompts`, { item: each.item_id })));
  place.replaceChildren(transcript(found?.find((other) => ["agent", "template", "tool", "node_id"].every((name) => other[name] === each[name]))));
}

function transcript(found) {
  if (!found) return h("p", { class: "soft small" }, "No prompt is kept of this decision.");
  const said = (kind, message) => [h("h3", {}, `${kind}: ${message.role || ""}`), h("pre", { tabindex: "0" }, message.content || JSON.stringify(message.tool_calls ?? message, null, 1))];
  return h("div", {}, found.messages.flatMap((message) => said("sent", message)), found.replies.flatMap((message) => said("reply", message)));
}

// Start.

function showKind() {
  const kind = at("kind").value;
  for (const row of document.querySelectorAll("#runs tbody tr")) row.hidden = Boolean(kind) && row.dataset.kind !== kind;
}

function read() {
  at("kind").value = query().get("kind") || "";
  showKind();
  showRun(query().get("run"));
}

at("kind").addEventListener("change", () => { keepInAddress({ run: query().get("run"), kind: at("kind").value }); showKind(); });
at("close-run").addEventListener("click", () => showRun("", { push: true }));
at("runs")?.addEventListener("click", (event) => {
  const link = event.target.closest("[data-run]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  showRun(link.dataset.run, { push: true });
});
addEventListener("popstate", read);
keys({ Escape: () => (at("run").hidden ? false : (showRun("", { push: true }), true)) });
setInterval(() => { if (!document.hidden) showJobs(); }, 5000);
read();
showJobs();
