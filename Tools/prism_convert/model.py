"""What a reader makes of a source: the recognised base, its tensors, the head, and what the source says of itself."""

import dataclasses

from .account import Account
from .architectures import Architecture


@dataclasses.dataclass
class Model:
    """A source model in Prism's terms; tensors have their final names and layouts."""

    architecture: Architecture
    framework: str  # keras or torch
    tensors: dict
    head: list  # as in the model card
    output: str  # softmax, sigmoid, binary, or empty where the source does not say
    size: tuple  # height and width
    padding: str  # same or symmetric
    epsilon: float | None
    preprocessing: list  # the operations of the graph itself, as Preprocessing.apply takes them
    resize: str
    side: int | None = None  # the shorter side before the centre is cut out; None resizes the whole picture
    usual: list | None = None  # preprocessing that the source is known for, as Preprocessing.apply takes it
    usual_first: bool = False  # whether it comes before the operations of the graph itself
    labels: list | None = None
    aliases: dict = dataclasses.field(default_factory=dict)
    outside: list = dataclasses.field(default_factory=list)  # operations that come before the graph's own
    account: Account = dataclasses.field(default_factory=Account)
    notes: list = dataclasses.field(default_factory=list)
    thresholds: list | None = None  # of each label, where the source has them
    said: object = None  # what files beside the source say, or what its library is known for, as transforms.Transform
    library: str = ""  # whose names the tensors have, where they are not torchvision's
    class_weights: str = ""  # the name of a loss's weights in the source
    logits: int = 0  # their number where there is no head
    source_output: str = ""  # the source's name of its logits
    taken_output: str = ""  # of the source's several outputs
    run: object = None  # the source's network as a function of an image, where it is code of the user's own
    squashed: str = ""  # what the source makes of its logits in the end: softmax, sigmoid or nothing
    whole: str | None = None  # where a torch network lies in its file, dots between the keys; None for a state dict
    inner: int = 0  # how many of the last operations on pixels the source's network does itself
    takes_bytes: bool = False  # whether the source's input is of whole numbers of 0…255
    graph: dict | None = None  # as in the model card, where the base is not one of Prism's own

    @property
    def image_channels(self):
        """The channels of the picture that the network takes."""
        return getattr(self.architecture, "image_channels", 3)

    @property
    def units(self):
        """The number of logits."""
        if not self.head:
            return self.logits
        return next(item["units"] for item in reversed(self.head) if item["kind"] == "dense")
