internal import PrismFiles
internal import PrismTensor

/// Reading DICOM: GDCM decompresses, in a process of its own with limits, and Prism reads what it
/// writes.
///
/// What comes out of the file's samples is what DICOM prescribes (PS3.3, C.7.6.3 and C.11): rescale
/// slope and intercept or a modality table, then the window or table of interest that the file has,
/// then, for MONOCHROME1, the inversion. No other element of the file is looked at, so that no name
/// of a patient can reach any output.
enum DICOM {
  /// Decodes a DICOM file of one frame, or one of its frames.
  static func decode(
    _ bytes: [UInt8], name: String, options: PictureOptions
  ) throws(ImageError) -> Image {
    var elements = try DICOMElements(bytes, name: name)
    if !elements.isPlain {
      elements = try DICOMElements(GDCM.decompressed(bytes, name: name), name: name)
    }
    let header = try DICOMHeader(elements, name: name)
    try options.admit(name, width: header.width, height: header.height)
    guard let frame = options.frame ?? (header.frames == 1 ? 1 : nil) else {
      throw .severalFrames(name, count: header.frames)
    }
    guard (1...header.frames).contains(frame) else {
      throw .noFrame(name, frame: frame, count: header.frames)
    }
    let stored = try header.samples(of: elements, frame: frame - 1, name: name)
    return header.isColor
      ? color(stored, header, frame: frame)
      : try grey(stored, header, elements, frame: frame, name: name, options: options)
  }

  private static func notes(_ header: DICOMHeader, frame: Int) -> [String] {
    header.frames > 1 ? ["frame \(frame) of \(header.frames)"] : []
  }

  private static func color(_ stored: [Int32], _ header: DICOMHeader, frame: Int) -> Image {
    let shift = Int32(max(header.bits - 8, 0))
    let count = header.width * header.height
    var pixels = [UInt8](repeating: 0, count: 3 * count)
    for i in 0..<count {
      for c in 0..<3 {
        let at = header.isPlanar ? c * count + i : 3 * i + c
        pixels[3 * i + c] = UInt8(clamping: stored[at] >> shift)
      }
    }
    return Image(
      width: header.width, height: header.height, pixels: pixels, deep: nil,
      origin: PictureOrigin(
        format: PictureFormat.dicom.rawValue, bitDepth: header.bits,
        notes: notes(header, frame: frame)))
  }

  /// Grey samples as 16 bits of tone.
  private static func grey(
    _ stored: [Int32], _ header: DICOMHeader, _ elements: DICOMElements, frame: Int, name: String,
    options: PictureOptions
  ) throws(ImageError) -> Image {
    let modality = DICOMModality(elements, header)
    let values = stored.map(modality.value)
    let interest = try DICOMInterest(
      elements, header, modality, values: values, choice: options.range, name: name)
    var tones = values.map { UInt16((interest.tone($0) * 65535).rounded()) }
    if header.isInverted { for i in tones.indices { tones[i] = 65535 - tones[i] } }
    let deep = DeepSamples(
      channels: 1, values: tones, low: 0, high: 65535,
      meaning: meaning(of: interest.limits, header, modality))
    let inverted = header.isInverted ? ["MONOCHROME1: its smallest sample is white"] : []
    return Image(
      width: header.width, height: header.height, pixels: deep.pixels, deep: deep,
      origin: PictureOrigin(
        format: PictureFormat.dicom.rawValue, bitDepth: header.bits, range: interest.limits,
        notes: notes(header, frame: frame) + inverted + interest.notes))
  }
}

extension DICOM {
  /// What tones between two limits stand for; `nil` where a curve or a table makes them.
  private static func meaning(
    of limits: ClosedRange<Double>?, _ header: DICOMHeader, _ modality: DICOMModality
  ) -> DeepSamples.Meaning? {
    guard let limits else { return nil }
    let ends = (limits.lowerBound, limits.upperBound)
    return DeepSamples.Meaning(
      black: header.isInverted ? ends.1 : ends.0, white: header.isInverted ? ends.0 : ends.1,
      step: modality.step)
  }
}

/// The elements of a data set that lies in explicit little-endian form.
struct DICOMElements {
  /// The elements of the outermost level: the tag, and where its value lies.
  private var places: [UInt32: Range<Int>] = [:]
  /// The value representations.
  private var kinds: [UInt32: String] = [:]
  private let bytes: [UInt8]
  /// The transfer syntax.
  let syntax: String

  /// Uncompressed explicit little endian, which is read as it is.
  var isPlain: Bool { syntax == "1.2.840.10008.1.2.1" }

  init(_ bytes: [UInt8], name: String) throws(ImageError) {
    self.bytes = bytes
    var position = 132
    // The meta information is explicit little endian whatever follows.
    var meta: [UInt32: Range<Int>] = [:]
    while position + 8 <= bytes.count, bytes[position] == 2, bytes[position + 1] == 0 {
      let element = try Self.element(bytes, &position, name: name)
      meta[element.tag] = element.range
    }
    guard let range = meta[0x0002_0010] else {
      throw .corrupt(name, reason: "its transfer syntax is missing")
    }
    syntax = Self.text(bytes[range])
    guard isPlain else { return }
    while position + 8 <= bytes.count {
      let element = try Self.element(bytes, &position, name: name)
      places[element.tag] = element.range
      kinds[element.tag] = element.kind
    }
  }

  /// A short text; no element that is read here needs a long one.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix(1024).filter { $0 != 0 }, as: UTF8.self).trimmed
  }

  private static func long(_ bytes: [UInt8], _ i: Int) -> Int {
    (0..<4).reduce(0) { $0 | Int(bytes[i + $1]) << (8 * $1) }
  }

  /// One element; a sequence is passed over, items and all.
  private static func element(
    _ bytes: [UInt8], _ position: inout Int, name: String
  ) throws(ImageError) -> (tag: UInt32, kind: String, range: Range<Int>) {
    let start = position
    func need(_ count: Int) throws(ImageError) {
      guard count >= 0, count <= bytes.count - position else { throw .truncated(name) }
    }
    try need(8)
    let tag =
      UInt32(bytes[start + 1]) << 24 | UInt32(bytes[start]) << 16 | UInt32(bytes[start + 3]) << 8
      | UInt32(bytes[start + 2])
    let kind = String(decoding: bytes[(start + 4)..<(start + 6)], as: UTF8.self)
    var length: Int
    if ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"].contains(kind)
    {
      try need(12)
      length = long(bytes, start + 8)
      position += 12
    } else {
      length = Int(bytes[start + 6]) | Int(bytes[start + 7]) << 8
      position += 8
    }
    let begin = position
    if length == 0xFFFF_FFFF {
      try skipItems(bytes, &position, name: name, depth: 0)
      length = position - begin
    } else {
      try need(length)
      position += length
    }
    return (tag, kind, begin..<begin + length)
  }

  /// Passes over the items of a sequence without a length, to its end.
  private static func skipItems(
    _ bytes: [UInt8], _ position: inout Int, name: String, depth: Int
  ) throws(ImageError) {
    guard depth < 32 else { throw .corrupt(name, reason: "its sequences are nested too deeply") }
    while true {
      guard position + 8 <= bytes.count else { throw .truncated(name) }
      let (group, number) = (
        Int(bytes[position]) | Int(bytes[position + 1]) << 8,
        Int(bytes[position + 2]) | Int(bytes[position + 3]) << 8
      )
      let length = long(bytes, position + 4)
      position += 8
      if group == 0xFFFE, number == 0xE0DD { return }
      guard group == 0xFFFE, number == 0xE000 else {
        throw .corrupt(name, reason: "a sequence holds something else than items")
      }
      if length != 0xFFFF_FFFF {
        guard length <= bytes.count - position else { throw .truncated(name) }
        position += length
        continue
      }
      // An item without a length: its elements up to the delimiter.
      while true {
        guard position + 8 <= bytes.count else { throw .truncated(name) }
        if bytes[position] == 0xFE, bytes[position + 1] == 0xFF {
          position += 8
          break
        }
        let before = position
        let element = try nested(bytes, &position, name: name, depth: depth + 1)
        guard position > before, element else {
          throw .corrupt(name, reason: "an item of a sequence has no end")
        }
      }
    }
  }

  private static func nested(
    _ bytes: [UInt8], _ position: inout Int, name: String, depth: Int
  ) throws(ImageError) -> Bool {
    guard position + 12 <= bytes.count else { throw .truncated(name) }
    let kind = String(decoding: bytes[(position + 4)..<(position + 6)], as: UTF8.self)
    if kind == "SQ" || kind == "UN", long(bytes, position + 8) == 0xFFFF_FFFF {
      position += 12
      try skipItems(bytes, &position, name: name, depth: depth)
      return true
    }
    _ = try element(bytes, &position, name: name)
    return true
  }

  /// The bytes of an element's value, or `nil` where there is none.
  func value(_ tag: UInt32) -> ArraySlice<UInt8>? { places[tag].map { bytes[$0] } }

  /// The text of an element.
  func text(_ tag: UInt32) -> String? { value(tag).map(Self.text) }

  /// The numbers of an element, written as text (DS, IS) or as 16 bits (US, SS).
  func numbers(_ tag: UInt32) -> [Double] {
    guard let value = value(tag) else { return [] }
    switch kinds[tag] {
    case "US", "SS":
      let isSigned = kinds[tag] == "SS"
      return stride(from: value.startIndex, to: value.endIndex - 1, by: 2).map {
        let word = UInt16(value[$0]) | UInt16(value[$0 + 1]) << 8
        return isSigned ? Double(Int16(bitPattern: word)) : Double(word)
      }
    default:
      return Self.text(value).split(separator: "\\").compactMap { Double(String($0).trimmed) }
    }
  }

  /// The items of a table in a sequence: its descriptor and its data, of the first item.
  func table(_ sequence: UInt32) -> DICOMTable? {
    guard let value = value(sequence), value.count > 8 else { return nil }
    var elements: [UInt32: Range<Int>] = [:]
    var kinds: [UInt32: String] = [:]
    var position = value.startIndex + 8
    while position + 8 <= value.endIndex, bytes[position] != 0xFE,
      let element = try? Self.element(bytes, &position, name: "")
    {
      elements[element.tag] = element.range
      kinds[element.tag] = element.kind
    }
    guard let descriptor = elements[0x0028_3002], descriptor.count >= 6,
      let data = elements[0x0028_3006]
    else { return nil }
    func word(_ i: Int) -> Int { Int(bytes[i]) | Int(bytes[i + 1]) << 8 }
    let count = word(descriptor.lowerBound) == 0 ? 65536 : word(descriptor.lowerBound)
    let first = word(descriptor.lowerBound + 2)
    let bits = word(descriptor.lowerBound + 4)
    let isBytes = data.count == count && bits <= 8
    let entries = (0..<count).compactMap { i -> Int? in
      let at = data.lowerBound + (isBytes ? i : 2 * i)
      guard at + (isBytes ? 0 : 1) < data.upperBound else { return nil }
      return isBytes ? Int(bytes[at]) : word(at)
    }
    guard entries.count == count, (1...16).contains(bits) else { return nil }
    let isSigned = kinds[0x0028_3002] == "SS"
    return DICOMTable(
      first: isSigned ? Int(Int16(truncatingIfNeeded: first)) : first, bits: bits, entries: entries)
  }
}

/// A table of grey values (modality or values of interest).
struct DICOMTable {
  /// The value that the first entry stands for.
  let first: Int
  /// The bits of an entry.
  let bits: Int
  let entries: [Int]

  func callAsFunction(_ value: Double) -> Double {
    let index = min(max(Int(value.rounded(.down)) - first, 0), entries.count - 1)
    return Double(entries[index])
  }
}

/// What the file says about its pixels.
struct DICOMHeader {
  let width, height, frames, bits: Int
  let isSigned, isColor, isInverted, isPlanar: Bool
  private let allocated, highBit: Int

  init(_ elements: DICOMElements, name: String) throws(ImageError) {
    func number(_ tag: UInt32) -> Int? {
      elements.numbers(tag).first.flatMap { Int(exactly: $0) }
    }
    guard let rows = number(0x0028_0010), let columns = number(0x0028_0011), rows > 0, columns > 0,
      let allocated = number(0x0028_0100), let stored = number(0x0028_0101)
    else { throw .corrupt(name, reason: "its size or its depth is missing") }
    let photometric = elements.text(0x0028_0004) ?? ""
    let samples = number(0x0028_0002) ?? 1
    (height, width, bits, self.allocated) = (rows, columns, stored, allocated)
    frames = max(number(0x0028_0008) ?? 1, 1)
    highBit = number(0x0028_0102) ?? stored - 1
    isSigned = number(0x0028_0103) == 1
    isPlanar = number(0x0028_0006) == 1
    isInverted = photometric == "MONOCHROME1"
    isColor = photometric == "RGB"
    guard isColor ? samples == 3 : photometric.hasPrefix("MONOCHROME") && samples == 1 else {
      throw .unsupported(name, reason: "a DICOM picture of the kind \(photometric)")
    }
    guard allocated == 8 || allocated == 16, (1...allocated).contains(stored), highBit < allocated
    else { throw .unsupported(name, reason: "a DICOM picture of \(allocated) bits") }
  }

  /// The samples of a frame as they are stored.
  func samples(
    of elements: DICOMElements, frame: Int, name: String
  ) throws(ImageError) -> [Int32] {
    guard let data = elements.value(0x7FE0_0010) else {
      throw .corrupt(name, reason: "it holds no pixels")
    }
    let count = width * height * (isColor ? 3 : 1)
    let size = count * allocated / 8
    guard data.count >= size * (frame + 1) else { throw .truncated(name) }
    let start = data.startIndex + frame * size
    let (shift, mask) = (Int32(highBit + 1 - bits), Int32(truncatingIfNeeded: 1 << bits - 1))
    let (sign, wide) = (Int32(truncatingIfNeeded: 1 << (bits - 1)), allocated == 16)
    return data.withUnsafeBufferPointer { source in
      let first = start - data.startIndex
      return (0..<count).map { i in
        let word =
          wide
          ? Int32(source[first + 2 * i]) | Int32(source[first + 2 * i + 1]) << 8
          : Int32(source[first + i])
        let value = word >> max(shift, 0) & mask
        return isSigned && value & sign != 0 ? value - mask - 1 : value
      }
    }
  }
}

/// What a stored sample means: rescaled, or through the modality's table.
struct DICOMModality {
  private let slope, intercept: Double
  private let table: DICOMTable?
  private let least, most: Double

  init(_ elements: DICOMElements, _ header: DICOMHeader) {
    table = elements.table(0x0028_3000)
    slope = elements.numbers(0x0028_1053).first ?? 1
    intercept = elements.numbers(0x0028_1052).first ?? 0
    let low = header.isSigned ? -Double(1 << (header.bits - 1)) : 0
    let high = low + Double(1 << header.bits - 1)
    (least, most) = (low, high)
  }

  func value(_ stored: Int32) -> Double {
    table?(Double(stored)) ?? Double(stored) * slope + intercept
  }

  /// How far two neighbouring values are apart; 0 where a table says.
  var step: Double { table == nil ? abs(slope) : 0 }

  /// The values that the depth allows.
  var extent: ClosedRange<Double> {
    if let table { return 0...Double(1 << table.bits - 1) }
    let ends = [least * slope + intercept, most * slope + intercept]
    return min(ends[0], ends[1])...max(ends[0], ends[1])
  }
}

/// Which values are black and white, and what lies between.
struct DICOMInterest {
  private enum Function {
    case linear(ClosedRange<Double>)
    case sigmoid(ToneWindow)
    case table(DICOMTable)
  }

  private let function: Function
  /// What a reader should know.
  let notes: [String]

  /// Chooses what the options, then the file say.
  init(
    _ elements: DICOMElements, _ header: DICOMHeader, _ modality: DICOMModality, values: [Double],
    choice: ToneRange, name: String
  ) throws(ImageError) {
    var notes: [String] = []
    switch choice {
    case .full: function = .linear(modality.extent)
    case .used: function = .linear(Self.used(values))
    case .limits(let low, let high):
      guard low < high, low.isFinite, high.isFinite else {
        throw .unsupported(name, reason: "a range from \(low) to \(high)")
      }
      function = .linear(low...high)
    case .window(let center, let width):
      guard width > 1, width.isFinite, center.isFinite else {
        throw .unsupported(name, reason: "a window of the width \(width)")
      }
      function = .linear(ToneWindow(center: center, width: width).limits)
    case .automatic:
      let (centers, widths) = (elements.numbers(0x0028_1050), elements.numbers(0x0028_1051))
      let kind = elements.text(0x0028_1056) ?? "LINEAR"
      if let table = elements.table(0x0028_3010) {
        function = .table(table)
        notes.append("toned by the file's table of interest")
      } else if let center = centers.first, let width = widths.first,
        kind == "LINEAR" ? width >= 1 : width > 0
      {
        switch kind {
        case "SIGMOID": function = .sigmoid(ToneWindow(center: center, width: width))
        case "LINEAR_EXACT":
          function = .linear((center - width / 2)...(center + width / 2))
        default: function = .linear(ToneWindow(center: center, width: width).limits)
        }
        let others = centers.count > 1 ? ", the first of its \(centers.count)" : ""
        notes.append("toned by the file's window, centre \(center), width \(width)\(others)")
      } else {
        function = .linear(Self.used(values))
        notes.append("the file states no window: from its smallest value to its largest")
      }
    }
    self.notes = notes
  }

  private static func used(_ values: [Double]) -> ClosedRange<Double> {
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    return low < high ? low...high : low...(low + 1)
  }

  /// The values that are black and white, where the function between is a line.
  var limits: ClosedRange<Double>? {
    if case .linear(let range) = function { return range }
    return nil
  }

  /// The tone of a value, from 0 (black) to 1 (white).
  func tone(_ value: Double) -> Double {
    switch function {
    case .linear(let range):
      let width = range.upperBound - range.lowerBound
      if width <= 0 { return value <= range.lowerBound ? 0 : 1 }
      return min(max((value - range.lowerBound) / width, 0), 1)
    case .sigmoid(let window):
      return 1 / (1 + exponential(-4 * (value - window.center) / window.width))
    case .table(let table): return table(value) / Double(1 << table.bits - 1)
    }
  }
}
