// The service worker of pages of goods (scope /t/). trace/web/scan/seen.py puts a line before this
// file: OLD, the sentence of a kept page in each language.
//
// A page opened before opens again without a network, and says above everything that it is old. The
// network always comes first, and is waited for as long as the browser waits: a copy shown because
// an answer is slow could hide the recall that the answer brings. The copy is for no answer at all,
// or for a server that is ill.
//
// Written for Chrome 67 and Safari 15: no syntax younger than ES2018.
/* global OLD */
"use strict";

const SEEN = "trace-seen-1";
const MOST = 30;
const SCRIPTS = /<script type="module"[^>]*><\/script>/g; // a copy is no scan, and passes nothing on

/** Keeps a page as it is now, or forgets one that is no more. */
async function keep(address, answer) {
  const cache = await caches.open(SEEN);
  const type = answer.headers.get("Content-Type") || "";
  if (answer.status !== 200 || answer.redirected || !type.startsWith("text/html")) {
    await cache.delete(address);
    return;
  }
  const now = new Date().toISOString();
  const before = await cache.match(address);
  const headers = { "Trace-Kept": now, "Trace-First": (before && before.headers.get("Trace-First")) || now };
  for (const name of ["Content-Type", "Content-Language", "Content-Security-Policy"]) {
    headers[name] = answer.headers.get(name) || "";
  }
  await cache.put(address, new Response(await answer.text(), { headers }));
  const names = await cache.keys();
  for (const name of names.slice(0, Math.max(0, names.length - MOST))) await cache.delete(name);
}

/** The kept page with the day it was kept; undefined where there is none. */
async function copyOf(address) {
  const found = await (await caches.open(SEEN)).match(address);
  if (!found) return undefined;
  const { headers } = found;
  const kept = new Date(headers.get("Trace-Kept"));
  const two = (number) => String(number).padStart(2, "0");
  const day = `${two(kept.getDate())}/${two(kept.getMonth() + 1)}/${kept.getFullYear()}`;
  const line = (OLD[headers.get("Content-Language")] || OLD.vi).replace("{day}", day);
  const said = `<main><section class="al warn" role="status"><div><strong>${line}</strong></div></section>`;
  const text = (await found.text()).replace(SCRIPTS, "").replace("<main>", said);
  return new Response(text, { headers });
}

async function page(event, address) {
  let answer;
  try {
    answer = await fetch(event.request);
  } catch (error) {
    const copy = await copyOf(address).catch(() => undefined);
    if (copy) return copy;
    throw error;
  }
  if (answer.status >= 500) return (await copyOf(address).catch(() => undefined)) || answer;
  event.waitUntil(keep(address, answer.clone()).catch(() => {}));
  return answer;
}

addEventListener("install", (event) => event.waitUntil(skipWaiting()));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (method !== "GET" || mode !== "navigate" || origin !== location.origin) return;
  if (pathname.startsWith("/t/")) event.respondWith(page(event, pathname + search));
});

// The page that installed this worker was fetched before there was one: its browser still has it,
// so keeping it costs no byte.
addEventListener("message", (event) => {
  const address = event.data && event.data.seen;
  if (typeof address !== "string" || !address.startsWith("/t/")) return;
  event.waitUntil(
    fetch(address, { cache: "force-cache", headers: { Accept: "text/html" } }).then((answer) => keep(address, answer)),
  );
});

// A notice about a lot that this browser follows: a title and the path of its page.
addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json();
  } catch (error) {
    // a browser wants something shown
  }
  const path = typeof told.address === "string" && told.address.startsWith("/t/") ? told.address : "/";
  const icon = "/static/app/icon-192.png";
  const shown = { tag: String(told.tag || ""), lang: String(told.lang || "vi"), icon, badge: icon, data: { path } };
  event.waitUntil(registration.showNotification(String(told.title || "Trace"), shown));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow(new URL(event.notification.data.path, location.origin).href));
});
