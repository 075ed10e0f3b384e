// The first run of an empty workspace: labels that are pasted, chosen or dropped, or the sample.
import { ask, h } from "./ui.js";

const form = document.getElementById("begin");
const at = (id) => document.getElementById(id);
const SUFFIXES = [".csv", ".tsv", ".txt", ".jsonl", ".json", ".ttl", ".rdf"];

async function begin(body, words) {
  at("begin-state").replaceChildren(h("p", { class: "soft" }, h("span", { class: "wait", "aria-hidden": "true" }), ` ${words}`));
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    await ask("/api/start", { method: "POST", body });
    location.reload();
  } catch (error) {
    at("begin-state").replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
}

async function beginWith(file) {
  if (!file) return;
  const suffix = SUFFIXES.find((each) => file.name.toLowerCase().endsWith(each));
  if (!suffix) {
    at("begin-state").replaceChildren(h("p", { class: "problem", role: "alert" }, `${file.name} is none of ${SUFFIXES.join(", ")}; at a terminal more formats are read: taxonaut labels import FILE`));
    return;
  }
  begin({ labels: await file.text(), suffix }, `Reading ${file.name} …`);
}

if (form) {
  form.addEventListener("submit", (event) => { event.preventDefault(); begin({ labels: at("labels").value, suffix: ".txt" }, "Reading your labels …"); });
  at("choose-file").addEventListener("click", () => at("labels-file").click());
  at("labels-file").addEventListener("change", (event) => beginWith(event.target.files[0]));
  at("sample").addEventListener("click", () => begin({ sample: true }, "Reading the packages of this machine …"));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => { event.preventDefault(); beginWith(event.dataTransfer.files[0]); });
}
