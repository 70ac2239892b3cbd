"""What a unit was decoded to: its layers, the outermost first."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pyrdpmux.harness.capture.unit import Unit


@dataclass(frozen=True, slots=True)
class Layer:
    """One value and the bytes that it was read from."""

    value: object
    data: bytes
    encode: Callable[[], bytes] = field(repr=False, compare=False)
    #: False for an envelope around the next layer
    is_innermost: bool = True

    @property
    def encoded(self) -> bytes:
        """The bytes that the value is written as. EncodeError if it cannot be."""
        return self.encode()


@dataclass(frozen=True, slots=True)
class Dissected:
    """A unit and all its layers, the outermost first; of one that does not decode, those that do."""

    unit: Unit
    layers: tuple[Layer, ...]

    @property
    def values(self) -> tuple[object, ...]:
        """What the unit says; envelopes left out."""
        return tuple(layer.value for layer in self.layers if layer.is_innermost)


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """Bytes whose key is not there; ``channel_id`` is the MCS channel that they came on, if one is known."""

    data: bytes
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A whole message of a static virtual channel, decompressed."""

    channel: str
    data: bytes


@dataclass(frozen=True, slots=True)
class DynamicChannelMessage:
    """A whole message of a dynamic virtual channel, decompressed."""

    channel: str
    channel_id: int
    data: bytes
