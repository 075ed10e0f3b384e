// Try: a file of texts, labelled as a job; rows are shown as they come, and downloaded as CSV or Excel.
import { ask, attempt, bdi, h, keepInAddress, mayChange, number, pathOf, query, toast, url } from "./ui.js";

const form = document.getElementById("try-form");
const picker = document.getElementById("file");
const box = document.getElementById("file-result");
const said = document.getElementById("file-state");
const bar = document.getElementById("file-progress");
const table = document.getElementById("rows");
const doing = document.getElementById("file-do");
const MOST_SHOWN = 500;
const LARGEST = 64 * 2 ** 20;
let following = null;
let count = 0;

if (form) begin();

function begin() {
  picker.addEventListener("change", () => { if (picker.files[0]) upload(picker.files[0]); picker.value = ""; });
  for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (event) => { event.preventDefault(); form.classList.add("over"); });
  for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, (event) => { event.preventDefault(); form.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    const file = event.dataTransfer.files[0];
    if (file) return upload(file);
    const text = event.dataTransfer.getData("text");
    if (text) { document.getElementById("text").value = text; form.requestSubmit(); }
  });
  addEventListener("popstate", () => follow(query().get("job")));
  follow(query().get("job"));
}

function say(...words) { said.replaceChildren(...words); }

async function upload(file) {
  if (!mayChange()) return toast("Labelling a file needs the link with the token that taxonaut serve printed.", { bad: true });
  if (file.size > LARGEST) return toast(`${file.name} has ${Math.ceil(file.size / 2 ** 20)} MiB; send at most 64, or use taxonaut classify at a terminal.`, { bad: true });
  start(file.name);
  say(h("span", { class: "wait", "aria-hidden": "true" }), ` Sending and checking ${file.name}…`);
  try {
    const response = await fetch(url("/api/try/file", { name: file.name.slice(-200) }), { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    keepInAddress({ job: answer.job.id, name: file.name.slice(-100) }, { push: true });
    if (answer.notes.length) toast(answer.notes.join("; "));
    follow(answer.job.id);
  } catch (error) {
    say(h("p", { class: "problem" }, error instanceof TypeError ? "The service does not answer; start it again with: taxonaut serve" : error.message));
  }
}

function start(name) {
  following?.close();
  following = null;
  count = 0;
  document.getElementById("result").hidden = true;
  document.getElementById("state").replaceChildren();
  box.hidden = false;
  table.hidden = bar.hidden = true;
  table.tBodies[0].replaceChildren();
  doing.replaceChildren();
  document.getElementById("file-title").replaceChildren(bdi(name || "A file of texts"));
  box.scrollIntoView({ block: "nearest" });
}

async function follow(id) {
  following?.close();
  following = null;
  if (!id) { box.hidden = true; return; }
  start(query().get("name"));
  const job = await attempt(() => ask(`/api/jobs/${encodeURIComponent(id)}`));
  if (!job) return say(h("p", { class: "problem" }, "This job is not there any more: drop the file again."));
  tell(job);
  await more(id);
  if (["finished", "failed", "cancelled", "interrupted"].includes(job.state)) return;
  following = new EventSource(`/api/jobs/${encodeURIComponent(id)}/events`);
  following.addEventListener("update", async (event) => {
    const update = JSON.parse(event.data);
    if (update.kind === "progress") progress(update);
    await more(id);
  });
  following.addEventListener("state", async (event) => {
    const now = JSON.parse(event.data);
    tell(now);
    await more(id);
    if (!["waiting", "running"].includes(now.state)) { following?.close(); following = null; }
  });
}

function progress({ stage, done, total }) {
  bar.hidden = false;
  if (total) { bar.max = total; bar.value = done; } else bar.removeAttribute("value");
  say(h("span", { class: "wait", "aria-hidden": "true" }), ` ${stage}: ${number(done)}${total ? ` of ${number(total)}` : ""}`);
}

function tell(job) {
  const id = encodeURIComponent(job.id);
  const running = job.state === "waiting" || job.state === "running";
  const links = h("span", { class: "row" },
    h("a", { class: "button", href: `/api/jobs/${id}/table?format=csv`, download: "labelled.csv" }, "Download CSV"),
    h("a", { class: "button", href: `/api/jobs/${id}/table?format=xlsx`, download: "labelled.xlsx" }, "Download Excel"));
  const act = (path, name) => h("button", { type: "button", "aria-disabled": mayChange() ? null : "true", onclick: async () => {
    if (!mayChange()) return;
    if (await attempt(() => ask(`/api/jobs/${id}/${path}`, { method: "POST" }))) follow(job.id);
  } }, name);
  doing.replaceChildren(...(running ? [act("cancel", "Stop")] : job.state === "finished" ? [links] : [links, act("continue", "Continue")]));
  bar.hidden = !running;
  if (job.state === "waiting") say(h("span", { class: "wait", "aria-hidden": "true" }), " Waiting for its turn…");
  else if (job.state === "running" && !job.done) say(h("span", { class: "wait", "aria-hidden": "true" }), " Loading the model…");
  else if (job.state === "finished") {
    const failed = job.summary?.failed ? `, ${number(job.summary.failed)} without an answer` : "";
    say(`${number(job.summary?.items ?? job.results)} texts labelled${failed}.`);
  } else if (!running) say(h("p", { class: "problem" }, job.error?.detail || `The job was ${job.state}; what is done is below.`));
}

let reading = Promise.resolve();
const more = (id) => (reading = reading.then(() => read(id)));

async function read(id) {
  if (count >= MOST_SHOWN || query().get("job") !== id) return;
  const answer = await attempt(() => ask(url(`/api/jobs/${encodeURIComponent(id)}/rows`, { first: count, limit: MOST_SHOWN - count })));
  if (!answer || !answer.rows.length || query().get("job") !== id) return;
  table.hidden = false;
  table.tBodies[0].append(...answer.rows.map((row, at) => rowOf(row, count + at + 1)));
  count += answer.rows.length;
  if (count >= MOST_SHOWN) table.tBodies[0].append(h("tr", {}, h("td", { colspan: 5, class: "soft" }, `The first ${number(MOST_SHOWN)} are shown; the download has all.`)));
}

function rowOf({ text, result }, place) {
  const [best, ...others] = result.labels;
  return h("tr", {},
    h("td", { class: "number soft" }, number(place)),
    h("td", {}, h("a", { class: "text", dir: "auto", href: url("/try", { text: text.slice(0, 1500) }) }, text.slice(0, 400))),
    best ? h("td", {}, bdi(best.name, { class: "name" }), h("div", {}, pathOf(best.path.slice(0, -1)))) : h("td", { class: "soft" }, result.error || "no label fits"),
    h("td", {}, best ? best.score.toFixed(2) : ""),
    h("td", { class: "next" }, others.slice(0, 2).flatMap((label, at) => [at ? ", " : "", bdi(label.name.slice(0, 120))])));
}
