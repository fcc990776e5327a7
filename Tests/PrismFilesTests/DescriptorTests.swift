import PrismTestSupport
import Testing

@testable import PrismFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("files that a process was given open")
struct DescriptorTests {
  @Test("a pipe has a reader until its other end is closed")
  func pipes() throws {
    var ends: [CInt] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[1]) }
    let output = Descriptor(ends[1], "the answers")
    try output.checkReader()
    // What waits to be read does not count.
    try output.write([1, 2, 3])
    try output.checkReader()
    close(ends[0])
    let error = #expect(throws: FileError.self) { try output.checkReader() }
    #expect(error?.description.contains("the answers: cannot be written") == true)
  }

  @Test("a file needs no reader")
  func files() throws {
    try Repository.withFolder { folder in
      let file = open(folder + "/answers", O_WRONLY | O_CREAT, 0o600)
      try #require(file >= 0)
      defer { close(file) }
      try Descriptor(file, "the answers").checkReader()
    }
  }
}
