(() => {
'use strict';
// The index: rows from the page's data, sorted and filtered. Everything that is shown is text, never markup.

const data = JSON.parse(document.getElementById('data').textContent);
const rows = data.rows;
const ORDER = ['not solved', 'does not fit', 'doubtful', '', 'fits', 'being solved'];
const DRIFTS = 4; // cameras whose line is shown, unless more of them drift
const FIRST = 5;
const state = { sort: 'trouble', up: false, text: '', verdict: null, sheet: false };

const COLUMNS = [
  { key: 'picture', title: 'Worst frame', needed: row => row.picture },
  { key: 'name', title: 'Take', value: row => row.name.toLowerCase() },
  { key: 'trouble', title: 'Verdict', value: row => row.trouble, down: true },
  { key: 'error', title: 'Expected error', about: 'How far the surface is expected to be from the truth, from the standard deviations', value: row => row.error, down: true },
  { key: 'sparks', title: 'Errors', about: 'What is left of the images, frame by frame; 1 is usual in the take', value: row => Math.max(0, ...row.sparks.map(value => value ?? 0)), down: true },
  { key: 'cameras', title: 'Cameras', value: row => row.cameras.length, down: true, needed: row => row.cameras.length },
  { key: 'frames', title: 'Frames', value: row => row.frames, down: true },
  { key: 'seconds', title: 'Time', value: row => row.seconds, down: true },
  { key: 'differs', title: 'Settings that differ', value: row => row.differs.length, down: true, needed: row => row.differs.length },
  { key: 'review', title: 'Review', value: row => row.review, needed: row => row.review },
].filter(column => !column.needed || rows.some(column.needed)); // a column of nothing tells nothing

function element(tag, classes, text) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function picture(row) {
  if (!row.picture) return element('div', 'blank');
  const image = element('img');
  image.loading = 'lazy';
  image.alt = `frame ${row.worst} of ${row.name}`;
  image.src = `data:image/jpeg;base64,${row.picture}`;
  return image;
}

function linked(row, text) {
  if (!row.report) return element('span', '', text);
  const link = element('a', '', text);
  link.href = row.report;
  return link;
}

function mark(row) {
  return element('span', `mark ${row.verdict.replaceAll(' ', '-')}${row.verdict === 'fits' && row.why.length ? ' but' : ''}`, row.verdict || 'no verdict');
}

function spark(row) {
  const made = svg('svg', { class: 'spark', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img' });
  const top = Math.max(2, ...row.sparks.map(value => value ?? 0));
  made.setAttribute('aria-label', `errors, largest ${top.toFixed(1)} times the usual`);
  const y = value => 29 - 28 * value / top;
  made.append(svg('line', { x1: 0, x2: 100, y1: y(1), y2: y(1) }));
  let path = '', pen = false;
  row.sparks.forEach((value, index) => {
    if (value === null) { pen = false; return; }
    const x = row.sparks.length > 1 ? 100 * index / (row.sparks.length - 1) : 50;
    path += `${pen ? 'L' : 'M'}${x.toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
  });
  made.append(svg('path', { d: path }));
  return made;
}

const CELLS = {
  picture: row => [picture(row)],
  name: row => [linked(row, row.name)],
  trouble: row => [mark(row), ...[row.reason, row.seen].filter(Boolean).map(text => element('small', '', text)), ...row.why.filter(text => !text.startsWith('cameras')).map(text => element('small', 'weak', text))],
  error: row => [element('span', '', row.error === null ? '–' : `${row.error.toFixed(2)} mm`)],
  sparks: row => (row.sparks.length ? [spark(row), element('small', '', `worst at ${row.worst}`)] : []),
  cameras: row => row.cameras.map(name => element('small', 'weak', name)),
  frames: row => [element('span', '', row.frames || '–')],
  seconds: row => [element('span', '', row.seconds === null ? '–' : duration(row.seconds))],
  differs: row => row.differs.map(text => element('small', '', text)),
  review: row => [element('span', '', row.review)],
};
const NUMBERS = new Set(['error', 'frames', 'seconds']);

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function tableRow(row) {
  const made = element('tr');
  for (const column of COLUMNS) {
    const cell = element('td', column.key === 'trouble' ? 'reason' : NUMBERS.has(column.key) ? 'number' : column.key);
    cell.append(...CELLS[column.key](row));
    made.append(cell);
  }
  return made;
}

function sheetCell(row) {
  const made = row.report ? element('a') : element('div');
  if (row.report) made.href = row.report;
  made.title = [row.reason, row.seen].filter(Boolean).join(' ');
  made.append(picture(row), mark(row), element('div', '', row.name));
  return made;
}

const made = new Map(rows.map(row => [row, {}]));
function kept(row, kind, build) {
  const cache = made.get(row);
  return cache[kind] ??= build(row);
}

function words(row) {
  return [row.name, row.verdict, row.reason, row.seen, row.next, row.review, ...row.why, ...row.cameras, ...row.differs].join(' ').toLowerCase();
}
const searched = new Map(rows.map(row => [row, words(row)]));

function shown() {
  const column = COLUMNS.find(one => one.key === state.sort);
  const wanted = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const some = rows.filter(row =>
    (state.verdict === null || row.verdict === state.verdict) && wanted.every(word => searched.get(row).includes(word)));
  const value = row => column.value(row) ?? -Infinity;
  return some.sort((a, b) => {
    const [first, second] = [value(a), value(b)];
    const order = first < second ? -1 : first > second ? 1 : 0;
    return (state.up ? order : -order) || a.name.localeCompare(b.name);
  });
}

function draw() {
  const some = shown();
  document.getElementById('table').hidden = state.sheet;
  document.getElementById('sheet').hidden = !state.sheet;
  document.getElementById('as-table').setAttribute('aria-pressed', String(!state.sheet));
  document.getElementById('as-sheet').setAttribute('aria-pressed', String(state.sheet));
  if (state.sheet) document.getElementById('sheet').replaceChildren(...some.map(row => kept(row, 'cell', sheetCell)));
  else document.getElementById('rows').replaceChildren(...some.map(row => kept(row, 'line', tableRow)));
  document.getElementById('count').textContent = some.length === rows.length ? `${rows.length} takes` : `${some.length} of ${rows.length} takes`;
  for (const head of document.getElementById('heads').children) {
    const sorted = head.dataset.key === state.sort;
    head.setAttribute('aria-sort', sorted ? (state.up ? 'ascending' : 'descending') : 'none');
  }
  for (const button of document.getElementById('tally').children) {
    button.setAttribute('aria-pressed', String(button.dataset.verdict === state.verdict));
  }
}

function drawHeads() {
  for (const column of COLUMNS) {
    const head = element('th');
    head.scope = 'col';
    head.dataset.key = column.key;
    if (column.about) head.title = column.about;
    if (!column.value) head.textContent = column.title;
    else {
      const button = element('button', '', column.title);
      button.type = 'button';
      button.addEventListener('click', () => {
        state.up = state.sort === column.key ? !state.up : !column.down;
        state.sort = column.key;
        draw();
      });
      head.append(button);
    }
    document.getElementById('heads').append(head);
  }
}

function drawTally() {
  for (const verdict of ORDER) {
    const count = rows.filter(row => row.verdict === verdict).length;
    if (!count) continue;
    const button = element('button');
    button.type = 'button';
    button.dataset.verdict = verdict;
    button.append(element('span', `mark ${verdict.replaceAll(' ', '-')}`, `${count} ${verdict || 'no verdict'}`));
    button.addEventListener('click', () => {
      state.verdict = state.verdict === verdict ? null : verdict;
      draw();
    });
    document.getElementById('tally').append(button);
  }
}

function drawFirst() {
  const needs = [...rows].sort((a, b) => b.trouble - a.trouble)
    .filter(row => row.review !== 'approved' && row.verdict !== 'being solved' && (row.verdict !== 'fits' || row.why.length));
  const worst = needs.slice(0, FIRST), list = document.getElementById('first');
  for (const row of worst) {
    const item = element('li'), words = element('div'), title = element('strong');
    title.append(linked(row, row.name));
    const said = row.verdict === 'fits' ? row.why : [row.reason, row.seen, ...row.why].filter(Boolean);
    words.append(title, mark(row), ...said.map(text => element('p', '', text)));
    if (row.next) words.append(element('p', 'quiet', `Next: ${row.next}`));
    item.append(picture(row), words);
    list.append(item);
  }
  const more = needs.slice(FIRST), named = more.slice(0, FIRST).map(row => row.name).join(', ');
  const others = more.length > FIRST ? ` and ${more.length - FIRST} more` : '';
  document.getElementById('first-more').textContent = more.length ? `Then ${named}${others}, in the table below, worst first.` : '';
  if (!worst.length) list.append(element('li', '', 'No take stands out.'));
}

/** How far a camera was off its calibration, take after take. */
function drifting({ camera, unit, points, rise, grows }) {
  const part = element('div'), off = value => (unit === 'degrees' ? `${value.toFixed(3)}°` : `${value.toFixed(2)} mm`);
  const values = points.map(point => point[2]), top = Math.max(...values, 1e-6);
  const line = svg('svg', { class: 'spark drift', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img' });
  line.setAttribute('aria-label', `${camera}, ${off(values[0])} to ${off(values.at(-1))}`);
  const place = (value, index) => `${(100 * index / (values.length - 1)).toFixed(1)} ${(29 - 28 * value / top).toFixed(1)}`;
  line.append(svg('path', { d: `M${values.map(place).join('L')}` }));
  const time = date => (date ? `${date.slice(0, 16).replace('T', ' ')}, ` : '');
  const ends = [points[0], points.at(-1)].map(([name, date, value]) => `${off(value)} (${time(date)}${name})`);
  const told = grows ? `${camera} drifts off its calibration: ${off(rise)} more from first to last` : `${camera} holds its calibration`;
  part.append(element('h3', grows ? 'weak' : '', told), line, element('small', 'quiet', ends.join(' to ')));
  return part;
}

function drawAcross() {
  const list = document.getElementById('across-list');
  const block = (title, lines) => {
    if (!lines.length) return;
    const part = element('div'), items = element('ul');
    items.append(...lines.map(line => element('li', '', line)));
    part.append(element('h3', '', title), items);
    list.append(part);
  };
  const solved = rows.filter(row => row.frames).length;
  const { cameras, controls, always, drift } = data.across;
  block('Cameras above the others', cameras.map(([name, count]) => `${name}: ${count} of ${solved} takes`));
  block('Controls among the least certain in nearly every take', always.length ? [always.join(', ')] : []);
  block('Controls among the least certain', controls.map(([name, count]) => `${name}: ${count} of ${solved} takes`));
  const growing = drift.filter(one => one.grows).length;
  for (const one of drift.slice(0, Math.max(growing, DRIFTS))) list.append(drifting(one));
  document.getElementById('across').hidden = !list.children.length;
}

document.getElementById('title').textContent = data.folder.split('/').at(-1);
const frames = rows.reduce((sum, row) => sum + row.frames, 0);
document.getElementById('about').textContent = `${rows.length} takes, ${frames} frames, in ${data.folder}`;
document.getElementById('footer').textContent = `Facesolve ${data.written.facesolve}, ${data.written.date}`;
document.getElementById('filter').addEventListener('input', event => { state.text = event.target.value; draw(); });
document.getElementById('as-table').addEventListener('click', () => { state.sheet = false; draw(); });
document.getElementById('as-sheet').addEventListener('click', () => { state.sheet = true; draw(); });
drawHeads();
drawTally();
drawFirst();
drawAcross();
draw();
})();
