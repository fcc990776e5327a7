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
      #expect(inputs.map { stems[$0] } == ["a_b", "a_b-2", "x_gnp.exe", "犬 é"])
    }
  }
}
