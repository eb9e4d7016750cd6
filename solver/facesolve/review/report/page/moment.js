// The frame that is shown, looked into: its neighbors side by side, and the controls that make its error.

const BESIDE = [-1, 0, 1];
const CAUSES = 6;
const STILL_WAIT = 120; // milliseconds without another frame, before pictures are sought
const moment = { video: null, address: null, figures: [], asked: 0, seen: false, timer: 0 };

function showMoment() {
  if (FILMS.length) {
    moment.figures = BESIDE.map((step) => {
      const canvas = make('canvas', { width: 1, height: 1 });
      const caption = make('figcaption');
      canvas.addEventListener('click', () => goTo(state.frame + step));
      byId('neighbors').append(make('figure', { className: step ? 'beside' : 'beside here' }, canvas, caption));
      return { step, canvas, caption };
    });
    new IntersectionObserver(([entry]) => {
      moment.seen = entry.isIntersecting;
      askNeighbors();
    }).observe(byId('moment-panel'));
    on('playing', askNeighbors);
  } else {
    byId('neighbors').hidden = true;
  }
  on('frame', () => {
    tellMoment();
    askNeighbors();
  });
  tellMoment();
}

/** Pictures of the frame and of those beside it, once nothing else is asked for and somebody sees them. */
function askNeighbors() {
  clearTimeout(moment.timer);
  moment.asked += 1;
  if (!moment.seen || state.playing || !player.film || !player.video) return;
  moment.timer = setTimeout(() => drawNeighbors(moment.asked), STILL_WAIT);
}

async function drawNeighbors(asked) {
  const address = filmAddress(FILMS.indexOf(player.film));
  if (address !== moment.address) {
    moment.address = address;
    moment.video = make('video', { muted: true, playsInline: true, preload: 'auto', src: address });
    await new Promise((resolve) => moment.video.addEventListener('loadeddata', resolve, { once: true }));
  }
  const { name, cell: [x, y, width, height] } = worstCell();
  for (const { step, canvas, caption } of moment.figures) {
    if (asked !== moment.asked) return;
    const frame = state.frame + step;
    const there = frame >= 0 && frame <= LAST;
    caption.replaceChildren(there ? `${frameName(frame)}${name ? `, ${name}` : ''}` : 'no frame');
    if (there) await sought(moment.video, timeOf(frame));
    if (asked !== moment.asked) return;
    Object.assign(canvas, { width, height }); // which also empties it
    if (there) canvas.getContext('2d').drawImage(moment.video, x, y, width, height, 0, 0, width, height);
    canvas.dataset.frame = there ? frame : '';
  }
}

/** The camera that is shown; of all cameras the one that fits this frame worst. */
function worstCell() {
  const cells = cellsOf(player.film);
  if (look.camera !== null || !cells.length) return { name: look.camera, cell: shownCell(player.film).cell };
  const error = ([name]) => timesUsual(DATA.cameras.indexOf(name), state.frame) || 0;
  const [name, ...cell] = cells.reduce((worst, one) => (error(one) > error(worst) ? one : worst));
  return { name, cell };
}

function sought(video, time) {
  return new Promise((resolve) => {
    if (Math.abs(video.currentTime - time) < 1e-4) resolve();
    else {
      video.addEventListener('seeked', resolve, { once: true });
      video.currentTime = time;
    }
  });
}

/** What makes the error of a frame, by control: how unsure, and how far off the line through the frames beside it. */
function causesOf(frame) {
  const [before, after] = [Math.max(frame - 1, 0), Math.min(frame + 1, LAST)];
  const rows = DATA.controls.map((control, index) => {
    const scale = SWAY ? SWAY[index] : 100 / controlRange(control);
    const unsure = scale * (DEVIATIONS[index][frame] || 0);
    const between = (VALUES[index][before] + VALUES[index][after]) / 2;
    const off = before < frame && frame < after ? scale * Math.abs(VALUES[index][frame] - between) : 0;
    return { index, unsure, off };
  });
  const total = Math.sqrt(rows.reduce((sum, { unsure }) => sum + unsure ** 2, 0));
  const worst = rows.sort((a, b) => Math.max(b.unsure, b.off) - Math.max(a.unsure, a.off)).slice(0, CAUSES);
  return { total, worst: worst.filter(({ unsure, off }) => unsure || off) };
}

function tellMoment() {
  const frame = state.frame;
  const { total, worst } = causesOf(frame);
  const times = DATA.cameras.map((name, camera) => [name, timesUsual(camera, frame)]).filter(([, error]) => Number.isFinite(error));
  const most = times.reduce((best, one) => (best && best[1] >= one[1] ? best : one), null);
  const seen = most ? `fits ${written(most[1], 2)}× the usual error in ${most[0]}` : 'no camera was used';
  const unit = SWAY ? 'mm' : '%';
  byId('moment-title').replaceChildren(`${frameName(frame).replace('f', 'F')}`);
  byId('moment-about').replaceChildren(SWAY ? `expected error ${written(total, 2)} mm, ${seen}` : seen);
  const head = make('tr', {}, ...['Control', 'How unsure', 'Off the neighbors’ line'].map((text) => make('th', { scope: 'col' }, text)));
  const rows = worst.map(({ index, unsure, off }) => {
    const name = button(DATA.controls[index].name, `Show the curve of ${DATA.controls[index].name}`, () => {
      pickOnly([index]);
      bringUp();
    }, 'chip');
    const number = (value, sign) => make('td', { className: 'number' }, `${sign}${written(value, SWAY ? 2 : 1)} ${unit}`);
    return make('tr', {}, make('td', {}, name), number(unsure, '±'), number(off, ''));
  });
  byId('causes').replaceChildren(
    make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows)),
    make('p', { className: 'quiet' }, SWAY ? 'Millimeters on the face, root mean square.' : 'Parts of the controls’ ranges.'),
  );
}
