// The service worker: keeps the page itself, so that it opens without the server. It keeps no answers.

const VERSION = "5eafed6fd1d9"; // of the files below; a test says what it has to be when one of them has changed
const FILES = [
  "./", "style.css", "manifest.webmanifest", "icons/icon.svg", "icons/icon-192.png",
  "app.js", "camera.js", "history.js", "picture.js", "png.js", "problem.js", "server.js",
];
const OURS = "byom-phone-";
const NAME = OURS + VERSION;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

async function install() {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" }))); // all of them, or no new version
  await skipWaiting(); // a page loads all of its files when it opens, so it never mixes two versions
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(OURS) && name !== NAME) await caches.delete(name);
  }
  await clients.claim();
}

async function answer(request) {
  const cache = await caches.open(NAME);
  return await cache.match(request, { ignoreSearch: true, ignoreVary: true }) ?? fetch(request);
}
