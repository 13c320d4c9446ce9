// What an organisation signed, as far as it is shown. The rules are those of
// trace/core/signing/sdjwt.py and trace/core/statements/opening.py.

import { as, base64url, hash, isObject, isText, isWhole, json, need, same } from "./encoding.js";
import { moment } from "./log.js";
import { checkJws, isApproved, keyAt, readJws } from "./keys.js";

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
  const mismatch = "4 disclosure-mismatch";
  need(_sd_alg == "sha-256" && isObject(counts) && Array.isArray(subject._sd), mismatch);
  need(Object.keys(subject).every((name) => CLEAR.includes(name)), mismatch);
  const listed = Object.entries(counts);
  const fits = ([name, n]) => !CLEAR.includes(name) && isWhole(n) && n <= 1e6;
  need(listed.length < 257 && listed.every(fits), mismatch);
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
  need(inner.every((path) => /^ilmd\/[^/]*$/.test(path)));
  need(inner.length == (Object.hasOwn(counts, "ilmd") ? counts.ilmd : 0));
  need(objects.get(SUBJECT) == outer.length);
  for (const path of objects.keys()) need(path == SUBJECT || path == SUBJECT + "/ilmd");
  for (const path of arrays.keys()) {
    const name = path.slice(SUBJECT.length + 1);
    need(path.startsWith(SUBJECT + "/") && paths.includes(name) && name != "ilmd");
  }
  const event = { __proto__: null }; // a member may have any name
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
        put(value, (value = { __proto__: null }), "ilmd/", inner);
      } else if (Array.isArray(value)) {
        const [split, length] = arrays.get(here) ?? [0, value.length];
        need(counts[path] == length && split == (length > 1 && length < 33 ? length : 0));
        for (const one of hidden)
          if (one.slice(0, one.lastIndexOf("/")) == here) withheld.push(one.slice(SUBJECT.length + 1));
      } else need(counts[path] == 1);
      into[name] = value;
    }
  };
  const members = { __proto__: null };
  for (const name in subject)
    if (CLEAR.includes(name)) need(!shown.has(`${SUBJECT}/${name}`) && (event[name] = subject[name], 1));
    else members[name] = subject[name];
  delete event["trace:members"];
  put(members, event, "", outer);
  return { event, withheld, digests };
};

// 2 to 5 for one statement; null when an earlier entry holds it already.

export const readStatement = async ({ sdjwt, index }, log, keys, erased) => {
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
