(() => {
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const viewer = document.querySelector('.viewer');
if (!viewer) return;
const canvas = viewer.querySelector('.canvas');
const view = canvas.querySelector('.view');
const panel = viewer.querySelector('.panel');
const find = viewer.querySelector('.find');
const found = viewer.querySelector('.found');
const nodes = [...view.querySelectorAll('.node')];
const arrows = [...view.querySelectorAll('.arrow')];
const chips = [...document.querySelectorAll('.chip[data-state]')];
const width = Number(canvas.dataset.w), height = Number(canvas.dataset.h);
const index = new Map(data.stages.map((card, at) => [card.stage, at]));
const needs = data.stages.map(() => []), feeds = data.stages.map(() => []);
const places = nodes.map(node => {
  const at = node.transform.baseVal.consolidate().matrix, box = node.querySelector('rect');
  const w = box.width.baseVal.value, h = box.height.baseVal.value;
  return { x: at.e, y: at.f, w, h };
});
data.arrows.forEach(([from, to, via], at) => {
  needs[to].push({ stage: from, via, arrow: at });
  feeds[from].push({ stage: to, via, arrow: at });
});

/* Where one looks from. */
let scale = 1, left = 0, top = 0, moved = false;
const show = () => {
  view.setAttribute('transform', `translate(${left} ${top}) scale(${scale})`);
  canvas.classList.toggle('far', scale < 0.55);
};
const size = () => canvas.getBoundingClientRect();
/* What the panel leaves free, where it lies over the drawing. */
const free = () => {
  const { width, height } = size();
  const over = !panel.hidden && getComputedStyle(panel).position === 'absolute';
  return { width, height: height - (over ? panel.offsetHeight : 0) };
};
const fit = () => {
  const { width: w, height: h } = size(), pad = 28, head = 60;
  scale = Math.max(0.01, Math.min(1.4, (w - 2 * pad) / Math.max(width, 1), (h - pad - head) / Math.max(height, 1)));
  left = (w - width * scale) / 2;
  top = head + (h - pad - head - height * scale) / 2;
  moved = false;
  show();
};
const zoom = (factor, x, y) => {
  const { width: w, height: h } = size();
  if (x === undefined) { x = w / 2; y = h / 2; }
  const next = Math.min(4, Math.max(0.01, scale * factor));
  left = x - (x - left) * next / scale;
  top = y - (y - top) * next / scale;
  scale = next;
  moved = true;
  show();
};
const pan = (dx, dy) => { left += dx; top += dy; moved = true; show(); };
const bring = at => {
  const { x, y, w: nw, h: nh } = places[at], { width: w, height: h } = free();
  if (scale < 0.7) scale = 0.9;
  left = w / 2 - (x + nw / 2) * scale;
  top = h / 2 - (y + nh / 2) * scale;
  moved = true;
  show();
};
const inside = at => {
  const { x, y, w: nw, h: nh } = places[at], { width: w, height: h } = free();
  const l = left + x * scale, t = top + y * scale;
  return scale >= 0.3 && l >= 0 && t >= 0 && l + nw * scale <= w && t + nh * scale <= h;
};
new ResizeObserver(() => { if (!moved) fit(); }).observe(canvas);

/* Moving with a pointer, or two. */
const held = new Map();
let dragged = false;
const between = () => {
  const [a, b] = [...held.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
};
const place = event => { const box = size(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
canvas.addEventListener('pointerdown', event => {
  if (event.button > 0) return;
  held.set(event.pointerId, place(event));
  dragged = false;
});
canvas.addEventListener('pointermove', event => {
  const before = held.get(event.pointerId);
  if (!before) return;
  const now = place(event);
  if (held.size === 1) {
    if (!dragged && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    if (!dragged) { dragged = true; canvas.setPointerCapture(event.pointerId); canvas.classList.add('held'); }
    pan(now.x - before.x, now.y - before.y);
    held.set(event.pointerId, now);
  } else if (held.size === 2) {
    const was = between();
    held.set(event.pointerId, now);
    const is = between();
    dragged = true;
    pan(is.x - was.x, is.y - was.y);
    zoom(is.apart / Math.max(was.apart, 1), is.x, is.y);
  }
});
const release = event => { held.delete(event.pointerId); if (!held.size) canvas.classList.remove('held'); };
for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) canvas.addEventListener(end, release);
canvas.addEventListener('pointerleave', event => { if (!dragged) release(event); });
canvas.addEventListener('wheel', event => {
  /* On a page that scrolls, the wheel alone is the page's. */
  if (document.body.classList.contains('report-page') && !event.ctrlKey && !canvas.contains(document.activeElement)) return;
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
  const { x, y } = place(event);
  zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)), x, y);
}, { passive: false });

/* A chosen stage. */
let chosen = -1;
const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const sign = state => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  svg.setAttribute('width', '18'); svg.setAttribute('height', '18'); svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', '#sg-' + state);
  svg.append(use);
  return svg;
};
const heading = (into, text) => into.append(element('h3', '', text));
const MANY = 60;
const list = (into, items, row) => {
  const ul = element('ul');
  const add = some => some.forEach(item => { const li = element('li'); row(li, item); ul.append(li); });
  add(items.slice(0, MANY));
  into.append(ul);
  if (items.length > MANY) {
    const more = element('button', 'more', `show ${items.length - MANY} more`);
    more.type = 'button';
    more.addEventListener('click', () => { add(items.slice(MANY)); more.remove(); });
    into.append(more);
  }
};
const neighbours = (into, head, others) => {
  if (!others.length) return;
  heading(into, head);
  list(into, others, (li, { stage, via }) => {
    const button = element('button', 'stage', data.stages[stage].stage);
    button.type = 'button';
    button.addEventListener('click', () => { choose(stage, true); panel.focus({ preventScroll: true }); });
    li.append(button, ' ', element('span', 'via', via));
  });
};
const PATHS = new Set(['Reads', 'Makes']);
const section = (into, part, at) => {
  if (part.kind === 'neighbours') {
    neighbours(into, 'Needs', needs[at]);
    neighbours(into, 'Needed by', feeds[at]);
    return;
  }
  heading(into, part.head);
  if (part.kind === 'code') into.append(element('pre', '', part.text));
  if (part.kind === 'lines') list(into, part.lines, (li, line) => li.append(element('span', PATHS.has(part.head) ? 'path' : '', line)));
  if (part.kind === 'pairs') {
    const table = element('table');
    for (const [name, value] of part.pairs) {
      const row = element('tr');
      row.append(element('td', '', name), element('td', '', value));
      table.append(row);
    }
    into.append(table);
  }
};
const fill = at => {
  const card = data.stages[at];
  const shut = element('button', 'shut', '×');
  shut.type = 'button';
  shut.setAttribute('aria-label', 'Close');
  shut.addEventListener('click', () => { const was = chosen; choose(-1); nodes[was].focus({ preventScroll: true }); });
  const head = element('h2', '', card.stage);
  panel.replaceChildren(shut, head);
  if (card.about) panel.append(element('p', 'about', card.about));
  if (card.word) {
    const state = element('div', 'state');
    const badge = element('span', 's-' + card.state);
    badge.append(sign(card.state));
    state.append(badge, card.word);
    panel.append(state);
  }
  card.sections.forEach(part => section(panel, part, at));
  panel.scrollTop = 0;
};
const choose = (at, go) => {
  const near = on => {
    if (chosen < 0) return;
    nodes[chosen].classList.toggle('on', on);
    nodes[chosen].setAttribute('aria-pressed', String(on));
    for (const { stage, arrow } of [...needs[chosen], ...feeds[chosen]]) {
      nodes[stage].classList.toggle('near', on);
      arrows[arrow].classList.toggle('near', on);
    }
  };
  near(false);
  chosen = at;
  near(true);
  view.classList.toggle('chosen', at >= 0);
  panel.hidden = at < 0;
  const name = at < 0 ? '' : data.stages[at].stage;
  try { history.replaceState(null, '', at < 0 ? location.pathname + location.search : '#stage=' + encodeURIComponent(name)); } catch { /* A page without an address. */ }
  if (at < 0) return;
  fill(at);
  if (go || !inside(at)) bring(at);
};
nodes.forEach((node, at) => {
  node.setAttribute('aria-pressed', 'false');
  node.addEventListener('click', () => { if (!dragged) choose(at === chosen ? -1 : at); });
  node.addEventListener('focus', () => { if (node.matches(':focus-visible') && !inside(at)) bring(at); });
});
canvas.addEventListener('click', event => { if (!dragged && !event.target.closest('.node')) choose(-1); });

/* Finding. */
let hits = [], hit = -1;
const sift = wanted => {
  hits = [];
  nodes.forEach((node, at) => {
    const is = wanted !== null && wanted(data.stages[at]);
    node.classList.toggle('hit', is);
    if (is) hits.push(at);
  });
  hit = -1;
  view.classList.toggle('sifted', wanted !== null);
};
const press = chip => chips.forEach(other => other.setAttribute('aria-pressed', String(other === chip)));
const holds = (card, text) => card.stage.toLowerCase().includes(text) ||
  card.sections.some(part => PATHS.has(part.head) && part.lines.some(line => line.toLowerCase().includes(text)));
find.addEventListener('input', () => {
  const text = find.value.trim().toLowerCase();
  press(null);
  sift(text ? card => holds(card, text) : null);
  found.textContent = text ? `${hits.length || 'none'} found` : '';
});
find.addEventListener('keydown', event => {
  if (event.key === 'Enter' && hits.length) {
    hit = (hit + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
    if (hit < 0) hit = 0;
    found.textContent = `${hit + 1} of ${hits.length}`;
    choose(hits[hit], true);
    event.preventDefault();
  }
  if (event.key === 'Escape') {
    find.value = ''; found.textContent = ''; sift(null); canvas.focus();
    event.stopPropagation();
  }
});
chips.forEach(chip => chip.addEventListener('click', () => {
  const on = chip.getAttribute('aria-pressed') !== 'true';
  find.value = ''; found.textContent = '';
  press(on ? chip : null);
  sift(on ? card => card.state === chip.dataset.state : null);
}));

/* Buttons and keys. */
const does = { in: () => zoom(1.3), out: () => zoom(1 / 1.3), fit };
viewer.querySelectorAll('[data-do]').forEach(button => button.addEventListener('click', () => does[button.dataset.do]()));
viewer.addEventListener('keydown', event => {
  if (event.target === find || event.ctrlKey || event.metaKey || event.altKey) return;
  const node = event.target.closest('.node');
  const keys = {
    '+': does.in, '=': does.in, '-': does.out, '0': fit,
    ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
    '/': () => find.focus(),
  };
  if (node && (event.key === 'Enter' || event.key === ' ')) {
    choose(nodes.indexOf(node), false);
    panel.focus({ preventScroll: true });
  } else if (event.key === 'Escape' && chosen >= 0) {
    const was = chosen;
    choose(-1);
    nodes[was].focus({ preventScroll: true });
  } else if (keys[event.key] && !panel.contains(event.target)) {
    keys[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

/* A page can be opened at a stage: page.html#stage=train. Links in the page do the same. */
const open = hash => {
  const match = /^#stage=(.*)$/.exec(hash);
  if (!match) return false;
  let name = match[1];
  try { name = decodeURIComponent(name); } catch { /* As it is. */ }
  const at = index.get(name);
  if (at === undefined) return false;
  choose(at, true);
  return true;
};
const bringIntoSight = () => viewer.scrollIntoView({ block: 'nearest' });
document.addEventListener('click', event => {
  const link = event.target.closest('a[href^="#stage="]');
  if (link && open(link.getAttribute('href'))) {
    event.preventDefault();
    bringIntoSight();
    panel.focus({ preventScroll: true });
  }
});
addEventListener('hashchange', () => { if (open(location.hash)) bringIntoSight(); });
fit();
open(location.hash);
document.documentElement.dataset.ready = 'yes';
})();
