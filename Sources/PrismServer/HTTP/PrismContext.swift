internal import Foundation
internal import Hummingbird
internal import Logging
internal import NIOCore

/// What is known of a request besides what it says.
struct PrismContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The connection over which it came.
  let channel: any Channel
  /// Where it came from: the address, without the port.
  let address: String

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
    address = source.channel.remoteAddress?.ipAddress ?? "local"
  }

  /// A part of the path, decoded.
  ///
  /// - Throws: ``Problem`` where it is no UTF-8.
  func parameter(_ name: String) throws -> String {
    guard let text = parameters.get(name).flatMap({ $0.removingPercentEncoding }) else {
      throw Problem(.notFound, "the path is not understood")
    }
    return text
  }
}
