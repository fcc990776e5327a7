internal import PrismKernels
public import PrismTensor

/// Moves parameters against their gradients.
///
/// Weight decay is decoupled from the gradient (Loshchilov and Hutter, "Decoupled Weight Decay
/// Regularization", ICLR 2019): before its step a weight is multiplied by `1 − rate · decay`.
/// Biases and normalisations, which have one axis, do not decay.
public struct Optimizer: Sendable {
  /// The rule of a step.
  public enum Method: Sendable, Equatable, Codable {
    /// Kingma and Ba, "Adam", ICLR 2015, as `torch.optim.AdamW` computes it.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
    /// Gradient descent with a velocity `v ← momentum · v + g`, as `torch.optim.SGD` computes it.
    case sgd(momentum: Double = 0.9)
  }

  /// The rule of a step.
  public let method: Method
  /// The learning rate.
  public var rate: Double
  /// The weight decay λ.
  public let decay: Double
  /// The number of steps that were made.
  public private(set) var steps: Int
  /// The mean of the gradients (the velocity for ``Method/sgd(momentum:)``), by parameter.
  public private(set) var first: [String: Tensor]
  /// The mean of the squared gradients, by parameter; empty for ``Method/sgd(momentum:)``.
  public private(set) var second: [String: Tensor]

  /// Makes an optimiser, from its beginning or from a state that was saved.
  public init(
    _ method: Method = .adam(), rate: Double, decay: Double = 0, steps: Int = 0,
    first: [String: Tensor] = [:], second: [String: Tensor] = [:]
  ) {
    self.method = method
    self.rate = rate
    self.decay = decay
    self.steps = steps
    self.first = first
    self.second = second
  }

  /// Makes one step.
  ///
  /// - Parameters:
  ///   - parameters: Changed where there is a gradient.
  ///   - gradients: By the names of parameters, in their shapes.
  public mutating func update(
    _ parameters: inout [String: Tensor], gradients: [String: Tensor]
  ) {
    steps += 1
    for name in gradients.keys.sorted() {
      guard let gradient = gradients[name], var parameter = parameters.removeValue(forKey: name)
      else { continue }
      let keep = parameter.shape.rank > 1 ? Float(1 - rate * decay) : 1
      var moment = first.removeValue(forKey: name) ?? Tensor(parameter.shape)
      switch method {
      case .adam(let beta1, let beta2, let epsilon):
        var square = second.removeValue(forKey: name) ?? Tensor(parameter.shape)
        let size = Float(rate / (1 - power(beta1, Double(steps))))
        let root = Float((1 - power(beta2, Double(steps))).squareRoot())
        let rule = AdamRule(
          rate: size, keep: keep, mean: (Float(beta1), Float(1 - beta1)),
          square: (Float(beta2), Float(1 - beta2)), root: root, tiny: Float(epsilon))
        gradient.withUnsafePointer { g in
          parameter.withUnsafeMutablePointer { p in
            moment.withUnsafeMutablePointer { m in
              square.withUnsafeMutablePointer { v in
                Self.inParts(gradient.count) { rule.move(p, mean: m, square: v, gradient: g, $0) }
              }
            }
          }
        }
        second[name] = square
      case .sgd(let momentum):
        let (mu, size) = (Float(momentum), Float(rate))
        gradient.withUnsafeBufferPointer { g in
          parameter.withUnsafeMutableBufferPointer { p in
            moment.withUnsafeMutableBufferPointer { m in
              Self.inParts(g.count) { range in
                for i in range {
                  m[i] = mu * m[i] + g[i]
                  p[i] = keep * p[i] - size * m[i]
                }
              }
            }
          }
        }
      }
      first[name] = moment
      parameters[name] = parameter
    }
  }

  /// Divides the numbers of a tensor among the threads, where there are many.
  private static func inParts(_ count: Int, _ body: (Range<Int>) -> Void) {
    let parts = count / (1 << 14)
    guard parts > 1 else { return body(0..<count) }
    Workers.pool.run(tasks: parts) { part, _ in
      body(count * part / parts..<count * (part + 1) / parts)
    }
  }
}

/// Adam's step with the numbers that are the same for all elements.
private struct AdamRule {
  private typealias Vector = SIMD8<Float>

  let rate: Float
  /// What decay leaves of an element.
  let keep: Float
  /// The factors of what the mean was, and of the gradient.
  let mean: (old: Float, new: Float)
  /// The same of the mean of squares.
  let square: (old: Float, new: Float)
  /// By what the root of the mean of squares is divided.
  let root: Float
  /// What is added to it.
  let tiny: Float

  /// Moves some elements of a parameter and of the means of its gradient.
  func move(
    _ p: UnsafeMutablePointer<Float>, mean m: UnsafeMutablePointer<Float>,
    square v: UnsafeMutablePointer<Float>, gradient g: UnsafePointer<Float>, _ range: Range<Int>
  ) {
    var i = range.lowerBound
    while i + Vector.scalarCount <= range.upperBound {
      let d = Self.load(g + i)
      let a = mean.old * Self.load(m + i) + mean.new * d
      let b = square.old * Self.load(v + i) + square.new * (d * d)
      Self.store(a, m + i)
      Self.store(b, v + i)
      Self.store(keep * Self.load(p + i) - rate * (a / (b.squareRoot() / root + tiny)), p + i)
      i += Vector.scalarCount
    }
    while i < range.upperBound {
      m[i] = mean.old * m[i] + mean.new * g[i]
      v[i] = square.old * v[i] + square.new * (g[i] * g[i])
      p[i] = keep * p[i] - rate * (m[i] / (v[i].squareRoot() / root + tiny))
      i += 1
    }
  }

  private static func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
  }

  private static func store(_ vector: Vector, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
  }
}
