// A label before the camera: the browser's own detector, only after a tap. On the page of scanning it
// opens the label's page; beside a box it fills the box, with or without signal. Where there is no
// detector a photo goes with the form, and the server reads it.

const EVERY = 250; // milliseconds between two looks: enough for a hand, easy on a battery

async function detector() {
  if (!("BarcodeDetector" in globalThis) || !navigator.mediaDevices?.getUserMedia) return null;
  const known = await BarcodeDetector.getSupportedFormats();
  const wanted = ["qr_code", "data_matrix", "code_128", "ean_13"].filter((one) => known.includes(one));
  return known.includes("qr_code") ? new BarcodeDetector({ formats: wanted }) : null;
}

let stopOther = () => {};

/** Looks until a code is seen: its text; "" when it was stopped or no camera opens. */
async function look(reader, box) {
  const [view, said] = ["view", "said"].map((part) => box.querySelector(`[data-scan-${part}]`));
  stopOther();
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    said.textContent = box.dataset.failed;
    return "";
  }
  let running = true;
  const stop = () => {
    running = false;
    for (const track of stream.getTracks()) track.stop();
    view.hidden = true;
    view.srcObject = null;
  };
  stopOther = stop;
  addEventListener("pagehide", stop, { once: true });
  view.srcObject = stream;
  view.hidden = false;
  said.textContent = box.dataset.asking;
  view.play().catch(stop); // not waited for: some phones tell nothing until they show a picture
  while (running) {
    const found = await reader.detect(view).catch(() => []);
    if (found.length && running) {
      stop();
      navigator.vibrate?.(60);
      return found[0].rawValue;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
  if (said.textContent === box.dataset.asking) said.textContent = "";
  return "";
}

function openPage(reader, box, start) {
  start.querySelector("button").addEventListener("click", async () => {
    start.hidden = true;
    const text = await look(reader, box);
    if (text) location.assign(`?code=${encodeURIComponent(text)}`);
  });
}

function fillBox(reader, box, start) {
  const button = start.querySelector("button");
  const words = button.querySelector("span");
  const usual = words.textContent;
  const input = document.getElementById(box.dataset.scanInto);
  let looking = false;
  button.addEventListener("click", async () => {
    if (looking) {
      stopOther();
      return;
    }
    looking = true;
    words.textContent = box.dataset.stop;
    const text = await look(reader, box);
    looking = false;
    words.textContent = usual;
    if (!text) return;
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    box.querySelector("[data-scan-said]").textContent = box.dataset.done;
    // First, then last: the thumb finds the next button where it expects it.
    const next = document.querySelector(`[data-scan-into="${box.dataset.scanNext}"] button`);
    (next ?? input).focus();
  });
}

const boxes = [...document.querySelectorAll("[data-scan], [data-scan-into]")];
const reader = boxes.length ? await detector().catch(() => null) : null;
if (reader) {
  for (const box of boxes) {
    const start = box.querySelector("[data-scan-start]");
    start.hidden = false;
    if (box.dataset.scanInto) fillBox(reader, box, start);
    else openPage(reader, box, start);
  }
}
