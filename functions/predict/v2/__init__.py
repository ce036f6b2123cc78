"""The Open Inference Protocol, version 2: for clients of KServe, Triton and MLServer.

Source: https://github.com/kserve/open-inference-protocol (inference_rest.md), and for tensors as
bytes Triton's extension_binary_data.md. A request becomes matrices, as a document does, and from
there on everything is as under POST /predictions.
"""
