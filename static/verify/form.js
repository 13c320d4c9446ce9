// The page /verify and the stand-alone file: a bundle and a policy, picked as files or pasted. What
// is chosen stays on this device.

import { readPolicy } from "./policy.js";
import { verify } from "./verify.js";
import { sentences, wordsOf, write } from "./words.js";

const form = document.querySelector("form[data-verify]");
const place = document.querySelector("[data-result]");
const language = location.hash == "#en" ? "en" : document.documentElement.lang;

const given = async (name) => {
  const file = form.elements[`${name}-file`].files[0];
  return file
    ? new Uint8Array(await file.arrayBuffer())
    : new TextEncoder().encode(form.elements[`${name}-text`].value);
};

const details = (result) => {
  const { ok, step, code, statements = [], findings = [] } = result;
  const lines = ok
    ? [
        ...statements.map((one) => `${one.index}  ${one.issuer}  ${one.event.bizStep ?? one.event.type}`),
        ...findings.map((one) => `${one.code}  ${one.index ?? ""}  ${one.detail}`),
      ]
    : [`${step ?? ""}  ${code}`];
  const [box, head, text] = ["details", "summary", "pre"].map((name) => document.createElement(name));
  head.textContent = wordsOf(language).details;
  text.style.cssText = "white-space: pre-wrap; overflow-wrap: anywhere";
  text.textContent = lines.join("\n");
  box.append(head, text);
  place.append(box);
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  write(place, [["info", wordsOf(language).working]]);
  let policy;
  const file = await given("policy");
  const read = async () => (policy = await readPolicy(file));
  const result = await verify(await given("bundle"), read, Date.now());
  place.dataset.result = result.code ?? "ok";
  write(place, sentences(result, language, policy, location.protocol != "file:"));
  details(result);
});
