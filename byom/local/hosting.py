"""Hosting: SageMaker's calls about models, endpoint configurations and endpoints."""

import threading
from typing import Any

from .endpoints import Endpoints
from .frameworks import framework_of
from .objects import Objects, split_uri
from .resources import ENDPOINT, ENDPOINT_CONFIG, MODEL, Request, Resources
from .wire import AwsError, invalid


class Hosting:
    """Methods named like API calls answer them."""

    def __init__(self, resources: Resources, objects: Objects, endpoints: Endpoints) -> None:
        self._resources, self._objects, self._endpoints = resources, objects, endpoints

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
        """Answer CreateEndpointConfig: one variant, in real time."""
        variants = request["ProductionVariants"]
        if len(variants) > 1:
            raise invalid(f"byom.local does not support {len(variants)} ProductionVariants; it serves one.")
        for name in ("AsyncInferenceConfig", "DataCaptureConfig", "ExplainerConfig", "ShadowProductionVariants"):
            if name in request:
                raise invalid(f"byom.local does not support {name}.")
        if "ServerlessConfig" in variants[0]:
            raise invalid("byom.local does not support ServerlessConfig.")
        if "ModelName" not in variants[0]:
            raise invalid("byom.local does not support inference components: a variant needs a ModelName.")
        self._resources.find(MODEL, variants[0]["ModelName"])
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
        """Answer CreateEndpoint: the endpoint is `Creating` until its model answers."""
        config = self._resources.find(ENDPOINT_CONFIG, request["EndpointConfigName"])
        variant = config["ProductionVariants"][0]
        # an endpoint serves what it was made from, also after its model and configuration were deleted
        plan = {"variant": variant, "model": self._resources.find(MODEL, variant["ModelName"])["PrimaryContainer"]}
        variants = [
            {
                "VariantName": variant["VariantName"],
                "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
                "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
                "CurrentInstanceCount": variant.get("InitialInstanceCount", 1),
                "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
            }
            for variant in config["ProductionVariants"]
        ]
        record = self._resources.create(
            ENDPOINT, request, EndpointStatus="Creating", ProductionVariants=variants, Plan=plan
        )
        name = request["EndpointName"]
        threading.Thread(target=self._endpoints.launch, args=(name,), name=f"endpoint {name}", daemon=True).start()
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
