// The video and its transport. Without a video the frames are counted all the same, so that curves can be played.

const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
const player = { video: null, film: null, rate: 1 };
const films = FILMS.map(() => null); // blob addresses, made when a film is first shown

/** The address of a film's bytes, which lie in the page as base64. */
function filmAddress(index) {
  if (films[index] === null) {
    const bytes = Uint8Array.from(atob(byId(`film-${index}`).textContent), (letter) => letter.charCodeAt(0));
    films[index] = URL.createObjectURL(new Blob([bytes], { type: 'video/mp4' }));
    byId(`film-${index}`).remove();
  }
  return films[index];
}

function showFilm() {
  const screen = byId('screen');
  if (!FILMS.length) {
    screen.append(make('p', { className: 'blank' }, DATA.no_film));
    screen.classList.add('none');
  } else {
    player.video = make('video', { muted: true, playsInline: true, loop: true, preload: 'auto' });
    player.video.setAttribute('aria-label', 'Footage with the solved rig');
    screen.append(makeViewport(player.video));
    listenToVideo(screen);
    showFilmChoices();
    showViewTools();
    chooseFilm(0);
  }
  showTransport();
  on('frame', seekVideo);
  on('playing', runPlayer);
}

function showFilmChoices() {
  if (FILMS.length < 2) return;
  const buttons = FILMS.map((film, index) => button(film.label, `Show ${film.label}`, () => chooseFilm(index)));
  byId('film-choices').append(...buttons);
}

function chooseFilm(index) {
  player.film = FILMS[index];
  player.video.src = filmAddress(index);
  player.video.currentTime = timeOf(state.frame);
  player.video.playbackRate = player.rate;
  applyView();
  askNeighbors();
  if (state.playing) runPlayer();
  [...byId('film-choices').children].forEach((element, place) => {
    element.setAttribute('aria-pressed', String(place === index));
  });
}

/** The middle of a frame's time in the video, where no rounding reaches its neighbors. */
const timeOf = (index) => (index + 0.5) / player.film.fps;

function listenToVideo(screen) {
  const { video } = player;
  video.addEventListener('click', () => play(!state.playing));
  video.addEventListener('seeked', () => {
    seekVideo();
    drawLoupes();
  });
  video.addEventListener('loadeddata', applyView);
  video.addEventListener('error', () => {
    const sentence = 'This browser cannot play the video (H.264 in MP4); curves and errors work without it.';
    screen.replaceChildren(make('p', { className: 'blank' }, sentence));
    screen.classList.add('none');
    byId('film-choices').replaceChildren();
    byId('view-tools').replaceChildren();
    player.video = null;
    if (state.playing) countFrames();
  });
  const follow = (_, { mediaTime }) => {
    if (state.playing) {
      showFrame(Math.floor(mediaTime * player.film.fps + 0.25));
      followSecond();
      drawLoupes();
    }
    player.video?.requestVideoFrameCallback(follow);
  };
  if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(follow);
  else video.addEventListener('timeupdate', () => state.playing && showFrame(video.currentTime * player.film.fps - 0.5));
}

/** Brings the video to the frame; called again when a seek has ended, in case the frame moved on meanwhile. */
function seekVideo() {
  const { video } = player;
  if (!video || state.playing || video.seeking) return;
  if (Math.floor(video.currentTime * player.film.fps) !== state.frame) video.currentTime = timeOf(state.frame);
  followSecond();
}

function runPlayer() {
  const { video } = player;
  if (!video) {
    if (state.playing) countFrames();
  } else if (state.playing) {
    video.play().catch(() => play(false));
  } else {
    video.pause(); // it may be a frame ahead of what it has told
    video.currentTime = timeOf(state.frame);
  }
  runSecond();
}

function countFrames() {
  let position = state.frame;
  let before = null;
  const step = (now) => {
    if (!state.playing) return;
    position += ((now - (before ?? now)) / 1000) * DATA.fps * player.rate;
    before = now;
    showFrame(Math.floor(position) % FRAMES);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function showTransport() {
  const number = make('input', {
    type: 'number',
    id: 'frame-number',
    min: DATA.frames[0],
    max: DATA.frames[LAST],
    attributes: { 'aria-label': 'Frame number' },
  });
  const scene = make('span', { className: 'quiet number', id: 'scene-time' });
  const toggle = button('Play', 'Play or pause (space)', () => play(!state.playing), 'button play');
  const speed = make('select', { title: 'Speed', attributes: { 'aria-label': 'Speed' } });
  speed.append(...SPEEDS.map((rate) => make('option', { value: rate, selected: rate === 1 }, `${rate}×`)));
  speed.addEventListener('change', () => {
    player.rate = Number(speed.value);
    if (player.video) player.video.playbackRate = player.rate;
    speed.blur();
  });
  number.addEventListener('change', () => goTo(nearestIndex(Number(number.value))));
  byId('transport').append(
    button('|◀', 'First frame (Home)', () => goTo(0)),
    button('◀', 'One frame back (←)', () => goTo(state.frame - 1)),
    toggle,
    button('▶', 'One frame on (→)', () => goTo(state.frame + 1)),
    button('▶|', 'Last frame (End)', () => goTo(LAST)),
    make('label', { className: 'frame-field' }, 'Frame ', number),
    scene,
    ...(FILMS.some(({ sound }) => sound) ? [soundButton()] : []),
    speed,
  );
  on('playing', () => toggle.replaceChildren(state.playing ? 'Pause' : 'Play'));
  const tellFrame = () => {
    number.value = DATA.frames[state.frame];
    scene.replaceChildren(`of ${DATA.frames[LAST]}${SCENE_DIFFERS ? ` · scene ${sceneTime(state.frame)}` : ''}`);
    document.body.dataset.frame = state.frame;
  };
  on('frame', tellFrame);
  tellFrame();
}

function soundButton() {
  const toggle = button('Sound', 'The footage’s sound (M)', toggleSound);
  toggle.id = 'sound';
  toggle.setAttribute('aria-pressed', 'false');
  return toggle;
}

function toggleSound() {
  const toggle = byId('sound');
  if (!toggle || !player.video) return;
  player.video.muted = !player.video.muted;
  toggle.setAttribute('aria-pressed', String(!player.video.muted));
}

function nearestIndex(frame) {
  let best = 0;
  DATA.frames.forEach((other, index) => {
    if (Math.abs(other - frame) < Math.abs(DATA.frames[best] - frame)) best = index;
  });
  return best;
}
