"""Vector instructions that numba does not write by itself, as LLVM code for use inside its compiled loops."""

import math
import os
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.extending import intrinsic

ROWS, GROUPS, LANES = 6, 4, 16  # 24 accumulators, 4 columns and a row: 29 of the 32 registers of AVX-512
COLUMNS = GROUPS * LANES
# numba compiles for this processor unless told otherwise.
HAS_INT8_DOT = "NUMBA_CPU_NAME" not in os.environ and bool(binding.get_host_cpu_features().get("avx512vnni"))

_I8, _I16, _I32, _I64, _F64 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.DoubleType()
_BYTES, _SUMS, _REALS = ir.VectorType(_I8, 4 * LANES), ir.VectorType(_I32, LANES), ir.VectorType(_F64, 8)


def _in_compiled_code(generate: Callable[..., Any]) -> Any:
    """Make what a function generates callable from numba's compiled loops, without its first argument."""
    return intrinsic(generate)


def _load(builder: Any, base: Any, offset: Any, kind: Any) -> Any:
    """Load a value of a type from an address (int64) plus an offset in bytes, however aligned."""
    address = builder.inttoptr(builder.add(base, offset), kind.as_pointer())
    return builder.load(address, align=1)


def _spread(builder: Any, word: Any) -> Any:
    """Put a 32-bit word into all lanes."""
    empty = ir.Constant(_SUMS, ir.Undefined)
    return builder.shuffle_vector(
        builder.insert_element(empty, word, ir.Constant(_I32, 0)), empty, ir.Constant(_SUMS, [0] * LANES)
    )


@_in_compiled_code
def dots_at_least(
    typing: Any, rows: Any, stride: Any, columns: Any, steps: Any, limit: Any, shift: Any, out: Any
) -> Any:
    """Compare the integer dot products of ROWS rows and COLUMNS columns with limit[row] + shift[column].

    All arguments are addresses or int64. rows: int8, `stride` bytes apart. columns: uint8 (GROUPS, steps, LANES, 4), a
    step's four values of a column side by side. limit: int32 (ROWS,). shift: int32 (COLUMNS,). out: int16 (ROWS,
    GROUPS), a bit per column, set where the dot product is at least the sum. Sums are exact while they fit into int32.
    Needs HAS_INT8_DOT.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, stride, columns, steps, limit, shift, out = arguments
        dot = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_SUMS, [_SUMS, _BYTES, _BYTES]), "llvm.x86.avx512.vpdpbusd.512"
        )
        zero = ir.Constant(_SUMS, [0] * LANES)
        sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(GROUPS)] for _ in range(ROWS)]
        with cgutils.for_range(builder, steps) as loop:
            step = loop.index
            words = [
                _load(builder, columns, builder.mul(builder.add(step, builder.mul(steps, _I64(g))), _I64(64)), _BYTES)
                for g in range(GROUPS)
            ]
            for r in range(ROWS):
                offset = builder.add(builder.mul(stride, _I64(r)), builder.mul(step, _I64(4)))
                word = builder.bitcast(_spread(builder, _load(builder, rows, offset, _I32)), _BYTES)
                for g in range(GROUPS):
                    builder.store(builder.call(dot, [builder.load(sums[r][g]), words[g], word]), sums[r][g])
        shifts = [_load(builder, shift, _I64(64 * g), _SUMS) for g in range(GROUPS)]
        for r in range(ROWS):
            least = _spread(builder, _load(builder, limit, _I64(4 * r), _I32))
            for g in range(GROUPS):
                hit = builder.icmp_signed(">=", builder.load(sums[r][g]), builder.add(least, shifts[g]))
                address = builder.inttoptr(builder.add(out, _I64(2 * (r * GROUPS + g))), _I16.as_pointer())
                builder.store(builder.bitcast(hit, _I16), address)
        return context.get_dummy_value()

    return types.void(rows, stride, columns, steps, limit, shift, out), generate


@_in_compiled_code
def squared_distance(typing: Any, a: Any, b: Any, steps: Any) -> Any:
    """Sum the squared differences of two float32 vectors of 8 * steps values, given by address.

    Eight float64 sums, one per value modulo 8, added in a fixed tree: the same bits on every machine.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, steps = arguments
        single = ir.VectorType(ir.FloatType(), 8)
        total = cgutils.alloca_once_value(builder, ir.Constant(_REALS, [0.0] * 8))
        with cgutils.for_range(builder, steps) as loop:
            offset = builder.mul(loop.index, _I64(32))
            u, v = (builder.fpext(_load(builder, base, offset, single), _REALS) for base in (a, b))
            difference = builder.fsub(u, v)
            builder.store(builder.fadd(builder.load(total), builder.fmul(difference, difference)), total)
        sums = builder.load(total)
        s = [builder.extract_element(sums, _I32(k)) for k in range(8)]
        add = builder.fadd
        return add(add(add(s[0], s[4]), add(s[2], s[6])), add(add(s[1], s[5]), add(s[3], s[7])))

    return types.float64(a, b, steps), generate


@_in_compiled_code
def lowest_bit(typing: Any, word: Any) -> Any:
    """Return the place of the lowest bit that is set in a uint64, which is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


_SINGLES, _GROUP, _QUAD = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(_I32, LANES), ir.VectorType(_I64, 4)
_BITS = ir.VectorType(ir.IntType(1), LANES)


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    """Put a value into all lanes of a vector."""
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, value, _I32(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_I32, kind.count), [0] * kind.count))


@_in_compiled_code
def cheapest(typing: Any, costs: Any, potentials: Any, groups: Any, bound: Any) -> Any:
    """Return the place of the least of costs - potentials (float32, 16 * groups, by address), -1 if none is < bound.

    Of several that are equally small, one is returned that depends on nothing but the values.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        costs, potentials, groups, bound = arguments
        least = cgutils.alloca_once_value(builder, ir.Constant(_SINGLES, [math.inf] * LANES))
        where = cgutils.alloca_once_value(builder, ir.Constant(_GROUP, [0] * LANES))
        with cgutils.for_range(builder, groups) as loop:
            offset = builder.mul(loop.index, _I64(4 * LANES))
            value = builder.fsub(_load(builder, costs, offset, _SINGLES), _load(builder, potentials, offset, _SINGLES))
            lower = builder.fcmp_ordered("<", value, builder.load(least))
            here = _splat(builder, builder.trunc(loop.index, _I32), _GROUP)
            builder.store(builder.select(lower, value, builder.load(least)), least)
            builder.store(builder.select(lower, here, builder.load(where)), where)
        found = builder.fcmp_ordered("<", builder.load(least), _splat(builder, bound, _SINGLES))
        result = cgutils.alloca_once_value(builder, _I64(-1))
        with builder.if_then(builder.icmp_unsigned("!=", builder.bitcast(found, _I16), _I16(0))):
            values = folded = builder.load(least)
            for width in (8, 4, 2, 1):
                order = ir.Constant(_GROUP, [k ^ width for k in range(LANES)])
                other = builder.shuffle_vector(folded, folded, order)
                folded = builder.select(builder.fcmp_ordered("<", folded, other), folded, other)
            equal = builder.bitcast(builder.fcmp_ordered("==", values, folded), _I16)
            lane = builder.zext(builder.cttz(equal, ir.Constant(ir.IntType(1), 1)), _I32)
            group = builder.extract_element(builder.load(where), lane)
            place = builder.add(builder.mul(group, _I32(LANES)), lane)
            builder.store(builder.zext(place, _I64), result)
        return builder.load(result)

    return types.int64(types.int64, types.int64, types.int64, types.float32), generate


@_in_compiled_code
def below(typing: Any, costs: Any, potentials: Any, bound: Any) -> Any:
    """Return 16 bits, set where costs - potentials (float32, by address) is below the bound."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        costs, potentials, bound = arguments
        value = builder.fsub(_load(builder, costs, _I64(0), _SINGLES), _load(builder, potentials, _I64(0), _SINGLES))
        lower = builder.fcmp_ordered("<", value, _splat(builder, bound, _SINGLES))
        return builder.zext(builder.bitcast(lower, _I16), _I64)

    return types.uint64(types.int64, types.int64, types.float32), generate


@_in_compiled_code
def add_where(typing: Any, values: Any, bits: Any, groups: Any, step: Any) -> Any:
    """Add a step to those of the float32 values (16 * groups) whose bit is set; both are given by address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, bits, groups, step = arguments
        steps = _splat(builder, step, _SINGLES)
        with cgutils.for_range(builder, groups) as loop:
            offset = builder.mul(loop.index, _I64(4 * LANES))
            chosen = builder.bitcast(_load(builder, bits, builder.mul(loop.index, _I64(2)), _I16), _BITS)
            old = _load(builder, values, offset, _SINGLES)
            address = builder.inttoptr(builder.add(values, offset), _SINGLES.as_pointer())
            builder.store(builder.select(chosen, builder.fadd(old, steps), old), address, align=4)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.float32), generate


_COUNTED = 64  # bytes of a row that `add_rows` adds
_ROW, _COUNTS = ir.VectorType(_I8, _COUNTED), ir.VectorType(_I32, _COUNTED)


@_in_compiled_code
def add_rows(typing: Any, rows: Any, chosen: Any, first: Any, last: Any, sums: Any) -> Any:
    """Add rows of 64 uint8 to sums, int32 (64,): those of the numbers chosen[first:last], int32.

    All arguments are addresses or int64; a row begins where the one before ends.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, chosen, first, last, sums = arguments
        total = cgutils.alloca_once(builder, _COUNTS)
        builder.store(_load(builder, sums, _I64(0), _COUNTS), total)
        with cgutils.for_range_slice(builder, first, last, _I64(1)) as (index, _):
            number = builder.sext(_load(builder, chosen, builder.mul(index, _I64(4)), _I32), _I64)
            row = _load(builder, rows, builder.mul(number, _I64(_COUNTED)), _ROW)
            builder.store(builder.add(builder.load(total), builder.zext(row, _COUNTS)), total)
        builder.store(builder.load(total), builder.inttoptr(sums, _COUNTS.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64, types.int64), generate


def _on_sets(combine: Callable[..., dict[int, Any]]) -> Any:
    """Make a function of sets, given by address as bits in 4 * quads words of 64; `combine` returns what is written."""

    def intrinsic_of(typing: Any, first: Any, second: Any, third: Any, quads: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            *sets, quads = arguments
            with cgutils.for_range(builder, quads) as loop:
                offset = builder.mul(loop.index, _I64(32))
                words = [_load(builder, base, offset, _QUAD) for base in sets]
                for k, word in combine(builder, *words).items():
                    builder.store(word, builder.inttoptr(builder.add(sets[k], offset), _QUAD.as_pointer()), align=8)
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64, types.uint64, types.uint64), generate

    return _in_compiled_code(intrinsic_of)


take_away = _on_sets(lambda builder, a, b, _: {0: builder.and_(a, builder.not_(b))})
"""a - b, written to a; the third set is not read."""
unite = _on_sets(lambda builder, a, b, _: {0: builder.or_(a, b)})
"""a + b, written to a."""
exchange = _on_sets(lambda builder, a, b, c: {0: c, 2: builder.and_(b, builder.not_(a))})
"""b - a, written to c, and what c was, written to a."""
copy = _on_sets(lambda builder, a, b, c: {0: c, 1: c})
"""c, written to a and to b."""
