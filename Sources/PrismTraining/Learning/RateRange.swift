internal import PrismFiles
public import PrismMedia
public import PrismRuntime
internal import PrismTensor

/// What a learning-rate range test showed: the loss while the rate rises from step to step.
///
/// Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017. The rate that is
/// suggested is the one at which the smoothed loss falls fastest.
public struct RateRange: Sendable, Equatable, Codable {
  /// One step.
  public struct Point: Sendable, Equatable, Codable {
    /// The rate.
    public let rate: Double
    /// The loss of the step's batch.
    public let loss: Double
    /// The loss of this step and those before, the later the heavier.
    public let smoothed: Double
  }

  /// The steps that were made; they end where the loss is four times its lowest.
  public let points: [Point]

  /// The rate at which the smoothed loss falls fastest; `nil` where it never falls.
  public var suggestion: Double? {
    var best: (slope: Double, rate: Double)?
    let lowest = points.indices.min { points[$0].smoothed < points[$1].smoothed } ?? 0
    let width = max(1, points.count / 20)
    for i in points.indices where i >= width && i + width < points.count && i <= lowest {
      let slope = points[i + width].smoothed - points[i - width].smoothed
      if slope < best?.slope ?? 0 { best = (slope, points[i].rate) }
    }
    return best?.rate
  }

  /// A table with a header and a line a step.
  public var csv: String {
    "rate,loss,smoothed_loss\n"
      + points.map { "\($0.rate),\($0.loss),\($0.smoothed)\n" }.joined()
  }

  /// The losses over the logarithm of the rate as a picture.
  ///
  /// - Throws: `ImageError.noMemory`.
  public func rendered(title: String) throws(ImageError) -> Image {
    func series(_ name: String, _ value: (Point) -> Double) -> Chart.Series {
      Chart.Series(
        name: name, points: points.map { (logarithm($0.rate) / logarithm(10), value($0)) })
    }
    let top = (points.first?.smoothed ?? 1) * 2
    let marks = suggestion.map { [(x: logarithm($0) / logarithm(10), name: "suggested")] } ?? []
    return try Chart(
      title: title,
      panels: [
        Chart.Panel(
          title: "Loss by learning rate", xLabel: "logarithm of the rate to base 10",
          yLabel: "cross-entropy",
          contents: .curves(
            [
              series("of a step") { min($0.loss, top) },
              series("smoothed") { min($0.smoothed, top) },
            ],
            x: nil, y: 0...max(top, 1e-6), marks: marks))
      ]
    ).rendered()
  }
}

extension Trainer {
  /// Trains the head with a rate that rises from step to step, and keeps nothing of it.
  ///
  /// - Parameters:
  ///   - range: The first rate and the last.
  ///   - steps: How many steps there are between them.
  ///   - work: Is told of samples that went through the network; ends where its task is cancelled.
  /// - Returns: The loss of every step.
  /// - Throws: What the loader throws, `CancellationError`.
  public func rateRange(
    _ range: ClosedRange<Double> = 1e-6...1, steps: Int = 100, work: Work = .unwatched
  ) throws -> RateRange {
    var learner = try Learner(
      network, parameters: startingTensors, trained: headNames, objective: objective)
    var optimizer = Optimizer(
      options.method, rate: range.lowerBound, decay: options.weightDecay)
    let features = Features(self, learner)
    var random = SeededRandom(seed: CounterRandom(seed: options.seed).bits(0))
    var order: [Int] = []
    while order.count < steps * options.batch {
      order += training.indices.shuffled(using: &random)
    }
    let samples = order.prefix(steps * options.batch).map { training[$0] }
    let known = try cachedFeatures(features, samples: samples.count, work)
    let stream = known == nil ? features.stream(of: samples, epochSeed: 0) : nil
    defer { stream?.stop() }
    work.plan(samples.count)
    let growth = logarithm(range.upperBound / range.lowerBound) / Double(max(steps - 1, 1))
    var (points, mean): ([RateRange.Point], Double) = ([], 0)
    for step in 0..<steps {
      let chosen = (step * options.batch)..<((step + 1) * options.batch)
      let inputs =
        try stream?.next(chosen.count) ?? order[chosen].compactMap { known?[$0] }
      optimizer.rate = range.lowerBound * exponential(Double(step) * growth)
      let loss = try learner.step(
        features: inputs, truths: samples[chosen].map(\.truth), optimizer: &optimizer,
        seed: CounterRandom(seed: options.seed).bits(step))
      guard loss.isFinite else { break }
      // The mean of exponentially falling weights, without the pull of its first value.
      mean = 0.9 * mean + 0.1 * loss
      let smoothed = mean / (1 - exponential(Double(step + 1) * logarithm(0.9)))
      points.append(.init(rate: optimizer.rate, loss: loss, smoothed: smoothed))
      try work.did(chosen.count)
      if let lowest = points.map(\.smoothed).min(), smoothed > 4 * lowest, step > 10 { break }
    }
    return RateRange(points: points)
  }

  /// The features of all samples, where they fit into memory and cost no more than computing them
  /// as they come.
  private func cachedFeatures(
    _ features: Features, samples: Int, _ work: Work
  ) throws -> [Tensor]? {
    guard options.augmentation == nil, training.count <= samples,
      features.canCache(training.count)
    else { return nil }
    work.plan(training.count)
    return try features.all(of: training, work: work) { _ in }
  }
}
