// The last pictures and what came of them: kept in this browser only. Where the browser keeps nothing, they last as
// long as the page.

import { arePredictions } from "./server.js";

const KEY = "byom.phone.history";
const MOST = 12; // pictures

let kept = stored();

/** The last pictures, newest first: {picture: its PNG as a data URL, predictions, time: milliseconds since 1970}. */
export function past() {
  return kept;
}

export function remember(picture, predictions) {
  keep([{ picture, predictions, time: Date.now() }, ...kept].slice(0, MOST));
}

export function forget() {
  keep([]);
}

/** Call back when another window of this page has changed them. */
export function onChange(then) {
  addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    kept = stored();
    then();
  });
}

function keep(entries) {
  kept = entries;
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch { /* not allowed, or full */ }
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)).filter((one) => arePredictions(one.predictions) &&
      String(one.picture).startsWith("data:image/png;base64,") && Number.isFinite(one.time));
  } catch { // nothing, or nothing of ours
    return [];
  }
}
