"""Near-duplicates that k-means sorted into different clusters are brought together. Our addition to MedDEL.

Comparing within clusters misses a pair that a border runs through: about 1 in 15 pairs of planted near-duplicates,
whatever the number of clusters. So each frame's nearest neighbour is looked up in its own and in its second
nearest cluster, frames are tied to their nearest neighbours, and each set of frames tied together goes where its
most central member is. The sets are small (nearest-neighbour ties do not percolate), so clusters hardly change
in size, and no similarity limit plays a part, so limits stay free to move.
"""

import numpy as np

from dataeff_core.reporting import Reporter
from dataeff_core.selection.cover import clusters
from dataeff_core.selection.kmeans import Clustering
from dataeff_core.selection.vectors import blocks, unit_rows

PROBES = 2  # clusters in which a neighbour is looked for
BLOCK = 2048  # frames compared with a cluster at once


def joined_labels(vectors: np.ndarray, clustering: Clustering, reporter: Reporter | None = None) -> np.ndarray:
    """(n, d) vectors and their clusters -> (n,) int32 labels in which nearest neighbours share a cluster.

    Costs about as much as two more times comparing within clusters; one cluster is in memory at a time. A frame's
    distance stays that to its nearest centroid.
    """
    if clustering.k == 1:
        return clustering.labels
    neighbour = nearest_neighbours(vectors, clustering, reporter or Reporter())
    tied = components(neighbour)
    by_centrality = np.lexsort((clustering.distances, tied))  # stable: ties go to the lowest row
    central = by_centrality[np.unique(tied[by_centrality], return_index=True)[1]]
    return clustering.labels[central[tied]]


def nearest_neighbours(vectors: np.ndarray, clustering: Clustering, reporter: Reporter) -> np.ndarray:
    """(n,) int64: the row most similar to each, among the members of its PROBES nearest clusters, itself excepted;
    a frame alone there is its own neighbour."""
    probed = nearest_centroids(vectors, clustering.centroids)
    neighbour = np.arange(len(vectors))
    best = np.full(len(vectors), -np.inf, dtype=np.float32)
    for members in reporter.over(clusters(clustering.labels), "looking across clusters"):
        label = clustering.labels[members[0]]
        inside = unit_rows(vectors[members])
        asking = np.union1d(np.flatnonzero((probed == label).any(axis=1)), members)
        for start in range(0, len(asking), BLOCK):
            part = asking[start : start + BLOCK]
            cosines = unit_rows(vectors[part]) @ inside.T
            own = np.flatnonzero(clustering.labels[part] == label)
            cosines[own, np.searchsorted(members, part[own])] = -np.inf
            found = cosines.argmax(axis=1)
            value = cosines[np.arange(len(part)), found]
            nearer = value > best[part]
            best[part[nearer]], neighbour[part[nearer]] = value[nearer], members[found[nearer]]
    return neighbour


def nearest_centroids(vectors: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """(n, PROBES) int64: the most similar centroids of each vector."""
    import faiss

    index = faiss.IndexFlatIP(centroids.shape[1])
    index.add(centroids)
    return np.concatenate([index.search(unit_rows(vectors[part]), PROBES)[1] for part in blocks(vectors)])


def components(neighbour: np.ndarray) -> np.ndarray:
    """(n,) int64 from 0 up: the set that each row belongs to when every row is tied to its neighbour (n,)."""
    lowest = np.arange(len(neighbour))
    while True:
        lower = np.minimum(lowest, lowest[neighbour])
        np.minimum.at(lower, neighbour, lowest)
        if np.array_equal(lower, lowest):
            return np.unique(lowest, return_inverse=True)[1]
        lowest = lower
