// The code of Concepts.md, word for word.

import Prism

func conceptScore(
  _ model: Model, _ striped: [Tensor], _ others: [Tensor], _ inputs: [Tensor],
  _ target: Prediction.Entry
) throws -> ConceptScore {
  let test = try model.conceptTest(positive: striped, random: others, at: "features", runs: 10)
  let score = try model.scores(of: test, targets: [target], at: "features", inputs: inputs)[0]
  print(score.mean, score.probability ?? 1, score.accuracy, score.verdict(tests: 1))
  return score
}

func discoveredConcepts(
  _ model: Model, _ inputs: [Tensor], _ target: Prediction.Entry
) throws -> ConceptDiscovery.Findings {
  let search = ConceptDiscovery(count: 2, layer: "features")
  let found = try model.concepts(search, in: inputs, targets: [target])
  print(found.concepts[0].importance[0], found.concepts[0].crops.count, found.error)
  return found
}

func nearestExamples(
  _ model: Model, _ inputs: [Tensor]
) throws -> (near: [ExampleSpace.Neighbour], standing: [Int]) {
  let points = try model.values(at: "features", for: inputs, as: .pooled).map(\.scalars)
  let space = try ExampleSpace(points, distance: .cosine)
  let near = try space.nearest(to: points[0], count: 5)
  let standing = try space.prototypes(of: Array(points.indices), count: 3)
  return (near, standing)
}
