// The code of OwnMethods.md, word for word.

import Prism

/// The squared gradient at the network's input, summed over channels.
struct SquaredGradient: Explainer {
  let name = "squared-gradient"
  let title = "Squared gradient"
  let facts = MethodFacts(needs: [.gradients], cost: "one gradient", paper: "this article")
  let parameters: [MethodParameter] = []

  func explain(
    _ image: ExplainedImage, targets: [Int], of classifier: any DifferentiableClassifier,
    work: Work
  ) throws -> [Attribution] {
    work.plan(targets.count)
    return try targets.map { target in
      let (value, gradients) = try classifier.gradients(
        of: [target], at: "input", image: image.input)
      let squares = gradients[0].map { $0 * $0 }.scalars
      let map = stride(from: 0, to: squares.count, by: 3).map {
        squares[$0..<($0 + 3)].reduce(0, +)
      }
      try work.did(1)
      return Attribution(
        target: target, values: Tensor([value.shape[1], value.shape[2]], map), evaluations: 1)
    }
  }
}
