// The picked controls' curves, their values at the frame, and the tools above them.

const tools = { bands: DATA.has_deviations, share: false };
const bandsShown = () => tools.bands;

/** What a chart draws of a control: its own values, or their part of its range. */
function controlSeries(control) {
  const { name, held, pins, minimum, ...record } = DATA.controls[control];
  const range = controlRange(DATA.controls[control]);
  const scaled = (values, from) => (tools.share ? values.map((value) => (value - from) / range) : values);
  return {
    name,
    held,
    control,
    color: colorOf(control),
    dash: dashOf(control),
    values: scaled(VALUES[control], minimum),
    other: OTHER_VALUES && scaled(OTHER_VALUES[control], minimum),
    deviations: scaled(DEVIATIONS[control], 0),
    pins: pins.map(([index, value]) => [index, tools.share ? (value - minimum) / range : value]),
    digits: tools.share ? 3 : digitsFor(range),
    rangeKnown: record.range_known,
  };
}

/** The range that all picked controls have in common, or null. */
function commonLimits() {
  const ranges = [...picked.keys()].map((control) => DATA.controls[control]);
  if (!ranges.length || ranges.some((range) => !range.range_known)) return null;
  if (tools.share) return [0, 1];
  const { minimum, maximum } = ranges[0];
  const same = ranges.every((range) => range.minimum === minimum && range.maximum === maximum);
  return same ? [minimum, maximum] : null;
}

function showCurves() {
  const series = () => [...picked.keys()].map(controlSeries);
  const chart = new Chart(byId('curve-chart'), {
    label: 'Curves of the picked controls over the frames',
    series,
    limits: commonLimits,
    empty: 'Pick controls on the right',
  });
  on('picks', () => {
    chart.draw();
    showReadout(chart);
  });
  on('frame', () => showReadout(chart));
  showTools(chart);
}

/** One chip for each picked control: color, name, value and deviation at the frame, and a cross to drop it. */
function showReadout(chart) {
  byId('readout').replaceChildren(
    ...chart.shown.map((series) => {
      const drop = button('×', `Drop ${series.name}`, () => pickEach([series.control], false), 'drop');
      const value = make('b', {}, valueAndSpread(series, state.frame));
      return make('li', { title: series.name }, swatch(series.color), make('span', {}, series.name), value, drop);
    }),
  );
}

function showTools(chart) {
  const bar = byId('curve-tools');
  if (DATA.against) bar.append(make('span', { className: 'aside' }, `dotted: ${DATA.against.name}`));
  const toggle = (text, description, name) => {
    const element = button(text, description, () => {
      tools[name] = !tools[name];
      element.setAttribute('aria-pressed', String(tools[name]));
      tell('picks');
    });
    element.setAttribute('aria-pressed', String(tools[name]));
    return element;
  };
  if (DATA.has_deviations) bar.append(toggle('±1 sd', 'Bands of one standard deviation', 'bands'));
  const ranges = new Set(DATA.controls.map((control) => `${control.minimum} ${control.maximum}`));
  if (ranges.size > 1) bar.append(toggle('% of range', 'Curves as parts of each control’s range', 'share'));
  const whole = button('Whole take', 'Show the whole take (0)', showWholeTake);
  bar.append(
    button('−', 'Zoom out (−)', () => zoom(1.6)),
    button('+', 'Zoom in (+)', () => zoom(1 / 1.6)),
    whole,
  );
  const enable = () => {
    whole.disabled = wholeTake();
  };
  on('view', enable);
  enable();
  bar.title = 'Drag across the curves to zoom, Shift-drag to pan, Ctrl-wheel to zoom, double-click for the whole take';
  chart.draw();
}

function showHeadMotion() {
  const axes = [['x', '#f0796a'], ['y', '#7cc96f'], ['z', '#6ea8f0']];
  const charts = [
    ['Rotation, degrees', 'rotation', '°', 'Axis-angle vector in the axes of the head at the first frame'],
    ['Translation, mm', 'translation', ' mm', 'Of the head transform, along the axes of the scene'],
  ];
  for (const [title, name, unit, about] of charts) {
    const rows = unpack(DATA[name]);
    const spreads = unpack(DATA[`${name}_deviations`]);
    const host = make('div', { className: 'chart low' });
    const legend = make('p', { className: 'legend', title: about }, make('b', {}, title));
    const texts = axes.map(([axis, color]) => {
      const text = make('span', { className: 'number' });
      legend.append(make('span', {}, swatch(color), `${axis} `, text));
      return text;
    });
    byId('head').append(make('div', {}, legend, host));
    const series = axes.map(([axis, color], row) => {
      return { name: axis, color, values: rows[row], deviations: spreads[row], digits: 2 };
    });
    const chart = new Chart(host, { label: `Head motion: ${title} over the frames`, unit, series: () => series });
    chart.draw();
    on('picks', () => chart.draw()); // the bands may have been switched
    const tellValues = () => {
      texts.forEach((text, row) => text.replaceChildren(valueAndSpread(series[row], state.frame) + unit));
    };
    on('frame', tellValues);
    tellValues();
  }
}
