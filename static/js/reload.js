// A page about work in progress looks again by itself; without this file there is a link.
"use strict";
const waiting = document.querySelector("[data-reload]");
if (waiting) setTimeout(() => location.reload(), Number(waiting.dataset.reload) * 1000);
