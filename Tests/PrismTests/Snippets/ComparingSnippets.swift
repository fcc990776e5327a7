// The code of Comparing.md, word for word.

import Prism

func compareMethods(_ model: Model, _ image: Image) throws -> Comparison {
  let comparison = try model.compare(
    image, with: [GradCAM(), Saliency(), Occlusion(window: 4, stride: 4)],
    targets: [model.predict(image).top])
  for (method, judgements) in zip(comparison.explanations, comparison.judgements) {
    print(method[0].title, judgements[0].deletion, judgements[0].insertion)
  }
  print(comparison.agreements[0][0][1])
  return comparison
}
