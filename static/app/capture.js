// A form pressed "send": kept on the phone first, then sent. With a network the person sees what they
// always saw; without one nothing is lost, and the day goes on.

import { base } from "./base.js";
import { boxTime, reading, span } from "./clock.js";
import { addRow, clear, fill, make, mark, note, read } from "./form.js";
import { MOST, NotAPhoto, photosOf } from "./photos.js";
import { post, sendOne, sendWaiting, Stopped } from "./send.js";
import { addEntry, alone, drawKey, figures, getEntry, personOf, putEntry, tell } from "./store.js";
import { seal, unseal, vaultOf } from "./vault.js";
import { words } from "./words.js";

// Bounds of the queue: a season of one phone, far below what any browser grants.
const MOST_WAITING = 2000;
const MOST_BYTES = 400_000_000;
// How long a person waits for an answer before the entry is left to the queue.
const PATIENCE = 10_000;
const PATIENCE_WITH_PHOTOS = 30_000;
const LEFT_FREE = 5_000_000;

class Full extends Error {}
class TooMany extends Error {}

/** Words for the next page. */
export function say(kind, text) {
  try {
    sessionStorage.setItem("trace-said", JSON.stringify({ kind, text }));
  } catch {
    // a browser that keeps nothing shows nothing
  }
}

async function checkRoom(person, size) {
  const { waiting, refused, approving, bytes } = await figures(person);
  if (waiting + refused + approving >= MOST_WAITING || bytes + size > MOST_BYTES) throw new TooMany();
  const room = await navigator.storage?.estimate?.();
  if (room && room.quota - room.usage < size + LEFT_FREE) throw new Full();
  // The browser may clear what it likes unless asked; asked in vain on most phones, and harmless.
  if (!waiting) navigator.storage?.persist?.();
}

const sizeOf = (body, photos) =>
  JSON.stringify(body).length + photos.reduce((sum, photo) => sum + photo.data.byteLength, 0);

async function entryOf(form, submitter, reader, earlier) {
  const unknown = { phone: Date.now(), now: 0, offset: 0, wrong: "" };
  const { phone, now, offset, wrong } = await orElse(reading(), unknown);
  // The time of an entry is when it was first written, however often it is mended.
  const automatic = form.dataset.outbox === "now" && form.dataset.typed !== "1";
  if (automatic && form.elements.when && now && !earlier) form.elements.when.value = boxTime(now);
  const key = earlier?.body.key ?? drawKey();
  const kept = form.dataset.dropPhotos ? [] : (earlier?.photos ?? []);
  const photos = [...kept, ...(await photosOf(form, drawKey()))];
  if (photos.length > MOST) throw new RangeError();
  const body = {
    ...read(form, submitter),
    key,
    offset: earlier?.body.offset ?? offset,
    wrong,
    typed: !automatic,
    organisation: document.querySelector("meta[name=trace-reader]").dataset.organisation,
  };
  const written = earlier?.written ?? phone;
  return { state: "waiting", reader, written, tries: 0, day: 0, size: sizeOf(body, photos), body, photos };
}

/** Writes the entry, over an earlier one where the form mends it. Returns its number. */
async function store(person, entry, n, key) {
  try {
    if (!n) await checkRoom(person, entry.size);
    if (!n) return await addEntry(person, await seal(key, entry));
    await putEntry(person, { ...(await seal(key, entry)), n });
    return n;
  } catch (error) {
    if (error?.name === "QuotaExceededError") throw new Full();
    throw error;
  }
}

const sendable = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
  }
};

function showKeptPhotos(form, count) {
  for (const input of form.querySelectorAll("input[type=file]")) {
    input.value = "";
    input.dispatchEvent(new Event("change"));
    for (const old of input.parentElement.querySelectorAll("[data-kept-photos]")) old.remove();
    if (!count) continue;
    const drop = make("button", { type: "button", className: "button plain" }, words.dropPhoto);
    const line = make("p", { "data-kept-photos": "" }, `${count} ${words.keptPhotos}. `, drop);
    drop.addEventListener("click", () => {
      form.dataset.dropPhotos = "1";
      line.remove();
    });
    input.before(line);
  }
}

async function settled(person, n, key) {
  const kept = await getEntry(person, n);
  return kept && { state: kept.state, ...(await unseal(key, kept)) };
}

function whatNow(entry, why) {
  if (entry.state === "sent" || entry.state === "approving") {
    const { location: address, text, waits } = entry.body.answer;
    if (waits) say("info", words.approveNow);
    else say("message", text || words.sentNow);
    location.assign(address);
    return;
  }
  say("info", why === "signed-out" ? words.keptSignedOut : words.keptNow);
  location.assign(`${base}today`);
}

/** Sends entry `n` while its writer waits: directly when nothing older waits, else in its turn. */
async function sendFor(person, n, reader, form, key, photos) {
  const limit = photos.length ? PATIENCE_WITH_PHOTOS : PATIENCE;
  if (navigator.onLine === false) return "offline";
  const older = (await figures(person)).waiting > 1;
  const token = form.elements.csrf_token?.value;
  const stale = document.documentElement.dataset.kept;
  if (!older && token && !stale) {
    try {
      await sendOne(person, n, reader, token, key, limit);
      return "";
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      if (error.why !== "stale-token") return error.why;
    }
  }
  const late = new Promise((resolve) => setTimeout(() => resolve({ why: "offline" }), limit));
  return (await Promise.race([sendWaiting({ force: true }), late])).why;
}

/** Keeps what the form holds: {n, entry, key}; null where it mends an entry that was sent already. */
async function keep(form, submitter, reader, unlock) {
  const person = personOf(reader);
  let { sealed, key } = await vaultOf(person);
  if (sealed && !key) key = await unlock();
  const number = Number(form.dataset.entry) || 0;
  const earlier = number ? await settled(person, number, key) : null;
  if (earlier?.state === "sent" || earlier?.state === "approving") {
    const link = make("a", { href: earlier.body.answer.location }, words.open);
    note(form, "info", make("p", {}, words.alreadySent), link);
    return null;
  }
  const entry = await entryOf(form, submitter, reader, earlier);
  const n = await alone(`entry-${person}-${number}`, () => store(person, entry, number, key));
  tell();
  return { n, entry, key };
}

const REASONS = [
  [Full, () => words.full],
  [TooMany, () => words.tooMany],
  [Error, () => words.noRecord], // a browser that keeps nothing
];

async function submit(form, submitter, reader, unlock) {
  clear(form);
  let kept;
  try {
    kept = await keep(form, submitter, reader, unlock);
  } catch (error) {
    if (error instanceof NotAPhoto || error instanceof RangeError) throw error;
    const [, reason] = REASONS.find(([kind]) => error instanceof kind) ?? REASONS.at(-1);
    await sendUnkept(form, await entryOf(form, submitter, reader, null), reader, reason());
    return;
  }
  if (!kept) {
    sendable(form);
    return;
  }
  await sendKept(form, reader, kept);
}

async function sendKept(form, reader, { n, entry, key }) {
  const person = personOf(reader);
  const why = await sendFor(person, n, reader, form, key, entry.photos);
  if (why === "page") {
    // The server wants a person to see its answer: sent as any form, and not kept.
    await discard(person, n);
    form.submit();
    return;
  }
  const now = await settled(person, n, key);
  if (now.state !== "refused") {
    askForSync();
    whatNow(now, why);
    return;
  }
  form.dataset.entry = n;
  showKeptPhotos(form, entry.photos.length);
  refuse(form, now.body, person, n);
}

/** No room to keep it: sent from the page, or said clearly that it is nowhere yet. */
async function sendUnkept(form, entry, reader, reason) {
  try {
    const token = form.elements.csrf_token?.value ?? "";
    const { settled: what, answer } = await post(entry, reader, token);
    if (what === "sent") {
      whatNow({ state: "sent", body: { answer } });
      return;
    }
    mark(form, entry.body, answer, () => location.assign(entry.body.action));
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    if (error.why === "page") {
      form.submit();
      return;
    }
    note(form, "stop", make("p", {}, reason)).scrollIntoView();
  }
  sendable(form);
}

/** Marks what the server refused; an earlier answer of it is shown again when the form is opened. */
export function refuse(form, body, person, n) {
  mark(form, body, body.answer, async () => {
    await discard(person, n);
    location.assign(body.action);
  });
  sendable(form);
}

/** A person drops an entry that is not recorded: only its line stays, for a while. */
export function discard(person, n) {
  return alone(`entry-${person}-${n}`, async () => {
    const kept = await getEntry(person, n);
    if (!kept || kept.state === "sent" || kept.state === "approving") return false;
    const { key } = await vaultOf(person);
    const entry = await unseal(key, kept);
    const { title, about, told, action } = entry.body;
    const body = { title, about, told: told.slice(0, 4), action, labels: {}, fields: [] };
    const gone = { ...entry, state: "discarded", day: Date.now(), size: 0, body, photos: [] };
    await putEntry(person, await seal(key, gone));
    tell();
    return true;
  });
}

async function askForSync() {
  try {
    const worker = await navigator.serviceWorker?.ready;
    await worker?.sync?.register("trace-outbox");
  } catch {
    // no background sync here: pages send when they are opened and when the network comes
  }
}

/** What is read from a store that may not be there: `fallback` then. */
const orElse = async (promise, fallback) => {
  try {
    return await promise;
  } catch {
    return fallback;
  }
};

async function showTime(form) {
  const box = form.elements.when;
  if (form.dataset.outbox !== "now" || !box) return;
  box.addEventListener("input", () => {
    form.dataset.typed = "1";
  });
  const told = await orElse(reading(), null);
  if (!told) return;
  const { now, offset, wrong } = told;
  if (form.dataset.typed === "1") return;
  box.value = boxTime(now);
  if (!wrong) return;
  const said =
    wrong === "doubtful"
      ? words.clockDoubtful
      : `${wrong === "fast" ? words.clockFast : words.clockSlow} ${span(offset, words)}. ${words.clockFilled}`;
  note(box.closest(".field"), "warn", make("p", {}, said));
}

/** Opens an entry of the outbox in its form again: …#outbox=7. */
async function mend(form, reader, unlock) {
  const n = Number(new URLSearchParams(location.hash.slice(1)).get("outbox"));
  if (!n) return;
  const person = personOf(reader);
  let { sealed, key } = await vaultOf(person);
  if (sealed && !key) key = await unlock();
  const entry = await settled(person, n, key);
  if (entry?.state !== "waiting" && entry?.state !== "refused") return;
  const path = (address) => address.split("?")[0];
  if (path(read(form).action) !== path(entry.body.action)) return; // another form of this page
  fill(form, entry.body.fields);
  form.dataset.entry = n;
  if (entry.body.typed) form.dataset.typed = "1";
  showKeptPhotos(form, entry.photos.length);
  if (entry.state === "refused") refuse(form, entry.body, person, n);
}

/** Watches the forms of this page that may be kept. `unlock` opens the vault, asking for the PIN. */
export function watch(reader, unlock) {
  for (const form of document.querySelectorAll("form[data-outbox]")) {
    if (form.querySelector("[type=password], [data-passkey]")) continue;
    const ready = orElse(showTime(form).then(() => mend(form, reader, unlock)));
    form.addEventListener("submit", async (event) => {
      if (event.defaultPrevented) return;
      const { submitter } = event;
      if (submitter?.name === "more") {
        if (!addRow(form, submitter.value)) return;
        event.preventDefault();
        sendable(form);
        return;
      }
      event.preventDefault();
      try {
        await ready;
        await submit(form, submitter, reader, unlock);
      } catch (error) {
        sendable(form);
        if (error instanceof NotAPhoto) note(form, "stop", make("p", {}, words.notAPhoto)).scrollIntoView();
        else if (error instanceof RangeError) note(form, "stop", make("p", {}, words.tooManyPhotos)).scrollIntoView();
        else form.submit(); // whatever it was, the form goes its old way
      }
    });
  }
}
