// Element-wise operations and reductions. Reductions add up in row-major order, in Double, so that
// a result depends on nothing but the elements.

extension Tensor {
  /// A tensor of the same shape with a function applied to every element.
  @inlinable
  public func map(_ transform: (Float) throws -> Float) rethrows -> Tensor {
    try withUnsafeBufferPointer { source throws in
      try Tensor(shape) { target in
        for i in 0..<source.count { target[i] = try transform(source[i]) }
      }
    }
  }

  /// A tensor of the same shape with a function applied to the elements of two tensors.
  ///
  /// - Precondition: Both tensors have one shape.
  @inlinable
  public func zip(_ other: Tensor, _ transform: (Float, Float) throws -> Float) rethrows -> Tensor {
    precondition(shape == other.shape, "shapes \(shape) and \(other.shape) differ")
    return try withUnsafeBufferPointer { x throws in
      try other.withUnsafeBufferPointer { y throws in
        try Tensor(shape) { target in
          for i in 0..<x.count { target[i] = try transform(x[i], y[i]) }
        }
      }
    }
  }

  /// The element-wise sum of two tensors of one shape.
  public static func + (a: Tensor, b: Tensor) -> Tensor { a.zip(b) { $0 + $1 } }

  /// The element-wise difference of two tensors of one shape.
  public static func - (a: Tensor, b: Tensor) -> Tensor { a.zip(b) { $0 - $1 } }

  /// The element-wise product of two tensors of one shape.
  public static func * (a: Tensor, b: Tensor) -> Tensor { a.zip(b) { $0 * $1 } }

  /// The product of every element with one factor.
  public static func * (a: Tensor, factor: Float) -> Tensor { a.map { $0 * factor } }

  /// Adds another tensor of the same shape to this one, in place.
  public static func += (a: inout Tensor, b: Tensor) {
    precondition(a.shape == b.shape, "shapes \(a.shape) and \(b.shape) differ")
    b.withUnsafeBufferPointer { source in
      a.withUnsafeMutableBufferPointer { target in
        for i in 0..<source.count { target[i] += source[i] }
      }
    }
  }

  /// The sum of all elements.
  public var sum: Double {
    withUnsafeBufferPointer { $0.reduce(0.0) { $0 + Double($1) } }
  }

  /// The sum of the products of corresponding elements of two tensors of one shape.
  public func dot(_ other: Tensor) -> Double {
    precondition(shape == other.shape, "shapes \(shape) and \(other.shape) differ")
    return withUnsafeBufferPointer { x in
      other.withUnsafeBufferPointer { y in
        var total = 0.0
        for i in 0..<x.count { total += Double(x[i]) * Double(y[i]) }
        return total
      }
    }
  }

  /// The smallest element; NaN where any element is NaN, `+infinity` for an empty tensor.
  public var minimum: Float {
    withUnsafeBufferPointer { $0.reduce(.infinity) { $0 < $1 || $0.isNaN ? $0 : $1 } }
  }

  /// The largest element; NaN where any element is NaN, `-infinity` for an empty tensor.
  public var maximum: Float {
    withUnsafeBufferPointer { $0.reduce(-.infinity) { $0 > $1 || $0.isNaN ? $0 : $1 } }
  }

  /// The row-major index of the first largest element, or `nil` where none is a number.
  public var indexOfMaximum: Int? {
    withUnsafeBufferPointer { source in
      var best: Int?
      for i in 0..<source.count where !source[i].isNaN {
        if let index = best, source[index] >= source[i] { continue }
        best = i
      }
      return best
    }
  }

  /// Whether every element is zero.
  public var isZero: Bool {
    withUnsafeBufferPointer { $0.allSatisfy { $0 == 0 } }
  }

  /// Whether no element is infinite or NaN.
  public var isFinite: Bool {
    withUnsafePointer { source in
      // x − x is zero, or NaN where x is not finite.
      var differences = SIMD8<Float>(repeating: 0)
      var i = 0
      while i &+ 8 <= count {
        let x = UnsafeRawPointer(source + i).loadUnaligned(as: SIMD8<Float>.self)
        differences += x - x
        i &+= 8
      }
      return differences == .zero && (i..<count).allSatisfy { source[$0].isFinite }
    }
  }
}
