import PrismFiles
import PrismTestSupport
import Testing

@Suite("files that appear together")
struct FileSetTests {
  @Test("nothing is seen before all are written, then all are")
  func commit() throws {
    try Repository.withFolder { folder in
      try AtomicFile.write("old", to: folder + "/a")
      var set = FileSet()
      try set.add(Array("new".utf8), for: folder + "/a")
      try set.add(Array("b".utf8), for: folder + "/b")
      #expect(try Files.read(folder + "/a") == Array("old".utf8))
      try set.commit()
      #expect(Repository.names(in: folder) == ["a", "b"])
      #expect(try Files.read(folder + "/a") == Array("new".utf8))
    }
  }

  @Test("a file that cannot be written leaves everything as it was")
  func discard() throws {
    try Repository.withFolder { folder in
      try AtomicFile.write("old", to: folder + "/a")
      var set = FileSet()
      try set.add(Array("new".utf8), for: folder + "/a")
      #expect(throws: FileError.self) { try set.add([1], for: folder + "/none/b") }
      set.discard()
      #expect(Repository.names(in: folder) == ["a"])
      #expect(try Files.read(folder + "/a") == Array("old".utf8))
    }
  }
}
