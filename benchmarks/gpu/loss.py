"""Softmax cross-entropy and hinge losses, the loss as a number of Python and the gradient."""

from benchmarks.gpu.race import integers, memory_bound, normal, tensor
from benchmarks.harness import torch
from cs231n_kit.kernels import loss_cuda


def races(N, C):
    peers = {
        "softmax_loss": ("softmax loss", lambda x, y: torch.nn.functional.cross_entropy(x, y)),
        # PyTorch's is divided by the number of classes.
        "svm_loss": ("hinge loss", lambda x, y: C * torch.nn.functional.multi_margin_loss(x, y)),
        "squared_hinge_loss": ("squared hinge loss", lambda x, y: C * torch.nn.functional.multi_margin_loss(x, y, p=2)),
    }
    for function, (name, peer) in peers.items():
        work = f"{name}, loss and gradient ({N:,} x {C:,})"
        yield memory_bound(work, _sides(getattr(loss_cuda, function), peer, N, C), 2 * N * C)


def _sides(kernel, peer, N, C):
    def build():
        x, y = normal(N, C), integers(C, N)
        scores, labels = tensor(x, gradient=True), tensor(y)

        def theirs():
            loss = peer(scores, labels)
            (gradient,) = torch.autograd.grad(loss, scores)
            return loss.item(), gradient

        return lambda: kernel(x, y), theirs

    return build
