"""Groups, kinds, labels and annotations: each word of the wire is spelled here and nowhere else."""

from __future__ import annotations

from typing import Final

PACKAGE_GROUP: Final = "package.carvel.dev"
INSTALL_GROUP: Final = "install.package.carvel.dev"
VERSION: Final = "v1alpha1"
PACKAGE_API: Final = f"{PACKAGE_GROUP}/{VERSION}"
INSTALL_API: Final = f"{INSTALL_GROUP}/{VERSION}"

#: The later Carvel generation, accepted inside bundles and converted on the way in.
DATA_PACKAGING_API: Final = "data.packaging.carvel.dev/v1alpha1"

PACKAGE: Final = "Package"
PACKAGE_METADATA: Final = "PackageMetadata"
PACKAGE_REPOSITORY: Final = "PackageRepository"
INSTALLED_PACKAGE: Final = "InstalledPackage"

#: Held by every PackageRepository and InstalledPackage that has something to clean up.
FINALIZER: Final = f"{INSTALL_GROUP}/cleanup"

#: Field managers: one for what an install applies, one for packages, one for status, one for finalizers.
APPLY_MANAGER: Final = "packhouse"
CATALOGUE_MANAGER: Final = "packhouse-catalogue"
STATUS_MANAGER: Final = "packhouse-status"
FINALIZER_MANAGER: Final = "packhouse-finalizer"
#: What the command line writes for whoever calls it.
CLIENT_MANAGER: Final = "packhouse-client"

#: On a Package: the repository that owns it (a label, so that deletion can select by it) and those that
#: offer the same content (a comma list). A Package without the label was made by hand.
REPOSITORY_LABEL: Final = f"{INSTALL_GROUP}/repository"
ALSO_OFFERED_BY: Final = f"{INSTALL_GROUP}/also-offered-by"

#: On each applied object: a short digest to select by, and the readable owner as "namespace/name".
#: Never the install's uid: a restored backup must find its objects again.
OWNER_LABEL: Final = f"{INSTALL_GROUP}/owner"
OWNER_ANNOTATION: Final = f"{INSTALL_GROUP}/installed-by"
#: On a CRD that is being deleted, with a value that changes while it is waited for.
STILL_DELETING: Final = f"{INSTALL_GROUP}/still-deleting"

#: Set by publishers and users.
REVISION: Final = "packaging.carvel.dev/revision"
DOWNGRADABLE: Final = "packaging.carvel.dev/downgradable"

#: Set by users on an install, in kapp-controller's words: Secrets whose keys are further files of the first ytt step
#: (the name itself, or with a suffix behind a dot for several), and that its values are files of that step too.
YTT_PATHS: Final = "ext.packaging.carvel.dev/ytt-paths-from-secret-name"
YTT_VALUES_OVERLAYS: Final = "ext.packaging.carvel.dev/ytt-data-values-overlays"

#: On what the command line made for an install (values, an account and its rights): a label with a digest to select by,
#: and an annotation with the readable install as "namespace/name". What carries both goes when the install is deleted.
MADE_FOR: Final = f"{INSTALL_GROUP}/made-for"
#: On whatever the command line creates: a word of that one call, by which an object is known whose answer was lost.
MADE_IN: Final = f"{INSTALL_GROUP}/made-in"
#: On an install or a repository, with a value that changes: look again, and ask the sources.
KICKED_AT: Final = f"{INSTALL_GROUP}/kicked-at"

#: Reasons of Events that tell, in the operator's namespace, what a deletion left in the cluster.
OBJECTS_LEFT: Final = "ObjectsLeft"
OBJECTS_KEPT: Final = "ObjectsKept"
