// Asks the device for a passkey's answer (Web Authentication) and sends it with the form.
// A hidden field says what to ask: data-passkey is "create" or "get", data-options are the options
// with bytes in base64url.

import { bytes, text } from "./base64.js";

const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: named(options.excludeCredentials),
    },
  });
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
    },
  };
}

async function get(options) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: named(options.allowCredentials),
    },
  });
  return {
    id: found.id,
    authenticatorData: text(found.response.authenticatorData),
    clientDataJSON: text(found.response.clientDataJSON),
    signature: text(found.response.signature),
  };
}

for (const field of document.querySelectorAll("[data-passkey]")) {
  const form = field.form;
  const status = form.querySelector("[data-passkey-status]");
  const sendable = () => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
    }
  };
  if (!window.PublicKeyCredential) {
    status.textContent = status.dataset.unable;
    continue;
  }
  let asking = false;
  form.addEventListener("submit", async (event) => {
    if (field.value) return;
    event.preventDefault();
    if (asking) return;
    asking = true;
    status.textContent = "";
    try {
      const ask = field.dataset.passkey === "create" ? create : get;
      field.value = JSON.stringify(await ask(JSON.parse(field.dataset.options)));
      form.submit();
    } catch {
      status.textContent = status.dataset.failed;
      sendable();
    } finally {
      asking = false;
    }
  });
}
