"use strict";
// Keeps the page itself for times without the laptop; nothing of a session is kept.
const KEPT = "antiphon-page-3";
const FILES = ["./", "app.js", "roll.js", "talk.js", "takes.js", "microphone.js", "style.css", "manifest.webmanifest", "icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.method !== "GET" || path.startsWith("/api/")) return;
  event.respondWith(fetch(event.request).then((answer) => {
    if (answer.ok) { const copy = answer.clone(); caches.open(KEPT).then((kept) => kept.put(event.request, copy)); }
    return answer;
  }).catch(() => caches.match(event.request, { ignoreSearch: true })));
});
