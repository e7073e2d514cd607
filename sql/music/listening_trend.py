"""Smooths the plays of each day."""

import pandas as pd


def process(df: pd.DataFrame) -> pd.DataFrame:
    """Fill in the days without a play, and compare each day with the week up to it."""
    days = df.assign(day=pd.to_datetime(df["day"])).set_index("day")["plays"].astype("int64")
    days = days.asfreq("D", fill_value=0).sort_index()
    week = days.rolling("7D").mean()
    trend = pd.DataFrame({"plays": days, "week": week.round(1), "is_peak": days > 2 * week})
    return trend.rename_axis("day").reset_index()
