"""The hosts of a training job: their names, their instance groups, and an address of its own for each."""

import random
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .store import Document

HOST_LIMIT = 20  # the usual quota of an account for one instance type
_ONE_GROUP = "homogeneousCluster"  # AWS's own name for the group of a job that names none
_MARK = 8321  # UDP; nothing is ever sent to it
_TRIES = 100


@dataclass(frozen=True)
class Host:
    """One host: its name (`algo-1`), its instance group and type, and its address on loopback."""

    name: str
    group: str
    instance_type: str
    address: str


def groups_of(job: Document) -> list[dict[str, Any]]:
    """The instance groups that a CreateTrainingJob request asks for; one when it names none."""
    resources = job["ResourceConfig"]
    one = {
        "InstanceGroupName": _ONE_GROUP,
        "InstanceType": resources.get("InstanceType"),
        "InstanceCount": resources.get("InstanceCount", 1),
    }
    return resources.get("InstanceGroups") or [one]


class Cluster:
    """The hosts of one job, on addresses that no other job of this computer has until `close`.

    Linux answers to all of 127.0.0.0/8, so jobs that use the same ports run at once. Elsewhere every host is 127.0.0.1.
    """

    def __init__(self, job: Document) -> None:
        groups = groups_of(job)
        addresses, self._mark = _reserve(sum(group["InstanceCount"] for group in groups))
        places = [group for group in groups for _ in range(group["InstanceCount"])]
        self.hosts = [
            Host(f"algo-{i}", group["InstanceGroupName"], group["InstanceType"], address)
            for i, (group, address) in enumerate(zip(places, addresses, strict=True), 1)
        ]

    def resource_config(self, host: Host) -> dict[str, Any]:
        """What `resourceconfig.json` tells this host."""
        names = list(dict.fromkeys(other.group for other in self.hosts))
        return {
            "current_host": host.name,
            "current_instance_type": host.instance_type,
            "current_group_name": host.group,
            "hosts": [other.name for other in self.hosts],
            "instance_groups": [
                {
                    "instance_group_name": name,
                    "instance_type": next(other.instance_type for other in self.hosts if other.group == name),
                    "hosts": [other.name for other in self.hosts if other.group == name],
                }
                for name in names
            ],
            "network_interface_name": "lo" if sys.platform == "linux" else "lo0",
        }

    def among(self, groups: Sequence[str]) -> list[Host]:
        """The hosts of these instance groups; all hosts when none is named."""
        return [host for host in self.hosts if not groups or host.group in groups]

    def is_free(self, port: int) -> bool:
        """Whether the first host can listen at a port; a program that listens on every address is in its way."""
        try:
            socket.create_server((self.hosts[0].address, port)).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the addresses back."""
        if self._mark:
            self._mark.close()


def _reserve(count: int) -> tuple[list[str], socket.socket | None]:
    """Addresses for this many hosts, and the socket whose being open keeps them ours, across all servers."""
    if sys.platform != "linux":
        return ["127.0.0.1"] * count, None
    for _ in range(_TRIES):
        block = f"127.{random.randrange(1, 255)}.{random.randrange(0, 255)}"
        mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            mark.bind((f"{block}.254", _MARK))
        except OSError:  # another job has this block
            mark.close()
        else:
            return [f"{block}.{i}" for i in range(1, count + 1)], mark
    return ["127.0.0.1"] * count, None  # a network that has this one address only
