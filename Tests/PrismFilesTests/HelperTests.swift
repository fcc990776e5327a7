import Testing

@testable import PrismFiles

@Suite("programs of other projects")
struct HelperTests {
  private static func run(_ program: String, _ arguments: [String]) throws(Helper.Failure)
    -> [UInt8]
  {
    try Helper(program, arguments)([1, 2, 3], suffixes: ("in", "out"))
  }

  @Test("what a program writes is its result")
  func result() throws {
    #expect(try Self.run("cp", ["%1", "%2"]) == [1, 2, 3])
  }

  @Test("a program that is missing, fails or writes nothing has no result")
  func failures() {
    #expect { try Self.run("prism-no-such-program", ["%1"]) } throws: {
      if case Helper.Failure.missing = $0 { true } else { false }
    }
    for (program, arguments) in [("false", []), ("true", ["%1"])] {
      #expect { try Self.run(program, arguments) } throws: {
        if case Helper.Failure.refused = $0 { true } else { false }
      }
    }
  }

  @Test("a program that waits for ever is ended at the limit of time")
  func overdue() {
    #expect {
      try Limits.$current.withValue(Limits([.time: 1])) { try Self.run("sleep", ["600"]) }
    } throws: {
      if case Helper.Failure.overdue(limit: 1) = $0 { true } else { false }
    }
    let line = LimitError.overdue("chest.dcm", limit: 1).description
    #expect(line.contains("chest.dcm") && line.contains("--limit time=N"))
  }

  @Test("a program whose result nobody waits for is ended")
  func cancelled() async {
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return Result { try Self.run("sleep", ["600"]) }
    }
    task.cancel()
    await #expect { try await task.value.get() } throws: {
      if case Helper.Failure.cancelled = $0 { true } else { false }
    }
  }
}
