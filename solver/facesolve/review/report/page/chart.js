// A chart of curves over the frames: bands, marks, a cursor; click for a frame, drag to zoom, wheel to pan and zoom.
// Drawn here: a plotting library's bundle and licence would travel in every page, and its styles need a laxer policy.

const MARGIN = { left: 46, right: 14, top: 12, bottom: 24 };
const DRAG_FROM = 4; // pixels: less is a click
const TIP_LINES = 14;

/**
 * series(): [{ name, colour, dash, values, deviations, digits, pins, held }], values and deviations one for each frame.
 * limits(): [low, high] that always show as lines, or null. unit: written behind values.
 */
class Chart {
  constructor(host, { label, unit = '', series, limits = () => null, empty = '' }) {
    Object.assign(this, { host, label, unit, series, limits, empty, band: null, hovered: null });
    this.under = make('canvas', { attributes: { role: 'img', 'aria-label': label } });
    this.over = make('canvas', { className: 'over', attributes: { 'aria-hidden': 'true' } });
    host.append(this.under, this.over);
    this.listen();
    this.measure();
    new ResizeObserver(() => {
      this.measure();
      this.draw();
    }).observe(host);
    on('view', () => this.draw());
    on('frame', () => this.drawOver());
  }

  measure() {
    const width = Math.max(1, this.host.clientWidth - MARGIN.left - MARGIN.right);
    const height = Math.max(1, this.host.clientHeight - MARGIN.top - MARGIN.bottom);
    this.box = { left: MARGIN.left, top: MARGIN.top, width, height };
  }

  x(index) {
    const [begin, end] = state.view;
    return this.box.left + ((index - begin) / (end - begin)) * this.box.width;
  }

  y(value) {
    const [low, high] = this.range;
    return this.box.top + (1 - (value - low) / (high - low)) * this.box.height;
  }

  frameAt(event) {
    const [begin, end] = state.view;
    const share = (event.clientX - this.over.getBoundingClientRect().left - this.box.left) / this.box.width;
    return begin + share * (end - begin);
  }

  draw() {
    this.shown = this.series();
    this.range = this.valueRange();
    const context = fitted(this.under);
    this.drawAxes(context);
    context.save();
    context.beginPath();
    context.rect(this.box.left, 0, this.box.width, this.box.top + this.box.height + 6);
    context.clip();
    this.shown.forEach((series) => this.drawBand(context, series));
    this.shown.forEach((series) => this.drawCurve(context, series));
    context.restore();
    this.host.dataset.view = state.view.map((limit) => limit.toFixed(2)).join(' ');
    this.drawOver();
  }

  /** Lowest and highest value to show, with the bands, among the frames in view. */
  valueRange() {
    const [first, last] = [Math.max(0, Math.floor(state.view[0])), Math.min(LAST, Math.ceil(state.view[1]))];
    let [low, high] = this.limits() ?? [Infinity, -Infinity];
    for (const { values, deviations, pins = [] } of this.shown) {
      for (let index = first; index <= last; index += 1) {
        const spread = bandsShown() && deviations[index] > 0 ? deviations[index] : 0;
        low = Math.min(low, values[index] - spread);
        high = Math.max(high, values[index] + spread);
      }
      for (const [, value] of pins) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    if (!(low <= high)) return [0, 1];
    const margin = Math.max((high - low) * 0.04, 1e-6);
    return [low - margin, high + margin];
  }

  drawAxes(context) {
    const { left, top, width, height } = this.box;
    context.fillStyle = INK.text;
    const { ticks, digits } = valueTicks(...this.range, Math.max(2, Math.floor(height / 34)));
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const tick of ticks) {
      const y = Math.round(this.y(tick)) + 0.5;
      line(context, left, y, left + width, y, Math.abs(tick) < 1e-9 ? INK.zero : INK.grid);
      context.fillText(written(tick, digits), left - 7, y);
    }
    context.textAlign = 'center';
    context.textBaseline = 'top';
    for (const index of frameTicks(...state.view, Math.max(2, Math.floor(width / 46)))) {
      const x = Math.round(this.x(index)) + 0.5;
      line(context, x, top, x, top + height, INK.grid);
      context.fillText(String(DATA.frames[index]), x, top + height + 8);
    }
    context.setLineDash([3, 4]);
    for (const limit of this.limits() ?? []) {
      line(context, left, this.y(limit), left + width, this.y(limit), '#565c62');
    }
    context.setLineDash([]);
    if (!this.shown.length) {
      context.fillText(this.empty, left + width / 2, top + height / 2 - 6);
    }
  }

  /** Frames in view, one more on either side, cut where the take leaves frames out. */
  *stretches() {
    const last = Math.min(LAST, Math.ceil(state.view[1]));
    let begin = Math.max(0, Math.floor(state.view[0]));
    for (let index = begin; index <= last; index += 1) {
      if (index === last || DATA.frames[index + 1] !== DATA.frames[index] + 1) {
        yield [begin, index];
        begin = index + 1;
      }
    }
  }

  drawBand(context, { values, deviations, colour }) {
    if (!bandsShown()) return;
    context.fillStyle = colour;
    context.globalAlpha = 0.2;
    for (const [begin, end] of this.stretches()) {
      context.beginPath();
      for (let index = begin; index <= end; index += 1) {
        context.lineTo(this.x(index), this.y(values[index] + (deviations[index] || 0)));
      }
      for (let index = end; index >= begin; index -= 1) {
        context.lineTo(this.x(index), this.y(values[index] - (deviations[index] || 0)));
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }

  drawCurve(context, { values, colour, dash, pins = [] }) {
    context.lineJoin = 'round';
    context.setLineDash(dash ?? []);
    for (const [begin, end] of this.stretches()) {
      context.beginPath();
      for (let index = begin; index <= end; index += 1) context.lineTo(this.x(index), this.y(values[index]));
      context.strokeStyle = colour;
      context.lineWidth = 1.8;
      context.stroke();
      if (begin === end) diamond(context, this.x(begin), this.y(values[begin]), 2.5, colour);
    }
    context.setLineDash([]);
    for (const index of DATA.keyframes) diamond(context, this.x(index), this.y(values[index]), 3.4, colour);
    for (const [index, value] of pins) {
      context.fillStyle = INK.well;
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.fillRect(this.x(index) - 4.5, this.y(value) - 4.5, 9, 9);
      context.strokeRect(this.x(index) - 4.5, this.y(value) - 4.5, 9, 9);
    }
  }

  drawOver() {
    const context = fitted(this.over);
    const { left, top, width, height } = this.box;
    if (this.band) {
      const [from, to] = this.band.map((index) => Math.min(Math.max(this.x(index), left), left + width));
      context.fillStyle = 'rgba(92, 200, 232, 0.16)';
      context.fillRect(Math.min(from, to), top, Math.abs(to - from), height);
    }
    for (const [index, colour] of [[this.hovered, '#6c7379'], [state.frame, INK.cursor]]) {
      if (index === null || index < state.view[0] || index > state.view[1]) continue;
      const x = Math.round(this.x(index)) + 0.5;
      line(context, x, top - 6, x, top + height, colour);
      for (const { values, colour: ink } of this.shown) {
        context.fillStyle = ink;
        context.beginPath();
        context.arc(x, this.y(values[index]), 3.4, 0, 7);
        context.fill();
      }
    }
    this.host.dataset.cursor = String(state.frame);
  }

  listen() {
    const { over } = this;
    let start = null;
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      start = { x: event.clientX, frame: this.frameAt(event), view: [...state.view], pans: event.shiftKey };
    });
    over.addEventListener('pointermove', (event) => {
      this.hover(event);
      if (!start || Math.abs(event.clientX - start.x) < DRAG_FROM) return;
      if (start.pans) {
        const moved = ((start.x - event.clientX) / this.box.width) * (start.view[1] - start.view[0]);
        setView(start.view[0] + moved, start.view[1] + moved);
      } else {
        this.band = [start.frame, this.frameAt(event)];
        this.drawOver();
      }
    });
    over.addEventListener('pointerup', (event) => {
      if (!start) return;
      if (this.band) setView(Math.min(...this.band), Math.max(...this.band));
      else if (Math.abs(event.clientX - start.x) < DRAG_FROM) goTo(this.frameAt(event));
      start = this.band = null;
      this.drawOver();
    });
    over.addEventListener('pointercancel', () => {
      start = this.band = null;
      this.drawOver();
    });
    over.addEventListener('pointerleave', () => {
      this.hovered = null;
      hideTip();
      this.drawOver();
    });
    over.addEventListener('dblclick', showWholeTake);
    over.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
  }

  wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (event.ctrlKey || event.metaKey || event.altKey) zoom(1.0015 ** event.deltaY, this.frameAt(event));
    else if (sideways && !wholeTake()) pan((sideways / this.box.width) * (state.view[1] - state.view[0]));
    else return;
    event.preventDefault();
  }

  hover(event) {
    this.hovered = Math.min(Math.max(Math.round(this.frameAt(event)), 0), LAST);
    const index = this.hovered;
    const rows = this.shown.slice(0, TIP_LINES).map((series) => [this.valueText(series, index), series.colour]);
    if (this.shown.length > TIP_LINES) rows.push([`and ${this.shown.length - TIP_LINES} more`]);
    const kind = KEYFRAMES.has(index) ? ', a keyframe of the solve' : '';
    showTip(event, [[frameName(index) + kind], ...rows]);
    this.drawOver();
  }

  valueText(series, index) {
    return `${series.name}: ${valueAndSpread(series, index)}${this.unit}`;
  }
}

/** ``0.512 ± 0.004`` of a series at a frame, or what holds it there. */
function valueAndSpread({ values, deviations, digits, held, pins = [] }, index) {
  const value = written(values[index], digits);
  if (pins.some(([place]) => place === index)) return `${value} pinned`;
  if (held) return `${value} ${held}`;
  return deviations[index] > 0 ? `${value} ± ${written(deviations[index], digits)}` : value;
}
