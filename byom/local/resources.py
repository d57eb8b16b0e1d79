"""What every SageMaker resource shares: its ARN, a unique name, errors when it is missing, listing and tags."""

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Any

from .account import sagemaker_arn
from .store import Document, Store
from .wire import AwsError, invalid

Request = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of resource: the ARN's word for it, its noun in errors, and the stem of its members' names."""

    arn: str
    noun: str
    stem: str

    @property
    def name_member(self) -> str:
        """The member that holds the name, such as `ModelName`."""
        return f"{self.stem}Name"


TRAINING_JOB = Kind("training-job", "training job", "TrainingJob")
MODEL = Kind("model", "model", "Model")
ENDPOINT_CONFIG = Kind("endpoint-config", "endpoint configuration", "EndpointConfig")
ENDPOINT = Kind("endpoint", "endpoint", "Endpoint")
_LISTING = {"NameContains", "StatusEquals", "SortBy", "SortOrder", "MaxResults", "NextToken"} | {
    f"{time}Time{side}" for time in ("Creation", "LastModified") for side in ("Before", "After")
}
TAG_LIMIT = 50  # tags of one resource
KINDS = {kind.arn: kind for kind in (TRAINING_JOB, MODEL, ENDPOINT_CONFIG, ENDPOINT)}


class Resources:
    """The records of the account. A record is the request that made it, its ARN, its times and its state."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def create(self, kind: Kind, request: Request, **state: Any) -> Document:
        """Record a new resource. Raises SageMaker's own error when the name is taken."""
        name, now = request[kind.name_member], time.time()
        arn = sagemaker_arn(kind.arn, name)
        record = {**request, f"{kind.stem}Arn": arn, "CreationTime": now, "LastModifiedTime": now, **state}
        try:
            self.store.insert(kind.arn, name, record)
        except KeyError:
            if kind is TRAINING_JOB:
                raise AwsError(
                    "ResourceInUse", "Training job names must be unique within an AWS account and Region"
                ) from None
            raise invalid(f'Cannot create already existing {kind.noun} "{arn}".') from None
        return record

    def find(self, kind: Kind, name: str) -> Document:
        """The record. Raises SageMaker's own error when there is none."""
        record = self.store.get(kind.arn, name)
        if record is None:
            raise self._missing(kind, name)
        return record

    def update(self, kind: Kind, name: str, **changes: Any) -> Document | None:
        """Set members of a record; None when it was deleted meanwhile."""
        return self.store.update(kind.arn, name, LastModifiedTime=time.time(), **changes)

    def delete(self, kind: Kind, name: str) -> None:
        """Remove the record. Raises SageMaker's own error when there is none."""
        if not self.store.delete(kind.arn, name):
            raise self._missing(kind, name)

    def all(self, kind: Kind) -> dict[str, Document]:
        """Every record of a kind by name, oldest first."""
        return self.store.all(kind.arn)

    def page(self, kind: Kind, request: Request, answer_member: str) -> dict[str, Any]:
        """A `List…` answer: filtered by name, status and times, sorted, one page with the token of the next."""
        if ignored := request.keys() - _LISTING:
            raise invalid(f"byom.local does not support {', '.join(sorted(ignored))}.")
        status_member = f"{kind.stem}Status"
        records = [r for r in self.all(kind).values() if self._selected(kind, r, request)]
        key = {"Name": kind.name_member, "Status": status_member}.get(request.get("SortBy", ""), "CreationTime")
        records.sort(key=lambda r: r[key], reverse=request.get("SortOrder", "Descending") == "Descending")
        start, size = _offset(request.get("NextToken")), request.get("MaxResults", 10)
        page = records[start : start + size]
        if kind is TRAINING_JOB and "StatusEquals" in request:  # as AWS says it does: a page is cut before this filter
            page = [record for record in page if record[status_member] == request["StatusEquals"]]
        answer: dict[str, Any] = {answer_member: page}
        if start + size < len(records):
            answer["NextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return answer

    def _selected(self, kind: Kind, record: Document, request: Request) -> bool:
        if request.get("NameContains", "").lower() not in record[kind.name_member].lower():
            return False
        if (
            "StatusEquals" in request
            and kind is not TRAINING_JOB
            and record[f"{kind.stem}Status"] != request["StatusEquals"]
        ):
            return False
        for time_member in ("CreationTime", "LastModifiedTime"):
            if record[time_member] > request.get(f"{time_member}Before", float("inf")):
                return False
            if record[time_member] < request.get(f"{time_member}After", 0):
                return False
        return True

    def _missing(self, kind: Kind, name: str) -> AwsError:
        if kind is TRAINING_JOB:
            return invalid("Requested resource not found.")
        return invalid(f'Could not find {kind.noun} "{sagemaker_arn(kind.arn, name)}".')

    # Tags stand in the record itself, as the request that made it brought them.

    def list_tags(self, request: Request) -> dict[str, Any]:
        """Answer ListTags."""
        return {"Tags": self._by_arn(request["ResourceArn"])[2].get("Tags", [])}

    def add_tags(self, request: Request) -> dict[str, Any]:
        """Answer AddTags: a key that is there gets the new value."""
        kind, name, record = self._by_arn(request["ResourceArn"])
        tags = {tag["Key"]: tag for tag in [*record.get("Tags", []), *request["Tags"]]}
        if len(tags) > TAG_LIMIT:
            raise AwsError("ResourceLimitExceeded", f"A resource has at most {TAG_LIMIT} tags.")
        self.store.update(kind.arn, name, Tags=list(tags.values()))
        return {"Tags": list(tags.values())}

    def delete_tags(self, request: Request) -> dict[str, Any]:
        """Answer DeleteTags."""
        kind, name, record = self._by_arn(request["ResourceArn"])
        kept = [tag for tag in record.get("Tags", []) if tag["Key"] not in request["TagKeys"]]
        self.store.update(kind.arn, name, Tags=kept)
        return {}

    def _by_arn(self, arn: str) -> tuple[Kind, str, Document]:
        word, _, name = arn.rpartition(":")[2].partition("/")
        if word not in KINDS or arn != sagemaker_arn(word, name):
            raise invalid(f"Invalid ARN {arn}: it names nothing that byom.local keeps.")
        return KINDS[word], name, self.find(KINDS[word], name)


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return abs(int(base64.urlsafe_b64decode(token)))
    except (ValueError, binascii.Error):
        raise invalid("Invalid pagination token: the NextToken was not given by an earlier answer.") from None
