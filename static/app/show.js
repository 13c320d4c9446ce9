// The line of figures on each page, and the lists of what waits.

import { base } from "./base.js";
import { shortTime } from "./clock.js";
import { discard } from "./capture.js";
import { make, ownWords } from "./form.js";
import { sendWaiting } from "./send.js";
import { allEntries, figures, people, personOf, recall } from "./store.js";
import { unseal, vaultOf } from "./vault.js";
import { words } from "./words.js";

const MOST_LISTED = 50;
const MOST_TODAY = 5;
// A queue that empties changes many times a second; nobody reads that fast.
const REST = 150;
const KINDS = { waiting: "wait", refused: "stop", approving: "wait", sent: "ok", discarded: "neutral" };
const MARKS = { waiting: "◌", refused: "▲", approving: "◑", sent: "⬤", discarded: "✕" };
const OPEN = ["waiting", "refused", "approving"];

const glyph = (text) => make("span", { "aria-hidden": "true" }, text);

/** "⬤ đã gửi 12 · ◌ chờ 2": a link to the list. */
async function line(person) {
  const { waiting, refused, approving, sentToday } = await figures(person);
  const parts = [glyph("⬤"), ` ${words.sent} ${sentToday} · `, glyph("◌"), ` ${words.waits} ${waiting}`];
  if (refused) parts.push(" · ", glyph("▲"), ` ${words.refusedCount} ${refused}`);
  if (approving) parts.push(" · ", glyph("◑"), ` ${words.approvals} ${approving}`);
  const kind = refused ? "stop" : waiting + approving ? "wait" : "ok";
  const link = make("a", { className: `tag ${kind} outbox-line`, href: `${base}outbox/` }, ...parts);
  return { link, worth: waiting + refused + approving > 0 };
}

function buttonsOf(entry, person) {
  const row = make("div", { className: "outbox-acts" });
  const { body, n, state } = entry;
  if (state === "sent" && body.answer.location) {
    row.append(make("a", { href: body.answer.location }, words.open));
  }
  if (state === "approving") {
    row.append(make("a", { className: "button", href: body.answer.location }, words.approve));
  }
  if (state === "refused" || state === "waiting") {
    const kind = state === "refused" ? "button" : "button secondary";
    row.append(make("a", { className: kind, href: addressOf(entry) }, words.mend));
    const drop = make("button", { type: "button", className: "button plain" }, words.discard);
    drop.addEventListener("click", () => {
      const yes = make("button", { type: "button", className: "button warning" }, words.discardYes);
      const no = make("button", { type: "button", className: "button secondary" }, words.keepIt);
      const asked = make("p", { role: "alert" }, words.discardAsk);
      const former = [...row.childNodes];
      yes.addEventListener("click", () => discard(person, n));
      no.addEventListener("click", () => row.replaceChildren(...former));
      row.replaceChildren(asked, yes, no);
      yes.focus();
    });
    row.append(drop);
  }
  return row.childNodes.length ? row : null;
}

function reasonOf({ state, body }) {
  if (state !== "refused") return [];
  const { answer } = body;
  if (answer.code === "form-already-used") return [words.alreadySent];
  if (ownWords[answer.code]) return [ownWords[answer.code]];
  if (answer.theirs) return [`${words.conflict}. ${words.conflictSays}`];
  const sentences = (answer.errors ?? []).map(({ path, sentence }) =>
    body.labels[path] ? `${body.labels[path]}: ${sentence}` : sentence,
  );
  return sentences.length ? sentences : [answer.sentence ?? answer.detail ?? ""];
}

const tagOf = (state) =>
  make("span", { className: `tag ${KINDS[state]}` }, glyph(MARKS[state]), ` ${words.state[state]}`);

/** When it happened, as written in the entry; else when it was written. */
const timeOf = ({ written, body }) => {
  const told = body.fields?.find(([name]) => name === "when")?.[1];
  const moment = Date.parse(`${told}:00+07:00`);
  return shortTime(Number.isNaN(moment) ? written + (body.offset ?? 0) : moment);
};

/** Where an entry is opened again. What its address hinted at may be gone (a plan that is done): the
 * form itself is still there. */
const addressOf = ({ n, state, body }) => {
  if (state === "approving") return body.answer.location;
  const action = body.answer?.code === "not-found" ? body.action.split("?")[0] : body.action;
  return `${action}#outbox=${n}`;
};

/** One line, as on the page of the day. */
function brief(entry) {
  const { state, body } = entry;
  const heading = make("h3", {}, `${timeOf(entry)} `, make("a", { href: addressOf(entry) }, body.title));
  return make("li", {}, heading, make("p", { className: "quiet small" }, body.about), tagOf(state));
}

function item(entry, person) {
  const { state, body, photoCount, reader } = entry;
  const heading = make("h2", {}, `${timeOf(entry)} ${body.title}`);
  const parts = [heading, make("p", {}, tagOf(state))];
  if (body.about) parts.push(make("p", { className: "quiet small" }, body.about));
  for (const reason of reasonOf(entry)) parts.push(make("p", { className: "error" }, reason));
  const told = body.told.slice(0, 6).map(([label, text]) => make("li", {}, `${label}: ${text}`));
  if (photoCount) told.push(make("li", {}, `${photoCount} ${words.photo}`));
  if (told.length) parts.push(make("ul", { className: "outbox-told small" }, ...told));
  if (state === "waiting" && reader !== document.querySelector("meta[name=trace-reader]")?.content) {
    parts.push(make("p", { className: "quiet small" }, `${words.why.elsewhere} (${body.organisation})`));
  }
  return make("li", { className: "panel" }, ...parts, buttonsOf(entry, person) ?? "");
}

/** The entries of a person in these states, newest first: what asks for a hand before what waits.
 * Null while the vault is locked. */
async function entriesOf(person, states, most) {
  const { sealed, key } = await vaultOf(person);
  if (sealed && !key) return null;
  const found = (await allEntries(person)).filter((entry) => states.includes(entry.state)).reverse();
  found.sort((one, other) => (other.state === "refused") - (one.state === "refused"));
  const shown = await Promise.all(found.slice(0, most).map((entry) => unseal(key, entry)));
  return { shown, more: found.length - shown.length };
}

async function list(person, states, form, most) {
  const entries = await entriesOf(person, states, most);
  if (!entries?.shown.length) return null;
  const { shown, more } = entries;
  const items = shown.map((entry) => form(entry, person));
  if (more) items.push(make("li", { className: "quiet" }, `+ ${more} ${words.more}`));
  return make("ol", { className: "outbox-list" }, ...items);
}

const sendButton = () => {
  const button = make("button", { type: "button", className: "button" }, words.sendNow);
  button.addEventListener("click", async () => {
    button.setAttribute("aria-disabled", "true");
    button.textContent = words.sending;
    await sendWaiting({ force: true });
    button.removeAttribute("aria-disabled");
    button.textContent = words.sendNow;
  });
  return make("div", { className: "buttons" }, button);
};

const signIn = () =>
  make("a", { href: `/sign-in?next=${encodeURIComponent(`${base}outbox/`)}` }, words.signIn);

async function others(person) {
  let count = 0;
  for (const one of await people()) {
    if (one.person !== person) count += (await figures(one.person)).waiting;
  }
  return count ? make("p", { className: "quiet" }, `${count} ${words.othersWait}`) : null;
}

// Under a finger that is down nothing is put in place of what it presses: the tap would be lost.
const AFTER_TAP = 60;
let lifted = Promise.resolve();
addEventListener(
  "pointerdown",
  () => {
    lifted = new Promise((resolve) => {
      const up = () => setTimeout(resolve, AFTER_TAP);
      for (const end of ["pointerup", "pointercancel"]) addEventListener(end, up, { capture: true, once: true });
    });
  },
  { capture: true },
);

let drawn = "";

/** What a drawing depends on: a list is not drawn anew under somebody's thumb for nothing. */
async function stateOf(person) {
  const { sealed, key } = await vaultOf(person);
  const entries = (await allEntries(person)).map(({ n, state, day }) => [n, state, day]);
  const others = (await people()).length;
  return JSON.stringify([entries, (await recall("last"))?.why, sealed, Boolean(key), others]);
}

async function whole(person) {
  const { waiting, refused, approving } = await figures(person);
  const last = await recall("last");
  const parts = [];
  if (waiting && last?.why && words.why[last.why]) {
    const said = make("p", {}, words.why[last.why]);
    if (last.why === "signed-out") said.append(" ", signIn());
    parts.push(make("div", { className: "notice info", role: "status" }, make("div", {}, said)));
  }
  if (waiting) parts.push(sendButton());
  if (!waiting && !refused && !approving) parts.push(make("p", {}, words.empty));
  parts.push((await list(person, OPEN, item, MOST_LISTED)) ?? "");
  const settled = await list(person, ["sent", "discarded"], item, MOST_LISTED);
  if (settled) {
    parts.push(make("details", { className: "details" }, make("summary", {}, words.onPhone), settled));
  }
  parts.push((await others(person)) ?? "");
  return parts.filter(Boolean);
}

let drawing = Promise.resolve();
let asked = 0;

/** Draws the line of figures, and the lists where the page has a place for them. Called again
 * whenever the outbox changes: one drawing after another, the last of them after the last change. */
export function draw(reader) {
  const number = ++asked;
  const turn = drawing.then(() => number === asked && drawOnce(reader).then(() => true));
  const rest = (drew) => drew && new Promise((resolve) => setTimeout(resolve, REST));
  drawing = turn.then(rest).catch(() => {});
  return turn.catch(() => {});
}

async function drawOnce(reader) {
  const person = personOf(reader);
  const state = await stateOf(person);
  if (state === drawn) return;
  drawn = state;
  const today = location.pathname === `${base}today`;
  const page = document.querySelector("[data-outbox-page] > [data-outbox-list]");
  const { link, worth } = await line(person);
  const parts = page && (await whole(person));
  const waiting = today && (await list(person, OPEN, brief, MOST_TODAY));
  await lifted;
  const old = document.querySelector(".outbox-line");
  if (old) old.replaceWith(link);
  else if (worth || today) document.querySelector(".title-row")?.append(link);
  if (page) {
    // What a thumb has opened stays open when the list is drawn anew.
    const open = Boolean(page.querySelector("details")?.open);
    page.replaceChildren(...parts);
    if (open) page.querySelector("details")?.setAttribute("open", "");
  }
  if (today) document.querySelector("[data-outbox-today]")?.remove();
  if (waiting) {
    const heading = make("h2", {}, words.outbox);
    const box = make("section", { "data-outbox-today": "", className: "panel" }, heading, waiting);
    document.querySelector(".title-row")?.after(box);
  }
}
