"""A step of torch's training, beside which Prism's is measured: all parameters, AdamW, one batch.

Normalisations are in inference mode and there is no dropout, as in fine-tuning; the update is torch's fused one.
"""

import torch

from . import models


class TorchTraining:
    title = "torch"
    package = "torch"
    variants = ("channels last", "channels first")

    def __init__(self, name, threads, variant):
        torch.set_num_threads(threads)
        self.format = torch.channels_last if variant == "channels last" else torch.contiguous_format
        self.model = models.load(name).eval().to(memory_format=self.format)
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        parameters = list(self.model.parameters())
        for parameter in parameters:
            parameter.requires_grad_()
        self.optimizer = torch.optim.AdamW(parameters, lr=1e-5, weight_decay=0.0, fused=True)
        self.losses = []

    def set_inputs(self, inputs):
        pictures = torch.from_numpy(inputs).permute(0, 3, 1, 2)
        self.inputs = pictures.contiguous(memory_format=self.format)
        self.targets = torch.arange(len(inputs))

    def step(self):
        self.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.model(self.inputs), self.targets)
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())
        return self.losses
