// What an organisation signed, as far as it is shown. The rules are those of
// trace/core/signing/sdjwt.py and trace/core/statements/opening.py.

import { as, binary, hash, isText, json, need, rare, utf8Of } from "./encoding.js";
import { moment } from "./log.js";
import { readJws, signerOf } from "./keys.js";

// 1: the payload's form, with the context of its own issuer.

const ID = /^urn:uuid:[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

const readPayload = async (text) => {
  const payload = await json(text);
  const { id, issuer, validFrom } = payload;
  const [, host] = /^did:web:([A-Za-z\d.-]+):o:[\w-]+$/.exec(issuer) ?? [];
  const usual =
    '{"@context":["https://www.w3.org/ns/credentials/v2",' +
    '"https://ref.gs1.org/standards/epcis/epcis-context.jsonld",' +
    `{"trace":"https://${host}/voc/","TraceEvent":"trace:TraceEvent"}],` +
    `"type":["VerifiableCredential","TraceEvent"],"id":"${id}","issuer":"${issuer}",` +
    `"validFrom":"${validFrom}","_sd_alg":"sha-256","credentialSubject":{`;
  if (!host || !text.startsWith(usual) || JSON.stringify(payload) != text)
    (await rare()).checkPayload(payload, text);
  else need(!Object.keys(payload)[7] && ID.test(id) && moment(validFrom));
  return payload;
};

// 4: disclosures (RFC 9901), each referenced exactly once. Only members of the subject, members of
// ilmd and elements of lists may be hidden: wherever else a reserved name stands, it is refused.

const CLEAR = /^(type|action|eventTime(ZoneOffset)?|bizStep|(persistentD|d)isposition|errorDeclaration|trace:(corrects|notice|members)|_sd)$/;
const isPlain = (value) => !/"(_sd|_sd_alg|\.\.\.)":/.test(JSON.stringify(value));

/** Each disclosure by its digest: [salt, name, value] or, of an element, [salt, value]. */
const readDisclosures = async (texts) => {
  const read = async (text) => {
    const parts = await json(utf8Of(binary(text)));
    need(isText(parts[0]) && /^[\w-]{21}[AQgw]$/.test(parts[0]));
    return [await hash(text), parts];
  };
  const found = new Map(await Promise.all(texts.map(read)));
  need(found.size == texts.length);
  return found;
};

/** The event as far as it is shown; what is not is told apart from what was never declared. */
const reassemble = async ({ credentialSubject }, texts, erased) => {
  const { _sd: outer, ...clear } = credentialSubject;
  const { "trace:members": counts, ...event } = clear;
  const paths = Object.keys(counts);
  const fits = (path) => /^(ilmd\/)?[^/]*$/.test(path) && !CLEAR.test(path) && counts[path] <= 1e6;
  need(counts.constructor == Object && paths.length < 257 && paths.every(fits));
  need(paths.every((path) => counts[path] === counts[path] >>> 0));
  need(Object.keys(clear).every((name) => CLEAR.test(name)) && isPlain(clear));
  const waiting = await readDisclosures(texts);
  const seen = new Set();
  const withheld = [];

  const take = (digest, length) => {
    need(isText(digest) && /^[\w-]{43}$/.test(digest) && !seen.has(digest));
    seen.add(digest);
    const parts = waiting.get(digest);
    need(!parts || parts.length == length);
    return parts;
  };
  const valueOf = (path, value) => {
    const [n, isList] = Array.isArray(value) ? [value.length, 1] : [1];
    need(counts[path] == n);
    if (!isList || n < 2 || n > 32) return need(isPlain(value)) ?? value;
    return value.flatMap((item, i) => {
      need(Object.keys(item) == "...");
      const parts = take(item["..."], 2);
      if (!parts) withheld.push(`${path}/${i}`);
      need(!parts || isPlain(parts[1]));
      return parts ? [parts[1]] : [];
    });
  };
  const put = (into, digests, prefix) => {
    const listed = paths.filter((path) => path.includes("/") == !!prefix);
    const shown = new Map();
    need(digests.length == listed.length);
    digests.map((digest) => {
      const parts = take(digest, 3);
      const path = parts && prefix + parts[1].replace(/~/g, "~0").replace(/\//g, "~1");
      need(!parts || (listed.includes(path) && !shown.has(path)));
      shown.set(path, parts);
    });
    for (const path of listed) {
      const [, name, value] = shown.get(path) ?? [];
      if (name == null) withheld.push(path);
      else if (path == "ilmd") {
        const { _sd = [], ...more } = value;
        need(value.constructor == Object && !Object.keys(more)[0]);
        put((into.ilmd = { __proto__: null }), _sd, "ilmd/");
      } else into[name] = valueOf(path, value);
    }
  };
  need(paths.filter((path) => path.includes("/")).length == (counts.ilmd ?? 0));
  const shown = { __proto__: null, ...event }; // a member may have any name
  put(shown, outer, "");
  need([...waiting.keys()].every((digest) => seen.has(digest)));
  const gone = [...erased].filter((digest) => seen.has(digest) && !waiting.has(digest));
  return { event: shown, withheld, erased: gone.length };
};

// 2 to 5 for one statement.

export const readStatement = async ({ sdjwt, index }, log, keys, erased) => {
  const [text, ...texts] = sdjwt.split("~");
  need(texts.pop() === "" && texts.length <= 256 * 33);
  const jws = await readJws(text, "vc+sd-jwt");
  const state = signerOf(keys, jws, index);
  await jws.check(state.key);
  const payload = await readPayload(utf8Of(jws.payload));
  need(jws.issuer == payload.issuer, "2 issuer-mismatch");
  const shown = await as("4 disclosure-mismatch", () => reassemble(payload, texts, erased));
  const entry = log.at.get(index);
  need(entry.type == "event" && entry.h == (await hash(text)), "5 not-this-entry");
  const approved = entry.a != null && (await (await rare()).isApproved(log, keys, index, jws.issuer));
  const isFirst = log.first.get(entry.h) == index;
  return { index, entry, payload, state, approved, isFirst, ...shown };
};
