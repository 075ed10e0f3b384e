// Small figures as SVG, and saving them as SVG or PNG.
import { h } from "./ui.js";

const SVG = "http://www.w3.org/2000/svg";

export function s(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(key, value);
  element.append(...children.flat());
  return element;
}

/** Bars with intervals: groups are [{ name, bars: [{ value, low, high }] }], `series` the names of a group's bars; all from 0 to 1. */
export function bars(groups, series, label) {
  const bar = 14;
  const step = series.length * (bar + 3) + 16;
  const left = 110;
  const width = 720;
  const top = 30;
  const x = (value) => left + value * (width - left - 60);
  const height = top + groups.length * step + 24;
  const parts = [];
  for (let tick = 0; tick <= 10; tick += 2) {
    parts.push(s("line", { x1: x(tick / 10), x2: x(tick / 10), y1: top - 4, y2: height - 22, class: "line", stroke: "#ccc" }), s("text", { x: x(tick / 10), y: height - 6, "text-anchor": "middle", class: "soft" }, `${tick * 10}%`));
  }
  groups.forEach((group, place) => {
    const y = top + place * step;
    parts.push(s("text", { x: left - 8, y: y + (step - 16) / 2 + 2, "text-anchor": "end" }, group.name));
    group.bars.forEach((each, number) => {
      if (!each) return;
      const at = y + number * (bar + 3);
      parts.push(s("rect", { x: left, y: at, width: Math.max(0.5, x(each.value) - left), height: bar, rx: 2, class: `c${number % 5}` }, s("title", {}, `${series[number]}: ${(100 * each.value).toFixed(1)} %`)));
      if (each.high > each.low) parts.push(s("line", { x1: x(each.low), x2: x(each.high), y1: at + bar / 2, y2: at + bar / 2, class: "whisker", stroke: "#222" }));
      parts.push(s("text", { x: x(Math.max(each.value, each.high ?? 0)) + 6, y: at + bar - 3, class: "soft" }, (100 * each.value).toFixed(1)));
    });
  });
  let from = left;
  series.forEach((name, number) => {
    parts.push(s("rect", { x: from, y: 4, width: 10, height: 10, class: `c${number % 5}` }), s("text", { x: from + 14, y: 13 }, name));
    from += 34 + 7 * Math.min(name.length, 40);
  });
  return s("svg", { viewBox: `0 0 ${Math.max(width, from)} ${height}`, role: "img", "aria-label": label }, parts);
}

/** A figure with its caption and buttons that save it. */
export function figure(caption, svg, name) {
  return h("figure", { class: "figure" }, h("figcaption", {}, caption, h("span", { class: "row save" }, "Save",
    h("button", { type: "button", "aria-label": `Save ${caption} as SVG`, onclick: () => saveSvg(svg, name) }, "SVG"),
    h("button", { type: "button", "aria-label": `Save ${caption} as PNG`, onclick: () => savePng(svg, name) }, "PNG"))), svg);
}

const KEPT = ["fill", "stroke", "stroke-width", "font-family", "font-size"];

/** The figure with the styles that the page gives it written into it, on paper. */
function whole(svg) {
  const copy = svg.cloneNode(true);
  const pairs = [svg, ...svg.querySelectorAll("*")].map((each, place) => [each, [copy, ...copy.querySelectorAll("*")][place]]);
  for (const [from, to] of pairs) for (const name of KEPT) { const value = getComputedStyle(from).getPropertyValue(name); if (value) to.setAttribute(name, value); }
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.prepend(s("rect", { width, height, fill: getComputedStyle(document.documentElement).getPropertyValue("--paper") }));
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

export function save(blob, name) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const saveSvg = (svg, name) => save(new Blob([whole(svg).text], { type: "image/svg+xml" }), `${name}.svg`);

async function savePng(svg, name) {
  const { text, width, height } = whole(svg);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = h("canvas", { width: width * 2, height: height * 2 });
  canvas.getContext("2d").drawImage(image, 0, 0, width * 2, height * 2);
  canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png");
}
