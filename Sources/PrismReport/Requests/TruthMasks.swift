public import Prism

/// Where maps ought to be: masks from a file, a folder or a table, each for one input and, where
/// stated, one label.
public struct TruthMasks: Sendable {
  private struct Mask: Sendable {
    /// The label's name or index; `nil` for every label.
    let target: String?
    let path: String
  }

  private let masks: [String: [Mask]]

  /// Finds the masks of inputs.
  ///
  /// A file is the mask of the only input. In a folder a mask is called like its input, or like it
  /// and a label (`cat.png`, `cat.pug.npy`); where inputs are in folders, so may the masks be. A
  /// CSV has the columns `input` (or `path`), `mask` and, if wanted, `target`; its paths begin
  /// where the CSV is, or in the working folder.
  ///
  /// - Parameters:
  ///   - path: The file, folder or CSV.
  ///   - inputs: The inputs' paths; which mask is whose is decided for all of them together.
  /// - Throws: ``RequestError/sharedTruth(_:inputs:)``, ``RequestError/noTruth(_:)``; `FileError`.
  public init(_ path: String, for inputs: [String]) throws {
    let wholes = inputs.map(ReportInput.wholePath)
    let unique = wholes.enumerated().filter { wholes.firstIndex(of: $1) == $0 }.map(\.element)
    var masks: [String: [Mask]] = [:]
    switch Folder.isFolder(path) {
    case nil: throw FileError.notFound(path)
    case true?: for input in unique { masks[input] = Self.masks(of: input, in: path) }
    case false? where path.lowercased().hasSuffix(".csv"):
      masks = try Self.masks(in: path, for: unique)
    case false?:
      guard unique.count <= 1 else {
        throw RequestError.sharedTruth(path, inputs: Array(unique.prefix(2)))
      }
      for input in unique { masks[input] = [Mask(target: nil, path: path)] }
    }
    guard masks.values.contains(where: { !$0.isEmpty }) else { throw RequestError.noTruth(path) }
    // No picture is judged by another's mask.
    var owners: [String: String] = [:]
    for input in unique {
      for mask in masks[input] ?? [] {
        if let other = owners[mask.path], other != input {
          throw RequestError.sharedTruth(mask.path, inputs: [other, input])
        }
        owners[mask.path] = input
      }
    }
    self.masks = masks
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
    let known = masks[input] ?? []
    let mask =
      known.first {
        $0.target.map { Self.names($0, target) } ?? false
      } ?? known.first { $0.target == nil }
    guard let mask else { return nil }
    let map = try LabelMap(contentsOf: mask.path)
    func sources(_ count: Int, of all: Int, _ start: Double, _ share: Double) -> [Int] {
      guard area != .whole else { return (0..<count).map { $0 * all / count } }
      return (0..<count).map {
        min(Int((start + (Double($0) + 0.5) / Double(count) * share) * Double(all)), all - 1)
      }
    }
    let columns = sources(width, of: map.width, area.x, area.width)
    let values = sources(height, of: map.height, area.y, area.height).flatMap { y in
      columns.map { map.numbers[y * map.width + $0] != 0 ? Float(1) : 0 }
    }
    guard values.contains(1) else {
      let reason =
        map.numbers.contains { $0 != 0 }
        ? "marks no region in the centre of the picture, which is all that the model looks at"
        : "marks no region: all of it is zero"
      throw RequestError.labelFile(mask.path, reason: reason)
    }
    return Tensor([height, width], values)
  }

  /// What the results depend on: the contents of the masks of an input.
  func digest(of input: String) throws -> String {
    try (masks[input] ?? []).map {
      try ($0.target ?? "") + SHA256.hexadecimalDigest(of: Files.read($0.path))
    }.joined(separator: " ")
  }

  /// Whether a text means a label, written as in a table or in a file's name.
  private static func names(_ text: String, _ target: Prediction.Entry) -> Bool {
    if let contrast = target.contrast {
      // The region of the label that is explained.
      if text == "\(contrast.index)" || target.label.hasPrefix(text + "-vs-") { return true }
    }
    return text == target.label || text == "\(target.index)"
      || text == FileStem.readable(target.label)
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
        if own == stem { return Mask(target: nil, path: "\(place)/\(name)") }
        guard own.hasPrefix(stem + ".") else { return nil }
        return Mask(target: String(own.dropFirst(stem.count + 1)), path: "\(place)/\(name)")
      }
      if !found.isEmpty { return found }
    }
    return []
  }

  private static func masks(in table: String, for inputs: [String]) throws -> [String: [Mask]] {
    var reader = try CSVReader(contentsOf: table)
    guard let input = reader.column("input", "path"), let mask = reader.column("mask") else {
      throw FileError.malformed(table, reason: "needs the columns input (or path) and mask")
    }
    let target = reader.column("target", "label")
    let folder = table.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let base = folder.isEmpty && !table.hasPrefix("/") ? "." : folder
    func places(_ path: String) -> [String] {
      path.hasPrefix("/") ? [path] : ["\(base)/\(path)", path]
    }
    var masks: [String: [Mask]] = [:]
    while let row = try reader.next() {
      let wholes = places(try row.text(input)).map(ReportInput.wholePath)
      guard let owner = inputs.first(where: wholes.contains) else { continue }
      let candidates = places(try row.text(mask))
      let path = candidates.first(where: Folder.exists) ?? candidates[0]
      let label = try target.map { try row.text($0).trimmed }
      masks[owner, default: []].append(
        Mask(target: label?.isEmpty ?? true ? nil : label, path: path))
    }
    return masks
  }
}
