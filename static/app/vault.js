// A PIN keeps one person's entries and kept pages from the others who use the same phone.
//
// They are sealed by AES-GCM under a random key; that key is kept wrapped by a key drawn from the
// PIN (PBKDF2, SHA-256). An unlocked key is a CryptoKey that scripts cannot read out; it is forgotten
// after some minutes without use. Six digits withstand a curious neighbour, not a laboratory:
// docs/explanation/offline.md says what this is worth.

import { findPerson, forget, notePerson, recall, remember } from "./store.js";

export const DIGITS = /^[0-9]{6,12}$/;
export const ROUNDS = 600_000;
export const MINUTES = 10;
// After so many wrong PINs in a row each further try waits, twice as long every time.
const FREE_TRIES = 5;

export class WrongPin extends Error {}
export class TooSoon extends Error {
  constructor(until) {
    super("too soon");
    this.until = until;
  }
}

/** Whether this browser can seal at all (only pages served safely may). */
export const able = () => Boolean(globalThis.crypto?.subtle);

const bytes = (length) => crypto.getRandomValues(new Uint8Array(length));

async function wrappingKey(pin, salt, rounds) {
  const typed = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, [
    "deriveKey",
  ]);
  return crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds },
    typed,
    { name: "AES-GCM", length: 256 },
    false,
    ["wrapKey", "unwrapKey"],
  );
}

const unwrapWith = (wrapping, { iv, wrapped }, extractable) =>
  crypto.subtle.unwrapKey("raw", wrapped, wrapping, { name: "AES-GCM", iv }, "AES-GCM", extractable, [
    "encrypt",
    "decrypt",
  ]);

async function unwrap(vault, pin, extractable) {
  const wrapping = await wrappingKey(pin, vault.salt, vault.rounds);
  try {
    return await unwrapWith(wrapping, vault, extractable);
  } catch {
    throw new WrongPin();
  }
}

const keepOpen = (person, key) => remember("key", { person, key, until: Date.now() + MINUTES * 60_000 });

/** Guards an extractable key by a PIN, and leaves it open; the key that cannot be read out. */
async function guardBy(person, key, pin) {
  const salt = bytes(16);
  const iv = bytes(12);
  const wrapping = await wrappingKey(pin, salt, ROUNDS);
  const wrapped = await crypto.subtle.wrapKey("raw", key, wrapping, { name: "AES-GCM", iv });
  const vault = { salt, iv, wrapped, rounds: ROUNDS, wrong: 0, until: 0 };
  const opened = await unwrapWith(wrapping, vault, false);
  await notePerson(person, { vault });
  await keepOpen(person, opened);
  return opened;
}

/** Gives a person a PIN; the vault is open from then on. Returns the key. */
export async function setPin(person, pin) {
  const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, [
    "encrypt",
    "decrypt",
  ]);
  return guardBy(person, fresh, pin);
}

/** Another PIN for the same key: nothing sealed has to be touched. */
export async function changePin(person, old, pin) {
  const { vault } = await findPerson(person);
  return guardBy(person, await unwrap(vault, old, true), pin);
}

/** Opens a person's vault for some minutes. Raises WrongPin, TooSoon. */
export async function unlock(person, pin) {
  const { vault } = await findPerson(person);
  if (vault.until > Date.now()) throw new TooSoon(vault.until);
  try {
    const key = await unwrap(vault, pin, false);
    if (vault.wrong) await notePerson(person, { vault: { ...vault, wrong: 0, until: 0 } });
    await keepOpen(person, key);
    return key;
  } catch (error) {
    if (!(error instanceof WrongPin)) throw error;
    const wrong = vault.wrong + 1;
    const wait = wrong < FREE_TRIES ? 0 : 30_000 * 2 ** Math.min(wrong - FREE_TRIES, 10);
    await notePerson(person, { vault: { ...vault, wrong, until: wait && Date.now() + wait } });
    throw error;
  }
}

/** Forgets the open key. */
export const lock = () => forget("key");

/** {sealed: whether a PIN guards this person, key: the open key or null}. */
export async function vaultOf(person) {
  const known = await findPerson(person);
  if (!known?.vault) return { sealed: false, key: null };
  const kept = await recall("key");
  // A clock set back must not keep a vault open for ever.
  const left = kept ? kept.until - Date.now() : 0;
  if (!kept || kept.person !== person || left <= 0 || left > MINUTES * 60_000) {
    if (kept) await lock();
    return { sealed: true, key: null };
  }
  return { sealed: true, key: kept.key };
}

/** The person is still there: the vault stays open for its minutes from now. */
export async function touch(person) {
  const kept = await recall("key");
  if (kept?.person === person && kept.until > Date.now()) {
    await keepOpen(person, kept.key);
  }
}

// What is sealed for one purpose opens for no other: `about` is bound to it.
const how = (iv, about) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(about) });

async function sealBytes(key, data, about = "") {
  const iv = bytes(12);
  return { iv, data: await crypto.subtle.encrypt(how(iv, about), key, data) };
}

const openBytes = (key, { iv, data }, about = "") => crypto.subtle.decrypt(how(iv, about), key, data);

/** A text sealed under the open key, bound to what it is about: {iv, data}. */
export const sealText = (key, text, about) => sealBytes(key, new TextEncoder().encode(text), about);

/** The text again. Raises where key or purpose is another. */
export const openText = async (key, kept, about) =>
  new TextDecoder().decode(await openBytes(key, kept, about));

/** The entry with body and photos sealed; as it is without a key. */
export async function seal(key, entry) {
  const { body, photos, ...rest } = entry;
  if (!key || body === undefined) return entry;
  const sealed = await sealText(key, JSON.stringify(body), "");
  const hidden = [];
  for (const { data, name, field, type } of photos) {
    hidden.push({ name, field, type, data: await sealBytes(key, data) });
  }
  return { ...rest, sealed, photos: hidden };
}

/** The entry as it was before `seal`. */
export async function unseal(key, entry) {
  if (!entry.sealed) return entry;
  const { sealed, photos: hidden, ...rest } = entry;
  const body = JSON.parse(await openText(key, sealed, ""));
  const photos = [];
  for (const photo of hidden ?? []) {
    photos.push({ ...photo, data: await openBytes(key, photo.data) });
  }
  return { ...rest, body, photos };
}
