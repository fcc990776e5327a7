import PrismAutodiff
import PrismOperationCases
import PrismTensor
import PrismTestSupport
import Testing

@Suite("window and reach")
struct ReachTests {
  /// A random window over a random image, the same at every call with one seed.
  struct Example {
    let window: SlidingWindow
    let height, width: Int
    let output: Shape

    init?(seed: UInt64) {
      var random = SeededRandom(seed: seed)
      func axis() -> SlidingWindow.Axis {
        SlidingWindow.Axis(
          kernel: .random(in: 1...5, using: &random), stride: .random(in: 1...4, using: &random),
          before: .random(in: 0...3, using: &random), after: .random(in: 0...3, using: &random),
          dilation: .random(in: 1...2, using: &random))
      }
      window = SlidingWindow(vertical: axis(), horizontal: axis())
      height = .random(in: 1...9, using: &random)
      width = .random(in: 1...9, using: &random)
      guard let shape = window.outputShape([1, height, width, 1], channels: 1) else { return nil }
      output = shape
    }

    /// Positive weights, so that no two contributions cancel.
    var weight: Tensor {
      Tensor([1, 1, window.vertical.kernel, window.horizontal.kernel], repeating: 1)
    }
    var convolution: Convolution { Convolution(window: window) }
    var reach: Reach { .window(window) }
    var isDilated: Bool { window.vertical.dilation > 1 || window.horizontal.dilation > 1 }
    var hasGaps: Bool {
      window.vertical.stride > window.vertical.kernel
        || window.horizontal.stride > window.horizontal.kernel
    }
  }

  @Test("what a change alters is exact against the convolution")
  func altered() {
    var (checked, exact) = (0, 0)
    for seed in 0..<400 as Range<UInt64> {
      guard let example = Example(seed: seed) else { continue }
      var random = SeededRandom(seed: seed + 1000)
      let before = Tensor([1, example.height, example.width, 1])
      for _ in 0..<4 {
        let changed = rectangle(example.height, example.width, &random)
        var after = before
        for y in changed.rows { for x in changed.columns { after[0, y, x, 0] = 1 } }
        let difference = example.convolution.forward([after, example.weight])
        let expected = bounds(difference)
        let actual = example.reach.altered(
          by: changed, height: example.output[1], width: example.output[2])
        checked += 1
        if example.isDilated {
          #expect(contains(actual, expected), "seed \(seed): \(actual) misses \(expected)")
        } else {
          exact += 1
          #expect(same(actual, expected), "seed \(seed): \(actual) is not \(expected)")
        }
      }
    }
    #expect(checked > 800 && exact > 150)
  }

  @Test("what an output needs is exact against the convolution")
  func needed() {
    var (checked, exact) = (0, 0)
    for seed in 0..<400 as Range<UInt64> {
      guard let example = Example(seed: seed) else { continue }
      var random = SeededRandom(seed: seed + 2000)
      let image = Tensor([1, example.height, example.width, 1])
      let output = example.convolution.forward([image, example.weight])
      for _ in 0..<4 {
        let wanted = rectangle(example.output[1], example.output[2], &random)
        var cotangent = Tensor(example.output)
        for y in wanted.rows { for x in wanted.columns { cotangent[0, y, x, 0] = 1 } }
        let read = example.convolution.pullback(
          cotangent, inputs: [image, example.weight], output: output, wanted: [true, false])[0]
        let expected = bounds(read ?? Tensor([1, 1, 1, 1]))
        let actual = example.reach.needed(for: wanted, height: example.height, width: example.width)
        checked += 1
        if example.isDilated || example.hasGaps {
          #expect(contains(actual, expected), "seed \(seed): \(actual) misses \(expected)")
        } else {
          exact += 1
          #expect(same(actual, expected), "seed \(seed): \(actual) is not \(expected)")
        }
      }
    }
    #expect(checked > 800 && exact > 80)
  }

  @Test(
    "every operation's reach contains what a changed pixel changes", arguments: OperationCase.all)
  func everyOperation(_ operation: OperationCase) throws {
    let inputs = operation.makeInputs()
    let output = operation.primitive.forward(inputs)
    guard output.shape.rank == 4 else { return }
    for (index, input) in inputs.enumerated() where input.shape.rank == 4 {
      // Only the first input of a windowed operation is an image.
      if index > 0, case .window = operation.primitive.reach { continue }
      if index > 0, operation.primitive is Convolution { continue }
      if index > 0, operation.primitive is DepthwiseConvolution { continue }
      for y in 0..<input.shape[1] {
        for x in 0..<input.shape[2] {
          var changed = inputs
          for c in 0..<input.shape[3] { changed[index][0, y, x, c] += 20 }
          let actual = operation.primitive.reach.altered(
            by: Rectangle(rows: y..<y + 1, columns: x..<x + 1), of: input.shape, in: output.shape)
          let after = operation.primitive.forward(changed)
          let expected = bounds(after.zip(output) { $0 == $1 ? 0 : 1 })
          #expect(
            contains(actual, expected),
            "\(operation), input \(index) at \(y), \(x): \(actual) misses \(expected)")
        }
      }
    }
  }

  @Test("nothing changed alters nothing, nothing wanted needs nothing")
  func empty() {
    let window = SlidingWindow(
      vertical: SlidingWindow.Axis(kernel: 3), horizontal: SlidingWindow.Axis(kernel: 3))
    let nothing = Rectangle(rows: 2..<2, columns: 1..<1)
    #expect(isEmpty(Reach.window(window).altered(by: nothing, height: 5, width: 5)))
    #expect(isEmpty(Reach.window(window).needed(for: nothing, height: 5, width: 5)))
  }

  @Test("padding `same` is TensorFlow's rule")
  func same() {
    for size in 1...20 {
      for kernel in 1...7 {
        for stride in 1...5 {
          for dilation in 1...3 {
            let window = Padding.same.window(
              kernel: (kernel, kernel), stride: (stride, stride), dilation: (dilation, dilation),
              height: size, width: size + 1)
            for (axis, count) in [(window.vertical, size), (window.horizontal, size + 1)] {
              // As TensorFlow's documentation words it, by the remainder of the division.
              let effective = (kernel - 1) * dilation + 1
              let remainder = count % stride
              let total = max(effective - (remainder == 0 ? stride : remainder), 0)
              #expect(axis.before == total / 2)
              #expect(axis.after == total - total / 2)
              let outputs = Int((Double(count) / Double(stride)).rounded(.up))
              #expect(axis.outputs(count) == outputs)
            }
          }
        }
      }
    }
  }

  @Test("a window that makes no sense has no output and traps nowhere")
  func senseless() {
    let bad = [
      SlidingWindow.Axis(kernel: 0), SlidingWindow.Axis(kernel: -1),
      SlidingWindow.Axis(kernel: 3, stride: 0),
      SlidingWindow.Axis(kernel: 3, before: -1), SlidingWindow.Axis(kernel: 3, after: -1),
      SlidingWindow.Axis(kernel: 3, dilation: 0), SlidingWindow.Axis(kernel: .max, dilation: .max),
      SlidingWindow.Axis(kernel: 3, before: .max, after: .max), SlidingWindow.Axis(kernel: 9),
    ]
    let good = SlidingWindow.Axis(kernel: 1)
    for axis in bad {
      let image: Shape = [1, 8, 8, 1]
      #expect(
        SlidingWindow(vertical: axis, horizontal: good).outputShape(image, channels: 1) == nil)
      #expect(
        SlidingWindow(vertical: good, horizontal: axis).outputShape(image, channels: 1) == nil)
    }
    for stride in [0, -1, .max] {
      #expect(throws: ShapeError.self) {
        try Recording(input: [1, 8, 8, 1]) { x in
          x.convolution(
            x.parameter(Tensor([1, 1, 3, 3]), named: "w"), stride: stride, padding: .same,
            dilation: stride)
        }
      }
    }
  }

  private func rectangle(_ height: Int, _ width: Int, _ random: inout SeededRandom) -> Rectangle {
    let (top, left) = (
      Int.random(in: 0..<height, using: &random), Int.random(in: 0..<width, using: &random)
    )
    return Rectangle(
      rows: top..<Int.random(in: top + 1...height, using: &random),
      columns: left..<Int.random(in: left + 1...width, using: &random))
  }

  /// The smallest rectangle around what is not zero, of all images and channels.
  private func bounds(_ tensor: Tensor) -> Rectangle {
    var (rows, columns) = (Set<Int>(), Set<Int>())
    for n in 0..<tensor.shape[0] {
      for y in 0..<tensor.shape[1] {
        for x in 0..<tensor.shape[2] {
          for c in 0..<tensor.shape[3] where tensor[n, y, x, c] != 0 {
            rows.insert(y)
            columns.insert(x)
          }
        }
      }
    }
    guard let top = rows.min(), let bottom = rows.max(), let left = columns.min(),
      let right = columns.max()
    else { return Rectangle(rows: 0..<0, columns: 0..<0) }
    return Rectangle(rows: top..<bottom + 1, columns: left..<right + 1)
  }

  private func isEmpty(_ rectangle: Rectangle) -> Bool {
    rectangle.rows.isEmpty || rectangle.columns.isEmpty
  }

  private func same(_ a: Rectangle, _ b: Rectangle) -> Bool {
    a == b || (isEmpty(a) && isEmpty(b))
  }

  private func contains(_ outer: Rectangle, _ inner: Rectangle) -> Bool {
    isEmpty(inner)
      || (outer.rows.contains(inner.rows) && outer.columns.contains(inner.columns))
  }
}
