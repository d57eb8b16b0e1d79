"""Endpoints in service: which instances answer for which name, and how that changes while requests arrive."""

import asyncio
import logging
import random
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from .account import ACCOUNT_ID
from .container import ContainerEnded
from .instances import MODEL_TIMEOUT, REASON_LIMIT, CannotServe, Instance, Instances, model_error
from .resources import ENDPOINT, Resources
from .store import Document
from .wire import AwsError
from .workers import Answer, NoWorkers

ATTEMPTS = 3  # to hand over a request while containers end and fleets change

log = logging.getLogger(__name__)


class Fleet:
    """What one endpoint serves: variants, their weights, and an instance of each that has one."""

    def __init__(self, endpoint: Document, instances: list[Instance]) -> None:
        """Args: endpoint: its record, or what will become of it by an update."""
        self.parts = {part["variant"]["VariantName"]: part for part in endpoint["Plan"]}
        self.instances = {instance.variant: instance for instance in instances}
        self.weights = {variant["VariantName"]: variant["DesiredWeight"] for variant in endpoint["ProductionVariants"]}

    def choose(self, target: str | None) -> str:
        """The target, or else a variant by chance, in proportion to the weights. Raises ValidationError."""
        if target is None:
            if not any(self.weights.values()):
                raise AwsError("ValidationError", "No variant has a weight above 0; name one with TargetVariant.")
            if len(self.weights) == 1:
                return next(iter(self.weights))
            return random.choices(list(self.weights), list(self.weights.values()))[0]
        if target not in self.weights:
            raise AwsError("ValidationError", f"Variant {target} not found for Request")
        return target

    def drain(self) -> None:
        """Wait until no request is in hand, then end."""
        give_up = time.monotonic() + 2 * MODEL_TIMEOUT
        while any(instance.workers.in_hand for instance in self.instances.values()) and time.monotonic() < give_up:
            time.sleep(0.05)
        self.close()

    def close(self) -> None:
        """End all instances."""
        for instance in self.instances.values():
            instance.workers.close()


class Endpoints:
    """The endpoints that serve. A variant without an instance is given one by the next request: after its container
    ended, and after a restart of the server.
    """

    def __init__(self, resources: Resources, instances: Instances) -> None:
        self._resources, self._instances = resources, instances
        self._serving: dict[str, Fleet] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        for name, endpoint in resources.all(ENDPOINT).items():
            if endpoint["EndpointStatus"] == "Creating":
                self._fail(name, endpoint, "The local server ended while the endpoint was being created.")
            elif endpoint["EndpointStatus"] == "Updating":
                self._roll_back(name, endpoint, "The local server ended while the endpoint was being updated.")

    def create(self, name: str, record: Document) -> None:
        """Bring a new endpoint into service, or record why it can't be. Returns when either is done."""
        try:
            with suppress(ContainerEnded):  # deleted before it started
                self._bring(name, record, self._start(name, record))
        except CannotServe as error:
            self._fail(name, record, str(error))

    def update(self, name: str, record: Document) -> None:
        """Bring the pending deployment into service. Until it serves, and if it can't, what served before does."""
        pending = record["PendingDeploymentSummary"]
        changes = {key: pending[key] for key in ("EndpointConfigName", "ProductionVariants", "Plan")}
        try:
            with suppress(ContainerEnded):
                before = self._bring(name, record, self._start(name, pending), **changes)
                if before is not None:
                    before.drain()
        except CannotServe as error:
            self._roll_back(name, record, str(error))

    def weigh(self, name: str, weights: dict[str, float]) -> None:
        """Share the requests by these weights from now on."""
        if fleet := self._serving.get(name):
            fleet.weights = weights

    def end(self, name: str) -> None:
        """End the endpoint's processes, also those that are only starting."""
        self._instances.end_starting(name)
        with self._locks[name]:
            if fleet := self._serving.pop(name, None):
                fleet.close()

    def close(self) -> None:
        """End all processes."""
        for name in self._resources.all(ENDPOINT):
            self._instances.end_starting(name)
        for fleet in list(self._serving.values()):
            fleet.close()

    async def invoke(
        self, name: str, target: str | None, headers: dict[str, str], body: bytes | bytearray
    ) -> tuple[str, Answer]:
        """The variant that answered, and its answer. Raises ValidationError when there is no such endpoint in service
        or no such variant, and ModelError for what the model did.
        """
        for _ in range(ATTEMPTS):
            fleet = self._serving.get(name)
            if fleet is None:
                fleet = await asyncio.to_thread(self._find, name)
            variant = fleet.choose(target)
            instance = fleet.instances.get(variant)
            if instance is None or instance.workers.ended:
                instance = await asyncio.to_thread(self._restart, name, fleet, variant)
            if instance is not None:
                with suppress(NoWorkers):
                    return variant, await instance.ask(headers, body)
        raise model_error(500, "The model's process ended again and again before it took the request.")

    def _bring(self, name: str, record: Document, fleet: Fleet, **changes: Any) -> Fleet | None:
        """Let a fleet serve; returns the one that did before."""
        with self._locks[name]:
            if not self._is_still(name, record):  # deleted while it started, and perhaps created anew
                fleet.close()
                return None
            before, self._serving[name] = self._serving.get(name), fleet
            settled = {"EndpointStatus": "InService", "FailureReason": None, "PendingDeploymentSummary": None}
            self._resources.update(ENDPOINT, name, **changes, **settled)
            return before

    def _find(self, name: str) -> Fleet:
        with self._locks[name]:
            record = self._resources.store.get(ENDPOINT.arn, name)
            if record is None or record["EndpointStatus"] not in ("InService", "Updating"):
                raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
            return self._serving.setdefault(name, Fleet(record, []))

    def _restart(self, name: str, fleet: Fleet, variant: str) -> Instance | None:
        """A new instance of a variant; None when the fleet serves no longer. Raises ModelError when it can't start."""
        with self._locks[name]:
            if self._serving.get(name) is not fleet:
                return None
            instance = fleet.instances.get(variant)
            if instance is not None and not instance.workers.ended:
                return instance
            if instance is not None:
                fleet.instances.pop(variant).workers.close()
            part = fleet.parts[variant]
            try:
                instance = fleet.instances[variant] = self._instances.start(name, part["variant"], part["model"])
            except (CannotServe, ContainerEnded, AwsError) as error:
                raise model_error(500, f"The model can't be started again: {error}") from None
            return instance

    def _start(self, name: str, endpoint: Document) -> Fleet:
        """Instances of all variants at once. Raises CannotServe, for whatever reason, and ContainerEnded."""
        plan = endpoint["Plan"]
        with ThreadPoolExecutor(len(plan)) as pool:
            starting = [pool.submit(self._instances.start, name, part["variant"], part["model"]) for part in plan]
        failures = [failure for future in starting if (failure := future.exception())]
        fleet = Fleet(endpoint, [future.result() for future in starting if not future.exception()])
        if not failures:
            return fleet
        fleet.close()
        for failure in failures:
            if isinstance(failure, ContainerEnded | CannotServe):
                raise failure
            if isinstance(failure, AwsError):
                raise CannotServe(str(failure))
        # an endpoint must not stay Creating, whatever is wrong with us
        log.error("endpoint %s", name, exc_info=failures[0])
        raise CannotServe(f"{type(failures[0]).__name__}: {failures[0]}")

    def _is_still(self, name: str, record: Document) -> bool:
        found = self._resources.store.get(ENDPOINT.arn, name)
        return found is not None and found["CreationTime"] == record["CreationTime"]

    def _fail(self, name: str, record: Document, reason: str) -> None:
        if self._is_still(name, record):
            self._resources.update(ENDPOINT, name, EndpointStatus="Failed", FailureReason=reason[:REASON_LIMIT])

    def _roll_back(self, name: str, record: Document, reason: str) -> None:
        if self._is_still(name, record):
            settled = {
                "EndpointStatus": "InService",
                "FailureReason": reason[:REASON_LIMIT],
                "PendingDeploymentSummary": None,
            }
            self._resources.update(ENDPOINT, name, **settled)
