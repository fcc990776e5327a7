internal import HTTPTypes
internal import Hummingbird
internal import Logging

/// Goes around every request: counts it, turns errors into answers, and adds the headers that keep
/// browsers strict.
struct Envelope: RouterMiddleware {
  let platform: Platform

  private static let policy = """
    default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'
    """

  func handle(
    _ request: Request, context: PrismContext,
    next: (Request, PrismContext) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    var response: Response
    do {
      response = try await next(request, context)
    } catch {
      response = answer(to: error, request, context)
    }
    harden(&response)
    platform.metrics.count(
      request: context.endpointPath ?? "none", method: request.method.rawValue,
      status: response.status.code, seconds: (ContinuousClock.now - start) / .seconds(1))
    return response
  }

  private func answer(
    to error: any Error, _ request: Request, _ context: PrismContext
  ) -> Response {
    if let problem = Problem(error) {
      guard problem.status == .notFound, let allowed = platform.methods(of: request.uri.path) else {
        return problem.response
      }
      guard !allowed.contains(request.method.rawValue) else { return problem.response }
      return Problem(
        .methodNotAllowed, "\(request.uri.path) takes \(allowed.joined(separator: ", "))",
        headers: [.allow: allowed.joined(separator: ", ")]
      ).response
    }
    context.logger.error("\(request.method) \(request.uri.path): \(error)")
    return Problem(.internalServerError, "the server failed; its log says why").response
  }

  private func harden(_ response: inout Response) {
    func set(_ name: String, _ value: String) {
      guard let name = HTTPField.Name(name), response.headers[name] == nil else { return }
      response.headers[name] = value
    }
    set("Content-Security-Policy", Self.policy)
    set("X-Content-Type-Options", "nosniff")
    set("X-Frame-Options", "DENY")
    set("Referrer-Policy", "no-referrer")
    set("Cross-Origin-Opener-Policy", "same-origin")
    set("Cross-Origin-Resource-Policy", "same-origin")
    set("Cache-Control", "no-store")
  }
}
