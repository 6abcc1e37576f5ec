"""The 22 queries as a user of pandas or Dask writes them: one text for every library of that style.

A query takes the tables and returns what is to be computed: a dataframe, in the order that the
benchmark asks for. Where the benchmark compares with an aggregate of the same table, so do they.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

Tables = Any
Frame = Any


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


def first(frame: Frame, n: int) -> Frame:
    """The first rows, still to be computed where the library computes later."""
    if isinstance(frame, pd.DataFrame):
        return frame.head(n)
    return frame.head(n, npartitions=-1, compute=False)


def q1(t: Tables) -> Frame:
    """Pricing summary report."""
    line = t.lineitem
    line = line[line.l_shipdate <= day("1998-09-02")]
    line = line.assign(disc_price=line.l_extendedprice * (1 - line.l_discount))
    line = line.assign(charge=line.disc_price * (1 + line.l_tax))
    sums = line.groupby(["l_returnflag", "l_linestatus"]).agg(
        sum_qty=("l_quantity", "sum"),
        sum_base_price=("l_extendedprice", "sum"),
        sum_disc_price=("disc_price", "sum"),
        sum_charge=("charge", "sum"),
        avg_qty=("l_quantity", "mean"),
        avg_price=("l_extendedprice", "mean"),
        avg_disc=("l_discount", "mean"),
        count_order=("l_quantity", "count"),
    )
    return sums.reset_index().sort_values(["l_returnflag", "l_linestatus"])


def q2(t: Tables) -> Frame:
    """Minimum cost supplier."""
    region = t.region
    part = t.part
    region = region[region.r_name == "EUROPE"]
    part = part[(part.p_size == 15) & part.p_type.str.endswith("BRASS")]
    nation = t.nation.merge(region, left_on="n_regionkey", right_on="r_regionkey")
    supplier = t.supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    offers = part.merge(t.partsupp, left_on="p_partkey", right_on="ps_partkey")
    offers = offers.merge(supplier, left_on="ps_suppkey", right_on="s_suppkey")
    least = offers.groupby("p_partkey").agg(least=("ps_supplycost", "min")).reset_index()
    offers = offers.merge(least, on="p_partkey")
    offers = offers[offers.ps_supplycost == offers.least]
    said = ["s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr"]
    said += ["s_address", "s_phone", "s_comment"]
    by = ["s_acctbal", "n_name", "s_name", "p_partkey"]
    return first(offers[said].sort_values(by, ascending=[False, True, True, True]), 100)


def q3(t: Tables) -> Frame:
    """Shipping priority."""
    customer, orders, line = t.customer, t.orders, t.lineitem
    customer = customer[customer.c_mktsegment == "BUILDING"]
    orders = orders[orders.o_orderdate < day("1995-03-15")]
    line = line[line.l_shipdate > day("1995-03-15")]
    orders = orders.merge(customer, left_on="o_custkey", right_on="c_custkey")
    line = line.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    line = line.assign(revenue=line.l_extendedprice * (1 - line.l_discount))
    sums = line.groupby(["l_orderkey", "o_orderdate", "o_shippriority"]).revenue.sum()
    sums = sums.reset_index().sort_values(["revenue", "o_orderdate"], ascending=[False, True])
    return first(sums[["l_orderkey", "revenue", "o_orderdate", "o_shippriority"]], 10)


def q4(t: Tables) -> Frame:
    """Order priority checking."""
    orders, line = t.orders, t.lineitem
    orders = orders[
        (orders.o_orderdate >= day("1993-07-01")) & (orders.o_orderdate < day("1993-10-01"))
    ]
    late = line[line.l_commitdate < line.l_receiptdate][["l_orderkey"]].drop_duplicates()
    orders = orders.merge(late, left_on="o_orderkey", right_on="l_orderkey")
    counts = orders.groupby("o_orderpriority").agg(order_count=("o_orderkey", "count"))
    return counts.reset_index().sort_values("o_orderpriority")


def q5(t: Tables) -> Frame:
    """Local supplier volume."""
    region, orders = t.region, t.orders
    region = region[region.r_name == "ASIA"]
    orders = orders[
        (orders.o_orderdate >= day("1994-01-01")) & (orders.o_orderdate < day("1995-01-01"))
    ]
    nation = t.nation.merge(region, left_on="n_regionkey", right_on="r_regionkey")
    customer = t.customer.merge(nation, left_on="c_nationkey", right_on="n_nationkey")
    orders = orders.merge(customer, left_on="o_custkey", right_on="c_custkey")
    line = t.lineitem.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    line = line.merge(
        t.supplier,
        left_on=["l_suppkey", "c_nationkey"],
        right_on=["s_suppkey", "s_nationkey"],
    )
    line = line.assign(revenue=line.l_extendedprice * (1 - line.l_discount))
    sums = line.groupby("n_name").revenue.sum().reset_index()
    return sums.sort_values("revenue", ascending=False)


def q6(t: Tables) -> Frame:
    """Forecasting revenue change."""
    line = t.lineitem
    line = line[
        (line.l_shipdate >= day("1994-01-01"))
        & (line.l_shipdate < day("1995-01-01"))
        & line.l_discount.between(0.05, 0.07)
        & (line.l_quantity < 24)
    ]
    return (line.l_extendedprice * line.l_discount).sum()


def q7(t: Tables) -> Frame:
    """Volume shipping."""
    line, nation = t.lineitem, t.nation
    both = ["FRANCE", "GERMANY"]
    nation = nation[nation.n_name.isin(both)][["n_nationkey", "n_name"]]
    line = line[(line.l_shipdate >= day("1995-01-01")) & (line.l_shipdate <= day("1996-12-31"))]
    supplier = t.supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    supplier = supplier.rename(columns={"n_name": "supp_nation"})[["s_suppkey", "supp_nation"]]
    customer = t.customer.merge(nation, left_on="c_nationkey", right_on="n_nationkey")
    customer = customer.rename(columns={"n_name": "cust_nation"})[["c_custkey", "cust_nation"]]
    orders = t.orders.merge(customer, left_on="o_custkey", right_on="c_custkey")
    line = line.merge(supplier, left_on="l_suppkey", right_on="s_suppkey")
    line = line.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    line = line[line.supp_nation != line.cust_nation]
    line = line.assign(
        l_year=line.l_shipdate.dt.year, volume=line.l_extendedprice * (1 - line.l_discount)
    )
    by = ["supp_nation", "cust_nation", "l_year"]
    sums = line.groupby(by).agg(revenue=("volume", "sum"))
    return sums.reset_index().sort_values(by)


def q8(t: Tables) -> Frame:
    """National market share."""
    region, orders, part = t.region, t.orders, t.part
    region = region[region.r_name == "AMERICA"]
    part = part[part.p_type == "ECONOMY ANODIZED STEEL"]
    orders = orders[
        (orders.o_orderdate >= day("1995-01-01")) & (orders.o_orderdate <= day("1996-12-31"))
    ]
    nation = t.nation.merge(region, left_on="n_regionkey", right_on="r_regionkey")
    customer = t.customer.merge(
        nation[["n_nationkey"]], left_on="c_nationkey", right_on="n_nationkey"
    )
    line = t.lineitem.merge(part, left_on="l_partkey", right_on="p_partkey")
    line = line.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    line = line.merge(customer[["c_custkey"]], left_on="o_custkey", right_on="c_custkey")
    line = line.merge(t.supplier, left_on="l_suppkey", right_on="s_suppkey")
    line = line.merge(
        t.nation[["n_nationkey", "n_name"]], left_on="s_nationkey", right_on="n_nationkey"
    )
    line = line.assign(
        o_year=line.o_orderdate.dt.year, volume=line.l_extendedprice * (1 - line.l_discount)
    )
    line = line.assign(of_nation=line.volume.where(line.n_name == "BRAZIL", 0.0))
    sums = line.groupby("o_year")[["of_nation", "volume"]].sum().reset_index()
    sums = sums.assign(mkt_share=sums.of_nation / sums.volume)
    return sums[["o_year", "mkt_share"]].sort_values("o_year")


def q9(t: Tables) -> Frame:
    """Product type profit measure."""
    part = t.part
    part = part[part.p_name.str.contains("green")]
    line = t.lineitem.merge(part[["p_partkey"]], left_on="l_partkey", right_on="p_partkey")
    supplier = t.supplier.merge(t.nation, left_on="s_nationkey", right_on="n_nationkey")
    line = line.merge(supplier, left_on="l_suppkey", right_on="s_suppkey")
    line = line.merge(
        t.partsupp, left_on=["l_suppkey", "l_partkey"], right_on=["ps_suppkey", "ps_partkey"]
    )
    line = line.merge(t.orders, left_on="l_orderkey", right_on="o_orderkey")
    line = line.assign(
        o_year=line.o_orderdate.dt.year,
        amount=line.l_extendedprice * (1 - line.l_discount) - line.ps_supplycost * line.l_quantity,
    )
    sums = line.groupby(["n_name", "o_year"]).agg(sum_profit=("amount", "sum")).reset_index()
    sums = sums.rename(columns={"n_name": "nation"})
    return sums.sort_values(["nation", "o_year"], ascending=[True, False])


def q10(t: Tables) -> Frame:
    """Returned item reporting."""
    orders, line = t.orders, t.lineitem
    orders = orders[
        (orders.o_orderdate >= day("1993-10-01")) & (orders.o_orderdate < day("1994-01-01"))
    ]
    line = line[line.l_returnflag == "R"]
    orders = orders.merge(t.customer, left_on="o_custkey", right_on="c_custkey")
    orders = orders.merge(t.nation, left_on="c_nationkey", right_on="n_nationkey")
    line = line.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    line = line.assign(revenue=line.l_extendedprice * (1 - line.l_discount))
    by = ["c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment"]
    sums = line.groupby(by).revenue.sum().reset_index()
    sums = sums.sort_values("revenue", ascending=False)
    said = ["c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone"]
    return first(sums[[*said, "c_comment"]], 20)


def q11(t: Tables) -> Frame:
    """Important stock identification."""
    nation = t.nation
    nation = nation[nation.n_name == "GERMANY"]
    supplier = t.supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    stock = t.partsupp.merge(supplier, left_on="ps_suppkey", right_on="s_suppkey")
    stock = stock.assign(value=stock.ps_supplycost * stock.ps_availqty)
    sums = stock.groupby("ps_partkey").value.sum().reset_index()
    sums = sums[sums.value > stock.value.sum() * (0.0001 / t.scale)]
    return sums.sort_values("value", ascending=False)


def q12(t: Tables) -> Frame:
    """Shipping modes and order priority."""
    line = t.lineitem
    line = line[
        line.l_shipmode.isin(["MAIL", "SHIP"])
        & (line.l_commitdate < line.l_receiptdate)
        & (line.l_shipdate < line.l_commitdate)
        & (line.l_receiptdate >= day("1994-01-01"))
        & (line.l_receiptdate < day("1995-01-01"))
    ]
    line = line.merge(t.orders, left_on="l_orderkey", right_on="o_orderkey")
    is_high = line.o_orderpriority.isin(["1-URGENT", "2-HIGH"])
    line = line.assign(
        high_line_count=is_high.astype("int64"), low_line_count=(~is_high).astype("int64")
    )
    sums = line.groupby("l_shipmode")[["high_line_count", "low_line_count"]].sum()
    return sums.reset_index().sort_values("l_shipmode")


def q13(t: Tables) -> Frame:
    """Customer distribution."""
    orders = t.orders
    orders = orders[~orders.o_comment.str.contains("special.*requests")]
    both = t.customer.merge(orders, left_on="c_custkey", right_on="o_custkey", how="left")
    counts = both.groupby("c_custkey").agg(c_count=("o_orderkey", "count")).reset_index()
    dist = counts.groupby("c_count").agg(custdist=("c_custkey", "count")).reset_index()
    return dist.sort_values(["custdist", "c_count"], ascending=[False, False])


def q14(t: Tables) -> Frame:
    """Promotion effect."""
    line = t.lineitem
    line = line[(line.l_shipdate >= day("1995-09-01")) & (line.l_shipdate < day("1995-10-01"))]
    line = line.merge(t.part, left_on="l_partkey", right_on="p_partkey")
    line = line.assign(revenue=line.l_extendedprice * (1 - line.l_discount))
    promo = line[line.p_type.str.startswith("PROMO")]
    return 100.0 * promo.revenue.sum() / line.revenue.sum()


def q15(t: Tables) -> Frame:
    """Top supplier."""
    line = t.lineitem
    line = line[(line.l_shipdate >= day("1996-01-01")) & (line.l_shipdate < day("1996-04-01"))]
    line = line.assign(total_revenue=line.l_extendedprice * (1 - line.l_discount))
    sums = line.groupby("l_suppkey").total_revenue.sum().reset_index()
    best = sums[sums.total_revenue == sums.total_revenue.max()]
    best = t.supplier.merge(best, left_on="s_suppkey", right_on="l_suppkey")
    said = ["s_suppkey", "s_name", "s_address", "s_phone", "total_revenue"]
    return best[said].sort_values("s_suppkey")


def q16(t: Tables) -> Frame:
    """Parts/supplier relationship."""
    part, supplier = t.part, t.supplier
    part = part[
        (part.p_brand != "Brand#45")
        & ~part.p_type.str.startswith("MEDIUM POLISHED")
        & part.p_size.isin([49, 14, 23, 45, 19, 3, 36, 9])
    ]
    bad = supplier[supplier.s_comment.str.contains("Customer.*Complaints")][["s_suppkey"]]
    stock = t.partsupp.merge(part, left_on="ps_partkey", right_on="p_partkey")
    stock = stock.merge(bad, left_on="ps_suppkey", right_on="s_suppkey", how="left")
    stock = stock[stock.s_suppkey.isna()]
    by = ["p_brand", "p_type", "p_size"]
    counts = stock.groupby(by).ps_suppkey.nunique().reset_index()
    counts = counts.rename(columns={"ps_suppkey": "supplier_cnt"})
    order = [False, True, True, True]
    return counts[[*by, "supplier_cnt"]].sort_values(["supplier_cnt", *by], ascending=order)


def q17(t: Tables) -> Frame:
    """Small-quantity-order revenue."""
    part = t.part
    part = part[(part.p_brand == "Brand#23") & (part.p_container == "MED BOX")]
    line = t.lineitem.merge(part, left_on="l_partkey", right_on="p_partkey")
    means = line.groupby("p_partkey").agg(mean=("l_quantity", "mean")).reset_index()
    line = line.merge(means, on="p_partkey")
    line = line[line.l_quantity < 0.2 * line["mean"]]
    return line.l_extendedprice.sum() / 7.0


def q18(t: Tables) -> Frame:
    """Large volume customer."""
    sums = t.lineitem.groupby("l_orderkey").agg(sum_qty=("l_quantity", "sum")).reset_index()
    sums = sums[sums.sum_qty > 300]
    orders = t.orders.merge(sums, left_on="o_orderkey", right_on="l_orderkey")
    orders = orders.merge(t.customer, left_on="o_custkey", right_on="c_custkey")
    said = ["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice", "sum_qty"]
    orders = orders[said].sort_values(["o_totalprice", "o_orderdate"], ascending=[False, True])
    return first(orders, 100)


def q19(t: Tables) -> Frame:
    """Discounted revenue."""
    line = t.lineitem
    line = line[
        line.l_shipmode.isin(["AIR", "AIR REG"]) & (line.l_shipinstruct == "DELIVER IN PERSON")
    ]
    line = line.merge(t.part, left_on="l_partkey", right_on="p_partkey")

    def of(brand: str, size: str, kinds: list[str], least: int, largest: int) -> Any:
        return (
            (line.p_brand == brand)
            & line.p_container.isin([f"{size} {kind}" for kind in kinds])
            & line.l_quantity.between(least, least + 10)
            & line.p_size.between(1, largest)
        )

    line = line[
        of("Brand#12", "SM", ["CASE", "BOX", "PACK", "PKG"], 1, 5)
        | of("Brand#23", "MED", ["BAG", "BOX", "PKG", "PACK"], 10, 10)
        | of("Brand#34", "LG", ["CASE", "BOX", "PACK", "PKG"], 20, 15)
    ]
    return (line.l_extendedprice * (1 - line.l_discount)).sum()


def q20(t: Tables) -> Frame:
    """Potential part promotion."""
    part, line, nation = t.part, t.lineitem, t.nation
    part = part[part.p_name.str.startswith("forest")][["p_partkey"]]
    line = line[(line.l_shipdate >= day("1994-01-01")) & (line.l_shipdate < day("1995-01-01"))]
    nation = nation[nation.n_name == "CANADA"]
    stock = t.partsupp.merge(part, left_on="ps_partkey", right_on="p_partkey")
    shipped = line.groupby(["l_partkey", "l_suppkey"]).agg(shipped=("l_quantity", "sum"))
    stock = stock.merge(
        shipped.reset_index(),
        left_on=["ps_partkey", "ps_suppkey"],
        right_on=["l_partkey", "l_suppkey"],
    )
    stock = stock[stock.ps_availqty > 0.5 * stock.shipped][["ps_suppkey"]].drop_duplicates()
    supplier = t.supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    supplier = supplier.merge(stock, left_on="s_suppkey", right_on="ps_suppkey")
    return supplier[["s_name", "s_address"]].sort_values("s_name")


def q21(t: Tables) -> Frame:
    """Suppliers who kept orders waiting."""
    line, orders, nation = t.lineitem, t.orders, t.nation
    nation = nation[nation.n_name == "SAUDI ARABIA"]
    orders = orders[orders.o_orderstatus == "F"]
    supplier = t.supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    late = line[line.l_receiptdate > line.l_commitdate]
    of_all = line.groupby("l_orderkey").l_suppkey.nunique().reset_index()
    of_all = of_all.rename(columns={"l_suppkey": "n_supp"})
    of_late = late.groupby("l_orderkey").l_suppkey.nunique().reset_index()
    of_late = of_late.rename(columns={"l_suppkey": "n_late"})
    late = late.merge(supplier, left_on="l_suppkey", right_on="s_suppkey")
    late = late.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    late = late.merge(of_all, on="l_orderkey").merge(of_late, on="l_orderkey")
    late = late[(late.n_supp > 1) & (late.n_late == 1)]
    counts = late.groupby("s_name").agg(numwait=("l_orderkey", "count")).reset_index()
    return first(counts.sort_values(["numwait", "s_name"], ascending=[False, True]), 100)


def q22(t: Tables) -> Frame:
    """Global sales opportunity."""
    customer = t.customer
    customer = customer.assign(cntrycode=customer.c_phone.str.slice(0, 2))
    codes = ["13", "31", "23", "29", "30", "18", "17"]
    customer = customer[customer.cntrycode.isin(codes)]
    mean = customer[customer.c_acctbal > 0.0].c_acctbal.mean()
    customer = customer[customer.c_acctbal > mean]
    customer = customer.merge(
        t.orders[["o_custkey"]].drop_duplicates(),
        left_on="c_custkey",
        right_on="o_custkey",
        how="left",
    )
    customer = customer[customer.o_custkey.isna()]
    sums = customer.groupby("cntrycode").agg(
        numcust=("c_custkey", "count"), totacctbal=("c_acctbal", "sum")
    )
    return sums.reset_index().sort_values("cntrycode")


QUERIES = {
    "q1": q1,
    "q2": q2,
    "q3": q3,
    "q4": q4,
    "q5": q5,
    "q6": q6,
    "q7": q7,
    "q8": q8,
    "q9": q9,
    "q10": q10,
    "q11": q11,
    "q12": q12,
    "q13": q13,
    "q14": q14,
    "q15": q15,
    "q16": q16,
    "q17": q17,
    "q18": q18,
    "q19": q19,
    "q20": q20,
    "q21": q21,
    "q22": q22,
}
