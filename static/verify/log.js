// The log as a bundle brings it: notes, checkpoints, receipts, proofs and entries. The rules are those
// of trace/core/tlog and trace/core/statements/entries.py.

import {
  as,
  base64,
  base64url,
  bytesOf,
  equal,
  join,
  json,
  need,
  sha256,
  subtle,
} from "./encoding.js";

// Notes (C2SP signed-note), checkpoints and receipts.

export const readNote = (note) => {
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
export const ed25519 = (key) => subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
export const checkSignature = async (key, signature, bytes) =>
  need(await subtle.verify("Ed25519", key, signature, bytes), "2 bad-signature");

export const readCheckpoint = (text) => {
  const lines = text.split("\n");
  const [origin, size, rootText] = lines;
  need(!lines.pop() && lines.length > 2 && lines.every((line) => line));
  const root = base64(rootText);
  need(/^(0|[1-9]\d{0,15})$/.test(size) && root.length == 32);
  return { origin, size: +size, root };
};

const MOMENT = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
export const moment = (text) => {
  const time = new Date(text);
  need(RegExp(`^${MOMENT}$`).test(text) && time.toISOString() == text);
  return +time;
};

export const readReceipt = (text) => {
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

const isIncluded = async ({ entry, index, path }, { size, root }, known) => {
  const above = (left, right) => {
    const pair = `${left}/${right}`;
    if (!known.has(pair)) known.set(pair, node(left, right));
    return known.get(pair);
  };
  let top = await sha256(join([0], bytesOf(entry)));
  const whole = await climb(
    index,
    size - 1,
    path,
    async (sibling) => (top = await above(sibling, top)),
    async (sibling) => (top = await above(top, sibling)),
  );
  return index < size && whole && equal(top, root);
};

export const isContinued = async (old, now, proof) => {
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
export const readEntries = async ({ statements, entries }, checkpoint) => {
  const log = { at: new Map(), links: new Map(), more: new Map(), first: new Map(), end: -1 };
  const items = [...statements, ...entries].sort((one, other) => one.index - other.index);
  const known = new Map(); // neighbours share most of their way up
  const included = items.map((item) => isIncluded(item, checkpoint, known));
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
