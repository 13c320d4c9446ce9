// The verifier of bundles in a browser: WebCrypto only, no other code. Steps 1 to 7; story.js has 8
// and 9 and is loaded when they are reached. Numbers, order and reason codes are those of
// trace/core/verify (docs/reference/formats.md, "Steps"); a refusal is thrown as "<step> <code>".

const { subtle } = globalThis.crypto ?? {};
const utf8 = new TextEncoder();
const reader = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const need = (holds, refusal = "1 unreadable") => {
  if (!holds) throw refusal;
};
export const bytesOf = (text) => utf8.encode(text);

const join = (...parts) => {
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
const hash = async (text) => toBase64url(await sha256(bytesOf(text)));

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
const exact = (text) =>
  /^-?\d+$/.test(text)
    ? Number.isSafeInteger(+text)
    : isFinite(text) && value(text) == value(+text + "");

const json = (bytes, deepest = 64, fits = exact) => {
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

const same = (one, other) => JSON.stringify(one) == JSON.stringify(other);
const isText = (thing) => typeof thing == "string";
const isWhole = (thing) => Number.isSafeInteger(thing) && thing >= 0;
const isObject = (thing) => thing && typeof thing == "object" && !Array.isArray(thing);

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
const shape = (thing, form) => {
  need(isObject(thing));
  const left = new Set(Object.keys(thing));
  for (const [, name, kind, optional] of form.matchAll(/(\w+):(\w)(\??)/g))
    need(left.delete(name) ? KINDS[kind](thing[name]) : optional);
  need(!left.size);
};

// 1: the bundle's form.

const hashes = (texts) => {
  const found = texts.map(base64url);
  need(texts.every(isText) && found.length < 65 && found.every((node) => node.length == 32));
  return found;
};

const readBundle = (data) => {
  need(data.length <= 20 << 20);
  const bundle = json(data, 6, (text) => /^-?\d+$/.test(text) && exact(text));
  shape(
    bundle,
    "v:w subject:s checkpoint:s statements:l entries:l chains:l receipt:s since:o? attachments:l",
  );
  const { statements, entries, chains, since, attachments } = bundle;
  const items = [...statements, ...entries];
  statements.map((item) => shape(item, "sdjwt:s index:w entry:s path:l"));
  entries.map((item) => shape(item, "index:w entry:s path:l"));
  for (const item of items) item.path = hashes(item.path);
  for (const chain of chains) {
    shape(chain, "identity:s salt:s");
    chain.salt = base64url(chain.salt);
    need(chain.salt.length == 32);
  }
  if (since) {
    shape(since, "checkpoint:s proof:l");
    since.proof = hashes(since.proof);
  }
  const once = (list, name) => new Set(list.map((item) => item[name])).size == list.length;
  const rising = (list) => list.every((item, i) => !i || list[i - 1].index <= item.index);
  need(bundle.v == 1 && attachments.every(isText) && rising(statements) && rising(entries));
  need(once(items, "index") && once(chains, "identity"));
  return bundle;
};

// Notes (C2SP signed-note), checkpoints and receipts.

const readNote = (note) => {
  const end = note.lastIndexOf("\n\n") + 1;
  const text = note.slice(0, end);
  const lines = note.slice(end + 1).split("\n");
  need(end && !lines.pop() && lines.length && lines.length < 101);
  need(bytesOf(note).length <= 1e6 && !/[\0-\t\v-\x1f\x7f]/.test(text));
  const signatures = lines.map((line) => {
    const [, name, data] = /^— ([^\s+]{1,512}) ([\w+/]+={0,2})$/u.exec(line);
    const bytes = base64(data);
    need(bytes.length > 4);
    return { name, id: bytes.slice(0, 4), bytes: bytes.slice(4) };
  });
  return { text, signatures };
};

export const keyId = async ({ name, kind, key }) =>
  (await sha256(join(bytesOf(name + "\n"), [kind], key))).slice(0, 4);

/** Every signature of this key holds; gives the newest moment (ms) of cosignatures, else 0. */
export const checkNote = async (note, verifier) => {
  const { name, kind, key } = verifier;
  const id = await keyId(verifier);
  const mine = note.signatures.filter((found) => found.name == name && equal(found.id, id));
  const moments = mine.map(async ({ bytes }) => {
    let text = note.text;
    let time = 0;
    if (kind == 4) {
      need(bytes.length == 72, "2 bad-signature");
      const seconds = new DataView(bytes.buffer).getBigUint64();
      text = `cosignature/v1\ntime ${seconds}\n${text}`;
      time = Number(seconds) * 1e3;
      need(time < 253402300800e3, "2 bad-signature");
      bytes = bytes.slice(8);
    }
    await checkSignature(await ed25519(key), bytes, bytesOf(text));
    return time;
  });
  need(mine.length, "2 bad-signature");
  return Math.max(...(await Promise.all(moments)));
};
const ed25519 = (key) => subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
const checkSignature = async (key, signature, bytes) =>
  need(await subtle.verify("Ed25519", key, signature, bytes), "2 bad-signature");

const readCheckpoint = (text) => {
  const lines = text.split("\n");
  const [origin, size, rootText] = lines;
  need(!lines.pop() && lines.length > 2 && lines.every((line) => line));
  const root = base64(rootText);
  need(/^(0|[1-9]\d{0,15})$/.test(size) && root.length == 32);
  return { origin, size: +size, root };
};

const MOMENT = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
const moment = (text) => {
  const time = new Date(text);
  need(RegExp(`^${MOMENT}$`).test(text) && time.toISOString() == text);
  return +time;
};

const readReceipt = (text) => {
  const [version, origin, size, rootText, time, ...lines] = text.slice(0, -1).split("\n");
  const root = base64(rootText);
  const heads = lines.map((line) => {
    const [, tag, n, index] = /^([\w-]{22}) (0|[1-9]\d{0,15}) (0|[1-9]\d{0,15})$/.exec(line);
    need(+index < size);
    return [tag, `${n} ${index}`];
  });
  need(version == "trace-receipt/v1" && origin && /^[1-9]\d{0,15}$/.test(size));
  need(root.length == 32 && heads.length <= 1e4);
  need(heads.every(([tag], i) => !i || heads[i - 1][0] < tag));
  return { origin, size: +size, root, time: moment(time), heads: new Map(heads) };
};

// Proofs (RFC 9162, 2.1.3.2 and 2.1.4.2). Indexes may pass 2^31: no bit operators.

const node = (left, right) => sha256(join([1], left, right));
const half = (number) => Math.floor(number / 2);

/** Walks a path up from `at` in a tree whose last entry is `last`; null when its length is wrong. */
const climb = async (at, last, path, left, right) => {
  for (const sibling of path) {
    if (!last) return;
    if (at % 2 || at == last) {
      await left(sibling);
      while (at && at % 2 == 0) [at, last] = [half(at), half(last)];
    } else await right(sibling);
    [at, last] = [half(at), half(last)];
  }
  return !last;
};

const isIncluded = async ({ entry, index, path }, { size, root }) => {
  let top = await sha256(join([0], bytesOf(entry)));
  const whole = await climb(
    index,
    size - 1,
    path,
    async (sibling) => (top = await node(sibling, top)),
    async (sibling) => (top = await node(top, sibling)),
  );
  return index < size && whole && equal(top, root);
};

const isContinued = async (old, now, proof) => {
  if (old.size == now.size) return !proof.length && equal(old.root, now.root);
  if (!old.size) return !proof.length && equal(old.root, await sha256(join()));
  let [at, last] = [old.size - 1, now.size - 1];
  while (at % 2) [at, last] = [half(at), half(last)];
  const path = at ? [...proof] : [old.root, ...proof];
  let [one, two] = [path[0], path.shift()];
  const whole = await climb(
    at,
    last,
    path,
    async (sibling) => ([one, two] = [await node(sibling, one), await node(sibling, two)]),
    async (sibling) => (two = await node(two, sibling)),
  );
  return old.size < now.size && two && whole && equal(one, old.root) && equal(two, now.root);
};

// 5: entries. One form per type, byte for byte: what fits it is its own re-serialisation.

const HASH = '"[\\w-]{42}[AEIMQUYcgkosw048]"';
const TAG = '"[\\w-]{22}"';
const WHOLE = "(0|[1-9]\\d{0,15})";
const list = (item) => `\\[(${item}(,${item})*)?\\]`;
const JWS = '"[\\w-]+\\.[\\w-]+\\.[\\w-]+"';
const ASSERTION =
  '"assertion":{"authenticatorData":"[\\w-]*","clientDataJSON":"[\\w-]*","signature":"[\\w-]*"}';
const ENTRY = RegExp(
  `^{"v":1,"type":"(${[
    `event","t":"${MOMENT}","h":${HASH},"links":${list(TAG)}(,"a":${WHOLE})?`,
    `links","t":"${MOMENT}","h":${HASH},"links":\\[${TAG}(,${TAG})*\\]`,
    `key","t":"${MOMENT}","jws":\\[${JWS}(,${JWS}){0,2}\\],(${ASSERTION},)?"links":\\[${TAG}\\]`,
    `approval","t":"${MOMENT}","h":\\[${HASH}(,${HASH}){0,999}\\],${ASSERTION}`,
    `erasure","t":"${MOMENT}","digests":\\[${HASH}(,${HASH})*\\]`,
    `audit","t":"${MOMENT}","day":"\\d{4}-\\d\\d-\\d\\d","rows":${WHOLE},"digest":${HASH}`,
    `origin","t":"${MOMENT}","number":[1-9]\\d{0,15},"old":"[!-~]{1,512}","checkpoint":".*"`,
  ].join("|")})}$`,
);

const readEntry = (text) => {
  const bytes = bytesOf(text);
  need(bytes.length < 6e4 && ENTRY.test(text));
  const entry = json(bytes, 4);
  const { assertion, day, old, checkpoint } = entry;
  for (const name of ["links", "digests", "h"])
    need(!Array.isArray(entry[name]) || entry[name].every((x, i, all) => !i || all[i - 1] < x));
  need(!day || moment(day + "T00:00:00.000Z"));
  need(!old || (JSON.stringify(entry) == text && checkpoint.startsWith(old + "\n")));
  if (assertion) for (const name in assertion) assertion[name] = base64url(assertion[name]);
  return { ...entry, time: moment(entry.t) };
};

/** All entries in the log's order, each at its index: 5, then 6, and the links they bring. */
const readEntries = async ({ statements, entries }, checkpoint) => {
  const log = { at: new Map(), links: new Map(), more: new Map(), first: new Map(), end: -1 };
  const items = [...statements, ...entries].sort((one, other) => one.index - other.index);
  const included = items.map((item) => isIncluded(item, checkpoint));
  let last = -Infinity;
  for (const [i, { index, entry: text }] of items.entries()) {
    const entry = await as("5 bad-entry", () => readEntry(text));
    const { type, time, h, links = [] } = entry;
    need(time >= last, "5 bad-entry");
    last = time;
    need(await included[i], "6 not-in-log");
    log.at.set(index, entry);
    log.end = index;
    if (type == "event" && !log.first.has(h)) log.first.set(h, index);
    if (type == "links") {
      const before = log.at.get(index - 1);
      need(/event|links/.test(before?.type) && before.h == h, "5 bad-entry");
      log.more.set(h, [...(log.more.get(h) ?? []), ...links]);
    }
    for (const link of links) {
      need(!log.links.has(link), "8 chain-gap");
      log.links.set(link, index);
    }
  }
  return log;
};

// 2: compact JWS with a closed header: nothing in it may bring its own key.

export const issuerOf = (kid) => {
  const [, issuer, name] = /^([!-"$-~]{1,512})#([\w.-]{1,64})$/.exec(kid);
  return { issuer, isReceipt: name.startsWith("receipt") };
};
const readJws = (text, typ) => {
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
const checkJws = (jws, key) => checkSignature(key, jws.signature, jws.signed);

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

const readKeys = async (log, policy, origin) => {
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

const isApproved = async (log, keys, index, { a, h }, issuer) => {
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

// 4: disclosures (RFC 9901), each referenced exactly once.

const CORE =
  "type action eventTime eventTimeZoneOffset bizStep disposition persistentDisposition " +
  "errorDeclaration trace:corrects trace:notice";
const CLEAR = [...CORE.split(" "), "trace:members", "_sd"];
const segment = (name) => name.replace(/~/g, "~0").replace(/\//g, "~1");
const SUBJECT = "/credentialSubject";

/** Puts disclosures back. Paths are JSON Pointers into the payload. */
const unpack = async (payload, texts) => {
  const waiting = new Map();
  const seen = new Set();
  const found = { shown: new Set(), hidden: [], digests: [], objects: new Map(), arrays: new Map() };
  const all = await Promise.all(texts.map(hash));
  texts.map((text, i) => {
    const parts = json(base64url(text));
    need(!waiting.has(all[i]) && Array.isArray(parts) && /^[23]$/.test(parts.length));
    const [salt, name] = parts;
    need(isText(salt) && /^[\w-]{21}[AQgw]$/.test(salt));
    need(parts.length < 3 || isText(name));
    waiting.set(all[i], parts);
  });
  const take = (digest, length) => {
    need(/^[\w-]{43}$/.test(digest) && isText(digest) && !seen.has(digest));
    seen.add(digest);
    const parts = waiting.get(digest);
    if (!waiting.delete(digest)) return void found.digests.push(digest);
    need(parts.length == length);
    return parts;
  };
  const open = (thing, path) => {
    if (Array.isArray(thing)) {
      let split = 0;
      const made = [];
      thing.map((item, i) => {
        const here = `${path}/${i}`;
        if (!isObject(item) || !Object.hasOwn(item, "...")) return made.push(open(item, here));
        need(Object.keys(item).length == 1);
        split++;
        const parts = take(item["..."], 2);
        if (!parts) return found.hidden.push(here);
        made.push(open(parts[1], here));
      });
      if (split) found.arrays.set(path, [split, thing.length]);
      return made;
    }
    if (!isObject(thing)) return thing;
    const made = { __proto__: null };
    const put = (name, inner) => {
      need(!["_sd", "_sd_alg", "..."].includes(name) && !(name in made));
      made[name] = open(inner, `${path}/${segment(name)}`);
    };
    const { _sd: digests, ...clear } = thing;
    for (const name in clear) put(name, clear[name]);
    if (digests !== undefined) {
      need(Array.isArray(digests));
      found.objects.set(path, digests.length);
      for (const digest of digests) {
        const parts = take(digest, 3);
        if (!parts) continue;
        found.shown.add(`${path}/${segment(parts[1])}`);
        put(parts[1], parts[2]);
      }
    }
    return made;
  };
  const { _sd_alg, ...top } = payload;
  found.claims = open(top, "");
  need(!waiting.size);
  return found;
};

const checkPayload = ({ "@context": context, type, id, issuer, validFrom, ...more }) => {
  const { _sd_alg, credentialSubject: subject, ...rest } = more;
  const [, host, stem] = /^did:web:([A-Za-z0-9.%-]+)((?::[\w.~%-]+)*):o:[^:#/?]+$/.exec(issuer);
  const base = decodeURIComponent(host) + decodeURIComponent(stem).replace(/:/g, "/");
  const [credentials, epcis, { trace, TraceEvent, ...others }, ...further] = context;
  need(same([credentials, epcis, trace, TraceEvent, others, further, Array.isArray(context)], [
    "https://www.w3.org/ns/credentials/v2",
    "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
    `https://${base}/voc/`,
    "trace:TraceEvent",
    {},
    [],
    true,
  ]));
  need(same(type, ["VerifiableCredential", "TraceEvent"]) && same(rest, {}) && isText(issuer));
  need(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id) && isText(id));
  need(moment(validFrom) && subject !== undefined && _sd_alg !== undefined);
  const counts = subject?.["trace:members"];
  const clear = Object.keys(isObject(subject) ? subject : { "": 0 }).every((name) => CLEAR.includes(name));
  need(_sd_alg == "sha-256" && clear && isObject(counts) && Array.isArray(subject._sd), "4 disclosure-mismatch");
  const each = Object.entries(counts);
  need(each.length < 257 && each.every(([name, n]) => !CLEAR.includes(name) && isWhole(n) && n <= 1e6), "4 disclosure-mismatch");
};

/** The event as far as it is shown; what is not is told apart from what was never declared. */
const reassemble = async (payload, texts) => {
  const found = await unpack(payload, texts);
  const { objects, arrays, shown, hidden, digests } = found;
  const counts = payload.credentialSubject["trace:members"];
  const subject = found.claims.credentialSubject;
  const paths = Object.keys(counts);
  const inner = paths.filter((path) => path.includes("/"));
  const outer = paths.filter((path) => !path.includes("/"));
  need(inner.every((path) => /^ilmd\/[^/]*$/.test(path)) && inner.length == (Object.hasOwn(counts, "ilmd") ? counts.ilmd : 0));
  need(objects.get(SUBJECT) == outer.length);
  for (const path of objects.keys()) need(path == SUBJECT || path == SUBJECT + "/ilmd");
  for (const path of arrays.keys()) {
    const name = path.slice(SUBJECT.length + 1);
    need(path.startsWith(SUBJECT + "/") && paths.includes(name) && name != "ilmd");
  }
  const event = {};
  const withheld = [];
  const put = (from, into, prefix, listed) => {
    const named = new Map(Object.keys(from).map((name) => [prefix + segment(name), name]));
    for (const path of named.keys()) need(listed.includes(path) && shown.has(`${SUBJECT}/${path}`));
    for (const path of listed) {
      if (!named.has(path)) {
        withheld.push(path);
        continue;
      }
      const name = named.get(path);
      const here = `${SUBJECT}/${path}`;
      let value = from[name];
      if (path == "ilmd") {
        need(isObject(value) && counts.ilmd == (objects.get(here) ?? 0));
        put(value, (value = {}), "ilmd/", inner);
      } else if (Array.isArray(value)) {
        const [split, length] = arrays.get(here) ?? [0, value.length];
        need(counts[path] == length && split == (length > 1 && length < 33 ? length : 0));
        for (const one of hidden)
          if (one.slice(0, one.lastIndexOf("/")) == here) withheld.push(one.slice(SUBJECT.length + 1));
      } else need(counts[path] == 1);
      into[name] = value;
    }
  };
  const members = {};
  for (const name in subject)
    if (CLEAR.includes(name)) need(!shown.has(`${SUBJECT}/${name}`) && (event[name] = subject[name], 1));
    else members[name] = subject[name];
  delete event["trace:members"];
  put(members, event, "", outer);
  return { event, withheld, digests };
};

// 2 to 5 for one statement; null when an earlier entry holds it already.

const readStatement = async ({ sdjwt, index }, log, keys, erased) => {
  const [text, ...texts] = sdjwt.split("~");
  need(texts.pop() === "" && texts.length <= 256 * 33);
  const jws = readJws(text, "vc+sd-jwt");
  need(!jws.isReceipt, "2 unknown-key");
  const state = keyAt(keys, jws.kid, index);
  need(state.key, "2 unknown-key");
  await checkJws(jws, state.key);
  const payload = json(jws.payload);
  checkPayload(payload);
  const { issuer, id } = payload;
  need(jws.issuer == issuer, "2 issuer-mismatch");
  const { event, withheld, digests } = await as("4 disclosure-mismatch", () => reassemble(payload, texts));
  const entry = log.at.get(index);
  need(entry.type == "event" && entry.h == (await hash(text)), "5 not-this-entry");
  const approved = await isApproved(log, keys, index, entry, issuer);
  if (log.first.get(entry.h) != index) return { index, replayed: true };
  return {
    index,
    time: entry.time,
    id,
    issuer,
    kid: jws.kid,
    custody: approved ? "passkey" : state.record.custody,
    event,
    withheld,
    erased: digests.filter((digest) => erased.has(digest)).length,
    flagged: state.since <= index,
  };
};

// 7: the checkpoint is the log's, and k of n independent witnesses saw it.

const checkCheckpoint = async (note, policy) => {
  const opened = readNote(note);
  const checkpoint = readCheckpoint(opened.text);
  await as("7 not-witnessed", async () => {
    need(checkpoint.origin == policy.log.name);
    await checkNote(opened, policy.log);
  });
  return { ...checkpoint, opened };
};

const checkWitnesses = async (note, policy, now) => {
  const counted = new Map();
  const moments = [];
  for (const witness of policy.witnesses) {
    const { name, key } = witness;
    if (equal(key, policy.log.key) || name == policy.log.name || counted.has(key + "")) continue;
    const id = await keyId(witness);
    if (!note.signatures.some((one) => one.name == name && equal(one.id, id))) continue;
    const time = await as("7 not-witnessed", () => checkNote(note, witness));
    need(time && time <= now + 6e5, "7 not-witnessed");
    counted.set(key + "", name);
    moments.push(time);
  }
  need(counted.size >= policy.quorum, "7 not-witnessed");
  return { witnesses: [...counted.values()], witnessed: moments.length ? Math.max(...moments) : null };
};

/** Whether this browser has Ed25519: tried with the curve's base point (RFC 8032, 5.1). */
export const canCheck = () =>
  (async () => ed25519(new Uint8Array(32).fill(0x66).fill(0x58, 0, 1)))().then(
    () => true,
    () => false,
  );

/**
 * All nine steps over a bundle's bytes, under a policy (policy.js), at a moment in ms. Gives the
 * report (ok true), a refusal (ok false, step, code), or ok null where the browser lacks Ed25519.
 */
export const verify = async (data, policy, now, load = () => import("./story.js")) => {
  if (!(await canCheck())) return { ok: null, code: "cannot-check" };
  try {
    const bundle = readBundle(data); // 1
    const checkpoint = readCheckpoint(readNote(bundle.checkpoint).text);
    const receiptNote = readNote(bundle.receipt);
    const receipt = readReceipt(receiptNote.text);
    const log = await readEntries(bundle, checkpoint); // 5, 6
    const keys = await readKeys(log, policy, checkpoint.origin); // 3
    const erased = new Set([...log.at.values()].flatMap((entry) => entry.digests ?? []));
    const read = (statement) => readStatement(statement, log, keys, erased); // 2, 3, 4, 5
    const statements = await each(bundle.statements, read);
    const { opened } = await checkCheckpoint(bundle.checkpoint, policy); // 7
    const seen = await checkWitnesses(opened, policy, now);
    const { quorum, maxAge } = policy;
    need(!quorum || maxAge == null || seen.witnessed >= now - maxAge, "7 stale");
    let since = null;
    if (bundle.since) {
      const older = await checkCheckpoint(bundle.since.checkpoint, policy);
      need(await isContinued(older, checkpoint, bundle.since.proof), "7 not-consistent");
      need(older.size > log.end, "7 not-in-log");
      since = (await checkWitnesses(older.opened, policy, now)).witnessed;
    }
    const report = { ok: true, subject: bundle.subject, ...checkpoint, ...seen, since, time: receipt.time };
    const { finish } = await load();
    return await finish(report, { bundle, statements, log, keys, receipt, receiptNote, policy, now }); // 8, 9
  } catch (refusal) {
    const [step, code] = isText(refusal) ? refusal.split(" ") : [1, "unreadable"];
    return { ok: false, step: +step, code };
  }
};
