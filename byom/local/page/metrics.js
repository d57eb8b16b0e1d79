// A job's metrics: the values that its definitions find in the log as it grows, and SageMaker's own last ones.

import { card, h, table } from "./elements.js";

const LONGEST = 4096; // characters of a line that are searched; an expression may be slow
const POINTS = 300; // drawn at most
const SVG = "http://www.w3.org/2000/svg";

export class Metrics {
  constructor() {
    this.card = h("div", { hidden: true });
    this.definitions = null;
    this.waiting = [];
    this.changed = false;
  }

  /** A new line of the log. */
  hear(line) {
    if (this.definitions === null) {
      this.waiting.push(line);
      return;
    }
    for (const definition of this.definitions) {
      for (const hit of line.slice(0, LONGEST).matchAll(definition.expression)) {
        const value = Number.parseFloat(hit[1]);
        if (Number.isFinite(value)) {
          definition.values.push(value);
          this.changed = true;
        }
      }
    }
  }

  /** The job's description, of which the definitions are read once. */
  update(job) {
    if (this.definitions === null) {
      this.definitions = (job.AlgorithmSpecification.MetricDefinitions ?? []).flatMap(({ Name, Regex }) => {
        try {
          // Python's named groups are written otherwise here
          return [{ name: Name, expression: new RegExp(Regex.replaceAll("(?P<", "(?<"), "g"), values: [] }];
        } catch {
          return []; // Python's dialect has more than the browser's
        }
      });
      for (const line of this.waiting.splice(0)) this.hear(line);
    }
    const final = job.FinalMetricDataList ?? [];
    const told = JSON.stringify(final);
    if (!this.changed && told === this.told) return;
    this.changed = false;
    this.told = told;
    const drawn = this.definitions.filter((definition) => definition.values.length > 1);
    this.card.hidden = !final.length && !drawn.length;
    this.card.replaceChildren(card("Metrics",
      final.length ? table(["Metric", "Last value"], final.map((metric) => [metric.MetricName, metric.Value])) : null,
      drawn.length ? h("div", { className: "charts" }, drawn.map(chart)) : null));
  }
}

function chart({ name, values }) {
  const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const step = Math.max(1, Math.ceil(values.length / POINTS));
  const kept = values.filter((_, i) => i % step === 0 || i === values.length - 1);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", kept.map((value, i) =>
    `${(100 * i) / (kept.length - 1)},${96 - (92 * (value - least)) / (most - least || 1)}`).join(" "));
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const last = values[values.length - 1];
  svg.setAttribute("aria-label",
    `${name}, ${values.length} values, from ${values[0]} to ${last}; least ${least}, most ${most}`);
  svg.append(line);
  return h("figure", {}, h("figcaption", {}, h("span", {}, name), h("span", { className: "quiet" },
    `${values.length} values, ${least} to ${most}`)), svg);
}
