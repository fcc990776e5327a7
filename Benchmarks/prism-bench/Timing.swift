/// How long something took.
struct Timing {
  /// Seconds a call, one entry a sample, in increasing order.
  let samples: [Double]

  init(_ samples: [Double]) {
    self.samples = samples.sorted()
  }

  var median: Double {
    let middle = samples.count / 2
    if samples.isEmpty { return .nan }
    return samples.count % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2
  }

  var least: Double { samples.first ?? .nan }
}

/// How much time is spent on each case.
enum Effort {
  /// Half a second.
  case normal
  /// A twentieth of a second, to see that everything works.
  case quick
  /// One call without warm-up, for counting instructions.
  case once

  private var seconds: Double {
    switch self {
    case .normal: 0.5
    case .quick: 0.05
    case .once: 0
    }
  }

  private var fewest: Int { if case .normal = self { 5 } else { 3 } }

  /// Calls a closure until the time is spent.
  ///
  /// Short calls are timed many at a time, so that a sample is never shorter than 50 µs.
  func measure(_ body: @escaping () throws -> Void) rethrows -> Timing {
    if case .once = self {
      return Timing([try measuredOnce(body)])
    }
    // Warm-up: a tenth of the time, at least one call.
    var calls = 0
    let clock = ContinuousClock()
    let start = clock.now
    var spent = 0.0
    repeat {
      try body()
      calls += 1
      spent = (clock.now - start) / .seconds(1)
    } while spent < seconds / 10
    let group = max(1, Int((50e-6 / (spent / Double(calls))).rounded(.up)))

    var samples: [Double] = []
    var total = 0.0
    while total < seconds && samples.count < 2000 || samples.count < fewest {
      let sample = try time { for _ in 0..<group { try body() } }
      samples.append(sample / Double(group))
      total += sample
    }
    return Timing(samples)
  }

  private func measuredOnce(_ body: @escaping () throws -> Void) rethrows -> Double {
    var result: Result<Void, any Error> = .success(())
    let seconds = withoutActuallyEscaping({ result = Result(catching: body) }) { body in
      time {
        region = body
        measuredRegion()
        region = nil
      }
    }
    if case .failure = result { try body() }
    return seconds
  }
}

/// What ``measuredRegion()`` calls.
nonisolated(unsafe) private var region: (() -> Void)?

/// Calls the case that is being measured; `Benchmarks/instructions.sh` counts instructions between
/// its begin and end.
@inline(never)
func measuredRegion() { region?() }

/// The seconds that a closure takes.
func time(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  return (clock.now - start) / .seconds(1)
}

/// Uses a value in a way that the compiler cannot see, so that its computation is not left out.
@inline(never)
@_optimize(none)
func sink<Value>(_ value: Value) {}
