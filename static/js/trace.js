// Every page works without this file; with it, a few things go quicker.
"use strict";

// A form is sent once: the second press of an impatient thumb does nothing.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.setAttribute("aria-disabled", "true");
    }
  });
}
// Coming back by the browser's own button shows the page as it was left: sendable again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
    }
  }
});

// What went wrong is read first.
const readFirst = document.querySelector("[data-focus]");
if (readFirst) readFirst.focus();
// The summary leads to the field itself, not only to its place on the page.
for (const link of document.querySelectorAll(".error-summary a[href^='#']")) {
  link.addEventListener("click", (event) => {
    const field = document.getElementById(link.hash.slice(1));
    if (field) {
      event.preventDefault();
      (field.closest(".field") || field).scrollIntoView();
      field.focus();
    }
  });
}

// A menu closes by Escape and by a press elsewhere.
for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

// "Use my position".
for (const box of document.querySelectorAll("[data-position]")) {
  const button = box.querySelector("[data-locate]");
  const result = box.querySelector("[data-locate-result]");
  if (!button || !navigator.geolocation) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    result.textContent = result.dataset.asking;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        box.querySelector("[name=latitude]").value = coords.latitude.toFixed(6);
        box.querySelector("[name=longitude]").value = coords.longitude.toFixed(6);
        result.textContent = `${result.dataset.done} ${Math.round(coords.accuracy)} m`;
      },
      () => {
        result.textContent = result.dataset.failed;
      },
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 0 },
    );
  });
}

// Wards are suggested while typing: a combobox after the ARIA authoring practices.
for (const input of document.querySelectorAll("input[data-wards]")) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `${input.id}-list`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0] ? input.labels[0].textContent : "");
  list.hidden = true;
  input.after(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);
  let options = [];
  let chosen = -1;
  let asked = 0;
  let timer = 0;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (index) => {
    input.value = options[index].name;
    close();
  };
  const mark = (index) => {
    chosen = (index + options.length) % options.length;
    [...list.children].forEach((item, number) => {
      item.setAttribute("aria-selected", String(number === chosen));
      if (number === chosen) item.scrollIntoView({ block: "nearest" });
    });
    input.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
  };
  const show = (found) => {
    options = found;
    list.textContent = "";
    list.append(
      ...found.map((ward, index) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${index}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        item.textContent = ward.name;
        if (ward.was) {
          const was = document.createElement("span");
          was.className = "hint";
          was.textContent = ward.was;
          item.append(was);
        }
        item.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(index);
        });
        return item;
      }),
    );
    list.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    chosen = -1;
  };
  const ask = async () => {
    const number = ++asked;
    if (input.value.trim().length < 2) return close();
    try {
      const answer = await fetch(`${input.dataset.wards}?q=${encodeURIComponent(input.value)}`, {
        headers: { Accept: "application/json" },
      });
      const found = (await answer.json()).wards;
      if (number === asked) show(found);
    } catch (error) {
      close(); // no network: the server asks back when the form is sent
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 200);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") mark(chosen + 1);
    else if (event.key === "ArrowUp") mark(chosen < 0 ? options.length - 1 : chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
}

// A picture is shown before it is sent.
for (const box of document.querySelectorAll("[data-photo]")) {
  const input = box.querySelector("input[type=file]");
  if (!input) continue;
  input.addEventListener("change", () => {
    for (const old of box.querySelectorAll("[data-preview]")) {
      URL.revokeObjectURL(old.src);
      old.remove();
    }
    for (const file of input.files) {
      if (!file.type.startsWith("image/")) continue;
      const image = document.createElement("img");
      image.className = "picture";
      image.alt = file.name;
      image.dataset.preview = "yes";
      image.src = URL.createObjectURL(file);
      input.after(image);
    }
  });
}
