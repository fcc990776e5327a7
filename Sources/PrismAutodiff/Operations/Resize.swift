public import PrismTensor

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// An image at another size: `[N, H, W, C]` to `[N, height, width, C]`.
///
/// Same definition as ONNX' `Resize` and torch's `interpolate`, without antialiasing.
public struct Resize: Primitive {
  /// What a new pixel is made of.
  public enum Method: String, Sendable, CaseIterable {
    /// One pixel.
    case nearest
    /// The four pixels around it.
    case bilinear
  }

  /// Where new pixels lie among the old ones.
  public enum Coordinates: String, Sendable, CaseIterable {
    /// Pixels have their centres at halves, `(i + ½) · H / height − ½`.
    case halfPixel = "half_pixel"
    /// `i · H / height`.
    case asymmetric
    /// The first on the first and the last on the last.
    case alignCorners = "align_corners"
  }

  /// Which pixel is the nearest.
  public enum Rounding: String, Sendable, CaseIterable {
    /// The one at or before the place.
    case floor
    /// The nearest; the one before where two are.
    case roundPreferFloor = "round_prefer_floor"
  }

  /// The rows of the output.
  public let height: Int
  /// The columns of the output.
  public let width: Int
  /// What a new pixel is made of.
  public let method: Method
  /// Where new pixels lie among the old ones.
  public let coordinates: Coordinates
  /// Which pixel is the nearest.
  public let rounding: Rounding

  /// Makes the operation.
  public init(
    height: Int, width: Int, method: Method, coordinates: Coordinates = .halfPixel,
    rounding: Rounding = .floor
  ) {
    self.height = height
    self.width = width
    self.method = method
    self.coordinates = coordinates
    self.rounding = rounding
  }

  public var name: String { "resize" }

  public var nature: Nature { .linear }

  public var reach: Reach { .everywhere }

  public func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
    try expect(1...1, inputs)
    try expect(rank: 4, ofInput: 0, inputs)
    let shape: Shape = [inputs[0][0], height, width, inputs[0][3]]
    guard shape.isValid else {
      throw ShapeError(name, inputs, "the output needs at least one row and one column")
    }
    return shape
  }

  public func flops(_ inputs: [Shape], output: Shape) -> Int {
    method == .nearest ? 0 : 8 * output.count
  }

  public func forward(_ inputs: [Tensor]) -> Tensor {
    let shape = inputs[0].shape
    let channels = shape[3]
    return inputs[0].withUnsafePointer { x in
      var y = Tensor([shape[0], height, width, channels])
      y.withUnsafeMutablePointer { y in
        forEachShare(shape) { from, to, share in
          let (x, y) = (x + from * channels, y + to * channels)
          for c in 0..<channels { y[c] += x[c] * share }
        }
      }
      return y
    }
  }

  public func pullback(
    _ cotangent: Tensor, inputs: [Tensor], output: Tensor, wanted: [Bool]
  ) -> [Tensor?] {
    let shape = inputs[0].shape
    let channels = shape[3]
    var dx = Tensor(shape)
    dx.withUnsafeMutablePointer { dx in
      cotangent.withUnsafePointer { dy in
        forEachShare(shape) { from, to, share in
          let (dx, dy) = (dx + from * channels, dy + to * channels)
          for c in 0..<channels { dx[c] += dy[c] * share }
        }
      }
    }
    return [dx]
  }

  /// Calls a closure with every pixel of the input that a pixel of the output is made of, and its
  /// share.
  ///
  /// - Parameters:
  ///   - shape: The shape of the input, `[N, H, W, C]`.
  ///   - rows: The rows of the output; all of them unless stated.
  ///   - body: Is told the index of an input's pixel, that of the output's, and the share; an output's
  ///     pixels come one after the other.
  package func forEachShare(
    _ shape: Shape, rows: Range<Int>? = nil,
    _ body: (_ from: Int, _ to: Int, _ share: Float) -> Void
  ) {
    let above = (0..<height).map { neighbours($0, of: height, from: shape[1]) }
    let beside = (0..<width).map { neighbours($0, of: width, from: shape[2]) }
    for n in 0..<shape[0] {
      for y in rows ?? 0..<height {
        for x in 0..<width {
          let to = (n * height + y) * width + x
          for row in above[y] {
            for column in beside[x] {
              body(
                (n * shape[1] + row.index) * shape[2] + column.index, to, row.share * column.share)
            }
          }
        }
      }
    }
  }

  /// What an element along one axis is made of.
  private func neighbours(
    _ i: Int, of count: Int, from extent: Int
  ) -> [(index: Int, share: Float)] {
    let scale = Float(extent) / Float(count)
    let place: Float =
      switch coordinates {
      case .halfPixel: (Float(i) + 0.5) * scale - 0.5
      case .asymmetric: Float(i) * scale
      case .alignCorners: count > 1 ? Float(i * (extent - 1)) / Float(count - 1) : 0
      }
    let held = min(max(place, 0), Float(extent - 1))
    switch method {
    case .nearest:
      let nearest = rounding == .floor ? held.rounded(.down) : (held - 0.5).rounded(.up)
      return [(min(max(Int(nearest), 0), extent - 1), 1)]
    case .bilinear:
      let index = min(Int(held), extent - 1)
      let share = held - Float(index)
      guard share > 0 else { return [(index, 1)] }
      return [(index, 1 - share), (min(index + 1, extent - 1), share)]
    }
  }
}

extension Value {
  /// Records an image at another size.
  ///
  /// - Parameters:
  ///   - height: The rows of the output.
  ///   - width: The columns of the output.
  ///   - method: What a new pixel is made of.
  ///   - coordinates: Where new pixels lie among the old ones.
  ///   - rounding: Which pixel is the nearest.
  /// - Returns: `[N, height, width, C]`.
  public func resized(
    height: Int, width: Int, method: Resize.Method, coordinates: Resize.Coordinates = .halfPixel,
    rounding: Resize.Rounding = .floor
  ) -> Value {
    applying(
      Resize(
        height: height, width: width, method: method, coordinates: coordinates,
        rounding: rounding))
  }
}
