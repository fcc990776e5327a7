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
    var line: String { InterfaceWords.line("\(error)") }
    switch error {
    case let problem as Problem: self = problem
    case let error as HTTPError:
      self.init(error.status, error.body ?? error.status.reasonPhrase, headers: error.headers)
    case is CatalogueError: self.init(.notFound, line)
    case is LimitError: self.init(.contentTooLarge, line)
    case FileError.beyondLimit(let error):
      self.init(.contentTooLarge, InterfaceWords.line("\(error)"))
    case ZIPError.tooLarge: self.init(.contentTooLarge, line)
    case is ZIPError: self.init(.unprocessableContent, line)
    case is JSONError: self.init(.badRequest, line)
    case is QueueFull: self.init(.tooManyRequests, line, headers: [.retryAfter: "2"])
    case is DeadlineError: self.init(.gatewayTimeout, line)
    case is OutOfMemoryError:
      self.init(.serviceUnavailable, line, headers: [.retryAfter: "10"])
    case is CancellationError:
      self.init(
        .serviceUnavailable, "the work was given up; ask again", headers: [.retryAfter: "2"])
    case is RequestError, is TargetError, is InputKindError, is ModelError, is ImageError,
      is SoundError, is SpectrogramError, is ExplanationError, is EvaluationError,
      is TooFewExamplesError:
      self.init(.unprocessableContent, line)
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
