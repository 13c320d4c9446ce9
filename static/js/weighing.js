// The weighing sheet: a running total, lines kept while typing, a spreadsheet's column pasted into
// the boxes. Without this file the sheet works by its button.

const box = document.querySelector("[data-weights]");
if (box) {
  const form = box.closest("form");
  const inputs = [...box.querySelectorAll("input.weight")];
  const told = form.querySelector("[data-total]");
  const said = told.querySelector("[data-saved]");
  const wasOf = (input) => form.elements[input.name.replace("kg-", "was-")];
  let timer = 0;
  let sending = false;

  // Scales tell tenths of a kilo, and on a keypad the comma is one key of five. Where a person asks
  // for it, figures without a comma are tenths: 245 becomes 24,5 in the box, for everybody to see,
  // before anything is kept.
  const choice = form.querySelector("[data-tenths]");
  const tenths = choice.querySelector("input");
  const KEPT = "trace-weighing-tenths";
  choice.hidden = false;
  try {
    tenths.checked = localStorage.getItem(KEPT) === "1";
    tenths.addEventListener("change", () => localStorage.setItem(KEPT, tenths.checked ? "1" : ""));
  } catch {
    // a browser that keeps nothing is asked anew
  }
  const expand = (input) => {
    if (tenths.checked) input.value = input.value.replace(/(?<![\d.,])\d+(?![\d.,])/g, (figure) => `${Number(figure.slice(0, -1))},${figure.at(-1)}`);
  };
  const finished = (one) => !(tenths.checked && one === document.activeElement);

  const changed = () =>
    inputs.filter((one) => finished(one) && one.value.trim() !== wasOf(one).value.trim());

  async function save() {
    clearTimeout(timer);
    if (sending) return later();
    const some = changed();
    if (!some.length) return;
    sending = true;
    said.textContent = said.dataset.saving;
    const data = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
    const sent = new Map();
    for (const one of some) {
      data.set(one.name, one.value);
      data.set(wasOf(one).name, wasOf(one).value);
      sent.set(one.name.slice(3), one.value);
    }
    try {
      const answer = await fetch(box.dataset.weights, {
        method: "POST",
        body: data,
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const done = await answer.json();
      for (const key of done.saved) form.elements[`was-${key}`].value = sent.get(String(key));
      for (const one of some) {
        const wrong = done.wrong[one.name.slice(3)] ?? "";
        const note = document.getElementById(`e-${one.name}`);
        if (note) note.textContent = wrong;
        one.toggleAttribute("aria-invalid", Boolean(wrong));
      }
      told.querySelector("[data-kilograms]").textContent = done.total;
      told.querySelector("[data-count]").textContent = done.count;
      said.textContent = said.dataset.done;
    } catch {
      said.textContent = said.dataset.failed;
    } finally {
      sending = false;
    }
  }
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(save, 800);
  };

  box.addEventListener("input", later);
  box.addEventListener("change", (event) => {
    expand(event.target);
    save();
  });
  // The keypad's "next" goes to the next household, not to the button.
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    inputs[inputs.indexOf(event.target) + 1]?.focus();
  });
  box.addEventListener("paste", (event) => {
    const column = event.clipboardData.getData("text").replace(/\r/g, "").replace(/\n$/, "").split("\n");
    if (column.length < 2) return;
    event.preventDefault();
    const from = inputs.indexOf(event.target);
    column.forEach((cell, place) => {
      const input = inputs[from + place];
      if (input) input.value = cell.split("\t").at(-1).trim();
    });
    save();
  });
}
