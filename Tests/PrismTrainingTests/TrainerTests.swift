import PrismCard
import Foundation
import PrismFiles
import PrismMedia
import PrismRuntime
import PrismTensor
import PrismTestSupport
import PrismTraining
import PrismWeights
import Synchronization
import Testing

/// Folders for tests.
enum Folders {
  static func make(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
}

@Suite("trainer")
struct TrainerTests {
  private static func options() -> TrainingOptions {
    var options = TrainingOptions()
    options.head = "pool,batchnorm,dropout:0.2,dense"
    options.warmupEpochs = 2
    options.epochs = 3
    options.fineTuning = .share(0.1)
    options.learningRate = 0.01
    options.batch = 5
    return options
  }

  /// Makes pictures and a base, and a trainer on them.
  private func withTrainer(
    _ change: (inout TrainingOptions) -> Void = { _ in },
    _ body: (_ trainer: () throws -> Trainer, _ folder: String) throws -> Void
  ) throws {
    try Repository.withFolder { folder in
      try SmallModel.writePictures(in: folder + "/data")
      try SmallModel.write(to: folder + "/base.safetensors")
      var options = Self.options()
      change(&options)
      try body(
        {
          let file = try SafetensorsFile(contentsOf: folder + "/base.safetensors")
          return try Trainer(
            base: file, card: try file.card(), data: try DataSet.open(folder + "/data"),
            loader: SmallModel.Loader(), options: options)
        }, folder)
    }
  }

  private func failure(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("training learns what can be learnt, and its file is a model")
  func learning() throws {
    try withTrainer {
      // Without the running statistics of so few steps.
      $0.head = "pool,dense"
      $0.warmupEpochs = 12
    } _: { trainer, folder in
      let output = folder + "/out.safetensors"
      let outcome = try trainer().train(
        output: output, checkpoint: folder + "/out.checkpoint", resumes: false)
      let curve = outcome.curve
      #expect(!outcome.wasStopped && curve.epochs.count == 15)
      #expect(curve.epochs.map(\.phase.rawValue).filter { $0 == "warm-up" }.count == 12)
      let best = try #require(curve.epochs.first { $0.epoch == curve.best })
      #expect(best.validationAUC == 1, "\(curve.csv)")
      #expect(best.validationLoss < 0.6)
      #expect(curve.epochs.allSatisfy { $0.validationLoss >= best.validationLoss })
      #expect(!FileManager.default.fileExists(atPath: folder + "/out.checkpoint"))
      let file = try SafetensorsFile(contentsOf: output)
      let card = try file.card()
      #expect(card.labels == ["dark", "light"] && card.output == .binary(threshold: 0.5))
      #expect(curve.csv.split(separator: "\n").count == 16)
      let picture = try curve.rendered(title: "test")
      #expect(picture.width > 0)
    }
  }

  /// What is stopped between two steps leaves the checkpoint of the last epoch, as a process that
  /// is killed does.
  @Test(
    "stopped anywhere and resumed gives the same bytes",
    arguments: zip([7, 14, 24], [false, true, false]))
  func resume(_ steps: Int, _ augments: Bool) throws {
    try withTrainer {
      if augments { $0.augmentation = Augmentation() }
    } _: { trainer, folder in
      let (whole, parts) = (folder + "/whole.safetensors", folder + "/parts.safetensors")
      let checkpoint = folder + "/parts.checkpoint"
      let outcome = try trainer().train(
        output: whole, checkpoint: folder + "/whole.checkpoint", resumes: false)
      var asked = 0
      let first = try trainer().train(
        output: parts, checkpoint: checkpoint, resumes: false,
        shouldStop: {
          asked += 1
          return asked > steps
        })
      #expect(first.wasStopped && first.curve.epochs.count == steps / 5)
      let second = try trainer().train(output: parts, checkpoint: checkpoint, resumes: true)
      #expect(second.curve == outcome.curve)
      #expect(try Files.read(whole) == Files.read(parts))
    }
  }

  @Test("features that do not fit into memory are computed in every epoch, to the same bytes")
  func cacheLimit() throws {
    var files: [[UInt8]] = []
    for limit in [1 << 30, 0] {
      try withTrainer {
        $0.cacheLimit = limit
      } _: { trainer, folder in
        _ = try trainer().train(
          output: folder + "/out", checkpoint: folder + "/c", resumes: false)
        files.append(try Files.read(folder + "/out"))
      }
    }
    // Folders have other names, which a model does not know of.
    #expect(files.count == 2 && files[0] == files[1])
  }

  @Test("stopped before the first epoch is over, nothing is written")
  func stoppedEarly() throws {
    try withTrainer { trainer, folder in
      let message = failure {
        _ = try trainer().train(
          output: folder + "/out.safetensors", checkpoint: folder + "/out.checkpoint",
          resumes: false, shouldStop: { true })
      }
      #expect(message.contains("before the first epoch"))
      #expect(Repository.names(in: folder) == ["base.safetensors", "data"])
    }
  }

  @Test("early stopping ends a phase")
  func patience() throws {
    try withTrainer {
      $0.patience = 1
      $0.warmupEpochs = 50
      $0.learningRate = 0.05
      $0.fineTuning = .none
    } _: { trainer, folder in
      let outcome = try trainer().train(
        output: folder + "/out.safetensors", checkpoint: folder + "/out.checkpoint",
        resumes: false)
      let best = try #require(outcome.curve.best)
      #expect(outcome.curve.epochs.count < 50)
      #expect(outcome.curve.epochs.count == best + 1)
    }
  }

  @Test("a base whose card states its nodes is trained to the same tensors")
  func graph() throws {
    var trained: [[String: Tensor]] = []
    for isGraph in [false, true] {
      try withTrainer { trainer, folder in
        if isGraph { try SmallModel.writeGraph(to: folder + "/base.safetensors") }
        _ = try trainer().train(
          output: folder + "/out.safetensors", checkpoint: folder + "/c", resumes: false)
        let file = try SafetensorsFile(contentsOf: folder + "/out.safetensors")
        #expect(try file.card().architecture == (isGraph ? .graph : .mobileNetV2))
        trained.append(
          try Dictionary(
            uniqueKeysWithValues: file.entries.map { ($0.name, try file.tensor($0.name)) }))
      }
    }
    #expect(trained.count == 2 && trained[0] == trained[1])
  }

  @Test("a base whose nodes end in logits has no head to train")
  func headless() throws {
    try withTrainer { trainer, folder in
      try SmallModel.writeGraph(to: folder + "/base.safetensors", hasHead: false)
      #expect(failure { _ = try trainer() }.contains("has no head to train anew"))
    }
  }

  @Test("half precision halves the file")
  func half() throws {
    try withTrainer({ $0.fineTuning = .none }) { trainer, folder in
      for (name, type) in [("single", SafetensorsWriter.ElementType.float32), ("half", .float16)] {
        _ = try trainer().train(
          output: folder + "/" + name, checkpoint: folder + "/c", resumes: false, type: type)
      }
      let (single, half) = (
        try Files.read(folder + "/single").count, try Files.read(folder + "/half").count
      )
      #expect(half < single * 6 / 10)
      #expect(try SafetensorsFile(contentsOf: folder + "/half").card().labels == ["dark", "light"])
    }
  }

  @Test("a checkpoint of another run is refused")
  func otherRun() throws {
    try withTrainer { trainer, folder in
      let (output, checkpoint) = (folder + "/out.safetensors", folder + "/out.checkpoint")
      #expect(
        failure {
          _ = try trainer().train(output: output, checkpoint: checkpoint, resumes: true)
        }.contains("no checkpoint"))
      var asked = 0
      _ = try trainer().train(
        output: output, checkpoint: checkpoint, resumes: false,
        shouldStop: {
          asked += 1
          return asked > 8
        })
      let file = try SafetensorsFile(contentsOf: folder + "/base.safetensors")
      var options = Self.options()
      options.learningRate = 0.02
      let other = try Trainer(
        base: file, card: try file.card(), data: try DataSet.open(folder + "/data"),
        loader: SmallModel.Loader(), options: options)
      #expect(
        failure { _ = try other.train(output: output, checkpoint: checkpoint, resumes: true) }
          .contains("another learning rate"))
      try FileManager.default.removeItem(atPath: folder + "/data/training/light/3.png")
      #expect(
        failure {
          _ = try trainer().train(output: output, checkpoint: checkpoint, resumes: true)
        }.contains("another list of samples"))
      #expect(
        failure {
          _ = try trainer().train(
            output: output, checkpoint: folder + "/base.safetensors", resumes: true)
        }.contains("holds no state of training"))
    }
  }

  @Test("a checkpoint that cannot be written ends training with one line")
  func unwritableCheckpoint() throws {
    try withTrainer { trainer, folder in
      let message = failure {
        _ = try trainer().train(
          output: folder + "/out.safetensors", checkpoint: folder + "/missing/c", resumes: false)
      }
      #expect(message.contains("/missing/c") && !message.contains("\n"))
      #expect(Repository.names(in: folder) == ["base.safetensors", "data"])
    }
  }

  @Test("a sample that cannot be read ends training with its name")
  func unreadable() throws {
    try withTrainer { trainer, folder in
      try AtomicFile.write("no picture", to: folder + "/data/training/light/2.png")
      let message = failure {
        _ = try trainer().train(
          output: folder + "/out", checkpoint: folder + "/c", resumes: false)
      }
      #expect(message.contains("training/light/2.png"), "\(message)")
    }
  }

  @Test("options that do not fit are refused before anything is read")
  func wrongOptions() throws {
    for (change, words) in [
      (
        {
          $0.task = .multiclass; $0.head = "pool,dense:4:relu"
        }, "last"
      ),
      ({ $0.head = "pool,tea,dense" }, "\"tea\" is no layer"),
      ({ $0.head = "pool,dropout:2,dense" }, "rate from 0 up to 1"),
      ({ $0.head = "pool" }, "does not end with dense"),
      ({ $0.head = "dense" }, "nothing before it pools"),
      ({ $0.task = .multilabel }, "use binary"),
      ({ $0.fineTuning = .layer("features.99") }, "no layer called \"features.99\""),
      ({ $0.fineTuning = .layer("features.17.conv.0.0.weight") }, "no layer called"),
    ] as [((inout TrainingOptions) -> Void, String)] {
      try withTrainer(change) { trainer, _ in
        let message = failure { _ = try trainer() }
        #expect(message.contains(words), "\(message)")
      }
    }
  }

  @Test("a checkpoint that is not as it was written is refused, and no number in it traps")
  func editedCheckpoint() throws {
    try withTrainer { trainer, folder in
      let (output, checkpoint) = (folder + "/out.safetensors", folder + "/out.checkpoint")
      var asked = 0
      _ = try trainer().train(
        output: output, checkpoint: checkpoint, resumes: false,
        shouldStop: {
          asked += 1
          return asked > 8
        })
      let bytes = try Data(contentsOf: URL(filePath: checkpoint))
      func refusal(_ contents: Data) throws -> String {
        try contents.write(to: URL(filePath: checkpoint))
        return failure {
          _ = try trainer().train(output: output, checkpoint: checkpoint, resumes: true)
        }
      }
      // Cut off anywhere, one bit of a tensor, and numbers of the same length in the state.
      for length in [0, 8, 100, bytes.count / 2, bytes.count - 1] {
        #expect(try refusal(bytes.prefix(length)) != "", "\(length)")
      }
      var changed = bytes
      changed[bytes.count - 7] ^= 1
      #expect(try refusal(changed).contains("digest"))
      for (old, new) in [
        (##"\"epochsOfPhase\":1"##, ##"\"epochsOfPhase\":9"##),
        (##"\"steps\":5"##, ##"\"steps\":7"##), (##"\"steps\":5"##, ##"\"steps\":-"##),
        (##"\"optimizerSteps\":5"##, ##"\"optimizerSteps\":6"##),
      ] {
        let range = try #require(bytes.range(of: Data(old.utf8)), "\(old)")
        var edited = bytes
        edited.replaceSubrange(range, with: Data(new.utf8))
        let message = try refusal(edited)
        #expect(message.contains("not a checkpoint that can be continued"), "\(new): \(message)")
      }
      // As it was, it goes on.
      #expect(try refusal(bytes) == "")
    }
  }

  @Test("pictures that changed since are noticed when training goes on")
  func changedPictures() throws {
    try withTrainer { trainer, folder in
      let (output, checkpoint) = (folder + "/out.safetensors", folder + "/out.checkpoint")
      var asked = 0
      _ = try trainer().train(
        output: output, checkpoint: checkpoint, resumes: false,
        shouldStop: {
          asked += 1
          return asked > 8
        })
      try Image(width: 32, height: 32, filledWith: RGB(1, 2, 3))
        .write(to: folder + "/data/training/light/3.png")
      #expect(
        failure {
          _ = try trainer().train(output: output, checkpoint: checkpoint, resumes: true)
        }.contains("another set of pictures or sounds"))
    }
  }

  @Test("the epoch that is kept is the best by what is monitored", arguments: Monitor.allCases)
  func monitor(_ monitor: Monitor) throws {
    try withTrainer {
      $0.monitor = monitor
      $0.fineTuning = .none
      $0.warmupEpochs = 6
    } _: { trainer, folder in
      let curve = try trainer().train(
        output: folder + "/out", checkpoint: folder + "/c", resumes: false
      ).curve
      let best = try #require(curve.epochs.first { $0.epoch == curve.best })
      for other in curve.epochs {
        switch monitor {
        case .loss: #expect(best.validationLoss <= other.validationLoss)
        case .auc: #expect((best.validationAUC ?? 0) >= (other.validationAUC ?? 0))
        case .accuracy: #expect(best.validationAccuracy >= other.validationAccuracy)
        case .averagePrecision:
          #expect(
            (best.validationAveragePrecision ?? 0) >= (other.validationAveragePrecision ?? 0))
        }
      }
      let ends = try JSONDecoder().decode(LearningCurve.self, from: JSONEncoder().encode(curve))
      #expect(ends == curve)
    }
  }

  @Test("a measure that validation does not define cannot be monitored")
  func unmeasurable() throws {
    try withTrainer({ $0.monitor = .auc }) { trainer, folder in
      try FileManager.default.removeItem(atPath: folder + "/data/validation/light")
      #expect(failure { _ = try trainer() }.contains("use --monitor loss"))
    }
  }

  @Test("a threshold chosen for a sensitivity goes into the card")
  func sensitivity() throws {
    try withTrainer {
      $0.sensitivity = 0.8
      $0.fineTuning = .none
      $0.head = "pool,dense"
    } _: { trainer, folder in
      let outcome = try trainer().train(
        output: folder + "/out", checkpoint: folder + "/c", resumes: false)
      let point = try #require(outcome.operatingPoints.first)
      #expect(outcome.operatingPoints.count == 1 && point.label == "light")
      #expect((point.sensitivity.value ?? 0) >= 0.8 && point.sensitivity.trials == 6)
      let file = try SafetensorsFile(contentsOf: folder + "/out")
      #expect(try file.card().output == .binary(threshold: point.threshold))
      // The file knows its data again.
      let data = try DataSet.open(folder + "/data")
      #expect(TrainedData(file)?.list == data.listDigest)
    }
  }

  @Test("a label all of whose files are missing is one without samples")
  func absentLabel() throws {
    try withTrainer { trainer, folder in
      let names = try FileManager.default.contentsOfDirectory(
        atPath: folder + "/data/training/dark")
      let rows = names.map { "training/dark/\($0),dark\n" } + (0..<9).map { "no\($0).png,light\n" }
      try AtomicFile.write("path,label\n" + rows.joined(), to: folder + "/data/list.csv")
      let file = try SafetensorsFile(contentsOf: folder + "/base.safetensors")
      let message = failure {
        _ = try Trainer(
          base: file, card: try file.card(), data: try DataSet.open(folder + "/data/list.csv"),
          loader: SmallModel.Loader(), options: Self.options())
      }
      #expect(message.contains("light"), "\(message)")
    }
  }

  @Test("a learning-rate range test keeps nothing and suggests a rate within its range")
  func rateRange() throws {
    try withTrainer({ $0.head = "pool,dense" }) { trainer, folder in
      let range = try trainer().rateRange(1e-5...10, steps: 60)
      #expect(range.points.count > 10 && range.points[0].rate == 1e-5)
      #expect(zip(range.points, range.points.dropFirst()).allSatisfy { $0.rate < $1.rate })
      let rate = try #require(range.suggestion)
      #expect(rate > 1e-5 && rate < 10)
      // What it suggests learns.
      #expect(range.points.map(\.smoothed).min() ?? 1 < 0.8 * range.points[0].loss)
      #expect(range.csv.split(separator: "\n").count == range.points.count + 1)
      #expect(try trainer().rateRange(1e-5...10, steps: 60) == range)
      #expect(Repository.names(in: folder) == ["base.safetensors", "data"])
      #expect(try range.rendered(title: "rates").width > 0)
    }
  }

  @Test("training reports every sample that goes through the network, and a cancelled task ends it")
  func work() async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/prism-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try SmallModel.writePictures(in: folder + "/data")
    try SmallModel.write(to: folder + "/base.safetensors")
    let file = try SafetensorsFile(contentsOf: folder + "/base.safetensors")
    let trainer = try Trainer(
      base: file, card: try file.card(), data: try DataSet.open(folder + "/data"),
      loader: SmallModel.Loader(), options: Self.options())
    let last = Mutex(Work.Progress(done: 0, planned: 0))
    _ = try trainer.train(
      output: folder + "/out", checkpoint: folder + "/c", resumes: false,
      work: Work { progress in last.withLock { $0 = progress } })
    // 22 to train and 12 to validate: features of both phases, two epochs and three.
    #expect(last.withLock { $0 } == Work.Progress(done: 7 * 34, planned: 7 * 34))
    let task = Task {
      var steps = 0
      _ = try trainer.train(
        output: folder + "/other", checkpoint: folder + "/d", resumes: false,
        report: { event in
          guard case .step = event else { return }
          steps += 1
          if steps == 7 { withUnsafeCurrentTask { $0?.cancel() } }
        })
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    // The first epoch had five steps: its checkpoint is there to go on from.
    #expect(Repository.names(in: folder).contains("d"))
    #expect(!Repository.names(in: folder).contains("other"))
  }

  @Test("augmentation keeps an even picture and depends on its seed alone")
  func augmentation() {
    let even = Tensor([1, 9, 8, 3], repeating: 0.5)
    let changes = Augmentation(degrees: 30, translation: 0.3, zoom: 0.3)
    expectClose(changes.apply(even, seed: 3), even, tolerance: 1e-6)
    var random = SeededRandom(seed: 1)
    let image = Tensor.uniform([1, 9, 8, 3], using: &random)
    #expect(changes.apply(image, seed: 3) == changes.apply(image, seed: 3))
    #expect(changes.apply(image, seed: 3) != changes.apply(image, seed: 4))
    let none = Augmentation(degrees: 0, translation: 0, zoom: 0)
    expectClose(none.apply(image, seed: 3), image, tolerance: 1e-6)
  }
}
