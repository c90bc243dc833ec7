"""Tiny models of each architecture, as each program builds them: the shapes that the cases of make.mjs have."""

from types import SimpleNamespace

import torch
from diffusers import FluxTransformer2DModel, UNet2DConditionModel
from mlx_lm.models import gemma3, gpt2, llama
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

WIDTH, HIDDEN, VOCABULARY = 8, 12, 16
LLAMA = dict(
    hidden_size=WIDTH,
    intermediate_size=HIDDEN,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    vocab_size=VOCABULARY,
    rms_norm_eps=1e-5,
    tie_word_embeddings=False,
)


def torch_llama():
    return LlamaForCausalLM(LlamaConfig(**LLAMA))


def torch_gpt2():
    return GPT2LMHeadModel(
        GPT2Config(n_embd=WIDTH, n_layer=2, n_head=2, vocab_size=VOCABULARY, n_positions=8, bos_token_id=0, eos_token_id=1)
    )


def mlx_llama():
    return llama.Model(llama.ModelArgs(model_type="llama", **LLAMA))


def mlx_gpt2():
    return gpt2.Model(
        gpt2.ModelArgs(
            model_type="gpt2",
            n_ctx=8,
            n_embd=WIDTH,
            n_head=2,
            n_layer=2,
            n_positions=8,
            layer_norm_epsilon=1e-5,
            vocab_size=VOCABULARY,
        )
    )


def mlx_gemma3():
    text = dict(
        model_type="gemma3_text",
        hidden_size=WIDTH,
        intermediate_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
    )
    return gemma3.Model(gemma3.ModelArgs(model_type="gemma3", text_config=text, vocab_size=VOCABULARY))


def unet():
    """Stable Diffusion's UNet with one layer a block."""
    return UNet2DConditionModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(WIDTH, 2 * WIDTH),
        norm_num_groups=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
    )


def flux():
    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=4,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        axes_dims_rope=(0, 2, 2),
    )


def comfy_unet():
    """Stable Diffusion's UNet of the same plan, as its first code has it."""
    import comfy.model_base
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules import openaimodel

    class Narrow(comfy.ops.disable_weight_init):
        class GroupNorm(comfy.ops.disable_weight_init.GroupNorm):
            """As many groups as so few channels have."""

            def __init__(self, num_groups, num_channels, **rest):
                super().__init__(min(4, num_groups), num_channels, **rest)

    config = dict(
        image_size=8,
        in_channels=4,
        out_channels=4,
        model_channels=WIDTH,
        num_res_blocks=[1, 1],
        channel_mult=[1, 2],
        transformer_depth=[1, 0],
        transformer_depth_output=[1, 1, 0, 0],
        transformer_depth_middle=1,
        context_dim=WIDTH,
        num_heads=2,
        use_spatial_transformer=True,
    )
    model = openaimodel.UNetModel(**config, operations=Narrow)
    return held(comfy.model_base.BaseModel, model, config)


def comfy_flux():
    import comfy.model_base
    import comfy.ops
    from comfy.ldm.flux.model import Flux

    config = dict(
        in_channels=4,
        out_channels=4,
        patch_size=1,
        vec_in_dim=WIDTH,
        context_in_dim=WIDTH,
        hidden_size=WIDTH,
        mlp_ratio=4.0,
        num_heads=2,
        depth=1,
        depth_single_blocks=1,
        axes_dim=[0, 2, 2],
        theta=10000,
        qkv_bias=True,
        guidance_embed=True,
        txt_ids_dims=[],
    )
    return held(comfy.model_base.Flux, Flux(**config, operations=comfy.ops.disable_weight_init), config)


def held(kind, model, config):
    """What ComfyUI's key maps ask a model for."""
    holder = kind.__new__(kind)
    torch.nn.Module.__init__(holder)
    holder.diffusion_model = model
    holder.model_config = SimpleNamespace(unet_config=config)
    return holder
