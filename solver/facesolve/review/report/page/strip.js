// The error of every camera at every frame as a strip of heat, which is also the timeline: click or drag for a frame.

const HEAT = [ // times the usual error -> color, red green blue
  [0.8, [31, 52, 62]],
  [1.0, [43, 88, 97]],
  [1.25, [122, 128, 74]],
  [1.5, [222, 163, 62]],
  [2.0, [255, 104, 77]],
];
const MARKS = 12; // pixels for the marks above the cameras' rows, and below them for keyframes
const AXIS = 18;
const LEVEL_COLORS = ['', '#f0b34a', '#ff7a66'];
const LEVEL_WORDS = ['', 'worth a look', 'likely wrong'];

function heat(times) {
  if (times <= HEAT[0][0]) return rgb(HEAT[0][1]);
  for (let place = 1; place < HEAT.length; place += 1) {
    const [[low, from], [high, to]] = [HEAT[place - 1], HEAT[place]];
    if (times <= high) return rgb(from.map((part, n) => part + ((times - low) / (high - low)) * (to[n] - part)));
  }
  return rgb(HEAT[HEAT.length - 1][1]);
}

const rgb = (parts) => `rgb(${parts.map(Math.round).join(', ')})`;

const timesUsual = (camera, index) => (ERRORS[camera]?.[index] ?? NaN) / USUAL[index];

function showStrip() {
  const row = DATA.cameras.length <= 4 ? 18 : DATA.cameras.length <= 9 ? 13 : 9;
  const under = make('canvas', { attributes: { 'aria-hidden': 'true' } });
  const over = make('canvas', {
    className: 'over',
    tabIndex: 0,
    attributes: {
      role: 'slider',
      'aria-label': 'Frame, over the error of each camera',
      'aria-valuemin': '0',
      'aria-valuemax': String(LAST),
    },
  });
  const cells = make('div', { className: 'cells' }, under, over);
  cells.style.height = `${MARKS * 2 + AXIS + row * DATA.cameras.length}px`;
  const names = make('div', { className: 'cameras', attributes: { 'aria-hidden': 'true' } });
  names.style.paddingTop = `${MARKS}px`;
  for (const camera of DATA.cameras) {
    const name = make('div', { title: camera }, camera);
    name.style.height = name.style.lineHeight = `${row}px`;
    names.append(name);
  }
  byId('strip').append(names, cells, stripLegend());
  const draw = () => {
    drawStrip(under, row);
    drawPlayhead(over, row);
  };
  new ResizeObserver(draw).observe(cells);
  on('frame', () => drawPlayhead(over, row));
  on('view', draw);
  listenToStrip(over, row);
}

function drawStrip(canvas, row) {
  const context = fitted(canvas);
  const width = canvas.clientWidth;
  const step = width / FRAMES;
  const bottom = MARKS + row * DATA.cameras.length;
  const columns = Math.min(FRAMES, Math.max(1, Math.floor(width)));
  for (let column = 0; column < columns; column += 1) {
    const [first, end] = [column, column + 1].map((n) => Math.floor((n * FRAMES) / columns));
    const box = [first * step, Math.max((end - first) * step - (step > 5 ? 1 : 0), 1)];
    DATA.cameras.forEach((_, camera) => {
      let worst = -Infinity;
      for (let index = first; index < end; index += 1) worst = Math.max(worst, timesUsual(camera, index) || -Infinity);
      drawCell(context, box[0], MARKS + camera * row, box[1], row - 1, worst);
    });
    const level = Math.max(...DATA.levels.slice(first, end));
    if (level) drawMark(context, box[0] + box[1] / 2, LEVEL_COLORS[level]);
  }
  for (const index of DATA.keyframes) diamond(context, (index + 0.5) * step, bottom + 6, 3, '#7d858c');
  drawStripAxis(context, width, bottom + MARKS);
  if (!wholeTake()) shadeOutsideView(context, width, bottom);
}

function drawPlayhead(canvas, row) {
  const context = fitted(canvas);
  const x = Math.round(((state.frame + 0.5) / FRAMES) * canvas.clientWidth) + 0.5;
  line(context, x, 2, x, MARKS * 2 + row * DATA.cameras.length, INK.cursor, 1.5);
  canvas.setAttribute('aria-valuenow', String(state.frame));
  canvas.setAttribute('aria-valuetext', frameName(state.frame));
}

function drawCell(context, x, y, width, height, times) {
  context.fillStyle = Number.isFinite(times) ? heat(times) : '#26292c';
  context.fillRect(x, y, width, height);
  if (!Number.isFinite(times)) line(context, x, y + height, x + width, y, '#5a6066');
}

function drawMark(context, x, color) {
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x - 4, 2);
  context.lineTo(x + 4, 2);
  context.lineTo(x, 9);
  context.fill();
}

function drawStripAxis(context, width, top) {
  context.fillStyle = INK.text;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const index of frameTicks(-0.5, LAST + 0.5, Math.max(2, Math.floor(width / 46)))) {
    const x = ((index + 0.5) / FRAMES) * width;
    const text = String(DATA.frames[index]);
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(Math.max(x, half), width - half), top + 4);
  }
}

function shadeOutsideView(context, width, bottom) {
  const [left, right] = state.view.map((index) => ((index + 0.5) / FRAMES) * width);
  context.fillStyle = 'rgba(18, 19, 21, 0.66)';
  context.fillRect(0, MARKS - 2, left, bottom - MARKS + 2);
  context.fillRect(right, MARKS - 2, width - right, bottom - MARKS + 2);
  context.strokeStyle = INK.text;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, MARKS - 1.5, right - left - 1, bottom - MARKS + 2);
}

function listenToStrip(canvas, row) {
  const frameAt = (event) => {
    const { left, width } = canvas.getBoundingClientRect();
    return Math.min(Math.max(Math.floor(((event.clientX - left) / width) * FRAMES), 0), LAST);
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    goTo(frameAt(event));
  });
  canvas.addEventListener('pointermove', (event) => {
    const index = frameAt(event);
    if (event.buttons & 1) goTo(index);
    const camera = Math.floor((event.clientY - canvas.getBoundingClientRect().top - MARKS) / row);
    showTip(event, stripTip(index, camera));
  });
  canvas.addEventListener('pointerleave', hideTip);
}

function stripTip(index, chosen) {
  const level = DATA.levels[index];
  const kind = KEYFRAMES.has(index) ? ', a keyframe of the solve' : '';
  const lines = [[frameName(index) + kind]];
  if (level) lines.push([LEVEL_WORDS[level], LEVEL_COLORS[level]]);
  DATA.cameras.forEach((camera, place) => {
    if (DATA.cameras.length > 9 && place !== chosen) return;
    const times = timesUsual(place, index);
    const text = Number.isFinite(times)
      ? `error ${written(ERRORS[place][index], 4)}, ${written(times, 2)}× the usual`
      : 'not used';
    lines.push([`${camera}: ${text}`, Number.isFinite(times) ? heat(times) : '#5a6066']);
  });
  return lines;
}

function stripLegend() {
  const scale = make('i', { className: 'scale' });
  const [low, high] = [HEAT[0][0], HEAT[HEAT.length - 1][0]];
  const stops = HEAT.map(([times, parts]) => `${rgb(parts)} ${((times - low) / (high - low)) * 100}%`);
  scale.style.background = `linear-gradient(90deg, ${stops.join(', ')})`;
  const about =
    'Root mean square of the robust difference between footage and agreed colors, against the median over the ' +
    'take. Keyframes are compared among themselves, since their colors are the ones agreed on.';
  const legend = make('p', { className: 'legend', title: about }, 'Error: ', `${low}×`, scale, `${high}× the usual`);
  if (ERRORS.some((errors) => errors.some((error) => !Number.isFinite(error)))) {
    legend.append(make('span', {}, make('i', { className: 'unseen' }), 'not used'));
  }
  if (KEYFRAMES.size) legend.append(make('span', {}, make('i', { className: 'key' }), 'keyframe of the solve'));
  if (DATA.levels.some(Boolean)) legend.append(make('span', {}, make('i', { className: 'mark' }), 'stands out'));
  return legend;
}
