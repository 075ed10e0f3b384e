// Long work on a screen: start a job, follow it by server-sent events, show how far it is, stop it.
import { ask, attempt, h, number } from "./ui.js";

export const STATES = { waiting: "waiting", running: "running", finished: "finished", failed: "failed", cancelled: "stopped", interrupted: "interrupted" };
export const isOver = (job) => !["waiting", "running"].includes(job.state);

/** The name of a kind of job, as people say it. */
export const KINDS = {
  classify: "Label texts", categorize: "Categorize texts", evaluate: "Evaluate", learn: "Learn", train_expert: "Train an expert",
  build_index: "Build a tree", build_vocabulary: "Build a vocabulary", assign_vocabulary: "Assign a vocabulary", add_labels: "Add labels",
  review_errors: "Find likely label errors", review_next: "Choose what to label next", review_doubts: "Find doubtful answers",
};
export const kindName = (kind) => KINDS[kind] || kind.replaceAll("_", " ");

/** Call `changed` with the job whenever something happens; returns a function that stops listening. */
export function follow(job, changed) {
  if (isOver(job)) { changed(job); return () => {}; }
  const source = new EventSource(`/api/jobs/${encodeURIComponent(job.id)}/events`);
  let known = job;
  source.addEventListener("update", (event) => {
    const row = JSON.parse(event.data);
    if (row.kind === "progress") known = { ...known, state: "running", stage: row.stage, done: row.done, total: row.total };
    changed(known, row);
  });
  source.addEventListener("state", (event) => {
    known = { ...known, ...JSON.parse(event.data) };
    if (isOver(known)) source.close();
    changed(known);
  });
  source.addEventListener("error", async () => {
    // The browser connects again by itself; a job that ended meanwhile has no more events.
    try {
      known = await ask(`/api/jobs/${encodeURIComponent(job.id)}`);
      if (isOver(known)) source.close();
      changed(known);
    } catch { /* the service is away; the next try tells */ }
  });
  return () => source.close();
}

/** A line that says what a job is doing, with a bar and a button to stop it. */
export function jobLine(job) {
  const words = job.state === "waiting" ? "waiting for other work" : job.stage || "starting";
  const amount = job.total ? `${number(job.done)} of ${number(job.total)}` : job.done ? number(job.done) : "";
  const bar = h("progress", { "aria-label": kindName(job.kind) });
  if (job.total) { bar.max = job.total; bar.value = job.done; }
  return h("div", { class: "job-line" },
    h("p", { class: "small" }, h("span", { class: "wait", "aria-hidden": "true" }), ` ${kindName(job.kind)}: ${words} ${amount}`),
    bar,
    h("div", { class: "row" }, h("button", { type: "button", onclick: (event) => stop(job, event.target) }, "Stop")));
}

async function stop(job, button) {
  button.disabled = true;
  button.textContent = "Stopping …";
  await attempt(() => ask(`/api/jobs/${encodeURIComponent(job.id)}/cancel`, { method: "POST" }));
}

/** Start a job and show it in an element until it is over; resolves to the job as it ended, null where refused. */
export async function runIn(place, spec) {
  place.replaceChildren(h("p", { class: "small soft" }, h("span", { class: "wait", "aria-hidden": "true" }), " Starting …"));
  const job = await attempt(() => ask("/api/jobs", { method: "POST", body: spec }));
  if (!job) { place.replaceChildren(); return null; }
  return showIn(place, job);
}

export function showIn(place, job) {
  return new Promise((resolve) => {
    follow(job, (now) => {
      if (!isOver(now)) { place.replaceChildren(jobLine(now)); return; }
      place.replaceChildren();
      if (now.state !== "finished") place.append(h("p", { class: "problem", role: "alert" }, now.error?.detail || `${kindName(now.kind)}: ${STATES[now.state]}.`));
      resolve(now);
    });
  });
}
