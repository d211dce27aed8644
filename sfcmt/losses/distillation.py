"""The student's predictions follow the teacher's."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def distillation(student_logits_BK: Tensor, teacher_probabilities_BK: Tensor, temperature: float = 1.0) -> Tensor:
    """Kullback-Leibler divergence in nats, of the softened student from the teacher; 0 where they are equal.

        L_KL = T^2/B sum_i sum_k q_ik log(q_ik / p_ik),  p = softmax(student_logits / T)

    `teacher_probabilities_BK` (B, K) are already softened with the same temperature; zeros among them add nothing.
    T^2 keeps the size of the gradient when T changes.
    Source: Hinton et al., 2015 (Distilling the knowledge in a neural network); TGKT, arXiv 2401.05014, L_KL (T = 1).
    """
    log_p_BK = (student_logits_BK / temperature).log_softmax(dim=1)
    return F.kl_div(log_p_BK, teacher_probabilities_BK, reduction="batchmean") * temperature**2
