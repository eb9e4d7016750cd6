// What is being looked at: the frame, the part of the take that the curves show, the controls that are picked.

const listeners = { frame: [], view: [], picks: [], playing: [] };
const on = (event, listener) => listeners[event].push(listener);
const tell = (event) => listeners[event].forEach((listener) => listener());

const LEAST_VIEW = Math.min(4, FRAMES);

// view: in frame indices; each frame is one wide, so that the whole take is -0.5 .. LAST + 0.5
const state = { frame: 0, playing: false, view: [-0.5, LAST + 0.5] };

const wholeTake = () => state.view[0] <= -0.5 && state.view[1] >= LAST + 0.5;

function showFrame(index) {
  const frame = Math.min(Math.max(Math.round(index), 0), LAST);
  if (frame === state.frame) return;
  state.frame = frame;
  follow(frame);
  tell('frame');
}

/** Goes to a frame because a person asked for it: playing ends. */
function goTo(index) {
  play(false);
  showFrame(index);
  follow(state.frame);
}

/** Goes to a frame, if one is given, and scrolls to where it is shown: for what is pressed further down the page. */
function bringUp(index = state.frame) {
  goTo(index);
  const stage = byId('stage');
  const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
  if (stage.getBoundingClientRect().top < 0) stage.scrollIntoView({ behavior });
}

function play(playing) {
  if (playing === state.playing) return;
  state.playing = playing;
  tell('playing');
}

function setView(begin, end) {
  const length = Math.min(Math.max(end - begin, LEAST_VIEW), FRAMES);
  const middle = (begin + end) / 2;
  const first = Math.min(Math.max(middle - length / 2, -0.5), LAST + 0.5 - length);
  state.view = [first, first + length];
  tell('view');
}

/** Shows `factor` times as many frames; `around` stays where it is. */
function zoom(factor, around = state.frame) {
  const [begin, end] = state.view;
  const length = Math.min(Math.max((end - begin) * factor, LEAST_VIEW), FRAMES);
  const share = Math.min(Math.max((around - begin) / (end - begin), 0), 1);
  setView(around - share * length, around + (1 - share) * length);
}

const pan = (frames) => setView(state.view[0] + frames, state.view[1] + frames);
const showWholeTake = () => setView(-0.5, LAST + 0.5);

/** Moves the view so that the frame is in it. */
function follow(frame) {
  const [begin, end] = state.view;
  if (frame < begin) pan(frame - begin - (end - begin) * 0.1);
  else if (frame > end) pan(frame - end + (end - begin) * 0.1);
}

// picked controls, each with the color it keeps while it is picked
const COLORS = ['#5cc8e8', '#f2a65a', '#7fd08a', '#e58ab8', '#f3e07c', '#9d9bf0', '#ff8a70', '#c9d1d6'];
const DASHES = [[], [7, 4], [2, 3], [10, 4, 2, 4]];
const picked = new Map();

function pick(control, wanted) {
  if (wanted === picked.has(control)) return;
  if (wanted) {
    const taken = new Set(picked.values());
    let place = 0;
    while (taken.has(place)) place += 1;
    picked.set(control, place);
  } else {
    picked.delete(control);
  }
}

function pickEach(controls, wanted) {
  controls.forEach((control) => pick(control, wanted));
  tell('picks');
}

function pickOnly(controls) {
  picked.clear();
  pickEach(controls, true);
}

const colorOf = (control) => COLORS[picked.get(control) % COLORS.length];
const dashOf = (control) => DASHES[Math.floor(picked.get(control) / COLORS.length) % DASHES.length];

/** Controls, the ones that move through most of their range first. */
function byTravel() {
  const travel = VALUES.map((values, control) => {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return (high - low) / controlRange(DATA.controls[control]);
  });
  return travel.map((_, control) => control).sort((a, b) => travel[b] - travel[a]);
}
