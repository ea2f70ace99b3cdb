"""`packhouse bundle`: make bundles of packages, carry them between registries and over air gaps, look inside.

What is asked for comes out on standard output, everything else on standard error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from packhouse.api.errors import FetchFailed, InvalidSpec, PackhouseError
from packhouse.cli.bundle_login import Logins, given_login
from packhouse.cli.bundle_progress import size, watching
from packhouse.domain.images_lock import LOCK_FILE, locked_images
from packhouse.domain.references import read_reference
from packhouse.settings import Settings, SettingsInvalid

if TYPE_CHECKING:
    from packhouse.adapters.bundle_copy import Copied, Copier
    from packhouse.cli.bundle_places import Place, Places

#: What the shell sees: 1 a registry or the disk did not do it, 2 the command line is wrong, 130 it was interrupted.
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
PARALLEL: Final = 4
_REFERENCE: Final = "host/path[:tag][@digest]"

Username = Annotated[str, typer.Option(help="User of the registry; the docker config is not read for it then.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="How many blobs and manifests move at the same time.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


class Form(StrEnum):
    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def push(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Where to: host/path[:tag].")],
    file: Annotated[
        Path,
        typer.Option(
            "--file", "-f", metavar="DIR", help="The folder: packages/ of a repository, config/ of a package."
        ),
    ],
    username: Username = "",
    password_stdin: PasswordStdin = False,
) -> None:
    """Push a folder as a bundle and print its reference with the digest.

    The same folder gives the same digest.
    """
    with _exits():
        settings = Settings.from_environment()
        if image.startswith((".", "/", "oci-layout:")):
            raise InvalidSpec(f"{image}: a push goes to a registry; `packhouse bundle copy` writes layouts on disk")
        reference = read_reference(image)
        logins = Logins(given_login(username, password_stdin), reference.host)
        # oras takes a quarter of a second to import
        from packhouse.adapters.oras_push import push_folder

        digest = push_folder(file, image, logins.access(reference), settings)
        typer.echo(f"{reference.repository}@{digest}")
        _judge_lock(file / LOCK_FILE)


def _judge_lock(path: Path) -> None:
    """What cannot be copied later is told to who wrote it."""
    if path.is_file():
        try:
            locked_images(path.read_bytes(), str(path))
        except FetchFailed as error:
            typer.echo(f"note: {error.message}: this bundle can be fetched, and not copied with its images", err=True)


def copy(
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SRC] [DST]", help=f"{_REFERENCE}, or a layout: oci-layout:///path, ./path."),
    ] = None,
    to_tar: Annotated[Path | None, typer.Option(metavar="FILE", help="Copy into a tar, in place of DST.")] = None,
    from_tar: Annotated[Path | None, typer.Option(metavar="FILE", help="Copy from a tar, in place of SRC.")] = None,
    signatures: Annotated[
        bool,
        typer.Option("--signatures/--no-signatures", help="Signatures, attestations, SBOMs and other referrers, too."),
    ] = True,
    include_non_distributable_layers: Annotated[
        bool,
        typer.Option(
            "--include-non-distributable-layers",
            help="Layers, too, that may not be handed on by their makers' terms.",
        ),
    ] = False,
    parallel: Parallel = PARALLEL,
    username: Username = "",
    password_stdin: PasswordStdin = False,
    quiet: Quiet = False,
) -> None:
    """Copy a bundle with every image that it names, nested bundles too.

    packhouse bundle copy SRC DST | copy SRC --to-tar FILE | copy --from-tar FILE DST

    The copy's reference is printed. A copy that was interrupted goes on when it is started again. --username and
    --password-stdin are for the registry of DST, or of SRC where there is no other.
    """
    with _exits(goes_on=True):
        wanted = 2 - (to_tar is not None) - (from_tar is not None)
        if places is None or len(places) != wanted or wanted == 0:
            raise InvalidSpec("name a source and a target: SRC DST, or SRC --to-tar FILE, or --from-tar FILE DST")
        from packhouse.adapters.bundle_graph import Collector
        from packhouse.cli.bundle_places import Places, reference_of, tar_of, target_of

        settings = Settings.from_environment()
        source = None if from_tar is not None else places[0]
        target, tag = (tar_of(to_tar), None) if to_tar is not None else target_of(places[-1])
        host = "" if source is None or source.startswith((".", "/")) else reference_of(source).host
        host = host if isinstance(target, Path) else target.host
        logins = Logins(given_login(username, password_stdin), host)
        with Places(logins, settings) as opened, watching(quiet) as watcher:
            place = opened.on_disk(from_tar, None, None) if from_tar is not None else opened.find(str(source))
            collector = Collector(opened.repository, settings, parallel=parallel, artifacts=signatures)
            graph = collector.collect(place.source, place.home, place.tag, place.digest)
            root = graph.images[graph.root]
            if root.is_bundle and not root.locked:
                watcher.says(f"note: {LOCK_FILE} of the bundle names no image: the bundle is copied alone")
            from packhouse.adapters.bundle_copy import Copier

            copier = Copier(graph, watcher, parallel=parallel, foreign=include_non_distributable_layers)
            where, copied = _carried_out(copier, opened, place, target, tag or place.tag, to_tar is not None)
            watcher.says(
                f"{len(graph.images)} images: {copied.manifests} manifests and {copied.blobs} blobs, of which "
                f"{copied.blobs_moved} were moved ({size(copied.bytes_moved)})"
            )
        typer.echo(where)


def pull(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help=f"{_REFERENCE}, or a layout: oci-layout:///path, ./path.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="A folder that is new or empty.")],
    username: Username = "",
    password_stdin: PasswordStdin = False,
) -> None:
    """Put the files of a bundle into a folder, and print its reference.

    Where all images of its lock lie beside it, .imgpkg/images.yml names them there.
    """
    with _exits():
        from packhouse.adapters.bundle_pull import pull_into

        with _opened(image, username, password_stdin) as (places, settings):
            place = places.find(image)
            relocated = pull_into(output, place.source, place.home, place.digest, settings)
        if relocated:
            typer.echo("note: all images of .imgpkg/images.yml lie beside the bundle: it names them there", err=True)
        typer.echo(str(place))


def inspect(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help=f"{_REFERENCE}, or a layout: oci-layout:///path, ./path.")
    ],
    output: Annotated[Form, typer.Option("--output", "-o", help="How it is told.")] = Form.TEXT,
    parallel: Parallel = PARALLEL,
    username: Username = "",
    password_stdin: PasswordStdin = False,
) -> None:
    """Tell what hangs on a bundle: images, signatures, SBOMs, how large it is.

    Nested bundles and attestations too. Signatures are listed, not verified.
    """
    with _exits():
        from packhouse.adapters.bundle_graph import Collector
        from packhouse.cli.bundle_report import as_data, as_text

        with _opened(image, username, password_stdin) as (places, settings):
            place = places.find(image)
            collector = Collector(places.repository, settings, parallel=parallel)
            data = as_data(collector.collect(place.source, place.home, place.tag, place.digest), place.source.name)
        if output is Form.JSON:
            typer.echo(json.dumps(data, indent=2))
        elif output is Form.YAML:
            import yaml

            typer.echo(yaml.safe_dump(data, sort_keys=False), nl=False)
        else:
            typer.echo(as_text(data), nl=False)


def _carried_out(
    copier: Copier, places: Places, place: Place, target: object, tag: str | None, as_tar: bool
) -> tuple[str, Copied]:
    """The copy's reference, and what was done for it."""
    from packhouse.adapters.oci_layout_writer import LayoutFolder
    from packhouse.cli.bundle_places import as_layout
    from packhouse.domain.references import ImageReference

    try:
        if isinstance(target, ImageReference):
            repository = places.repository(target)
            return f"{repository.name}@{place.digest}", copier.to_repository(repository, tag)
        assert isinstance(target, Path)  # noqa: S101 - the other of the two
        if as_tar:
            part = LayoutFolder(target.with_name(f"{target.name}.part"))
            return as_layout(target, place.digest), copier.to_tar(part, target, tag)
        return as_layout(target, place.digest), copier.to_folder(LayoutFolder(target), tag)
    except KeyboardInterrupt:
        copier.stop()
        raise


@contextmanager
def _opened(image: str, username: str, password_stdin: bool) -> Iterator[tuple[Places, Settings]]:
    from packhouse.cli.bundle_places import Places, reference_of

    host = "" if image.startswith((".", "/")) else reference_of(image).host
    settings = Settings.from_environment()
    with Places(Logins(given_login(username, password_stdin), host), settings) as places:
        yield places, settings


@contextmanager
def _exits(*, goes_on: bool = False) -> Iterator[None]:
    """Our errors become a line and an exit code. `goes_on`: the work is not lost by an interrupt."""
    try:
        yield
    except (SettingsInvalid, InvalidSpec) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    except PackhouseError as error:
        typer.echo(f"error: {error.message}", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    except KeyboardInterrupt:
        typer.echo("interrupted" + (": started again, it goes on where it was" if goes_on else ""), err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
