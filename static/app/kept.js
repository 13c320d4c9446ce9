// The pages kept on the phone, for each person and organisation apart. Under a PIN they are sealed as
// entries are: whoever copies the phone's storage reads addresses, no names and no numbers.
//
// Runs in pages and in the service worker.

import { sealText, openText, vaultOf } from "./vault.js";
import { personOf } from "./store.js";

const PAGES = "trace-pages-";
const SEALED = "Trace-Sealed";
const PHOTOS = "/photos/small/";
export const ASSETS = "trace-assets";

/** The pages of a reader ("person.organisation"). */
export const pagesOf = (reader) => caches.open(PAGES + reader);

const namesOf = async (person) =>
  (await caches.keys()).filter((name) => name.startsWith(`${PAGES}${person}.`));

async function sealed(key, address, text, headers) {
  const { iv, data } = await sealText(key, text, address);
  const told = new Headers(headers);
  told.set(SEALED, btoa(String.fromCharCode(...iv)));
  return new Response(data, { headers: told });
}

/** Keeps a page; not while the PIN is asked for, and never what somebody looked for in a list. */
export async function keepPage(reader, address, text, headers) {
  const vault = await vaultOf(personOf(reader));
  if (vault.sealed && (!vault.key || new URL(address, location.origin).searchParams.has("q"))) return;
  const answer = vault.key
    ? await sealed(vault.key, address, text, headers)
    : new Response(text, { headers });
  await (await pagesOf(reader)).put(address, answer);
}

/** A kept page: {text, headers}; {locked} where its PIN must be typed first; null where there is none
 * that can be read. */
export async function openPage(reader, address, options = {}) {
  const pages = await pagesOf(reader);
  const found = await pages.match(address, options);
  if (!found) return null;
  const vault = await vaultOf(personOf(reader));
  const iv = found.headers.get(SEALED);
  if (vault.sealed && !vault.key) return { locked: true };
  if (!iv && !vault.sealed) return { text: await found.text(), headers: found.headers };
  const [kept] = await pages.keys(address, options);
  if (!kept) return null; // gone this moment
  try {
    const from = Uint8Array.from(atob(iv ?? ""), (one) => one.charCodeAt(0));
    const { pathname, search } = new URL(kept.url);
    const text = await openText(vault.key, { iv: from, data: await found.arrayBuffer() }, pathname + search);
    return { text, headers: found.headers };
  } catch {
    await pages.delete(kept); // of a PIN that was given up, or of none
    return null;
  }
}

/** A PIN was just set: what was kept in the open until now is kept under it. */
export async function sealKept(person, key) {
  for (const name of await namesOf(person)) {
    const pages = await caches.open(name);
    for (const request of await pages.keys()) {
      const { pathname, search, searchParams } = new URL(request.url);
      const answer = await pages.match(request);
      if (answer.headers.has(SEALED)) continue;
      if (searchParams.has("q")) await pages.delete(request);
      else await pages.put(request, await sealed(key, pathname + search, await answer.text(), answer.headers));
    }
  }
  await wipePhotos();
}

async function wipePhotos() {
  const assets = await caches.open(ASSETS);
  for (const request of await assets.keys()) {
    if (new URL(request.url).pathname.startsWith(PHOTOS)) await assets.delete(request);
  }
}

/** Leaving, or a PIN given up: nothing of the person's pages stays. */
export async function wipeKept(person) {
  for (const name of await namesOf(person)) await caches.delete(name);
  await wipePhotos();
}
