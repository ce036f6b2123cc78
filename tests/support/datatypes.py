"""The datatypes of the Open Inference Protocol, as NumPy has them; a BOOL is a byte."""

# As the protocol has them, written once more: what the code says of them is tested by this.
CODES = {
    "BOOL": "u1",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
