// The console on a phone: what each page does at once. Every page works without this file; with it,
// entries are kept on the phone first, pages open without a network, and nothing is lost.

import { base } from "./base.js";
import { draw } from "./show.js";
import { learn, shortTime } from "./clock.js";
import { watch } from "./capture.js";
import { make } from "./form.js";
import { wipeKept } from "./kept.js";
import { askPin, guard, pinPanel, setReader } from "./lock.js";
import { sendWaiting } from "./send.js";
import { figures, listen, notePerson, personOf } from "./store.js";
import { lock, vaultOf } from "./vault.js";
import { words } from "./words.js";

const meta = document.querySelector("meta[name=trace-reader]");
const reader = meta?.content ?? "";
const { kept = "", locked = "" } = document.documentElement.dataset;
const main = document.querySelector("main");

function showSaid() {
  let said;
  try {
    said = sessionStorage.getItem("trace-said");
    sessionStorage.removeItem("trace-said");
  } catch {
    return;
  }
  if (!said) return;
  const { kind, text } = JSON.parse(said);
  main.prepend(make("div", { className: `notice ${kind === "message" ? "ok" : kind}`, role: "status" }, make("div", {}, make("p", {}, text))));
}

function showKept() {
  if (!kept) return;
  // Words of the moment it was kept are stale now.
  for (const old of main.querySelectorAll(":scope > .notice[role=status]")) old.remove();
  const text = `${words.keptPage} ${shortTime(Date.parse(kept))}.`;
  main.prepend(make("p", { className: "tag neutral", role: "status" }, text));
}

/** A page just made by the server tells its time as well as a request would. */
async function learnFromPage() {
  const [visit] = performance.getEntriesByType("navigation");
  const server = Number(meta.dataset.now);
  if (kept || !server || !visit?.responseStart || visit.type === "back_forward") return;
  const origin = Date.now() - performance.now();
  await learn(server, origin + visit.requestStart, origin + visit.responseStart);
}

/** Without a worker (an old browser) everything works but for pages without a network. */
async function install() {
  const options = { scope: base, updateViaCache: "none", type: "module" };
  await navigator.serviceWorker?.register(`${base}worker.js`, options).catch(() => {});
}

/** Keeps the day's pages while there is a network. */
async function keepPages() {
  if (kept || navigator.connection?.saveData || !navigator.serviceWorker) return;
  const answer = await fetch(`${base}outbox/pages`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { pages, forms, offered } = await answer.json();
  const worker = await navigator.serviceWorker.ready;
  worker.active.postMessage({ keep: { pages, forms }, reader, offered });
}

/** Nobody else who uses this phone is shown what was meant for whoever leaves: the push service then
 * says that the device is gone, and the server forgets it. */
async function silence() {
  const known = await navigator.serviceWorker?.getRegistration("/producer/");
  await (await known?.pushManager?.getSubscription())?.unsubscribe();
}

/** Leaving wipes the pages this person kept; entries that wait stay, for their writer only. */
function watchLeaving() {
  const form = document.querySelector("form[action$='/sign-out']");
  form?.addEventListener("submit", async (event) => {
    if (form.dataset.wiped) return;
    event.preventDefault();
    form.dataset.wiped = "1";
    const person = personOf(reader);
    try {
      const { waiting, refused } = await figures(person);
      if (waiting + refused) {
        sessionStorage.setItem("trace-said", JSON.stringify({ kind: "info", text: `${waiting + refused} ${words.leaveAsk}` }));
      }
      await wipeKept(person);
      await caches.delete("trace-reader");
      await lock();
      await silence();
    } catch {
      // nothing was kept here
    }
    form.submit();
  });
}

/** Where the browser offers it, a button that puts the notebook on the home screen. */
function offerInstalling(page) {
  addEventListener("beforeinstallprompt", (offer) => {
    const button = make("button", { type: "button", className: "button secondary" }, words.install);
    button.addEventListener("click", () => {
      button.remove();
      offer.prompt();
    });
    page.append(make("div", { className: "buttons" }, button));
  });
}

function send(force = false) {
  if (navigator.onLine === false) return;
  figures(personOf(reader)).then(
    ({ waiting, approving }) => (waiting || (force && approving)) && sendWaiting({ force }),
  );
}

async function start() {
  const person = personOf(reader);
  watch(reader, () => askPin(reader)); // first: it works also where nothing can be kept
  watchLeaving();
  await learnFromPage();
  await notePerson(person, {
    reader,
    name: meta.dataset.name,
    organisation: meta.dataset.organisation,
    seen: Date.now(),
  });
  const page = document.querySelector("[data-outbox-page]");
  if (page) {
    const list = make("div", { "data-outbox-list": "" });
    const panel = make("section", { className: "panel" });
    page.replaceChildren(list, panel);
    offerInstalling(page);
    await pinPanel(reader, panel);
  }
  await draw(reader);
  performance.mark("trace-ready"); // everything a person may press now answers
  listen(() => draw(reader));
  if ((await vaultOf(person)).sealed) await guard(reader);
  if (!("caches" in globalThis)) return;
  await setReader(reader);
  await install();
  addEventListener("online", () => send(true));
  document.addEventListener("visibilitychange", () => !document.hidden && send());
  setInterval(send, 30_000);
  send(true); // a person is here: no waiting for the next try
  if (location.pathname === `${base}today`) await keepPages();
}

showKept();
showSaid();
// The page that was asked for is kept under this person's PIN.
if (locked) askPin(locked).then(() => location.reload());
if (reader && "indexedDB" in globalThis) {
  start().catch((error) => {
    // A browser that keeps nothing (a private window, a full disk): every page works without.
    if (navigator.onLine) console.info("outbox", error?.name ?? error);
  });
}
