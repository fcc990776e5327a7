import PrismCard
import PrismExplain
import PrismModels
import PrismRuntime
import PrismTensor
import PrismTestSupport
import PrismWeights
import Testing

/// Small networks of one kind of layer each, which torch exported to ONNX and Tools/convert.py wrote
/// as graph cards, against torch in double arithmetic (Tools/fixtures/onnx_files.py).
@Suite("graph cards of the converter")
struct ConvertedGraphTests {
  static let folder = Repository.fixtures + "graphs/"
  static let answers = "answers"
  static let names = Repository.names(in: folder).filter { $0.hasSuffix(".safetensors") }
    .map { String($0.dropLast(".safetensors".count)) }.filter { $0 != answers }

  let reference: SafetensorsFile

  init() throws {
    reference = try SafetensorsFile(contentsOf: "\(Self.folder)\(Self.answers).safetensors")
  }

  @Test("there are networks")
  func coverage() { #expect(Self.names.count >= 38) }

  // The promise of the project: logits within 1e-4 of the largest. These are a few layers deep.
  @Test("logits and gradients agree with torch", arguments: names)
  func parity(_ name: String) throws {
    let file = try SafetensorsFile(contentsOf: "\(Self.folder)\(name).safetensors")
    let card = try file.card()
    let network = try WeightReader.bind(file) { try Network(card, $0) }
    let recording = try network.record()
    let classifier = PlannedClassifier(recording, defaultLayer: card.layers.default)
    let images = try reference.tensor("\(name).input")
    let logits = try reference.tensor("\(name).logits")
    let gradients = try reference.tensor("\(name).gradient")
    for index in 0..<images.shape[0] {
      let image = images.part(index)
      let found = try classifier.logits(image)
      expectClose(
        found.reshaped(to: [1, found.count]), logits.part(index), tolerance: 1e-5, "logits")
      let gradient = try classifier.gradients(of: [0], at: Network.inputName, image: image)
      expectCloseThroughKinks(gradient.gradients[0], gradients.part(index), tolerance: 1e-4)
    }
  }
}

extension Tensor {
  /// One of the pictures of a batch, `[1, …]`.
  fileprivate func part(_ index: Int) -> Tensor {
    let size = count / shape[0]
    return Tensor(
      Shape([1] + Array(shape.dimensions.dropFirst())),
      Array(scalars[index * size..<(index + 1) * size]))
  }
}
