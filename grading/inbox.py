"""Messages from a kernel that is not trusted: read, bounded, and dropped when they are not what they must be."""

import contextlib
from dataclasses import dataclass
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel
from zmq.utils.monitor import recv_monitor_message

from byom.checks.evidence import LIMIT

_LONGEST = 2 * LIMIT + 1_000_000  # bytes that are read at all; evidence is JSON text inside JSON
_DEEPEST = 64  # levels of nesting; far deeper ones make the tools that copy and write notebooks fail


@dataclass(frozen=True)
class Message:
    """A message of the right form."""

    kind: str
    """Its type, such as ``stream``."""

    parent: str
    """The id of the request it belongs to."""

    content: dict[str, Any]
    """Its content, the very object that is in `whole`."""

    size: int
    """Bytes of its content and buffers."""

    whole: dict[str, Any]
    """The message as jupyter_client hands it out."""


def context() -> zmq.asyncio.Context:
    """A ZMQ context whose sockets hold back a sender that is too fast and drop one that sends too much at once."""
    made = zmq.asyncio.Context()
    made.setsockopt(zmq.MAXMSGSIZE, 64_000_000)
    made.setsockopt(zmq.RCVHWM, 8)
    made.setsockopt(zmq.LINGER, 0)
    return made


async def receive(channel: AsyncZMQSocketChannel) -> tuple[Message | None, int]:
    """The next message and the bytes it took; None in place of one that is malformed, forged or too long."""
    frames = await channel.socket.recv_multipart()
    traffic = sum(len(frame) for frame in frames)
    if traffic > _LONGEST:
        return None, traffic
    try:
        _, signed = channel.session.feed_identities(frames)
        whole = channel.session.deserialize(signed)
        kind, parent, content = whole["msg_type"], whole["parent_header"].get("msg_id"), whole["content"]
        sound = (
            isinstance(kind, str)
            and isinstance(parent, str)
            and isinstance(content, dict)
            and isinstance(whole["metadata"], dict)
            and not _deeper(content, _DEEPEST)
        )
        size = sum(len(frame) for frame in signed[4:])
    except Exception:  # whoever wrote it controls every byte of it
        return None, traffic
    return (Message(kind, parent, content, size, whole) if sound else None), traffic


async def lost(channel: AsyncZMQSocketChannel) -> None:
    """Return when the connection is lost: the kernel has died, or has sent a message that is far too long.

    In the second case ZMQ does not connect again by itself; `reconnect` does.
    """
    with channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
        try:
            await recv_monitor_message(monitor)
        finally:
            channel.socket.disable_monitor()


def reconnect(channel: AsyncZMQSocketChannel) -> None:
    """Connect to the kernel again, on the socket that there is."""
    address = channel.socket.getsockopt_string(zmq.LAST_ENDPOINT)
    with contextlib.suppress(zmq.ZMQError):
        channel.socket.disconnect(address)
    channel.socket.connect(address)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested in ``value`` more than ``levels`` deep."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True
