// Axes: round numbers for ticks, canvases that are sharp on every screen.

const INK = { text: '#9aa2a8', grid: '#2b2e31', zero: '#43484d', cursor: '#ffffff', well: '#191b1d' };
const FONT = '11px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** A step of 1, 2 or 5 times a power of ten that cuts `range` into at most `most` parts. */
function roundStep(range, most) {
  const rough = range / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((times) => power * times >= rough * (1 - 1e-9)) ?? 10);
}

/** Indices of the frames to label between two view limits: round frame numbers, at most `most` of them. */
function frameTicks(begin, end, most) {
  const step = Math.max(1, Math.round(roundStep(end - begin, most)));
  const first = Math.max(0, Math.ceil(begin));
  const last = Math.min(LAST, Math.floor(end));
  const ticks = [];
  for (let index = first; index <= last; index += 1) if (DATA.frames[index] % step === 0) ticks.push(index);
  return ticks;
}

/** Makes `canvas` as many device pixels as its box has and returns its context, scaled to CSS pixels. */
function fitted(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  const width = Math.max(1, Math.round(clientWidth * ratio));
  const height = Math.max(1, Math.round(clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  context.font = FONT;
  return context;
}

function line(context, x0, y0, x1, y1, color, width = 1) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function diamond(context, x, y, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.fill();
}

/** A small patch of color in a legend or a line of text. */
function swatch(color) {
  const patch = make('i', { className: 'swatch' });
  patch.style.background = color;
  return patch;
}

const tip = byId('tip');

/** Shows lines of text beside the pointer; each is [text] or [text, color]. */
function showTip(event, lines) {
  tip.replaceChildren(
    ...lines.map(([text, color]) => {
      const row = make('div', {}, text);
      if (color) row.prepend(swatch(color));
      return row;
    }),
  );
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = event.clientX + 14 + width > innerWidth ? event.clientX - width - 12 : event.clientX + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.min(Math.max(4, event.clientY - height / 2), innerHeight - height - 4)}px`;
}

function hideTip() {
  tip.hidden = true;
}
