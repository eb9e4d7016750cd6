// The solved surface at every frame, out of few shapes; where its points lie in the cameras. Draws nothing.

const SURFACE = DATA.head3d ? unpackSurface(DATA.head3d) : null;
const OTHER_SURFACE = SURFACE && DATA.against?.head3d ? unpackSurface(DATA.against.head3d) : null; // of the same mesh

function unpacked(text, kind) {
  return new kind(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function unpackSurface(record) {
  const { vertices, scales, cameras, points } = record;
  return {
    vertices,
    scales,
    cameras,
    points,
    triangles: unpacked(record.triangles, Uint16Array),
    mean: unpacked(record.mean, Float32Array),
    shapes: unpacked(record.shapes, Int16Array),
    coefficients: unpacked(record.coefficients, Float32Array),
    head: unpacked(record.head, Float32Array),
    reach: unpacked(record.reach, Uint8Array),
    reachUnit: record.reach_top / 255,
    deviations: unpacked(record.deviations, Float32Array),
    say: record.say ? unpacked(record.say, Uint8Array) : null,
    skin: record.skin ? { image: record.skin.image, uv: unpacked(record.skin.uv, Float32Array) } : null,
  };
}

/** The weights of the shapes at a frame. */
function shapeWeights(frame, surface = SURFACE) {
  const count = surface.scales.length;
  return surface.scales.map((scale, shape) => scale * surface.coefficients[frame * count + shape]);
}

/** Fills `target` with the vertices of a frame in the rig's space, cm. */
function surfaceAt(frame, target, surface = SURFACE) {
  target.set(surface.mean);
  shapeWeights(frame, surface).forEach((weight, shape) => {
    if (Math.abs(weight) < 1e-12) return;
    const begin = shape * target.length;
    for (let index = 0; index < target.length; index += 1) target[index] += weight * surface.shapes[begin + index];
  });
  return target;
}

/** One vertex of a frame in the world, cm. */
function worldPoint(frame, vertex) {
  const weights = shapeWeights(frame);
  const point = [0, 1, 2].map((axis) => {
    const place = vertex * 3 + axis;
    return weights.reduce((sum, weight, shape) => sum + weight * SURFACE.shapes[shape * SURFACE.mean.length + place], SURFACE.mean[place]);
  });
  const head = SURFACE.head.subarray(frame * 12, frame * 12 + 12);
  return [0, 1, 2].map((row) => head[row * 4] * point[0] + head[row * 4 + 1] * point[1] + head[row * 4 + 2] * point[2] + head[row * 4 + 3]);
}

/** Where a world point lies in a camera's undistorted picture, in parts of its size; null behind it. */
function projected(camera, [x, y, z]) {
  const { rotation: r, translation: t, intrinsics: [fx, fy, cx, cy], size } = camera;
  const depth = r[6] * x + r[7] * y + r[8] * z + t[2];
  if (depth <= 0) return null;
  const across = fx * (r[0] * x + r[1] * y + r[2] * z + t[0]) / depth + cx;
  const down = fy * (r[3] * x + r[4] * y + r[5] * z + t[1]) / depth + cy;
  return [across / size[0], down / size[1]];
}

/** Fills `target` (one number a vertex) with the expected distance from the truth in millimeters. */
function expectedErrors(frame, target) {
  const count = SURFACE.deviations.length / FRAMES;
  target.fill(0);
  for (let control = 0; control < count; control += 1) {
    const deviation = SURFACE.deviations[frame * count + control] * SURFACE.reachUnit;
    if (!deviation) continue;
    const begin = control * SURFACE.vertices;
    for (let vertex = 0; vertex < SURFACE.vertices; vertex += 1) target[vertex] += (deviation * SURFACE.reach[begin + vertex]) ** 2;
  }
  for (let vertex = 0; vertex < SURFACE.vertices; vertex += 1) target[vertex] = Math.sqrt(target[vertex]);
  return target;
}

/** Fills `target` with how far each vertex drove the solve, 0 to 1. */
function reliability(frame, target) {
  SURFACE.say.forEach((level, vertex) => { target[vertex] = level / 255; });
  return target;
}

/** The vertices of a frame in the world, cm. */
function worldSurface(frame, surface) {
  const points = surfaceAt(frame, new Float32Array(surface.mean.length), surface);
  const h = surface.head.subarray(frame * 12, frame * 12 + 12);
  for (let place = 0; place < points.length; place += 3) {
    const [x, y, z] = points.subarray(place, place + 3);
    for (let row = 0; row < 3; row += 1) points[place + row] = h[row * 4] * x + h[row * 4 + 1] * y + h[row * 4 + 2] * z + h[row * 4 + 3];
  }
  return points;
}

/** Fills `target` (one number a vertex) with the distance of the other solution's surface in millimeters. */
function distances(frame, target) {
  const [a, b] = [SURFACE, OTHER_SURFACE].map((surface) => worldSurface(frame, surface));
  for (let vertex = 0; vertex < target.length; vertex += 1) {
    const place = vertex * 3;
    target[vertex] = 10 * Math.hypot(a[place] - b[place], a[place + 1] - b[place + 1], a[place + 2] - b[place + 2]);
  }
  return target;
}
