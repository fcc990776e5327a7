// The code of OwnModels.md, word for word.

import Prism

/// Whether a picture is brighter in its left half or in its right half.
struct Halves: Classifier {
  let inputShape: Shape = [1, 32, 32, 3]
  func logits(_ images: Tensor) throws -> Tensor {
    let rows = (0..<images.shape[0]).map { n -> [Float] in
      let image = images.slice(n).scalars
      let left = image.indices.lazy.filter { $0 / 3 % 32 < 16 }.reduce(0) { $0 + image[$1] }
      return [left, image.reduce(0, +) - left]
    }
    return Tensor([rows.count, 2], rows.flatMap { $0 })
  }
}

func explainOwnClassifier(_ image: Image) throws -> Explanation {
  let box = BlackBox(Halves(), labels: ["left", "right"])
  return try box.explain(
    image, with: Occlusion(window: 8, stride: 8), target: box.predict(image).top)
}

func explainClosure(_ image: Image) throws -> Explanation {
  let mean = ClosureClassifier(inputShape: [1, 32, 32, 3], labels: ["brightness"]) { images in
    Tensor(
      [images.shape[0], 1],
      (0..<images.shape[0]).map { Float(images.slice($0).sum / 3072) })
  }
  let box = BlackBox(mean, output: .sigmoid(threshold: 0.5))
  return try box.explain(image, with: RISE(samples: 100), target: box.predict(image).top)
}

func ownNetwork() throws -> TrainableNetwork {
  let first = try Conv2D("first", inputs: 3, outputs: 8, kernel: 3, padding: .same, seed: 1)
  let second = try Conv2D("second", inputs: 8, outputs: 8, kernel: 3, padding: .same, seed: 1)
  let dense = try Dense("dense", inputs: 8 * 8 * 8, outputs: 2, seed: 1)
  return try TrainableNetwork(input: [1, 32, 32, 3]) { x in
    let y = first(x).relu().maxPool(kernel: 2, stride: 2)
    let features = second(y).relu().named("features").maxPool(kernel: 2, stride: 2)
    return dense(features.flattenedChannelsFirst())
  }
}

func trainOwnNetwork(_ pictures: [Image], _ sides: [Int]) throws -> Model {
  let card = ModelCard(
    custom: "halves", labels: ["left", "right"],
    input: .image(
      .init(
        height: 32, width: 32, resize: .bilinear, scale: 1.0 / 255, mean: [0, 0, 0],
        std: [1, 1, 1])),
    layer: "features")
  var network = try ownNetwork()
  let losses = try network.train(
    pictures.map(card.input.image.tensor), truths: sides.map(DataSet.Truth.label),
    objective: Objective(.multiclass, labelCount: 2), optimizer: Optimizer(rate: 1e-2), epochs: 8)
  print(losses)
  return try Model(network: network, card: card)
}

func saveOwnModel(_ model: Model, to path: String) throws -> Model {
  try model.write(to: path)
  return try Model(contentsOf: path, network: ownNetwork())
}

func recordOwnNetwork() throws -> Recording {
  let convolution = try Conv2D("convolution", inputs: 3, outputs: 2, kernel: 3, padding: .same)
  return try Recording(input: [1, 32, 32, 3]) { x in
    convolution(x.named("input")).named("features").globalAveragePool()
  }
}
