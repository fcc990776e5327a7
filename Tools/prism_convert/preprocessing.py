"""What happens to a pixel before the first convolution: a channel order and an affine map per channel."""

import numpy

from .errors import ConversionError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)

MODES = ("tf", "torch", "caffe", "unit", "xrv", "none", "raw")


def mode_operations(name):
    """The operations of one of the usual kinds of preprocessing."""
    kinds = {
        "tf": [("divide", 127.5), ("add", -1)],
        "torch": [("divide", 255), ("add", [-m for m in IMAGENET_MEAN]), ("divide", IMAGENET_STD)],
        "caffe": [("permute", [2, 1, 0]), ("add", [-m for m in CAFFE_MEAN])],
        "unit": [("divide", 255)],
        "xrv": [("multiply", 2048 / 255), ("add", -1024)],  # torchxrayvision's
        "none": [],
        "raw": [],
    }
    if name not in kinds:
        raise ConversionError(f"no preprocessing is called {name}; there are {', '.join(MODES)}")
    return kinds[name]


class Preprocessing:
    """Network input = (pixel · scale − mean[c]) / std[c], after `order` has picked the channels of the image."""

    def __init__(self, channels=3):
        self.order = list(range(channels))
        self.scale = 1.0
        self.mean = numpy.zeros(channels)
        self.std = numpy.ones(channels)

    @classmethod
    def mode(cls, name):
        """One of the usual kinds, by the names that Keras gives them."""
        self = cls()
        self.apply(mode_operations(name))
        return self

    def apply(self, operations):
        """Appends a list of operations: ("multiply", factor), ("divide", divisor), ("add", offset) or ("permute", order)."""
        for operation, argument in operations:
            getattr(self, operation)(argument)

    def multiply(self, factor):
        """Appends a multiplication, by one number or one per channel."""
        factor = numpy.asarray(factor, dtype=float)
        if (factor == 0).any():
            raise ConversionError("preprocessing multiplies by zero")
        if factor.size == 1 and (self.std == 1).all():
            self.scale *= float(factor.reshape(()))
            self.mean = self.mean * factor.reshape(())
        else:
            self.std = self.std / self._per_channel(factor)

    def divide(self, divisor):
        """Appends a division, by one number or one per channel."""
        divisor = numpy.asarray(divisor, dtype=float)
        if (divisor == 0).any():
            raise ConversionError("preprocessing divides by zero")
        if divisor.size == 1 and (self.std == 1).all():
            self.scale /= float(divisor.reshape(()))
            self.mean = self.mean / divisor.reshape(())
        else:
            self.std = self.std * self._per_channel(divisor)

    def add(self, offset):
        """Appends an addition, of one number or one per channel."""
        self.mean = self.mean - self._per_channel(offset) * self.std

    def permute(self, order):
        """Appends a reordering: the new channel c is the old channel order[c]."""
        if len(order) != len(self.order):
            raise ConversionError(f"preprocessing reorders {len(order)} channels of {len(self.order)}")
        self.order = [self.order[i] for i in order]
        self.mean = self.mean[list(order)]
        self.std = self.std[list(order)]

    def _per_channel(self, values):
        values = numpy.asarray(values, dtype=float).reshape(-1)
        if values.size not in (1, self.mean.size):
            raise ConversionError(f"preprocessing with {values.size} values for {self.mean.size} channels")
        return numpy.broadcast_to(values, (self.mean.size,))

    def card(self):
        """The fields of the model card."""
        orders = {(0, 1, 2): "rgb", (2, 1, 0): "bgr", (0,): "grey", (0, 1, 2, 3): "rgba"}
        if tuple(self.order) not in orders:
            raise ConversionError(f"preprocessing takes the channels in the order {self.order}")
        numbers = [self.scale, *self.mean, *self.std]
        if not numpy.isfinite(numbers).all() or (self.std == 0).any():
            raise ConversionError("preprocessing divides by zero")
        return {
            "channels": orders[tuple(self.order)],
            **({"channel_count": self.mean.size} if self.mean.size != 3 else {}),
            "scale": rounded(self.scale),
            "mean": [rounded(value) for value in self.mean],
            "std": [rounded(value) for value in self.std],
        }


def rounded(value):
    """A number without the noise of its last bits: 15 significant digits."""
    value = float(f"{float(value):.15g}")
    return int(value) if value == int(value) and abs(value) < 1e9 else value
