// The record of the solution, unpacked; how numbers and frames are written; elements. Everything from the take is text.

const DATA = JSON.parse(document.getElementById('data').textContent);
const FRAMES = DATA.frames.length;
const LAST = FRAMES - 1;
const FILMS = DATA.films;

/** Base64 of little-endian float32 as one Float32Array for each row of FRAMES numbers. */
function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const all = new Float32Array(bytes.buffer);
  const rows = [];
  for (let begin = 0; begin < all.length; begin += FRAMES) rows.push(all.subarray(begin, begin + FRAMES));
  return rows;
}

const VALUES = unpack(DATA.values);
const OTHER_VALUES = DATA.against ? unpack(DATA.against.values) : null; // of the solution that is shown beside
const DEVIATIONS = unpack(DATA.deviations);
const ERRORS = unpack(DATA.error);
const USUAL = unpack(DATA.usual_error)[0];
const KEYFRAMES = new Set(DATA.keyframes);
const SCENE_DIFFERS = DATA.frames.some((frame, index) => frame !== DATA.scene_times[index]);

const SWAY = DATA.head3d ? DATA.head3d.sway : null; // millimeters on the face by a unit of each control

const controlRange = (control) => control.maximum - control.minimum;

/** A number with `digits` after the point and a real minus sign; a dash where it is unknown. */
function written(value, digits) {
  if (!Number.isFinite(value)) return '–';
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−');
}

/** Digits after the point that a range of this length wants. */
const digitsFor = (range) => Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(range) + 1e-9)));

const sceneTime = (index) => String(Math.round(DATA.scene_times[index] * 1000) / 1000);

/** ``frame 12``, and where the rig's timeline counts otherwise, its time. */
function frameName(index) {
  const name = `frame ${DATA.frames[index]}`;
  return SCENE_DIFFERS ? `${name} (scene ${sceneTime(index)})` : name;
}

/** Runs of neighboring indices as [first, last]. */
function runsOf(indices) {
  const runs = [];
  for (const index of indices) {
    const run = runs[runs.length - 1];
    if (run && run[1] === index - 1) run[1] = index;
    else runs.push([index, index]);
  }
  return runs;
}

/** A new element. `properties` are set on it, `attributes` (aria-..., data-...) as text; children are text or elements. */
function make(tag, properties = {}, ...children) {
  const { attributes = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);

/** A button that does something; a mouse click leaves the focus to the page, so that space goes on playing. */
function button(text, description, action, className = 'button') {
  const element = make('button', { type: 'button', className, title: description }, text);
  if (description) element.setAttribute('aria-label', description);
  element.addEventListener('click', (event) => {
    action();
    if (event.detail > 0) element.blur();
  });
  return element;
}
