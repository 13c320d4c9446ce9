// A form of the page as an entry keeps it, and back: what was typed, what was wrong with it.

import { longTime } from "./clock.js";
import { words } from "./words.js";

// These go with every form and say nothing; the entry draws its own key.
const TECHNICAL = new Set(["csrf_token", "form_key"]);

/** An element with words and children: make("p", { className: "hint" }, "…"). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

const plain = (element) => {
  const copy = element.cloneNode(true);
  for (const extra of copy.querySelectorAll(".optional, .hint, .visually-hidden")) extra.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
};

function labelOf(control) {
  const group = control.closest("fieldset")?.querySelector("legend");
  const alone = control.type === "checkbox" && control.value === "yes";
  if (["radio", "checkbox"].includes(control.type) && group && !alone) return plain(group);
  if (control.labels?.length) return plain(control.labels[0]);
  if (group) return plain(group); // a number and its unit share a legend
  return control.getAttribute("aria-label") ?? control.name;
}

function shownOf(control) {
  if (control.type === "checkbox" || control.type === "radio") {
    return control.checked && control.labels?.length ? plain(control.labels[0]) : "";
  }
  if (!control.value) return "";
  if (control.tagName === "SELECT") return control.selectedOptions[0].textContent.trim();
  if (control.type === "datetime-local") return longTime(control.value);
  return control.value.trim();
}

const controls = (form) =>
  [...form.elements].filter(
    (one) => one.name && !one.disabled && !["submit", "button", "file", "fieldset"].includes(one.type),
  );

/** {action, title, about, fields, labels, told}: all that must be known to send, show and mend it. */
export function read(form, submitter = null) {
  const fields = [...new FormData(form, submitter)].filter(
    ([name, value]) => typeof value === "string" && !TECHNICAL.has(name),
  );
  const labels = {};
  const told = [];
  for (const control of controls(form)) {
    if (control.type === "hidden") continue;
    labels[control.name] ??= labelOf(control);
    const shown = shownOf(control);
    if (!shown) continue;
    const before = controls(form)[controls(form).indexOf(control) - 1];
    const unit = control.tagName === "SELECT" && /unit$/.test(control.name);
    if (unit && told.length && before?.value) told.at(-1)[1] += ` ${shown}`;
    else if (!unit) told.push([labels[control.name], shown === labels[control.name] ? "✓" : shown]);
  }
  const { pathname, search } = new URL(form.getAttribute("action") || location.href, location.href);
  const text = (selector) => document.querySelector(selector)?.textContent.trim() ?? "";
  return {
    action: pathname + search,
    title: text("h1"),
    about: text(".caption"),
    fields,
    labels,
    told,
  };
}

const ROW = /^([a-z_]+)-(\d{1,3})-/;

function rowsOf(form, prefix) {
  const found = new Map();
  for (const control of controls(form)) {
    const row = ROW.exec(control.name);
    if (row?.[1] === prefix && control.closest("fieldset.panel")) {
      found.set(Number(row[2]), control.closest("fieldset.panel"));
    }
  }
  return found;
}

/** One line more of a form with lines. False where the page has none to copy. */
export function addRow(form, prefix) {
  const rows = rowsOf(form, prefix);
  if (!rows.size) return false;
  const last = Math.max(...rows.keys());
  const fresh = rows.get(last).cloneNode(true);
  for (const mark of fresh.querySelectorAll("span.error")) mark.remove();
  const renamed = (text) => text.replaceAll(`${prefix}-${last}-`, `${prefix}-${last + 1}-`);
  for (const element of [fresh, ...fresh.querySelectorAll("*")]) {
    element.classList?.remove("wrong");
    element.removeAttribute("aria-invalid");
    for (const name of ["name", "id", "for", "aria-describedby", "aria-labelledby"]) {
      const value = element.getAttribute(name);
      if (value?.includes(`${prefix}-${last}-`)) element.setAttribute(name, renamed(value));
    }
  }
  for (const box of fresh.querySelectorAll("input, textarea")) {
    if (["checkbox", "radio"].includes(box.type)) box.checked = false;
    else box.value = "";
  }
  const legend = fresh.querySelector("legend");
  if (legend) legend.textContent = `${legend.textContent.trim().replace(/ \d+$/, "")} ${last + 2}`;
  rows.get(last).after(fresh);
  fresh.querySelector("input, select, textarea")?.focus();
  return true;
}

/** Puts what an entry holds back into the boxes. */
export function fill(form, fields) {
  for (const [name] of fields) {
    const row = ROW.exec(name);
    while (row && !rowsOf(form, row[1]).has(Number(row[2])) && addRow(form, row[1]));
  }
  for (const control of controls(form)) {
    if (TECHNICAL.has(control.name)) continue;
    const values = fields.filter(([name]) => name === control.name).map(([, value]) => value);
    if (control.type === "checkbox" || control.type === "radio") {
      control.checked = values.includes(control.value);
    } else if (values.length) {
      [control.value] = values;
    }
  }
  // A value the page put there when it was kept: what was typed decides.
  for (const [name, value] of fields) {
    if (form.elements[name] || TECHNICAL.has(name)) continue;
    form.append(make("input", { type: "hidden", name, value }));
  }
}

/** Takes all marks of an earlier answer away. */
export function clear(form) {
  for (const old of document.querySelectorAll(".error-summary, [data-outbox-mark]")) old.remove();
  for (const field of form.querySelectorAll(".wrong")) {
    field.classList.remove("wrong");
    for (const mark of field.querySelectorAll(":scope > span.error")) mark.remove();
    for (const box of field.querySelectorAll("[aria-invalid]")) box.removeAttribute("aria-invalid");
  }
  document.title = document.title.replace(`${words.error} `, "");
}

const warning = () => {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({
    class: "icon",
    viewBox: "0 0 24 24",
    width: "20",
    height: "20",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2",
    "aria-hidden": "true",
  })) {
    drawing.setAttribute(name, value);
  }
  for (const d of ["M12 3 2 21h20Z", "M12 10v5M12 18h.01"]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    drawing.append(path);
  }
  return drawing;
};

function markField(form, path, sentence) {
  const box = document.getElementById(`f-${path}`) ?? form.elements[path];
  const field = box?.closest?.(".field");
  if (!field) return null;
  const id = `e-${path}`;
  field.classList.add("wrong");
  for (let folded = box.closest("details"); folded; folded = folded.parentElement.closest("details")) {
    folded.open = true;
  }
  const hidden = make("span", { className: "visually-hidden" }, words.error);
  const mark = make("span", { className: "error", id }, warning(), make("span", {}, hidden, ` ${sentence}`));
  document.getElementById(id)?.remove();
  const label = field.querySelector(":scope > .hint") ?? field.querySelector("label, legend");
  label.after(mark);
  box.setAttribute("aria-invalid", "true");
  const described = (box.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  box.setAttribute("aria-describedby", [...described, id].join(" "));
  return mark;
}

/** What the typed text may have meant: the same choices that the server's page offers. The marks go
    when the form is sent, so what was chosen stands in a field of its own, until the text changes. */
function chooseMeant(form, mark, path, choices) {
  const name = `${path}_choice`;
  const known = form.querySelector(`input[name="${name}"]`);
  if (known?.type === "radio") return; // the server's page offers them already
  const chosen = known ?? make("input", { type: "hidden", name });
  if (!known) form.append(chosen);
  chosen.value = "";
  form.elements[path]?.addEventListener("input", () => { chosen.value = ""; });
  const group = make("fieldset", { className: "field", "data-outbox-mark": "" });
  group.append(make("legend", { className: "field-label" }, words.meant));
  choices.forEach(([value, text], index) => {
    const id = `f-${path}-${index + 1}`;
    const radio = make("input", { type: "radio", id, name: `meant_${path}`, value });
    radio.addEventListener("change", () => { chosen.value = value; });
    const label = make("label", {}, text);
    label.htmlFor = id;
    group.append(make("div", { className: "choice" }, radio, label));
  });
  mark.after(group);
}

function chooseTime(form, mark, suggested) {
  const box = form.elements.when;
  const row = make("div", { className: "buttons", "data-outbox-mark": "" });
  const choose = (text, value) => {
    const button = make("button", { type: "button", className: "button secondary" }, text);
    button.addEventListener("click", () => {
      if (value) box.value = value;
      form.dataset.typed = "1";
      row.remove();
      box.focus();
    });
    row.append(button);
  };
  if (suggested) choose(`${words.use} ${longTime(suggested)}`, suggested);
  choose(words.keepTime, "");
  (mark ?? box).after(row);
}

function summary(title, ...content) {
  const heading = make("h2", { id: "error-summary-title" }, title);
  const box = make(
    "div",
    { className: "error-summary", tabIndex: -1, role: "alert", "aria-labelledby": "error-summary-title" },
    heading,
    ...content,
  );
  return box;
}

function conflict(form, body, theirs, onTheirs) {
  const mine = Object.fromEntries(body.told);
  const cell = (label, text) => make("td", { role: "cell", "data-label": label }, text || "–");
  const rows = Object.entries(theirs).map(([name, stored]) => {
    const label = body.labels[name] ?? name;
    const typed = mine[label] ?? Object.fromEntries(body.fields)[name] ?? "";
    return make("tr", { role: "row" }, make("td", { role: "cell" }, label), cell(words.stored, stored), cell(words.mine, typed));
  });
  const head = [words.item, words.stored, words.mine].map((text) =>
    make("th", { role: "columnheader", scope: "col" }, text),
  );
  const table = make(
    "table",
    { className: "table cards-on-phone", role: "table" },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...head)),
    make("tbody", { role: "rowgroup" }, ...rows),
  );
  const keep = make("button", { type: "button", className: "button" }, words.takeMine);
  keep.addEventListener("click", () => form.requestSubmit());
  const leave = make("button", { type: "button", className: "button secondary" }, words.takeTheirs);
  leave.addEventListener("click", onTheirs);
  return summary(
    words.conflict,
    make("p", {}, words.conflictSays),
    table,
    make("div", { className: "buttons" }, keep, leave),
  );
}

/** The sentence of an answer that the phone itself gave. */
export const ownWords = { "by-hand": words.noRecord, "not-approved": words.notApproved };

/** Shows what the server refused, as its own page would: a summary that is read first, and each
 * sentence at its box. `onTheirs` is called when the person keeps what is stored. */
export function mark(form, body, answer, onTheirs) {
  clear(form);
  let box;
  if (answer.theirs && Object.keys(answer.theirs).length) {
    if (form.elements.version) form.elements.version.value = answer.version;
    box = conflict(form, body, answer.theirs, onTheirs);
  } else {
    const list = make("ul");
    for (const { path, sentence: told, code } of answer.errors?.length ? answer.errors : [answer]) {
      const sentence = told ?? ownWords[code] ?? "";
      const mark = path ? markField(form, path, sentence) : null;
      const link = make("a", { href: `#f-${path}` }, sentence);
      link.addEventListener("click", (event) => {
        const target = document.getElementById(`f-${path}`);
        if (!target) return;
        event.preventDefault();
        target.closest(".field")?.scrollIntoView();
        target.focus();
      });
      list.append(make("li", {}, mark ? link : sentence));
      if (mark && answer.choices?.[path]?.length) chooseMeant(form, mark, path, answer.choices[path]);
      if (path === "when" && (code === "phone-clock" || answer.suggested)) {
        chooseTime(form, mark, answer.suggested?.when);
      }
    }
    box = summary(words.summary, list);
    if (answer.code === "form-already-used" && answer.location) {
      box.append(make("p", {}, words.alreadySent), make("a", { href: answer.location }, words.open));
    }
  }
  form.before(box);
  document.title = `${words.error} ${document.title}`;
  box.focus();
}

/** A sentence above the form; `kind` as notices have it. */
export function note(before, kind, ...content) {
  const box = make("div", { className: `notice ${kind}`, role: "status", "data-outbox-mark": "" }, make("div", {}, ...content));
  before.before(box);
  return box;
}
