// The code of Workers.md, word for word.

import Prism

/// The logits of changed versions of a picture, in two parts as two workers give them.
func evaluateInParts(_ model: Model, _ explained: ExplainedImage) throws -> [Tensor] {
  let masks = SoftMasks(count: 500, cells: 7, probability: 0.5, seed: 0)
  let versions = try PerturbedImages(.softMasks(masks: masks), of: explained, masker: .mean)
  let first = try model.logits(of: versions, samples: 0..<250)
  let second = try model.logits(of: versions, samples: 250..<500)
  return [first, second]
}
