internal import HTTPTypes
internal import Prism
internal import PrismReport
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The models that have been opened, by name.
///
/// A name is looked up among those that the folders have, never used as a path. Models stay open
/// with the weights that they hold ready, until there are too many of either.
final class ModelShelf: Sendable {
  private struct Place {
    let model: Model
    let stamp: Stamp
    var lastUse: Int
  }

  /// What changes when a file is replaced.
  private struct Stamp: Equatable {
    let path: String
    let size: UInt64
    let date: Date
  }

  private struct State {
    var places: [String: Place] = [:]
    var uses = 0

    /// Puts those away that were not used for the longest time, until the others have room; the one
    /// that was used last stays, whatever its size.
    mutating func makeRoom(most: Int, bytes: Int) {
      guard places.count > 1 else { return }
      var inOrder = places.sorted { $0.value.lastUse > $1.value.lastUse }
      var held = inOrder.reduce(0) { $0 + $1.value.model.warmByteCount }
      while inOrder.count > 1, inOrder.count > most || held > bytes {
        let (name, place) = inOrder.removeLast()
        held -= place.model.warmByteCount
        places.removeValue(forKey: name)
      }
    }
  }

  private let catalogue: ModelCatalogue
  /// The most models that are open at a time.
  private let most: Int
  /// The bytes of weights that open models may hold ready.
  private let room: Int
  private let state = Mutex(State())

  init(_ catalogue: ModelCatalogue, most: Int = 8, room: Int) {
    self.catalogue = catalogue
    self.most = most
    self.room = room
  }

  /// The models that are open, with the bytes of weights that they hold ready.
  var open: [(name: String, bytes: Int)] {
    state.withLock { $0.places.map { ($0.key, $0.value.model.warmByteCount) } }
      .sorted { $0.name < $1.name }
  }

  /// The models that there are; none where there is no folder.
  var entries: [ModelCatalogue.Entry] { (try? catalogue.entries()) ?? [] }

  /// Opens a model, or takes it from the shelf.
  ///
  /// - Throws: ``Problem`` where there is none of the name; what a damaged file throws.
  func model(_ name: String) throws -> Model {
    let entries = entries
    guard let entry = entries.first(where: { $0.name == name }) else {
      let names = entries.map(\.name)
      throw Problem(
        .notFound,
        "there is no model called \(Text.quoted(name))"
          + (Text.nearest(to: name, among: names).map { "; did you mean \($0)?" }
            ?? "; GET /v1/models lists them"))
    }
    let stamp = Self.stamp(of: entry.path)
    let known: Model? = state.withLock { state in
      state.uses += 1
      guard let place = state.places[name], place.stamp == stamp else { return nil }
      state.places[name]?.lastUse = state.uses
      // What a model holds grows after it was opened.
      state.makeRoom(most: most, bytes: room)
      return place.model
    }
    if let known { return known }
    let model: Model
    do {
      model = try Model(contentsOf: entry.path)
      try model.checkMemory()
    } catch {
      throw Problem(.unprocessableContent, "the model \(name) cannot be used: \(error)")
    }
    model.file.mapping.beginHashing()
    state.withLock { state in
      state.places[name] = Place(model: model, stamp: stamp, lastUse: state.uses)
      state.makeRoom(most: most, bytes: room)
    }
    return model
  }

  private static func stamp(of path: String) -> Stamp {
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    return Stamp(
      path: path, size: facts?[.size] as? UInt64 ?? 0,
      date: facts?[.modificationDate] as? Date ?? .distantPast)
  }
}
