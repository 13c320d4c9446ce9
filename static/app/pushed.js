// What the service worker does with messages (Push API); worker.js imports it. A message holds a title, the path of a page and a tag; no more is shown on a
// locked screen, and who may read the page, the page decides.

const HOME = "/account/notifications/";

function told(data) {
  try {
    const { title, address, tag, lang } = data.json();
    const path = typeof address === "string" && address.startsWith("/") && !address.startsWith("//") ? address : HOME;
    return { title: String(title), path, tag: String(tag ?? ""), lang: String(lang ?? "vi") };
  } catch {
    return { title: "Trace", path: HOME, tag: "", lang: "vi" }; // a browser wants something shown
  }
}

addEventListener("push", (event) => {
  const { title, path, tag, lang } = told(event.data);
  const icon = "/static/app/icon-192.png";
  event.waitUntil(registration.showNotification(title, { tag, lang, icon, badge: icon, data: { path } }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data?.path ?? HOME, location.origin).href;
  event.waitUntil(
    (async () => {
      const open = await clients.matchAll({ type: "window", includeUncontrolled: true });
      const same = open.find((one) => one.url === address);
      return same ? same.focus() : clients.openWindow(address);
    })(),
  );
});
