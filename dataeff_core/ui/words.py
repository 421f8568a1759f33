"""One name a thing in plain words, one in the papers' symbols, and one sentence that says what it is.

Clinicians read `plain`, researchers `symbol`; the switch in the sidebar says which. Pages name terms, never spell
them out, so that all pages agree.
"""

from dataclasses import dataclass

from dataeff_core.ui import state
from dataeff_core.ui.theme import style_of


@dataclass(frozen=True)
class Term:
    """What a number or control is called."""

    plain: str
    symbol: str
    help: str  # one sentence, for everybody


TERMS: dict[str, Term] = {
    "eta": Term(
        "Too alike", "η (eta)", "Frames more alike than this to a kept frame are removed; further left removes more."
    ),
    "epsilon": Term(
        "Too unusual",
        "ε (epsilon)",
        "Frames further than this from all frames of their kind are removed; further left removes more.",
    ),
    "invalid": Term(
        "Unusable",
        "invalid score",
        "Frames whose picture quality stands out more than this (blur, darkness, glare, no tissue) are removed.",
    ),
    "k": Term("Kinds of view", "K (clusters)", "Into how many kinds of view the frames are sorted before comparing."),
    "keep": Term("Keep exactly", "R (retained)", "The share of all frames to keep; the limit is then found for you."),
    "rule": Term("Which of two alike goes", "rule", "How it is decided which frames of a group of like ones stay."),
    "near": Term("Preferred frame", "keep", "Whether the most typical, the least typical or any frame stays."),
    "seed": Term("Starting number", "seed", "The same starting number gives the same result again."),
    "similarity": Term("How alike", "cosine similarity", "1 is the same picture, 0 has nothing in common."),
    "distance": Term(
        "How unusual", "d to centroid", "How far the frame is from the middle of its kind of view; 0 is typical."
    ),
    "invalid_score": Term(
        "How unusable", "invalid score", "How much the picture quality stands out; 0 is ordinary, 1 stands out most."
    ),
    "insertion_similarity": Term(
        "Alike to a kept frame", "F (insertion similarity)", "The highest likeness to a frame that is kept before it."
    ),
    "representative": Term("Stands for it", "representative", "The kept frame that shows the same view."),
    "retained": Term("Share kept", "R (retained)", "Kept frames out of all frames."),
    "jaccard": Term(
        "Agreement",
        "Jaccard index",
        "Frames that both keep, out of those that at least one keeps; 1 is the same.",
    ),
    "group": Term("Patient or video", "group", "Frames that belong together: one patient, one video, one procedure."),
    "cluster": Term("Kind of view", "cluster", "Frames that show much the same sort of picture."),
    "frame_hardness": Term(
        "How hard to draw",
        "hardness",
        "How badly a masked autoencoder draws the frame's hardest parts; the hardest of all may be noise or glare.",
    ),
    "loss": Term("Remaining error", "loss", "How far the network's answers are from the truth; it should fall."),
    "learning_rate": Term("Step size", "learning rate", "How much the network is changed in a step; up, then down."),
    "gradient_norm": Term(
        "Size of the corrections", "gradient norm", "How strongly the network is pulled; jumps mean trouble."
    ),
    "images_per_second": Term("Images a second", "images/s", "How fast the training goes."),
    "epoch": Term("Passes", "epochs", "One pass shows the network each of its frames once."),
    "images_seen": Term("Images seen", "images seen", "Passes times frames: what a training costs in work."),
    "encoder": Term("How frames are compared", "encoder", "What turns each frame into numbers that can be compared."),
    "miou": Term(
        "Overlap (mIoU)",
        "mIoU",
        "How far what the model marks and what experts marked is the same area, mean of the test images; 1 is all.",
    ),
    "normdel": Term(
        "Overlap for its size (NormDEL)",
        "NormDEL",
        "The overlap weighed with how few frames it took; from 0.5 to 0.731, and easy for a small subset to win.",
    ),
    "del": Term(
        "Discounted overlap (DEL)", "DEL", "The overlap times exp(-alpha R): what NormDEL squeezes into 0.5 to 0.731."
    ),
    "alpha": Term("Worth of a small subset", "α (alpha)", "How much keeping fewer frames counts; 0: not at all."),
    "fg_iou_mean_per_image": Term(
        "Overlap, mean of the images",
        "fg_iou_mean_per_image",
        "IoU of the marked area in each test image, averaged over the images; two empty masks count 1. The paper's.",
    ),
    "fg_iou_pooled": Term(
        "Overlap, all pixels together",
        "fg_iou_pooled",
        "IoU of the marked area over the pixels of all test images at once; large findings weigh more.",
    ),
    "two_class_mean": Term(
        "Overlap, finding and background",
        "two_class_mean",
        "Mean of the finding's and the background's IoU; never low, as most of an image is background.",
    ),
}


def label(name: str, *, plain: bool | None = None) -> str:
    """What the term is called now (or in plain words, or not, as told). An unknown name stands for itself."""
    term = TERMS.get(name)
    if term is None:
        return name.replace("_", " ").capitalize()
    return term.plain if (state.plain_words() if plain is None else plain) else term.symbol


def help_of(name: str) -> str | None:
    """The one sentence on the term, with its other name, so that both kinds of reader learn from each other."""
    term = TERMS.get(name)
    if term is None:
        return None
    other = term.symbol if state.plain_words() else term.plain
    return f"{term.help} ({other})"


def reason(name: str) -> str:
    """A decision's reason in the words of the reader: 'Nearly the same' or 'duplicate'."""
    return style_of(name).plain if state.plain_words() else name
