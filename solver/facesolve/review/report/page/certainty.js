// Which controls are least certain, and which ones the footage cannot tell apart.

const LISTED = 10;

function showCertainty() {
  const host = byId('certainty');
  if (!DATA.has_deviations) {
    const sentence = 'The solution has no standard deviations, so the certainty of its curves is unknown.';
    host.append(make('p', { className: 'quiet' }, sentence));
    return;
  }
  const most = Math.max(...DATA.uncertain.map((row) => row.std), 1e-9);
  const rows = DATA.uncertain.map((row) => uncertainRow(row, most));
  const list = make('ul', { className: 'bars' }, ...rows.slice(0, LISTED));
  host.append(list);
  if (rows.length > LISTED) {
    const more = button(`All ${rows.length}`, 'List all controls', () => {
      list.replaceChildren(...rows);
      more.remove();
    });
    host.append(more);
  }
}

/** A bar with one standard deviation; pressing it picks the control and goes to where it is least certain. */
function uncertainRow({ control, std, frame }, most) {
  const { name } = DATA.controls[control];
  const bar = make('i', { className: 'bar-fill' });
  bar.style.width = `${(std / most) * 100}%`;
  const row = button('', `Show ${name}, least certain at ${frameName(frame)}`, () => {
    pickOnly([control]);
    bringUp(frame);
  }, 'bar-row');
  row.append(make('span', { className: 'name' }, name), make('span', { className: 'track' }, bar));
  row.append(make('span', { className: 'number' }, `±${written(std * 100, std < 0.01 ? 2 : 1)} %`));
  return make('li', {}, row);
}

function showConfused() {
  const host = byId('confused');
  if (!DATA.confused.length) {
    const sentence = 'None: no two controls’ errors are strongly correlated over the take.';
    host.append(make('p', { className: 'quiet' }, sentence));
    return;
  }
  const items = DATA.confused.map(({ first, second, correlation }) => {
    const [one, other] = [DATA.controls[first].name, DATA.controls[second].name];
    const how = correlation > 0
      ? 'raising both together hardly changes the picture'
      : 'more of the one looks like more of the other';
    const show = button('', `Show ${one} and ${other}`, () => {
      pickOnly([first, second]);
      bringUp();
    }, 'pair-row');
    show.append(make('b', {}, one), ' and ', make('b', {}, other));
    show.append(make('span', { className: 'number' }, written(correlation, 2)));
    show.append(make('span', { className: 'quiet how' }, how));
    return make('li', {}, show);
  });
  const advice = 'Lock one of a pair, stiffen it, or make them symmetric or exclusive, if the split between them matters.';
  host.append(make('ul', { className: 'pairs' }, ...items), make('p', { className: 'quiet' }, advice));
}
