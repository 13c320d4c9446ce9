// The verifier of bundles in a browser: WebCrypto only, no other code. Steps 1 to 7; story.js has 8
// and 9 and is loaded when they are reached. Numbers, order and reason codes are those of
// trace/core/verify (docs/reference/formats.md, "Steps").

import { as, base64url, each, equal, exact, isText, json, need, shape } from "./encoding.js";
import {
  checkNote,
  ed25519,
  isContinued,
  keyId,
  readCheckpoint,
  readEntries,
  readNote,
  readReceipt,
} from "./log.js";
import { readKeys } from "./keys.js";
import { readStatement } from "./statement.js";

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
