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

  /// What the caller gives and gets.
  struct Exchanged {
    /// What is given.
    let given: [ValueID]
    /// What is stored for the caller, each as soon as it is there.
    let wanted: [ValueID]
    /// What is added up over groups of images.
    var summed: [ValueID] = []
    /// What is given once all images have come so far.
    var meeting: ValueID?
  }

  private let recording: Recording
  private let locations: Locations
  private let drafts: [Draft]
  private var sums: [ValueID: (offset: Int, layout: SumLayout)] = [:]
  private let storage: Storage
  /// The steps that several images go through in turn.
  private let groups: [Range<Int>]
  private var homes: [Home]
  private var arenaSize = 0
  private var imageArenaSize = 0

  /// Places the values of some steps.
  ///
  /// - Parameters:
  ///   - drafts: The steps in their order.
  ///   - locations: The buffers of their values.
  ///   - recording: Has the values.
  ///   - exchange: What the caller gives and gets.
  ///   - storage: How values are stored.
  init(
    _ drafts: [Draft], locations: Locations, recording: Recording, exchange: Exchanged,
    storage: Storage = .shared
  ) {
    self.recording = recording
    self.locations = locations
    self.storage = storage
    self.drafts = Self.exchanging(drafts, locations, recording, exchange)
    groups = storage != .shared ? [] : Self.groups(of: self.drafts, locations, recording)
    homes = [Home](repeating: Home(), count: locations.bufferSizes.count)
    var offset = 0
    for draft in self.drafts.flatMap({ $0.links.isEmpty ? [$0] : $0.links }) {
      guard let layout = (draft.kind as? any SummingStepKind)?.layout else { continue }
      sums[draft.output] = (offset, layout)
      offset += ArenaLayout.aligned(layout.size)
    }
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
      let isGrouped = groups.contains { $0.contains(position) }
      if isGrouped != isInGroup {
        close()
        isInGroup = isGrouped
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
      tensorSize: tensorSize, sums: sums)
  }

  // MARK: - Order

  /// The steps with what is given before them, and every wanted value stored as soon as it is there.
  private static func exchanging(
    _ drafts: [Draft], _ locations: Locations, _ recording: Recording, _ exchange: Exchanged
  ) -> [Draft] {
    var drafts = drafts
    for (index, id) in exchange.given.enumerated().reversed() {
      // What is read may be a part of what is given.
      let buffer = locations[id].buffer
      let first = drafts.firstIndex { draft in
        ([draft.input] + draft.alsoTouched).contains { locations[$0].buffer == buffer }
      }
      let kind: any StepKind =
        id == exchange.meeting ? MeetingStep(index: index) : LoadStep(index: index)
      drafts.insert(Draft(kind: kind, input: id, output: id), at: index == 0 ? 0 : first ?? 0)
    }
    for id in exchange.summed {
      guard let owner = drafts.lastIndex(where: { $0.output == id }),
        !(drafts[owner].kind is any SummingStepKind)
      else { continue }
      drafts.insert(
        Draft(kind: SumStep(shape: recording[id].shape), input: id, output: id), at: owner + 1)
    }
    for (index, id) in exchange.wanted.enumerated() {
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

  /// The steps at the end of a network, and at the beginning of the way back, that read more weights
  /// than numbers: several images in turn go through each of them, so that the weights come from the
  /// cache for all but the first.
  private static func groups(
    of drafts: [Draft], _ locations: Locations, _ recording: Recording
  ) -> [Range<Int>] {
    func count(_ drafts: some Collection<Draft>) -> Int {
      var count = 0
      var found = 0
      var weights = 0
      for draft in drafts {
        count += 1
        if draft.isBatched { continue }
        guard draft.isSmall(locations) else { break }
        if let source = draft.weights?.source,
          let weight = recording.parameter(recording.operands(of: source.convolution)[1])
        {
          weights += weight.count
        }
        found = count
      }
      return weights >= 1 << 18 ? found : 0
    }
    let end = drafts.firstIndex { $0.kind is MeetingStep } ?? drafts.count
    let before = end - count(drafts[..<end].reversed())..<end
    guard end < drafts.count else { return [before] }
    return [before, end + 1..<end + 1 + count(drafts[(end + 1)...])]
  }

  // MARK: - Memory

  /// The phase of every step: those before a batched step, the step itself, and so on; a group is
  /// one of its own.
  private func phases() -> [Int] {
    var phase = 0
    return drafts.enumerated().map { position, draft in
      if groups.contains(where: { [$0.lowerBound, $0.upperBound].contains(position) }) {
        phase += 1
      }
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
      let lifetime = lifetimes[buffer]
      return storage != .shared || lifetime.phases.count > 1
        || groups.contains {
          2 * $0.lowerBound <= lifetime.last && lifetime.first < 2 * $0.upperBound
        }
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
      tail: draft.tail.map(place), sumOffset: sums[draft.output]?.offset ?? 0)
  }
}
