internal import Prism

/// A part of a sound in time and frequency that is known to hold what a label is about.
struct SoundPassage: Sendable, Equatable {
  /// In seconds from the start of the sound.
  let times: ClosedRange<Double>
  /// In hertz; `nil` for all.
  let frequencies: ClosedRange<Double>?

  /// The numbers as text, for digests.
  var text: String {
    "\(times.lowerBound)-\(times.upperBound)@"
      + (frequencies.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "")
  }

  /// Where a table has parts of sounds.
  struct Columns {
    private let start, end: Int
    private let low, high: Int?

    /// Finds the columns; `nil` where the table has none.
    init?(_ reader: CSVReader) {
      guard let start = reader.column("start", "begin"), let end = reader.column("end") else {
        return nil
      }
      (self.start, self.end) = (start, end)
      (low, high) = (reader.column("low"), reader.column("high"))
    }

    /// The part in a row.
    ///
    /// - Throws: `FileError.malformed` where the cells are no numbers, or not in their order.
    func passage(_ row: CSVReader.Row, of table: String) throws -> SoundPassage {
      func range(_ lower: Int, _ upper: Int, _ name: String) throws -> ClosedRange<Double> {
        guard let first = Double(try row.text(lower).trimmed),
          let last = Double(try row.text(upper).trimmed), first.isFinite, last.isFinite,
          first >= 0, first <= last
        else {
          throw FileError.malformed(
            table, reason: "line \(row.line): the \(name) are no two numbers, the smaller first")
        }
        return first...last
      }
      var frequencies: ClosedRange<Double>?
      if let low, let high, !(try row.text(low).trimmed.isEmpty) {
        frequencies = try range(low, high, "hertz in low and high")
      }
      return SoundPassage(
        times: try range(start, end, "seconds in start and end"), frequencies: frequencies)
    }
  }

  /// Where parts of a sound are in a view of it, low frequencies at the bottom.
  ///
  /// A place belongs to a part that it touches; what a short sound repeats is right in every
  /// repetition.
  ///
  /// - Parameters:
  ///   - passages: The parts.
  ///   - height: The rows.
  ///   - width: The columns.
  ///   - rule: How the sound becomes a picture.
  ///   - times: What of the sound is seen.
  /// - Returns: `[H, W]` of 0 and 1; `nil` where none of it is seen.
  static func region(
    of passages: [SoundPassage], height: Int, width: Int, rule: AudioPreparation,
    times: ClosedRange<Double>
  ) -> Tensor? {
    let length = times.upperBound - times.lowerBound
    guard length > 0 else { return nil }
    let columns = (0..<width).map { x in
      let start = rule.time(at: Double(x) / Double(width))
      let end = rule.time(at: Double(x + 1) / Double(width))
      // A short sound is heard again and again.
      let shift = times.lowerBound - (start / length).rounded(.down) * length
      return (start + shift)...max(start + shift, end + shift)
    }
    let rows = (0..<height).map { y in
      let low = rule.frequency(at: 1 - Double(y + 1) / Double(height))
      return low...max(low, rule.frequency(at: 1 - Double(y) / Double(height)))
    }
    var values = [Float](repeating: 0, count: height * width)
    for passage in passages {
      for x in 0..<width where columns[x].overlaps(passage.times) {
        for y in 0..<height where passage.frequencies.map(rows[y].overlaps) ?? true {
          values[y * width + x] = 1
        }
      }
    }
    return values.contains(1) ? Tensor([height, width], values) : nil
  }
}
