// The list of controls: filter by name, regions, a small curve and the value of each at the frame.

const SPARK = { width: 56, height: 16 };
const FIRST_PICKS = 4;

function showPicker() {
  const filter = make('input', {
    type: 'search',
    id: 'filter',
    placeholder: 'Filter by name',
    attributes: { 'aria-label': 'Filter controls by name', spellcheck: 'false', autocomplete: 'off' },
  });
  const quick = make('div', { className: 'quick' });
  quick.append(
    button('Most active', 'Pick the controls that move most', () => pickOnly(byTravel().slice(0, FIRST_PICKS))),
    button('None', 'Drop all picked controls', () => pickOnly([])),
  );
  const list = make('div', { className: 'controls', attributes: { role: 'group', 'aria-label': 'Controls' } });
  const none = make('p', { className: 'quiet', hidden: true }, 'No control has such a name.');
  const rows = DATA.controls.map((_, control) => controlRow(control));
  const groups = DATA.regions.map((region) => regionGroup(region, rows)).filter(Boolean);
  list.append(...groups.map((group) => group.element), none);
  byId('picker').append(filter, quick, list);

  const narrow = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.element.hidden = !words.every((word) => row.name.includes(word));
    for (const group of groups) group.element.hidden = group.rows.every((row) => row.element.hidden);
    none.hidden = rows.some((row) => !row.element.hidden);
  };
  const refresh = () => {
    rows.forEach((row) => row.refresh());
    groups.forEach((group) => group.refresh());
  };
  filter.addEventListener('input', narrow);
  filter.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      filter.value = '';
      narrow();
      filter.blur();
    }
  });
  on('picks', refresh);
  on('frame', () => rows.forEach((row) => row.tellValue()));
  pickOnly(byTravel().slice(0, FIRST_PICKS));
}

/** One control: a check box with its name, curve and value. */
function controlRow(control) {
  const { name, held, plug } = DATA.controls[control];
  const box = make('input', { type: 'checkbox' });
  const value = make('span', { className: 'number' });
  const digits = Math.min(3, digitsFor(controlRange(DATA.controls[control])));
  const words = make('span', { className: 'name' }, name);
  const element = make('label', { className: 'control', title: plug || name }, box, words);
  element.append(held ? make('em', {}, held) : spark(control), value);
  box.addEventListener('change', () => pickEach([control], box.checked));
  box.addEventListener('click', (event) => event.detail > 0 && box.blur());
  const row = {
    control,
    element,
    name: `${name} ${plug}`.toLowerCase(),
    tellValue: () => {
      value.textContent = written(VALUES[control][state.frame], digits);
    },
    refresh: () => {
      box.checked = picked.has(control);
      element.style.setProperty('--ink', picked.has(control) ? colorOf(control) : '');
      element.classList.toggle('picked', picked.has(control));
    },
  };
  row.tellValue();
  return row;
}

/** A region with its controls under a check box that picks all that the filter leaves. */
function regionGroup(region, allRows) {
  const rows = allRows.filter((row) => DATA.controls[row.control].region === region);
  if (!rows.length) return null;
  const box = make('input', { type: 'checkbox', attributes: { 'aria-label': `All of ${region}` } });
  const count = make('span', { className: 'number' });
  const head = make('label', { className: 'region' }, box, make('span', { className: 'name' }, region), count);
  const element = make('div', { attributes: { role: 'group', 'aria-label': region } }, head);
  element.append(...rows.map((row) => row.element));
  box.addEventListener('change', () => {
    const shown = rows.filter((row) => !row.element.hidden);
    pickEach(shown.map((row) => row.control), box.checked);
  });
  box.addEventListener('click', (event) => event.detail > 0 && box.blur());
  const refresh = () => {
    const chosen = rows.filter((row) => picked.has(row.control)).length;
    box.checked = chosen === rows.length;
    box.indeterminate = chosen > 0 && chosen < rows.length;
    count.replaceChildren(chosen ? `${chosen} of ${rows.length}` : String(rows.length));
  };
  return { element, rows, refresh };
}

/** The control's curve over the take, as tall as its range. */
function spark(control) {
  const { minimum } = DATA.controls[control];
  const range = controlRange(DATA.controls[control]);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', `0 0 ${SPARK.width} ${SPARK.height}`);
  svg.setAttribute('class', 'spark');
  svg.setAttribute('aria-hidden', 'true');
  const points = [];
  for (let x = 0; x <= SPARK.width; x += 1) {
    const value = VALUES[control][Math.round((x / SPARK.width) * LAST)];
    points.push(`${x},${(1 + (1 - (value - minimum) / range) * (SPARK.height - 2)).toFixed(1)}`);
  }
  const curve = document.createElementNS(svg.namespaceURI, 'polyline');
  curve.setAttribute('points', points.join(' '));
  svg.append(curve);
  return svg;
}
