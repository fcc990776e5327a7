import PrismAutodiff
import PrismKernels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismRuntime

@Suite("updates")
struct UpdateTests {
  static let sets = InstructionSet.available

  /// Images that differ from one in rectangles of all sizes and places.
  private static func changed(_ image: Tensor, _ random: inout SeededRandom) -> Tensor {
    let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
    func part(_ size: Int) -> Range<Int> {
      let first = Int(random.uniform() * Float(size))
      return first..<min(size, first + 1 + Int(random.uniform() * Float(size) / 3))
    }
    var rectangles = [
      // Nothing, one pixel in each corner, everything.
      Rectangle(rows: 0..<0, columns: 0..<0), Rectangle(rows: 0..<1, columns: 0..<1),
      Rectangle(rows: 0..<1, columns: width - 1..<width),
      Rectangle(rows: height - 1..<height, columns: 0..<1),
      Rectangle(rows: height - 1..<height, columns: width - 1..<width),
      Rectangle(rows: 0..<height, columns: 0..<width),
      Rectangle(rows: 0..<height, columns: 1..<2), Rectangle(rows: 1..<2, columns: 0..<width),
    ]
    for _ in 0..<11 { rectangles.append(Rectangle(rows: part(height), columns: part(width))) }
    return Tensor.stacking(
      rectangles.map { rectangle in
        var changed = image
        for y in rectangle.rows {
          for x in rectangle.columns {
            for c in 0..<channels { changed[0, y, x, c] = 2 * random.uniform() - 1 }
          }
        }
        return changed
      })
  }

  /// Expects images near another to have the bits of whole passes, wherever the update ends.
  private func expectSameBits(_ recording: Recording, _ set: InstructionSet) throws {
    var ends: Set<ValueID> = []
    for reach in [0.3, Update.largestReach, 1] {
      if let end = try expectSameBits(recording, set, reach: reach, unlessAt: ends) {
        ends.insert(end)
      }
    }
    #expect(!ends.isEmpty)
  }

  private func expectSameBits(
    _ recording: Recording, _ set: InstructionSet, reach: Double, unlessAt ends: Set<ValueID>
  ) throws -> ValueID? {
    var random = SeededRandom(seed: 5)
    let shape = recording[recording.inputs[0]].shape
    let known = Tensor.uniform(shape, in: -1..<1, using: &random)
    let images = Self.changed(known, &random)
    let weights = PackedWeights()
    let plan = try Plan(
      recording, wanted: recording.outputs, precision: .standard, weights: weights,
      kernels: Kernels(set))
    let expected = try plan(images)[0]
    try #require(expected.isFinite)
    guard
      let update = try Update(
        recording, precision: .standard, weights: weights, kernels: Kernels(set), reach: reach),
      !ends.contains(update.end)
    else { return nil }
    let rest = try Plan(
      recording, from: update.end, wanted: recording.outputs, precision: .standard,
      weights: weights, kernels: Kernels(set))
    for threads in [1, 3] {
      let near = try NearbyClassifier(
        near: known, update: update, rest: rest, whole: plan, limit: 1,
        pool: WorkerPool(workerCount: threads))
      // Twice, since what the first images altered is put back.
      for turn in 0..<2 {
        let result = try near.logits(images)
        for n in 0..<images.shape[0] {
          #expect(
            result.slice(n) == expected.slice(n), "image \(n), turn \(turn), \(threads) threads")
        }
      }
    }
    return update.end
  }

  @Test("an image near another has the bits of a whole pass", arguments: NetworkCase.all, sets)
  func networks(_ network: NetworkCase, _ set: InstructionSet) throws {
    try expectSameBits(network.recording(), set)
  }

  @Test("so it has in pieces of graph networks", arguments: GraphPiece.all, sets)
  func pieces(_ piece: GraphPiece, _ set: InstructionSet) throws {
    var random = SeededRandom(seed: 3)
    try expectSameBits(Recording(input: piece.input) { piece.body($0, &random) }, set)
  }

  @Test("so it has where convolutions read their weights once for several images", arguments: sets)
  func batchedConvolutions(_ set: InstructionSet) throws {
    var random = SeededRandom(seed: 8)
    let recording = try Recording(input: [1, 34, 30, 16]) { image in
      func convolution(_ x: Value, _ name: String, _ inputs: Int) -> Value {
        x.convolution(
          image.parameter(
            .uniform([256, inputs, 3, 3], in: -0.05..<0.05, using: &random), named: name),
          padding: .symmetric(1))
      }
      let first = convolution(image, "first", 16).relu()
      let second = convolution(first, "second", 256).relu()
      let third = convolution(second + convolution(second, "third", 256), "fourth", 256)
      return third.maxPool(kernel: 2, stride: 2)
    }
    try expectSameBits(recording, set)
  }

  @Test("only what a change reaches is computed")
  func share() throws {
    let recording = try NetworkCase.all[4].recording()
    let update = try #require(
      try Update(
        recording, precision: .standard, weights: PackedWeights(),
        kernels: Kernels(InstructionSet.available[0]), reach: 1))
    let corner = update.share(
      of: update.altered(by: Rectangle(rows: 0..<1, columns: 0..<1)))
    let whole = update.share(
      of: update.altered(by: Rectangle(rows: 0..<64, columns: 0..<64)))
    #expect(whole == 1)
    #expect(corner > 0 && corner < 0.3)
  }

  @Test("images that differ in too much are computed whole")
  func fallback() throws {
    let recording = try NetworkCase.all[0].recording()
    let weights = PackedWeights()
    let plan = try Plan(recording, weights: weights)
    let update = try #require(
      try Update(
        recording, precision: .standard, weights: weights, kernels: plan.kernels, reach: 1))
    let rest = try Plan(
      recording, from: update.end, wanted: recording.outputs, precision: .standard,
      weights: weights, kernels: plan.kernels)
    var random = SeededRandom(seed: 5)
    let known = Tensor.uniform([1, 64, 64, 3], in: -1..<1, using: &random)
    let images = Self.changed(known, &random)
    let near = try NearbyClassifier(near: known, update: update, rest: rest, whole: plan, limit: 0)
    #expect(try near.logits(images) == plan(images)[0])
  }

  @Test("a classifier without room for the known image's values computes whole passes")
  func noRoom() throws {
    let classifier = try PlannedClassifier(
      NetworkCase.all[0].recording(), defaultLayer: "features")
    let image = NetworkCase.all[0].images(1)
    let expected = try classifier.logits(image)
    try MemoryBudget.$current.withValue(MemoryBudget(limit: 1 << 20)) {
      let near = try classifier.near(image)
      #expect(near is PlannedClassifier)
    }
    let near = try classifier.near(image)
    #expect(near is NearbyClassifier)
    #expect(try near.logits(image) == expected)
    #expect(throws: EvaluationError.self) { try classifier.near(Tensor([1, 2, 2, 3])) }
  }
}
