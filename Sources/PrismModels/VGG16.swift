// VGG16 without batch normalisation, the convolutional base: Simonyan and Zisserman, "Very Deep
// Convolutional Networks for Large-Scale Image Recognition", ICLR 2015 (arXiv:1409.1556),
// configuration D. Names are those of torchvision's `vgg16`; Keras' `VGG16` computes the same.

internal import PrismAutodiff
internal import PrismLayers
internal import PrismWeights

/// The convolutional base of VGG16, with the last pool.
struct VGG16: ConvolutionalBase {
  /// The channels of the convolutions of every block; a pool ends each block.
  private static let blocks = [
    [64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512],
  ]

  private let blocks: [[Conv2D]]

  /// Reads the base's weights.
  init(_ reader: WeightReader) throws(WeightError) {
    let features = reader.scope("features")
    var blocks: [[Conv2D]] = []
    var inputs = 3
    var index = 0
    for block in Self.blocks {
      var convolutions: [Conv2D] = []
      for outputs in block {
        convolutions.append(
          try Conv2D(
            features.scope(index), inputs: inputs, outputs: outputs, kernel: 3,
            padding: .symmetric(1), hasBias: true))
        inputs = outputs
        index += 2  // the convolution and its activation
      }
      blocks.append(convolutions)
      index += 1  // the pool
    }
    self.blocks = blocks
  }

  func callAsFunction(_ x: Value) -> Value {
    var y = x
    var index = 0
    for block in blocks {
      for convolution in block {
        y = convolution(y).relu().named("features.\(index + 1)")
        index += 2
      }
      y = y.maxPool(kernel: 2, stride: 2).named("features.\(index)")
      index += 1
    }
    return y.named("features")
  }
}
