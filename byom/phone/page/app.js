// The page: what is on the stage, what is asked of the server, and what came of it.

import { Camera } from "./camera.js";
import { forget, onChange, past, remember } from "./history.js";
import { fromFile, fromVideo } from "./picture.js";
import { Problem } from "./problem.js";
import { classify, isThere } from "./server.js";

const LOOK = 2000; // milliseconds between two looks for a server that is away
const START = "The answer appears here.";
const PERCENT = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

const at = (id) => document.getElementById(id);
const camera = new Camera(at("viewfinder"), (problem) => attempt(() => { throw problem; }));
let turn = new AbortController(); // of the newest picture; nothing of an older one may come onto the page
let asked = null; // the picture that the server was asked about last, as a file
let isWaiting = false; // whether that one is to be sent when the server is back
let isWatching = false;

/** Begin something new, which ends whatever was under way, and do it; a Problem becomes a sentence on the page. */
async function attempt(work) {
  turn.abort();
  turn = new AbortController();
  const { signal } = turn;
  isWaiting = false;
  mark(null);
  tell({ busy: true });
  try {
    await work(signal);
    if (!signal.aborted) at("result").ariaBusy = at("stage").ariaBusy = "false";
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) console.error(error);
    camera.stop();
    stage(at("seen").hidden ? "invitation" : "seen");
    if (error.then === "wait") {
      isWaiting = true;
      tell({ verdict: error.message });
      watch(true);
    } else {
      const problem = error instanceof Problem ? error.message : `This page has failed: ${error.message}`;
      tell({ problem, again: error.then === "again" });
    }
  }
}

const startCamera = () => attempt(async (signal) => {
  tell({ verdict: "Starting the camera…", busy: true });
  at("stop").hidden = false;
  await camera.start(signal);
  stage("viewfinder");
  tell({ verdict: "Take the picture when it fills the square." });
});

const stopCamera = () => attempt(() => {
  camera.stop();
  stage("invitation");
  tell({ verdict: START });
});

const shoot = () => attempt(async (signal) => {
  const png = await fromVideo(at("viewfinder"));
  camera.stop();
  await ask(png, signal);
});

const take = (file) => attempt(async (signal) => {
  camera.stop();
  if (!file) throw new Problem("That is no file. Save the picture first, and then choose the file.");
  const png = await fromFile(file);
  await ask(png, signal);
});

const askAgain = () => attempt((signal) => ask(asked, signal));

const showAgain = (entry) => attempt(() => {
  camera.stop();
  show(entry.picture);
  report(entry.predictions);
  mark(entry);
});

async function ask(png, signal) {
  const picture = await dataUrl(png);
  signal.throwIfAborted();
  show(picture);
  asked = png;
  const predictions = await classify(png, signal);
  report(predictions);
  remember(picture, predictions);
  list();
  mark(past()[0]);
}

/** Show on the stage one of: the invitation, the camera's viewfinder, the picture as the model sees it. */
function stage(shown) {
  for (const id of ["invitation", "viewfinder", "seen"]) at(id).hidden = id !== shown;
  at("caption").hidden = shown !== "seen";
  at("shutter").classList.toggle("ready", shown === "viewfinder");
  at("shutter-name").textContent = shown === "viewfinder" ? "Take the picture" : "Start the camera";
  if (shown !== "viewfinder") hide("stop");
}

function show(picture) {
  at("seen").src = picture;
  at("seen").alt = "The picture as the model sees it";
  stage("seen");
}

/** Say how things are. While something is under way, the old result stays, faintly: the page keeps still. */
function tell({ verdict = "", problem = "", again = false, busy = false }) {
  if (busy && !verdict) verdict = "Looking…";
  at("verdict").replaceChildren(verdict);
  at("verdict").className = "plain";
  at("problem").textContent = problem;
  if (again) at("again").hidden = false;
  else hide("again");
  if (!busy) at("bars").hidden = true;
  at("result").ariaBusy = at("stage").ariaBusy = String(busy);
}

function report(predictions) {
  const [first] = predictions;
  tell({});
  at("verdict").className = "";
  at("verdict").replaceChildren(span("label", first.label), " ", span("number", PERCENT.format(first.probability)));
  at("bars").replaceChildren(...predictions.map(({ label, probability }) => {
    const bar = span("bar");
    bar.ariaHidden = "true";
    bar.style.setProperty("--share", probability);
    const row = document.createElement("li");
    row.append(span("label", label), " ", bar, span("number", PERCENT.format(probability)));
    return row;
  }));
  at("bars").hidden = false;
}

/** List the last pictures. */
function list() {
  at("pictures").replaceChildren(...past().map((entry) => {
    const button = Object.assign(document.createElement("button"), { type: "button", onclick: () => showAgain(entry) });
    const [{ label, probability }] = entry.predictions;
    const time = new Date(entry.time).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
    const image = Object.assign(new Image(32, 32), { src: entry.picture, alt: "" });
    const details = span("unseen", `${PERCENT.format(probability)}, ${time}`);
    button.append(image, span("label", label), " ", details);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  at("past").hidden = past().length === 0;
}

/** Mark one of the last pictures as the one that is shown. */
function mark(entry) {
  const place = past().indexOf(entry);
  [...at("pictures").children].forEach((item, index) => {
    item.firstChild.ariaCurrent = index === place ? "true" : null;
  });
}

/** Look for the server until it answers, and then send the picture that waits. */
async function watch(isAway = false) {
  if (isWatching) return;
  isWatching = true;
  while (isAway || !(await isThere())) {
    const why = navigator.onLine ? "The server does not answer." : "This device is offline: the server can't be reached.";
    const notice = `${why} This page keeps trying.`;
    if (at("away").textContent !== notice) at("away").textContent = notice;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    isAway = false;
  }
  at("away").textContent = "";
  isWatching = false;
  if (isWaiting) askAgain();
}

/** Hide a button; the keyboard goes on from the shutter if it was there. */
function hide(id) {
  if (document.activeElement === at(id)) at("shutter").focus();
  at(id).hidden = true;
}

function span(className, text = "") {
  return Object.assign(document.createElement("span"), { className, textContent: text });
}

function dataUrl(file) {
  const reader = new FileReader();
  reader.readAsDataURL(file);
  return new Promise((resolve) => { reader.onload = () => resolve(reader.result); });
}

at("shutter").addEventListener("click", () => (camera.stream ? shoot() : startCamera()));
at("stop").addEventListener("click", stopCamera);
at("again").addEventListener("click", askAgain);
at("forget").addEventListener("click", () => {
  forget();
  at("shutter").focus();
  list();
});
at("file").addEventListener("change", () => {
  const [file] = at("file").files;
  at("file").value = ""; // so that the same file can be chosen again
  if (file) take(file);
});
addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) take(file);
});
const over = (is) => (event) => {
  event.preventDefault(); // or the browser would leave the page and open the file
  document.body.classList.toggle("over", is);
};
addEventListener("dragover", over(true));
addEventListener("dragleave", over(false));
addEventListener("drop", (event) => {
  over(false)(event);
  take(event.dataTransfer.files[0]);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden && camera.stream) stopCamera();
});
// only a hint: without any network a server on this very computer still answers
addEventListener("offline", () => watch());
onChange(list);

if ("serviceWorker" in navigator) {
  const { serviceWorker } = navigator;
  const isFirst = !serviceWorker.controller;
  serviceWorker.addEventListener("controllerchange", () => {
    if (isFirst) return;
    const reload = Object.assign(document.createElement("button"), { type: "button", textContent: "Load it" });
    reload.addEventListener("click", () => location.reload());
    at("newer").replaceChildren("There is a newer version of this page. ", reload);
  });
  // refused where the certificate is self-signed: then the page works, but only while the server is there
  serviceWorker.register("worker.js").catch(() => {});
}

stage("invitation");
tell({ verdict: START });
list();
watch();
