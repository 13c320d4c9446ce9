// Messages on this device (Push API): turned on and off on the page of preferences, which works
// without this file: it then says that this browser cannot be told.

import { bytes, text } from "../js/base64.js";

async function digest(address) {
  const found = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(address));
  return [...new Uint8Array(found)].map((one) => one.toString(16).padStart(2, "0")).join("");
}

async function worker() {
  const scope = "/producer/";
  const known = await navigator.serviceWorker.getRegistration(scope);
  if (known) return known;
  const options = { scope, type: "module", updateViaCache: "none" };
  await navigator.serviceWorker.register("/producer/worker.js", options);
  const made = await navigator.serviceWorker.getRegistration(scope);
  while (!made.active) {
    const coming = made.installing ?? made.waiting;
    if (!coming) break;
    await new Promise((resolve) => coming.addEventListener("statechange", resolve, { once: true }));
  }
  return made;
}

async function turnOn(form) {
  // First: a browser asks a person only while the press of the button is fresh.
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const { pushManager } = await worker();
  const wanted = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.push) };
  let made;
  try {
    made = await pushManager.subscribe(wanted);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    // It was turned on for another key of this site: that one is of no use any more.
    await (await pushManager.getSubscription())?.unsubscribe();
    made = await pushManager.subscribe(wanted);
  }
  form.elements.endpoint.value = made.endpoint;
  form.elements.p256dh.value = text(made.getKey("p256dh"));
  form.elements.auth.value = text(made.getKey("auth"));
  form.submit();
  return "";
}

/** Marks this device in the list; taking it off the list turns it off in the browser as well. */
async function markOwn() {
  const known = await navigator.serviceWorker.getRegistration("/producer/");
  const own = await known?.pushManager.getSubscription();
  if (!own) return false;
  const item = document.querySelector(`[data-device="${await digest(own.endpoint)}"]`);
  if (!item) return false;
  item.querySelector("[data-own]").hidden = false;
  const form = item.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    own.unsubscribe().finally(() => form.submit());
  });
  return true;
}

async function start(form) {
  const status = form.querySelector("[role=status]");
  const say = (name) => {
    status.textContent = form.dataset[name] ?? "";
  };
  if (!navigator.serviceWorker || !("PushManager" in window && "Notification" in window)) return say("unable");
  if (Notification.permission === "denied") return say("denied");
  if (await markOwn()) return say("on");
  const button = form.querySelector("button");
  say("");
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("asking");
    try {
      say((await turnOn(form)) || "asking");
    } catch {
      say("failed");
    }
    button.disabled = false;
  });
}

const form = document.querySelector("form[data-push]");
if (form) start(form).catch(() => {});
