"""Hosting: SageMaker's calls about models, endpoint configurations and endpoints."""

import threading
import time
from collections.abc import Callable
from typing import Any

from .endpoints import Endpoints
from .frameworks import framework_of
from .objects import Objects, split_uri
from .resources import ENDPOINT, ENDPOINT_CONFIG, MODEL, Request, Resources
from .store import Document
from .wire import AwsError, invalid


class Hosting:
    """Methods named like API calls answer them."""

    def __init__(self, resources: Resources, objects: Objects, endpoints: Endpoints) -> None:
        self._resources, self._objects, self._endpoints = resources, objects, endpoints
        self._updates = threading.Lock()

    def create_model(self, request: Request) -> dict[str, Any]:
        """Answer CreateModel: one container, whose data must be there."""
        containers = request.get("Containers", [])
        if len(containers) > 1:
            raise invalid("byom.local does not support several Containers in one model.")
        if "PrimaryContainer" not in request and not containers:
            raise invalid("A model needs a PrimaryContainer.")
        container = request.get("PrimaryContainer") or containers[0]
        for name in ("ModelPackageName", "MultiModelConfig", "ModelDataSource"):
            if name in container:
                raise invalid(f"byom.local does not support {name}.")
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise invalid(f"byom.local does not support Mode {container['Mode']}.")
        framework_of(container.get("Image", ""))
        if url := container.get("ModelDataUrl"):
            try:
                found = split_uri(url)[1] in self._objects.keys(*split_uri(url))
            except AwsError:
                found = False
            if not found:
                raise invalid(f"Could not find model data at {url}.")
        record = self._resources.create(MODEL, {**request, "PrimaryContainer": container})
        return {"ModelArn": record["ModelArn"]}

    def describe_model(self, request: Request) -> dict[str, Any]:
        """Answer DescribeModel."""
        return {"EnableNetworkIsolation": False} | self._resources.find(MODEL, request["ModelName"])

    def list_models(self, request: Request) -> dict[str, Any]:
        """Answer ListModels."""
        return self._resources.page(MODEL, request, "Models")

    def delete_model(self, request: Request) -> dict[str, Any]:
        """Answer DeleteModel. An endpoint that serves it goes on, as on AWS."""
        self._resources.delete(MODEL, request["ModelName"])
        return {}

    def create_endpoint_config(self, request: Request) -> dict[str, Any]:
        """Answer CreateEndpointConfig: variants in real time."""
        for name in ("AsyncInferenceConfig", "DataCaptureConfig", "ExplainerConfig", "ShadowProductionVariants"):
            if name in request:
                raise invalid(f"byom.local does not support {name}.")
        names = [variant["VariantName"] for variant in request["ProductionVariants"]]
        for variant in request["ProductionVariants"]:
            if "ServerlessConfig" in variant:
                raise invalid("byom.local does not support ServerlessConfig.")
            if "ModelName" not in variant:
                raise invalid("byom.local does not support inference components: a variant needs a ModelName.")
            if names.count(variant["VariantName"]) > 1:
                raise invalid(f"Two production variants have the name {variant['VariantName']}; names must differ.")
            self._resources.find(MODEL, variant["ModelName"])
        record = self._resources.create(ENDPOINT_CONFIG, request)
        return {"EndpointConfigArn": record["EndpointConfigArn"]}

    def describe_endpoint_config(self, request: Request) -> dict[str, Any]:
        """Answer DescribeEndpointConfig."""
        return self._resources.find(ENDPOINT_CONFIG, request["EndpointConfigName"])

    def list_endpoint_configs(self, request: Request) -> dict[str, Any]:
        """Answer ListEndpointConfigs."""
        return self._resources.page(ENDPOINT_CONFIG, request, "EndpointConfigs")

    def delete_endpoint_config(self, request: Request) -> dict[str, Any]:
        """Answer DeleteEndpointConfig. An endpoint that was made from it goes on, as on AWS."""
        self._resources.delete(ENDPOINT_CONFIG, request["EndpointConfigName"])
        return {}

    def create_endpoint(self, request: Request) -> dict[str, Any]:
        """Answer CreateEndpoint: the endpoint is `Creating` until its models answer."""
        if "DeploymentConfig" in request:
            raise invalid("byom.local does not support DeploymentConfig.")
        config = self._resources.find(ENDPOINT_CONFIG, request["EndpointConfigName"])
        record = self._resources.create(ENDPOINT, request, EndpointStatus="Creating", **self._planned(config))
        _in_background(self._endpoints.create, request["EndpointName"], record)
        return {"EndpointArn": record["EndpointArn"]}

    def update_endpoint(self, request: Request) -> dict[str, Any]:
        """Answer UpdateEndpoint: the endpoint is `Updating`, and serves as before, until the new models answer."""
        if "DeploymentConfig" in request:
            raise invalid("byom.local does not support DeploymentConfig: all requests go to the new variants at once.")
        config = self._resources.find(ENDPOINT_CONFIG, request["EndpointConfigName"])
        with self._updates:
            record = self._settled(request["EndpointName"])
            pending = {"EndpointConfigName": request["EndpointConfigName"], "StartTime": time.time()}
            pending |= self._planned(config)
            if request.get("RetainAllVariantProperties"):
                excluded = [each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties", [])]
                kept = [member for member in ("DesiredWeight", "DesiredInstanceCount") if member not in excluded]
                _retain(pending["ProductionVariants"], record["ProductionVariants"], kept)
            updating = {"EndpointStatus": "Updating", "PendingDeploymentSummary": pending}
            self._resources.update(ENDPOINT, request["EndpointName"], **updating)
        _in_background(self._endpoints.update, request["EndpointName"], record | updating)
        return {"EndpointArn": record["EndpointArn"]}

    def update_endpoint_weights_and_capacities(self, request: Request) -> dict[str, Any]:
        """Answer UpdateEndpointWeightsAndCapacities; it is done when this returns."""
        with self._updates:
            record = self._settled(request["EndpointName"])
            variants = {variant["VariantName"]: variant for variant in record["ProductionVariants"]}
            for desired in request["DesiredWeightsAndCapacities"]:
                name = desired["VariantName"]
                if name not in variants:
                    raise invalid(f'The endpoint "{record["EndpointArn"]}" has no variant named {name}.')
                if "ServerlessUpdateConfig" in desired:
                    raise invalid("byom.local does not support ServerlessUpdateConfig.")
                for member in ("Weight", "InstanceCount"):
                    if (value := desired.get(f"Desired{member}")) is not None:
                        variants[name][f"Desired{member}"] = variants[name][f"Current{member}"] = value
            self._resources.update(ENDPOINT, request["EndpointName"], ProductionVariants=list(variants.values()))
            weights = {name: variant["DesiredWeight"] for name, variant in variants.items()}
            self._endpoints.weigh(request["EndpointName"], weights)
        return {"EndpointArn": record["EndpointArn"]}

    def describe_endpoint(self, request: Request) -> dict[str, Any]:
        """Answer DescribeEndpoint."""
        return self._resources.find(ENDPOINT, request["EndpointName"])

    def list_endpoints(self, request: Request) -> dict[str, Any]:
        """Answer ListEndpoints."""
        return self._resources.page(ENDPOINT, request, "Endpoints")

    def delete_endpoint(self, request: Request) -> dict[str, Any]:
        """Answer DeleteEndpoint; its processes have ended when this returns."""
        self._resources.delete(ENDPOINT, request["EndpointName"])
        self._endpoints.end(request["EndpointName"])
        return {}

    def _settled(self, name: str) -> Document:
        """An endpoint that may be changed. Raises SageMaker's own error when it may not."""
        record = self._resources.find(ENDPOINT, name)
        if record["EndpointStatus"] in ("Creating", "Updating"):
            raise invalid(f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
        if record["EndpointStatus"] == "Failed":
            raise invalid(f'Cannot update failed endpoint "{record["EndpointArn"]}": it can only be deleted.')
        return record

    def _planned(self, config: Document) -> dict[str, Any]:
        """What an endpoint of this configuration serves; it goes on so when models and configuration are deleted."""
        plan, summaries = [], []
        for variant in config["ProductionVariants"]:
            model = self._resources.find(MODEL, variant["ModelName"])["PrimaryContainer"]
            plan.append({"variant": variant, "model": model})
            image = {"SpecifiedImage": model["Image"], "ResolvedImage": model["Image"], "ResolutionTime": time.time()}
            weight, count = variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 1)
            summaries.append(
                {
                    "VariantName": variant["VariantName"],
                    "DeployedImages": [image],
                    "CurrentWeight": weight,
                    "DesiredWeight": weight,
                    "CurrentInstanceCount": count,
                    "DesiredInstanceCount": count,
                }
            )
        return {"Plan": plan, "ProductionVariants": summaries}


def _retain(variants: list[Document], before: list[Document], members: list[str]) -> None:
    """Give variants the properties that those of the same names had before."""
    known = {variant["VariantName"]: variant for variant in before}
    for variant in variants:
        for member in members:
            if variant["VariantName"] in known:
                value = known[variant["VariantName"]][member]
                variant[member] = variant[member.replace("Desired", "Current")] = value


def _in_background(work: Callable[[str, Document], None], endpoint: str, record: Document) -> None:
    threading.Thread(target=work, args=(endpoint, record), name=f"endpoint {endpoint}", daemon=True).start()
