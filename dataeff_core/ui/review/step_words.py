"""What the reviewer's component says: plain words alone, no symbols, for clinicians."""

from dataeff_core.review.pinning import DROP_REASONS, KEEP_REASONS

WORDS = {
    "loading": "Opening the removals …",
    "progress": "{done} of {all} looked at",
    "progress_label": "Removals looked at",
    "tally": "{kept} kept after all, {agreed} rightly removed",
    "line": "No. {at} in line, the most doubtful first",
    "saved": "All saved",
    "unsaved": "{n} not saved yet",
    "unsaved_one": "Not saved yet",
    "keep": "Keep it",
    "keep_help": "The removal was wrong: this frame stays",
    "drop": "Rightly removed",
    "drop_help": "Agree with the removal",
    "undo": "Take back",
    "undo_help": "Take your decision on this frame back, or else your last one",
    "next": "Next in line",
    "previous": "The one before in line",
    "open": "Next not looked at",
    "keep_because": "Keep it, because:",
    "drop_because": "Rightly removed, because:",
    "why": "In your own words",
    "why_hint": "Goes with your next decision",
    "side": "Side by side",
    "flicker": "In turns",
    "difference": "Difference",
    "views": "How the two frames are shown",
    "pictures": "The removed frame and the kept one that stands for it; wheel, plus and minus zoom both",
    "zoom": "Zoom",
    "zoom_in": "Larger",
    "zoom_out": "Smaller",
    "zoom_reset": "Whole picture",
    "numbers": "Numbers",
    "small_only": "The original is out of reach: this is its small picture.",
    "no_picture": "Picture not available",
    "no_partner": "No kept frame stands for this one.",
    "partner": "Kept: stands for it",
    "alike": "Kept: most like it",
    "stand_in_gone": "Removed beside a frame that {by} has removed since: no kept frame stands for it any more.",
    "partner_gone": "stood for it, but {by} has removed it since",
    "closer": "nearly kept",
    "further": "clearly removed",
    "decided_keep": "{by} kept it",
    "decided_drop": "{by} agreed with its removal",
    "you_keep": "You kept it",
    "you_drop": "You agreed with its removal",
    "rule_keep": "The rule {by} keeps it",
    "rule_drop": "The rule {by} removes it",
    "wait": "One moment: this frame is not shown yet.",
    "name_first": "Type your name above first; then your decisions can be saved.",
    "not_allowed": "You may look, but not decide here.",
    "nothing_to_undo": "Nothing to take back here: step to a frame that you decided on.",
    "of_another": "{by} decided on this frame. Press K or D to decide otherwise.",
    "taken_back": "Taken back.",
    "all_done": "Every removal has been looked at.",
    "failed": "Not saved: {frame}. {why}",
    "show": "Show it",
    "close": "Close",
    "lost": "The server does not answer. Decisions wait here until it does.",
    "refused": "The server was started anew, or you were signed out. Decisions that wait are kept.",
    "reload": "Reload the page",
    "keys": "K keep · D rightly removed · U take back · arrows step · space shows them in turns · 1 to 8 decide and "
    "say why · T own words · plus and minus zoom · N numbers",
    "keys_title": "Keys",
}


def reasons() -> list[dict[str, str]]:
    """The short list of reasons, each with the digit that decides with it."""
    listed = [("keep", code, text) for code, text in KEEP_REASONS.items()]
    listed += [("drop", code, text) for code, text in DROP_REASONS.items()]
    return [
        {"digit": str(number), "action": action, "code": code, "text": text}
        for number, (action, code, text) in enumerate(listed, 1)
    ]
