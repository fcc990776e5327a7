// The code of Training.md, word for word.

import Prism

func trainHead() throws {
  let data = try DataSet.open("photos")
  var options = TrainingOptions()
  options.task = .multiclass
  options.head = "pool,dropout:0.3,dense"
  let trainer = try Trainer(
    base: "Weights/dogs.safetensors", data: data, options: options)
  let outcome = try trainer.train(
    output: "Weights/photos.safetensors", checkpoint: "photos.checkpoint", resumes: false)
  print(outcome.curve)
}

func trainOnSplit(
  _ network: inout TrainableNetwork, _ data: DataSet, _ card: ModelCard
) throws -> [Double] {
  guard let split = data.split("training") else { return [] }
  return try network.train(
    split.inputs(for: card.input), truths: split.truths,
    objective: Objective(.multiclass, labelCount: data.labels.count), epochs: 10)
}

func evaluate(_ model: Model, _ data: DataSet) throws {
  let scored = try model.score("testing", of: data)
  for measure in try model.evaluation(of: scored).measures {
    print(measure.name, measure.value ?? .nan)
  }
}
