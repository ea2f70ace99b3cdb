"""The tree of verbs: every word of the command line with its place and one sentence, and nothing imported.

A verb's module is imported when that verb is called. The sentences are the first lines of the verbs' own docstrings; a
test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Verb:
    """`place`: a module of this folder and what of it is called, as "available:get"."""

    place: str
    help: str


@dataclass(frozen=True, slots=True)
class Noun:
    """`short`: words of a noun inside that are understood here, too, and not shown."""

    help: str
    words: Mapping[str, Verb | Noun]
    short: Mapping[str, Verb | Noun] = field(default_factory=dict)


AVAILABLE: Final = Noun(
    "The packages that can be installed.",
    {
        "list": Verb("available:list_", "List the packages of all repositories."),
        "get": Verb("available:get", "Show the versions of a package, or one version and the values that it takes."),
        "search": Verb("available:search", "Find packages by a word of their names and descriptions."),
        "diff": Verb("available_diff:diff", "Show what differs between two versions: values and rendered objects."),
    },
)

REPOSITORY: Final = Noun(
    "The repositories that packages come from.",
    {
        "list": Verb("repository:list_", "List the repositories."),
        "get": Verb("repository:get", "Show one repository: its source, what it provides, what is wrong with it."),
        "add": Verb("repository_change:add", "Add a repository by the reference of its bundle."),
        "install": Verb("repository_change:install", "Add a repository from a manifest: a file or a URL."),
        "update": Verb("repository_change:update", "Have a repository follow another tag or a range of tags."),
        "kick": Verb("repository_change:kick", "Have the source asked now, and not at the next sync."),
        "delete": Verb("repository_change:delete", "Delete a repository, and with it the packages that it provides."),
    },
)

INSTALLED: Final = Noun(
    "The packages that are installed.",
    {
        "list": Verb("installed:list_", "List what is installed, and which newer versions there are."),
        "get": Verb("installed:get", "Show one install, or write the values that it was given."),
        "status": Verb("installed_status:status", "Say how an install is: conditions, what is waited for, events."),
        "tree": Verb("installed_tree:tree", "Show the objects of an install and whether they are ready."),
        "history": Verb("installed:history", "Show which versions were rolled out, and how that ended."),
        "diff": Verb("installed_diff:diff", "Show what the next reconcile would change in the cluster."),
        "update": Verb("installed_change:update", "Change the version, the values or the rights of an install."),
        "upgrade": Verb("installed_change:upgrade", "Upgrade installs to the newest version that there is for them."),
        "pause": Verb("installed_change:pause", "Leave an install as it is until it is resumed."),
        "resume": Verb("installed_change:resume", "Take up an install that was paused."),
        "kick": Verb("installed_change:kick", "Have an install reconciled now, and not at the next sync."),
        "delete": Verb("installed_change:delete", "Delete an install, its objects, and what was made for it."),
    },
)

VALUES: Final = Noun(
    "The values that a package takes.",
    {
        "explain": Verb("values:explain", "Explain a key of a package's values."),
        "lint": Verb("values:lint", "Check a file of values against a package's schema."),
    },
)

#: What `kubectl package` has, and `packhouse package`.
PACKAGE: Final = Noun(
    "Packages: what there is, what is installed, and how to make them.",
    {
        "available": AVAILABLE,
        "install": Verb("install:install", "Install a package."),
        "installed": INSTALLED,
        "repository": REPOSITORY,
        "values": VALUES,
        "init": Verb("init:init", "Begin a new package: templates, a schema, test values."),
        "template": Verb("template:template", "Render a package from its folder, without a cluster."),
        "lint": Verb("lint:lint", "Say what is wrong with a package, or may be soon."),
        "test": Verb("golden:test", "Compare what a package renders with its golden files."),
        "build": Verb("build:build", "Render and validate a package, and lock its images."),
        "push": Verb("push:push", "Push a package's folder as a bundle."),
        "release": Verb("release:release", "Push a package and a repository that offers its next version."),
        "completion": Verb("completion:completion", "Print what completes these words in a shell."),
    },
)

BUNDLE: Final = Noun(
    "Make, copy and inspect bundles of packages.",
    {
        "push": Verb("bundle:push", "Push a folder as a bundle and print its reference with the digest."),
        "copy": Verb("bundle:copy", "Copy a bundle with every image that it names, nested bundles too."),
        "pull": Verb("bundle:pull", "Put the files of a bundle into a folder, and print its reference."),
        "inspect": Verb("bundle:inspect", "Tell what hangs on a bundle: images, signatures, SBOMs, how large it is."),
    },
)

ROOT: Final = Noun(
    "Packhouse, a package operator for Kubernetes.",
    {
        "package": PACKAGE,
        "bundle": BUNDLE,
        "ytt": Verb("ytt:main", "Render files as ytt templates and print the result."),
        "operator": Verb("operator:operator", "Run the operator until it is told to stop."),
        "renderer": Verb(
            "renderer:renderer", "Render packages for the operator, in workers with limits on time, memory and output."
        ),
        "uninstall": Verb("uninstall:uninstall", "Remove Packhouse and everything that it installed from the cluster."),
    },
    short={word: what for word, what in PACKAGE.words.items() if isinstance(what, Noun) or word == "install"},
)
#: Reads its words itself (`main(words)`), since it is called often and must begin at once.
QUICK: Final = "ytt"
#: What shells ask for words; no help shows it.
COMPLETES: Final = "__complete"
