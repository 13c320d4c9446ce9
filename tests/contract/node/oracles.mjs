// Reads one JSON array of {sdjwt, jwk} from standard input; writes what each library says of each.
// "sdjwt" is @sd-jwt/core: it checks signature and digests and puts disclosures back.
// "jose" checks the signature of the JWT alone, in the runtime's own WebCrypto.
import { webcrypto } from "node:crypto";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { SDJwtInstance } from "@sd-jwt/core";
import { compactVerify, importJWK } from "jose";

const hasher = (data, alg) => createHash(alg.replace("-", "")).update(data).digest();

async function bySdJwt({ sdjwt, jwk }) {
  const key = await webcrypto.subtle.importKey("jwk", jwk, { name: "Ed25519" }, true, ["verify"]);
  const verifier = (data, signature) =>
    webcrypto.subtle.verify(
      { name: "Ed25519" },
      key,
      Buffer.from(signature, "base64url"),
      Buffer.from(data),
    );
  const instance = new SDJwtInstance({ hasher, verifier, hashAlg: "sha-256" });
  await instance.verify(sdjwt);
  return instance.getClaims(sdjwt);
}

async function byJose({ sdjwt, jwk }) {
  const key = await importJWK(jwk, "Ed25519");
  const { protectedHeader, payload } = await compactVerify(sdjwt.split("~")[0], key);
  return { header: protectedHeader, payload: JSON.parse(new TextDecoder().decode(payload)) };
}

async function said(library, item) {
  try {
    return { ok: true, value: await library(item) };
  } catch (error) {
    return { ok: false, value: String(error.message ?? error) };
  }
}

const answers = [];
for (const item of JSON.parse(readFileSync(0, "utf8"))) {
  answers.push({ sdjwt: await said(bySdJwt, item), jose: await said(byJose, item) });
}
process.stdout.write(JSON.stringify(answers));
