// Who may sign: compact JWS, key entries and approvals by passkey. The rules are those of
// trace/core/signing/jose.py, trace/core/statements/keyring.py and approvals.py.

import {
  as,
  base64url,
  bytesOf,
  equal,
  hash,
  isText,
  isWhole,
  join,
  json,
  need,
  reader,
  same,
  sha256,
  subtle,
  toBase64url,
} from "./encoding.js";
import { checkSignature, ed25519 } from "./log.js";

// 2: compact JWS with a closed header: nothing in it may bring its own key.

export const issuerOf = (kid) => {
  const [, issuer, name] = /^([!-"$-~]{1,512})#([\w.-]{1,64})$/.exec(kid);
  return { issuer, isReceipt: name.startsWith("receipt") };
};
export const readJws = (text, typ) => {
  const parts = text.split(".");
  need(text.length <= 1 << 20 && parts.length == 3);
  const header = json(base64url(parts[0]), 2);
  need(same(Object.keys(header ?? 0).sort(), ["alg", "kid", "typ"]), "2 bad-signature");
  const { alg, kid } = header;
  need(["Ed25519", "EdDSA"].includes(alg) && header.typ == typ && isText(kid), "2 bad-signature");
  return {
    kid,
    ...issuerOf(kid),
    body: parts[1],
    payload: base64url(parts[1]),
    signature: base64url(parts[2]),
    signed: bytesOf(parts[0] + "." + parts[1]),
  };
};
export const checkJws = (jws, key) => checkSignature(key, jws.signature, jws.signed);

// 3: keys, believed from the log alone, in the log's order; approvals by passkey.

const es256 = ({ kty, crv, x, y, ...more }) => {
  const point = join([4], base64url(x), base64url(y));
  need(kty == "EC" && crv == "P-256" && same(more, {}) && x.length == 43 && y.length == 43);
  return subtle.importKey("raw", point, { name: "ECDSA", namedCurve: crv }, false, ["verify"]);
};
const okp = ({ kty, crv, x, ...more }) => {
  need(kty == "OKP" && crv == "Ed25519" && same(more, {}));
  return ed25519(base64url(x));
};

/** The 64 bytes r ‖ s of an ECDSA signature in DER (X.690: shortest form, no sign). */
const fromDer = (der) => {
  const parts = [];
  let at = 2;
  for (const _ of "rs") {
    const [kind, length, first, second] = der.slice(at);
    const number = der.slice(at + 2, (at += 2 + length));
    need(kind == 2 && length && length == number.length);
    need(first < 128 && (first || length < 2 || second > 127));
    const bare = number.slice(first ? 0 : 1);
    parts.push(new Uint8Array(32 - bare.length), bare);
  }
  need(der[0] == 48 && der[1] == der.length - 2 && at == der.length);
  return join(...parts);
};

/** WebAuthn: the assertion is this passkey's over `challenge`; throws whatever is wrong. */
const checkAssertion = async (assertion, { jwk, passkey }, challenge) => {
  const { authenticatorData, clientDataJSON, signature } = assertion;
  const client = json(clientDataJSON, 4);
  need(clientDataJSON.length <= 8192 && client.type == "webauthn.get");
  need(client.challenge == toBase64url(challenge) && client.origin == passkey.origin);
  need([undefined, false].includes(client.crossOrigin) && authenticatorData.length > 36);
  need(equal(authenticatorData.slice(0, 32), await sha256(bytesOf(passkey.rpId))));
  need((authenticatorData[32] & 5) == 5);
  const signed = join(authenticatorData, await sha256(clientDataJSON));
  const how = { name: "ECDSA", hash: "SHA-256" };
  need(await subtle.verify(how, await es256(jwk), fromDer(signature), signed));
};

const readRecord = async (jws) => {
  const text = reader.decode(jws[0].payload);
  const record = json(jws[0].payload, 3);
  const { origin, org, n, action, kid, jwk, custody, prev, passkey, since } = record;
  const names = Object.keys(record).join();
  need(/^origin,org,n,action,kid,jwk,custody,prev(,passkey)?(,since)?$/.test(names));
  need(jws.every((one) => one.body == jws[0].body));
  need(JSON.stringify(record) == text && isText(origin) && origin && isText(kid) && isWhole(n));
  need(org && issuerOf(kid).issuer === org && "since" in record == isWhole(since));
  need(prev === null ? !n && action == "add" : n && isText(prev));
  need(/^(add|rotate|revoke|recover)$/.test(action) && (!("since" in record) || action == "revoke"));
  if (action == "revoke") need(jwk === null && custody === null && !("passkey" in record));
  else if (custody == "passkey") {
    need(action == "add" && n && Object.keys(passkey).join() == "rpId,origin");
    need(isText(passkey.rpId) && isText(passkey.origin));
    await es256(jwk);
  } else {
    need(["server", "own"].includes(custody) && !("passkey" in record));
    record.key = await okp(jwk);
  }
  return record;
};

const isValid = (state, index) => state.start <= index && !(state.end <= index);
const keyringTag = async (org, n) => (await tagsOf(new Uint8Array(32), org + "#keyring"))(n);

/** A chain's tags by their number: the first 16 bytes of an HMAC over identity and number. */
export const tagsOf = async (salt, identity) => {
  need(!identity.includes("\n"));
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await subtle.importKey("raw", salt, how, false, ["sign"]);
  return async (n) => {
    const mac = await subtle.sign("HMAC", key, bytesOf(`${identity}\n${n}`));
    return toBase64url(new Uint8Array(mac, 0, 16));
  };
};

const takeKey = async (keys, last, policy, origin, index, entry) => {
  const jws = entry.jws.map((text) => readJws(text, "trace-key+jwt"));
  const record = await readRecord(jws);
  const { org, n, action, kid, prev, since } = record;
  const [before, was] = last.get(org) ?? [-1, null];
  need(record.origin == origin && n == before + 1 && prev === was);
  need(entry.links[0] == (await keyringTag(org, n)));
  const revoked = keys.get(kid);
  need(action == "revoke" ? revoked && revoked.end == null : !revoked);

  const validKey = (by) => {
    const state = keys.get(by.kid);
    need(state && isValid(state, index) && !by.isReceipt);
    return state.key; // a passkey has none, and checking with none throws
  };
  const [first, ...signers] = jws;
  const byRoot = first.kid == policy.platform + "#root";
  need(byRoot || first.issuer == org);
  await checkJws(first, byRoot ? await ed25519(policy.root) : validKey(first));
  if (byRoot && n) {
    const inspector = signers.shift();
    need(/^re/.test(action) && policy.inspectors.includes(inspector.issuer));
    need(inspector.issuer != org);
    await checkJws(inspector, validKey(inspector));
  }
  need(byRoot || (n && action != "recover" && since == null));
  if (n && action != "revoke" && record.passkey) {
    const challenge = await sha256(join(bytesOf("trace-key/v1\n"), first.payload));
    await checkAssertion(entry.assertion, record, challenge);
  } else {
    need(!entry.assertion);
    if (n && action != "revoke") {
      const own = signers.shift();
      need(own.kid == kid);
      await checkJws(own, record.key);
    }
  }
  need(!signers.length);

  const ended = { rotate: [keys.get(first.kid)], revoke: [revoked], add: [] }[action];
  for (const state of ended ?? keys.values())
    if (ended || (state.record.org == org && state.end == null)) {
      state.end = index;
      state.since = since ?? state.since;
    }
  if (action != "revoke") keys.set(kid, { kid, record, key: record.key, start: index });
  last.set(org, [n, await hash(entry.jws[0])]);
};

export const readKeys = async (log, policy, origin) => {
  const keys = new Map();
  const last = new Map();
  for (const [index, entry] of log.at)
    if (entry.type == "key")
      await as("3 bad-key-entry", () => takeKey(keys, last, policy, origin, index, entry));
  return keys;
};

export const keyAt = (keys, kid, index) => {
  const state = keys.get(kid);
  need(state, "2 unknown-key");
  need(isValid(state, index), "3 key-not-valid-then");
  return state;
};

export const isApproved = async (log, keys, index, { a, h }, issuer) => {
  if (a == null) return false;
  return as("3 not-approved", async () => {
    const { type, h: hashes, assertion } = log.at.get(a);
    need(type == "approval" && a < index && hashes.includes(h));
    const challenge = await sha256(bytesOf(["trace-approval/v1", ...hashes].join("\n")));
    for (const state of keys.values()) {
      const { org, passkey } = state.record;
      if (org != issuer || !passkey || !isValid(state, a)) continue;
      const held = await checkAssertion(assertion, state.record, challenge).then(() => 1, () => 0);
      if (held) return true;
    }
    throw 0;
  });
};
