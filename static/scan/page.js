// What a page of goods does with a script; it is whole without. No syntax younger than ES2018.
//
// Tells the server once that this page was looked at: by its own address, and whether the browser
// had it already. No cookie, nothing kept. Pages opened from other pages are no scans.
const opened = (performance.getEntriesByType ? performance.getEntriesByType("navigation") : [])[0];
const from = document.referrer && new URL(document.referrer);
const scanned = !from || (from.origin === location.origin && from.pathname === "/");

function tell() {
  if (document.prerendering || document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", tell);
  document.removeEventListener("prerenderingchange", tell);
  const had = opened && opened.encodedBodySize > 0 && opened.transferSize < opened.encodedBodySize;
  if (navigator.sendBeacon) navigator.sendBeacon(location.pathname, had ? "1" : "");
}

if (scanned && (!opened || opened.type === "navigate")) {
  document.addEventListener("visibilitychange", tell);
  document.addEventListener("prerenderingchange", tell);
  tell();
}

// Keeps this page for when there is no network (worker.js), once all else is done; not for programs.
function keep() {
  if (document.prerendering || document.visibilityState !== "visible") return;
  const seen = location.pathname + location.search;
  navigator.serviceWorker
    .register("/t/worker.js", { scope: "/t/", updateViaCache: "none" })
    .then((made) => {
      if (navigator.serviceWorker.controller) return; // it has seen the page itself
      const coming = made.installing || made.waiting || made.active;
      coming.postMessage({ seen });
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
