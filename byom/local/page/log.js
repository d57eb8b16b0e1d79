// The log of a job or an endpoint: its streams, one or all of them, followed while it grows.

import { call, CallFailed } from "./aws.js";
import { card, h } from "./elements.js";

const KEPT = 10000; // lines; what is older can be read with `byom local logs`

export class Log {
  /** `heard` is told of each new line. */
  constructor(group, prefix, heard = () => {}) {
    this.group = group;
    this.prefix = prefix;
    this.heard = heard;
    this.streams = new Map(); // token of the next page, by name
    this.lines = [];
    this.choice = h("select", { "aria-label": "Log stream", hidden: true, onchange: () => this.showAll() },
      h("option", { value: "" }, "All streams"));
    this.follow = h("input", { type: "checkbox", checked: true });
    this.pre = h("pre", { className: "log", tabIndex: 0, role: "log", "aria-label": "Log", "aria-live": "off" });
    this.pre.append(h("span", { className: "quiet" }, "No lines yet."));
    this.card = card("", h("div", { className: "tools" },
      h("h3", {}, "Log"), this.choice, h("label", {}, this.follow, " follow"),
      h("button", { type: "button", onclick: () => this.save() }, "Save")), this.pre);
  }

  async update() {
    if (this.reading) return; // two at once would read the same lines
    this.reading = true;
    try {
      await this.readAll();
    } finally {
      this.reading = false;
    }
  }

  async readAll() {
    let found;
    try {
      found = (await call("logs", "DescribeLogStreams", {
        logGroupName: this.group, ...(this.prefix ? { logStreamNamePrefix: this.prefix } : {}),
      })).logStreams;
    } catch (error) {
      if (error instanceof CallFailed) return; // it has not written anything yet
      throw error;
    }
    const news = [];
    for (const { logStreamName: name } of found) {
      if (!this.streams.has(name)) {
        this.streams.set(name, undefined);
        this.choice.append(h("option", { value: name }, name.slice(this.prefix.length)));
        this.choice.hidden = this.streams.size < 2;
      }
      news.push(...await this.read(name));
    }
    if (!news.length) return;
    news.sort((a, b) => a.time - b.time);
    const before = this.lines.length;
    this.lines.push(...news);
    if (this.lines.length > KEPT) this.lines.splice(0, this.lines.length - KEPT);
    for (const line of news) this.heard(line.text);
    if (before && before + news.length <= KEPT) this.append(news);
    else this.showAll();
  }

  async read(name) {
    const lines = [];
    for (;;) {
      const token = this.streams.get(name);
      const answer = await call("logs", "GetLogEvents", {
        logGroupName: this.group, logStreamName: name, limit: KEPT, ...(token ? { nextToken: token } : {}),
      });
      lines.push(...answer.events.map((event) => ({ time: event.timestamp, text: event.message, stream: name })));
      this.streams.set(name, answer.nextForwardToken);
      if (!answer.events.length || !token) return lines;
    }
  }

  showAll() {
    this.pre.replaceChildren();
    this.append(this.lines);
  }

  append(lines) {
    const chosen = this.choice.value;
    const several = this.streams.size > 1 && !chosen;
    const text = lines
      .filter((line) => !chosen || line.stream === chosen)
      .map((line) => `${several ? `[${line.stream.slice(this.prefix.length)}] ` : ""}${line.text}\n`)
      .join("");
    this.pre.append(text);
    if (this.follow.checked) this.pre.scrollTop = this.pre.scrollHeight;
  }

  save() {
    const url = URL.createObjectURL(new Blob([this.pre.textContent], { type: "text/plain" }));
    h("a", { href: url, download: `${(this.prefix || this.group).replace(/\/$/, "").split("/").pop()}.log` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}
