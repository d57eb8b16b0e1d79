// The page: which kind and which resource is shown, and keeping both up to date.

import { call, CallFailed, list, server } from "./aws.js";
import { card, confirmed, h, isBusy, state, tell, tick } from "./elements.js";
import { address, KINDS, row } from "./kinds.js";

const SOON = 1000; // milliseconds between two looks while something runs
const LATER = 3000; // and while nothing does
const PAGE = 50; // resources listed at a time

const at = (id) => document.getElementById(id);
let route = {};
let wanted = PAGE;
let listed = "";
let detail = null;
let turn = 0; // a look that began before the latest change of what is shown is dropped
let timer;

class Detail {
  constructor(kind, name) {
    Object.assign(this, { kind, name, shown: "", parts: KINDS[kind].parts(name) });
    const { label } = KINDS[kind].action;
    this.state = h("span");
    this.button = h("button", { type: "button", className: "danger", onclick: () => this.act() }, label);
    this.above = h("div", { className: "flat" });
    this.below = h("div", { className: "flat" });
    at("detail").replaceChildren(
      h("div", { className: "card top" },
        h("a", { className: "back", href: address(kind) }, `← ${KINDS[kind].title}`),
        h("h2", { id: "detail-title", tabIndex: -1 }, name), this.state, this.button),
      this.above, ...this.parts.map((part) => part.card), this.below);
  }

  async update(mine) {
    const { stem, describe, action } = KINDS[this.kind];
    const resource = await call("sagemaker", `Describe${stem}`, { [`${stem}Name`]: this.name });
    if (mine !== turn) return;
    const shown = JSON.stringify(resource);
    if (shown !== this.shown) {
      this.shown = shown;
      const status = resource[`${stem}Status`];
      if (status && status !== this.status) {
        this.state.replaceChildren(state(status));
        if (this.status) tell(`${this.name}: ${status}`);
      }
      this.status = status;
      this.button.hidden = !action.possible(resource);
      const { above = [], below } = describe(resource);
      this.above.replaceChildren(...above.filter(Boolean));
      this.below.replaceChildren(...below.filter(Boolean));
    }
    for (const part of this.parts) await part.update(resource);
  }

  async act() {
    const { stem, action } = KINDS[this.kind];
    if (!await confirmed(action.question(this.name), action.label)) return;
    try {
      await call("sagemaker", action.operation, { [`${stem}Name`]: this.name });
      tell(action.done(this.name));
      if (action.label === "Delete") location.hash = address(this.kind);
    } catch (error) {
      problem(error.message);
    }
    look();
  }
}

function readAddress() {
  const [, kind, name] = /^#\/(\w+)(?:\/(.+))?$/.exec(location.hash) ?? [];
  return { kind: kind in KINDS ? kind : "jobs", name: name && decodeURIComponent(name) };
}

function open() {
  const before = route;
  route = readAddress();
  if (before.kind !== route.kind) {
    [wanted, listed] = [PAGE, ""];
    at("filter").value = "";
    at("rows").replaceChildren();
    at("list-title").textContent = KINDS[route.kind].title;
    for (const a of at("kinds").children) {
      if (a.dataset.kind === route.kind) a.setAttribute("aria-current", "page");
      else a.removeAttribute("aria-current");
    }
  }
  document.body.classList.toggle("one", Boolean(route.name));
  document.title = `${route.name ?? KINDS[route.kind].title} – Local SageMaker`;
  detail = route.name ? new Detail(route.kind, route.name) : null;
  if (!detail) at("detail").replaceChildren(welcome());
  if (before.kind && route.name) at("detail-title").focus({ preventScroll: false });
  listed = "";
  look();
}

/** What stands beside a list as long as nothing is chosen from it. */
function welcome() {
  return card("", h("h2", { id: "detail-title", tabIndex: -1 }, "Choose one from the list"),
    h("p", {}, "Its state, its log and all that belongs to it are shown here while they change."),
    h("p", { className: "quiet" }, "Other programs find this server through their environment:"),
    h("pre", { className: "log short", tabIndex: 0, "aria-label": "Environment" }, [
      `export AWS_ENDPOINT_URL=${location.origin}`, "export AWS_DEFAULT_REGION=us-east-1",
      "export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local", "aws sagemaker list-training-jobs",
    ].join("\n")));
}

async function updateList(mine) {
  const { stem, list: operation, members, none } = KINDS[route.kind];
  const part = at("filter").value.trim();
  const filter = part ? { NameContains: part } : {};
  const order = { SortBy: "CreationTime", SortOrder: "Descending" };
  // no name holds other characters, and SageMaker refuses to look for them
  const { found, more } = /[^a-zA-Z0-9-]/.test(part)
    ? { found: [], more: false }
    : await list(operation, members, { ...order, ...filter }, wanted);
  if (mine !== turn) return false;
  const now = JSON.stringify([found, more]);
  if (now !== listed) {
    listed = now;
    const focused = document.activeElement?.closest("#rows a")?.getAttribute("href");
    at("rows").replaceChildren(...found.map((each) => row(route.kind, each, each[`${stem}Name`] === route.name)));
    if (focused) at("rows").querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    at("more").hidden = !more;
    at("empty").hidden = found.length > 0;
    at("empty").textContent = part ? `None whose name contains “${part}”.` : none;
  }
  return found.some((each) => isBusy(each[`${stem}Status`]));
}

/** Look at everything shown, now and again and again. */
async function look() {
  clearTimeout(timer);
  const mine = ++turn;
  let busy = false;
  try {
    busy = await updateList(mine);
    if (detail && mine === turn) await detail.update(mine);
    if (mine === turn) problem("");
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof CallFailed) problem(error.message);
    else {
      problem("The server does not answer. It ends with the last notebook that uses it; `byom local up` starts it again.");
      busy = true;
    }
  }
  tick();
  if (mine === turn && !document.hidden) timer = setTimeout(look, busy ? SOON : LATER);
}

function problem(text) {
  if (at("problem").textContent !== text) at("problem").textContent = text;
  at("problem").hidden = !text;
}

at("kinds").append(...Object.entries(KINDS).map(([kind, { title }]) =>
  h("a", { href: address(kind), "data-kind": kind }, title)));
at("filter").addEventListener("input", look);
at("more").addEventListener("click", () => {
  wanted += PAGE;
  look();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("detail").focus();
});
addEventListener("hashchange", open);
document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : look());
server().then(({ root, url, lasting }) => {
  at("server").textContent = `${url} · state in ${root}${lasting ? "" : " · ends with the last notebook"}`;
}).catch(() => {});
open();
