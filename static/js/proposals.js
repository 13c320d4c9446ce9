// Choosing a product of the catalogue fills in what its label asks for. What a person typed is never
// replaced, and where the figure is from is said beside the box. Without this file the list of
// suggestions tells the same days, to be typed.

const list = document.getElementById("proposals");
const options = new Map([...(list?.options ?? [])].map((one) => [one.value, one]));
const filled = new WeakMap(); // box: what we put into it

function put(box, value) {
  if (!box || (box.value && box.value !== filled.get(box))) return false;
  box.value = value;
  filled.set(box, value);
  return Boolean(value);
}

function propose(name) {
  const prefix = name.name.slice(0, -"name".length);
  const fields = name.form.elements;
  const days = fields[`${prefix}interval_days`];
  const chosen = options.get(name.value);
  put(fields[`${prefix}active_ingredient`], chosen?.dataset.ingredient ?? "");
  const told = put(days, chosen?.dataset.days ?? "");
  if (!days) return;
  const field = days.closest(".field");
  let said = field.querySelector("[data-proposed]");
  if (!said) {
    said = document.createElement("span");
    said.className = "hint";
    said.dataset.proposed = "";
    said.setAttribute("role", "status");
    field.append(said);
  }
  said.textContent = told ? chosen.dataset.said : "";
}

for (const name of document.querySelectorAll("input[list=proposals]")) {
  // A form that opens filled in says what was used last time: that stands.
  name.addEventListener("input", () => propose(name));
}
