import PrismFiles
import PrismTestSupport
import Testing

@testable import PrismCLI

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite("serve")
struct ServeTests {
  @Test("the server's program is found beside the command, then in PATH, and must be one")
  func program() throws {
    try Repository.withFolder { folder in
      for place in ["bin", "other"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(place)", withIntermediateDirectories: true)
        try AtomicFile.write("#!/bin/sh\n", to: "\(folder)/\(place)/prism-server")
      }
      let own = "\(folder)/bin/prism"
      let path = "/nowhere:\(folder)/other"
      #expect(ServeCommand.program(besides: own, path: path) == nil)
      func allow(_ place: String) throws {
        try FileManager.default.setAttributes(
          [.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(place)/prism-server")
      }
      try allow("other")
      #expect(
        ServeCommand.program(besides: own, path: path) == "\(folder)/other/prism-server")
      try allow("bin")
      #expect(ServeCommand.program(besides: own, path: path) == "\(folder)/bin/prism-server")
    }
  }
}
