// A label before the camera opens its page: the browser's own detector, only after a tap. Where
// there is none the form below takes a photo, and the server reads it.

const box = document.querySelector("[data-scan]");
const start = box?.querySelector("[data-scan-start]");
const view = box?.querySelector("[data-scan-view]");
const said = box?.querySelector("[data-scan-said]");
const EVERY = 250; // milliseconds between two looks: enough for a hand, easy on a battery

async function detector() {
  if (!("BarcodeDetector" in globalThis) || !navigator.mediaDevices?.getUserMedia) return null;
  const known = await BarcodeDetector.getSupportedFormats();
  const wanted = ["qr_code", "data_matrix", "code_128", "ean_13"].filter((one) => known.includes(one));
  return known.includes("qr_code") ? new BarcodeDetector({ formats: wanted }) : null;
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
  view.hidden = true;
}

async function look(reader) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    said.textContent = box.dataset.failed;
    return;
  }
  view.srcObject = stream;
  view.hidden = false;
  said.textContent = box.dataset.asking;
  addEventListener("pagehide", () => stop(stream), { once: true });
  await view.play();
  const again = async () => {
    if (view.hidden) return;
    const found = await reader.detect(view).catch(() => []);
    if (found.length) {
      stop(stream);
      location.assign(`?code=${encodeURIComponent(found[0].rawValue)}`);
      return;
    }
    setTimeout(again, EVERY);
  };
  again();
}

const reader = box ? await detector().catch(() => null) : null;
if (reader) {
  start.hidden = false;
  start.querySelector("button").addEventListener("click", () => {
    start.hidden = true;
    look(reader);
  });
}
