internal import Prism
internal import Synchronization

/// Counts, in the text format of Prometheus.
final class Metrics: Sendable {
  private struct Request: Hashable {
    let route, method: String
    let status: Int
  }

  private struct State {
    var requests: [Request: Int] = [:]
    var seconds = 0.0
    var methods: [String: (count: Int, seconds: Double)] = [:]
    var evaluations = 0
    var analyses: [String: Int] = [:]
  }

  private let state = Mutex(State())

  /// A request has been answered.
  func count(request route: String, method: String, status: Int, seconds: Double) {
    state.withLock { state in
      state.requests[.init(route: route, method: method, status: status), default: 0] += 1
      state.seconds += seconds
    }
  }

  /// A method has explained an input.
  func count(method: String, seconds: Double) {
    state.withLock { state in
      let old = state.methods[method] ?? (0, 0)
      state.methods[method] = (old.count + 1, old.seconds + seconds)
    }
  }

  /// A model has been evaluated.
  func count(evaluations: Int) { state.withLock { $0.evaluations += evaluations } }

  /// An analysis has ended.
  func count(analysis ending: String) { state.withLock { $0.analyses[ending, default: 0] += 1 } }

  /// The text.
  ///
  /// - Parameters:
  ///   - lanes: How many jobs wait and run, by lane.
  ///   - models: The open models with the bytes that they hold ready.
  ///   - painted: The bytes that are held of pictures that somebody paints on.
  /// - Returns: A line a number.
  func text(
    lanes: [(name: String, waiting: Int, running: Int)], models: [(name: String, bytes: Int)],
    painted: Int = 0
  ) -> String {
    let state = state.withLock { $0 }
    var lines: [String] = []
    func head(_ name: String, _ type: String, _ help: String) {
      lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }
    head("prism_requests_total", "counter", "Requests that were answered.")
    lines += state.requests.map { request, count in
      #"prism_requests_total{route="\#(request.route)",method="\#(request.method)",status="\#(request.status)"} \#(count)"#
    }.sorted()
    head("prism_request_seconds_total", "counter", "Seconds from request to answer.")
    lines.append("prism_request_seconds_total \(state.seconds)")
    head("prism_queue_waiting", "gauge", "Jobs that wait.")
    lines += lanes.map { #"prism_queue_waiting{lane="\#($0.name)"} \#($0.waiting)"# }
    head("prism_queue_running", "gauge", "Jobs that run.")
    lines += lanes.map { #"prism_queue_running{lane="\#($0.name)"} \#($0.running)"# }
    head("prism_evaluations_total", "counter", "Evaluations of models.")
    lines.append("prism_evaluations_total \(state.evaluations)")
    head("prism_method_seconds_total", "counter", "Seconds that methods took.")
    lines += state.methods.map { #"prism_method_seconds_total{method="\#($0)"} \#($1.seconds)"# }
      .sorted()
    head("prism_method_total", "counter", "Explanations by method.")
    lines += state.methods.map { #"prism_method_total{method="\#($0)"} \#($1.count)"# }.sorted()
    head("prism_analyses_total", "counter", "Analyses that ended, by how.")
    lines += state.analyses.map { #"prism_analyses_total{state="\#($0)"} \#($1)"# }.sorted()
    head("prism_model_warm_bytes", "gauge", "Weights that an open model holds ready.")
    // A value of a label is escaped as JSON is.
    lines += models.map {
      "prism_model_warm_bytes{model=\(JSON.string($0.name))} \($0.bytes)"
    }
    head("prism_painted_bytes", "gauge", "Values that are held of pictures that change bit by bit.")
    lines.append("prism_painted_bytes \(painted)")
    head("process_resident_memory_bytes", "gauge", "Memory of the process.")
    lines.append("process_resident_memory_bytes \(ProcessMemory.resident)")
    return lines.joined(separator: "\n") + "\n"
  }
}
