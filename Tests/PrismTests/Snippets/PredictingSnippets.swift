// The code of Predicting.md and Sounds.md, word for word.

import Prism

func openAndPredict() throws {
  let model = try Model(contentsOf: "Weights/dogs.safetensors")
  let image = try Image(contentsOf: "Samples/husky.png")
  let prediction = try model.predict(image)
  for entry in prediction.ranked.prefix(3) {
    print(entry.label, entry.logit, entry.probability)
  }
}

func openBytes(_ bytes: [UInt8]) throws -> Model {
  let model = try Model(bytes: bytes)
  print(model.card.name, model.labels, model.layers.map(\.name))
  return model
}

func predictMany(_ model: Model, _ pictures: [Image]) throws -> [Prediction] {
  let predictions = try pictures.map { try model.predict($0) }
  let logits = try model.logits(Tensor.stacking(pictures.map(model.input)))
  print(logits.shape, predictions.map(\.top.label))
  return predictions
}

func predictPainted(_ model: Model, _ pictures: [Image]) throws {
  let sequence = try model.predictionSequence()
  for picture in pictures { print(try sequence.predict(picture).top.label) }
}

func explainSound() throws {
  let model = try Model(contentsOf: "Weights/voice.safetensors")
  let hearing = try model.listen(to: Sound(contentsOf: "Samples/voice-synthetic.wav"))
  let target = hearing.prediction.top
  for explanation in try model.explain(hearing, with: GradCAM(), targets: [target]) {
    print(explanation.window.start, explanation.regions)
    try explanation.overlay().write(to: "voice.png")
  }
}
