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
    for _ in 0..<3 { rectangles.append(Rectangle(rows: part(height), columns: part(width))) }
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

  /// Expects images near another to have the bits of whole passes.
  ///
  /// - Returns: Whether the network has a place where an update can end.
  @discardableResult
  private func expectSameBits(
    _ recording: Recording, _ set: InstructionSet, reach: Double, threads: Int
  ) throws -> Bool {
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
        recording, precision: .standard, weights: weights, kernels: Kernels(set), reach: reach)
    else { return false }
    let rest = try Plan(
      recording, from: update.end, wanted: recording.outputs, precision: .standard,
      weights: weights, kernels: Kernels(set))
    // More images than a chunk has, so that what the first ones altered must be put back.
    let near = try NearbyClassifier(
      near: known, update: update, rest: rest, whole: plan, chunk: 4, limit: 1,
      pool: WorkerPool(workerCount: threads))
    let result = try near.logits(images)
    for n in 0..<images.shape[0] {
      #expect(result.slice(n) == expected.slice(n), "image \(n)")
    }
    for chunk in [3, 16] {
      let sequence = try SequenceClassifier(
        update: update, rest: rest, whole: plan, chunk: chunk, limit: 0.9,
        pool: WorkerPool(workerCount: threads))
      if chunk == 3 { #expect(try sequence.logits(images) == expected) }
      try expectSequence(from: known, sequence, plan, &random)
    }
    let painted = try SequenceClassifier(
      update: update, rest: rest, whole: plan, chunk: 2, limit: 0.9, continues: true,
      pool: WorkerPool(workerCount: threads))
    try expectPainting(on: known, painted, plan, &random)
    for limit in [1 << 30, 1 << 21, 0] {
      let near = try NearbyClassifier(
        near: known, update: update, rest: rest, whole: plan, chunk: 5, limit: 1,
        descentLimit: limit,
        pool: WorkerPool(workerCount: threads))
      try expectDescent(from: known, near, plan, &random)
    }
    return true
  }

  /// Expects images of which each differs from the one before in up to three places, or not at all,
  /// to have the bits of whole passes.
  private func expectSequence(
    from known: Tensor, _ sequence: SequenceClassifier, _ plan: Plan, _ random: inout SeededRandom
  ) throws {
    var (image, images) = (known, [known])
    for number in 0..<9 {
      for _ in 0..<number % 4 { paint(on: &image, rows: 3, columns: 4, &random) }
      images.append(image)
    }
    let stacked = Tensor.stacking(images)
    let (result, expected) = (try sequence.logits(stacked), try plan(stacked)[0])
    for n in images.indices {
      #expect(result.slice(n) == expected.slice(n), "image \(n) of a sequence")
    }
  }

  /// Changes a rectangle somewhere.
  private func paint(
    on image: inout Tensor, rows: Int, columns: Int, _ random: inout SeededRandom
  ) {
    let (height, width, channels) = (image.shape[1], image.shape[2], image.shape[3])
    let (top, left) = (
      Int(random.uniform() * Float(height)), Int(random.uniform() * Float(width))
    )
    for y in top..<min(top + rows, height) {
      for x in left..<min(left + columns, width) {
        for c in 0..<channels { image[0, y, x, c] = 2 * random.uniform() - 1 }
      }
    }
  }

  /// Expects images that come in calls of their own, each the one before with strokes of a brush,
  /// to have the bits of whole passes.
  private func expectPainting(
    on known: Tensor, _ sequence: SequenceClassifier, _ plan: Plan, _ random: inout SeededRandom
  ) throws {
    var (image, images) = (known, [known])
    // Once nothing changes, and once everything does.
    for (number, strokes) in [1, 0, 2, 0, 1, 4].enumerated() {
      if number == 3 { image = Tensor(known.shape, known.scalars.map { -$0 }) }
      for _ in 0..<strokes { paint(on: &image, rows: 2, columns: 2, &random) }
      images.append(image)
    }
    let expected = try plan(Tensor.stacking(images))[0]
    for (number, image) in images.enumerated() {
      #expect(
        try sequence.logits(image).scalars == expected.slice(number).scalars, "stroke \(number)")
    }
  }

  /// Expects images that descend from a known one to have the bits of whole passes.
  private func expectDescent(
    from known: Tensor, _ near: NearbyClassifier, _ plan: Plan, _ random: inout SeededRandom
  ) throws {
    let (height, width, channels) = (known.shape[1], known.shape[2], known.shape[3])
    var family = [(image: known, kin: Kinship?.none)]
    for number in 1...12 {
      func part(_ size: Int) -> Range<Int> {
        let first = Int(random.uniform() * Float(size))
        return first..<min(size, first + 1 + Int(random.uniform() * Float(size) / 3))
      }
      let parent = max(0, number - 1 - Int(random.uniform() * 3))
      let rectangle = Rectangle(rows: part(height), columns: part(width))
      var image = family[parent].image
      for y in rectangle.rows {
        for x in rectangle.columns {
          for c in 0..<channels { image[0, y, x, c] = 2 * random.uniform() - 1 }
        }
      }
      family.append((image, number == 5 ? nil : Kinship(parent: parent, rectangle: rectangle)))
    }
    let members = family
    let expected = try plan(Tensor.stacking(members.map(\.image)))[0]
    for numbers in [1..<6, 6..<7, 7..<13, 2..<13] {
      let result = try near.logits(of: numbers, kinship: { members[$0].kin }) { number, target in
        let image = members[number].image
        image.withUnsafePointer { target.update(from: $0, count: image.count) }
      }
      for number in numbers {
        #expect(
          result.slice(number - numbers.lowerBound) == expected.slice(number), "image \(number)")
      }
    }
  }

  @Test(
    "an image near another has the bits of a whole pass, wherever the update ends",
    arguments: [1, 3, 5, 7], [(Update.largestReach, 2), (1, 1)])
  func networks(_ network: Int, _ choice: (reach: Double, threads: Int)) throws {
    let set = try #require(Self.sets.last)
    #expect(
      try expectSameBits(
        NetworkCase.all[network].recording(), set, reach: choice.reach, threads: choice.threads))
  }

  @Test("so it has in pieces of graph networks", arguments: GraphPiece.all, sets)
  func pieces(_ piece: GraphPiece, _ set: InstructionSet) throws {
    var random = SeededRandom(seed: 3)
    let recording = try Recording(input: piece.input) { piece.body($0, &random) }
    try expectSameBits(recording, set, reach: 1, threads: 3)
  }

  @Test(
    "so it has where convolutions read their weights once for several images", arguments: sets,
    [1, 2])
  func batchedConvolutions(_ set: InstructionSet, _ threads: Int) throws {
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
    #expect(try expectSameBits(recording, set, reach: 1, threads: threads))
  }

  @Test("what a change alters of a convolution in tiles", arguments: [0, 1], [2, 4])
  func tiles(_ padding: Int, _ side: Int) throws {
    for size in [9, 14, 16] {
      let shape = ConvolutionShape(
        inputHeight: size, inputWidth: size, inputChannels: 16, outputChannels: 16,
        kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1, paddingTop: padding,
        paddingLeft: padding, paddingBottom: padding, paddingRight: padding)
      let step = try #require(
        WinogradStep(
          shape, precision: side == 2 ? .strict : .standard,
          kernels: Kernels(InstructionSet.available[0])))
      try #require(step.m == side)
      let output = Shape([1, shape.outputHeight, shape.outputWidth, 16])
      for first in 0..<size {
        for last in first..<size {
          let altered = TileGrid(step).altered(
            by: Rectangle(rows: first..<last + 1, columns: 0..<size), in: output)
          // Row i of a tile's patch goes into row j of its outputs.
          let rows = (0..<shape.outputHeight).filter { row in
            let (tile, j) = (row / side, row % side)
            return (0..<side + 2).contains { i in
              (first...last).contains(tile * side - padding + i)
                && (i == 0 ? j == 0 : i == side + 1 ? j == side - 1 : true)
            }
          }
          #expect(Array(altered.rows) == rows)
          #expect(altered.columns == 0..<shape.outputWidth)
        }
      }
    }
  }

  @Test("only what a change reaches is computed")
  func share() throws {
    let recording = try NetworkCase.all[3].recording()
    let update = try #require(
      try Update(
        recording, precision: .standard, weights: PackedWeights(),
        kernels: Kernels(InstructionSet.available[0]), reach: 1))
    func share(_ side: Int) -> Double {
      update.share(of: update.altered(by: Rectangle(rows: 0..<side, columns: 0..<side * 3 / 2)))
    }
    #expect(share(64) == 1)
    #expect(share(1) > 0 && share(1) < share(16) && share(16) < 0.9)
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
    let near = try NearbyClassifier(
      near: known, update: update, rest: rest, whole: plan, chunk: 8, limit: 0)
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
