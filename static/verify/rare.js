// What few bundles ask for: JSON that is not written as JSON.stringify writes it, passkeys and their
// approvals, revocations and recoveries of keys, rare types of entries. Loaded when one comes along.

import { as, binary, bytesOf, HASH, isText, need, raw, sha256, subtle } from "./encoding.js";
import { utf8Of } from "./encoding.js";
import { isValid, signerOf, takeRecord } from "./keys.js";
import { ed25519, moment } from "./log.js";

// 1: strict JSON. JSON.parse judges the grammar; the walk over the tokens judges the rest.

const base64url = (text) => raw(binary(text));
const isWhole = (thing) => Number.isSafeInteger(thing) && thing >= 0;
const isObject = (thing) => thing && typeof thing == "object" && !Array.isArray(thing);

const value = (number) => {
  const [, whole, part = "", power = 0] = /^-?(\d+)\.?(\d*)e?(.*)$/i.exec(number);
  const digits = (whole + part).replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  return short && short + "e" + (power - part.length + digits.length - short.length);
};
const isExact = (text) =>
  /^-?\d+$/.test(text)
    ? Number.isSafeInteger(+text)
    : isFinite(text) && value(text) == value(+text + "");

/** The value; `whole`: there are whole numbers only. */
export const json = (text, deepest, whole) => {
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
      need(open.length <= deepest);
      need(!/^[-\d]/.test(token) || (isExact(token) && (!whole || /^-?\d+$/.test(token))));
      if (/^[[{]/.test(token)) open.push(new Set());
    }
  }
  return parsed;
};

// 1: a bundle or a payload whose members stand in another order, or whose issuer has a longer name.

const KINDS = { s: isText, w: isWhole, l: Array.isArray, o: isObject, a: () => 1 };

/** An object has exactly the members of `form`: `name:kind`, with `?` behind when it may lack it. */
const shape = (thing, form) => {
  need(isObject(thing));
  const left = new Set(Object.keys(thing));
  for (const [, name, kind, optional] of form.matchAll(/(\S+):(.)(\??)/g))
    need(left.delete(name) ? KINDS[kind](thing[name]) : optional);
  need(!left.size);
};
const checkHashes = (texts) =>
  need(texts.length < 65 && texts.every((text) => isText(text) && base64url(text).length == 32));

export const checkBundle = (bundle, text) => {
  json(text, 6, true);
  need(bundle.v !== 2, "- several-logs");
  shape(
    bundle,
    "v:w subject:s checkpoint:s statements:l entries:l chains:l receipt:s since:o? attachments:l",
  );
  const { v, statements, entries, chains, since, attachments } = bundle;
  need(v == 1 && attachments.every(isText));
  statements.map((item) => shape(item, "sdjwt:s index:w entry:s path:l"));
  entries.map((item) => shape(item, "index:w entry:s path:l"));
  for (const { path } of [...statements, ...entries]) checkHashes(path);
  for (const chain of chains) {
    shape(chain, "identity:s salt:s");
    checkHashes([chain.salt]);
  }
  if (since) {
    shape(since, "checkpoint:s proof:l");
    checkHashes(since.proof);
  }
};

const same = (one, other) => need(JSON.stringify(one) == JSON.stringify(other));

export const checkPayload = (payload, text) => {
  shape(payload, "@context:l type:l id:s issuer:s validFrom:s _sd_alg:a credentialSubject:a");
  const { "@context": context, type, id, issuer, validFrom, _sd_alg } = payload;
  const [, host, stem] = /^did:web:([A-Za-z0-9.%-]+)((?::[\w.~%-]+)*):o:[^:#/?]+$/.exec(issuer);
  const base = decodeURIComponent(host) + decodeURIComponent(stem).replace(/:/g, "/");
  const [credentials, epcis, { trace, TraceEvent, ...others }, ...more] = context;
  same(
    [credentials, epcis, trace, TraceEvent, others, more, type],
    [
      "https://www.w3.org/ns/credentials/v2",
      "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
      `https://${base}/voc/`,
      "trace:TraceEvent",
      {},
      [],
      ["VerifiableCredential", "TraceEvent"],
    ],
  );
  need(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id));
  moment(validFrom);
  need(_sd_alg === "sha-256", "4 disclosure-mismatch");
  // A count is written as a whole number: 1.0 is none. So numbers are read as they are spelled.
  const spelled = text.replace(/("(?:[^"\\]|\\.)*")|[-\d][\d.eE+-]*/g, (one, name) => name ?? `"${one}"`);
  for (const n of Object.values(JSON.parse(spelled).credentialSubject?.["trace:members"] ?? {}))
    need(/^-?\d+$/.test(n), "4 disclosure-mismatch");
};

// 2: headers in another order, or with the older name of Ed25519.

export const readHeader = (text) => {
  const bad = "2 bad-signature";
  const header = json(utf8Of(text), 2);
  need(Object.keys(header ?? 0).sort() == "alg,kid,typ", bad);
  const { alg, kid, typ } = header;
  need(["Ed25519", "EdDSA"].includes(alg) && isText(typ) && isText(kid), bad);
  const [, issuer, name] = KID.exec(kid);
  return [header, typ, kid, issuer, name];
};
export const KID = /^([!-"$-~]{1,512})#([\w.-]{1,64})$/;

// 5: entries. One form per type, byte for byte: what fits it is its own re-serialisation.

const TIME = '"[^"\\\\]+"';
const TAG = '"[\\w-]{22}"';
const WHOLE = "(0|[1-9]\\d{0,15})";
const list = (item) => `\\[(${item}(,${item})*)?\\]`;
const JWS = '"[\\w-]+\\.[\\w-]+\\.[\\w-]+"';
const ASSERTION =
  '"assertion":{"authenticatorData":"[\\w-]*","clientDataJSON":"[\\w-]*","signature":"[\\w-]*"}';
const ENTRY = RegExp(
  `^{"v":1,"type":"(${[
    `event","t":${TIME},"h":"${HASH}","links":${list(TAG)}(,"a":${WHOLE})?`,
    `key","t":${TIME},"jws":\\[${JWS}(,${JWS}){0,2}\\],(${ASSERTION},)?"links":\\[${TAG}\\]`,
    `approval","t":${TIME},"h":\\["${HASH}"(,"${HASH}"){0,999}\\],${ASSERTION}`,
    `erasure","t":${TIME},"digests":\\["${HASH}"(,"${HASH}")*\\]`,
    `audit","t":${TIME},"day":"\\d{4}-\\d\\d-\\d\\d","rows":${WHOLE},"digest":"${HASH}"`,
    `origin","t":${TIME},"number":[1-9]\\d{0,15},"old":"[!-~]{1,512}","checkpoint":".*"`,
  ].join("|")})}$`,
);

export const readEntry = async (text) => {
  const bytes = bytesOf(text);
  need(bytes.length < 6e4 && ENTRY.test(text));
  const entry = json(text, 4);
  const { t, links, assertion, day, old, checkpoint } = entry;
  for (const name of ["links", "digests", "h"])
    need(!Array.isArray(entry[name]) || entry[name].every((x, i, all) => !i || all[i - 1] < x));
  need(moment(t) && (!day || moment(day + "T00:00:00.000Z")));
  need(!old || (JSON.stringify(entry) == text && checkpoint.startsWith(old + "\n")));
  if (assertion) for (const name in assertion) assertion[name] = base64url(assertion[name]);
  return entry;
};

// 3: passkeys.

const join = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));
const digest = async (bytes) => base64url(await sha256(bytes));

const es256 = ({ kty, crv, x, y, ...more }) => {
  need(kty == "EC" && crv == "P-256" && !Object.keys(more)[0] && x.length == 43 && y.length == 43);
  const point = raw("\x04" + binary(x) + binary(y));
  return subtle.importKey("raw", point, { name: "ECDSA", namedCurve: crv }, false, ["verify"]);
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
  const text = String.fromCharCode(...clientDataJSON.slice(0, 8193));
  const client = json(utf8Of(text), 4);
  need(text.length <= 8192 && client.type === "webauthn.get");
  need(client.challenge === (await sha256(challenge)) && client.origin === passkey.origin);
  need([undefined, false].includes(client.crossOrigin) && authenticatorData.length > 36);
  need(`${authenticatorData.slice(0, 32)}` == `${await digest(bytesOf(passkey.rpId))}`);
  need((authenticatorData[32] & 5) == 5);
  const signed = join(authenticatorData, await digest(clientDataJSON));
  const how = { name: "ECDSA", hash: "SHA-256" };
  need(await subtle.verify(how, await es256(jwk), fromDer(signature), signed));
};

/** Whether a passkey of the issuer approved this statement; throws "3 not-approved". */
export const isApproved = (log, keys, index, issuer) =>
  as("3 not-approved", async () => {
    const { a, h } = log.at.get(index);
    const { type, h: hashes, assertion } = log.at.get(a);
    need(type == "approval" && a < index && hashes.includes(h));
    const challenge = bytesOf(["trace-approval/v1", ...hashes].join("\n"));
    for (const state of keys.values()) {
      const { org, passkey } = state.record;
      if (org != issuer || !passkey || !isValid(state, a)) continue;
      const held = await checkAssertion(assertion, state.record, challenge).then(() => 1, () => 0);
      if (held) return true;
    }
    throw 0;
  });

// 3: records of keys in every form, and who signs which.

const readRecord = async (text) => {
  const record = json(text, 3);
  const { origin, org, n, action, kid, jwk, custody, prev, passkey, since } = record;
  const names = Object.keys(record).join();
  need(/^origin,org,n,action,kid,jwk,custody,prev(,passkey)?(,since)?$/.test(names));
  need(JSON.stringify(record) == text && isText(origin) && origin && isText(kid) && isWhole(n));
  need(org && KID.exec(kid)[1] === org && "since" in record == isWhole(since));
  need(prev === null ? !n && action == "add" : n && isText(prev));
  need(["add", "rotate", "revoke", "recover"].includes(action));
  need(!("since" in record) || action == "revoke");
  if (action == "revoke") need(jwk === null && custody === null && !("passkey" in record));
  else if (custody === "passkey") {
    need(action == "add" && n && Object.keys(passkey).join() == "rpId,origin");
    need(isText(passkey.rpId) && isText(passkey.origin));
    await es256(jwk);
  } else {
    const { kty, crv, x, ...more } = jwk;
    need(["server", "own"].includes(custody) && !("passkey" in record));
    need(kty == "OKP" && crv == "Ed25519" && !Object.keys(more)[0] && isText(x) && x.length == 43);
  }
  return record;
};

/**
 * Beside the first signature: an inspector's where the platform's root key steps in, and the new
 * key's as a proof that somebody has it.
 */
export const takeKey = async (rings, index, entry, jws, isByRoot) => {
  const { keys, policy } = rings;
  const [first, ...signers] = jws;
  const record = await readRecord(utf8Of(first.payload));
  const { org, n, action, kid, jwk, since, passkey } = record;
  await takeRecord(rings, record, entry);
  const revoked = action == "revoke" && keys.get(kid);
  need(action == "revoke" ? revoked && revoked.end == null : !keys.has(kid));
  const state = { record, start: index };
  if (jwk && !passkey) state.key = ed25519((state.bytes = base64url(jwk.x)));

  need(isByRoot || (n && first.issuer == org && action != "recover" && since == null));
  await first.check(isByRoot ? ed25519(policy.root) : signerOf(keys, first, index).key);
  if (isByRoot && n) {
    const inspector = signers.shift();
    need(["revoke", "recover"].includes(action) && policy.inspectors.includes(inspector.issuer));
    need(inspector.issuer != org);
    await inspector.check(signerOf(keys, inspector, index).key);
  }
  if (n && passkey) {
    const challenge = join(bytesOf("trace-key/v1\n"), raw(first.payload));
    await checkAssertion(entry.assertion, record, challenge);
  } else {
    need(!entry.assertion);
    if (n && !revoked) {
      const own = signers.shift();
      need(own.kid == kid);
      await own.check(state.key);
    }
  }
  need(!signers.length);

  let ended = action == "rotate" ? [keys.get(first.kid)] : revoked ? [revoked] : [];
  if (action == "recover")
    ended = [...keys.values()].filter((one) => one.record.org == org && one.end == null);
  for (const one of ended) {
    one.end = index;
    one.since = since ?? one.since;
  }
  if (!revoked) keys.set(kid, state);
};
