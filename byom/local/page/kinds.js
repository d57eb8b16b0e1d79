// What the page shows of each kind of resource: its list, its description, and what can be done with it.

import { ago, card, duration, facts, h, s3, state, table } from "./elements.js";
import { Log } from "./log.js";
import { Metrics } from "./metrics.js";
import { TryIt } from "./tryit.js";

const running = (job) => ["InProgress", "Stopping"].includes(job.TrainingJobStatus);

export const KINDS = {
  jobs: {
    title: "Training jobs", stem: "TrainingJob", list: "ListTrainingJobs", members: "TrainingJobSummaries",
    none: "No training job yet. estimator.fit() makes one.",
    action: {
      label: "Stop", possible: (job) => job.TrainingJobStatus === "InProgress", operation: "StopTrainingJob",
      question: (name) => `Stop the training job ${name}? It gets SIGTERM now, and is ended after 120 s.`,
      done: (name) => `${name} is stopping.`,
    },
    parts(name) {
      const metrics = new Metrics();
      return [metrics, new Log("/aws/sagemaker/TrainingJobs", `${name}/`, (line) => metrics.hear(line))];
    },
    describe: describeJob,
  },
  endpoints: {
    title: "Endpoints", stem: "Endpoint", list: "ListEndpoints", members: "Endpoints",
    none: "No endpoint yet. model.deploy() makes one.",
    action: {
      label: "Delete", possible: () => true, operation: "DeleteEndpoint",
      question: (name) => `Delete the endpoint ${name}? Its processes end; its model and configuration stay.`,
      done: (name) => `${name} is deleted.`,
    },
    parts: (name) => [new TryIt(name), new Log(`/aws/sagemaker/Endpoints/${name}`, "")],
    describe: describeEndpoint,
  },
  models: {
    title: "Models", stem: "Model", list: "ListModels", members: "Models",
    none: "No model yet. model.create() and model.deploy() make one.",
    action: {
      label: "Delete", possible: () => true, operation: "DeleteModel",
      question: (name) => `Delete the model ${name}? Its archive in S3 stays, and so do endpoints that serve it.`,
      done: (name) => `${name} is deleted.`,
    },
    parts: () => [],
    describe: describeModel,
  },
  configurations: {
    title: "Configurations", stem: "EndpointConfig", list: "ListEndpointConfigs", members: "EndpointConfigs",
    none: "No endpoint configuration yet. model.deploy() makes one.",
    action: {
      label: "Delete", possible: () => true, operation: "DeleteEndpointConfig",
      question: (name) => `Delete the endpoint configuration ${name}? Endpoints that were made from it stay.`,
      done: (name) => `${name} is deleted.`,
    },
    parts: () => [],
    describe: describeConfiguration,
  },
};

function describeJob(job) {
  const { ResourceConfig: resources, AlgorithmSpecification: algorithm } = job;
  const steps = job.SecondaryStatusTransitions ?? [];
  const model = job.TrainingJobStatus === "Completed" ? s3(job.ModelArtifacts?.S3ModelArtifacts) : undefined;
  const above = [
    why(job.FailureReason),
    card("Steps", h("ol", { className: "steps" }, steps.map((step) => h("li", {}, `${step.Status} `,
      h("span", { className: "quiet" }, step.EndTime ? duration(step.EndTime - step.StartTime) : "now"))))),
  ];
  const below = [
    card("Job", facts([
      ["Created", ago(job.CreationTime)],
      ["Started", job.TrainingStartTime && ago(job.TrainingStartTime)],
      ["Ended", job.TrainingEndTime && ago(job.TrainingEndTime)],
      ["Training time", job.TrainingTimeInSeconds && `${job.TrainingTimeInSeconds} s`],
      ["Model", model],
      ["Image", algorithm.TrainingImage],
      ["Instances", `${resources.InstanceCount ?? 1} × ${resources.InstanceType ?? "several types"}`],
      ["Output", job.OutputDataConfig?.S3OutputPath],
      ["Checkpoints", job.CheckpointConfig?.S3Uri],
      ["Limit", job.StoppingCondition?.MaxRuntimeInSeconds && `${job.StoppingCondition.MaxRuntimeInSeconds} s`],
      ["ARN", job.TrainingJobArn],
    ])),
    rows("Channels", ["Name", "Data"], (job.InputDataConfig ?? []).map((channel) => [
      channel.ChannelName, channel.DataSource?.S3DataSource?.S3Uri ?? ""])),
    rows("Hyperparameters", ["Name", "Value"], Object.entries(job.HyperParameters ?? {})),
  ];
  return { above, below };
}

function describeEndpoint(endpoint) {
  const below = [
    card("Endpoint", facts([
      ["Created", ago(endpoint.CreationTime)],
      ["Changed", ago(endpoint.LastModifiedTime)],
      ["Configuration", link("configurations", endpoint.EndpointConfigName)],
      ["Updating to", link("configurations", endpoint.PendingDeploymentSummary?.EndpointConfigName)],
      ["ARN", endpoint.EndpointArn],
    ])),
    rows("Variants", ["Name", "Weight", "Instances"], (endpoint.ProductionVariants ?? []).map((variant) => [
      variant.VariantName, variant.CurrentWeight ?? "", variant.CurrentInstanceCount ?? ""])),
  ];
  const what = endpoint.EndpointStatus === "Failed" ? "Why it failed" : "Why the last update failed";
  return { above: [why(endpoint.FailureReason, what)], below };
}

function describeModel(model) {
  const container = model.PrimaryContainer ?? model.Containers?.[0] ?? {};
  const below = [
    card("Model", facts([
      ["Created", ago(model.CreationTime)],
      ["Data", s3(container.ModelDataUrl)],
      ["Image", container.Image],
      ["ARN", model.ModelArn],
    ])),
    rows("Environment", ["Name", "Value"], Object.entries(container.Environment ?? {})),
  ];
  return { below };
}

function describeConfiguration(config) {
  const below = [
    card("Endpoint configuration", facts([["Created", ago(config.CreationTime)], ["ARN", config.EndpointConfigArn]])),
    ...config.ProductionVariants.map((variant) => card(`Variant ${variant.VariantName}`, facts([
      ["Model", link("models", variant.ModelName)],
      ["Instances", `${variant.InitialInstanceCount ?? 1} × ${variant.InstanceType ?? ""}`],
      ["Weight", variant.InitialVariantWeight ?? 1],
    ]))),
  ];
  return { below };
}

/** A row of a list. */
export function row(kind, resource, isOpen) {
  const { stem } = KINDS[kind];
  const name = resource[`${stem}Name`];
  const status = resource[`${stem}Status`];
  const time = kind === "jobs" && !running(resource) && resource.TrainingEndTime
    ? h("span", {}, `took ${duration(resource.TrainingEndTime - resource.CreationTime)}`) : null;
  return h("li", {}, h("a", { href: address(kind, name), "aria-current": isOpen ? "true" : undefined },
    h("span", { className: "name" }, name),
    h("span", { className: "beside" }, status ? state(status) : null, time, ago(resource.CreationTime))));
}

export function address(kind, name) {
  return `#/${kind}${name ? `/${encodeURIComponent(name)}` : ""}`;
}

function link(kind, name) {
  return name && h("a", { href: address(kind, name) }, name);
}

function why(reason, title = "Why it failed") {
  return reason ? h("div", { className: "card reason" }, h("h3", {}, title), h("pre", {}, reason)) : null;
}

function rows(title, heads, cells) {
  return cells.length ? card(title, table(heads, cells)) : null;
}
