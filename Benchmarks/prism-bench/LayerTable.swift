internal import Prism
internal import PrismAutodiff
internal import PrismModels

/// A layer of a network that costs time, by its sizes; equal layers are one entry.
struct Layer: Hashable {
  /// The kinds of layers in the tables.
  enum Kind: String {
    case pointwise, convolution, depthwise, dense, maxPool, averagePool
  }

  var network: String
  /// The first layer of these sizes.
  var name: String
  var kind: Kind
  var height: Int
  var width: Int
  var inputs: Int
  var outputs: Int
  var kernel: Int
  var stride: Int
  var groups: Int
  var count: Int

  static let header = "network,name,kind,height,width,inputs,outputs,kernel,stride,groups,count"

  /// The line of the table.
  var line: String {
    let numbers = [height, width, inputs, outputs, kernel, stride, groups, count]
    return ([network, name, kind.rawValue] + numbers.map(String.init)).joined(separator: ",")
  }

  /// Reads a line; `nil` where it is none.
  init?(line: Substring) {
    let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let numbers = cells.dropFirst(3).compactMap { Int($0) }
    guard cells.count == 11, numbers.count == 8, numbers.allSatisfy({ $0 > 0 }),
      let kind = Kind(rawValue: cells[2])
    else { return nil }
    (network, name, self.kind) = (cells[0], cells[1], kind)
    (height, width, inputs, outputs) = (numbers[0], numbers[1], numbers[2], numbers[3])
    (kernel, stride, groups, count) = (numbers[4], numbers[5], numbers[6], numbers[7])
  }

  private init(
    _ network: String, _ name: String, _ kind: Kind, _ image: Shape, outputs: Int,
    window: SlidingWindow? = nil, groups: Int = 1
  ) {
    self.network = network
    self.name = name
    self.kind = kind
    (height, width) = image.rank == 4 ? (image[1], image[2]) : (1, 1)
    inputs = image[-1]
    self.outputs = outputs
    kernel = window?.vertical.kernel ?? 1
    stride = window?.vertical.stride ?? 1
    self.groups = groups
    count = 1
  }

  /// The layers of a network, equal ones counted, in the order in which they first come.
  static func table(_ recording: Recording, network: String) -> [Layer] {
    let names = Dictionary(recording.names.map { ($0.value, $0.name) }) { first, _ in first }
    var order: [Layer] = []
    var counts: [Layer: Int] = [:]
    for entry in recording.values {
      guard case .computed(let primitive, let operands) = entry.origin else { continue }
      let image = recording[operands[0]].shape
      let weight = operands.count > 1 ? names[operands[1]] ?? "" : names[operands[0]] ?? ""
      let name = weight.hasSuffix(".weight") ? String(weight.dropLast(7)) : weight
      let outputs = entry.shape[-1]
      let layer: Layer
      switch primitive {
      case let convolution as Convolution:
        let isPointwise = convolution.window.taps == 1 && convolution.groups == 1
        layer = Layer(
          network, name, isPointwise ? .pointwise : .convolution, image, outputs: outputs,
          window: convolution.window, groups: convolution.groups)
      case let depthwise as DepthwiseConvolution:
        layer = Layer(
          network, name, .depthwise, image, outputs: outputs, window: depthwise.window,
          groups: outputs)
      case is PrismAutodiff.FullyConnected:
        layer = Layer(network, name, .dense, image, outputs: outputs)
      case let pool as MaxPool:
        layer = Layer(
          network, "after " + name, .maxPool, image, outputs: outputs, window: pool.window)
      case let pool as AveragePool:
        layer = Layer(
          network, "after " + name, .averagePool, image, outputs: outputs, window: pool.window)
      default: continue
      }
      var key = layer
      key.name = ""
      if counts[key] == nil { order.append(layer) }
      counts[key, default: 0] += 1
    }
    return order.map { layer in
      var (key, counted) = (layer, layer)
      key.name = ""
      counted.count = counts[key] ?? 1
      return counted
    }
  }

  /// The layer as an operation with random inputs for a number of images.
  func operation(batch: Int) -> (primitive: any Primitive, inputs: [Tensor]) {
    let padding = Padding.symmetric((kernel - 1) / 2)
    let window = padding.window(
      kernel: (kernel, kernel), stride: (stride, stride), height: height, width: width)
    let image: Shape = [batch, height, width, inputs]
    let shapes: [Shape]
    let primitive: any Primitive
    switch kind {
    case .pointwise, .convolution:
      primitive = Convolution(window: window, groups: groups)
      shapes = [image, [outputs, inputs / groups, kernel, kernel], [outputs]]
    case .depthwise:
      primitive = DepthwiseConvolution(window: window)
      shapes = [image, [outputs, 1, kernel, kernel], [outputs]]
    case .dense:
      primitive = PrismAutodiff.FullyConnected()
      shapes = [[batch, inputs], [outputs, inputs], [outputs]]
    case .maxPool:
      primitive = MaxPool(window: window)
      shapes = [image]
    case .averagePool:
      primitive = AveragePool(window: window, countsPadding: true)
      shapes = [image]
    }
    var random = SeededRandom(seed: 1)
    return (primitive, shapes.map { .uniform($0, in: -1..<1, using: &random) })
  }
}

/// The networks whose layers are measured.
enum Zoo {
  static let architectures: [ModelCard.Architecture] = [
    .mobileNetV2, .vgg16, .denseNet121, .efficientNetV2S, .efficientNetV2M,
  ]

  /// The forward pass of torchvision's network on a picture of 224×224, with weights of zeros.
  static func recording(_ architecture: ModelCard.Architecture) throws -> Recording {
    let head: [ModelCard.HeadLayer] =
      architecture == .vgg16
      ? [
        .adaptiveAveragePool(height: 7, width: 7), .flatten,
        .dense(name: "classifier.0", units: 4096, activation: .relu),
        .dense(name: "classifier.3", units: 4096, activation: .relu),
        .dense(name: "classifier.6", units: 1000, activation: .linear),
      ]
      : [
        .globalAveragePool, .dense(name: "classifier", units: 1000, activation: .linear),
      ]
    let card = ModelCard(
      name: architecture.rawValue, architecture: architecture,
      config: .init(epsilon: 1e-5, padding: .symmetric), head: head, output: .softmax,
      labels: (0..<1000).map(String.init),
      input: .image(
        .init(
          height: 224, width: 224, resize: .bilinearAntialias, scale: 1, mean: [0, 0, 0],
          std: [1, 1, 1])),
      layers: .init(default: "features"))
    return try WeightReader.bind(making: { _, shape in Tensor(shape) }) { reader in
      try Network(card, reader).record()
    }
  }
}
