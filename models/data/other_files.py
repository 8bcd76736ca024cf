"""Files that hold images or arrays but are not read: what to do with them."""

from __future__ import annotations

_ADVICE = {
    "save it as PNG": (".tif", ".tiff", ".heic", ".avif", ".svg", ".psd", ".jp2", ".exr", ".dcm"),
    "save its arrays with np.savez": (
        ".mat", ".h5", ".hdf5", ".pkl", ".pickle", ".pt", ".pth", ".parquet", ".tsv",
        ".nii", ".bin",
    ),
    "give that file itself": (".npz", ".npy", ".zip", ".csv"),
    "pack it as a .zip": (".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z"),
    "load it by the name mnist, or save its arrays with np.savez": ("-ubyte",),
}  # fmt: skip


def advice(name: str) -> str:
    """Says what to do with a file that is not read, by the end of its name; "" if unknown.

    Example:
        >>> advice("shapes3d.h5"), advice("scan.TIF"), advice("notes.txt")
        ('save its arrays with np.savez', 'save it as PNG', '')
    """
    lower = name.lower().removesuffix(".gz") if "ubyte" in name.lower() else name.lower()
    return next((what for what, endings in _ADVICE.items() if lower.endswith(endings)), "")
