public import Prism

/// Where maps ought to be: masks from a file, a folder or a table, each for one input and, where
/// stated, one label; of sounds also parts of time and frequency.
public struct TruthMasks: Sendable {
  private struct Mask: Sendable {
    /// The label's name or index; `nil` for every label.
    let target: String?
    let source: Source
  }

  private enum Source: Sendable {
    /// A mask as a picture or an array.
    case file(String)
    /// A part of a sound.
    case passage(SoundPassage)
  }

  /// The part of a sound that a view shows.
  struct SoundView {
    /// How the sound becomes a picture.
    let rule: AudioPreparation
    /// In seconds from the start of the sound.
    let times: ClosedRange<Double>
  }

  private let masks: [String: [Mask]]
  /// The indices of the labels that the masks' targets mean.
  private let meanings: [String: [Int]]

  /// What masks of the inputs are about though the model has no such label, each once.
  public var strangers: [String] {
    var seen: Set<String> = []
    return masks.keys.sorted().flatMap { masks[$0] ?? [] }.compactMap(\.target).filter {
      seen.insert($0).inserted && meanings[$0]?.isEmpty ?? true
    }
  }

  /// Finds the masks of inputs.
  ///
  /// A file is the mask of the only input. In a folder a mask is called like its input, or like it
  /// and a label (`cat.png`, `cat.pug.npy`), or it is called like its input and in a folder that is
  /// called like a label (`pug/cat.png`); where inputs are in folders, so may the masks be. A CSV
  /// has the columns `input` (or `path`), `mask` and, if wanted, `target` (or `label`); its paths
  /// begin where the CSV is, or in the working folder. For sounds it has, instead of `mask`, `start`
  /// and `end` in seconds and, if wanted, `low` and `high` in hertz, a row a part of the sound. What
  /// several masks of a label mark is right in all of them; a row whose mask is blank has none.
  ///
  /// - Parameters:
  ///   - path: The file, folder or CSV.
  ///   - inputs: The inputs' paths; which mask is whose is decided for all of them together.
  ///   - labels: The model's labels.
  /// - Throws: ``RequestError/sharedTruth(_:inputs:)``, ``RequestError/noTruth(_:)``; `FileError`.
  public init(_ path: String, for inputs: [String], labels: [String]) throws {
    let wholes = inputs.map(ReportInput.wholePath)
    var seen: Set<String> = []
    let unique = wholes.filter { seen.insert($0).inserted }
    var masks: [String: [Mask]] = [:]
    switch Folder.isFolder(path) {
    case nil: throw FileError.notFound(path)
    case true?:
      let folders = Self.labelFolders(in: path)
      for input in unique {
        let own = Self.masks(of: input, in: path)
        masks[input] = own.isEmpty ? Self.masks(of: input, inLabelFolders: folders) : own
      }
    case false? where path.lowercased().hasSuffix(".csv"):
      masks = try Self.masks(in: path, for: unique)
    case false?:
      guard unique.count <= 1 else {
        throw RequestError.sharedTruth(path, inputs: Array(unique.prefix(2)))
      }
      for input in unique { masks[input] = [Mask(target: nil, source: .file(path))] }
    }
    guard masks.values.contains(where: { !$0.isEmpty }) else { throw RequestError.noTruth(path) }
    // No picture is judged by another's mask.
    var owners: [String: String] = [:]
    for input in unique {
      for case .file(let mask) in (masks[input] ?? []).map(\.source) {
        if let other = owners[mask], other != input {
          throw RequestError.sharedTruth(mask, inputs: [other, input])
        }
        owners[mask] = input
      }
    }
    self.masks = masks
    let targets = Set(masks.values.joined().compactMap(\.target))
    meanings = Dictionary(
      uniqueKeysWithValues: targets.map { ($0, Self.indices(meantBy: $0, in: labels)) })
  }

  /// The region that is right for a label, 1 inside, resized to the nearest pixel.
  ///
  /// - Parameters:
  ///   - target: The label.
  ///   - input: The input's whole path.
  ///   - height: The rows of the map.
  ///   - width: The columns of the map.
  ///   - area: The part of the input that the map is about; masks are of the whole input.
  /// - Returns: `[H, W]`, or `nil` where no mask is known.
  /// - Throws: ``RequestError/labelFile(_:reason:)`` for a mask without a region; what a file
  ///   cannot be read for.
  public func region(
    for target: Prediction.Entry, of input: String, height: Int, width: Int,
    area: PictureArea = .whole
  ) throws -> Tensor? {
    try region(
      for: target, of: input, height: height, width: width, area: area, sound: nil, picture: nil)
  }

  /// The region that is right for a label in a view of an input.
  ///
  /// - Parameters:
  ///   - target: The label.
  ///   - input: The input's whole path.
  ///   - height: The rows of the map, as people see it.
  ///   - width: The columns of the map.
  ///   - area: The part of the input that the map is about; masks are of the whole input.
  ///   - sound: What of a sound is seen; parts of sounds are `nil` for who does not say.
  ///   - picture: The picture's size, whose proportions the mask must have unless it has the map's
  ///     size; `nil` for masks of any size.
  /// - Returns: `[H, W]`, or `nil` where no mask is known, and where no part of the sound that is
  ///   right lies in the view.
  /// - Throws: As ``region(for:of:height:width:area:)``.
  func region(
    for target: Prediction.Entry, of input: String, height: Int, width: Int, area: PictureArea,
    sound: SoundView?, picture: (width: Int, height: Int)?
  ) throws -> Tensor? {
    let known = masks[input] ?? []
    let own = known.filter { $0.target.map { names($0, target) } ?? false }
    let right = own.isEmpty ? known.filter { $0.target == nil } : own
    let passages = right.compactMap { mask -> SoundPassage? in
      if case .passage(let passage) = mask.source { passage } else { nil }
    }
    if !passages.isEmpty {
      return sound.flatMap { view in
        SoundPassage.region(
          of: passages, height: height, width: width, rule: view.rule, times: view.times)
      }
    }
    func sources(
      _ count: Int, of all: Int, _ start: Double, _ share: Double, isOfMap: Bool
    ) -> [Int] {
      guard area != .whole, !isOfMap else { return (0..<count).map { $0 * all / count } }
      return (0..<count).map {
        min(Int((start + (Double($0) + 0.5) / Double(count) * share) * Double(all)), all - 1)
      }
    }
    var values = [Float](repeating: 0, count: height * width)
    var (first, isMarked): (String?, Bool) = (nil, false)
    for case .file(let path) in right.map(\.source) {
      let map = try LabelMap(contentsOf: path)
      let isOfMap =
        try picture.map { try !Self.isOf($0, map, path, height: height, width: width) } ?? false
      let isInside = try Self.inside(map, path)
      let columns = sources(width, of: map.width, area.x, area.width, isOfMap: isOfMap)
      let rows = sources(height, of: map.height, area.y, area.height, isOfMap: isOfMap)
      for (y, row) in rows.enumerated() {
        for (x, column) in columns.enumerated() where isInside[row * map.width + column] {
          values[y * width + x] = 1
        }
      }
      first = first ?? path
      isMarked = isMarked || isInside.contains(true)
    }
    guard let path = first else { return nil }
    guard values.contains(1) else {
      let reason =
        !isMarked
        ? "marks no region: all of it is zero"
        : area == .whole
          ? "marks a region that is too small to be seen with \(width)×\(height) pixels"
          : "marks no region in the centre of the picture, which is all that the model looks at"
      throw RequestError.labelFile(path, reason: reason)
    }
    return Tensor([height, width], values)
  }

  /// The region that is right for a label as a network sees it.
  ///
  /// - Parameters:
  ///   - target: The label.
  ///   - input: The input's whole path.
  ///   - image: What the network sees.
  ///   - area: The part of the input that the map is about; masks are of the whole input.
  ///   - sound: What of a sound is seen; its masks are drawn as people see spectrograms.
  ///   - picture: The picture's size, whose proportions the mask must have; `nil` for any.
  /// - Returns: `[H, W]` at the network's size, or `nil` where nothing is known.
  /// - Throws: As ``region(for:of:height:width:area:)``.
  func region(
    for target: Prediction.Entry, of input: String, seenAs image: ExplainedImage,
    area: PictureArea, sound: SoundView?, picture: (width: Int, height: Int)? = nil
  ) throws -> Tensor? {
    var (height, width) = (image.input.shape[1], image.input.shape[2])
    if sound?.rule.hasFramesAsRows == true { swap(&height, &width) }
    let region = try region(
      for: target, of: input, height: height, width: width, area: area, sound: sound,
      picture: picture)
    return region.map { sound?.rule.turned($0) ?? $0 }
  }

  /// Which pixels of a mask are inside: those that are not zero.
  ///
  /// Of levels that reach 255 and of which there are more than three, as soft edges and JPEG make
  /// them, those from 128 on are inside.
  ///
  /// - Throws: ``RequestError/labelFile(_:reason:)`` where all are, by which nothing can be judged.
  private static func inside(_ map: LabelMap, _ path: String) throws(RequestError) -> [Bool] {
    // A picture's number has three channels, which are the same in a grey one.
    let unit = map.numbers.allSatisfy { $0 % 0x010101 == 0 } ? 0x010101 : 1
    var isLevel = [Bool](repeating: false, count: 256)
    var hasLevels = true
    for number in map.numbers {
      guard (0...255).contains(number / unit) else {
        hasLevels = false
        break
      }
      isLevel[number / unit] = true
    }
    let isSoft = hasLevels && isLevel[255] && isLevel.count { $0 } > 3
    let isInside = map.numbers.map { isSoft ? $0 >= 128 * unit : $0 != 0 }
    guard isInside.contains(false) else {
      throw .labelFile(
        path,
        reason: "marks all of the picture, by which no map can be judged; a mask is zero (black, "
          + "and not transparent) outside the region")
    }
    return isInside
  }

  /// Whether a mask has a picture's proportions, but for rounding; one that has the map's size
  /// instead is of the map.
  ///
  /// - Throws: ``RequestError/labelFile(_:reason:)`` where it is neither.
  private static func isOf(
    _ picture: (width: Int, height: Int), _ map: LabelMap, _ path: String, height: Int, width: Int
  ) throws(RequestError) -> Bool {
    let wanted = Double(map.width) * Double(picture.height) / Double(picture.width)
    if abs(wanted - Double(map.height)) <= 1 { return true }
    if map.width == width, map.height == height { return false }
    throw .labelFile(
      path,
      reason: "the mask has \(map.width)×\(map.height) pixels and its picture "
        + "\(picture.width)×\(picture.height), which are other proportions")
  }

  /// Whether there is a mask for an input and a label.
  func has(_ target: Prediction.Entry, of input: String) -> Bool {
    (masks[input] ?? []).contains { $0.target.map { names($0, target) } ?? true }
  }

  /// What the results depend on: the contents of the masks of an input.
  func digest(of input: String) throws -> String {
    try (masks[input] ?? []).map { mask in
      let contents =
        switch mask.source {
        case .file(let path): try SHA256.hexadecimalDigest(of: Files.read(path))
        case .passage(let passage): passage.text
        }
      return (mask.target ?? "") + contents
    }.joined(separator: " ")
  }

  /// The indices of the labels that a text in a table or a file's name means: those that are called
  /// so, else those that are in files' names, else the one with the index.
  private static func indices(meantBy text: String, in labels: [String]) -> [Int] {
    let called = labels.indices.filter { labels[$0] == text }
    if !called.isEmpty { return called }
    let written = labels.indices.filter { FileStem.readable(labels[$0]) == text }
    if !written.isEmpty { return written }
    return Int(text).flatMap { labels.indices.contains($0) ? [$0] : nil } ?? []
  }

  /// Whether a text means a label; of a contrast that which is explained.
  private func names(_ text: String, _ target: Prediction.Entry) -> Bool {
    text == target.label
      || meanings[text]?.contains(target.contrast?.index ?? target.index) ?? false
  }

  private static func isMask(_ name: String) -> Bool {
    let lower = name.lowercased()
    return lower.hasSuffix(".npy") || lower.hasSuffix(".png")
  }

  /// The masks of an input in a folder: those at the end of its path that is longest.
  private static func masks(of input: String, in folder: String) -> [Mask] {
    let parts = input.split(separator: "/").map(String.init)
    let stem = FileStem.stem(of: input)
    for depth in stride(from: parts.count - 1, through: 0, by: -1) {
      let place = ([folder] + parts.dropLast().suffix(depth)).joined(separator: "/")
      guard let names = try? Folder.names(in: place) else { continue }
      let found = names.filter(isMask).compactMap { name -> Mask? in
        let own = FileStem.stem(of: name)
        let source = Source.file("\(place)/\(name)")
        if own == stem { return Mask(target: nil, source: source) }
        guard own.hasPrefix(stem + ".") else { return nil }
        return Mask(target: String(own.dropFirst(stem.count + 1)), source: source)
      }
      if !found.isEmpty { return found }
    }
    return []
  }

  /// The folders that are called like labels, with the masks in each by their stems.
  private static func labelFolders(in folder: String) -> [(label: String, masks: [String: String])]
  {
    ((try? Folder.names(in: folder)) ?? []).compactMap { label in
      let place = "\(folder)/\(label)"
      guard Folder.isFolder(place) == true, let names = try? Folder.names(in: place) else {
        return nil
      }
      let masks = names.filter(isMask).map { (FileStem.stem(of: $0), "\(place)/\($0)") }
      return masks.isEmpty ? nil : (label, Dictionary(masks) { first, _ in first })
    }
  }

  private static func masks(
    of input: String, inLabelFolders folders: [(label: String, masks: [String: String])]
  ) -> [Mask] {
    let stem = FileStem.stem(of: input)
    return folders.compactMap { folder in
      folder.masks[stem].map { Mask(target: folder.label, source: .file($0)) }
    }
  }

  private static func masks(in table: String, for inputs: [String]) throws -> [String: [Mask]] {
    var reader = try CSVReader(contentsOf: table)
    let mask = reader.column("mask")
    let passages = SoundPassage.Columns(reader)
    guard let input = reader.column("input", "path"), mask != nil || passages != nil else {
      throw FileError.malformed(
        table,
        reason: "needs the columns input (or path) and mask, or start and end of parts of sounds")
    }
    let target = reader.column("target", "label")
    let folder = table.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let base = folder.isEmpty && !table.hasPrefix("/") ? "." : folder
    func places(_ path: String) -> [String] {
      path.hasPrefix("/") ? [path] : ["\(base)/\(path)", path]
    }
    let known = Set(inputs)
    var masks: [String: [Mask]] = [:]
    while let row = try reader.next() {
      let wholes = places(try row.text(input).trimmed).map(ReportInput.wholePath)
      guard let owner = wholes.first(where: known.contains) else { continue }
      let source: Source
      if let mask {
        let name = try row.text(mask).trimmed
        guard !name.isEmpty else { continue }
        let candidates = places(name)
        source = .file(candidates.first(where: Folder.exists) ?? candidates[0])
      } else if let passages {
        source = .passage(try passages.passage(row, of: table))
      } else {
        continue
      }
      let label = try target.map { try row.text($0).trimmed }
      masks[owner, default: []].append(
        Mask(target: label?.isEmpty ?? true ? nil : label, source: source))
    }
    return masks
  }
}
