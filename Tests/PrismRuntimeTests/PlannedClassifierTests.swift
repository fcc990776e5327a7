import PrismAutodiff
import PrismTensor
import PrismTestSupport
import Synchronization
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

  @Test("so it has whatever layer is the default one, also within a step", arguments: [0, 2, 5])
  func defaultLayers(_ index: Int) throws {
    let network = NetworkCase.all[index]
    let recording = try network.recording()
    let images = network.images(2)
    let expected = try PlannedClassifier(recording, defaultLayer: "").logits(images)
    for (name, id) in recording.names.map({ ($0.name, $0.value) })
    where recording.primitive(of: id) != nil {
      let classifier = PlannedClassifier(recording, defaultLayer: name)
      let pass = try classifier.forward(ForwardPass(images.slice(1)), to: nil)
      #expect(pass.logits == expected.slice(1), "\(name)")
      let gradients = try classifier.gradients(of: [0], at: name, image: images.slice(1))
      #expect(gradients.value.shape == recording[id].shape, "\(name)")
    }
  }

  @Test(
    "a walk back from a prediction's pass has the bits of one without, and another's pass is not used",
    arguments: NetworkCase.all)
  func passes(_ network: NetworkCase) throws {
    let (first, second) = (try classifier(network), try classifier(network))
    for image in (0..<2).map(network.images(2).slice) {
      let logits = try first.logits(image)
      let pass = try first.forward(ForwardPass(image), to: nil)
      #expect(pass.logits == logits)
      let expected = try first.gradients(of: [0, 1], at: first.defaultLayer, image: image)
      #expect(expected.value.isFinite && expected.value.count > 0)
      for classifier in [first, second] {
        let given = try classifier.backward(
          from: [0, 1], to: classifier.defaultLayer, passes: [pass], rule: ExactRule())
        #expect(given.map(\.value) == [expected.value])
        #expect(given.map(\.cotangents) == [expected.gradients])
      }
    }
  }

  @Test("explaining after a prediction needs no second forward pass, and many at once none more")
  func evaluations() async throws {
    let counted = CountedIdentity()
    func make() throws -> PlannedClassifier {
      let recording = try Recording(input: [1, 6, 6, 2]) { x in
        var random = SeededRandom(seed: 3)
        let weight = Tensor.uniform([4, 2, 3, 3], in: -1..<1, using: &random)
        let head = Tensor.uniform([3, 4], in: -1..<1, using: &random)
        return x.named("input").applying(counted)
          .convolution(x.parameter(weight, named: "a"), padding: .symmetric(1)).relu()
          .named("features").globalAveragePool().dense(x.parameter(head, named: "b"))
      }
      return PlannedClassifier(recording, defaultLayer: "features")
    }
    var random = SeededRandom(seed: 5)
    let images = (0..<24).map { _ in Tensor.uniform([1, 6, 6, 2], in: -1..<1, using: &random) }
    let alone = try make()
    let expected = try images.map { try alone.gradients(of: [1], at: "features", image: $0) }
    #expect(counted.evaluations == images.count)
    let shared = try make()
    let found = try await withThrowingTaskGroup(of: (Int, BackwardPass).self) { group in
      for (index, image) in images.enumerated() {
        group.addTask {
          let pass = try shared.forward(ForwardPass(image), to: nil)
          await Task.yield()
          let back = try shared.backward(
            from: [1], to: "features", passes: [pass], rule: ExactRule())
          return (index, back[0])
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(counted.evaluations == 2 * images.count)
    for (index, expected) in expected.enumerated() {
      #expect(found[index]?.value == expected.value)
      #expect(found[index]?.cotangents == expected.gradients)
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
