/**
 * model_type of the language models whose head is the embedding where their config lacks tie_word_embeddings: the defaults of the
 * config classes of transformers 5.24 (tools/facts/tied_families.py prints them). Every other model has a separate head.
 */
const TIED: ReadonlySet<string> = new Set(
  [
    "albert bert bert-generation big_bird biogpt bloom camembert cohere cohere2 cohere2_moe cohere_compass_text convbert cpmant ctrl",
    "data2vec-text deberta deberta-v2 diffusion_gemma_text distilbert electra ernie ernie4_5 ernie4_5_moe ernie4_5_vl_moe_text esm falcon",
    "falcon_mamba flaubert fnet funnel gemma gemma2 gemma3_text gemma3n_text gemma4_text gemma4_unified_text gpt2 gpt_bigcode gpt_neo",
    "gpt_neox_japanese granite_docling_text granite_swa gte hunyuan_vl_text ibert jetmoe jina_embeddings_v3 lara_mini layoutlm lfm2",
    "lfm2_moe lfm3 longformer luke mamba megatron-bert minicpm3 mobilebert modernbert modernbert-decoder mpnet mpt mra neomme nomic_bert",
    "nystromformer openai-gpt opt paddleocr_vl_text qwen2_5_omni_text recurrent_gemma roberta roberta-prelayernorm roc_bert roformer",
    "smollm3 squeezebert starcoder2 t5_gemma_module t5gemma2_decoder t5gemma2_text vaultgemma xglm xlm xlm-roberta xlm-roberta-xl xlnet",
    "xmod yoso youtu zamba zamba2 zaya",
    // Models of several parts, where the whole model's default counts.
    "aya_vision bart bigbird_pegasus blenderbot blenderbot-small cohere2_vision diffusion_gemma ernie4_5_vl_moe florence2 fun_asr_nano",
    "gemma3 gemma3n gemma4 gemma4_unified got_ocr2 granite_docling hunyuan_vl kosmos-2 kosmos-2.5 led lfm2_vl lfm3_vl longt5 m2m_100",
    "marian mbart mt5 mvp nllb-moe paddleocr_vl paligemma pegasus pegasus_x plbart prophetnet qwen3_asr shieldgemma2 switch_transformers",
    "t5 t5gemma t5gemma2 udop umt5 voxtral_realtime whisper",
  ].flatMap((line) => line.split(" ")),
);

/** Whether a family's head is its embedding where the config does not say. */
export function tiedByDefault(modelType: string): boolean {
  return TIED.has(modelType);
}
