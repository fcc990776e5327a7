import PrismAutodiff
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

@Suite("planned classifiers")
struct PlannedClassifierTests {
  private func classifier(_ network: NetworkCase) throws -> PlannedClassifier {
    let recording = try network.recording()
    let maps = recording.names.filter {
      recording[$0.value].shape.rank == 4 && !recording.isParameter($0.value)
    }
    return PlannedClassifier(recording, defaultLayer: try #require(maps.last).name)
  }

  @Test("one image alone has the bits that it has in a batch", arguments: NetworkCase.all)
  func alone(_ network: NetworkCase) throws {
    let classifier = try classifier(network)
    let images = network.images(3)
    let batch = try classifier.logits(images)
    for n in 0..<3 { #expect(try classifier.logits(images.slice(n)) == batch.slice(n)) }
  }

  @Test(
    "gradients after a prediction are those without one, whichever image was predicted",
    arguments: NetworkCase.all)
  func remembered(_ network: NetworkCase) throws {
    let (fresh, used) = (try classifier(network), try classifier(network))
    let images = network.images(2)
    for (predicted, explained) in [(0, 0), (0, 1), (1, 1)] {
      _ = try used.logits(images.slice(predicted))
      let image = images.slice(explained)
      let expected = try fresh.gradients(of: [0, 1], at: fresh.defaultLayer, image: image)
      let given = try used.gradients(of: [0, 1], at: used.defaultLayer, image: image)
      #expect(given.value == expected.value)
      #expect(given.gradients == expected.gradients)
      #expect(expected.value.isFinite && expected.value.count > 0)
    }
  }

  @Test("a model that is new to eight tasks at once gives all of them the same logits")
  func firstRequests() async throws {
    let recording = try Self.small()
    var random = SeededRandom(seed: 3)
    let image = Tensor.uniform(recording[recording.inputs[0]].shape, in: -1..<1, using: &random)
    let expected = try PlannedClassifier(recording, defaultLayer: "map").logits(image)
    for round in 0..<200 {
      let classifier = PlannedClassifier(recording, defaultLayer: "map")
      let results = try await withThrowingTaskGroup(of: Tensor.self) { group in
        for task in 0..<8 {
          group.addTask {
            // Single images and batches have plans of their own, which share the packed weights.
            if task.isMultiple(of: 2) { return try classifier.logits(image) }
            return try classifier.logits(Tensor.stacking([image, image])).slice(1)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(results == [Tensor](repeating: expected, count: 8), "round \(round)")
    }
  }

  /// A network of one convolution of every kind, quick to make ready and to run.
  private static func small() throws -> Recording {
    var random = SeededRandom(seed: 2)
    return try Recording(input: [1, 12, 10, 3]) { image in
      func parameter(_ shape: Shape, _ name: String) -> Value {
        image.parameter(.uniform(shape, in: -0.3..<0.3, using: &random), named: name)
      }
      let stem = image.convolution(parameter([16, 3, 3, 3], "direct"), padding: .symmetric(1))
      let deep = stem.relu().depthwiseConvolution(
        parameter([16, 1, 3, 3], "depthwise"), padding: .symmetric(1))
      let wide = deep.convolution(parameter([32, 16, 1, 1], "pointwise")).relu()
      let map = wide.convolution(parameter([32, 32, 3, 3], "winograd"), padding: .symmetric(1))
        .relu().named("map")
      return map.globalAveragePool().dense(parameter([4, 32], "dense"))
    }
  }
}
