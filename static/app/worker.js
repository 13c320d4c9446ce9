// The service worker of a console (scope /producer/ or /inspection/). trace/web/installed.py puts lines before this
// file: what it uses of other modules, and TRACE = {build, files: {plain address: fingerprinted
// address}, fallback, pictures: where those of the how-to are}.
//
//   pages of the scope       the network first; without it, the copy this person's phone kept
//   files of this build      from the cache: page, styles and modules always belong together
//   thumbnails, other files  from the cache when their address names their content (?v=, a digest),
//                            (the how-to's pictures too), else the network first
//   everything else          not touched
//
// Pages are kept for each person apart, sealed under a PIN (kept.js); leaving wipes them. Nothing
// that is posted is ever kept here: entries are in IndexedDB, and send.js sends them.

/* global TRACE, ASSETS, keepPage, openPage, pagesOf, personOf, sendWaiting, vaultOf */
const SCOPE = new URL(registration.scope).pathname;
// Each console's worker keeps its own: a new one throws away its own former files only.
const KEPT = SCOPE === "/inspection/" ? "trace-desk-" : "trace-files-";
const FILES = KEPT + TRACE.build;
const MOST_ASSETS = 200;
const READER = "trace-reader";
const PATIENCE = 4000; // with a copy at hand, this long is waited for a network that answers nothing
const MOST_PAGES = 250;
const FRESH = 3 * 3600_000;
const FORMS_FRESH = 12 * 3600_000;

addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(FILES);
      await Promise.all(
        [...Object.entries(TRACE.files), [TRACE.fallback, TRACE.fallback]].map(async ([name, address]) => {
          const answer = await fetch(address, { cache: "no-cache", credentials: "omit" });
          if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
          await cache.put(name, answer);
        }),
      );
      await skipWaiting();
    })(),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith(KEPT) && name !== FILES) await caches.delete(name);
      }
      await clients.claim();
    })(),
  );
});

async function currentReader() {
  const kept = await (await caches.open(READER)).match("/reader");
  return kept ? kept.text() : "";
}

/** Keeps a page of the console for whoever it was made for. */
async function keep(address, answer) {
  const reader = answer.headers.get("Trace-Reader");
  const type = answer.headers.get("Content-Type") ?? "";
  if (!reader || answer.status !== 200 || answer.redirected || !type.startsWith("text/html")) return;
  const headers = new Headers(answer.headers);
  headers.set("Trace-Kept", new Date().toISOString());
  headers.delete("Set-Cookie");
  const text = await answer.text();
  await keepPage(reader, address, text, headers);
  for (const [, needed] of text.matchAll(/"(\/static\/[^"?]+\?v=[^"]+)"/g)) {
    if (!(needed.split("?")[0] in TRACE.files)) await lasting(needed);
  }
  if (reader !== (await currentReader())) await (await caches.open(READER)).put("/reader", new Response(reader));
  const pages = await pagesOf(reader);
  const names = await pages.keys();
  for (const name of names.slice(0, Math.max(0, names.length - MOST_PAGES))) await pages.delete(name);
}

const fallback = async () => (await caches.open(FILES)).match(TRACE.fallback);

/** A page's text with something told to its scripts. */
const marked = (text, name, value, headers) =>
  new Response(text.replace("<html ", `<html data-${name}="${value}" `), { headers });

/** The kept copy of a page, marked as such; undefined where there is none. */
async function copyOf(address) {
  const reader = await currentReader();
  if (!reader) return undefined;
  // A form asked for with hints in its address (…?plan=7) is the same form without them; a list
  // (its path ends in "/") asked for in another order is another list.
  const ignoreSearch = !address.split("?")[0].endsWith("/");
  const found = (await openPage(reader, address)) ?? (await openPage(reader, address, { ignoreSearch }));
  if (!found) return undefined;
  if (!found.locked) return marked(found.text, "kept", found.headers.get("Trace-Kept"), found.headers);
  // The PIN first: app.js asks for it on a page that says nothing, and opens this one again.
  const empty = await fallback();
  return empty && marked(await empty.text(), "locked", reader, empty.headers);
}

async function page(request, waitUntil) {
  const { pathname, search } = new URL(request.url);
  const address = pathname + search;
  // A browser that keeps nothing (a private window) has no copy; the network still answers.
  const copy = await copyOf(address).catch(() => undefined);
  const network = fetch(request).then((answer) => {
    waitUntil(keep(address, answer.clone()).catch(() => {}));
    return answer;
  });
  const soon = copy
    ? new Promise((resolve) => setTimeout(() => resolve(copy), PATIENCE))
    : new Promise(() => {});
  try {
    const answer = await Promise.race([network, soon]);
    // A server that is ill says nothing a person needs; the kept page still helps.
    return answer.status >= 500 && copy ? copy : answer;
  } catch {
    network.catch(() => {});
    return copy ?? (await fallback()) ?? Response.error();
  }
}

/** A file whose address names its content: once fetched, never again. */
async function lasting(request) {
  const cache = await caches.open(ASSETS);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const names = await cache.keys();
    for (const name of names.slice(0, Math.max(0, names.length - MOST_ASSETS))) await cache.delete(name);
  }
  return answer;
}

/** A photo beside a line; under a PIN none is kept. */
async function photo(request) {
  const open = await vaultOf(personOf(await currentReader())).then(({ sealed }) => !sealed, () => false);
  return open ? lasting(request) : fetch(request);
}

/** A file that may change: as it is now, or as it was last time. */
async function changing(request) {
  const cache = await caches.open(ASSETS);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch {
    return (await cache.match(request)) ?? Response.error();
  }
}

async function file(name, request) {
  return (await (await caches.open(FILES)).match(name)) ?? fetch(request);
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname.startsWith(SCOPE)) {
      event.respondWith(page(request, (work) => event.waitUntil(work)));
    }
    return;
  }
  // Whatever version a page asks for, it gets this build's: its modules fit one another.
  if (url.pathname in TRACE.files) event.respondWith(file(url.pathname, request));
  else if (url.pathname.startsWith("/photos/small/")) event.respondWith(photo(request));
  else if (url.pathname.startsWith("/static/") || url.pathname.startsWith(TRACE.pictures)) {
    event.respondWith(url.searchParams.has("v") ? lasting(request) : changing(request));
  }
});

/** Fetches the day's pages that are missing or no longer fresh, two at a time. No form is fresh when
 * what forms offer (places, products, households, saved entries) is no longer what it was. */
async function keepAll({ pages, forms }, reader, offered) {
  const cache = await pagesOf(reader);
  const notes = await caches.open(READER);
  const same = (await (await notes.match(`/offered/${reader}`))?.text()) === offered;
  const wanted = [];
  const look = async (addresses, fresh) => {
    for (const address of addresses) {
      const kept = await cache.match(address);
      const age = kept ? Date.now() - Date.parse(kept.headers.get("Trace-Kept")) : Infinity;
      if (!(age >= 0 && age < fresh)) wanted.push(address);
    }
  };
  await look(pages, FRESH);
  await look(forms, same ? FORMS_FRESH : 0);
  const next = async () => {
    for (let address = wanted.shift(); address; address = wanted.shift()) {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") continue; // no page of its own
      if (answer.headers.get("Trace-Reader") !== reader) throw new Error("someone else came meanwhile");
      await keep(address, answer);
    }
  };
  try {
    await Promise.all([next(), next()]);
    await notes.put(`/offered/${reader}`, new Response(offered));
  } catch {
    // no network any more: the rest next time
  }
}

addEventListener("message", (event) => {
  const { keep: pages, reader, offered } = event.data ?? {};
  if (pages) event.waitUntil(keepAll(pages, reader, offered));
});

addEventListener("sync", (event) => {
  if (event.tag !== "trace-outbox") return;
  event.waitUntil(
    sendWaiting({ force: true }).then(({ why }) => {
      // A rejected promise asks the browser to come back later.
      if (why === "offline" || why === "server") throw new Error(why);
    }),
  );
});
