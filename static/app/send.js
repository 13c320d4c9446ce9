// Sends what waits: the very forms, to the very addresses, one after another as they were written.
//
// The key of an entry is drawn when it is written and never again, so an entry whose answer was lost
// is answered with the first answer when it is sent again. Only a clear answer of our own server
// settles an entry; anything else (no network, a portal's page, a busy server) leaves it waiting.
// Runs in pages and in the service worker.

import { learn } from "./clock.js";
import {
  alone,
  countTry,
  drawKey,
  getEntry,
  notePerson,
  numbersIn,
  people,
  personOf,
  putEntry,
  recall,
  remember,
  tell,
  tidy,
} from "./store.js";
import { seal, unseal, vaultOf } from "./vault.js";

const TOKEN = "/producer/outbox/token";
const APPROVALS = "/producer/outbox/approvals";
const SHORT = 15_000;
// A photo over a slow network: 6 photos of 400 kB at 10 kB a second.
const LONG = 240_000;
const FIRST_WAIT = 5_000;
const LONGEST_WAIT = 30 * 60_000;

/** Why a run ended before everything was sent. */
export class Stopped extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

async function ask(address, options, limit) {
  try {
    return await fetch(address, {
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(limit),
      ...options,
    });
  } catch {
    throw new Stopped("offline");
  }
}

async function answerOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/^application\/(problem\+)?json\b/.test(type)) {
    // A page of ours in answer: the form wants to be sent by a person, in the open.
    if (response.ok && response.headers.get("Trace-Reader")) throw new Stopped("page");
    // A network's own page answers in our server's place; ours answers 5xx in HTML when it is ill.
    throw new Stopped(response.status >= 500 ? "server" : "offline");
  }
  try {
    return await response.json();
  } catch {
    throw new Stopped("offline"); // cut in the middle
  }
}

/** Who is signed in, a token, and the server's time, which is learned. Raises Stopped. */
export async function askToken() {
  const before = Date.now();
  const response = await ask(TOKEN, { headers: { Accept: "application/json" } }, SHORT);
  const told = await answerOf(response);
  if (response.status === 401 || response.status === 403) throw new Stopped("signed-out");
  if (response.status === 429 || response.status >= 500) throw new Stopped("server");
  if (!response.ok || !told.csrf_token) throw new Stopped("server");
  const offset = await learn(told.now, before, Date.now());
  await notePerson(personOf(told.reader), {
    reader: told.reader,
    name: told.person,
    organisation: told.organisation,
    seen: Date.now(),
  });
  return { ...told, offset };
}

function formOf(body, photos) {
  const told = [...body.fields, ["form_key", body.key]];
  if (!photos.length) return new URLSearchParams(told);
  const form = new FormData();
  for (const [name, value] of told) form.append(name, value);
  for (const photo of photos) {
    form.append(photo.field, new Blob([photo.data], { type: photo.type }), photo.name);
  }
  return form;
}

/** Posts one entry: {settled: "sent"|"refused", answer}. Raises Stopped. */
export async function post(entry, reader, token, limit = 0) {
  const { body, photos } = entry;
  const clock = `written=${entry.written}, sent=${Date.now()}, offset=${body.offset}, typed=${Number(body.typed)}`;
  const headers = {
    Accept: "application/json",
    "X-CSRFToken": token,
    "Trace-For": reader,
    "Trace-Clock": clock,
  };
  const options = { method: "POST", headers, body: formOf(body, photos) };
  const response = await ask(body.action, options, limit || (photos.length ? LONG : SHORT));
  const answer = await answerOf(response);
  if (response.ok && answer.state === "sent") return { settled: "sent", answer };
  if (response.ok || response.status === 429 || response.status >= 500) throw new Stopped("server");
  if (response.status === 401 || answer.code === "no-organisation") throw new Stopped("signed-out");
  if (answer.code === "stale-token") throw new Stopped("stale-token");
  if (answer.code === "other-sender") throw new Stopped("other-person");
  return { settled: "refused", answer };
}

/** The entry with its answer, as it is kept. What is sent needs no boxes and no photos any more. */
export function settle(entry, { settled, answer }) {
  const { key, action, title, about, told, labels, fields } = entry.body;
  const common = { ...entry, state: settled, day: Date.now() };
  if (settled === "refused") return { ...common, body: { ...entry.body, answer } };
  // Not recorded before a passkey approves it: all of it stays, to be sent once more if none does.
  if (answer.waits) return { ...common, state: "approving", body: { ...entry.body, answer } };
  const kept = { key, action, title, about, told: told.slice(0, 4) };
  const { location, text, again } = answer;
  return {
    ...common,
    size: 0,
    body: { ...kept, labels: {}, fields: [], answer: { location, text, again } },
    photos: [],
  };
}

/** Sends entry `n` if it still waits: what became of it. `limit` is how long a person waits for it. */
export async function sendOne(person, n, reader, token, key, limit = 0) {
  return alone(`entry-${person}-${n}`, async () => {
    const kept = await getEntry(person, n);
    if (kept?.state !== "waiting") return "gone";
    if (kept.reader !== reader) return "elsewhere";
    const entry = await unseal(key, kept);
    let result;
    try {
      result = await post(entry, reader, token, limit);
    } catch (error) {
      if (error.why === "page" && !limit) {
        result = { settled: "refused", answer: { code: "by-hand" } };
      } else {
        if (error instanceof Stopped && error.why !== "stale-token") {
          await countTry(person, n);
        }
        throw error;
      }
    }
    await putEntry(person, await seal(key, settle({ ...entry, tries: kept.tries + 1 }, result)));
    tell();
    return result.settled;
  });
}

/** Asks what became of the entries that wait for a passkey: recorded, still waiting, or gone; what is
 * gone may be sent once more, under a key of its own. */
async function follow(person, reader, key) {
  const entries = [];
  for (const n of (await numbersIn(person, "approving")).slice(0, 50)) {
    const kept = await getEntry(person, n);
    if (kept.reader === reader) entries.push(await unseal(key, kept));
  }
  if (!entries.length) return;
  const asked = new URLSearchParams(entries.map(({ body }) => ["key", body.key]));
  const response = await ask(`${APPROVALS}?${asked}`, { headers: { Accept: "application/json" } }, SHORT);
  const fates = await answerOf(response);
  if (!response.ok) throw new Stopped("server");
  for (const entry of entries) {
    const fate = fates[entry.body.key];
    if (fate === "recorded") {
      await putEntry(person, await seal(key, settle(entry, { settled: "sent", answer: { again: false } })));
    } else if (fate === "gone") {
      const result = { settled: "refused", answer: { code: "not-approved" } };
      const again = { ...entry, body: { ...entry.body, key: drawKey() } };
      await putEntry(person, await seal(key, settle(again, result)));
    }
  }
  tell();
}

async function wait(longer) {
  if (!longer) return remember("wait", { step: 0, until: 0 });
  const { step } = (await recall("wait")) ?? { step: 0 };
  const span = Math.min(FIRST_WAIT * 2 ** step, LONGEST_WAIT);
  // Phones that lost the same mast must not all come back in the same second.
  const until = Date.now() + span * (0.75 + Math.random() / 2);
  return remember("wait", { step: Math.min(step + 1, 12), until });
}

/** Whether anything of anybody waits on this phone. */
async function anyWaiting() {
  for (const { person } of await people()) {
    if ((await numbersIn(person, "waiting")).length) return true;
    if ((await numbersIn(person, "approving")).length) return true;
  }
  return false;
}

async function run() {
  const sum = { sent: 0, refused: 0, elsewhere: 0, why: "" };
  if (!(await anyWaiting())) return sum;
  let told = await askToken();
  const person = personOf(told.reader);
  const { sealed, key } = await vaultOf(person);
  if (sealed && !key) return { ...sum, why: "locked" };
  for (const n of await numbersIn(person, "waiting")) {
    let result;
    try {
      result = await sendOne(person, n, told.reader, told.csrf_token, key);
    } catch (error) {
      if (error.why !== "stale-token") throw error;
      const again = await askToken();
      if (again.reader !== told.reader) throw new Stopped("other-person");
      told = again;
      result = await sendOne(person, n, told.reader, told.csrf_token, key);
    }
    if (result in sum) sum[result] += 1;
  }
  await follow(person, told.reader, key);
  await tidy(person);
  return sum;
}

/** Sends everything of whoever is signed in. {sent, refused, elsewhere, why}; why is "" when nothing
 * is left that could be sent, "busy" while another page sends, "later" before the next try is due.
 * With `force` it does not mind the next try, and takes its turn after another page. */
export async function sendWaiting({ force = false } = {}) {
  if (!force && ((await recall("wait"))?.until ?? 0) > Date.now()) return { why: "later" };
  const result = await alone(
    "sending",
    async () => {
      try {
        const sum = await run();
        await wait(false);
        return sum;
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        const why = error.why === "stale-token" ? "server" : error.why;
        if (why === "offline" || why === "server") await wait(true);
        return { sent: 0, refused: 0, elsewhere: 0, why };
      }
    },
    force,
  );
  const told = result ?? { why: "busy" };
  if (told.why !== "busy") {
    await remember("last", { why: told.why, at: Date.now() });
    tell("ran");
  }
  return told;
}
