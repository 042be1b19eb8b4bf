"use strict";
(() => {
// The classes of events, as in page.go.
const [OTHER, MSG_SENT, MSG_TAKEN, FRAME_SENT, FRAME_TAKEN, DISK, FLOW, WORK, ENGINE, CRASH, RESTART, DAMAGE, TRIGGERED,
  BARRIER_IN, BARRIER_OUT, BLOCKED, UNBLOCKED, TAKEN, STORED, ACK, COMPLETED, ABORTED, COMMITTED, FAILED, STARTED, ENDED] = Array(26).keys();
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);

// Events as columns.
const size = data.events.length / 7;
const num = new Float64Array(size), time = new Float64Array(size), lane = new Int32Array(size), cause = new Int32Array(size),
  cls = new Uint8Array(size), chk = new Float64Array(size), txt = new Int32Array(size);
for (let i = 0, n = 0, t = 0; i < size; i++) {
  const e = data.events, k = 7 * i;
  num[i] = n += e[k]; time[i] = t += e[k + 1]; lane[i] = e[k + 2];
  cause[i] = e[k + 3] ? i - e[k + 3] : -1; cls[i] = e[k + 4]; chk[i] = e[k + 5]; txt[i] = e[k + 6];
}
const text = i => data.texts[txt[i]];
const lanes = data.lanes.map(([node, name, ...from]) => ({node, name, channels: from.length, from, first: Infinity, last: -Infinity}));
const blocks = data.blocks.map(([lane, channel, from, start, end, event, id, queued, held, frames, bytes, open]) =>
  ({lane, channel, from, start, end, event, id, queued, held, frames, bytes, open}));
const checkpoints = data.checkpoints.map(([id, start, end, outcome, good, event]) => ({id, start, end, outcome, good, event}));
for (let i = 0; i < size; i++) {
  const l = lanes[lane[i]];
  l.first = Math.min(l.first, time[i]); l.last = Math.max(l.last, time[i]);
}
// Who sent what: frames and messages that were taken, with the event that sent them.
const frames = [], messages = [];
for (let i = 0; i < size; i++) {
  const c = cause[i];
  if (c < 0 || lane[c] === lane[i]) continue;
  if (cls[i] === FRAME_TAKEN && cls[c] === FRAME_SENT) frames.push([c, i]);
  if (cls[i] === MSG_TAKEN && cls[c] === MSG_SENT) messages.push([c, i]);
}
// When a node is down.
const downs = [];
for (let i = 0, open = {}; i < size; i++) {
  const node = lanes[lane[i]].node;
  if (cls[i] === CRASH) { open[node] = {node, start: time[i], end: Infinity, event: i}; downs.push(open[node]); }
  if (cls[i] === RESTART && open[node]) { open[node].end = time[i]; delete open[node]; }
}
const begin = size ? time[0] : 0, finish = size ? Math.max(time[size - 1], begin + 1000) : 1000;

// What is shown.
let t0 = begin, t1 = finish, node = "", hover = null, held = -1, matches = [], marked = new Set(), current = -1;
const gutter = 148, axis = 40, process = 24, row = 22, line = 13;
const chart = $("chart"), overview = $("overview");
let rows = [], height = 0, width = 0, hits = [];

const colours = () => {
  const dark = document.documentElement.dataset.theme === "dark";
  return dark ? {
    fg: "#e4e7ec", dim: "#929aa8", line: "#2a303a", panel: "#1b2027", band: "#20262f", accent: "#7cacff", bad: "#ff6b6b", good: "#4cc38a",
    frame: "#6f8099", message: "#b48ead", block: "#f0a13a", held: "#e0662a", disk: "#5f9ea0", down: "#ff6b6b", dot: "#7d8796",
    chk: ["#58b7ff", "#c792ea", "#5bd6a0", "#ffcb6b", "#ff8fa3", "#80d8e8", "#b5e26a", "#f7a072"],
  } : {
    fg: "#1d2129", dim: "#6b7280", line: "#e3e5ea", panel: "#ffffff", band: "#f5f6f8", accent: "#2563c9", bad: "#c4242b", good: "#1a7f4b",
    frame: "#93a1b5", message: "#9a6aa8", block: "#f2b65a", held: "#d9571b", disk: "#4a8a8c", down: "#c4242b", dot: "#8b93a1",
    chk: ["#1273c4", "#8a3fb8", "#128a5a", "#a86e00", "#c73a5e", "#127e91", "#5c8a12", "#c25a1c"],
  };
};
let C = colours();
const ofCheckpoint = id => C.chk[id % C.chk.length];
const x = t => gutter + (t - t0) / (t1 - t0) * (width - gutter);
const timeAt = px => t0 + (px - gutter) / (width - gutter) * (t1 - t0);
const lower = t => { let a = 0, b = size; while (a < b) { const m = a + b >> 1; if (time[m] < t) a = m + 1; else b = m; } return a; };
const span = ns => ns >= 1e9 ? (ns / 1e9).toFixed(3) + " s" : ns >= 1e6 ? (ns / 1e6).toFixed(2) + " ms" : (ns / 1e3).toFixed(1) + " µs";
const bytes = n => n >= 1e6 ? (n / 1e6).toFixed(1) + " MB" : n >= 1e4 ? (n / 1e3).toFixed(1) + " kB" : n + " B";

// layout places the lanes that live in the window.
function layout() {
  rows = []; let y = axis, last = "";
  lanes.forEach((l, i) => {
    const root = l.name === "tm" || l.name === "jm";
    if (node && l.node !== node || !root && (l.first > t1 || l.last < t0)) return;
    if (last && last !== l.node) y += 8;
    const h = root ? process : row + l.channels * line + (l.channels ? 4 : 0);
    rows[i] = {y, h, mid: y + (root ? process : row) / 2};
    y += h; last = l.node;
  });
  height = y + 10;
}
const middle = i => rows[lane[i]] && rows[lane[i]].mid;

function canvas(c, h) {
  const r = window.devicePixelRatio || 1, w = c.clientWidth;
  c.style.height = h + "px";
  if (c.width !== Math.round(w * r) || c.height !== Math.round(h * r)) { c.width = Math.round(w * r); c.height = Math.round(h * r); }
  const g = c.getContext("2d");
  g.setTransform(r, 0, 0, r, 0, 0); g.clearRect(0, 0, w, h);
  return [g, w];
}

let wanted = false;
function draw() { if (!wanted) { wanted = true; requestAnimationFrame(() => { wanted = false; paint(); }); } }

function paint() {
  layout();
  let g; [g, width] = canvas(chart, height);
  g.font = "11px system-ui, sans-serif"; g.textBaseline = "middle"; hits = [];
  drawBands(g); drawRows(g);
  g.save(); g.beginPath(); g.rect(gutter, 0, width - gutter, height); g.clip();
  drawDowns(g); drawTraffic(g); drawBlocks(g); drawBarriers(g); drawEvents(g); drawViolations(g); drawChain(g);
  g.restore();
  drawAxis(g); drawOverview();
}

function drawBands(g) {
  for (const c of checkpoints) {
    if (c.end < t0 || c.start > t1) continue;
    const a = Math.max(gutter, x(c.start)), b = Math.min(width, x(c.end)), col = c.good ? ofCheckpoint(c.id) : C.bad;
    g.globalAlpha = .06; g.fillStyle = col; g.fillRect(a, 22, b - a, height - 22);
    g.globalAlpha = .85; g.fillRect(a, 23, Math.max(b - a, 1.5), 14); g.globalAlpha = 1;
    const label = `checkpoint ${c.id} · ${c.outcome} · ${span(c.end - c.start)}`, short = String(c.id);
    g.fillStyle = C.panel; g.font = "600 11px system-ui, sans-serif";
    const s = g.measureText(label).width < b - a - 8 ? label : g.measureText(short).width < b - a - 2 ? short : "";
    g.fillText(s, a + (s === label ? 5 : 2), 30.5);
    g.font = "11px system-ui, sans-serif";
    hits.push({kind: "checkpoint", box: [a, 22, b, 38], c});
  }
}

function drawRows(g) {
  let last = "";
  lanes.forEach((l, i) => {
    const r = rows[i]; if (!r) return;
    if (l.node !== last) {
      g.fillStyle = C.band; g.fillRect(0, r.y, gutter, process);
      if (last) { g.strokeStyle = C.dim; g.globalAlpha = .5; stroke(g, [[0, r.y - 4], [width, r.y - 4]]); g.globalAlpha = 1; }
      last = l.node;
    }
    const root = l.name === "tm" || l.name === "jm";
    g.strokeStyle = C.line; g.lineWidth = 1;
    stroke(g, [[gutter, r.mid], [width, r.mid]]);
    g.fillStyle = C.fg; g.font = root ? "700 12px system-ui, sans-serif" : "600 12px system-ui, sans-serif";
    g.fillText(root ? l.node + (l.name === "jm" ? "  JobManager" : "  TaskExecutor") : l.name, root ? 8 : 20, r.mid);
    g.font = "10px system-ui, sans-serif"; g.fillStyle = C.dim; g.textAlign = "right";
    for (let ch = 0; ch < l.channels; ch++) {
      const y = r.y + row + ch * line + line / 2;
      g.fillText("← " + (l.from[ch]), gutter - 6, y);
      g.globalAlpha = .5; stroke(g, [[gutter, y], [width, y]]); g.globalAlpha = 1;
    }
    g.textAlign = "left"; g.font = "11px system-ui, sans-serif";
  });
}

function stroke(g, points) {
  g.beginPath();
  points.forEach(([a, b], i) => i ? g.lineTo(a, b) : g.moveTo(a, b));
  g.stroke();
}

function drawDowns(g) {
  for (const d of downs) {
    if (d.end < t0 || d.start > t1) continue;
    const mine = lanes.map((l, i) => l.node === d.node && rows[i]).filter(Boolean);
    if (!mine.length) continue;
    const a = Math.max(x(d.start), gutter), b = Math.min(width, x(Math.min(d.end, finish))), y = mine[0].y, h = mine.at(-1).y + mine.at(-1).h - y;
    g.globalAlpha = .12; g.fillStyle = C.down; g.fillRect(a, y, b - a, h);
    g.globalAlpha = .3; g.strokeStyle = C.down; g.save(); g.beginPath(); g.rect(a, y, b - a, h); g.clip();
    for (let k = a - h; k < b; k += 10) stroke(g, [[k, y + h], [k + h, y]]);
    g.restore(); g.globalAlpha = 1;
    if (b - a > 60) { g.fillStyle = C.down; g.font = "600 11px system-ui, sans-serif"; g.fillText(d.node + " down", a + 14, y + process / 2); g.font = "11px system-ui, sans-serif"; }
  }
}

// drawTraffic draws frames and messages as lines, or how many bytes came where there
// are too many.
function drawTraffic(g) {
  const seen = frames.filter(([a, b]) => time[b] >= t0 && time[a] <= t1 && rows[lane[a]] && rows[lane[b]]);
  if (seen.length <= 1500) {
    g.strokeStyle = C.frame; g.globalAlpha = seen.length < 400 ? .7 : .4;
    for (const [a, b] of seen) stroke(g, [[x(time[a]), middle(a)], [x(time[b]), middle(b)]]);
  } else {
    const step = 4, buckets = new Map();
    for (const [, b] of seen) {
      const key = lane[b] * 65536 + Math.floor((x(time[b]) - gutter) / step), n = /([0-9]+) bytes/.exec(text(b));
      buckets.set(key, (buckets.get(key) || 0) + (n ? +n[1] : 0));
    }
    const most = Math.log2(Math.max(...buckets.values()) + 1) || 1;
    g.fillStyle = C.frame; g.globalAlpha = .6;
    for (const [key, n] of buckets) {
      const r = rows[key >> 16], h = Math.log2(n + 1) / most * (row - 8);
      g.fillRect(gutter + (key & 65535) * step, r.mid + (row - 8) / 2 - h, step - 1, h);
    }
  }
  const said = messages.filter(([a, b]) => time[b] >= t0 && time[a] <= t1 && rows[lane[a]] && rows[lane[b]]);
  g.strokeStyle = C.message; g.globalAlpha = said.length < 300 ? .6 : .15;
  g.setLineDash([2, 3]);
  if (said.length < 1500) for (const [a, b] of said) stroke(g, [[x(time[a]), middle(a)], [x(time[b]), middle(b)]]);
  g.setLineDash([]); g.globalAlpha = 1;
}

// drawBlocks draws blocked channels: a bar from block to unblock, in which a wedge
// grows with the records that wait behind the barrier.
function drawBlocks(g) {
  const most = Math.max(1, ...blocks.filter(b => b.end >= t0 && b.start <= t1).map(b => b.held));
  for (const b of blocks) {
    const r = rows[b.lane];
    if (!r || b.end < t0 || b.start > t1) continue;
    const a = x(b.start), z = Math.max(x(b.end), a + 1.5), y = r.y + row + b.channel * line + 1, h = line - 2;
    g.fillStyle = C.block; g.globalAlpha = .45; g.fillRect(a, y, z - a, h);
    g.globalAlpha = .9; g.fillStyle = C.held; g.beginPath();
    g.moveTo(a, y + h); g.lineTo(a, y + h - h * b.queued / most); g.lineTo(z, y + h - h * b.held / most); g.lineTo(z, y + h); g.fill();
    g.globalAlpha = 1; g.strokeStyle = C.held; g.lineWidth = 1; g.strokeRect(a + .5, y + .5, z - a - 1, h - 1);
    const from = Math.max(a, gutter), s = `${b.from} blocked ${span(b.end - b.start)}, ` + (b.open ? `and not released here; ${b.frames} frames came` : `${b.held} records held`);
    const little = `${span(b.end - b.start)}, ` + (b.open ? "not released" : `${b.held} held`);
    g.font = "600 10px system-ui, sans-serif"; g.fillStyle = C.fg;
    const w = Math.min(z, width) - from - 8, t = g.measureText(s).width < w ? s : g.measureText(little).width < w ? little : "";
    if (t) { g.lineWidth = 3; g.strokeStyle = C.panel; g.globalAlpha = .75; g.strokeText(t, from + 4, y + h / 2 + .5); g.globalAlpha = 1; g.fillText(t, from + 4, y + h / 2 + .5); }
    g.lineWidth = 1; g.font = "11px system-ui, sans-serif";
    hits.push({kind: "block", box: [a, y, z, y + h], b});
  }
}

function drawBarriers(g) {
  for (const [a, b, id] of data.barriers) {
    if (time[b] < t0 || time[a] > t1 || !rows[lane[a]] || !rows[lane[b]]) continue;
    const from = [x(time[a]), middle(a)], to = [x(time[b]), middle(b)];
    g.strokeStyle = ofCheckpoint(id); g.lineWidth = 1.8; g.globalAlpha = .85;
    stroke(g, [from, to]);
    const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
    g.fillStyle = g.strokeStyle; g.beginPath(); g.moveTo(...to);
    for (const s of [-.35, .35]) g.lineTo(to[0] - 8 * Math.cos(angle + s), to[1] - 8 * Math.sin(angle + s));
    g.fill(); g.lineWidth = 1; g.globalAlpha = 1;
    hits.push({kind: "barrier", line: [from, to], a, b, id});
  }
}

// The shapes of events.
function mark(g, c, px, py, id) {
  const col = {
    [CRASH]: C.bad, [RESTART]: C.good, [DAMAGE]: C.bad, [COMPLETED]: C.good, [ABORTED]: C.bad, [FAILED]: C.bad, [COMMITTED]: C.good,
    [STARTED]: C.good, [ENDED]: C.dim, [DISK]: C.disk, [MSG_SENT]: C.message, [MSG_TAKEN]: C.message, [FRAME_SENT]: C.frame, [FRAME_TAKEN]: C.frame,
  }[c] || (id ? ofCheckpoint(id) : C.dot);
  g.fillStyle = g.strokeStyle = col; g.beginPath();
  const poly = (...p) => { p.forEach(([a, b], i) => i ? g.lineTo(px + a, py + b) : g.moveTo(px + a, py + b)); g.closePath(); g.fill(); };
  switch (c) {
  case TRIGGERED: return poly([-5, -5], [6, 0], [-5, 5]);
  case TAKEN: return poly([0, -6], [6, 0], [0, 6], [-6, 0]);
  case STORED: g.lineWidth = 2; g.strokeRect(px - 4, py - 4, 8, 8); g.lineWidth = 1; return;
  case ACK: g.arc(px, py, 3.5, 0, 7); g.lineWidth = 1.5; g.stroke(); g.lineWidth = 1; return;
  case COMPLETED: g.lineWidth = 2.5; g.moveTo(px - 5, py); g.lineTo(px - 1, py + 5); g.lineTo(px + 6, py - 6); g.stroke(); g.lineWidth = 1; return;
  case CRASH: case ABORTED: case FAILED: { const s = c === CRASH ? 7 : 4; g.lineWidth = c === CRASH ? 3.5 : 2; g.moveTo(px - s, py - s); g.lineTo(px + s, py + s); g.moveTo(px + s, py - s); g.lineTo(px - s, py + s); g.stroke(); g.lineWidth = 1; return; }
  case DAMAGE: return poly([-2, -8], [5, -8], [1, -1], [5, -1], [-4, 9], [-1, 1], [-5, 1]);
  case RESTART: return poly([-5, 5], [0, -6], [5, 5]);
  case COMMITTED: g.fillRect(px - 4, py - 4, 8, 8); return;
  case STARTED: return poly([-3, 4], [0, -4], [3, 4]);
  case ENDED: g.fillRect(px - 1.5, py - 6, 3, 12); return;
  case BARRIER_IN: case BARRIER_OUT: case BLOCKED: case UNBLOCKED: g.fillRect(px - 1, py - 6, 2, 12); return;
  default: g.arc(px, py, 1.8, 0, 7); g.fill();
  }
}

function drawEvents(g) {
  const a = lower(t0), b = lower(t1 + 1), all = b - a <= 4000;
  for (let pass = 0; pass < 2; pass++) {
    let lastX = new Float64Array(lanes.length).fill(-9);
    for (let i = a; i < b; i++) {
      const r = rows[lane[i]]; if (!r) continue;
      const big = cls[i] > ENGINE && cls[i] !== BLOCKED && cls[i] !== UNBLOCKED;
      if (big !== (pass === 1) || !big && !all && !marked.has(i)) continue;
      const px = x(time[i]);
      if (!big && px - lastX[lane[i]] < 1.5 && !marked.has(i)) continue;
      lastX[lane[i]] = px;
      mark(g, cls[i], px, r.mid, chk[i]);
      hits.push({kind: "event", at: [px, r.mid], i, big});
      if (marked.has(i)) { g.strokeStyle = i === matches[current] ? C.bad : C.accent; g.lineWidth = 2; g.beginPath(); g.arc(px, r.mid, 9, 0, 7); g.stroke(); g.lineWidth = 1; }
    }
  }
}

function drawViolations(g) {
  for (const [i, n] of data.violations) {
    if (i < 0) continue;
    const px = x(time[i]); if (px < gutter - 20 || px > width + 20) continue;
    g.strokeStyle = g.fillStyle = C.bad; g.lineWidth = 2; g.setLineDash([6, 4]); stroke(g, [[px, 22], [px, height]]); g.setLineDash([]); g.lineWidth = 1;
    g.font = "700 11px system-ui, sans-serif";
    const s = "VIOLATION, event " + n, w = g.measureText(s).width + 10, left = px + w > width ? px - w : px;
    g.fillRect(left, height - 20, w, 16); g.fillStyle = C.panel; g.fillText(s, left + 5, height - 11.5); g.font = "11px system-ui, sans-serif";
    if (rows[lane[i]]) { g.strokeStyle = C.bad; g.lineWidth = 2.5; g.beginPath(); g.arc(px, middle(i), 11, 0, 7); g.stroke(); g.lineWidth = 1; }
  }
}

const chain = i => { const out = []; for (; i >= 0; i = cause[i]) out.push(i); return out; };

function drawChain(g) {
  const i = hover && hover.kind === "event" ? hover.i : held;
  if (i < 0) return;
  const c = chain(i).filter(j => rows[lane[j]]);
  g.strokeStyle = C.accent; g.fillStyle = C.accent; g.lineWidth = 2.5;
  stroke(g, c.map(j => [x(time[j]), middle(j)]));
  for (const j of c) { g.beginPath(); g.arc(x(time[j]), middle(j), j === i ? 5 : 3, 0, 7); g.fill(); }
  g.lineWidth = 1;
}

function drawAxis(g) {
  g.fillStyle = C.panel; g.fillRect(0, 0, gutter, axis);
  const raw = (t1 - t0) / ((width - gutter) / 110), unit = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map(k => k * unit).find(k => k >= raw);
  g.font = "11px system-ui, sans-serif";
  for (let t = Math.ceil(t0 / step) * step; t <= t1; t += step) {
    g.strokeStyle = C.line; stroke(g, [[x(t), 16], [x(t), 22]]);
    g.fillStyle = C.dim; g.fillText((t / 1e9).toFixed(Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))))) + " s", Math.min(x(t) + 3, width - 60), 10);
  }
  g.fillStyle = C.dim; g.fillText(`${span(t1 - t0)} shown`, 8, 12);
  g.fillText("checkpoints", 8, 30.5);
}

function drawOverview() {
  const [g, w] = canvas(overview, 46), px = t => (t - begin) / (finish - begin) * w;
  for (const c of checkpoints) { g.globalAlpha = .6; g.fillStyle = c.good ? ofCheckpoint(c.id) : C.bad; g.fillRect(px(c.start), 4, Math.max(1, px(c.end) - px(c.start)), 8); }
  g.globalAlpha = .85; g.fillStyle = C.held;
  for (const b of blocks) g.fillRect(px(b.start), 14, Math.max(.7, px(b.end) - px(b.start)), 5);
  const n = new Float64Array(Math.ceil(w / 2) + 1); let most = 1;
  for (let i = 0; i < size; i++) most = Math.max(most, ++n[Math.floor(px(time[i]) / 2)]);
  g.fillStyle = C.frame; g.globalAlpha = .7;
  n.forEach((k, i) => g.fillRect(2 * i, 44 - 22 * Math.sqrt(k / most), 1.5, 22 * Math.sqrt(k / most)));
  g.globalAlpha = 1; g.fillStyle = C.bad;
  for (const d of downs) { g.globalAlpha = .1; g.fillRect(px(d.start), 0, px(Math.min(d.end, finish)) - px(d.start), 46); g.globalAlpha = 1; g.fillRect(px(d.start), 0, 2, 46); }
  for (const [i] of data.violations) if (i >= 0) g.fillRect(px(time[i]) - 1, 0, 3, 46);
  g.fillStyle = C.accent; g.globalAlpha = .14; g.fillRect(px(t0), 0, Math.max(3, px(t1) - px(t0)), 46);
  g.globalAlpha = 1; g.strokeStyle = C.accent; g.strokeRect(px(t0) + .5, .5, Math.max(3, px(t1) - px(t0) - 1), 45);
}

// Moving about.
function show(a, b) {
  const least = 1000, most = (finish - begin) * 1.02, mid = (a + b) / 2, w = Math.min(most, Math.max(least, b - a));
  t0 = Math.max(begin - (finish - begin) * .01, Math.min(mid - w / 2, finish + (finish - begin) * .01 - w)); t1 = t0 + w;
  draw();
}
const zoom = (k, t) => show(t - (t - t0) * k, t + (t1 - t) * k);
const focus = c => { const m = Math.max((c.end - c.start) * .06, 1000); show(c.start - m, c.end + m); };
function reveal(i) {
  if (node && lanes[lane[i]].node !== node) { node = ""; $("node").value = ""; }
  const w = Math.min(t1 - t0, 20e6); show(time[i] - w / 2, time[i] + w / 2);
}
function step(d) {
  const m = (t0 + t1) / 2, c = d > 0 ? checkpoints.find(c => (c.start + c.end) / 2 > m + 1) : checkpoints.findLast(c => (c.start + c.end) / 2 < m - 1);
  if (c) focus(c);
}
const indexOf = n => { let a = 0, b = size; while (a < b) { const m = a + b >> 1; if (num[m] < n) a = m + 1; else b = m; } return a < size && num[a] === n ? a : a - 1; };

function hold(i) {
  held = i; $("chain").hidden = i < 0; const list = $("chain").querySelector("ol"); list.replaceChildren();
  if (i >= 0) for (const j of chain(i)) {
    const li = document.createElement("li"), l = lanes[lane[j]];
    li.textContent = `${num[j]}  ${(time[j] / 1e9).toFixed(6)} s  ${l.node} ${l.name}  ${text(j)}`; list.append(li);
  }
  draw();
}

// What is under the pointer.
function find(px, py) {
  let best = null, near = 9;
  for (const h of hits) if (h.kind === "event") {
    const d = Math.hypot(h.at[0] - px, h.at[1] - py) - (h.big ? 2 : 0);
    if (d < near) { near = d; best = h; }
  }
  if (best) return best;
  const inside = h => h.box && px >= h.box[0] - 1 && px <= h.box[2] + 1 && py >= h.box[1] && py <= h.box[3];
  for (const h of hits) if (inside(h)) return h;
  for (const h of hits) if (h.kind === "barrier") {
    const [[a, b], [c, d]] = h.line, l = Math.hypot(c - a, d - b) || 1, u = ((px - a) * (c - a) + (py - b) * (d - b)) / l / l;
    if (u >= 0 && u <= 1 && Math.abs((c - a) * (b - py) - (a - px) * (d - b)) / l < 4) return h;
  }
  return null;
}
function describe(h) {
  const s = n => (n / 1e9).toFixed(6) + " s";
  switch (h.kind) {
  case "event": {
    const l = lanes[lane[h.i]], c = chain(h.i);
    return [[`event ${num[h.i]}`, ` · ${s(time[h.i])} · ${l.node} ${l.name}`], ["", text(h.i)],
      ...c.slice(1, 7).map(j => ["", `from ${num[j]}  ${lanes[lane[j]].name}: ${text(j)}`, 1]), ...(c.length > 7 ? [["", `and ${c.length - 7} before that; click to list them`, 1]] : [])];
  }
  case "block": {
    const b = h.b;
    return [[`channel ${b.channel}, from ${b.from}`, ` · blocked for checkpoint ${b.id}`], ["", `since ${s(b.start)}, for ${span(b.end - b.start)}${b.open ? ", until the task was gone or the page ends" : ""}`],
      ["", `behind the barrier: ${b.queued} records at first` + (b.open ? "" : `, ${b.held} at the end`)], ["", `meanwhile ${b.frames} frames arrived, ${bytes(b.bytes)}`], ["", "waited for the barriers of the task's other channels", 1]];
  }
  case "barrier": return [[`barrier of checkpoint ${h.id}`, ""], ["", `${lanes[lane[h.a]].name} → ${lanes[lane[h.b]].name}, ${span(time[h.b] - time[h.a])} on its way`], ["", `sent ${s(time[h.a])} (event ${num[h.a]}), taken ${s(time[h.b])} (event ${num[h.b]})`]];
  }
  return [[`checkpoint ${h.c.id}`, ` · ${h.c.outcome}`], ["", `triggered ${s(h.c.start)}, took ${span(h.c.end - h.c.start)}`]];
}
function tip(h, ev) {
  const t = $("tip"); t.hidden = !h; if (!h) return;
  t.replaceChildren(...describe(h).map(([bold, rest, dim]) => {
    const d = document.createElement("div"), b = document.createElement("b"); b.textContent = bold; d.append(b, rest); if (dim) d.className = "dim"; return d;
  }));
  t.style.left = Math.min(ev.clientX + 14, innerWidth - t.offsetWidth - 8) + "px";
  t.style.top = (ev.clientY + 16 + t.offsetHeight > innerHeight ? ev.clientY - t.offsetHeight - 10 : ev.clientY + 16) + "px";
}

let drag = null;
chart.addEventListener("pointerdown", e => { drag = {x: e.offsetX, t0, t1, moved: false}; chart.setPointerCapture(e.pointerId); chart.classList.add("drag"); });
chart.addEventListener("pointermove", e => {
  if (drag) {
    const d = (e.offsetX - drag.x) / (width - gutter) * (drag.t1 - drag.t0);
    drag.moved ||= Math.abs(e.offsetX - drag.x) > 3;
    if (drag.moved) { tip(null); show(drag.t0 - d, drag.t1 - d); }
    return;
  }
  const h = find(e.offsetX, e.offsetY), was = hover && hover.i;
  hover = h; tip(h, e); if (was !== (h && h.i)) draw();
});
chart.addEventListener("pointerup", e => {
  chart.classList.remove("drag");
  if (drag && !drag.moved) { const h = find(e.offsetX, e.offsetY); if (h && h.kind === "checkpoint") focus(h.c); else hold(h ? h.i ?? h.b?.event ?? -1 : -1); }
  drag = null;
});
chart.addEventListener("pointercancel", () => { drag = null; chart.classList.remove("drag"); });
chart.addEventListener("pointerleave", () => { hover = null; tip(null); draw(); });
chart.addEventListener("dblclick", () => show(begin, finish));
chart.addEventListener("wheel", e => {
  if (e.offsetX < gutter) return; // on the names, the page scrolls
  e.preventDefault();
  if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { const d = (e.deltaX || e.deltaY) / 1000 * (t1 - t0); show(t0 + d, t1 + d); }
  else zoom(Math.exp(Math.max(-200, Math.min(200, e.deltaY)) / 400), timeAt(e.offsetX));
}, {passive: false});
let pick = null;
const pickTime = e => begin + e.offsetX / overview.clientWidth * (finish - begin);
overview.addEventListener("pointerdown", e => { pick = pickTime(e); overview.setPointerCapture(e.pointerId); });
overview.addEventListener("pointermove", e => { if (pick !== null && Math.abs(pickTime(e) - pick) > (finish - begin) / 400) show(Math.min(pick, pickTime(e)), Math.max(pick, pickTime(e))); });
overview.addEventListener("pointerup", e => { if (pick !== null && Math.abs(pickTime(e) - pick) <= (finish - begin) / 400) { const w = t1 - t0; show(pick - w / 2, pick + w / 2); } pick = null; });

function search(next) {
  const q = $("search").value.trim().toLowerCase(), found = $("found");
  const c = /^(?:chk|checkpoint)[ -]?([0-9]+)$/.exec(q);
  if (c) { const k = checkpoints.findLast(k => k.id === +c[1]); found.textContent = k ? "" : "no such checkpoint"; if (k && next) focus(k); marked.clear(); matches = []; draw(); return; }
  if (!next || q !== search.last) {
    search.last = q; matches = []; current = -1;
    if (/^[0-9]+$/.test(q)) { const i = indexOf(+q); if (i >= 0) matches = [i]; }
    else if (q) { const ids = new Set(); data.texts.forEach((s, i) => { if (s.toLowerCase().includes(q)) ids.add(i); }); for (let i = 0; i < size; i++) if (ids.has(txt[i])) matches.push(i); }
    marked = new Set(matches);
  }
  if (next && matches.length) { current = (current + (next < 0 ? matches.length - 1 : 1)) % matches.length; reveal(matches[current]); hold(matches[current]); }
  found.textContent = q ? matches.length ? (current >= 0 ? current + 1 + " of " : "") + matches.length : "none" : "";
  draw();
}
$("search").addEventListener("input", () => search(0));
$("search").addEventListener("keydown", e => { if (e.key === "Enter") search(e.shiftKey ? -1 : 1); });

document.addEventListener("keydown", e => {
  if (e.target.matches("input, select") || e.ctrlKey || e.metaKey || e.altKey) return;
  const m = (t0 + t1) / 2, w = (t1 - t0) / 5;
  const f = {"+": () => zoom(.6, m), "=": () => zoom(.6, m), "-": () => zoom(1.6, m), ArrowLeft: () => show(t0 - w, t1 - w), ArrowRight: () => show(t0 + w, t1 + w),
    n: () => step(1), p: () => step(-1), Escape: () => { marked.clear(); matches = []; $("search").value = ""; $("found").textContent = ""; hold(-1); }}[e.key];
  if (f) { e.preventDefault(); f(); }
});
$("in").onclick = () => zoom(.6, (t0 + t1) / 2); $("out").onclick = () => zoom(1.6, (t0 + t1) / 2);
for (const n of new Set(lanes.map(l => l.node))) $("node").add(new Option(n, n));
$("node").onchange = e => { node = e.target.value; draw(); };
checkpoints.forEach((c, i) => $("goto").add(new Option(`checkpoint ${c.id}, ${c.outcome}`.slice(0, 60), i)));
$("goto").onchange = e => e.target.value === "" ? show(begin, finish) : focus(checkpoints[+e.target.value]);

function legend() {
  const list = [[TRIGGERED, "triggered"], [TAKEN, "snapshot taken"], [STORED, "snapshot durable"], [ACK, "ack"], [COMPLETED, "checkpoint completed"], [ABORTED, "aborted, failed"],
    [COMMITTED, "committed"], [CRASH, "crash"], [RESTART, "restart"], [DAMAGE, "damage"], [STARTED, "task, attempt or epoch starts"], [DISK, "file system"]];
  const item = (name, f) => { const s = document.createElement("span"), c = document.createElement("canvas"); s.append(c, name); $("legend").append(s); f(canvas(c, 14)[0]); };
  $("legend").replaceChildren();
  item("barrier", g => { g.strokeStyle = C.chk[1]; g.lineWidth = 1.8; stroke(g, [[2, 2], [20, 12]]); });
  item("blocked channel; dark: records held back", g => { g.fillStyle = C.block; g.globalAlpha = .5; g.fillRect(1, 1, 20, 11); g.globalAlpha = 1; g.fillStyle = C.held; g.beginPath(); g.moveTo(1, 12); g.lineTo(21, 4); g.lineTo(21, 12); g.fill(); });
  item("data frame, or bytes if many", g => { g.strokeStyle = C.frame; stroke(g, [[2, 2], [20, 12]]); });
  item("message", g => { g.strokeStyle = C.message; g.setLineDash([2, 3]); stroke(g, [[2, 2], [20, 12]]); });
  for (const [c, name] of list) item(name, g => mark(g, c, 11, 7, 1));
}

function theme(name) { document.documentElement.dataset.theme = name; C = colours(); legend(); draw(); }
const system = matchMedia("(prefers-color-scheme: dark)");
$("theme").onclick = () => { theme.chosen = true; theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); };
system.addEventListener("change", () => { if (!theme.chosen) theme(system.matches ? "dark" : "light"); });

// The address chooses what is shown: #event=N, #checkpoint=N, #all, and theme=dark.
function address() {
  const q = new URLSearchParams(location.hash.slice(1));
  if (q.has("theme")) { theme.chosen = true; theme(q.get("theme") === "dark" ? "dark" : "light"); }
  if (q.has("node")) $("node").value = node = q.get("node");
  if (q.has("event")) { const i = indexOf(+q.get("event")); if (i >= 0) { show(time[i] - 10e6, time[i] + 10e6); hold(i); } return; }
  if (q.has("checkpoint")) { const c = checkpoints.findLast(c => c.id === +q.get("checkpoint")); if (c) focus(c); return; }
  if (q.has("all")) return show(begin, finish);
  const bad = data.violations.find(v => v[0] >= 0);
  if (bad) { show(time[bad[0]] - 30e6, time[bad[0]] + 5e6); return hold(bad[0]); }
  const longest = blocks.reduce((a, b) => !a || b.end - b.start > a.end - a.start ? b : a, null);
  const c = longest && checkpoints.find(c => c.id === longest.id && c.start <= longest.start && c.end >= longest.start);
  if (c) focus(c); else show(begin, finish);
}
addEventListener("hashchange", address);
addEventListener("resize", draw);
theme(system.matches ? "dark" : "light");
address();
})();
