"use strict";
// Levels and rounds.

const STEPS = ["#4c78a8", "#e0884a", "#5a9e6f", "#8a74b3", "#c9a13b"];

function chart(id, title, traces, layout) {
  const element = document.getElementById(id);
  if (!element) return;
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--dim"), linecolor: colour("--line"), automargin: true };
  Plotly.react(element, traces, {
    title: { text: title, font: { size: 13 }, x: 0, xanchor: "left", y: 0.98, yanchor: "top" },
    margin: { t: 56, l: 50, r: 10, b: 48 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 12, color: colour("--ink") },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    ...layout,
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
  }, { displayModeBar: false, responsive: true });
}

function drawLevels() {
  const names = DATA.levels.map((each) => "level " + each.level);
  const shown = (values) => values.map((value) => (100 * value).toFixed(0) + " %");
  chart("sizes", "Descriptors", [{
    type: "bar", x: names, y: DATA.levels.map((each) => each.descriptors), marker: { color: colour("--accent") },
    text: DATA.levels.map((each) => whole(each.descriptors)), textposition: "outside", cliponaxis: false, hoverinfo: "skip",
  }], { xaxis: { showgrid: false }, yaxis: { rangemode: "tozero" }, bargap: 0.45 });
  const all = DATA.levels.map((each) => each.coverage);
  const got = DATA.levels.map((each) => each.reachable);
  const bars = (name, values, fill) => ({
    type: "bar", name, x: names, y: values, text: shown(values), textposition: "outside", cliponaxis: false,
    marker: { color: fill }, hoverinfo: "skip",
  });
  chart("coverage", "Coverage", [bars("of all items", all, STEPS[0]), bars("of those that got that far", got, STEPS[1])],
    { xaxis: { showgrid: false }, yaxis: { range: [0, 1.08], tickformat: ".0%" }, barmode: "group", bargap: 0.3 });
}

function drawRounds() {
  const levels = [...new Set(DATA.rounds.map(([level]) => level))];
  chart("progress", "Coverage after each round", levels.map((level, number) => {
    const rows = DATA.rounds.filter(([each]) => each === level);
    return {
      type: "scatter", mode: "lines+markers", name: "level " + level, x: rows.map((row) => row[1]), y: rows.map((row) => row[2]),
      line: { color: STEPS[number % STEPS.length] }, marker: { size: 8 },
      hovertemplate: "round %{x}: %{y:.1%}<extra>level " + level + "</extra>",
    };
  }), { xaxis: { dtick: 1, tickprefix: "round ", showgrid: false }, yaxis: { tickformat: ".0%" }, showlegend: true });
  const steps = [...new Set(DATA.steps.map(([, step]) => step))].sort((a, b) => a - b);
  chart("changes", "Change of coverage by group, percentage points", steps.map((step, number) => {
    const rows = DATA.steps.filter(([, each]) => each === step);
    return {
      type: "box", name: "round " + step + " → " + (step + 1), boxpoints: "all", jitter: 0.5, pointpos: 0,
      marker: { size: 4, opacity: 0.55, color: STEPS[number % STEPS.length] }, line: { width: 1.4 },
      x: rows.flatMap(([level, , deltas]) => deltas.map(() => "level " + level)),
      y: rows.flatMap(([, , deltas]) => deltas),
      hovertemplate: "%{y:.1f}<extra></extra>", hoveron: "points",
    };
  }), { xaxis: { type: "category", showgrid: false }, yaxis: { zeroline: true, rangemode: "tozero" }, boxmode: "group", showlegend: true });
}

function drawCharts() {
  drawLevels();
  drawRounds();
}
drawCharts();
dark.addEventListener("change", drawCharts);
