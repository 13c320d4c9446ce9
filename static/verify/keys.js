// Who may sign: compact JWS and key entries. The rules are those of trace/core/signing/jose.py and
// trace/core/statements/keyring.py.

import { as, binary, bytesOf, hash, HASH, need, rare, raw } from "./encoding.js";
import { subtle, textOf, utf8Of } from "./encoding.js";
import { checkSignature, ed25519 } from "./log.js";

// 2: compact JWS with a closed header: nothing in it may bring its own key.

const HEADER = /^{"alg":"Ed25519","typ":"([\w+-]+)","kid":"(([!$-[\]-~]{1,512})#([\w.-]{1,64}))"}$/;

export const readJws = async (text, typ) => {
  const [head, payload, signature, more] = text.split(".").map(binary);
  need(signature != null && more == null && text.length <= 1 << 20);
  const header = HEADER.exec(head) ?? (await (await rare()).readHeader(head));
  const [, isOf, kid, issuer, name] = header;
  need(isOf === typ, "2 bad-signature");
  const signed = text.slice(0, text.lastIndexOf("."));
  const check = (key) => checkSignature(key, raw(signature), signed);
  return { kid, issuer, isReceipt: name.startsWith("receipt"), payload, check };
};

// 3: keys, believed from the log alone, in the log's order. A key of Ed25519 that is added or put in
// another's place is usual; passkeys, revocations and recoveries are read by rare.js.

const NAME = '"([!#-[\\]-~]+)"';
const RECORD = RegExp(
  `^{"origin":${NAME},"org":${NAME},"n":(\\d{1,9}),"action":"(add|rotate)","kid":"(\\2#[\\w.-]{1,64})",` +
    `"jwk":{"kty":"OKP","crv":"Ed25519","x":"(${HASH})"},"custody":"(server|own)","prev":("(${HASH})"|null)}$`,
);

/** A chain's tag n: the first 16 bytes of an HMAC over identity and number. */
export const tagOf = async (salt, identity, n) => {
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await subtle.importKey("raw", salt, how, false, ["sign"]);
  return textOf((await subtle.sign("HMAC", key, bytesOf(`${identity}\n${n}`))).slice(0, 16));
};
export const isValid = (state, index) => state.start <= index && !(state.end <= index);

/** The next record of a keyring has its number, its link, and names the one before. */
export const takeRecord = async (rings, { origin, org, n, prev }, { jws, links }) => {
  const [before, was] = rings.last.get(org) ?? [-1, null];
  need(origin == rings.origin && n == before + 1 && prev === was);
  need(links[0] == (await tagOf(new Uint8Array(32), org + "#keyring", n)));
  rings.last.set(org, [n, await hash(jws[0])]);
};

const takeKey = async (rings, index, entry) => {
  const { keys, policy } = rings;
  const jws = await Promise.all(entry.jws.map((text) => readJws(text, "trace-key+jwt")));
  const [first, second, third] = jws;
  const [, origin, org, n, action, kid, x, custody, , prev = null] = RECORD.exec(first.payload) ?? [];
  const isFirst = n == 0;
  const isByRoot = first.kid == policy.platform + "#root";
  need(jws.every(({ payload }) => payload == first.payload));
  if (!custody || isFirst != isByRoot || entry.assertion)
    return (await rare()).takeKey(rings, index, entry, jws, isByRoot);
  const by = isFirst ? { key: ed25519(policy.root) } : signerOf(keys, first, index);
  const bytes = raw(binary(x));
  const state = { record: { org, kid, custody }, bytes, key: ed25519(bytes), start: index };
  await takeRecord(rings, { origin, org, n: +n, prev }, entry);
  await first.check(by.key);
  if (isFirst) need(action == "add" && !second);
  else {
    need(first.issuer == org && second.kid == kid && !third);
    await second.check(state.key);
    if (action == "rotate") by.end = index;
  }
  need(!keys.has(kid));
  keys.set(kid, state);
};

/** The key that made this signature, where it was valid at this index. */
export const signerOf = (keys, { kid, isReceipt }, index) => {
  const state = keys.get(kid);
  need(state?.key && !isReceipt, "2 unknown-key");
  need(isValid(state, index), "3 key-not-valid-then");
  return state;
};

export const readKeys = async (log, policy, origin) => {
  const rings = { keys: new Map(), last: new Map(), policy, origin };
  for (const [index, entry] of log.at)
    if (entry.type == "key") await as("3 bad-key-entry", () => takeKey(rings, index, entry));
  return rings.keys;
};
