// The solved head in three dimensions: turns under the pointer, plays in step, shows where it is unsure. By three.js.

const head3d = { started: false, heat: null, top: 1, surface: SURFACE, skin: null }; // heat: one of HEATS, or null
// fill: one number a vertex; top: the scale's end, else what 99 % of the middle frame do not exceed; good: which end is
const HEATS = {
  'Expected error': { fill: expectedErrors, unit: ' mm', low: '0 mm', high: (top) => `${written(top, 2)} mm and more` },
  'What drove the solve': { fill: reliability, top: 1, good: true, unit: '', low: 'nothing', high: () => 'fully' },
};
const UNSURE_COLORS = [[0, [0.30, 0.62, 0.52]], [0.5, [0.94, 0.70, 0.29]], [1, [1.0, 0.33, 0.26]]];
const CLAY_COLOR = [0.62, 0.57, 0.53];

function showHead3d() {
  const host = byId('head3d');
  if (!SURFACE) {
    byId('head3d-panel').hidden = true;
    return;
  }
  host.append(button('Show the head in 3-D', 'Start the three-dimensional view', () => startHead3d(host), 'button'));
}

function startHead3d(host) {
  const canvas = make('canvas', { tabIndex: 0 });
  canvas.setAttribute('aria-label', 'Solved head; drag to turn it, after a click the wheel comes nearer');
  if (!canvas.getContext('webgl2')) {
    host.replaceChildren(make('p', { className: 'blank' }, 'This browser shows no three-dimensional pictures (WebGL 2).'));
    return;
  }
  host.replaceChildren(canvas);
  const renderer = new THREE.WebGLRenderer({ canvas, context: canvas.getContext('webgl2'), antialias: true });
  const scene = new THREE.Scene();
  scene.background = new THREE.Color(0x191b1d);
  Object.assign(head3d, { started: true, canvas, renderer, scene, camera: new THREE.PerspectiveCamera(30, 1, 0.1, 5000) });
  buildHead();
  buildCameras();
  scene.add(new THREE.HemisphereLight(0xffffff, 0x55504a, 0.75));
  head3d.light = new THREE.DirectionalLight(0xffffff, 0.7);
  scene.add(head3d.light);
  lookFromCameras();
  showHeadTools();
  listenToHead(canvas);
  on('frame', drawHead);
  new ResizeObserver(drawHead).observe(canvas);
  drawHead();
}

function buildHead() {
  const geometry = new THREE.BufferGeometry();
  const count = SURFACE.vertices;
  geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(count * 3), 3));
  geometry.setAttribute('color', new THREE.BufferAttribute(new Float32Array(count * 3), 3));
  geometry.setIndex(new THREE.BufferAttribute(SURFACE.triangles, 1));
  const material = new THREE.MeshPhongMaterial({ vertexColors: true, side: THREE.DoubleSide, shininess: 18, specular: 0x222222 });
  head3d.mesh = new THREE.Mesh(geometry, material);
  head3d.mesh.matrixAutoUpdate = false;
  head3d.mesh.frustumCulled = false;
  head3d.errors = new Float32Array(count);
  head3d.scene.add(head3d.mesh);
  if (SURFACE.skin) buildSkin();
}

/** The head in its baked texture, a triangle's corners each with their own place in it; hidden until it is chosen. */
function buildSkin() {
  const picture = new Image();
  const texture = new THREE.Texture(picture);
  picture.addEventListener('load', () => {
    texture.needsUpdate = true;
    drawHead();
  });
  picture.src = `data:image/jpeg;base64,${SURFACE.skin.image}`;
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(SURFACE.triangles.length * 3), 3));
  geometry.setAttribute('uv', new THREE.BufferAttribute(SURFACE.skin.uv, 2));
  head3d.skin = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ map: texture, side: THREE.DoubleSide }));
  Object.assign(head3d.skin, { matrixAutoUpdate: false, frustumCulled: false, visible: false });
  head3d.scene.add(head3d.skin);
}

function placeSkin(vertices) {
  const { position } = head3d.skin.geometry.attributes;
  SURFACE.triangles.forEach((vertex, corner) => {
    for (let axis = 0; axis < 3; axis += 1) position.array[corner * 3 + axis] = vertices[vertex * 3 + axis];
  });
  position.needsUpdate = true;
  head3d.skin.matrix.copy(head3d.mesh.matrix);
}

/** Shows the surface in clay, in its texture, or colored by one of HEATS. */
function dressHead(name) {
  const heat = HEATS[name] ?? null;
  head3d.heat = heat;
  head3d.mesh.visible = name !== 'Texture';
  if (head3d.skin) head3d.skin.visible = !head3d.mesh.visible;
  byId('head3d-legend').hidden = heat === null;
  if (heat) {
    const sorted = Float32Array.from(heat.fill(Math.floor(FRAMES / 2), head3d.errors)).sort();
    head3d.top = heat.top ?? Math.max(sorted[Math.floor(0.99 * (sorted.length - 1))], 0.05);
    byId('head3d-low').replaceChildren(heat.low);
    byId('head3d-top').replaceChildren(heat.high(head3d.top));
    byId('head3d-legend').classList.toggle('good', Boolean(heat.good));
    byId('head3d-value').replaceChildren('');
  }
  drawHead();
}

/** A pyramid for each camera, its base the picture. */
function buildCameras() {
  const material = new THREE.LineBasicMaterial({ color: 0x5cc8e8 });
  for (const { rotation: r, translation: t, intrinsics: [fx, fy, cx, cy], size } of SURFACE.cameras) {
    const out = ([x, y, z]) => [0, 1, 2].map((axis) => r[axis] * (x - t[0]) + r[3 + axis] * (y - t[1]) + r[6 + axis] * (z - t[2]));
    const depth = 8; // cm
    const corners = [[0, 0], [size[0], 0], size, [0, size[1]]].map(([u, v]) => out([depth * (u - cx) / fx, depth * (v - cy) / fy, depth]));
    const center = out([0, 0, 0]);
    const lines = corners.flatMap((corner, place) => [center, corner, corner, corners[(place + 1) % 4]]).flat();
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(new Float32Array(lines), 3));
    head3d.scene.add(new THREE.LineSegments(geometry, material));
  }
}

const cameraCenter = ({ rotation: r, translation: t }) =>
  new THREE.Vector3(...[0, 1, 2].map((axis) => -(r[axis] * t[0] + r[3 + axis] * t[1] + r[6 + axis] * t[2])));

/** The view from the middle of the cameras, upright as they are. */
function lookFromCameras(only = null) {
  const cameras = only === null ? SURFACE.cameras : [SURFACE.cameras[only]];
  const target = headCenter(state.frame);
  const from = cameras.reduce((sum, camera) => sum.add(cameraCenter(camera)), new THREE.Vector3()).divideScalar(cameras.length);
  const up = cameras.reduce((sum, { rotation: r }) => sum.add(new THREE.Vector3(-r[3], -r[4], -r[5])), new THREE.Vector3());
  const direction = from.sub(target);
  const distance = headSize() * 2.6;
  Object.assign(head3d, { target, up: up.normalize(), offset: direction.setLength(distance) });
}

function headCenter(frame) {
  const head = SURFACE.head.subarray(frame * 12, frame * 12 + 12);
  const middle = [0, 0, 0];
  surfaceAt(frame, new Float32Array(SURFACE.mean.length)).forEach((value, index) => { middle[index % 3] += value / SURFACE.vertices; });
  return new THREE.Vector3(...[0, 4, 8].map((row) => head[row] * middle[0] + head[row + 1] * middle[1] + head[row + 2] * middle[2] + head[row + 3]));
}

function headSize() {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 1; index < SURFACE.mean.length; index += 3) {
    low = Math.min(low, SURFACE.mean[index]);
    high = Math.max(high, SURFACE.mean[index]);
  }
  return high - low;
}

function drawHead() {
  if (!head3d.started) return;
  const { renderer, scene, camera, mesh, canvas } = head3d;
  const { position, color } = mesh.geometry.attributes;
  surfaceAt(state.frame, position.array, head3d.surface);
  position.needsUpdate = true;
  mesh.geometry.computeVertexNormals();
  paintHead(color.array);
  color.needsUpdate = true;
  const h = head3d.surface.head.subarray(state.frame * 12, state.frame * 12 + 12);
  mesh.matrix.set(...h.subarray(0, 4), ...h.subarray(4, 8), ...h.subarray(8, 12), 0, 0, 0, 1);
  if (head3d.skin?.visible) placeSkin(position.array);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  renderer.setSize(width, height, false);
  camera.aspect = width / height;
  camera.position.copy(head3d.target).add(head3d.offset);
  camera.up.copy(head3d.up);
  camera.lookAt(head3d.target);
  camera.updateProjectionMatrix();
  head3d.light.position.copy(camera.position);
  renderer.render(scene, camera);
}

function paintHead(colors) {
  const { heat, errors, top } = head3d;
  heat?.fill(state.frame, errors);
  for (let vertex = 0; vertex < SURFACE.vertices; vertex += 1) {
    const share = errors[vertex] / top;
    colors.set(heat ? unsureColor(heat.good ? 1 - share : share) : CLAY_COLOR, vertex * 3);
  }
}

function unsureColor(share) {
  const place = Math.min(Math.max(share, 0), 1);
  const end = UNSURE_COLORS.findIndex(([stop]) => stop >= place);
  if (end <= 0) return UNSURE_COLORS[0][1];
  const [[low, first], [high, second]] = [UNSURE_COLORS[end - 1], UNSURE_COLORS[end]];
  const part = (place - low) / (high - low);
  return first.map((value, channel) => value + part * (second[channel] - value));
}

function showHeadTools() {
  const tools = byId('head3d-tools');
  if (OTHER_SURFACE) HEATS[`Distance to ${DATA.against.name}`] = { ...HEATS['Expected error'], fill: distances };
  if (!SURFACE.say) delete HEATS['What drove the solve'];
  const heat = make('select', { id: 'head3d-heat', title: 'Color', attributes: { 'aria-label': 'Color of the surface' } });
  const looks = ['Clay', ...(SURFACE.skin ? ['Texture'] : []), ...Object.keys(HEATS)];
  heat.append(...looks.map((name) => make('option', { value: name }, name)));
  heat.addEventListener('change', () => {
    heat.blur();
    dressHead(heat.value);
  });
  if (OTHER_SURFACE) tools.append(otherHead());
  const view = make('select', { title: 'From where', attributes: { 'aria-label': 'From where' } });
  view.append(make('option', { value: '' }, 'All cameras'), ...SURFACE.cameras.map(({ name }, place) => make('option', { value: place }, name)));
  view.addEventListener('change', () => {
    view.blur();
    lookFromCameras(view.value === '' ? null : Number(view.value));
    drawHead();
  });
  tools.append(heat, view);
  byId('head3d-legend').append(
    make('span', { id: 'head3d-low' }), make('i', { className: 'unsure' }), make('span', { id: 'head3d-top' }),
    make('b', { id: 'head3d-value' }),
  );
}

/** Shows the other solution's head in the place of this one's. */
function otherHead() {
  const toggle = button(`Show ${DATA.against.name}`, `Show the head of ${DATA.against.name}`, () => {
    head3d.surface = head3d.surface === SURFACE ? OTHER_SURFACE : SURFACE;
    toggle.setAttribute('aria-pressed', String(head3d.surface === OTHER_SURFACE));
    drawHead();
  });
  toggle.setAttribute('aria-pressed', 'false');
  return toggle;
}

function listenToHead(canvas) {
  canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons & 1) turnHead(event.movementX, event.movementY);
    else if (head3d.heat) tellVertex(event);
  });
  canvas.addEventListener('wheel', (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return; // who only passes by scrolls the page
    event.preventDefault();
    head3d.offset.multiplyScalar(Math.exp(event.deltaY * 0.001));
    drawHead();
  }, { passive: false });
  canvas.addEventListener('keydown', (event) => {
    const turns = { a: [-20, 0], d: [20, 0], w: [0, -20], s: [0, 20] };
    if (turns[event.key]) turnHead(...turns[event.key]);
  });
}

function turnHead(across, down) {
  const { offset, up } = head3d;
  offset.applyAxisAngle(up, -across * 0.008);
  const side = new THREE.Vector3().crossVectors(up, offset).normalize();
  const turned = offset.clone().applyAxisAngle(side, -down * 0.008);
  if (Math.abs(turned.clone().normalize().dot(up)) < 0.98) offset.copy(turned);
  drawHead();
}

/** What the color under the pointer stands for. */
function tellVertex(event) {
  const { left, top, width, height } = head3d.canvas.getBoundingClientRect();
  const ray = new THREE.Raycaster();
  ray.setFromCamera({ x: 2 * (event.clientX - left) / width - 1, y: 1 - 2 * (event.clientY - top) / height }, head3d.camera);
  head3d.mesh.matrixWorld.copy(head3d.mesh.matrix);
  head3d.mesh.geometry.computeBoundingSphere();
  const [hit] = ray.intersectObject(head3d.mesh);
  byId('head3d-value').replaceChildren(hit ? `here ${written(head3d.errors[hit.face.a], 2)}${head3d.heat.unit}` : '');
}
