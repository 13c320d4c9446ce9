// The log as a bundle brings it: notes, checkpoints, proofs and entries. The rules are those of
// trace/core/tlog and trace/core/statements/entries.py.

import { as, base64, binary, bytesOf, hash, HASH, need, rare, raw } from "./encoding.js";
import { sha256, subtle, url } from "./encoding.js";

// Notes (C2SP signed-note) and checkpoints. A signature's data is a text, a character for each byte.

export const readNote = (note) => {
  const [, text, lines] = /^([^\0-\t\v-\x1f\x7f]*\n)\n((?:— [^\s+]{1,512} [\w+/]+=*\n){1,100})$/u.exec(note);
  need(bytesOf(note).length <= 1e6);
  const signatures = lines.match(/.+/g).map((line) => {
    const [, name, data] = line.split(" ");
    need(base64(data)[4]);
    return { name, data: base64(data) };
  });
  return { text, signatures };
};

export const isBy = ({ name, id }) => (one) => one.name == name && one.data.startsWith(id);

/**
 * Every signature of this key holds; gives the newest moment (ms) of cosignatures. A
 * verifier's `id` is its key's id in the note, `kind` 4 that of witnesses.
 */
export const checkNote = async ({ text, signatures }, verifier) => {
  const { kind, key } = verifier;
  const mine = signatures.filter(isBy(verifier));
  need(mine[0], "2 bad-signature");
  const moments = mine.map(async ({ data }) => {
    const bytes = raw(data).slice(4);
    if (kind != 4) return checkSignature(ed25519(key), bytes, text);
    const seconds = [...bytes.slice(0, 8)].reduce((sum, byte) => sum * 256 + byte);
    await checkSignature(ed25519(key), bytes.slice(8), `cosignature/v1\ntime ${seconds}\n${text}`);
    return seconds * 1e3;
  });
  return Math.max(...(await Promise.all(moments)));
};
export const ed25519 = async (key) => subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
export const checkSignature = async (key, signature, text) =>
  need(await subtle.verify("Ed25519", await key, signature, bytesOf(text)), "2 bad-signature");

export const readCheckpoint = (text) => {
  const [, origin, size, root] = /^(.+)\n(0|[1-9]\d{0,15})\n(.+)\n(?:.+\n)*$/.exec(text);
  need(base64(root).length == 32);
  return { origin, size: +size, root: url(root) };
};

/** A moment in its one form; ISO texts of one form sort as what they mean. */
export const moment = (text) => {
  need(text > "0001" && new Date(text).toISOString() === text);
  return text;
};

// Proofs (RFC 9162, 2.1.1, 2.1.3 and 2.1.4), from the top down. Indexes may pass 2^31: no bit
// operators. Neighbours share most of their way up, so what two nodes come to is kept.

const node = (left, right, known) => {
  const pair = left + right;
  if (!known.has(pair)) known.set(pair, sha256(raw("\x01" + binary(left) + binary(right))));
  return known.get(pair);
};

/**
 * The roots of a tree of `size` and of what it was when `at` was its last entry, by a path.
 * `leaf` is the hash of that entry; where it is none, `old` is the root that the older tree had.
 */
const climb = async (at, size, path, known, leaf, old) => {
  need(at >= 0 && at < size);
  if (leaf ? size < 2 : at == size - 1) {
    const [found, more] = [leaf ?? old ?? [], path].flat();
    need(found && !more);
    return [found, found];
  }
  let half = 1;
  while (half * 2 < size) half *= 2;
  const top = path.at(-1);
  const rest = path.slice(0, -1);
  if (at < half) {
    const [one, two] = await climb(at, half, rest, known, leaf, old);
    return [one, await node(two, top, known)];
  }
  const [one, two] = await climb(at - half, size - half, rest, known, leaf);
  return [leaf || (await node(top, one, known)), await node(top, two, known)];
};

/** The entry's first byte, 0, tells a leaf from a node. */
const isIncluded = async ({ entry, index, path }, { size, root }, known) =>
  (await climb(index, size, path, known, await hash("\0" + entry)))[1] === root;

/** Whether the log at `now` continues what it was at `old`. */
export const isContinued = async (old, now, proof) => {
  const [one, two] = await climb(old.size - 1, now.size, proof, new Map(), undefined, old.root);
  return one === old.root && two === now.root;
};

// 5: entries. One form per type, byte for byte: what fits it is its own re-serialisation. The types
// that few histories have are read by rare.js.

const TIMED = '","t":"[^"\\\\]+","';
const ENTRY = RegExp(
  `^{"v":1,"type":"((event|links)${TIMED}h":"${HASH}"|key${TIMED}jws":\\[("[\\w-]+(\\.[\\w-]+){2}",?){1,3}\\])` +
    ',"links":\\[("[\\w-]{22}",?)*\\](,"a":\\d{1,15})?}$',
);

const readEntry = async (text) => {
  if (!ENTRY.test(text)) return (await rare()).readEntry(text);
  const entry = JSON.parse(text);
  const { type, t, links, a } = entry;
  need(moment(t) && text.length < 6e4 && links.every((link, i) => !i || links[i - 1] < link));
  need(type == "event" || (links[0] && a == null && (type != "key" || !links[1])));
  return entry;
};

/** All entries in the log's order, each at its index: 5, then 6, and the links they bring. */
export const readEntries = async (items, checkpoint) => {
  const log = { at: new Map(), links: new Map(), first: new Map() };
  const known = new Map();
  const included = items.map((item) => isIncluded(item, checkpoint, known).catch(() => 0));
  let last = {};
  for (const [i, { index, entry: text }] of items.entries()) {
    const entry = await as("5 unreadable", () => readEntry(text));
    const { t, h, links = [] } = entry;
    need(!(t < last.t), "5 unreadable");
    need(await included[i], "6 not-in-log");
    if (entry.type == "links")
      need(log.at.get(index - 1)?.links && last.h == h, "5 not-this-entry");
    last = entry;
    log.at.set(index, entry);
    if (!log.first.has(h)) log.first.set(h, index);
    for (const link of links) {
      need(!log.links.has(link), "8 chain-gap");
      log.links.set(link, index);
    }
  }
  return log;
};
