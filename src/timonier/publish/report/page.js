"use strict";
// Draws the plots of the report from the values in #page; what the switches say decides what is drawn.
(() => {
  const page = JSON.parse(document.getElementById("page").textContent);
  const $ = (id) => document.getElementById(id);
  const objective = Object.fromEntries(page.objectives.map((o) => [o.name, o]));

  // the ninth scheduler has the first one's colour, but another symbol and dash
  const COLOURS = page.colours;
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "star", "pentagon", "hexagram", "cross", "triangle-down", "hourglass", "bowtie"];
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
  const looks = Object.fromEntries(page.profiles.map((name, k) => [name, {
    colour: COLOURS[k % COLOURS.length],
    symbol: SYMBOLS[k % SYMBOLS.length],
    dash: DASHES[(k + Math.floor(k / COLOURS.length)) % DASHES.length],
  }]));

  // plotly reads a little HTML in its texts; names are names
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const known = (value) => value !== null && value !== undefined;
  const finest = (value) => (!known(value) ? "-" : Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(4))));

  /** The unit people read these seconds in: [divisor, name]; other units as they are. */
  function scale(unit, values) {
    if (unit !== "s") return [1, unit];
    const largest = Math.max(0, ...values.filter(known).map(Math.abs));
    if (largest >= 4 * 86400) return [86400, "days"];
    if (largest >= 2 * 3600) return [3600, "hours"];
    return largest >= 120 ? [60, "minutes"] : [1, "s"];
  }

  /** A value with the unit that people read it in. */
  function readable(value, unit) {
    const [d, words] = scale(unit, [value]);
    return `${finest(value / d)} ${words}`.trim();
  }

  const PAPER_WIDTH = 940;  // pixels: 250 mm, as in page.css
  function layout(more) {
    const axis = { gridcolor: css("--line"), zerolinecolor: css("--soft"), automargin: true };
    const narrow = window.innerWidth < 640;
    const base = {
      font: { family: "system-ui, DejaVu Sans, sans-serif", size: narrow ? 11 : 13, color: css("--text") },
      paper_bgcolor: css("--back"), plot_bgcolor: css("--back"),
      margin: { l: 10, r: 10, t: 10, b: 10 },
      legend: { orientation: "h", y: -0.22, yanchor: "top", x: 0 },
      hoverlabel: { align: "left", bgcolor: css("--panel"), bordercolor: css("--soft"), font: { color: css("--text") } },
    };
    if (document.documentElement.dataset.paper) base.width = PAPER_WIDTH;
    const axes = {};
    for (const key of Object.keys(more)) if (/^[xy]axis/.test(key)) axes[key] = { ...axis, ...more[key] };
    return { ...base, ...more, ...axes };
  }
  const CONFIG = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]] };  // nothing that sends a plot anywhere
  const draw = (id, traces, more) => Plotly.react($(id), traces, layout(more), CONFIG);

  const label = (name) => `${name}${objective[name].better ? ` (${objective[name].better} is better)` : ""}`;
  function fill(select, names, chosen, text = (name) => name) {
    for (const name of names) select.add(new Option(text(name), name, false, name === chosen));
  }
  function rows(table, head, body) {
    table.replaceChildren();
    const top = table.createTHead().insertRow();
    for (const text of head) top.appendChild(Object.assign(document.createElement("th"), { textContent: text, scope: "col" }));
    const part = table.createTBody();
    for (const [first, ...rest] of body) {
      const row = part.insertRow();
      row.appendChild(Object.assign(document.createElement("th"), { textContent: first, scope: "row" }));
      for (const text of rest) row.insertCell().textContent = text;
    }
  }

  // ---- the front ----
  const pairs = page.fronts.filter((front) => front.objectives.length === 2);
  const frontOf = (x, y) => pairs.find((front) => x !== y && front.objectives.includes(x) && front.objectives.includes(y));
  const choices = [...new Set(pairs.flatMap((front) => front.objectives))];

  function drawFront() {
    const x = $("front-x").value, y = $("front-y").value;
    if (x === y) {
      Plotly.purge($("front-plot"));
      $("front-caption").textContent = "Choose two different objectives.";
      return;
    }
    const front = frontOf(x, y);
    const values = (o) => page.profiles.flatMap((name) => page.intervals[o][name]);
    const [dx, ux] = scale(objective[x].unit, values(x)), [dy, uy] = scale(objective[y].unit, values(y));
    const means = (name) => [page.intervals[x][name], page.intervals[y][name]];
    const traces = [];
    if ($("front-repeats").checked) {
      for (const name of page.profiles) traces.push({
        x: page.scores[x][name].map((v) => v / dx), y: page.scores[y][name].map((v) => v / dy),
        mode: "markers", marker: { color: looks[name].colour, symbol: looks[name].symbol, size: 5, opacity: 0.35 },
        hoverinfo: "skip", showlegend: false,
      });
    }
    const on = page.profiles.filter((name) => front.profiles[name].on_front)
      .sort((a, b) => page.intervals[x][a][0] - page.intervals[x][b][0]);
    traces.push({
      x: on.map((name) => page.intervals[x][name][0] / dx), y: on.map((name) => page.intervals[y][name][0] / dy),
      mode: "lines", line: { color: css("--soft"), width: 1.5, dash: "dot", shape: objective[x].better === "high" ? "vh" : "hv" },
      hoverinfo: "skip", name: "front", showlegend: false,
    });
    const bars = ([mean, low, high], d) => ({
      type: "data", symmetric: false, visible: known(low),
      array: [(high - mean) / d], arrayminus: [(mean - low) / d], thickness: 1.2, width: 4,
    });
    for (const name of page.profiles) {
      const [mx, my] = means(name);
      if (!known(mx[0]) || !known(my[0])) continue;
      const said = front.profiles[name];
      const sure = known(said.probability) && page.repeats > 1 ? ` (in ${finest(100 * said.probability)} % of the draws)` : "";
      const told = ([mean, low, high], d, u) => `${finest(mean / d)} ${known(low) ? `[${finest(low / d)}, ${finest(high / d)}] ` : ""}${u}`;
      traces.push({
        x: [mx[0] / dx], y: [my[0] / dy], name: plain(name), mode: said.on_front ? "markers+text" : "markers",
        text: [plain(name)], textposition: "top right",
        marker: {
          color: looks[name].colour, size: said.on_front ? 13 : 10,
          symbol: looks[name].symbol + (said.on_front ? "" : "-open"), line: { width: 2, color: looks[name].colour },
        },
        error_x: { ...bars(mx, dx), color: looks[name].colour }, error_y: { ...bars(my, dy), color: looks[name].colour },
        hovertemplate: `<b>${plain(name)}</b><br>${x}: ${told(mx, dx, ux)}<br>${y}: ${told(my, dy, uy)}<br>${name in page.unranked ? "not ranked" : said.on_front ? "on the front" : "not on the front"}${sure}<extra></extra>`,
      });
    }
    const kind = $("front-log").checked ? "log" : "linear";
    const title = (o, unit) => ({ text: `${o}${unit ? `, ${unit}` : ""} (${objective[o].better} is better)` });
    draw("front-plot", traces, {
      xaxis: { type: kind, title: title(x, ux) }, yaxis: { type: kind, title: title(y, uy) }, hovermode: "closest",
    });
    const sure = (name) => (page.repeats > 1 && known(front.profiles[name].probability) ? ` (${finest(100 * front.profiles[name].probability)} %)` : "");
    $("front-caption").textContent =
      `On the front of these two: ${on.map((name) => name + sure(name)).join(", ")}. ` +
      `${objective[x].meaning}; ${objective[y].meaning}. Filled: on the front. Bars: 95 % intervals of the means.`;
  }
  /** Where one scheduler dwarfs the rest, only logarithms show the others. */
  function frontNeedsLog() {
    $("front-log").checked = ["front-x", "front-y"].some((id) => {
      const means = page.profiles.map((name) => page.intervals[$(id).value][name][0]).filter(known);
      return Math.min(...means) > 0 && Math.max(...means) > 10 * Math.min(...means);
    });
  }

  // ---- paired differences ----
  /** median, low, high of name - reference, or null where they are not known. */
  function difference(name, reference, o) {
    for (const row of page.paired) {
      if (row.objective !== o) continue;
      if (row.a === name && row.b === reference) return [row.median, row.low, row.high];
      if (row.b === name && row.a === reference) return [-row.median, known(row.high) ? -row.high : null, known(row.low) ? -row.low : null];
    }
    return null;
  }
  function drawPaired() {
    const o = $("paired-objective").value, reference = $("paired-reference").value;
    const found = page.profiles.filter((name) => name !== reference)
      .map((name) => [name, difference(name, reference, o)]).filter(([, d]) => d !== null);
    const [d, unit] = scale(objective[o].unit, found.flatMap(([, values]) => values));
    const verdict = (low, high) => {
      if (!known(low)) return "one repeat: unknown";
      if (low <= 0 && high >= 0) return "not told apart";
      return (high < 0) === (objective[o].better === "low") ? "better" : "worse";
    };
    // one scheduler far away would press all others together: those beyond the limit stand at the edge, with their value
    const reach = ([median, low, high]) => Math.max(...[median, low, high].filter(known).map(Math.abs)) / d;
    const reaches = found.map(([, values]) => reach(values)).sort((a, b) => a - b);
    const limit = $("paired-near").checked ? 1.5 * reaches[Math.floor((reaches.length - 1) / 2)] : Infinity;
    const far = ([median]) => limit > 0 && Math.abs(median / d) > limit;
    const traces = found.map(([name, [median, low, high]]) => far([median]) ? {
      x: [Math.sign(median) * limit], y: [plain(name)], mode: "markers+text", showlegend: false,
      text: [`${finest(median / d)} ${unit}`], textposition: median > 0 ? "middle left" : "middle right",
      marker: { color: looks[name].colour, symbol: median > 0 ? "triangle-right" : "triangle-left", size: 11 },
      hovertemplate: `<b>${plain(name)}</b> - ${plain(reference)}<br>${finest(median / d)} [${finest(low / d)}, ${finest(high / d)}] ${unit}<br>${verdict(low, high)}; farther than drawn<extra></extra>`,
    } : ({
      x: [median / d], y: [plain(name)], mode: "markers", showlegend: false,
      marker: { color: looks[name].colour, symbol: looks[name].symbol, size: 11 },
      error_x: { type: "data", symmetric: false, visible: known(low), array: [(high - median) / d], arrayminus: [(median - low) / d], color: looks[name].colour, thickness: 2.5 },
      hovertemplate: `<b>${plain(name)}</b> - ${plain(reference)}<br>${finest(median / d)} [${finest(low / d)}, ${finest(high / d)}] ${unit}<br>${verdict(low, high)}<extra></extra>`,
    }));
    draw("paired-plot", traces, {
      xaxis: { title: { text: `${o}: difference from ${plain(reference)}${unit ? `, ${unit}` : ""}` }, zeroline: true, zerolinewidth: 2,
        ...(Number.isFinite(limit) && limit > 0 ? { range: [-1.05 * limit, 1.05 * limit] } : { rangemode: "tozero" }) },
      yaxis: { type: "category", autorange: "reversed" },
    });
    const side = { low: "left of zero is better", high: "right of zero is better" }[objective[o].better];
    $("paired-caption").textContent = `${objective[o].meaning}; ${side ?? "neither side is better"}. ${page.repeats} paired repeats. A triangle: farther than drawn.`;
    rows($("paired-table"), ["scheduler", unit ? `median, ${unit}` : "median", "low", "high", "verdict"],
      found.map(([name, [m, l, h]]) => [name, finest(m / d), known(l) ? finest(l / d) : "-", known(h) ? finest(h / d) : "-", verdict(l, h)]));
  }

  // ---- distributions ----
  const QUANTITIES = { wait_s: ["wait", "s"], bsld: ["bounded slowdown", ""], tts_s: ["time to solution (wait + run)", "s"] };
  const front0 = page.fronts[0].profiles;
  // a few at first: those on the front; the others by a click in the legend
  const shown = new Set(page.profiles.filter((name) => front0[name].on_front).slice(0, 5));
  for (const name of page.profiles) if (shown.size < Math.min(3, page.profiles.length)) shown.add(name);
  const visible = (name) => (shown.has(name) ? true : "legendonly");

  function drawDistribution() {
    const quantity = $("distribution-quantity").value, [words, unit] = QUANTITIES[quantity];
    const data = page.distributions[quantity];
    draw("distribution-plot", page.profiles.map((name) => ({
      x: data[name].map((v) => Math.max(v, 1)), y: page.percentiles, name: plain(name), mode: "lines", visible: visible(name),
      line: { color: looks[name].colour, dash: looks[name].dash, width: 2.2 },
      customdata: data[name].map((v) => readable(v, unit)),
      hovertemplate: `<b>${plain(name)}</b><br>%{y} % of the jobs: at most %{customdata}<extra></extra>`,
    })), {
      xaxis: unit === "s"
        ? { type: "log", title: { text: `${words}, under 1 s drawn at 1 s` }, tickvals: [1, 10, 60, 600, 3600, 21600, 86400, 604800, 2592000], ticktext: ["1 s", "10 s", "1 min", "10 min", "1 h", "6 h", "1 d", "1 wk", "30 d"] }
        : { type: "log", title: { text: `${words} (1 = no wait)` }, dtick: 1 },
      yaxis: { title: { text: "% of the jobs" }, range: [0, 101] },
    });
    const wanted = [10, 50, 90, 98, 99, 99.9, 100].map((p) => page.percentiles.indexOf(p)).filter((k) => k >= 0);
    rows($("distribution-table"), ["scheduler", ...wanted.map((k) => (page.percentiles[k] === 100 ? "largest" : `${page.percentiles[k]} %`))],
      page.profiles.map((name) => [name, ...wanted.map((k) => readable(data[name][k], unit))]));
  }

  // ---- over time ----
  function drawTimeline() {
    const t = page.timeline.t_s, first = t[0] ?? 0;
    const [d, unit] = (t.at(-1) - first) >= 4 * 86400 ? [86400, "days"] : [3600, "hours"];
    const x = t.map((v) => (v - first) / d);
    const traces = page.profiles.flatMap((name) => {
      const line = { color: looks[name].colour, dash: looks[name].dash, width: 1.6, shape: "hv" };
      const common = { x, name: plain(name), legendgroup: name, mode: "lines", line, visible: visible(name) };
      return [
        { ...common, y: page.timeline.used[name].map((v) => 100 * v), hovertemplate: `<b>${plain(name)}</b> ${unit} %{x:.2f}: %{y:.1f} % in use<extra></extra>` },
        { ...common, y: page.timeline.queue[name], yaxis: "y2", showlegend: false, hovertemplate: `<b>${plain(name)}</b> ${unit} %{x:.2f}: %{y:,.1f} jobs wait<extra></extra>` },
      ];
    });
    draw("timeline-plot", traces, {
      xaxis: { title: { text: `${unit} since the first submission` }, anchor: "y2" },
      yaxis: { domain: [0.55, 1], range: [0, 103], title: { text: `% of ${page.timeline.of} in use` } },
      yaxis2: { domain: [0, 0.45], rangemode: "tozero", title: { text: "jobs waiting" } },
    });
  }

  // ---- nodes ----
  function drawNodes() {
    const found = page.nodes[$("nodes-profile").value], map = found.map, first = map.t_s[0];
    const [d, unit] = (map.t_s.at(-1) - first) >= 4 * 86400 ? [86400, "days"] : [3600, "hours"];
    const x = map.t_s.map((v) => (v - first) / d), title = `${unit} since the first submission`;
    const dark = document.documentElement.dataset.theme === "dark";
    const shades = dark ? [[0, "#1b222b"], [0.5, "#0072b2"], [1, "#f0e442"]] : [[0, "#eef1f4"], [0.5, "#56b4e9"], [1, "#00406b"]];
    const narrow = window.innerWidth < 640;
    draw("map-plot", [{
      type: "heatmap", x, y: map.rows.map((_, k) => k), z: map.used, zmin: 0, zmax: 1, colorscale: shades,
      customdata: map.rows.map((name) => x.map(() => plain(name))),
      colorbar: { title: { text: "in use", side: "right" }, tickformat: ".0%", thickness: 12, len: narrow ? 0.6 : 1 },
      hovertemplate: `%{customdata}<br>${unit} %{x:.2f}: %{z:.0%} in use<extra></extra>`,
    }], {
      margin: { l: 10, r: 10, t: 34, b: 10 }, // the buttons of the plot stand above its colour bar
      xaxis: { title: { text: title } },
      yaxis: { autorange: "reversed", ...ticks(map.rows, narrow), showgrid: false },
    });
    $("map-caption").textContent = "Each line is a node, or neighbours of one kind: the share of its GPUs in use, of its cores where it has no GPU.";
    if (!$("idle-plot")) return;
    const over = found.over_time, t = over.t_s.map((v) => (v - first) / d);
    const bands = [
      ["in use", over.used, COLOURS[0]],
      ["idle, unusable", over.lost, COLOURS[1]],
      ["idle, usable", over.used.map((v, k) => 1 - v - over.lost[k]), COLOURS[7]],
    ];
    draw("idle-plot", bands.map(([name, y, colour]) => ({
      x: t, y: y.map((v) => 100 * v), name, stackgroup: "all", mode: "lines", line: { width: 0.5, color: colour }, fillcolor: colour,
      hovertemplate: `${name}: %{y:.1f} %<extra></extra>`,
    })), { xaxis: { title: { text: title } }, yaxis: { title: { text: "% of all GPUs" }, range: [0, 100] }, hovermode: "x unified", margin: { l: 10, r: 10, t: 34, b: 10 } });
  }
  /** One label for each kind of node, at the middle of its lines. */
  function ticks(names, narrow) {
    const kinds = names.map((name) => name.slice(name.indexOf(": ") + 2));
    const at = [], text = [];
    for (let k = 0, begin = 0; k < kinds.length; k++) {
      if (k + 1 < kinds.length && kinds[k + 1] === kinds[begin]) continue;
      const least = names.length / (narrow ? 12 : 24), middle = (begin + k) / 2;
      if (!at.length || middle - at.at(-1) >= least) { at.push(middle); text.push(plain(kinds[begin])); }
      begin = k + 1;
    }
    return { tickmode: "array", tickvals: at, ticktext: text };
  }

  // ---- switches ----
  const [firstX, firstY] = page.chosen.length > 1 && frontOf(page.chosen[0], page.chosen[1]) ? page.chosen : choices;
  fill($("front-x"), choices, firstX, label);
  fill($("front-y"), choices, firstY, label);
  for (const id of ["front-x", "front-y"]) $(id).addEventListener("change", () => { frontNeedsLog(); drawFront(); });
  for (const id of ["front-log", "front-repeats"]) $(id).addEventListener("change", drawFront);
  if ($("nodes")) {
    fill($("nodes-profile"), Object.keys(page.nodes), page.profiles.find((name) => front0[name].on_front && name in page.nodes));
    $("nodes-profile").addEventListener("change", drawNodes);
  }
  if ($("paired")) {
    const measured = [...new Set(page.paired.map((row) => row.objective))].filter((o) => objective[o].better);
    fill($("paired-objective"), measured, page.chosen[0], label);
    const best = page.profiles.filter((name) => front0[name].on_front).sort((a, b) => front0[b].probability - front0[a].probability)[0];
    fill($("paired-reference"), page.profiles.filter((name) => !(name in page.unranked)), best);
    for (const id of ["paired-objective", "paired-reference", "paired-near"]) $(id).addEventListener("change", drawPaired);
  }
  fill($("distribution-quantity"), Object.keys(page.distributions), "bsld", (name) => QUANTITIES[name][0]);
  $("distribution-quantity").addEventListener("change", drawDistribution);

  /** The front at once; what is below it as soon as the reader has seen that. */
  const drawings = () => [...(choices.length > 1 ? [drawFront] : []), ...($("paired") ? [drawPaired] : []), drawDistribution, drawTimeline, ...($("nodes") ? [drawNodes] : [])];
  function drawAll() {
    const [first, ...later] = drawings();
    first();
    const next = () => {
      const one = later.shift();
      if (one) { one(); setTimeout(next); } else document.documentElement.dataset.ready = "all";
    };
    setTimeout(next);
  }
  function theme(name) {
    document.documentElement.dataset.theme = name;
    document.documentElement.dataset.ready = "front";
    $("theme").textContent = name === "dark" ? "Light" : "Dark";
    drawAll();
  }
  $("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  $("copy").addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents($("command"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    $("copy").textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
  });
  // paper is white and as wide as it is, and nobody can open a summary on it
  let before = null;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    document.documentElement.dataset.paper = "yes";
    for (const part of document.querySelectorAll("details")) part.open = true;
    for (const drawOne of drawings()) drawOne();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.paper;
    theme(before);
  });

  frontNeedsLog();
  theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
})();
