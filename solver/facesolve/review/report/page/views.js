// How the video is looked at: one camera or all, full screen, wiped against another video, a loupe that follows a point.

const LOUPE_SHARE = 0.2; // of a picture's height that a loupe shows
const LOUPE_SIDE = 210; // pixels
const look = { camera: null, second: null, wipe: 50, loupe: null, viewport: null, cover: null };

const cellsOf = (film) => film.cells ?? [];

function makeViewport(video) {
  look.viewport = make('div', { className: 'viewport' }, video);
  return look.viewport;
}

/** The film's cell of the chosen camera, or the whole picture. */
function shownCell(film) {
  const [width, height] = film.size ?? [player.video.videoWidth || 16, player.video.videoHeight || 9];
  const cell = cellsOf(film).find(([name]) => name === look.camera);
  return { width, height, cell: cell ? cell.slice(1) : [0, 0, width, height] };
}

function applyView() {
  if (!player.video) return;
  const { width, height, cell: [x, y, w, h] } = shownCell(player.film);
  const { viewport } = look;
  viewport.style.aspectRatio = `${w} / ${h}`;
  viewport.style.setProperty('--aspect', w / h);
  for (const video of [player.video, look.second]) {
    if (!video) continue;
    Object.assign(video.style, { width: `${(100 * width) / w}%`, height: `${(100 * height) / h}%`, left: `${(-100 * x) / w}%`, top: `${(-100 * y) / h}%` });
  }
  if (look.cover) look.cover.style.clipPath = `inset(0 0 0 ${look.wipe}%)`;
  drawLoupes();
}

function showViewTools() {
  const names = [...new Set(FILMS.flatMap((film) => cellsOf(film).map(([name]) => name)))];
  const tools = byId('view-tools');
  if (names.length > 1) {
    const camera = make('select', { title: 'Cameras', id: 'solo', attributes: { 'aria-label': 'Which camera' } });
    camera.append(make('option', { value: '' }, 'All cameras'), ...names.map((name) => make('option', { value: name }, name)));
    camera.addEventListener('change', () => {
      look.camera = camera.value || null;
      camera.blur();
      applyView();
      askNeighbors();
    });
    tools.append(camera);
  }
  if (FILMS.length > 1) tools.append(wipeChoice());
  if (SURFACE && names.length) tools.append(loupeChoice());
  tools.append(button('Full screen', 'Show the video on the whole screen (F)', fullScreen));
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId('film-panel').requestFullscreen?.();
}

function wipeChoice() {
  const choice = make('select', { id: 'wipe', title: 'Wipe', attributes: { 'aria-label': 'Wipe against' } });
  choice.append(make('option', { value: '' }, 'No wipe'), ...FILMS.map((film, index) => make('option', { value: index }, `Wipe: ${film.label}`)));
  choice.addEventListener('change', () => {
    choice.blur();
    startWipe(choice.value === '' ? null : Number(choice.value));
  });
  return choice;
}

/** Lays another video over the right part of the one that is shown. */
function startWipe(index) {
  look.cover?.remove();
  byId('wipe-place')?.remove();
  Object.assign(look, { second: null, cover: null });
  if (index === null) return;
  const second = make('video', { muted: true, playsInline: true, loop: true, preload: 'auto', src: filmAddress(index) });
  second.addEventListener('seeked', followSecond);
  second.addEventListener('loadeddata', followSecond);
  look.second = second;
  look.cover = make('div', { className: 'cover' }, second);
  const place = make('input', { type: 'range', id: 'wipe-place', min: 0, max: 100, value: look.wipe });
  place.setAttribute('aria-label', 'Where the wipe stands');
  place.addEventListener('input', () => {
    look.wipe = Number(place.value);
    applyView();
  });
  place.addEventListener('change', () => place.blur());
  look.viewport.append(look.cover);
  byId('screen').after(place);
  applyView();
  if (state.playing) runSecond();
}

/** Keeps the wiped video at the frame of the other. */
function followSecond() {
  const { second } = look;
  if (!second || second.seeking || !player.video) return;
  const wanted = state.playing ? player.video.currentTime : timeOf(state.frame);
  if (Math.abs(second.currentTime - wanted) > 0.6 / player.film.fps) second.currentTime = wanted;
}

function runSecond() {
  const { second } = look;
  if (!second) return;
  second.playbackRate = player.rate;
  if (state.playing) second.play().catch(() => {});
  else second.pause();
  followSecond();
}

function loupeChoice() {
  const choice = make('select', { id: 'loupe', title: 'Loupe', attributes: { 'aria-label': 'Loupe follows' } });
  choice.append(
    make('option', { value: '' }, 'No loupe'),
    ...Object.entries(SURFACE.points).map(([name, vertex]) => make('option', { value: vertex }, `Loupe: ${name.toLowerCase()}`)),
    make('option', { value: 'any', hidden: true }, 'Loupe: picked point'),
  );
  choice.addEventListener('change', () => {
    choice.blur();
    look.loupe = choice.value === '' ? null : Number(choice.value);
    drawLoupes();
  });
  look.viewport.addEventListener('click', (event) => {
    if (look.loupe === null) return;
    const vertex = vertexAt(event);
    if (vertex === null) return;
    event.stopPropagation();
    look.loupe = vertex;
    choice.querySelector('[value=any]').hidden = false;
    choice.value = 'any';
    drawLoupes();
  }, true);
  return choice;
}

/** The vertex whose picture lies nearest to a click, or null beside every face. */
function vertexAt(event) {
  const { left, top, width, height } = look.viewport.getBoundingClientRect();
  const { cell: [x, y, w, h] } = shownCell(player.film);
  const [across, down] = [x + (w * (event.clientX - left)) / width, y + (h * (event.clientY - top)) / height];
  const cell = cellsOf(player.film).find(([, cx, cy, cw, ch]) => across >= cx && across < cx + cw && down >= cy && down < cy + ch);
  const camera = cell && SURFACE.cameras.find(({ name }) => name === cell[0]);
  if (!camera) return null;
  const place = [(across - cell[1]) / cell[3], (down - cell[2]) / cell[4]];
  let [best, nearest] = [null, 0.03];
  const points = surfaceAt(state.frame, new Float32Array(SURFACE.mean.length));
  const head = SURFACE.head.subarray(state.frame * 12, state.frame * 12 + 12);
  for (let vertex = 0; vertex < SURFACE.vertices; vertex += 1) {
    const p = points.subarray(vertex * 3, vertex * 3 + 3);
    const seen = projected(camera, [0, 4, 8].map((row) => head[row] * p[0] + head[row + 1] * p[1] + head[row + 2] * p[2] + head[row + 3]));
    const distance = seen ? Math.hypot(seen[0] - place[0], seen[1] - place[1]) : Infinity;
    if (distance < nearest) [best, nearest] = [vertex, distance];
  }
  return best;
}

/** One loupe a camera, at the point's place in its picture. */
function drawLoupes() {
  const host = byId('loupes');
  if (look.loupe === null || !player.video || !SURFACE) {
    host.replaceChildren();
    return;
  }
  const point = worldPoint(state.frame, look.loupe);
  const cells = cellsOf(player.film).filter(([name], place, all) =>
    all.findIndex((cell) => cell[0] === name) === place && (look.camera === null || look.camera === name));
  const drawn = cells.map((cell) => loupe(cell, point)).filter(Boolean);
  host.replaceChildren(...drawn);
}

function loupe([name, x, y, width, height], point) {
  const camera = SURFACE.cameras.find((one) => one.name === name);
  const place = camera && projected(camera, point);
  if (!place) return null;
  const side = LOUPE_SHARE * height;
  const canvas = make('canvas', { width: LOUPE_SIDE * 2, height: LOUPE_SIDE * 2 });
  canvas.setAttribute('aria-label', `Loupe of ${name}`);
  const from = [x + place[0] * width - side / 2, y + place[1] * height - side / 2, side, side];
  canvas.getContext('2d').drawImage(player.video, ...from, 0, 0, canvas.width, canvas.height);
  return make('figure', { className: 'loupe' }, canvas, make('figcaption', {}, name));
}
