// Everything that the library promises to programs, with this one import.

import Prism

/// A classifier of three lines: how bright the middle is, and how bright the rest.
struct Middle: Classifier {
  let inputShape: Shape = [1, 32, 32, 3]
  func logits(_ images: Tensor) throws -> Tensor {
    Tensor([images.shape[0], 2], (0..<images.shape[0]).flatMap { brightness(images.slice($0)) })
  }
}

/// The brightness of the middle and of the rest of an image `[H, W, 3]` of 32×32.
func brightness(_ image: Tensor) -> [Float] {
  let values = image.scalars
  let middle = values.indices.filter {
    (8..<24).contains($0 / 96) && (8..<24).contains($0 / 3 % 32)
  }
  let sum = middle.reduce(0) { $0 + values[$1] }
  return [sum / 768, (values.reduce(0, +) - sum) / 2304]
}

/// A picture that is bright in the middle or around it.
func picture(middleIsBright: Bool, seed: UInt64) throws -> Image {
  var random = SeededRandom(seed: seed)
  let pixels = (0..<1024).flatMap { place -> [UInt8] in
    let isMiddle = (8..<24).contains(place / 32) && (8..<24).contains(place % 32)
    let value = UInt8((isMiddle == middleIsBright ? 180 : 60) + 40 * random.uniform())
    return [value, value, value]
  }
  return try Image(width: 32, height: 32, pixels: pixels)
}

/// A network of own layers.
func network() throws -> TrainableNetwork {
  let convolution = try Conv2D(
    "convolution", inputs: 3, outputs: 8, kernel: 5, stride: 2, padding: .same, seed: 1)
  let normalization = try BatchNorm("normalization", channels: 8)
  let dense = try Dense("dense", inputs: 16 * 16 * 8, outputs: 2, seed: 1)
  return try TrainableNetwork(input: [1, 32, 32, 3]) { x, seed in
    let y = convolution(x)
    let features = (seed == nil ? normalization(y) : normalization.training(y)).relu()
    return dense(features.named("features").flattenedChannelsFirst())
  }
}

func explainBlackBoxes(_ image: Image) throws {
  let box = BlackBox(Middle(), labels: ["middle", "around"])
  let lime = try box.explain(
    image, with: LIME(samples: 200, segmenter: .grid(rows: 4, columns: 4)),
    target: box.predict(image).top)
  print("a classifier of three lines: \(lime.target.label), by \(lime.title)")

  let closure = ClosureClassifier(inputShape: [1, 32, 32, 3], labels: ["middle", "around"]) {
    images in
    Tensor([images.shape[0], 2], (0..<images.shape[0]).flatMap { brightness(images.slice($0)) })
  }
  let asked = BlackBox(closure)
  let shap = try asked.explain(
    image, with: PartitionSHAP(evaluations: 100), target: asked.predict(image).top)
  print("a closure: \(shap.target.label), by \(shap.title)")
}

func trainOwnNetwork() throws -> Model {
  let card = ModelCard(
    custom: "middle", labels: ["around", "middle"],
    input: .image(
      .init(
        height: 32, width: 32, resize: .bilinear, scale: 1.0 / 255, mean: [0.5, 0.5, 0.5],
        std: [0.5, 0.5, 0.5])),
    layer: "features")
  let truths = (0..<32).map { $0 % 2 }
  let inputs = try truths.enumerated().map { i, truth in
    card.input.image.tensor(of: try picture(middleIsBright: truth == 1, seed: UInt64(i)))
  }
  var network = try network()
  let losses = try network.train(
    inputs, truths: truths.map(DataSet.Truth.label),
    objective: Objective(.multiclass, labelCount: 2), optimizer: Optimizer(rate: 0.01), epochs: 10)
  print("an own network: loss \(losses[0] > 2 * losses[9] ? "falls" : "stays")")
  return try Model(network: network, card: card)
}

func openModels(_ model: Model) throws {
  let path = "middle.safetensors"
  try model.write(to: path)
  let opened = try Model(contentsOf: path, network: network())
  print("written and opened: \(opened.file.sha256 == model.file.sha256)")
  guard CommandLine.arguments.count > 1 else { return }
  let voice = try Model(contentsOf: CommandLine.arguments[1])
  let copy = try Model(bytes: voice.file.mapping.withUnsafeBytes { Array($0) })
  print("from a path and from bytes: \(voice.card.name), \(copy.labels)")
}

@main
struct Consumer {
  static func main() async {
    do {
      let image = try picture(middleIsBright: true, seed: 99)
      try explainBlackBoxes(image)
      let model = try trainOwnNetwork()
      let prediction = try await model.predict(image)
      let map = try await model.explain(image, with: GradCAM(), target: prediction.top)
      try map.overlay(on: image).write(to: "middle.gradcam.png")
      print("Grad-CAM: \(map.target.label) at \(map.attribution.layer ?? "")")
      let found = try model.gradient(of: "middle", at: "features", for: image)
      print("a gradient: \(found.value.shape), \(found.gradient.shape)")
      try openModels(model)
      let watched = Work { _ in }
      let task = Task {
        try await model.explain(
          image, with: LIME(samples: 6000), target: prediction.top, work: watched)
      }
      task.cancel()
      if case .failure(let error) = await task.result {
        print("cancelled: \(error is CancellationError)")
      }
      _ = try Model(contentsOf: "nowhere.safetensors")
    } catch {
      print("one line: \(error)")
    }
  }
}
