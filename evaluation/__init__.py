"""Evaluation: measures with confidence intervals, baselines, incremental labels, prompt trials, the demo."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.evaluation import attribution as attribution
    from taxonaut.evaluation import audits as audits
    from taxonaut.evaluation import curve_figure as curve_figure
    from taxonaut.evaluation import curves as curves
    from taxonaut.evaluation import demo as demo
    from taxonaut.evaluation import distribution_report as distribution_report
    from taxonaut.evaluation import harness as harness
    from taxonaut.evaluation import incremental as incremental
    from taxonaut.evaluation import item_quality as item_quality
    from taxonaut.evaluation import label_quality as label_quality
    from taxonaut.evaluation import measures as measures
    from taxonaut.evaluation import methods as methods
    from taxonaut.evaluation import quality_files as quality_files
    from taxonaut.evaluation import trials as trials
else:
    __getattr__ = lazy_modules(__name__)
