internal import HTTPTypes
internal import Hummingbird
internal import Prism
internal import PrismReport

/// Why a request is not answered as it would like, as RFC 9457 has it, with the member `error` of
/// the Open Inference Protocol besides.
struct Problem: Error {
  let status: HTTPResponse.Status
  /// One line that says what is wrong and what to do.
  let detail: String
  var headers: HTTPFields = [:]

  init(_ status: HTTPResponse.Status, _ detail: String, headers: HTTPFields = [:]) {
    self.status = status
    self.detail = detail
    self.headers = headers
  }

  /// What an error means to the one who asks; `nil` for one that is the server's own.
  init?(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as HTTPError:
      self.init(error.status, error.body ?? error.status.reasonPhrase, headers: error.headers)
    case let error as CatalogueError: self.init(.notFound, "\(error)")
    case let error as LimitError: self.init(.contentTooLarge, "\(error)")
    case FileError.beyondLimit(let error): self.init(.contentTooLarge, "\(error)")
    case ZIPError.tooLarge: self.init(.contentTooLarge, "\(error)")
    case is ZIPError: self.init(.unprocessableContent, "\(error)")
    case let error as JSONError: self.init(.badRequest, "\(error)")
    case is QueueFull: self.init(.tooManyRequests, "\(error)", headers: [.retryAfter: "2"])
    case is DeadlineError: self.init(.gatewayTimeout, "\(error)")
    case is OutOfMemoryError:
      self.init(.serviceUnavailable, "\(error)", headers: [.retryAfter: "10"])
    case is CancellationError:
      self.init(
        .serviceUnavailable, "the work was given up; ask again", headers: [.retryAfter: "2"])
    case is RequestError, is TargetError, is InputKindError, is ModelError, is ImageError,
      is SoundError, is SpectrogramError, is ExplanationError, is EvaluationError,
      is TooFewExamplesError:
      self.init(.unprocessableContent, "\(error)")
    default: return nil
    }
  }

  /// The answer.
  var response: Response {
    let body: JSON = [
      "type": .string("about:blank"), "title": .string(status.reasonPhrase),
      "status": .integer(status.code), "detail": .string(detail), "error": .string(detail),
    ]
    var response = Response.json(body, status: status)
    response.headers[.contentType] = "application/problem+json"
    response.headers.append(contentsOf: headers)
    return response
  }
}
