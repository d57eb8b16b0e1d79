// Elements of the page. Text from scripts, names and logs only ever becomes text, never markup.

/** An element; properties that the element has are set, others become attributes; children are elements or text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const LOOKS = {
  Completed: "good", InService: "good",
  Failed: "bad", OutOfService: "bad", UpdateRollbackFailed: "bad",
  Stopped: "ended",
};

/** A status: a word, with a sign and a colour beside it. */
export function state(status) {
  return h("span", { className: `state ${LOOKS[status] ?? "busy"}` }, status);
}

/** Whether a status will change by itself. */
export function isBusy(status) {
  return status !== undefined && !(status in LOOKS);
}

/** A moment in seconds since 1970, shown as the time since then. `ticking` keeps it up to date. */
export function ago(seconds) {
  const date = new Date(seconds * 1000);
  return h("time", { dateTime: date.toISOString(), title: date.toLocaleString() }, sayAgo(seconds));
}

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Bring every shown time up to date. */
export function tick() {
  for (const time of document.querySelectorAll("time")) {
    const text = sayAgo(Date.parse(time.dateTime) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

function sayAgo(seconds) {
  const since = Date.now() / 1000 - seconds;
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (since >= length) {
      const count = Math.floor(since / length);
      return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
    }
  }
  return since < 10 ? "just now" : `${Math.floor(since / 10) * 10} seconds ago`;
}

/** A list of terms; a pair without a value is left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return h("dl", {}, shown.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}

export function table(heads, rows) {
  return h("table", {},
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {
      className: typeof cell === "number" ? "number" : "",
    }, String(cell)))))));
}

export function card(title, ...children) {
  return h("div", { className: "card" }, title ? h("h3", {}, title) : null, ...children);
}

/** Where something is in S3, as a link that downloads it. */
export function s3(uri) {
  if (!uri?.startsWith("s3://") || uri.endsWith("/")) return uri;
  const path = uri.slice(5).split("/").map(encodeURIComponent).join("/");
  const signed = "X-Amz-Credential=local%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=local";
  return h("a", { href: `/${path}?${signed}`, download: "" }, uri);
}

/** Ask before what can't be undone. */
export function confirmed(question, yes) {
  const dialog = document.getElementById("question");
  document.getElementById("question-text").textContent = question;
  const button = document.getElementById("yes");
  button.textContent = yes;
  return new Promise((resolve) => {
    button.onclick = () => dialog.close("yes");
    document.getElementById("no").onclick = () => dialog.close("");
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.returnValue = "";
    dialog.showModal();
    document.getElementById("no").focus();
  });
}

/** Tell what happened, for a screen reader too. */
export function tell(text) {
  document.getElementById("news").textContent = text;
}
