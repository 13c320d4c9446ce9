// What a page of goods does with a script; it is whole without.
//
// Tells the server once that this page was looked at: by its own address, and whether the browser
// had it already. No cookie, nothing kept. Pages opened from other pages are no scans.
const opened = performance.getEntriesByType?.("navigation")[0];
const from = document.referrer && new URL(document.referrer);
const scanned = !from || (from.origin === location.origin && from.pathname === "/");

function tell() {
  if (document.prerendering || document.visibilityState !== "visible") return;
  document.removeEventListener("visibilitychange", tell);
  document.removeEventListener("prerenderingchange", tell);
  const had = opened?.encodedBodySize > 0 && opened.transferSize < opened.encodedBodySize;
  navigator.sendBeacon?.(location.pathname, had ? "1" : "");
}

if (scanned && (opened?.type ?? "navigate") === "navigate") {
  document.addEventListener("visibilitychange", tell);
  document.addEventListener("prerenderingchange", tell);
  tell();
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
