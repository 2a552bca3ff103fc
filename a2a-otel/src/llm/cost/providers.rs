//! Which provider of the price list a provider's name stands for.
//!
//! Names come from OpenInference (`llm.provider`), from the GenAI conventions (`gen_ai.provider.name`), and from other
//! libraries. The price list knows further names by itself.

/// Whose prices hold for a provider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Seller {
    /// Those of this provider of the price list.
    Listed(&'static str),
    /// Nobody's: the model runs on the user's own computers.
    Nobody,
}

use Seller::{Listed, Nobody};

/// Names that the price list does not know, or takes for another provider.
const SELLERS: &[(&str, Seller)] = &[
    // OpenInference.
    ("openai", Listed("openai")),
    ("anthropic", Listed("anthropic")),
    ("cohere", Listed("cohere")),
    ("mistralai", Listed("mistral")),
    ("google", Listed("google")),
    ("vertexai", Listed("google")),
    ("azure", Listed("azure")),
    ("aws", Listed("aws")),
    ("xai", Listed("x-ai")),
    ("deepseek", Listed("deepseek")),
    ("groq", Listed("groq")),
    ("perplexity", Listed("perplexity")),
    ("cerebras", Listed("cerebras")),
    ("fireworks", Listed("fireworks")),
    ("moonshot", Listed("moonshotai")),
    ("together", Listed("together")),
    // The GenAI conventions.
    ("mistral_ai", Listed("mistral")),
    ("gcp.gemini", Listed("google")),
    ("gcp.gen_ai", Listed("google")),
    ("gcp.vertex_ai", Listed("google")),
    ("azure.ai.openai", Listed("azure")),
    ("azure.ai.inference", Listed("azure")),
    ("aws.bedrock", Listed("aws")),
    ("x_ai", Listed("x-ai")),
    ("moonshot_ai", Listed("moonshotai")),
    // Other libraries and the providers' own spellings.
    ("gemini", Listed("google")),
    ("google_genai", Listed("google")),
    ("vertex_ai", Listed("google")),
    ("azure-openai", Listed("azure")),
    ("azure_openai", Listed("azure")),
    ("azure-ai", Listed("azure")),
    ("bedrock", Listed("aws")),
    ("bedrock_api", Listed("aws")),
    ("openai-responses", Listed("openai")),
    ("openai_resp", Listed("openai")),
    ("mistral", Listed("mistral")),
    ("togetherai", Listed("together")),
    ("fireworks_ai", Listed("fireworks")),
    ("moonshotai", Listed("moonshotai")),
    ("github_copilot", Listed("github-copilot")),
    ("bigmodel", Listed("zhipuai")),
    ("z_ai", Listed("zai")),
    // Servers of one's own.
    ("ollama", Nobody),
    ("vllm", Nobody),
    ("sglang", Nobody),
    ("llama.cpp", Nobody),
    ("llamacpp", Nobody),
    ("llamafile", Nobody),
    ("lmstudio", Nobody),
    ("lm_studio", Nobody),
    ("localai", Nobody),
    ("tgi", Nobody),
    ("mistral.rs", Nobody),
];

/// Whose prices hold. `None` if only the price list may know the name.
pub(super) fn seller(name: &str) -> Option<Seller> {
    let name = name.trim();
    SELLERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, seller)| *seller)
}

#[cfg(test)]
mod tests {
    use genai_prices::Calculator;

    use super::*;
    use crate::llm::shapes::SHAPES;
    use crate::semconv::equivalents::PROVIDERS;

    #[test]
    fn each_name_that_we_record_has_a_seller() {
        let of_shapes = SHAPES.iter().filter_map(|shape| shape.provider);
        let of_conventions = PROVIDERS.iter().flat_map(|row| [row.name, row.served_by]);
        let missing: Vec<_> = of_shapes.chain(of_conventions).filter(|name| seller(name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn each_seller_is_in_the_price_list_under_exactly_this_name() {
        for (name, seller) in SELLERS {
            let Listed(id) = *seller else { continue };
            let found = Calculator::bundled().find_provider(Some(id), None).unwrap();
            assert_eq!(found.map(genai_prices::ProviderInfo::id), Some(id), "{name}");
        }
    }

    #[test]
    fn the_price_list_sells_nothing_under_the_name_of_a_server_of_ones_own() {
        for (name, _) in SELLERS.iter().filter(|(name, seller)| *seller == Nobody && *name != "mistral.rs") {
            assert!(Calculator::bundled().find_provider(Some(name), None).unwrap().is_none(), "{name}");
        }
    }
}
