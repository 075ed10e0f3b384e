// Shows openapi.json as a page with a form for each path. All texts are set as text, never as markup.

const make = (name, text = "", more = {}) => {
  const element = document.createElement(name);
  element.textContent = text;
  return Object.assign(element, more);
};

const token = document.getElementById("token");

const resolve = (api, schema) => {
  if (!schema || !schema.$ref) return schema ?? {};
  return api.components.schemas[schema.$ref.split("/").pop()] ?? {};
};

// An example of a schema, as deep as is useful.
const example = (api, given, depth = 0) => {
  const schema = resolve(api, given);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (depth > 4) return null;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return example(api, choices[0], depth);
  if (schema.type === "array") return [example(api, schema.items, depth + 1)];
  if (schema.type === "object" || schema.properties) {
    const rows = Object.entries(schema.properties ?? {});
    const needed = new Set(schema.required ?? []);
    return Object.fromEntries(rows.filter(([name]) => needed.has(name)).map(([name, each]) => [name, example(api, each, depth + 1)]));
  }
  return { string: "", integer: 0, number: 0, boolean: false }[schema.type] ?? null;
};

const send = async (method, path, form, parameters, bodyType, output) => {
  const data = new FormData(form);
  let target = path;
  const query = new URLSearchParams();
  for (const each of parameters) {
    const value = data.get(`${each.in} ${each.name}`);
    if (each.in === "path") target = target.replace(`{${each.name}}`, encodeURIComponent(value));
    if (each.in === "query" && value !== "") query.append(each.name, value);
  }
  const headers = token.value ? { Authorization: `Bearer ${token.value}` } : {};
  let body;
  if (bodyType === "application/json") {
    headers["Content-Type"] = bodyType;
    body = data.get("body");
  } else if (bodyType) {
    try {
      body = new URLSearchParams(JSON.parse(data.get("body")));
    } catch (error) {
      output.textContent = `The body is no JSON object: ${error.message}`;
      return;
    }
  }
  output.textContent = "Waiting…";
  try {
    const answer = await fetch(`${target}${query.size ? `?${query}` : ""}`, { method, headers, body });
    const text = await answer.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // not JSON: shown as it is
    }
    output.textContent = `${answer.status} ${answer.statusText}\n${shown}`;
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
};

const show = (api, method, path, operation) => {
  const box = make("details");
  const summary = make("summary");
  summary.append(make("span", method.toUpperCase(), { className: "method" }), make("code", path));
  summary.append(make("span", `  ${(operation.description ?? operation.summary ?? "").split("\n")[0]}`));
  box.append(summary);
  const form = make("form");
  const parameters = (operation.parameters ?? []).filter((each) => each.in !== "header" && each.in !== "cookie");
  for (const each of parameters) {
    const label = make("label", `${each.name}${each.required ? "" : " (optional)"}`);
    if (each.description) label.append(make("small", each.description));
    const value = each.required ? "" : String(each.schema?.default ?? "");
    label.append(make("input", "", { name: `${each.in} ${each.name}`, value, required: Boolean(each.required) }));
    form.append(label);
  }
  const [bodyType, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (bodyType) {
    const label = make("label", bodyType === "application/json" ? "Body" : `Body, sent as ${bodyType}`);
    const schema = resolve(api, content.schema);
    if (schema.description) label.append(make("small", schema.description));
    const text = JSON.stringify(example(api, content.schema), null, 2);
    label.append(make("textarea", "", { name: "body", value: text, spellcheck: false }));
    form.append(label);
    const schemaBox = make("details");
    schemaBox.append(make("summary", "Schema"), make("pre", JSON.stringify(schema, null, 2)));
    form.append(schemaBox);
  }
  const output = make("pre");
  output.setAttribute("aria-live", "polite");
  form.append(make("button", "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method.toUpperCase(), path, form, parameters, bodyType, output);
  });
  box.append(form, output);
  return box;
};

const start = async () => {
  const about = document.getElementById("about");
  const answer = await fetch("/api/openapi.json");
  if (!answer.ok) {
    about.textContent = (await answer.json()).detail;
    return;
  }
  const api = await answer.json();
  about.textContent = api.info.description;
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.at(-1) ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(show(api, method, path, operation));
    }
  }
  const main = document.getElementById("paths");
  for (const [tag, boxes] of groups) main.append(make("h2", tag), ...boxes);
};

start();
