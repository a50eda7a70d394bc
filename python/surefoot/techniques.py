"""The table of techniques for training deep networks: what is where, by which formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Catalogue", "Technique", "catalogue"]


class Technique(NamedTuple):
    """One row: what it is, where it is, what it computes, who published it."""

    row: int  # in the list of a course on training; rows left out there are habits, not code
    family: str
    technique: str
    names: tuple[str, ...]  # below surefoot: "nn.init.zeros_" is surefoot.nn.init.zeros_
    formula: str
    source: str


class Catalogue(tuple[Technique, ...]):
    """Rows of `catalogue()`: a tuple that a rich console shows as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} techniques>"

    def __rich__(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Column, Table

        technique = Column("technique", max_width=26)
        table = Table("row", technique, "formula, names in surefoot", box=SIMPLE_HEAD)
        family = ""
        for item in self:
            if item.family != family:
                family = item.family
                table.add_row("", f"[bold]{family}[/bold]", "")
            what, formula = escape(item.technique), escape(item.formula)
            source = f"\n[dim]{escape(item.source)}[/dim]" if item.source else ""
            names = f"\n[cyan]{', '.join(item.names)}[/cyan]"
            table.add_row(str(item.row), what + source, formula + names)
        return table


def catalogue(search: str = "", *, show: bool = True) -> Catalogue:
    """Print the table of techniques and return its rows.

    search: only rows that contain this text, in upper or lower case. show: False prints nothing.

    Example:
        >>> import surefoot as sf
        >>> rows = sf.catalogue("dropconnect", show=False)
        >>> [(item.row, item.names) for item in rows]
        [(56, ('nn.DropConnect',))]
    """
    wanted = search.lower()
    rows = Catalogue(item for item in _ROWS if wanted in " ".join(map(str, item)).lower())
    if show:
        from rich.console import Console

        Console().print(rows)
    return rows


def _family(family: str, *rows: tuple[int, str, str, str, str]) -> tuple[Technique, ...]:
    return tuple(
        Technique(row, family, technique, tuple(names.split()), formula, source)
        for row, technique, names, formula, source in rows
    )


_ROWS = (
    *_family(
        "Initialisation",
        (1, "zeros", "nn.init.zeros_ initializers.Zeros", "w = 0: hidden layers stay equal", ""),
        (2, "constant", "nn.init.constant_ initializers.Constant", "w = c: units stay equal", ""),
        (3, "small random values", "nn.init.normal_ nn.init.uniform_ nn.init.trunc_normal_",
         "N(mean, std^2), U(a, b)", ""),
        (4, "Glorot (Xavier)", "nn.init.xavier_normal_ nn.init.xavier_uniform_",
         "std = sqrt(2 / (fan_in + fan_out)), bound sqrt(6 / (fan_in + fan_out))",
         "Glorot and Bengio 2010"),
        (5, "variance 1 / fan_in", "nn.init.lecun_normal_ initializers.VarianceScaling",
         "std = sqrt(1 / fan_in)", "LeCun et al. 1998"),
        (6, "He (Kaiming)", "nn.init.kaiming_normal_ nn.init.kaiming_uniform_",
         "std = gain / sqrt(fan_in), gain^2 = 2 / (1 + a^2)", "He et al. 2015"),
        (7, "LeCun", "nn.init.lecun_normal_ nn.init.lecun_uniform_",
         "std = sqrt(1 / fan_in), bound sqrt(3 / fan_in)", "LeCun et al. 1998"),
        (8, "orthogonal", "nn.init.orthogonal_ initializers.Orthogonal", "W W^T = gain^2 I",
         "Saxe et al. 2014"),
        (9, "Keras's names", "initializers.GlorotNormal initializers.GlorotUniform "
         "initializers.HeNormal initializers.HeUniform initializers.LecunNormal "
         "initializers.LecunUniform", "normal laws cut at 2 std and rescaled", "Keras"),
        (10, "initialiser by activation", "nn.Linear",
         "init='auto': He before ReLU's family, LeCun before SELU, else Glorot", ""),
    ),
    *_family(
        "Activations",
        (11, "sigmoid, tanh, softmax, identity", "nn.Sigmoid nn.Tanh nn.Softmax nn.Identity",
         "1 / (1 + e^-x); tanh x; e^x / sum e^x; x", ""),
        (12, "ReLU", "nn.ReLU", "max(x, 0), slope 0 at 0", "Nair and Hinton 2010"),
        (13, "leaky ReLU", "nn.LeakyReLU", "x > 0: x, else a x", "Maas et al. 2013"),
        (14, "randomised leaky ReLU", "nn.RReLU",
         "x > 0: x, else a x, a ~ U(1/8, 1/3) in training, their mean otherwise",
         "Xu et al. 2015"),
        (15, "parametric ReLU", "nn.PReLU", "x > 0: x, else a x, a learned from 0.25",
         "He et al. 2015"),
        (16, "ELU", "nn.ELU", "x > 0: x, else a (e^x - 1)", "Clevert et al. 2015"),
        (17, "SELU", "nn.SELU nn.AlphaDropout", "1.0507 elu(x, 1.6733)",
         "Klambauer et al. 2017"),
        (18, "maxout", "nn.Maxout", "max over k of w_k x + b_k", "Goodfellow et al. 2013"),
    ),
    *_family(
        "Optimizers",
        (19, "gradient descent: full, single, mini-batch", "optim.SGD data.DataLoader "
         "train.PeakMemory", "w -= lr g over the batch", "Robbins and Monro 1951"),
        (20, "SGD with momentum and Nesterov", "optim.SGD", "v = mu v + g; w -= lr v",
         "Polyak 1964; Sutskever et al. 2013"),
        (21, "classical momentum", "optim.SGD", "momentum_form='classical': v = mu v + lr g",
         "Polyak 1964"),
        (22, "momentum as a running mean", "optim.SGD",
         "momentum_form='ema': v = mu v + (1 - mu) g", ""),
        (23, "look-ahead Nesterov", "optim.SGD", "nesterov='lookahead': g at w - mu v",
         "Nesterov 1983"),
        (24, "AdaGrad", "optim.Adagrad", "s += g^2; w -= lr g / (sqrt(s) + eps)",
         "Duchi et al. 2011"),
        (25, "RMSProp", "optim.RMSprop", "s = a s + (1 - a) g^2; w -= lr g / (sqrt(s) + eps)",
         "Tieleman and Hinton 2012"),
        (26, "Adadelta", "optim.Adadelta", "w -= sqrt(u + eps) / sqrt(v + eps) g", "Zeiler 2012"),
        (27, "Adam", "optim.Adam", "w -= lr m' / (sqrt(v') + eps)", "Kingma and Ba 2015"),
        (28, "Adam without bias correction", "optim.Adam", "bias_correction=False", ""),
        (29, "eps inside or outside the root", "optim.Adagrad optim.RMSprop optim.Adam",
         "eps_mode='inside': sqrt(v + eps)", ""),
        (30, "learning rate per parameter",
         "optim.Optimizer optim.groups_by_name optim.no_decay_groups", "param_groups", ""),
        (31, "line search", "optim.LineSearchGD", "the best of several rates, or none", ""),
        (32, "second order: L-BFGS", "optim.LBFGS", "strong Wolfe line search", "Nocedal 1980"),
        (33, "Sutskever's momentum schedule", "optim.lr_scheduler.SutskeverMomentum",
         "min(1 - 2^(-1 - log2(floor(t / 250) + 1)), mu_max)", "Sutskever et al. 2013"),
        (34, "sparse features", "optim.Adagrad", "rare inputs get steps of the same size",
         "Duchi et al. 2011"),
        (35, "sparse gradients", "optim.Adagrad.step_rows", "only rows that were used move", ""),
        (36, "AdaGrad's dying rate", "optim.Adagrad.effective_lr", "lr / (sqrt(s) + eps)", ""),
    ),
    *_family(
        "Learning rate and batch",
        (37, "grid of rates, then a finer one", "train.lr_search",
         "best of 1e-4, 1e-3, 0.01, 0.1, 1, then of it times 0.5, 2, 3", ""),
        (38, "step decay", "optim.lr_scheduler.StepLR", "lr gamma^floor(t / size)", ""),
        (39, "halve when validation worsens", "optim.lr_scheduler.HalveOnWorse",
         "error above the previous epoch's: lr / 2", ""),
        (40, "milestones", "optim.lr_scheduler.MultiStepLR", "lr gamma at each milestone", ""),
        (41, "exponential decay", "optim.lr_scheduler.ExponentialLR", "lr gamma^t", ""),
        (42, "inverse time", "optim.lr_scheduler.InverseTimeLR", "lr / (1 + k t)", ""),
        (43, "cosine annealing", "optim.lr_scheduler.CosineAnnealingLR",
         "lr (1 + cos(pi t / T)) / 2", "Loshchilov and Hutter 2017"),
        (44, "reduce on plateau", "optim.lr_scheduler.ReduceLROnPlateau",
         "no progress for `patience` steps: lr factor", ""),
        (45, "cyclic rates", "optim.lr_scheduler.CyclicLR optim.lr_scheduler.OneCycleLR",
         "triangles between two rates", "Smith 2017"),
        (46, "learning-rate finder", "train.lr_find",
         "the rate rises from step to step: an interval with a reason, or why there is none",
         "Smith 2017"),
        (47, "rate and momentum", "optim.lr_scheduler.lr_with_momentum",
         "lr / (1 - momentum) is how far steps carry", ""),
        (48, "growing batches", "optim.lr_scheduler.BatchSizeGrowth train.GrowBatchSize",
         "batch size over epochs",
         "Smith et al. 2018"),
        (49, "a rate that is too high", "train.NonFiniteLossError",
         "lr above 2 / curvature: the loss grows until floats end; best weights kept", ""),
    ),
    *_family(
        "Normalisation and data",
        (50, "batch normalisation", "nn.BatchNorm1d nn.BatchNorm2d nn.BatchNorm3d",
         "(x - mean) / sqrt(var + eps) w + b per channel", "Ioffe and Szegedy 2015"),
        (51, "layer, group, instance and RMS norm",
         "nn.LayerNorm nn.GroupNorm nn.InstanceNorm1d nn.InstanceNorm2d nn.InstanceNorm3d "
         "nn.RMSNorm", "the same per sample", "Ba et al. 2016; Wu and He 2018"),
        (52, "dense layers and batch norm in turn", "nn.Sequential nn.BatchNorm1d",
         "Linear, ReLU, BatchNorm1d, Linear, ...", ""),
        (53, "standardised input", "nn.Standardize", "(x - mean) / std of the training data", ""),
        (54, "augmentation", "data.augment.GaussianNoise data.augment.RandomCrop "
         "data.augment.RandomHorizontalFlip data.augment.RandomVerticalFlip "
         "data.augment.RandomRotation data.augment.RandomAffine data.augment.ColorJitter "
         "data.augment.RandomErasing data.augment.Cutout data.augment.MixUp data.augment.CutMix "
         "data.augment.TimeShift data.augment.TimeWarp data.augment.TimeMask data.augment.Scaling",
         "random changes of the training samples, a function of (seed, epoch, sample)",
         "Zhang et al. 2018; Yun et al. 2019; Um et al. 2017"),
    ),
    *_family(
        "Regularisation and structure",
        (55, "dropout", "nn.Dropout nn.Dropout1d nn.Dropout2d nn.Dropout3d nn.AlphaDropout "
         "nn.FeatureAlphaDropout", "0 with probability p, else x / (1 - p)",
         "Srivastava et al. 2014"),
        (56, "DropConnect", "nn.DropConnect", "weights dropped with probability p",
         "Wan et al. 2013"),
        (57, "L1", "regularize.L1 regularize.ElasticNet", "strength sum |w|, proximal: exact zeros",
         "Tibshirani 1996"),
        (58, "L2", "regularize.L2", "strength sum w^2 in each convention",
         "Krogh and Hertz 1992"),
        (59, "p-norm", "regularize.LpNorm regularize.MaxNorm regularize.Orthogonality",
         "strength ||w||_p", ""),
        (60, "early stopping", "train.EarlyStopping",
         "no progress for `patience` epochs; 0: worse than the epoch before", "Prechelt 1998"),
        (61, "tied parameters", "nn.Parameter", "one Parameter in two places: gradients add up",
         ""),
        (62, "ensembles", "ensemble.Ensemble ensemble.bagging ensemble.bootstrap "
         "ensemble.Snapshots ensemble.SnapshotEnsemble ensemble.deep_ensemble ensemble.Batched "
         "ensemble.mc_dropout",
         "mean of outputs or probabilities, votes; their spread as uncertainty",
         "Breiman 1996; Huang et al. 2017; Lakshminarayanan et al. 2017"),
        (63, "pruning", "nn.utils.prune.l1_unstructured nn.utils.prune.global_unstructured "
            "nn.utils.prune.sparsity", "small weights to 0, trained on under the mask",
         "Han et al. 2015"),
        (64, "gradient clipping", "nn.utils.clip_grad_norm_ nn.utils.clip_grad_value_",
         "g min(1, c / ||g||); clamp(g, -c, c)", "Pascanu et al. 2013"),
        (65, "dense, convolutional, residual and recurrent nets",
         "nn.models.MLP nn.models.LeNet nn.models.ResNet nn.models.LSTMClassifier nn.Conv2d "
         "nn.MaxPool2d nn.RNN nn.LSTM nn.GRU nn.RNNCell nn.LSTMCell nn.GRUCell",
         "conv: w * x + b; residual: y = relu(F(x) + x); RNN: h = tanh(W_ih x + W_hh h + b); "
         "LSTM: c = f c + i g, h = o tanh(c); GRU: h = (1 - z) n + z h",
         "LeCun et al. 1998; He et al. 2016; Elman 1990; Hochreiter and Schmidhuber 1997; "
         "Cho et al. 2014"),
        (66, "losses", "nn.MSELoss nn.L1Loss nn.HuberLoss nn.SmoothL1Loss nn.CrossEntropyLoss "
         "nn.NLLLoss nn.BCELoss nn.BCEWithLogitsLoss nn.KLDivLoss nn.HingeLoss nn.MultiMarginLoss "
         "nn.MarginRankingLoss nn.CosineEmbeddingLoss nn.TripletMarginLoss nn.PoissonNLLLoss "
         "nn.GaussianNLLLoss nn.MultiLabelMarginLoss nn.CTCLoss",
         "sum(w loss) / sum(w) with sample weights w", ""),
    ),
    *_family(
        "The loop and tuning",
        (67, "the generic algorithm, visible and as fit", "train.Trainer train.ModelCheckpoint",
         "forward, backward, update until a stop; resumed to the bit", ""),
        (68, "grid, random, Bayesian and genetic search",
         "tune.search tune.Uniform tune.LogUniform tune.Int tune.Choice tune.Report "
         "estimators.Classifier estimators.Regressor",
         "all combinations; draws; Parzen trees; expected improvement; crossover and mutation",
         "Bergstra and Bengio 2012; Bergstra et al. 2011; Jones et al. 1998; Goldberg 1989"),
        (69, "progressive depth", "train.ProgressiveDepth train.Freeze",
         "blocks join one by one, earlier ones stay fixed", "Bengio et al. 2007"),
        (70, "width between input and output layer", "tune.width_rule",
         "a range to search, no answer: the best may lie outside", ""),
    ),
)  # fmt: skip
