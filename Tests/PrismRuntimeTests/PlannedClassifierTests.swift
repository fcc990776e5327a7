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
}
