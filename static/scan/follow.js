// Following a lot by this browser's own messages (Push API). The page works without this file: it
// then offers e-mail only. Which lots this browser follows only the browser remembers, so that it
// can leave again; nobody else is asked.
import { bytes, text } from "../js/base64.js";

const of = new URLSearchParams(location.search).get("of");
const mark = "trace-follow ";

function remembered(name, value) {
  try {
    if (value === "") localStorage.removeItem(name);
    else if (value) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch (error) {
    return null; // a browser that keeps nothing
  }
}

async function subscription(key) {
  const { pushManager } = await worker();
  const wanted = { userVisibleOnly: true, applicationServerKey: bytes(key) };
  try {
    return await pushManager.subscribe(wanted);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    const old = await pushManager.getSubscription(); // for another key of this site
    if (old) await old.unsubscribe();
    return pushManager.subscribe(wanted);
  }
}

async function worker() {
  const made = await navigator.serviceWorker.register("/t/worker.js", { scope: "/t/", updateViaCache: "none" });
  const coming = made.installing || made.waiting;
  if (!made.active && coming) {
    await new Promise((resolve) => {
      coming.addEventListener("statechange", () => coming.state === "activated" && resolve());
    });
  }
  return made;
}

async function turnOn(form) {
  // First: a browser asks a person only while the press of the button is fresh.
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const made = await subscription(form.dataset.follow);
  form.elements.endpoint.value = made.endpoint;
  form.elements.p256dh.value = text(made.getKey("p256dh"));
  form.elements.auth.value = text(made.getKey("auth"));
  form.submit();
  return "asking";
}

function start(form) {
  const status = form.querySelector("[role=status]");
  const say = (name) => {
    status.textContent = form.dataset[name] || "";
  };
  if (!navigator.serviceWorker || !("PushManager" in window && "Notification" in window)) return say("unable");
  if (Notification.permission === "denied") return say("denied");
  const button = form.querySelector("button");
  say("");
  button.hidden = false;
  const known = remembered(mark + of);
  if (known) {
    const told = document.querySelector("[data-following]");
    told.querySelector("a").href = known;
    told.hidden = false;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("asking");
    try {
      say(await turnOn(form));
    } catch (error) {
      say("failed");
    }
    button.disabled = false;
  });
}

const form = document.querySelector("form[data-follow]");
if (form) start(form);

// The answer to this browser's form says where it leaves; leaving is forgotten with it.
const told = document.querySelector("[data-leave]");
if (told && of && location.pathname === "/follow/browser") remembered(mark + of, told.dataset.leave);
if (document.querySelector("[data-left]")) {
  try {
    for (const name of Object.keys(localStorage)) {
      const kept = localStorage.getItem(name);
      if (name.startsWith(mark) && kept.split("?")[0] === location.pathname) remembered(name, "");
    }
  } catch (error) {
    // nothing was kept
  }
}
