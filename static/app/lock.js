// The PIN as people meet it: the sheet over a locked notebook, and setting one.

import { make } from "./form.js";
import { shortTime } from "./clock.js";
import { sealKept, wipeKept } from "./kept.js";
import { askToken, sendWaiting } from "./send.js";
import { allEntries, findPerson, getEntry, notePerson, people, personOf, putEntry, tell } from "./store.js";
import { able, changePin, DIGITS, lock, seal, setPin, TooSoon, touch, unlock, vaultOf, WrongPin } from "./vault.js";
import { words } from "./words.js";

export const READER = "trace-reader";

/** Whose kept pages the worker shows without a network. */
export const setReader = async (reader) =>
  (await caches.open(READER)).put("/reader", new Response(reader));

function pinField(id, label, complete) {
  const input = make("input", { className: "input w-medium", id, type: "password", inputMode: "numeric", maxLength: 12, autocomplete: complete });
  input.setAttribute("autocomplete", complete);
  const error = make("span", { className: "error", role: "alert" });
  return { box: make("div", { className: "field" }, make("label", { htmlFor: id }, label), error, input), input, error };
}

function explain(error) {
  if (error instanceof WrongPin) return words.pinWrong;
  if (error instanceof TooSoon) return `${words.pinSoon} ${shortTime(error.until)}.`;
  throw error;
}

async function forgetAll(person) {
  for (const entry of await allEntries(person)) {
    const { n, state, reader, written } = entry;
    const body = { title: words.another, about: "", told: [], labels: {}, fields: [], answer: {} };
    // What waits for an approval was sent, and waits on the server.
    const left = state === "sent" || state === "approving" ? "sent" : "discarded";
    await putEntry(person, { n, state: left, reader, written, tries: 0, day: entry.day || Date.now(), size: 0, body, photos: [] });
  }
  await wipeKept(person);
  await notePerson(person, { vault: null });
  await lock();
  tell();
}

async function reachable() {
  try {
    await askToken();
    return true;
  } catch (stopped) {
    return stopped.why === "signed-out";
  }
}

async function chooseOther(person, sheet) {
  const leave = document.querySelector("form[action$='/sign-out']");
  // With a network the next person signs in; without one they choose among those known here.
  if (leave && navigator.onLine && (await reachable())) {
    leave.requestSubmit();
    return;
  }
  const known = (await people()).filter((one) => one.person !== person && one.reader);
  const buttons = known.map((one) => {
    const button = make("button", { type: "button", className: "button secondary" }, `${one.name} · ${one.organisation}`);
    button.addEventListener("click", async () => {
      await setReader(one.reader);
      location.assign("/producer/today");
    });
    return button;
  });
  sheet.querySelector(".others").replaceChildren(
    make("h3", {}, words.who),
    make("div", { className: "buttons" }, ...buttons),
  );
}

let asking = null;

/** Covers the page until the right PIN is typed; resolves with the key. */
export function askPin(reader) {
  asking ??= new Promise((resolve) => {
    const person = personOf(reader);
    const { box, input, error } = pinField("outbox-pin", words.pin, "off");
    const open = make("button", { type: "submit", className: "button" }, words.unlock);
    const form = make("form", { method: "dialog" }, box, make("div", { className: "buttons" }, open));
    const forgot = make("button", { type: "button", className: "button plain" }, words.forgot);
    const other = make("button", { type: "button", className: "button plain" }, words.other);
    const title = make("h2", { id: "lock-title" }, words.lockedTitle);
    const whose = make("p", { className: "quiet" });
    findPerson(person).then((one) => {
      whose.textContent = `${words.lockedOf} ${one.name}`;
    });
    const more = make("div", { className: "others" }, make("div", { className: "buttons" }, forgot, other));
    const sheet = make("dialog", { className: "sheet", "aria-labelledby": "lock-title" }, title, whose, form, more);
    const finish = (key) => {
      asking = null;
      sheet.close();
      sheet.remove();
      document.body.classList.remove("locked");
      tell();
      sendWaiting({ force: true });
      resolve(key);
    };
    sheet.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      open.setAttribute("aria-disabled", "true");
      try {
        finish(await unlock(person, input.value));
      } catch (wrong) {
        error.textContent = explain(wrong);
        input.value = "";
        input.focus();
      } finally {
        open.removeAttribute("aria-disabled");
      }
    });
    other.addEventListener("click", () => chooseOther(person, sheet));
    forgot.addEventListener("click", () => {
      const yes = make("button", { type: "button", className: "button warning" }, words.forgotYes);
      yes.addEventListener("click", async () => {
        await forgetAll(person);
        finish(null);
      });
      more.replaceChildren(make("p", { role: "alert" }, words.forgotAsk), make("div", { className: "buttons" }, yes, other));
    });
    document.body.classList.add("locked");
    document.body.append(sheet);
    sheet.showModal();
    input.focus();
  });
  return asking;
}

/** Locks when the minutes are over; every touch of the page starts them anew. */
export async function guard(reader) {
  const person = personOf(reader);
  const look = async () => {
    const { sealed, key } = await vaultOf(person);
    if (sealed && !key) await askPin(reader);
  };
  let touched = Date.now();
  const alive = () => {
    if (Date.now() - touched < 20_000) return;
    touched = Date.now();
    touch(person);
  };
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, alive, { passive: true });
  setInterval(look, 15_000);
  document.addEventListener("visibilitychange", () => !document.hidden && look());
  touch(person);
  await look();
}

async function sealAll(person, key) {
  for (const { n, sealed } of await allEntries(person)) {
    if (!sealed) await putEntry(person, await seal(key, await getEntry(person, n)));
  }
  await sealKept(person, key);
}

/** The part of the outbox's page where a PIN is set, changed, or used to lock at once. */
export async function pinPanel(reader, panel) {
  const person = personOf(reader);
  const { sealed } = await vaultOf(person);
  const title = make("h2", {}, words.pin);
  if (!able()) {
    panel.replaceChildren(title, make("p", {}, words.noPin));
    return;
  }
  const old = pinField("pin-old", words.pinOld, "off");
  const fresh = pinField("pin-new", words.pinNew, "off");
  const act = make("button", { type: "submit", className: "button secondary" }, sealed ? words.pinChange : words.pinSet);
  const form = make("form", { className: "form" }, ...(sealed ? [old.box] : []), fresh.box, make("div", { className: "buttons" }, act));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    fresh.error.textContent = "";
    old.error.textContent = "";
    if (!DIGITS.test(fresh.input.value)) {
      fresh.error.textContent = words.pinShape;
      fresh.input.focus();
      return;
    }
    try {
      if (sealed) await changePin(person, old.input.value, fresh.input.value);
      else await sealAll(person, await setPin(person, fresh.input.value));
      await pinPanel(reader, panel);
      panel.prepend(make("p", { role: "status" }, words.pinDone));
    } catch (wrong) {
      old.error.textContent = explain(wrong);
    }
  });
  if (!sealed) {
    panel.replaceChildren(title, make("p", {}, words.pinWhat), form);
    return;
  }
  const now = make("button", { type: "button", className: "button secondary" }, words.lockNow);
  now.addEventListener("click", async () => {
    await lock();
    await askPin(reader);
  });
  panel.replaceChildren(
    title,
    make("p", {}, words.pinOn),
    make("div", { className: "buttons" }, now),
    make("details", { className: "details" }, make("summary", {}, words.pinChange), form),
  );
}
