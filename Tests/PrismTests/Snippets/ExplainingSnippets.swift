// The code of Explaining.md, word for word.

import Prism

func explainOne(_ model: Model, _ image: Image, to path: String) throws {
  let prediction = try model.predict(image)
  let explanation = try model.explain(image, with: GradCAM(), target: prediction.top)
  try explanation.overlay(on: image).write(to: path)
}

func explainByName(_ model: Model, _ image: Image) throws -> [Explanation] {
  let settings = ExplanationMethod.Settings(samples: 200, seed: 7)
  let lime = ExplanationMethod.lime.explainer(settings)
  let targets = Array(try model.predict(image).ranked.prefix(2))
  return try model.explain(image, with: lime, targets: targets)
}

func explainAsPublished(
  _ model: Model, _ image: Image, _ target: Prediction.Entry
) throws -> Explanation {
  let published = ExplanationMethod.Settings(draws: .published)
  return try model.explain(
    image, with: ExplanationMethod.kernelSHAP.explainer(published), target: target)
}

func explainContrast(_ model: Model, _ image: Image) throws -> Explanation {
  let prediction = try model.predict(image)
  let (first, second) = (prediction.ranked[0], prediction.ranked[1])
  let contrast = prediction.contrast(of: first, against: second)
  return try model.explain(image, with: LRP(), target: contrast)
}

func explainInTask(_ model: Model, _ image: Image, _ target: Prediction.Entry) async throws {
  let watched = Work { print("\($0.done) of \($0.planned) evaluations") }
  let task = Task {
    try await model.explain(
      image, with: LIME(samples: 6000), target: target, work: watched)
  }
  task.cancel()
  do {
    _ = try await task.value
  } catch is CancellationError {
    print("nobody waits for it any more")
  }
}

func gradientAtLayer(_ model: Model, _ image: Image) throws -> Model.Gradient {
  let found = try model.gradient(of: "left", at: "features", for: image)
  print(found.value.shape, found.gradient.shape)
  return found
}
