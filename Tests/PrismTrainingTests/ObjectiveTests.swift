import PrismCard
import Foundation
import PrismFiles
import PrismTensor
import PrismTestSupport
import PrismTraining
import PrismWeights
import Synchronization
import Testing

@Suite("objectives and inputs")
struct ObjectiveTests {
  private func samples(_ truths: [DataSet.Truth]) -> [DataSet.Sample] {
    truths.enumerated().map { DataSet.Sample(path: "\($0).png", truth: $1) }
  }

  @Test("balanced weights are scikit-learn's, or negatives over positives")
  func balancedWeights() {
    // compute_class_weight("balanced", classes=[0, 1, 2], y=[0, 0, 0, 1, 1, 2]) is [2/3, 1, 2].
    let labels = samples([0, 0, 0, 1, 1, 2].map(DataSet.Truth.label))
    let weights = Objective.balancedWeights(.multiclass, labelCount: 3, samples: labels)
    #expect(weights == [6.0 / 9, 1, 2])
    let several = samples([
      .labels([1, 0]), .labels([0, .nan]), .labels([0, 1]), .labels([0, 0]),
    ])
    #expect(Objective.balancedWeights(.multilabel, labelCount: 2, samples: several) == [3, 2])
  }

  /// The gradient of a label that is not known is zero, whatever the logit.
  @Test("labels that are not known teach nothing")
  func unknownLabels() throws {
    var card = SmallModel.card(head: [
      .globalAveragePool, .dense(name: "classifier.1", units: 3, activation: .linear),
    ])
    card.output = .sigmoid(threshold: 0.5)
    card.labels = ["a", "b", "c"]
    let (network, tensors) = try SmallModel.network(card)
    var learner = try Learner(
      network, parameters: tensors, trained: ["classifier.1.weight", "classifier.1.bias"],
      objective: Objective(.multilabel, labelCount: 3))
    var random = SeededRandom(seed: 5)
    let features = (0..<2).map { _ in
      Tensor.uniform(learner.featureShape, in: 0..<1, using: &random)
    }
    let (loss, gradients) = try learner.gradients(
      features: features, truths: [.labels([1, .nan, 0]), .labels([0, .nan, 1])], seed: 0)
    #expect(loss.isFinite && loss > 0)
    let bias = try #require(gradients["classifier.1.bias"]).scalars
    #expect(bias[1] == 0 && bias[0] != 0 && bias[2] != 0)
    let weight = try #require(gradients["classifier.1.weight"])
    #expect(weight.slice(1).scalars.allSatisfy { $0 == 0 })
  }

  @Test("several labels are trained from a CSV, and SGD and balance do their part")
  func multilabel() throws {
    try Repository.withFolder { folder in
      try SmallModel.writePictures(in: folder)
      try SmallModel.write(to: folder + "/base.safetensors")
      var text = "path,labels,split\n"
      for (split, count) in [("training", 11), ("validation", 6)] {
        for (folder, labels) in [("light", "light|any"), ("dark", "any")] {
          for i in 0..<count {
            text += "\(split)/\(folder)/\(i).png,\(i % 3 == 0 ? "odd|" : "")\(labels),\(split)\n"
          }
        }
      }
      try AtomicFile.write(text, to: folder + "/list.csv")
      let file = try SafetensorsFile(contentsOf: folder + "/base.safetensors")
      var options = TrainingOptions()
      options.task = .multilabel
      options.head = "pool,dense"
      options.method = .sgd()
      options.learningRate = 2e-4
      options.warmupEpochs = 6
      options.balancesLabels = true
      options.threshold = 0.3
      let outcome = try Trainer(
        base: file, card: try file.card(), data: try DataSet.open(folder + "/list.csv"),
        loader: SmallModel.Loader(), options: options
      ).train(
        output: folder + "/out.safetensors", checkpoint: folder + "/c", resumes: false)
      let losses = outcome.curve.epochs.map(\.trainingLoss)
      #expect(losses.count == 6 && losses[5] < losses[0], "\(losses)")
      let card = try SafetensorsFile(contentsOf: folder + "/out.safetensors").card()
      #expect(card.output == .sigmoid(threshold: 0.3))
      #expect(card.labels == ["any", "light", "odd"])
    }
  }

  @Test("inputs come in their order, no more of them ahead than allowed", arguments: [1, 3])
  func prefetching(_ threads: Int) throws {
    let started = Atomic(0)
    let inputs = Prefetcher(count: 40, ahead: 4, threads: threads) { index in
      started.add(1, ordering: .relaxed)
      return Tensor(Float(index))
    }
    defer { inputs.stop() }
    for index in 0..<40 {
      // Those that were taken, four ahead, and the one that is asked for.
      #expect(started.load(ordering: .relaxed) <= index + 4)
      #expect(try inputs.next()?.scalars == [Float(index)])
    }
    #expect(try inputs.next() == nil)
  }

  @Test("an input that fails is an error in its turn, and threads end when nobody asks for more")
  func failingInput() throws {
    struct Failure: Error {}
    let inputs = Prefetcher(count: 1000, ahead: 2, threads: 2) { index in
      if index == 2 { throw Failure() }
      return Tensor(Float(index))
    }
    #expect(try inputs.next()?.scalars == [0])
    #expect(try inputs.next()?.scalars == [1])
    #expect(throws: Failure.self) { try inputs.next() }
    inputs.stop()
  }
}
