// Where the solution came from: the run, its settings, how long each stage took, the log, and solution.json itself.

const TIME = {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'short',
};

const LISTED_VALUES = 60;

function spokenDate(text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text) : date.toLocaleString('en-GB', TIME);
}

function showProvenance() {
  const origin = DATA.solution.provenance;
  const settings = isRecord(origin.settings) ? origin.settings : {};
  const host = byId('provenance');
  host.append(
    table('Run', {
      Take: DATA.take.name,
      'Take folder': DATA.take.folder,
      Solution: DATA.take.solution,
      Solved: origin.date && spokenDate(origin.date),
      Facesolve: origin.facesolve,
      PyTorch: origin.torch,
      Python: origin.python,
      Device: origin.device,
      Rasterizer: origin.rasterizer,
      'Report written': `${spokenDate(DATA.written.date)}, Facesolve ${DATA.written.facesolve}`,
    }),
    table('Curves', DATA.activity),
    table('Settings', settings),
  );
  if (isRecord(origin.seconds)) {
    const stages = Object.entries(origin.seconds).map(([stage, seconds]) => [stage, `${seconds} s`]);
    host.append(table('Seconds of each stage', Object.fromEntries(stages)));
  }
  const known = new Set(['date', 'facesolve', 'torch', 'python', 'device', 'rasterizer', 'take', 'take_name']);
  const rest = Object.entries(origin).filter(([name]) => !known.has(name) && !['settings', 'seconds'].includes(name));
  if (rest.length) host.append(table('More', { ...Object.fromEntries(rest), camera_gains: gains(origin.camera_gains) }));
  if (DATA.log) host.append(folded('solve.log', DATA.log));
  host.append(folded('solution.json', JSON.stringify(DATA.solution, null, 1)));
}

const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function table(title, record) {
  const rows = Object.entries(record).filter(([, value]) => value !== undefined && value !== '');
  const list = make('dl');
  for (const [name, value] of rows) {
    list.append(make('dt', {}, name.replaceAll('_', ' ')), make('dd', {}, spoken(value)));
  }
  return make('section', {}, make('h3', {}, title), list);
}

/** The gain of each camera's red, green and blue, a camera a line. */
function gains(value) {
  if (!Array.isArray(value) || value.length !== DATA.cameras.length) return value;
  const line = (factors) => (Array.isArray(factors) ? factors : [factors]).map((factor) => written(factor, 3)).join(' ');
  return value.map((factors, camera) => `${DATA.cameras[camera]} ${line(factors)}`).join('\n');
}

/** A JSON value as a person would say it; of records those parts that say anything, a record a line. */
function spoken(value) {
  if (value === null || (Array.isArray(value) && !value.length)) return 'none';
  if (Array.isArray(value) && value.every((item) => !isRecord(item) && !Array.isArray(item))) {
    return value.length > LISTED_VALUES ? `${value.length} values` : value.join(', ');
  }
  if (Array.isArray(value) && value.every(isRecord)) return value.map(spokenRecord).join('\n');
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

function spokenRecord(record) {
  const parts = Object.entries(record).filter(([, value]) => value !== null && value !== '');
  return parts.map(([name, value]) => (name === 'name' ? value : `${name} ${spoken(value)}`)).join(', ');
}

function folded(title, text) {
  return make('details', {}, make('summary', {}, title), make('pre', { tabIndex: 0 }, text));
}
