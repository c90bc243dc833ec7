/**
 * The architectures of vLLM 0.33.0 by which of their layers take LoRA: classes with SupportsLoRA and their embedding_modules
 * (tools/facts/vllm_lora.py prints them). "unknown" ones take LoRA on linear layers; for embeddings, the class of their language model
 * decides.
 */
const ARCHITECTURES = {
  both: [
    "ApertusForCausalLM DeciLMForCausalLM Ernie4_5ForCausalLM Exaone4ForCausalLM ExaoneMoeForCausalLM ExaoneMoEForCausalLM",
    "FalconH1ForCausalLM GraniteForCausalLM GraniteMoeForCausalLM GraniteMoeHybridForCausalLM GraniteMoeSharedForCausalLM",
    "GraniteMoeSWAForCausalLM GraniteSWAForCausalLM HyperCLOVAXForCausalLM InternLM3ForCausalLM IQuestCoderForCausalLM",
    "JambaForCausalLM K2HorizonForCausalLM Lfm2ForCausalLM Lfm2MoeForCausalLM LlamaForCausalLM Llama4ForCausalLM",
    "LLaMAForCausalLM MiniCPMForCausalLM MiniCPM3ForCausalLM Ministral3ForCausalLM MistralForCausalLM MixtralForCausalLM",
    "NemotronForCausalLM NemotronHForCausalLM NemotronHPuzzleForCausalLM Param2MoEForCausalLM Phi3ForCausalLM PhiMoEForCausalLM",
    "Qwen3ForCausalLM Qwen3MoeForCausalLM Qwen3_5ForCausalLM Qwen3_5MoeForCausalLM SolarForCausalLM TeleChat2ForCausalLM",
    "TeleChat3ForCausalLM TeleFLMForCausalLM JinaEmbeddingsV5Model LlamaBidirectionalModel LlamaModel MistralModel",
    "JambaForSequenceClassification LlamaBidirectionalForSequenceClassification MossAudioModel ExaoneForCausalLM",
  ],
  embedding: [
    "CohereForCausalLM Cohere2ForCausalLM ArceeForCausalLM CwmForCausalLM FlexOlmoForCausalLM GlmForCausalLM",
    "GPTBigCodeForCausalLM GPTNeoXForCausalLM HunYuanDenseV1ForCausalLM HunYuanMoEV1ForCausalLM Jais2ForCausalLM",
    "Kolibri1ForCausalLM MellumForCausalLM NanbeigeForCausalLM OlmoForCausalLM Olmo2ForCausalLM Olmo3ForCausalLM PhiForCausalLM",
    "SeedOssForCausalLM SmolLM3ForCausalLM Starcoder2ForCausalLM VaultGemmaForCausalLM Emu3ForConditionalGeneration",
    "HunYuanVLForConditionalGeneration VibeVoiceAsrForConditionalGeneration",
  ],
  linear: [
    "AfmoeForCausalLM AliceAIForCausalLM AXK1ForCausalLM BailingMoeForCausalLM BailingMoeV2ForCausalLM ChatGLMModel",
    "ChatGLMForConditionalGeneration DeepseekForCausalLM DeepseekV2ForCausalLM DeepseekV3ForCausalLM Ernie4_5_MoeForCausalLM",
    "GemmaForCausalLM Gemma2ForCausalLM Gemma3ForCausalLM Rnj1ForCausalLM Gemma4ForCausalLM Qwen3NextForCausalLM",
    "Glm4ForCausalLM Glm4MoeForCausalLM Glm4MoeLiteForCausalLM GptOssForCausalLM HYV3ForCausalLM InternLM2ForCausalLM",
    "LagunaForCausalLM LongcatFlashForCausalLM LongcatFlashNgramForCausalLM MiniMaxM2ForCausalLM MistralLarge3ForCausalLM",
    "MiMoForCausalLM MuseGlimmerForCausalLM OlmoHybridForCausalLM OlmoeForCausalLM OPTForCausalLM PanguEmbeddedForCausalLM",
    "PanguProMoEV2ForCausalLM PanguUltraMoEForCausalLM Plamo3ForCausalLM Qwen2ForCausalLM Qwen2MoeForCausalLM",
    "SarvamMoEForCausalLM SarvamMLAForCausalLM",
  ],
  unknown: [
    "BertModel BertSpladeSparseEmbeddingModel BgeM3EmbeddingModel DeepseekV3BidirectionalModel Gemma2Model ModernBertModel",
    "Qwen2Model RobertaForMaskedLM RobertaModel VoyageQwen3BidirectionalEmbedModel XLMRobertaModel ColPaliForRetrieval",
    "LlamaNemotronVLModel LlavaNextForConditionalGeneration Qwen2VLForConditionalGeneration HF_ColBERT ColQwen3",
    "OpsColQwen3Model ColQwen3_5 Qwen3VLNemotronEmbedModel InternLM2ForRewardModel Qwen2ForRewardModel",
    "Qwen2ForProcessRewardModel BertForTokenClassification ClefFlashForJointSchema ClefOmniForJointSchema",
    "Qwen3ASRForcedAlignerForTokenClassification BertForSequenceClassification RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification D3ForSequenceClassification JinaVLForRanking LlamaNemotronVLForSequenceClassification",
    "Alpamayo2Super AudioFlamingo3ForConditionalGeneration BagelForConditionalGeneration Blip2ForConditionalGeneration",
    "CohereCompassForConditionalGeneration Cosmos3ForConditionalGeneration DeepseekOCRForCausalLM DeepseekOCR2ForCausalLM",
    "UnlimitedOCRForCausalLM DotsOCRForCausalLM Eagle2_5_VLForConditionalGeneration Ernie4_5_VLMoeForConditionalGeneration",
    "Exaone4_5_ForConditionalGeneration Gemma3ForConditionalGeneration Gemma4ForConditionalGeneration",
    "Gemma4UnifiedForConditionalGeneration GlmAsrForConditionalGeneration GLM4VForCausalLM Glm4vForConditionalGeneration",
    "Glm4vMoeForConditionalGeneration GlmOcrForConditionalGeneration GraniteSpeechForConditionalGeneration",
    "GraniteSpeechPlusForConditionalGeneration Granite4VisionForConditionalGeneration H2OVLChatModel InternVLChatModel",
    "InternS1ForConditionalGeneration InternVLForConditionalGeneration InternS1ProForConditionalGeneration",
    "InternS2MobiusForConditionalGeneration InternS2PreviewForConditionalGeneration Idefics3ForConditionalGeneration",
    "IsaacForConditionalGeneration KeyeForConditionalGeneration KeyeVL1_5ForConditionalGeneration",
    "LightOnOCRForConditionalGeneration Lfm2VlForConditionalGeneration Llama4ForConditionalGeneration Llama_Nemotron_Nano_VL",
    "LlavaForConditionalGeneration LlavaNextVideoForConditionalGeneration MiniCPMO MiniCPMOcrForConditionalGeneration MiniCPMV",
    "MiniCPMV4_6ForConditionalGeneration MiniCPMV4_7ForConditionalGeneration Mistral3ForConditionalGeneration MolmoForCausalLM",
    "Molmo2ForConditionalGeneration NVLM_D MuseGlimmerForConditionalGeneration OpenCUAForConditionalGeneration",
    "OpenPanguVLForConditionalGeneration PaliGemmaForConditionalGeneration Phi4MMForCausalLM PixtralForConditionalGeneration",
    "QianfanOCRForConditionalGeneration Qwen2_5_VLForConditionalGeneration Qwen2_5OmniModel Qwen2_5OmniForConditionalGeneration",
    "Qwen3OmniMoeForConditionalGeneration Qwen3ASRForConditionalGeneration Qwen3ASRRealtimeGeneration",
    "Qwen3VLForConditionalGeneration Qwen3VLMoeForConditionalGeneration Qwen3_5ForConditionalGeneration",
    "Qwen3_5MoeForConditionalGeneration SmolVLMForConditionalGeneration UltravoxModel VoxtralForConditionalGeneration",
    "VoxtralRealtimeGeneration WhisperForConditionalGeneration NemotronH_Nano_VL_V2 NemotronH_Nano_Omni_Reasoning_V3",
    "NemotronH_Super_Omni_Reasoning_V3 NemotronH_Omni_Reasoning_V3",
  ],
  none: [
    "BailingMoeV2_5ForCausalLM BailingMoeV3ForCausalLM BeamForCausalLM BloomForCausalLM Cohere2MoeForCausalLM DbrxForCausalLM",
    "DeepseekV32ForCausalLM DeepseekV4ForCausalLM DomynEdgeForCausalLM DoryForCausalLM FalconForCausalLM FalconMambaForCausalLM",
    "FlintForCausalLM Gemma3nForCausalLM Qwen4ExpForCausalLM GlmMoeDsaForCausalLM Glm5NextForCausalLM GPT2LMHeadModel",
    "GPTJForCausalLM HrmTextForCausalLM HYV4ForCausalLM HCXVisionV2ForCausalLM IQuestLoopCoderForCausalLM KimiLinearForCausalLM",
    "MambaForCausalLM Mamba2ForCausalLM MiniMaxM3SparseForCausalLM InklingForCausalLM InklingForConditionalGeneration",
    "MiMoV2FlashForCausalLM MiMoV2ForCausalLM OrionForCausalLM Step1ForCausalLM Step3TextForCausalLM Step3p5ForCausalLM",
    "Step5ForCausalLM StableLmForCausalLM Zamba2ForCausalLM BertForMaskedLM Gemma3TextModel GteModel GteNewModel",
    "Lfm2BidirectionalModel NomicBertModel CLIPModel EmbeddingGemma2Model Phi3VForCausalLM SiglipModel Terratorch",
    "ColBERTModernBertModel ColBERTJinaRobertaModel ColBERTLfm2Model JinaForRanking ColModernVBertForRetrieval",
    "ColUltraVBertForRetrieval ModernVBertModel ModernBertForTokenClassification OpenAIPrivacyFilterForTokenClassification",
    "RobertaForTokenClassification XLMRobertaForTokenClassification GPT2ForSequenceClassification",
    "GteNewForSequenceClassification ModernBertForSequenceClassification AriaForConditionalGeneration",
    "BailingMoeV3VLForConditionalGeneration BeeForConditionalGeneration Cohere2VisionForConditionalGeneration",
    "Cosmos3EdgeForConditionalGeneration DeepseekVLV2ForCausalLM DeepseekV4ForConditionalGeneration DeepseekV41ForCausalLM",
    "Dots3NoteForCausalLM FireRedASR2ForConditionalGeneration FunASRForConditionalGeneration",
    "FunAudioChatForConditionalGeneration Gemma3nForConditionalGeneration DiffusionGemmaForBlockDiffusion",
    "Glm5NextForConditionalGeneration KananaVForConditionalGeneration KimiVLForConditionalGeneration",
    "KimiK25ForConditionalGeneration KimiK3ForConditionalGeneration MoonshotKimiaForCausalLM",
    "MossTranscribeDiarizeForConditionalGeneration LlavaOnevisionForConditionalGeneration",
    "LlavaOnevision2ForConditionalGeneration MiDashengLMModel MiMoV2OmniForCausalLM MiniMaxM3SparseForConditionalGeneration",
    "Moondream3ForCausalLM HfMoondream MuseSparkForConditionalGeneration OpenVLAForActionPrediction Ovis Ovis2_5",
    "Ovis2_6ForCausalLM Ovis2_6_MoeForCausalLM PaddleOCRVLForConditionalGeneration Phi4ForCausalLMV",
    "Qwen2AudioForConditionalGeneration Qwen4ExpForConditionalGeneration RForConditionalGeneration SkyworkR1VChatModel",
    "StepVLForConditionalGeneration Step3VLForConditionalGeneration Step3p7ForConditionalGeneration",
    "Step5ForConditionalGeneration CohereAsrForConditionalGeneration NemotronParseForConditionalGeneration",
    "RadioMBartPrefixForCausalLM",
  ],
} as const;

/** Which layers of a model take LoRA: linear layers with embedding and head, with the embedding, or alone; or none. */
export type LoraSupport = keyof typeof ARCHITECTURES;

const SUPPORT: ReadonlyMap<string, LoraSupport> = new Map(
  Object.entries(ARCHITECTURES).flatMap(([support, lines]) =>
    lines.flatMap((line) => line.split(" ").map((name) => [name, support as LoraSupport] as const)),
  ),
);

/** Which layers of an architecture (as config.json names it) take LoRA in vLLM; null where vLLM does not list it. */
export function vllmLoraSupport(architecture: string): LoraSupport | null {
  return SUPPORT.get(architecture) ?? null;
}
