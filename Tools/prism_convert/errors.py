"""The one exception of the converter."""


class ConversionError(Exception):
    """The source cannot be converted; the message is one line that names what is in the way."""
