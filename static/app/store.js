// What the phone keeps, in IndexedDB.
//
// One database for the device (who uses it, what its clock was last told, what to show next) and one
// for each person: their entries. Nobody's entries are ever in another person's database.
//
// An entry: n (its number, in order of writing), state (waiting, refused, approving, sent, discarded),
// reader ("person.organisation"), written (the
// phone's clock, milliseconds), tries, size, day (when it was settled), photoCount, body (what was
// filled in and what was answered) or, under a PIN, `sealed` in its place; and photos, which lie in a
// store of their own, so that a list of entries does not load them.

// Sent and discarded entries are only lines of a list: they go after a while.
const LINES_KEPT = 60;
const DAYS_KEPT = 7;

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const finished = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });

const opened = new Map();

function open(name, make) {
  if (!opened.has(name)) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => make(request.result);
    const asked = done(request).then((database) => {
      // Another page may delete or upgrade it: this one then opens it anew.
      database.onversionchange = () => {
        database.close();
        opened.delete(name);
      };
      return database;
    });
    asked.catch(() => opened.delete(name));
    opened.set(name, asked);
  }
  return opened.get(name);
}

const device = () =>
  open("trace-device", (database) => {
    database.createObjectStore("people", { keyPath: "person" });
    database.createObjectStore("state", { keyPath: "name" });
  });

const outboxOf = (person) =>
  open(`trace-outbox-${person}`, (database) => {
    const entries = database.createObjectStore("entries", { keyPath: "n", autoIncrement: true });
    entries.createIndex("state", "state");
    database.createObjectStore("photos", { keyPath: "n" });
  });

async function within(database, names, mode, act) {
  const transaction = (await database).transaction(names, mode, { durability: "strict" });
  const ended = finished(transaction);
  ended.catch(() => {}); // told once, by the await below or by what failed before it
  const stores = [names].flat().map((name) => transaction.objectStore(name));
  const result = await act(...stores);
  await ended;
  return result;
}

export const personOf = (reader) => reader.split(".")[0];

// -- the device ----------------------------------------------------------------------------------

/** A remembered value of the device, undefined where there is none. */
export const recall = async (name) =>
  (await within(device(), "state", "readonly", (store) => done(store.get(name))))?.value;

export const remember = (name, value) =>
  within(device(), "state", "readwrite", (store) => done(store.put({ name, value })));

export const forget = (name) =>
  within(device(), "state", "readwrite", (store) => done(store.delete(name)));

/** People who use this phone: {person, reader, name, organisation, seen, vault}. */
export const people = () =>
  within(device(), "people", "readonly", (store) => done(store.getAll()));

export const findPerson = (person) =>
  within(device(), "people", "readonly", (store) => done(store.get(person)));

/** Writes what is new about a person over what is known. */
export const notePerson = (person, news) =>
  within(device(), "people", "readwrite", async (store) => {
    const known = (await done(store.get(person))) ?? { person, vault: null };
    const now = { ...known, ...news };
    await done(store.put(now));
    return now;
  });

// -- entries -------------------------------------------------------------------------------------

const both = (person, mode, act) => within(outboxOf(person), ["entries", "photos"], mode, act);

const light = ({ photos, ...entry }) => ({ ...entry, photoCount: photos?.length ?? 0 });

/** 22 characters of 128 random bits: the one-time key of an entry. */
export function drawKey() {
  const raw = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...raw)).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
}

/** A new entry; its number. */
export const addEntry = (person, entry) =>
  both(person, "readwrite", async (entries, photos) => {
    const n = await done(entries.add(light(entry)));
    if (entry.photos?.length) await done(photos.put({ n, photos: entry.photos }));
    return n;
  });

/** An entry over its former self, photos and all. */
export const putEntry = (person, entry) =>
  both(person, "readwrite", async (entries, photos) => {
    const { n } = entry;
    await done(entries.put(light(entry)));
    await done(entry.photos?.length ? photos.put({ n, photos: entry.photos }) : photos.delete(n));
  });

/** One more try of an entry. */
export const countTry = (person, n) =>
  both(person, "readwrite", async (entries) => {
    const entry = await done(entries.get(n));
    if (entry) await done(entries.put({ ...entry, tries: entry.tries + 1 }));
  });

/** An entry with its photos, undefined where there is none. */
export const getEntry = (person, n) =>
  both(person, "readonly", async (entries, photos) => {
    const entry = await done(entries.get(n));
    return entry && { ...entry, photos: (await done(photos.get(n)))?.photos ?? [] };
  });

/** All entries, without their photos. */
export const allEntries = (person) =>
  within(outboxOf(person), "entries", "readonly", (store) => done(store.getAll()));

/** Numbers of the entries in a state, in the order they were written. */
export const numbersIn = async (person, state) =>
  (
    await within(outboxOf(person), "entries", "readonly", (store) =>
      done(store.index("state").getAllKeys(state)),
    )
  ).sort((one, other) => one - other);

/** {waiting, refused, approving, sent, discarded, sentToday, bytes}: for a line of figures. */
export async function figures(person) {
  const found = { waiting: 0, refused: 0, approving: 0, sent: 0, discarded: 0, sentToday: 0, bytes: 0 };
  const today = new Date().toDateString();
  for (const entry of await allEntries(person)) {
    found[entry.state] += 1;
    if (entry.state === "sent" && new Date(entry.day).toDateString() === today) {
      found.sentToday += 1;
    }
    if (!["sent", "discarded"].includes(entry.state)) found.bytes += entry.size;
  }
  return found;
}

/** Drops settled lines that are old or many. What waits or was refused is never dropped. */
export async function tidy(person) {
  const settled = (await allEntries(person))
    .filter((entry) => entry.state === "sent" || entry.state === "discarded")
    .sort((one, other) => other.day - one.day);
  const limit = Date.now() - DAYS_KEPT * 86400_000;
  const old = settled.filter((entry, place) => place >= LINES_KEPT || entry.day < limit);
  // Today's figure counts them: they stay until tomorrow.
  const today = new Date().toDateString();
  const gone = old.filter((entry) => new Date(entry.day).toDateString() !== today);
  if (!gone.length) return;
  await within(outboxOf(person), "entries", "readwrite", async (store) => {
    for (const entry of gone) await done(store.delete(entry.n));
  });
}

// -- one at a time -------------------------------------------------------------------------------

/** Runs `act` while nobody else (another page, the worker) holds `name`; null where somebody does
 * and `wait` is false. Browsers without locks run it: sending twice is answered once. */
export function alone(name, act, wait = true) {
  if (!globalThis.navigator?.locks) return act();
  return navigator.locks.request(`trace-${name}`, { ifAvailable: !wait }, (lock) =>
    lock ? act() : null,
  );
}

const channel = globalThis.BroadcastChannel ? new BroadcastChannel("trace-outbox") : null;

/** Tells all pages (also this one) that the outbox changed. */
export function tell(news = "changed") {
  channel?.postMessage(news);
  globalThis.dispatchEvent?.(new CustomEvent("trace-outbox", { detail: news }));
}

/** Calls `act` whenever the outbox changes, whoever changed it. */
export function listen(act) {
  channel?.addEventListener("message", (event) => act(event.data));
  globalThis.addEventListener("trace-outbox", (event) => act(event.detail));
}
