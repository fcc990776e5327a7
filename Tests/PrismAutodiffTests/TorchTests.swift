import Foundation
import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Testing

/// What torch made of a convolution; written by `Tools/fixtures/convolution_gradients.py`.
struct TorchConvolution: Decodable, Sendable, CustomStringConvertible {
  let name: String
  let image, weight, padding, outputShape: [Int]
  let stride, dilation, groups: Int
  let output, imageGradient, weightGradient, biasGradient: [Float]

  var description: String { name }

  /// The numbers that belong to a name, evenly from −1 to 1.
  func tensor(_ part: String, _ shape: [Int]) -> Tensor {
    let random = CounterRandom(name: "\(name)/\(part)")
    return Tensor(Shape(shape)) { target in
      for i in target.indices { target[i] = Float(random.uniform(i) * 2 - 1) }
    }
  }

  static func all() throws -> [TorchConvolution] {
    struct File: Decodable {
      let cases: [TorchConvolution]
    }
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/convolution_gradients.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).cases
  }
}

@Suite("torch")
struct TorchTests {
  @Test("convolutions and their gradients are torch's")
  func convolutions() throws {
    let cases = try TorchConvolution.all()
    #expect(cases.count == 8)
    for it in cases {
      let padding = Padding.explicit(
        top: it.padding[0], left: it.padding[1], bottom: it.padding[2], right: it.padding[3])
      // Where every channel is a group, both operations must agree with torch.
      for isDepthwise in it.groups == it.image[3] ? [false, true] : [false] {
        let recording = try Recording(input: Shape(it.image)) { x in
          let weight = x.parameter(it.tensor("weight", it.weight), named: "weight")
          let bias = x.parameter(it.tensor("bias", [it.weight[0]]), named: "bias")
          return isDepthwise
            ? x.depthwiseConvolution(
              weight, bias: bias, stride: it.stride, padding: padding, dilation: it.dilation)
            : x.convolution(
              weight, bias: bias, stride: it.stride, padding: padding, dilation: it.dilation,
              groups: it.groups)
        }
        let (input, output) = (recording.inputs[0], recording.outputs[0])
        let given = [input: it.tensor("image", it.image)]
        let weight = try #require(recording.value(named: "weight"))
        let bias = try #require(recording.value(named: "bias"))
        let y = try recording.evaluate([output], given: given)
        let gradients = try recording.gradient(
          of: output, cotangent: it.tensor("cotangent", it.outputShape),
          at: [input, weight, bias], given: given)
        func check(_ tensor: Tensor?, _ shape: [Int], _ expected: [Float], _ part: String) throws {
          // Both sides round sums of at most 80 products, in different orders.
          try expectClose(
            #require(tensor), Tensor(Shape(shape), expected), tolerance: 2e-6,
            "\(it.name), \(part)")
        }
        try check(y[output], it.outputShape, it.output, "output")
        try check(gradients[input], it.image, it.imageGradient, "image")
        try check(gradients[weight], it.weight, it.weightGradient, "weight")
        try check(gradients[bias], [it.weight[0]], it.biasGradient, "bias")
      }
    }
  }
}
