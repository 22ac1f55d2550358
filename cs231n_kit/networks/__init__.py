"""Networks from short definitions: layers that name their outputs, put together; the rest is worked out."""

from cs231n_kit.networks.activation import ELU, LeakyReLU, Maxout, ReLU, Sigmoid, Tanh
from cs231n_kit.networks.affine import Affine, TemporalAffine, WordEmbedding
from cs231n_kit.networks.arrangements import Auxiliary, Parallel, Residual
from cs231n_kit.networks.convolution import AveragePool, Convolution, Flatten, GlobalAveragePool, MaxPool
from cs231n_kit.networks.layer import Layer, Parameter
from cs231n_kit.networks.normalization import BatchNorm, Dropout, GroupNorm, LayerNorm
from cs231n_kit.networks.parser import parse
from cs231n_kit.networks.recurrent import LSTM, RNN, LastStep
from cs231n_kit.networks.sequential import Sequential
from cs231n_kit.networks.timing import layer_seconds

__all__ = [
    "ELU",
    "LSTM",
    "RNN",
    "Affine",
    "Auxiliary",
    "AveragePool",
    "BatchNorm",
    "Convolution",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "GroupNorm",
    "LastStep",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool",
    "Maxout",
    "Parallel",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "TemporalAffine",
    "WordEmbedding",
    "layer_seconds",
    "parse",
]
