import PrismTestSupport
import Testing

@testable import PrismFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite("writing that fails")
struct WriteFaultTests {
  /// Makes the first, second, … call fail until none is left that could.
  ///
  /// - Returns: How many calls there were.
  private func forEveryCall(
    _ body: (_ fault: WriteFault) throws -> Void, after check: (_ hasFailed: Bool) throws -> Void
  ) throws -> Int {
    for call in 1...1000 {
      let fault = WriteFault(atCall: call)
      let error = WriteFault.$current.withValue(fault) {
        Result { try body(fault) }
      }
      if fault.isWaiting {
        try error.get()
        try check(false)
        return call - 1
      }
      #expect(throws: FileError.self, "call \(call)") { try error.get() }
      try check(true)
    }
    Issue.record("the calls have no end")
    return 0
  }

  @Test("a set appears whole or leaves everything as it was, whichever call fails")
  func sets() throws {
    try Repository.withFolder { folder in
      try AtomicFile.write("old a", to: folder + "/a")
      try AtomicFile.write("old b", to: folder + "/b")
      let calls = try forEveryCall { _ in
        var set = FileSet()
        do {
          for name in ["a", "new", "b"] { try set.add(Array("new".utf8), for: "\(folder)/\(name)") }
          try set.commit()
        } catch {
          set.discard()
          throw error
        }
      } after: { hasFailed in
        #expect(Repository.names(in: folder) == (hasFailed ? ["a", "b"] : ["a", "b", "new"]))
        for name in ["a", "b"] {
          let text = String(decoding: try Files.read("\(folder)/\(name)"), as: UTF8.self)
          #expect(text == (hasFailed ? "old \(name)" : "new"))
        }
      }
      // Of three files: made, written, synced, closed, kept and moved; the list; the folder.
      #expect(calls == 3 * 6 + 4 + 1)
    }
  }

  @Test("a single file, durable or not", arguments: [false, true])
  func single(_ isDurable: Bool) throws {
    try Repository.withFolder { folder in
      let path = folder + "/a"
      var isNew = false
      try AtomicFile.write("old", to: path)
      let calls = try forEveryCall { _ in
        let file = try AsideFile(for: path)
        do {
          try Array("new".utf8).withUnsafeBytes { try file.append($0) }
          try file.commit(isDurable: isDurable)
        } catch {
          file.discard()
          throw error
        }
      } after: { hasFailed in
        #expect(Repository.names(in: folder) == ["a"])
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        // Where only the folder could not be synced the file is there, whole.
        #expect(text == "old" || text == "new")
        isNew = text == "new"
      }
      #expect(isNew && calls == (isDurable ? 6 : 4))
    }
  }

  @Test("a file that is written at once")
  func atomic() throws {
    try Repository.withFolder { folder in
      let path = folder + "/a"
      try AtomicFile.write("old", to: path)
      _ = try forEveryCall { _ in
        try AtomicFile.write("new", to: path)
      } after: { hasFailed in
        #expect(Repository.names(in: folder) == ["a"])
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        #expect(text == (hasFailed ? "old" : "new"))
      }
    }
    #expect(throws: FileError.self) {
      try WriteFault.$current.withValue(WriteFault(atCall: 3)) {
        try AtomicFile.write("lost", to: "/dev/null")
      }
    }
  }
}

@Suite("what killed processes leave")
struct LeftoverTests {
  /// The name of a temporary file of a process that has ended, or of another machine's.
  private func name(_ kind: String, machine: String? = nil, process: Int32 = 0x3FFF_FFFF) -> String
  {
    let mark = ProcessMark(
      machine: machine ?? ProcessMark.own.machine, process: process, start: "1")
    return ".prism-\(mark.text)-1.\(kind)"
  }

  @Test("files of dead processes go, those of others and of the living stay")
  func parts() throws {
    try Repository.withFolder { folder in
      let mine = try AsideFile(for: folder + "/a")
      defer { mine.discard() }
      let kept = [
        mine.aside.lastName, name("part", machine: "00000000"), ".prism-4711-1.part", ".hidden",
      ]
      // The number of a process that lives, but began at another time.
      let gone = [name("part"), name("part", process: 1)]
      for name in kept.dropFirst() + gone { try AtomicFile.write("x", to: "\(folder)/\(name)") }
      Leftovers.clear(in: folder)
      #if os(Linux)
        #expect(Repository.names(in: folder) == kept.sorted())
      #endif
      Leftovers.clear(in: folder + "/none")
    }
  }

  @Test("files that were about to take their places take them")
  func list() throws {
    try Repository.withFolder { folder in
      let (first, second) = (name("part"), name("part").replacingLast("-1.part", "-2.part"))
      try AtomicFile.write("old", to: folder + "/a")
      try AtomicFile.write("old", to: folder + "/victim")
      try AtomicFile.write("new", to: "\(folder)/\(first)")
      // The second has taken its place before the end; and nothing leads out of the folder, or to
      // another's files.
      let list = JSON.array([
        .array([.string(first), .string("a")]), .array([.string(second), .string("b")]),
        .array([.string(first), .string("../a")]), .array([.string("victim"), .string("c")]),
      ])
      try AtomicFile.write(list.description, to: "\(folder)/\(name("set"))")
      Leftovers.clear(in: folder)
      #expect(Repository.names(in: folder) == ["a", "victim"])
      #expect(try Files.read(folder + "/a") == Array("new".utf8))
    }
  }

  @Test("of two that write the same names, all files are one's")
  func rivals() async throws {
    let folder = try Repository.withFolder { $0 }
    try AtomicFile.write("", to: try makeFolder(folder) + "/a")
    defer { Folder.remove(folder) }
    for _ in 0..<20 {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for letter in ["x", "y", "z"] {
          group.addTask {
            var set = FileSet()
            for name in ["a", "b", "c", "d"] {
              try set.add(Array(letter.utf8), for: "\(folder)/\(name)")
            }
            try set.commit()
          }
        }
        try await group.waitForAll()
      }
      let texts = try ["a", "b", "c", "d"].map { try Files.read("\(folder)/\($0)") }
      #expect(Set(texts).count == 1 && Repository.names(in: folder).count == 4)
    }
  }

  private func makeFolder(_ path: String) throws -> String {
    try #require(mkdir(path, 0o700) == 0)
    return path
  }
}

extension String {
  fileprivate func replacingLast(_ end: String, _ other: String) -> String {
    String(dropLast(end.count)) + other
  }
}
