import Prism
import PrismReport
import PrismTestSupport
import Testing

@Suite("the folder of results")
struct OutputFolderTests {
  @Test("names of results have nothing that a terminal would obey, and stay apart")
  func stems() throws {
    try Repository.withFolder { path in
      let folder = try OutputFolder(path)
      let inputs = ["a\nb.png", "a\u{1B}b.png", "x\u{202E}gnp.exe.png", "犬 é.png"]
      let stems = folder.stems(for: inputs)
      #expect(
        inputs.map { stems[PathKey($0)] } == ["a_b", "a_b-2", "x_gnp.exe", "犬 é"])
    }
  }

  @Test("results take the place of no file that is none, such as another picture")
  func others() throws {
    try Repository.withFolder { path in
      for name in ["cat.gradcam.png", "dog.csv", "cow.fruit.png", "hen.png"] {
        try AtomicFile.write("somebody's", to: "\(path)/\(name)")
      }
      let inputs = ["cat.png", "dog.png", "cow.png", "hen.png", "cat.gradcam.png"]
      let stems = try OutputFolder(path).stems(for: inputs.map { "\(path)/\($0)" })
      #expect(
        inputs.map { stems[PathKey("\(path)/\($0)")] }
          == ["cat-2", "dog-2", "cow", "hen", "cat.gradcam"])
    }
  }

  @Test("names that look alike and are two files have results of their own")
  func alike() throws {
    try Repository.withFolder { path in
      let inputs = ["\u{E9}.png", "e\u{301}.png", "\u{301}.png"]
      try #require(inputs[0] == inputs[1])
      let stems = try OutputFolder(path).stems(for: inputs + inputs)
      let own = inputs.map { stems[PathKey($0)] }
      #expect(Set(own.map { $0.map { Array($0.utf8) } }).count == 3 && !own.contains(nil))
    }
  }
}
