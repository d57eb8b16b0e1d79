// The server: what is asked of it, and how its answer is read. Addresses are relative, so that the page also works
// below a stage of API Gateway, as in /prod/.

import { Problem } from "./problem.js";

const PATIENCE = 35; // seconds; API Gateway itself gives up after 29, and says so
const LONGEST = 300; // characters of the server's message that are shown

/** Ask for the probabilities of a PNG: an array of {label, probability}, most likely first. */
export async function classify(png, signal) {
  const limit = AbortSignal.timeout(1000 * PATIENCE);
  let answer, text;
  try {
    answer = await fetch("classify", {
      method: "POST",
      headers: { "Content-Type": "image/png" },
      body: png,
      signal: AbortSignal.any([signal, limit]),
    });
    text = await answer.text();
  } catch {
    signal.throwIfAborted();
    if (limit.aborted) throw new Problem(`The server has not answered for ${PATIENCE} seconds.`, "again");
    throw new Problem("This picture is classified as soon as the server answers.", "wait");
  }
  const said = parsed(text);
  if (!answer.ok) {
    const { message } = said ?? {};
    const told = typeof message === "string" && message ? message.slice(0, LONGEST) : "It did not say why.";
    throw new Problem(`The server answered with an error (${answer.status}). ${told}`, "again");
  }
  if (!arePredictions(said?.predictions)) {
    throw new Problem("The server's answer is not a list of labels with their probabilities.", "again");
  }
  return said.predictions;
}

/** Whether the server answers at all. A HEAD request: the service worker answers none of these. */
export async function isThere() {
  try {
    await fetch("manifest.webmanifest", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) });
    return true;
  } catch {
    return false;
  }
}

/** Whether something that came from elsewhere is what the page can show. */
export function arePredictions(value) {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one?.label === "string" &&
    typeof one.probability === "number" && one.probability >= 0 && one.probability <= 1);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
