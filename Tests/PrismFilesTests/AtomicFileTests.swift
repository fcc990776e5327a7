import PrismFiles
import PrismTestSupport
import Testing

@Suite("files that appear whole")
struct AtomicFileTests {
  @Test("a file is written and overwritten, and nothing else is left")
  func writing() throws {
    try Repository.withFolder { folder in
      let path = folder + "/a.json"
      try AtomicFile.write("first", to: path)
      try AtomicFile.write("second", to: path)
      #expect(try Files.read(path) == Array("second".utf8))
      #expect(Repository.names(in: folder) == ["a.json"])
    }
  }

  @Test("a name of 255 bytes can be written")
  func longName() throws {
    try Repository.withFolder { folder in
      let name = String(repeating: "n", count: 255)
      try AtomicFile.write("text", to: folder + "/" + name)
      #expect(Repository.names(in: folder) == [name])
    }
  }

  @Test("a failure leaves nothing behind and names the file")
  func failure() throws {
    try Repository.withFolder { folder in
      let missing = folder + "/missing/a.png"
      #expect(throws: FileError.cannotWrite(missing, reason: "No such file or directory")) {
        try AtomicFile.write("text", to: missing)
      }
      #expect(throws: FileError.cannotWrite(folder, reason: "it is a folder")) {
        try AtomicFile.write("text", to: folder)
      }
      #expect(Repository.names(in: folder).isEmpty)
    }
  }

  @Test("what was begun aside and given up is gone")
  func discarding() throws {
    try Repository.withFolder { folder in
      let file = try AsideFile(for: folder + "/a")
      try Array("text".utf8).withUnsafeBytes { try file.append($0) }
      #expect(Repository.names(in: folder).count == 1)
      file.discard()
      #expect(Repository.names(in: folder).isEmpty)
    }
  }

  #if os(Linux)
    @Test("a full disk is an error, and a device stays a device")
    func fullDisk() {
      #expect(throws: FileError.cannotWrite("/dev/full", reason: "No space left on device")) {
        try AtomicFile.write("text", to: "/dev/full")
      }
      #expect(throws: Never.self) { try AtomicFile.write("text", to: "/dev/null") }
      #expect(throws: FileError.self) { try AtomicFile.write("text", to: "/dev/full") }
    }
  #endif
}
