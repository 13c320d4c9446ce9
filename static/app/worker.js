// The service worker of the console (scope /producer/). trace/web/installed.py puts a line before
// this file: TRACE = {build, files: {plain address: fingerprinted address}, fallback}.
//
//   pages under /producer/   the network first; without it, the copy this person's phone kept
//   files of this build      from the cache: page, styles and modules always belong together
//   other files, thumbnails  from the cache when their address names their content (?v=, a digest),
//                            else the network first
//   everything else          not touched
//
// Pages are kept for each person apart; leaving wipes them (app.js). Nothing that is posted is ever
// kept here: entries are in IndexedDB, and send.js sends them.

/* global TRACE */
const FILES = `trace-files-${TRACE.build}`;
const ASSETS = "trace-assets";
const MOST_ASSETS = 200;
const READER = "trace-reader";
const PATIENCE = 4000; // with a copy at hand, this long is waited for a network that answers nothing
const MOST_PAGES = 150;
const FRESH = 3 * 3600_000;

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
        if (name.startsWith("trace-files-") && name !== FILES) await caches.delete(name);
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
  const cache = await caches.open(`trace-pages-${reader}`);
  const text = await answer.text();
  await cache.put(address, new Response(text, { status: 200, headers }));
  for (const [, needed] of text.matchAll(/"(\/static\/[^"?]+\?v=[^"]+)"/g)) {
    if (!(needed.split("?")[0] in TRACE.files)) await lasting(needed);
  }
  if (reader !== (await currentReader())) await (await caches.open(READER)).put("/reader", new Response(reader));
  const names = await cache.keys();
  for (const name of names.slice(0, Math.max(0, names.length - MOST_PAGES))) await cache.delete(name);
}

/** The kept copy of a page, marked as such; undefined where there is none. */
async function copyOf(address) {
  const reader = await currentReader();
  if (!reader) return undefined;
  const cache = await caches.open(`trace-pages-${reader}`);
  // A form asked for with hints in its address (…?plan=7) is the same form without them; a list
  // (its path ends in "/") asked for in another order is another list.
  const form = !address.split("?")[0].endsWith("/");
  const found = (await cache.match(address)) ?? (await cache.match(address, { ignoreSearch: form }));
  if (!found) return undefined;
  const text = await found.text();
  const marked = text.replace("<html ", `<html data-kept="${found.headers.get("Trace-Kept")}" `);
  return new Response(marked, { headers: found.headers });
}

async function page(request, waitUntil) {
  const { pathname, search } = new URL(request.url);
  const address = pathname + search;
  const copy = await copyOf(address);
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
    return copy ?? (await (await caches.open(FILES)).match(TRACE.fallback)) ?? Response.error();
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
    if (url.pathname.startsWith("/producer/")) {
      event.respondWith(page(request, (work) => event.waitUntil(work)));
    }
    return;
  }
  // Whatever version a page asks for, it gets this build's: its modules fit one another.
  if (url.pathname in TRACE.files) event.respondWith(file(url.pathname, request));
  else if (url.pathname.startsWith("/photos/small/")) event.respondWith(lasting(request));
  else if (url.pathname.startsWith("/static/")) {
    event.respondWith(url.searchParams.has("v") ? lasting(request) : changing(request));
  }
});

/** Fetches the day's pages that are missing or no longer fresh, two at a time. */
async function keepAll(pages, reader) {
  const cache = await caches.open(`trace-pages-${reader}`);
  const wanted = [];
  for (const address of pages) {
    const kept = await cache.match(address);
    const age = kept ? Date.now() - Date.parse(kept.headers.get("Trace-Kept")) : Infinity;
    if (!(age >= 0 && age < FRESH)) wanted.push(address);
  }
  const next = async () => {
    for (let address = wanted.shift(); address; address = wanted.shift()) {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") continue; // no page of its own
      if (answer.headers.get("Trace-Reader") !== reader) return; // someone else came meanwhile
      await keep(address, answer);
    }
  };
  await Promise.all([next(), next()]).catch(() => {});
}

addEventListener("message", (event) => {
  const { keep: pages, reader } = event.data ?? {};
  if (pages) event.waitUntil(keepAll(pages, reader));
});

addEventListener("sync", (event) => {
  if (event.tag !== "trace-outbox" || !self.sendWaiting) return;
  event.waitUntil(
    self.sendWaiting({ force: true }).then(({ why }) => {
      // A rejected promise asks the browser to come back later.
      if (why === "offline" || why === "server") throw new Error(why);
    }),
  );
});
