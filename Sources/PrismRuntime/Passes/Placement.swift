internal import PrismAutodiff
internal import PrismKernels
internal import PrismTensor

/// How the values of an image are stored.
enum Storage {
  /// By lifetime: values share places where they are not needed at the same time.
  case shared
  /// Every value whole, in a place of its own.
  case kept
  /// By lifetime in the image's arena, where no step writes over what it reads and every value stays
  /// for two steps more.
  case changed
}

/// Gives out memory: finds the lifetime of every buffer, and puts it into the arena of a thread or
/// of an image.
struct Placement {
  /// The time in which a buffer is needed.
  private struct Lifetime {
    var first = Int.max
    var last = Int.min
    /// The phases in which it is read or written.
    var phases: Set<Int> = []
  }

  /// The memory of a buffer; where it is never whole, only the sizes of its values count.
  private struct Home {
    var arena = Place.Arena.thread
    var offset = 0
  }

  private let recording: Recording
  private let locations: Locations
  private let drafts: [Draft]
  private let storage: Storage
  /// The first step of the group at the end; the number of steps where there is none.
  private let groupStart: Int
  private var homes: [Home]
  private var arenaSize = 0
  private var imageArenaSize = 0

  /// Places the values of some steps.
  ///
  /// - Parameters:
  ///   - drafts: The steps in their order.
  ///   - locations: The buffers of their values.
  ///   - recording: Has the values.
  ///   - given: What the caller gives.
  ///   - wanted: What is stored for the caller, each as soon as it is there.
  ///   - storage: How values are stored.
  init(
    _ drafts: [Draft], locations: Locations, recording: Recording, given: [ValueID],
    wanted: [ValueID], storage: Storage = .shared
  ) {
    self.recording = recording
    self.locations = locations
    self.storage = storage
    self.drafts = Self.exchanging(drafts, locations, recording, given, wanted)
    groupStart =
      storage != .shared
      ? self.drafts.count : Self.groupStart(of: self.drafts, locations, recording)
    homes = [Home](repeating: Home(), count: locations.bufferSizes.count)
    layOut()
  }

  /// The program with its memory.
  ///
  /// - Parameters:
  ///   - weights: Has the packed weights of all steps.
  ///   - kernels: What will run it.
  /// - Returns: Steps and sizes.
  func program(weights: PackedWeights, kernels: Kernels) -> Program {
    var phases: [Program.Phase] = []
    var current: [Step] = []
    var scratchSize = 0
    var tensorSize = 0
    var isInGroup = false
    func close() {
      phases.append(isInGroup ? .group(.init(current)) : .image(.init(current)))
      current = []
    }
    for (position, draft) in drafts.enumerated() {
      if position == groupStart {
        close()
        isInGroup = true
      }
      let step = step(draft, weights)
      scratchSize = max(scratchSize, step.kind.scratchSize(of: step, kernels: kernels))
      tensorSize = max(tensorSize, step.kind.tensorSize(of: step))
      if let batched = step.kind.batched {
        close()
        phases.append(.batch(step, batched))
      } else {
        current.append(step)
      }
    }
    close()
    return Program(
      phases: phases,
      layout: WorkspaceLayout(
        arenaSize: arenaSize, scratchSize: scratchSize, imageArenaSize: imageArenaSize),
      tensorSize: tensorSize)
  }

  // MARK: - Order

  /// The steps with what is given before them, and every wanted value stored as soon as it is there.
  private static func exchanging(
    _ drafts: [Draft], _ locations: Locations, _ recording: Recording, _ given: [ValueID],
    _ wanted: [ValueID]
  ) -> [Draft] {
    var drafts = drafts
    for (index, id) in given.enumerated().reversed() {
      let first = drafts.firstIndex { ([$0.input] + $0.alsoTouched).contains(id) } ?? 0
      drafts.insert(
        Draft(kind: LoadStep(index: index), input: id, output: id), at: index == 0 ? 0 : first)
    }
    for (index, id) in wanted.enumerated() {
      if let tensor = recording.parameter(id) {
        drafts.append(Draft(kind: ConstantStep(tensor: tensor), input: id, output: id))
      }
      let owner =
        drafts.lastIndex { $0.output == id || locations.isPart($0.output, of: id) } ?? 0
      var position = owner + 1
      while position < drafts.count, drafts[position].kind is StoreStep { position += 1 }
      drafts.insert(Draft(kind: StoreStep(index: index), input: id, output: id), at: position)
    }
    return drafts
  }

  /// The first of the steps at the end of a network that read more weights than numbers: several
  /// images in turn go through each of them, so that the weights come from the cache for all but
  /// the first.
  private static func groupStart(
    of drafts: [Draft], _ locations: Locations, _ recording: Recording
  ) -> Int {
    var start = drafts.count
    var weights = 0
    for (position, draft) in drafts.enumerated().reversed() where !draft.isBatched {
      guard locations.rows(draft.output) <= 64, locations.rows(draft.input) <= 256 else { break }
      if let source = draft.weights?.source,
        let weight = recording.parameter(recording.operands(of: source.convolution)[1])
      {
        weights += weight.count
      }
      start = position
    }
    return weights >= 1 << 18 ? start : drafts.count
  }

  // MARK: - Memory

  /// The phase of every step: those before a batched step, the step itself, and so on; the group
  /// begins one of its own.
  private func phases() -> [Int] {
    var phase = 0
    return drafts.enumerated().map { position, draft in
      if position == groupStart { phase += 1 }
      guard draft.isBatched else { return phase }
      phase += 2
      return phase - 1
    }
  }

  private func lifetimes() -> [Lifetime] {
    var lifetimes = [Lifetime](repeating: Lifetime(), count: homes.count)
    let phases = phases()
    for (position, draft) in drafts.enumerated() {
      for id in [draft.input, draft.output] + draft.alsoTouched {
        let buffer = locations[id].buffer
        // Twice as many moments as steps: a step that has read its input before it writes may write
        // over it.
        let readsFirst = draft.readsBeforeWriting && storage == .shared
        let isRead = id == draft.input && readsFirst
        let isWritten = id == draft.output && readsFirst
        let (start, end) = (2 * position, 2 * position + (storage == .changed ? 5 : 1))
        lifetimes[buffer].first = min(lifetimes[buffer].first, isWritten ? end : start)
        lifetimes[buffer].last = max(lifetimes[buffer].last, isRead ? start : end)
        lifetimes[buffer].phases.insert(phases[position])
      }
    }
    return lifetimes
  }

  /// Puts what outlives a phase (as all that batched steps read and write), or is computed step by
  /// step for a group of images, into an arena of each image, and the rest into an arena of the
  /// thread.
  private mutating func layOut() {
    let lifetimes = lifetimes()
    let used = lifetimes.indices.filter { lifetimes[$0].first <= lifetimes[$0].last }
    let isOfImage = { (buffer: Int) in
      storage != .shared || lifetimes[buffer].phases.count > 1
        || lifetimes[buffer].last >= 2 * groupStart
    }
    let ofImage = Set(used.filter(isOfImage))
    arenaSize = layOut(used.filter { !ofImage.contains($0) }, in: .thread, lifetimes)
    imageArenaSize = layOut(used.filter(ofImage.contains), in: .image, lifetimes)
  }

  private mutating func layOut(
    _ buffers: [Int], in arena: Place.Arena, _ lifetimes: [Lifetime]
  ) -> Int {
    let layout = ArenaLayout(
      buffers.map {
        .init(
          size: locations.bufferSizes[$0],
          moments: storage == .kept
            ? 0...2 * drafts.count : lifetimes[$0].first...lifetimes[$0].last)
      })
    for (buffer, offset) in zip(buffers, layout.offsets) {
      homes[buffer] = Home(arena: arena, offset: offset)
    }
    return layout.size
  }

  // MARK: - Steps

  private func place(_ id: ValueID) -> Place {
    let location = locations[id]
    let home = homes[location.buffer]
    return Place(
      arena: home.arena, offset: home.offset + location.offset, stride: location.stride,
      rows: locations.rows(id), channels: locations.channels(id))
  }

  private func step(_ draft: Draft, _ weights: PackedWeights) -> Step {
    Step(
      kind: draft.kind, value: draft.output, input: place(draft.input),
      output: place(draft.output),
      others: draft.others.map(place), links: draft.links.map { step($0, weights) },
      weights: draft.weights.flatMap { weights[$0] }, head: draft.head.map(place),
      tail: draft.tail.map(place))
  }
}
