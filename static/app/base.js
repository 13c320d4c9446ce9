// Which console this phone is in: the farm's, or the inspectors'. Each has a service worker of its own
// scope, so that pages for shoppers are touched by neither; both share the outbox. Runs in pages and in
// the service worker, whose own address tells as well.

export const base = location.pathname.startsWith("/inspection/") ? "/inspection/" : "/producer/";
