// For the page of a history's proof: checks that history in the reader's browser, after a tap. The
// page gives the place for it, and nothing else is fetched before the tap:
// <div data-bundle="…?format=bundle" data-policy="/log/policy" data-button="…" data-failed="…">.

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
  let result = { ok: null, code: "failed" };
  try {
    const [{ verify }, { readPolicy }, story, bundle, file] = await Promise.all([
      import("./verify.js"),
      import("./policy.js"),
      import("./story.js"),
      fetched(place.dataset.bundle),
      fetched(place.dataset.policy),
    ]);
    const read = async () => (policy = await readPolicy(file));
    result = await verify(bundle, read, Date.now(), () => story);
  } catch {
    // `result` says how far it came
  }
  place.dataset.result = result.code ?? "ok";
  write(place, sentences(result, language, policy, true));
};

const button = document.createElement("button");
button.type = "button";
button.textContent = place.dataset.button;
// The modules do not even load in a browser that is too old for them, or without a network.
const failed = () => (place.textContent = place.dataset.failed);
button.addEventListener("click", () => check().catch(failed), { once: true });
place.setAttribute("aria-live", "polite");
place.append(button);
