// The outline of a place: walked with the phone, or drawn among the neighbouring plots. No map, no
// tiles, nobody asked: an own drawing in metres. What is walked or drawn stands in the form's text
// box as GeoJSON at every moment, so it is sent, kept and sent later like anything typed. Without
// this file the box and the file input do the work; the server checks everything again.

const box = document.querySelector("[data-outline]");
const SVG = "http://www.w3.org/2000/svg";
const SIZE = 320;
const POOR = 25; // metres: a fix worse than this says nothing about a field's border
const STEP = 2.5; // metres between two points of a walk
const MOST = 1900; // the server keeps 2,000

// -- measuring: the same formula as trace/core/geo/measures.py (Snyder 1987, Karney 2013) ----------

const A = 6378137;
const E2 = (1 / 298.257223563) * (2 - 1 / 298.257223563);
const E = Math.sqrt(E2);
const rad = (degrees) => (degrees * Math.PI) / 180;
const q = (phi) => (1 - E2) * (Math.sin(phi) / (1 - E2 * Math.sin(phi) ** 2) + Math.atanh(E * Math.sin(phi)) / E);
const POLE = q(Math.PI / 2);

/** Square metres inside a ring of [longitude, latitude]. */
export function area(ring) {
  const halves = ring.map(([lon, lat]) => [rad(lon), Math.tan(Math.asin(q(rad(lat)) / POLE) / 2)]);
  let excess = 0;
  halves.forEach(([lon, half], index) => {
    const [nextLon, next] = halves[(index + 1) % halves.length];
    excess += 2 * Math.atan2(Math.tan((nextLon - lon) / 2) * (half + next), 1 + half * next);
  });
  return (Math.abs(excess) * A * A * POLE) / 2;
}

/** Metres in one degree of longitude and latitude. */
function scales(latitude) {
  const s2 = Math.sin(rad(latitude)) ** 2;
  const east = (A * Math.cos(rad(latitude))) / Math.sqrt(1 - E2 * s2);
  return [rad(east), rad((A * (1 - E2)) / (1 - E2 * s2) ** 1.5)];
}

export function distance([lon1, lat1], [lon2, lat2]) {
  const [east, north] = scales((lat1 + lat2) / 2);
  return Math.hypot((lon2 - lon1) * east, (lat2 - lat1) * north);
}

const turn = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));

/** Whether two sides cross: a word while there is time to mend it; the server decides. */
export function crosses(ring) {
  const count = ring.length;
  if (count < 4 || count > 400) return false;
  for (let i = 0; i < count; i += 1) {
    const [a, b] = [ring[i], ring[(i + 1) % count]];
    for (let j = i + 2; j < count; j += 1) {
      if (i === 0 && j === count - 1) continue;
      const [c, d] = [ring[j], ring[(j + 1) % count]];
      if (turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b)) return true;
    }
  }
  return false;
}

// -- the form --------------------------------------------------------------------------------------

if (box) start();

function start() {
  const words = JSON.parse(box.dataset.words);
  const told = JSON.parse(box.dataset.around);
  const form = box.closest("form");
  const text = form.elements.outline;
  const file = form.elements.outline_file;
  const part = (name) => box.querySelector(`[data-${name}]`);
  const button = (name) => box.querySelector(`[data-go=${name}]`);
  const plan = part("plan");
  const draft = `trace-walk:${location.pathname}`;
  const say = (sentence) => {
    part("said").textContent = sentence;
  };
  const put = (sentence, value) => sentence.replace("{n}", String(value));

  let points = read();
  let mode = "";
  let watching = null;
  let here = null; // the last fix: {at, accuracy}
  let accuracies = [];
  let origin = points[0] ?? told.start ?? told.around[0]?.ring[0] ?? [105.85, 21.03];
  let middle = [0, 0]; // metres from the origin
  let zoom = 1.5; // pixels for a metre

  part("outline-tools").hidden = false;

  function read() {
    try {
      const ring = JSON.parse(text.value).coordinates[0].map(([lon, lat]) => [lon, lat]);
      ring.pop();
      return ring.every((one) => one.every(Number.isFinite)) ? ring : [];
    } catch {
      return [];
    }
  }

  function write() {
    const number = (value) => value.toFixed(7);
    // Who comes back to the very first point has closed the ring: it is written once.
    const back = points.length > 3 && distance(points.at(-1), points[0]) < 0.5;
    const ring = [...(back ? points.slice(0, -1) : points), points[0]].map((one) => one && `[${one.map(number).join(",")}]`);
    text.value = points.length < 3 ? "" : `{"type":"Polygon","coordinates":[[${ring.join(",")}]]}`;
    form.elements.outline_source.value = mode === "walk" ? "walked" : "drawn";
    const mean = accuracies.reduce((sum, one) => sum + one, 0) / (accuracies.length || 1);
    form.elements.outline_accuracy.value = mode === "walk" && accuracies.length ? Math.round(mean) : "";
    try {
      if (mode === "walk") sessionStorage.setItem(draft, JSON.stringify({ points, accuracies }));
    } catch {
      // A full or forbidden store: the box holds the walk all the same.
    }
  }

  // -- drawing ---------------------------------------------------------------------------------------

  const metres = ([lon, lat]) => {
    const [east, north] = scales(origin[1]);
    return [(lon - origin[0]) * east, (lat - origin[1]) * north];
  };
  const onScreen = (point) => {
    const [x, y] = metres(point);
    return [SIZE / 2 + (x - middle[0]) * zoom, SIZE / 2 - (y - middle[1]) * zoom];
  };
  const onGround = ([x, y]) => {
    const [east, north] = scales(origin[1]);
    const right = middle[0] + (x - SIZE / 2) / zoom;
    const up = middle[1] - (y - SIZE / 2) / zoom;
    return [origin[0] + right / east, origin[1] + up / north];
  };
  const shape = (name, attributes, inside = "") => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = inside;
    return element;
  };
  const path = (ring, closed) =>
    `M${ring.map((one) => onScreen(one).map((value) => value.toFixed(1)).join(" ")).join("L")}${closed ? "Z" : ""}`;

  function fit(ring) {
    if (!ring.length) return;
    const placed = ring.map(metres);
    const [xs, ys] = [placed.map(([x]) => x), placed.map(([, y]) => y)];
    middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
    const wide = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys), 20);
    zoom = Math.min(20, (SIZE * 0.7) / wide);
  }

  function draw() {
    plan.replaceChildren();
    for (const other of told.around) {
      const element = shape("path", { class: "plan-other", d: path(other.ring, true) });
      element.append(shape("title", {}, other.name));
      plan.append(element);
      const [x, y] = onScreen(other.ring[0]);
      plan.append(shape("text", { class: "plan-text", x: x.toFixed(0), y: y.toFixed(0) }, other.name));
    }
    const crossed = crosses(points);
    if (points.length > 1) {
      const own = mode === "walk" ? "plan-open" : `plan-own${crossed ? " bad" : ""}`;
      plan.append(shape("path", { class: own, d: path(points, true) }));
      if (mode === "walk") plan.append(shape("path", { class: "plan-own", d: path(points, false), "fill-opacity": 0 }));
    }
    const dots = mode === "draw" && points.length < 80 ? points : points.slice(-1);
    for (const one of dots) {
      const [x, y] = onScreen(one);
      plan.append(shape("circle", { class: "plan-dot", cx: x.toFixed(1), cy: y.toFixed(1), r: 7 }));
    }
    if (here) {
      const [x, y] = onScreen(here.at);
      plan.append(shape("circle", { class: "plan-me", cx: x.toFixed(1), cy: y.toFixed(1), r: Math.max(5, here.accuracy * zoom).toFixed(1) }));
    }
    const length = bar();
    plan.append(shape("path", { class: "plan-bar", d: `M8 ${SIZE - 8}h${(length * zoom).toFixed(1)}` }));
    plan.append(shape("text", { class: "plan-text", x: 8, y: SIZE - 14 }, `${length} ${words.metres}`));
    const shown = [put(words.points, points.length)];
    if (points.length > 2) shown.unshift(`${Math.round(area(points)).toLocaleString(document.documentElement.lang)} ${words.square}`);
    if (here && mode === "walk") shown.push(put(words.accuracy, Math.round(here.accuracy)));
    part("measure").textContent = shown.join(" · ");
    if (crossed) say(words.crossed);
  }

  function bar() {
    for (const length of [1000, 500, 200, 100, 50, 20, 10, 5, 2]) if (length * zoom <= SIZE / 3) return length;
    return 1;
  }

  function changed() {
    write();
    draw();
  }

  // -- walking ---------------------------------------------------------------------------------------

  let awake = null;

  function walk() {
    if (!navigator.geolocation) return say(words.noposition);
    say(here ? words.walking : words.waiting);
    watching = navigator.geolocation.watchPosition(arrived, lost, { enableHighAccuracy: true, maximumAge: 0, timeout: 30000 });
    navigator.wakeLock?.request("screen").then((lock) => { awake = lock; }, () => {});
    show();
  }

  function rest(sentence) {
    if (watching !== null) navigator.geolocation.clearWatch(watching);
    watching = null;
    awake?.release();
    awake = null;
    say(sentence);
    show();
  }

  function lost(error) {
    if (error.code === 1) rest(words.noposition);
    else say(words.waiting);
  }

  function arrived({ coords }) {
    const first = !here;
    here = { at: [coords.longitude, coords.latitude], accuracy: coords.accuracy };
    if (first && !points.length) {
      origin = here.at;
      middle = [0, 0];
    }
    if (coords.accuracy > POOR) {
      say(put(words.poor, Math.round(coords.accuracy)));
    } else if (!points.length || distance(points.at(-1), here.at) >= STEP) {
      add(here);
      const back = points.length > 8 ? Math.round(distance(points[0], here.at)) : 0;
      say(back ? `${words.walking} ${put(words.apart, back)}` : words.walking);
    }
    const [x, y] = onScreen(here.at);
    if (Math.max(Math.abs(x - SIZE / 2), Math.abs(y - SIZE / 2)) > SIZE * 0.42) fit([...points, here.at]);
    changed();
  }

  function add(fix) {
    points.push(fix.at);
    accuracies.push(fix.accuracy);
    // A long walk: every second point says as much.
    if (points.length > MOST) points = points.filter((_, index) => index % 2 === 0);
  }

  // -- buttons ---------------------------------------------------------------------------------------

  function show() {
    part("board").hidden = !mode;
    plan.classList.toggle("live", mode === "draw");
    button("pause").hidden = !(mode === "walk" && watching !== null);
    button("on").hidden = !(mode === "walk" && watching === null);
    button("corner").hidden = !(mode === "walk" && watching !== null);
    button("finish").hidden = mode !== "walk";
  }

  /** The own plot nearest to where a drawing begins, so that there is something to draw beside. */
  function nearest() {
    const far = ({ ring }) => distance(ring[0], origin);
    return told.around.toSorted?.((one, other) => far(one) - far(other))[0]?.ring ?? told.around[0]?.ring ?? [];
  }

  /** Who stands in the field draws around the own position. */
  function find() {
    navigator.geolocation?.getCurrentPosition(
      ({ coords }) => {
        if (mode !== "draw" || points.length) return;
        here = { at: [coords.longitude, coords.latitude], accuracy: coords.accuracy };
        [origin, middle] = [here.at, [0, 0]];
        draw();
      },
      () => {},
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 },
    );
  }

  function open(which) {
    if (which === "walk" && mode !== "walk" && points.length && !accuracies.length) {
      // Another walk is another outline; undo has nothing to bring back, so it is asked.
      if (!confirm(words.again)) return;
      points = [];
    }
    if (mode === "walk" && which !== "walk") rest("");
    mode = which;
    fit(points.length ? points : nearest());
    show();
    if (mode === "walk") walk();
    else say(words.drawhint);
    if (mode === "draw" && !points.length) find();
    draw();
  }

  const acts = {
    pause: () => rest(words.paused),
    on: () => walk(),
    corner: () => {
      if (here) add(here);
      changed();
    },
    undo: () => {
      points.pop();
      accuracies.pop();
      say(mode === "draw" ? words.drawhint : "");
      changed();
    },
    in: () => { zoom = Math.min(40, zoom * 1.5); draw(); },
    out: () => { zoom = Math.max(0.01, zoom / 1.5); draw(); },
    clear: () => {
      if (points.length && !confirm(words.again)) return;
      points = [];
      accuracies = [];
      changed();
      say(mode === "draw" ? words.drawhint : "");
    },
    finish: () => {
      if (points.length < 3) return say(words.few);
      rest(words.done);
      fit(points);
      draw();
    },
  };
  for (const [name, act] of Object.entries(acts)) button(name).addEventListener("click", act);
  part("walk").addEventListener("click", () => open("walk"));
  part("draw").addEventListener("click", () => open("draw"));

  // -- the finger ------------------------------------------------------------------------------------

  let held = null;
  const spot = (event) => {
    const edge = plan.getBoundingClientRect();
    return [((event.clientX - edge.left) * SIZE) / edge.width, ((event.clientY - edge.top) * SIZE) / edge.height];
  };
  plan.addEventListener("pointerdown", (event) => {
    if (mode !== "draw") return;
    const at = spot(event);
    const near = points.findIndex((one) => Math.hypot(onScreen(one)[0] - at[0], onScreen(one)[1] - at[1]) < 22);
    held = { at, near, moved: false, middle: [...middle] };
    plan.setPointerCapture(event.pointerId);
  });
  plan.addEventListener("pointermove", (event) => {
    if (!held) return;
    const at = spot(event);
    const [dx, dy] = [at[0] - held.at[0], at[1] - held.at[1]];
    held.moved ||= Math.hypot(dx, dy) > 6;
    if (!held.moved) return;
    if (held.near >= 0) points[held.near] = onGround(at);
    else middle = [held.middle[0] - dx / zoom, held.middle[1] + dy / zoom];
    draw();
  });
  plan.addEventListener("pointerup", (event) => {
    if (!held) return;
    if (!held.moved && held.near < 0) points.push(onGround(spot(event)));
    held = null;
    say(words.drawhint);
    changed();
  });
  plan.addEventListener("pointercancel", () => { held = null; });

  // -- the box, the file, what was begun -------------------------------------------------------------

  const another = () => {
    // Which of several shapes was meant is asked anew.
    for (const one of box.querySelectorAll("input[type=hidden][name=outline_choice]")) one.value = "";
  };
  text.addEventListener("input", () => {
    another();
    form.elements.outline_source.value = "pasted";
    form.elements.outline_accuracy.value = "";
    points = read();
    accuracies = [];
    fit(points);
    if (mode) draw();
  });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen || chosen.size > 300_000) return; // the server says what is wrong with it
    const content = await chosen.text();
    if (content.includes("\0") || content.includes("\ufffd")) return;
    // As text it is kept with the form, also without a network.
    text.value = content;
    another();
    file.value = "";
    form.elements.outline_source.value = "file";
    form.elements.outline_accuracy.value = "";
    points = read();
    say(words.file);
  });
  form.addEventListener("submit", () => {
    if (watching !== null) rest("");
    sessionStorage.removeItem(draft);
  });
  try {
    const kept = JSON.parse(sessionStorage.getItem(draft) ?? "null");
    if (kept?.points.length && !text.value) {
      ({ points, accuracies } = kept);
      origin = points[0];
      mode = "walk";
      fit(points);
      show();
      changed();
      say(words.kept);
    }
  } catch {
    // Nothing was begun.
  }
}
