"""Encoders on ONNX Runtime: graphs written from safetensors, folders as embedders."""
