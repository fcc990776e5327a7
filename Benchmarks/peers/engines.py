"""The engines beside which Prism is measured, each with the settings that suit it best.

An engine's constructor takes the network's name, the largest batch and the number of threads; `set_inputs` takes an
array [N, H, W, 3] in any layout it likes, outside the measured time; `logits` computes [N, K].
"""

import numpy

from . import models


class OnnxRuntime:
    title = "ONNX Runtime"
    package = "onnxruntime"
    variants = ("",)

    def __init__(self, name, batch, threads, variant):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_free_dimension_override_by_name("batch", batch)
        self.session = onnxruntime.InferenceSession(
            str(models.path(name, ".onnx")), options, providers=["CPUExecutionProvider"]
        )

    def set_inputs(self, inputs):
        self.inputs = {"images": channels_first(inputs)}

    def logits(self):
        return self.session.run(None, self.inputs)[0]


class OpenVino:
    """`latency` computes the batch at once with all threads; `throughput` has a stream a thread, which take one
    picture after the other."""

    title = "OpenVINO"
    package = "openvino"
    variants = ("latency", "throughput")

    def __init__(self, name, batch, threads, variant):
        import openvino

        core = openvino.Core()
        model = core.read_model(models.path(name, ".onnx"))
        streams = threads if variant == "throughput" else 1
        size = models.SIZE
        model.reshape([1 if variant == "throughput" else batch, 3, size, size])
        settings = {
            "PERFORMANCE_HINT": variant.upper(),
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = core.compile_model(model, "CPU", settings)
        self.queue = None
        if variant == "throughput":
            self.queue = openvino.AsyncInferQueue(compiled, streams)
            self.queue.set_callback(self.take)
        else:
            self.request = compiled.create_infer_request()

    def set_inputs(self, inputs):
        self.inputs = channels_first(inputs)
        self.rows = [None] * len(inputs)

    def take(self, request, row):
        self.rows[row] = request.get_output_tensor(0).data.copy()

    def logits(self):
        if self.queue is None:
            results = self.request.infer({0: self.inputs}, share_inputs=True)
            return results[0]
        for row in range(len(self.inputs)):
            self.queue.start_async({0: self.inputs[row : row + 1]}, row)
        self.queue.wait_all()
        return numpy.concatenate(self.rows)


class Torch:
    title = "torch"
    package = "torch"
    variants = ("channels last", "channels first")

    def __init__(self, name, batch, threads, variant):
        import torch

        self.model = models.load(name)
        torch.set_num_threads(threads)
        self.torch = torch
        self.format = torch.channels_last if variant == "channels last" else torch.contiguous_format
        self.model = self.model.to(memory_format=self.format)

    def set_inputs(self, inputs):
        self.inputs = self.torch.from_numpy(channels_first(inputs)).contiguous(memory_format=self.format)

    def logits(self):
        with self.torch.inference_mode():
            return self.model(self.inputs).numpy()


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "torch": Torch}


def channels_first(inputs):
    return numpy.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
