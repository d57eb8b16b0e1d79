// A request to an endpoint, and its answer.

import { card, duration, h, size } from "./elements.js";

const TYPES = ["application/json", "text/csv", "application/x-npy", "application/octet-stream"];
const SHOWN = 20000; // characters

export class TryIt {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.type = h("input", { value: TYPES[0], autocomplete: "off", spellcheck: false });
    this.type.setAttribute("list", "types");
    this.accept = h("input", { value: TYPES[0], autocomplete: "off", spellcheck: false });
    this.accept.setAttribute("list", "types");
    this.variant = h("select", {}, h("option", { value: "" }, "by weight"));
    this.variants = h("label", { hidden: true, className: "wide" }, "Variant", this.variant);
    this.body = h("textarea", { placeholder: "[[0.5, -0.2]]", spellcheck: false });
    this.body.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.send();
    });
    this.file = h("input", { type: "file" });
    this.button = h("button", { type: "button", className: "main", onclick: () => this.send() }, "Send");
    this.answer = h("div", { className: "answer wide", role: "status" });
    this.card = card("Try it", h("datalist", { id: "types" }, TYPES.map((value) => h("option", { value }))),
      h("div", { className: "try" },
        h("label", {}, "Content type", this.type), h("label", {}, "Accept", this.accept), this.variants,
        h("label", { className: "wide" }, "Body", this.body),
        h("label", { className: "wide" }, "or a file", this.file),
        h("div", { className: "buttons wide" }, this.button, h("span", { className: "quiet" }, "Ctrl+Enter")),
        this.answer));
  }

  update(endpoint) {
    this.button.disabled = this.busy || !["InService", "Updating"].includes(endpoint.EndpointStatus);
    const names = (endpoint.ProductionVariants ?? []).map((variant) => variant.VariantName);
    if (names.join() === this.names) return;
    this.names = names.join();
    this.variants.hidden = names.length < 2;
    this.variant.replaceChildren(h("option", { value: "" }, "by weight"),
      ...names.map((value) => h("option", { value }, value)));
  }

  async send() {
    if (this.button.disabled) return;
    this.busy = this.button.disabled = true;
    this.answer.replaceChildren("Waiting for the answer…");
    const headers = { "Content-Type": this.type.value, Accept: this.accept.value || "*/*" };
    if (this.variant.value) headers["X-Amzn-SageMaker-Target-Variant"] = this.variant.value;
    try {
      const body = this.file.files[0] ? await this.file.files[0].arrayBuffer() : this.body.value;
      const started = performance.now();
      const answer = await fetch(`/endpoints/${encodeURIComponent(this.endpoint)}/invocations`,
        { method: "POST", headers, body });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      this.show(answer, bytes, (performance.now() - started) / 1000);
    } catch (error) {
      this.answer.replaceChildren(`The request was not sent: ${error.message}`);
    } finally {
      this.busy = this.button.disabled = false;
    }
  }

  show(answer, bytes, seconds) {
    const type = answer.headers.get("Content-Type") ?? "no content type";
    const variant = answer.headers.get("x-Amzn-Invoked-Production-Variant");
    const time = seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : duration(seconds);
    const what = answer.ok ? read(bytes) : explain(bytes);
    const parts = [time, type, size(bytes.length), variant ? `variant ${variant}` : ""].filter(Boolean).join(" · ");
    this.answer.replaceChildren(
      h("span", { className: `state ${answer.ok ? "good" : "bad"}` }, `${answer.status}`), ` ${parts}`,
      h("pre", { tabIndex: 0, "aria-label": "Answer" }, what.slice(0, SHOWN)));
  }
}

function read(bytes) {
  if (bytes[0] === 0x93 && new TextDecoder().decode(bytes.slice(1, 6)) === "NUMPY") return npy(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return [...bytes.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }
}

/** The text of an error; what the model itself said is the part that helps. */
function explain(bytes) {
  const text = read(bytes);
  try {
    const error = JSON.parse(text);
    return `${error.__type}: ${error.OriginalMessage ?? error.message}`;
  } catch {
    return text;
  }
}

const ARRAYS = { "<f4": Float32Array, "<f8": Float64Array, "<i4": Int32Array, "<i8": BigInt64Array, "|u1": Uint8Array };

/** An array in NumPy's format, as its type, shape and first values. */
function npy(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [at, long] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder().decode(bytes.slice(at, at + long));
  const type = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = /'shape': (\([^)]*\))/.exec(header)?.[1];
  if (!(type in ARRAYS)) return header;
  const values = [...new ARRAYS[type](bytes.slice(at + long).buffer).slice(0, 100)];
  return `array ${type}, shape ${shape}\n${values.join("  ")}${values.length === 100 ? "  …" : ""}`;
}
