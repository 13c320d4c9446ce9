// For the page of a history's proof: checks that history in the reader's browser, after a tap. The
// page names an empty element: <div data-bundle="…?format=bundle" data-policy="/log/policy">.

const place = document.querySelector("[data-bundle]");

const fetched = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(answer.status);
  return new Uint8Array(await answer.arrayBuffer());
};

const check = async () => {
  const { sentences, wordsOf, write } = await import("./words.js");
  const language = document.documentElement.lang;
  write(place, [["info", wordsOf(language).working]]);
  let policy;
  let result = { ok: false, code: "failed" };
  try {
    const [{ canCheck, verify }, { readPolicy }, bundle, file] = await Promise.all([
      import("./verify.js"),
      import("./policy.js"),
      fetched(place.dataset.bundle),
      fetched(place.dataset.policy),
    ]);
    result = { ok: false, code: "bad-policy" };
    policy = (await canCheck()) && (await readPolicy(file));
    result = await verify(bundle, policy, Date.now());
  } catch {
    // `result` says how far it came
  }
  place.dataset.result = result.ok === null ? "cannot" : result.ok ? "ok" : result.code;
  write(place, sentences(result, language, policy, true));
};

place.setAttribute("aria-live", "polite");
await check();
