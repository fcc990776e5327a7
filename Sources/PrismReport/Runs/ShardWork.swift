internal import Dispatch
public import Prism
internal import Synchronization

/// The work on the shards of a run, by one process.
public struct ShardWork: Sendable {
  /// How often an input is tried that cannot be read, or for which there is no memory.
  private static let attempts = 2
  /// How far results may be ahead of what is written.
  private static let ahead = 64

  /// The run.
  public let run: ShardedRun
  private let shelf: WorkerShelf
  private let limits: Limits

  /// Opens a run as it was planned, and plans it where nobody has.
  ///
  /// - Parameters:
  ///   - folder: The folder of the run, made if missing.
  ///   - request: What is asked of every input.
  ///   - model: The model.
  ///   - maps: How maps are written.
  ///   - shards: How many shards there are.
  ///   - root: The folder of the inputs.
  ///   - list: Lists the inputs where that has not been done: paths from `root`.
  /// - Throws: ``RunError``, `FileError`, `InstructionSetError`, what the request is refused for.
  public init(
    _ folder: String, _ request: ExplanationRequest, model: Model, maps: MapType, shards: Int,
    root: String, listing list: () throws -> [String]
  ) throws {
    guard (1...99_999).contains(shards) else { throw RunError.shards(shards) }
    limits = request.limits
    shelf = WorkerShelf(model, called: request.model, limits: limits)
    // Read as a client's request is: files that it names would not be part of the key.
    let form = try shelf.pipeline(try request.canonical(), maps: maps, hasPictures: false).request
    run = try ShardedRun(
      folder,
      RunManifest(
        model: (request.model, model.file.sha256), request: form, maps: maps, shards: shards,
        inputs: 0, list: "", root: ReportInput.wholePath(of: root),
        instructions: try Instructions.current), listing: list)
  }

  /// Explains the inputs of a shard, unless that has been done.
  ///
  /// - Parameters:
  ///   - shard: Which shard, from 0.
  ///   - progress: Is told how many inputs are written, of how many.
  /// - Returns: What the shard holds; `nil` where it was done before.
  /// - Throws: ``RunError``, `FileError`.
  public func callAsFunction(
    _ shard: Int, progress: @escaping @Sendable (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> ShardRecord? {
    guard (0..<run.manifest.shards).contains(shard) else {
      throw RunError.noShard(shard, of: run.manifest.shards)
    }
    if Folder.exists(run.donePath(shard)) { return nil }
    let addresses = try run.addresses(of: shard)
    let journal = try AttemptJournal(journal(of: shard))
    let writer = try ShardWriter(run, shard: shard, addresses: addresses)
    explain(addresses, progress, journal, to: writer)
    defer { journal.remove() }
    return try writer.finish()
  }

  /// Forgets which inputs of a shard this process is at: it ends before they are done, but not for
  /// their sake.
  ///
  /// - Parameter shard: Which shard.
  public func forgetAttempts(of shard: Int) { AttemptJournal.forgetOwn(of: journal(of: shard)) }

  private func journal(of shard: Int) -> String {
    "\(run.folder)/shards/.\(ShardedRun.name(shard)).attempts"
  }

  private func explain(
    _ addresses: [String], _ progress: @escaping @Sendable (Int, Int) -> Void,
    _ journal: AttemptJournal, to writer: ShardWriter
  ) {
    let room = DispatchSemaphore(value: 0)
    @Sendable func tell(_ answer: ShardWriter.Answer, _ number: Int) {
      let (new, all) = writer.add(answer, at: number)
      progress(all, addresses.count)
      for _ in 0..<new { room.signal() }
    }
    let lanes = WorkerLanes(
      shelf, limits: limits, count: Threads.count, attempts: Self.attempts,
      start: { job in if let number = Int(job.id) { journal.begin(number) } }
    ) { job, ending in
      guard let number = Int(job.id) else { return }
      journal.end(number)
      switch ending.result {
      case .success(.explanation(let result)): tell(.result(result), number)
      case .success(.evaluation): break
      case .failure(let error):
        tell(
          .failure("\(error)", attempts: ending.attempts, isOfMachine: error.isOfMachine), number)
      }
    }
    for (number, address) in addresses.enumerated() {
      if number >= Self.ahead { room.wait() }
      if writer.error != nil { break }
      let endings = journal.endings(at: number)
      guard endings < AttemptJournal.mostEndings else {
        let reason = "the process ended \(endings) times while it was at work on this input"
        tell(.failure(reason, attempts: endings, isOfMachine: false), number)
        continue
      }
      do {
        let job = WorkerJob(
          id: "\(number)", name: Self.name(of: address), bytes: try bytes(of: address),
          request: run.manifest.request, maps: run.manifest.maps, hasPictures: false)
        // What may have ended a process is at work alone, so that nothing else is suspected.
        if endings > 0 { lanes.waitForAll() }
        _ = lanes.begin(job)
        if endings > 0 { lanes.waitForAll() }
      } catch {
        tell(.failure("\(error)", attempts: Self.attempts, isOfMachine: true), number)
      }
    }
    lanes.waitForAll()
  }

  /// The contents of an input; disks far away may need a second attempt.
  private func bytes(of address: String) throws -> [UInt8] {
    let path = "\(run.manifest.root)/\(address)"
    do {
      return try Files.read(path, limits: limits)
    } catch {
      return try Files.read(path, limits: limits)
    }
  }

  private static func name(of address: String) -> String {
    address.split(separator: "/").last.map(String.init) ?? address
  }
}
