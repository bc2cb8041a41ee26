"""Providers: the one that was named or an error; of `auto` the first that truly works, and why.

ONNX Runtime of every platform comes with providers that cannot run a network of ours: on Linux
Azure's, which is listed, takes the session and leaves every node to the CPU. It stands in for a
GPU that does not work. What CUDA computes is not tested here: it needs such a GPU.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import localsearch as ls
from localsearch.encoders import image, open_image_encoder, providers, session, wheels
from localsearch.encoders.choice import Choice, opened_on
from localsearch.encoders.image import ImageEncoder
from localsearch.encoders.providers import (
    PROVIDERS,
    Provider,
    batches,
    check_word,
    describe_providers,
    provider_named,
    words,
)
from localsearch.encoders.session import built_in
from localsearch.errors import InputError, PackProvider
from localsearch.pack import Pack, load_pack
from localsearch.pipeline.job import Job
from localsearch.pipeline.stages import features_of
from tests.make_library import open_library, write_photo
from tests.tiny_pack import tiny_pack_folder

AZURE = Provider("azure", "AzureExecutionProvider", 4, False, "onnxruntime")

has_azure = pytest.mark.skipif(
    AZURE.onnx_name not in built_in(), reason="this ONNX Runtime has no provider that idles"
)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(tiny_pack_folder())


@pytest.fixture
def azure_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` prefers a provider that is there and does not work."""
    monkeypatch.setattr(providers, "PROVIDERS", (AZURE, *PROVIDERS))
    monkeypatch.setattr(providers, "AUTO", ("azure", "cuda", "cpu"))


# ---------------------------------------------------------------- the table


def test_the_words_are_those_of_the_documentation() -> None:
    expected = ("auto", "cuda", "tensorrt", "coreml", "directml", "openvino", "cpu")
    assert words() == expected
    for word in words():
        check_word(word)
    for wrong in ("warp", "", "CPU", None, 3, ["cpu"]):
        with pytest.raises(InputError, match="no provider") as caught:
            check_word(wrong)
        assert "openvino" in caught.value.hint
    with pytest.raises(InputError):
        provider_named("auto")


def test_every_provider_is_described() -> None:
    reports = {report.word: report for report in describe_providers()}
    assert list(reports) == [provider.word for provider in PROVIDERS]
    assert reports["cpu"].installed and reports["cpu"].tested and not reports["cpu"].note
    for report in reports.values():
        assert report.tested or "not tested" in report.note or not report.installed
        assert report.installed or report.note


def test_what_auto_takes_is_checked_or_tested() -> None:
    assert providers.AUTO[-1] == "cpu"
    assert provider_named("cpu").tested
    assert [word for word in words()[1:] if provider_named(word).tested] == ["cpu"]


# ---------------------------------------------------------------- named


def test_a_named_provider_that_is_not_there(pack: Pack) -> None:
    absent = [report.word for report in describe_providers() if not report.installed]
    assert absent
    for word in absent:
        with pytest.raises(PackProvider, match=word) as caught:
            open_image_encoder(pack, provider=word)
        assert f"install {'--force-reinstall ' * (word == 'coreml')}onnx" in caught.value.hint


@has_azure
@pytest.mark.usefixtures("azure_first")
def test_a_named_provider_that_leaves_all_to_the_cpu(pack: Pack) -> None:
    with pytest.raises(PackProvider, match=r"takes (no|any) part of"):
        open_image_encoder(pack, provider="azure")


def test_a_named_provider_runs_or_nothing_does(pack: Pack) -> None:
    encoder = open_image_encoder(pack, provider="cpu")
    assert encoder.choice == Choice("cpu", "cpu")
    encoder.close()


def test_what_a_failing_provider_needs_is_in_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "built_in", lambda: ("CUDAExecutionProvider",))

    def fail(provider: Provider) -> None:
        raise PackProvider(f"{provider.word} lacks libcudnn")

    with pytest.raises(PackProvider, match="libcudnn") as caught:
        opened_on("cuda", fail)
    assert "onnxruntime-gpu[cuda,cudnn]" in caught.value.hint


# ---------------------------------------------------------------- auto


def test_auto_without_a_gpu_is_quiet(pack: Pack, caplog: pytest.LogCaptureFixture) -> None:
    if "CUDAExecutionProvider" in built_in():
        pytest.skip("there is a build with CUDA here")
    with caplog.at_level(logging.WARNING, logger="localsearch"):
        encoder = open_image_encoder(pack)
    why = "it is not in the installed ONNX Runtime"
    assert encoder.choice == Choice("auto", "cpu", (("cuda", why),))
    assert not caplog.records
    encoder.close()


@has_azure
@pytest.mark.usefixtures("azure_first")
def test_auto_passes_over_what_does_not_work_loudly(
    pack: Pack, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="localsearch"):
        encoder = open_image_encoder(pack)
    choice = encoder.choice
    assert (choice.asked, choice.runs, encoder.provider) == ("auto", "cpu", "cpu")
    assert [word for word, _ in choice.passed_over] == ["azure", "cuda"]
    assert re.search("takes (no|any) part", choice.passed_over[0][1])
    assert choice.warning.startswith("azure cannot be used, cpu is: ")
    assert [record.getMessage() for record in caplog.records] == [choice.warning]
    encoder.close()


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_build_that_lists_cuda_and_cannot_run_it(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the driver or cuDNN is absent: ONNX Runtime itself then takes the CPU, silently."""
    listed = ("CUDAExecutionProvider", "CPUExecutionProvider")
    monkeypatch.setattr(providers, "built_in", lambda: listed)
    encoder = open_image_encoder(pack)
    assert encoder.provider == "cpu" and "CUDA" in encoder.choice.warning
    with pytest.raises(PackProvider, match="CUDA"):
        open_image_encoder(pack, provider="cuda")


def test_auto_takes_the_first_that_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "AUTO", ("cuda", "openvino", "cpu"))
    monkeypatch.setattr(providers, "built_in", lambda: tuple(p.onnx_name for p in PROVIDERS))
    tried: list[str] = []

    def open_on(provider: Provider) -> str:
        tried.append(provider.word)
        if provider.word == "cuda":
            raise PackProvider("its vectors drift")
        return provider.word

    found, choice = opened_on("auto", open_on)
    assert (found, choice.runs, tried) == ("openvino", "openvino", ["cuda", "openvino"])
    assert choice.passed_over == (("cuda", "its vectors drift"),)


def test_where_not_even_the_last_works_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(provider: Provider) -> None:
        raise PackProvider("wrong vectors")

    with pytest.raises(PackProvider, match="wrong vectors"):
        opened_on("auto", fail)


# ---------------------------------------------------------------- builds over each other


def installed(*names: str) -> Callable[[str], str | None]:
    return lambda package: "1.2" if package in names else None


def test_two_builds_are_told_with_both_commands(
    monkeypatch: pytest.MonkeyPatch, pack: Pack, caplog: pytest.LogCaptureFixture
) -> None:
    """`pip install onnxruntime-gpu` beside our own dependency, and ours came last."""
    monkeypatch.setattr(wheels, "version_of", installed("onnxruntime", "onnxruntime-gpu"))
    uninstall = f'"{sys.executable}" -m pip uninstall -y onnxruntime onnxruntime-gpu'
    install = f'"{sys.executable}" -m pip install onnxruntime-gpu'
    assert wheels.only("onnxruntime-gpu") == (uninstall, install)
    if "CUDAExecutionProvider" in built_in():
        pytest.skip("there is a build with CUDA here")
    with pytest.raises(PackProvider, match="not on top") as caught:
        open_image_encoder(pack, provider="cuda")
    assert caught.value.hint == f"{uninstall}, then {install}"
    encoder = open_image_encoder(pack)
    assert "installed over each other" in encoder.choice.warning
    assert len(caplog.records) == 1


def test_one_build_needs_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "version_of", installed("onnxruntime"))
    assert wheels.clash() == ""
    assert len(wheels.only("onnxruntime")) == 1
    assert len(wheels.only("onnxruntime-gpu")) == 2  # the plain one has to go first
    monkeypatch.setattr(wheels, "version_of", installed())
    assert len(wheels.only("onnxruntime-gpu")) == 1


def test_half_an_installation_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `pip uninstall onnxruntime` leaves of a second build: a folder without its heart."""
    (tmp_path / "onnxruntime" / "capi").mkdir(parents=True)
    for name in [name for name in sys.modules if name.partition(".")[0] == "onnxruntime"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(wheels, "version_of", installed("onnxruntime-gpu"))
    with pytest.raises(PackProvider, match="only parts") as caught:
        session.built_in()
    assert caught.value.hint.endswith("install --force-reinstall onnxruntime-gpu")


# ---------------------------------------------------------------- shapes


@given(st.integers(1, 1000), st.one_of(st.none(), st.integers(0, 1 << 40)), st.booleans())
def test_batches_are_bounded_and_end_at_one(size: int, memory: int | None, heavy: bool) -> None:
    for provider in PROVIDERS:
        found = batches(provider, 3 * size * size, memory, heavy=heavy)
        most = max(provider.batch, provider.of_heavy or 1) if heavy else provider.batch
        assert found[-1] == 1 and 1 <= found[0] <= most
        assert all(one == 2 * other for one, other in pairwise(found))
        if memory is not None and found[0] > 1:
            assert found[0] * 3 * size * size * 4 * 32 * 2 <= memory


def test_batches_of_usual_networks() -> None:
    cuda, of_clip = provider_named("cuda"), 3 * 224 * 224
    assert batches(cuda, of_clip) == (32, 16, 8, 4, 2, 1)
    assert batches(cuda, of_clip, 2 << 30)[0] == 32
    assert batches(cuda, of_clip, 256 << 20)[0] == 4
    assert batches(provider_named("cpu"), of_clip, 2 << 30) == (1,)
    assert batches(provider_named("cpu"), of_clip, 2 << 30, heavy=True) == (8, 4, 2, 1)
    assert batches(cuda, of_clip, heavy=True)[0] == 32


@pytest.mark.parametrize("cores", [1, 3])
def test_passes_of_a_heavy_network_give_what_single_pictures_give(
    pack: Pack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: int
) -> None:
    shapes = list[int]()
    real = session.Session.run

    def run(self: session.Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        shapes.append(len(values))
        return real(self, name, values)

    monkeypatch.setattr(session.Session, "run", run)
    photos = [write_photo(tmp_path / f"{seed}.png", seed).read_bytes() for seed in range(23)]
    single = _vectors_of(photos, pack, cores)
    assert set(shapes[1:]) == {1}  # the first pass is that of the golden picture
    shapes.clear()
    monkeypatch.setattr(image, "_HEAVY", 0)
    assert _vectors_of(photos, pack, cores) == single
    assert 4 <= max(shapes) <= 8
    assert sum(shapes) == len(photos) + 1, "passes were filled up"


def _vectors_of(photos: list[bytes], pack: Pack, cores: int) -> dict[str, bytes]:
    """What a run stores of each photo, by its key."""
    encoders = list[ImageEncoder]()

    def opened(threads: int) -> ImageEncoder:
        encoders.append(open_image_encoder(pack, provider="cpu", threads=threads))
        return encoders[-1]

    jobs = [Job(f"{number}", data=data) for number, data in enumerate(photos)]
    found = {
        one.key: one.vector.tobytes() + one.logits.tobytes()
        for one in features_of(jobs, opened, pack.image, known=lambda _: False, threads=cores)
        if one.vector is not None and one.logits is not None
    }
    encoders[0].close()
    return found


@has_azure
def test_a_shape_that_does_not_fit_gives_way_to_a_smaller(
    pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU that has no room for four pictures: the pass fails, half of them are tried."""
    crowded = Provider("crowded", "CPUExecutionProvider", 8, False, "onnxruntime")
    monkeypatch.setattr(providers, "PROVIDERS", (crowded, *PROVIDERS))
    real = session.Session.run

    def run(self: session.Session, name: str, values: np.ndarray) -> list[np.ndarray]:
        if len(values) > 3:
            raise PackProvider("out of memory")
        return real(self, name, values)

    monkeypatch.setattr(session.Session, "run", run)
    encoder = open_image_encoder(pack, provider="crowded")
    assert encoder.batch == 2
    encoder.close()


# ---------------------------------------------------------------- told


def test_open_takes_only_words_of_the_table(photos: Path) -> None:
    with pytest.raises(InputError, match="warp"):
        open_library(photos, provider="warp")
    assert not (photos / ".localsearch").exists()


def test_a_named_provider_is_an_error_where_it_is_needed(photos: Path) -> None:
    write_photo(photos / "a.png", 0)
    with open_library(photos) as library:
        library.sync()
    with open_library(photos, provider="tensorrt") as library:
        if "TensorrtExecutionProvider" in built_in():
            pytest.skip("there is TensorRT here")
        assert library.search("red").total == 1  # no network is needed for that
        with pytest.raises(PackProvider, match="tensorrt"):
            library.predict(photos / "a.png")
        write_photo(photos / "b.png", 2)
        with pytest.raises(PackProvider, match="tensorrt"):
            library.sync()
        assert library.status().provider_asked == "tensorrt"
        assert library.status().inputs == 1


def test_status_tells_what_was_asked_what_runs_and_why_not(photos: Path) -> None:
    write_photo(photos / "a.png", 1)
    with open_library(photos) as library:
        before = library.status()
        assert (before.provider, before.provider_asked, before.provider_why) == ("auto", "auto", ())
        assert library.sync().notes == ()
    with open_library(photos) as library:  # what the sync found out, in a process that runs none
        after = library.status()
    assert (after.provider, after.provider_asked) == ("cpu", "auto")
    if "CUDAExecutionProvider" not in built_in():
        assert after.provider_why == ("cuda: it is not in the installed ONNX Runtime",)
    with open_library(photos, provider="cpu") as library:
        named = library.status()
    assert (named.provider, named.provider_asked, named.provider_why) == ("cpu", "cpu", ())


@has_azure
@pytest.mark.usefixtures("azure_first")
def test_a_warning_is_a_value_of_sync_and_status(photos: Path) -> None:
    write_photo(photos / "a.png", 1)
    with open_library(photos) as library:
        (warning,) = library.sync().notes
        assert warning.startswith("azure cannot be used, cpu is")
        assert warning in library.status().notes
    with open_library(photos) as library:
        status = library.status()
        assert warning in status.notes
        assert status.provider_why[0].startswith("azure: ")
        assert library.search(ls.like(photos / "a.png")).total == 1
