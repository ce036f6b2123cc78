"""The converter: npz to XML and back, exact to the bit."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.io import loadmat

from serving.documents import Matrix, convert
from serving.documents.convert import read_any
from serving.errors import InvalidInputError
from tests.support.documents import npz, xml

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(arrays(np.float64, array_shapes(min_dims=1, max_dims=3), elements=finite), st.text())
def test_xml_and_npz_round_trip(values: np.ndarray, name: str) -> None:
    name = "i" + "".join(c for c in name if c.isprintable() and ord(c) < 0xD800)
    given = [Matrix(name, values)]
    for content in (xml(given), xml(given, "values"), npz(given)):
        [result] = read_any(io.BytesIO(content))
        assert result.id == name
        assert result.values.shape == values.shape
        assert result.values.tobytes() == values.tobytes()


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["convert", *map(str, arguments)])
    return convert.main()


@pytest.mark.parametrize("form", convert.FORMS)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_ecg_records_survive_the_way_to_xml_and_back(
    ecg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, packed: str
) -> None:
    signals = np.stack([loadmat(path)["ecg"] for path in sorted(ecg.glob("*.mat"))])
    assert signals.shape == (4, 5000, 1)
    source, document, back = tmp_path / "a.npz", tmp_path / f"a.xml{packed}", tmp_path / "b.npz"
    np.savez(source, ecg=signals)
    assert command(monkeypatch, source, document, "--form", form) == 0
    assert command(monkeypatch, document, back) == 0
    with np.load(back) as result:
        assert result["matrices"].tobytes() == signals.tobytes()
        assert result["matrices"].shape == signals.shape
        assert result["ids"].tolist() == ["0", "1", "2", "3"]


def test_convert_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "a.xml"
    source.write_bytes(b'<a><matrix id="x">1 2</matrix><matrix id="y">1</matrix></a>')
    assert command(monkeypatch, source, tmp_path / "b.csv") == 1
    assert "expected a name in .xml" in capsys.readouterr().err
    assert command(monkeypatch, source, tmp_path / "b.npz") == 1
    assert 'matrix "y" (line 1): shape (1) does not fit (2)' in capsys.readouterr().err
    assert command(monkeypatch, tmp_path / "none", tmp_path / "b.npz") == 1
    assert "No such file" in capsys.readouterr().err
    assert not (tmp_path / "b.npz").exists()


def test_npz_refuses_matrices_of_one_size_and_two_shapes() -> None:
    given = [Matrix("a", np.zeros((2, 3))), Matrix("b", np.zeros((3, 2)))]
    with pytest.raises(
        InvalidInputError, match=r'matrix "b": shape \(3, 2\) does not fit \(2, 3\)'
    ):
        npz(given)
