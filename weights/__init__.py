"""Scripts that rebuild the model packs below this folder; nothing here runs in the product."""
