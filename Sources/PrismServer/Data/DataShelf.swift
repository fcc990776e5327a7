internal import HTTPTypes
internal import Prism
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The data sets that were named when the server began; clients know nothing but their names.
final class DataShelf: Sendable {
  /// The most folders whose dates are looked at to see whether anything has changed.
  private static let mostFolders = 4096

  private let paths: [(name: String, path: String)]
  private let opened = Mutex<[String: NamedData]>([:])

  /// - Parameter paths: The names, and where the data are.
  init(_ paths: [(name: String, path: String)]) { self.paths = paths }

  /// The description of all data, in the order in which they were named.
  var json: JSON {
    .array(
      paths.map { name, _ in
        do { return try data(name).json } catch {
          return [
            "name": .string(name), "type": .null, "files": .integer(0), "labels": .array([]),
            "splits": .array([]),
            "obstacle": .string((error as? Problem)?.detail ?? "the data cannot be read"),
          ]
        }
      })
  }

  /// Data by their name, as they are now.
  ///
  /// - Throws: ``Problem``, which does not say where the data are.
  func data(_ name: String) throws -> NamedData {
    guard let path = paths.first(where: { $0.name == name })?.path else {
      let names = paths.map(\.name)
      throw Problem(
        .notFound,
        "there are no data called \(Text.quoted(name))"
          + (Text.nearest(to: name, among: names).map { "; did you mean \($0)?" }
            ?? "; GET /v1/datasets lists what there is"))
    }
    let stamp = Self.stamp(of: path)
    if let known = opened.withLock({ $0[name] }), known.stamp == stamp { return known }
    do {
      let data = try NamedData(name, path: path, stamp: stamp)
      opened.withLock { $0[name] = data }
      return data
    } catch let error as OutOfMemoryError {
      throw error
    } catch {
      let reason = "\(error)".replacing(path, with: name)
      throw Problem(.unprocessableContent, "the data \(name) cannot be read: \(reason)")
    }
  }

  /// What changes when files are added to folders or removed: the folders' names and dates, and those
  /// of a CSV.
  private static func stamp(of path: String) -> String {
    var lines: [String] = []
    var folders = [path]
    while !folders.isEmpty, lines.count < mostFolders {
      let folder = folders.removeFirst()
      let facts = try? FileManager.default.attributesOfItem(atPath: folder)
      let date = facts?[.modificationDate] as? Date ?? .distantPast
      let names = Folder.isFolder(folder) == true ? (try? Folder.names(in: folder)) ?? [] : []
      lines.append(
        "\(folder) \(date.timeIntervalSince1970) \(facts?[.size] as? UInt64 ?? 0) \(names.count)")
      for name in names where MediaFormat(fileName: name) == nil {
        let inner = "\(folder)/\(name)"
        if Folder.isFolder(inner) == true || name.lowercased().hasSuffix(".csv") {
          folders.append(inner)
        }
      }
    }
    return SHA256.hexadecimalDigest(of: Array(lines.joined(separator: "\n").utf8))
  }
}
