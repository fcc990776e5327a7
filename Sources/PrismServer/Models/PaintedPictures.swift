internal import Prism
internal import Synchronization

/// Sequences of predictions for clients that change a picture bit by bit, by the names that these
/// give them: of each picture only what differs from the one before is computed.
///
/// What is not used for some time is put away.
final class PaintedPictures: Sendable {
  /// The most sequences at a time.
  private static let most = 4

  private let patience: Duration
  private let shelf: RecentShelf<PredictionSequence>
  private let room: Int
  private let isSweeping = Mutex(false)

  /// - Parameters:
  ///   - room: The bytes that all sequences together may take.
  ///   - patience: The seconds after which an unused one is put away.
  init(room: Int, patience: Int) {
    self.patience = .seconds(patience)
    self.room = room
    shelf = RecentShelf(room: room, most: Self.most) { $0.byteCount }
  }

  /// The bytes of all sequences.
  var byteCount: Int { shelf.byteCount }

  /// The sequence of a name.
  ///
  /// - Parameters:
  ///   - name: What the client calls it.
  ///   - model: The model that is asked, as it is now.
  ///   - modelName: What the model is called.
  /// - Returns: A sequence; a new one where there is none, or the model's file has been replaced.
  /// - Throws: `OutOfMemoryError`.
  func sequence(_ name: String, of model: Model, called modelName: String) throws
    -> PredictionSequence
  {
    let sequence = try shelf.value("\(modelName)\n\(name)", where: { $0.asks(model) }) {
      try model.predictionSequence(room: min(Model.usualSequenceRoom, room / 2))
    }
    sweep()
    return sequence
  }

  /// Begins to look now and then for what is not used any more.
  private func sweep() {
    let isFirst = isSweeping.withLock { isSweeping in
      defer { isSweeping = true }
      return !isSweeping
    }
    guard isFirst else { return }
    Task { [weak self, patience] in
      while true {
        try await Task.sleep(for: patience / 4)
        guard let self else { return }
        let isDone = self.isSweeping.withLock { isSweeping in
          isSweeping = self.shelf.putAway(unusedFor: patience)
          return !isSweeping
        }
        if isDone { return }
      }
    }
  }
}
