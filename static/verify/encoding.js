// What the verifier's other modules stand on: base64 in its one form, hashes, strict JSON. A refusal
// is thrown as "<step> <code>"; whatever else goes wrong is unreadable. What could not be checked is
// thrown with - for the step. Bytes are texts with one character for each, hashes base64url texts.

export const { subtle } = globalThis.crypto ?? {};
const utf8 = new TextEncoder();

export const need = (holds, refusal) => {
  if (!holds) throw refusal;
};
/** Runs `check`; whatever goes wrong in it is told as `refusal`, save that it could not be run. */
export const as = async (refusal, check) => {
  try {
    return await check();
  } catch (wrong) {
    throw /^-/.test(wrong) ? wrong : refusal;
  }
};

export const isText = (thing) => typeof thing == "string";
export const bytesOf = (text) => utf8.encode(text);
/** The bytes that a text stands for. */
export const raw = (binary) => Uint8Array.from(binary, (one) => one.charCodeAt());
/** The text of bytes in UTF-8. */
export const utf8Of = (binary) => decodeURIComponent(escape(binary));
export const url = (text) => text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** base64url without padding; one text per value. */
export const binary = (text) => {
  const found = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  need(url(btoa(found)) === text);
  return found;
};
/** Standard base64 with its padding. */
export const base64 = (text) => {
  need(btoa(atob(text)) === text);
  return atob(text);
};
export const textOf = (bytes) => url(btoa(String.fromCharCode(...new Uint8Array(bytes))));
export const sha256 = async (bytes) => textOf(await subtle.digest("SHA-256", bytes));
export const hash = (text) => sha256(bytesOf(text));
export const HASH = "[\\w-]{42}[AEIMQUYcgkosw048]";

/**
 * What is not in the form that is usual here: another spelling of the same, passkeys, revocations.
 * It is judged by rare.js, as strictly.
 */
export const rare = () => as("- failed", () => import("./rare.js"));

/**
 * Strict JSON: names unique, numbers kept by value, no lone surrogate, depth bounded. What is
 * written as JSON.stringify writes it holds all that.
 */
export const json = async (text) => {
  const value = JSON.parse(text);
  const isUsual =
    JSON.stringify(value) === text &&
    !/\\ud|[:,[]-?\d{16}/.test(text) &&
    text.split(/[[{]/).length < 65;
  return isUsual ? value : (await rare()).json(text, 64);
};
