// What a page of goods does with a script; it is whole without. ES2018.
//
// Tells the server once that it was looked at, and whether the browser had it already. Pages opened
// from other pages are no scans.
const opened = (performance.getEntriesByType ? performance.getEntriesByType("navigation") : [])[0];
const from = document.referrer && new URL(document.referrer);
const scanned = !from || (from.origin === location.origin && from.pathname === "/");

const here = location.pathname + location.search;
const controlled = navigator.serviceWorker && navigator.serviceWorker.controller;

function tell() {
  if (document.prerendering || document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", tell);
  document.removeEventListener("prerenderingchange", tell);
  const had = opened && opened.encodedBodySize > 0 && opened.transferSize < opened.encodedBodySize;
  const send = (seen) => navigator.sendBeacon && navigator.sendBeacon(location.pathname, seen ? "1" : "");
  if (!controlled) return send(had);
  // Sizes say nothing behind a worker: it wrote down when it first saw the page.
  const first = (found) => found && Date.parse(found.headers.get("Trace-First")) < performance.timeOrigin;
  caches.match(here).then(first).then(send, () => send(false));
}

if (scanned && (!opened || opened.type === "navigate")) {
  document.addEventListener("visibilitychange", tell);
  document.addEventListener("prerenderingchange", tell);
  tell();
}

// Keeps this page for when there is no network, once all else is done; not for programs.
function keep() {
  if (document.prerendering || document.visibilityState !== "visible") return;
  navigator.serviceWorker
    .register("/t/worker.js", { scope: "/t/", updateViaCache: "none" })
    .then((made) => {
      if (!controlled) (made.installing || made.waiting || made.active).postMessage({ seen: here });
    })
    .catch(() => {});
}

const saving = navigator.connection && navigator.connection.saveData;
if (navigator.serviceWorker && !saving && !/bot\b|crawl|spider|preview|lighthouse/i.test(navigator.userAgent)) {
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 2000));
  if (document.readyState === "complete") idle(keep);
  else addEventListener("load", () => idle(keep));
}

// Passes the record's address on, by the phone's own means or to be pasted somewhere.
const share = document.querySelector("[data-share]");
if (share && (navigator.share || navigator.clipboard)) {
  share.hidden = false;
  share.addEventListener("click", async () => {
    const url = new URL(share.dataset.share, location.href).href;
    if (navigator.share) return navigator.share({ title: document.title, url }).catch(() => {});
    await navigator.clipboard.writeText(url);
    share.lastChild.textContent = share.dataset.done;
  });
}
