// Checks bundles with the module that phones run (static/verify), in Node's WebCrypto. Reads lines
// of JSON: {bundle: base64, policyFile: base64, now: ms} or {policyFile}; writes one answer each. With {result, language} it gives the sentences of a result,
// with {uris, base} the identity of each.
import { createInterface } from "node:readline";

// The folder of the modules: as they are written, or as they are sent.
const folder = new URL(`../../../static/verify/${process.argv[2] ?? ""}`, import.meta.url);
const { verify } = await import(`${folder}/verify.js`);
const { readPolicy } = await import(`${folder}/policy.js`);
const { identify } = await import(`${folder}/story.js`);
const { sentences } = await import(`${folder}/words.js`);

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const plain = (name, value) =>
  value instanceof Uint8Array
    ? Buffer.from(value).toString("base64")
    : value instanceof Set || value instanceof Map
      ? undefined
      : value;

for await (const line of createInterface({ input: process.stdin })) {
  const { bundle, policy, policyFile, now, result, language, own, uris, base } = JSON.parse(line);
  let answer;
  try {
    if (result || uris) {
      answer = uris
        ? uris.map((uri) => identify(uri, base))
        : sentences(result, language, policy, own);
      process.stdout.write(JSON.stringify(answer) + "\n");
      continue;
    }
    const read = () => readPolicy(bytes(policyFile));
    answer = bundle === undefined ? { policy: await read() } : await verify(bytes(bundle), read, now);
  } catch (refusal) {
    answer = { thrown: String(refusal) };
  }
  process.stdout.write(JSON.stringify(answer, plain) + "\n");
}
