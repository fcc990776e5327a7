public import PrismRuntime
internal import PrismTensor

/// Every method by its name on the command line, and how it is made of what users choose.
public enum ExplanationMethod: String, Sendable, CaseIterable, Codable {
  case gradcam
  case gradcamPlusPlus = "gradcam++"
  case hirescam
  case xgradcam
  case layercam
  case eigencam
  case eigengradcam
  case finercam
  case opticam
  case scorecam
  case ablationcam
  case saliency
  case inputXGradient = "inputxgradient"
  case integratedGradients = "ig"
  case blurIG = "blurig"
  case guidedIG = "guidedig"
  case smoothgrad
  case vargrad
  case gradientSHAP = "gradientshap"
  case deeplift
  case lrp
  case fullgrad
  case xrai
  case guidedBackpropagation = "guided-backprop"
  case occlusion
  case rise
  case lime
  case kernelSHAP = "kernelshap"
  case partitionSHAP = "shap"
  case permutationSHAP = "permutation-shap"
  case sobol
  case hsic
  case extremal

  /// Something that users choose for a method.
  public enum Choice: String, Sendable, CaseIterable, Codable {
    /// The layer that is looked at.
    case layer
    /// How often the model is evaluated: the samples of methods that draw, the steps of Integrated
    /// Gradients.
    case samples
    /// The seed of the draws.
    case seed
    /// How the image is divided.
    case segments
    /// What stands for the absence of a part, or of the whole image.
    case mask
    /// Drawing until the ranking of the top parts is sure.
    case stopping
    /// Which number of the model is explained: the logit or the probability.
    case output
    /// Which rules relevance is shared out by.
    case composite
    /// Which samples are drawn.
    case draws
  }

  /// What users can choose for the method.
  public var choices: Set<Choice> {
    switch self {
    case .gradcam, .gradcamPlusPlus, .hirescam, .xgradcam, .layercam, .eigencam, .eigengradcam,
      .finercam, .scorecam, .ablationcam:
      [.layer]
    case .opticam: [.layer, .samples]
    case .saliency, .inputXGradient, .fullgrad, .guidedBackpropagation: []
    case .integratedGradients, .guidedIG: [.samples, .mask]
    case .blurIG, .xrai: [.samples]
    case .smoothgrad, .vargrad: [.samples, .seed, .stopping]
    case .gradientSHAP: [.samples, .seed, .mask, .stopping]
    case .rise: [.samples, .seed, .mask, .stopping, .output, .draws]
    case .deeplift: [.mask]
    case .lrp: [.composite]
    case .occlusion: [.mask, .output]
    case .lime, .kernelSHAP: [.samples, .seed, .segments, .mask, .stopping, .output, .draws]
    case .permutationSHAP: [.samples, .seed, .segments, .mask, .stopping, .output]
    case .partitionSHAP, .sobol, .hsic: [.samples, .mask, .output]
    case .extremal: [.samples]
    }
  }

  /// The samples that a method may draw until it is sure, relative to its default, where no limit
  /// is given.
  static let patience = 10

  /// The method as it is run.
  ///
  /// KernelSHAP spends two of its evaluations on the masked and the whole image.
  ///
  /// - Parameter settings: What the user chose.
  /// - Returns: A value that explains.
  public func explainer(_ settings: Settings = Settings()) -> any Explainer {
    let (layer, seed, stopping) = (settings.layer, settings.seed, settings.stopping)
    func samples(_ usual: Int) -> Int {
      settings.samples ?? (stopping == nil ? usual : usual * Self.patience)
    }
    func masker(_ usual: Masker = .constant([0])) -> Masker { settings.masker ?? usual }
    let segmenter = settings.segmenter ?? .quickshift()
    let output = settings.output ?? .logit
    let isPublished = settings.draws == .published
    switch self {
    case .gradcam: return GradCAM(layer: layer)
    case .gradcamPlusPlus: return GradCAMPlusPlus(layer: layer)
    case .hirescam: return HiResCAM(layer: layer)
    case .xgradcam: return XGradCAM(layer: layer)
    case .layercam: return LayerCAM(layer: layer)
    case .eigencam: return EigenCAM(layer: layer)
    case .eigengradcam: return EigenGradCAM(layer: layer)
    case .finercam: return FinerCAM(layer: layer)
    case .opticam:
      return OptiCAM(LayerChoice(layer: layer), steps: settings.samples ?? 100)
    case .scorecam: return ScoreCAM(layer: layer)
    case .ablationcam: return AblationCAM(layer: layer)
    case .saliency: return Saliency()
    case .inputXGradient: return InputXGradient()
    case .integratedGradients:
      return IntegratedGradients(steps: settings.samples, baseline: masker())
    case .blurIG: return BlurIG(steps: settings.samples ?? 100)
    case .guidedIG: return GuidedIG(steps: settings.samples ?? 200, baseline: masker())
    case .xrai: return XRAI(steps: settings.samples ?? 50)
    case .smoothgrad: return SmoothGrad(samples: samples(50), seed: seed, stopping: stopping)
    case .vargrad: return VarGrad(samples: samples(50), seed: seed, stopping: stopping)
    case .gradientSHAP:
      return ExpectedGradients(
        samples: samples(200), baselines: [masker()], seed: seed, stopping: stopping)
    case .deeplift: return DeepLIFT(baselines: [masker()])
    case .lrp: return LRP(composite: settings.composite ?? .epsilonPlusFlat)
    case .fullgrad: return FullGrad()
    case .guidedBackpropagation: return GuidedBackpropagation()
    case .occlusion: return Occlusion(masker: masker(), output: output)
    case .rise:
      return RISE(
        samples: samples(isPublished ? RISE.publishedSamples : RISE.usualSamples),
        masker: masker(), output: settings.output ?? .softmax,
        draws: isPublished ? .independent : .paired, seed: seed, stopping: stopping)
    case .lime:
      return LIME(
        samples: settings.samples == nil && stopping == nil && !isPublished
          ? nil : samples(LIME.publishedSamples),
        segmenter: segmenter, masker: masker(.segmentMean), output: output,
        draws: isPublished ? .independent : .stratified, seed: seed, stopping: stopping)
    case .kernelSHAP:
      return KernelSHAP(
        samples: settings.samples.map { $0 - 2 } ?? (stopping == nil ? nil : 20_000),
        segmenter: segmenter, masker: masker(.segmentMean), output: output,
        draws: isPublished ? .weighted : .stratified, seed: seed, stopping: stopping)
    case .partitionSHAP:
      return PartitionSHAP(
        evaluations: settings.samples ?? 500, masker: masker(.blur(rows: 32, columns: 32)),
        output: output)
    case .permutationSHAP:
      return PermutationSHAP(
        samples: settings.samples, segmenter: segmenter, masker: masker(.segmentMean),
        output: output, seed: seed, stopping: stopping)
    case .sobol: return Sobol(samples: settings.samples ?? 2080, masker: masker(), output: output)
    case .hsic: return HSIC(samples: settings.samples ?? 500, masker: masker(), output: output)
    case .extremal: return ExtremalPerturbation(steps: settings.samples ?? 800)
    }
  }

  /// Why the method cannot explain a model.
  ///
  /// - Parameters:
  ///   - classifier: The model.
  ///   - layer: The layer that is to be looked at; `nil` for the model's default.
  /// - Returns: The reason, or `nil` where the method fits.
  public func obstacle(for classifier: any Classifier, layer: String? = nil) -> String? {
    let facts = explainer().facts
    guard let classifier = classifier as? any DifferentiableClassifier else {
      return facts.needs.contains(.gradients) || facts.needs.contains(.layer)
        ? "the model is a black box, without gradients and layers" : nil
    }
    if facts.needs.contains(.layer) {
      let name = layer ?? classifier.defaultLayer
      guard let shape = classifier.shape(of: name) else { return "the model has no layer \(name)" }
      guard shape.rank == 4, shape[1] * shape[2] > 1 else {
        return "the layer \(name) has the shape \(shape) and no rows and columns"
      }
    }
    if self == .finercam, classifier.outputCount < 2 {
      return "the model has one label, and none to compare it with"
    }
    if self == .guidedBackpropagation, let planned = classifier as? PlannedClassifier,
      !planned.hasRectifiers
    {
      return "the network has no rectifiers to guide"
    }
    return nil
  }
}
