/// A forward pass once more, for another input, after a recording.
struct SecondPass {
  /// The input, and what is computed from it.
  private(set) var entries: [Recording.Entry] = []
  /// The values of the second pass by those of the first; what does not depend on the input is one
  /// value of both.
  private(set) var references: [ValueID: ValueID] = [:]
  /// The values of the first pass by those of the second that are computed.
  private(set) var originals: [ValueID: ValueID] = [:]

  /// Writes the pass.
  ///
  /// - Parameters:
  ///   - recording: Has the first pass, from one input.
  ///   - output: What is computed.
  init(_ recording: Recording, of output: ValueID) {
    for id in recording.ancestors(of: [output]) {
      guard let origin = copy(of: recording[id].origin) else {
        references[id] = id
        continue
      }
      let value = ValueID(index: recording.values.count + entries.count)
      entries.append(.init(origin: origin, shape: recording[id].shape))
      references[id] = value
      if recording.primitive(of: id) != nil { originals[value] = id }
    }
  }

  /// Where the second pass has a value from; `nil` where it is the first's.
  private func copy(of origin: Recording.Origin) -> Recording.Origin? {
    switch origin {
    case .input: return .input
    case .parameter: return nil
    case .computed(let primitive, let operands):
      let copies = operands.map { references[$0] ?? $0 }
      return copies == operands ? nil : .computed(primitive, copies)
    }
  }
}
