// The code of Judging.md, word for word.

import Prism

func measureMap(
  _ model: Model, _ explained: ExplainedImage, _ target: Prediction.Entry, mask: Tensor
) throws -> [MapMeasure: Double] {
  var judge = PictureJudge(model, image: explained, truths: [mask], tests: [.curves, .road])
  let maps = try model.explain(explained, with: GradCAM(), targets: [target])
  let measures = try judge.measures(of: maps, by: JudgedMethod(GradCAM()))
  print(measures[0][.iou] ?? 0, measures[0][.road] ?? 0)
  return measures[0]
}
