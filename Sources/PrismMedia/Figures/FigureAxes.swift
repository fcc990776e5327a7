/// What the axes of a spectrogram show.
public struct FigureAxes: Sendable, Equatable, Codable {
  /// What the horizontal axis shows, in seconds.
  public var times: ClosedRange<Double>
  /// The frequencies in Hz at the lower edge of the picture and at every row's upper edge,
  /// ascending; at least two.
  public var frequencies: [Double]
  /// Where the sound is, in seconds: where marks stand.
  public var sound: ClosedRange<Double>

  /// Makes axes.
  ///
  /// - Parameters:
  ///   - times: The times at the left and the right edge, in seconds.
  ///   - frequencies: In Hz, ascending.
  ///   - sound: Where the sound is, in seconds; `nil` for everywhere.
  public init(
    times: ClosedRange<Double>, frequencies: [Double], sound: ClosedRange<Double>? = nil
  ) {
    self.times = times
    self.frequencies = frequencies
    self.sound = sound ?? times
  }

  /// Whether positions can be found.
  var isUsable: Bool { frequencies.count > 1 }

  /// The place of a time, from 0 at the left edge to 1 at the right.
  func position(ofTime time: Double) -> Double {
    let share = (time - times.lowerBound) / max(times.upperBound - times.lowerBound, 1e-9)
    return min(max(share, 0), 1)
  }

  /// The height of a frequency above the lower edge, from 0 to 1.
  func position(ofFrequency frequency: Double) -> Double {
    guard isUsable, let upper = frequencies.firstIndex(where: { $0 >= frequency }) else {
      return 1
    }
    guard upper > 0 else { return 0 }
    let (low, high) = (frequencies[upper - 1], frequencies[upper])
    return (Double(upper - 1) + (frequency - low) / max(high - low, 1e-9))
      / Double(frequencies.count - 1)
  }

  /// Frequencies that are easily read.
  private static let round: [Double] = [
    0, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 4000, 6000, 8000, 11000, 16000, 22000,
    32000, 48000, 96000,
  ]

  /// The names of the axes.
  static let timeTitle = "time (s)"
  static let frequencyTitle = "frequency (Hz)"

  /// Adds about `count` marks with their numbers below a picture.
  func drawTimes(
    on sheet: inout Sheet, x: Double, y: Double, width: Double, count: Int, size: Double = 12
  ) {
    var free = x - size
    let length = sound.upperBound - sound.lowerBound
    for tick in Ticks(from: sound.lowerBound, to: sound.upperBound, count: count).ticks {
      let at = x + position(ofTime: sound.lowerBound + tick.position * length) * width
      sheet.add { $0.line(from: (at, y), to: (at, y + 5), color: Sheet.grey, thickness: 1) }
      let left = at - sheet.width(of: tick.label, size: size) / 2
      guard left >= free else { continue }
      free = left + sheet.width(of: tick.label, size: size) + 4
      sheet.write(tick.label, x: left, y: y + 7 + size, size: size)
    }
    let titleWidth = sheet.width(of: Self.timeTitle, size: size + 1)
    sheet.write(
      Self.timeTitle, x: x + (width - titleWidth) / 2, y: y + 14 + 2 * size, size: size + 1,
      color: Sheet.grey)
  }

  /// The height that ``drawTimes(on:x:y:width:count:size:)`` needs.
  static func timesHeight(size: Double = 12) -> Double { 20 + 2 * size }

  /// Adds marks, numbers and the axis' name at the left of a picture.
  func drawFrequencies(
    on sheet: inout Sheet, x: Double, y: Double, height: Double, size: Double = 12
  ) {
    guard isUsable else { return }
    let ends = frequencies[0]...max(frequencies[0], frequencies[frequencies.count - 1])
    var free = y + height + size + 8
    for frequency in Self.round where ends.contains(frequency) {
      let at = y + height * (1 - position(ofFrequency: frequency))
      guard at <= free - size - 4 else { continue }
      free = at
      sheet.add { $0.line(from: (x - 5, at), to: (x, at), color: Sheet.grey, thickness: 1) }
      let text = "\(Int(frequency))"
      sheet.write(
        text, x: x - 9 - sheet.width(of: text, size: size), y: at + 0.375 * size, size: size)
    }
    let from = y + (height + sheet.width(of: Self.frequencyTitle, size: size + 1)) / 2
    let base = x - 9 - sheet.width(of: "00000", size: size) - 0.7 * size
    sheet.add {
      $0.writeUpwards(Self.frequencyTitle, x: base, y: from, size: size + 1, color: Sheet.grey)
    }
  }

  /// The room that ``drawFrequencies(on:x:y:height:size:)`` needs at the left.
  static func frequenciesWidth(size: Double = 12) -> Double { 9 + 5.2 * size }
}
