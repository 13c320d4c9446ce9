// What the verifier's other modules stand on: bytes, base64 in its one form, strict JSON, signatures.
// A refusal is thrown as "<step> <code>"; without one said, what does not hold is unreadable.

export const { subtle } = globalThis.crypto ?? {};
const utf8 = new TextEncoder();
export const reader = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const need = (holds, refusal = "1 unreadable") => {
  if (!holds) throw refusal;
};
export const bytesOf = (text) => utf8.encode(text);

export const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
export const equal = (one, other) => one + "" == other;

export const sha256 = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));

export const toBase64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** base64url without padding; unused bits of the last character are zero: one text per value. */
export const base64url = (text) => {
  const rest = text.length % 4;
  const ends = ["", "", "AQgw", "AEIMQUYcgkosw048"][rest];
  need(!/[^\w-]/.test(text) && (!rest || ends.includes(text.at(-1))));
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
};
export const hash = async (text) => toBase64url(await sha256(bytesOf(text)));

/** Standard base64 with its padding. */
export const base64 = (text) => {
  const bare = text.replace(/=+$/, "");
  need(!/[-_]/.test(text) && text.length == Math.ceil(bare.length / 4) * 4);
  return base64url(bare.replace(/\+/g, "-").replace(/\//g, "_"));
};

// Strict JSON: names unique, numbers kept by value, no lone surrogate, depth bounded. JSON.parse
// judges the grammar; the walk over the tokens judges the rest.

const value = (number) => {
  const [, whole, part = "", power = 0] = /^-?(\d+)\.?(\d*)e?(.*)$/i.exec(number);
  const digits = (whole + part).replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  return short && short + "e" + (power - part.length + digits.length - short.length);
};
export const exact = (text) =>
  /^-?\d+$/.test(text)
    ? Number.isSafeInteger(+text)
    : isFinite(text) && value(text) == value(+text + "");

export const json = (bytes, deepest = 64, fits = exact) => {
  const text = reader.decode(bytes);
  const parsed = JSON.parse(text);
  const open = [];
  for (const [token, name, colon] of text.matchAll(
    /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[[\]{}]|[-\w.+]+/g,
  )) {
    const plain = name?.includes("\\") ? JSON.parse(name) : name?.slice(1, -1);
    need(plain?.isWellFormed() ?? 1);
    if (colon) need(!open.at(-1).has(plain) && open.at(-1).add(plain));
    else if (/^[\]}]/.test(token)) open.pop();
    else {
      need(open.length <= deepest && (!/^[-\d]/.test(token) || fits(token)));
      if (/^[[{]/.test(token)) open.push(new Set());
    }
  }
  return parsed;
};

export const same = (one, other) => JSON.stringify(one) == JSON.stringify(other);
export const isText = (thing) => typeof thing == "string";
export const isWhole = (thing) => Number.isSafeInteger(thing) && thing >= 0;
export const isObject = (thing) => thing && typeof thing == "object" && !Array.isArray(thing);

/** Runs `check`; whatever goes wrong in it is told as `refusal`. */
export const as = async (refusal, check) => {
  try {
    return await check();
  } catch {
    throw refusal;
  }
};

/** `check` of every item at once; the refusal of the first in order counts. */
export const each = async (items, check) => {
  const done = await Promise.all(
    items.map((item) => check(item).then((found) => [found], (refusal) => [0, refusal])),
  );
  return done.map(([found, refusal]) => {
    need(!refusal, refusal);
    return found;
  });
};

const KINDS = { s: isText, w: isWhole, l: Array.isArray, o: isObject };

/** An object has exactly the members of `form`: `name:kind`, with `?` behind when it may lack it. */
export const shape = (thing, form) => {
  need(isObject(thing));
  const left = new Set(Object.keys(thing));
  for (const [, name, kind, optional] of form.matchAll(/(\w+):(\w)(\??)/g))
    need(left.delete(name) ? KINDS[kind](thing[name]) : optional);
  need(!left.size);
};
