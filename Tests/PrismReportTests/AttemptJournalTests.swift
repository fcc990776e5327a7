import Prism
import PrismTestSupport
import Testing

@testable import PrismReport

@Suite("the journal of attempts")
struct AttemptJournalTests {
  /// Opens a journal that lasts as long as the body.
  private func with(_ shard: String, _ body: (AttemptJournal) throws -> Void) throws {
    try body(try AttemptJournal(shard))
  }

  @Test("a process counts where it has ended, and not while it lives")
  func living() throws {
    try Repository.withFolder { folder in
      let shard = folder + "/.00000.attempts"
      let second = try AttemptJournal(shard)
      second.begin(0)
      second.begin(7)
      try with(shard) { first in
        first.begin(0)
        first.begin(1)
        first.end(1)
        try with(shard) { third in
          #expect([0, 1, 7].map(third.endings) == [0, 0, 0])
          third.remove()
        }
      }
      // The first has gone without a word about 0.
      try with(shard) { #expect([0, 1, 7].map($0.endings) == [1, 0, 0]) }
      try with(shard) { $0.begin(0) }
      try with(shard) { last in
        #expect([0, 1, 7].map(last.endings) == [2, 0, 0])
        last.remove()
        // The others' are removed with it, but for what a living one is at.
        let next = try AttemptJournal(shard)
        #expect(next.endings(at: 0) == 0)
      }
      withExtendedLifetime(second) {}
    }
  }

  @Test("what this process is at is forgotten, and what others ended at is not")
  func forgetting() throws {
    try Repository.withFolder { folder in
      let shard = folder + "/.00000.attempts"
      try AtomicFile.write("+3\n", to: shard + "-other-1")
      try AtomicFile.write("+3\n", to: folder + "/.00001.attempts-other-1")
      try with(shard) { $0.begin(3) }
      AttemptJournal.forgetOwn(of: shard)
      try with(shard) { #expect($0.endings(at: 3) == 1) }
    }
  }
}
