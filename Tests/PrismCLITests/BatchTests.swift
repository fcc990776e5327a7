import Dispatch
import Prism
import PrismReport
import PrismFiles
import PrismTestSupport
import PrismSmallModels
import Synchronization
import Testing

@testable import PrismCLI

/// Interruptions that a test makes.
private final class Button: Sendable {
  private let pressed = Mutex<Interruption?>(nil)

  func press(_ interruption: Interruption = .interrupt) { pressed.withLock { $0 = interruption } }

  var interruptions: Interruptions {
    Interruptions(start: {}, current: { self.pressed.withLock { $0 } }, stop: {})
  }
}

/// Text that a test reads.
private final class Paper: Sendable {
  private let contents = Mutex("")

  var text: String { contents.withLock { $0 } }
  func write(_ text: String) { contents.withLock { $0 += text } }
}

@Suite("work on several inputs")
struct BatchTests {
  private let inputs = InputList(["a", "b", "c"], kind: .pictures, isRecursive: false)

  private struct Trouble: Error, CustomStringConvertible {
    var description: String { "trouble" }
  }

  private func console(_ button: Button? = nil, _ paper: Paper = Paper()) -> Console {
    Console(
      output: { paper.write($0) }, diagnostics: { paper.write($0) },
      interruptions: button?.interruptions ?? .none)
  }

  @Test("an input that takes long does not keep the others waiting")
  func places() {
    let begun = DispatchSemaphore(value: 0)
    var finished: [String] = []
    let status = Batch(console(), abreast: 2).forEach(inputs) { input, _, _ in
      // The first ends once the third has begun, in the place of the second.
      if input == "c" { begun.signal() }
      return input != "a" || begun.wait(timeout: .now() + 30) == .success
    } finish: { input, isInTime in
      #expect(isInTime)
      finished.append(input)
    }
    #expect(status == .done && finished == ["a", "b", "c"])
  }

  @Test("results are finished in the order of the inputs, and failures are passed by")
  func order() {
    let paper = Paper()
    var finished: [String] = []
    let status = Batch(console(nil, paper)).forEach(inputs) { input, _, running in
      if input == "b" { throw Trouble() }
      return input + "!"
    } finish: { input, value in
      finished.append(value)
    }
    #expect(finished == ["a!", "c!"] && status == .someInputsFailed)
    #expect(paper.text == "prism: b: trouble\n")
    let none = Batch(console()).forEach(inputs) { _, _, _ -> Int in
      throw Trouble()
    } finish: { _, _ in
    }
    #expect(none == .failed)
  }

  @Test("inputs that are worked on beside each other are finished in their order")
  func beside() {
    let paper = Paper()
    let list = InputList((0..<9).map { "\($0)" }, kind: .pictures, isRecursive: false)
    var finished: [String] = []
    let together = Mutex((now: 0, most: 0))
    // The first ends when the second is done.
    let second = Flag()
    let status = Batch(console(nil, paper), abreast: 2).forEach(list) { input, following, _ in
      together.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      defer { together.withLock { $0.now -= 1 } }
      #expect(following == nil)
      if input == "0" { second.wait() }
      if input == "1" { second.set() }
      if input == "4" { throw Trouble() }
      return input
    } finish: { _, value in
      finished.append(value)
    }
    #expect(finished == ["0", "1", "2", "3", "5", "6", "7", "8"] && status == .someInputsFailed)
    #expect(together.withLock { $0.most } == 2)
    #expect(paper.text == "prism: 4: trouble\n")
  }

  @Test("an interruption ends all that are worked on, and what is done or kept is finished")
  func interruptedBeside() {
    let button = Button()
    let paper = Paper()
    var finished: [String] = []
    let list = InputList(["a", "b", "c", "d", "e"], kind: .pictures, isRecursive: false)
    let waiting = Flag()
    let status = Batch(console(button, paper), abreast: 2).forEach(list) { input, _, running in
      switch input {
      case "a": return input
      case "b":
        running.keep("a part of b")
        waiting.wait()
        button.press()
        while true { try running.work.did(1) }
      default:
        running.keep("a part of \(input)")
        waiting.set()
        while true { try running.work.check() }
      }
    } finish: { _, value in
      finished.append(value)
    }
    #expect(finished == ["a", "a part of b", "a part of c"] && status == .interrupted)
    #expect(paper.text.contains("1 of 5 inputs") && paper.text.contains(" b, c "))
  }

  @Test(
    "an interruption ends work that looks for it, and what was kept is finished",
    arguments: [(Interruption.interrupt, Status.interrupted), (.termination, .terminated)])
  func cancellation(_ interruption: Interruption, status expected: Status) {
    let button = Button()
    let paper = Paper()
    var finished: [String] = []
    let status = Batch(console(button, paper)).forEach(inputs) { input, _, running in
      guard input == "b" else { return input }
      running.keep("a part of b")
      button.press(interruption)
      while true { try running.work.did(1) }
    } finish: { _, value in
      finished.append(value)
    }
    #expect(finished == ["a", "a part of b"] && status == expected)
    #expect(paper.text.contains("1 of 3 inputs") && paper.text.contains(" b "))
  }

  @Test("work that does not look for an interruption is left behind")
  func abandonment() {
    let button = Button()
    var finished: [String] = []
    // The work goes on until the batch has returned without it.
    let released = Flag()
    let status = Batch(console(button)).forEach(inputs) { input, _, running in
      running.keep("a part of \(input)")
      button.press()
      released.wait()
      return "all of \(input)"
    } finish: { _, value in
      finished.append(value)
    }
    released.set()
    #expect(finished == ["a part of a"] && status == .interrupted)
  }

  @Test("an interruption with nothing kept finishes nothing")
  func nothing() {
    let button = Button()
    var finished = 0
    let status = Batch(console(button)).forEach(inputs) { _, _, running -> Int in
      button.press()
      while true { try running.work.check() }
    } finish: { _, _ in
      finished += 1
    }
    #expect(finished == 0 && status == .interrupted)
  }

  @Test("a command that is interrupted within a picture writes the methods that were finished")
  func command() throws {
    try Repository.withFolder { folder in
      let picture = folder + "/a.png"
      try Image(width: 40, height: 30, filledWith: RGB(200, 30, 90)).write(to: picture)
      let button = Button()
      let paper = Paper()
      // The line of progress tells when the second method is at work.
      let console = Console(
        output: { paper.write($0) },
        diagnostics: { text in
          paper.write(text)
          if text.contains("rise (2 of 2), ") { button.press() }
        }, isTerminal: true, interruptions: button.interruptions)
      let status = PrismCommand.run(
        [
          "explain", picture, "--model", SmallModel.softmax, "--method", "gradcam,rise",
          "--samples", "10000000", "--output", folder + "/out",
        ], console: console)
      #expect(status == .interrupted)
      #expect(
        Repository.names(in: folder + "/out") == ["a.gradcam.npy", "a.gradcam.png", "a.json"])
      #expect(paper.text.contains("prism: interrupted"))
      let document = try JSONReader.parse(
        String(decoding: Files.read(folder + "/out/a.json"), as: UTF8.self))
      #expect(document["explanations"]?.elements.map { $0["method"] } == [.string("gradcam")])
      #expect(document["unfinished"] == .array([.string("rise")]))
      #expect(try JSONSchema(named: "input.json").problems(of: document) == [])
    }
  }

  @Test("nothing more is computed once nobody can read the results")
  func unreadable() {
    let console = Console(
      output: { _ in throw OutputError(number: 28) }, diagnostics: { _ in })
    var finished = 0
    let status = Batch(console).forEach(inputs) { input, _, _ in
      input
    } finish: { _, value in
      finished += 1
      console.print(value)
    }
    #expect(finished == 1 && status == .failed)
  }
}

/// Something that is waited for once.
private final class Flag: Sendable {
  private let value = Atomic(false)

  func set() { value.store(true, ordering: .releasing) }
  func wait() { while !value.load(ordering: .acquiring) {} }
}

@Suite("the line of progress")
struct BatchProgressTests {
  /// A clock that a test sets.
  private final class Clock: Sendable {
    private let now = Mutex(0.0)

    var seconds: Double {
      get { now.withLock { $0 } }
      set { now.withLock { $0 = newValue } }
    }
  }

  private func progress(of count: Int) -> (BatchProgress, Clock, Paper) {
    let clock = Clock()
    let paper = Paper()
    let console = Console(diagnostics: { paper.write($0) }, isTerminal: true)
    return (BatchProgress(console, count: count, seconds: { clock.seconds }), clock, paper)
  }

  @Test("one input: the method, its evaluations, the time they take")
  func one() {
    let (progress, clock, paper) = progress(of: 1)
    progress.begin("a.png", at: 0)
    #expect(paper.text == "")
    progress.begin("gradcam", 1, of: 2, at: 0)
    #expect(paper.text.hasSuffix("gradcam (1 of 2)"))
    progress.note(.init(done: 1, planned: 1), at: 0)
    clock.seconds = 10
    progress.begin("lime", 2, of: 2, at: 0)
    clock.seconds = 12
    progress.note(.init(done: 101, planned: 1001), at: 0)
    #expect(paper.text.hasSuffix("lime (2 of 2), 100 of 1000 evaluations, about 18 s left"))
    // Not more often than can be read.
    let text = paper.text
    clock.seconds = 12.01
    progress.note(.init(done: 102, planned: 1001), at: 0)
    #expect(paper.text == text)
  }

  @Test("several inputs: which, and the time of all that are left")
  func several() {
    let (progress, clock, paper) = progress(of: 4)
    progress.begin("a.png", at: 0)
    #expect(paper.text.hasSuffix("1 of 4: a.png"))
    clock.seconds = 2.5
    progress.begin("a name\u{1B}[2Jthat is far too long for a line.png", at: 1)
    #expect(paper.text.hasSuffix("1 of 4: a.png"))
    progress.end(at: 0)
    #expect(paper.text.hasSuffix("2 of 4: … is far too long for a line.png, about 8 s left"))
    #expect(!paper.text.contains("\u{1B}[2J"))
    progress.begin("gradcam", 1, of: 2, at: 1)
    clock.seconds = 3
    progress.begin("lime", 2, of: 2, at: 1)
    #expect(paper.text.hasSuffix("lime (2 of 2), about 5 s left"))
  }

  @Test("inputs beside each other: the line tells of the first, and counts the shares of all")
  func beside() {
    let (progress, clock, paper) = progress(of: 4)
    progress.begin("a.png", at: 0)
    progress.begin("b.png", at: 1)
    progress.begin("lime", 1, of: 1, at: 0)
    progress.begin("lime", 1, of: 1, at: 1)
    clock.seconds = 1
    let text = paper.text
    progress.note(.init(done: 80, planned: 100), at: 1)
    #expect(paper.text == text)
    progress.note(.init(done: 20, planned: 100), at: 0)
    // One of four is done in a second, in shares of two.
    #expect(paper.text.hasSuffix("1 of 4: a.png, lime, 20 of 100 evaluations, about 3 s left"))
    progress.end(at: 0)
    #expect(paper.text.hasSuffix("2 of 4: b.png, lime, 80 of 100 evaluations, about 2 s left"))
  }

  @Test(
    "a time in the unit that suits it",
    arguments: [(0.2, "1 s"), (119.0, "119 s"), (6000, "100 min"), (7201, "2 h")])
  func duration(_ seconds: Double, text: String) {
    #expect(BatchProgress.duration(seconds) == text)
  }
}
