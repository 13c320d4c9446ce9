// The verifier of bundles in a browser: WebCrypto only, no other code. Steps 1 to 7; story.js has 8
// and 9, rare.js what few bundles ask for, and each is loaded when it is reached. Numbers, order and
// reason codes are those of trace/core/verify (docs/reference/formats.md, "Steps").

import { as, HASH, isText, need, rare } from "./encoding.js";
import { checkNote, ed25519, isBy, isContinued, readCheckpoint, readEntries, readNote } from "./log.js";
import { readKeys } from "./keys.js";
import { readStatement } from "./statement.js";

// 1: the bundle's form.

const HASHES = "\\[(h,?){0,64}\\]";
const ITEM = `"index":\\d{1,15},"entry":s,"path":${HASHES}},?)*\\]`;
const FORM = RegExp(
  `^{"v":1,"subject":s,"checkpoint":s,"statements":\\[({"sdjwt":s,${ITEM},"entries":\\[({${ITEM},` +
    `"chains":\\[({"identity":s,"salt":h},?)*\\],"receipt":s(,"since":{"checkpoint":s,"proof":${HASHES}})?,` +
    '"attachments":\\[([sh],?)*\\]}$',
);
const isHash = RegExp(`^"${HASH}"$`);

const readBundle = async (data) => {
  need(data.length <= 20 << 20);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  const bundle = JSON.parse(text);
  // Its form is told with h for every hash and s for every other text; names are left as they are.
  const form = text.replace(/"(?:[^"\\]|\\[^u]|(\\u))*"(:?)/g, (one, escaped, name) =>
    name || escaped ? one : isHash.test(one) ? "h" : "s",
  );
  if (!FORM.test(form)) await (await rare()).checkBundle(bundle, text);
  const { statements, entries } = bundle;
  const items = [...statements, ...entries].sort((one, other) => one.index - other.index);
  for (const list of [statements, entries, items])
    need(list.every(({ index }, i) => !i || list[i - 1].index < index));
  return { ...bundle, items };
};

// 7: the checkpoint is the log's, and k of n independent witnesses saw it.

const readSigned = (note) => {
  const opened = readNote(note);
  return { opened, ...readCheckpoint(opened.text) };
};

/** A log has two keys in a policy while its key is changed: one of them must have signed. */
const checkSeen = ({ opened, origin }, { logs, witnesses, quorum }, now) =>
  as("7 not-witnessed", async () => {
    const check = (verifier) => checkNote(opened, verifier);
    await Promise.any(logs.map((log) => need(log.name == origin) ?? check(log)));
    const mine = witnesses.filter((one) => opened.signatures.some(isBy(one)));
    const moments = await Promise.all(mine.map(check));
    need(mine.length >= quorum && moments.every((moment) => moment <= now + 6e5));
    return { witnesses: mine.map(({ name }) => name), witnessed: mine[0] ? Math.max(...moments) : null };
  });

/**
 * All nine steps over a bundle's bytes, under a policy that `read` gives (policy.js), at a moment in
 * ms. Gives the report (ok true), a refusal (ok false, step, code), or ok null with a code where this
 * browser cannot check: it lacks Ed25519, or the history runs through several logs.
 */
export const verify = async (data, read, now, load = () => import("./story.js")) => {
  try {
    await as("- cannot-check", () => ed25519(new Uint8Array(32))); // y 0 is a point of the curve
    const policy = await read();
    const bundle = await readBundle(data); // 1
    const { items, attachments, since } = bundle;
    const { readReceipt, finish } = await as("- failed", load);
    const receipt = readReceipt(bundle.receipt);
    const checkpoint = readSigned(bundle.checkpoint);
    const log = await readEntries(items, checkpoint); // 5, 6
    const keys = await readKeys(log, policy, checkpoint.origin); // 3
    const erased = [...log.at.values()].flatMap((entry) => entry.digests ?? []);
    const statements = []; // 2, 3, 4, 5
    for (const one of bundle.statements) statements.push(await readStatement(one, log, keys, erased));
    const filesOf = ({ isFirst, event }) => (isFirst && event["trace:attachments"]) || [];
    const named = statements.flatMap(filesOf);
    const isNamed = (digest) => named.some((one) => one?.digest === digest);
    need(attachments.every(isNamed), "4 disclosure-mismatch");
    const seen = await checkSeen(checkpoint, policy, now); // 7
    const { quorum, maxAge } = policy;
    need(!quorum || maxAge == null || seen.witnessed >= now - maxAge, "7 stale");
    if (since) {
      const older = readSigned(since.checkpoint);
      seen.since = (await checkSeen(older, policy, now)).witnessed;
      need(await isContinued(older, checkpoint, since.proof).catch(() => 0), "7 not-consistent");
      need(older.size > items.at(-1).index, "7 not-in-log");
    }
    return await finish({ bundle, receipt, checkpoint, statements, log, keys, seen, policy, now }); // 8, 9
  } catch (refusal) {
    const [step, code] = (isText(refusal) ? refusal : "1 unreadable").split(" ");
    return { ok: step == "-" ? null : false, step: +step, code };
  }
};
