// Steps 8 and 9 of the verifier: chains without gap up to the receipt, and the story. The rules are
// those of trace/core/verify/story.py; verify.js loads this when steps 1 to 7 have passed.

import { binary, need, raw } from "./encoding.js";
import { checkNote, moment, readCheckpoint, readNote } from "./log.js";
import { isValid, tagOf } from "./keys.js";
import { verifierOf } from "./policy.js";

const GAP = "8 chain-gap";

// Identity texts (formats, "Identifiers"): the lot, cycle or logistic unit that a URI belongs to.
// What has no chain stands for itself, under its canonical text where that is short to tell.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Our own code or serial in its one printed form; undefined when it is none. */
const printed = (text, length) => {
  const plain = text.toUpperCase().replace(/[- ]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  const values = [...plain].map((character) => ALPHABET.indexOf(character));
  if (values.length != length || values.includes(-1)) return undefined;
  const check = values.pop();
  const sum = values.reduce((number, one) => (number * 32 + one) % 37, 0);
  return length == 16 || sum == check ? plain : undefined;
};

/** The digits end in their GS1 check digit (General Specifications 7.9). */
const isChecked = (digits) =>
  [...digits].reverse().reduce((sum, digit, place) => sum + digit * (place % 2 ? 3 : 1), 0) % 10 == 0;
const withCheck = (digits) =>
  digits + [..."0123456789"].find((digit) => isChecked(digits + digit));

const VALUE = /^[!"%&'()*+,./0-9:;<=>?A-Z_a-z-]{1,20}$/;
const decoded = (text) =>
  text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
const escaped = (text) =>
  text.replace(/[^\w.~-]/g, (c) => `%${c.charCodeAt().toString(16).toUpperCase().padStart(2, 0)}`);

/** The GTIN with its qualifiers as canonical text, and whether they name a lot; null when broken. */
const item = (gtin, qualifiers) => {
  if (!/^\d{14}$/.test(gtin) || !isChecked(gtin)) return null;
  const given = qualifiers.filter(([, text]) => text !== undefined);
  const values = given.map(([ai, text]) => [ai, decoded(text)]);
  if (!values.every(([, text]) => VALUE.test(text))) return null;
  const linked = values.some(([ai]) => ai == "10");
  const kept = values.filter(([ai]) => !linked || ai != "21");
  const path = kept.map(([ai, text]) => `/${ai}/${escaped(text)}`).join("");
  return [`https://id.gs1.org/01/${gtin}${path}`, linked];
};
const logistic = (sscc) =>
  /^\d{18}$/.test(sscc) && isChecked(sscc) ? [`https://id.gs1.org/00/${sscc}`, true] : null;

const ours = (tail, base) => {
  const [letter, code, serial, more] = tail.replace(/[?#].*/, "").replace(/\/+$/, "").split("/");
  if (!/^[bchlponq]$/i.test(letter) || !code || more !== undefined) return undefined;
  const kind = letter.toLowerCase();
  const plain = printed(code.trim(), 10);
  const whole = serial === undefined || (kind == "b" && printed(serial.trim(), 16));
  return plain && whole ? [`${base}/${kind}/${plain}`, "bch".includes(kind)] : null;
};

const epc = (uri) => {
  const [, kind, scheme, body] = /^urn:epc:(id|class|idpat):(\w+):(.+)$/.exec(
    uri.replace(/^urn:epc:/i, "urn:epc:"),
  ) ?? [];
  const [prefix, reference = "", ...rest] = body?.split(".") ?? [];
  const last = rest.join(".");
  if (!/^\d{6,12}$/.test(prefix) || !/^\d+$/.test(reference)) return null;
  const digits = reference[0] + prefix + reference.slice(1);
  if (scheme == "sscc" && kind == "id" && digits.length == 17) return logistic(withCheck(digits));
  const ai = scheme == "lgtin" ? "10" : scheme == "sgtin" && "21";
  const fits = kind == "idpat" || (last != "*" && (kind == "class") == (ai == "10"));
  if (!ai || digits.length != 13 || !last || !fits) return null;
  if (!/^([!'()*+,.:;=\w-]|%(2[2356F]|3[CEF]))+$/i.test(last)) return null;
  return item(withCheck(digits), last == "*" ? [] : [[ai, last]]);
};

const LINK =
  /^(?:https?|HTTPS?):\/\/[A-Za-z\d.:[\]-]+(?:\/.*)?\/(?:00\/([^/]+)|01\/([^/]+)((?:\/(?:22|10|21|235)\/[^/]+)*))$/;

const link = (uri) => {
  const bare = uri.replace(/[?#].*/, "").replace(/\/$/, "");
  if (/[^\w.~:/@!$&'()*+,;=%[\]-]/.test(bare)) return null;
  const [, sscc, gtin, tail] = LINK.exec(bare) ?? [];
  if (sscc) return logistic(decoded(sscc));
  const [, cpv, lot, serial, tpx] =
    /^(?:\/22\/([^/]+))?(?:\/10\/([^/]+))?(?:\/21\/([^/]+))?$/.exec(tail ?? "") ?? [null, 0, 0, 0, 1];
  if (!gtin || tpx) return null;
  return item(decoded(gtin), [["22", cpv], ["10", lot], ["21", serial]]);
};

/** [identity text, whether it has a chain] of a URI that an event names. */
export const identify = (uri, base) => {
  const prefix = uri.slice(0, base.length + 1).toLowerCase() == `${base}/`.toLowerCase();
  const own = prefix ? ours(uri.slice(base.length + 1), base) : undefined;
  const found = own !== undefined ? own : /^urn:/i.test(uri) ? epc(uri) : link(uri);
  return found ?? [uri, false];
};

// Members that name things, with the role of what they name.

const LISTS = { epcList: "epc", childEPCs: "child", inputEPCList: "input", outputEPCList: "output" };
const QUANTITIES = {
  quantityList: "epc",
  childQuantityList: "child",
  inputQuantityList: "input",
  outputQuantityList: "output",
};
const ROLES = { parentID: "parent", ...LISTS, ...QUANTITIES };
const isUp = (role) => role == "input" || role == "child";
const isDown = (role) => role == "output" || role == "parent";
const isText = (thing) => typeof thing == "string";

const thingsOf = (event, base) => {
  const things = [["parent", event.parentID]];
  for (const member in LISTS)
    for (const uri of [event[member] ?? []].flat()) things.push([LISTS[member], uri]);
  for (const member in QUANTITIES)
    for (const element of [event[member] ?? []].flat())
      things.push([QUANTITIES[member], element?.epcClass]);
  return things
    .filter(([, uri]) => isText(uri))
    .map(([role, uri]) => {
      const [identity, linked] = identify(uri, base);
      return { role, identity, linked };
    });
};

// 8

/** 1: a receipt; under its version its text begins as a checkpoint. */
export const readReceipt = (receipt) => {
  const note = readNote(receipt);
  const [, rest, time, lines] = /^trace-receipt\/v1\n((?:.+\n){3})(.+)\n((?:.+\n)*)$/.exec(note.text);
  const { size, ...checkpoint } = readCheckpoint(rest);
  const heads = [...lines.matchAll(/.+/g)].map(([line]) => {
    const [, tag, n, index] = /^([\w-]{22}) (0|[1-9]\d{0,15}) (0|[1-9]\d{0,15})$/.exec(line);
    need(+index < size);
    return [tag, `${n} ${index}`];
  });
  need(size && heads.length <= 1e4 && heads.every(([tag], i) => !i || heads[i - 1][0] < tag));
  return { ...checkpoint, note, size, time: Date.parse(moment(time)), heads: new Map(heads) };
};

const checkReceiptKey = async (note, keys, size, policy) => {
  let refusal = "8 unknown-key";
  for (const { name } of note.signatures)
    try {
      const [issuer, key, more] = name.split("#");
      if (issuer != policy.platform || more != null || !/^receipt[\w.-]{0,57}$/.test(key)) continue;
      const state = keys.get(name);
      need(state, "8 unknown-key");
      need(isValid(state, size), "8 key-not-valid-then");
      const { bytes } = state;
      if (bytes) return await checkNote(note, await verifierOf(name, 1, bytes));
    } catch (error) {
      if (isText(error)) refusal = error.replace(/^\d/, 8);
    }
  throw refusal;
};

const checkChain = async ({ identity, salt }, links, heads) => {
  need(!identity.includes("\n"));
  const places = [];
  let last;
  for (;;) {
    const tag = await tagOf(raw(binary(salt)), identity, places.length);
    if (!links.has(tag)) break;
    places.push(links.get(tag));
    last = tag;
  }
  const rising = places.every((index, n) => !n || places[n - 1] < index);
  need(rising && heads.get(last) == `${places.length - 1} ${places.at(-1)}`, GAP);
  return places;
};

// What went into an edge, what came out of it, and which linked chains are no inputs.
const edge = ({ things, chains, withheld }) => {
  const named = (isRole) => things.filter((one) => isRole(one.role)).map((one) => one.identity);
  const up = named(isUp);
  const others = [...chains].filter((name) => !up.includes(name));
  return { up, others, into: [...named(isDown), ...(hides({ withheld }, isDown) ? others : [])] };
};

const checkThings = (statements, chains, log, base, subject) => {
  const at = new Map();
  for (const [identity, places] of chains)
    for (const place of places) at.set(place, [...(at.get(place) ?? []), identity]);
  for (const statement of statements) {
    const { h } = log.at.get(statement.index);
    const own = [...log.at].filter(([index, entry]) => entry.h == h && entry.links).map(([index]) => index);
    statement.chains = new Set(own.flatMap((place) => at.get(place) ?? []));
    statement.things = thingsOf(statement.event, base);
    for (const { identity } of statement.things)
      need(!chains.has(identity) || statement.chains.has(identity), "8 wrong-thing");
  }
  // What was packed beside the subject is shown, but is no ancestor of it.
  const above = new Map();
  for (const statement of statements) {
    const { up, into } = edge(statement);
    for (const name of into) above.set(name, [...(above.get(name) ?? []), ...up]);
  }
  const ancestors = reached([subject], above);
  for (const { things } of statements)
    for (const { identity, linked } of things)
      need(!linked || chains.has(identity) || !ancestors.has(identity), GAP);
};

// 9

const STATES = new Map([
  ["advice", "notice"],
  ["recall", "recalled"],
]);
// "unknown" hides anything up to a recall, so only a shown recall weighs more.
const RANKS = ["none-shown", "notice", "hold", "unknown", "recalled"];
const LATE = 3 * 864e5;
const EVENT_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

const hides = ({ withheld }, isRole) => withheld.some((path) => isRole(ROLES[path.split("/")[0]]));

const reached = (start, edges) => {
  const seen = new Set(start);
  for (const name of seen) for (const next of edges.get(name) ?? []) seen.add(next);
  return seen;
};

const tell = (report, hidden, policy) => {
  const { subject, statements, findings } = report;
  const find = (code, index, detail) => findings.push({ code, index, detail });
  const edges = new Map();
  const unknown = [];
  const notices = [];
  const issuers = new Map(statements.map(({ id, issuer }) => [id, issuer]));
  for (const statement of statements) {
    const { index, time, id, issuer, event, things, chains, withheld } = statement;
    const happened = EVENT_TIME.test(event.eventTime) ? Date.parse(event.eventTime) : NaN;
    if (isNaN(happened)) find("recorded-late", index, "event time unknown");
    else if (time - happened > LATE)
      find("recorded-late", index, `${Math.floor((time - happened) / 864e5)} days`);
    const isDeclaration = "errorDeclaration" in event;
    // Only a statement's own issuer declares it to be in error.
    if (isDeclaration && issuers.get(event["trace:corrects"]) == issuer)
      report.voided.push(event["trace:corrects"]);
    const { up, others, into } = edge(statement);
    for (const name of up) edges.set(name, [...(edges.get(name) ?? []), ...into]);
    if (hides({ withheld }, isUp) || things.some((one) => isUp(one.role) && !one.linked)) {
      unknown.push(...(into.length ? into : others));
      find("recall-unknown", index, "an input or a content is not disclosed");
    }
    const notice = event["trace:notice"];
    if (notice != null && !isDeclaration) {
      const told = typeof notice == "object" && !Array.isArray(notice);
      const ends = told && Array.isArray(notice.ends) ? notice.ends : [];
      const about = [...chains, ...things.map((one) => one.identity)];
      notices.push({ id, index, issuer, kind: `${told ? notice.kind : notice}`, about, ends });
    }
  }
  const isEnded = ({ id, index, issuer }) =>
    notices.some(
      (one) =>
        one.kind == "release" &&
        one.index > index &&
        one.ends.includes(id) &&
        !report.voided.includes(one.id) &&
        (one.issuer == issuer || policy.authorities.includes(one.issuer)),
    );
  const worsen = (state) => {
    report.recall = RANKS[Math.max(RANKS.indexOf(report.recall), RANKS.indexOf(state))];
  };
  for (const notice of notices)
    if (notice.kind != "release" && !isEnded(notice) && reached(notice.about, edges).has(subject)) {
      report.notices.push(notice.id);
      worsen(STATES.get(notice.kind) ?? "hold");
    }
  if (hidden) find("recall-unknown", null, `${hidden} statements are withheld`);
  if (hidden || reached(unknown, edges).has(subject)) worsen("unknown");
};

/** Steps 8 and 9; gives the finished report. */
export const finish = async ({ bundle, receipt, checkpoint, log, keys, seen, policy, now, ...checked }) => {
  const { origin, size, root } = checkpoint;
  const { subject } = bundle;
  need(receipt.origin == origin && receipt.size == size && receipt.root == root, "8 receipt-older");
  need(receipt.time <= now + 6e5, "8 stale");
  await checkReceiptKey(receipt.note, keys, size, policy);
  const chains = new Map();
  for (const chain of bundle.chains) {
    need(!chains.has(chain.identity));
    chains.set(chain.identity, await checkChain(chain, log.links, receipt.heads));
  }
  const orgs = [policy.platform, ...[...keys.values()].map((state) => state.record.org)];
  for (const identity of [subject, ...orgs.map((org) => `${org}#keyring`)])
    need(chains.has(identity), GAP);
  const statements = checked.statements.map(told);
  const shown = statements.filter(({ isFirst }) => isFirst);
  const [, host] = /^(\S+?)\/log(?:\/(?:[2-9]|[1-9]\d{1,5}))?$/.exec(origin);
  checkThings(shown, chains, log, `https://${host}`, subject);

  const findings = [];
  for (const { index, isFirst, withheld, erased } of statements)
    if (!isFirst) findings.push({ code: "replayed", index, detail: "" });
    else {
      if (withheld.length) findings.push({ code: "withheld", index, detail: withheld.join(", ") });
      if (erased) findings.push({ code: "erased", index, detail: `${erased} members` });
    }
  const given = new Set(statements.map(({ index }) => log.at.get(index).h));
  const hidden = [...log.at].filter(([, { type, h }]) => type == "event" && !given.has(h));
  for (const [index] of hidden)
    findings.push({ code: "withheld", index, detail: "the whole statement" });
  const report = { ok: true, subject, origin, size, time: receipt.time, since: null, ...seen };
  Object.assign(report, { statements: shown, findings, recall: "none-shown", notices: [], voided: [] });
  tell(report, hidden.length, policy);
  return report;
};

/** A statement as steps 1 to 7 leave it, as the report tells it. */
const told = ({ index, isFirst, entry, payload, state, approved, event, withheld, erased }) => ({
  index,
  isFirst,
  time: Date.parse(entry.t),
  id: payload.id,
  issuer: payload.issuer,
  kid: state.record.kid,
  custody: approved ? "passkey" : state.record.custody,
  event,
  withheld,
  erased,
  flagged: state.since <= index,
});
