internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// Which buffer every stored value lies in, and where in it.
struct Locations {
  /// Where a value is before memory is given out.
  struct Location {
    var buffer: Int
    var offset = 0
    var stride: Int
  }

  private let recording: Recording
  private var locations: [ValueID: Location] = [:]
  /// The floats of every buffer.
  private(set) var bufferSizes: [Int] = []

  /// Gives every stored value a buffer; what is concatenated is written straight into the
  /// concatenation.
  init(
    _ operations: [FusedOperation], recording: Recording, given: [ValueID], wanted: [ValueID]
  ) {
    self.recording = recording
    placeConcatenations(operations)
    for id in given { add(id) }
    for id in wanted where recording.primitive(of: id) == nil { add(id) }
    let wanted = Set(wanted)
    for activity in operations.compactMap(\.tail.activity) { add(activity) }
    for operation in operations where locations[operation.output] == nil {
      if case .step(is any SummingStepKind) = operation.work {
        // What is summed is not stored.
        bufferSizes.append(0)
        locations[operation.output] = Location(
          buffer: bufferSizes.count - 1, stride: channels(operation.output))
      } else if case .channels(let first) = operation.work {
        let source = self[operation.input]
        locations[operation.output] = Location(
          buffer: source.buffer, offset: source.offset + first, stride: source.stride)
      } else if let source = viewed(by: operation), !wanted.contains(operation.input),
        !wanted.contains(operation.output)
      {
        locations[operation.output] = Location(
          buffer: source.buffer, offset: source.offset, stride: channels(operation.output))
      } else {
        add(operation.output)
      }
    }
  }

  /// Where a value is: an input, a wanted value or the output of an operation.
  subscript(id: ValueID) -> Location {
    guard let location = locations[id] else { preconditionFailure("a value that is not stored") }
    return location
  }

  /// The pixels of a value.
  func rows(_ id: ValueID) -> Int {
    let shape = recording[id].shape
    return shape.rank == 4 ? shape[1] * shape[2] : 1
  }

  /// The numbers of a pixel.
  func channels(_ id: ValueID) -> Int { recording[id].shape.count / max(rows(id), 1) }

  /// Whether a value is written in place into a concatenation.
  func isPart(_ id: ValueID, of whole: ValueID) -> Bool {
    let (part, location) = (self[id], self[whole])
    guard id < whole, part.buffer == location.buffer else { return false }
    return part.offset >= location.offset
      && part.offset + channels(id) <= location.offset + channels(whole)
  }

  @discardableResult
  private mutating func add(_ id: ValueID) -> Location {
    if let location = locations[id] { return location }
    if recording.primitive(of: id) is Activity {
      let stride = Keep.rowSize(channels: channels(id))
      bufferSizes.append((rows(id) * stride + 3) / MemoryLayout<Float>.stride)
      locations[id] = Location(buffer: bufferSizes.count - 1, stride: stride)
      return locations[id] ?? Location(buffer: 0, stride: 0)
    }
    bufferSizes.append(recording[id].shape.count)
    let location = Location(buffer: bufferSizes.count - 1, stride: channels(id))
    locations[id] = location
    return location
  }

  /// Puts the operands of concatenations side by side, where they can leave room between their
  /// pixels.
  private mutating func placeConcatenations(_ operations: [FusedOperation]) {
    let views = operations.filter {
      switch $0.work {
      case .view, .channels: true
      default: false
      }
    }
    let strided = Set(operations.map(\.output)).subtracting(views.map(\.output))
    // The last concatenation first, so that a chain of them ends up in one buffer.
    for operation in operations.reversed() {
      guard case .concatenation = operation.work else { continue }
      let whole = add(operation.output)
      var offset = whole.offset
      for operand in operation.others {
        if strided.contains(operand), locations[operand] == nil {
          locations[operand] = Location(
            buffer: whole.buffer, offset: offset, stride: whole.stride)
        }
        offset += channels(operand)
      }
    }
  }

  /// Where the numbers are that a view shows without a copy.
  private func viewed(by operation: FusedOperation) -> Location? {
    guard case .view = operation.work else { return nil }
    let source = self[operation.input]
    let isContiguous = source.stride == channels(operation.input) || rows(operation.input) == 1
    return isContiguous ? source : nil
  }
}
