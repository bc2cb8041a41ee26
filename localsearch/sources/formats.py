"""What a file is, told by its first bytes; and what a suffix promises.

A table and two look-ups. Opens no file and imports no decoder. Invariant: content decides; a
suffix is only used by the walk, to tell photos from other files without opening them.
To add a format: one row in FORMATS (and one line in `tests/test_sources_formats.py`).

Left out of what Pillow reads: EPS and WMF (need another program, or Windows), BUFR, GRIB, HDF5
and MPEG (Pillow only names them), SPIDER, IPTC and IM Tools (no signature to know them by).
"""

from __future__ import annotations

from typing import Literal

from localsearch.deferred import dataclass

_Mark = tuple[tuple[int, bytes], ...]
"""Bytes at offsets that must all be there."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file. `kind` "photo" has a decoder: a class of a module of Pillow, or pi_heif.

    `marks`: alternatives of how such a file begins. `feature`: what Pillow must be built with.
    """

    name: str
    kind: str
    marks: tuple[_Mark, ...] = ()
    suffixes: tuple[str, ...] = ()
    module: str = ""
    opener: str = ""
    feature: str = ""


def _at(offset: int, *starts: bytes) -> tuple[_Mark, ...]:
    return tuple(((offset, start),) for start in starts)


def _photo(
    name: str,
    module: str,
    suffixes: str,
    marks: tuple[_Mark, ...] = (),
    *,
    opener: str = "",
    feature: str = "",
) -> Format:
    opener = opener or f"{module.removesuffix('ImagePlugin').capitalize()}ImageFile"
    ends = tuple(f".{suffix}" for suffix in suffixes.split())
    return Format(name, "photo", marks, ends, f"PIL.{module}", opener, feature)


def _both(*parts: tuple[int, bytes]) -> tuple[_Mark, ...]:
    return (parts,)


_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # sizes of the header that follows "BM"
_BITMAP_MARKS = tuple(((0, b"BM"), (14, size.to_bytes(4, "little"))) for size in _BITMAP_HEADERS)
_DIB_MARKS = tuple(((0, size.to_bytes(4, "little")), (12, b"\x01\x00")) for size in (40, 108, 124))
_NETPBM_MARKS = _at(
    0,
    *(
        b"P" + kind + gap
        for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"f")
        for gap in (b"\n", b" ", b"\r", b"\t")
    ),
)
# The count of cursors is part of the mark: TGA begins with the same four bytes.
_CURSOR_MARKS = _at(0, *(bytes((0, 0, 2, 0, count, 0)) for count in range(1, 17)))
_PCX_MARKS = _at(0, *(bytes((10, version, 1)) for version in (0, 2, 3, 5)))

HEIF = Format("HEIF", "photo", (), (".heic", ".heif", ".heics", ".heifs", ".hif"), "pi_heif")
AVIF = _photo("AVIF", "AvifImagePlugin", "avif avifs", feature="avif")
TGA = _photo("TGA", "TgaImagePlugin", "tga icb vda vst")
XBM = _photo("XBM", "XbmImagePlugin", "xbm")
CR3 = Format("Canon RAW photo", "raw")
VIDEO = Format("video", "video")
AUDIO = Format("audio file", "audio")
HTML = Format("web page", "document")
SVG = Format("SVG drawing", "vector")
TEXT = Format("text file", "document")

FORMATS: tuple[Format, ...] = (
    _photo("JPEG", "JpegImagePlugin", "jpg jpeg jpe jfif jif pjpeg mpo jps",
           _at(0, b"\xff\xd8\xff")),
    _photo("PNG", "PngImagePlugin", "png apng", _at(0, b"\x89PNG\r\n\x1a\n")),
    HEIF,
    AVIF,
    _photo("WEBP", "WebPImagePlugin", "webp", _both((0, b"RIFF"), (8, b"WEBP")),
           opener="WebPImageFile", feature="webp"),
    _photo("GIF", "GifImagePlugin", "gif", _at(0, b"GIF87a", b"GIF89a")),
    # Camera files that begin as TIFF stand before TIFF.
    Format("Canon RAW photo", "raw", (((0, b"II*\0"), (8, b"CR")), ((6, b"HEAPCCDR"),))),
    _photo("TIFF", "TiffImagePlugin", "tif tiff",
           _at(0, b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    _photo("BMP", "BmpImagePlugin", "bmp", _BITMAP_MARKS),
    _photo("DIB", "BmpImagePlugin", "dib", _DIB_MARKS, opener="DibImageFile"),
    _photo("PPM", "PpmImagePlugin", "ppm pgm pbm pnm pfm", _NETPBM_MARKS),
    _photo("JPEG2000", "Jpeg2KImagePlugin", "jp2 j2k jpc jpf jpx j2c",
           _at(0, b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),
           opener="Jpeg2KImageFile", feature="jpg_2000"),
    _photo("ICO", "IcoImagePlugin", "ico", _both((0, b"\0\0\x01\0"), (5, b"\0"))),
    _photo("CUR", "CurImagePlugin", "cur", _CURSOR_MARKS),
    _photo("ICNS", "IcnsImagePlugin", "icns", _at(0, b"icns")),
    _photo("PSD", "PsdImagePlugin", "psd", _at(0, b"8BPS")),
    _photo("DDS", "DdsImagePlugin", "dds", _at(0, b"DDS ")),
    _photo("QOI", "QoiImagePlugin", "qoi", _at(0, b"qoif")),
    _photo("PCX", "PcxImagePlugin", "pcx", _PCX_MARKS),
    _photo("DCX", "DcxImagePlugin", "dcx", _at(0, b"\xb1\x68\xde\x3a")),
    _photo("SGI", "SgiImagePlugin", "sgi rgb rgba bw", _at(0, b"\x01\xda\0", b"\x01\xda\x01")),
    _photo("SUN", "SunImagePlugin", "ras", _at(0, b"\x59\xa6\x6a\x95")),
    _photo("XPM", "XpmImagePlugin", "xpm", _at(0, b"/* XPM */")),
    _photo("MSP", "MspImagePlugin", "msp", _at(0, b"DanM", b"LinS")),
    _photo("FLI", "FliImagePlugin", "fli flc", _at(4, b"\x11\xaf", b"\x12\xaf")),
    _photo("PCD", "PcdImagePlugin", "pcd", _at(2048, b"PCD_")),
    _photo("PIXAR", "PixarImagePlugin", "pxr", _at(0, b"\x80\xe8\0\0")),
    _photo("IM", "ImImagePlugin", "im", _at(0, b"Image type:")),
    _photo("FITS", "FitsImagePlugin", "fit fits", _at(0, b"SIMPLE  =")),
    _photo("MCIDAS", "McIdasImagePlugin", "", _at(0, b"\0\0\0\0\0\0\0\x04"),
           opener="McIdasImageFile"),
    _photo("GBR", "GbrImagePlugin", "gbr", _at(20, b"GIMP")),
    _photo("FTEX", "FtexImagePlugin", "ftc ftu", _at(0, b"FTEX")),
    _photo("BLP", "BlpImagePlugin", "blp", _at(0, b"BLP1", b"BLP2")),
    _photo("XVTHUMB", "XVThumbImagePlugin", "", _at(0, b"P7 332"), opener="XVThumbImageFile"),
    TGA,
    XBM,
    # Known, and not read: named, so that the reason of a refusal is plain.
    Format("Fujifilm RAW photo", "raw", _at(0, b"FUJIFILMCCD-RAW")),
    Format("Olympus RAW photo", "raw", _at(0, b"IIRO", b"IIRS", b"MMOR")),
    Format("Panasonic RAW photo", "raw", _at(0, b"IIU\0")),
    Format("Sigma RAW photo", "raw", _at(0, b"FOVb")),
    Format("Minolta RAW photo", "raw", _at(0, b"\0MRM")),
    Format("JPEG XL picture", "picture", _at(0, b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    Format("OpenEXR picture", "picture", _at(0, b"\x76\x2f\x31\x01")),
    Format("Radiance picture", "picture", _at(0, b"#?RADIANCE", b"#?RGBE")),
    Format("GIMP picture", "picture", _at(0, b"gimp xcf")),
    Format("BPG picture", "picture", _at(0, b"BPG\xfb")),
    Format("DjVu document", "document", _at(0, b"AT&TFORM")),
    Format("DICOM picture", "picture", _at(128, b"DICM")),
    Format("PDF document", "document", _at(0, b"%PDF")),
    Format("PostScript drawing", "vector", _at(0, b"%!PS", b"\xc5\xd0\xd3\xc6")),
    Format("Windows metafile", "vector",
           (*_at(0, b"\xd7\xcd\xc6\x9a\0\0", b"\x01\0\x09\0"), *_at(40, b" EMF"))),
    Format("video", "video", (
        *_both((0, b"RIFF"), (8, b"AVI ")),
        *_at(0, b"\x1a\x45\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01",
             b"\x30\x26\xb2\x75", b"OggS"),
        *_at(4, b"moov", b"mdat", b"wide"),
        *_both((0, b"G"), (188, b"G")),
    )),
    Format("audio file", "audio",
           (*_at(0, b"ID3", b"fLaC", b"MThd"), *_both((0, b"RIFF"), (8, b"WAVE")))),
    Format("archive", "archive",
           _at(0, b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh",
               b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")),
    Format("macOS resource file", "sidecar", _at(0, b"\0\x05\x16\x07", b"\0\x05\x16\0")),
    Format("database", "other", _at(0, b"SQLite format 3\0")),
    Format("scientific data file", "other", _at(0, b"\x89HDF", b"GRIB", b"BUFR")),
    Format("program", "other", _at(0, b"\x7fELF", b"MZ\x90\0")),
)  # fmt: skip

_PHOTO_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_AVIF_BRANDS = frozenset((b"avif", b"avis", b"avio"))
_SHARED_BRANDS = frozenset((b"mif1", b"mif2", b"msf1", b"miaf", b"1pic"))


def format_of(head: bytes) -> Format | None:
    """The format of a file that begins with `head` (64 bytes are enough but for rare formats;
    with 4,096 all are found). None: no known beginning."""
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    for form in FORMATS:
        for mark in form.marks:
            if all(head.startswith(part, offset) for offset, part in mark):
                return form
    return _of_text(head) or (TGA if _is_targa(head) else None)


def _of_brands(head: bytes) -> Format:
    """ISO base media: major brand first; `mif1` is shared by HEIC and AVIF, the others tell."""
    end = min(max(int.from_bytes(head[:4], "big"), 16), len(head), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]
    major = brands[0]
    if major in _AVIF_BRANDS:
        return AVIF
    if major in _PHOTO_BRANDS:
        return HEIF
    if major in _SHARED_BRANDS:
        return AVIF if _AVIF_BRANDS.intersection(brands) else HEIF
    if major == b"crx ":
        return CR3
    return AUDIO if major[:3] in (b"M4A", b"M4B") else VIDEO


def _of_text(head: bytes) -> Format | None:
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"#define") and b"_width" in head:
        return XBM
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return HTML
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in head):
        return SVG
    return TEXT if start and _is_text(head[:512]) else None


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if any(byte < 32 and byte not in (9, 10, 12, 13, 27) for byte in head):
        return False
    return sum(byte < 127 for byte in head) * 4 >= len(head) * 3 or _is_utf8(head)


def _is_utf8(head: bytes) -> bool:
    try:
        head[:-3].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return len(head) > 8


def _is_targa(head: bytes) -> bool:
    """TGA has no signature: every field of its 18-byte header must make sense."""
    if len(head) < 18:
        return False
    colour_map, kind, depth, flags = head[1], head[2], head[16], head[17]
    width, height = int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little")
    return (
        width > 0
        and height > 0
        and flags & 0xC0 == 0
        and (
            (kind in (1, 9) and colour_map == 1 and depth == 8 and head[7] in (16, 24, 32))
            or (kind in (2, 10) and colour_map == 0 and depth in (16, 24, 32))
            or (kind in (3, 11) and colour_map == 0 and depth in (8, 16))
        )
    )


PHOTO_SUFFIXES: frozenset[str] = frozenset(
    suffix for form in FORMATS if form.kind == "photo" for suffix in form.suffixes
)

_OTHER_SUFFIXES = {
    "raw": "3fr ari arw bay cap cr2 cr3 crw dcr dcs dng drf eip erf fff gpr iiq k25 kdc mdc mef "
    "mos mrw nef nrw orf pef ptx r3d raf raw rw2 rwl rwz sr2 srf srw x3f",
    "video": "3g2 3gp asf avi divx f4v flv insv lrv m2t m2ts m4v mkv mov mp4 mpe mpeg mpg mts mxf "
    "ogv qt rm rmvb swf ts vob webm wmv",
    "audio": "aac ac3 aif aiff amr ape flac m4a m4b mid midi mka mp3 oga ogg opus wav wma",
    "picture": "ai bpg dcm djvu exr hdr j2ki jxl jxr kra svgz vsd wdp xcf",
    "vector": "cdr emf eps ps svg wmf",
    "document": "csv doc docx epub htm html ics ini json key log lyx md numbers ods odt odp pages "
    "pdf ppt pptx rst rtf tex toml tsv txt url vcf webloc xls xlsx yaml yml",
    "archive": "7z bz2 dmg gz iso jar lz4 rar tar tgz xz zip zst",
    "sidecar": "aae cos dop db-journal lnk lrcat lrprev modd moff nksc on1 picasa pp3 thm vrd xml "
    "xmp xpacket",
    "other": "apk app bak bat bin c cfg class conf cpp css dat db deb dll dylib exe go h hpp ipynb "
    "java js lock msi npy npz o onnx pack parquet pem php pickle pkl plist pt pth py pyc rb rpm rs "
    "safetensors sh so sql sqlite sqlite-shm sqlite-wal sqlite3 sys tmp ttf whl woff woff2",
}
SUFFIX_KINDS: dict[str, str] = {
    f".{suffix}": kind for kind, suffixes in _OTHER_SUFFIXES.items() for suffix in suffixes.split()
} | dict.fromkeys(PHOTO_SUFFIXES, "photo")
"""Each known suffix with what it promises: "photo", or the word under which it is counted."""


def kind_of_suffix(suffix: str) -> Literal["photo", "other", "unknown"]:
    """What a suffix (with its dot, any case) promises; "unknown": only the content can tell."""
    kind = SUFFIX_KINDS.get(suffix.lower(), "unknown")
    return "photo" if kind == "photo" else "unknown" if kind == "unknown" else "other"
