import PrismAutodiff
import PrismExplain
import PrismRuntime
import PrismTensor

/// Networks small enough to know the answers by hand; those of captum's tests among them.
enum Toy {
  /// captum's convolution network: 1 → 2 channels of 3×3 ones, biases −50 and −75, ReLU, fully
  /// connected 8 → 4, ReLU.
  static func captumConvolution() throws -> (PlannedClassifier, ExplainedImage) {
    // Every row of the fully connected layer, over the flattened channels in torch's order.
    let row: [Float] = [1, 1, 1, 1, 1, -1, -1, -1]
    let recording = try Recording(input: [1, 4, 4, 1]) { x in
      let conv = x.named("input").convolution(
        x.parameter(Tensor([2, 1, 3, 3], repeating: 1), named: "conv.weight"),
        bias: x.parameter(Tensor([2], [-50, -75]), named: "conv.bias")
      ).named("conv")
      let relu = conv.relu().named("relu")
      return relu.flattenedChannelsFirst()
        .dense(x.parameter(Tensor([4, 8], row + row + row + row), named: "fc")).relu()
    }
    return (
      PlannedClassifier(recording, defaultLayer: "relu"),
      ExplainedImage(Tensor([1, 4, 4, 1], (0..<16).map(Float.init)))
    )
  }

  /// A random network that ends in global average pooling and one linear layer.
  static func pooledHead(channels: Int = 5, seed: UInt64 = 3) throws -> (
    PlannedClassifier, ExplainedImage, bias: Tensor
  ) {
    var random = SeededRandom(seed: seed)
    let weight = Tensor.uniform([channels, 2, 3, 3], in: -1..<1, using: &random)
    let head = Tensor.uniform([3, channels], in: -1..<1, using: &random)
    let bias = Tensor.uniform([3], in: -1..<1, using: &random)
    let recording = try Recording(input: [1, 8, 6, 2]) { x in
      x.named("input").convolution(
        x.parameter(weight, named: "w"), stride: 2, padding: .symmetric(1)
      ).silu().named("features")
        .globalAveragePool()
        .dense(x.parameter(head, named: "head"), bias: x.parameter(bias, named: "bias"))
    }
    return (
      PlannedClassifier(recording, defaultLayer: "features"),
      ExplainedImage(.uniform([1, 8, 6, 2], in: -1..<1, using: &random)), bias
    )
  }
}

/// A black box made of a closure on the numbers of an image.
struct Function: Classifier {
  let inputShape: Shape
  let body: @Sendable ([Double]) -> [Double]

  init(_ shape: Shape, _ body: @escaping @Sendable ([Double]) -> [Double]) {
    inputShape = shape
    self.body = body
  }

  func logits(_ images: Tensor) throws -> Tensor {
    let size = inputShape.count
    let scalars = images.scalars.map(Double.init)
    let rows = (0..<images.shape[0]).map { body(Array(scalars[$0 * size..<($0 + 1) * size])) }
    return Tensor([rows.count, rows[0].count], rows.flatMap { $0.map(Float.init) })
  }
}

/// A black box that computes so many images at a time: results must not depend on it.
struct Batched: Classifier {
  let base: any Classifier
  let batch: Int

  var inputShape: Shape { base.inputShape }

  func logits(_ images: Tensor) throws -> Tensor { try base.logits(images) }

  func logits(
    count: Int, composing compose: @escaping @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) throws -> Tensor {
    let size = inputShape.count
    let rows = try stride(from: 0, to: count, by: batch).map { first in
      let length = min(batch, count - first)
      return try logits(
        Tensor(uninitialized: inputShape.replacing(axis: 0, with: length)) { target in
          // Backwards, since nobody promises an order.
          for i in (0..<length).reversed() { compose(first + i, target + i * size) }
        })
    }
    return Tensor.stacking(rows)
  }
}
