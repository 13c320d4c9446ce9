// Checks bundles with the module that phones run (static/verify), in Node's WebCrypto. Reads lines
// of JSON: {bundle: base64, policy: {…}, now: ms} or {policyFile: base64}; writes one answer each.
import { createInterface } from "node:readline";
import { verify } from "../../../static/verify/verify.js";
import { readPolicy } from "../../../static/verify/policy.js";

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const verifier = ({ name, kind, key }) => ({ name, kind, key: bytes(key) });
const policyOf = (given) => ({
  ...given,
  log: verifier(given.log),
  root: bytes(given.root),
  witnesses: given.witnesses.map(verifier),
});
const plain = (name, value) =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("base64")
    : value instanceof Set || value instanceof Map
      ? undefined
      : value;

for await (const line of createInterface({ input: process.stdin })) {
  const { bundle, policy, policyFile, now } = JSON.parse(line);
  let answer;
  try {
    const trusted = policyFile === undefined ? policyOf(policy) : await readPolicy(bytes(policyFile));
    answer = bundle === undefined ? { policy: trusted } : await verify(bytes(bundle), trusted, now);
  } catch (refusal) {
    answer = { thrown: String(refusal) };
  }
  process.stdout.write(JSON.stringify(answer, plain) + "\n");
}
