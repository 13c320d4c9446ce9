// The phone's clock and ours. A phone in a field may have a wrong one.
//
// At each contact the server says its time; the difference is remembered. When the phone's clock is
// evidently wrong, the time of an entry is filled in by the server's, and the person is told. Both
// readings go along with the entry (trace/web/outbox.py): the server asks where they disagree.

import { recall, remember } from "./store.js";

// Below this nobody calls a clock wrong.
const NOTICED = 120_000;
// Viet Nam has one zone and no summer time; the times of forms are in it wherever the phone is set.
const ZONE = 7 * 3600_000;

// A clock that runs backwards while a page is open was set back: the browser's own counter does not.
const zero = Date.now() - performance.now();
const setBack = () => Date.now() - performance.now() < zero - NOTICED;

/** Learns the difference from the server's time and the phone's before and after asking. */
export async function learn(server, before, after) {
  const offset = Math.round(server - (before + after) / 2);
  await remember("clock", { offset, at: after });
  return offset;
}

/** {now, offset, wrong}: the corrected time in milliseconds; `wrong` is "", "fast", "slow" or, when
 * the clock went backwards since the last contact, "doubtful". */
export async function reading() {
  const known = await recall("clock");
  const phone = Date.now();
  if (known && (phone < known.at - NOTICED || setBack())) {
    return { now: phone, phone, offset: 0, wrong: "doubtful" };
  }
  const offset = known && Math.abs(known.offset) > NOTICED ? known.offset : 0;
  return { now: phone + offset, phone, offset, wrong: !offset ? "" : offset < 0 ? "fast" : "slow" };
}

/** Milliseconds as a form's time box takes them: 2026-11-22T07:10, in Viet Nam. */
export const boxTime = (moment) => new Date(moment + ZONE).toISOString().slice(0, 16);

/** 07:10, or 21/11 07:10 for another day. */
export function shortTime(moment, now = Date.now()) {
  const [day, time] = boxTime(moment).split("T");
  if (day === boxTime(now).slice(0, 10)) return time;
  return `${day.slice(8)}/${day.slice(5, 7)} ${time}`;
}

/** 22/11/2026 07:10 of a time box's text. */
export const longTime = (text) =>
  `${text.slice(8, 10)}/${text.slice(5, 7)}/${text.slice(0, 4)} ${text.slice(11, 16)}`;

/** A span in words: minutes, hours or days, by the words given. */
export function span(milliseconds, words) {
  const minutes = Math.round(Math.abs(milliseconds) / 60_000);
  if (minutes < 90) return `${minutes} ${words.minutes}`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} ${words.hours}` : `${Math.round(hours / 24)} ${words.days}`;
}
