"""The catalogue of techniques: every name imports, and every name has a test."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import layer_table
import optim_table
import schedule_table
import surefoot as sf

TESTS = Path(__file__).parent
CATALOGUE = sf.catalogue(show=False)

# What the catalogue must hold.
WANTED = set(range(1, 71))

# What a table runs: see test_layers.py, test_optim.py, test_lr_scheduler.py.
TABLED = {
    *(f"nn.{row.layer}" for row in layer_table.ROWS),
    *(f"optim.{row.rule}" for row in optim_table.ROWS),
    *(f"optim.lr_scheduler.{row.schedule}" for row in schedule_table.ROWS),
}

# The test of every other name, and of rows whose technique is an option of what they name.
PROOFS = {
    **dict.fromkeys(
        (
            *("nn.init.normal_", "nn.init.uniform_", "nn.init.trunc_normal_"),
            *("nn.init.xavier_normal_", "nn.init.xavier_uniform_", "nn.init.kaiming_normal_"),
            *("nn.init.kaiming_uniform_", "nn.init.lecun_normal_", "nn.init.lecun_uniform_"),
            *("initializers.GlorotNormal", "initializers.GlorotUniform"),
            *("initializers.HeNormal", "initializers.HeUniform"),
            *("initializers.LecunNormal", "initializers.LecunUniform"),
            "initializers.VarianceScaling",
        ),
        "test_init.py::test_law",
    ),
    "nn.init.zeros_": "test_init.py::test_constant_laws",
    "nn.init.constant_": "test_init.py::test_constant_laws",
    "initializers.Zeros": "test_init.py::test_names_reach_the_laws",
    "initializers.Constant": "test_init.py::test_names_reach_the_laws",
    "nn.init.orthogonal_": "test_init.py::test_orthogonal",
    "initializers.Orthogonal": "test_init.py::test_orthogonal",
    **{
        f"data.augment.{name}": f"test_augment.py::test_{test}"
        for test, names in {
            "whole_pixels_equal_numpy": "RandomCrop RandomHorizontalFlip RandomVerticalFlip "
            "RandomAffine RandomErasing Cutout",
            "interpolated_pixels_and_colors_are_close_to_numpy": "RandomRotation ColorJitter",
            "numbers_are_close_to_numpy": "GaussianNoise",
            "sequences_against_numpy": "TimeShift TimeWarp TimeMask Scaling",
            "mixup_equals_numpy": "MixUp",
            "cutmix_equals_numpy": "CutMix",
        }.items()
        for name in names.split()
    },
    "data.DataLoader": "test_data.py::test_every_sample_once_in_every_epoch",
    "nn.Parameter": "test_module.py::test_parameter_shares_memory_and_is_a_leaf",
    "nn.utils.clip_grad_norm_": "test_module.py::test_clip_grad_norm",
    "nn.utils.clip_grad_value_": "test_module.py::test_clip_grad_value",
    "optim.Optimizer": "test_optim.py::test_groups_have_their_own_options_and_are_live",
    "optim.Adagrad.effective_lr": "test_optim_options.py::test_effective_lr_of_adagrad_dies",
    "optim.lr_scheduler.lr_with_momentum": "test_lr_scheduler.py::"
    "test_effective_rate_is_how_far_a_constant_gradient_carries",
    "regularize.L1": "test_regularize.py::test_value",
    "regularize.ElasticNet": "test_regularize.py::test_value",
    "regularize.L2": "test_regularize.py::test_conventions_of_l2_convert",
    "regularize.LpNorm": "test_regularize.py::test_value",
    "regularize.MaxNorm": "test_regularize.py::test_max_norm_of_filters_vectors_and_zeros",
    "regularize.Orthogonality": "test_regularize.py::"
    "test_orthogonality_takes_tall_weights_and_filters",
    "nn.utils.prune.l1_unstructured": "test_prune.py::test_mask_is_kept_through_retraining",
    "nn.utils.prune.global_unstructured": "test_prune.py::"
    "test_global_pruning_weighs_all_layers_together",
    "nn.utils.prune.sparsity": "test_prune.py::test_mask_is_kept_through_retraining",
    "optim.LineSearchGD": "test_optim_closure.py::"
    "test_line_search_takes_the_best_length_of_the_list",
    "optim.LBFGS": "test_optim_closure.py::test_lbfgs_solves_rosenbrock_with_few_evaluations",
    "optim.Adagrad.step_rows": "test_optim_groups.py::test_rows_step_as_by_a_dense_step",
    "optim.groups_by_name": "test_optim_groups.py::"
    "test_groups_by_name_give_each_parameter_to_the_first_pattern",
    "optim.no_decay_groups": "test_optim_groups.py::test_no_decay_groups_split_by_dimensions",
    "ensemble.Ensemble": "test_ensemble.py::test_combinations_are_those_of_numpy",
    "ensemble.bagging": "test_ensemble.py::test_bagging_draws_rows_and_lowers_the_variance",
    "ensemble.Snapshots": "test_ensemble.py::test_snapshots_are_the_weights_at_the_ends_of_cycles",
    **dict.fromkeys(
        ("tune.Uniform", "tune.LogUniform", "tune.Int", "tune.Choice"),
        "test_tune.py::test_places_in_the_unit_cube_and_values_agree",
    ),
    "tune.search": "test_tune.py::test_methods_find_the_bottom_of_a_bowl",
    "tune.Report": "test_tune.py::test_trainers_are_built_fitted_and_pruned",
    "tune.width_rule": "test_tune.py::test_width_rule_lies_between_the_layers",
    "train.PeakMemory": "train/test_growth.py::test_peak_memory_grows_with_the_batch",
    "train.lr_search": "train/test_lr_find.py::test_grid_then_finer_around_the_best",
    "train.lr_find": "train/test_lr_find.py::test_a_parabola_has_a_known_limit",
    "train.GrowBatchSize": "train/test_growth.py::test_batches_grow",
    "train.EarlyStopping": "train/test_callbacks.py::"
    "test_early_stopping_counts_epochs_that_do_not_improve",
    "train.NonFiniteLossError": "train/test_trainer.py::"
    "test_a_rate_that_is_too_high_is_named_with_what_to_write",
    "estimators.Classifier": "test_estimators.py::test_searches_of_scikit_learn",
    "estimators.Regressor": "test_estimators.py::test_searches_of_scikit_learn",
    "train.Trainer": "train/test_trainer.py::test_equals_the_loop_written_by_hand",
    "train.ModelCheckpoint": "train/test_checkpoint.py::"
    "test_resumed_anywhere_it_ends_in_the_same_bytes",
    "train.ProgressiveDepth": "train/test_growth.py::"
    "test_depth_grows_and_earlier_blocks_stay_fixed",
    "train.Freeze": "train/test_growth.py::test_frozen_parameters_stand_still_until_their_epoch",
    "ensemble.SnapshotEnsemble": "test_ensemble.py::"
    "test_snapshots_are_taken_at_the_minima_of_the_rate",
    "ensemble.deep_ensemble": "test_ensemble.py::test_batched_training_equals_training_one_by_one",
    "ensemble.Batched": "test_ensemble.py::test_batched_training_equals_training_one_by_one",
    "ensemble.bootstrap": "test_ensemble.py::"
    "test_bootstrap_is_fixed_by_its_seed_and_leaves_out_a_third",
    "ensemble.mc_dropout": "test_ensemble.py::test_mc_dropout_has_the_moments_of_the_masks",
    **dict.fromkeys(
        ("nn.models.MLP", "nn.models.LeNet", "nn.models.ResNet", "nn.models.LSTMClassifier"),
        "test_nn_models.py::test_shape_and_size",
    ),
    62: "test_ensemble.py::test_the_ensemble_beats_its_average_member_on_digits",
    10: "test_init.py::test_auto_fits_the_activation_that_follows",
    21: "test_optim.py::test_momentum_forms_have_the_textbook_first_steps",
    22: "test_optim.py::test_momentum_forms_have_the_textbook_first_steps",
    23: "test_optim.py::test_lookahead_is_nesterov_after_the_change_of_variable",
    24: "test_optim_notes.py::test_programs_give_the_numbers_of_numpy",
    25: "test_optim_notes.py::test_programs_give_the_numbers_of_numpy",
    29: "test_optim_options.py::test_eps_mode_matters_where_gradients_are_small",
    31: "test_optim_notes.py::test_line_search_gives_the_numbers_of_numpy",
    34: "test_optim_notes.py::"
    "test_adagrad_moves_the_weight_of_a_sparse_feature_as_fast_as_the_bias",
    35: "test_optim_groups.py::test_rows_step_as_by_a_dense_step",
    36: "test_optim_options.py::test_effective_lr_of_adagrad_dies",
    30: "test_optim.py::test_groups_have_their_own_options_and_are_live",
    33: "test_lr_scheduler.py::test_sutskever_values_of_the_notes",
    39: "test_lr_scheduler.py::test_halving_looks_at_the_previous_epoch_not_the_best",
    43: "train/test_schedule.py::test_cosine_takes_its_length_from_the_epochs",
    48: "train/test_schedule.py::test_batches_grow_and_the_run_knows_their_number",
    50: "test_norm.py::test_notes_batch_norm_call",
    52: "test_norm.py::test_notes_sequence_of_dense_and_batch_norm_learns",
    53: "test_norm.py::test_standardize_travels_with_the_model",
    54: "test_augment.py::test_a_sample_is_the_same_in_any_batch_and_with_any_threads",
    55: "test_dropout.py::test_both_scalings_agree_in_expectation",
    56: "test_dropout.py::test_dropconnect_samples_have_the_moments_of_the_masked_sums",
    57: "test_regularize.py::test_proximal_l1_reaches_exact_zeros_and_the_subgradient_does_not",
    61: "test_tying.py::test_the_gradient_is_the_sum_over_both_places",
    65: "test_nn_models.py::test_a_block_with_zero_residual_is_relu",
}


def resolve(name: str) -> Any:
    """surefoot.<name>: the longest part that is a module, then attributes."""
    parts = ["surefoot", *name.split(".")]
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: f"{item.row}-{item.technique}")
def test_every_name_imports_and_has_a_test(item) -> None:
    assert item.names and item.technique and item.family
    for name in item.names:
        assert resolve(name) is not None
        assert name in TABLED or name in PROOFS, f"{name} has no row in a table and no proof here"


@pytest.mark.parametrize("what", PROOFS, ids=str)
def test_the_proof_exists(what) -> None:
    file, _, function = PROOFS[what].partition("::")
    assert function in functions_of(file), PROOFS[what]
    if isinstance(what, str):
        assert any(what in item.names for item in CATALOGUE), f"{what} is not in the catalogue"
        last = what.rpartition(".")[2]
        lower = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last).lower()  # as initializers name them too
        text = (TESTS / file).read_text()
        assert last in text or lower in text, f"{file} does not name {last}"
    else:
        assert any(what == item.row for item in CATALOGUE)


def test_rows_are_in_order_and_complete() -> None:
    rows = [item.row for item in CATALOGUE]
    assert rows == sorted(set(rows))
    assert sorted(WANTED - set(rows)) == []


def test_catalogue_prints_and_returns_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    rows = sf.catalogue("batchnorm2d")
    printed = capsys.readouterr().out
    assert [item.row for item in rows] == [50]
    assert "nn.BatchNorm2d" in printed and "50" in printed
    sf.catalogue(show=False)
    assert capsys.readouterr().out == ""


def test_a_formula_in_square_brackets_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    item = CATALOGUE[0]._replace(technique="a [b] c")
    Console(width=120).print(type(CATALOGUE)([item]))
    assert "a [b] c" in capsys.readouterr().out


def test_catalogue_stays_callable_after_its_module_is_imported() -> None:
    importlib.import_module("surefoot.techniques")
    assert callable(sf.catalogue)
    assert sf.catalogue(show=False) == CATALOGUE
