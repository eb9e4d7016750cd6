// Curves over the frames by uPlot: bands, marks, a playhead. Click for a frame, drag to zoom, Shift-drag to pan.

const DRAG_FROM = 4; // pixels: less is a click
const TIP_LINES = 14;
const INDICES = DATA.frames.map((_, index) => index);
// the frames after which the take leaves some out, and the ones without a neighbor
const CUTS = INDICES.slice(0, -1).filter((index) => DATA.frames[index + 1] !== DATA.frames[index] + 1);
const ALONE = INDICES.filter((index) => [index - 1, index].every((cut) => CUTS.includes(cut) || cut < 0 || cut === LAST));
const CURVE_LOOK = { width: 1.8, pxAlign: 0, points: { show: false }, gaps: cutGaps };
const AXIS_LOOK = { stroke: INK.text, font: FONT, grid: { stroke: INK.grid, width: 1 }, ticks: { show: false } };

/**
 * series(): [{ name, color, dash, values, deviations, digits, pins, held }], values and deviations one for each frame.
 * limits(): [low, high] that always show as lines, or null. unit: written behind values.
 */
class Chart {
  constructor(host, { label, unit = '', series, limits = () => null, empty = '' }) {
    Object.assign(this, { host, label, unit, series, limits });
    this.playhead = make('div', { className: 'playhead' });
    this.empty = make('p', { className: 'quiet empty' }, empty);
    host.append(this.empty);
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(host);
    on('view', () => this.showView());
    on('frame', () => this.showPlayhead());
  }

  size() {
    return { width: Math.max(1, this.host.clientWidth), height: Math.max(1, this.host.clientHeight) };
  }

  /** Draws the series afresh: other ones were picked, or the bands switched. */
  draw() {
    this.shown = this.series();
    this.empty.hidden = this.shown.length > 0;
    this.playhead.replaceChildren(...this.shown.map(({ color }) => swatch(color)));
    this.plot?.destroy();
    const curves = this.shown.map(({ color, dash, values }) => ({ values, stroke: color, dash }));
    const edges = bandsShown() ? this.shown.flatMap(bandEdges) : [];
    const [begin, end] = [curves.length, curves.length + edges.length];
    const bands = edges.filter((_, n) => n % 2 === 0).map(({ color }, n) => {
      return { series: [begin + 1 + 2 * n, begin + 2 + 2 * n], fill: `${color}33` };
    });
    const others = this.shown.filter(({ other }) => other).map(({ color, other }) => ({ values: other, stroke: color, dash: [2, 4] }));
    const drawn = [...curves, ...edges, ...others];
    const series = drawn.map(({ stroke, dash }) => ({ ...CURVE_LOOK, stroke, dash }));
    const data = [INDICES, ...drawn.map(({ values }) => values)];
    this.plot = new uPlot({ ...this.options(), bands, series: [{}, ...series] }, data, this.host);
    this.plot.ctx.canvas.setAttribute('role', 'img');
    this.plot.ctx.canvas.setAttribute('aria-label', this.label);
    this.plot.over.append(this.playhead);
    this.listen(this.plot.over);
    this.showView();
  }

  options() {
    return {
      ...this.size(),
      padding: [12, 14, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => state.view },
        y: { range: (_, low, high) => this.valueRange(low, high) },
      },
      axes: [
        { ...AXIS_LOOK, size: 24, gap: 6, splits: frameSplits, values: frameNumbers },
        { ...AXIS_LOOK, size: 46, gap: 7, space: 34, values: writtenTicks },
      ],
      cursor: {
        y: false,
        move: (plot, left, top) => [left < 0 ? left : plot.valToPos(nearestFrame(plot, left), 'x'), top],
        points: { size: 7, width: 0, fill: (_, place) => this.shown[place - 1]?.color },
        dataIdx: (_, place, index) => (place > this.shown.length ? null : index), // not the edges of bands
        // click: uPlot's own would swallow a click during which the mouse moves by a pixel
        drag: { x: true, y: false, setScale: false, dist: DRAG_FROM, click: () => {} },
        bind: {
          dblclick: () => showWholeTake,
          mousedown: (_, __, zooms) => (event) => event.shiftKey || zooms(event),
        },
      },
      hooks: {
        drawAxes: [(plot) => this.drawLimits(plot)],
        drawSeries: [(plot, place) => drawMarks(plot, this.shown[place - 1])],
        draw: [() => this.showPlayhead()],
        setCursor: [(plot) => this.hover(plot)],
        setSelect: [zoomToSelection],
      },
    };
  }

  /** Lowest and highest value to show: of curves and bands in view, of limits and pins. */
  valueRange(low, high) {
    const pinned = this.shown.flatMap(({ pins = [] }) => pins.map(([, value]) => value));
    const more = [...(this.limits() ?? []), ...pinned];
    const [least, most] = [Math.min(low ?? Infinity, ...more), Math.max(high ?? -Infinity, ...more)];
    if (!(least <= most)) return [0, 1];
    const margin = Math.max((most - least) * 0.04, 1e-6);
    return [least - margin, most + margin];
  }

  drawLimits(plot) {
    const across = (value, color) => {
      const y = Math.round(plot.valToPos(value, 'y', true)) + 0.5;
      const { left, top, width, height } = plot.bbox;
      if (y >= top && y <= top + height) line(plot.ctx, left, y, left + width, y, color, uPlot.pxRatio);
    };
    across(0, INK.zero);
    plot.ctx.setLineDash([3 * uPlot.pxRatio, 4 * uPlot.pxRatio]);
    for (const limit of this.limits() ?? []) across(limit, '#565c62');
    plot.ctx.setLineDash([]);
  }

  showView() {
    const [min, max] = state.view;
    this.plot.setScale('x', { min, max });
    this.host.dataset.view = state.view.map((limit) => limit.toFixed(2)).join(' ');
  }

  /** The line at the present frame, with a dot on every curve. */
  showPlayhead() {
    const { plot, playhead, shown } = this;
    playhead.hidden = state.frame < state.view[0] || state.frame > state.view[1];
    playhead.style.left = `${plot.valToPos(state.frame, 'x')}px`;
    shown.forEach(({ values }, place) => {
      playhead.children[place].style.top = `${plot.valToPos(values[state.frame], 'y')}px`;
    });
    this.host.dataset.cursor = String(state.frame);
  }

  listen(over) {
    const press = { x: 0, view: null, pans: false };
    over.addEventListener('pointerdown', (event) => {
      Object.assign(press, { x: event.clientX, view: [...state.view], pans: event.button === 0 && event.shiftKey });
      if (press.pans) over.setPointerCapture(event.pointerId);
    });
    over.addEventListener('pointermove', (event) => {
      if (!press.pans) return;
      const moved = ((press.x - event.clientX) / over.clientWidth) * (press.view[1] - press.view[0]);
      setView(press.view[0] + moved, press.view[1] + moved);
    });
    for (const end of ['pointerup', 'pointercancel']) over.addEventListener(end, () => (press.pans = false));
    over.addEventListener('click', (event) => {
      if (Math.abs(event.clientX - press.x) < DRAG_FROM) goTo(this.frameAt(event));
    });
    over.addEventListener('mouseleave', hideTip);
    over.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
  }

  frameAt(event) {
    return this.plot.posToVal(event.clientX - this.plot.over.getBoundingClientRect().left, 'x');
  }

  wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (event.ctrlKey || event.metaKey || event.altKey) zoom(1.0015 ** event.deltaY, this.frameAt(event));
    else if (sideways && !wholeTake()) pan((sideways / this.plot.over.clientWidth) * (state.view[1] - state.view[0]));
    else return;
    event.preventDefault();
  }

  hover({ cursor }) {
    const { idx: index, event, left } = cursor;
    if (left < 0 || !event || index === null) return;
    const rows = this.shown.slice(0, TIP_LINES).map((series) => {
      return [`${series.name}: ${valueAndSpread(series, index)}${this.unit}`, series.color];
    });
    if (this.shown.length > TIP_LINES) rows.push([`and ${this.shown.length - TIP_LINES} more`]);
    const kind = KEYFRAMES.has(index) ? ', a keyframe of the solve' : '';
    showTip(event, [[frameName(index) + kind], ...rows]);
  }
}

const nearestFrame = (plot, left) => Math.min(Math.max(Math.round(plot.posToVal(left, 'x')), 0), LAST);

/** The upper and the lower edge of a series' band, as series without a line. */
function bandEdges({ color, values, deviations }) {
  return [1, -1].map((sign) => ({ color, values: values.map((value, n) => value + sign * (deviations[n] || 0)) }));
}

/** Where the take leaves frames out, curves and bands are cut: pixels from and to. */
function cutGaps(plot, _, first, last) {
  const cuts = CUTS.filter((index) => index >= first && index < last);
  return cuts.map((index) => [index, index + 1].map((end) => plot.valToPos(end, 'x', true)));
}

function frameSplits(plot) {
  return frameTicks(...state.view, Math.max(2, Math.floor(plot.over.clientWidth / 46)));
}

const frameNumbers = (_, indices) => indices.map((index) => String(DATA.frames[index]));

function writtenTicks(_, ticks, __, ___, step) {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return ticks.map((tick) => written(tick, digits));
}

/** A curve's keyframes and lone frames as diamonds, its pins as boxes. */
function drawMarks(plot, series) {
  if (!series) return;
  const { ctx: context, bbox } = plot;
  const ratio = uPlot.pxRatio;
  const place = (index, value) => [plot.valToPos(index, 'x', true), plot.valToPos(value, 'y', true)];
  context.save();
  context.beginPath();
  context.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height + 6 * ratio);
  context.clip();
  for (const [indices, radius] of [[ALONE, 2.5], [DATA.keyframes, 3.4]]) {
    for (const index of indices) diamond(context, ...place(index, series.values[index]), radius * ratio, series.color);
  }
  context.fillStyle = INK.well;
  context.strokeStyle = series.color;
  context.lineWidth = 2 * ratio;
  for (const [index, value] of series.pins ?? []) {
    const [x, y] = place(index, value);
    const box = [x - 4.5 * ratio, y - 4.5 * ratio, 9 * ratio, 9 * ratio];
    context.fillRect(...box);
    context.strokeRect(...box);
  }
  context.restore();
}

function zoomToSelection(plot) {
  const { left, width } = plot.select;
  if (!width) return;
  const view = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  setView(...view);
}

/** ``0.512 ± 0.004`` of a series at a frame, or what holds it there. */
function valueAndSpread({ values, deviations, digits, held, pins = [] }, index) {
  const value = written(values[index], digits);
  if (pins.some(([place]) => place === index)) return `${value} pinned`;
  if (held) return `${value} ${held}`;
  return deviations[index] > 0 ? `${value} ± ${written(deviations[index], digits)}` : value;
}
