"""Turns model files of other frameworks into Prism's flat weight files.

`cli` is the command; `keras_model` and `torch_model` read a source into a `model.Model`; `flatfile` writes it.
"""
