// A verifier's policy (C2SP tlog-policy with our "#trace" lines): whom it trusts. It is carried by
// the person who checks, never taken from a bundle. Rules as in trace/core/tlog/policy.py and
// trace/core/verify/policy_file.py; a file that cannot be relied on is thrown as "0 bad-policy".

import { as, base64, binary, bytesOf, need, raw, sha256 } from "./encoding.js";

/** A key that signs notes under a name; its id is the first four bytes of a hash of all three. */
export const verifierOf = async (name, kind, key) => {
  const id = await sha256(new Uint8Array([...bytesOf(name + "\n"), kind, ...key]));
  return { name, kind, key, id: binary(id).slice(0, 4) };
};
const equal = (one, other) => one + "" == other;

const readKey = async (text, kind) => {
  const [, name, id, data] = /^([^\s+]{1,512})\+([\da-f]{8})\+([A-Za-z\d+/]+={0,2})$/.exec(text);
  const bytes = raw(base64(data));
  const verifier = await verifierOf(name, kind, bytes.slice(1));
  need(bytes.length == 33 && bytes[0] == kind);
  const hex = [...raw(verifier.id)].map((byte) => byte.toString(16).padStart(2, 0));
  need(hex.join("") == id);
  return verifier;
};

const DIRECTIVES = ["own", "operator", "root", "platform", "inspector", "authority", "max-age"];

const read = async (text) => {
  need(!/[\0-\x08\v-\x1f\x7f]/.test(text));
  const logs = [];
  const witnesses = new Map();
  const groups = new Map();
  const names = new Set(["none"]);
  const used = new Set();
  const said = { __proto__: null };
  for (const name of DIRECTIVES) said[name] = [];
  let quorum;
  const define = (name) => need(!names.has(name) && names.add(name));
  const fresh = (list, { key }) => need(![...list].some((one) => equal(one.key, key)));
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.split(/[ \t]+/).filter((part) => part);
    if (word == "#trace") {
      const [directive, ...values] = rest;
      need(values.length);
      said[directive]?.push(values.join(" "));
    } else if (!word || word.startsWith("#")) continue;
    else if (word == "log") {
      need(rest.length == 1 || rest.length == 2);
      const verifier = await readKey(rest[0], 1);
      fresh(logs, verifier);
      logs.push(verifier);
    } else if (word == "witness") {
      need(rest.length == 2 || rest.length == 3);
      const verifier = await readKey(rest[1], 4);
      define(rest[0]);
      fresh(witnesses.values(), verifier);
      witnesses.set(rest[0], verifier);
    } else if (word == "group") {
      const [name, count, ...members] = rest;
      for (const member of members) {
        need(member != "none" && names.has(member) && !used.has(member));
        used.add(member);
      }
      const needed = { all: members.length, any: 1 }[count] ?? (/^[1-9]\d{0,5}$/.test(count) ? +count : 0);
      need(needed > 0 && needed <= members.length);
      define(name);
      groups.set(name, { needed, members });
    } else {
      need(word == "quorum" && rest.length == 1 && !quorum && names.has(rest[0]));
      quorum = rest[0];
    }
  }
  need(quorum && logs.length && said.root.length == 1 && said.platform.length == 1);
  const ages = said["max-age"];
  need(ages.length < 2 && ages.every((age) => /^\d{1,9}$/.test(age)));
  const operators = new Map();
  for (const line of said.operator) {
    const [, name, operator] = /^(\S+) ?(.*)$/.exec(line);
    operators.set(name, operator);
  }
  for (const name of [...operators.keys(), ...said.own]) need(witnesses.has(name));
  const counts = (name) =>
    witnesses.has(name) &&
    !said.own.includes(name) &&
    !logs.some((log) => log.name == witnesses.get(name).name || equal(log.key, witnesses.get(name).key));
  const group = groups.get(quorum);
  need(!group?.members.some((name) => groups.has(name)));
  const asked = group?.members ?? (quorum == "none" ? [...witnesses.keys()] : [quorum]);
  const root = raw(binary(said.root[0]));
  need(root.length == 32);
  return {
    logs: logs.filter(({ name }) => name == logs[0].name),
    root,
    platform: said.platform[0],
    inspectors: said.inspector,
    authorities: said.authority,
    witnesses: asked.filter(counts).map((name) => ({
      ...witnesses.get(name),
      operator: operators.get(name) || witnesses.get(name).name,
    })),
    quorum: quorum == "none" ? 0 : (group?.needed ?? 1),
    maxAge: ages.length ? ages[0] * 1e3 : null,
  };
};

/** The policy from its file's bytes. Throws "0 bad-policy". */
export const readPolicy = (bytes) =>
  as("0 bad-policy", () => read(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
