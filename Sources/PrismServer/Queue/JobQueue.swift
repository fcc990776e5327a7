/// Why a job is not taken.
struct QueueFull: Error, CustomStringConvertible {
  let count: Int
  var description: String { "the queue is full with \(count) requests; try again soon" }
}

/// A bounded queue of two lanes, in each of which clients take turns.
///
/// Short jobs, such as a classification, have places of their own and never wait for long ones;
/// while they run, long jobs pause between batches (``Turnstile``).
actor JobQueue {
  /// What a job takes.
  enum Lane: Sendable, CaseIterable {
    case short, long
  }

  /// A place in the queue that was given away.
  struct Ticket: Sendable {
    fileprivate let number: Int
    fileprivate let lane: Lane
  }

  private struct Waiter {
    let ticket: Ticket
    /// `nil` until somebody waits for the place.
    var continuation: CheckedContinuation<Void, any Error>?
  }

  private struct LaneState {
    /// Clients in the order of their turns, each with its jobs in their order.
    var clients: [(name: String, waiters: [Waiter])] = []
    /// Tickets that were called before anybody waited for them.
    var called: Set<Int> = []
    var running = 0
    let width: Int

    var waiting: Int { clients.reduce(0) { $0 + $1.waiters.count } }
  }

  private let capacity: Int
  private var lanes: [Lane: LaneState]
  private var next = 0
  private let turnstile: Turnstile

  /// - Parameters:
  ///   - capacity: The most jobs that wait, in each lane.
  ///   - short: How many short jobs run at a time.
  ///   - long: How many long jobs run at a time.
  ///   - turnstile: Holds long jobs up while short ones wait or run.
  init(capacity: Int, short: Int, long: Int, turnstile: Turnstile) {
    self.capacity = capacity
    self.turnstile = turnstile
    lanes = [.short: LaneState(width: short), .long: LaneState(width: long)]
  }

  /// How many jobs wait and run.
  func counts(in lane: Lane) -> (waiting: Int, running: Int) {
    lanes[lane].map { ($0.waiting, $0.running) } ?? (0, 0)
  }

  /// Takes a place at the end of a client's jobs.
  ///
  /// - Throws: ``QueueFull``.
  func take(_ lane: Lane, client: String) throws -> Ticket {
    guard var state = lanes[lane] else { throw QueueFull(count: 0) }
    let waiting = state.waiting
    guard waiting < capacity || state.running + state.called.count < state.width else {
      throw QueueFull(count: waiting)
    }
    next += 1
    let ticket = Ticket(number: next, lane: lane)
    let waiter = Waiter(ticket: ticket)
    if let index = state.clients.firstIndex(where: { $0.name == client }) {
      state.clients[index].waiters.append(waiter)
    } else {
      state.clients.append((client, [waiter]))
    }
    if lane == .short { turnstile.enter() }
    lanes[lane] = state
    call(lane)
    return ticket
  }

  /// Does a job when its turn has come.
  ///
  /// - Throws: What the job throws; `CancellationError` where its task is cancelled before its
  ///   turn.
  func run<Value: Sendable>(
    _ ticket: Ticket, _ job: @Sendable () async throws -> Value
  ) async throws -> Value {
    try await withTaskCancellationHandler {
      try await turn(of: ticket)
    } onCancel: {
      Task { await self.leave(ticket) }
    }
    defer { finish(ticket) }
    try Task.checkCancellation()
    return try await job()
  }

  /// Gives a place away that nobody will use.
  func leave(_ ticket: Ticket) {
    guard var state = lanes[ticket.lane] else { return }
    for client in state.clients.indices {
      guard
        let index = state.clients[client].waiters.firstIndex(where: {
          $0.ticket.number == ticket.number
        })
      else { continue }
      let waiter = state.clients[client].waiters.remove(at: index)
      if state.clients[client].waiters.isEmpty { state.clients.remove(at: client) }
      lanes[ticket.lane] = state
      if ticket.lane == .short { turnstile.leave() }
      waiter.continuation?.resume(throwing: CancellationError())
      return
    }
  }

  /// Gives a place away that was called or not, where no job is run.
  func discard(_ ticket: Ticket) {
    if lanes[ticket.lane]?.called.remove(ticket.number) != nil {
      lanes[ticket.lane]?.running += 1
      finish(ticket)
    } else {
      leave(ticket)
    }
  }

  private func turn(of ticket: Ticket) async throws {
    if lanes[ticket.lane]?.called.remove(ticket.number) != nil {
      lanes[ticket.lane]?.running += 1
      return
    }
    try await withCheckedThrowingContinuation {
      (continuation: CheckedContinuation<Void, any Error>) in
      guard let (client, index) = place(of: ticket), !Task.isCancelled else {
        leave(ticket)
        continuation.resume(throwing: CancellationError())
        return
      }
      lanes[ticket.lane]?.clients[client].waiters[index].continuation = continuation
    }
  }

  private func place(of ticket: Ticket) -> (client: Int, index: Int)? {
    guard let state = lanes[ticket.lane] else { return nil }
    for (client, entry) in state.clients.enumerated() {
      if let index = entry.waiters.firstIndex(where: { $0.ticket.number == ticket.number }) {
        return (client, index)
      }
    }
    return nil
  }

  private func finish(_ ticket: Ticket) {
    lanes[ticket.lane]?.running -= 1
    if ticket.lane == .short { turnstile.leave() }
    call(ticket.lane)
  }

  /// Calls jobs as long as places are free: the first of the client whose turn it is, who then
  /// stands last.
  private func call(_ lane: Lane) {
    guard var state = lanes[lane] else { return }
    while state.running + state.called.count < state.width, !state.clients.isEmpty {
      var client = state.clients.removeFirst()
      let waiter = client.waiters.removeFirst()
      if !client.waiters.isEmpty { state.clients.append(client) }
      if let continuation = waiter.continuation {
        state.running += 1
        continuation.resume()
      } else {
        state.called.insert(waiter.ticket.number)
      }
    }
    lanes[lane] = state
  }
}
