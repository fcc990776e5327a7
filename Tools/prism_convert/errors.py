"""The exceptions of the converter."""


class ConversionError(Exception):
    """The source cannot be converted; the message is one line that names what is in the way."""


class UnknownNetwork(ConversionError):
    """No reader knows the network, or it is set to compute otherwise: code that makes it may still build it (`--module`)."""
