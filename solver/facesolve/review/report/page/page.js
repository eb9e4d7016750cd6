// The page as a whole: heading, findings, keys.

const SEVERITIES = {
  error: ['Likely wrong', 'error', 'likely wrong'],
  warning: ['Worth a look', 'warning', 'worth a look'],
  note: ['Note', 'note', 'to note'],
};
const CHIPS = 8;

function showHeading() {
  byId('take-name').replaceChildren(DATA.take.name);
  const [first, last] = [DATA.frames[0], DATA.frames[LAST]];
  const origin = DATA.solution.provenance;
  const quality = isRecord(origin.settings) && origin.settings.quality;
  const counted = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const scene = SCENE_DIFFERS ? `, scene ${sceneTime(0)}–${sceneTime(LAST)}` : '';
  const facts = [
    `${counted(FRAMES, 'frame')}, ${first}–${last}${scene}`,
    `${Math.round(DATA.fps * 1000) / 1000} fps`,
    counted(DATA.cameras.length, 'camera'),
    counted(DATA.controls.length, 'control'),
    quality && `${quality} quality`,
    origin.date && `solved ${spokenDate(origin.date)}`,
  ];
  byId('facts').append(...facts.filter(Boolean).map((fact) => make('li', {}, fact)));
  byId('footer').append(
    'Keys: ← → one frame, with Shift ten · ↑ ↓ previous or next frame that stands out · space plays · Home, End · ',
    '+ − 0 zoom · F full screen · M sound. In the curves: click for a frame, drag to zoom, Shift-drag or wheel sideways to pan, Ctrl-wheel to zoom.',
  );
}

function showFindings() {
  const host = byId('finding-list');
  const counts = Object.entries(SEVERITIES)
    .map(([severity, [, , words]]) => [DATA.findings.filter((one) => one.severity === severity).length, words])
    .filter(([count]) => count);
  const serious = DATA.findings.find((finding) => finding.severity !== 'note');
  const verdict = byId('verdict');
  verdict.classList.add(serious ? serious.severity : 'fine');
  const listed = counts.map(([count, words]) => `${count} ${words}`).join(', ');
  verdict.append(serious ? listed : `Nothing stands out${listed ? ` (${listed})` : ''}`);
  if (!DATA.findings.length) host.append(make('p', { className: 'quiet' }, 'Nothing stands out.'));
  host.append(make('ul', { className: 'findings' }, ...DATA.findings.map(findingItem)));
}

function findingItem({ severity, subject, sentence, remedy, frames, controls }) {
  const [word, className] = SEVERITIES[severity];
  const item = make('li', { className }, make('b', { className: 'severity' }, word));
  item.append(make('strong', { className: 'subject' }, `${subject}: `), make('span', {}, sentence));
  if (remedy) item.append(make('p', { className: 'remedy' }, remedy));
  const chips = make('div', { className: 'chips' });
  const runs = runsOf(frames);
  for (const [first, last] of runs.slice(0, CHIPS)) {
    const name = `${DATA.frames[first]}${last > first ? `–${DATA.frames[last]}` : ''}`;
    chips.append(button(name, `Go to ${frameName(first)}`, () => {
      if (controls.length) pickOnly(controls);
      bringUp(first);
    }, 'chip'));
  }
  if (runs.length > CHIPS) chips.append(make('span', { className: 'quiet' }, `and ${runs.length - CHIPS} more`));
  if (controls.length) {
    chips.append(button('Show curves', 'Show these controls', () => {
      pickOnly(controls);
      bringUp();
    }, 'chip'));
  }
  if (chips.children.length) item.append(chips);
  return item;
}

const standOut = DATA.levels.flatMap((level, index) => (level ? [index] : []));

const KEYS = {
  ArrowLeft: (event) => goTo(state.frame - (event.shiftKey ? 10 : 1)),
  ArrowRight: (event) => goTo(state.frame + (event.shiftKey ? 10 : 1)),
  ArrowUp: () => goTo(standOut.findLast((index) => index < state.frame) ?? state.frame),
  ArrowDown: () => goTo(standOut.find((index) => index > state.frame) ?? state.frame),
  Home: () => goTo(0),
  End: () => goTo(LAST),
  ' ': () => play(!state.playing),
  '+': () => zoom(1 / 1.6),
  '=': () => zoom(1 / 1.6),
  '-': () => zoom(1.6),
  0: showWholeTake,
  f: fullScreen,
  m: toggleSound,
};

function listenToKeys() {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
    if (target.matches('input:not([type=checkbox]), select, pre')) return;
    if (event.key === ' ' && target.matches('button, a, summary, input')) return;
    if (['ArrowUp', 'ArrowDown'].includes(event.key) && !standOut.length) return;
    event.preventDefault();
    KEYS[event.key](event);
  });
}

showHeading();
showFindings();
showFilm();
showMoment();
showMarks();
showHead3d();
showStrip();
showCurves();
showPicker();
showHeadMotion();
showCertainty();
showConfused();
showProvenance();
listenToKeys();
