"""Which class of layer is emitted by what."""

from collections.abc import Callable

from compiler.emission import activations, normalization, recurrent, shaping
from compiler.emission.convolution import CONVOLUTIONS
from compiler.emission.dense import dense
from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Tensor
from compiler.emission.pooling import POOLING

_OF_TRAINING = (
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise",
    "SpatialDropout1D", "SpatialDropout2D",
)  # fmt: skip

# Layers that read one tensor; those that join several are in `merging`.
EMITTERS: dict[str, Callable[[Layer, Tensor, Graph], Tensor]] = {
    **activations.LAYERS,
    **CONVOLUTIONS,
    **POOLING,
    **dict.fromkeys(_OF_TRAINING, shaping.unchanged),
    "Activation": activations.activation_layer,
    "BatchNormalization": normalization.batch_normalization,
    "Bidirectional": recurrent.bidirectional,
    "Cropping1D": shaping.cropping(1),
    "Cropping2D": shaping.cropping(2),
    "Dense": dense,
    "Flatten": shaping.flatten,
    "GRU": recurrent.recurrent,
    "LSTM": recurrent.recurrent,
    "LayerNormalization": normalization.layer_normalization,
    "Normalization": normalization.normalization,
    "PReLU": activations.prelu,
    "Permute": shaping.permute,
    "RepeatVector": shaping.repeat_vector,
    "Rescaling": normalization.rescaling,
    "Reshape": shaping.reshape_layer,
    "SimpleRNN": recurrent.recurrent,
    "UpSampling1D": shaping.upsampling(1),
    "UpSampling2D": shaping.upsampling(2),
    "ZeroPadding1D": shaping.zero_padding(1),
    "ZeroPadding2D": shaping.zero_padding(2),
}
